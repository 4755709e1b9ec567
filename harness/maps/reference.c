/*
 * reference.c - order-0 and zstd; adaptive.c has the third.
 */
#include "maps/reference.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "maps/adaptive.h"

const char *const reference_names[REFERENCE_KINDS] = {
	[REFERENCE_ORDER0] = "order0",
	[REFERENCE_ADAPTIVE] = "adaptive",
	[REFERENCE_ZSTD] = "zstd",
};

/* ---- Order 0 -------------------------------------------------------------------------------- */

/* Bytes of an unsigned LEB128 number. */
static size_t varint(uint64_t v)
{
	size_t n = 1;

	for (; v >= 128; v >>= 7)
		n++;
	return n;
}

static size_t map_bytes(const struct safepoint *p)
{
	size_t list = 0, last = 0;

	if (!p->nlive)
		return 1;
	for (uint32_t i = 0; i < p->nlive; i++) {
		/* a register is a small number, too */
		size_t place = p->live[i] & ~MAP_REGISTER;
		list += varint(place >= last ? place - last : place);
		last = place;
	}
	size_t bitmap = last / 8 + 1;
	/* the lowest bit of the length tells list from bitmap */
	list += varint(2 * (uint64_t)p->nlive);
	bitmap += varint(2 * (uint64_t)bitmap);
	return varint(p->frame_size / 4) +
	       (list < bitmap || p->live[p->nlive - 1] >= MAP_REGISTER ? list : bitmap);
}

static int order0(const struct numbered *in, size_t text_bytes, struct reference *out)
{
	size_t *uses = calloc(in->maps + 1, sizeof *uses);
	double ids = 0;

	if (!uses)
		return -ENOMEM;
	for (size_t i = 0; i < in->n; i++)
		if (!uses[in->ids[i]]++)
			out->dictionary += (double)map_bytes(in->points[i]);
	for (size_t i = 0; i < in->maps; i++)
		ids -= (double)uses[i] * log2((double)uses[i] / (double)in->n);
	free(uses);
	out->ids = ids / 8;
	out->positions = numbered_log2_choose((double)text_bytes, (double)in->n) / 8;
	return 0;
}

/* ---- zstd ----------------------------------------------------------------------------------- */

struct column {
	uint8_t *data;
	size_t len, cap;
	bool failed;
};

static void put(struct column *c, uint64_t v)
{
	if (c->cap - c->len < 10) {
		size_t cap = 2 * c->cap + 4096;
		uint8_t *data = realloc(c->data, cap);
		c->failed |= !data;
		if (!data)
			return;
		c->data = data;
		c->cap = cap;
	}
	for (; v >= 128; v >>= 7)
		c->data[c->len++] = (uint8_t)(v | 128);
	c->data[c->len++] = (uint8_t)v;
}

static void put_signed(struct column *c, int64_t v)
{
	put(c, v < 0 ? 2 * (uint64_t)-v - 1 : 2 * (uint64_t)v);
}

enum { LEVEL = 19 };

/* Adds a column's compressed bytes to *bytes, and frees it. */
static int squeeze(struct column *c, double *bytes)
{
	size_t room = ZSTD_compressBound(c->len);
	uint8_t *out = c->failed ? NULL : malloc(room);
	size_t n = out ? ZSTD_compress(out, room, c->data, c->len, LEVEL) : 0;
	int r = !out || ZSTD_isError(n) ? -ENOMEM : 0;

	*bytes += (double)n;
	free(out);
	free(c->data);
	return r;
}

static size_t most_places(const struct numbered *in)
{
	size_t most = 0;

	for (size_t i = 0; i < in->n; i++)
		most = in->points[i]->nlive > most ? in->points[i]->nlive : most;
	return most;
}

static int zstd(const struct numbered *in, struct reference *out)
{
	static const struct safepoint nothing;
	const struct safepoint *last = &nothing;
	struct column steps = { 0 }, ids = { 0 }, frames = { 0 }, counts = { 0 }, flips = { 0 };
	struct change c = { malloc((2 * most_places(in) + 1) * sizeof *c.flips), 0, 0 };
	size_t known = 0;
	uint32_t pc = 0;

	for (size_t i = 0; c.flips && i < in->n; i++) {
		const struct safepoint *p = in->points[i];

		put(&steps, p->pc - pc);
		pc = p->pc;
		put(&ids, in->ids[i]);
		if (in->ids[i] < known)
			continue;
		known++;
		numbered_compare(last, p, &c);
		put_signed(&frames, (int64_t)(p->nlive ? p->frame_size : last->frame_size) -
					last->frame_size);
		put(&counts, c.nflips);
		put(&counts, c.registers);
		for (uint32_t k = 0; k < c.nflips; k++)
			put(&flips, c.flips[k] - (k ? c.flips[k - 1] : 0));
		last = p->nlive ? p : last;
	}
	steps.failed |= !c.flips;
	free(c.flips);
	int r = squeeze(&steps, &out->positions);
	r = squeeze(&ids, &out->ids) ? -ENOMEM : r;
	r = squeeze(&frames, &out->dictionary) ? -ENOMEM : r;
	r = squeeze(&counts, &out->dictionary) ? -ENOMEM : r;
	return squeeze(&flips, &out->dictionary) ? -ENOMEM : r;
}

/* ---- All ------------------------------------------------------------------------------------ */

int reference_of(enum reference_kind kind, const struct safepoint *points, size_t n,
		 size_t text_bytes, bool empties, struct reference *out)
{
	struct numbered in;
	int r = numbered_open(points, n, empties, &in);

	*out = (struct reference){ 0 };
	if (!r) {
		out->safepoints = in.n;
		out->maps = in.maps;
	}
	if (!r && in.n)
		r = kind == REFERENCE_ORDER0 ? order0(&in, text_bytes, out)
		    : kind == REFERENCE_ZSTD
			? zstd(&in, out)
			: adaptive_of(&in, &out->positions, &out->ids, &out->dictionary);
	numbered_close(&in);
	out->bytes = out->positions + out->ids + out->dictionary;
	return r;
}
