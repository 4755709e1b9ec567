/*
 * test_stubs_room.c - strategies and memory: code memory that runs out, many stubs in one go, and
 * the memory of 4,096 of them.
 */
#include <errno.h>

#include "arms.h"
#include "running_helpers.h"
#include "stub_set_up.h"

/* ---- No room -------------------------------------------------------------------------------- */

enum { MANY = 4096, MAPS_LINE = 4400 }; /* a line of smaps may end with a path */

static bool untouched(const struct stub_callee *c, size_t n)
{
	static const struct stub_callee zero;

	for (size_t i = 0; i < n; i++)
		if (memcmp(&c[i], &zero, sizeof(zero)) != 0)
			return false;
	return true;
}

static void bind_until_full(const struct stub_ops *ops)
{
	struct code_config config = { .quantum = 4096, .limit_stubs = 4 * 4096 };
	struct set_up *t = open_set_up(ops, config, STUB_LITERALS_OWN, true);
	struct stub_spec spec = spec_of(&t->w, STUB_INDIRECT, parsed("il>i"), 2, 1);
	struct stub_callee *c = calloc(MANY, sizeof(*c));
	unsigned n = 0;

	assert_non_null(c);
	while (n < MANY && ops->bind(&t->space, &spec, &c[n]) == 0)
		n++;
	assert_true(n > 1 && n < MANY);
	assert_true(untouched(&c[n], 1));
	for (unsigned i = 0; i < n; i++)
		call_one(t, &spec, &c[i], 2);
	ops->release(&t->space, &c[n / 2]);
	assert_int_equal(ops->bind(&t->space, &spec, &c[n]), 0);
	call_one(t, &spec, &c[n], 2);
	call_one(t, &spec, &c[0], 2);
	free(c);
	close_set_up(t);
}

static void full_code_memory_is_reported(void **state)
{
	(void)state;
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1))
		if (!(stub_strategies[i]->flags & (STUB_DIRECT | STUB_DEFERRED)))
			bind_until_full(stub_strategies[i]);
}

/* A bind whose commit the kernel refuses leaves nothing that misleads a later one. */
static void refused_commit(const struct stub_ops *ops, enum code_wx wx, bool running,
			   const char *faults) /* the world's own commit is the first */
{
	struct stub_config stubs = { .running = running };
	struct code_config config = { .wx = wx, .quantum = 4096, .faults = faults };
	struct set_up *t = open_set_up_as(ops, config, stubs, &world_runtime);
	struct stub_spec specs[STUB_KINDS];
	struct stub_callee c[STUB_KINDS] = { 0 };
	unsigned refused = 0;

	for (unsigned kind = 0; kind < STUB_KINDS; kind++) {
		specs[kind] = spec_of(&t->w, kind, parsed("il>i"), 4, 1);
		for (int e; (e = ops->bind(&t->space, &specs[kind], &c[kind])); refused++) {
			assert_true(e == -ENOMEM || e == -ENOTRECOVERABLE);
			assert_true(untouched(&c[kind], 1));
		}
		for (unsigned k = 0; k <= kind; k++)
			call_one(t, &specs[k], &c[k], 4);
	}
	assert_true(refused > 0 || faults[1] != 'c');
	close_set_up(t);
}

static void refused_commits_are_made_good(void **state)
{
	static const char *const faults[] = { "oc", "occ", "ooc", "oooc", "oooocc" };

	(void)state;
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1))
		for (int wx = 0; wx < CODE_WX_POLICIES; wx++)
			for (unsigned f = 0; f < sizeof(faults) / sizeof(faults[0]); f++)
				for (int running = 0; running < can_open(wx) + can_run(wx);
				     running++)
					if (!(stub_strategies[i]->flags & STUB_DEFERRED))
						refused_commit(stub_strategies[i], wx, running,
							       faults[f]);
}

/* A pending stub can't be made: the call says so, and the next one tries again. */
static void deferred_failure(const struct stub_ops *ops, enum stub_kind kind, const char *faults)
{
	struct code_config config = { .quantum = 4096, .faults = faults };
	struct set_up *t = open_set_up(ops, config, STUB_LITERALS_OWN, true);
	struct stub_spec spec = spec_of(&t->w, kind, parsed("il>i"), 4, 1);
	struct stub_callee c = { 0 };

	assert_int_equal(ops->bind(&t->space, &spec, &c), 0);
	expect(&t->w, kind, spec.signature, spec.context, &t->seed);
	if (kind == STUB_ENTRY_JS) {
		assert_int_equal(call_js(&t->w, &c, NULL, 0), tagged(STUB_VALUE_ERROR, 0));
	} else {
		t->w.exit_frame = t->w.activation.exit_frame = NULL;
		t->w.raised = 0;
		assert_int_equal(call_raw(&t->w, &c), 0);
		assert_int_equal(t->w.raised, 1);
	}
	assert_int_equal(t->w.hits, 0);
	call_one(t, &spec, &c, 4);
	ops->release(&t->space, &c);
	close_set_up(t);
}

