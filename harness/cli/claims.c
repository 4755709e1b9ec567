/*
 * claims.c - stubmap claims: sentences that a run can refute. Each is a row of a claims file:
 *
 *   {"id": "conflict", "text": "...", "phase": "steady", "event": "ns",
 *    "of": {cell}, "to": {cell}, "above": 3}          the ratio of two cells of the same blocks
 *   {..., "of": {cell}, "below": 64}                  or one cell's value
 *   {..., "above": 0.9, "below": 1.1}                 with both bounds: about the same
 *
 * holds: the whole 95 % interval lies within the bounds; refuted: none of it does; open: the run
 * can't tell. A refuted claim is a result like any other, and stays in the file.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "base/file.h"
#include "cli/options.h"
#include "analysis/rows.h"
#include "base/say.h"
#include "base/table.h"

struct claim {
	const char *id, *text;
	struct figure_id figure;
	struct cell of, to;
	bool ratio;
	double above, below;
};

enum verdict { HOLDS, REFUTED, OPEN, NO_DATA };
static const char *const verdicts[] = { "holds", "refuted", "open", "no data" };

static const struct option_help help = {
	.usage = "claims RUN.jsonl [options]",
	.summary =
	    "Tests each claim of a claims file (default: scripts/claims.json) on a run. holds:\n"
	    "the 95 % interval lies within the claim's bounds; refuted: none of it does; open:\n"
	    "the run can't tell. The exit status is 1 if a claim is refuted.",
	.min_words = 1,
	.max_words = 1,
};

static int say(const char *line)
{
	return say_line("stubmap claims", "%s", line);
}

static int claim_read(json_t *json, size_t i, struct claim *c, char error[RUN_ERROR])
{
	json_t *of = NULL, *to = NULL;
	json_error_t e;
	char why[CELL_ERROR] = "";

	*c = (struct claim){ .above = -INFINITY, .below = INFINITY };
	if (json_unpack_ex(json, &e, JSON_STRICT, "{s:s, s:s, s:s, s:s, s:o, s?o, s?F, s?F}", "id",
			   &c->id, "text", &c->text, "phase", &c->figure.phase, "event",
			   &c->figure.event, "of", &of, "to", &to, "above", &c->above, "below",
			   &c->below)) {
		snprintf(error, RUN_ERROR, "claim %zu: %s", i + 1, e.text);
		return -EINVAL;
	}
	c->ratio = to;
	if (!figure_find(c->figure))
		figure_refuse(c->figure, why, sizeof why);
	else if (!isfinite(c->above) && !isfinite(c->below))
		snprintf(why, sizeof why, "needs \"above\", \"below\" or both");
	else if (c->above >= c->below)
		snprintf(why, sizeof why, "nothing is above %g and below %g", c->above, c->below);
	else if (!cell_from_json(of, &c->of, why) && to)
		cell_from_json(to, &c->to, why);
	if (!*why)
		return 0;
	snprintf(error, RUN_ERROR, "claim %s: %s", c->id, why);
	return -EINVAL;
}

/* 0, with the run's estimate of the claim's figure in *e; or -ENOMEM. */
static int claim_measure(const struct census *census, const struct claim *c, struct estimate *e)
{
	size_t of = census_find(census, &c->of), to = c->ratio ? census_find(census, &c->to) : 0;
	struct samples a = { 0 }, b = { 0 };
	int r;

	*e = (struct estimate){ .why = "not in the run" };
	if (of == census->n || (c->ratio && to == census->n))
		return 0;
	r = samples_gather(census, of, c->figure, &a);
	if (!r && c->ratio)
		r = samples_gather(census, to, c->figure, &b);
	if (!r && a.n && (!c->ratio || b.n))
		r = c->ratio ? stats_ratio(a.units, a.n, b.units, b.n, e)
			     : stats_value(a.units, a.n, e);
	samples_free(&a);
	samples_free(&b);
	return r;
}

static enum verdict claim_judge(const struct claim *c, const struct estimate *e)
{
	if (!e->known)
		return NO_DATA;
	if (!e->interval)
		return OPEN;
	if (e->low > c->above && e->high < c->below)
		return HOLDS;
	return e->high <= c->above || e->low >= c->below ? REFUTED : OPEN;
}

static void bounds_format(const struct claim *c, char *out, size_t size)
{
	char a[32], b[32];

	table_format(c->above, a, sizeof a);
	table_format(c->below, b, sizeof b);
	if (!isfinite(c->below))
		snprintf(out, size, "> %s", a);
	else if (!isfinite(c->above))
		snprintf(out, size, "< %s", b);
	else
		snprintf(out, size, "%s to %s", a, b);
}

