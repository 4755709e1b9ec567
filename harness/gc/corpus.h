/*
 * corpus.h - the JIT's own stack maps as a corpus, with the stack walks of one run.
 *
 * Such a corpus has the name of a program on the collected heap, gc:NAME, perhaps with the tier
 * that compiles it: gc:NAME@0 or gc:NAME@2; the default is 2.
 */
#ifndef STUBMAP_GC_CORPUS_H
#define STUBMAP_GC_CORPUS_H

#include <stdbool.h>

#include "corpora/corpus.h"
#include "gc/walk.h"

/* Whether a word is such a name rather than a file's. */
bool gc_corpus_is(const char *word);
/* 0, or -EINVAL with one line in error: no such program or tier. */
int gc_corpus_check(const char *word, char error[CORPUS_ERROR]);

/*
 * Compiles the program and runs it once at its usual size, checking each answer of the encoder,
 * with collections after random amounts of allocation. It records the first walks of the run
 * (walk.h says how many). The result is the same each time. 0, or with one line in error: -EINVAL
 * (unknown program or tier), -EIO (it could not be compiled or run).
 */
int gc_corpus_open(const char *word, struct corpus *, struct walk_log *, char error[CORPUS_ERROR]);

#endif
