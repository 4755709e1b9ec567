/*
 * test_survival.c - a sweep that is killed, stopped, starved of disk, or loses its children, and is
 * run again, has the same cells as one that nothing befell: each once, in its block, at its turn,
 * with its seed. Runs the program beside it (build/san/stubmap) in a folder of its own.
 *
 * STUBMAP_KILLS=50 build/san/tests/test_survival kills at so many moments;
 * otherwise there are four.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/prng.h"
#include "child_helpers.h"
#include "program_helpers.h"
#include "runs/row.h"

enum { BLOCKS = 2, PATH = 4096 };

static char folder[] = "/tmp/stubmap-survival-XXXXXX", program[PATH];
static struct plan plan;

static int set_up(void **state)
{
	const char *objects = getenv("STUBMAP_TEST_OBJECTS");
	char from[PATH], error[PLAN_ERROR];

	(void)state;
	if (objects && !realpath(objects, from))
		return -1;
	if (program_above(2, program, sizeof program) || !mkdtemp(folder) || chdir(folder) ||
	    (objects && symlink(from, "stubmap")) || setenv("XDG_CACHE_HOME", folder, 1))
		return -1;
	FILE *f = fopen("plan.json", "w");
	if (!f ||
	    fputs("{\"name\":\"s\",\"seed\":5,\"blocks\":2,\"iterations\":2,"
		  "\"baseline\":{\"stubs\":\"page\"},"
		  "\"cells\":[{\"stubs\":[\"page\",\"pool\"],\"live\":4}]}",
		  f) < 0 ||
	    fclose(f) || plan_load("plan.json", &plan, error))
		return -1;
	/* This process must wait for the children that a killed sweep leaves behind. */
	return prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static int tear_down(void **state)
{
	char command[100];

	(void)state;
	plan_free(&plan);
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return chdir("/") || system(command);
}

