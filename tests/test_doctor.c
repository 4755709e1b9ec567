/*
 * test_doctor.c - what `stubmap doctor` says of the meters, on every CPU of the events table and on
 * an unknown one, under everything that can refuse a counter: all of it, in lines that fit.
 *
 * No counter of this machine is asked: the linker puts the functions of this file in place of those
 * that open counters, read them and run loops (Makefile, PLAYED). Nor is any policy tried, which is
 * test_wx.c's: its answer is the longest one.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/commands.h"
#include <stubmap/code.h>

#include "meters/counters.h"
#include "meters/fingerprint.h"
#include "meters/policies.h"
#include "command_helpers.h"

/* ---- The machine that is played -------------------------------------------------------------- */

#define PAPI_OFF                                                                                  \
	"PAPI's component perf_event is disabled: Unknown libpfm4 related error, and a hundred "  \
	"characters of it, which is as much (it needs a PMU, and a libpfm whose own tables know " \
	"the "                                                                                    \
	"CPU)"

enum answer { COUNTS, STAYS_AT_0, COUNTS_TOO_MUCH, IS_SHARED };

static const struct scene {
	const char *name;
	const char *papi;	/* why its step is not there; NULL: it is */
	int hardware, software; /* errors of perf_event_open; 0: the step is there */
	int event;		/* the same, once a single event is asked for */
	enum answer answer;
	size_t room; /* events of the PMU side by side; 0: any number */
} scenes[] = {
	{ .name = "counts" },
	{ "no PMU", PAPI_OFF, ENOENT, 0, 0, COUNTS, 0 },
	{ "no PMU, no such device", PAPI_OFF, ENODEV, 0, 0, COUNTS, 0 },
	{ "no PMU, not supported", PAPI_OFF, EOPNOTSUPP, 0, 0, COUNTS, 0 },
	{ "seccomp or paranoid", PAPI_OFF, EPERM, EPERM, 0, COUNTS, 0 },
	{ "paranoid", PAPI_OFF, EACCES, EACCES, 0, COUNTS, 0 },
	{ "hardware forbidden", PAPI_OFF, EACCES, 0, 0, COUNTS, 0 },
	{ "no system call", PAPI_OFF, ENOSYS, ENOSYS, 0, COUNTS, 0 },
	{ "no descriptor", PAPI_OFF, EMFILE, EMFILE, 0, COUNTS, 0 },
	{ "no component", "PAPI has no component perf_event", 0, 0, 0, COUNTS, 0 },
	{ "events unknown", NULL, 0, 0, ENOENT, COUNTS, 0 },
	{ "events forbidden", NULL, 0, 0, EPERM, COUNTS, 0 },
	{ "events refused", NULL, 0, 0, EINVAL, COUNTS, 0 },
	{ "zero", NULL, 0, 0, 0, STAYS_AT_0, 0 },
	{ "wrong", NULL, 0, 0, 0, COUNTS_TOO_MUCH, 0 },
	{ "shared", NULL, 0, 0, 0, IS_SHARED, 0 },
	{ "crowded", NULL, 0, 0, 0, COUNTS, 2 },
};
enum { SCENES = sizeof scenes / sizeof *scenes, OCCASIONS = 1000, OPEN = 64 };

static const struct scene *scene;
static const struct uarch *cpu; /* NULL: not known */
static bool tables;		/* whether libpfm has the CPU's */
static uint64_t runs[LOOP_KINDS];
static struct {
	const struct meter *meter[GROUP_MAX];
	bool used;
} opened[OPEN];

static const struct meter *meter_of(const char *name)
{
	char full[EVENT_NAME];

	for (size_t i = 0; i < METERS; i++) {
		const char *names[] = { meters[i].generic, meters[i].software, meters[i].kernel };
		const struct event *e = cpu ? event_find(cpu, meters[i].name) : NULL;

		for (int k = 0; k < 3; k++)
			if (names[k] && !strcmp(names[k], name))
				return &meters[i];
		if (e && !event_encoding(cpu, e, full) && !strcmp(full, name))
			return &meters[i];
	}
	fail_msg("no meter has the event %s", name);
	return NULL;
}

const struct uarch *__wrap_uarch_host(char text[UARCH_CPU]);
int __wrap_group_init(bool foreign);
bool __wrap_group_has_table(const char *pmu);
int __wrap_group_available(enum group_kind, char why[GROUP_WHY]);
int __wrap_group_open(struct counter_group *, enum group_kind, const char *const *names, size_t n,
		      char exact[][GROUP_EXACT], char why[GROUP_WHY]);
int __wrap_group_read(const struct counter_group *, struct group_reading *);
void __wrap_group_close(struct counter_group *);
int __wrap_loop_open(struct loop *, enum loop_kind kind);
void __wrap_loop_run(const struct loop *);
void __wrap_loop_close(struct loop *);
void __wrap_policies_try(struct policy_answer out[CODE_WX_POLICIES]);

