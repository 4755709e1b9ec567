/*
 * test_island.c - what is island's own: slots for indirect stubs alone, all other kinds in the body
 * of their signature; how many bytes a stub takes in all; slots that move, and quanta that go.
 */
#include <stubmap/watch.h>

#include "running_helpers.h"
#include "stub_set_up.h"

enum { MANY = 4096, SLOT = 12 };

static struct set_up *open_island(struct code_config config, struct stub_config stubs)
{
	return open_set_up_as(stub_strategy("island"), config, stubs, &world_runtime);
}

static uint64_t slots_in_use(const struct set_up *t)
{
	struct code_stats stats;

	code_get_stats(t->code, &stats);
	assert_int_equal(stats.used_literals, 0);
	return stats.used_stubs;
}

static void only_indirect_stubs_have_slots(void **state)
{
	(void)state;
	for (int markers = 0; markers < 2; markers++)
		for (int kind = 0; kind < STUB_KINDS; kind++) {
			struct set_up *t = open_island((struct code_config){ .quantum = 4096 },
						       (struct stub_config){ .markers = markers });
			const struct stub_ops *ops = t->space.ops;
			struct stub_callee c[3] = { 0 };
			struct stub_spec specs[3];

			for (unsigned n = 0; n < 3; n++) { /* two of one signature */
				specs[n] =
				    spec_of(&t->w, kind, parsed(n < 2 ? "l>l" : "ll>l"), 4 + n, n);
				assert_int_equal(ops->prepare(&t->space, &specs[n], 1), 0);
			}
			const uint64_t before = slots_in_use(t);

			for (unsigned n = 0; n < 3; n++)
				assert_int_equal(ops->bind(&t->space, &specs[n], &c[n]), 0);
			if (kind == STUB_INDIRECT)
				assert_in_range(slots_in_use(t) - before, 3 * SLOT, 3 * (SLOT + 1));
			else
				assert_int_equal(slots_in_use(t), before);
			assert_int_equal(c[0].code == c[1].code, kind != STUB_INDIRECT);
			assert_ptr_not_equal(c[0].code, c[2].code);
			for (unsigned n = 0; n < 3; n++)
				call_one(t, &specs[n], &c[n], 4 + n);
			const void *code = c[0].code;

			assert_int_equal(ops->retarget(&t->space, &c[0], t->w.probes[9].entry), 0);
			assert_ptr_equal(c[0].code, code);
			call_one(t, &specs[0], &c[0], 9);
			call_one(t, &specs[1], &c[1], 5);
			for (unsigned n = 0; n < 3; n++)
				ops->release(&t->space, &c[n]);
			assert_int_equal(slots_in_use(t), before);
			close_set_up(t);
		}
}

/* Whole pages of code and literals that MANY stubs take, one bound after another or together. */
static void bytes_of_many(enum stub_kind kind, bool bulk)
{
	struct set_up *t = open_island((struct code_config){ .quantum = 4096 },
				       (struct stub_config){ .literals = STUB_LITERALS_OWN });
	const struct stub_ops *ops = t->space.ops;
	struct stub_spec *specs = calloc(MANY, sizeof(*specs));
	struct stub_callee *c = calloc(MANY, sizeof(*c)), **all = calloc(MANY, sizeof(*all));
	struct code_stats stats;

	assert_true(specs && c && all);
	for (unsigned n = 0; n < MANY; n++) {
		specs[n] = spec_of(&t->w, kind, parsed("ll>l"), 4, n % 2);
		if (kind == STUB_BIND) /* of equal signatures some store more than others */
			specs[n].nbound = 2;
		all[n] = &c[n];
		if (!bulk)
			assert_int_equal(ops->bind(&t->space, &specs[n], &c[n]), 0);
	}
	if (bulk)
		assert_int_equal(ops->bind_many(&t->space, specs, all, MANY), 0);
	for (unsigned n = 0; n < MANY; n += 61)
		call_one(t, &specs[n], &c[n], 4);
	code_get_stats(t->code, &stats);
	assert_int_equal(stats.used_literals, 0);
	print_message("%-13s %5.2f bytes a stub\n", stub_kind_names[kind],
		      (double)stats.committed_stubs / MANY);
	assert_true(stats.committed_stubs <= (kind == STUB_INDIRECT ? 13u : 1u) * MANY);
	free(specs);
	free(c);
	free(all);
	close_set_up(t);
}

static void few_bytes_a_stub(void **state)
{
	(void)state;
	for (int bulk = 0; bulk < 2; bulk++)
		for (int kind = 0; kind < STUB_KINDS; kind++)
			bytes_of_many(kind, bulk);
}

static void ignore(const struct stub_owner *owner)
{
	(void)owner;
}

/* Under poison a code address names its stub, of whatever kind. */
static void poisoned_stubs_have_code(void **state)
{
	(void)state;
	for (int kind = 0; kind < STUB_KINDS; kind++) {
		struct stub_runtime runtime = world_runtime;
		runtime.released = ignore;
		struct set_up *t =
		    open_set_up_as(stub_strategy("island"), (struct code_config){ .quantum = 4096 },
				   (struct stub_config){ .poison = true }, &runtime);
		const struct stub_ops *ops = t->space.ops;
		struct stub_spec specs[2];
		struct stub_callee c[2] = { 0 }, *both[2] = { &c[0], &c[1] };

		for (unsigned n = 0; n < 2; n++)
			specs[n] = spec_of(&t->w, kind, parsed("l>l"), 4 + n, n);
		assert_int_equal(ops->bind_many(&t->space, specs, both, 2), 0);
		assert_ptr_not_equal(c[0].code, c[1].code);
		for (unsigned n = 0; n < 2; n++) {
			call_one(t, &specs[n], &c[n], 4 + n);
			ops->release(&t->space, &c[n]);
		}
		close_set_up(t);
	}
}

