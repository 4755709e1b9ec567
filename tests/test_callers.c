/*
 * The compiled side of a scenario against its reference in C: random populations of every kind and
 * type, both shapes, both tiers, by direct calls and through every strategy's stubs.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "calls/callers.h"
#include "jit/jit.h"

enum { BOUNDARIES = 60, EVENTS = 300, ROUNDS = 3, BOXES = 64 };

/* ---- A random scenario ------------------------------------------------------------------ */

static uint32_t draw(uint64_t *seed, uint32_t n)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ z >> 31) >> 32) % n;
}

static void draw_boundary(struct boundary *b, uint32_t k, uint64_t *seed)
{
	static const char letters[] = "ilfdr";
	uint32_t n = draw(seed, 8) ? draw(seed, 5) : draw(seed, SCENARIO_MAX_PARAMS + 1);
	char *p = b->signature;

	b->kind = (enum boundary_kind)(k % BOUNDARY_KINDS);
	b->instance = draw(seed, SCENARIO_INSTANCES);
	if (b->kind == BOUNDARY_BIND) {
		n += !n;
		b->nbound = 1 + draw(seed, n < SCENARIO_MAX_BOUND ? n : SCENARIO_MAX_BOUND);
	}
	for (uint32_t j = 0; j < n; j++)
		*p++ = letters[draw(seed, 5)];
	*p++ = '>';
	if (draw(seed, 6))
		*p++ = letters[draw(seed, 5)];
	*p = 0;
}

static void draw_scenario(struct scenario *s, enum scenario_shape shape, uint64_t seed)
{
	*s = (struct scenario){ .shape = shape, .nboundaries = BOUNDARIES, .nevents = EVENTS };
	s->boundaries = calloc(BOUNDARIES, sizeof(*s->boundaries));
	s->events = calloc(EVENTS, sizeof(*s->events));
	assert_true(s->boundaries && s->events);
	for (uint32_t k = 0; k < BOUNDARIES; k++)
		draw_boundary(&s->boundaries[k], k, &seed);
	for (uint32_t i = 0; i < EVENTS; i++) /* the last ones are never crossed */
		s->events[i] = draw(&seed, BOUNDARIES - 5);
	for (uint32_t i = 0; i < SCENARIO_INSTANCES; i++)
		s->context_salt[i] = draw(&seed, UINT32_MAX);
}

/* ---- The scenario in code memory -------------------------------------------------------- */

struct bench {
	const struct scenario *scenario;
	struct code_memory *code;
	struct loaded targets[2], callers; /* targets: version 0 and 7 */
	struct stub_callee *callees;
	uint32_t *refs;
	uintptr_t version;
	struct stub_activation activation;
	struct instance instances[SCENARIO_INSTANCES];
	int64_t boxes[BOXES];
	unsigned nboxes, slow;
	struct callers_state state;
	callers_round *round;
	struct stub_space space;
	uint64_t bound[BOUNDARIES][STUB_MAX_BOUND];
};

static const uint32_t versions[2] = { 0, 7 };

static const void *resolve(void *arg, const char *symbol, enum load_use use)
{
	struct bench *b = arg;

	if (strcmp(symbol, "refs") == 0)
		return b->refs;
	if (strcmp(symbol, "callees") == 0)
		return b->callees;
	if (strcmp(symbol, "version") == 0)
		return (const void *)(b->version + 1);
	return use == LOAD_CALL ? loaded_address(&b->targets[0], symbol) : NULL;
}

static void compile(const struct scenario *s, enum callers_part part, unsigned tier,
		    struct jit_object *out)
{
	const struct jit_options options = { .tier = tier };
	char error[JIT_ERROR], *text;
	size_t size;

	assert_int_equal(callers_text(s, part, &text, &size), 0);
	assert_int_equal(size, strlen(text));
	if (jit_compile("scenario", text, size, &options, out, error) != 0)
		fail_msg("%s", error);
	free(text);
}

static void load(struct bench *b, const struct jit_object *object, struct loaded *out)
{
	const struct load_hooks hooks = { .resolve = resolve, .arg = b, .text_offset = 32 };
	char error[JIT_ERROR];

	if (jit_load(b->code, object, &hooks, out, error) != 0)
		fail_msg("%s", error);
}

