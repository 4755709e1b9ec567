/* comparison.c - gathers both sides of a cell, and tells what changed. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/comparison.h"
#include "base/sort.h"

const char *const change_names[CHANGES] = { "less", "more", "no difference", "not comparable" };

/* The samples of a figure in all runs of a side that have the cell; not those of a replica, which
 * stand with its baseline. */
static int gather(struct side side, const struct cell *cell, struct figure_id id, struct samples *s)
{
	int r = 0;

	*s = (struct samples){ 0 };
	for (size_t i = 0; i < side.n && !r; i++) {
		size_t at = census_find(&side.censuses[i], cell);
		if (at < side.censuses[i].n)
			r = samples_add(&side.censuses[i], at, id, (uint32_t)i, s);
	}
	return r;
}

static const char *missing(const struct samples *s)
{
	return s->why ? s->why : "one side does not have it";
}

/* Whether the figure would come out otherwise if it were taken again:
 * one reading of a clock is constant, too. */
static bool varies(const struct samples *s)
{
	static const char *const meters[] = { "clock", "tsc", "papi", "perf" };

	for (size_t i = 0; i < sizeof meters / sizeof *meters; i++)
		if (s->source && !strcmp(s->source, meters[i]))
			return true;
	return false;
}

/* What can be told of a row alone. */
static void judge_alone(struct comparison *c, const struct samples *a, const struct samples *b)
{
	c->change = CHANGE_UNKNOWN;
	c->chance = c->detectable = c->holm = NAN;
	if (!a->n || !b->n) {
		c->why = missing(a->n ? b : a);
		return;
	}
	double of = a->units[0].samples[0], to = b->units[0].samples[0];
	c->exact = stats_constant(a->units, a->n, of) && stats_constant(b->units, b->n, to) &&
		   (!varies(a) || (a->n >= STATS_FEWEST && b->n >= STATS_FEWEST));
	if (c->exact) {
		c->change = to > of ? CHANGE_MORE : to < of ? CHANGE_LESS : CHANGE_NONE;
		c->detectable = 0;
	} else if (c->ratio.interval) {
		c->change = CHANGE_NONE;
		c->chance = stats_chance(&c->ratio);
	} else {
		c->why = c->ratio.why;
	}
}

static int compare_one(struct side a, struct side b, struct comparison *c)
{
	const struct cell *cell = &c->census->cells[c->cell];
	struct samples sa, sb = { 0 };
	int r;

	if (!(r = gather(a, cell, c->id, &sa)) && !(r = gather(b, cell, c->id, &sb)) &&
	    !(r = stats_ratio_apart(sb.units, sb.n, sa.units, sa.n, &c->ratio))) {
		c->a = stats_middle(sa.units, sa.n);
		c->b = stats_middle(sb.units, sb.n);
		c->unit = sa.unit ? sa.unit : sb.unit;
		judge_alone(c, &sa, &sb);
		if (!sa.n && !sb.n)
			c->id.phase = NULL; /* of another family: no row */
	}
	samples_free(&sa);
	samples_free(&sb);
	return r;
}

/* What can be told of all rows together. */
int comparisons_judge(struct comparisons *all)
{
	double *chances = calloc(2 * all->n + 1, sizeof *chances), *holm = chances + all->n;
	size_t family = 0, left = 0;
	int r = chances ? 0 : -ENOMEM;

	for (size_t i = 0; i < all->n && !r; i++) {
		chances[i] = stats_chance_by_blocks(&all->rows[i].ratio);
		chances[i] = isnan(all->rows[i].chance) ? NAN : chances[i];
		family += !isnan(chances[i]);
	}
	if (!r)
		r = stats_holm(chances, all->n, holm);
	for (size_t i = 0; i < all->n && !r; i++) {
		struct comparison *c = &all->rows[i];
		c->holm = holm[i];
		if (holm[i] <= 0.05 && stats_differs(&c->ratio))
			c->change = c->ratio.value > 1 ? CHANGE_MORE : CHANGE_LESS;
		if (!isnan(c->chance))
			c->detectable = stats_detectable(&c->ratio, 0.05 / (double)family);
		all->counts[c->change]++;
		if (c->change == CHANGE_NONE && !c->exact)
			chances[left++] = c->detectable;
	}
	all->found = NAN;
	if (left) {
		sort_doubles(chances, left);
		all->found = chances[(left - 1) / 2];
	}
	free(chances);
	return r;
}