static void deferred_failures_are_reported(void **state)
{
	(void)state;
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1))
		for (int kind = 0; kind < STUB_KINDS; kind++)
			if (stub_strategies[i]->flags & STUB_DEFERRED) {
				deferred_failure(stub_strategies[i], kind, "aaf");
				deferred_failure(stub_strategies[i], kind, "ooc");
			}
}

/* A batch that does not fit still makes the one that was called, if there is room for that. */
static void deferred_batch_too_large(void **state)
{
	(void)state;
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1)) {
		const struct stub_ops *ops = stub_strategies[i];
		struct code_config config = { .quantum = 4096, .limit_stubs = 4 * 4096 };

		if (!(ops->flags & STUB_DEFERRED))
			continue;
		struct set_up *t = open_set_up(ops, config, STUB_LITERALS_OWN, true);
		struct stub_spec spec = spec_of(&t->w, STUB_INDIRECT, parsed("il>i"), 2, 1);
		struct stub_callee *c = calloc(MANY, sizeof(*c));

		assert_non_null(c);
		for (unsigned n = 0; n < MANY; n++)
			assert_int_equal(ops->bind(&t->space, &spec, &c[n]), 0);
		ops->release(&t->space, &c[MANY - 1]);
		assert_int_equal(ops->retarget(&t->space, &c[MANY - 2], t->w.probes[5].entry), 0);
		call_one(t, &spec, &c[MANY - 2], 5);
		for (unsigned n = 0; n < MANY - 2; n += 3)
			ops->release(&t->space, &c[n]);
		call_one(t, &spec, &c[MANY - 2], 5);
		call_one(t, &spec, &c[MANY - 3], 2);
		free(c);
		close_set_up(t);
	}
}

/* ---- Bulk ----------------------------------------------------------------------------------- */

struct bulk {
	struct stub_callee c[MANY];
	struct stub_callee *pointers[MANY];
	struct stub_spec specs[MANY];
};

static struct bulk *new_bulk(struct set_up *t, const char *signature)
{
	struct bulk *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	for (unsigned i = 0; i < MANY; i++) {
		b->pointers[i] = &b->c[i];
		b->specs[i] = spec_of(&t->w, signature ? STUB_INDIRECT : (int)i % STUB_KINDS,
				      signature ? parsed(signature) : some_signature(i / 5),
				      i % WORLD_PROBES, i % WORLD_INSTANCES);
	}
	return b;
}

static void call_all(struct set_up *t, struct bulk *b, unsigned step)
{
	for (unsigned i = 0; i < MANY; i += step)
		call_one(t, &b->specs[i], &b->c[i], i % WORLD_PROBES);
}

/* One by one, whatever fails on the way; then calls each. */
static void bind_some(struct set_up *t, struct bulk *b, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		for (unsigned tries = 0; !b->c[i].code; tries++) {
			assert_true(tries < 8);
			(void)t->space.ops->bind(&t->space, &b->specs[i], &b->c[i]);
		}
	for (unsigned i = from; i < to; i++)
		call_one(t, &b->specs[i], &b->c[i], i % WORLD_PROBES);
}

static void bulk_with_faults(const struct stub_ops *ops, const char *faults)
{
	struct code_config config = { .quantum = 4096, .faults = faults };
	struct set_up *t;
	struct code_stats stats;

	/* The test's own targets take the first reserve. */
	t = open_set_up(ops, config, STUB_LITERALS_OWN, true);
	struct bulk *b = new_bulk(t, NULL);
	bind_some(t, b, 0, 1);
	for (unsigned tries = 0; ops->bind_many(&t->space, b->specs + 1, b->pointers + 1, MANY - 1);
	     tries++) {
		assert_true(tries < strlen(faults));
		assert_true(untouched(b->c + 1, MANY - 1));
		code_get_stats(t->code, &stats);
		assert_in_range(stats.used_literals, 0, 32);
		bind_some(t, b, 1, 30);
		for (unsigned i = 1; i < 30; i++)
			ops->release(&t->space, &b->c[i]);
	}
	call_all(t, b, 7);
	for (unsigned i = 0; i < MANY; i += 2)
		ops->release(&t->space, &b->c[i]);
	for (unsigned i = 0; i < MANY; i += 2)
		assert_int_equal(ops->bind(&t->space, &b->specs[i], &b->c[i]), 0);
	call_all(t, b, 3);
	free(b);
	close_set_up(t);
}

