/* precision.c - the widest ratio of a run, and the time left. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/precision.h"
#include "analysis/views.h"
#include "base/clock.h"

void precision_begin(struct precision *p, double wanted, uint64_t seconds, unsigned least)
{
	*p = (struct precision){ .wanted = wanted,
				 .seconds = seconds,
				 .least = least < STATS_FEWEST ? STATS_FEWEST : least,
				 .widest = -1,
				 .begun_ns = clock_ns(),
				 .block_ns = clock_ns() };
}

/* The half width of a cell's ratio; < 0: it has none. */
static double half_width(const struct census *c, size_t cell)
{
	const struct figure_id id = view_of(&c->cells[cell])->columns[0].id;
	const size_t base = census_find(c, &c->groups[cell]);
	struct samples of = { 0 }, to = { 0 };
	struct estimate e = { 0 };

	if (base == c->n || base == cell || c->cells[cell].replica ||
	    samples_gather(c, cell, id, &of))
		return -1;
	if (!samples_gather(c, base, id, &to) && of.n && to.n)
		stats_ratio(of.units, of.n, to.units, to.n, &e);
	samples_free(&of);
	samples_free(&to);
	return e.interval && e.value > 0 ? (e.high - e.low) / 2 / e.value : -1;
}

static void find_widest(struct precision *p, const struct run *run)
{
	struct census c;

	p->widest = -1;
	if (census_take(run, &c))
		return;
	for (size_t i = 0; i < c.n; i++) {
		double w = half_width(&c, i);

		if (!(w > p->widest))
			continue;
		p->widest = w;
		arm_label(run, &c.cells[i], p->arm, sizeof p->arm);
		group_label(run, &c.cells[i], p->what, sizeof p->what);
	}
	census_free(&c);
}

/* Whether another block as long as the longest would end in time. */
static bool is_over(struct precision *p)
{
	const uint64_t now = clock_ns();

	if (p->done && now - p->block_ns > p->longest_ns)
		p->longest_ns = now - p->block_ns;
	p->block_ns = now;
	return p->seconds && p->done &&
	       now - p->begun_ns + p->longest_ns > p->seconds * UINT64_C(1000000000);
}

bool precision_more(void *arg, const struct run *run, unsigned done)
{
	struct precision *p = arg;

	p->done = done;
	p->over = is_over(p);
	const bool last = p->over || (p->most && done >= p->most);

	if (last || done >= p->least)
		find_widest(p, run);
	if (last)
		return false;
	if (!p->wanted) /* the time alone decides */
		return true;
	/* Where no ratio has an interval (all failed), more blocks give none. */
	return done < p->least || p->widest > p->wanted;
}

const char *precision_line(const struct precision *p, char out[PRECISION_LINE])
{
	int n = snprintf(out, PRECISION_LINE, "%u block%s%s: ", p->done, p->done == 1 ? "" : "s",
			 p->over ? ", the time is over" : "");

	if (p->widest < 0)
		snprintf(out + n, PRECISION_LINE - (size_t)n,
			 "no ratio is known (an interval takes %d blocks)", STATS_FEWEST);
	else
		snprintf(out + n, PRECISION_LINE - (size_t)n,
			 "each ratio is known to %.2g %%%s%s%s%s", p->widest * 100,
			 p->widest > p->wanted ? "; the widest: " : " or better",
			 p->widest > p->wanted ? p->arm : "", p->widest > p->wanted ? " on " : "",
			 p->widest > p->wanted ? p->what : "");
	return out;
}
