/* trial.c - loads runs, and puts those of one machine together. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/trial.h"
#include "base/say.h"

static const json_t *machine_of(const struct trial_run *r)
{
	return json_object_get(r->run.head, "machine");
}

static const char *plan_of(const struct trial_run *r)
{
	const char *name =
	    json_string_value(json_object_get(json_object_get(r->run.head, "plan"), "name"));

	return name ? name : "";
}

bool trial_same_machine(const json_t *a, const json_t *b)
{
	static const char *const keys[] = { "cpu_vendor",   "cpu_family", "cpu_model_number",
					    "cpu_stepping", "cpu_model",  "cores" };

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		const json_t *x = json_object_get(a, keys[i]), *y = json_object_get(b, keys[i]);
		if (x != y && !json_equal(x, y))
			return false;
	}
	return true;
}

/* The folder in which a run lies, as len bytes in path; 0: the working directory. */
static const char *folder_of(const char *path, size_t *len)
{
	const char *end = strrchr(path, '/'), *start = end;

	*len = 0;
	if (!end)
		return path;
	while (start > path && start[-1] != '/')
		start--;
	*len = (size_t)(end - start);
	return start;
}

/* A machine has the name of a folder that holds all of its runs and no run of another machine;
 * else that of its processor. */
static void name_machine(struct trial *t, size_t machine, size_t first)
{
	char *out = t->machines[machine];
	size_t len, other;
	const char *name = folder_of(t->runs[first].path, &len);
	const json_t *m = machine_of(&t->runs[first]);
	bool apart = len && len < MACHINE_NAME && name[0] != '.';

	for (size_t i = 0; i < t->n && apart; i++) {
		const char *theirs = folder_of(t->runs[i].path, &other);
		bool same = other == len && !strncmp(theirs, name, len);
		apart = same == (t->runs[i].machine == machine);
	}
	if (apart) {
		char folder[MACHINE_NAME];
		snprintf(folder, sizeof folder, "%.*s", (int)len, name);
		say_plain(out, MACHINE_NAME, folder); /* a folder's name need not be UTF-8 */
		return;
	}
	const char *model = json_string_value(json_object_get(m, "cpu_model")),
		   *family = json_string_value(json_object_get(m, "cpu_family")),
		   *number = json_string_value(json_object_get(m, "cpu_model_number"));
	snprintf(out, MACHINE_NAME, "%s, family %s model %s, %lld cores", model ? model : "?",
		 family ? family : "?", number ? number : "?",
		 (long long)json_integer_value(json_object_get(m, "cores")));
}

static int read_one(struct trial *t, const char *path, char *error)
{
	struct trial_run *r = &t->runs[t->n];
	char why[RUN_ERROR];
	int e;

	*r = (struct trial_run){ .path = path };
	if ((e = run_load(path, &r->run, error)))
		return e;
	t->n++;
	r->seed = (json_int_t)run_seed(&r->run);
	if (run_mixed(&r->run, why))
		return run_refuse(error, -EINVAL, "%s: %.*s", path, RUN_ERROR / 2, why);
	for (size_t i = 0; i + 1 < t->n; i++) {
		if (json_equal(t->runs[i].run.head, r->run.head))
			return run_refuse(error, -EINVAL, "%s and %s are one run: name it once",
					  t->runs[i].path, path);
		if (strcmp(plan_of(&t->runs[i]), plan_of(r)))
			return run_refuse(
			    error, -EINVAL,
			    "%s is of plan '%s', and %s of '%s'; claims are tested on "
			    "runs of one plan",
			    t->runs[i].path, plan_of(&t->runs[i]), path, plan_of(r));
	}
	if ((e = census_take(&r->run, &r->census)) || (e = accept_judge(&r->run, &r->acceptance)))
		return run_refuse(error, e, "%s: %s", path, strerror(-e));
	return 0;
}

/* Numbers the machines in the order in which they come first, and puts their runs together. */
static int group_machines(struct trial *t)
{
	struct trial_run *sorted = malloc((t->n ? t->n : 1) * sizeof *sorted);
	size_t n = 0, j;

	t->machines = calloc(t->n ? t->n : 1, sizeof *t->machines);
	if (!sorted || !t->machines) {
		free(sorted);
		return -ENOMEM;
	}
	for (size_t i = 0; i < t->n; i++) {
		for (j = 0;
		     j < i && !trial_same_machine(machine_of(&t->runs[j]), machine_of(&t->runs[i]));
		     j++)
			;
		t->runs[i].machine = j < i ? t->runs[j].machine : t->nmachines++;
	}
	for (size_t m = 0; m < t->nmachines; m++)
		for (size_t i = 0; i < t->n; i++)
			if (t->runs[i].machine == m)
				sorted[n++] = t->runs[i];
	for (size_t i = 0; i < n; i++)
		sorted[i].census.run = &sorted[i].run; /* they moved */
	free(t->runs);
	t->runs = sorted;
	for (size_t i = n; i-- > 0;)
		if (!i || t->runs[i - 1].machine != t->runs[i].machine)
			name_machine(t, t->runs[i].machine, i);
	return 0;
}

int trial_load(struct trial *t, char *const *paths, size_t n, char error[RUN_ERROR])
{
	int r = 0;

	*t = (struct trial){ .runs = calloc(n ? n : 1, sizeof *t->runs) };
	if (!t->runs)
		return run_refuse(error, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n && !r; i++)
		r = read_one(t, paths[i], error);
	if (!r && (r = group_machines(t)))
		run_refuse(error, r, "out of memory");
	if (r)
		trial_free(t);
	else
		t->plan = plan_of(&t->runs[0]);
	return r;
}

void trial_free(struct trial *t)
{
	for (size_t i = 0; i < t->n; i++) {
		census_free(&t->runs[i].census);
		run_close(&t->runs[i].run);
	}
	free(t->runs);
	free(t->machines);
	*t = (struct trial){ 0 };
}
