/*
 * test_stubs.c - every row of stub_strategies held to the contract of stub.h: each kind, signature,
 * W^X policy, quantum, literal form and marker; calls, retargets, releases, slow paths and errors.
 * stub_world.h says how calls are made and what the sanitizers do not see.
 */
#include "stub_world.h"

void probe_target(void *probe, struct probe_seen *seen)
{
	world_target(probe, seen);
}

struct set_up {
	struct code_memory *code;
	struct stub_space space;
	struct world w;
	uint64_t seed;
};

static void open_set_up(struct set_up *t, const struct stub_ops *ops, struct code_config config,
			enum stub_literals literals, bool markers)
{
	struct stub_config stubs = { literals, markers, false };

	t->seed = 1;
	assert_int_equal(code_open(&t->code, &config), 0);
	world_open(&t->w, t->code);
	assert_int_equal(stub_space_open(&t->space, ops, t->code, &stubs, &world_runtime), 0);
}

static void close_set_up(struct set_up *t)
{
	stub_space_close(&t->space);
	world_close(&t->w);
	code_close(t->code);
}

static bool can(const struct stub_ops *ops, enum stub_literals literals)
{
	return ops->flags & (literals == STUB_LITERALS_BAKED ? STUB_CAN_BAKE : STUB_CAN_TABLE);
}

/* ---- Signatures ---------------------------------------------------------------------------- */

enum { NSIGNATURES = 80 };

static unsigned all_signatures(stub_signature out[NSIGNATURES])
{
	static const char *const texts[] = {
		">",
		">i",
		">l",
		">f",
		">d",
		">r",
		"i>",
		"l>",
		"f>",
		"d>",
		"r>",
		"i>i",
		"l>l",
		"f>f",
		"d>d",
		"r>r",
		"ilfdr>l",
		"rdfli>r",
		"iiiii>i",
		"iiiiii>i",
		"lllllll>l",
		"rrrrrrr>r",
		"iiiiiiiiiiiiiiii>i",
		"llllllllllllllll>l",
		"ffffffffffffffff>f",
		"dddddddddddddddd>d",
		"rrrrrrrrrrrrrrrr>r",
		"ddddddddd>d",
		"fffffffff>f",
		"ddddddddi>i",
		"iiiiidddddddddl>d",
		"ilfdrilfdrilfdri>f",
		"dldldldldldldldl>l",
		"fififififififi>",
		"fffffffffil>r",
	};
	uint64_t seed = 42;
	unsigned n = 0;

	for (; n < sizeof(texts) / sizeof(texts[0]); n++)
		assert_int_equal(stub_signature_parse(texts[n], &out[n]), 0);
	for (unsigned i = 0; i < 40; i++, n++) {
		unsigned params = mixed(&seed) % (STUB_MAX_PARAMS + 1);
		out[n] = mixed(&seed) % STUB_TYPES | params << 3;
		for (unsigned j = 0; j < params; j++)
			out[n] |= (mixed(&seed) % 5 + 1) << (8 + 3 * j);
	}
	return n;
}

/* ---- Conformance --------------------------------------------------------------------------- */

static void call_it(struct set_up *t, const struct stub_spec *spec, struct callee *c,
		    unsigned probe)
{
	expect(&t->w, spec->kind, spec->signature, spec->context, &t->seed);
	cross(&t->w, c, &t->w.probes[probe]);
}

static void retarget_it(struct set_up *t, struct callee *c, unsigned probe)
{
	const void *target = t->w.probes[probe].entry;

	assert_int_equal(t->space.ops->retarget(&t->space, c, target), 0);
	assert_ptr_equal(c->target, target);
}

static void live_one(struct set_up *t, enum stub_kind kind, stub_signature s)
{
	const struct stub_ops *ops = t->space.ops;
	unsigned p = mixed(&t->seed) % (WORLD_PROBES - 8);
	struct stub_spec spec = spec_of(&t->w, kind, s, p, p % WORLD_INSTANCES);
	struct stub_spec other = spec_of(&t->w, kind, s, p + 7, (p + 1) % WORLD_INSTANCES);
	struct callee c = { 0 }, d = { 0 };

	if (ops->prepare && p % 2)
		assert_int_equal(ops->prepare(&t->space, &spec, 1), 0);
	assert_int_equal(ops->bind(&t->space, &spec, &c), 0);
	assert_int_equal(ops->bind(&t->space, &other, &d), 0);
	assert_true(c.code && c.word && c.target == spec.target && c.context == spec.context);
	retarget_it(t, &d, p + 6);
	call_it(t, &spec, &c, p);
	call_it(t, &spec, &c, p);
	call_it(t, &other, &d, p + 6);
	const void *code = c.code;
	for (unsigned i = 1; i < 4; i++) {
		retarget_it(t, &c, p + i);
		call_it(t, &spec, &c, p + i);
		call_it(t, &other, &d, p + 6);
		if (t->space.config.literals == STUB_LITERALS_TABLE)
			assert_ptr_equal(c.code, code);
	}
	ops->release(&t->space, &c);
	assert_true(!c.code && !c.word);
	call_it(t, &other, &d, p + 6);
	ops->release(&t->space, &d);
	assert_true(!d.code && !d.word);
}

static void conform(const struct stub_ops *ops, struct code_config config,
		    enum stub_literals literals, bool markers)
{
	stub_signature signatures[NSIGNATURES];
	unsigned n = all_signatures(signatures);
	struct code_stats stats;
	struct set_up t;

	open_set_up(&t, ops, config, literals, markers);
	for (unsigned i = 0; i < n; i++)
		for (int kind = 0; kind < STUB_KINDS; kind++)
			live_one(&t, kind, signatures[i]);
	code_get_stats(t.code, &stats);
	assert_int_equal(stats.used_literals, 0);
	if (!ops->prepare)
		assert_int_equal(stats.used_stubs, 0);
	close_set_up(&t);
}

static void every_form_conforms(void **state)
{
	static const uint32_t quanta[] = { 4096, 16384, 65536 };

	(void)state;
	for (unsigned i = 0; stub_strategies[i]; i++)
		for (int wx = 0; wx < CODE_WX_POLICIES; wx++)
			for (int q = 0; q < 3; q++)
				for (int form = 0; form < 4; form++)
					if (can(stub_strategies[i], form & 1))
						conform(stub_strategies[i],
							(struct code_config){
							    .wx = wx, .quantum = quanta[q] },
							form & 1, form & 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_conforms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
