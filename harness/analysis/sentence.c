/* sentence.c - counts what each arm's ratios say, and says it. */
#include "analysis/sentence.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/accept.h"
#include "base/table.h"

enum { ARM = 80 };
enum { NAMED = 6 }; /* arms that differ, of which each is named */
#define NOISY 0.10  /* a difference that a table should be able to tell */

/* One arm's ratios in all groups of a view. */
struct tally {
	char arm[ARM];
	size_t groups, less, more;
	double least, greatest;	     /* of the ratios that are differences */
	const struct estimate *only; /* of the first group */
};

struct counted {
	struct tally *arms;
	size_t n, groups, unknown; /* unknown: ratios without an interval */
	bool differs;
	double detectable; /* the greatest of the ratios that are no difference */
	size_t blocks;	   /* that would tell NOISY everywhere */
	char baseline[ARM];
};

static struct tally *arm_of(struct counted *c, const char *name)
{
	size_t i = 0;

	while (i < c->n && strcmp(c->arms[i].arm, name))
		i++;
	if (i == c->n) {
		c->arms[c->n++] = (struct tally){ .least = INFINITY, .greatest = -INFINITY };
		snprintf(c->arms[i].arm, ARM, "%s", name);
	}
	return &c->arms[i];
}

static void count_ratio(struct counted *c, struct tally *t, const struct estimate *ratio)
{
	size_t blocks = stats_blocks(ratio, NOISY);

	t->groups++;
	t->only = t->groups == 1 ? ratio : t->only;
	c->blocks = blocks > c->blocks ? blocks : c->blocks;
	if (!stats_differs(ratio)) {
		c->detectable = fmax(c->detectable, stats_detectable(ratio, 0.05));
		return;
	}
	c->differs = true;
	t->less += ratio->value < 1;
	t->more += ratio->value > 1;
	t->least = fmin(t->least, ratio->value);
	t->greatest = fmax(t->greatest, ratio->value);
}

static void count(const struct rows *rows, const struct view *view, struct counted *c)
{
	const struct census *census = &rows->census;
	const struct cell *group = NULL;
	char name[ARM];

	for (size_t i = 0; i < census->n; i++) {
		const struct cell *cell = &census->cells[i];
		if (view_of(cell) != view || cell->replica)
			continue;
		const struct row *row = rows_find(rows, i, view->columns[0].id);
		if (!group || !cell_equal(group, &census->groups[i])) {
			group = &census->groups[i];
			c->groups++;
			arm_label(census->run, group, name, sizeof name);
			if (c->groups == 1)
				strcpy(c->baseline, name);
		}
		if (row->baseline || !row->ratio.known)
			continue;
		if (row->ratio.interval)
			count_ratio(c, arm_of(c, arm_label(census->run, cell, name, sizeof name)),
				    &row->ratio);
		else
			c->unknown++;
	}
}

static size_t how_many(const struct counted *c, bool (*want)(const struct tally *))
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += want(&c->arms[i]);
	return n;
}

/* "A, B and C": the n arms of which want is true. */
static void put_names(FILE *f, const struct counted *c, bool (*want)(const struct tally *))
{
	size_t n = how_many(c, want), put = 0;

	for (size_t i = 0; i < c->n; i++)
		if (want(&c->arms[i]))
			fprintf(f, "%s%s", !put++ ? "" : put == n ? " and " : ", ", c->arms[i].arm);
}

static bool is_alike(const struct tally *t)
{
	return !t->less && !t->more;
}

/* An arm's ratio in the only group, or in how many groups it is less and more. */
static void put_arm(FILE *f, const struct counted *c, const struct tally *t,
		    const struct view *view, bool first)
{
	char low[40], high[40], value[40];

	fprintf(f, "%s%s's", first ? "" : "; ", t->arm);
	if (first)
		fprintf(f, " %s take", view->what);
	if (c->groups == 1) {
		table_format(t->only->value, value, sizeof value);
		table_format(t->only->low, low, sizeof low);
		table_format(t->only->high, high, sizeof high);
		fprintf(f, " %s (%s to %s)", value, low, high);
		if (first)
			fprintf(f, " of %s's time%s", c->baseline, view->when);
		return;
	}
	if (t->less)
		fprintf(f, " less%s in %zu of %zu groups", first ? " time" : "", t->less,
			t->groups);
	if (t->more)
		fprintf(f, "%s more%s in %zu of %zu", t->less ? "," : "",
			first && !t->less ? " time" : "", t->more, t->groups);
	table_format(t->least, low, sizeof low);
	table_format(t->greatest, high, sizeof high);
	fprintf(f, " (%s", low);
	if (t->greatest > t->least)
		fprintf(f, " to %s", high);
	fprintf(f, " of %s's%s)", c->baseline, first ? view->when : "");
}

static bool is_less(const struct tally *t)
{
	return t->less && !t->more;
}

static bool is_more(const struct tally *t)
{
	return t->more && !t->less;
}

