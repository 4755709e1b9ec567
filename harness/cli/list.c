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
#include "model/machines.h"
#include "cli/options.h"
#include "base/say.h"
#include "base/suggest.h"
#include "base/table.h"

static const struct option_help help = {
	.usage = "list [stubs|maps|workloads|meters|machines] [--json]",
	.summary =
	    "What there is: stub allocators, stack-map encoders, workloads, meters, and machines\n"
	    "that can be modelled.",
	.min_words = 0,
	.max_words = 1,
};

struct item {
	const char *name, *summary, *mark; /* mark: NULL, or what to beware of */
};

/* Each fills *item for the i-th thing, or returns false past the last. */
static bool stub_item(size_t i, struct item *item)
{
	const struct stub_ops *s = stub_strategies[i];

	if (s)
		*item = (struct item){ s->name, s->summary, NULL };
	return s != NULL;
}

static bool map_item(size_t i, struct item *item)
{
	const struct map_ops *m = map_encoders[i];

	if (m)
		*item =
		    (struct item){ m->name, m->summary, m->flags & MAP_UNSAFE ? "unsafe" : NULL };
	return m != NULL;
}

static bool workload_item(size_t i, struct item *item)
{
	const struct gc_program *p;
	size_t n = 0;

	while (n < i && workloads[n])
		n++;
	if (workloads[n]) {
		*item = (struct item){ workloads[n]->name, workloads[n]->summary, NULL };
		return true;
	}
	for (i -= n, n = 0; n < i && gc_programs[n]; n++)
		;
	if ((p = gc_programs[n])) {
		*item = (struct item){ p->workload, p->summary, NULL };
		return true;
	}
	for (i -= n, n = 0; n < i && wasm_programs[n]; n++)
		;
	if (wasm_programs[n]) {
		*item =
		    (struct item){ wasm_programs[n]->workload, wasm_programs[n]->summary, NULL };
		return true;
	}
	const struct wasm_program *flood = wasm_programs[i - n];
	if (flood)
		*item = (struct item){ flood->flooded, "the same program, instantiated many times",
				       NULL };
	return flood != NULL;
}

static bool meter_item(size_t i, struct item *item)
{
	if (i < METERS)
		*item = (struct item){ meters[i].name, meters[i].meaning, NULL };
	return i < METERS;
}

static bool machine_item(size_t i, struct item *item)
{
	if (i < machines_n)
		*item = (struct item){ machines[i].name, machines[i].core, NULL };
	return i < machines_n;
}

static const struct {
	const char *name;
	bool (*item)(size_t i, struct item *item);
} lists[] = {
	{ "stubs", stub_item },	  { "maps", map_item },		{ "workloads", workload_item },
	{ "meters", meter_item }, { "machines", machine_item },
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
			snprintf(name, sizeof name, "  %-22s ", item.name);
			table_wrapf(stdout, name, "%s%s%s%s", item.summary, item.mark ? " (" : "",
				    item.mark ? item.mark : "", item.mark ? ")" : "");
			continue;
		}
		json_t *row = json_pack("{s:s, s:s, s:s, s:s?}", "list", lists[which].name, "name",
					item.name, "summary", item.summary, "mark", item.mark);
		json_dumpf(row, stdout, JSON_COMPACT);
		putchar('\n');
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
