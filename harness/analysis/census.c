/* census.c - sorts cells by the order of their names in the lists of names. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/census.h"

struct entry {
	struct cell cell, group;
};

static int order_entries(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	int r = cell_order(&a->group, &b->group);

	return r ? r : cell_order(&a->cell, &b->cell);
}

size_t census_find(const struct census *c, const struct cell *cell)
{
	size_t i = 0;

	while (i < c->n && !cell_equal(&c->cells[i], cell))
		i++;
	return i;
}

int census_take(const struct run *run, struct census *c)
{
	size_t n = run->n ? run->n : 1;
	struct entry *all = calloc(n, sizeof *all);
	size_t *cell_of = calloc(n, sizeof *cell_of);
	int r = 0;

	*c = (struct census){ .run = run };
	c->cells = calloc(n, sizeof *c->cells);
	c->groups = calloc(n, sizeof *c->groups);
	c->of = calloc(n, sizeof *c->of);
	c->first = calloc(n + 1, sizeof *c->first);
	if (!all || !cell_of || !c->cells || !c->groups || !c->of || !c->first) {
		r = -ENOMEM;
		goto done;
	}
	for (size_t i = 0; i < run->n; i++) {
		const struct cell *cell = &run->invocations[i].cell;
		size_t at = 0;
		while (at < c->n && !cell_equal(&all[at].cell, cell))
			at++;
		if (at < c->n)
			continue;
		all[at].cell = *cell;
		if ((r = plan_baseline_of(run->baseline, cell, &all[at].group)))
			goto done;
		c->n++;
	}
	qsort(all, c->n, sizeof *all, order_entries);
	for (size_t i = 0; i < c->n; i++) {
		c->cells[i] = all[i].cell;
		c->groups[i] = all[i].group;
	}
	for (size_t i = 0; i < run->n; i++) {
		cell_of[i] = census_find(c, &run->invocations[i].cell);
		c->first[cell_of[i]]++;
	}
	for (size_t i = 1; i <= c->n; i++)
		c->first[i] += c->first[i - 1]; /* each cell's end */
	for (size_t i = run->n; i-- > 0;)
		c->of[--c->first[cell_of[i]]] = i; /* and then its begin */
done:
	free(all);
	free(cell_of);
	if (r)
		census_free(c);
	return r;
}

void census_free(struct census *c)
{
	free(c->cells);
	free(c->groups);
	free(c->of);
	free(c->first);
	*c = (struct census){ 0 };
}

static void append(char *out, size_t size, const char *between, const char *what)
{
	size_t len = strlen(out);

	snprintf(out + len, size - len, "%s%s", *out ? between : "", what);
}

/* A value of a cell as text. */
static void value_text(const json_t *v, char *out, size_t size)
{
	if (json_is_string(v))
		snprintf(out, size, "%s", json_string_value(v));
	else if (json_is_integer(v))
		snprintf(out, size, "%lld", (long long)json_integer_value(v));
	else
		snprintf(out, size, "%s", json_is_true(v) ? "yes" : "no");
}

char *arm_label(const struct run *run, const struct cell *cell, char *out, size_t size)
{
	json_t *json = cell_to_json(cell);
	char text[40];
	const char *key;
	json_t *v;

	*out = 0;
	json_object_foreach((json_t *)run->baseline, key, v) {
		if (!json_object_get(json, key))
			continue; /* this arm does not use the key */
		const json_t *value = json_object_get(json, key);

		if (json_is_false(value))
			continue; /* if true, the key says more than "yes" */
		value_text(value, text, sizeof text);
		append(out, size, "/", json_is_true(value) ? key : text);
	}
	if (*cell->policy && strcmp(cell->policy, "all") &&
	    !json_object_get(run->baseline, "policy"))
		append(out, size, ",", cell->policy);
	snprintf(text, sizeof text, "K=%u", cell->generic);
	if (cell->generic && !json_object_get(run->baseline, "generic"))
		append(out, size, ",", text);
	if (cell->replica)
		append(out, size, " ", "(A/A)");
	json_decref(json);
	return out;
}

char *group_label(const struct run *run, const struct cell *cell, char *out, size_t size)
{
	static const char *const told[] = { "workload", "live",	   "kind",   "signature",
					    "policy",	"generic", "replica" };
	struct cell usual;
	json_t *json = cell_to_json(cell), *plain, *v;
	const char *key;
	char text[80], value[40];

	cell_defaults(&usual);
	snprintf(usual.workload, sizeof usual.workload, "%s", cell->workload);
	cell_resolve(&usual);
	plain = cell_to_json(&usual);
	snprintf(out, size, "%s", cell->workload);
	if (cell->live) {
		snprintf(text, sizeof text, "%u live", cell->live);
		append(out, size, ", ", text);
	}
	if (*cell->kind) {
		snprintf(text, sizeof text, "%s %s", cell->kind, cell->signature);
		append(out, size, ", ", text);
	}
	json_object_foreach(json, key, v) {
		size_t i = 0, n = sizeof told / sizeof *told;
		while (i < n && strcmp(told[i], key))
			i++;
		if (i < n || json_object_get(run->baseline, key) ||
		    (json_equal(v, json_object_get(plain, key)) && strcmp(key, "threads") &&
		     strcmp(key, "instances")))
			continue;
		value_text(v, value, sizeof value);
		snprintf(text, sizeof text, "%s %s", key, value);
		append(out, size, ", ", text);
	}
	json_decref(json);
	json_decref(plain);
	return out;
}