/* Begins a sweep into run.jsonl, with at most so many bytes of a file. */
static pid_t begin(const char *option, const char *value, rlim_t bytes)
{
	pid_t pid = child_fork();

	if (pid)
		return pid;
	int out = open("said", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (out < 0 || dup2(out, 2) < 0)
		_exit(127);
	if (bytes)
		setrlimit(RLIMIT_FSIZE, &(struct rlimit){ bytes, bytes });
	execl(program, "stubmap", "sweep", "plan.json", "-o", "run.jsonl", option, value,
	      (char *)NULL);
	_exit(127);
}

/* A line that could not be written whole is taken back at once, not when a sweep goes on. */
static void check_last_line(void)
{
	char last = 0;
	int fd = open("run.jsonl", O_RDONLY);

	assert_true(fd >= 0 && lseek(fd, -1, SEEK_END) > 0);
	assert_int_equal(read(fd, &last, 1), 1);
	close(fd);
	assert_int_equal(last, '\n');
}

/* Its exit status; -1 - signal if it was killed. All that it left behind has ended then, too. */
static int end(pid_t pid)
{
	int status, mine = 0;
	pid_t p;

	while ((p = waitpid(-1, &status, 0)) > 0)
		if (p == pid)
			mine = WIFEXITED(status) ? WEXITSTATUS(status) : -1 - WTERMSIG(status);
	return mine;
}

static int sweep(const char *option, const char *value)
{
	return end(begin(option, value, 0));
}

/* The cells that are there, each as the plan has it; how many are not ok. */
static size_t check_rows(bool all, size_t *superseded)
{
	uint32_t order[PLAN_MAX_CELLS];
	char error[RUN_ERROR];
	size_t there = 0, failed = 0;
	struct run run;

	if (run_load("run.jsonl", &run, error))
		fail_msg("%s", error);
	for (unsigned block = 0; block < BLOCKS; block++) {
		plan_order(&plan, block, order);
		for (size_t i = 0; i < plan.n; i++) {
			size_t at = row_find(&run, block, &plan.cells[order[i]]);
			if (at == run.n)
				continue;
			const json_t *json = run.invocations[at].json;
			there++;
			failed += !run.invocations[at].ok;
			assert_int_equal(json_integer_value(json_object_get(json, "order")), i);
			assert_int_equal(json_integer_value(json_object_get(json, "seed")),
					 plan_block_seed(&plan, block));
		}
	}
	assert_int_equal(there, run.n);
	if (all)
		assert_int_equal(there, BLOCKS * plan.n);
	assert_false(run_mixed(&run, error));
	if (superseded)
		*superseded = run.superseded;
	run_close(&run);
	return failed;
}

static size_t rows_now(void)
{
	char text[1 << 16];
	FILE *f = fopen("run.jsonl", "r");
	size_t n = 0;

	while (f && fgets(text, sizeof text, f))
		n += strchr(text, '\n') && strstr(text, "\"type\":\"invocation\"");
	if (f)
		fclose(f);
	return n;
}

/* ---- Children of a sweep --------------------------------------------------------------------- */

/* A process's state and parent; 0: it is gone. */
static char state_of(pid_t pid, pid_t *parent)
{
	char path[40], state = 0;
	int ppid = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (!(f = fopen(path, "r")))
		return 0;
	if (fscanf(f, "%*d (%*[^)]) %c %d", &state, &ppid) != 2)
		state = 0;
	fclose(f);
	*parent = ppid;
	return state;
}

/* Not a process that compiles ahead. */
static bool is_invocation(pid_t pid)
{
	char path[40], text[4096] = "";
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	if (!(f = fopen(path, "r")))
		return false;
	size_t n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	return n > 14 && !memcmp(text, "stubmap\0child\0", 14) &&
	       strstr(text + 14, "\"prepare\":0");
}

/* The invocation that a sweep runs now; 0: none. */
static pid_t invocation_of(pid_t sweep)
{
	DIR *dir = opendir("/proc");
	pid_t found = 0, parent;

	assert_non_null(dir);
	for (struct dirent *e; !found && (e = readdir(dir));) {
		pid_t pid = atoi(e->d_name);
		if (pid > 0 && state_of(pid, &parent) && parent == sweep && is_invocation(pid))
			found = pid;
	}
	closedir(dir);
	return found;
}

/* Stops an invocation that has begun; there must be one, or the sweep has ended. */
static pid_t stop_one(pid_t sweep)
{
	pid_t parent;

	for (;;) {
		pid_t pid = invocation_of(sweep);
		char s = state_of(sweep, &parent);
		if (!s || s == 'Z')
			fail_msg("the sweep has ended, and no invocation was met");
		if (!pid || kill(pid, SIGSTOP)) {
			usleep(500);
			continue;
		}
		do {
			s = state_of(pid, &parent);
		} while (s && s != 'T' && s != 'Z' && !usleep(1000));
		if (s == 'T')
			return pid;
	}
}

static bool has_ended(pid_t pid)
{
	pid_t parent;
	char s = state_of(pid, &parent);

	return !s || s == 'Z';
}

/* ---- What befalls a sweep -------------------------------------------------------------------- */

static void killed_at_any_moment(void **state)
{
	const char *asked = getenv("STUBMAP_KILLS");
	int wanted = asked ? atoi(asked) : 4, kills = 0, whole = 0;
	struct prng g;

	(void)state;
	prng_seed(&g, 1);
	unlink("run.jsonl");
	while (kills < wanted) {
		pid_t pid = begin(NULL, NULL, 0);

		/* Some before the first line, most in an invocation or at a line's end. */
		usleep(prng_below(&g, kills % 5 ? 900000 : 60000));
		kill(pid, SIGKILL);
		int status = end(pid);
		if (status == -1 - SIGKILL) {
			kills++;
		} else {
			assert_int_equal(status, 0);
			assert_int_equal(check_rows(true, NULL), 0);
			unlink("run.jsonl");
			whole++;
		}
	}
	assert_int_equal(sweep(NULL, NULL), 0);
	assert_int_equal(check_rows(true, NULL), 0);
	if (asked)
		print_message("%d kills, %d whole runs in between\n", kills, whole);
}

/* Told to end, it ends between two rows with a status of its own, and its children with it. */
static void told_to_end_at_any_moment(void **state)
{
	static const int signals[] = { SIGTERM, SIGINT };
	int stops = 0;
	struct prng g;

	(void)state;
	prng_seed(&g, 2);
	unlink("run.jsonl");
	for (int tries = 0; stops < 3 && tries < 100; tries++) {
		size_t rows = access("run.jsonl", F_OK) ? 0 : rows_now();
		pid_t pid = begin(NULL, NULL, 0);

		if (tries % 2) /* in the first invocation of this sweep, or behind it */
			while (rows_now() == rows && !has_ended(pid))
				usleep(1000);
		usleep(prng_below(&g, 300000));
		kill(pid, signals[tries % 2]);
		int status = end(pid);
		if (status == 130) {
			stops++;
			assert_int_equal(
			    system("grep -q 'stopped; .* To go on: stubmap sweep' said"), 0);
			check_rows(false, NULL);
		} else if (!status) {
			unlink("run.jsonl");
		} else { /* before its first invocation */
			assert_int_equal(status, -1 - signals[tries % 2]);
		}
	}
	assert_int_equal(stops, 3);
	assert_int_equal(sweep(NULL, NULL), 0);
	assert_int_equal(check_rows(true, NULL), 0);
}

static void a_stopped_child_is_flagged(void **state)
{
	char error[RUN_ERROR];
	struct run run;
	size_t stopped = 0;

	(void)state;
	unlink("run.jsonl");
	pid_t pid = begin(NULL, NULL, 0);
	while (!rows_now())
		usleep(10000); /* what it reads from the disk is in memory then */
	pid_t child = stop_one(pid);
	sleep(2);
	kill(child, SIGCONT);
	assert_int_equal(end(pid), 0);
	assert_int_equal(check_rows(true, NULL), 0);
	assert_int_equal(run_load("run.jsonl", &run, error), 0);
	for (size_t i = 0; i < run.n; i++)
		stopped += run.invocations[i].stopped;
	run_close(&run);
	assert_true(stopped > 0);
	assert_int_equal(system("grep -q 'stood still for a while' said"), 0);
}

static void failed_children_are_run_again(void **state)
{
	size_t superseded;

	(void)state;
	unlink("run.jsonl");
	/* One hangs until its time is over, one is killed as the kernel does without memory. */
	pid_t pid = begin("--timeout", "8", 0);
	stop_one(pid);
	size_t rows = rows_now();
	while (rows_now() == rows)
		usleep(10000);
	kill(stop_one(pid), SIGKILL);
	assert_int_equal(end(pid), 1);
	size_t failed = check_rows(true, NULL);
	assert_true(failed >= 2);
	assert_int_equal(system("grep -q 'no end after 8 s' run.jsonl"), 0);
	assert_int_equal(system("grep -q 'killed by signal 9' run.jsonl"), 0);
	assert_int_equal(sweep(NULL, NULL), 1); /* they are not tried again unasked */
	assert_int_equal(check_rows(true, NULL), failed);
	assert_int_equal(sweep("--retry-failed", NULL), 0);
	assert_int_equal(check_rows(true, &superseded), 0);
	assert_int_equal(superseded, failed);
	char command[PATH + 100];
	snprintf(
	    command, sizeof command,
	    "\"%s\" summary run.jsonl | tr -s '\\n ' ' ' | grep -q 'failed and were run again'",
	    program);
	assert_int_equal(system(command), 0);
	off_t size = (off_t)rows_now();
	assert_int_equal(sweep("--retry-failed", NULL), 0); /* nothing is left to do */
	assert_int_equal(rows_now(), size);
}

static bool put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	bool good = f && fputs(text, f) >= 0;

	return (!f || !fclose(f)) && good;
}

