/* command_helpers.h - a command run in this process, as its caller sees it. */
#ifndef COMMAND_HELPERS_H
#define COMMAND_HELPERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../harness/table.h"

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

/* Runs the command with stdout and stderr in files. line: words with single blanks. */
static inline struct result run(int (*command)(int, char **), const char *line)
{
	char *copy = strdup(line), *at = copy, *argv[WORDS + 1] = { 0 };
	FILE *out = tmpfile(), *err = tmpfile();
	int argc = 0, saved[2] = { dup(1), dup(2) };
	struct result r;

	for (char *word; argc < WORDS && (word = strsep(&at, " "));)
		argv[argc++] = word;
	fflush(stdout);
	fflush(stderr);
	dup2(fileno(out), 1);
	dup2(fileno(err), 2);
	r.status = command(argc, argv);
	fflush(stdout);
	fflush(stderr);
	dup2(saved[0], 1);
	dup2(saved[1], 2);
	close(saved[0]);
	close(saved[1]);
	r.out = slurp(out);
	r.err = slurp(err);
	free(copy);
	return r;
}

static inline void done(struct result *r)
{
	free(r->out);
	free(r->err);
}

static inline void refused(int (*command)(int, char **), const char *line, const char *part)
{
	struct result r = run(command, line);

	assert_int_equal(r.status, 2);
	assert_string_equal(r.out, "");
	assert_non_null(strstr(r.err, part));
	assert_ptr_equal(strchr(r.err, '\n'), r.err + strlen(r.err) - 1);
	done(&r);
}

static inline void check_width(const char *text)
{
	for (const char *end; *text; text = end + 1) {
		end = strchr(text, '\n');
		assert_non_null(end);
		assert_true(end - text <= 100);
	}
}

#endif
