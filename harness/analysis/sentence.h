/* sentence.h - what a table of a run says, in a sentence for people. */
#ifndef STUBMAP_ANALYSIS_SENTENCE_H
#define STUBMAP_ANALYSIS_SENTENCE_H

#include <stdio.h>

#include "analysis/views.h"

/*
 * Prints how the arms of one view compare with their baseline. One group: each ratio with
 * its interval. Several groups: in how many of them the ratio is less or more. More than six
 * arms that differ: how many take less and how many more, with the least and the greatest
 * ratio. Where no difference is found, it says how great a difference would have been found,
 * or why none can be told and how many blocks would tell 10 %. Prints nothing for a view
 * without a ratio. 0 or -ENOMEM.
 */
int sentence_print(FILE *out, const struct rows *, const struct view *);

#endif
