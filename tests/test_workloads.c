/*
 * test_workloads.c - the scenario's arithmetic against values worked out by hand, the ring's order,
 * and the replays against the totals of the recordings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "workloads/scenario.h"
#include "workloads/trace.h"

static const char data[] = "workloads";

static void expect_error(int status, const char *error, const char *part)
{
	assert_true(status < 0);
	assert_null(strchr(error, '\n'));
	if (!strstr(error, part))
		fail_msg("'%s' does not say '%s'", error, part);
}

/* ---- scenario_run -------------------------------------------------------------------------- */

struct one_call {
	const char *signature;
	uint32_t k, state, acc; /* after one call with x 5, salt 100, version 2 */
};

static void test_one_call(void **unused)
{
	/* "i>i": v = 5 + 0xc2b2ae3d, h = rotl(0 + 100 + 2, 5) + v = 0xcc0 + 0xc2b2ae42. */
	static const struct one_call calls[] = {
		{ "i>i", 0, 0xc2b2bb02, 0 }, { ">", 3, 6, 105 },
		{ "i>", 3, 6, 0x5371fe7d },  { "l>l", 1, 0x2f71e032, 0 },
		{ "f>d", 2, 0x47d8, 0 },     { "d>f", 2, 0x47d8, 0 },
		{ "r>r", 4, 0xb54cda26, 0 }, { "iildfr>i", 7, 0x80fc029b, 0 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		const struct one_call *c = &calls[i];
		struct boundary b[8] = { 0 };
		uint32_t event = c->k, acc[SCENARIO_INSTANCES] = { 0 };
		struct scenario s = {
			.boundaries = b, .nboundaries = 8, .events = &event, .nevents = 1
		};

		b[c->k].kind = BOUNDARY_INDIRECT;
		b[c->k].instance = 6;
		strcpy(b[c->k].signature, c->signature);
		s.context_salt[6] = 100;
		assert_int_equal(scenario_run(&s, 2, 1, 5, acc), c->state);
		assert_int_equal(acc[6], c->acc);
	}
}

/* "ii>i", one stored: h = rotl(0 + 100 + 2, 5) + 0xc2b2ae3d = 0xc2b2bafd, which does not have the
 * state in it; rotl(h, 5) + 5 + 2 * 0xc2b2ae3d has. */
static void test_a_stored_argument(void **unused)
{
	struct boundary b = {
		.kind = BOUNDARY_BIND, .instance = 6, .signature = "ii>i", .nbound = 1
	};
	uint32_t event = 0, acc[SCENARIO_INSTANCES] = { 0 };
	struct scenario s = { .boundaries = &b, .nboundaries = 1, .events = &event, .nevents = 1 };

	(void)unused;
	s.context_salt[6] = 100;
	assert_int_equal(scenario_run(&s, 2, 1, 5, acc), 0xdbbcbc37);
	b.nbound = 2;
	assert_int_equal(scenario_run(&s, 2, 1, 5, acc), 0xdbbcbc32);
}

/* Two rounds are one round after another; a builtin works on instance 0 whatever it says. */
static void test_rounds(void **unused)
{
	struct workload_params p = {
		.live = 100, .kind = BOUNDARY_BUILTIN, .signature = "iid>", .seed = 4
	};
	uint32_t once[SCENARIO_INSTANCES] = { 0 }, twice[SCENARIO_INSTANCES] = { 0 }, x;
	struct scenario s;
	char error[200];

	(void)unused;
	assert_int_equal(ring_open(NULL, &p, &s, error), 0);
	x = scenario_run(&s, 0, 1, 9, once);
	assert_int_equal(x, 109);
	x = scenario_run(&s, 0, 1, x, once);
	assert_int_equal(scenario_run(&s, 0, 2, 9, twice), x);
	assert_memory_equal(once, twice, sizeof once);
	assert_int_not_equal(once[0], 0);
	for (int i = 1; i < SCENARIO_INSTANCES; i++)
		assert_int_equal(once[i], 0);
	scenario_close(&s);
}

/* ---- ring ---------------------------------------------------------------------------------- */

static void ring_of(uint32_t n, uint64_t seed, struct scenario *s)
{
	struct workload_params p = { .live = n, .kind = BOUNDARY_INDIRECT, .seed = seed };
	struct workload w;
	char error[200];

	assert_true(workload_named("ring", &w));
	assert_int_equal(w.open(&w, &p, s, error), 0);
}

static void test_ring_is_a_permutation(void **unused)
{
	static const uint32_t sizes[] = { 1, 2, 7, 64, 4096, 65536 };

	(void)unused;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct scenario s;
		ring_of(sizes[i], i, &s);
		uint8_t *met = calloc(sizes[i], 1);
		assert_non_null(met);
		assert_int_equal(s.nevents, sizes[i]);
		assert_int_equal(s.nboundaries, sizes[i]);
		assert_int_equal(s.crossed, sizes[i]);
		assert_int_equal(s.shape, SCENARIO_STRAIGHT);
		for (uint64_t e = 0; e < s.nevents; e++) {
			assert_true(s.events[e] < s.nboundaries);
			assert_int_equal(met[s.events[e]]++, 0);
		}
		for (uint32_t k = 0; k < s.nboundaries; k++)
			assert_int_equal(s.boundaries[k].instance, k % SCENARIO_INSTANCES);
		free(met);
		scenario_close(&s);
	}
}

