/*
 * reader.h - a cursor over a wasm file, and the functions that refuse it; private to file.c
 * (sections, boundaries) and code.c (instructions).
 *
 * A cursor never passes its end: missing bytes read as zeros and set `bad`, which is checked once a
 * section. Counts are checked against the remaining bytes before anything is allocated.
 */
#ifndef STUBMAP_WASM_READER_H
#define STUBMAP_WASM_READER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "wasm/file.h"

struct reader {
	struct wasm_file *file;
	const uint8_t *start, *at, *end; /* end: the section's, inside of one */
	const uint8_t *file_end;
	const char *name;
	char *error;
	uint64_t passed; /* values that calls and blocks took and left so far */
	bool bad;	 /* bytes were missing */
	bool odd;	 /* a name that can't be taken */
};

/* Writes one line that names the module. Returns -EINVAL. */
int __attribute__((format(printf, 2, 3))) wasm_refuse(struct reader *, const char *fmt, ...);
/* wasm_refuse for a module that may be valid: names the part that can't be taken (who), the
 * proposal or the limit that it needs (what), and the place of the list of features. */
int wasm_refuse_feature(struct reader *, const char *who, const char *what);

/* The sections that code.c reads, after types, functions and exports. 0, -EINVAL. */
int wasm_code_globals(struct reader *);
int wasm_code_elements(struct reader *);
int wasm_code_bodies(struct reader *);
int wasm_code_data(struct reader *);

#define WASM_TYPED_REFERENCES "typed function references"
/* The proposal that a value's type belongs to; NULL: it can be taken,
 * at least inside the module. */
const char *wasm_type_feature(uint8_t type);
/* 0 if a stub can pass these parameters and results; else -EINVAL, with the reason. */
int wasm_check_signature(struct reader *, const char *who, const struct wasm_type *);

/* Call both after all sections: a stub must be able to pass all that crosses a boundary; and no
 * function may have types of a proposal, even if its instructions did not show it. */
int wasm_check_boundaries(struct reader *);
int wasm_check_types(struct reader *);

enum { WASM_WHO = 120 };
/* Writes "function 3 (main.run)": the name is an export's or the name section's, or is missing. */
const char *wasm_function_name(const struct reader *, uint32_t function, char out[WASM_WHO]);

/* ---- Numbers and names ----------------------------------------------------------------------- */

static inline uint8_t wasm_byte(struct reader *r)
{
	if (r->at < r->end)
		return *r->at++;
	r->bad = true;
	return 0;
}

static inline void wasm_skip(struct reader *r, size_t n)
{
	if (n > (size_t)(r->end - r->at)) {
		r->bad = true;
		n = (size_t)(r->end - r->at);
	}
	r->at += n;
}

/* An unsigned LEB128 of at most 32 bits. */
static inline uint32_t wasm_number(struct reader *r)
{
	uint32_t v = 0;

	for (unsigned shift = 0; shift < 35; shift += 7) {
		uint8_t b = wasm_byte(r);

		v |= (uint32_t)(b & 127) << (shift < 32 ? shift : 0);
		if (!(b & 128))
			return v;
	}
	r->bad = true;
	return 0;
}

/* Skips a LEB128 of at most 64 bits. */
static inline void wasm_leb(struct reader *r)
{
	for (unsigned i = 0; i < 10; i++)
		if (!(wasm_byte(r) & 128))
			return;
	r->bad = true;
}

/* Reads a count of things that take at least so many bytes each. */
static inline uint32_t wasm_count_of(struct reader *r, unsigned bytes)
{
	uint32_t n = wasm_number(r);

	if (n <= (size_t)(r->end - r->at) / bytes)
		return n;
	r->bad = true;
	return 0;
}

static inline uint32_t wasm_count(struct reader *r)
{
	return wasm_count_of(r, 1);
}

#endif
