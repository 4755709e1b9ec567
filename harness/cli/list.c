/* list.c - stubmap list: the names that can be asked for, with one line on each. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <stubmap/map.h>
#include <stubmap/stub.h>

#include "workloads/gc.h"
#include "workloads/wasm.h"
#include "workloads/workload.h"
#include "cli/commands.h"
#include "meters/events.h"
#include "runs/figures.h"
#include "model/machines.h"
#include "peers/peers.h"
#include "cli/options.h"
#include "base/say.h"
#include "base/suggest.h"
#include "base/table.h"
#include "base/tidy.h"

static const struct option_help help = {
	.usage = "list [stubs|peers|maps|workloads|meters|machines|figures] [--json]",
	.summary =
	    "Lists stub allocators, those of libraries (`stubmap peers`), stack-map encoders,\n"
	    "workloads, meters, machines that can be modelled, and the figures of a run with\n"
	    "their units.",
	.min_words = 0,
	.max_words = 1,
};

struct item {
	const char *name, *summary, *mark; /* mark: NULL, or a warning */
	char label[64], unit[64];	   /* a figure's name and unit, else "" */
};

/* Each fills *item for the i-th thing, or returns false past the last. */
static bool stub_item(size_t i, struct item *item)
{
	const struct stub_ops *s = stub_strategies[i];

	if (s)
		*item = (struct item){ .name = s->name, .summary = s->summary };
	return s != NULL;
}

static bool peer_item(size_t i, struct item *item)
{
	const struct peer_row *r = &peer_rows[i];

	if (r->name)
		*item = (struct item){ .name = r->name, .summary = r->summary };
	return r->name != NULL;
}

static bool map_item(size_t i, struct item *item)
{
	const struct map_ops *m = map_encoders[i];

	if (m)
		*item = (struct item){ .name = m->name,
				       .summary = m->summary,
				       .mark = m->flags & MAP_UNSAFE ? "unsafe" : NULL };
	return m != NULL;
}

static bool workload_item(size_t i, struct item *item)
{
	const struct gc_program *p;
	size_t n = 0;

	while (n < i && workloads[n])
		n++;
	if (workloads[n]) {
		*item =
		    (struct item){ .name = workloads[n]->name, .summary = workloads[n]->summary };
		return true;
	}
	for (i -= n, n = 0; n < i && gc_programs[n]; n++)
		;
	if ((p = gc_programs[n])) {
		*item = (struct item){ .name = p->workload, .summary = p->summary };
		return true;
	}
	for (i -= n, n = 0; n < i && wasm_programs[n]; n++)
		;
	if (wasm_programs[n]) {
		*item = (struct item){ .name = wasm_programs[n]->workload,
				       .summary = wasm_programs[n]->summary };
		return true;
	}
	const struct wasm_program *flood = wasm_programs[i - n];
	if (flood)
		*item = (struct item){ .name = flood->flooded,
				       .summary = "the same program, instantiated many times" };
	return flood != NULL;
}

static bool meter_item(size_t i, struct item *item)
{
	if (i < METERS)
		*item = (struct item){ .name = meters[i].name, .summary = meters[i].meaning };
	return i < METERS;
}

static bool machine_item(size_t i, struct item *item)
{
	if (i < machines_n)
		*item = (struct item){ .name = machines[i].name, .summary = machines[i].core };
	return i < machines_n;
}

static bool figure_item(size_t i, struct item *item)
{
	const struct figure_row *r = &figure_rows[i];
	size_t len = 0;

	if (i >= FIGURES)
		return false;
	*item = (struct item){ .name = item->label, .summary = r->meaning };
	snprintf(item->label, sizeof item->label, "%s/%s", r->id.phase,
		 r->id.event ? r->id.event : "METER");
	for (unsigned u = 0; u < FIGURE_UNITS; u++)
		if (r->units >> u & 1)
			len += (size_t)snprintf(item->unit + len, sizeof item->unit - len, "%s%s",
						len ? " or " : "", figure_unit_names[u]);
	return true;
}

static const struct {
	const char *name;
	bool (*item)(size_t i, struct item *item);
	int width; /* of a name */
} lists[] = {
	{ "stubs", stub_item, 22 },	{ "peers", peer_item, 22 },
	{ "maps", map_item, 22 },	{ "workloads", workload_item, 22 },
	{ "meters", meter_item, 22 },	{ "machines", machine_item, 22 },
	{ "figures", figure_item, 26 },
};
enum { NLISTS = sizeof lists / sizeof *lists };

static void print_list(size_t which, bool json)
{
	struct item item;
	char name[64];

	if (!json)
		printf("%s\n", lists[which].name);
	for (size_t i = 0; lists[which].item(i, &item); i++) {
		if (!json) {
			snprintf(name, sizeof name, "  %-*s ", lists[which].width, item.name);
			table_wrapf(stdout, name, "%s%s%s%s%s%s%s", item.summary,
				    item.mark ? " (" : "", item.mark ? item.mark : "",
				    item.mark ? ")" : "", *item.unit ? " (per " : "", item.unit,
				    *item.unit ? ")" : "");
			continue;
		}
		json_t *row = json_pack("{s:s, s:s, s:s, s:s?, s:s*}", "list", lists[which].name,
					"name", item.name, "summary", item.summary, "mark",
					item.mark, "unit", *item.unit ? item.unit : NULL);
		tidy_json(stdout, row, JSON_COMPACT);
		json_decref(row);
	}
}

int cmd_list(int argc, char **argv)
{
	const char *names[NLISTS];
	bool json = false, found = false;
	const struct option_spec specs[] = {
		{ "json", 0, OPTION_FLAG, NULL, "one object a line", &json, 0, 0 },
	};
	char error[200];
	int first, r;

	if ((r = options_parse(argc, argv, &help, specs, 1, &first)))
		return r < 0 ? 2 : 0;
	for (size_t i = 0; i < NLISTS; i++) {
		names[i] = lists[i].name;
		if (first < argc && strcmp(names[i], argv[first]))
			continue;
		if (found && !json)
			putchar('\n');
		print_list(i, json);
		found = true;
	}
	if (!found) {
		suggest_refuse(error, sizeof error, "list", argv[first], names, NLISTS);
		say_line("stubmap list", "%s", error);
	}
	return found ? 0 : 2;
}