const struct uarch *__wrap_uarch_host(char text[UARCH_CPU])
{
	snprintf(text, UARCH_CPU, "GenuineIntel family 6 model 143 stepping 15");
	return cpu;
}

int __wrap_group_init(bool foreign)
{
	(void)foreign;
	return 0;
}

bool __wrap_group_has_table(const char *pmu)
{
	(void)pmu;
	return tables;
}

/* A reason that was cut off is no reason. */
static int refuse(int error, const char *name, char why[GROUP_WHY])
{
	group_explain(error, name, why);
	assert_true(strlen(why) < GROUP_WHY - 1);
	return -error;
}

int __wrap_group_available(enum group_kind kind, char why[GROUP_WHY])
{
	if (kind == GROUP_PAPI && scene->papi) {
		assert_true(snprintf(why, GROUP_WHY, "%s", scene->papi) < GROUP_WHY - 1);
		return -ENODEV;
	}
	if (kind == GROUP_HARDWARE && scene->hardware)
		return refuse(scene->hardware, "perf::INSTRUCTIONS", why);
	if (kind == GROUP_SOFTWARE && scene->software)
		return refuse(scene->software, "perf::TASK-CLOCK", why);
	return 0;
}

int __wrap_group_open(struct counter_group *group, enum group_kind kind, const char *const *names,
		      size_t n, char exact[][GROUP_EXACT], char why[GROUP_WHY])
{
	const char *form = kind == GROUP_PAPI	    ? "%s:u=1:k=0"
			   : kind == GROUP_HARDWARE ? "%s:e=0:i=0:c=0:t=0:u=1 type 4 config 0x1"
						    : "%s";
	int at = 0;

	group->n = 0;
	if (kind == GROUP_PAPI && scene->event) {
		assert_true(snprintf(why, GROUP_WHY, "%s: PAPI: Event does not exist", names[0]) <
			    GROUP_WHY - 1);
		return -ENOENT;
	}
	if (kind == GROUP_HARDWARE && scene->event)
		return refuse(scene->event, names[0], why);
	if (kind <= GROUP_HARDWARE && scene->room && n > scene->room)
		return refuse(EINVAL, names[scene->room], why);
	while (opened[at].used)
		assert_true(++at < OPEN);
	*group = (struct counter_group){ .kind = kind, .n = n, .set = at };
	opened[at].used = true;
	for (size_t i = 0; i < n; i++) {
		opened[at].meter[i] = meter_of(names[i]);
		if (exact)
			assert_true(snprintf(exact[i], GROUP_EXACT, form, names[i]) < GROUP_EXACT);
	}
	return 0;
}

int __wrap_group_read(const struct counter_group *group, struct group_reading *out)
{
	enum answer answer = group->kind <= GROUP_HARDWARE ? scene->answer : COUNTS;

	*out = (struct group_reading){ .enabled = 0 };
	if (answer == IS_SHARED)
		return -EAGAIN;
	for (size_t i = 0; i < group->n; i++) {
		const struct meter *m = opened[group->set].meter[i];
		double ratio = answer == STAYS_AT_0	   ? 0
			       : answer == COUNTS_TOO_MUCH ? 3 * m->high + 1e5
							   : (m->low + m->high) / 2;

		out->value[i] = (uint64_t)(ratio * OCCASIONS * (double)runs[m->loop]);
	}
	return 0;
}

void __wrap_group_close(struct counter_group *group)
{
	if (group->n)
		opened[group->set].used = false;
	group->n = 0;
}

int __wrap_loop_open(struct loop *loop, enum loop_kind kind)
{
	*loop = (struct loop){ .kind = kind, .occasions = OCCASIONS };
	return 0;
}

void __wrap_loop_run(const struct loop *loop)
{
	runs[loop->kind]++;
}

void __wrap_loop_close(struct loop *loop)
{
	(void)loop;
}

void __wrap_policies_try(struct policy_answer out[CODE_WX_POLICIES])
{
	for (int wx = 0; wx < CODE_WX_POLICIES; wx++) {
		for (int h = 0; h < POLICY_HARDENINGS; h++)
			out[wx].under[h] = "no process";
		out[wx].large = code_page_names[CODE_PAGES_TRANSPARENT];
	}
}

/* ---- What is said ---------------------------------------------------------------------------- */

static void swap_all(char text[COUNTER_WHY], const char *what, const char *by)
{
	char rest[COUNTER_WHY];

	for (char *at; *what && (at = strstr(text, what));) {
		snprintf(rest, sizeof rest, "%s", at + strlen(what));
		assert_true(snprintf(at, COUNTER_WHY - (size_t)(at - text), "%s%s", by, rest) <
			    (int)(COUNTER_WHY - (size_t)(at - text)));
	}
}