/* A control group with room for nothing, as a folder; false: none may be made. */
static bool make_group(char group[100])
{
	static const char *const forms[][2] = {
		{ "/sys/fs/cgroup/memory", "memory.limit_in_bytes" },
		{ "/sys/fs/cgroup", "memory.max" },
	};
	char limit[140];

	for (size_t i = 0; i < 2; i++) {
		snprintf(group, 100, "%s/stubmap-survival-%d", forms[i][0], (int)getpid());
		if (mkdir(group, 0700))
			continue;
		snprintf(limit, sizeof limit, "%s/%s", group, forms[i][1]);
		if (put(limit, "65536"))
			return true;
		rmdir(group);
	}
	return false;
}

/* The kernel's OOM killer takes a child: its group has no memory left. */
static void a_child_without_memory_is_run_again(void **state)
{
	char group[100], tasks[140], text[20];

	(void)state;
	if (!make_group(group)) {
		print_message("needs a control group of one's own with a limit of memory\n");
		skip();
	}
	unlink("run.jsonl");
	pid_t pid = begin(NULL, NULL, 0), child = stop_one(pid);
	snprintf(tasks, sizeof tasks, "%s/cgroup.procs", group);
	snprintf(text, sizeof text, "%d", (int)child);
	assert_true(put(tasks, text));
	kill(child, SIGCONT);
	assert_int_equal(end(pid), 1);
	assert_int_equal(rmdir(group), 0);
	assert_int_equal(check_rows(true, NULL), 1);
	assert_int_equal(system("grep -q 'killed by signal 9' run.jsonl"), 0);
	assert_int_equal(sweep("--retry-failed", NULL), 0);
	assert_int_equal(check_rows(true, NULL), 0);
}

