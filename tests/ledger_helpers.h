/* ledger_helpers.h - a folder with a copy of the ledger, and shells in it. */
#ifndef LEDGER_HELPERS_H
#define LEDGER_HELPERS_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT = 1 << 14 };

static char folder[] = "/tmp/stubmap-ledger-XXXXXX";
static char said[OUTPUT];

/* A shell's command in the folder, whose output goes to `said`; its exit status. */
static int sh(const char *command)
{
	char line[4000], path[100];
	int status;

	snprintf(line, sizeof line, "cd '%s' && { %s\n} >said 2>&1 </dev/null", folder, command);
	status = system(line);
	assert_true(WIFEXITED(status));
	snprintf(path, sizeof path, "%s/said", folder);
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	said[fread(said, 1, OUTPUT - 1, f)] = 0;
	fclose(f);
	return WEXITSTATUS(status);
}

static int set_up(void **state)
{
	char command[500], root[1000];

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	/* Hooks and the like of who runs this are no part of it. */
	setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	if (getcwd(root, sizeof root))
		setenv("ROOT", root, 1);
	snprintf(command, sizeof command,
		 "mkdir '%s/scripts' && cp scripts/ledger scripts/ledger.tsv scripts/claims-*.json "
		 "'%s/scripts'",
		 folder, folder);
	return system(command);
}

static int tear_down(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return system(command);
}

#endif
