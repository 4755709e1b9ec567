/* test_plan.c - cells and plans: what is refused and how, products, replicas, order. */
#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "runs/plan.h"
#include "base/suggest.h"

static void read_text(const char *text, struct cell *c, int want, const char *words)
{
	char error[CELL_ERROR] = "";
	json_error_t e;
	json_t *json = json_loads(text, 0, &e);

	assert_non_null(json);
	assert_int_equal(cell_from_json(json, c, error), want);
	if (words && !strstr(error, words))
		fail_msg("%s: '%s' lacks '%s'", text, error, words);
	json_decref(json);
}

static void test_cell_refuses(void **state)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{ "[]", "must be an object" },
		{ "{\"stub\": \"page\"}", "did you mean 'stubs'" },
		{ "{\"stubs\": \"pgae\"}", "did you mean 'page'" },
		{ "{\"maps\": \"\"}", "maps must be a text" },
		{ "{\"workload\": \"rnig\"}", "did you mean 'ring'" },
		{ "{\"kind\": \"indirec\"}", "did you mean 'indirect'" },
		{ "{\"live\": 0}", "1 to 1048576" },
		{ "{\"live\": 1048577}", "1 to 1048576" },
		{ "{\"live\": 4.5}", "whole number" },
		{ "{\"live\": \"4\"}", "whole number" },
		{ "{\"quantum\": 8192}", "4096, 16384, 65536" },
		{ "{\"tier\": 1}", "0, 2" },
		{ "{\"markers\": 1}", "true or false" },
		{ "{\"signature\": \"x>i\"}", "i l f d r" },
		{ "{\"wx\": \"togle\"}", "did you mean 'toggle'" },
		{ "{\"literals\": \"bake\"}", "did you mean 'baked'" },
		{ "{\"max_events\": 5}", "does not apply" },
		{ "{\"policy\": \"one\"}", "policy does not apply to pool: only to lazy+NAME" },
		{ "{\"stubs\": \"lazy+pool\", \"policy\": \"modul\"}", "did you mean 'module'" },
		{ "{\"stubs\": \"lazy+pool\", \"generic\": 1001}", "0 to 1000" },
		{ "{\"stubs\": \"lazy+pool\", \"workload\": \"gc:lisp\", \"policy\": \"one\"}",
		  "policy does not apply to workload gc:lisp" },
		{ "{\"replica\": 2}", "0 to 1" },
		{ "{\"workload\": \"replay:sqljs\", \"live\": 4}", "live does not apply" },
		{ "{\"stubs\": \"a name that is far longer than any could be\"}", "1 to 31" },
	};
	struct cell c;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		read_text(bad[i].text, &c, -EINVAL, bad[i].words);
}

static void test_cell_round_trip(void **state)
{
	static const char *const good[] = {
		"{}",
		"{\"stubs\": \"page\", \"live\": 65536, \"markers\": true, \"quantum\": 65536}",
		"{\"workload\": \"replay:sqljs\", \"max_events\": 1000, \"tier\": 0}",
		"{\"kind\": \"exit_js\", \"signature\": \"iid>l\", \"replica\": 1}",
	};
	struct cell a, b;
	char error[CELL_ERROR];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		read_text(good[i], &a, 0, NULL);
		json_t *json = cell_to_json(&a);
		assert_int_equal(cell_from_json(json, &b, error), 0);
		assert_true(cell_equal(&a, &b));
		json_t *again = cell_to_json(&b);
		assert_true(json_equal(json, again));
		json_decref(again);
		json_decref(json);
		strcpy(b.stubs, "null");
		cell_resolve(&b);
		assert_false(cell_equal(&a, &b));
	}
	/* A run file may hold an arm that is gone. */
	json_t *json = json_pack("{s:s}", "stubs", "gone");
	assert_int_equal(cell_read(json, &a, error), 0);
	assert_int_equal(cell_from_json(json, &a, error), -EINVAL);
	json_decref(json);
	/* A bind has a signature of its own where none is named. */
	read_text("{\"kind\": \"bind\"}", &a, 0, NULL);
	assert_string_equal(a.signature, "ii>i");
	read_text("{\"kind\": \"bind\", \"signature\": \"i>i\"}", &a, 0, NULL);
	assert_string_equal(a.signature, "i>i");
	read_text("{\"kind\": \"bind\", \"signature\": \">i\"}", &a, -EINVAL, "to store");
	/* A key that a replay does not use makes no difference to it. */
	read_text("{\"workload\": \"replay:sqljs\"}", &a, 0, NULL);
	cell_defaults(&b);
	strcpy(b.workload, "replay:sqljs");
	cell_resolve(&b);
	assert_true(cell_equal(&a, &b));
}

