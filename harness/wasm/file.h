/*
 * file.h - the boundaries that a wasm module's file describes: imported and exported functions with
 * their signatures, and the size of its memory and tables. Code and data are only checked; every
 * feature that wasm2c or stubmap can't take is refused here, by name.
 */
#ifndef STUBMAP_WASM_FILE_H
#define STUBMAP_WASM_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stubmap/stub.h>

enum { WASM_FILE_ERROR = 240 };
/* Upper bounds of a file (bytes), a memory (pages of 64 KiB), all tables together (entries). */
enum { WASM_MAX_FILE = 64 << 20, WASM_MAX_PAGES = 16384, WASM_MAX_TABLE = 1 << 20 };
enum { WASM_TABLES = 16 }; /* of whatever type */
/* Of a function, its parameters included, as in V8. All functions together may have
 * as many and one more for each byte of the file. */
enum { WASM_MAX_LOCALS = 50000 };
/* Values that all calls and blocks take and leave; and one more for each byte of the file. */
enum { WASM_MAX_PASSED = 50000 };

struct wasm_type {
	stub_signature signature;
	uint32_t nparams, nresults;
	bool fits; /* a stub can be made for it: numbers, STUB_MAX_PARAMS and one result at most */
	const char *other;   /* one of its types that is not a number, or NULL */
	const char *feature; /* the proposal of a type that can't be taken, or NULL */
};

struct wasm_import_entry {
	char *module, *name;
	uint32_t type;
};

struct wasm_export_entry {
	char *name;
	uint32_t type, function;
};

struct wasm_file {
	struct wasm_type *types;
	uint32_t ntypes;
	struct wasm_import_entry *imports; /* functions, each pair of names once */
	uint32_t nimports;
	struct wasm_export_entry *exports; /* functions alone */
	uint32_t nexports;
	uint32_t nfunctions;	   /* imported ones included */
	uint32_t pages;		   /* of memory at the start */
	uint32_t ntables, entries; /* entries of all tables at the start */
	bool starts;		   /* it has a start function */
	/* private */
	uint32_t *function_types, nfunction_types, nfunction_imports, ntags;
};

/* The whole of folder/name with a zero byte behind it, or NULL with errno; the caller frees it. */
uint8_t *wasm_file_read(const char *folder, const char *name, size_t *size);
/*
 * name is for messages. 0; -EINVAL with one line in error that names the module and the place: it
 * is not wasm, is cut off, has an unknown section, or has a feature that can't be taken: then the
 * line names the proposal and the function, element, import or export (the list is in
 * workloads/wasm/README.md); or -ENOMEM. Call wasm_file_close in any case.
 */
int wasm_file_parse(struct wasm_file *, const char *name, const uint8_t *bytes, size_t size,
		    char error[WASM_FILE_ERROR]);
void wasm_file_close(struct wasm_file *);

#endif
