/*
 * counters.c - climbs the ladder, in three passes, because counters disturb each other:
 *
 *      alone     each meter with nothing else open: takes the first means that passes its loop
 *      together  each meter joins the earlier ones; one that no longer counts
 *                waits for another invocation
 *      again     every member of the full groups passes its loop once more
 *
 * Only the loops can tell whether a counter fits: on some guests the sixth counter opens, runs all
 * the time, and stays at zero.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "meters/counters.h"
#include "base/suggest.h"
#include "base/sort.h"

enum { ATTEMPTS = 3, PROBES = 101, SHORTEST_NS = 1000000, PROBE_SHARE = 100 };

static bool has_fault(const struct counters *set, const struct counter *c, unsigned fault)
{
	const char *only = set->options.fault_meter;

	return set->options.faults & fault && (!only || !strcmp(only, c->meter->name));
}

/* Appends one step's reason to the earlier ones. */
__attribute__((format(printf, 2, 3))) static void add_why(struct counter *c, const char *format,
							  ...)
{
	size_t used = strlen(c->why);
	va_list args;

	if (used + 3 > sizeof c->why)
		return;
	if (used)
		used += (size_t)snprintf(c->why + used, sizeof c->why - used, "; ");
	va_start(args, format);
	vsnprintf(c->why + used, sizeof c->why - used, format, args);
	va_end(args);
}

/* ---- Groups ------------------------------------------------------------------------------ */

static bool is_member(const struct counter *c, enum group_kind kind)
{
	return c->source && c->kind == kind;
}

/* Opens the group of a kind again with its present members, and numbers them. */
static int regroup(struct counters *set, enum group_kind kind, char why[GROUP_WHY])
{
	const char *names[METERS];
	size_t n = 0;

	group_close(&set->group[kind]);
	for (size_t i = 0; i < set->n; i++)
		if (is_member(&set->counter[i], kind)) {
			set->counter[i].slot = n;
			names[n++] = set->counter[i].name;
		}
	if (!n)
		return 0;
	if (n > 1 && kind <= GROUP_HARDWARE && set->options.faults & FAULT_CROWDED) {
		snprintf(why, GROUP_WHY, "one event at a time");
		return -EINVAL;
	}
	return group_open(&set->group[kind], kind, names, n, NULL, why);
}

/* The difference of two readings, for one counter. -EAGAIN: not counted all the time. */
static int difference(const struct counters *set, const struct counter *c,
		      const struct group_reading *from, const struct group_reading *to,
		      uint64_t *value)
{
	uint64_t enabled = to->enabled - from->enabled, running = to->running - from->running;

	if (enabled != running || set->options.faults & FAULT_SHARED)
		return -EAGAIN;
	*value = has_fault(set, c, FAULT_ZERO) ? 0 : to->value[c->slot] - from->value[c->slot];
	return 0;
}

/* ---- Proof ------------------------------------------------------------------------------- */

/* Runs the meter's loop once under the group. 0 with *value, or -errno. */
static int count_loop(const struct counters *set, const struct counter *c,
		      const struct counter_group *group, struct loop *loop, uint64_t *value)
{
	struct group_reading from, to;
	int rc;

	rc = group_read(group, &from);
	if (rc)
		return rc;
	loop_run(loop);
	rc = group_read(group, &to);
	return rc ? rc : difference(set, c, &from, &to, value);
}

static int judge(struct counter *c, const struct loop *loop, uint64_t value, char why[GROUP_WHY])
{
	const struct meter *m = c->meter;

	if (m->loop == LOOP_NONE) {
		c->proof = PROOF_READS;
		return 0;
	}
	c->ratio = (double)value / (double)loop->occasions;
	if (c->ratio >= m->low && c->ratio <= m->high) {
		c->proof = PROOF_COUNTED;
		return 0;
	}
	if (!value)
		snprintf(why, GROUP_WHY, "%s: stays at 0 over a loop of %llu occasions", c->name,
			 (unsigned long long)loop->occasions);
	else
		snprintf(why, GROUP_WHY, "%s: a known loop gave %.3g an occasion, not %g to %g",
			 c->name, c->ratio, m->low, m->high);
	return -ERANGE;
}

