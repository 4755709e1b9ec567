/*
 * source.c - opens a file by its importer or a program by the JIT,
 * and makes views for formats without registers.
 */
#include "maps/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "gc/corpus.h"
#include "corpora/import.h"

int maps_source_open(const char *path, struct corpus *c, struct walk_log *walks,
		     char error[CORPUS_ERROR])
{
	enum { MOST = 256 }; /* MiB */
	const struct safepoint *largest = NULL;
	uint64_t bytes = 0;
	int r;

	*walks = (struct walk_log){ 0 };
	r = gc_corpus_is(path) ? gc_corpus_open(path, c, walks, error)
			       : corpus_import(path, c, error);
	for (uint32_t i = 0; !r && i < c->nsafepoints; i++) {
		const struct safepoint *p = &c->safepoints[i];
		uint32_t n = p->nlive; /* registers come last */
		while (n && p->live[n - 1] >= MAP_REGISTER)
			n--;
		bytes += n ? p->live[n - 1] / 8 : 0;
		if (!largest || p->frame_size > largest->frame_size)
			largest = p;
	}
	if (!r && !largest)
		snprintf(error, CORPUS_ERROR, "%s: no safepoint inside", path);
	else if (!r && bytes >> 20 > MOST)
		snprintf(error, CORPUS_ERROR,
			 "%s: bitmaps of %u MiB, allowed: %d; the frame at text+0x%x has %u bytes",
			 path, (unsigned)(bytes >> 20), MOST, (unsigned)largest->pc,
			 (unsigned)largest->frame_size);
	else
		return r;
	corpus_close(c);
	walk_log_close(walks);
	return r ? r : -EINVAL;
}

/* ---- Views ---------------------------------------------------------------------------------- */

bool maps_view_needed(const struct corpus *c, const struct map_ops *ops)
{
	return c->flags & CORPUS_REGISTERS && !(ops->flags & MAP_REGISTERS);
}

int maps_view_open(const struct corpus *c, struct maps_view *v)
{
	size_t n = 0;
	int r = 0;

	*v = (struct maps_view){ .points = c->safepoints };
	if (!(c->flags & CORPUS_REGISTERS))
		return 0;
	for (uint32_t i = 0; i < c->nsafepoints; i++)
		n += c->safepoints[i].nlive;
	v->points = v->spilled = calloc((size_t)c->nsafepoints + 1, sizeof *v->spilled);
	v->places = malloc((n + 1) * sizeof *v->places);
	if (!v->spilled || !v->places)
		return -ENOMEM;
	n = 0;
	for (uint32_t i = 0; !r && i < c->nsafepoints; i++) {
		const struct safepoint *p = &c->safepoints[i];
		v->touched += p->nlive && p->live[p->nlive - 1] >= MAP_REGISTER;
		r = safepoint_spill_registers(p, &v->spilled[i], v->places + n);
		n += p->nlive;
	}
	return r;
}

void maps_view_close(struct maps_view *v)
{
	free(v->spilled);
	free(v->places);
	*v = (struct maps_view){ 0 };
}
