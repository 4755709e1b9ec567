/*
 * llvm.c - LLVM's .llvm_stackmaps, version 3, and the statepoints in it (x86-64).
 *
 *      u8 version, u8, u16, u32 nfunctions, u32 nconstants, u32 nrecords
 *      functions  u64 address, u64 stack size, u64 records
 *      constants  u64
 *      records    u64 id, u32 offset in the function, u16, u16 nlocations
 *                 locations: u8 kind, u8, u16 size, u16 register, u16, i32 offset
 *                 to 8 bytes: u16, u16 nliveouts, liveouts of 4 bytes, to 8 bytes
 *
 * A statepoint's locations: three constants (the last is the number of deoptimisation values),
 * those values, then pairs of base and derived pointer, then allocas with references (Direct).
 * Constants among the pairs are null or undefined pointers. A linker joins the tables of several
 * objects. The stack size is the distance from SP to the return address, so rbp = SP + size - 8; it
 * is -1 for a frame that grows while it runs.
 *
 * Records that are not statepoints (patchpoints, llvm.experimental.stackmap) are left out and
 * counted in the note; such a record can't be told apart if it starts with three fitting constants.
 */
#include "corpora/import.h"
#include "corpora/importers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 16, FUNCTION = 24, LOCATION = 12, RECORD = 16, RBP = 6, RSP = 7 };
enum { IN_REGISTER = 1, DIRECT, INDIRECT, CONSTANT, CONSTANT_INDEX };

struct stackmap {
	const struct image *img; /* for messages and the text's range */
	const uint8_t *p;
	size_t len, at;
	uint32_t *places;
	int strict; /* refuse what can't be described relative to SP, else leave it out */
	uint64_t left_out, dynamic, statepoints;
};

static int stackmap_error(const struct stackmap *m, size_t at, const char *what)
{
	return image_error(m->img, ".llvm_stackmaps", at, "%s", what);
}

/* The place of one location; *none is set for a constant. -ENOTSUP: relative to rbp, and the
 * distance from SP changes while the function runs. */
static int read_place(const struct stackmap *m, size_t at, uint64_t stack, uint32_t *place,
		      int *none)
{
	const uint8_t *l = m->p + at;
	uint32_t reg = image_u16(l + 4);
	int64_t offset = (int32_t)image_u32(l + 8);

	*none = l[0] == CONSTANT || l[0] == CONSTANT_INDEX;
	if (*none)
		return 0;
	if (l[0] == IN_REGISTER) {
		*place = MAP_REGISTER + reg;
		return reg < 32 ? 0 : stackmap_error(m, at, "a register above 31");
	}
	if (l[0] != DIRECT && l[0] != INDIRECT)
		return stackmap_error(m, at, "a location of unknown kind; known: 1 to 5");
	if (reg == RBP) {
		if (stack > INT32_MAX)
			return -ENOTSUP;
		offset += (int64_t)stack - 8;
	} else if (reg != RSP) {
		return stackmap_error(m, at, "a slot relative to neither rsp (7) nor rbp (6)");
	}
	if (offset < 0 || offset % 4 || offset > INT32_MAX)
		return stackmap_error(m, at, "a slot below SP or between two words");
	*place = (uint32_t)offset / 4;
	return 0;
}

/* 0, also for a record that is not a statepoint. at: the offset of its first location. */
static int read_statepoint(struct stackmap *m, size_t at, uint32_t n, uint64_t stack, uint64_t pc,
			   struct corpus_builder *b)
{
	const uint8_t *l = m->p + at;
	uint32_t nplaces = 0, i = 3;

	if (n < 3 || l[0] != CONSTANT || l[LOCATION] != CONSTANT || l[2 * LOCATION] != CONSTANT ||
	    image_u32(l + 2 * LOCATION + 8) > n - 3) {
		m->left_out++;
		return 0;
	}
	if (pc > m->img->text_size)
		return stackmap_error(m, at - RECORD, "a return address outside the text");
	i += image_u32(l + 2 * LOCATION + 8);
	while (i < n) {
		/* If the base is null or undefined, its derived pointer is no reference either. */
		int pair = l[i * LOCATION] != DIRECT, none, base = 1;
		if (pair && i + 1 == n)
			return stackmap_error(m, at + i * LOCATION,
					      "a base without its derived pointer");
		for (uint32_t end = i + 1 + (uint32_t)pair; i < end; i++) {
			int r = read_place(m, at + i * LOCATION, stack, &m->places[nplaces], &none);
			if (r == -ENOTSUP && !m->strict) {
				m->dynamic++;
				return 0;
			}
			if (r == -ENOTSUP)
				return stackmap_error(m, at + (i * (size_t)LOCATION),
						      "relative to rbp in a frame that grows");
			if (r)
				return r;
			base = i + 1 == end ? base : !none;
			nplaces += !none && base;
		}
	}
	m->statepoints++;
	return corpus_add(b, (uint32_t)pc, stack > INT32_MAX ? 0 : (uint32_t)stack, m->places,
			  nplaces);
}

/* One record, whose function starts at `function` (an offset in the text). */
static int read_record(struct stackmap *m, uint64_t function, uint64_t stack,
		       struct corpus_builder *b)
{
	size_t start = m->at;

	if (m->len - start < RECORD)
		return stackmap_error(m, start, "a record is cut short");
	uint64_t pc = function + image_u32(m->p + start + 8);
	uint32_t n = image_u16(m->p + start + 14);
	if ((m->len - start - RECORD) / LOCATION < n)
		return stackmap_error(m, start, "locations are cut short");
	m->at += RECORD + (size_t)n * LOCATION;
	m->at = (m->at + 7) & ~(size_t)7;
	if (m->at > m->len || m->len - m->at < 4)
		return stackmap_error(m, start, "live-outs are cut short");
	size_t liveouts = image_u16(m->p + m->at + 2);
	m->at = (m->at + 4 + 4 * liveouts + 7) & ~(size_t)7;
	if (m->at > m->len)
		return stackmap_error(m, start, "live-outs are cut short");
	return read_statepoint(m, start + RECORD, n, stack, pc, b);
}

