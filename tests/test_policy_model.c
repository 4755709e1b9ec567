/*
 * test_policy_model.c - the costs of the policies that learn, and of the engines' rules, on
 * each trace, in a model of counts: no clock, so that a loaded machine changes nothing. The
 * traces, the policies (parts/policy.c) and the optimum (measure/optimum.h) are the real ones;
 * the placement is counted:
 *
 *   pool       2 system calls where a batch has new forms, and for each 256 stubs; bodies once
 *   template   2 system calls a batch; templates once
 *   page       each stub by itself
 *
 * `told` is the cost that no policy can avoid: each boundary of the program is bound, called or
 * not. The optimum does not pay it, so that it is a part of every regret. `reach` is the ratio of a
 * policy's cost to the optimum and `told` together.
 *
 * The costs are those that the Zen 5 guest's run of plan policies measured (results/zen5, phase
 * cold). results/policies-model.tsv is this program's output with --tsv, which a test compares.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "measure/optimum.h"
#include "strategies/parts/policy.h"
#include "workloads/workload.h"

/* ns */
static const double call = 3.6, interpreted = 13.8, syscall_ns = 830, told = 30, trigger = 80;
static const double form = 300, pool_stub = 25, template_stub = 55, page_stub = 2450;

enum placement { POOL, TEMPLATE, PAGE, PLACEMENTS };
static const char *const placements[] = { "pool", "template", "page" };
enum { START = 20000, SLOTS = 256, FORMS = 4096 };
static const char *const traces[] = { "sqljs",	  "sqlite3oo",	"dart-todomvc", "esbuild",
				      "rapier",	  "treesitter", "pyodide",	"duckdb",
				      "hashwasm", "javamark" };
enum { TRACES = sizeof traces / sizeof *traces };

static const struct rule {
	enum stub_policy policy;
	uint32_t generic;
	const char *name;
} rules[] = {
	{ STUB_RENT, 0, "rent" },
	{ STUB_ADAPTIVE, 0, "adaptive" },
	{ STUB_ONE, 0, "one" },
	{ STUB_SIGNATURE, 0, "signature" },
	{ STUB_SIGNATURE, 1000, "signature,K=1000" },
};
enum { RENT, RULES = sizeof rules / sizeof *rules };

struct cost {
	uint64_t interpreted, made, syscalls;
	double ns;
};

/* ---- The placements ------------------------------------------------------------------------- */

/* The forms for which a body or template is there. */
struct known {
	uint64_t forms[FORMS];
	unsigned n;
};

static bool learn(struct known *k, const struct stub_spec *spec)
{
	uint64_t f = spec->signature << 8 | (uint64_t)spec->nbound << 5 | spec->kind;
	unsigned i = 0;

	while (i < k->n && k->forms[i] != f)
		i++;
	if (i < k->n)
		return false;
	assert_true(k->n < FORMS);
	k->forms[k->n++] = f;
	return true;
}

struct batch {
	uint64_t syscalls, quanta;
	double ns;
};

static struct batch make(enum placement placement, size_t n, uint64_t made, unsigned fresh)
{
	struct batch b = { 0 };

	switch (placement) {
	case PAGE:
		b = (struct batch){ 2 * n, n, (double)n * page_stub };
		break;
	case TEMPLATE:
		b.syscalls = 2;
		b.ns = 2 * syscall_ns + fresh * form + (double)n * template_stub;
		break;
	default:
		b.quanta = (made + n + SLOTS - 1) / SLOTS - (made + SLOTS - 1) / SLOTS;
		b.syscalls = 2 * (b.quanta + (fresh > 0));
		b.ns = (double)b.syscalls * syscall_ns + fresh * form + (double)n * pool_stub;
	}
	return b;
}

/* ---- One run -------------------------------------------------------------------------------- */

