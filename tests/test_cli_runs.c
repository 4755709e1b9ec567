/*
 * test_cli_runs.c - run files as a user makes them: kept by run, begun with a seed, gone on with,
 * refused, sharded and merged. Runs the program beside it through a shell in a folder of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shell_helpers.h"
#include "runs/row.h"

static char folder[] = "/tmp/stubmap-runs-XXXXXX";

/* Refused with one line that says so much; no file is changed. */
static void refused_whole(const char *command, const char *says)
{
	static const char files[] = "cat *.jsonl | cksum; ls *.jsonl";

	sh(files);
	char *before = strdup(out);

	refused(command, says);
	sh(files);
	assert_string_equal(out, before);
	free(before);
}

static int set_up(void **state)
{
	(void)state;
	if (shell_enter(folder))
		return -1;
	return system(
	    "printf '%s' '{\"name\":\"p\",\"seed\":1,\"blocks\":2,\"iterations\":1,"
	    "\"baseline\":{\"stubs\":\"page\"},\"cells\":[{\"stubs\":\"page\",\"live\":4}]}'"
	    " >plan.json; sed s/seed.:1/seed\\\":2/ plan.json >other.json;"
	    "echo '[{\"id\": \"i\", \"text\": \"t\", \"phase\": \"steady\", \"event\": \"ns\","
	    " \"of\": {\"stubs\": \"page\", \"live\": 4}, \"above\": 0}]' >claims.json");
}

static int tear_down(void **state)
{
	(void)state;
	return shell_leave(folder);
}

/* The example of a plan is one that runs as it stands, but for its many blocks. */
static void the_help_has_a_plan(void **state)
{
	(void)state;
	good("\"$S\" sweep --help | sed -n '/^  {$/,/^  }$/p' >example.json && "
	     "\"$S\" sweep example.json --blocks 1 -o example.jsonl && "
	     "[ $(wc -l <example.jsonl) -gt 6 ] && rm example.*");
	/* It has each key that there is. */
	good("sed 's/\"seed\":1/\"nokey\":1/' plan.json >nokey.json; \"$S\" sweep nokey.json -o "
	     "x.jsonl "
	     "2>said; sed 's/.*allowed: //; s/,//g' said | tr ' ' '\\n' | while read -r key; do "
	     "\"$S\" sweep --help | grep -q \"^    \\\"$key\\\": \" || exit; done");
}

static void a_quick_run_is_kept(void **state)
{
	(void)state;
	good("\"$S\" run -s page,null -n 4 -b 2 -i 1 -o quick.jsonl; cp out table");
	good("\"$S\" summary quick.jsonl");
	read_file("table", err);
	assert_true(!strncmp(out, err, strlen(err))); /* the same, and perhaps notes below */
	good("\"$S\" compare quick.jsonl quick.jsonl");
	good("\"$S\" claims quick.jsonl -c claims.json");
	refused_whole("\"$S\" run -s page,null -n 4 -b 2 -i 1 -o quick.jsonl", "name another file");
	refused_whole("\"$S\" run -s page,null -n 8 -b 2 -i 1 -o quick.jsonl",
		      "a run of another plan");
	refused_whole("\"$S\" run -s page,null -n 4 -b 2 -i 1 -o none/quick.jsonl", "No such file");
	refused_whole("\"$S\" run -s page -n 4 -b 1 -i 1 -o plan.json", "no run file");
	/* After an edit and make; this command has no --mixed. */
	good("sed '$d; 1s/\"hash\":\"[0-9a-f]*\"/\"hash\":\"0\"/' quick.jsonl >other.jsonl");
	refused_whole("\"$S\" run -s page,null -n 4 -b 2 -i 1 -o other.jsonl", "name another file");
	/* A run that was cut off is continued. */
	good(
	    "sed '$d' quick.jsonl >cut.jsonl; \"$S\" run -s page,null -n 4 -b 2 -i 1 -o cut.jsonl");
	good("grep -c '\"type\":\"invocation\"' cut.jsonl quick.jsonl");
	assert_string_equal(out, "cut.jsonl:6\nquick.jsonl:6\n");
	good("rm *.jsonl");
}

