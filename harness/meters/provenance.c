/* provenance.c - reads the stamp, and asks git about the tree. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/home.h"
#include "meters/provenance.h"

/* "HASH COMMIT clean|dirty", or "HASH - REASON". */
extern const char program_stamp[] __attribute__((weak));

json_t *provenance_program(char why[PROVENANCE_WHY])
{
	char hash[80], commit[80], rest[PROVENANCE_WHY] = "";

	if (!program_stamp ||
	    sscanf(program_stamp, "%79s %79s %159[^\n]", hash, commit, rest) != 3) {
		snprintf(why, PROVENANCE_WHY, "the program was linked without a stamp");
		return NULL;
	}
	if (!strcmp(commit, "-")) {
		snprintf(why, PROVENANCE_WHY, "%s", rest);
		return json_pack("{s:n, s:n, s:s}", "commit", "dirty", "hash", hash);
	}
	return json_pack("{s:s, s:b, s:s}", "commit", commit, "dirty", !strcmp(rest, "dirty"),
			 "hash", hash);
}

/* Runs scripts/stamp of the tree; out gets the first line of its output. */
static int ask(const char *script, char *out, size_t size)
{
	size_t len = 0;
	int p[2], status = -1;
	ssize_t n;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC))
		return -errno;
	if (!(pid = fork())) {
		int null = open("/dev/null", O_RDWR);

		if (null >= 0 && dup2(null, 2) >= 0 && dup2(p[1], 1) >= 0)
			execl(script, script, "tree", (char *)NULL);
		_exit(127);
	}
	close(p[1]);
	while (pid > 0 && len < size - 1 && (n = read(p[0], out + len, size - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = 0;
	close(p[0]);
	if (pid > 0)
		waitpid(pid, &status, 0);
	out[strcspn(out, "\n")] = 0;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

json_t *provenance_tree(char why[PROVENANCE_WHY])
{
	char script[PATH_MAX], line[PROVENANCE_WHY], commit[80], rest[80];

	if (home_find("scripts/stamp", script, sizeof script)) {
		snprintf(why, PROVENANCE_WHY, "the program does not lie in its tree");
		return NULL;
	}
	if (ask(script, line, sizeof line)) {
		snprintf(why, PROVENANCE_WHY, "scripts/stamp does not answer");
		return NULL;
	}
	if (*line == '-' || sscanf(line, "%79s %79s", commit, rest) != 2) {
		snprintf(why, PROVENANCE_WHY, "%s",
			 *line == '-' ? line + 2 : "git does not answer");
		return NULL;
	}
	return json_pack("{s:s, s:b}", "commit", commit, "dirty", !strcmp(rest, "dirty"));
}

/* A commit or hash as readers know it. */
static const char *brief(const json_t *v, char out[16])
{
	snprintf(out, 16, "%.12s", json_string_value(v) ? json_string_value(v) : "unknown");
	return out;
}

bool provenance_differs(const json_t *machine, char out[PROVENANCE])
{
	const json_t *program = json_object_get(machine, "program");
	const json_t *tree = json_object_get(machine, "tree");
	const json_t *built = json_object_get(program, "commit");
	const json_t *lay = json_object_get(tree, "commit");
	const json_t *old = json_object_get(machine, "git_commit");
	const bool dirty = json_is_true(json_object_get(program, "dirty"));
	char a[16], b[16];

	if (json_is_string(old) && !program)
		snprintf(out, PROVENANCE,
			 "the program is not known: this record names the commit of the tree that "
			 "it lay in (%s%s)",
			 brief(old, a),
			 json_is_true(json_object_get(machine, "git_dirty")) ? ", changed" : "");
	else if (!json_is_object(machine))
		return false;
	else if (!json_is_object(program))
		snprintf(out, PROVENANCE,
			 "the program is not known: it was linked without a stamp");
	else if (!json_is_string(built))
		snprintf(out, PROVENANCE,
			 "the program's commit is not known: it was built outside of a git tree");
	else if (json_is_string(lay) && !json_equal(built, lay))
		snprintf(out, PROVENANCE, "the program is of commit %s%s, its tree was at %s%s",
			 brief(built, a), dirty ? " and changes" : "", brief(lay, b),
			 json_is_true(json_object_get(tree, "dirty")) ? " and changes" : "");
	else if (dirty)
		snprintf(out, PROVENANCE,
			 "the program is of commit %s and changes that are in no commit",
			 brief(built, a));
	else if (json_is_true(json_object_get(tree, "dirty")))
		snprintf(out, PROVENANCE,
			 "the program is of commit %s, its tree was changed after the build",
			 brief(built, a));
	else
		return false;
	return true;
}

const char *provenance_name(const json_t *machine, char out[PROVENANCE])
{
	const json_t *program = json_object_get(machine, "program");
	const json_t *commit = json_object_get(program, "commit");
	char a[16], b[16];

	if (!json_is_object(program))
		snprintf(out, PROVENANCE, "not known");
	else
		snprintf(out, PROVENANCE, "commit %s%s; linked from %s", brief(commit, a),
			 !json_is_string(commit)			   ? ""
			 : json_is_true(json_object_get(program, "dirty")) ? " and changes"
									   : ", clean",
			 brief(json_object_get(program, "hash"), b));
	return out;
}
