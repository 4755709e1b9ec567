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

/* Opens the names, assigns the meters that work to this group, and leaves in names those that must
 * wait. */
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

/* A meter's reasons; a reason that holds for a whole step is cut to the step's name, as it stands
 * above. */
static void shorten(const struct counters_survey *survey, const char *why, char out[COUNTER_WHY])
{
	char text[16 + GROUP_WHY];
	size_t used = 0;

	while (*why && used + 1 < COUNTER_WHY) {
		size_t skip = 0;

		for (int kind = 0; kind < GROUP_KINDS && !skip; kind++) {
			snprintf(text, sizeof text, "%s: %s", group_names[kind],
				 survey->step[kind].why);
			if (survey->step[kind].available || strncmp(why, text, strlen(text)) != 0)
				continue;
			skip = strlen(text);
			used += (size_t)snprintf(out + used, COUNTER_WHY - used, "%s: as above",
						 group_names[kind]);
		}
		if (!skip)
			out[used++] = *why++;
		why += skip;
	}
	out[used < COUNTER_WHY ? used : COUNTER_WHY - 1] = 0;
}

/* A meter's event: its own name, without its table's and without the modifiers. --json has the
 * exact definition. */
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
	char name[16];

	table_wrapf(f, "cpu       ", "%s: %s", survey->cpu,
		    u ? u->name : "not known; generic events only");
	if (u && !survey->table)
		table_wrapf(f, "events    ", "generic only: this libpfm has no table %s%s%s",
			    u->pmu, u->absent ? "; it is " : "", u->absent ? u->absent : "");
	else if (u && u->borrowed)
		table_wrapf(f, "events    ", "%s", u->borrowed);
	for (int kind = 0; kind < GROUP_KINDS; kind++) {
		snprintf(name, sizeof name, "%-9s ", group_names[kind]);
		table_wrapf(f, name, "%s",
			    survey->step[kind].available ? "works" : survey->step[kind].why);
	}
	fprintf(f, "a start and a stop take %llu ns; hardware events count user mode only\n\n",
		(unsigned long long)survey->probe_ns);
}

void counters_survey_print(FILE *f, const struct counters_survey *survey)
{
	print_head(f, survey);
	fprintf(f, "%-21s %-7s %-5s %-10s %s\n", "meter", "source", "group", "in a loop", "event");
	for (size_t i = 0; i < METERS; i++) {
		const struct counter *c = &survey->counter[i];
		char ratio[16] = "reads", why[COUNTER_WHY], event[GROUP_EXACT];
		int used;

		if (!c->source) {
			used = fprintf(f, "%-21s %-7s ", c->meter->name, "-");
			shorten(survey, c->why, why);
			table_wrap(why, (size_t)used, f);
			continue;
		}
		if (c->proof == PROOF_COUNTED)
			snprintf(ratio, sizeof ratio, "%.3f", c->ratio);
		used = fprintf(f, "%-21s %-7s %-5u %-10s ", c->meter->name, c->source,
			       survey->group[i], ratio);
		event_name(c->exact, event);
		table_wrap(event, (size_t)used, f);
	}
}
