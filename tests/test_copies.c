/*
 * A module with copied functions (copies.c) is the module that the compiler makes of all of them:
 * the same bytes at the same addresses, for each kind, shape, tier, part and type. Populations in
 * which nothing is worth copying are compiled as they are.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cache_helpers.h"
#include "calls/copies.h"

/* Parts have 128 sites; those of the first callees are compiled, and the last part is shorter. */
enum { MOST = 17 * 128 + 50, FEW = 150 };

/* ---- A module in memory ----------------------------------------------------------------- */

/* What a module is loaded into and linked with. */
struct linkage {
	struct code_memory *code;
	uint8_t *refs, *callees;
};

static const void *resolve(void *arg, const char *symbol, enum load_use use)
{
	const struct linkage *p = arg;

	(void)use;
	if (!strcmp(symbol, "refs"))
		return p->refs;
	if (!strcmp(symbol, "callees"))
		return p->callees;
	if (!strcmp(symbol, "version"))
		return (const void *)1;
	/* s<k> or t<k>: nothing is called */
	return p->callees + 32 * strtoul(symbol + 1, NULL, 10) + (*symbol == 's' ? 5 : 11);
}

/* All of a module in memory. */
struct image {
	uint8_t *bytes, *from;
	size_t size;
	char *functions; /* a line each: place, size, name */
};

static struct image image_of(struct linkage *p, const struct jit_object *object)
{
	const struct load_hooks hooks = { .resolve = resolve, .arg = p, .text_offset = 64 };
	char error[JIT_ERROR];
	struct loaded m;
	struct image i;
	size_t length;

	if (jit_load(p->code, object, &hooks, &m, error))
		fail_msg("%s", error);
	i = (struct image){ malloc(m.region_size), m.region, m.region_size, NULL };
	assert_non_null(i.bytes);
	memcpy(i.bytes, m.region, m.region_size);
	FILE *f = open_memstream(&i.functions, &length);
	for (size_t k = 0; k < m.nfunctions; k++)
		fprintf(f, "%tx+%x %s\n", (const uint8_t *)m.functions[k].code - i.from,
			m.functions[k].size, m.functions[k].name);
	fclose(f);
	jit_unload(&m);
	return i;
}

/* Both begin with the same lines: the first ones that differ. */
static void assert_same_lines(const char *a, const char *b)
{
	size_t i = 0, line = 0;

	for (; a[i] == b[i] && a[i]; i++)
		line = a[i] == '\n' ? i + 1 : line;
	if (a[i] != b[i])
		fail_msg("compiled: %.*s, copied: %.*s", (int)strcspn(a + line, "\n"), a + line,
			 (int)strcspn(b + line, "\n"), b + line);
}

/* Compiles a part both ways. Returns how many functions were copied. */
static uint32_t assert_same(const struct scenario *s, enum callers_part part, unsigned tier)
{
	/* The compiler's object of a text is cached; the copies are made anew. */
	const struct jit_options options = { .tier = tier, .cache = cache };
	const struct code_config config = { .wx = CODE_RWX, .quantum = 4096 };
	struct jit_object all, copied;
	char error[JIT_ERROR], *text;
	struct linkage p;
	size_t size;

	assert_int_equal(code_open(&p.code, &config), 0);
	p.refs = code_data(p.code, 4 * SCENARIO_REFS);
	p.callees = code_data(p.code, 32 * (size_t)s->nboundaries);
	assert_true(p.refs && p.callees);
	assert_int_equal(callers_text(s, part, &text, &size), 0);
	assert_int_equal(jit_compile("all", text, size, &options, &all, error), 0);
	if (copies_compile(s, part, "copied", &options, &copied, error))
		fail_msg("%s", error);

	struct image a = image_of(&p, &all), b = image_of(&p, &copied);
	assert_ptr_equal(a.from, b.from);
	assert_same_lines(a.functions, b.functions);
	assert_int_equal(a.size, b.size);
	for (size_t i = 0; i < a.size; i++)
		if (a.bytes[i] != b.bytes[i])
			fail_msg("part %u, tier %u, kind %u, %s: byte %zu of %zu differs", part,
				 tier, s->boundaries->kind, s->boundaries->signature, i, a.size);
	const uint32_t n = copied.copied;
	free(a.bytes);
	free(b.bytes);
	free(a.functions);
	free(b.functions);
	free(text);
	jit_object_free(&all);
	jit_object_free(&copied);
	code_close(p.code);
	return n;
}

/* ---- Populations ------------------------------------------------------------------------ */

static uint32_t draw(uint64_t *seed, uint32_t n)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ z >> 31) >> 32) % n;
}

/* n boundaries of one kind and signature, all crossed once in a shuffled order. */
static void population(struct scenario *s, enum scenario_shape shape, uint32_t n,
		       enum boundary_kind kind, const char *signature)
{
	uint64_t seed = n;