/* A meter's reasons as doctor has them: the reason for a whole step stands above, once, and the
 * meter's own event has no name. */
static void in_common(const struct counters_survey *s, const struct counter *c,
		      char out[COUNTER_WHY])
{
	const struct event *e = cpu ? event_find(cpu, c->meter->name) : NULL;
	char what[EVENT_NAME + GROUP_WHY], by[40], name[EVENT_NAME] = "";

	snprintf(out, COUNTER_WHY, "%s", c->why);
	for (int kind = 0; kind < GROUP_KINDS; kind++) {
		snprintf(what, sizeof what, "%s: %s", group_names[kind], s->step[kind].why);
		snprintf(by, sizeof by, "%s: as above", group_names[kind]);
		if (!s->step[kind].available)
			swap_all(out, what, by);
	}
	if (e)
		assert_int_equal(event_encoding(cpu, e, name), 0);
	if (e && !tables) {
		assert_true(snprintf(what, sizeof what,
				     "%s (0x%llx): this libpfm has no table %s%s%s", name,
				     (unsigned long long)e->raw, cpu->pmu,
				     cpu->absent ? "; it is " : "",
				     cpu->absent ? cpu->absent : "") < (int)sizeof what);
		assert_non_null(strstr(out, what));
		swap_all(out, what, "its own event: as above");
	}
	swap_all(out, name, "its own event");
	swap_all(out, c->meter->generic ? c->meter->generic : "", "the kernel's event");
}

/* How often the part stands in a page without blanks. */
static unsigned count_of(const char *page, const char *part)
{
	char *piece = squeezed(part);
	unsigned n = 0;

	for (const char *at = page; (at = strstr(at, piece)); at++)
		n++;
	free(piece);
	return n;
}

/* The meters without a source, those of one reason together, each reason once. */
static void check_missing(const struct counters_survey *s, const char *page)
{
	char why[COUNTER_WHY], other[COUNTER_WHY], whole[METERS * 24 + COUNTER_WHY];
	bool seen[METERS] = { false };

	for (size_t i = 0; i < METERS; i++) {
		size_t n = 0;

		if (s->counter[i].source || seen[i])
			continue;
		assert_in_range(strlen(s->counter[i].why), 1, COUNTER_WHY - 2); /* not cut off */
		in_common(s, &s->counter[i], why);
		for (size_t k = i; k < METERS; k++) {
			if (s->counter[k].source)
				continue;
			in_common(s, &s->counter[k], other);
			if (strcmp(other, why))
				continue;
			seen[k] = true;
			n += (size_t)snprintf(whole + n, sizeof whole - n, "%s%s", n ? "," : "",
					      meter_names[k]);
		}
		snprintf(whole + n, sizeof whole - n, "%s", why);
		if (count_of(page, whole) != 1)
			fail_msg("%u times: %s\nin: %s", count_of(page, whole), whole, page);
	}
}

static void check_counter(const struct counter *c, const char *page)
{
	char event[EVENT_NAME];
	const char *name = strstr(c->name, "::");

	check_holds(page, c->meter->name);
	snprintf(event, sizeof event, "%s", name ? name + 2 : c->exact);
	check_holds(page, event);
}

/* A refusal of all counters at once fits in a screen. */
static void check_screen(const char *page)
{
	enum { SCREEN = 40 };
	unsigned lines = 0;

	for (; *page; page++)
		lines += *page == '\n';
	if (scene->answer == COUNTS && lines > SCREEN)
		fail_msg("%s: %u lines", scene->name, lines);
}

/* As counters_survey leaves it: where all counts, each meter has a source, and so on. */
static void check_sense(const struct counters_survey *s)
{
	bool works = !scene->hardware && !scene->event && scene->answer == COUNTS;

	for (size_t i = 0; i < METERS; i++) {
		const struct counter *c = &s->counter[i];
		bool known =
		    (cpu && tables && event_find(cpu, c->meter->name)) || c->meter->generic;

		if (c->meter->kernel)
			assert_non_null(c->source);
		else if (!!c->source != (works && known))
			fail_msg("%s: %s: %s", scene->name, c->meter->name,
				 c->source ? c->source : c->why);
		if (!c->meter->kernel && c->source)
			assert_string_equal(c->source, scene->papi ? "perf" : "papi");
	}
}

