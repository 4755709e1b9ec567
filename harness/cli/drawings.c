/* drawings.c - the table of drawings; each is drawn by gnuplot in a process of its own, from a file
 * of its data. */
#include "cli/drawings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/home.h"
#include "base/say.h"

/* No form of TSV: there is no second file. */
#define NO_DATA { REPORT_TABLE, NULL, NULL }

const struct drawing drawings[] = {
#define RING(name, kind)                                                                 \
	{ { REPORT_TSV_RING, "steady_ns", "live" },                                      \
	  { REPORT_TSV_FILLS, "steady_l1i_fill", "live" },                               \
	  name,                                                                          \
	  "ring",                                                                        \
	  kind,                                                                          \
	  "The time of a call through one of N live stubs of kind " kind                 \
	  ", called in shuffled order, and, where they were counted, the lines that it " \
	  "fetches into the L1I. Where a line turns up, a cache is too small for what "  \
	  "this placement asks of it" }
	RING("ring", "indirect"),
	RING("ring-entry_native", "entry_native"),
	RING("ring-entry_js", "entry_js"),
	RING("ring-exit_js", "exit_js"),
	RING("ring-builtin", "builtin"),
	{ { REPORT_TSV_MAKE, "bind_ns", NULL },
	  NO_DATA,
	  "make_cost",
	  "make_cost",
	  NULL,
	  "What one stub takes to make: bytes of code and literals, time to bind it, time of its "
	  "first call" },
	{ { REPORT_TSV_PAGES, "space_minor_faults", "live" },
	  NO_DATA,
	  "page_use",
	  "page_use",
	  "indirect",
	  "Pages and page faults of N stubs. A line along the diagonal is a page a stub" },
	{ { REPORT_TSV_PEERS, "space_grown", NULL },
	  NO_DATA,
	  "peers",
	  "peers",
	  NULL,
	  "N live stubs, ours and those of libraries: the time of a call, the time to make a stub, "
	  "the bytes that the process gains with one. What a call does differs by arm" },
	{ { REPORT_TSV_POLICIES, "regret", NULL },
	  NO_DATA,
	  "policies",
	  "policies",
	  NULL,
	  "Time from cold to the least that is possible with hindsight, by the policy of making "
	  "stubs. 1 is the least" },
	{ { REPORT_TSV_TIERUP, NULL, NULL },
	  { REPORT_TSV_STALLS, NULL, NULL },
	  "tierup",
	  "tierup",
	  NULL,
	  "What an upgrade costs, by the number of callers, and the longest stall of a caller "
	  "in each process; grey: the same without upgrades" },
	{ { REPORT_TSV_FLOODS, NULL, NULL },
	  NO_DATA,
	  "floods",
	  "floods",
	  NULL,
	  "Bytes of an instance and time to its first call, by the number of instances" },
	{ { REPORT_TSV_CHURN, NULL, NULL },
	  NO_DATA,
	  "churn",
	  "churn",
	  NULL,
	  "Bytes of code held for one in use, as instances are born and die" },
	{ { REPORT_TSV_MAPPINGS, "churn_mappings", "instances" },
	  NO_DATA,
	  "mappings",
	  "mappings",
	  NULL,
	  "The kernel's mappings of stubs and literals against the stubs that live while instances "
	  "are born and die, and the most mappings that a process may have" },
	{ .name = NULL },
};

/* Runs gnuplot; its messages go to the file `said`.
 * Returns its exit status; 127: there is no gnuplot. */
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
		/* Its scripts, and what they start, write numbers with a point, and UTF-8. */
		setenv("LC_ALL", "C.UTF-8", 1);
		execvp("gnuplot", (char *const *)argv);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

