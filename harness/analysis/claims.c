/* claims.c - reads claims, tests them on runs, and says what several runs say together. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/claims.h"
#include "base/file.h"
#include "base/home.h"
#include "base/suggest.h"

const char *const verdicts[] = { "holds", "refuted", "open", "no data" };

/* ---- Reading --------------------------------------------------------------------------------- */

enum key_type { KEY_TEXT, KEY_NUMBER, KEY_OBJECT, KEY_LIST };
static const char *const type_names[] = { "a text", "a number", "an object", "a list of texts" };

static const struct key {
	const char *name;
	enum key_type type;
	bool needed;
} keys[] = {
	{ "id", KEY_TEXT, true },	 { "text", KEY_TEXT, true },
	{ "phase", KEY_TEXT, true },	 { "event", KEY_TEXT, true },
	{ "of", KEY_OBJECT, true },	 { "to", KEY_OBJECT, false },
	{ "above", KEY_NUMBER, false },	 { "below", KEY_NUMBER, false },
	{ "since", KEY_TEXT, false },	 { "added", KEY_TEXT, false },
	{ "written", KEY_TEXT, false },	 { "sort", KEY_TEXT, false },
	{ "formerly", KEY_LIST, false }, { "superseded", KEY_OBJECT, false },
};
enum { KEYS = sizeof keys / sizeof *keys };

static bool is_type(const json_t *v, enum key_type type)
{
	switch (type) {
	case KEY_TEXT:
		return json_is_string(v);
	case KEY_NUMBER:
		return json_is_number(v);
	case KEY_OBJECT:
		return json_is_object(v);
	default:
		return json_is_array(v);
	}
}

/* Whether the keys are those of a claim; the line names claim i by its id, where it has one. */
static int check_keys(json_t *json, size_t i, char *error)
{
	const char *names[KEYS], *id = json_string_value(json_object_get(json, "id")), *key;
	char who[80], why[RUN_ERROR / 2];
	json_t *v;

	if (id)
		snprintf(who, sizeof who, "claim %s", id);
	else
		snprintf(who, sizeof who, "claim %zu", i + 1);
	if (!json_is_object(json))
		return run_refuse(error, -EINVAL, "claim %zu must be an object", i + 1);
	for (size_t k = 0; k < KEYS; k++)
		names[k] = keys[k].name;
	json_object_foreach(json, key, v) {
		size_t k = 0;
		while (k < KEYS && strcmp(names[k], key))
			k++;
		if (k == KEYS) {
			suggest_refuse(why, sizeof why, "key in a claim", key, names, KEYS);
			return run_refuse(error, -EINVAL, "%s: %s", who, why);
		}
		if (!is_type(v, keys[k].type))
			return run_refuse(error, -EINVAL, "%s: %s must be %s", who, key,
					  type_names[keys[k].type]);
	}
	for (size_t k = 0; k < KEYS; k++)
		if (keys[k].needed && !json_object_get(json, names[k]))
			return run_refuse(error, -EINVAL,
					  "%s: %s is missing; a claim needs id, text, phase, "
					  "event, of, and above, below or both",
					  who, names[k]);
	return 0;
}

static double bound(const json_t *json, const char *key, double without)
{
	const json_t *v = json_object_get(json, key);

	return v ? json_number_value(v) : without;
}

