/*
 * survey.c - every meter of this machine at once: for `stubmap doctor`, and for a plan
 * that must know which meters can share an invocation.
 */
#include <errno.h>
#include <string.h>

#include "meters/counters.h"
#include "base/table.h"

static const char *const proofs[] = {
	[PROOF_NONE] = "none",
	[PROOF_READS] = "starts and reads",
	[PROOF_COUNTED] = "counted a known loop",
};

/* Opens the names, assigns the meters that work to this group, and leaves in
 * names those that must wait. */
static int survey_round(struct counters_survey *survey, const char *names[METERS], size_t *n,
			const struct counters_options *options, char error[COUNTERS_ERROR])
{
	struct counters *set;
	size_t waiting = 0;
	int rc;

	rc = counters_open(&set, names, *n, options, error);
	if (rc)
		return rc;
	if (!survey->groups) {
		memcpy(survey->step, set->step, sizeof survey->step);
		memcpy(survey->cpu, set->cpu, sizeof survey->cpu);
		survey->uarch = set->uarch;
		survey->table = set->table;
		survey->probe_ns = set->probe_ns;
	}
	for (size_t i = 0; i < set->n; i++) {
		struct counter *c = &set->counter[i];

		survey->counter[c->meter - meters] = *c;
		survey->group[c->meter - meters] = survey->groups;
		if (c->waits)
			names[waiting++] = c->meter->name;
	}
	/* No meter got in: the rest can't be had in any group. */
	*n = waiting < *n ? waiting : 0;
	survey->groups++;
	counters_close(set);
	return 0;
}

int counters_survey(struct counters_survey *survey, const struct counters_options *options,
		    char error[COUNTERS_ERROR])
{
	const char *names[METERS];
	size_t n = METERS;
	int rc = 0;

	memset(survey, 0, sizeof *survey);
	memcpy(names, meter_names, sizeof names);
	while (n && !rc)
		rc = survey_round(survey, names, &n, options, error);
	return rc;
}

static const char *mode_of(const struct counter *c)
{
	bool user = c->kind != GROUP_KERNEL && !c->meter->any_mode;

	return user ? "user mode only" : "user and kernel mode";
}

static json_t *text_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

static json_t *note_of(const struct counter *c, const struct uarch *uarch)
{
	const char *caveat = c->event ? c->event->caveat : NULL;

	if (c->generic)
		return json_string("the kernel's generic event, which differs between CPUs");
	if (c->event && uarch && uarch->borrowed)
		return json_sprintf("%s%s%s", uarch->borrowed, caveat ? "; " : "",
				    caveat ? caveat : "");
	return text_or_null(caveat);
}

json_t *counter_to_json(const struct counter *c, const struct uarch *uarch)
{
	const char *meaning = c->event ? c->event->meaning : c->meter->meaning;

	if (!c->source)
		return json_pack("{s:s, s:n, s:s}", "meter", c->meter->name, "source", "why",
				 c->why);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:I}", "meter",
			 c->meter->name, "source", c->source, "event", c->name, "exact", c->exact,
			 "mode", mode_of(c), "proof", proofs[c->proof], "ratio",
			 c->proof == PROOF_COUNTED ? json_real(c->ratio) : json_null(), "meaning",
			 meaning, "note", note_of(c, uarch), "probe", (json_int_t)c->probe);
}

json_t *counters_survey_to_json(const struct counters_survey *survey)
{
	json_t *steps = json_array(), *list = json_array();

	for (int kind = 0; kind < GROUP_KINDS; kind++)
		json_array_append_new(steps,
				      json_pack("{s:s, s:b, s:o}", "step", group_names[kind],
						"available", survey->step[kind].available, "why",
						text_or_null(survey->step[kind].why)));
	for (size_t i = 0; i < METERS; i++) {
		json_t *c = counter_to_json(&survey->counter[i], survey->uarch);

		json_object_set_new(c, "group",
				    survey->counter[i].source
					? json_integer((json_int_t)survey->group[i])
					: json_null());
		json_array_append_new(list, c);
	}
	return json_pack("{s:s, s:o, s:o, s:o, s:I, s:I, s:o}", "cpu", survey->cpu, "uarch",
			 text_or_null(survey->uarch ? survey->uarch->name : NULL), "table",
			 text_or_null(survey->table ? survey->uarch->pmu : NULL), "steps", steps,
			 "groups", (json_int_t)survey->groups, "probe_ns",
			 (json_int_t)survey->probe_ns, "meters", list);
}

static void replace(char text[COUNTER_WHY], const char *what, const char *by)
{
	char rest[COUNTER_WHY];
	char *at = text;

	while (*what && (at = strstr(at, what))) {
		snprintf(rest, sizeof rest, "%s", at + strlen(what));
		snprintf(at, COUNTER_WHY - (size_t)(at - text), "%s%s", by, rest);
		at += strlen(by);
	}
}

/* A meter's reasons without its event's name, so that equal reasons are said once. A reason that
 * holds for a whole step is cut to the step's name, since the reason itself stands above. */
