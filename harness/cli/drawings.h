/*
 * drawings.h - the drawings of a run: whether it has data for one, and gnuplot's picture of it,
 * drawn by the scripts of the tree that the program was built from.
 */
#ifndef STUBMAP_CLI_DRAWINGS_H
#define STUBMAP_CLI_DRAWINGS_H

#include <limits.h>
#include <stdbool.h>

#include "analysis/report.h"

struct drawing_data {
	enum report_form form; /* REPORT_TABLE: none */
	const char *needs;     /* a column that has values where there is something to draw */
	const char *varies;    /* one that has two values for an arm there; NULL: any will do */
};

struct drawing {
	struct drawing_data data, more; /* more: a second file, the last argument, if it has data */
	const char *name;		/* "ring-entry_js" */
	const char *script;		/* scripts/SCRIPT.gp */
	const char *kind;		/* its argument, or NULL */
	const char *caption;
};
extern const struct drawing drawings[]; /* a NULL name ends it; those of one form are together */

enum { DRAWER_FILES = 2 };

/* A run that is drawn. */
struct drawer {
	const char *command; /* "stubmap plot", for its messages */
	const struct run *run;
	struct drawer_file {
		enum report_form form; /* REPORT_TABLE: no data yet */
		char *text;	       /* the data of that form */
		char path[PATH_MAX];
	} files[DRAWER_FILES];
	char said[PATH_MAX];
};

/* Whether gnuplot can be run; false: a line is on stderr. */
bool drawer_can(const char *command);
/* 0 or -errno. */
int drawer_begin(struct drawer *, const char *command, const struct run *);
/* Whether the run has data for the drawing: 1 or 0, or -errno. */
int drawer_has(struct drawer *, const struct drawing *);
/* Says on stderr why the data of a drawing can't be kept; error: of the two above. Returns 2. */
int drawer_fail(const char *command, int error);
/* Makes a drawing that the run has data for into a file, which ends in .svg, .pdf or .png. 0; 2: a
 * line is on stderr, and the file is not whole. */
int drawer_draw(struct drawer *, const struct drawing *, const char *path);
void drawer_end(struct drawer *);

/* A file of text, to free(); NULL: it is empty, or can't be read. */
char *drawer_read(const char *path);

#endif
