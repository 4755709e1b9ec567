/*
 * precision.h - how long a run goes on: until each arm's ratio to its baseline is known well
 * enough, or the time is over.
 *
 * The ratio is that of the table's first figure (views.h). It is known to half the width of
 * its 95 % interval, relative to the ratio. The question is asked between blocks only, so
 * that blocks stay whole. If a run stops as soon as its intervals are narrow, they are right
 * slightly less often than 95 %. Against this, a run has a least number of blocks, and
 * records what it was asked for.
 */
#ifndef STUBMAP_ANALYSIS_PRECISION_H
#define STUBMAP_ANALYSIS_PRECISION_H

#include "runs/store.h"

enum { PRECISION_LINE = 300 };

struct precision {
	double wanted;	  /* 0.02: each half width at most 2 %; 0: not asked for */
	uint64_t seconds; /* 0: no limit */
	unsigned least;	  /* blocks before the ratios are looked at */
	unsigned most;	  /* blocks at the end of which it is over in any case; 0: no limit */
	/* The outcome. */
	unsigned done;		/* whole blocks */
	double widest;		/* half width; < 0: no ratio has an interval yet */
	char arm[96], what[96]; /* of the widest ratio */
	bool over;		/* the time is over */
	uint64_t begun_ns, block_ns, longest_ns;
};

/* No limit of blocks: set `most` for one. */
void precision_begin(struct precision *, double wanted, uint64_t seconds, unsigned least);
/* For sweep_options.more; arg is a struct precision. */
bool precision_more(void *arg, const struct run *, unsigned done);
/* What was reached, as a line. Returns out. */
const char *precision_line(const struct precision *, char out[PRECISION_LINE]);

#endif
