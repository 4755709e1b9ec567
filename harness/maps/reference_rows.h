/* reference_rows.h - the references of a corpus as rows. */
#ifndef STUBMAP_MAPS_REFERENCE_ROWS_H
#define STUBMAP_MAPS_REFERENCE_ROWS_H

#include "corpora/corpus.h"
#include "maps/rows.h"

/* The events are KIND_PART and KIND_live_PART: KIND order0, adaptive or zstd; PART bytes,
 * positions, ids or dictionary; live: without the empty safepoints. no_empties: why the events with
 * empty safepoints are missing, if the corpus does not record these. 0 or -ENOMEM. */
int maps_reference_rows(const struct corpus *, const char *file, const char *no_empties,
			struct maps_rows *);

#endif