/* Whether the counter counts its loop inside the group. An interrupted attempt is repeated. */
static int prove(const struct counters *set, struct counter *c, const struct counter_group *group,
		 char why[GROUP_WHY])
{
	struct loop loop;
	uint64_t value;
	int rc = 0;

	for (int i = 0; i < ATTEMPTS; i++) {
		rc = loop_open(&loop, c->meter->loop);
		if (rc) {
			snprintf(why, GROUP_WHY, "%s: its loop needs %s", c->name,
				 rc == -ENOTSUP ? "an x86-64 CPU" : "executable memory");
			return rc;
		}
		rc = count_loop(set, c, group, &loop, &value);
		if (rc)
			snprintf(why, GROUP_WHY, "%s: not counted all the time; no counter is free",
				 c->name);
		else
			rc = judge(c, &loop, value, why);
		loop_close(&loop);
		if (!rc)
			return 0;
	}
	return rc;
}

/* ---- First pass: alone ------------------------------------------------------------------- */

struct candidate {
	enum group_kind kind;
	const struct event *event; /* of this CPU, or NULL */
	const char *name;
};

static int try_alone(const struct counters *set, struct counter *c, const struct candidate *from)
{
	struct counter_group group;
	char why[GROUP_WHY] = "";
	const char *name = c->name;
	int rc;

	c->kind = from->kind;
	c->event = from->event;
	c->slot = 0;
	c->generic = !from->event && from->kind <= GROUP_HARDWARE;
	snprintf(c->name, sizeof c->name, "%s", from->name);
	if (has_fault(set, c, FAULT_REFUSED)) {
		add_why(c, "%s: %s cannot be added", group_names[from->kind], name);
		return -ENOENT;
	}
	rc = group_open(&group, from->kind, &name, 1, &c->exact, why);
	if (!rc) {
		rc = prove(set, c, &group, why);
		group_close(&group);
	}
	if (rc)
		add_why(c, "%s: %s", group_names[from->kind], why);
	else
		c->source = group_sources[from->kind];
	return rc;
}

/* The means of reading a meter, best first. */
static size_t list_candidates(const struct counters *set, const struct meter *m,
			      char full[EVENT_NAME], struct candidate out[6])
{
	const struct event *event = set->table ? event_find(set->uarch, m->name) : NULL;
	size_t n = 0;

	if (event && !event_encoding(set->uarch, event, full)) {
		out[n++] = (struct candidate){ GROUP_PAPI, event, full };
		out[n++] = (struct candidate){ GROUP_HARDWARE, event, full };
	} else if (m->generic) {
		out[n++] = (struct candidate){ GROUP_PAPI, NULL, m->generic };
	}
	if (m->generic)
		out[n++] = (struct candidate){ GROUP_HARDWARE, NULL, m->generic };
	if (m->software)
		out[n++] = (struct candidate){ GROUP_SOFTWARE, NULL, m->software };
	if (m->kernel)
		out[n++] = (struct candidate){ GROUP_KERNEL, NULL, m->kernel };
	return n;
}

/* Says that the CPU's own event is known, but this libpfm can't encode it. */
static void miss_table(struct counter *c, const struct uarch *uarch)
{
	const struct event *event = event_find(uarch, c->meter->name);

	if (event)
		add_why(c, "%s::%s (0x%llx): this libpfm has no table %s%s%s", uarch->pmu,
			event->name, (unsigned long long)event->raw, uarch->pmu,
			uarch->absent ? "; it is " : "", uarch->absent ? uarch->absent : "");
}

static void find_means(struct counters *set, struct counter *c)
{
	struct candidate candidates[6];
	char full[EVENT_NAME];
	size_t n = list_candidates(set, c->meter, full, candidates);
	unsigned told = 0;

	if (set->uarch && !set->table)
		miss_table(c, set->uarch);
	if (!n && !c->why[0])
		add_why(c, "%s: no event for it is known, and the kernel has no generic one",
			set->uarch ? set->uarch->name : "unknown CPU");
	for (size_t i = 0; i < n; i++) {
		enum group_kind kind = candidates[i].kind;

		if (set->step[kind].available) {
			if (!try_alone(set, c, &candidates[i]))
				return;
		} else if (!(told >> kind & 1)) {
			add_why(c, "%s: %s", group_names[kind], set->step[kind].why);
			told |= 1u << kind;
		}
	}
}

