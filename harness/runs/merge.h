/*
 * merge.h - joins run files of one plan and seed, as the shards of a sweep are, to one.
 *
 * The first file's head becomes the run's, without its shard; "merged": ["1/4", ...] stands there
 * instead, the shard of each file or null. Each other file's head becomes the line of a segment, so
 * that its fingerprint is kept; the segments are numbered anew, and so are the rows' references.
 */
#ifndef STUBMAP_RUNS_MERGE_H
#define STUBMAP_RUNS_MERGE_H

#include "runs/store.h"

/*
 * Writes the file out, which must not exist, whole or not at all. mixed: also files of different
 * programs or machines. *missing: the number of invocations that the plan has besides; 0 also if
 * this program does not know all of its arms. 0, or -errno with a line in error; -EINVAL: a file
 * that is no run, or another one's, or has a row that an earlier file has.
 */
int run_merge(const char *const *paths, size_t n, const char *out, bool mixed, size_t *missing,
	      char error[RUN_ERROR]);

#endif
