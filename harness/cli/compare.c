/*
 * compare.c - stubmap compare: compares the same cells of two runs.
 *
 * Blocks of two runs have nothing in common, so nothing is paired, and all that changed between the
 * runs is in the ratio. A difference within the noise of either run's A/A arm is not reported as
 * one.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "analysis/rows.h"
#include "base/say.h"
#include "base/table.h"

static const struct option_help help = {
	.usage = "compare A.jsonl B.jsonl [--json]",
	.summary =
	    "Shows how B's cells differ from the same cells of A: time of a call, of a bind, of\n"
	    "a first call, memory. A difference within the noise of either run (A/A) is not\n"
	    "claimed.",
	.min_words = 2,
	.max_words = 2,
};

static const struct figure_id figures[] = {
	FIGURE_ID(steady, ns),
	FIGURE_ID(bind, ns),
	FIGURE_ID(first_call, ns),
	FIGURE_ID(space, pss),
};
enum { NFIGURES = sizeof figures / sizeof *figures };

struct comparison {
	const struct row *a, *b;
	struct estimate ratio; /* B to A */
	const char *verdict;
};

static const char *judge(const struct comparison *c)
{
	if (!c->ratio.known)
		return c->ratio.why;
	if (!c->ratio.interval)
		return "no claim: too few blocks";
	if (c->ratio.low >= 1 && c->ratio.high <= 1)
		return "the same";
	if (!stats_differs(&c->ratio))
		return "no difference found";
	return c->ratio.value > 1 ? "B more" : "B less";
}

static int compare_one(const struct rows *a, size_t in_a, const struct rows *b, size_t in_b,
		       struct figure_id id, struct comparison *out)
{
	struct samples sa, sb;
	int r;

	*out = (struct comparison){ .a = rows_find(a, in_a, id), .b = rows_find(b, in_b, id) };
	if ((r = samples_gather(&a->census, in_a, id, &sa)))
		return r;
	if (!(r = samples_gather(&b->census, in_b, id, &sb))) {
		r = stats_ratio_apart(sb.units, sb.n, sa.units, sa.n, &out->ratio);
		samples_free(&sb);
	}
	samples_free(&sa);
	if (!out->ratio.known && !out->ratio.n)
		out->ratio.why = "one of them has no value";
	out->verdict = judge(out);
	return r;
}

static void put(struct table *t, const char *arm, const struct comparison *c)
{
	char low[32], high[32];

	table_row(t);
	table_cell(t, "%s", arm);
	table_cell(t, "%s %s", c->a->id.phase, c->a->id.event);
	for (int i = 0; i < 2; i++) {
		const struct row *row = i ? c->b : c->a;
		if (row->value.known)
			table_number(t, row->value.value);
		else
			table_missing(t, row->note);
	}
	if (c->ratio.known)
		table_cell(t, "%.3f", c->ratio.value);
	else
		table_missing(t, c->ratio.why);
	if (c->ratio.interval) {
		snprintf(low, sizeof low, "%.3f", c->ratio.low);
		snprintf(high, sizeof high, "%.3f", c->ratio.high);
		table_cell(t, "%s..%s", low, high);
	} else {
		table_cell(t, "%s", "");
	}
	table_cell(t, "%s", c->ratio.known ? c->verdict : "");
}

static json_t *real_or_null(bool known, double v)
{
	return known ? json_real(v) : json_null();
}

static int print_row(const struct cell *cell, const struct comparison *c)
{
	json_t *json =
	    json_pack("{s:o, s:s, s:s, s:s?, s:o, s:o, s:o, s:o, s:o, s:s}", "cell",
		      cell_to_json(cell), "phase", c->a->id.phase, "event", c->a->id.event, "unit",
		      c->a->unit, "a", real_or_null(c->a->value.known, c->a->value.value), "b",
		      real_or_null(c->b->value.known, c->b->value.value), "ratio",
		      real_or_null(c->ratio.known, c->ratio.value), "ratio_low",
		      real_or_null(c->ratio.interval, c->ratio.low), "ratio_high",
		      real_or_null(c->ratio.interval, c->ratio.high), "verdict", c->verdict);
	int r = json ? 0 : -ENOMEM;

	json_dumpf(json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
	putchar('\n');
	json_decref(json);
	return r;
}

/* Says which facts of the two machines differ; figures that change by the minute are not facts. */
static void compare_machines(const struct run *a, const struct run *b)
{
	const json_t *ma = json_object_get(a->head, "machine"), *v;
	const json_t *mb = json_object_get(b->head, "machine");
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

static int compare(const struct rows *a, const struct rows *b, bool json)
{
	static const char *const headers[] = {
		"arm", "figure", "A", "B", "B/A", "95 %", "verdict"
	};
	char label[160], arm[80];
	struct comparison c;
	struct table t;
	size_t in_b, both = 0;
	int r = 0;

	table_begin(&t, headers, "llrrrrl");
	for (size_t i = 0, last = a->census.n; i < a->census.n && !r; i++) {
		const struct census *ca = &a->census;
		if ((in_b = census_find(&b->census, &ca->cells[i])) == b->census.n ||
		    ca->cells[i].replica)
			continue;
		if (last == ca->n || !cell_equal(&ca->groups[i], &ca->groups[last]))
			table_heading(&t,
				      group_label(ca->run, &ca->groups[i], label, sizeof label));
		last = i;
		both++;
		for (size_t k = 0; k < NFIGURES && !r; k++) {
			if ((r = compare_one(a, i, b, in_b, figures[k], &c)))
				break;
			if (json)
				r = print_row(&ca->cells[i], &c);
			else
				put(&t, k ? "" : arm_label(ca->run, &ca->cells[i], arm, sizeof arm),
				    &c);
		}
	}
	if (!both) {
		say_line("stubmap compare", "the two runs have no cell in common");
		r = -ENOENT;
	}
	if (table_end(&t, json || r ? NULL : stdout) && !r)
		r = -ENOMEM;
	return r;
}

int cmd_compare(int argc, char **argv)
{
	bool json = false;
	const struct option_spec specs[] = {
		{ "json", 0, OPTION_FLAG, NULL, "one object a line", &json, 0, 0 },
	};
	struct run runs[2] = { { .fd = -1 }, { .fd = -1 } };
	struct rows rows[2] = { 0 };
	char error[RUN_ERROR] = "";
	int first, r, i;

	if ((r = options_parse(argc, argv, &help, specs, 1, &first)))
		return r < 0 ? 2 : 0;
	for (i = 0; i < 2 && !r; i++)
		if (!(r = run_load(argv[first + i], &runs[i], error)) &&
		    (r = rows_make(&runs[i], figures, NFIGURES, &rows[i])))
			snprintf(error, sizeof error, "%s: %s", argv[first + i], strerror(-r));
	if (r) {
		say_line("stubmap compare", "%s", error);
	} else {
		compare_machines(&runs[0], &runs[1]);
		r = compare(&rows[0], &rows[1], json);
	}
	for (i = 0; i < 2; i++) {
		rows_free(&rows[i]);
		run_close(&runs[i]);
	}
	return r ? 2 : 0;
}