static uint64_t first_seed(const char *path, uint64_t *head)
{
	char error[RUN_ERROR];
	struct run run;

	if (run_load(path, &run, error))
		fail_msg("%s", error);
	*head = run_seed(&run);
	uint64_t seed =
	    (uint64_t)json_integer_value(json_object_get(run.invocations[0].json, "seed"));
	run_close(&run);
	return seed;
}

static void a_run_keeps_its_seed(void **state)
{
	uint64_t own, other, head;

	(void)state;
	good("\"$S\" sweep plan.json -o a.jsonl --blocks 1");
	own = first_seed("a.jsonl", &head);
	assert_int_equal(head, 1);
	good("\"$S\" sweep plan.json -o b.jsonl --blocks 1 --seed 77");
	other = first_seed("b.jsonl", &head);
	assert_int_equal(head, 77);
	assert_true(own != other);
	refused_whole("\"$S\" sweep plan.json -o b.jsonl --seed 78", "begun with seed 77");
	good("\"$S\" sweep plan.json -o b.jsonl");
	good("\"$S\" sweep plan.json -o c.jsonl --seed 77");
	good("for f in b c; do grep invocation $f.jsonl | grep -o '\"seed\":[0-9]*' >$f; done; cmp "
	     "b c");
	refused_whole("\"$S\" merge a.jsonl b.jsonl -o d.jsonl", "have different seeds");
	good("rm *.jsonl");
}

static void another_program_is_refused(void **state)
{
	(void)state;
	good("\"$S\" sweep plan.json -o a.jsonl --blocks 1");
	good("sed -i '1s/\"hash\":\"[0-9a-f]*\"/\"hash\":\"0\"/' a.jsonl");
	refused_whole("\"$S\" sweep plan.json -o a.jsonl", "program ");
	good("\"$S\" sweep plan.json -o a.jsonl --mixed");
	good("\"$S\" summary a.jsonl | tr -s '\\n ' ' ' | grep -q 'note: mixed'");
	refused_whole("\"$S\" claims a.jsonl -c claims.json", "a.jsonl");
	good("\"$S\" sweep plan.json -o b.jsonl --cpu $(taskset -pc $$ | sed 's/.*[^0-9]//')");
	good("sed -i '1s/\"pinned_cpu\":[0-9]*/\"pinned_cpu\":1000/; $d' b.jsonl");
	refused_whole("\"$S\" sweep plan.json -o b.jsonl", "pinned_cpu 1000 there");
	good("rm *.jsonl");
}

static void shards_make_a_whole(void **state)
{
	(void)state;
	good("\"$S\" sweep plan.json -o 1.jsonl --shard 1/2");
	refused_whole("\"$S\" sweep plan.json -o 1.jsonl --shard 2/2", "shard 1/2");
	refused_whole("\"$S\" sweep plan.json -o 1.jsonl", "shard 1/2");
	good("grep -o '\"block\":[0-9]*' 1.jsonl | sort -u");
	assert_string_equal(out, "\"block\":0\n");
	good("\"$S\" summary 1.jsonl | grep -q 'note: shard 1/2: a part'");
	good("\"$S\" sweep plan.json -o 2.jsonl --shard 2/2");
	good("\"$S\" merge -o m.jsonl 1.jsonl 2.jsonl");
	assert_string_equal(err, "");
	good("cp m.jsonl n.jsonl; \"$S\" sweep plan.json -o n.jsonl; cmp m.jsonl n.jsonl");
	refused_whole("\"$S\" merge -o m.jsonl 1.jsonl 2.jsonl", "m.jsonl exists");
	refused_whole("\"$S\" merge -o x.jsonl 1.jsonl m.jsonl", "already");
	refused_whole("\"$S\" merge -o none/x.jsonl 1.jsonl 2.jsonl", "none/x.jsonl");
	refused_whole("\"$S\" merge 1.jsonl 2.jsonl", "-o OUT.jsonl is missing");
	refused_whole("mkfifo fifo; timeout 20 \"$S\" merge -o x.jsonl fifo 2.jsonl",
		      "fifo: a pipe; it must be a regular file");
	/* Files beside the output are left alone, above all those that are read. */
	good("cp 1.jsonl x.jsonl.new; \"$S\" merge -o x.jsonl x.jsonl.new 2.jsonl;"
	     "cmp 1.jsonl x.jsonl.new; cmp x.jsonl m.jsonl; rm x.jsonl");
	good("\"$S\" merge -o half.jsonl 1.jsonl");
	assert_non_null(strstr(err, "2 invocations of the plan are missing"));
	good("\"$S\" sweep plan.json -o half.jsonl"); /* goes on as a run of its own */
	for (const char *const *bad =
		 (const char *const[]){ "0/2", "3/2", "1/3", "x", "1/2/3", "1", "-1/2",
					"1/4294967298", "01/2", "1/+2", "'1/ 2'", "1/-4294967294",
					"1/", "''", NULL };
	     *bad; bad++) {
		char command[200];

		snprintf(command, sizeof command, "\"$S\" sweep plan.json -o x.jsonl --shard %s",
			 *bad);
		refused_whole(command, "allowed: 1/N to N/N");
	}
	good("rm *.jsonl");
}

