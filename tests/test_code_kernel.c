/*
 * test_code_kernel.c - executable memory and the kernel: every system call is counted, any of them
 * may fail, a policy may be forbidden, and mappings may run out.
 */
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "code_helpers.h"
#include "refusals.h"
#include "running_helpers.h"
#include "strategies/code/internal.h"

/* In a process that may not make written memory executable, only the second view is left. */
static void test_forbidden(void **state)
{
	(void)state;
#ifdef PR_SET_MDWE
	const int option = PR_SET_MDWE;
#else
	const int option = 65;
#endif
	const bool keys = can_open(CODE_PKEY);
	pid_t child = child_fork();
	if (!child) {
		if (prctl(option, 1, 0, 0, 0))
			_exit(77);
		/* The search for a key comes before its use. */
		const int expected[] = { -EACCES, 0, -EACCES, keys ? -EACCES : -ENOTSUP };
		for (int wx = 0; wx < CODE_WX_POLICIES; wx++) {
			struct code_config config = { .wx = (enum code_wx)wx, .quantum = 4096 };
			struct code_memory *code;
			if (code_open(&code, &config) != expected[wx] || !code != !!expected[wx])
				_exit(10 + wx);
			if (!code)
				continue;
			void *p = code_reserve(code, CODE_STUBS, 1);
			write_code(code, p, 7);
			if (code_commit(code, p, 6) || run(p) != 7)
				_exit(20);
			code_close(code);
		}
		_exit(0);
	}
	int status = child_wait(child);
	if (status == 77)
		skip(); /* a kernel before 6.3 */
	assert_int_equal(status, 0);
}

/* ---- System calls ---------------------------------------------------------------------------- */

static uint64_t calls_since(uint64_t *mark)
{
	uint64_t n = kernel.calls - *mark;
	*mark = kernel.calls;
	return n;
}

/* The counts of stats are the calls that were made, and those of code.c's head. */
static void test_syscalls(void **state)
{
	(void)state;
	/* open, reserve, commit, patch, release, release with literals */
	const uint64_t table[CODE_WX_POLICIES][6] = {
		[CODE_TOGGLE] = { 9 + 3, 1, 1, 1, 2, 4 },
		[CODE_DUAL] = { 9 + 24, 0, 0, 0, 1, 3 },
		[CODE_RWX] = { 9 + 2, 0, 0, 0, 1, 3 },
		[CODE_PKEY] = { 9 + 3, 0, 0, 0, 1, 3 },
	};
	/* A kernel before 6.3 refuses the first flags for a file. */
	int fd = memfd_create("x", 8); /* MFD_NOEXEC_SEAL */
	bool old = fd < 0;
	if (!old)
		close(fd);
	for (int wx = 0; wx < CODE_WX_POLICIES; wx++) {
		struct code_config config = { .wx = (enum code_wx)wx, .quantum = 16384 };
		uint64_t mark = kernel.calls, start = mark;
		struct code_memory *code = open_or_skip(&config);
		if (!code)
			continue;
		uint64_t opening = calls_since(&mark);
		if (opening != table[wx][0] + (wx == CODE_DUAL && old))
			fail_msg("%s: %d calls", code_wx_names[wx], (int)opening);
		for (int literals = 0; literals < 2; literals++) {
			void *p = code_reserve(code, CODE_STUBS, 40000);
			assert_int_equal(calls_since(&mark), table[wx][1]);
			assert_int_equal(code_commit(code, p, 40000), 0);
			assert_int_equal(calls_since(&mark), table[wx][2]);
			assert_int_equal(code_patch(code, p, 8), 0);
			assert_int_equal(calls_since(&mark), table[wx][3]);
			code_account(code, CODE_LITERALS, 16 * literals);
			code_release(code, p, 40000);
			assert_int_equal(calls_since(&mark), table[wx][4 + literals]);
		}
		assert_int_equal(stats_of(code).syscalls, kernel.calls - start);
		code_close(code);
	}
}

