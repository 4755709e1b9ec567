/*
 * test_islands.c - what is island's own: which record a bind takes, by what is in reach; a retarget
 * that leaves the reach and comes back; how many bytes a stub takes in all.
 */
#include "stub_set_up.h"

enum { MANY = 4096, OFFSETS = 8, WORDS = 16, BODY = 16, FULL = 32 };

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

static struct island open_island(struct code_config config)
{
	struct island i = { open_set_up(stub_strategy("island"), config, STUB_LITERALS_OWN, false),
			    NULL, NULL };

	i.near = new_block(&i.t->w, NULL);
	i.far = new_block(&i.t->w, (struct block *)((uintptr_t)i.near - ((uintptr_t)64 << 30)));
	assert_true((uintptr_t)i.near - (uintptr_t)i.far > (uintptr_t)32 << 30);
	return i;
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

/* The first context decides what is near: that of the first bind here. */
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
			unsigned wanted = kind != STUB_INDIRECT ? (near ? BODY : FULL)
					  : n == 0		? OFFSETS
								: WORDS;

			assert_int_equal(ops->bind(&i.t->space, &spec, &c), 0);
			assert_int_equal(literals(&i), wanted);
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
	struct stub_spec first = spec_in(&i, STUB_INDIRECT, true, 4);
	struct stub_spec *specs = calloc(MANY, sizeof(*specs));
	struct stub_callee *c = calloc(MANY, sizeof(*c)), **all = calloc(MANY, sizeof(*all));
	struct code_stats stats;

	assert_true(specs && c && all);
	if (!near) /* so that its base is another's */
		assert_int_equal(ops->prepare(&i.t->space, &first, 1), 0);
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
		bytes_of_many(STUB_INDIRECT, true, bulk, 13);
		bytes_of_many(STUB_INDIRECT, false, bulk, 21);
		for (int kind = 0; kind < STUB_KINDS; kind++)
			bytes_of_many(kind, true, bulk, 26);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_bind_takes_what_reaches),
		cmocka_unit_test(few_bytes_a_stub),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