bool drawer_can(const char *command)
{
	const char *const argv[] = { "gnuplot", "--version", NULL };

	if (gnuplot(argv, "/dev/null") != 127)
		return true;
	say_line(command, "gnuplot draws the plots, and is not there: apt-get install gnuplot-nox");
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

/* Whether a line has this text in this column; any: NULL. */
static bool has_text(const char *line, size_t at, const char *text)
{
	size_t len;
	const char *there = column(line, at, &len);

	return !text || (len == strlen(text) && !strncmp(there, text, len));
}

/* Whether two lines are the same up to this column, and differ there. */
static bool differ(const char *a, const char *b, size_t at)
{
	size_t na, nb;
	const char *x = column(a, at, &na), *y = column(b, at, &nb);

	return x - a == y - b && !strncmp(a, b, (size_t)(x - a)) && (na != nb || strncmp(x, y, na));
}

/* Whether there is something to draw, of stubs of one kind if `wanted` names one; if a column must
 * vary, some arm needs two values of it in a row. */
static bool has_data(const struct drawing_data *d, const char *wanted, const char *data)
{
	const size_t needs = d->needs ? find_column(data, d->needs) : 0;
	const size_t varies = d->varies ? find_column(data, d->varies) : 0;
	const size_t kind = find_column(data, "kind");
	const char *before = NULL;

	/* Lazy arms have a regret in any plan, but the plot is there to compare policies. */
	if (d->form == REPORT_TSV_POLICIES && !strstr(data, "\tadaptive\t"))
		return false;
	for (const char *line = strchr(data, '\n'); line && line[1];
	     line = strchr(line + 1, '\n')) {
		size_t len;
		const char *value = column(line + 1, needs, &len);

		if (d->needs && (!len || !strncmp(value, "NaN", 3)))
			continue;
		if (!has_text(line + 1, kind, wanted))
			continue;
		if (!d->varies || (before && differ(before, line + 1, varies)))
			return true;
		before = line + 1;
	}
	return false;
}

char *drawer_read(const char *path)
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

int drawer_begin(struct drawer *d, const char *command, const struct run *run)
{
	static const char *const names[DRAWER_FILES] = { "", "-more" };
	char folder[PATH_MAX - 40];
	const long pid = (long)getpid();
	int r = home_temp(folder, sizeof folder);

	*d = (struct drawer){ .command = command, .run = run };
	if (r)
		return r;
	for (int i = 0; i < DRAWER_FILES; i++) {
		struct drawer_file *f = &d->files[i];

		f->form = REPORT_TABLE;
		snprintf(f->path, sizeof f->path, "%s/plot-%ld%s.tsv", folder, pid, names[i]);
	}
	snprintf(d->said, sizeof d->said, "%s/plot-%ld.txt", folder, pid);
	return 0;
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

/* Whether one file's data is there, once it is written: 1 or 0, or -errno. */
static int has(const struct drawer *d, struct drawer_file *to, const struct drawing_data *data,
	       const char *kind)
{
	int r = 0;

	if (data->form == REPORT_TABLE)
		return 0;
	/* Figures of one form share their data. */
	if (to->form != data->form) {
		free(to->text);
		to->text = NULL;
		to->form = REPORT_TABLE;
		if ((r = write_data(d->run, data->form, to->path)))
			return r;
		if (!(to->text = drawer_read(to->path)))
			return 0; /* not even a head */
		to->form = data->form;
	}
	return has_data(data, kind, to->text);
}

int drawer_has(struct drawer *d, const struct drawing *f)
{
	return has(d, &d->files[0], &f->data, f->kind);
}

int drawer_fail(const char *command, int error)
{
	return say_line(command, "the data of plots, in %s (TMPDIR): %s", home_temp_root(),
			strerror(-error));
}

int drawer_draw(struct drawer *d, const struct drawing *f, const char *path)
{
	char name[80], script[PATH_MAX], *said = NULL;
	const char *argv[] = { "gnuplot", "-c", script, d->files[0].path, path, NULL, NULL, NULL };
	int r = has(d, &d->files[1], &f->more, f->kind);
	size_t n = 5;

	if (f->kind)
		argv[n++] = f->kind;
	if (r > 0)
		argv[n++] = d->files[1].path;
	snprintf(name, sizeof name, "scripts/%s.gp", f->script);
	if (r < 0)
		return say_line(d->command, "no plot %s: %s", f->name, strerror(-r));
	if (home_find(name, script, sizeof script))
		return say_line(d->command, "no plot %s: %s is not in the program's tree", f->name,
				name);
	if (!gnuplot(argv, d->said))
		return 0;
	said = drawer_read(d->said);
	say_line(d->command, "no plot %s: %s", f->name, last_line(said));
	free(said);
	return 2;
}

void drawer_end(struct drawer *d)
{
	for (int i = 0; i < DRAWER_FILES; i++) {
		free(d->files[i].text);
		unlink(d->files[i].path);
	}
	unlink(d->said);
}
