/* claims.c - stubmap claims: tests claims on runs, and shows what they say,
 * the disagreements first. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/claims.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "analysis/claims.h"
#include "analysis/notes.h"
#include "base/say.h"
#include "base/table.h"
#include "base/tidy.h"
#include "meters/provenance.h"

static const struct option_help help = {
	.usage = "claims RUN.jsonl... [options]",
	.summary =
	    "Tests each claim of a claims file (default: that of the runs' plan) on one run, or "
	    "on\n"
	    "several of one plan. holds: the 95 % interval lies within the claim's bounds;\n"
	    "refuted: none of it does; open: the runs can't tell. Where no number of runs\n"
	    "stands beside a verdict, at least three agree on it, each of which kept its plan's\n"
	    "rule and has a seed of its own. Machines are shown one by one; claims come first on\n"
	    "which machines or runs disagree. The exit status is 1 if a claim that nothing\n"
	    "superseded is refuted.",
	.min_words = 1,
	.max_words = -1,
};

enum form { TABLE, JSON, MARKDOWN };

/* Everything that is shown. */
struct show {
	enum form form;
	const struct claims *claims;
	const struct trial *trial;
	struct judgement *each; /* [claim][run] */
	struct finding *found;	/* [claim][machine] */
	size_t *order;		/* of claims */
	struct table table;
};

