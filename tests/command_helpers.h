/* command_helpers.h - runs a command in a process of its own and returns
 * its output and exit status. */
#ifndef COMMAND_HELPERS_H
#define COMMAND_HELPERS_H

#include <stdlib.h>
#include <sys/mman.h>

#include "child_helpers.h"
#include "quiet.h"
#include "text_helpers.h"

#define CWASM "tests/data/gc.cwasm"

enum { WORDS = 16 };

struct result {
	int status;
	char *out, *err;
};

static inline char *slurp(FILE *f)
{
	char *text;
	long n;

	fflush(f);
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	rewind(f);
	text = calloc((size_t)n + 1, 1);
	assert_int_equal(fread(text, 1, (size_t)n, f), n);
	fclose(f);
	return text;
}

/* The child's side, which only ever leaves at its end. */
static inline void run_child(int (*command)(int, char **), const char *line, FILE *out, FILE *err,
			     int *status)
{
	char *copy = strdup(line), *at = copy, *argv[WORDS + 1] = { 0 };
	int argc = 0;

	for (char *word; argc < WORDS && (word = strsep(&at, " "));)
		argv[argc++] = word;
	dup2(fileno(out), 1);
	dup2(fileno(err), 2);
	*status = command(argc, argv);
	free(copy);
	exit(0); /* leaks are looked for here */
}

/* Runs the command with stdout and stderr in files. line: words with single blanks. A command that
 * dies, or that a sanitizer reports, fails the test with all that it said. */
static inline struct result run(int (*command)(int, char **), const char *line)
{
	enum { VANISHED = -1 };
	int *status =
	    mmap(NULL, sizeof *status, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	FILE *out = tmpfile(), *err = tmpfile();
	struct result r;
	char text[64];
	int ending;
	pid_t pid;

	assert_ptr_not_equal(status, MAP_FAILED);
	assert_true(out && err);
	*status = VANISHED;
	if (!(pid = child_fork()))
		run_child(command, line, out, err, status);
	assert_int_equal(waitpid(pid, &ending, 0), pid);
	r = (struct result){ .status = *status, .out = slurp(out), .err = slurp(err) };
	munmap(status, sizeof *status);
	drop_progress(r.err);
	if (r.status == VANISHED || ending || child_reported(r.err))
		fail_saying(r.out, r.err, "`%s`: %s", line, child_ending(ending, text));
	return r;
}

/* Runs it, and it must end with that exit status. */
static inline struct result run_to(int status, int (*command)(int, char **), const char *line)
{
	struct result r = run(command, line);

	if (r.status != status)
		fail_saying(r.out, r.err, "`%s`: exit status %d, not %d", line, r.status, status);
	return r;
}

static inline void done(struct result *r)
{
	free(r->out);
	free(r->err);
}

static inline void refused(int (*command)(int, char **), const char *line, const char *part)
{
	struct result r = run_to(2, command, line);

	assert_string_equal(r.out, "");
	if (!strstr(r.err, part) || strchr(r.err, '\n') != r.err + strlen(r.err) - 1)
		fail_saying("", r.err, "`%s`: not one line with '%s'", line, part);
	done(&r);
}

#endif