static void check_page(void)
{
	static struct counters_survey s;
	char error[COUNTERS_ERROR] = "", *page = NULL, *flat;
	size_t size = 0;
	json_t *json;
	FILE *f = open_memstream(&page, &size);

	assert_non_null(f);
	assert_int_equal(counters_survey(&s, NULL, error), 0);
	check_sense(&s);
	counters_survey_print(f, &s);
	assert_int_equal(fclose(f), 0);
	check_width(page);
	check_holds(page, cpu ? cpu->name : "not known; generic events only");
	if (cpu && tables && cpu->borrowed)
		check_holds(page, cpu->borrowed);
	if (cpu && !tables)
		check_holds(page, cpu->pmu);
	if (cpu && !tables && cpu->absent)
		check_holds(page, cpu->absent);
	check_screen(page);
	flat = squeezed(page);
	for (int kind = 0; kind < GROUP_KINDS; kind++)
		if (!s.step[kind].available)
			assert_int_equal(count_of(flat, s.step[kind].why), 1);
	check_missing(&s, flat);
	free(flat);
	for (size_t i = 0; i < METERS; i++)
		if (s.counter[i].source)
			check_counter(&s.counter[i], page);
	json = counters_survey_to_json(&s);
	assert_non_null(json);
	json_decref(json);
	free(page);
}

static void every_cpu_and_every_refusal(void **state)
{
	(void)state;
	for (size_t i = 0; i < SCENES; i++)
		for (const struct uarch *u = uarchs;; u++) {
			scene = &scenes[i];
			cpu = u->name ? u : NULL;
			for (int have = 0; have < 2; have++) {
				tables = have;
				check_page();
			}
			if (!u->name)
				break;
		}
}

/* ---- The command ----------------------------------------------------------------------------- */

static void check_command(void)
{
	struct result r = run_to(0, cmd_doctor, "doctor");
	json_t *json, *all;

	check_width(r.out);
	check_holds(r.out, cpu ? cpu->name : "not known; generic events only");
	check_holds(r.out, "execmem");
	assert_string_equal(r.err, "");
	done(&r);
	r = run_to(0, cmd_doctor, "doctor --json");
	json = json_loads(r.out, 0, NULL);
	all = json_object_get(json_object_get(json, "counters"), "meters");
	assert_int_equal(json_array_size(all), METERS);
	all = json_object_get(json, "policies");
	assert_int_equal(json_array_size(all), CODE_WX_POLICIES);
	assert_true(json_is_string(json_object_get(json_array_get(all, CODE_DUAL), "mdwe")));
	json_decref(json);
	done(&r);
}

static void the_command_says_it(void **state)
{
	(void)state;
	tables = true;
	for (size_t i = 0; i < SCENES; i++) {
		scene = &scenes[i];
		cpu = uarch_find("zen3");
		check_command();
	}
	scene = &scenes[1];
	for (const struct uarch *u = uarchs; u->name; u++) {
		cpu = u;
		check_command();
	}
	cpu = NULL;
	check_command();
}

/* ---- The machine's settings ------------------------------------------------------------------ */

/* The checks of the settings that a fingerprint has; how many of them warn. */
static size_t warnings_of(const char *facts, size_t settings)
{
	json_t *machine = json_loads(facts, 0, NULL);
	struct env_check checks[ENV_MAX_CHECKS];
	size_t n = env_checks(machine, checks), warned = 0;

	assert_non_null(machine);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(!checks[i].remedy, checks[i].level == ENV_OK);
		assert_int_equal(!checks[i].advice, checks[i].level == ENV_OK);
		warned += i < settings && checks[i].level != ENV_OK;
	}
	json_decref(machine);
	return warned;
}

static void every_warning_says_what_to_do(void **state)
{
	enum { SETTINGS = 7 };
	struct result r;

	(void)state;
	assert_int_equal(warnings_of("{}", SETTINGS), SETTINGS);
	assert_int_equal(warnings_of("{\"governor\": \"powersave\", \"turbo\": true, \"smt\": 1, "
				     "\"aslr\": 0, \"thp\": \"always\", \"build\": "
				     "\"sanitized\", \"hypervisor\": \"KVMKVMKVM\"}",
				     SETTINGS),
			 SETTINGS);
	assert_int_equal(warnings_of("{\"governor\": \"performance\", \"turbo\": false, \"smt\": 0,"
				     "\"aslr\": 2, \"thp\": \"madvise\", \"build\": "
				     "\"optimised\", \"hypervisor\": false}",
				     SETTINGS),
			 0);
	setenv("LIBPFM_FORCE_PMU", "skl", 1);
	r = run_to(1, cmd_doctor, "doctor");
	unsetenv("LIBPFM_FORCE_PMU");
	check_width(r.out);
	assert_non_null(strstr(r.out, "\nforced_pmu: unset LIBPFM_FORCE_PMU\n"));
	done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cpu_and_every_refusal),
		cmocka_unit_test(the_command_says_it),
		cmocka_unit_test(every_warning_says_what_to_do),
	};

	unsetenv("LIBPFM_FORCE_PMU");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
