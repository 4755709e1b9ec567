/*
 * reader.h - a cursor over a wasm file, and how it is refused; private to file.c
 * (sections, boundaries) and code.c (what is inside).
 *
 * A cursor never passes its end: what is cut off reads as zeros and sets `bad`, which is looked at
 * once a section. Counts are held against the bytes that are left before anything is allocated.
 */
#ifndef STUBMAP_WASM_READER_H
#define STUBMAP_WASM_READER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "wasm/file.h"

struct reader {
	struct wasm_file *file;
	const uint8_t *start, *at, *end; /* end: of the section, once in one */
	const uint8_t *file_end;
	const char *name;
	char *error;
	bool bad; /* something was cut off */
	bool odd; /* a name that can't be taken */
};

/* One line that names the module. -EINVAL. */
int __attribute__((format(printf, 2, 3))) wasm_refuse(struct reader *, const char *fmt, ...);
/* The same of a module that may be in order: who has what (a proposal's name, or a limit) that
 * can't be taken, and where the list of what can be taken stands. */
int wasm_refuse_feature(struct reader *, const char *who, const char *what);

/* Sections of code.c, types, functions and exports known. 0, -EINVAL. */
int wasm_code_globals(struct reader *);
int wasm_code_elements(struct reader *);
int wasm_code_bodies(struct reader *);
int wasm_code_data(struct reader *);

#define WASM_TYPED_REFERENCES "typed function references"
/* The proposal that a value's type is of; NULL: it can be taken, inside the module at least. */
const char *wasm_type_feature(uint8_t type);
/* 0 where a stub can pass these parameters and results; else -EINVAL, with what it can't. */
int wasm_check_signature(struct reader *, const char *who, const struct wasm_type *);

/* When all sections are read: what crosses the boundary must be something that a stub can pass; and
 * what no instruction gave away, types of proposals on functions that only pass such values on. */
int wasm_check_boundaries(struct reader *);
int wasm_check_types(struct reader *);

enum { WASM_WHO = 120 };
/* "function 3 (main.run)": as an export or the name section has it, or by its number alone. */
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

/* Any LEB128 of at most 64 bits, its value not wanted. */
static inline void wasm_leb(struct reader *r)
{
	for (unsigned i = 0; i < 10; i++)
		if (!(wasm_byte(r) & 128))
			return;
	r->bad = true;
}

/* A count of things that take at least one byte each. */
static inline uint32_t wasm_count(struct reader *r)
{
	uint32_t n = wasm_number(r);

	if (n <= (size_t)(r->end - r->at))
		return n;
	r->bad = true;
	return 0;
}

#endif