static const char *text_of(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

/* What the ledger holds of a claim that another superseded, and its older ids. */
static int check_past(const json_t *json, const char *id, char *error)
{
	static const char *const known[] = { "by", "when", "why", "last" };
	enum { KNOWN = sizeof known / sizeof *known };
	const json_t *past = json_object_get(json, "superseded"), *v;
	char why[RUN_ERROR / 2];
	const char *key;
	size_t i;

	json_object_foreach((json_t *)past, key, v) {
		size_t k = 0;
		while (k < KNOWN && strcmp(known[k], key))
			k++;
		if (k == KNOWN) {
			suggest_refuse(why, sizeof why, "key in superseded", key, known, KNOWN);
			return run_refuse(error, -EINVAL, "claim %s: %s", id, why);
		}
		if (!json_is_string(v) && (k || !json_is_null(v)))
			return run_refuse(error, -EINVAL, "claim %s: superseded: %s must be a text",
					  id, key);
	}
	for (size_t k = 1; k < KNOWN && past; k++)
		if (!json_object_get(past, known[k]))
			return run_refuse(
			    error, -EINVAL,
			    "claim %s: superseded needs when, why and last, and by, an "
			    "id or null",
			    id);
	json_array_foreach(json_object_get(json, "formerly"), i, v)
		if (!json_is_string(v))
			return run_refuse(error, -EINVAL,
					  "claim %s: formerly must be a list of texts", id);
	return 0;
}

/* A time in the form of a run's "started", or the first part of one, at least the day. */
static bool is_time(const char *s)
{
	static const char form[] = "0000-00-00T00:00:00Z";
	const int month = strlen(s) < 10 ? 0 : atoi(s + 5), day = month ? atoi(s + 8) : 0;
	size_t i = 0;

	if (month < 1 || month > 12 || day < 1 || day > 31)
		return false;
	while (s[i] && i < sizeof form - 1 &&
	       (form[i] == '0' ? s[i] >= '0' && s[i] <= '9' : s[i] == form[i]))
		i++;
	return !s[i] && i >= 10;
}

static int read_claim(json_t *json, size_t i, struct claim *c, char *error)
{
	json_t *to = json_object_get(json, "to"), *past = json_object_get(json, "superseded");
	char why[CELL_ERROR] = "";

	if (check_keys(json, i, error))
		return -EINVAL;
	*c = (struct claim){ .id = text_of(json, "id"),
			     .text = text_of(json, "text"),
			     .figure = { text_of(json, "phase"), text_of(json, "event") },
			     .ratio = to,
			     .above = bound(json, "above", -INFINITY),
			     .below = bound(json, "below", INFINITY),
			     .since = text_of(json, "since"),
			     .written = text_of(json, "written"),
			     .sort = text_of(json, "sort"),
			     .added = text_of(json, "added"),
			     .superseded = past,
			     .by = text_of(past, "by"),
			     .when = text_of(past, "when"),
			     .why = text_of(past, "why"),
			     .last = text_of(past, "last") };
	if (check_past(json, c->id, error))
		return -EINVAL;
	if (!figure_find(c->figure))
		figure_refuse(c->figure, why, sizeof why);
	else if (!isfinite(c->above) && !isfinite(c->below))
		snprintf(why, sizeof why, "needs \"above\", \"below\" or both");
	else if (c->since && !is_time(c->since))
		snprintf(why, sizeof why, "since must be a time such as 2026-12-01T11:30");
	else if (c->above >= c->below)
		snprintf(why, sizeof why, "nothing is above %g and below %g", c->above, c->below);
	else if (!cell_from_json(json_object_get(json, "of"), &c->of, why) && to)
		cell_from_json(to, &c->to, why);
	return *why ? run_refuse(error, -EINVAL, "claim %s: %s", c->id, why) : 0;
}

int claims_load(const char *path, struct claims *c, char error[RUN_ERROR])
{
	json_error_t e;
	int r;
	FILE *f = file_stream(path, FILE_STREAM, &r, error, RUN_ERROR);

	*c = (struct claims){ 0 };
	if (!f)
		return r;
	c->json = json_loadf(f, JSON_REJECT_DUPLICATES, &e);
	fclose(f);
	r = 0;
	if (!json_is_array(c->json))
		r = run_refuse(error, -EINVAL, "%s:%d: %s", path, c->json ? 1 : e.line,
			       c->json ? "must be an array of claims" : e.text);
	if (!r && !(c->list = calloc(json_array_size(c->json) + 1, sizeof *c->list))) {
		run_refuse(error, -EINVAL, "out of memory");
		r = -ENOMEM;
	}
	for (; !r && c->n < json_array_size(c->json); c->n++) {
		char why[RUN_ERROR];
		struct claim *at = &c->list[c->n];
		if ((r = read_claim(json_array_get(c->json, c->n), c->n, at, why))) {
			run_refuse(error, -EINVAL, "%s: %.*s", path, RUN_ERROR - 100, why);
			break;
		}
		for (size_t i = 0; i < c->n && !r; i++)
			if (!strcmp(c->list[i].id, at->id))
				r = run_refuse(error, -EINVAL, "%s: two claims are called %s", path,
					       at->id);
	}
	if (r)
		claims_free(c);
	return r;
}

void claims_free(struct claims *c)
{
	free(c->list);
	json_decref(c->json);
	*c = (struct claims){ 0 };
}

int claims_path(const char *plan, char *out, size_t size)
{
	char name[200];

	if (strchr(plan, '/') ||
	    snprintf(name, sizeof name, "scripts/claims-%s.json", plan) >= (int)sizeof name)
		return -ENOENT;
	return home_find(name, out, size);
}

/* ---- Testing --------------------------------------------------------------------------------- */

static bool has_cells(const struct claim *c, const struct census *census, size_t *of, size_t *to)
{
	*of = census_find(census, &c->of);
	*to = c->ratio ? census_find(census, &c->to) : 0;
	return *of != census->n && *to != census->n;
}

/* Whether the run began before the claim's arm was changed ("since"). */
static bool too_early(const struct claim *c, const struct run *run)
{
	const char *started = json_string_value(json_object_get(run->head, "started"));

	return c->since && (!started || strcmp(started, c->since) < 0);
}

/* The claim's figure over the chosen runs together. */
static int measure(const struct claim *c, const struct trial *t, const bool *chosen,
		   struct estimate *e)
{
	struct samples a = { 0 }, b = { 0 };
	int r = 0;

	*e = (struct estimate){ .why = "not in the run" };
	for (size_t i = 0; i < t->n && !r; i++) {
		const struct census *census = &t->runs[i].census;
		size_t of, to;

		if (!chosen[i] || too_early(c, &t->runs[i].run) || !has_cells(c, census, &of, &to))
			continue;
		r = samples_add(census, of, c->figure, (uint32_t)i, &a);
		if (!r && c->ratio)
			r = samples_add(census, to, c->figure, (uint32_t)i, &b);
	}
	if (!r && a.n && (!c->ratio || b.n))
		r = c->ratio ? stats_ratio(a.units, a.n, b.units, b.n, e)
			     : stats_value(a.units, a.n, e);
	samples_free(&a);
	samples_free(&b);
	return r;
}

static enum verdict judge(const struct claim *c, const struct estimate *e)
{
	if (!e->known)
		return NO_DATA;
	if (!e->interval)
		return OPEN;
	if (e->low > c->above && e->high < c->below)
		return HOLDS;
	return e->high <= c->above || e->low >= c->below ? REFUTED : OPEN;
}

/* The chance of a ratio at least as far from a bound, if it lay there. */
static double chance_at(struct estimate e, double at)
{
	if (!isfinite(at) || at <= 0)
		return NAN;
	e.value /= at;
	e.low /= at;
	e.high /= at;
	return stats_chance(&e);
}

/* The chance at the nearer bound, which is the greater one: this bound decides whether the claim
 * holds or, if the ratio lies beyond it, is refuted. An open claim asked a question too, and
 * counts among the others. */
static double chance_of(const struct claim *c, const struct judgement *j)
{
	return c->ratio && j->verdict != NO_DATA
		   ? fmax(chance_at(j->e, c->above), chance_at(j->e, c->below))
		   : NAN;
}

/* How many runs that count, each of a seed of its own, say the verdict. */
static size_t count_seeds(const struct trial *t, const struct judgement *each, const bool *counts,
			  enum verdict v)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		bool first = counts[i] && each[i].verdict == v;
		for (size_t k = 0; k < i && first; k++)
			first = !counts[k] || each[k].verdict != v ||
				t->runs[k].seed != t->runs[i].seed;
		n += first;
	}
	return n;
}

