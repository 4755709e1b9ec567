/*
 * walks.c - cuts walks into samples and checks them once, then times their lookups again and again.
 */
#include "maps/walks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meters/memory.h"
#include "meters/probe.h"

struct asker {
	const struct maps_walks_task *task;
	struct map_bytes table;
	size_t *cuts, ncuts;	  /* sample i: walks cuts[i-1] up to cuts[i] */
	struct map_live *answers; /* to one walk */
	enum map_answer *kinds;
	uint8_t *scratch;
	size_t each, longest; /* bytes of scratch for one lookup; lookups of the longest walk */
};

typedef void ask_fn(struct asker *, const uint32_t *pcs, size_t n);

static void ask_single(struct asker *a, const uint32_t *pcs, size_t n)
{
	const struct map_ops *ops = a->task->ops;

	for (size_t i = 0; i < n; i++)
		a->kinds[i] =
		    ops->lookup(a->table.data, a->table.len, pcs[i], a->scratch, &a->answers[i]);
}

static void ask_batched(struct asker *a, const uint32_t *pcs, size_t n)
{
	a->task->ops->lookup_many(a->table.data, a->table.len, pcs, n, a->scratch, a->answers,
				  a->kinds);
}

/* ---- Cutting -------------------------------------------------------------------------------- */

static size_t start_of(const struct walk_log *w, size_t walk)
{
	return walk ? w->ends[walk - 1] : 0;
}

/* The rest at the end, too little for a sample, is checked but not timed. */
static int cut(struct asker *a)
{
	const struct walk_log *w = a->task->walks;
	size_t from = 0, longest = 0;

	a->each = map_scratch(a->task->ops, a->table.data, a->table.len);

	a->cuts = malloc((w->nwalks + 1) * sizeof(*a->cuts));
	if (!a->cuts)
		return -ENOMEM;
	for (size_t i = 0; i < w->nwalks; i++) {
		size_t n = w->ends[i] - start_of(w, i);

		longest = n > longest ? n : longest;
		if (w->ends[i] - from < MAPS_BLOCK)
			continue;
		a->cuts[a->ncuts++] = i + 1;
		from = w->ends[i];
	}
	a->longest = longest;
	a->answers = malloc((longest + 1) * sizeof(*a->answers));
	a->kinds = malloc((longest + 1) * sizeof(*a->kinds));
	/* one more: a single lookup while a walk's answers are in use */
	a->scratch = malloc((longest + 1) * a->each + 1);
	return a->answers && a->kinds && a->scratch ? 0 : -ENOMEM;
}

/* ---- Checking ------------------------------------------------------------------------------- */

static int check_answer(struct asker *a, size_t i, uint32_t pc, struct maps_walks *out,
			char error[MAPS_BENCH_ERROR])
{
	const struct maps_walks_task *task = a->task;
	const struct map_ops *ops = task->ops;
	const struct safepoint *truth = safepoint_find(task->points, task->npoints, pc, NULL);
	struct map_live live;

	if (!truth) {
		snprintf(error, MAPS_BENCH_ERROR, "a walk asks for pc %u, which is no safepoint",
			 pc);
		return -EINVAL;
	}
	enum map_answer answer =
	    ops->lookup(a->table.data, a->table.len, pc, a->scratch + a->longest * a->each, &live);
	enum map_outcome one = map_judge(truth, answer, &live), many = one;
	if (ops->lookup_many)
		many = map_judge(truth, a->kinds[i], &a->answers[i]);
	out->outcomes[one]++;
	if (many == one && (one == MAP_CORRECT || ops->flags & (MAP_UNSAFE | MAP_FLOOR)))
		return 0;
	snprintf(error, MAPS_BENCH_ERROR, "%s answers pc %u of a walk: %s, in a batch: %s",
		 ops->name, pc, map_outcome_names[one], map_outcome_names[many]);
	return -EILSEQ;
}

static int check(struct asker *a, struct maps_walks *out, char error[MAPS_BENCH_ERROR])
{
	const struct walk_log *w = a->task->walks;
	int r = 0;

	for (size_t walk = 0; walk < w->nwalks; walk++) {
		size_t from = start_of(w, walk);

		if (a->task->ops->lookup_many)
			ask_batched(a, w->pcs + from, w->ends[walk] - from);
		for (size_t i = from; i < w->ends[walk] && !r; i++)
			r = check_answer(a, i - from, w->pcs[i], out, error);
		if (r)
			return r;
	}
	return 0;
}

/* ---- Timing --------------------------------------------------------------------------------- */

/* Does one sample's lookups; returns how many. */
static size_t ask_sample(struct asker *a, ask_fn *ask, size_t sample)
{
	const struct walk_log *w = a->task->walks;
	size_t first = sample ? a->cuts[sample - 1] : 0, at = start_of(w, first), n = 0;

	for (size_t walk = first; walk < a->cuts[sample]; walk++) {
		ask(a, w->pcs + at, w->ends[walk] - at);
		n += w->ends[walk] - at;
		at = w->ends[walk];
	}
	return n;
}

struct walking {
	struct asker *a;
	ask_fn *ask;
};

static double time_sample(void *of, size_t i)
{
	const struct walking *w = of;
	uint64_t start = clock_ns();
	size_t lookups = ask_sample(w->a, w->ask, i % w->a->ncuts);

	return (double)(clock_ns() - start) / (double)lookups;
}

static struct maps_spread time_walks(struct asker *a, ask_fn *ask, struct probe *probe,
				     double *samples, size_t n)
{
	struct walking w = { a, ask };

	if (!a->ncuts)
		return maps_spread_missing("the walks have too few lookups for a sample");
	for (size_t i = 0; n && i < a->ncuts; i++)
		ask_sample(a, ask, i);
	maps_take(probe, time_sample, &w, samples, n);
	return maps_spread_of("clock", samples, n);
}

static int time_both(struct asker *a, struct maps_walks *out)
{
	size_t least = a->task->samples, n = least && least < a->ncuts ? a->ncuts : least;
	double *samples = malloc((n + 1) * sizeof(*samples));
	struct probe probe;

	if (!samples)
		return -ENOMEM;
	if (n)
		probe_begin(&probe, MAPS_PATIENCE_NS);
	out->single = time_walks(a, ask_single, &probe, samples, n);
	out->batched = a->task->ops->lookup_many
			   ? time_walks(a, ask_batched, &probe, samples, n)
			   : maps_spread_missing("the encoder looks up one by one only");
	free(samples);
	return 0;
}

int maps_walks(const struct maps_walks_task *task, struct maps_walks *out,
	       char error[MAPS_BENCH_ERROR])
{
	struct asker a = { .task = task };
	int r = map_encode_functions(task->ops, task->points, task->npoints, task->functions,
				     task->nfunctions, &a.table, NULL);

	if (!r)
		r = map_load(task->ops, &a.table);
	*out = (struct maps_walks){ 0 };
	error[0] = 0;
	if (!r)
		r = cut(&a);
	if (!r)
		r = check(&a, out, error);
	if (!r)
		r = time_both(&a, out);
	if (r && !error[0])
		snprintf(error, MAPS_BENCH_ERROR, "%s: %s", task->ops->name, strerror(-r));
	free(a.cuts);
	free(a.answers);
	free(a.kinds);
	free(a.scratch);
	free(a.table.data);
	return r;
}
