/* views.c - the tables' columns. */
#include <string.h>

#include "analysis/views.h"

/* Views of cells that make calls, of programs on the collected heap, of live wasm programs, of
 * lives. */
static const struct view calls = {
	.align = "lrrrrrrrr",
	.headers = { "arm", "ns/call", "95 %", "ratio", "95 %", "ns/bind", "ns/1st", "B/stub",
		     "quanta" },
	.columns = { { FIGURE_ID(steady, ns), 1 },
		     { FIGURE_ID(bind, ns), 1 },
		     { FIGURE_ID(first_call, ns), 1 },
		     { FIGURE_ID(space, pss), 1 },
		     { FIGURE_ID(space, quanta), 1 } },
	.n = 5,
	.legend =
	    "  ns/bind: to make a stub; ns/1st: its first call; B/stub: PSS of code and literals;\n"
	    "  quanta: of one stub\n",
	.what = "calls",
	.when = "",
};

static const struct view gc = {
	.align = "lrrrrrrrrr",
	.headers = { "arm", "ns/lookup", "95 %", "ratio", "95 %", "ns/walk", "us/gc", "share %",
		     "map B", "% of text" },
	.columns = { { FIGURE_ID(collect, lookup_ns), 1 },
		     { FIGURE_ID(collect, walk_ns), 1 },
		     { FIGURE_ID(collect, ns), 1e-3 },
		     { FIGURE_ID(collect, lookup_share), 100 },
		     { FIGURE_ID(space, map_bytes), 1 },
		     { FIGURE_ID(space, map_share), 100 } },
	.n = 6,
	.legend = "  lookup, walk: per frame, with a reading of the clock in each collection;\n"
		  "  share: the part of a collection's time that lookups take;\n"
		  "  % of text: bytes of the map to bytes of code\n",
	.what = "lookups",
	.when = "",
};

static const struct view wasm = {
	.align = "lrrrrrrrr",
	.headers = { "arm", "us/run", "95 %", "ratio", "95 %", "us/inst.", "ns/bind", "us/1st",
		     "quanta" },
	.columns = { { FIGURE_ID(run, ns), 1e-3 },
		     { FIGURE_ID(instantiate, ns), 1e-3 },
		     { FIGURE_ID(bind, ns), 1 },
		     { FIGURE_ID(first_call, ns), 1e-3 },
		     { FIGURE_ID(space, quanta), 1 } },
	.n = 5,
	.legend = "  us/inst.: to instantiate, its stubs bound; quanta: of one stub\n",
	.what = "runs",
	.when = "",
};

static const struct view tierup = {
	.align = "lrrrrrrrr",
	.headers = { "arm", "ns/upgr.", "95 %", "ratio", "95 %", "1 by 1", "stall us", "floor us",
		     "peak B" },
	.columns = { { FIGURE_ID(upgrade, ns), 1 },
		     { FIGURE_ID(upgrade, one_ns), 1 },
		     { FIGURE_ID(upgrade, stall_on_cpu), 1e-3 },
		     { FIGURE_ID(floor, stall_on_cpu), 1e-3 },
		     { FIGURE_ID(upgrade, committed), 1 } },
	.n = 5,
	.legend =
	    "  ns/upgr.: of a stub, in bulk; stall: the longest time between two calls of a "
	    "thread that\n  stayed on its CPU; floor: in as many rounds without upgrades; peak "
	    "B: of a stub, the\n  quanta held before reclaim, with old ones; more threads than "
	    "CPUs take turns\n",
	.what = "upgrades",
	.when = "",
};

static const struct view flood = {
	.align = "lrrrrrrr",
	.headers = { "arm", "us to call", "95 %", "ratio", "95 %", "us ready", "B/inst.",
		     "ns/call" },
	.columns = { { FIGURE_ID(instantiate, to_call), 1e-3 },
		     { FIGURE_ID(instantiate, ready), 1e-3 },
		     { FIGURE_ID(space, bytes), 1 },
		     { FIGURE_ID(steady, ns), 1 } },
	.n = 4,
	.legend =
	    "  to call: of an instance, its stubs bound and the first call made; ready: until "
	    "all stubs of\n  all instances exist; B/inst.: pages as the kernel counts them, of "
	    "stubs and literals\n",
	.what = "instances",
	.when = " to their first call",
};

static const struct view churn = {
	.align = "lrrrrrrrrr",
	.headers = { "arm", "ns/bind", "95 %", "ratio", "95 %", "ns/release", "held/used", "peak B",
		     "after B", "ns/call" },
	.columns = { { FIGURE_ID(bind, ns), 1 },
		     { FIGURE_ID(release, ns), 1 },
		     { FIGURE_ID(churn, fragmentation), 1 },
		     { FIGURE_ID(churn, held_peak), 1 },
		     { FIGURE_ID(churn, held_after), 1 },
		     { FIGURE_ID(churn, call_ns), 1 } },
	.n = 6,
	.legend =
	    "  held: bytes of quanta that the strategy holds; used: bytes of live stubs;\n"
	    "  after: bytes held when all instances are dead; a deferred stub is made by its\n"
	    "  first call\n",
	.what = "stubs",
	.when = " to be made",
};

const struct view *const views[] = { &calls, &gc, &wasm, &tierup, &flood, &churn, NULL };
_Static_assert(sizeof views / sizeof *views <= VIEWS_MAX + 1, "VIEWS_MAX");

const struct view *view_of(const struct cell *cell)
{
	static const struct view *const of_family[FAMILIES] = {
#define ROW(id, name, life, keys, traced, measure, no_snapshot, view) [FAMILY_##id] = &(view),
		FAMILY_ROWS(ROW)
#undef ROW
	};

	return of_family[cell->family];
}

const struct figure_id policy_figures[] = {
	FIGURE_ID(cold, ns),	     FIGURE_ID(cold, regret),
	FIGURE_ID(cold, made),	     FIGURE_ID(cold, used),
	FIGURE_ID(cold, committed),  FIGURE_ID(cold, used_literals),
	FIGURE_ID(cold, syscalls),   FIGURE_ID(cold, instantiate_ns),
	FIGURE_ID(cold, bound_ns),   FIGURE_ID(cold, bound_made),
	FIGURE_ID(cold, cost_batch), FIGURE_ID(cold, cost_make),
	FIGURE_ID(cold, cost_call),  FIGURE_ID(cold, cost_generic),
	FIGURE_ID(cold, oracle),
};
const size_t policy_nfigures = sizeof policy_figures / sizeof *policy_figures;

const struct figure_id peer_figures[] = {
	FIGURE_ID(steady, ns),	      FIGURE_ID(bind, ns),	FIGURE_ID(space, grown),
	FIGURE_ID(space, grown_code), FIGURE_ID(space, stride), FIGURE_ID(space, grown_mappings),
};
const size_t peer_nfigures = sizeof peer_figures / sizeof *peer_figures;

static size_t add(struct figure_id *ids, size_t n, struct figure_id id)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(ids[i].phase, id.phase) && !strcmp(ids[i].event, id.event))
			return n;
	ids[n] = id;
	return n + 1;
}

size_t views_figures(struct figure_id ids[VIEWS_FIGURES])
{
	size_t n = 0;

	for (size_t v = 0; views[v]; v++)
		for (size_t k = 0; k < views[v]->n; k++)
			n = add(ids, n, views[v]->columns[k].id);
	for (size_t k = 0; k < policy_nfigures; k++)
		n = add(ids, n, policy_figures[k]);
	for (size_t k = 0; k < peer_nfigures; k++)
		n = add(ids, n, peer_figures[k]);
	return n;
}
