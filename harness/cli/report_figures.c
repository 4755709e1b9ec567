/* report_figures.c - a run's figures: gnuplot draws each from its data, and it becomes a part of
 * the page. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analysis/report.h"
#include "base/home.h"
#include "base/html.h"
#include "base/say.h"
#include "cli/report.h"

/* Columns of the ring's data. */
enum { KIND = 2, LIVE };

/* No form of TSV: there is no second file. */
#define NO_DATA { REPORT_TABLE, NULL }

/* A column that has values where there is something to draw; NULL: any line. */
struct data {
	enum report_form form;
	const char *needs;
};

static const struct drawing {
	struct data data, more; /* more: a second file, for the last argument, if it has data */
	const char *script, *kind;
	const char *caption;
} drawings[] = {
#define RING(kind)                                                                       \
	{ { REPORT_TSV_RING, "steady_ns" },                                              \
	  { REPORT_TSV_FILLS, "steady_l1i_fill" },                                       \
	  "ring",                                                                        \
	  kind,                                                                          \
	  "The time of a call through one of N live stubs of kind " kind                 \
	  ", called in shuffled order, and, where they were counted, the lines that it " \
	  "fetches into the L1I. Where a line turns up, a cache is too small for what "  \
	  "this placement asks of it" }
	RING("indirect"),
	RING("entry_native"),
	RING("entry_js"),
	RING("exit_js"),
	RING("builtin"),
	{ { REPORT_TSV_MAKE, "bind_ns" },
	  NO_DATA,
	  "make_cost",
	  NULL,
	  "What one stub takes to make: bytes of code and literals, time to bind it, time of its "
	  "first call" },
	{ { REPORT_TSV_PAGES, "space_minor_faults" },
	  NO_DATA,
	  "page_use",
	  NULL,
	  "Pages and page faults of N stubs. A line along the diagonal is a page a stub" },
	{ { REPORT_TSV_POLICIES, "regret" },
	  NO_DATA,
	  "policies",
	  NULL,
	  "Time from cold to the least that is possible with hindsight, by the policy of making "
	  "stubs. 1 is the least" },
	{ { REPORT_TSV_TIERUP, NULL },
	  { REPORT_TSV_STALLS, NULL },
	  "tierup",
	  NULL,
	  "What an upgrade costs, by the number of callers, and the longest stall of a caller "
	  "in each process; grey: the same without upgrades" },
	{ { REPORT_TSV_FLOODS, NULL },
	  NO_DATA,
	  "floods",
	  NULL,
	  "Bytes of an instance and time to its first call, by the number of instances" },
	{ { REPORT_TSV_CHURN, NULL },
	  NO_DATA,
	  "churn",
	  NULL,
	  "Bytes of code held for one in use, as instances are born and die" },
};