struct sim {
	struct pending_ring ring;
	struct policy policy;
	struct known known;
	enum placement placement;
	struct stub_callee *c;
	bool *made;
	uint32_t *batch;
	struct cost cost;
};

static struct stub_spec spec_of(const struct boundary *b)
{
	struct stub_spec spec = { .kind = (enum stub_kind)b->kind,
				  .nbound = b->nbound,
				  .module = b->module,
				  .table = b->table };

	assert_int_equal(stub_signature_parse(b->signature, &spec.signature), 0);
	return spec;
}

static void buy(struct sim *s, uint32_t word)
{
	size_t n = policy_choose(&s->policy, &s->ring, word, s->batch);
	unsigned fresh = 0;

	for (size_t i = 0; i < n; i++) {
		struct stub_spec spec = pending_spec(&s->ring, s->batch[i]);

		/* All indirect stubs of a pool are whole, and the same. */
		if (s->placement != PAGE && (s->placement != POOL || spec.kind != STUB_INDIRECT))
			fresh += learn(&s->known, &spec);
	}
	struct batch b = make(s->placement, n, s->cost.made, fresh);
	policy_learn(&s->policy, &s->ring, s->batch, n, b.syscalls, b.quanta);
	for (size_t i = 0; i < n; i++) {
		s->made[s->ring.at[s->batch[i]].callee - s->c] = true;
		pending_remove(&s->ring, s->batch[i]);
	}
	s->cost.made += n;
	s->cost.syscalls += b.syscalls;
	s->cost.ns += b.ns + trigger;
}

static struct cost run(const struct scenario *trace, enum placement placement,
		       const struct rule *rule)
{
	const uint32_t n = trace->nboundaries;
	struct sim *s = calloc(1, sizeof *s);

	assert_non_null(s);
	s->placement = placement;
	s->c = calloc(n, sizeof *s->c);
	s->made = calloc(n, sizeof *s->made);
	s->batch = calloc(n, sizeof *s->batch);
	assert_true(s->c && s->made && s->batch);
	policy_open(&s->policy, rule->policy, placement != PAGE, rule->generic);
	for (uint32_t k = 0; k < n; k++) {
		struct stub_spec spec = spec_of(&trace->boundaries[k]);

		s->c[k].word = pending_add(&s->ring, &spec, &s->c[k]);
		assert_true(s->c[k].word > 0);
	}
	s->cost.ns = n * told;
	for (uint64_t i = 0; i < trace->nevents; i++) {
		const uint32_t k = trace->events[i];
		const bool waits =
		    !s->made[k] && policy_waits(&s->policy, &s->ring, (uint32_t)s->c[k].word);

		s->cost.interpreted += waits;
		s->cost.ns += waits ? interpreted : call;
		if (!waits && !s->made[k])
			buy(s, (uint32_t)s->c[k].word);
	}
	struct cost cost = s->cost;
	free(s->ring.at);
	free(s->c);
	free(s->made);
	free(s->batch);
	free(s);
	return cost;
}

/* ---- The least ------------------------------------------------------------------------------ */

static double least(const struct scenario *trace, enum placement placement)
{
	struct known known = { 0 };
	struct policy_costs costs = { .call = call, .generic = interpreted };
	uint64_t *calls = calloc(trace->nboundaries, sizeof *calls);
	double n = trace->crossed;

	assert_non_null(calls);
	for (uint64_t i = 0; i < trace->nevents; i++)
		calls[trace->events[i]]++;
	for (uint32_t k = 0; k < trace->nboundaries; k++) {
		struct stub_spec spec = spec_of(&trace->boundaries[k]);

		if (calls[k])
			(void)learn(&known, &spec);
	}
	costs.batch = placement == PAGE ? 0 : 2 * syscall_ns;
	costs.make = placement == PAGE	     ? page_stub
		     : placement == TEMPLATE ? template_stub + known.n * form / n
					     : pool_stub + known.n * form / n;
	double ns = policy_optimum(&costs, calls, trace->nboundaries).ns;
	free(calls);
	return ns;
}

