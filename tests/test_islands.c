/*
 * test_islands.c - what is island's own: which record a stub takes, by its kind and by where a
 * bind's arguments are; retargets near and far; how many bytes a stub takes in all; records that
 * move with their stubs, whatever the sort, and go with their quanta.
 */
#include <stubmap/watch.h>

#include "running_helpers.h"
#include "stub_set_up.h"

enum { MANY = 4096, BARE = 0, BODY = 4, BOUND = 8, FULL = 32 };

/* A context, and arguments that are stored in its reach. */
struct block {
	struct instance instance;
	uint64_t bound[STUB_MAX_BOUND];
};

struct island {
	struct set_up *t;
	struct block *near, *far; /* 64 GiB from one another */
};

static struct block *new_block(struct world *w, struct block *hint)
{
	struct block *b =
	    mmap(hint, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(b != MAP_FAILED);
	b->instance = (struct instance){ &w->activation, w };
	for (uint64_t i = 0; i < STUB_MAX_BOUND; i++)
		b->bound[i] = 0x1234567890abcdef + i;
	return b;
}

static struct island open_island_as(struct code_config config, struct stub_config stubs)
{
	struct island i = { open_set_up_as(stub_strategy("island"), config, stubs, &world_runtime),
			    NULL, NULL };

	i.near = new_block(&i.t->w, NULL);
	i.far = new_block(&i.t->w, (struct block *)((uintptr_t)i.near - ((uintptr_t)64 << 30)));
	assert_true((uintptr_t)i.near - (uintptr_t)i.far > (uintptr_t)32 << 30);
	return i;
}

static struct island open_island(struct code_config config)
{
	return open_island_as(config, (struct stub_config){ .literals = STUB_LITERALS_OWN });
}

static void close_island(struct island *i)
{
	munmap(i->near, 4096);
	munmap(i->far, 4096);
	close_set_up(i->t);
}

static struct stub_spec spec_in(struct island *i, enum stub_kind kind, bool near, unsigned probe)
{
	struct stub_spec spec = { .kind = kind,
				  .signature = parsed("ll>l"),
				  .target = i->t->w.probes[probe].entry,
				  .context = near ? &i->near->instance : &i->far->instance };

