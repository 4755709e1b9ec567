/*
 * comparison.h - the same cells of two sides, each of one run or of several.
 *
 * Blocks of different runs have nothing in common, so nothing is paired. With one run a side, a
 * ratio holds everything that changed between the two runs; with several, its interval holds the
 * difference between the runs of a side. A change is a difference that, by the blocks, stands
 * among all rows (Holm), or exact counts that are not equal. If a program is compared with itself,
 * at most one row in twenty is a change; if its runs do not differ by themselves, 19 comparisons
 * of 20 have no change at all.
 */
#ifndef STUBMAP_ANALYSIS_COMPARISON_H
#define STUBMAP_ANALYSIS_COMPARISON_H

#include "analysis/rows.h"

struct side {
	const struct run *runs;
	const struct census *censuses; /* of each */
	size_t n;
};

enum change { CHANGE_LESS, CHANGE_MORE, CHANGE_NONE, CHANGE_UNKNOWN, CHANGES };
extern const char *const change_names[CHANGES];

struct comparison {
	const struct census *census; /* of a run of A that has the cell */
	size_t cell;
	const json_t *row; /* or, without a census: a row of stack maps (maps/rows.h) */
	struct figure_id id;
	const char *unit;
	bool exact;	       /* counts that are all the same on each side */
	double a, b;	       /* medians; NaN: none */
	struct estimate ratio; /* B to A */
	/* The chance of the ratio if nothing differs; the same by the blocks alone, corrected for
	 * all rows. NaN if exact or unknown. */
	double chance, holm;
	double detectable; /* among all rows; 0 if exact, NaN if unknown */
	enum change change;
	const char *why; /* of CHANGE_UNKNOWN */
};

struct comparisons {
	struct comparison *rows; /* by cells */
	size_t n;
	size_t counts[CHANGES];
	size_t cells, only_a, only_b; /* in both; in one of them */
	double found; /* what half of the rows without a change would have shown; NaN: none */
};

/* wanted: these figures, where a cell has them; NULL: all figures. 0 or -errno. */
int comparisons_make(struct side a, struct side b, const struct figure_id *wanted, size_t nwanted,
		     struct comparisons *out);
void comparisons_free(struct comparisons *);
/* The parts of comparisons_make, for rows that are made elsewhere. _add makes room for one more
 * row, empty but for census, row and id; NULL: no memory. _judge comes once, after all rows; until
 * then a row's change is CHANGE_NONE, unless it is exact or unknown. */
struct comparison *comparisons_add(struct comparisons *);
int comparisons_judge(struct comparisons *);

/* Whether B has certainly more by the share: a change whose lower limit is above 1 + share. */
bool comparison_exceeds(const struct comparison *, double share);

#endif
