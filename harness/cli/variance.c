/* variance.c - stubmap variance: where the times of a baseline vary, and so what to add: runs,
 * blocks, replicas or iterations. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "analysis/rows.h"
#include "analysis/variance.h"
#include "analysis/views.h"
#include "base/say.h"
#include "base/table.h"
#include "base/tidy.h"

static const struct option_help help = {
	.usage = "variance RUN.jsonl...",
	.summary =
	    "Shows what part of a baseline's variance is between runs (name several of one\n"
	    "plan), between the set-ups of a run (a block's order, colours and offsets), between\n"
	    "two processes of one set-up, and between iterations; then says\n"
	    "which of these to add, for shorter intervals.",
	.min_words = 1,
	.max_words = -1,
};

static const char *const level_names[LEVELS] = { "run", "set-up", "process", "iteration" };

struct loaded {
	struct run *runs;
	struct census *censuses;
	size_t n;
};

/* One baseline's figure. */
struct subject {
	const struct census *census;
	size_t cell;
	struct figure_id id;
	struct variance v;
	double total, error; /* sums of the parts */
};

static int say(const char *line)
{
	return say_line("stubmap variance", "%s", line);
}

static void unload(struct loaded *all)
{
	for (size_t i = 0; i < all->n; i++) {
		census_free(&all->censuses[i]);
		run_close(&all->runs[i]);
	}
	free(all->runs);
	free(all->censuses);
}

/* 0, or the exit status of a refusal. */
static int load(struct loaded *all, char **paths, size_t n)
{
	char error[RUN_ERROR];

	*all = (struct loaded){ calloc(n, sizeof *all->runs), calloc(n, sizeof *all->censuses), 0 };
	if (!all->runs || !all->censuses)
		return say("out of memory");
	for (size_t i = 0; i < n; i++) {
		int r = run_load(paths[i], &all->runs[i], error);
		if (r)
			return say(error);
		all->n++;
		if ((r = census_take(&all->runs[i], &all->censuses[i])))
			return say_line("stubmap variance", "%s: %s", paths[i], strerror(-r));
		for (size_t k = 0; k < i; k++)
			if (json_equal(all->runs[k].head, all->runs[i].head))
				return say_line("stubmap variance",
						"%s and %s are one run: name it once", paths[k],
						paths[i]);
	}
	return 0;
}

/* Gathers the subject's units of all runs. false: it has no variance to tell of. */
static bool analyse(const struct loaded *all, struct subject *s, int *error)
{
	const struct cell *cell = &s->census->cells[s->cell];
	struct samples samples = { 0 };
	int r = 0;

	for (size_t i = 0; i < all->n && !r; i++) {
		size_t at = census_find(&all->censuses[i], cell);
		if (at < all->censuses[i].n)
			r = samples_add(&all->censuses[i], at, s->id, (uint32_t)i, &samples);
	}
	if (!r)
		r = variance_of(samples.units, samples.n, &s->v);
	samples_free(&samples);
	if (r == -ENOMEM)
		*error = r;
	for (int k = 0; k < LEVELS; k++) {
		s->total += s->v.part[k];
		s->error += s->v.error[k];
	}
	return !r && s->total > 0;
}

static int print_json(const struct subject *s)
{
	json_t *json =
	    json_pack("{s:o, s:s, s:s, s:f}", "cell", cell_to_json(&s->census->cells[s->cell]),
		      "phase", s->id.phase, "event", s->id.event, "spread", sqrt(s->total));

	for (int k = 0; k < LEVELS && json; k++)
		json_object_set_new(
		    json, level_names[k],
		    json_pack("{s:I, s:o, s:o}", "n", (json_int_t)s->v.n[k], "share",
			      s->v.known[k] ? json_real(s->v.part[k] / s->total) : json_null(),
			      "of_error",
			      s->v.known[k] ? json_real(s->v.error[k] / s->error) : json_null()));
	int r = tidy_json(stdout, json, JSON_COMPACT | JSON_REAL_PRECISION(9));

	json_decref(json);
	return r;
}

static void put(struct table *t, const struct subject *s)
{
	char label[160];

	table_row(t);
	table_cell(t, "%s",
		   group_label(s->census->run, &s->census->cells[s->cell], label, sizeof label));
	table_cell(t, "%s %s", s->id.phase, s->id.event);
	table_cell(t, "%.2g %%", sqrt(s->total) * 100);
	for (int k = 0; k < LEVELS; k++)
		if (s->v.known[k])
			table_cell(t, "%.0f", s->v.part[k] / s->total * 100);
		else
			table_missing(t, k == LEVEL_RUN ? "one run: it can't be told"
							: "one only of each: it can't be told");
}

/* The mean over the subjects of a level's part of the error. */
static double mean_error(const struct subject *s, size_t n, int level)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += s[i].v.error[level] / s[i].error / (double)n;
	return sum;
}

static void print_sentence(const struct subject *s, size_t n)
{
	double runs = mean_error(s, n, LEVEL_RUN),
	       blocks = mean_error(s, n, LEVEL_SETUP) + mean_error(s, n, LEVEL_PROCESS),
	       iterations = mean_error(s, n, LEVEL_ITERATION);
	bool known = s[0].v.known[LEVEL_RUN];
	const char *more = runs >= blocks && runs >= iterations ? "runs"
			   : blocks >= iterations		? "blocks"
								: "iterations";

	putchar('\n');
	if (known)
		table_wrapf(
		    stdout, "",
		    "Of the error of a mean over all of this, runs make %.0f %%, set-ups and "
		    "processes %.0f %%, iterations %.0f %%: more %s would help most.",
		    runs * 100, blocks * 100, iterations * 100, more);
	else
		table_wrapf(stdout, "",
			    "Of the error of a mean within this run, set-ups and processes make "
			    "%.0f %%, iterations %.0f %%: more %s would help most. What runs "
			    "differ by can't be told from one: name several.",
			    blocks * 100, iterations * 100, more);
}

static int show(const struct loaded *all, bool json)
{
	static const char *const headers[] = { "baseline", "figure",	"spread",     "run %",
					       "set-up %", "process %", "iteration %" };
	const struct census *c = &all->censuses[0];
	struct subject *s = calloc(c->n + 1, sizeof *s);
	struct table t;
	size_t n = 0;
	int r = s ? 0 : -ENOMEM;

	table_begin(&t, headers, "llrrrrr");
	for (size_t cell = 0; cell < c->n && !r; cell++) {
		const struct cell *of = &c->cells[cell];
		if (!cell_equal(of, &c->groups[cell]))
			continue;
		s[n] =
		    (struct subject){ .census = c, .cell = cell, .id = view_of(of)->columns[0].id };
		if (!analyse(all, &s[n], &r))
			continue;
		if (json)
			r = print_json(&s[n]);
		else
			put(&t, &s[n]);
		n++;
	}
	if (table_end(&t, json || r || !n ? NULL : stdout))
		r = -ENOMEM;
	if (!r && !json && n)
		print_sentence(s, n);
	free(s);
	if (r)
		return say(strerror(-r));
	return n ? 0 : say("no baseline varies, or none was measured twice");
}

int cmd_variance(int argc, char **argv)
{
	bool json = false;
	const struct option_spec specs[] = {
		{ "json", 0, OPTION_FLAG, NULL, "one object a line", &json, 0, 0 },
	};
	struct loaded all = { 0 };
	int first, status, r = options_parse(argc, argv, &help, specs, 1, &first);

	if (r)
		return r < 0 ? 2 : 0;
	if (!(status = load(&all, argv + first, (size_t)(argc - first))))
		status = show(&all, json);
	unload(&all);
	return status;
}