	if (kind == STUB_BIND) {
		spec.bound = i->near->bound;
		spec.nbound = 2;
	}
	return spec;
}

static uint64_t literals(const struct island *i)
{
	struct code_stats stats;

	code_get_stats(i->t->code, &stats);
	return stats.used_literals;
}

static unsigned record_of(enum stub_kind kind, bool near)
{
	if (kind == STUB_INDIRECT)
		return BARE;
	if (kind != STUB_BIND)
		return BODY;
	return near ? BOUND : FULL;
}

/* What is bound lies near one context, and out of the other's reach. */
static void reach_decides(struct code_config config)
{
	struct island i = open_island(config);
	const struct stub_ops *ops = i.t->space.ops;

	for (int kind = 0; kind < STUB_KINDS; kind++)
		for (unsigned n = 0; n < 4; n++) {
			bool near = n < 2;
			unsigned probe = 4 + n % 2; /* near, far */
			struct stub_spec spec = spec_in(&i, kind, near, probe);
			struct stub_callee c = { 0 };

			assert_int_equal(ops->bind(&i.t->space, &spec, &c), 0);
			assert_int_equal(literals(&i), record_of(kind, near));
			call_one(i.t, &spec, &c, probe);
			const void *code = c.code;
			for (unsigned to = 6; to < 12; to++) { /* near and far in turn */
				assert_int_equal(
				    ops->retarget(&i.t->space, &c, i.t->w.probes[to].entry), 0);
				assert_ptr_equal(c.code, code);
				call_one(i.t, &spec, &c, to);
			}
			ops->release(&i.t->space, &c);
			assert_int_equal(literals(&i), 0);
		}
	close_island(&i);
}

static void each_bind_takes_what_reaches(void **state)
{
	(void)state;
	reach_decides((struct code_config){ .quantum = 4096 });
	reach_decides((struct code_config){ .quantum = 65536, .wx = CODE_DUAL });
	reach_decides((struct code_config){ .quantum = 4096, .wx = CODE_DUAL, .share = true });
}

/* Whole pages of code and records that MANY stubs take, one bound after another or together. */
static void bytes_of_many(enum stub_kind kind, bool near, bool bulk, unsigned most)
{
	struct island i = open_island((struct code_config){ .quantum = 4096 });
	const struct stub_ops *ops = i.t->space.ops;
	struct stub_spec *specs = calloc(MANY, sizeof(*specs));
	struct stub_callee *c = calloc(MANY, sizeof(*c)), **all = calloc(MANY, sizeof(*all));
	struct code_stats stats;

	assert_true(specs && c && all);
	for (unsigned n = 0; n < MANY; n++) {
		specs[n] = spec_in(&i, kind, near, 4);
		all[n] = &c[n];
		if (!bulk)
			assert_int_equal(ops->bind(&i.t->space, &specs[n], &c[n]), 0);
	}
	if (bulk)
		assert_int_equal(ops->bind_many(&i.t->space, specs, all, MANY), 0);
	for (unsigned n = 0; n < MANY; n += 61)
		call_one(i.t, &specs[n], &c[n], 4);
	code_get_stats(i.t->code, &stats);
	uint64_t bytes = stats.committed_stubs + (stats.used_literals + 4095) / 4096 * 4096;
	print_message("%-13s %s: %5.2f bytes a stub\n", stub_kind_names[kind],
		      near ? "in reach    " : "out of reach", (double)bytes / MANY);
	assert_true(bytes <= (uint64_t)most * MANY);
	free(specs);
	free(c);
	free(all);
	close_island(&i);
}

static void few_bytes_a_stub(void **state)
{
	(void)state;
	for (int bulk = 0; bulk < 2; bulk++) {
		for (int kind = 0; kind < STUB_KINDS; kind++) {
			bytes_of_many(kind, true, bulk,
				      kind == STUB_INDIRECT ? 13
				      : kind == STUB_BIND   ? 14
							    : 10);
			if (kind != STUB_BIND)
				bytes_of_many(kind, false, bulk, kind == STUB_INDIRECT ? 13 : 10);
		}
	}
}

/* ---- Churn ----------------------------------------------------------------------------------- */

/* What a watch is told of heads, and of stubs that move. */
struct told {
	const uint8_t *heads[MANY];
	unsigned n, moves;
};

static void made(void *arg, const struct stub_piece *p)
{
	struct told *t = arg;

	if (p->role != STUB_ROLE_HEAD)
		return;
	for (unsigned i = 0; i < t->n; i++)
		assert_ptr_not_equal(t->heads[i], p->at);
	t->heads[t->n++] = p->at;
}

static void gone(void *arg, const uint8_t *at, size_t bytes)
{
	struct told *t = arg;

	for (unsigned i = t->n; i-- > 0;)
		if (t->heads[i] >= at && t->heads[i] < at + bytes)
			t->heads[i] = t->heads[--t->n];
}

static void moved(void *arg, const uint8_t *from, const uint8_t *to)
{
	assert_ptr_not_equal(from, to);
	((struct told *)arg)->moves++;
}

struct crowd {
	struct island i;
	struct told told;
	struct stub_watch watch;
	bool near;
	enum stub_kind kind;
	unsigned probes[MANY];
	struct stub_spec specs[MANY];
	struct stub_callee c[MANY], before[MANY];
};

static void bind(struct crowd *a, unsigned n)
{
	a->probes[n] = 4;
	a->specs[n] = spec_in(&a->i, a->kind, a->near, 4);
	assert_int_equal(a->i.t->space.ops->bind(&a->i.t->space, &a->specs[n], &a->c[n]), 0);
}

static void call(struct crowd *a, struct stub_callee *c, unsigned n)
{
	call_one(a->i.t, &a->specs[n], c, a->probes[n]);
}

/* To targets near and far, in turn. */
static void retarget(struct crowd *a, unsigned n)
{
	struct stub_space *space = &a->i.t->space;

	a->probes[n] = a->probes[n] == 11 ? 4 : a->probes[n] + 1;
	assert_int_equal(
	    space->ops->retarget(space, &a->c[n], a->i.t->w.probes[a->probes[n]].entry), 0);
}

/* Pages of records that hold anything; those that were dropped read as zeros. */
static unsigned pages_of_records(const struct crowd *a)
{
	static const uint8_t zeros[4096];
	uintptr_t from, to;
	unsigned n = 0;

	code_range(a->i.t->code, CODE_STUBS, &from, &to);
	to += 2 * code_literal_distance(a->i.t->code);
	for (unsigned page = 0; page < 2 * MANY * FULL / 4096; page++, to += 4096)
		n += memcmp((const void *)to, zeros, 4096) != 0;
	return n;
}

/* Calls each that is left, where it was, too, if callers may still be on their way there. */
static void compact(struct crowd *a)
{
	struct stub_space *space = &a->i.t->space;
	unsigned moves = 0;

	memcpy(a->before, a->c, sizeof(a->c));
	space->ops->reclaim(space);
	for (unsigned n = 0; n < MANY; n++) {
		if (!a->c[n].code)
			continue;
		moves += a->c[n].code != a->before[n].code;
		call(a, &a->c[n], n);
		if (space->config.running)
			call(a, &a->before[n], n);
	}
	assert_true(moves > 0);
	assert_int_equal(moves, a->told.moves);
	if (space->config.running)
		space->ops->reclaim(space);
	assert_int_equal(moves, a->told.moves);
}

/* Each stub's island has a head that the watch knows; bare ones have none. */
static void check_heads(const struct crowd *a, bool bare)
{
	if (bare)
		assert_int_equal(a->told.n, 0);
	for (unsigned n = 0; n < MANY; n++) {
		const uintptr_t head = ((uintptr_t)a->c[n].code & ~(uintptr_t)255) + 128;
		unsigned found = bare || !a->c[n].code;

		for (unsigned k = 0; k < a->told.n && !found; k++)
			found = (uintptr_t)a->told.heads[k] == head;
		assert_true(found);
	}
}

static void release_all_but(struct crowd *a, unsigned each)
{
	for (unsigned n = 0; n < MANY; n++)
		if (a->c[n].code && (!each || n % each))
			a->i.t->space.ops->release(&a->i.t->space, &a->c[n]);
}

/* A hole is filled by one of the last quanta, which then is the lowest, with islands that nobody
 * has used yet: stubs move there. */
static void churn(struct crowd *a, unsigned record)
{
	struct code_stats all, some;
	void *hole = code_reserve(a->i.t->code, CODE_STUBS, 4096);

	assert_non_null(hole);
	for (unsigned n = 0; n < MANY; n++) {
		if (n == MANY / 4 * 3)
			code_release(a->i.t->code, hole, 4096);
		bind(a, n);
		for (unsigned k = 0; k < n % 3; k++)
			retarget(a, n);
	}
	assert_int_equal(literals(&a->i), MANY * record);
	code_get_stats(a->i.t->code, &all);
	const unsigned pages = pages_of_records(a);
	release_all_but(a, 4);
	compact(a);
	code_get_stats(a->i.t->code, &some);
	assert_int_equal(some.retired, 0);
	assert_int_equal(some.used_literals, MANY / 4 * record);
	/* a quantum that is full, and one of bodies */
	assert_true(some.committed_stubs <= some.used_stubs * 13 / 10 + 2 * 4096);
	assert_true(some.committed_stubs < all.committed_stubs);
	assert_true(pages_of_records(a) <= pages * 3 / 4);
	assert_true(record != BARE || !pages);
	for (unsigned n = 0; n < MANY; n += 4) {
		retarget(a, n);
		call(a, &a->c[n], n);
	}
	check_heads(a, record == BARE);
	release_all_but(a, 0);
	assert_int_equal(literals(&a->i), 0);
	for (unsigned n = 0; n < MANY; n++)
		bind(a, n);
	/* the quantum that has the rest of them need not be the one with the last chunk */
	assert_true(pages_of_records(a) <= pages + 2);
	for (unsigned n = 0; n < MANY; n += 17)
		call(a, &a->c[n], n);
	check_heads(a, record == BARE);
}

static void churn_as(struct code_config config, struct stub_config stubs)
{
	static const struct {
		enum stub_kind kind;
		bool near;
	} sorts[] = { { STUB_INDIRECT, true },
		      { STUB_BUILTIN, true },
		      { STUB_BIND, true },
		      { STUB_BIND, false } };

	for (unsigned k = 0; k < sizeof(sorts) / sizeof(*sorts); k++) {
		struct crowd *a = calloc(1, sizeof(*a));

		assert_non_null(a);
		a->watch = (struct stub_watch){ made, gone, moved, &a->told };
		config.watch = &a->watch;
		a->i = open_island_as(config, stubs);
		a->kind = sorts[k].kind;
		a->near = sorts[k].near;
		churn(a, record_of(sorts[k].kind, sorts[k].near));
		close_island(&a->i);
		free(a);
	}
}

static void records_move_and_go(void **state)
{
	(void)state;
	churn_as((struct code_config){ .quantum = 4096 }, (struct stub_config){ 0 });
	churn_as((struct code_config){ .quantum = 4096 }, (struct stub_config){ .markers = true });
	churn_as((struct code_config){ .quantum = 4096, .wx = running_wx() },
		 (struct stub_config){ .running = true });
	churn_as((struct code_config){ .quantum = 4096, .wx = CODE_DUAL, .share = true },
		 (struct stub_config){ 0 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_bind_takes_what_reaches),
		cmocka_unit_test(few_bytes_a_stub),
		cmocka_unit_test(records_move_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