enum form { TABLE, JSON, MARKDOWN };

static void print_claim(enum form form, struct table *t, const struct claim *c,
			const struct estimate *e, enum verdict v)
{
	char bounds[80], value[32] = "-", low[32] = "", high[32] = "";

	bounds_format(c, bounds, sizeof bounds);
	if (e->known)
		table_format(e->value, value, sizeof value);
	if (e->interval) {
		table_format(e->low, low, sizeof low);
		table_format(e->high, high, sizeof high);
	}
	if (form == JSON) {
		json_t *json =
		    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "id", c->id, "text", c->text,
			      "verdict", verdicts[v], "phase", c->figure.phase, "event",
			      c->figure.event, "bounds", bounds, "n", (json_int_t)e->n);
		json_object_set_new(json, "value", e->known ? json_real(e->value) : json_null());
		json_object_set_new(json, "low", e->interval ? json_real(e->low) : json_null());
		json_object_set_new(json, "high", e->interval ? json_real(e->high) : json_null());
		json_dumpf(json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
		putchar('\n');
		json_decref(json);
	} else if (form == MARKDOWN) {
		fputs("| ", stdout);
		say_put(stdout, c->id);
		fputs(" | ", stdout);
		say_put(stdout, c->text);
		printf(" | %s", value);
		if (e->interval)
			printf(" (%s to %s)", low, high);
		printf(" | %s | **%s** |\n", bounds, verdicts[v]);
	} else {
		table_heading(t, c->text);
		table_row(t);
		table_cell(t, "%s", c->id);
		table_cell(t, "%s", value);
		table_cell(t, e->interval ? "%s..%s" : "%s%s", low, high);
		table_cell(t, "%s", bounds);
		table_cell(t, "%s", verdicts[v]);
	}
}

static int print_claims(const json_t *list, const struct run *run, enum form form)
{
	static const char *const headers[] = { "claim", "value", "95 %", "bounds", "verdict" };
	char error[RUN_ERROR];
	struct census census;
	struct table t;
	struct claim c;
	bool refuted = false;
	int r = 0;

	for (size_t i = 0; i < json_array_size(list); i++)
		if (claim_read(json_array_get(list, i), i, &c, error))
			return say(error);
	if (census_take(run, &census))
		return say("out of memory");
	table_begin(&t, headers, "lrrrl");
	if (form == MARKDOWN)
		printf("| claim | says | measured (95 %%) | bounds | verdict "
		       "|\n|---|---|---|---|---|\n");
	for (size_t i = 0; i < json_array_size(list) && !r; i++) {
		struct estimate e;

		claim_read(json_array_get(list, i), i, &c, error);
		if ((r = claim_measure(&census, &c, &e)))
			break;
		enum verdict v = claim_judge(&c, &e);
		refuted |= v == REFUTED;
		print_claim(form, &t, &c, &e, v);
	}
	table_end(&t, form == TABLE && !r ? stdout : NULL);
	census_free(&census);
	return r ? say(strerror(-r)) : refuted;
}

int cmd_claims(int argc, char **argv)
{
	const char *path = "scripts/claims.json";
	bool json = false, markdown = false;
	const struct option_spec specs[] = {
		{ "claims", 'c', OPTION_TEXT, "FILE", "the claims (default: scripts/claims.json)",
		  &path, 0, 0 },
		{ "json", 0, OPTION_FLAG, NULL, "one object a line", &json, 0, 0 },
		{ "markdown", 0, OPTION_FLAG, NULL, "a Markdown table", &markdown, 0, 0 },
	};
	char error[RUN_ERROR];
	json_error_t e;
	json_t *list;
	struct run run;
	int first,
	    r = options_parse(argc, argv, &help, specs, sizeof specs / sizeof *specs, &first);

	if (r)
		return r < 0 ? 2 : 0;
	if (json && markdown)
		return say("--json and --markdown exclude each other");
	FILE *f = file_stream(path, FILE_STREAM, &r, error, sizeof error);
	if (!f)
		return say(error);
	list = json_loadf(f, JSON_REJECT_DUPLICATES, &e);
	fclose(f);
	if (!json_is_array(list)) {
		snprintf(error, sizeof error, "%s:%d: %s", path, list ? 1 : e.line,
			 list ? "must be an array of claims" : e.text);
		json_decref(list);
		return say(error);
	}
	if (run_load(argv[first], &run, error)) {
		json_decref(list);
		return say(error);
	}
	r = print_claims(list, &run, json ? JSON : markdown ? MARKDOWN : TABLE);
	run_close(&run);
	json_decref(list);
	return r;
}