/* Chosen, each boundary is crossed about as often as another, in no order that comes again. */
static void test_chosen_ring_is_fair(void **unused)
{
	enum { N = 64, ROUNDS = 1000 };
	struct workload_params p = { .live = N, .kind = BOUNDARY_INDIRECT, .seed = 3 };
	uint32_t met[N] = { 0 }, before[N] = { 0 }, same = 0, x = 3;
	struct scenario s;
	struct workload w;
	char error[200];

	(void)unused;
	assert_true(workload_named("ring:chosen", &w));
	assert_int_equal(w.open(&w, &p, &s, error), 0);
	assert_int_equal(s.shape, SCENARIO_CHOSEN);
	assert_int_equal(s.crossed, N);
	for (unsigned r = 0; r < ROUNDS; r++)
		for (uint32_t i = 0; i < N; i++) {
			const uint32_t at = scenario_choice(x, i, N), k = s.events[at];
			struct scenario one = s;
			uint32_t acc[SCENARIO_INSTANCES];

			assert_in_range(at, 0, N - 1);
			met[k]++;
			same += before[i] == k;
			before[i] = k;
			one.shape = SCENARIO_STRAIGHT;
			one.events = &before[i];
			one.nevents = 1;
			x = scenario_run(&one, 0, 1, x, acc);
		}
	for (uint32_t k = 0; k < N; k++) /* 1,000 expected, sigma 31.4 */
		assert_in_range(met[k], 800, 1200);
	assert_in_range(same, 800, 1200); /* as often as chance has it */
	assert_int_equal(x, scenario_run(&s, 0, ROUNDS, 3, (uint32_t[SCENARIO_INSTANCES]){ 0 }));
	scenario_close(&s);
}

/* With fewer targets than stubs, each target has as many stubs as another. */
static void test_ring_shares_targets(void **unused)
{
	struct workload_params p = { .live = 8, .targets = 2, .kind = BOUNDARY_INDIRECT };
	struct scenario s;
	char error[200];

	(void)unused;
	assert_int_equal(ring_open(NULL, &p, &s, error), 0);
	for (uint32_t k = 0; k < 8; k++)
		assert_int_equal(scenario_target(&s, k), k % 2);
	s.targets = 0;
	assert_int_equal(scenario_target(&s, 7), 7);
	scenario_close(&s);
	p.targets = 9;
	expect_error(ring_open(NULL, &p, &s, error), error, "9 targets of 8 stubs");
}

static void test_ring_follows_the_seed(void **unused)
{
	struct scenario a, b, c;
	const size_t bytes = 1000 * sizeof(uint32_t);

	(void)unused;
	ring_of(1000, 1, &a);
	ring_of(1000, 1, &b);
	ring_of(1000, 2, &c);
	assert_memory_equal(a.events, b.events, bytes);
	assert_memory_equal(a.context_salt, b.context_salt, sizeof a.context_salt);
	assert_memory_not_equal(a.events, c.events, bytes);
	assert_memory_not_equal(a.context_salt, c.context_salt, sizeof a.context_salt);
	scenario_close(&a);
	scenario_close(&b);
	scenario_close(&c);
}