/* The table is whole; no two options of `run` have one letter. */
static void test_keys(void **state)
{
	char letters[CELL_KEYS + 8] = "bih";

	(void)state;
	for (size_t i = 0; i < CELL_KEYS; i++) {
		const struct cell_key *k = &cell_keys[i];

		assert_non_null(k->name);
		assert_true(k->size > 0 && k->use && k->order >= 1 && k->order <= CELL_KEYS);
		assert_true(k->help || (!k->letter && !k->model));
		assert_true(!k->value == (k->type == CELL_FLAG || !k->help));
		assert_true(!k->letter || !strchr(letters, k->letter));
		letters[strlen(letters)] = k->letter;
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(k->name, cell_keys[j].name);
	}
}

static int load(const char *text, struct plan *p, char *error)
{
	char path[] = "/tmp/stubmap-plan-XXXXXX";
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	r = plan_load(path, p, error);
	unlink(path);
	return r;
}

#define HEAD "{\"name\": \"t\", \"seed\": 5, \"blocks\": 3, \"iterations\": 2, "
#define BASE "\"baseline\": {\"stubs\": \"page\"}, "

static void test_plan_refuses(void **state)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{ "{\"name\": \"t\",\n  \"seed\" 5}", ":2:" },
		{ "{\"name\": \"t\", \"name\": \"u\"}", "duplicate" },
		{ "[]", "must be an object" },
		{ HEAD BASE "\"cels\": []}", "did you mean 'cells'" },
		{ HEAD BASE "\"cells\": []}", "at least one" },
		{ HEAD BASE "\"cells\": 3}", "must be a list" },
		{ HEAD BASE "\"cells\": [3]}", "cells[0] must be an object" },
		{ HEAD "\"cells\": [{}]}",
		  "baseline is missing; a plan needs name, baseline and cells" },
		{ HEAD BASE "\"timeout\": 1}", "cells is missing" },
		{ "{\"name\": \"t\", \"cells\": [{}]}", "baseline is missing" },
		{ HEAD BASE "\n/ no comment\n\"cells\": [{}]}", ":2:" },
		{ HEAD BASE "\"cells\": [{}] // }", ":1:" },
		{ HEAD "\"baseline\": {}, \"cells\": [{}]}", "baseline must be an object" },
		{ HEAD "\"baseline\": {\"stubs\": \"pag\"}, \"cells\": [{}]}",
		  "did you mean 'page'" },
		{ HEAD "\"baseline\": {\"workload\": \"ring\"}, \"cells\": [{}]}",
		  "can't be part" },
		{ HEAD BASE "\"cells\": [{\"stubs\": \"pool\"}]}", "has no baseline" },
		{ HEAD BASE "\"cells\": [{}, {\"stubs\": [\"page\", \"pol\"]}]}",
		  "cells[1]: no stubs" },
		{ HEAD BASE "\"cells\": [{\"stubs\": []}]}", "has no value" },
		{ HEAD BASE "\"cells\": [{\"stubs\": \"x*\"}]}", "matches nothing" },
		{ HEAD BASE "\"cells\": [{\"live\": [[4]]}]}", "a list in a list" },
		{ HEAD BASE "\"cells\": [{\"stubs\": \"page\", \"live\": [4, 4]}]}",
		  "is there already" },
		{ HEAD BASE "\"cells\": [{\"stubs\": \"page\", \"replica\": 1}]}",
		  "leave replica out" },
		{ "{\"name\": \"t\", \"seed\": 5, \"blocks\": 0, \"iterations\": 2, " BASE
		  "\"cells\": [{}]}",
		  "blocks must be" },
		{ "{\"name\": \"\", \"seed\": 5, \"blocks\": 1, \"iterations\": 2, " BASE
		  "\"cells\": [{}]}",
		  "name must be" },
		{ HEAD BASE "\"timeout\": 0, \"cells\": [{}]}", "timeout must be a whole number" },
		{ HEAD BASE "\"timeout\": \"1\", \"cells\": [{}]}", "1 to 1000000" },
		{ HEAD BASE "\"accept\": {}, \"cells\": [{}]}", "accept must be an object, as in" },
		{ HEAD BASE "\"accept\": {\"laod\": 1}, \"cells\": [{}]}",
		  "no key in accept 'laod'; did you mean 'load'?" },
		{ HEAD BASE "\"accept\": {\"aa\": -1}, \"cells\": [{}]}",
		  "accept: aa must be a number, 0 or more" },
		{ HEAD BASE "\"accept\": {\"steal\": \"1\"}, \"cells\": [{}]}",
		  "accept: steal must be a number" },
	};
	char error[PLAN_ERROR];
	struct plan p;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		*error = 0;
		assert_int_equal(load(bad[i].text, &p, error), -EINVAL);
		if (!strstr(error, bad[i].words))
			fail_msg("%s: '%s' lacks '%s'", bad[i].text, error, bad[i].words);
		assert_null(strchr(error, '\n'));
	}
	assert_int_equal(plan_load("/proc/none/plan", &p, error), -ENOENT);
}

