/*
 * measure.h - the stack maps of one file, or of one program of the JIT's (gc/corpus.h), under each
 * encoder: every figure that `stubmap maps` shows, as rows.
 *
 * Events of the corpus: safepoints, empties, maps (distinct), functions, text_bytes, spilled,
 * bogus_SORT (lookups, note: how chosen), and the references' (reference_rows.h). With recorded
 * stack walks: walks, walk_lookups (return addresses in all), walk_empties (of those, with an empty
 * map), walk_pcs (distinct), walk_deepest (in one walk).
 *
 * Events of an encoder: bytes, index_bytes, data_bytes, text_share, bits, encode, PATTERN_CLASS
 * and COUNT_CLASS (times.h), walk and walk_batched (walks.h), instructions_...
 * (instructions.h), true_CLASS_OUTCOME, true_walk_OUTCOME, bogus_SORT_OUTCOME,
 * fault_FAULT_OUTCOME (faults by their worst consequence), fault_lookups_FAULT_OUTCOME. PATTERN
 * is warm_random, warm_alone, warm_batched or cold.
 */
#ifndef STUBMAP_MAPS_MEASURE_H
#define STUBMAP_MAPS_MEASURE_H

#include <stdbool.h>
#include <stddef.h>

#include "corpora/corpus.h"
#include "maps/rows.h"
#include "base/progress.h"

struct maps_measure {
	const struct map_ops *const *encoders;
	size_t nencoders;
	bool untimed;		   /* leaves out figures that need a clock or a counter */
	size_t samples;		   /* warm ones of a time; 0: MAPS_SAMPLES */
	struct progress *progress; /* one step an encoder */
	struct maps_rows *rows;
};

enum { MAPS_CHOICE = 64, MAPS_SAMPLES = 1000 };
/* Encoders by name; n == 0: all. 0, or -EINVAL (unknown, or twice) with one line in error. */
int maps_measure_choose(const char *const *names, size_t n, const struct map_ops *out[MAPS_CHOICE],
			size_t *nout, char error[MAPS_ROWS_ERROR]);

/* 0; -EILSEQ: an encoder gave a wrong answer (its row says which), all else is done; -EINVAL,
 * -ENOMEM or -errno with one line in error: the file could not be read. */
int maps_measure_file(const struct maps_measure *, const char *path, char error[CORPUS_ERROR]);

#endif
