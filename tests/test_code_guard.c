/*
 * test_code_guard.c - how the code of `dual` is protected from its own process and from a child,
 * and which pages quanta of 2 MiB get. The refusals of other policies: test_code_kernel.c.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "code_helpers.h"
#include "forbid.h"
#include "refusals.h"
#include "running_helpers.h"
#include "strategies/code/internal.h"

static struct code_memory *open_dual(uint32_t quantum)
{
	struct code_config config = { .wx = CODE_DUAL, .quantum = quantum };
	struct code_memory *code = open_or_skip(&config);

	if (!code)
		skip();
	return code;
}

static void *written(struct code_memory *code, enum code_area area, uint32_t value)
{
	void *p = code_reserve(code, area, 1);

	assert_non_null(p);
	write_code(code, p, value);
	assert_int_equal(code_commit(code, p, 6), 0);
	assert_int_equal(run(p), value);
	return p;
}

/* ---- Fork ------------------------------------------------------------------------------------ */

/* A child's mistakes: all the writes of a release or of a new stub. Exit code: 0 is good. */
static int spoil(struct code_memory *code, void *p)
{
	char prot[5];

	protection(p, prot);
	if (strcmp(prot, "----") != 0)
		return 1;
	protection(code_writable(code, p), prot);
	if (strcmp(prot, "----") != 0)
		return 2;
	/* Others may get these addresses: they must not be touched, either. In shared memory the
	 * kernel makes a hole where it is asked to. */
	uint8_t *there =
	    mmap((void *)((uintptr_t)code_writable(code, p) & ~(uintptr_t)4095), 4096,
		 PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (there == MAP_FAILED)
		return 3;
	memset(there, 0x5a, 4096);
	if (code_reserve(code, CODE_STUBS, 1) || code_reserve(code, CODE_MODULES, 1))
		return 4;
	if (code_patch(code, p, 6) != -EACCES || code_commit(code, p, 6) != -EACCES)
		return 5;
	code_release(code, p, 4096);
	code_close(code);
	for (int i = 0; i < 4096; i++)
		if (there[i] != 0x5a)
			return 6;
	return 0;
}

static int call(const void *p)
{
	return (int)run(p); /* no code there: a signal */
}

static void test_fork(void **state)
{
	(void)state;
	struct code_memory *code = open_dual(4096);
	void *stub = written(code, CODE_STUBS, 11), *module = written(code, CODE_MODULES, 12);
	int status;

	for (int i = 0; i < 2; i++) {
		pid_t child = child_fork();
		if (!child)
			_exit(spoil(code, i ? module : stub));
		assert_int_equal(child_wait(child), 0);
	}
	pid_t child = child_fork();
	if (!child) {
		signal(SIGSEGV, SIG_DFL);
		_exit(call(stub));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);

	/* The parent has lost nothing, and can go on. */
	assert_int_equal(run(stub), 11);
	assert_int_equal(run(module), 12);
	written(code, CODE_STUBS, 13);
	code_release(code, stub, 4096);
	assert_int_equal(run(module), 12);
	code_close(code);
}

/* Private memory is copied: a child's code is its own. */
static void test_fork_of_others(void **state)
{
	(void)state;
	for (int wx = 0; wx < CODE_WX_POLICIES; wx++) {
		if (wx == CODE_DUAL || !can_open(wx))
			continue;
		struct code_config config = { .wx = wx, .quantum = 4096 };
		struct code_memory *code = open_or_skip(&config);
		void *p = written(code, CODE_STUBS, 21);
		pid_t child = child_fork();
		if (!child) {
			bool good = run(p) == 21 && !code_patch(code, p, 6);
			write_code(code, p, 22);
			good &= !code_commit(code, p, 6) && run(p) == 22;
			code_release(code, p, 4096);
			code_close(code);
			_exit(!good);
		}
		assert_int_equal(child_wait(child), 0);
		assert_int_equal(run(p), 21);
		code_close(code);
	}
}

/* ---- The two views --------------------------------------------------------------------------- */

static void test_distance(void **state)
{
	(void)state;
	enum { MEMORIES = 8 };
	uintptr_t distance[2 * MEMORIES];
	unsigned same = 0;

	for (int i = 0; i < MEMORIES; i++) {
		struct code_memory *code = open_dual(4096);

		for (int area = CODE_STUBS; area <= CODE_MODULES; area++) {
			uintptr_t from, to, a, b;

			code_range(code, (enum code_area)area, &from, &to);
			code_range_alias(code, (enum code_area)area, &a, &b);
			distance[2 * i + area] = a - from;
			assert_protection((void *)(a - 4096), "---");
			assert_protection((void *)(a - 65536), "---");
			assert_protection((void *)a, "rw-");
			assert_protection((void *)(b - 1), "rw-");
			assert_protection((void *)b, "---");
			assert_protection((void *)(b + 65535), "---");
		}
		code_close(code);
	}
	for (int i = 0; i < 2 * MEMORIES; i++)
		for (int j = 0; j < i; j++)
			same += distance[i] == distance[j];
	/* A sanitizer may take most addresses; then the kernel's own choice is left. */
	assert_true(same < MEMORIES * (2 * MEMORIES - 1));
}

/* The kernel refuses to make code writable, with and without /proc;
 * only then holes are given up. */
static void test_sealed(void **state)
{
	(void)state;
	for (int blind = 0; blind < 2; blind++) {
		struct code_memory *code = NULL;
		struct code_config config = { .wx = CODE_DUAL, .quantum = 4096 };

		blind_to_proc = blind;
		int error = code_open(&code, &config);
		blind_to_proc = false;
		assert_int_equal(error, 0);
		void *p = written(code, CODE_STUBS, 31);
		uintptr_t from, to;
		for (int area = CODE_STUBS; area <= CODE_MODULES; area++) {
			code_range(code, (enum code_area)area, &from, &to);
			for (int prot = PROT_WRITE; prot <= (PROT_WRITE | PROT_EXEC); prot++)
				if (prot & PROT_WRITE)
					assert_int_equal(
					    mprotect((void *)from, 4096, PROT_READ | prot), -1);
			assert_protection((void *)from, "r-x");
		}
		assert_int_equal(run(p), 31);
		code_release(code, p, 4096);
		assert_int_equal(resident(p), blind);
		assert_int_equal(run(written(code, CODE_STUBS, 32)), 32);
		code_close(code);
	}
}

static int descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* No descriptor is left over, but with share one. */
static void test_descriptors(void **state)
{
	(void)state;
	for (int share = 0; share < 2; share++) {
		int before = descriptors();
		struct code_config config = { .wx = CODE_DUAL, .quantum = 4096, .share = share };
		struct code_memory *code = open_or_skip(&config);

		if (!code)
			skip();
		assert_int_equal(descriptors() - before, share);
		code_close(code);
		assert_int_equal(descriptors(), before);
	}
}

/* vm.memfd_noexec=2, where only files that can't be started may be made: it is a setting of a
 * namespace, which takes a privilege to make. */
static void test_noexec(void **state)
{
	(void)state;
	pid_t child = child_fork();

	if (!child) {
		if (unshare(CLONE_NEWPID))
			_exit(77);
		pid_t inner = fork();
		if (inner) {
			int status;
			_exit(waitpid(inner, &status, 0) == inner && WIFEXITED(status)
				  ? WEXITSTATUS(status)
				  : 1);
		}
		int fd = open("/proc/sys/vm/memfd_noexec", O_WRONLY);
		if (fd < 0 || write(fd, "2", 1) != 1 || memfd_create("x", 0x10) >= 0) /* MFD_EXEC */
			_exit(77);
		struct code_config config = { .wx = CODE_DUAL, .quantum = 4096 };
		struct code_memory *code;
		if (code_open(&code, &config))
			_exit(2);
		void *p = code_reserve(code, CODE_STUBS, 1);
		write_code(code, p, 41);
		_exit(code_commit(code, p, 6) || run(p) != 41);
	}
	int status = child_wait(child);
	if (status == 77)
		skip();
	assert_int_equal(status, 0);
}

/* ---- Same quanta ----------------------------------------------------------------------------- */

/* Whatever mapping is refused, each quantum shows its own pages again, and can't be written. */
static void test_same_refused(void **state)
{
	(void)state;
	enum { Q = 4096, N = 5 };
	struct code_config config = { .wx = CODE_DUAL, .quantum = Q, .share = true };
	struct code_memory *code = open_or_skip(&config);

	if (!code)
		skip();
	uint8_t *first = written(code, CODE_STUBS, 50);
	for (unsigned n = 1; n <= N + 1; n++) {
		uint8_t *p = code_reserve(code, CODE_STUBS, N * Q);

		for (uint32_t i = 0; i < N; i++)
			write_code(code, p + i * Q, 60 + i);
		kernel.fail_at = n;
		int error = code_same(code, p, N * Q, first);
		kernel.fail_at = 0;
		assert_int_equal(error, n <= N ? -ENOMEM : 0);
		for (uint32_t i = 0; i < N; i++) {
			assert_int_equal(run(p + i * Q), error ? 60 + i : 50);
			assert_protection(p + i * Q, "r-x");
			assert_int_equal(mprotect(p + i * Q, Q, PROT_READ | PROT_WRITE), -1);
		}
		if (error)
			code_release(code, p, N * Q);
		pid_t child = child_fork();
		if (!child) {
			char prot[5];
			protection(p, prot);
			_exit(strcmp(prot, "----") != 0);
		}
		assert_int_equal(child_wait(child), 0);
	}
	code_close(code);
}

/* ---- Large pages ----------------------------------------------------------------------------- */

/* Kilobytes of an address's mapping that large pages map, as the kernel has it. */
static uint64_t in_large(const void *at)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	char line[MAPS_LINE];
	uintptr_t from, to;
	uint64_t kib, sum = 0;
	bool inside = false;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2)
			inside = (uintptr_t)at >= from && (uintptr_t)at < to;
		else if (inside && (sscanf(line, "AnonHugePages: %" SCNu64, &kib) == 1 ||
				    sscanf(line, "ShmemPmdMapped: %" SCNu64, &kib) == 1 ||
				    sscanf(line, "Shared_Hugetlb: %" SCNu64, &kib) == 1 ||
				    sscanf(line, "Private_Hugetlb: %" SCNu64, &kib) == 1))
			sum += kib;
	}
	fclose(f);
	return sum;
}