static void shorten(const struct counters_survey *survey, const struct counter *c,
		    char out[COUNTER_WHY])
{
	const struct uarch *u = survey->uarch;
	const struct event *event = u ? event_find(u, c->meter->name) : NULL;
	char what[EVENT_NAME + GROUP_WHY], by[40], name[EVENT_NAME];

	snprintf(out, COUNTER_WHY, "%s", c->why);
	for (int kind = 0; kind < GROUP_KINDS; kind++) {
		if (survey->step[kind].available)
			continue;
		snprintf(what, sizeof what, "%s: %s", group_names[kind], survey->step[kind].why);
		snprintf(by, sizeof by, "%s: as above", group_names[kind]);
		replace(out, what, by);
	}
	if (event && !event_encoding(u, event, name)) {
		snprintf(what, sizeof what, "%s (0x%llx): this libpfm has no table %s%s%s", name,
			 (unsigned long long)event->raw, u->pmu, u->absent ? "; it is " : "",
			 u->absent ? u->absent : "");
		replace(out, what, "its own event: as above");
		replace(out, name, "its own event");
	}
	if (c->meter->generic)
		replace(out, c->meter->generic, "the kernel's event");
}

/* A meter's event: its own name, without its table's and without the modifiers.
 * --json has the exact definition. */
static void event_name(const char *exact, char out[GROUP_EXACT])
{
	const char *name = strstr(exact, "::");
	size_t len;

	name = name ? name + 2 : exact;
	len = strcspn(name, "=");
	while (len && name[len] == '=' && name[len - 1] != ':')
		len--; /* back over the modifier's own name */
	if (len && name[len - 1] == ':')
		len--;
	snprintf(out, GROUP_EXACT, "%.*s", (int)len, name);
}

static void print_head(FILE *f, const struct counters_survey *survey)
{
	const struct uarch *u = survey->uarch;
	char name[16], works[80] = "";

	table_wrapf(f, "cpu       ", "%s: %s", survey->cpu,
		    u ? u->name : "not known; generic events only");
	if (u && !survey->table)
		table_wrapf(f, "events    ", "generic only: this libpfm has no table %s%s%s",
			    u->pmu, u->absent ? "; it is " : "", u->absent ? u->absent : "");
	else if (u && u->borrowed)
		table_wrapf(f, "events    ", "%s", u->borrowed);
	for (int kind = 0; kind < GROUP_KINDS; kind++) {
		snprintf(name, sizeof name, "%-9s ", group_names[kind]);
		if (survey->step[kind].available)
			snprintf(works + strlen(works), sizeof works - strlen(works), "%s%s",
				 *works ? ", " : "", group_names[kind]);
		else
			table_wrapf(f, name, "%s", survey->step[kind].why);
	}
	if (*works)
		table_wrapf(f, "works     ", "%s", works);
	fprintf(f, "a start and a stop take %llu ns; hardware events count user mode only\n\n",
		(unsigned long long)survey->probe_ns);
}

static void print_counter(FILE *f, const struct counters_survey *survey, size_t i)
{
	const struct counter *c = &survey->counter[i];
	char ratio[16] = "reads", event[GROUP_EXACT], before[80];

	if (c->proof == PROOF_COUNTED)
		snprintf(ratio, sizeof ratio, "%.3f", c->ratio);
	snprintf(before, sizeof before, "%-21s %-7s %-5u %-10s ", c->meter->name, c->source,
		 survey->group[i], ratio);
	event_name(c->exact, event);
	table_wrapf(f, before, "%s", event);
}

/* The meters that can't be had: those of one reason together. */
static void print_missing(FILE *f, const struct counters_survey *survey)
{
	char why[METERS][COUNTER_WHY], names[METERS * 24];
	bool said[METERS];

	for (size_t i = 0; i < METERS; i++) {
		said[i] = survey->counter[i].source;
		shorten(survey, &survey->counter[i], why[i]);
	}
	for (size_t i = 0; i < METERS; i++) {
		size_t n = 0;

		if (said[i])
			continue;
		for (size_t k = i; k < METERS; k++)
			if (!said[k] && !strcmp(why[k], why[i])) {
				said[k] = true;
				n += (size_t)snprintf(names + n, sizeof names - n, "%s%s",
						      n ? ", " : "", meter_names[k]);
			}
		table_wrapf(f, "none      ", "%s", names);
		table_wrapf(f, "          ", "%s", why[i]);
	}
}

void counters_survey_print(FILE *f, const struct counters_survey *survey)
{
	bool any = false;

	print_head(f, survey);
	for (size_t i = 0; i < METERS; i++) {
		if (!survey->counter[i].source)
			continue;
		if (!any)
			fprintf(f, "%-21s %-7s %-5s %-10s %s\n", "meter", "source", "group",
				"in a loop", "event");
		any = true;
		print_counter(f, survey, i);
	}
	print_missing(f, survey);
}
