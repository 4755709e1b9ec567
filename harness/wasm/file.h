/*
 * file.h - what a wasm module's file says of its boundaries: the functions that it imports and
 * exports, with their signatures, and the size of its memory and tables. Code and data are only
 * looked over; everything that wasm2c or stubmap can't take is refused here, by name.
 */
#ifndef STUBMAP_WASM_FILE_H
#define STUBMAP_WASM_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stubmap/stub.h>

enum { WASM_FILE_ERROR = 240 };
/* Bounds: of a file (bytes), of a memory (pages of 64 KiB), of a table (entries). */
enum { WASM_MAX_FILE = 64 << 20, WASM_MAX_PAGES = 16384, WASM_MAX_TABLE = 1 << 20 };
enum { WASM_TABLES = 16 }; /* of functions */

struct wasm_type {
	stub_signature signature;
	uint32_t nparams, nresults;
	bool fits; /* a stub can be made for it: numbers, STUB_MAX_PARAMS and one result at most */
	const char *other;   /* one of its types that is no number, or NULL */
	const char *feature; /* the proposal of one that can't be taken at all, or NULL */
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
	uint32_t nfunctions;	   /* the imported ones too */
	uint32_t pages;		   /* of its memory at the start */
	uint32_t ntables, entries; /* entries of all tables at the start */
	bool starts;		   /* it has a start function */
	/* private */
	uint32_t *function_types, nfunction_types, nfunction_imports, nfunction_tables, ntags;
};

/* The whole of folder/name with a zero behind it, or NULL with errno; free. */
uint8_t *wasm_file_read(const char *folder, const char *name, size_t *size);
/*
 * name is for messages. 0; -EINVAL with one line in error that names the module and says where:
 * not wasm, cut off, an unknown section; what can't be taken, by its proposal's name, and which
 * function, element, import or export has it (the list is in workloads/wasm/README.md); or -ENOMEM.
 * wasm_file_close in any case.
 */
int wasm_file_parse(struct wasm_file *, const char *name, const uint8_t *bytes, size_t size,
		    char error[WASM_FILE_ERROR]);
void wasm_file_close(struct wasm_file *);

#endif