static void bulk_is_all_or_nothing(void **state)
{
	static const char *const faults[] = { "a",   "af",   "aaf",   "aaaf",
					      "aff", "aaff", "aaaff", "aaaaff" };

	(void)state;
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1))
		for (unsigned j = 0; j < sizeof(faults) / sizeof(faults[0]); j++)
			if (stub_strategies[i]->bind_many)
				bulk_with_faults(stub_strategies[i], faults[j]);
}

/* All in one run would be too much; with the places given back there is room. */
static void bulk_into_released_places(void **state)
{
	const struct stub_ops *ops = stub_strategy("template");
	struct code_config config = { .quantum = 4096, .limit_stubs = 2 * 4096 };
	struct set_up *t = open_set_up(ops, config, STUB_LITERALS_TABLE, true);
	struct bulk *b = new_bulk(t, "i>i");
	struct code_stats stats;
	unsigned n = 0;

	(void)state;
	do {
		assert_int_equal(ops->bind(&t->space, &b->specs[n], &b->c[n]), 0);
		n++;
		code_get_stats(t->code, &stats);
	} while (stats.used_stubs < 4096);
	for (unsigned i = 0; i < n; i++)
		ops->release(&t->space, &b->c[i]);
	b->specs[0].kind = STUB_EXIT_JS;
	assert_int_equal(ops->bind_many(&t->space, b->specs, b->pointers, n + 2), 0);
	for (unsigned i = 0; i < n + 2; i++)
		call_one(t, &b->specs[i], &b->c[i], i % WORLD_PROBES);
	free(b);
	close_set_up(t);
}

/* ---- Space ---------------------------------------------------------------------------------- */

/* Proportional set size of an address range, as the kernel has it. */
static size_t pss_between(uintptr_t from, uintptr_t to)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long start, end, kib;
	size_t sum = 0;
	bool inside = false;
	char line[MAPS_LINE];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = start >= from && end <= to;
		else if (inside && sscanf(line, "Pss: %lu kB", &kib) == 1)
			sum += kib * 1024;
	}
	fclose(f);
	return sum;
}

static void space_of(const struct stub_ops *ops, uint32_t quantum)
{
	struct set_up *t =
	    open_set_up(ops, (struct code_config){ .quantum = quantum }, STUB_LITERALS_OWN, true);
	struct bulk *b = new_bulk(t, "i>i");
	struct code_stats before, after;
	uintptr_t from, to, literals, literals_end;
	int error = 0;

	code_range(t->code, CODE_STUBS, &from, &to);
	code_range(t->code, CODE_LITERALS, &literals, &literals_end);
	code_get_stats(t->code, &before);
	if (ops->bind_many)
		error = ops->bind_many(&t->space, b->specs, b->pointers, MANY);
	for (unsigned i = 0; !ops->bind_many && i < MANY && !error; i++)
		error = ops->bind(&t->space, &b->specs[i], &b->c[i]);
	assert_int_equal(error, 0);
	call_all(t, b, 1);
	code_get_stats(t->code, &after);
	size_t pss = pss_between(from, to) + pss_between(literals, literals_end);
	size_t committed = after.committed_stubs + after.used_literals;
	print_message("%-14s quantum %5u: %7.1f committed %7.1f PSS %7.1f used B/stub, %llu "
		      "syscalls\n",
		      ops->name, quantum, (double)committed / MANY, (double)pss / MANY,
		      (double)(after.used_stubs + after.used_literals) / MANY,
		      (unsigned long long)(after.syscalls - before.syscalls));
	if (strcmp(ops->name, "pool") == 0) {
		assert_true(committed <= 64 * MANY);
		assert_true(pss <= 64 * MANY);
	}
	if (ops->bind_many)
		assert_true(after.syscalls - before.syscalls <= 8);
	free(b);
	close_set_up(t);
}

static void space_at_4096_live(void **state)
{
	(void)state;
	for (unsigned i = next_stub(0); stub_strategies[i]; i = next_stub(i + 1)) {
		space_of(stub_strategies[i], 4096);
		space_of(stub_strategies[i], 65536);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_commits_are_made_good),
		cmocka_unit_test(full_code_memory_is_reported),
		cmocka_unit_test(deferred_failures_are_reported),
		cmocka_unit_test(deferred_batch_too_large),
		cmocka_unit_test(bulk_is_all_or_nothing),
		cmocka_unit_test(bulk_into_released_places),
		cmocka_unit_test(space_at_4096_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
