/* sentence.h - what a table of a run says, in a sentence for people. */
#ifndef STUBMAP_ANALYSIS_SENTENCE_H
#define STUBMAP_ANALYSIS_SENTENCE_H

#include <stdio.h>

#include "analysis/views.h"

/*
 * Prints how the arms of one view compare with their baseline: of one group each ratio with its
 * interval, of several in how many it is less or more; of more than six arms that differ how many
 * take less and more, with the least and the greatest ratio. Where no difference is found it says
 * how great a one would have been, or why none can be told and how many blocks would tell 10 %.
 * Prints nothing of a view without a ratio. 0 or -ENOMEM.
 */
int sentence_print(FILE *out, const struct rows *, const struct view *);

#endif
