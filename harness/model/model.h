/*
 * model.h - what a machine's caches, TLBs and branch-target buffer do with a trace.
 *
 *      fetch --> [ops --miss-->] L1I --miss--> L2       fetch --> ITLB --miss--> STLB
 *      data  -------------------> L1D --miss--> L2       data  --> DTLB --miss--> STLB
 *      fetch that does not follow the last one --> BTB, by the last one's address
 *
 * Sets are chosen by virtual or physical address, as the machine does it. Caches are tagged by
 * physical address, so that a page that is mapped many times has one set of lines; TLBs by virtual
 * page. Stores allocate. There is no prefetcher, no timing, no wrong path and no other program: a
 * figure is a number of misses, never a time.
 */
#ifndef STUBMAP_MODEL_MODEL_H
#define STUBMAP_MODEL_MODEL_H

#include "model/machines.h"
#include "model/trace.h"

enum model_unit {
	MODEL_L1I,
	MODEL_L1D,
	MODEL_L2,
	MODEL_ITLB,
	MODEL_DTLB,
	MODEL_STLB,
	MODEL_BTB,
	MODEL_OPS,
	MODEL_UNITS
};
extern const char *const model_unit_names[MODEL_UNITS];

struct model_count {
	uint64_t accesses;   /* lines, pages or taken branches looked up */
	uint64_t misses;     /* of these */
	uint64_t references; /* fetches or data accesses that missed with any of their lines */
	uint64_t causes[CACHE_MISS + 1]; /* by enum cache_outcome; CACHE_MISS: not told apart */
	uint64_t owners[TRACE_CLASSES];	 /* misses by owner of the memory; BTB: of the branch */
};

struct model_options {
	const struct machine *machine;
	uint32_t page;	 /* bytes: 4096, 16384, 65536; 0: the machine's */
	bool classify;	 /* tell compulsory, capacity and conflict apart */
	bool code_only;	 /* L1I and ITLB alone */
	bool no_aliases; /* tag by virtual address, as simulators do that see no frames */
	/* Seed of a random frame for each page; 0: a frame has its page's number. */
	uint64_t frames;
};

struct model {
	struct model_options options;
	struct cache units[MODEL_UNITS]; /* without sets: not known for this machine */
	struct model_count counts[MODEL_UNITS];
	unsigned line_shift, page_shift;
	struct {
		uint64_t line, virtual_line, page;
		bool missed;	/* the last access missed; its rest may follow */
	} last[2];		/* code's, data's */
	uint64_t branch, after; /* the last fetch's address and end */
	uint8_t branch_owner;
};

/* 0; -EINVAL with one line in error: a page or line that is not a power of two,
 * or an error of cache_open's. */
int model_open(struct model *, const struct model_options *, char error[CACHE_ERROR]);
void model_close(struct model *);
/* Runs accesses in order. The first fetch counts as no branch's target. */
void model_run(struct model *, const struct trace_access *, size_t n);
/* Zeroes the counts; the caches keep their contents. */
void model_forget_counts(struct model *);

/*
 * The steady state of a trace: runs all laps once and the last one again, MODEL_SETTLE times
 * in all, to warm up; then the last one once more, which is counted. 0, an error of
 * model_open's, or -ENOMEM.
 */
enum { MODEL_SETTLE = 2 };
int model_steady(const struct address_trace *, const struct model_options *,
		 struct model_count counts[MODEL_UNITS], bool has[MODEL_UNITS],
		 char error[CACHE_ERROR]);

/* Distinct pages of `page` bytes that hold code fetched in the last lap; -ENOMEM. */
int64_t model_code_pages(const struct address_trace *, uint32_t page);

#endif
