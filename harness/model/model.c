/*
 * model.c - leads each access through the units.
 *
 * The line and the page used last are the most recently used ones in every unit: using them again
 * changes nothing, under LRU as under tree-PLRU, so a fetch on the same line costs two comparisons.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "base/prng.h"

const char *const model_unit_names[MODEL_UNITS] = {
	[MODEL_L1I] = "l1i",   [MODEL_L1D] = "l1d",   [MODEL_L2] = "l2",   [MODEL_ITLB] = "itlb",
	[MODEL_DTLB] = "dtlb", [MODEL_STLB] = "stlb", [MODEL_BTB] = "btb", [MODEL_OPS] = "ops",
};

enum { CODE, DATA };

/* ---- Opening ---------------------------------------------------------------------------- */

static int shift_of(const char *what, uint32_t n, uint32_t least, unsigned *shift,
		    char error[CACHE_ERROR])
{
	if (n < least || n > 1u << 20 || n & (n - 1)) {
		snprintf(error, CACHE_ERROR, "%s of %u bytes: a power of two is allowed, %u to %u",
			 what, n, least, 1u << 20);
		return -EINVAL;
	}
	*shift = (unsigned)__builtin_ctz(n);
	return 0;
}

static int open_cache(struct model *m, enum model_unit u, const struct machine_cache *c,
		      char error[CACHE_ERROR])
{
	struct cache_geometry g = { c->size >> m->line_shift, c->ways, m->options.machine->policy };

	if (c->source == SOURCE_NONE)
		return 0;
	return cache_open(&m->units[u], model_unit_names[u], &g, m->options.classify, error);
}

static int open_entries(struct model *m, enum model_unit u, uint32_t entries, uint32_t ways,
			enum machine_source source, char error[CACHE_ERROR])
{
	struct cache_geometry g = { entries, ways, CACHE_LRU };

	if (source == SOURCE_NONE)
		return 0;
	return cache_open(&m->units[u], model_unit_names[u], &g, m->options.classify, error);
}

int model_open(struct model *m, const struct model_options *o, char error[CACHE_ERROR])
{
	const struct machine *k = o->machine;
	int e;

	*m = (struct model){ .options = *o };
	if ((e = shift_of("line", k->line, 16, &m->line_shift, error)) ||
	    (e = shift_of("page", o->page ? o->page : k->page, TRACE_PAGE, &m->page_shift, error)))
		return e;
	if ((e = open_cache(m, MODEL_L1I, &k->l1i, error)) ||
	    (e = open_entries(m, MODEL_OPS, k->ops.entries, k->ops.ways, k->ops.source, error)) ||
	    (e = open_entries(m, MODEL_ITLB, k->itlb.entries, k->itlb.ways, k->itlb.source, error)))
		goto failed;
	if (!o->code_only) {
		if ((e = open_cache(m, MODEL_L1D, &k->l1d, error)) ||
		    (e = open_cache(m, MODEL_L2, &k->l2, error)) ||
		    (e = open_entries(m, MODEL_DTLB, k->dtlb.entries, k->dtlb.ways, k->dtlb.source,
				      error)) ||
		    (e = open_entries(m, MODEL_STLB, k->stlb.entries, k->stlb.ways, k->stlb.source,
				      error)) ||
		    (e = open_entries(m, MODEL_BTB, k->btb.entries, k->btb.ways, k->btb.source,
				      error)))
			goto failed;
	}
	for (int i = CODE; i <= DATA; i++)
		m->last[i].line = m->last[i].virtual_line = m->last[i].page = UINT64_MAX;
	return 0;
failed:
	model_close(m);
	return e;
}

void model_close(struct model *m)
{
	for (int u = 0; u < MODEL_UNITS; u++)
		cache_close(&m->units[u]);
}

static bool model_has(const struct model *m, enum model_unit u)
{
	return m->units[u].sets != 0;
}

void model_forget_counts(struct model *m)
{
	memset(m->counts, 0, sizeof m->counts);
}

/* False: memory ran out while misses were classified, so the counts can't be used. */
static bool model_good(const struct model *m)
{
	bool good = true;

	for (int u = 0; u < MODEL_UNITS; u++)
		good &= !m->units[u].failed;
	return good;
}

/* ---- An access -------------------------------------------------------------------------- */

/* True for a miss. */
static inline bool look_up(struct model *m, enum model_unit u, uint64_t key, uint64_t index,
			   uint8_t owner)
{
	struct model_count *n = &m->counts[u];

	if (!model_has(m, u))
		return false;
	enum cache_outcome r = cache_touch(&m->units[u], key, index);
	n->accesses++;
	n->causes[r]++;
	if (r == CACHE_HIT)
		return false;
	n->misses++;
	n->owners[owner]++;
	return true;
}