/* Runs gnuplot; what it says goes to the file `said`. Its exit status, 127: it is not there. */
static int gnuplot(const char *const *argv, const char *said)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		int fd = open(said, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
		if (fd >= 0) {
			dup2(fd, 1);
			dup2(fd, 2);
		}
		execvp("gnuplot", (char *const *)argv);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

bool report_can_draw(void)
{
	const char *const argv[] = { "gnuplot", "--version", NULL };

	if (gnuplot(argv, "/dev/null") != 127)
		return true;
	say_line("stubmap report",
		 "gnuplot draws the figures, and is not there: apt-get install gnuplot-nox");
	return false;
}

/* The text of a column of a line of the data. */
static const char *column(const char *line, size_t at, size_t *len)
{
	while (at-- && *line != '\n')
		line = line + strcspn(line, "\t\n") + (line[strcspn(line, "\t\n")] == '\t');
	*len = strcspn(line, "\t\n");
	return line;
}

/* The column of that name in the data's first line; one past the last: none. */
static size_t find_column(const char *data, const char *name)
{
	size_t at = 0, len;

	for (const char *text; *(text = column(data, at, &len)) && *text != '\n'; at++)
		if (len == strlen(name) && !strncmp(text, name, len))
			break;
	return at;
}

/* Whether there is something to draw; of the ring values at more than one number of stubs. */
static bool has_data(const struct data *d, const char *wanted, const char *data)
{
	const size_t at = d->needs ? find_column(data, d->needs) : 0;
	char first[20] = "";

	/* Lazy arms have a regret in any plan; what is drawn is how the policies compare. */
	if (d->form == REPORT_TSV_POLICIES && !strstr(data, "\tadaptive\t"))
		return false;
	for (const char *line = strchr(data, '\n'); line && line[1];
	     line = strchr(line + 1, '\n')) {
		size_t len, klen, vlen;
		const char *value = column(line + 1, at, &vlen),
			   *kind = column(line + 1, KIND, &klen);
		const char *live = column(line + 1, LIVE, &len);

		if (d->needs && (!vlen || !strncmp(value, "NaN", 3)))
			continue;
		if (!wanted)
			return true;
		if (klen != strlen(wanted) || strncmp(kind, wanted, klen))
			continue;
		if (!*first)
			snprintf(first, sizeof first, "%.*s", (int)len, live);
		else if (strlen(first) != len || strncmp(first, live, len))
			return true;
	}
	return false;
}

static char *read_all(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;
	ssize_t n = f ? getdelim(&text, &size, 0, f) : -1;

	if (f)
		fclose(f);
	if (n >= 0)
		return text;
	free(text);
	return NULL;
}

/* The files that a figure is made through. */
struct files {
	char script[PATH_MAX], data[PATH_MAX], more[PATH_MAX], svg[PATH_MAX], said[PATH_MAX];
};

static int find_files(const struct drawing *f, struct files *at)
{
	char folder[PATH_MAX - 40], script[80];
	const long pid = (long)getpid();
	int r;

	snprintf(script, sizeof script, "scripts/%s.gp", f->script);
	if ((r = home_find(script, at->script, sizeof at->script)) ||
	    (r = home_temp(folder, sizeof folder)))
		return r;
	snprintf(at->data, sizeof at->data, "%s/report-%ld.tsv", folder, pid);
	snprintf(at->more, sizeof at->more, "%s/report-%ld-more.tsv", folder, pid);
	snprintf(at->svg, sizeof at->svg, "%s/report-%ld.svg", folder, pid);
	snprintf(at->said, sizeof at->said, "%s/report-%ld.txt", folder, pid);
	return 0;
}

static void forget(const struct files *at)
{
	unlink(at->data);
	unlink(at->more);
	unlink(at->svg);
	unlink(at->said);
}

/* The last line with something in it; cuts text behind it. */
static const char *last_line(char *text)
{
	size_t n = text ? strlen(text) : 0;

	while (n && strchr("\n ", text[n - 1]))
		text[--n] = 0;
	while (n && text[n - 1] != '\n')
		n--;
	return text && text[n] ? text + n : "gnuplot failed, and says nothing";
}

static bool file_has_data(const struct data *d, const char *kind, const char *path)
{
	char *data = d->form == REPORT_TABLE ? NULL : read_all(path);
	bool has = data && has_data(d, kind, data);

	free(data);
	return has;
}

/* The figure as SVG, to free(); NULL: it has no data, or was not made. */
static char *draw(const struct drawing *f, const struct files *at)
{
	const char *argv[] = { "gnuplot", "-c", at->script, at->data, at->svg, NULL, NULL, NULL };
	char *svg = NULL, *said;
	size_t n = 5;

	if (!file_has_data(&f->data, f->kind, at->data))
		return NULL;
	if (f->kind)
		argv[n++] = f->kind;
	if (file_has_data(&f->more, f->kind, at->more))
		argv[n++] = at->more;
	if (!gnuplot(argv, at->said)) {
		svg = read_all(at->svg);
	} else {
		said = read_all(at->said);
		say_line("stubmap report", "no figure %s: %s", f->script, last_line(said));
		free(said);
	}
	return svg;
}

static void put_figure(FILE *out, const struct drawing *f, const struct run *run, const char *name,
		       const char *svg, unsigned number)
{
	const json_t *plan = json_object_get(run->head, "plan");

	fputs("<figure><img alt=\"", out);
	html_text(out, f->caption);
	fputs("\" src=\"", out);
	html_data_svg(out, svg);
	fprintf(out, "\"><figcaption>Figure %u. ", number);
	html_text(out, f->caption);
	fputs(". ", out);
	html_text(out, name);
	fprintf(out, ", %lld blocks; bands and whiskers are 95 %%.</figcaption></figure>\n",
		(long long)json_integer_value(json_object_get(plan, "blocks")));
}

static int write_data(const struct run *run, enum report_form form, const char *path)
{
	const struct report_options o = { .form = form };
	FILE *data = fopen(path, "we");
	int r = data ? report_summary(data, run, &o) : -errno;

	if (data && fclose(data) && !r)
		r = -errno;
	return r;
}

int report_figures(FILE *out, const struct run *run, const char *name, unsigned *number)
{
	struct files at = { 0 };
	int r = 0;

	for (size_t i = 0; i < sizeof drawings / sizeof *drawings && !r; i++) {
		const struct drawing *f = &drawings[i];

		if ((r = find_files(f, &at)))
			break;
		/* Drawings of one form share their data. */
		if (!i || f->data.form != f[-1].data.form) {
			r = write_data(run, f->data.form, at.data);
			if (!r && f->more.form != REPORT_TABLE)
				r = write_data(run, f->more.form, at.more);
		}
		char *svg = r ? NULL : draw(f, &at);
		if (svg)
			put_figure(out, f, run, name, svg, (*number)++);
		free(svg);
	}
	forget(&at);
	return r;
}
