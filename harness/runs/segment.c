/* segment.c - compares fingerprints, and makes the lines of segments. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "meters/fingerprint.h"
#include "runs/segment.h"
#include "runs/store.h"

/* Facts that may differ within a run: a missing fact is null already, counters are measured. */
static const char *const ignored[] = { "missing", "counters", "tree" };

static bool is_ignored(const char *key)
{
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		if (!strcmp(key, ignored[i]))
			return true;
	return false;
}

static void show(const json_t *v, char out[64])
{
	if (json_is_string(v))
		snprintf(out, 64, "'%.48s'", json_string_value(v));
	else if (json_is_integer(v))
		snprintf(out, 64, "%lld", (long long)json_integer_value(v));
	else if (json_is_boolean(v))
		snprintf(out, 64, "%s", json_is_true(v) ? "yes" : "no");
	else if (json_is_real(v))
		snprintf(out, 64, "%g", json_real_value(v));
	else
		snprintf(out, 64, "%s", !v || json_is_null(v) ? "not known" : "other");
}

static void add(const char *key, const json_t *before, const json_t *now, char *out)
{
	size_t len = strlen(out);
	char a[64], b[64];

	show(before, a);
	show(now, b);
	snprintf(out + len, SEGMENT_DIFFERS - len, "%s%s %s there, %s here", len ? "; " : "", key,
		 a, b);
}

/* "commit 1d833d546ad5 and changes", or what else is known. */
static void show_program(const json_t *program, char out[64])
{
	const char *commit = json_string_value(json_object_get(program, "commit"));
	const char *hash = json_string_value(json_object_get(program, "hash"));

	if (!json_is_object(program))
		snprintf(out, 64, "not known");
	else
		snprintf(out, 64, "%.12s%s (%.12s)", commit ? commit : "of no commit",
			 json_is_true(json_object_get(program, "dirty")) ? " and changes" : "",
			 hash ? hash : "no hash");
}

static void compare_programs(const json_t *before, const json_t *now, char *out)
{
	const json_t *old = json_object_get(before, "hash"), *new = json_object_get(now, "hash");
	size_t len = strlen(out);
	char a[64], b[64];

	if ((json_is_string(old) && json_equal(old, new)) ||
	    (!json_is_object(before) && !json_is_object(now)) || json_equal(before, now))
		return;
	show_program(before, a);
	show_program(now, b);
	snprintf(out + len, SEGMENT_DIFFERS - len, "%sprogram %s there, %s here", len ? "; " : "",
		 a, b);
}

static void compare_facts(const char *prefix, const json_t *before, const json_t *now, char *out);

static void compare(const char *key, const json_t *before, const json_t *now, char *out)
{
	if (is_ignored(key) || json_equal(before, now) ||
	    ((!before || json_is_null(before)) && (!now || json_is_null(now))))
		return;
	if (!strcmp(key, "program"))
		compare_programs(before, now, out);
	else if (json_is_object(before) && json_is_object(now))
		compare_facts(key, before, now, out);
	else
		add(key, before, now, out);
}

static void compare_facts(const char *prefix, const json_t *before, const json_t *now, char *out)
{
	char name[80];
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)before, key, v) {
		snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", key);
		compare(name, v, json_object_get(now, key), out);
	}
	json_object_foreach((json_t *)now, key, v) {
		snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", key);
		if (!json_object_get(before, key))
			compare(name, NULL, v, out);
	}
}

bool segment_differs(const json_t *before, const json_t *now, char out[SEGMENT_DIFFERS])
{
	*out = 0;
	if (json_is_object(before) && json_is_object(now))
		compare_facts("", before, now, out);
	else if (json_is_object(before) || json_is_object(now))
		snprintf(out, SEGMENT_DIFFERS, "the machine is not known %s",
			 json_is_object(now) ? "there" : "here");
	return *out;
}

bool segment_differs_but_cpu(const json_t *before, const json_t *now, char out[SEGMENT_DIFFERS])
{
	json_t *a = json_copy((json_t *)before), *b = json_copy((json_t *)now);

	json_object_del(a, "pinned_cpu");
	json_object_del(b, "pinned_cpu");
	bool differs = segment_differs(a, b, out);
	json_decref(a);
	json_decref(b);
	return differs;
}

int segment_begun(json_t *line)
{
	struct env_moment now;
	time_t seconds = time(NULL);
	char started[32];
	struct tm tm;

	env_moment(&now);
	strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
	return json_object_set_new(line, "started", json_string(started)) ||
		       json_object_set_new(line, "load",
					   now.load < 0 ? json_null() : json_real(now.load)) ||
		       json_object_set_new(line, "steal_ms",
					   now.steal_ms < 0 ? json_null()
							    : json_integer(now.steal_ms))
		   ? -ENOMEM
		   : 0;
}

json_t *segment_line(size_t n, json_t *machine)
{
	json_t *line = json_pack("{s:i, s:s, s:I, s:O?}", "schema", SCHEMA, "type", "segment",
				 "segment", (json_int_t)n, "machine", machine);

	if (line && segment_begun(line)) {
		json_decref(line);
		line = NULL;
	}
	return line;
}