static int say(const char *line)
{
	return say_line("stubmap claims", "%s", line);
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

/* The verdict, and whether it would stand among all claims tested. */
static void verdict_format(const struct finding *f, char *out, size_t size)
{
	claim_say(f, out, size);
	if (f->holm > 0.05 && f->pooled.verdict != OPEN) {
		size_t len = strlen(out);
		snprintf(out + len, size - len, "; corrected p %.2g", f->holm);
	}
}

static json_t *number(bool known, double v)
{
	return known && isfinite(v) ? json_real(v) : json_null();
}

static void put_estimate(json_t *json, const struct estimate *e)
{
	json_object_set_new(json, "n", json_integer((json_int_t)e->n));
	json_object_set_new(json, "value", number(e->known, e->value));
	json_object_set_new(json, "low", number(e->interval, e->low));
	json_object_set_new(json, "high", number(e->interval, e->high));
}

static json_t *runs_json(const struct show *s, size_t claim, size_t machine)
{
	json_t *list = json_array();
	char path[PATH_MAX];

	for (size_t i = 0; i < s->trial->n; i++) {
		const struct trial_run *run = &s->trial->runs[i];
		const struct judgement *j = &s->each[claim * s->trial->n + i];
		if (run->machine != machine)
			continue;
		/* A path need not be UTF-8, JSON must. */
		json_t *json = json_pack("{s:s, s:s, s:b, s:s, s:I}", "run",
					 say_plain(path, sizeof path, run->path), "verdict",
					 verdicts[j->verdict], "accepted",
					 run->acceptance.state == RUN_ACCEPTED, "why",
					 run->acceptance.why, "seed", run->seed);
		json_object_set_new(json, "load", number(true, run->acceptance.load));
		json_object_set_new(json, "steal", number(true, run->acceptance.steal));
		json_object_set_new(json, "shared", number(true, run->acceptance.shared));
		json_object_set_new(json, "aa", number(true, run->acceptance.aa));
		put_estimate(json, &j->e);
		json_array_append_new(list, json);
	}
	return list;
}

static json_t *to_json(const struct show *s, size_t claim, size_t machine)
{
	const struct claim *c = &s->claims->list[claim];
	const struct finding *f = &s->found[claim * s->trial->nmachines + machine];
	char bounds[80], says[80];

	bounds_format(c, bounds, sizeof bounds);
	json_t *json = json_pack(
	    "{s:s, s:s, s:s?, s:s?, s:s?, s:s, s:s, s:s, s:s, s:s, s:b, s:s}", "id", c->id, "text",
	    c->text, "added", c->added, "written", c->written, "sort", c->sort, "phase",
	    c->figure.phase, "event", c->figure.event, "bounds", bounds, "machine",
	    s->trial->machines[machine], "verdict", verdicts[f->pooled.verdict], "headline",
	    f->headline, "says", claim_say(f, says, sizeof says));
	if (c->since)
		json_object_set_new(json, "since", json_string(c->since));
	put_estimate(json, &f->pooled.e);
	json_object_set_new(json, "p", number(true, f->chance));
	json_object_set_new(json, "holm", number(true, f->holm));
	json_object_set_new(json, "superseded",
			    c->superseded ? json_pack("{s:s?, s:s, s:s, s:s}", "by", c->by, "when",
						      c->when, "why", c->why, "last", c->last)
					  : json_null());
	json_object_set_new(json, "runs", runs_json(s, claim, machine));
	return json;
}

static void print_json(const struct show *s, size_t claim, size_t machine)
{
	struct tidy tidy = { .out = stdout };

	tidy_put(&tidy, to_json(s, claim, machine));
}

/* Text in a cell of a Markdown table, where a bar would end it. */
static void put_cell(const char *text)
{
	char *out = malloc(2 * strlen(text) + 1), *at = out;

	if (!out)
		return;
	for (; *text; text++) {
		if (*text == '|')
			*at++ = '\\';
		*at++ = *text;
	}
	*at = 0;
	say_put(stdout, out);
	free(out);
}

static void print_markdown(const struct show *s, size_t claim, size_t machine)
{
	const struct claim *c = &s->claims->list[claim];
	const struct finding *f = &s->found[claim * s->trial->nmachines + machine];
	const struct estimate *e = &f->pooled.e;
	char bounds[80], value[32] = "-", low[32], high[32], says[80];

	bounds_format(c, bounds, sizeof bounds);
	verdict_format(f, says, sizeof says);
	if (e->known)
		table_format(e->value, value, sizeof value);
	fputs("| ", stdout);
	put_cell(c->id);
	fputs(" | ", stdout);
	put_cell(c->text);
	if (c->since && !c->superseded) {
		fputs(" (runs since ", stdout);
		put_cell(c->since);
		fputs(")", stdout);
	}
	if (c->superseded) {
		fputs(" (superseded ", stdout);
		put_cell(c->when);
		fputs(": ", stdout);
		put_cell(c->why);
		fputs(")", stdout);
	}
	fputs(" | ", stdout);
	put_cell(c->sort ? c->sort : "");
	if (s->trial->nmachines > 1) {
		fputs(" | ", stdout);
		put_cell(s->trial->machines[machine]);
	}
	printf(" | %s", value);
	if (e->interval && (e->low < e->high || e->high < e->low)) {
		table_format(e->low, low, sizeof low);
		table_format(e->high, high, sizeof high);
		printf(" (%s to %s)", low, high);
	}
	printf(f->headline ? " | %s | **%s** |\n" : " | %s | %s |\n", bounds, says);
}

static void print_row(struct show *s, size_t claim, size_t machine)
{
	const struct claim *c = &s->claims->list[claim];
	const struct finding *f = &s->found[claim * s->trial->nmachines + machine];
	const struct estimate *e = &f->pooled.e;
	char bounds[80], says[80], low[32] = "", high[32] = "";

	bounds_format(c, bounds, sizeof bounds);
	verdict_format(f, says, sizeof says);
	table_row(&s->table);
	table_cell(&s->table, "%s", machine ? "" : c->id);
	if (s->trial->nmachines > 1)
		table_cell(&s->table, "%s", s->trial->machines[machine]);
	if (e->known)
		table_number(&s->table, e->value);
	else
		table_cell(&s->table, "-");
	if (e->interval) {
		table_format(e->low, low, sizeof low);
		table_format(e->high, high, sizeof high);
	}
	table_cell(&s->table, e->interval ? "%s..%s" : "%s%s", low, high);
	table_cell(&s->table, "%s", bounds);
	table_cell(&s->table, "%s", says);
	table_tint(&s->table, f->pooled.verdict == HOLDS     ? TINT_GOOD
			      : f->pooled.verdict == REFUTED ? TINT_BAD
			      : f->pooled.verdict == OPEN    ? TINT_OPEN
							     : TINT_NONE);
}

static void print_claim(struct show *s, size_t claim)
{
	const struct claim *c = &s->claims->list[claim];

	if (s->form == TABLE) {
		char *heading = NULL;
		if (c->superseded)
			(void)!asprintf(&heading, "%s (superseded%s%s on %s: %s; last: %s)",
					c->text, c->by ? " by " : "", c->by ? c->by : "", c->when,
					c->why, c->last);
		else if (c->since)
			(void)!asprintf(&heading, "%s (runs since %s)", c->text, c->since);
		table_heading(&s->table, heading ? heading : c->text);
		free(heading);
	}
	for (size_t m = 0; m < s->trial->nmachines; m++) {
		/* Other machines may lack a cell, or a counter: that is no line of its own. */
		if (s->trial->nmachines > 1 &&
		    s->found[claim * s->trial->nmachines + m].pooled.verdict == NO_DATA)
			continue;
		if (s->form == JSON)
			print_json(s, claim, m);
		else if (s->form == MARKDOWN)
			print_markdown(s, claim, m);
		else
			print_row(s, claim, m);
	}
}

/* Claims that nothing superseded come first; among these, those that differ most. */
static void put_in_order(struct show *s)
{
	size_t n = 0;

	for (int past = 0; past < 2; past++)
		for (int discord = 0; discord < 3; discord++)
			for (size_t i = 0; i < s->claims->n; i++)
				if (s->claims->list[i].superseded == past &&
				    claim_discord(&s->found[i * s->trial->nmachines],
						  s->trial->nmachines) == discord)
					s->order[n++] = i;
}

/* Tests all claims. 0 or -errno. */
static int test(struct show *s)
{
	size_t m = s->trial->nmachines, n = 0;
	struct finding *family = calloc(s->claims->n * m + 1, sizeof *family);
	int r = family ? 0 : -ENOMEM;

	for (size_t i = 0; i < s->claims->n && !r; i++)
		r = claim_test(&s->claims->list[i], s->trial, &s->each[i * s->trial->n],
			       &s->found[i * m]);
	/* A superseded claim is not claimed any more. */
	for (size_t i = 0; i < s->claims->n && !r; i++)
		for (size_t k = 0; k < m && !s->claims->list[i].superseded; k++)
			family[n++] = s->found[i * m + k];
	if (!r)
		r = claims_correct(family, n);
	n = 0;
	for (size_t i = 0; i < s->claims->n && !r; i++)
		for (size_t k = 0; k < m && !s->claims->list[i].superseded; k++)
			s->found[i * m + k] = family[n++];
	free(family);
	return r;
}

/* Whether two runs name different programs; old records name their program's tree. */
static bool programs_differ(const struct trial_run *a, const struct trial_run *b)
{
	static const char *const keys[] = { "program", "git_commit" };

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		const json_t *x = json_object_get(json_object_get(a->run.head, "machine"), keys[i]),
			     *y = json_object_get(json_object_get(b->run.head, "machine"), keys[i]);
		if (x != y && !json_equal(x, y))
			return true;
	}
	return false;
}