static bool is_both(const struct tally *t)
{
	return t->less && t->more;
}

/* The arm among these with the least ratio, or with the greatest. */
static const struct tally *extreme(const struct counted *c, bool (*want)(const struct tally *),
				   bool greatest)
{
	const struct tally *found = NULL;

	for (size_t i = 0; i < c->n; i++) {
		const struct tally *t = &c->arms[i];

		if (want(t) && (!found || (greatest ? t->greatest > found->greatest
						    : t->least < found->least)))
			found = t;
	}
	return found;
}

/* " 3 take less time to be made (the least: page's stubs, 0.5 of pool's)"; if not the first, ", 12
 * more (the most: page's, 21.2)". Returns whether there is one. */
static bool put_extreme(FILE *f, const struct counted *c, const struct view *view, bool more,
			bool first)
{
	const struct tally *t = extreme(c, more ? is_more : is_less, more);
	const char *how = more ? "more" : "less", *end = more ? "most" : "least";
	const size_t n = how_many(c, more ? is_more : is_less);
	char value[40];

	if (!t)
		return false;
	table_format(more ? t->greatest : t->least, value, sizeof value);
	if (first)
		fprintf(f, " %zu take%s %s time%s (the %s: %s's %s, %s of %s's)", n,
			n == 1 ? "s" : "", how, view->when, end, t->arm, view->what, value,
			c->baseline);
	else
		fprintf(f, ", %zu %s (the %s: %s's, %s)", n, how, end, t->arm, value);
	return true;
}

/* Of many arms: how many, and the least and the greatest ratio. */
static void put_counts(FILE *f, const struct counted *c, const struct view *view)
{
	const size_t both = how_many(c, is_both), alike = how_many(c, is_alike);
	char low[40], high[40];

	fprintf(f, "Where a difference is found, of %zu arms beside %s:", c->n, c->baseline);
	bool first = !put_extreme(f, c, view, false, true);
	first &= !put_extreme(f, c, view, true, first);
	if (both) {
		table_format(extreme(c, is_both, false)->least, low, sizeof low);
		table_format(extreme(c, is_both, true)->greatest, high, sizeof high);
		fprintf(f, "%s %zu %s in some groups and more in others (%s to %s)",
			first ? "" : ",", both, first ? "take less time" : "less", low, high);
	}
	if (alike)
		fprintf(f, "; for %zu none is found", alike);
	fputc('.', f);
}

static void put_differences(FILE *f, const struct counted *c, const struct view *view)
{
	bool first = true, alike = false;

	if (c->n - how_many(c, is_alike) > NAMED) {
		put_counts(f, c, view);
		return;
	}
	for (size_t i = 0; i < c->n; i++) {
		if (is_alike(&c->arms[i])) {
			alike = true;
			continue;
		}
		put_arm(f, c, &c->arms[i], view, first);
		first = false;
	}
	if (alike) {
		fprintf(f, "; no difference from %s is found for ", c->baseline);
		put_names(f, c, is_alike);
	}
	fputc('.', f);
}

static void put_no_difference(FILE *f, const struct rows *rows, const struct counted *c)
{
	struct acceptance a;

	if (c->detectable <= NOISY) {
		fprintf(f,
			"No difference from %s is found; one of %.2g %% would have been, 4 times "
			"in 5.",
			c->baseline, c->detectable * 100);
		return;
	}
	fprintf(f, "No difference from %s can be told: ", c->baseline);
	if (!accept_judge(rows->census.run, &a)) {
		if (!isnan(a.aa))
			fprintf(f, "%s differs from itself by up to %.2g %%, ", c->baseline, a.aa);
		if (!isnan(a.load))
			fprintf(f, "the load is %.1f, ", a.load);
	}
	fprintf(f, "and only one of %.2g %% would have been found, 4 times in 5",
		c->detectable * 100);
	if (c->blocks <= PLAN_MAX_BLOCKS)
		fprintf(f, "; %zu blocks (-b %zu) would find 10 %%", c->blocks, c->blocks);
	fputc('.', f);
}

static int put(FILE *out, const struct rows *rows, const struct counted *c, const struct view *view)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return -ENOMEM;
	if (c->differs)
		put_differences(f, c, view);
	else if (c->n)
		put_no_difference(f, rows, c);
	else
		fprintf(f, "No ratio has an interval: that takes %d blocks.", STATS_FEWEST);
	if (fclose(f)) {
		free(text);
		return -ENOMEM;
	}
	fputc('\n', out);
	table_wrapf(out, "", "%s", text);
	free(text);
	return 0;
}

int sentence_print(FILE *out, const struct rows *rows, const struct view *view)
{
	struct counted c = { .arms = calloc(rows->census.n + 1, sizeof *c.arms) };
	int r = 0;

	if (!c.arms)
		return -ENOMEM;
	count(rows, view, &c);
	if (c.n || c.unknown)
		r = put(out, rows, &c, view);
	free(c.arms);
	return r;
}