/* ---- Second and third pass: together ------------------------------------------------------ */

static void leave(struct counter *c, const char *why)
{
	c->source = NULL;
	c->proof = PROOF_NONE;
	c->waits = true;
	c->why[0] = 0;
	add_why(c, "counts alone, but not beside the others; ask for it in another invocation (%s)",
		why);
}

/* Takes c out of its group. If the rest does not open again either, the group becomes empty. */
static void drop(struct counters *set, struct counter *c, char why[GROUP_WHY])
{
	enum group_kind kind = c->kind;

	leave(c, why);
	if (!regroup(set, kind, why))
		return;
	for (size_t i = 0; i < set->n; i++)
		if (is_member(&set->counter[i], kind))
			leave(&set->counter[i], why);
}

static void join(struct counters *set)
{
	char why[GROUP_WHY] = "";
	bool found[METERS];

	for (size_t i = 0; i < set->n; i++) {
		found[i] = set->counter[i].source;
		set->counter[i].source = NULL;
	}
	for (size_t i = 0; i < set->n; i++) {
		struct counter *c = &set->counter[i];

		if (!found[i])
			continue;
		c->source = group_sources[c->kind];
		if (regroup(set, c->kind, why) || prove(set, c, &set->group[c->kind], why))
			drop(set, c, why);
	}
}

static void prove_again(struct counters *set)
{
	char why[GROUP_WHY] = "";

	for (size_t i = 0; i < set->n; i++) {
		struct counter *c = &set->counter[i];

		if (c->source && prove(set, c, &set->group[c->kind], why))
			drop(set, c, why);
	}
}

/* ---- A region ---------------------------------------------------------------------------- */

int counters_start(struct counters *set)
{
	/* The hardware is read last here and first in stop: nearest to the region. */
	for (int kind = GROUP_KINDS; kind-- > 0;) {
		int rc = set->group[kind].n ? group_read(&set->group[kind], &set->start[kind]) : 0;

		/* No counter was free: read once more, now that the group was started again. */
		if (rc == -EAGAIN)
			rc = group_read(&set->group[kind], &set->start[kind]);
		if (rc)
			return rc;
	}
	return 0;
}

int counters_stop(struct counters *set, uint64_t *values)
{
	struct group_reading end[GROUP_KINDS];
	uint64_t value[METERS];
	int rc = 0;

	for (int kind = 0; kind < GROUP_KINDS && !rc; kind++)
		if (set->group[kind].n)
			rc = group_read(&set->group[kind], &end[kind]);
	for (size_t i = 0; i < set->n && !rc; i++) {
		const struct counter *c = &set->counter[i];

		if (c->source)
			rc = difference(set, c, &set->start[c->kind], &end[c->kind], &value[i]);
	}
	if (rc == -EAGAIN)
		set->discarded++;
	for (size_t i = 0; i < set->n && !rc; i++)
		if (set->counter[i].source)
			values[i] = value[i];
	return rc;
}

bool counters_too_short(const struct counters *set, uint64_t region_ns)
{
	return region_ns < SHORTEST_NS || set->probe_ns * PROBE_SHARE > region_ns;
}

int counters_stop_timed(struct counters *set, uint64_t region_ns, uint64_t *values)
{
	uint64_t value[METERS] = { 0 };
	int rc = counters_stop(set, value);

	if (rc)
		return rc;
	if (counters_too_short(set, region_ns)) {
		set->too_short++;
		return -ERANGE;
	}
	for (size_t i = 0; i < set->n; i++)
		if (set->counter[i].source)
			values[i] = value[i];
	return 0;
}