/* A loaded plan has the keys that its file left out, and no comments. */
static void test_plan_defaults(void **state)
{
	static const char text[] = "// a plan\n{\"name\": \"a//b\\\" // c\", // \"name\"\n" BASE
				   "\"cells\": [{\"stubs\": \"page\"}]//\n} // \xc3\xa4";
	char error[PLAN_ERROR] = "";
	struct plan p;

	(void)state;
	if (load(text, &p, error))
		fail_msg("%s", error);
	assert_string_equal(p.name, "a//b\" // c");
	assert_int_equal(p.seed, PLAN_SEED);
	assert_int_equal(p.blocks, PLAN_BLOCKS);
	assert_int_equal(p.iterations, PLAN_ITERATIONS);
	assert_int_equal(json_integer_value(json_object_get(p.json, "seed")), PLAN_SEED);
	assert_int_equal(json_integer_value(json_object_get(p.json, "blocks")), PLAN_BLOCKS);
	assert_int_equal(json_integer_value(json_object_get(p.json, "iterations")),
			 PLAN_ITERATIONS);
	plan_free(&p);
}

static void test_plan_product(void **state)
{
	char error[PLAN_ERROR];
	struct plan p;
	struct cell base;
	unsigned replicas = 0;

	(void)state;
	if (load(HEAD BASE
		 "\"cells\": [{\"stubs\": [\"page\", \"pool\", \"null\"], \"live\": [4, 64]},"
		 "{\"workload\": \"replay:*\", \"stubs\": \"p*\"}]}",
		 &p, error))
		fail_msg("%s", error);
	for (size_t i = 0; i < p.n; i++) {
		for (size_t j = 0; j < i; j++)
			assert_false(cell_equal(&p.cells[i], &p.cells[j]));
		replicas += p.cells[i].replica;
		assert_int_equal(plan_baseline_of(p.baseline, &p.cells[i], &base), 0);
		assert_string_equal(base.stubs, "page");
		assert_string_equal(base.workload, p.cells[i].workload);
		assert_int_equal(base.live, p.cells[i].live);
		assert_int_equal(base.replica, 0);
	}
	const char *names[CELL_NAMES];
	size_t n = cell_names("workload", names, CELL_NAMES), replays = 0;
	for (size_t i = 0; i < n; i++)
		replays += !strncmp(names[i], "replay:", 7);
	assert_int_equal(replicas, 2 + replays);
	size_t arms = 0;
	n = cell_names("stubs", names, CELL_NAMES);
	for (size_t i = 0; i < n; i++)
		arms += *names[i] == 'p' && strncmp(names[i], "peer:", 5) != 0;
	assert_int_equal(p.n, 3 * 2 + 2 + replays * (arms + 1));
	assert_int_equal(p.timeout_s, 0);
	plan_free(&p);
	assert_int_equal(
	    load(HEAD BASE "\"timeout\": 7, \"cells\": [{\"stubs\": \"page\"}]}", &p, error), 0);
	assert_int_equal(p.timeout_s, 7);
	plan_free(&p);
}

