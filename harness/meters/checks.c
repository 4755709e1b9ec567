/* checks.c - which of the machine's settings spoil a measurement, and how badly. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "meters/fingerprint.h"
#include "meters/probe.h"

const char *const env_level_names[ENV_LEVELS] = { "ok", "warn", "refuse" };

/* A fact as a person reads it. */
static void show(const json_t *v, char out[64])
{
	if (json_is_string(v))
		snprintf(out, 64, "%.60s", json_string_value(v));
	else if (json_is_integer(v))
		snprintf(out, 64, "%lld", (long long)json_integer_value(v));
	else
		snprintf(out, 64, "%s",
			 json_is_true(v)    ? "on"
			 : json_is_false(v) ? "off"
					    : "not known");
}

static enum env_level governor(const json_t *v)
{
	const char *s = json_string_value(v);

	return s && !strcmp(s, "performance") ? ENV_OK : ENV_WARN;
}

static enum env_level should_be_off(const json_t *v)
{
	return json_is_false(v) || (json_is_integer(v) && !json_integer_value(v)) ? ENV_OK
										  : ENV_WARN;
}

static enum env_level aslr(const json_t *v)
{
	return json_integer_value(v) == 2 ? ENV_OK : ENV_WARN;
}

static enum env_level thp(const json_t *v)
{
	const char *s = json_string_value(v);

	return s && strcmp(s, "always") ? ENV_OK : ENV_WARN;
}

static enum env_level build(const json_t *v)
{
	const char *s = json_string_value(v);

	return s && !strcmp(s, "optimised") ? ENV_OK : ENV_WARN;
}

#define INTEL_TURBO  "/sys/devices/system/cpu/intel_pstate/no_turbo"
#define FROM_OUTSIDE "not from here: the host, the firmware or a driver decides"

static const struct check_row {
	const char *name, *fact;
	enum env_level (*judge)(const json_t *);
	const char *advice;
	const char *remedy;	 /* where the fact is known */
	const char *file, *with; /* the remedy where this file is; NULL: there is only one */
} rows[] = {
	{ "governor", "governor", governor, "clock may change within a run; 'performance' keeps it",
	  "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor", NULL,
	  NULL },
	{ "turbo", "turbo", should_be_off, "clock may depend on heat and neighbours",
	  "echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost", INTEL_TURBO,
	  "echo 1 | sudo tee " INTEL_TURBO },
	{ "smt", "smt", should_be_off, "a sibling thread shares caches and issue slots",
	  "echo off | sudo tee /sys/devices/system/cpu/smt/control", NULL, NULL },
	{ "aslr", "aslr", aslr, "should be 2: layouts must vary between processes",
	  "sudo sysctl kernel.randomize_va_space=2", NULL, NULL },
	{ "thp", "thp", thp, "huge pages hide what a stub's page costs",
	  "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled", NULL, NULL },
	{ "build", "build", build, "the harness itself is slow: its own part of a sample grows",
	  "make, and then build/stubmap", NULL, NULL },
	{ "hypervisor", "hypervisor", should_be_off, "a guest: no PMU most often, stolen time",
	  "on the host: a PMU for the guest (QEMU: -cpu host,pmu=on), and CPUs of its own", NULL,
	  NULL },
};

static const char *remedy_of(const struct check_row *row, const json_t *v)
{
	if (!v || json_is_null(v))
		return FROM_OUTSIDE;
	return row->file && !access(row->file, F_OK) ? row->with : row->remedy;
}

static void check_load(const json_t *machine, const struct env_moment *m, struct env_check *c)
{
	double cores = (double)json_integer_value(json_object_get(machine, "cores"));

	*c = (struct env_check){ .name = "load" };
	snprintf(c->state, sizeof c->state, "%.2f on %.0f CPUs", m->load, cores);
	if (m->load < 0 || m->load > cores / 2) {
		c->level = ENV_WARN;
		c->advice = "others use the CPUs: wait, or expect wide intervals";
		c->remedy = "top -b -n 1 | head -20 shows who they are";
	}
}

static void check_steal(const struct env_moment *m, struct env_check *c)
{
	double share = m->total_ms > 0 ? (double)m->steal_ms / (double)m->total_ms : 0;

	*c = (struct env_check){ .name = "steal" };
	snprintf(c->state, sizeof c->state, "%.2f %% since boot", share * 100);
	if (m->total_ms < 0 || share > 0.005) {
		c->level = ENV_WARN;
		c->advice = "the host takes time away: look at the A/A floor";
		c->remedy =
		    "stubmap run --precision 2% adds blocks until the noise is small enough";
	}
}

/* Looks for a neighbour on this core, for a few milliseconds. */
static void check_core(struct env_check *c)
{
	enum { LOOKS = 200 };
	struct probe p;
	unsigned shared = 0;

	probe_begin(&p, 0);
	for (unsigned i = 0; i < LOOKS; i++) {
		probe_wait(&p);
		shared += p.shared;
	}
	*c = (struct env_check){ .name = "core" };
	snprintf(c->state, sizeof c->state, "shared %.1f %% of the time", shared * 100.0 / LOOKS);
	if (shared > LOOKS / 20) {
		c->level = ENV_WARN;
		c->advice =
		    "something else runs on it, or on its other thread: samples are repeated";
		c->remedy = "stubmap sweep --cpu N pins to a quieter one";
	}
}

/* With this variable libpfm claims counters that the machine does not have. */
static void check_forced_pmu(struct env_check *c)
{
	const char *forced = getenv("LIBPFM_FORCE_PMU");

	*c = (struct env_check){ .name = "forced_pmu" };
	snprintf(c->state, sizeof c->state, "%.60s", forced ? forced : "off");
	if (forced) {
		c->level = ENV_REFUSE;
		c->advice = "LIBPFM_FORCE_PMU makes counters up: unset it";
		c->remedy = "unset LIBPFM_FORCE_PMU";
	}
}

size_t env_checks(const json_t *machine, struct env_check out[ENV_MAX_CHECKS])
{
	struct env_moment m;
	size_t n = 0;

	for (; n < sizeof rows / sizeof *rows; n++) {
		const json_t *v = json_object_get(machine, rows[n].fact);
		out[n] = (struct env_check){ .name = rows[n].name, .level = rows[n].judge(v) };
		out[n].advice = out[n].level == ENV_OK ? NULL : rows[n].advice;
		out[n].remedy = out[n].level == ENV_OK ? NULL : remedy_of(&rows[n], v);
		show(v, out[n].state);
	}
	env_moment(&m);
	check_load(machine, &m, &out[n++]);
	check_steal(&m, &out[n++]);
	check_core(&out[n++]);
	check_forced_pmu(&out[n++]);
	return n;
}