	*s = (struct scenario){ .shape = shape, .nboundaries = n, .nevents = n, .crossed = n };
	s->boundaries = calloc(n, sizeof(*s->boundaries));
	s->events = calloc(n, sizeof(*s->events));
	assert_true(s->boundaries && s->events);
	for (uint32_t k = 0; k < n; k++) {
		struct boundary *b = &s->boundaries[k];

		b->kind = kind;
		b->instance = draw(&seed, SCENARIO_INSTANCES);
		b->nbound = kind == BOUNDARY_BIND;
		strcpy(b->signature, signature);
		s->events[k] = k;
	}
	for (uint32_t i = n; i > 1; i--) {
		uint32_t j = draw(&seed, i), last = s->events[i - 1];

		s->events[i - 1] = s->events[j];
		s->events[j] = last;
	}
}

static void test_every_kind(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < BOUNDARY_KINDS; kind++) {
		const char *signature = kind == BOUNDARY_BIND ? "ii>i" : "i>i";
		struct scenario s;

		population(&s, SCENARIO_STRAIGHT, MOST, kind, signature);
		const uint32_t copied = assert_same(&s, CALLERS_SLOTS, 2);

		/* A boxed result's upper half decides how the next number is added. */
		if (kind != BOUNDARY_ENTRY_JS)
			assert_true(copied >= 8);
		if (kind == BOUNDARY_INDIRECT)
			assert_true(assert_same(&s, CALLERS_NEAR, 2) >= 8);
		if (kind == BOUNDARY_INDIRECT)
			assert_true(assert_same(&s, CALLERS_DIRECT, 2) >= 8);
		scenario_close(&s);
	}
}

static void test_shapes_and_tiers(void **state)
{
	struct scenario s;

	(void)state;
	population(&s, SCENARIO_STRAIGHT, MOST, BOUNDARY_INDIRECT, "i>i");
	assert_true(assert_same(&s, CALLERS_TARGETS, 2) > 1000);
	assert_true(assert_same(&s, CALLERS_SLOTS, 0) >= 8);
	s.shape = SCENARIO_CHOSEN;
	assert_true(assert_same(&s, CALLERS_SLOTS, 2) > 1000);
	scenario_close(&s);
	population(&s, SCENARIO_DISPATCH, FEW, BOUNDARY_INDIRECT, "i>i");
	for (unsigned tier = 0; tier <= 2; tier += 2)
		assert_true(assert_same(&s, CALLERS_SHARED, tier) > FEW / 2);
	scenario_close(&s);
}

/* Each type as a parameter and as a result, of every kind; in thunks. */
static void test_every_type(void **state)
{
	static const char *const signatures[] = {
		"ilfdr>l", "l>f", "f>d", "d>r", "r>i", "i>", "iiiiiiiiiiiiiiii>l"
	};

	(void)state;
	for (unsigned kind = 0; kind < BOUNDARY_KINDS; kind++)
		for (size_t i = 0; i < sizeof signatures / sizeof *signatures;
		     i += i ? 7 : 1 + kind % 6) {
			struct scenario s;

			population(&s, SCENARIO_DISPATCH, FEW, (enum boundary_kind)kind,
				   signatures[i]);
			assert_same(&s, CALLERS_TARGETS, 2);
			assert_same(&s, CALLERS_DIRECT, 2);
			assert_true(assert_same(&s, CALLERS_SLOTS, 2) > FEW / 2);
			scenario_close(&s);
		}
}

/* The same in the shape of a replay: many kinds and signatures, some crossed often, most never. */
static void test_mixed(void **state)
{
	static const char *const signatures[] = { "i>i", "ii>", "l>l", "ri>r", ">", "dd>d" };
	uint64_t seed = 5;
	struct scenario s;

	(void)state;
	population(&s, SCENARIO_DISPATCH, 500, BOUNDARY_INDIRECT, "i>i");
	for (uint32_t k = 0; k < s.nboundaries; k++) {
		s.boundaries[k].kind = 1 + draw(&seed, 4);
		strcpy(s.boundaries[k].signature, signatures[draw(&seed, 6)]);
	}
	for (uint64_t i = 0; i < s.nevents; i++)
		s.events[i] = draw(&seed, 200);
	assert_true(assert_same(&s, CALLERS_TARGETS, 2) > 200);
	assert_true(assert_same(&s, CALLERS_SLOTS, 2) > 0);
	assert_same(&s, CALLERS_DIRECT, 2);
	s.targets = 60; /* several boundaries lead to each */
	for (uint32_t k = 0; k < s.nboundaries; k++)
		strcpy(s.boundaries[k].signature, "i>i");
	assert_same(&s, CALLERS_TARGETS, 2);
	assert_same(&s, CALLERS_DIRECT, 2);
	scenario_close(&s);
}

static void test_small_is_compiled(void **state)
{
	struct scenario s;

	(void)state;
	population(&s, SCENARIO_STRAIGHT, 64, BOUNDARY_INDIRECT, "i>i");
	assert_int_equal(assert_same(&s, CALLERS_TARGETS, 2), 0);
	assert_int_equal(assert_same(&s, CALLERS_SLOTS, 2), 0);
	scenario_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind),	  cmocka_unit_test(test_shapes_and_tiers),
		cmocka_unit_test(test_every_type),	  cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_small_is_compiled),
	};

	return cmocka_run_group_tests(tests, make_cache, remove_cache);
}