static void test_order(void **state)
{
	char error[PLAN_ERROR];
	struct plan p, other;
	uint32_t order[3][64], again[64];
	bool seen[64] = { false };
	const char *text = HEAD BASE "\"cells\": [{\"stubs\": [\"page\", \"pool\"],"
				     "\"live\": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}]}";

	(void)state;
	assert_int_equal(load(text, &p, error), 0);
	assert_int_equal(load(text, &other, error), 0);
	assert_int_equal(p.n, 30);
	for (unsigned b = 0; b < 3; b++)
		plan_order(&p, b, order[b]);
	for (size_t i = 0; i < p.n; i++) {
		assert_false(seen[order[1][i]]);
		seen[order[1][i]] = true;
	}
	assert_memory_not_equal(order[0], order[1], p.n * sizeof **order);
	plan_order(&other, 1, again);
	assert_memory_equal(order[1], again, p.n * sizeof *again);
	assert_int_equal(plan_block_seed(&p, 2), plan_block_seed(&other, 2));
	assert_true(plan_block_seed(&p, 1) != plan_block_seed(&p, 2));
	assert_true(plan_block_seed(&p, 1) < 1ull << 53);
	other.seed++;
	assert_true(plan_block_seed(&p, 0) != plan_block_seed(&other, 0));
	plan_free(&p);
	plan_free(&other);
}

static void test_suggest(void **state)
{
	const char *const names[] = { "page", "pool", "template", "lazy+template" };

	(void)state;
	assert_string_equal(suggest_nearest("pgae", names, 4), "page");
	assert_string_equal(suggest_nearest("poool", names, 4), "pool");
	assert_string_equal(suggest_nearest("lazy-templat", names, 4), "lazy+template");
	assert_null(suggest_nearest("xyzzy", names, 4));
	assert_null(suggest_nearest("", names, 4));
	assert_null(suggest_nearest("po", names, 4));
}

static void test_our_plans(void **state)
{
	char error[PLAN_ERROR];
	struct plan plan;
	glob_t files;

	(void)state;
	assert_int_equal(glob("scripts/plans/*.json", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		if (plan_load(files.gl_pathv[i], &plan, error))
			fail_msg("%s", error);
		plan_free(&plan);
	}
	globfree(&files);
}

/* A brief plan is a part of the plan of its name: what it runs, claims and figures find. */
static void test_brief_plans(void **state)
{
	char error[PLAN_ERROR], path[200];
	struct plan brief, whole;
	glob_t files;

	(void)state;
	assert_int_equal(glob("scripts/plans/brief/*.json", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		snprintf(path, sizeof path, "scripts/plans/%s",
			 strrchr(files.gl_pathv[i], '/') + 1);
		if (plan_load(files.gl_pathv[i], &brief, error) || plan_load(path, &whole, error))
			fail_msg("%s", error);
		assert_string_equal(brief.name, whole.name);
		assert_true(json_equal(brief.baseline, whole.baseline));
		assert_true(brief.n < whole.n);
		for (size_t k = 0; k < brief.n; k++) {
			size_t w = 0;

			while (w < whole.n && !cell_equal(&brief.cells[k], &whole.cells[w]))
				w++;
			if (w == whole.n)
				fail_msg("%s: cell %zu is none of %s", files.gl_pathv[i], k, path);
		}
		plan_free(&brief);
		plan_free(&whole);
	}
	globfree(&files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cell_refuses),  cmocka_unit_test(test_cell_round_trip),
		cmocka_unit_test(test_keys),	      cmocka_unit_test(test_plan_refuses),
		cmocka_unit_test(test_plan_defaults), cmocka_unit_test(test_plan_product),
		cmocka_unit_test(test_order),	      cmocka_unit_test(test_suggest),
		cmocka_unit_test(test_our_plans),     cmocka_unit_test(test_brief_plans),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
