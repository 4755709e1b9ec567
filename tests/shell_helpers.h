/* shell_helpers.h - a command in the working folder, by a shell: what it wrote, and how it ended.
 */
#ifndef STUBMAP_TEST_SHELL_HELPERS_H
#define STUBMAP_TEST_SHELL_HELPERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>

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
	return WEXITSTATUS(status);
}

#endif
