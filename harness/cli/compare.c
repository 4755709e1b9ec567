/* compare.c - stubmap compare: what changed between two runs, or between several of each side; the
 * same of records of stack maps. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/compare.h"
#include "cli/options.h"
#include "analysis/trial.h"
#include "analysis/views.h"
#include "base/say.h"
#include "maps/rows.h"

static const struct option_help help = {
	.usage = "compare A.jsonl B.jsonl [options], or compare A1 A2... : B1 B2...",
	.summary =
	    "Shows in which cells B has less or more than A, and says how large a change would\n"
	    "have been found. A change is a difference that stands among all that were compared\n"
	    "(95 %, Holm), or exact counts that are not equal. With one run a side, whatever\n"
	    "differed between the two runs counts as change; with several runs a side (put :\n"
	    "between the sides), what differs from run to run does not.",
	.min_words = 2,
	.max_words = -1,
};

struct loaded {
	struct run *runs;
	struct census *censuses;
	size_t n;
};

static int say(const char *line)
{
	return say_line("stubmap compare", "%s", line);
}

static void unload(struct loaded *side)
{
	for (size_t i = 0; i < side->n; i++) {
		census_free(&side->censuses[i]);
		run_close(&side->runs[i]);
	}
	free(side->runs);
	free(side->censuses);
}

/* 0, or the exit status of a refusal. */
static int load(struct loaded *side, char **paths, size_t n)
{
	char error[RUN_ERROR];

	*side =
	    (struct loaded){ calloc(n, sizeof *side->runs), calloc(n, sizeof *side->censuses), 0 };
	if (!side->runs || !side->censuses)
		return say("out of memory");
	for (size_t i = 0; i < n; i++) {
		if (maps_rows_is_record(paths[i]))
			return say_line("stubmap compare",
					"%s is a record of stack maps, and the first file is a run",
					paths[i]);
		int r = run_load(paths[i], &side->runs[i], error);
		if (r)
			return say(error);
		side->n++;
		if (run_mixed(&side->runs[i], error))
			say_line("stubmap compare", "note: %s: %s", paths[i], error);
		if ((r = census_take(&side->runs[i], &side->censuses[i])))
			return say_line("stubmap compare", "%s: %s", paths[i], strerror(-r));
	}
	return 0;
}

/* ---- The two sides -------------------------------------------------------------------------- */

static const json_t *machine_of(const struct run *run)
{
	return json_object_get(run->head, "machine");
}

/* Whether all runs of both sides are of machines that are alike. */
static bool one_machine(const struct loaded *a, const struct loaded *b)
{
	const json_t *first = machine_of(&a->runs[0]);

	for (size_t i = 0; i < a->n + b->n; i++)
		if (!trial_same_machine(first,
					machine_of(i < a->n ? &a->runs[i] : &b->runs[i - a->n])))
			return false;
	return true;
}

/* Says which facts of the first run of each side differ, the facts of the machine first. */
static void say_differences(const struct loaded *a, const struct loaded *b)
{
	const json_t *ma = machine_of(&a->runs[0]), *mb = machine_of(&b->runs[0]), *v;
	char keys[400] = "";
	const char *key;

	json_object_foreach((json_t *)ma, key, v) {
		if (!strcmp(key, "missing") || json_equal(v, json_object_get(mb, key)))
			continue;
		size_t n = strlen(keys);
		snprintf(keys + n, sizeof keys - n, "%s%s", n ? ", " : "", key);
	}
	if (*keys)
		say_line("stubmap compare", "note: the machines or programs differ in %s", keys);
}

static int compare(const struct loaded *a, const struct loaded *b, struct compare_options *o)
{
	struct figure_id main_figures[VIEWS_FIGURES];
	size_t nmain = views_figures(main_figures);
	struct comparisons all;
	int r = comparisons_make((struct side){ a->runs, a->censuses, a->n },
				 (struct side){ b->runs, b->censuses, b->n },
				 o->every ? NULL : main_figures, nmain, &all);

	if (r)
		return say(strerror(-r));
	o->unlike = !one_machine(a, b);
	o->runs_a = a->n;
	o->runs_b = b->n;
	if (all.cells)
		say_differences(a, b);
	r = all.cells ? compare_show(&all, o) : say("the two sides have no cell in common");
	comparisons_free(&all);
	return r;
}

int cmd_compare(int argc, char **argv)
{
	struct compare_options o = { .above = -1 };
	const struct option_spec specs[] = {
		{ "all", 0, OPTION_FLAG, NULL,
		  "every figure and every row, not only changes of the tables' figures", &o.every,
		  0, 0 },
		{ "fail-above", 0, OPTION_PERCENT, "5%",
		  "exit with 1 if B has more by a change whose whole interval is above this",
		  &o.above, 0, 100000 },
		OPTION_FORMS(o.forms),
	};
	struct loaded a = { 0 }, b = { 0 };
	int first, colon,
	    status = 0,
	    r = options_parse(argc, argv, &help, specs, sizeof specs / sizeof *specs, &first);

	if (r)
		return r < 0 ? 2 : 0;
	if (options_forms("stubmap compare", &o.forms, NULL))
		return 2;
	for (colon = first; colon < argc && strcmp(argv[colon], ":"); colon++)
		;
	if (colon == argc && argc - first > 2)
		return say("of more than two runs, a : stands between the sides");
	if (colon < argc && (colon == first || colon + 1 == argc))
		return say("a side has no run");
	int split = colon < argc ? colon : first + 1;
	int rest = colon < argc ? colon + 1 : first + 1;
	for (int i = rest; i < argc; i++)
		if (!strcmp(argv[i], ":"))
			return say("there are two sides: one : is allowed");
	if (maps_rows_is_record(argv[first]))
		return compare_maps(argv + first, (size_t)(split - first), argv + rest,
				    (size_t)(argc - rest), &o);
	if (!(status = load(&a, argv + first, (size_t)(split - first))) &&
	    !(status = load(&b, argv + rest, (size_t)(argc - rest))))
		status = compare(&a, &b, &o);
	unload(&a);
	unload(&b);
	return status;
}
