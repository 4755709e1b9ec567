/*
 * segment.h - the parts of a run that were made in one go: its head begins the first, and each
 * resume another one, with a line of its own:
 *
 *   {"schema": 1, "type": "segment", "segment": n, "machine": {...}, "started": "...",
 *    "load": n or null, "steal_ms": n or null}
 *
 * load is that of one minute, steal_ms what all CPUs lost to other guests since boot. The line is
 * written before the segment's first invocation, so a resume that finds nothing to do writes none.
 * `stubmap merge` makes a segment of each file's head, too, and keeps its "shard".
 */
#ifndef STUBMAP_RUNS_SEGMENT_H
#define STUBMAP_RUNS_SEGMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { SEGMENT_DIFFERS = 1600 };

/*
 * Whether two fingerprints differ in the program or the machine. All facts count
 * (fingerprint.h), except the state of the tree, since the program's is there, too, and the list
 * of missing facts. Two programs are the same if their hashes are. out: each fact that differs
 * with both values, in one line.
 */
bool segment_differs(const json_t *before, const json_t *now, char out[SEGMENT_DIFFERS]);
/* The same, except for the CPU that invocations are pinned to. */
bool segment_differs_but_cpu(const json_t *before, const json_t *now, char out[SEGMENT_DIFFERS]);

/* Adds started, load and steal_ms of this moment to a head or a segment's line. 0 or -ENOMEM. */
int segment_begun(json_t *line);
/* A reference to machine is taken. NULL: out of memory. */
json_t *segment_line(size_t n, json_t *machine);

#endif