/* Whether each run was accepted, and the program that made it. */
static void print_runs(const struct trial *t)
{
	char says[300], name[200], program[PROVENANCE];

	for (size_t i = 0; i < t->n; i++) {
		const struct trial_run *run = &t->runs[i];
		const json_t *machine = json_object_get(run->run.head, "machine");

		printf("\n%s\n", say_plain(name, sizeof name, run->path));
		table_wrapf(stdout, "run: ", "%s",
			    accept_format(&run->acceptance, says, sizeof says));
		table_wrapf(stdout, "program: ", "%s", provenance_name(machine, program));
		notes_print(stdout, &run->run);
		if (i && run->machine == run[-1].machine && programs_differ(run, &run[-1]))
			table_wrapf(stdout, "note: ",
				    "another program than that of the run above: a difference may "
				    "be the program's");
	}
}

/* The command's exit status. */
static int print(struct show *s)
{
	static const char *const one[] = { "claim", "value", "95 %", "bounds", "verdict" },
				 *const several[] = { "claim", "machine", "value",
						      "95 %",  "bounds",  "verdict" };
	bool machines = s->trial->nmachines > 1, refuted = false;
	int r;

	table_begin(&s->table, machines ? several : one, machines ? "llrrrl" : "lrrrl");
	if (s->form == MARKDOWN)
		printf("| claim | says | sort |%s measured (95 %%) | bounds | verdict "
		       "|\n|---|---|---|%s---|---|---|\n",
		       machines ? " machine |" : "", machines ? "---|" : "");
	for (size_t i = 0; i < s->claims->n; i++) {
		const struct claim *c = &s->claims->list[s->order[i]];
		for (size_t m = 0; m < s->trial->nmachines && !c->superseded; m++)
			refuted |= s->found[s->order[i] * s->trial->nmachines + m].pooled.verdict ==
				   REFUTED;
		print_claim(s, s->order[i]);
	}
	if ((r = table_end(&s->table, s->form == TABLE ? stdout : NULL)))
		return say(strerror(-r));
	if (s->form == TABLE)
		print_runs(s->trial);
	return refuted;
}

