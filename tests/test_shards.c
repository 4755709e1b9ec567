/*
 * test_shards.c - scripts/parallel-sweep and scripts/slurm-sweep with a few lines of shell in place
 * of stubmap, GNU parallel and sbatch: which shards they ask for, and of which seed.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shell_helpers.h"

#include "base/home.h"

static char folder[] = "/tmp/stubmap-shards-XXXXXX";

/* Says what it is asked; a sweep makes its file. */
static const char stubmap[] = "#!/bin/sh\n"
			      "echo \"$*\" >>\"$LOG\"\n"
			      "[ $1 != sweep ] || : >\"$4\"\n"
			      "[ $1 != merge ] || : >\"$3\"\n"
			      "exit ${STATUS-0}\n";
/* Runs its last word for each line of what it reads. */
static const char parallel[] =
    "#!/bin/sh\n"
    "for command; do :; done\n"
    "while read -r i; do\n"
    "	sh -c \"$(echo \"$command\" | sed \"s/{}/$i/g\")\" || exit\n"
    "done\n";
/* Runs the script behind its options for tasks 1 to 3. */
static const char sbatch[] = "#!/bin/sh\n"
			     "while [ \"${1#-}\" != \"$1\" ]; do shift; done\n"
			     "for i in 1 2 3; do\n"
			     "	SLURM_ARRAY_TASK_ID=$i \"$@\" || s=$?\n"
			     "done\n"
			     "exit ${s-0}\n";

static int make_script(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	return !f || fputs(text, f) < 0 || fclose(f) || chmod(path, 0755);
}

static int set_up(void **state)
{
	char home[4000], path[8000];

	(void)state;
	if (home_tree(home, sizeof home) || !mkdtemp(folder) || chdir(folder) ||
	    mkdir("bin", 0755) || make_script("bin/stubmap", stubmap) ||
	    make_script("bin/parallel", parallel) || make_script("bin/sbatch", sbatch))
		return -1;
	snprintf(path, sizeof path, "%s/bin:%s", folder, getenv("PATH"));
	setenv("PATH", path, 1);
	setenv("T", home, 1);
	setenv("STUBMAP", "stubmap", 1); /* of the path */
	snprintf(path, sizeof path, "%s/log", folder);
	setenv("LOG", path, 1);
	/* A tree of their own: shards lie in its build. */
	return system("mkdir -p tree/scripts tree/build && cp \"$T\"/scripts/seed "
		      "\"$T\"/scripts/*-sweep tree/scripts && echo '{}' >plan.json");
}

static int tear_down(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return chdir("/") || system(command);
}

static const char *const scripts[] = { "parallel", "slurm" };
enum { SCRIPTS = sizeof scripts / sizeof *scripts };

/* The script of this name, called with these words. */
static int call(const char *script, const char *words)
{
	char command[500];

	snprintf(command, sizeof command, "tree/scripts/%s-sweep %s", script, words);
	return sh(command);
}

/* The seed of all three shards of one run, in their order. */
static long logged_seed(void)
{
	assert_int_equal(sh("sed -n 's/^sweep .* --shard //p' log"), 0);
	assert_string_equal(out, "1/3\n2/3\n3/3\n");
	assert_int_equal(sh("sed -n 's/^sweep .* --seed \\([0-9]*\\) .*/\\1/p' log | sort -u"), 0);
	if (!*out || strchr(out, '\n')[1])
		fail_msg("seeds: %s", out);
	assert_int_equal(unlink("log"), 0);
	return atol(out);
}

static void shards_are_of_one_seed(void **state)
{
	(void)state;
	for (size_t i = 0; i < SCRIPTS; i++) {
		assert_int_equal(sh("rm -rf *.jsonl* tree/build/*"), 0);
		assert_int_equal(call(scripts[i], "plan.json 3 a.jsonl"), 0);
		assert_int_equal(sh("sed -n 's/^merge -o .*a.jsonl .*1-of-3.jsonl .*2-of-3.jsonl "
				    ".*3-of-3.jsonl$/whole/p' log"),
				 0);
		assert_string_equal(out, "whole\n");
		long first = logged_seed();
		/* The run of another name is another run. */
		assert_int_equal(call(scripts[i], "plan.json 3 b.jsonl"), 0);
		assert_true(logged_seed() != first);
		/* One that was cut off is gone on with. */
		assert_int_equal(unlink("a.jsonl"), 0);
		assert_int_equal(call(scripts[i], "plan.json 3 a.jsonl"), 0);
		assert_int_equal(logged_seed(), first);
		assert_int_equal(call(scripts[i], "--seed 77 plan.json 3 c.jsonl"), 0);
		assert_int_equal(logged_seed(), 77);
	}
}

/* With one line, before anything runs. */
static void wrong_words_are_refused(void **state)
{
	static const struct {
		const char *words, *says;
	} cases[] = {
		{ "plan.json 3", "usage: scripts/" },
		{ "--seed 7", "usage: scripts/" },
		{ "--seed plan.json 3 d.jsonl", "usage: scripts/" },
		{ "--seed x plan.json 3 d.jsonl", "--seed 'x': a whole number" },
		{ "--seed '' plan.json 3 d.jsonl", "--seed '': a whole number" },
		{ "plan.json x d.jsonl", "'x' shards: a whole number from 1 on is allowed" },
		{ "plan.json 0 d.jsonl", "'0' shards: a whole number from 1 on is allowed" },
		{ "none/plan.json 3 d.jsonl", "none/plan.json: there is no such plan" },
		{ "plan.json 3 plan.json", "plan.json exists" },
		{ "--seed 78 plan.json 3 c.jsonl", "were begun with 77" },
	};

	(void)state;
	for (size_t i = 0; i < SCRIPTS; i++) {
		assert_int_equal(sh("rm -rf *.jsonl* tree/build/*"), 0);
		assert_int_equal(call(scripts[i], "--seed 77 plan.json 3 c.jsonl; rm log c.jsonl"),
				 0);
		for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
			int status = call(scripts[i], cases[k].words);
			const char *end = strchr(err, '\n');
			if (status != 2 || !strstr(err, cases[k].says) || !end || end[1])
				fail_msg("%s: %d, %s", cases[k].words, status, err);
			assert_int_not_equal(access("log", F_OK), 0);
		}
		assert_int_not_equal(access("d.jsonl.shards", F_OK), 0);
	}
}

/* 1 is a failed result, which is in the shard; 2 an error. */
static void an_error_ends_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < SCRIPTS; i++) {
		assert_int_equal(sh("rm -rf log *.jsonl* tree/build/*"), 0);
		setenv("STATUS", "1", 1);
		assert_int_equal(call(scripts[i], "plan.json 3 a.jsonl; [ -e a.jsonl ]"), 0);
		setenv("STATUS", "2", 1);
		assert_int_equal(call(scripts[i], "plan.json 3 b.jsonl"), 2);
		assert_int_not_equal(access("b.jsonl", F_OK), 0);
		unsetenv("STATUS");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shards_are_of_one_seed),
		cmocka_unit_test(wrong_words_are_refused),
		cmocka_unit_test(an_error_ends_it),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