static void test_ring_stores_half(void **unused)
{
	static const struct {
		const char *signature;
		uint32_t nbound;
	} rows[] = { { "i>i", 1 },
		     { NULL, 1 },
		     { "lll>", 2 },
		     { "ffffffff>f", 4 },
		     { "iiiiiiiiiiiiiiii>i", 4 } };

	(void)unused;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct workload_params p = { .live = 3,
					     .kind = BOUNDARY_BIND,
					     .signature = rows[i].signature };
		struct scenario s;
		char error[200];

		assert_int_equal(ring_open(NULL, &p, &s, error), 0);
		for (unsigned k = 0; k < 3; k++)
			assert_int_equal(s.boundaries[k].nbound, rows[i].nbound);
		assert_string_equal(s.boundaries[0].signature,
				    rows[i].signature ? rows[i].signature : "ii>i");
		scenario_close(&s);
	}
}

static void test_ring_refuses(void **unused)
{
	static const char *const signatures[] = {
		"", "i", "x>i", "i>ii", "i>x", "i>i>", "iiiiiiiiiiiiiiiii>i"
	};
	struct workload_params p = { .live = 0, .kind = BOUNDARY_EXIT_JS };
	struct scenario s;
	char error[200];

	(void)unused;
	expect_error(ring_open(NULL, &p, &s, error), error, "1 to 1048576");
	p.live = 1048577;
	expect_error(ring_open(NULL, &p, &s, error), error, "1 to 1048576");
	p.live = 4;
	for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
		p.signature = signatures[i];
		expect_error(ring_open(NULL, &p, &s, error), error, "allowed");
	}
	p.kind = BOUNDARY_BIND;
	p.signature = ">i";
	expect_error(ring_open(NULL, &p, &s, error), error, "to store");
	p.kind = BOUNDARY_EXIT_JS;
	p.signature = "iiiiiiiiiiiiiiii>i";
	assert_int_equal(ring_open(NULL, &p, &s, error), 0);
	scenario_close(&s);
	p.kind = BOUNDARY_KINDS;
	expect_error(ring_open(NULL, &p, &s, error), error, "allowed");
	struct workload w;
	assert_false(workload_named("rung", &w));
}

/* ---- replay -------------------------------------------------------------------------------- */

/* What the recordings say of themselves: events of each kind; crossed stubs; the population. */
struct original {
	const char *name;
	uint64_t events[BOUNDARY_KINDS];
	uint32_t crossed, population;
};

static const struct original originals[] = {
	{ "sqljs", { 0, 255157, 14821, 1258337, 357743 }, 140, 55 + 41 + 521 + 2 },
	{ "sqlite3oo", { 0, 241089, 10005, 1014624, 231206 }, 113, 274 + 48 + 646 + 2 },
	{ "dart-todomvc", { 0, 339, 7428, 4824252, 63735 }, 2544, 8 + 75 + 14495 + 9 },
	{ "treesitter", { 0, 156657, 3057, 2262706, 173862 }, 65, 157 + 9 + 191 + 2 },
	{ "rapier", { 0, 140381, 528708, 370587, 251984 }, 78, 838 + 29 + 1221 + 3 },
	{ "esbuild", { 0, 3317, 6956, 43559, 78457 }, 504, 3 + 22 + 5307 + 3 },
	{ "pyodide", { 0, 47017, 50122, 17350639, 2177725 }, 1029, 6596 + 527 + 14175 + 3 },
	{ "duckdb", { 0, 441, 1371, 445640, 0 }, 1415, 49222 + 393 + 63435 },
	{ "hashwasm", { 0, 120324, 0, 0, 0 }, 3600, 5400 },
	{ "javamark", { 0, 1200, 103023, 0, 101523 }, 17, 17 + 22 + 8 },
};
enum { ORIGINALS = sizeof originals / sizeof *originals };

static void trace_path(char path[200], const char *name)
{
	snprintf(path, 200, "%s/traces/%s.trace.zst", data, name);
}

static void replay(const char *name, uint64_t seed, uint64_t max, struct scenario *s)
{
	struct workload_params p = { .seed = seed, .data = data, .max_events = max };
	char full[64], error[200];
	struct workload w;

	snprintf(full, sizeof full, "replay:%s", name);
	assert_true(workload_named(full, &w));
	if (w.open(&w, &p, s, error))
		fail_msg("%s", error);
}