/* code_stats says the same as the kernel, unless the memory has become scarce since. */
static void test_large(void **state)
{
	(void)state;
	for (int wx = 0; wx < CODE_WX_POLICIES; wx++) {
		struct code_config config = { .wx = wx, .quantum = CODE_LARGE_QUANTUM };
		struct code_memory *code = open_or_skip(&config);

		if (!code)
			continue;
		uint8_t *p = written(code, CODE_STUBS, 70), *q = written(code, CODE_MODULES, 71);
		enum code_pages pages = stats_of(code).pages;
		uint64_t got = in_large(p);

		print_message("%s: %s\n", code_wx_names[wx], code_page_names[pages]);
		assert_int_equal((uintptr_t)p % CODE_LARGE_QUANTUM, 0);
		assert_int_equal((uintptr_t)q % CODE_LARGE_QUANTUM, 0);
		if (pages == CODE_PAGES_HUGETLB)
			assert_int_equal(got, 2048);
		if (pages == CODE_PAGES_SMALL)
			assert_int_equal(got, 0);
		code_release(code, p, CODE_LARGE_QUANTUM);
		assert_int_equal(in_large(p), 0);
		assert_int_equal(run(q), 71);
		code_close(code);
	}
}

/* Where the process has none: 4 KiB pages, and it says so. Exit code: 0 is good. */
static int without_large(void)
{
	if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0))
		return 77;
	for (int wx = 0; wx < CODE_WX_POLICIES; wx++) {
		struct code_config config = { .wx = wx, .quantum = CODE_LARGE_QUANTUM };
		struct code_memory *code = NULL;

		if (!can_open(wx))
			continue;
		if (code_open(&code, &config))
			return 10 + wx;
		uint8_t *p = code_reserve(code, CODE_STUBS, CODE_LARGE_QUANTUM);
		if (!p || (uintptr_t)p % CODE_LARGE_QUANTUM)
			return 20 + wx;
		write_code(code, p + 4096, 90);
		if (code_commit(code, p, CODE_LARGE_QUANTUM) || run(p + 4096) != 90)
			return 30 + wx;
		enum code_pages pages = stats_of(code).pages;
		if (pages == CODE_PAGES_TRANSPARENT || in_large(p) != 0)
			return pages == CODE_PAGES_HUGETLB ? 77 : 40 + wx;
		code_close(code);
	}
	return 0;
}

