/*
 * source.h - the source of the stack maps to measure, and the form in which an encoder takes them.
 */
#ifndef STUBMAP_MAPS_SOURCE_H
#define STUBMAP_MAPS_SOURCE_H

#include <stdbool.h>

#include "corpora/corpus.h"
#include "gc/walk.h"

/* Calls gc_corpus_open or corpus_import, as the path looks; walks is empty if there are none. It
 * also refuses files without safepoints, and frames so large (they must be damaged) that their
 * bitmaps would fill the memory or take minutes to read. */
int maps_source_open(const char *path, struct corpus *out, struct walk_log *walks,
		     char error[CORPUS_ERROR]);

/*
 * Safepoints in the form that an encoder takes: unchanged, or, if the corpus has registers and the
 * format can't hold them, with all registers of all frames spilled (safepoint_spill_registers).
 */
struct maps_view {
	const struct safepoint *points;
	struct safepoint *spilled; /* points, or NULL */
	uint32_t *places;
	uint32_t touched; /* safepoints with a register */
};
int maps_view_open(const struct corpus *, struct maps_view *spilled); /* 0, -ENOMEM, -ENOTSUP */
void maps_view_close(struct maps_view *);
/* Whether an encoder needs a spilled view. */
bool maps_view_needed(const struct corpus *, const struct map_ops *);

#endif
