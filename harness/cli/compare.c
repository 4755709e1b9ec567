/* compare.c - stubmap compare: what changed between two runs, or between several of each side. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "analysis/comparison.h"
#include "analysis/trial.h"
#include "analysis/views.h"
#include "base/say.h"
#include "base/table.h"

static const struct option_help help = {
	.usage = "compare A.jsonl B.jsonl [options], or compare A1 A2... : B1 B2...",
	.summary =
	    "Shows in which cells B has less or more than A, and says how large a change would\n"
	    "have been found. A change is a difference that stands among all that were compared\n"
	    "(95 %, Holm), or exact counts that are not equal. With one run a side all that was\n"
	    "different between the runs is in it; with several, of which a : stands between the\n"
	    "sides, what runs differ by does not count.",
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
		int r = run_load(paths[i], &side->runs[i], error);
		if (r)
			return say(error);
		side->n++;
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

/* ---- Rows ------------------------------------------------------------------------------------ */

static void put_value(struct table *t, const struct comparison *c, double value)
{
	if (isnan(value))
		table_missing(t, c->why);
	else
		table_number(t, value);
}

static void put(struct table *t, const char *arm, const struct comparison *c)
{
	table_row(t);
	table_cell(t, "%s", arm);
	table_cell(t, "%s %s", c->id.phase, c->id.event);
	put_value(t, c, c->a);
	put_value(t, c, c->b);
	if (c->ratio.known)
		table_cell(t, "%.3f", c->ratio.value);
	else if (c->exact)
		table_cell(t, "-"); /* to or from 0 */
	else
		table_missing(t, c->why);
	if (c->ratio.interval && !c->exact)
		table_cell(t, "%.3f..%.3f", c->ratio.low, c->ratio.high);
	else
		table_cell(t, "%s", c->exact ? "exact" : "");
	table_cell(t, "%s", change_names[c->change]);
}

static bool is_shown(const struct comparison *c, bool all)
{
	return all || c->change == CHANGE_LESS || c->change == CHANGE_MORE;
}

static int print_table(const struct comparisons *all, bool every)
{
	static const char *const headers[] = { "arm", "figure", "A", "B", "B/A", "95 %", "B has" };
	const struct comparison *before = NULL;
	char label[160], arm[80];
	struct table t;
	bool any = false;

	table_begin(&t, headers, "llrrrrl");
	for (size_t i = 0; i < all->n; i++) {
		const struct comparison *c = &all->rows[i];
		const struct census *census = c->census;
		if (!is_shown(c, every))
			continue;
		any = true;
		if (!before ||
		    !cell_equal(&census->groups[c->cell], &before->census->groups[before->cell]))
			table_heading(&t, group_label(census->run, &census->groups[c->cell], label,
						      sizeof label));
		bool same = before && before->census == census && before->cell == c->cell;
		put(&t,
		    same ? "" : arm_label(census->run, &census->cells[c->cell], arm, sizeof arm),
		    c);
		before = c;
	}
	int r = table_end(&t, any ? stdout : NULL);
	if (any)
		putchar('\n');
	return r;
}

