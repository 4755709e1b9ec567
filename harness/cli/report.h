/* report.h - the parts of a report's page. */
#ifndef STUBMAP_CLI_REPORT_H
#define STUBMAP_CLI_REPORT_H

#include <stdio.h>

#include "runs/store.h"

/*
 * Draws all pictures of which the run has data, each with its caption, numbered from *number on; a
 * picture that gnuplot does not make is left out, with a line on stderr. name: the run's, for the
 * captions. 0, or 2 with a line on stderr.
 */
int report_drawings(FILE *out, const struct run *, const char *name, unsigned *number);

/* The page's head, up to its first element, and its end: style and the script that sorts tables. */
void report_begin(FILE *out, const char *title);
void report_end(FILE *out);

#endif