/* ---- Slots that move ------------------------------------------------------------------------- */

struct told {
	unsigned made, gone, moved; /* stubs */
};

static void made(void *arg, const struct stub_piece *p)
{
	((struct told *)arg)->made += p->role == STUB_ROLE_STUB;
}

static void gone(void *arg, const uint8_t *at, size_t bytes)
{
	assert_true((uintptr_t)at % 64 % SLOT == 0);
	((struct told *)arg)->gone += bytes == SLOT;
}

static void moved(void *arg, const uint8_t *from, const uint8_t *to)
{
	assert_ptr_not_equal(from, to);
	((struct told *)arg)->moved++;
}

/* A module's stubs, of all kinds, in one batch: the watch is told of those that have code. */
static void a_batch_of_all_kinds(void **state)
{
	struct told told = { 0 };
	const struct stub_watch watch = { made, gone, moved, &told };
	struct set_up *t = open_island((struct code_config){ .quantum = 4096, .watch = &watch },
				       (struct stub_config){ 0 });
	const struct stub_ops *ops = t->space.ops;
	struct stub_spec specs[8 * STUB_KINDS];
	struct stub_callee c[8 * STUB_KINDS] = { 0 }, *all[8 * STUB_KINDS];

	(void)state;
	for (unsigned n = 0; n < 8 * STUB_KINDS; n++) {
		specs[n] = spec_of(&t->w, n % STUB_KINDS, parsed("l>l"), n % 8, n % 2);
		all[n] = &c[n];
	}
	assert_int_equal(ops->bind_many(&t->space, specs, all, 8 * STUB_KINDS), 0);
	assert_int_equal(told.made, 8);
	for (unsigned n = 0; n < 8 * STUB_KINDS; n++) {
		call_one(t, &specs[n], &c[n], n % 8);
		ops->release(&t->space, &c[n]);
	}
	assert_int_equal(told.gone, 8);
	ops->reclaim(&t->space);
	assert_int_equal(told.moved, 0);
	close_set_up(t);
}

/* Three of four go: the stubs that stay move together, and callers that kept
 * the old slots still arrive. */
static void churn(struct code_config config, struct stub_config stubs)
{
	struct told told = { 0 };
	unsigned moves = 0;
	const struct stub_watch watch = { made, gone, moved, &told };
	config.watch = &watch;
	struct set_up *t = open_island(config, stubs);
	const struct stub_ops *ops = t->space.ops;
	struct stub_callee *c = calloc(MANY, sizeof(*c)), *before = calloc(MANY, sizeof(*before));
	struct stub_spec *specs = calloc(MANY, sizeof(*specs));
	struct code_stats all, some;

	assert_true(c && before && specs);
	for (unsigned n = 0; n < MANY; n++) {
		specs[n] = spec_of(&t->w, STUB_INDIRECT, parsed("l>l"), n % 8, n % 2);
		assert_int_equal(ops->bind(&t->space, &specs[n], &c[n]), 0);
	}
	code_get_stats(t->code, &all);
	for (unsigned n = 0; n < MANY; n++)
		if (n % 4)
			ops->release(&t->space, &c[n]);
	memcpy(before, c, MANY * sizeof(*c));
	ops->reclaim(&t->space);
	for (unsigned n = 0; n < MANY; n += 4) {
		moves += c[n].code != before[n].code;
		call_one(t, &specs[n], &c[n], n % 8);
		if (stubs.running)
			call_one(t, &specs[n], &before[n], n % 8);
	}
	assert_true(moves > 0);
	assert_int_equal(moves, told.moved);
	if (stubs.running)
		ops->reclaim(&t->space);
	code_get_stats(t->code, &some);
	assert_int_equal(some.retired, 0);
	assert_true(some.committed_stubs < all.committed_stubs / 2);
	for (unsigned n = 0; n < MANY; n += 4)
		ops->release(&t->space, &c[n]);
	for (unsigned n = 0; n < MANY; n++)
		assert_int_equal(ops->bind(&t->space, &specs[n], &c[n]), 0);
	for (unsigned n = 0; n < MANY; n += 17)
		call_one(t, &specs[n], &c[n], n % 8);
	free(c);
	free(before);
	free(specs);
	close_set_up(t);
}

static void slots_move_and_quanta_go(void **state)
{
	(void)state;
	churn((struct code_config){ .quantum = 4096 }, (struct stub_config){ 0 });
	churn((struct code_config){ .quantum = 4096 }, (struct stub_config){ .markers = true });
	churn((struct code_config){ .quantum = 4096, .wx = running_wx() },
	      (struct stub_config){ .running = true });
	churn((struct code_config){ .quantum = 4096, .wx = CODE_DUAL, .share = true },
	      (struct stub_config){ 0 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_indirect_stubs_have_slots),
		cmocka_unit_test(few_bytes_a_stub),
		cmocka_unit_test(poisoned_stubs_have_code),
		cmocka_unit_test(a_batch_of_all_kinds),
		cmocka_unit_test(slots_move_and_quanta_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
