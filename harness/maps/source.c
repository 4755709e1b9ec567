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

/* What bitmaps may take. Some are written from SP on, others down from the frame's end; a lookup or
 * a check of one may read all of it, and there are a hundred thousand of them. */
enum {
	FRAME_MOST = 16 /* MiB, of a frame with live places */,
	BITMAPS_MOST = 256 /* MiB, of all */
};

static uint32_t mib(uint64_t bytes)
{
	return (uint32_t)(bytes >> 20);
}

/* 0, or -EINVAL for a file whose frames only damage can explain. */
static int check_frames(const char *path, const struct corpus *c, char error[CORPUS_ERROR])
{
	const struct safepoint *largest = NULL;
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < c->nsafepoints; i++) {
		const struct safepoint *p = &c->safepoints[i];
		if (!p->nlive)
			continue; /* a register counts: it may be spilled to the frame's end */
		bytes += p->frame_size / 32;
		if (!largest || p->frame_size > largest->frame_size)
			largest = p;
	}
	if (!c->nsafepoints)
		snprintf(error, CORPUS_ERROR, "%s: no safepoint inside", path);
	else if (largest && largest->frame_size > (uint32_t)FRAME_MOST << 20)
		snprintf(error, CORPUS_ERROR,
			 "%s: references in frames of up to %u MiB, allowed: %d; the frame at "
			 "text+0x%x has %u bytes",
			 path, mib(largest->frame_size), FRAME_MOST, (unsigned)largest->pc,
			 (unsigned)largest->frame_size);
	else if (mib(bytes) > BITMAPS_MOST)
		snprintf(error, CORPUS_ERROR,
			 "%s: bitmaps of %u MiB, allowed: %d; the frame at text+0x%x has %u bytes",
			 path, mib(bytes), BITMAPS_MOST, (unsigned)largest->pc,
			 (unsigned)largest->frame_size);
	else
		return 0;
	return -EINVAL;
}

int maps_source_open(const char *path, struct corpus *c, struct walk_log *walks,
		     char error[CORPUS_ERROR])
{
	int r;

	*walks = (struct walk_log){ 0 };
	r = gc_corpus_is(path) ? gc_corpus_open(path, c, walks, error)
			       : corpus_import(path, c, error);
	if (!r)
		r = check_frames(path, c, error);
	if (!r)
		return 0;
	corpus_close(c);
	walk_log_close(walks);
	return r;
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