static void test_without_large(void **state)
{
	(void)state;
	pid_t child = child_fork();

	if (!child)
		_exit(without_large());
	int status = child_wait(child);
	if (status == 77)
		skip();
	assert_int_equal(status, 0);
}

/* Each call that asks for large pages may fail: smaller ones do, or there is no room. */
static void test_large_refused(void **state)
{
	(void)state;
	for (int wx = 0; wx < CODE_WX_POLICIES; wx++) {
		struct code_config config = { .wx = wx, .quantum = CODE_LARGE_QUANTUM };
		struct code_memory *code = open_or_skip(&config);
		unsigned refusals = 0;

		if (!code)
			continue;
		uint64_t opening = stats_of(code).syscalls;
		code_close(code);
		for (uint64_t n = 1; n <= opening; n++) {
			kernel.fail_at = n;
			int error = code_open(&code, &config);
			kernel.fail_at = 0;
			refusals += error != 0;
			if (error)
				continue;
			for (uint64_t at = 0; at < 3; at++) {
				kernel.fail_at = at;
				uint8_t *p = code_reserve(code, CODE_STUBS, 1);
				kernel.fail_at = 0;
				if (!p)
					continue;
				write_code(code, p, 80);
				assert_int_equal(code_commit(code, p, 6), 0);
				assert_int_equal(run(p), 80);
				code_release(code, p, CODE_LARGE_QUANTUM);
			}
			assert_int_equal(stats_of(code).quanta_stubs, 0);
			code_close(code);
		}
		assert_in_range(refusals, 9, opening);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fork),	      cmocka_unit_test(test_fork_of_others),
		cmocka_unit_test(test_distance),      cmocka_unit_test(test_sealed),
		cmocka_unit_test(test_descriptors),   cmocka_unit_test(test_noexec),
		cmocka_unit_test(test_same_refused),  cmocka_unit_test(test_large),
		cmocka_unit_test(test_without_large), cmocka_unit_test(test_large_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
