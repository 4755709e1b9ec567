/*
 * test_stubs_limits.c - limits, each reached for every strategy: no code area left, a kernel that
 * changes no protection any more, no address space, no mapping. A stub that can't be made is
 * reported, and stubs that were bound before are called all the same.
 */
#include <errno.h>
#include <sys/resource.h>

#include "arms.h"
#include "child_helpers.h"
#include "forbid.h"
#include "stub_set_up.h"

enum { MANY = 9000, QUANTUM = 4096 };

struct crowd {
	struct set_up *t;
	struct stub_spec spec;
	struct stub_callee c[MANY];
	unsigned n;
};

/* Binds one more; a deferred one is called, so that it is made. 0, or -ENOMEM: there is none. */
static int add(struct crowd *a)
{
	const struct stub_ops *ops = a->t->space.ops;
	struct stub_callee *c = &a->c[a->n];
	struct world *w = &a->t->w;

	int error = ops->bind(&a->t->space, &a->spec, c);
	if (!error && ops->flags & STUB_DEFERRED) {
		expect_spec(w, &a->spec, &a->t->seed);
		w->exit_frame = w->activation.exit_frame = NULL;
		call_raw(w, c);
		assert_int_equal(w->hits + w->raised, 1);
		error = w->raised ? -ENOMEM : 0;
		if (error)
			ops->release(&a->t->space, c);
	}
	assert_true(error == 0 || error == -ENOMEM);
	if (error)
		assert_true(!c->code && !c->word);
	a->n += !error;
	return error;
}

static struct crowd *open_crowd(const struct stub_ops *ops, struct code_config config)
{
	struct crowd *a = calloc(1, sizeof(*a));

	assert_non_null(a);
	a->t = open_set_up(ops, config, STUB_LITERALS_OWN, true);
	a->spec = spec_of(&a->t->w, STUB_INDIRECT, parsed("il>i"), 2, 1);
	return a;
}

static void close_crowd(struct crowd *a)
{
	close_set_up(a->t);
	free(a);
}

static void call_all(struct crowd *a)
{
	for (unsigned i = 0; i < a->n; i++)
		call_one(a->t, &a->spec, &a->c[i], 2);
}

static void release_last(struct crowd *a, unsigned n)
{
	while (n--)
		a->t->space.ops->release(&a->t->space, &a->c[--a->n]);
}

/* ---- The code area -------------------------------------------------------------------------- */

static void no_area(void **state)
{
	(void)state;
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1)) {
		struct crowd *a = open_crowd(
		    stub_strategies[i],
		    (struct code_config){ .quantum = QUANTUM, .limit_stubs = 16 * QUANTUM });

		while (a->n < MANY && !add(a))
			;
		/* The floor has no stub for any one of them. */
		assert_int_equal(a->n == MANY, !!(stub_strategies[i]->flags & STUB_DIRECT));
		call_all(a);
		release_last(a, a->n / 2);
		assert_int_equal(add(a), 0);
		call_all(a);
		close_crowd(a);
	}
}

/* ---- A kernel that refuses ------------------------------------------------------------------ */

/* From now on no protection can be changed, as where no mapping is left. */
static void refuse(struct crowd *a)
{
	const struct stub_ops *ops = a->t->space.ops;
	const void *other = a->t->w.probes[5].entry;

	forbid(SYS_mprotect, ENOMEM);
	while (a->n < MANY && !add(a))
		;
	call_all(a);
	for (unsigned i = 0; i < a->n; i += 7) {
		int error = ops->retarget(&a->t->space, &a->c[i], other);

		assert_true(error == 0 || error == -ENOMEM);
		call_one(a->t, &a->spec, &a->c[i], error ? 2 : 5);
	}
}

static void no_protection(void **state)
{
	(void)state;
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1)) {
		pid_t child = child_fork();

		if (!child) {
			struct crowd *a = open_crowd(
			    stub_strategies[i],
			    (struct code_config){ .wx = CODE_TOGGLE, .quantum = QUANTUM });

			while (a->n < 100 && !add(a))
				;
			refuse(a);
			_exit(a->n < 100);
		}
		assert_int_equal(child_wait(child), 0);
	}
}

/* ---- Address space -------------------------------------------------------------------------- */

static size_t address_space(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	size_t pages = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%zu", &pages), 1);
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static int within_address_space(const struct stub_ops *ops)
{
	struct crowd *a = open_crowd(ops, (struct code_config){ .quantum = QUANTUM });
	size_t now = address_space() + (64 << 20);
	struct rlimit limit = { now, now };
	struct code_memory *code;

	if (setrlimit(RLIMIT_AS, &limit))
		return 1;
	for (int wx = 0; wx < CODE_WX_POLICIES; wx++)
		if (code_open(&code, &(struct code_config){ .wx = (enum code_wx)wx,
							    .quantum = QUANTUM }) != -ENOMEM)
			return 2;
	while (a->n < 500)
		if (add(a))
			return 3;
	call_all(a);
	return 0;
}

/* Code memory takes all of its addresses when it is opened: it can't be
 * opened, or is not affected. */
static void no_address_space(void **state)
{
	(void)state;
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1)) {
		pid_t child = child_fork();

		if (!child)
			_exit(within_address_space(stub_strategies[i]));
		assert_int_equal(child_wait(child), 0);
	}
}

/* ---- Mappings ------------------------------------------------------------------------------- */

