/*
 * copies.h - compiles a module of a scenario. Of functions that differ only in constants it
 * compiles a few; the others are copies of the machine code with their own constants.
 *
 * In a ring of 200,000 functions, say, one function differs from the next in the numbers that
 * its sites add, and in the callees and targets that it names. Four samples are compiled with
 * drawn numbers. The first three show where the machine code holds the numbers. With that
 * knowledge the fourth is made from the first, and must equal the compiler's fourth, byte for
 * byte. Only then are copies made. A constant that a compiler would treat in its own way (a
 * small one, a power of two) is never copied: its function is compiled. So a module has the same
 * bytes as if all of it were compiled.
 */
#ifndef STUBMAP_CALLS_COPIES_H
#define STUBMAP_CALLS_COPIES_H

#include "calls/callers.h"
#include "jit/jit.h"

/* As jit_compile of callers_text, to out; out->copied says how many functions are copies. out NULL:
 * the compiled code only goes into the cache. 0, or a negative error with one line. */
int copies_compile(const struct scenario *, enum callers_part, const char *name,
		   const struct jit_options *, struct jit_object *out, char error[JIT_ERROR]);

#endif
