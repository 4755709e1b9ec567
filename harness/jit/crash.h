/*
 * crash.h - says where this process dies, if a processor's fault ends it: one line on stderr,
 *
 *   pc 0x..., address 0x...: in stub pool/exit_js iid>l, byte 12
 *
 * and then dies all the same. Which stub it is, is known where stubs have names (space.h); else the
 * line says how far into the area of stubs or modules it was.
 */
#ifndef STUBMAP_JIT_CRASH_H
#define STUBMAP_JIT_CRASH_H

#include <stubmap/code.h>

/* From now on, in the thread that calls it (its stack may be used up: the handler has its own) and
 * in all others. A sanitizer's report still comes for faults that are not in compiled code. */
void crash_begin(void);
/* Code memories are told from their opening to their closing: jit_code_open, jit_code_close. At
 * most CRASH_MEMORIES; of more, the others are not looked at. */
enum { CRASH_MEMORIES = 16 };
void crash_opened(const struct code_memory *);
void crash_closed(const struct code_memory *);

#endif