static json_t *real_or_null(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

static int print_object(json_t *json)
{
	int r = json ? 0 : -ENOMEM;

	json_dumpf(json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
	putchar('\n');
	json_decref(json);
	return r;
}

static int print_row(const struct comparison *c)
{
	const struct estimate *e = &c->ratio;

	return print_object(json_pack(
	    "{s:o, s:s, s:s, s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s?}", "cell",
	    cell_to_json(&c->census->cells[c->cell]), "phase", c->id.phase, "event", c->id.event,
	    "unit", c->unit, "a", real_or_null(c->a), "b", real_or_null(c->b), "ratio",
	    real_or_null(e->known ? e->value : NAN), "ratio_low",
	    real_or_null(e->interval ? e->low : NAN), "ratio_high",
	    real_or_null(e->interval ? e->high : NAN), "p", real_or_null(c->chance), "p_holm",
	    real_or_null(c->holm), "detectable", real_or_null(c->detectable), "verdict",
	    change_names[c->change], "why", c->change == CHANGE_UNKNOWN ? c->why : NULL));
}

static const char *percent(double share, char out[32])
{
	snprintf(out, 32, share < 0.1 ? "%.2g" : "%.0f", share * 100);
	return out;
}

static void print_sentence(const struct comparisons *all, const struct loaded *a,
			   const struct loaded *b, bool unlike, const double *above,
			   size_t exceeding)
{
	char text[300], share[32];
	size_t n = 0;

	n += (size_t)snprintf(text, sizeof text, "%zu less, %zu more, %zu no difference",
			      all->counts[CHANGE_LESS], all->counts[CHANGE_MORE],
			      all->counts[CHANGE_NONE]);
	if (all->counts[CHANGE_UNKNOWN])
		n += (size_t)snprintf(text + n, sizeof text - n, ", %zu not comparable",
				      all->counts[CHANGE_UNKNOWN]);
	if (all->found < 10)
		snprintf(text + n, sizeof text - n,
			 "; %s %% would have been found in half of these",
			 percent(all->found, share));
	else if (!isnan(all->found))
		snprintf(text + n, sizeof text - n,
			 "; half of these are too few blocks or runs to find anything");
	table_wrap(text, 0, stdout);
	if (above)
		printf("%zu certainly more by over %g %%\n", exceeding, *above * 100);
	if (all->only_a || all->only_b)
		printf("not compared: %zu cells of A only, %zu of B only\n", all->only_a,
		       all->only_b);
	if (all->counts[CHANGE_LESS] + all->counts[CHANGE_MORE] && a->n == 1 && b->n == 1)
		puts("one run a side: whatever else differed between them counts, too");
	if (unlike)
		puts("B/A is of machines that are not alike");
}

static int print_summary(const struct comparisons *all, bool unlike, size_t exceeding)
{
	return print_object(json_pack(
	    "{s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:b}", "less",
	    (json_int_t)all->counts[CHANGE_LESS], "more", (json_int_t)all->counts[CHANGE_MORE],
	    "no_difference", (json_int_t)all->counts[CHANGE_NONE], "not_comparable",
	    (json_int_t)all->counts[CHANGE_UNKNOWN], "detectable", real_or_null(all->found),
	    "only_a", (json_int_t)all->only_a, "only_b", (json_int_t)all->only_b, "exceeding",
	    (json_int_t)exceeding, "unlike_machines", unlike));
}

static int compare(const struct loaded *a, const struct loaded *b, bool every, bool json,
		   const double *above)
{
	struct figure_id main_figures[VIEWS_FIGURES];
	size_t nmain = views_figures(main_figures), exceeding = 0;
	bool unlike = !one_machine(a, b);
	struct comparisons all;
	int r = comparisons_make((struct side){ a->runs, a->censuses, a->n },
				 (struct side){ b->runs, b->censuses, b->n },
				 every ? NULL : main_figures, nmain, &all);

	if (r)
		return say(strerror(-r));
	if (!all.cells) {
		comparisons_free(&all);
		return say("the two sides have no cell in common");
	}
	for (size_t i = 0; i < all.n; i++)
		exceeding += above && comparison_exceeds(&all.rows[i], *above);
	if (json) {
		for (size_t i = 0; i < all.n && !r; i++)
			if (is_shown(&all.rows[i], every))
				r = print_row(&all.rows[i]);
		r = r ? r : print_summary(&all, unlike, exceeding);
	} else if (!(r = print_table(&all, every))) {
		print_sentence(&all, a, b, unlike, above, exceeding);
	}
	comparisons_free(&all);
	return r ? say(strerror(-r)) : exceeding > 0;
}

int cmd_compare(int argc, char **argv)
{
	bool json = false, all = false;
	double above = -1;
	const struct option_spec specs[] = {
		{ "all", 0, OPTION_FLAG, NULL,
		  "every figure and every row, not only changes of the tables' figures", &all, 0,
		  0 },
		{ "fail-above", 0, OPTION_PERCENT, "5%",
		  "exit with 1 if B has more by over so much: a change whose interval is above it",
		  &above, 0, 100000 },
		{ "json", 0, OPTION_FLAG, NULL, "one object a line, and one for the sentence",
		  &json, 0, 0 },
	};
	struct loaded a = { 0 }, b = { 0 };
	int first, colon,
	    status = 0,
	    r = options_parse(argc, argv, &help, specs, sizeof specs / sizeof *specs, &first);

	if (r)
		return r < 0 ? 2 : 0;
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
	if (!(status = load(&a, argv + first, (size_t)(split - first))) &&
	    !(status = load(&b, argv + rest, (size_t)(argc - rest)))) {
		say_differences(&a, &b);
		status = compare(&a, &b, all, json, above >= 0 ? &above : NULL);
	}
	unload(&a);
	unload(&b);
	return status;
}