struct comparison *comparisons_add(struct comparisons *all)
{
	if (!(all->n & (all->n - 1))) { /* full at each power of two */
		struct comparison *rows =
		    realloc(all->rows, (all->n ? all->n * 2 : 1) * sizeof *rows);
		if (!rows)
			return NULL;
		all->rows = rows;
	}
	all->rows[all->n] = (struct comparison){ .a = NAN, .b = NAN };
	return &all->rows[all->n++];
}

static int add_row(struct side a, struct side b, const struct census *census, size_t cell,
		   struct figure_id id, struct comparisons *all)
{
	struct comparison *c = comparisons_add(all);
	int r;

	if (!c)
		return -ENOMEM;
	c->census = census;
	c->cell = cell;
	c->id = id;
	r = compare_one(a, b, c);
	all->n -= r || !c->id.phase;
	return r;
}

static bool has_cell(struct side side, size_t first, const struct cell *cell)
{
	for (size_t i = first; i < side.n; i++)
		if (census_find(&side.censuses[i], cell) < side.censuses[i].n)
			return true;
	return false;
}

/* Cells of one side that the other lacks, each once. */
static size_t count_only(struct side a, struct side b)
{
	size_t n = 0;

	for (size_t i = 0; i < a.n; i++)
		for (size_t k = 0; k < a.censuses[i].n; k++) {
			const struct cell *cell = &a.censuses[i].cells[k];
			n += !cell->replica && !has_cell(a, i + 1, cell) && !has_cell(b, 0, cell);
		}
	return n;
}

/* What a record says of the machine meanwhile, or of the counters: no result of a program. */
static bool is_remark(struct figure_id id)
{
	static const char *const events[] = { "probe", "samples_repeated", "samples_shared",
					      "samples_not_counted" };

	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		if (!strcmp(id.event, events[i]))
			return true;
	return false;
}

/* Adds the figures that a side has of a cell, each once; returns how many there are then. */
static size_t list_figures(struct side side, const struct cell *cell, struct figure_id *ids,
			   size_t n)
{
	struct figure_id found[ROW_FIGURES];

	for (size_t i = 0; i < side.n; i++) {
		size_t at = census_find(&side.censuses[i], cell);
		size_t more =
		    at < side.censuses[i].n ? figures_of_cell(&side.censuses[i], at, found) : 0;
		for (size_t k = 0, j; k < more; k++) {
			for (j = 0; j < n && (strcmp(ids[j].phase, found[k].phase) ||
					      strcmp(ids[j].event, found[k].event));
			     j++)
				;
			ids[n] = found[k];
			n += j == n && !is_remark(found[k]);
		}
	}
	return n;
}

static int compare_cell(struct side a, struct side b, const struct census *census, size_t cell,
			const struct figure_id *wanted, size_t nwanted, struct comparisons *all)
{
	struct figure_id *found = NULL;
	int r = 0;

	if (!wanted) {
		if (!(found = malloc((a.n + b.n) * ROW_FIGURES * sizeof *found)))
			return -ENOMEM;
		nwanted = list_figures(a, &census->cells[cell], found, 0);
		nwanted = list_figures(b, &census->cells[cell], found, nwanted);
		wanted = found;
	}
	for (size_t i = 0; i < nwanted && !r; i++)
		r = add_row(a, b, census, cell, wanted[i], all);
	free(found);
	return r;
}

int comparisons_make(struct side a, struct side b, const struct figure_id *wanted, size_t nwanted,
		     struct comparisons *all)
{
	int r = 0;

	*all = (struct comparisons){ .only_a = count_only(a, b), .only_b = count_only(b, a) };
	for (size_t i = 0; i < a.n; i++)
		for (size_t k = 0; k < a.censuses[i].n && !r; k++) {
			const struct cell *cell = &a.censuses[i].cells[k];
			/* several runs: the last run that has a cell decides its place */
			if (cell->replica || has_cell(a, i + 1, cell) || !has_cell(b, 0, cell))
				continue;
			all->cells++;
			r = compare_cell(a, b, &a.censuses[i], k, wanted, nwanted, all);
		}
	if (!r)
		r = comparisons_judge(all);
	if (r)
		comparisons_free(all);
	return r;
}

void comparisons_free(struct comparisons *all)
{
	free(all->rows);
	*all = (struct comparisons){ 0 };
}

bool comparison_exceeds(const struct comparison *c, double share)
{
	if (c->change != CHANGE_MORE)
		return false;
	return c->exact ? c->b > c->a * (1 + share) : c->ratio.low > 1 + share;
}