static void bench_open(struct bench *b, const struct scenario *s, enum code_wx wx,
		       const struct jit_object *targets)
{
	const struct code_config config = { .wx = wx, .quantum = 4096 };

	memset(b, 0, sizeof(*b));
	b->scenario = s;
	assert_int_equal(code_open(&b->code, &config), 0);
	b->refs = code_data(b->code, SCENARIO_REFS * sizeof(*b->refs));
	b->callees = code_data(b->code, s->nboundaries * sizeof(*b->callees));
	assert_true(b->refs && b->callees);
	for (uint32_t i = 0; i < SCENARIO_REFS; i++)
		b->refs[i] = i * 2654435761u;
	for (int v = 0; v < 2; v++) {
		b->version = versions[v];
		load(b, targets, &b->targets[v]);
	}
}

static void bench_callers(struct bench *b, const struct jit_object *callers, const char *entry)
{
	const void *at;

	load(b, callers, &b->callers);
	at = loaded_address(&b->callers, entry);
	assert_non_null(at);
	memcpy(&b->round, &at, sizeof(at));
}

static void bench_close(struct bench *b)
{
	for (int v = 0; v < 2; v++)
		jit_unload(&b->targets[v]);
	jit_unload(&b->callers);
	code_close(b->code);
}

/* Runs from state x with fresh accumulators, and asks the reference. */
static void check_round(struct bench *b, uint32_t version, uint32_t x)
{
	const struct scenario *s = b->scenario;
	uint32_t acc[SCENARIO_INSTANCES] = { 0 }, of_boundary[BOUNDARIES], events[EVENTS];
	uint32_t expected = scenario_run(s, version, ROUNDS, x, acc);

	assert_in_range(callers_thunks(s, of_boundary, events), 1, BOUNDARIES - 5);
	b->state = (struct callers_state){ .x = x, .rounds = ROUNDS };
	if (s->shape != SCENARIO_STRAIGHT) {
		b->state.events = events;
		b->state.nevents = s->nevents;
	}
	for (uint32_t i = 0; i < SCENARIO_INSTANCES; i++) {
		b->instances[i] = (struct instance){ &b->activation, s->context_salt[i], 0, 0 };
		b->state.instances[i] = &b->instances[i];
	}
	b->round(&b->state);
	assert_int_equal(b->state.x, expected);
	for (uint32_t i = 0; i < SCENARIO_INSTANCES; i++)
		assert_int_equal(b->instances[i].accumulator, acc[i]);
	assert_null(b->activation.exit_frame);
}

/* ---- Direct calls ---------------------------------------------------------------------------- */

static void direct_calls_give_the_reference_answer(void **unused)
{
	(void)unused;
	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct jit_object targets, callers;
		struct scenario s;
		struct bench b;

		draw_scenario(&s, (enum scenario_shape)(seed % 3), seed);
		compile(&s, CALLERS_TARGETS, seed & 2, &targets);
		compile(&s, CALLERS_DIRECT, seed & 2, &callers);
		bench_open(&b, &s, CODE_TOGGLE, &targets);
		bench_callers(&b, &callers, "round_direct");
		check_round(&b, 0, (uint32_t)seed);
		check_round(&b, 0, 0xfffffff0u);
		bench_close(&b);
		jit_object_free(&targets);
		jit_object_free(&callers);
		scenario_close(&s);
	}
}

/* ---- Through stubs --------------------------------------------------------------------------- */

/* The runtime's context is the instance that the boundary was bound to; the boxes are the bench's,
 * which the activation leads to. */
static struct bench *bench_of(void *context)
{
	struct instance *instance = context;

	return (struct bench *)((char *)instance->activation - offsetof(struct bench, activation));
}

static int convert(void *context, stub_signature s, const stub_value *argv, size_t argc,
		   uint64_t *out)
{
	(void)s, (void)argv, (void)argc, (void)out;
	bench_of(context)->slow++;
	return -1;
}

static stub_value box_i64(void *context, int64_t v)
{
	struct bench *b = bench_of(context);
	int64_t *at = &b->boxes[b->nboxes++ % BOXES];

	*at = v;
	return (stub_value)STUB_VALUE_BIGINT << 48 | (uintptr_t)at;
}