static bool has_data(const struct show *s)
{
	for (size_t i = 0; i < s->claims->n * s->trial->nmachines; i++)
		if (s->found[i].pooled.verdict != NO_DATA)
			return true;
	return false;
}

/* No claim has data: what to do about it. */
static int say_no_data(const struct show *s, const char *path)
{
	char other[PATH_MAX];

	if (claims_path(s->trial->plan, other, sizeof other) || !strcmp(other, path))
		return say_line(
		    "stubmap claims",
		    "none of the %zu claims of %s is of a cell of this run (plan '%s'); "
		    "name others with -c",
		    s->claims->n, path, s->trial->plan);
	return say_line(
	    "stubmap claims",
	    "none of the %zu claims of %s is of a cell of this run (plan '%s'); leave -c "
	    "out for those of %s",
	    s->claims->n, path, s->trial->plan, other);
}

static int begin(struct show *s, const struct claims *claims, const struct trial *trial)
{
	*s = (struct show){
		.claims = claims,
		.trial = trial,
		.each = calloc(claims->n * trial->n + 1, sizeof *s->each),
		.found = calloc(claims->n * trial->nmachines + 1, sizeof *s->found),
		.order = calloc(claims->n + 1, sizeof *s->order),
	};
	int r = s->each && s->found && s->order ? test(s) : -ENOMEM;

	if (!r)
		put_in_order(s);
	return r;
}

static void end(struct show *s)
{
	free(s->each);
	free(s->found);
	free(s->order);
}

json_t *claims_rows(const struct claims *claims, const struct trial *trial)
{
	struct show s;
	json_t *rows = NULL;

	if (!begin(&s, claims, trial)) {
		rows = json_array();
		for (size_t i = 0; i < claims->n; i++)
			for (size_t m = 0; m < trial->nmachines; m++)
				json_array_append_new(rows, to_json(&s, s.order[i], m));
	}
	end(&s);
	return rows;
}

static int show(const struct claims *claims, const struct trial *trial, const char *path,
		enum form form)
{
	struct show s;
	int r = begin(&s, claims, trial);

	s.form = form;
	if (r)
		r = say(strerror(-r));
	else
		r = has_data(&s) ? print(&s) : say_no_data(&s, path);
	end(&s);
	return r;
}

int cmd_claims(int argc, char **argv)
{
	const char *path = NULL;
	bool json = false, markdown = false;
	const struct option_spec specs[] = {
		{ "claims", 'c', OPTION_TEXT, "FILE",
		  "the claims (default: scripts/claims-PLAN.json)", &path, 0, 0 },
		{ "json", 0, OPTION_FLAG, NULL, "one object a line: a claim on a machine", &json, 0,
		  0 },
		{ "markdown", 0, OPTION_FLAG, NULL, "a Markdown table", &markdown, 0, 0 },
	};
	char error[RUN_ERROR], found[PATH_MAX];
	struct claims claims = { 0 };
	struct trial trial;
	int first,
	    r = options_parse(argc, argv, &help, specs, sizeof specs / sizeof *specs, &first);

	if (r)
		return r < 0 ? 2 : 0;
	if (json && markdown)
		return say("--json and --markdown exclude each other");
	if (path && claims_load(path, &claims, error))
		return say(error);
	if (trial_load(&trial, argv + first, (size_t)(argc - first), error)) {
		claims_free(&claims);
		return say(error);
	}
	if (!path) {
		path = found;
		if (claims_path(trial.plan, found, sizeof found))
			r = say_line("stubmap claims",
				     "there is no scripts/claims-%s.json for plan '%s'; name the "
				     "claims with -c",
				     trial.plan, trial.plan);
		else if (claims_load(path, &claims, error))
			r = say(error);
	}
	if (!r)
		r = show(&claims, &trial, path, json ? JSON : markdown ? MARKDOWN : TABLE);
	trial_free(&trial);
	claims_free(&claims);
	return r;
}
