/* plot.c - stubmap plot: one plot of a run as a file of its own; or which plots it has. The
 * file is written aside and moved to its place: it is whole, or the old one stays. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/say.h"
#include "base/suggest.h"
#include "base/table.h"
#include "cli/commands.h"
#include "cli/drawings.h"
#include "cli/options.h"

static const char command[] = "stubmap plot";

static const struct option_help help = {
	.usage = "plot RUN.jsonl [--plot NAME] [-o FILE.svg|FILE.pdf|FILE.png]",
	.summary = "Draws a plot of a run by gnuplot. Without -o it lists the plots that the run "
		   "has data\n"
		   "for. A run with one plot needs no --plot.",
	.min_words = 1,
	.max_words = 1,
};

enum { SUFFIX = 4, MOST = 32 /* drawings */, NAMES = 400 };

/* The bytes at the end of a picture's file that is whole. */
static const struct ending {
	const char *suffix, *last;
} endings[] = {
	{ ".svg", "</svg>" },
	{ ".pdf", "%%EOF" },
	{ ".png", "IEND" },
};
enum { ENDINGS = sizeof endings / sizeof *endings };

/* NULL: no picture's name. */
static const struct ending *ending_of(const char *path)
{
	const size_t n = strlen(path);

	for (size_t i = 0; i < ENDINGS && n > SUFFIX; i++)
		if (!strcmp(path + n - SUFFIX, endings[i].suffix))
			return &endings[i];
	return NULL;
}

static bool is_whole(const char *path, const struct ending *ending)
{
	enum { TAIL = 16 };
	char tail[TAIL];
	FILE *f = fopen(path, "re");
	size_t n = f && !fseek(f, -TAIL, SEEK_END) ? fread(tail, 1, TAIL, f) : 0;

	if (f)
		fclose(f);
	return memmem(tail, n, ending->last, strlen(ending->last));
}

/* 0, or 2 with a line on stderr. */
static int write_picture(struct drawer *d, const struct drawing *drawing, const char *path)
{
	const struct ending *ending = ending_of(path);
	char aside[PATH_MAX];
	FILE *f;
	int r;

	/* Gnuplot takes a name that begins with | for a command. */
	if ((size_t)snprintf(aside, sizeof aside, "%s%.*s.new%s", *path == '/' ? "" : "./",
			     (int)(strlen(path) - SUFFIX), path, ending->suffix) >= sizeof aside)
		return say_line(command, "%s: %s", path, strerror(ENAMETOOLONG));
	if (!(f = fopen(aside, "we")) || fclose(f))
		return say_line(command, "%s: %s", path, strerror(errno));
	r = drawer_draw(d, drawing, aside);
	if (!r && !is_whole(aside, ending))
		r = say_line(command, "%s: not all of it could be written", path);
	if (!r && rename(aside, path))
		r = say_line(command, "%s: %s", path, strerror(errno));
	if (r)
		unlink(aside);
	return r;
}

/* The drawings that the run has data for, and their names. How many, or -errno. */
static int find_drawings(struct drawer *d, const struct drawing *found[MOST], char names[NAMES])
{
	size_t len = 0;
	int n = 0, r = 0;

	*names = 0;
	for (const struct drawing *f = drawings; f->name && n < MOST; f++) {
		if ((r = drawer_has(d, f)) < 0)
			return r;
		if (!r)
			continue;
		len += (size_t)snprintf(names + len, len < NAMES ? NAMES - len : 0, "%s%s",
					n ? ", " : "", f->name);
		found[n++] = f;
	}
	return n;
}

static void list(const struct drawing *const *found, int n)
{
	char name[40];

	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof name, "%-18s ", found[i]->name);
		table_wrapf(stdout, name, "%s", found[i]->caption);
	}
}

/* 0, or 2 with a line on stderr. */
static int plot(struct drawer *d, const char *run, const struct drawing *drawing, const char *path)
{
	const struct drawing *found[MOST];
	char names[NAMES];
	int r = drawing ? drawer_has(d, drawing) : 0, n;

	if (r > 0)
		return write_picture(d, drawing, path);
	if (r < 0 || (n = r = find_drawings(d, found, names)) < 0)
		return drawer_fail(command, r);
	if (!n)
		return say_line(command, "%s has no data of a plot", run);
	if (drawing)
		return say_line(command, "%s has no data of the plot %s; it has: %s", run,
				drawing->name, names);
	if (path && n > 1)
		return say_line(command, "choose one with --plot; %s has: %s", run, names);
	if (path)
		return plot(d, run, found[0], path);
	list(found, n);
	return 0;
}

static int find_drawing(const char *name, const struct drawing **drawing)
{
	const char *names[MOST];
	char error[500];
	size_t n = 0;

	while (drawings[n].name && strcmp(drawings[n].name, name)) {
		names[n] = drawings[n].name;
		n++;
	}
	*drawing = &drawings[n];
	if (drawings[n].name)
		return 0;
	suggest_refuse(error, sizeof error, "plot", name, names, n);
	return say_line(command, "%s", error);
}

int cmd_plot(int argc, char **argv)
{
	const char *path = NULL, *name = NULL;
	const struct option_spec specs[] = {
		{ "plot", 0, OPTION_TEXT, "NAME", "which one; the list names them", &name, 0, 0 },
		{ "output", 'o', OPTION_TEXT, "FILE", "the picture; its ending says of what form",
		  &path, 0, 0 },
	};
	const struct drawing *drawing = NULL;
	char error[RUN_ERROR];
	struct drawer d;
	struct run run;
	int first, r;

	r = options_parse(argc, argv, &help, specs, sizeof specs / sizeof *specs, &first);
	if (r)
		return r < 0 ? 2 : 0;
	if (name && (r = find_drawing(name, &drawing)))
		return r;
	if (name && !path)
		return say_line(command, "-o FILE is missing");
	if (path && !ending_of(path))
		return say_line(command, "-o '%s': allowed: a name that ends in .svg, .pdf or .png",
				path);
	if (path && file_replaceable(path, error, sizeof error))
		return say_line(command, "%s", error);
	if (path && !drawer_can(command))
		return 2;
	if (run_load(argv[first], &run, error))
		return say_line(command, "%s", error);
	if ((r = drawer_begin(&d, command, &run)))
		r = drawer_fail(command, r);
	else
		r = plot(&d, argv[first], drawing, path);
	drawer_end(&d);
	run_close(&run);
	return r;
}