/* The line's number in a random frame of memory, as the machine would have given one. */
static inline uint64_t frame_line(const struct model *m, uint64_t line)
{
	unsigned in_page = m->page_shift - m->line_shift;

	if (!m->options.frames)
		return line;
	return prng_mix(m->options.frames ^ line >> in_page) << in_page |
	       (line & (((uint64_t)1 << in_page) - 1));
}

static inline void touch_line(struct model *m, int side, uint64_t line, uint64_t virtual_line,
			      uint8_t owner)
{
	const enum model_unit u = side == CODE ? MODEL_L1I : MODEL_L1D;

	if (line == m->last[side].line && virtual_line == m->last[side].virtual_line) {
		m->counts[u].accesses++;
		m->counts[u].causes[CACHE_HIT]++;
		return;
	}
	m->last[side].line = line;
	m->last[side].virtual_line = virtual_line;
	/* Decoded instructions are not fetched. The op cache has virtual lines. */
	if (side == CODE && model_has(m, MODEL_OPS) &&
	    !look_up(m, MODEL_OPS, virtual_line, virtual_line, owner))
		return;
	const struct machine *k = m->options.machine;
	bool physical = (side == CODE ? k->l1i.index : k->l1d.index) == INDEX_PHYSICAL;
	if (!look_up(m, u, line, physical ? frame_line(m, line) : virtual_line, owner))
		return;
	m->counts[u].references += !m->last[side].missed;
	m->last[side].missed = true;
	look_up(m, MODEL_L2, line, frame_line(m, line), owner);
}

static inline void touch(struct model *m, int side, const struct trace_access *a)
{
	const uint64_t physical = m->options.no_aliases ? a->address : a->physical;
	const uint64_t first = physical >> m->line_shift,
		       last = (physical + a->size - 1) >> m->line_shift;
	const uint64_t page = a->address >> m->page_shift;
	uint64_t virtual_line = a->address >> m->line_shift;

	if (!a->rest)
		m->last[side].missed = false;
	for (uint64_t line = first; line <= last; line++)
		touch_line(m, side, line, virtual_line++, a->owner);
	if (page == m->last[side].page)
		return;
	m->last[side].page = page;
	if (look_up(m, side == CODE ? MODEL_ITLB : MODEL_DTLB, page, page, a->owner))
		look_up(m, MODEL_STLB, page, page, a->owner);
}

static inline void follow(struct model *m, const struct trace_access *a)
{
	if (a->address != m->after && m->after)
		look_up(m, MODEL_BTB, m->branch, m->branch >> m->options.machine->btb.shift,
			m->branch_owner);
	if (!a->rest) {
		m->branch = a->address;
		m->branch_owner = a->owner;
	}
	m->after = a->address + a->size;
}

void model_run(struct model *m, const struct trace_access *a, size_t n)
{
	const bool code_only = m->options.code_only, branches = model_has(m, MODEL_BTB);

	m->after = 0;
	for (const struct trace_access *end = a + n; a < end; a++) {
		if (a->kind == TRACE_FETCH) {
			touch(m, CODE, a);
			if (branches)
				follow(m, a);
		} else if (!code_only) {
			touch(m, DATA, a);
		}
	}
}

/* ---- A trace ---------------------------------------------------------------------------- */

int model_steady(const struct address_trace *t, const struct model_options *o,
		 struct model_count counts[MODEL_UNITS], bool has[MODEL_UNITS],
		 char error[CACHE_ERROR])
{
	const size_t from = t->laps[t->nlaps - 1];
	struct model m;
	int e = model_open(&m, o, error);

	if (e)
		return e;
	model_run(&m, t->accesses, t->n);
	for (int i = 1; i < MODEL_SETTLE; i++)
		model_run(&m, t->accesses + from, t->n - from);
	model_forget_counts(&m);
	model_run(&m, t->accesses + from, t->n - from);
	memcpy(counts, m.counts, sizeof m.counts);
	for (int u = 0; u < MODEL_UNITS; u++)
		has[u] = model_has(&m, (enum model_unit)u);
	if (!model_good(&m)) {
		snprintf(error, CACHE_ERROR, "out of memory");
		e = -ENOMEM;
	}
	model_close(&m);
	return e;
}

int64_t model_code_pages(const struct address_trace *t, uint32_t page)
{
	struct cache_geometry g = { 1, 1, CACHE_LRU };
	struct cache seen;
	char error[CACHE_ERROR];
	int64_t n = 0;

	/* A cache of one entry that remembers all keys that were ever in it. */
	if (cache_open(&seen, "pages", &g, true, error))
		return -ENOMEM;
	for (size_t i = t->laps[t->nlaps - 1]; i < t->n; i++)
		if (t->accesses[i].kind == TRACE_FETCH) {
			uint64_t p = t->accesses[i].address / page;
			n += cache_touch(&seen, p, 0) == CACHE_COMPULSORY;
		}
	if (seen.failed)
		n = -ENOMEM;
	cache_close(&seen);
	return n;
}
