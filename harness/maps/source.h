/*
 * source.h - where the stack maps that are measured come from, and how an encoder takes them.
 */
#ifndef STUBMAP_MAPS_SOURCE_H
#define STUBMAP_MAPS_SOURCE_H

#include <stdbool.h>

#include "corpora/corpus.h"
#include "gc/walk.h"

/* gc_corpus_open or corpus_import, by the path's look; walks are empty where there are none.
 * Refuses two more: no safepoint at all, and frames so large (damaged ones, that is) that their
 * bitmaps would fill the memory. */
int map_source_open(const char *path, struct corpus *out, struct walk_log *walks,
		    char error[CORPUS_ERROR]);

/*
 * A safepoint as an encoder takes it: as it is, or, where the corpus has registers and the format
 * can't hold them, with all registers of all frames spilled (safepoint_spill_registers).
 */
struct map_view {
	const struct safepoint *points;
	struct safepoint *spilled; /* points, or NULL */
	uint32_t *places;
	uint32_t touched; /* safepoints with a register */
};
int map_view_open(const struct corpus *, struct map_view *spilled); /* 0, -ENOMEM, -ENOTSUP */
void map_view_close(struct map_view *);
/* Whether an encoder needs it. */
bool map_view_needed(const struct corpus *, const struct map_ops *);

#endif
