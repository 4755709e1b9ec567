/* doctor.c - stubmap doctor: prints the machine's settings, and each meter with its source or why
 * it is missing. It changes nothing. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "meters/counters.h"
#include "meters/fingerprint.h"
#include "meters/memory.h"
#include "meters/policies.h"
#include "meters/provenance.h"
#include "cli/options.h"
#include "base/say.h"
#include "base/table.h"
#include "base/tidy.h"
#include "meters/valgrind.h"

static const struct option_help help = {
	.usage = "doctor [--json]",
	.summary =
	    "Shows which settings spoil a measurement, and what to do about each: ok, warn\n"
	    "(recorded with a run), refuse (no sweep begins; the exit status is 1); which W^X\n"
	    "policies work; what can be measured here, and why the rest can't.",
	.min_words = 0,
	.max_words = 0,
};

/* Appends a name to a list with commas. */
static void append(char *list, size_t size, const char *name)
{
	size_t n = strlen(list);

	if (n < size)
		snprintf(list + n, size - n, "%s%s", n ? ", " : "", name);
}

/* The remedies, each once, on a line that can be copied. */
static void print_remedies(const struct env_check *checks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *remedy = checks[i].remedy;
		char names[104] = "";
		bool said = !remedy;

		for (size_t k = 0; k < i && !said; k++)
			said = checks[k].remedy && !strcmp(checks[k].remedy, remedy);
		for (size_t k = i; k < n && !said; k++)
			if (checks[k].remedy && !strcmp(checks[k].remedy, remedy))
				append(names, 100, checks[k].name);
		strcat(names, ": ");
		if (!said)
			table_wrapf(stdout, names, "%s", remedy);
	}
}

/* Names the good settings in one line; then each bad one, with why it matters and what to do. */
static int print_checks(const struct env_check *checks, size_t n)
{
	static const char *const headers[] = { "setting", "state", "", "why it matters" };
	char well[ENV_MAX_CHECKS * 80] = "", one[100];
	bool warned = false;
	struct table t;
	int r;

	table_begin(&t, headers, "llll");
	for (size_t i = 0; i < n; i++) {
		if (checks[i].level == ENV_OK) {
			snprintf(one, sizeof one, "%s %s", checks[i].name, checks[i].state);
			append(well, sizeof well, one);
			continue;
		}
		warned = true;
		table_row(&t);
		table_cell(&t, "%s", checks[i].name);
		table_cell(&t, "%s", checks[i].state);
		table_cell(&t, "%s", env_level_names[checks[i].level]);
		table_tint(&t, checks[i].level == ENV_REFUSE ? TINT_BAD : TINT_OPEN);
		table_cell(&t, "%s", checks[i].advice);
	}
	if (*well)
		table_wrapf(stdout, "ok: ", "%s", well);
	r = table_end(&t, warned ? stdout : NULL);
	if (warned)
		puts("what to do:");
	print_remedies(checks, n);
	return r;
}

/* Prints {size: 32768, ways: 8, ...} as "32 KiB, 8 ways". */
static void print_cache(const char *name, const json_t *cache)
{
	if (json_is_object(cache))
		printf("%s %lld KiB, %lld ways; ", name,
		       (long long)json_integer_value(json_object_get(cache, "size")) / 1024,
		       (long long)json_integer_value(json_object_get(cache, "ways")));
	else
		printf("%s not known; ", name);
}

static void print_machine(const json_t *machine)
{
	char line[PROVENANCE];
	const char *cpu = json_string_value(json_object_get(machine, "cpu_model"));
	const char *kernel = json_string_value(json_object_get(machine, "kernel"));

	table_wrapf(stdout, "", "%s, kernel %s", cpu ? cpu : "CPU not known",
		    kernel ? kernel : "not known");
	print_cache("L1I", json_object_get(machine, "l1i"));
	print_cache("L1D", json_object_get(machine, "l1d"));
	print_cache("L2", json_object_get(machine, "l2"));
	printf("%lld CPUs\n", (long long)json_integer_value(json_object_get(machine, "cores")));
	table_wrapf(stdout, "program: ", "%s", provenance_name(machine, line));
	if (provenance_differs(machine, line))
		table_wrapf(stdout, "         ", "%s", line);
	putchar('\n');
}

static json_t *checks_to_json(const struct env_check *checks, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(
		    list, json_pack("{s:s, s:s, s:s, s:s?, s:s?}", "name", checks[i].name, "state",
				    checks[i].state, "level", env_level_names[checks[i].level],
				    "why", checks[i].advice, "do", checks[i].remedy));
	return list;
}

static json_t *clocks_to_json(const struct probe_cost *cost)
{
	return json_pack("[{s:s, s:s, s:I}, {s:s, s:s, s:I}]", "source", "clock", "meaning",
			 "CLOCK_MONOTONIC, ns", "probe", (json_int_t)cost->clock_ns, "source",
			 "tsc", "meaning", "time-stamp counter, its own ticks", "probe",
			 (json_int_t)cost->tsc_ticks);
}