static int unbox(void *context, enum stub_type type, stub_value v, uint64_t *out)
{
	(void)type, (void)v, (void)out;
	bench_of(context)->slow++;
	return -1;
}

static void raise_error(void *context)
{
	bench_of(context)->slow++;
}

static const struct stub_runtime runtime = {
	.convert = convert, .box_i64 = box_i64, .unbox = unbox, .raise = raise_error
};

static const void *target_of(struct bench *b, int version, uint32_t k)
{
	char name[16];
	const void *at;

	snprintf(name, sizeof(name), "%c%u",
		 b->scenario->boundaries[k].kind == BOUNDARY_EXIT_JS ? 'h' : 't', k);
	at = loaded_address(&b->targets[version], name);
	assert_non_null(at);
	assert_string_equal(loaded_function_at(&b->targets[version], at)->name, name);
	return at;
}

static void bind_all(struct bench *b, const struct stub_ops *ops)
{
	const struct stub_config config = { 0 };

	assert_int_equal(stub_space_open(&b->space, ops, b->code, &config, &runtime), 0);
	for (uint32_t k = 0; k < b->scenario->nboundaries; k++) {
		const struct boundary *at = &b->scenario->boundaries[k];
		struct stub_spec spec = { .kind = (enum stub_kind)at->kind,
					  .target = target_of(b, 0, k),
					  .context = &b->instances[at->instance],
					  .bound = b->bound[k],
					  .nbound = at->nbound };

		assert_int_equal(stub_signature_parse(at->signature, &spec.signature), 0);
		callers_bound(at, k, b->refs, b->bound[k]);
		assert_int_equal(ops->bind(&b->space, &spec, &b->callees[k]), 0);
	}
}

static void stubs_of(const struct stub_ops *ops, enum code_wx wx, const struct scenario *s,
		     const struct jit_object *targets, const struct jit_object *callers)
{
	struct bench b;

	bench_open(&b, s, wx, targets);
	bench_callers(&b, callers, "round_slots");
	for (uint32_t i = 0; i < SCENARIO_INSTANCES; i++)
		b.instances[i].activation = &b.activation;
	bind_all(&b, ops);
	check_round(&b, versions[0], 12345);
	check_round(&b, versions[0], 0x80000000u);
	for (uint32_t k = 0; k < s->nboundaries; k++)
		assert_int_equal(ops->retarget(&b.space, &b.callees[k], target_of(&b, 1, k)), 0);
	check_round(&b, versions[1], 12345);
	assert_int_equal(b.slow, 0);
	for (uint32_t k = 0; k < s->nboundaries; k++)
		ops->release(&b.space, &b.callees[k]);
	stub_space_close(&b.space);
	bench_close(&b);
}

static void every_strategys_stubs_give_the_reference_answer(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < 6; i++) {
		struct jit_object targets, callers;
		struct scenario s;

		draw_scenario(&s, (enum scenario_shape)(i % 3), 100 + i);
		compile(&s, CALLERS_TARGETS, i & 2, &targets);
		compile(&s, CALLERS_SLOTS, i & 2, &callers);
		for (const struct stub_ops *const *ops = stub_strategies; *ops; ops++)
			stubs_of(*ops, i & 1 ? CODE_DUAL : CODE_TOGGLE, &s, &targets, &callers);
		jit_object_free(&targets);
		jit_object_free(&callers);
		scenario_close(&s);
	}
}

/* ---- What callers.h promises beside the answer ----------------------------------------------- */

static struct stub_callee *rebound;

static uint32_t second(void *ctx, uint32_t v)
{
	(void)ctx;
	return v ^ 0xff;
}

static uint32_t first(void *ctx, uint32_t v)
{
	uint32_t (*next)(void *, uint32_t) = second;

	(void)ctx;
	memcpy(&rebound->code, &next, sizeof(next));
	return v;
}

