/*
 * map_measure.h - one file's stack maps under encoders: every figure that `stubmap maps` shows, as
 * rows.
 *
 * Events of the corpus: safepoints, empties, maps (distinct), functions, text_bytes, spilled,
 * bogus_SORT (lookups, note: how chosen), bound_PART and bound_live_PART (PART: bytes, positions,
 * ids, dictionary; live: without the empty safepoints).
 *
 * Events of an encoder: bytes, index_bytes, data_bytes, text_share, bits, encode, PATTERN_CLASS and
 * COUNT_CLASS (map_bench.h), walk, true_CLASS_OUTCOME, bogus_SORT_OUTCOME, fault_FAULT_OUTCOME
 * (faults by their worst consequence), fault_lookups_FAULT_OUTCOME. PATTERN is warm_random,
 * warm_alone, warm_batched or cold.
 */
#ifndef STUBMAP_MAP_MEASURE_H
#define STUBMAP_MAP_MEASURE_H

#include <stdbool.h>
#include <stddef.h>

#include "corpus.h"
#include "map_rows.h"
#include "progress.h"

struct map_measure {
	const struct map_ops *const *encoders;
	size_t nencoders;
	bool untimed;		   /* leaves out what takes a clock */
	struct progress *progress; /* one step an encoder */
	struct map_rows *rows;
};

enum { MAP_CHOICE = 64 };
/* Encoders by name; n == 0: all. 0, or -EINVAL (unknown, or twice) with one line in error. */
int map_measure_choose(const char *const *names, size_t n, const struct map_ops *out[MAP_CHOICE],
		       size_t *nout, char error[MAP_ROWS_ERROR]);

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

/* corpus_import, which refuses two more: no safepoint at all, and frames so large (damaged ones,
 * that is) that their bitmaps would fill the memory. */
int map_measure_import(const char *path, struct corpus *out, char error[CORPUS_ERROR]);

/* 0; -EILSEQ: an encoder gave a wrong answer (its row says which), all else is done; -EINVAL,
 * -ENOMEM or -errno with one line in error: nothing could be read. */
int map_measure_file(const struct map_measure *, const char *path, char error[CORPUS_ERROR]);

#endif