static void a_full_disk_ends_it_between_two_rows(void **state)
{
	(void)state;
	unlink("run.jsonl");
	/* Room for the head and some rows. */
	assert_int_equal(end(begin(NULL, NULL, 20000)), 2);
	assert_int_equal(system("grep -q 'cannot write: File too large' said"), 0);
	check_last_line();
	check_rows(false, NULL);
	assert_true(rows_now() < BLOCKS * plan.n);
	assert_int_equal(sweep(NULL, NULL), 0);
	assert_int_equal(check_rows(true, NULL), 0);
}

static void a_full_file_system_does_so_too(void **state)
{
	char command[2 * PATH];

	(void)state;
	if (system("unshare -rm true 2>/dev/null")) {
		print_message("needs a mount namespace of one's own\n");
		skip();
	}
	unlink("run.jsonl");
	snprintf(command, sizeof command,
		 "mkdir -p full; unshare -rm sh -c 'mount -t tmpfs -o size=24k none full || exit 9;"
		 " \"%s\" sweep plan.json -o full/run.jsonl 2>said; echo $? >status;"
		 " cat full/run.jsonl >run.jsonl'",
		 program);
	int status = system(command);
	if (WEXITSTATUS(status) == 9) {
		print_message("no tmpfs may be mounted\n");
		skip();
	}
	assert_int_equal(system("grep -q 'cannot write: No space left on device' said"), 0);
	assert_int_equal(system("grep -qx 2 status"), 0);
	check_last_line();
	check_rows(false, NULL);
	assert_int_equal(sweep(NULL, NULL), 0);
	assert_int_equal(check_rows(true, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_at_any_moment),
		cmocka_unit_test(told_to_end_at_any_moment),
		cmocka_unit_test(a_stopped_child_is_flagged),
		cmocka_unit_test(failed_children_are_run_again),
		cmocka_unit_test(a_child_without_memory_is_run_again),
		cmocka_unit_test(a_full_disk_ends_it_between_two_rows),
		cmocka_unit_test(a_full_file_system_does_so_too),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