/* Fails each call of open in turn: an error, nothing left behind; then those of the transaction. */
static void test_kernel_refuses(void **state)
{
	(void)state;
	for (int wx = 0; wx < CODE_WX_POLICIES; wx++) {
		struct code_config config = { .wx = (enum code_wx)wx, .quantum = 4096 };
		struct code_memory *code = open_or_skip(&config);
		if (!code)
			continue;
		uint64_t opening = stats_of(code).syscalls;
		code_close(code);
		unsigned failed = 0;
		for (uint64_t i = 1; i <= opening; i++) {
			kernel.fail_at = i;
			kernel.error = i % 2 ? EPERM : 0;
			int error = code_open(&code, &config);
			kernel.fail_at = 0;
			/* 0: huge pages could not be turned off, no second descriptor was to be
			 * had, or it was close's turn. */
			assert_true(error == 0 || error == (i % 2 ? -EACCES : -ENOMEM) ||
				    error == -ENOTSUP);
			failed += error != 0;
			code_close(code);
		}
		assert_true(failed >= opening - 8 && failed >= 10);
	}

	kernel.error = 0;
	struct code_config config = { .quantum = 4096 };
	struct code_memory *code = open_or_skip(&config);
	if (!code)
		skip();
	kernel.fail_at = 1;
	assert_null(code_reserve(code, CODE_STUBS, 1));
	assert_int_equal(stats_of(code).quanta_stubs, 0);
	void *p = code_reserve(code, CODE_STUBS, 1);
	write_code(code, p, 5);
	kernel.fail_at = 1;
	assert_int_equal(code_commit(code, p, 6), -ENOMEM);
	assert_int_equal(code_commit(code, p, 6), 0);
	assert_int_equal(run(p), 5);
	kernel.fail_at = 1;
	assert_int_equal(code_patch(code, p, 6), -ENOMEM);
	assert_int_equal(run(p), 5);
	kernel.fail_at = 2; /* the step to no access */
	code_release(code, p, 1);
	assert_int_equal(stats_of(code).quanta_stubs, 0);
	assert_false(resident(p));
	assert_ptr_equal(code_reserve(code, CODE_STUBS, 1), p);
	assert_protection(p, "rw-");
	code_close(code);
}

static uint64_t max_map_count(void)
{
	FILE *f = fopen("/proc/sys/vm/max_map_count", "r");
	uint64_t n = UINT64_MAX;

	if (f && fscanf(f, "%" SCNu64, &n) != 1)
		n = UINT64_MAX;
	if (f)
		fclose(f);
	return n;
}

/* Every second quantum executable, until the kernel has no mapping left. Exit code: 0 is good. */
static int fill_mappings(struct code_memory *code)
{
	uint8_t *p = NULL, *last = NULL;
	uint64_t held = 0;
	int error = 0;

	while (!error && (p = code_reserve(code, CODE_STUBS, 2 * 4096))) {
		last = p;
		held += 2;
		write_code(code, p, 9);
		error = code_commit(code, p, 6);
	}
	if (p && error != -ENOMEM)
		return 1;
	if (stats_of(code).quanta_stubs != held)
		return 2;
	/* Giving some back makes room again. */
	for (int i = 0; i < 8; i++)
		code_release(code, last - 8192 * i, 8192);
	if (stats_of(code).quanta_stubs != held - 16)
		return 3;
	p = code_reserve(code, CODE_STUBS, 4096);
	if (!p)
		return 4;
	write_code(code, p, 10);
	return code_commit(code, p, 6) || run(p) != 10 ? 5 : 0;
}

static void test_too_many_mappings(void **state)
{
	(void)state;
	struct code_config config = { .quantum = 4096 };
	struct code_memory *code = open_or_skip(&config);
	if (!code || max_map_count() > 90000)
		skip(); /* the area has too few quanta to reach it */
	pid_t child = child_fork();
	if (!child)
		_exit(fill_mappings(code));
	assert_int_equal(child_wait(child), 0);
	code_close(code);
}

/* Another reason than no memory, since another setting helps. */
static void test_no_descriptor(void **state)
{
	(void)state;
	struct code_config config = { .wx = CODE_DUAL, .quantum = 4096 };
	struct code_memory *code = open_or_skip(&config);
	struct rlimit limit, none;

	if (!code)
		skip();
	code_close(code);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){ 0, limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	int error = code_open(&code, &config);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(error, -EMFILE);
	assert_null(code);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forbidden),      cmocka_unit_test(test_syscalls),
		cmocka_unit_test(test_kernel_refuses), cmocka_unit_test(test_too_many_mappings),
		cmocka_unit_test(test_no_descriptor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