/* Measures what a start and a stop with nothing between cost, in time and in every event. */
static void calibrate(struct counters *set)
{
	uint64_t sample[METERS + 1][PROBES], value[METERS] = { 0 };
	size_t n = 0;

	for (int i = 0; i < PROBES; i++) {
		uint64_t from = clock_ns();

		if (counters_start(set) || counters_stop(set, value))
			continue;
		sample[METERS][n] = clock_ns() - from;
		for (size_t k = 0; k < set->n; k++)
			sample[k][n] = value[k];
		n++;
	}
	set->discarded = 0;
	for (size_t k = 0; k < set->n && n; k++) {
		sort_u64(sample[k], n);
		set->counter[k].probe = sample[k][n / 2];
	}
	sort_u64(sample[METERS], n);
	set->probe_ns = n ? sample[METERS][n / 2] : 0;
}

/* ---- Open and close ---------------------------------------------------------------------- */

static int check_call(const char *const *names, size_t n, const struct counters_options *options,
		      char error[COUNTERS_ERROR])
{
	if (getenv("LIBPFM_FORCE_PMU") && !options->forced) {
		snprintf(error, COUNTERS_ERROR,
			 "LIBPFM_FORCE_PMU is set: it makes counters appear that may not exist; "
			 "unset it");
		return -EINVAL;
	}
	if (!n || n > METERS) {
		snprintf(error, COUNTERS_ERROR, "%zu meters; allowed: 1 to %d", n, METERS);
		return -EINVAL;
	}
	for (size_t i = 0; i < n; i++) {
		if (!meter_find(names[i])) {
			suggest_refuse(error, COUNTERS_ERROR, "meter", names[i], meter_names,
				       METERS);
			return -EINVAL;
		}
		for (size_t k = 0; k < i; k++)
			if (!strcmp(names[i], names[k])) {
				snprintf(error, COUNTERS_ERROR, "meter '%s' is named twice",
					 names[i]);
				return -EINVAL;
			}
	}
	return 0;
}

static void check_steps(struct counters *set)
{
	for (int kind = 0; kind < GROUP_KINDS; kind++) {
		struct counters_step *step = &set->step[kind];

		if (set->options.off >> kind & 1)
			snprintf(step->why, GROUP_WHY, "turned off");
		else if (kind <= GROUP_HARDWARE && set->options.faults & FAULT_DISABLED)
			snprintf(step->why, GROUP_WHY, "disabled for a test");
		else
			step->available = !group_available((enum group_kind)kind, step->why);
	}
}

int counters_open(struct counters **out, const char *const *names, size_t n,
		  const struct counters_options *options, char error[COUNTERS_ERROR])
{
	static const struct counters_options none;
	struct counters *set;
	int rc;

	rc = check_call(names, n, options ? options : &none, error);
	if (rc)
		return rc;
	set = calloc(1, sizeof *set);
	if (!set) {
		snprintf(error, COUNTERS_ERROR, "out of memory");
		return -ENOMEM;
	}
	set->options = options ? *options : none;
	set->uarch = uarch_host(set->cpu);
	/* The real CPU decides, even if a test hides it: libpfm starts only once in a process. */
	rc = group_init(set->uarch && set->uarch->borrowed);
	if (set->options.uarch)
		set->uarch = set->options.uarch;
	if (rc) {
		snprintf(error, COUNTERS_ERROR, "PAPI or libpfm4 does not start");
		free(set);
		return rc;
	}
	if (set->options.faults & FAULT_UNKNOWN_CPU)
		set->uarch = NULL;
	set->table = set->uarch && group_has_table(set->uarch->pmu);
	for (int kind = 0; kind < GROUP_KINDS; kind++)
		set->group[kind] = (struct counter_group){ .kind = (enum group_kind)kind };
	check_steps(set);
	set->n = n;
	for (size_t i = 0; i < n; i++) {
		set->counter[i].meter = meter_find(names[i]);
		find_means(set, &set->counter[i]);
	}
	join(set);
	prove_again(set);
	calibrate(set);
	*out = set;
	return 0;
}

void counters_close(struct counters *set)
{
	if (!set)
		return;
	for (int kind = 0; kind < GROUP_KINDS; kind++)
		group_close(&set->group[kind]);
	free(set);
}