/* One site's call replaces the code pointer; the very next site must see it. */
static void each_site_loads_the_code_pointer(void **unused)
{
	struct boundary boundary = { .kind = BOUNDARY_INDIRECT, .signature = "i>i" };
	uint32_t events[3] = { 0, 0, 0 }, salt = scenario_salt(0, 0);

	(void)unused;
	for (unsigned i = 0; i < 4; i++) {
		struct scenario s = { .shape = i & 1 ? SCENARIO_STRAIGHT : SCENARIO_DISPATCH,
				      .boundaries = &boundary,
				      .nboundaries = 1,
				      .events = events,
				      .nevents = 3 };
		uint32_t (*code)(void *, uint32_t) = first;
		struct jit_object targets, callers;
		struct instance instance = { 0 };
		struct bench b;

		compile(&s, CALLERS_TARGETS, i & 2, &targets);
		compile(&s, CALLERS_SLOTS, i & 2, &callers);
		bench_open(&b, &s, CODE_TOGGLE, &targets);
		bench_callers(&b, &callers, "round_slots");
		rebound = b.callees;
		memcpy(&b.callees[0].code, &code, sizeof(code));
		b.state = (struct callers_state){ .rounds = 1, .events = events, .nevents = 3 };
		b.state.instances[0] = &instance;
		b.round(&b.state);
		assert_int_equal(b.state.x, (((salt + salt) ^ 0xff) + salt) ^ 0xff);
		bench_close(&b);
		jit_object_free(&targets);
		jit_object_free(&callers);
	}
}

static void thunks_are_numbered_by_first_crossing(void **unused)
{
	struct boundary boundaries[5] = { { .kind = BOUNDARY_BUILTIN, .signature = ">" } };
	uint32_t events[6] = { 3, 1, 3, 0, 1, 3 }, of_boundary[5], numbers[6];
	struct scenario s = {
		.boundaries = boundaries, .nboundaries = 5, .events = events, .nevents = 6
	};

	(void)unused;
	assert_int_equal(callers_thunks(&s, of_boundary, numbers), 3);
	assert_memory_equal(of_boundary, ((uint32_t[]){ 2, 1, UINT32_MAX, 0, UINT32_MAX }),
			    sizeof(of_boundary));
	assert_memory_equal(numbers, ((uint32_t[]){ 0, 1, 0, 2, 1, 0 }), sizeof(numbers));
}

static void a_bad_scenario_is_refused(void **unused)
{
	struct boundary boundary = { .kind = BOUNDARY_INDIRECT, .signature = "i>i" };
	uint32_t event = 0;
	struct scenario good = {
		.boundaries = &boundary, .nboundaries = 1, .events = &event, .nevents = 1
	};
	struct scenario s = good;
	char *text;
	size_t size;

	(void)unused;
	assert_int_equal(callers_text(&s, CALLERS_SLOTS, &text, &size), 0);
	free(text);
	s.nevents = 0;
	assert_int_equal(callers_text(&s, CALLERS_SLOTS, &text, &size), -EINVAL);
	assert_null(text);
	s = good;
	event = 1;
	assert_int_equal(callers_text(&s, CALLERS_DIRECT, &text, &size), -EINVAL);
	event = 0;
	strcpy(boundary.signature, "ix>i");
	assert_int_equal(callers_text(&s, CALLERS_TARGETS, &text, &size), -EINVAL);
	strcpy(boundary.signature, "i>i");
	boundary.instance = SCENARIO_INSTANCES;
	assert_int_equal(callers_text(&s, CALLERS_TARGETS, &text, &size), -EINVAL);
	boundary.instance = 0;
	boundary.nbound = 1; /* not of a bind */
	assert_int_equal(callers_text(&s, CALLERS_TARGETS, &text, &size), -EINVAL);
	boundary.kind = BOUNDARY_BIND;
	boundary.nbound = 2; /* of one parameter */
	assert_int_equal(callers_text(&s, CALLERS_TARGETS, &text, &size), -EINVAL);
	boundary.nbound = 0;
	assert_int_equal(callers_text(&s, CALLERS_TARGETS, &text, &size), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(direct_calls_give_the_reference_answer),
		cmocka_unit_test(every_strategys_stubs_give_the_reference_answer),
		cmocka_unit_test(each_site_loads_the_code_pointer),
		cmocka_unit_test(thunks_are_numbered_by_first_crossing),
		cmocka_unit_test(a_bad_scenario_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
