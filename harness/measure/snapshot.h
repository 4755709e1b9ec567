/*
 * snapshot.h - a cell in its steady state as a program of its own: an ELF file that holds the
 * memory of this process at the same addresses and does nothing but run rounds.
 *
 * So another tool (a simulator, an address tracer) sees the code of this very cell, placed as it
 * was measured, and neither the compiler, the dynamic linker nor the binding of stubs before it.
 */
#ifndef STUBMAP_MEASURE_SNAPSHOT_H
#define STUBMAP_MEASURE_SNAPSHOT_H

#include "calls/world.h"

enum { SNAPSHOT_CALLS = 256 };

/*
 * The program starts at "entry" and makes the job's laps, each of as many rounds as make
 * SNAPSHOT_CALLS calls, each from the call instruction at "lap"; with "end" they are over, and it
 * exits with 0. Only what is mapped from SNAPSHOT_LOWEST up is in it: below live simulators, and
 * sanitizers' shadows.
 */
#define SNAPSHOT_LOWEST 0x200000000000u

/*
 * Writes PATH, and PATH.json: the head of the trace to come (model/trace.h) with "lap" and "end" in
 * it. Between steady calls, every stub bound and called. 0; -1 with one line in why.
 */
int snapshot_write(const struct world *, const char *path, char why[CELL_ERROR]);

#endif
