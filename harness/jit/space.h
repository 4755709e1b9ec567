/* space.h - opens code memory and a space of stubs in it, and says in one line what prevents it. */
#ifndef STUBMAP_JIT_SPACE_H
#define STUBMAP_JIT_SPACE_H

#include <stubmap/stub.h>

#include "jit/jit.h"

/* As code_open and stub_space_open: 0, or -errno, with the line in error. Where the environment's
 * STUBMAP_NAMES lists names (names/names.h), the memory's stubs get them, unless its configuration
 * has a watch of its own. */
int jit_code_open(struct code_memory **, const struct code_config *, char error[JIT_ERROR]);
int jit_space_open(struct stub_space *, const struct stub_ops *, struct code_memory *,
		   const struct stub_config *, const struct stub_runtime *, char error[JIT_ERROR]);
/* After the spaces are closed. NULL: nothing. */
void jit_code_close(struct code_memory *);
/* Tells gdb of all stubs made so far, if it is to know them. Not for timed code. */
void jit_code_named(const struct code_memory *);

/* The reason of an error of a strategy's, in a few words. */
const char *jit_stub_error(int error);

#endif