/* ---- All of it ------------------------------------------------------------------------------ */

struct line {
	double regret, told, reach;
};

/* fn is given the lines of one case, in the order of rules. */
static void each(FILE *out, void (*fn)(const char *where, enum placement, const struct line *))
{
	fputs("trace\tplacement\tpolicy\tarm\tregret\ttold\treach\tinterpreted\tmade\t"
	      "syscalls\tleast_ns\n",
	      out);
	for (unsigned i = 0; i < 2 * TRACES; i++) {
		struct workload_params p = { .data = "workloads", .max_events = i % 2 ? START : 0 };
		char name[40], where[60], error[200];
		struct workload w;
		struct scenario s;

		snprintf(name, sizeof name, "replay:%s", traces[i / 2]);
		snprintf(where, sizeof where, "%s%s", traces[i / 2], i % 2 ? ", start" : "");
		assert_true(workload_named(name, &w));
		if (w.open(&w, &p, &s, error))
			fail_msg("%s", error);
		for (int at = POOL; at < PLACEMENTS; at++) {
			struct line lines[RULES];
			const double ns = least(&s, at);

			for (unsigned r = 0; r < RULES; r++) {
				const struct cost c = run(&s, at, &rules[r]);
				const double share = s.nboundaries * told / ns;

				lines[r] =
				    (struct line){ c.ns / ns, share, c.ns / ns / (1 + share) };
				fprintf(out,
					"%s\t%s\t%s\tlazy+%s,%s\t%.3f\t%.3f\t%.3f\t%llu\t"
					"%llu\t%llu\t%.0f\n",
					where, placements[at], rules[r].name, placements[at],
					rules[r].name, lines[r].regret, share, lines[r].reach,
					(unsigned long long)c.interpreted,
					(unsigned long long)c.made, (unsigned long long)c.syscalls,
					ns);
			}
			if (fn)
				fn(where, at, lines);
		}
		scenario_close(&s);
	}
}

/*
 * 1.3 holds wherever the boundaries themselves leave room for it, and everywhere beside them; no
 * other policy takes less, but in one trace a fiftieth. In hashwasm, a server whose instances live
 * for some hundred calls each, template can't keep to 1.3, and other rules take less.
 */
static void check_rent(const char *where, enum placement at, const struct line *lines)
{
	const struct line *rent = &lines[RENT];
	/* a program that calls thousands of functions a few times each */
	const double least = at == PAGE && !strcmp(where, "dart-todomvc") ? 0.98 : 0.999;
	const bool server = !strncmp(where, "hashwasm", 8);

	if (server && at == TEMPLATE)
		return;
	if (rent->reach > 1.3 || (rent->told < 0.1 && rent->regret > 1.3))
		fail_msg("%s, %s: regret %.3f, told %.3f, reach %.3f", where, placements[at],
			 rent->regret, rent->told, rent->reach);
	for (unsigned r = RENT + 1; r < RULES && !server; r++)
		if (lines[r].regret < rent->regret * least)
			fail_msg("%s, %s: %s has %.3f, rent %.3f", where, placements[at],
				 rules[r].name, lines[r].regret, rent->regret);
}

static void rent_is_near_what_can_be_reached(void **state)
{
	char *now = NULL, *kept = NULL;
	size_t size, room = 0;
	FILE *f = open_memstream(&now, &size);

	(void)state;
	assert_non_null(f);
	each(f, check_rent);
	fclose(f);
	f = fopen("results/policies-model.tsv", "r");
	assert_non_null(f);
	assert_true(getdelim(&kept, &room, 0, f) > 0);
	fclose(f);
	assert_string_equal(now, kept);
	free(now);
	free(kept);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rent_is_near_what_can_be_reached),
	};

	if (argc > 1 && !strcmp(argv[1], "--tsv"))
		return each(stdout, NULL), 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
