/*
 * lint.h - refuses source patterns that statepoints silently get wrong,
 * before statepoints are made.
 */
#ifndef STUBMAP_GC_LINT_H
#define STUBMAP_GC_LINT_H

#include <stddef.h>

enum { LINT_ERROR = 240 };

/*
 * source: textual IR or bitcode in which references are pointers of address space 1. 0; -EINVAL
 * with one line in error for the first finding: the function or global, what is wrong with it, and
 * what to write instead (or that the source does not parse); -ENOMEM.
 */
int lint_module(const char *name, const void *source, size_t size, char error[LINT_ERROR]);

#endif
