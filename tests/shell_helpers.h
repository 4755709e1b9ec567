/* shell_helpers.h - a command in the working folder, by a shell: its output, and how it ended. */
#ifndef STUBMAP_TEST_SHELL_HELPERS_H
#define STUBMAP_TEST_SHELL_HELPERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "child_helpers.h"
#include "program_helpers.h"
#include "quiet.h"

enum { OUTPUT = 1 << 18 };

static char out[OUTPUT], err[OUTPUT];

static void read_file(const char *path, char *text)
{
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	text[fread(text, 1, OUTPUT - 1, f)] = '\0';
	fclose(f);
}

/* A shell's command with $S for the program, in the folder; its exit status. */
static int sh(const char *command)
{
	char line[1000];
	int status;

	snprintf(line, sizeof line, "{ %s\n} >out 2>err </dev/null", command);
	status = system(line);
	assert_true(WIFEXITED(status));
	read_file("out", out);
	read_file("err", err);
	drop_progress(err);
	if (child_reported(err))
		fail_saying(out, err, "%s: a sanitizer's report", command);
	return WEXITSTATUS(status);
}

static inline void good(const char *command)
{
	int status = sh(command);

	if (status)
		fail_msg("%s: status %d, said: %s%s", command, status, out, err);
}

static inline void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in: %s%s", part, out, err);
}

/* Refused with one line that has no control character and says so much. */
static inline void refused(const char *command, const char *says)
{
	int status = sh(command);
	const char *end = strchr(err, '\n');

	if (status != 2 || *out || !strstr(err, says) || !end || end[1] || strchr(err, '\033'))
		fail_msg("%s: status %d, said: %s%s", command, status, out, err);
}

/* Makes a folder of the template, and enters it: $S is the program beside the test, $TREE the tree,
 * and its objects are kept as the tests' are. 0, or -1. */
static inline int shell_enter(char *folder)
{
	const char *objects = getenv("STUBMAP_TEST_OBJECTS");
	char program[4000], from[4096], tree[4000];

	if (objects && !realpath(objects, from))
		return -1;
	if (home_tree(tree, sizeof tree) || setenv("TREE", tree, 1) ||
	    program_above(2, program, sizeof program) || !mkdtemp(folder) || chdir(folder) ||
	    setenv("S", program, 1) || (objects && symlink(from, "stubmap")) ||
	    setenv("XDG_CACHE_HOME", folder, 1))
		return -1;
	return 0;
}

/* In such a folder: a run of four cells, run.jsonl, of a plan of that name. */
static inline int shell_run(const char *name)
{
	char command[600];

	snprintf(command, sizeof command,
		 "printf '%%s' '{\"name\":\"%s\",\"blocks\":5,\"seed\":1,\"iterations\":1,"
		 "\"baseline\":{\"stubs\":\"page\"},\"cells\":[{\"stubs\":[\"page\",\"pool\"],"
		 "\"live\":[4,8]}]}' >plan.json && \"$S\" sweep plan.json -o run.jsonl 2>/dev/null",
		 name);
	return system(command);
}

/* Leaves it, and removes it. */
static inline int shell_leave(const char *folder)
{
	char command[100];

	snprintf(command, sizeof command, "rm -rf %s", folder);
	return chdir("/") || system(command);
}

#endif