/* Each event of the scenario crosses what the trace says it does. */
static void check_against_trace(const struct original *o, const struct scenario *s)
{
	uint64_t events[BOUNDARY_KINDS] = { 0 };
	char path[200], error[200];
	struct trace t;

	trace_path(path, o->name);
	if (trace_read(path, &t, error))
		fail_msg("%s", error);
	assert_int_equal(t.nevents, s->nevents);
	assert_int_equal(t.nstubs, o->crossed);
	for (uint64_t i = 0; i < t.nevents; i++) {
		const struct trace_stub *stub = &t.stubs[t.events[i]];
		const struct boundary *b = &s->boundaries[s->events[i]];
		if (stub->kind != b->kind || strcmp(stub->signature, b->signature) != 0)
			fail_msg("event %zu is of another boundary", (size_t)i);
		events[b->kind]++;
	}
	assert_memory_equal(events, o->events, sizeof events);
	trace_free(&t);
}

static void check_boundaries(const struct scenario *s)
{
	for (uint32_t k = 0; k < s->nboundaries; k++) {
		const struct boundary *b = &s->boundaries[k];
		assert_true(scenario_signature_ok(b->signature));
		assert_true(b->instance < SCENARIO_INSTANCES);
		if (b->kind == BOUNDARY_INDIRECT)
			assert_int_not_equal(b->instance, 0);
		if (b->kind == BOUNDARY_BUILTIN)
			assert_int_equal(b->instance, 0);
	}
}

static void test_replays(void **unused)
{
	(void)unused;
	for (int i = 0; i < ORIGINALS; i++) {
		const struct original *o = &originals[i];
		struct scenario s, cut;

		replay(o->name, 1, 0, &s);
		assert_int_equal(s.shape, SCENARIO_DISPATCH);
		assert_int_equal(s.nboundaries, o->population);
		assert_int_equal(s.crossed, o->crossed);
		check_against_trace(o, &s);
		check_boundaries(&s);

		/* Another seed, and less of it: the same population, the same beginning. */
		replay(o->name, 2, 1000, &cut);
		assert_int_equal(cut.nevents, 1000);
		assert_true(cut.crossed < s.crossed);
		assert_int_equal(cut.nboundaries, s.nboundaries);
		assert_memory_equal(cut.boundaries, s.boundaries,
				    s.nboundaries * sizeof *s.boundaries);
		assert_memory_equal(cut.events, s.events, 1000 * sizeof *s.events);
		assert_memory_not_equal(cut.context_salt, s.context_salt, sizeof s.context_salt);
		scenario_close(&cut);
		scenario_close(&s);
	}
}

/* A trace by its file is the same workload as by its name. */
static void test_own_trace(void **unused)
{
	static const char file[] = "replay:workloads/traces/rapier.trace.zst";
	const struct workload_params params = { .data = NULL };
	struct scenario named, own;
	char error[WORKLOAD_ERROR], name[2 * WORKLOAD_NAME];
	struct workload w, other;

	(void)unused;
	replay("rapier", 0, 0, &named);
	assert_true(workload_named(file, &w));
	assert_true(workload_named("replay:rapier", &other));
	assert_true(workload_own(&w) && !workload_own(&other));
	/* Two of the reader's own at once are two. */
	assert_true(workload_named("replay:nowhere.trace.zst", &other));
	assert_string_equal(w.trace, file + 7);
	assert_string_equal(other.trace, "nowhere.trace.zst");
	assert_int_equal(w.open(&w, &params, &own, error), 0);
	assert_int_equal(own.nboundaries, named.nboundaries);
	assert_memory_equal(own.boundaries, named.boundaries,
			    own.nboundaries * sizeof *own.boundaries);
	assert_int_equal(own.nevents, named.nevents);
	assert_memory_equal(own.events, named.events, own.nevents * sizeof *own.events);
	scenario_close(&named);
	scenario_close(&own);

	expect_error(other.open(&other, &params, &own, error), error, "nowhere.trace.zst");
	assert_false(workload_named("replay:.trace.zst", &w));
	assert_false(workload_named("wasm:a.trace.zst", &w));
	memset(name, 'a', sizeof name);
	memcpy(name, "replay:", 7);
	strcpy(name + sizeof name - 11, ".trace.zst");
	assert_false(workload_named(name, &w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_call),
		cmocka_unit_test(test_a_stored_argument),
		cmocka_unit_test(test_rounds),
		cmocka_unit_test(test_ring_is_a_permutation),
		cmocka_unit_test(test_chosen_ring_is_fair),
		cmocka_unit_test(test_ring_shares_targets),
		cmocka_unit_test(test_ring_follows_the_seed),
		cmocka_unit_test(test_ring_stores_half),
		cmocka_unit_test(test_ring_refuses),
		cmocka_unit_test(test_replays),
		cmocka_unit_test(test_own_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