/* One object's table; functions go into fb. */
static int read_table(struct stackmap *m, struct corpus_builder *b)
{
	size_t start = m->at;

	if (m->len - start < HEADER)
		return stackmap_error(m, start, "the header is cut short");
	if (m->p[start] != 3)
		return image_error(m->img, ".llvm_stackmaps", start, "version %d; known: 3",
				   m->p[start]);
	uint64_t nfunctions = image_u32(m->p + start + 4), records = image_u32(m->p + start + 12);
	uint64_t constants = image_u32(m->p + start + 8), total = 0;
	if ((m->len - start - HEADER) / 8 < 3 * nfunctions + constants)
		return stackmap_error(m, start, "functions or constants are cut short");
	m->at = start + HEADER + FUNCTION * nfunctions + 8 * constants;
	for (uint64_t i = 0; i < nfunctions; i++) {
		size_t at = start + HEADER + FUNCTION * i;
		uint64_t function = image_u64(m->p + at) - m->img->text;
		uint64_t stack = image_u64(m->p + at + 8), n = image_u64(m->p + at + 16);
		if (function >= m->img->text_size)
			return stackmap_error(m, at, "a function outside the text");
		if (n > records - total)
			return stackmap_error(m, at, "functions have more records than the table");
		total += n;
		int r = corpus_add_function(b, (uint32_t)function, 0);
		while (!r && n--)
			r = read_record(m, function, stack, b);
		if (r)
			return r;
	}
	return total == records ? 0 : stackmap_error(m, start, "functions have fewer records");
}

static int read_maps(const struct image *img, const uint8_t *p, size_t len, int strict,
		     struct corpus *out, struct corpus_builder *b)
{
	struct stackmap m = { .img = img, .p = p, .len = len, .strict = strict };
	int r = 0;

	m.places = malloc(65536 * sizeof *m.places); /* nlocations is 16 bits */
	if (!m.places)
		return -ENOMEM;
	while (!r && m.at < m.len) {
		r = read_table(&m, b);
		m.at = (m.at + 7) & ~(size_t)7;
	}
	free(m.places);
	if (!r && !m.statepoints)
		r = image_error(img, ".llvm_stackmaps", 0, "no statepoint in it");
	if (m.left_out || m.dynamic)
		snprintf(
		    out->note, sizeof out->note,
		    "left out: %llu records that are no statepoints, %llu with slots relative to "
		    "rbp in a frame that grows",
		    (unsigned long long)m.left_out, (unsigned long long)m.dynamic);
	snprintf(out->producer, sizeof out->producer, "LLVM statepoints");
	out->slot_bytes = 8;
	out->flags = CORPUS_FRAMES | CORPUS_EMPTIES;
	return r;
}

static int compare_starts(const void *a, const void *b)
{
	uint32_t x = ((const struct map_function *)a)->start;
	uint32_t y = ((const struct map_function *)b)->start;

	return (x > y) - (x < y);
}

/* The table has no lengths: each function gets the bytes up to the next one. */
static void guess_sizes(const struct image *img, struct corpus_builder *b)
{
	if (b->nfunctions)
		qsort(b->functions, b->nfunctions, sizeof *b->functions, compare_starts);
	for (size_t i = 0; i < b->nfunctions; i++) {
		uint32_t end =
		    i + 1 < b->nfunctions ? b->functions[i + 1].start : (uint32_t)img->text_size;
		b->functions[i].end = end;
	}
}

static int read_image(const struct image *img, struct corpus *out)
{
	const struct image_section *s = image_find(img, ".llvm_stackmaps");
	struct corpus_builder b = { 0 };
	out->own_bytes = s->size;
	int r = read_maps(img, s->data, s->size, 0, out, &b);
	if (*out->note) /* the table has more than was read */
		out->own_bytes = 0;
	size_t own = b.nfunctions;

	if (!r)
		r = image_functions(img, &b);
	/* Takes real sizes if the file has them. */
	if (!r && b.nfunctions > own)
		memmove(b.functions, b.functions + own,
			(b.nfunctions -= own) * sizeof *b.functions);
	else if (!r)
		guess_sizes(img, &b);
	return image_seal(img, r, &b, out);
}

int corpus_from_llvm(const char *name, const uint8_t *map, size_t len, uint64_t text,
		     size_t text_size, struct corpus *out, char error[CORPUS_ERROR])
{
	struct image img = { .path = name, .error = error, .text = text, .text_size = text_size };
	struct corpus_builder b = { 0 };

	*error = 0;
	*out = (struct corpus){ 0 };
	snprintf(out->name, sizeof out->name, "%s", name);
	int r = text_size > INT32_MAX ? image_error(&img, NULL, 0, "a text above 2 GiB")
				      : read_maps(&img, map, len, 1, out, &b);
	if (!r)
		guess_sizes(&img, &b);
	r = image_seal(&img, r, &b, out);
	if (r && !*error)
		snprintf(error, CORPUS_ERROR, "%s: %s", name, strerror(-r));
	return r;
}

static bool takes_image(const struct image *img)
{
	return image_find(img, ".llvm_stackmaps");
}

const struct importer importer_llvm = {
	.sign = ".llvm_stackmaps",
	.takes = takes_image,
	.read = read_image,
};
