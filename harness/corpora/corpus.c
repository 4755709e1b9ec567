/*
 * corpus.c - stack maps in the neutral form, in memory.
 *
 * Live sets repeat a lot (real programs use each about ten times), so every distinct one is kept
 * once and safepoints point at it: half a million safepoints fit into some 15 MB.
 */
#include "corpora/corpus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SLOT = 1 << 30, MAX_PLACES = 1 << 28 };

static int grow(void *array, size_t *cap, size_t need, size_t size)
{
	size_t n = *cap ? *cap : 64;
	void *p;

	if (need <= *cap)
		return 0;
	while (n < need)
		n *= 2;
	memcpy(&p, array, sizeof p);
	p = realloc(p, n * size);
	if (!p)
		return -ENOMEM;
	memcpy(array, &p, sizeof p);
	*cap = n;
	return 0;
}

static int compare_places(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int corpus_add(struct corpus_builder *b, uint32_t pc, uint32_t frame_size, const uint32_t *places,
	       uint32_t nplaces)
{
	uint64_t most = CORPUS_PLACES_PER_BYTE * (uint64_t)b->file;
	most = b->file && most < MAX_PLACES ? most : MAX_PLACES;
	int r = nplaces > most - b->nplaces ? -EFBIG : 0;

	if (!r)
		r = grow(&b->places, &b->places_cap, b->nplaces + nplaces + 1, sizeof *b->places);
	if (!r)
		r = grow(&b->drafts, &b->drafts_cap, b->ndrafts + 1, sizeof *b->drafts);
	if (r)
		return r;
	struct corpus_draft *d = &b->drafts[b->ndrafts];
	uint32_t *live = b->places + b->nplaces, n = 0;
	*d = (struct corpus_draft){ .first = b->nplaces, .pc = pc, .frame_size = frame_size };
	if (nplaces) {
		memcpy(live, places, nplaces * sizeof *live);
		qsort(live, nplaces, sizeof *live, compare_places);
	}
	for (uint32_t i = 0; i < nplaces; i++) {
		if (n && live[n - 1] == live[i])
			continue;
		if (live[i] < MAP_REGISTER && live[i] >= MAX_SLOT)
			return -EINVAL;
		live[n++] = live[i];
		if (live[i] < MAP_REGISTER && live[i] >= d->frame_size / 4)
			d->frame_size = 4 * live[i] + 4;
	}
	b->widened += d->frame_size != frame_size;
	d->nlive = n;
	b->nplaces += n;
	b->ndrafts++;
	return 0;
}

int corpus_add_function(struct corpus_builder *b, uint32_t start, uint32_t size)
{
	/* An end beyond 32 bits is beyond any text, and corpus_seal refuses it. */
	uint32_t end = size > UINT32_MAX - start ? UINT32_MAX : start + size;
	int r = grow(&b->functions, &b->functions_cap, b->nfunctions + 1, sizeof *b->functions);

	if (!r)
		b->functions[b->nfunctions++] = (struct map_function){ start, end };
	return r;
}

void corpus_abandon(struct corpus_builder *b)
{
	free(b->drafts);
	free(b->functions);
	free(b->places);
	*b = (struct corpus_builder){ 0 };
}

void corpus_close(struct corpus *c)
{
	free(c->functions);
	free(c->safepoints);
	free(c->places);
	c->functions = NULL;
	c->safepoints = NULL;
	c->places = NULL;
	c->nfunctions = c->nsafepoints = 0;
	c->nplaces = 0;
}

/* ---- Sets of live sets ---------------------------------------------------------------------- */

/* Open addressing over indices of representatives; the table never fills beyond a half. */
struct sets {
	uint32_t *slots; /* index + 1; 0 is free */
	uint32_t mask;
};

static int sets_open(struct sets *s, size_t n)
{
	size_t size = 16;

	while (size < 2 * n)
		size *= 2;
	s->mask = (uint32_t)(size - 1);
	s->slots = calloc(size, sizeof *s->slots);
	return s->slots ? 0 : -ENOMEM;
}

static uint32_t hash_places(const uint32_t *p, uint32_t n, uint32_t salt)
{
	uint64_t h = salt * 0x9e3779b97f4a7c15u + n;

	for (uint32_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0xff51afd7ed558ccdu;
	return (uint32_t)(h >> 32);
}

static int same_places(const struct safepoint *a, const struct safepoint *b)
{
	return a->nlive == b->nlive &&
	       (!a->nlive || !memcmp(a->live, b->live, a->nlive * sizeof *a->live));
}

/* The index of the first entered safepoint that equals all[i]; if none does,
 * enters i and returns i. */
static uint32_t sets_enter(struct sets *s, const struct safepoint *all, uint32_t i, int frames)
{
	uint32_t at = hash_places(all[i].live, all[i].nlive, frames ? all[i].frame_size : 0);

	for (;; at++) {
		uint32_t *slot = &s->slots[at & s->mask];
		if (!*slot) {
			*slot = i + 1;
			return i;
		}
		const struct safepoint *other = &all[*slot - 1];
		if (same_places(other, &all[i]) &&
		    (!frames || other->frame_size == all[i].frame_size))
			return *slot - 1;
	}
}

int corpus_stats(const struct corpus *c, struct corpus_stats *out)
{
	struct sets sets = { 0 }, maps = { 0 };
	int r = sets_open(&sets, c->nsafepoints);

	*out = (struct corpus_stats){ 0 };
	if (!r)
		r = sets_open(&maps, c->nsafepoints);
	for (uint32_t i = 0; !r && i < c->nsafepoints; i++) {
		out->empties += !c->safepoints[i].nlive;
		out->live += c->safepoints[i].nlive;
		out->sets += sets_enter(&sets, c->safepoints, i, 0) == i;
		out->maps += sets_enter(&maps, c->safepoints, i, 1) == i;
	}
	free(sets.slots);
	free(maps.slots);
	return r;
}

/* ---- Sealing -------------------------------------------------------------------------------- */

static int compare_drafts(const void *a, const void *b)
{
	const struct corpus_draft *x = a, *y = b;

	return (x->pc > y->pc) - (x->pc < y->pc);
}

static int compare_functions(const void *a, const void *b)
{
	const struct map_function *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->end > y->end) - (x->end < y->end);
}

static int seal_safepoints(struct corpus_builder *b, struct corpus *c, char error[CORPUS_ERROR])
{
	struct corpus_draft *d = b->drafts;

	if (b->ndrafts > MAX_PLACES) {
		snprintf(error, CORPUS_ERROR, "%s: more than 2^28 safepoints", c->name);
		return -EINVAL;
	}
	if (b->ndrafts)
		qsort(d, b->ndrafts, sizeof *d, compare_drafts);
	c->safepoints = calloc(b->ndrafts + 1, sizeof *c->safepoints);
	if (!c->safepoints)
		return -ENOMEM;
	for (size_t i = 0; i < b->ndrafts; i++) {
		if (i && d[i - 1].pc == d[i].pc) {
			snprintf(error, CORPUS_ERROR, "%s: two safepoints at text+0x%x", c->name,
				 (unsigned)d[i].pc);
			return -EINVAL;
		}
		if (d[i].pc > c->text_bytes) {
			snprintf(error, CORPUS_ERROR,
				 "%s: a safepoint at text+0x%x, beyond the text's 0x%x bytes",
				 c->name, (unsigned)d[i].pc, (unsigned)c->text_bytes);
			return -EINVAL;
		}
		c->safepoints[i] = (struct safepoint){ .pc = d[i].pc,
						       .frame_size = d[i].frame_size,
						       .nlive = d[i].nlive,
						       .live = b->places + d[i].first };
	}
	c->nsafepoints = (uint32_t)b->ndrafts;
	return 0;
}

/* Moves each distinct live set into c->places, once, in the order of first use. */
static int seal_places(struct corpus_builder *b, struct corpus *c)
{
	struct sets sets = { 0 };
	uint32_t *same = malloc(((size_t)c->nsafepoints + 1) * sizeof *same);
	int r = same ? sets_open(&sets, c->nsafepoints) : -ENOMEM;

	for (uint32_t i = 0; !r && i < c->nsafepoints; i++) {
		same[i] = sets_enter(&sets, c->safepoints, i, 0);
		if (same[i] == i)
			c->nplaces += c->safepoints[i].nlive;
		for (uint32_t k = c->safepoints[i].nlive; k--;)
			if (c->safepoints[i].live[k] >= MAP_REGISTER)
				c->flags |= CORPUS_REGISTERS;
	}
	if (!r) {
		c->places = malloc((c->nplaces + 1) * sizeof *c->places);
		r = c->places ? 0 : -ENOMEM;
	}
	size_t next = 0;
	for (uint32_t i = 0; !r && i < c->nsafepoints; i++) {
		struct safepoint *s = &c->safepoints[i];
		if (same[i] != i || !s->nlive) {
			s->live = s->nlive ? c->safepoints[same[i]].live : c->places;
			continue;
		}
		memcpy(c->places + next, s->live, s->nlive * sizeof *s->live);
		s->live = c->places + next;
		next += s->nlive;
	}
	free(b->places);
	b->places = NULL;
	free(sets.slots);
	free(same);
	return r;
}

static int seal_functions(struct corpus_builder *b, struct corpus *c, char error[CORPUS_ERROR])
{
	struct map_function *f = b->functions;
	uint32_t n = 0, point = 0;

	if (b->nfunctions)
		qsort(f, b->nfunctions, sizeof *f, compare_functions);
	for (size_t i = 0; i < b->nfunctions; i++) {
		if (f[i].end > c->text_bytes || f[i].start > f[i].end) {
			snprintf(error, CORPUS_ERROR,
				 "%s: a function at text+0x%x of 0x%x bytes leaves the text",
				 c->name, (unsigned)f[i].start, (unsigned)(f[i].end - f[i].start));
			return -EINVAL;
		}
		while (point < c->nsafepoints && c->safepoints[point].pc <= f[i].start)
			point++;
		if (point == c->nsafepoints || c->safepoints[point].pc > f[i].end)
			continue;
		if (n && !compare_functions(&f[n - 1], &f[i]))
			continue;
		if (n && f[n - 1].end > f[i].start) {
			snprintf(error, CORPUS_ERROR,
				 "%s: the functions at text+0x%x and text+0x%x overlap", c->name,
				 (unsigned)f[n - 1].start, (unsigned)f[i].start);
			return -EINVAL;
		}
		f[n++] = f[i];
	}
	c->functions = f;
	c->nfunctions = n;
	b->functions = NULL;
	return 0;
}

int corpus_seal(struct corpus_builder *b, struct corpus *out, char error[CORPUS_ERROR])
{
	int r = seal_safepoints(b, out, error);

	if (!r)
		r = seal_places(b, out);
	if (!r)
		r = seal_functions(b, out, error);
	if (r == -ENOMEM)
		snprintf(error, CORPUS_ERROR, "%s: out of memory", out->name);
	corpus_abandon(b);
	if (r)
		corpus_close(out);
	return r;
}
