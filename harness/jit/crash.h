/*
 * crash.h - says where this process dies, if a processor's fault ends it: one line on stderr,
 *
 *   pc 0x..., address 0x...: in stub pool/exit_js iid>l, byte 12
 *
 * and then dies all the same. The stub is known where stubs have names (space.h); else the line
 * says how far into the area of stubs or modules pc lies.
 */
#ifndef STUBMAP_JIT_CRASH_H
#define STUBMAP_JIT_CRASH_H

#include <stubmap/code.h>

/* Reports faults from now on, in all threads. In the thread that calls it the handler has a
 * stack of its own, since the thread's may be used up. Faults outside compiled code still
 * get a sanitizer's report. */
void crash_begin(void);
/* Tells the handler of a code memory, from jit_code_open to jit_code_close. It looks at no more
 * than CRASH_MEMORIES of them. */
enum { CRASH_MEMORIES = 16 };
void crash_opened(const struct code_memory *);
void crash_closed(const struct code_memory *);

#endif