/* Valgrind, the means without a counter: source "model", and "callgrind" for lookups. */
struct tracer {
	char version[64], why[VALGRIND_ERROR];
	bool here;
};

static void print_tracer(const struct tracer *t)
{
	if (t->here)
		table_wrapf(stdout, "model: ",
			    "misses of caches, TLBs, BTBs, by %s (stubmap model); callgrind: "
			    "lookups",
			    t->version);
	else
		table_wrapf(stdout, "model, callgrind: ", "%s", t->why);
}

static json_t *tracer_to_json(const struct tracer *t)
{
	return json_pack("{s:[s, s], s:s?, s:s?}", "sources", "model", "callgrind", "tool",
			 t->here ? t->version : NULL, "why", t->here ? NULL : t->why);
}

static int print_policies(const struct policy_answer answers[CODE_WX_POLICIES])
{
	static const char *const headers[] = { "wx",	  "here",  "mdwe",
					       "execmem", "memfd", "quanta of 2M" };
	struct table t;

	table_wrapf(stdout, "",
		    "executable memory, tried in child processes: here, after prctl(PR_SET_MDWE), "
		    "as under SELinux without execmem, without memfd_create, in quanta of 2 MiB");
	table_begin(&t, headers, "llllll");
	for (int wx = 0; wx < CODE_WX_POLICIES; wx++) {
		table_row(&t);
		table_cell(&t, "%s", code_wx_names[wx]);
		for (int h = 0; h < POLICY_HARDENINGS; h++)
			table_cell(&t, "%s", answers[wx].under[h]);
		if (answers[wx].large)
			table_cell(&t, "%s", answers[wx].large);
	}
	return table_end(&t, stdout);
}

static json_t *policies_to_json(const struct policy_answer answers[CODE_WX_POLICIES])
{
	json_t *list = json_array();

	for (int wx = 0; wx < CODE_WX_POLICIES; wx++) {
		json_t *row =
		    json_pack("{s:s, s:s?}", "wx", code_wx_names[wx], "large", answers[wx].large);

		for (int h = 0; h < POLICY_HARDENINGS; h++)
			json_object_set_new(row, policy_hardening_names[h],
					    json_string(answers[wx].under[h]));
		json_array_append_new(list, row);
	}
	return list;
}

static int print_json(json_t *machine, const struct env_check *checks, size_t n,
		      const struct counters_survey *survey, const char *error,
		      const struct probe_cost *cost, const struct tracer *tracer,
		      const struct policy_answer policies[CODE_WX_POLICIES])
{
	json_t *all =
	    json_pack("{s:O, s:o, s:o, s:o, s:o, s:o, s:s?}", "machine", machine, "checks",
		      checks_to_json(checks, n), "policies", policies_to_json(policies), "clocks",
		      clocks_to_json(cost), "tracer", tracer_to_json(tracer), "counters",
		      error ? json_null() : counters_survey_to_json(survey), "counters_why", error);
	int r = tidy_json(stdout, all, JSON_COMPACT);

	json_decref(all);
	return r;
}

int cmd_doctor(int argc, char **argv)
{
	bool json = false;
	const struct option_spec specs[] = {
		{ "json", 0, OPTION_FLAG, NULL, "one object", &json, 0, 0 },
	};
	struct env_check checks[ENV_MAX_CHECKS];
	struct counters_survey *survey;
	char error[COUNTERS_ERROR];
	struct probe_cost cost;
	struct tracer tracer;
	struct policy_answer policies[CODE_WX_POLICIES];
	json_t *machine;
	size_t n;
	int first, r, missing, worst = ENV_OK;

	if ((r = options_parse(argc, argv, &help, specs, 1, &first)))
		return r < 0 ? 2 : 0;
	survey = calloc(1, sizeof *survey);
	machine = env_machine();
	if (!machine || !survey) {
		say_line("stubmap doctor", "out of memory");
		free(survey);
		json_decref(machine);
		return 1;
	}
	n = env_checks(machine, checks);
	policies_try(policies);
	cost = meters_probe_cost();
	missing = counters_survey(survey, NULL, error);
	tracer.here = !valgrind_version(tracer.version, tracer.why);
	if (json) {
		r = print_json(machine, checks, n, survey, missing ? error : NULL, &cost, &tracer,
			       policies);
	} else {
		print_machine(machine);
		r = print_checks(checks, n);
		putchar('\n');
		r |= print_policies(policies);
		printf("\nclock: a bracket shows %llu ns; tsc: %llu ticks; kernel: smaps, rusage\n",
		       (unsigned long long)cost.clock_ns, (unsigned long long)cost.tsc_ticks);
		print_tracer(&tracer);
		putchar('\n');
		if (missing)
			table_wrapf(stdout, "counters: none: ", "%s", error);
		else
			counters_survey_print(stdout, survey);
	}
	for (size_t i = 0; i < n; i++)
		worst = (int)checks[i].level > worst ? (int)checks[i].level : worst;
	json_decref(machine);
	free(survey);
	return r || worst == ENV_REFUSE ? 1 : 0;
}
