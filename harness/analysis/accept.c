/* accept.c - load, steal and noise of a run, held to its plan's rule. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/accept.h"
#include "analysis/views.h"
#include "base/sort.h"

/* The median of v[n], which it sorts; NAN of none. */
static double median(double *v, size_t n)
{
	if (!n)
		return NAN;
	sort_doubles(v, n);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static int measure_load(const struct run *run, double *load)
{
	double *v = malloc((run->n ? run->n : 1) * sizeof *v);
	size_t n = 0;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < run->n; i++) {
		const json_t *at = json_object_get(run->invocations[i].json, "environment"),
			     *value = json_object_get(at, "load");
		if (json_is_number(value))
			v[n++] = json_number_value(value);
	}
	*load = median(v, n);
	free(v);
	return 0;
}

static double measure_steal(const struct run *run)
{
	double stolen = 0, wall = 0;

	for (size_t i = 0; i < run->n; i++) {
		const json_t *json = run->invocations[i].json,
			     *value =
				 json_object_get(json_object_get(json, "environment"), "steal_ms");
		if (!json_is_number(value))
			continue;
		stolen += json_number_value(value);
		wall += json_number_value(json_object_get(json, "wall_ns")) / 1e6;
	}
	return wall > 0 ? 100 * stolen / wall : NAN;
}

static const json_t *find_figure(const json_t *figures, const char *phase, const char *event)
{
	const json_t *f;
	size_t i;

	json_array_foreach(figures, i, f) {
		const char *p = json_string_value(json_object_get(f, "phase")),
			   *e = json_string_value(json_object_get(f, "event"));
		if (p && e && !strcmp(p, phase) && !strcmp(e, event))
			return f;
	}
	return NULL;
}

static double measure_shared(const struct run *run)
{
	static const char *const phases[] = { "steady", "run" };
	double shared = 0, all = 0;

	for (size_t i = 0; i < run->n; i++)
		for (size_t k = 0; k < sizeof phases / sizeof *phases; k++) {
			const json_t *figures = run->invocations[i].figures,
				     *kept = find_figure(figures, phases[k], "samples_shared"),
				     *ns = find_figure(figures, phases[k], "ns");
			const json_t *n = json_array_get(json_object_get(kept, "samples"), 0);
			if (!n)
				continue;
			shared += json_number_value(n);
			all += (double)json_array_size(json_object_get(ns, "samples"));
		}
	return all > 0 ? 100 * shared / all : NAN;
}

/* The noise of one group in percent; NAN: its baseline has no replica, or too few blocks. */
static int group_noise(const struct census *census, size_t base, double *noise)
{
	const struct figure_id id = view_of(&census->cells[base])->columns[0].id;
	struct cell replica = census->cells[base];
	struct samples a = { 0 }, b = { 0 };
	struct estimate e = { 0 };
	bool known = false;
	size_t again;
	int r = 0;

	*noise = NAN;
	replica.replica = 1;
	if ((again = census_find(census, &replica)) == census->n)
		return 0;
	if (!(r = samples_gather_own(census, base, id, &a)) &&
	    !(r = samples_gather_own(census, again, id, &b)) && a.n && b.n &&
	    !(r = stats_ratio(b.units, b.n, a.units, a.n, &e))) {
		double floor = stats_floor(&e, &known);
		if (known)
			*noise = 100 * (floor - 1);
	}
	samples_free(&a);
	samples_free(&b);
	return r;
}

static int measure_noise(const struct census *census, double *aa)
{
	double *v = malloc((census->n ? census->n : 1) * sizeof *v);
	size_t n = 0;
	int r = v ? 0 : -ENOMEM;

	for (size_t i = 0; i < census->n && !r; i++) {
		if (!cell_equal(&census->cells[i], &census->groups[i]))
			continue;
		r = group_noise(census, i, &v[n]);
		n += !r && !isnan(v[n]);
	}
	*aa = r ? NAN : median(v, n);
	free(v);
	return r;
}

/* All of the plan's blocks and no more: to stop or to prolong a run when its numbers please
 * is to choose the numbers. */
static void hold_whole(struct acceptance *a, const struct run *run, size_t cells)
{
	const json_t *plan = json_object_get(run->head, "plan");
	size_t whole = cells * (size_t)json_integer_value(json_object_get(plan, "blocks"));

	if (run->n < whole)
		snprintf(a->why, sizeof a->why, "%zu of %zu invocations are missing",
			 whole - run->n, whole);
	else if (run->n > whole)
		snprintf(a->why, sizeof a->why, "%zu invocations are beyond its plan's blocks",
			 run->n - whole);
}

/* One limit; a value above it, or an unknown one, goes into why. */
static void hold(struct acceptance *a, const char *name, const char *unit, double value,
		 double limit)
{
	size_t len = strlen(a->why);

	if (isinf(limit) || value <= limit)
		return;
	if (isnan(value))
		snprintf(a->why + len, sizeof a->why - len, "%s%s is not known", len ? "; " : "",
			 name);
	else
		snprintf(a->why + len, sizeof a->why - len, "%s%s %.3g%s is above %g%s",
			 len ? "; " : "", name, value, unit, limit, unit);
}

int accept_judge(const struct run *run, struct acceptance *a)
{
	const json_t *plan = json_object_get(run->head, "plan");
	struct accept_rule rule;
	struct census census;
	char error[PLAN_ERROR];
	size_t cells;
	int r;

	*a = (struct acceptance){ .state = RUN_WITHOUT_RULE,
				  .steal = measure_steal(run),
				  .shared = measure_shared(run) };
	if ((r = census_take(run, &census)))
		return r;
	cells = census.n;
	if (!(r = measure_load(run, &a->load)))
		r = measure_noise(&census, &a->aa);
	census_free(&census);
	if (r)
		return r;
	if (plan_accept_rule(json_object_get(plan, "accept"), &rule, error)) {
		snprintf(a->why, sizeof a->why, "its plan's rule can't be read");
		return 0;
	}
	if (!rule.any) {
		snprintf(a->why, sizeof a->why, "its plan has no rule");
		return 0;
	}
	hold_whole(a, run, cells);
	hold(a, "load", "", a->load, rule.load);
	hold(a, "steal", " %", a->steal, rule.steal);
	hold(a, "shared", " %", a->shared, rule.shared);
	hold(a, "A/A", " %", a->aa, rule.aa);
	a->state = *a->why ? RUN_MARKED : RUN_ACCEPTED;
	return 0;
}

static void put_figure(char *out, size_t size, const char *name, double value, const char *unit)
{
	size_t len = strlen(out);

	if (isnan(value))
		snprintf(out + len, size - len, "%s -", name);
	else
		snprintf(out + len, size - len, "%s %.3g%s", name, value, unit);
}

char *accept_format(const struct acceptance *a, char *out, size_t size)
{
	static const char *const words[] = {
		[RUN_ACCEPTED] = "accepted: ",
		[RUN_MARKED] = "not accepted, ",
		[RUN_WITHOUT_RULE] = "not accepted, ",
	};

	snprintf(out, size, "%s%s%s", words[a->state], a->why, *a->why ? ": " : "");
	put_figure(out, size, "load", a->load, "");
	put_figure(out, size, ", steal", a->steal, " %");
	put_figure(out, size, ", shared", a->shared, " %");
	put_figure(out, size, ", A/A", a->aa, " %");
	return out;
}
