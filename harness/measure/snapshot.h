/*
 * snapshot.h - writes a cell in its steady state as a program of its own: an ELF file that holds
 * the memory of this process at the same addresses and only runs rounds.
 *
 * So another tool (a simulator, an address tracer) sees the code of this very cell, placed as it
 * was measured, but not the compiler, the dynamic linker or the binding of stubs.
 */
#ifndef STUBMAP_MEASURE_SNAPSHOT_H
#define STUBMAP_MEASURE_SNAPSHOT_H

#include "calls/world.h"

enum { SNAPSHOT_CALLS = 256 };

/*
 * The program starts at "entry" and runs the job's laps. A lap begins at the call instruction at
 * "lap", and has as many rounds as make SNAPSHOT_CALLS calls. At "end" the laps are over, and
 * the program exits with 0. It holds only mappings from SNAPSHOT_LOWEST up: below are
 * simulators, and sanitizers' shadows.
 */
#define SNAPSHOT_LOWEST 0x200000000000u

/*
 * Writes PATH, and PATH.json: the head of the trace to come (model/trace.h) with "lap" and
 * "end" in it. Call it between steady calls, when every stub is bound and was called. 0;
 * -1 with one line in why.
 */
int snapshot_write(const struct world *, const char *path, char why[CELL_ERROR]);

#endif