/* chosen has room for each run. */
static int find_on(const struct claim *c, const struct trial *t, size_t machine,
		   const struct judgement *each, bool *chosen, struct finding *f)
{
	size_t says[NO_DATA + 1] = { 0 };
	int r;

	*f = (struct finding){ .chance = NAN, .holm = NAN };
	for (size_t i = 0; i < t->n; i++) {
		bool here = t->runs[i].machine == machine && each[i].verdict != NO_DATA;
		chosen[i] = here && t->runs[i].acceptance.state == RUN_ACCEPTED;
		f->runs += here;
		f->counted += chosen[i];
		says[each[i].verdict] += here;
	}
	f->disagree = says[HOLDS] && says[REFUTED];
	for (size_t i = 0; i < t->n && !f->counted; i++)
		chosen[i] = t->runs[i].machine == machine;
	if ((r = measure(c, t, chosen, &f->pooled.e)))
		return r;
	f->pooled.verdict = judge(c, &f->pooled.e);
	f->agree = says[f->pooled.verdict];
	f->chance = chance_of(c, &f->pooled);
	if (f->counted && (f->pooled.verdict == HOLDS || f->pooled.verdict == REFUTED)) {
		enum verdict contrary = f->pooled.verdict == HOLDS ? REFUTED : HOLDS;
		f->headline = count_seeds(t, each, chosen, f->pooled.verdict) >= CLAIM_AGREE &&
			      !count_seeds(t, each, chosen, contrary);
	}
	return 0;
}