static void blocks_are_added(void **state)
{
	char error[RUN_ERROR];
	struct run run;

	(void)state;
	/* However long a block takes, there is one, and all are whole. */
	good("\"$S\" sweep plan.json -o a.jsonl --time 1s");
	assert_non_null(strstr(err, ", the time is over: "));
	assert_int_equal(run_load("a.jsonl", &run, error), 0);
	assert_true(run.n >= 2 && run.n % 2 == 0);
	run_close(&run);
	/* There is no ratio but the baseline's to itself. */
	good("\"$S\" sweep plan.json -o b.jsonl --precision 50%");
	assert_non_null(strstr(err, "5 blocks: no ratio is known"));
	good("\"$S\" run -s page,null -n 4 -b 1 -i 1 --precision 90% --time 20s");
	assert_non_null(strstr(err, " blocks"));
	refused_whole("\"$S\" run --precision 0%", "--precision '0%'");
	refused_whole("\"$S\" run --precision x", "--precision 'x'");
	refused_whole("\"$S\" run --time 0s", "--time '0s'");
	refused_whole("\"$S\" sweep plan.json -o c.jsonl --time 5d", "--time '5d'");
	good("rm *.jsonl");
}

/* Killed between the making of the file and its first line's end. */
static void a_cut_first_line_is_begun_anew(void **state)
{
	(void)state;
	good("\"$S\" sweep plan.json -o a.jsonl --blocks 1");
	good("head -c 100 a.jsonl >b.jsonl");
	refused_whole("\"$S\" summary b.jsonl", "its first line was cut off");
	good("\"$S\" sweep plan.json -o b.jsonl --blocks 1");
	assert_non_null(strstr(err, "note: the first line of b.jsonl was cut off"));
	good("\"$S\" summary b.jsonl");
	good("rm *.jsonl");
}

/* Callers and the thread that upgrades need a CPU each; where they have none, it is said. */
static void threads_without_a_cpu_are_told(void **state)
{
	static const char tierup[] = "\"$S\" run --workload tierup --threads 1 --upgrades 4 "
				     "--live 4 --stubs pool -b 1 -i 1";
	char command[300];

	(void)state;
	snprintf(command, sizeof command, "taskset -c $(taskset -pc $$ | sed 's/.*[^0-9]//') %s",
		 tierup);
	good(command);
	assert_non_null(strstr(err, "note: 2 of 2 cells have more threads than CPUs (1)"));
	sh("nproc");
	bool one = atoi(out) == 1;
	good(tierup);
	assert_int_equal(!strstr(err, "more threads than CPUs"), !one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_help_has_a_plan),
		cmocka_unit_test(a_quick_run_is_kept),
		cmocka_unit_test(a_run_keeps_its_seed),
		cmocka_unit_test(another_program_is_refused),
		cmocka_unit_test(shards_make_a_whole),
		cmocka_unit_test(blocks_are_added),
		cmocka_unit_test(a_cut_first_line_is_begun_anew),
		cmocka_unit_test(threads_without_a_cpu_are_told),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