static uint64_t lines_of(const char *path, bool number)
{
	FILE *f = fopen(path, "r");
	unsigned long long n = 0;

	if (f && number && fscanf(f, "%llu", &n) != 1)
		n = 0;
	for (int c; f && !number && (c = getc(f)) != EOF;)
		n += c == '\n';
	if (f)
		fclose(f);
	return n;
}

/* Every second stub released: the quanta of the others are a mapping each, until the kernel has
 * none left to give. Then stubs are bound until all are back, or one is refused. */
static int fill_mappings(uint64_t limit)
{
	const struct stub_ops *ops = stub_strategy("page");
	struct set_up *t =
	    open_set_up(ops, (struct code_config){ .wx = CODE_TOGGLE, .quantum = QUANTUM },
			STUB_LITERALS_OWN, true);
	struct stub_spec spec = spec_of(&t->w, STUB_INDIRECT, parsed("il>i"), 2, 1);
	const unsigned n = (unsigned)limit + 2000;
	struct stub_callee *c = calloc(n, sizeof(*c));
	unsigned refused = 0;

	assert_non_null(c);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(ops->bind(&t->space, &spec, &c[i]), 0);
	for (unsigned i = 0; i < n; i += 2)
		ops->release(&t->space, &c[i]);
	if (lines_of("/proc/self/maps", false) + 10 < limit)
		return 1;
	for (unsigned i = 1; i < n; i += 2 * 499)
		call_one(t, &spec, &c[i], 2);
	for (unsigned i = n - n % 2; i >= 2; i -= 2) {
		int error = ops->bind(&t->space, &spec, &c[i - 2]);

		assert_true(error == 0 || error == -ENOMEM);
		refused += error != 0;
	}
	for (unsigned i = 0; i < n; i++)
		if (c[i].code && i % 499 < 2)
			call_one(t, &spec, &c[i], 2);
	for (unsigned i = 0; i < n; i++)
		if (c[i].code)
			ops->release(&t->space, &c[i]);
	if (ops->bind(&t->space, &spec, &c[0]))
		return 2;
	call_one(t, &spec, &c[0], 2);
	free(c);
	close_set_up(t);
	print_message("page, toggle: %u of %u binds refused at the limit\n", refused, n / 2);
	return 0;
}

static void no_mapping_for_page(void **state)
{
	uint64_t limit = lines_of("/proc/sys/vm/max_map_count", true);

	(void)state;
	if (!limit || limit > 90000)
		skip(); /* the area has too few quanta to reach it */
	pid_t child = child_fork();
	if (!child)
		_exit(fill_mappings(limit));
	assert_int_equal(child_wait(child), 0);
}

/* Takes all mappings that are left: pages of two protections in turn. */
static uint8_t *take_mappings(uint64_t limit, size_t *bytes)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	*bytes = (limit + 2) * page;
	uint8_t *all =
	    mmap(NULL, *bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (all == MAP_FAILED)
		return NULL;
	for (uint64_t i = 1; i < limit; i += 2)
		if (mprotect(all + i * page, page, PROT_READ))
			break;
	return all;
}

enum { SOME = 40 };

/* Where no mapping is left: each bind answers, bound stubs are called,
 * and retargets succeed or not. */
static unsigned crowd_at_limit(struct crowd *a)
{
	const struct stub_ops *ops = a->t->space.ops;
	const void *other = a->t->w.probes[5].entry;
	unsigned refused = 0;

	for (unsigned i = 0; i < SOME; i++)
		refused += add(a) != 0;
	call_all(a);
	for (unsigned i = 0; i < a->n; i += 7) {
		int error = ops->retarget(&a->t->space, &a->c[i], other);

		assert_true(error == 0 || error == -ENOMEM);
		refused += error != 0;
		call_one(a->t, &a->spec, &a->c[i], error ? 2 : 5);
	}
	return refused;
}

static int crowds_at_limit(uint64_t limit, enum code_wx wx)
{
	struct crowd *crowds[32];
	unsigned n = 0, refused = 0;
	size_t bytes;

	for (; stub_strategies[n]; n++) {
		crowds[n] = open_crowd(stub_strategies[n],
				       (struct code_config){ .wx = wx, .quantum = QUANTUM });
		while (crowds[n]->n < SOME)
			assert_int_equal(add(crowds[n]), 0);
	}
	uint8_t *all = take_mappings(limit, &bytes);
	if (!all)
		return 1;
	for (unsigned i = 0; i < n; i++)
		refused += crowd_at_limit(crowds[i]);
	munmap(all, bytes);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(add(crowds[i]), 0);
		call_one(crowds[i]->t, &crowds[i]->spec, &crowds[i]->c[crowds[i]->n - 1], 2);
		close_crowd(crowds[i]);
	}
	print_message("%s: %u refusals where no mapping is left\n", code_wx_names[wx], refused);
	return wx == CODE_TOGGLE && !refused ? 2 : 0;
}

static void no_mapping_at_all(void **state)
{
	uint64_t limit = lines_of("/proc/sys/vm/max_map_count", true);

	(void)state;
	if (!limit || limit > 1 << 20)
		skip(); /* it takes too long to use them up */
	for (int wx = CODE_TOGGLE; wx <= CODE_DUAL; wx++) {
		pid_t child = child_fork();

		if (!child)
			_exit(crowds_at_limit(limit, (enum code_wx)wx));
		assert_int_equal(child_wait(child), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_area),	     cmocka_unit_test(no_protection),
		cmocka_unit_test(no_address_space),  cmocka_unit_test(no_mapping_for_page),
		cmocka_unit_test(no_mapping_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