int claim_test(const struct claim *c, const struct trial *t, struct judgement *each,
	       struct finding *found)
{
	bool *chosen = calloc(t->n ? t->n : 1, sizeof *chosen);
	int r = chosen ? 0 : -ENOMEM;

	for (size_t i = 0; i < t->n && !r; i++) {
		chosen[i] = true;
		r = measure(c, t, chosen, &each[i].e);
		each[i].verdict = judge(c, &each[i].e);
		chosen[i] = false;
	}
	for (size_t m = 0; m < t->nmachines && !r; m++)
		r = find_on(c, t, m, each, chosen, &found[m]);
	free(chosen);
	return r;
}

int claims_correct(struct finding *found, size_t n)
{
	double *chances = calloc(2 * n + 1, sizeof *chances);
	int r = chances ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && !r; i++)
		chances[i] = found[i].chance;
	if (!r)
		r = stats_holm(chances, n, chances + n);
	for (size_t i = 0; i < n && !r; i++)
		found[i].holm = chances[n + i];
	free(chances);
	return r;
}

int claim_discord(const struct finding *found, size_t nmachines)
{
	size_t says[NO_DATA + 1] = { 0 };
	bool disagree = false;

	for (size_t m = 0; m < nmachines; m++) {
		says[found[m].pooled.verdict]++;
		disagree |= found[m].disagree;
	}
	if (disagree || (says[HOLDS] && says[REFUTED]))
		return 0;
	return says[OPEN] && (says[HOLDS] || says[REFUTED]) ? 1 : 2;
}

char *claim_say(const struct finding *f, char *out, size_t size)
{
	const char *verdict = verdicts[f->pooled.verdict];

	if (f->pooled.verdict == NO_DATA || f->headline)
		snprintf(out, size, "%s", verdict);
	else if (f->disagree)
		snprintf(out, size, "%s, %zu runs disagree", verdict, f->runs);
	else if (f->agree < f->runs && f->pooled.verdict != OPEN)
		snprintf(out, size, "%s, %zu of %zu runs", verdict, f->agree, f->runs);
	else
		snprintf(out, size, "%s, %zu run%s", verdict, f->runs, f->runs == 1 ? "" : "s");
	return out;
}
