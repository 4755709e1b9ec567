/*
 * counters_survey.c - every meter of this machine at once: for `stubmap doctor`, and for a plan
 * that must know which meters can share an invocation.
 */
#include <errno.h>
#include <string.h>

#include "counters.h"

static const char *const proofs[] = {
	[PROOF_NONE] = "none",
	[PROOF_READS] = "starts and reads",
	[PROOF_COUNTED] = "counted a known loop",
};

/* Opens the names, files what could be had under this group, and returns who must wait. */
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
	/* Nobody got in: what is left cannot be had in any company. */
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
		return json_string("the kernel's generic event; what it is differs between CPUs");
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

/* From column indent on, in lines of at most WIDTH columns, broken at blanks. */
static void print_wrapped(FILE *f, int indent, const char *text)
{
	enum { WIDTH = 100 };
	const size_t room = (size_t)(WIDTH - indent);

	for (size_t len; (len = strlen(text)) > room; text += len + 1) {
		len = room;
		while (len && text[len] != ' ')
			len--;
		if (!len)
			break; /* one long word */
		fprintf(f, "%.*s\n%*s", (int)len, text, indent, "");
	}
	fprintf(f, "%s\n", text);
}

/* A meter's reasons, those of whole steps by the step's name alone: they stand above. */
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

/* The event's own name, without its table's and without the modifiers: 48 columns of it. --json has
 * the exact definition. */
static void print_event(FILE *f, const char *exact)
{
	const char *name = strstr(exact, "::");
	size_t len;

	name = name ? name + 2 : exact;
	len = strcspn(name, "=");
	while (len && name[len] == '=' && name[len - 1] != ':')
		len--; /* back over the modifier's own name */
	if (len && name[len - 1] == ':')
		len--;
	fprintf(f, "%.*s%s\n", (int)(len > 48 ? 48 : len), name, len > 48 ? "..." : "");
}

void counters_survey_print(FILE *f, const struct counters_survey *survey)
{
	fprintf(f, "cpu       %s: %s\n", survey->cpu,
		survey->uarch ? survey->uarch->name : "not known; generic events only");
	if (survey->uarch && !survey->table)
		fprintf(f, "events    generic only: this libpfm has no table %s%s%s\n",
			survey->uarch->pmu, survey->uarch->absent ? "; it is " : "",
			survey->uarch->absent ? survey->uarch->absent : "");
	else if (survey->uarch && survey->uarch->borrowed)
		fprintf(f, "events    %s\n", survey->uarch->borrowed);
	for (int kind = 0; kind < GROUP_KINDS; kind++) {
		fprintf(f, "%-9s ", group_names[kind]);
		print_wrapped(f, 10,
			      survey->step[kind].available ? "works" : survey->step[kind].why);
	}
	fprintf(f, "a start and a stop take %llu ns; hardware events count user mode only\n\n",
		(unsigned long long)survey->probe_ns);
	fprintf(f, "%-21s %-7s %-5s %-10s %s\n", "meter", "source", "group", "in a loop", "event");
	for (size_t i = 0; i < METERS; i++) {
		const struct counter *c = &survey->counter[i];
		char ratio[16] = "reads", why[COUNTER_WHY];

		if (!c->source) {
			shorten(survey, c->why, why);
			fprintf(f, "%-21s %-7s ", c->meter->name, "-");
			print_wrapped(f, 30, why);
			continue;
		}
		if (c->proof == PROOF_COUNTED)
			snprintf(ratio, sizeof ratio, "%.3f", c->ratio);
		fprintf(f, "%-21s %-7s %-5u %-10s ", c->meter->name, c->source, survey->group[i],
			ratio);
		print_event(f, c->exact);
	}
}
