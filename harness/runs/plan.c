/* plan.c - reads a plan, expands its lists, adds the replicas, shuffles blocks. */
#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stubmap/map.h>

#include "workloads/gc.h"
#include "base/file.h"
#include "peers/peers.h"
#include "runs/plan.h"
#include "base/prng.h"
#include "base/suggest.h"

static int __attribute__((format(printf, 2, 3))) refuse(char *error, const char *form, ...)
{
	va_list ap;

	va_start(ap, form);
	vsnprintf(error, PLAN_ERROR, form, ap);
	va_end(ap);
	return -EINVAL;
}

static int add_cell(struct plan *p, const struct cell *c, const char *where, char *error)
{
	for (size_t i = 0; i < p->n; i++)
		if (cell_equal(&p->cells[i], c))
			return refuse(error, "%s: %s on %s is there already, with the same values",
				      where, c->stubs, c->workload);
	if (p->n == PLAN_MAX_CELLS)
		return refuse(error, "more than %d cells", PLAN_MAX_CELLS);
	if (!(p->n & (p->n - 1))) { /* full at each power of two */
		struct cell *cells = realloc(p->cells, (p->n ? p->n * 2 : 1) * sizeof *cells);
		if (!cells)
			return -ENOMEM;
		p->cells = cells;
	}
	p->cells[p->n++] = *c;
	return 0;
}

/* Names that a pattern leaves out: encoders that are known to fail; and peers, which may not be
 * there, unless the pattern begins as their names do. */
static bool left_out(const char *key, const char *text, const char *name)
{
	const struct map_ops *ops = strcmp(key, "maps") ? NULL : map_encoder(name);
	const bool peer = !strcmp(key, "stubs") && peer_named(name);

	return (ops && ops->flags & (MAP_FLOOR | MAP_UNSAFE)) ||
	       (peer && strncmp(text, "peer:", 5) != 0);
}

json_t *plan_values(const char *key, json_t *v)
{
	const char *names[CELL_NAMES], *text = json_string_value(v);
	json_t *list;
	size_t n;

	if (json_is_array(v))
		return json_incref(v);
	list = json_array();
	if (!text || !strpbrk(text, "*?") || (!strcmp(key, "workload") && cell_names_file(text))) {
		json_array_append(list, v);
		return list;
	}
	n = cell_names(key, names, CELL_NAMES);
	for (size_t i = 0; i < n; i++)
		if (!fnmatch(text, names[i], 0) && !left_out(key, text, names[i]))
			json_array_append_new(list, json_string(names[i]));
	return list;
}

/* Chooses values for entry's keys from iter on; the earlier ones are in `chosen`. */
static int expand(struct plan *p, json_t *entry, void *iter, json_t *chosen, const char *where,
		  char *error)
{
	char why[CELL_ERROR];
	struct cell c;
	int r = 0;

	if (!iter) {
		if (cell_from_json(chosen, &c, why))
			return refuse(error, "%s: %s", where, why);
		return add_cell(p, &c, where, error);
	}
	const char *key = json_object_iter_key(iter);
	json_t *values = plan_values(key, json_object_iter_value(iter)), *v;
	size_t i;
	if (!json_array_size(values))
		r = refuse(error, "%s: %s has no value, or its pattern matches nothing", where,
			   key);
	json_array_foreach(values, i, v) {
		if (!r && json_is_array(v))
			r = refuse(error, "%s: %s is a list in a list", where, key);
		if (!r)
			json_object_set(chosen, key, v);
		if (!r)
			r = expand(p, entry, json_object_iter_next(entry, iter), chosen, where,
				   error);
	}
	json_decref(values);
	return r;
}

static int expand_all(struct plan *p, json_t *cells, char *error)
{
	char where[32];
	json_t *entry;
	size_t i;
	int r = 0;

	json_array_foreach(cells, i, entry) {
		json_t *chosen = json_object();
		snprintf(where, sizeof where, "cells[%zu]", i);
		if (!json_is_object(entry))
			r = refuse(error, "%s must be an object", where);
		else if (json_object_get(entry, "replica"))
			r = refuse(error, "%s: replicas are added by themselves; leave replica out",
				   where);
		else
			r = expand(p, entry, json_object_iter(entry), chosen, where, error);
		json_decref(chosen);
		if (r)
			return r;
	}
	return p->n ? 0 : refuse(error, "cells must hold at least one cell");
}

/* Drops keys that a cell's arm uses but the baseline's arm does not. */
static void drop_unused(const json_t *baseline, const struct cell *c, json_t *json)
{
	const char *stubs = json_string_value(json_object_get(baseline, "stubs"));
	struct cell base = *c;

	if (stubs)
		snprintf(base.stubs, sizeof base.stubs, "%s", stubs);
	cell_resolve(&base);
	for (size_t i = 0; i < CELL_KEYS; i++) {
		const char *key = cell_keys[i].name;

		if (cell_keys[i].use & USE_DEFERRED && !cell_applies(&base, key) &&
		    !json_object_get(baseline, key))
			json_object_del(json, key);
	}
}

int plan_baseline_of(const json_t *baseline, const struct cell *c, struct cell *out)
{
	char why[CELL_ERROR];
	json_t *json = cell_to_json(c);
	int r;

	if (json)
		drop_unused(baseline, c, json);
	if (!json || json_object_update(json, (json_t *)baseline) ||
	    json_object_set_new(json, "replica", json_integer(0))) {
		json_decref(json);
		return -ENOMEM;
	}
	r = cell_read(json, out, why);
	json_decref(json);
	return r;
}

/* Each group must hold its baseline, and gets it a second time. */
static int add_replicas(struct plan *p, char *error)
{
	size_t n = p->n, i, j;
	struct cell base;
	int r;

	for (i = 0; i < n; i++) {
		if (plan_baseline_of(p->baseline, &p->cells[i], &base))
			return refuse(error,
				      "baseline has a key that does not apply to workload %s",
				      p->cells[i].workload);
		for (j = 0; j < n && !cell_equal(&p->cells[j], &base); j++)
			;
		if (j == n)
			return refuse(
			    error,
			    "%s on %s%s%s has no baseline: add the cell that \"baseline\" asks for",
			    p->cells[i].stubs, p->cells[i].workload, *base.kind ? ", kind " : "",
			    base.kind);
		if (j != i)
			continue;
		base.replica = 1;
		if ((r = add_cell(p, &base, "replica", error)))
			return r;
	}
	return 0;
}

static int check_baseline(const json_t *baseline, char *error)
{
	char why[CELL_ERROR];
	struct cell c;
	json_t *whole;
	int r;

	if (!json_is_object(baseline) || !json_object_size(baseline))
		return refuse(error, "baseline must be an object, as in {\"stubs\": \"page\"}");
	if (json_object_get(baseline, "replica") || json_object_get(baseline, "workload"))
		return refuse(error, "baseline: replica and workload can't be part of it");
	/* The baseline's keys must fit some workload. */
	if (!(whole = json_copy((json_t *)baseline)))
		return -ENOMEM;
	for (size_t i = 0; i < CELL_KEYS; i++)
		if ((cell_keys[i].use == USE_GC || !strcmp(cell_keys[i].name, "maps")) &&
		    json_object_get(baseline, cell_keys[i].name))
			json_object_set_new(whole, "workload",
					    json_string(gc_programs[0]->workload));
	r = cell_from_json(whole, &c, why);
	json_decref(whole);
	return r ? refuse(error, "baseline: %s", why) : 0;
}

static int read_count(const json_t *json, const char *key, json_int_t min, json_int_t max,
		      json_int_t *out, char *error)
{
	const json_t *v = json_object_get(json, key);

	*out = json_integer_value(v);
	if (!json_is_integer(v) || *out < min || *out > max)
		return refuse(error, "%s must be a whole number, %lld to %lld", key, (long long)min,
			      (long long)max);
	return 0;
}

int plan_accept_rule(const json_t *accept, struct accept_rule *rule, char error[PLAN_ERROR])
{
	static const char *const keys[] = { "load", "steal", "shared", "aa" };
	enum { NKEYS = sizeof keys / sizeof *keys };
	double *const limits[] = { &rule->load, &rule->steal, &rule->shared, &rule->aa };
	const char *key;
	json_t *v;

	*rule = (struct accept_rule){ false, INFINITY, INFINITY, INFINITY, INFINITY };
	if (accept && (!json_is_object(accept) || !json_object_size(accept)))
		return refuse(error,
			      "accept must be an object, as in {\"load\": 1.5, \"steal\": 1}");
	json_object_foreach((json_t *)accept, key, v) {
		size_t i = 0;
		while (i < NKEYS && strcmp(keys[i], key))
			i++;
		if (i == NKEYS) {
			suggest_refuse(error, PLAN_ERROR, "key in accept", key, keys, NKEYS);
			return -EINVAL;
		}
		*limits[i] = json_number_value(v);
		if (!json_is_number(v) || *limits[i] < 0)
			return refuse(error, "accept: %s must be a number, 0 or more", key);
		rule->any = true;
	}
	return 0;
}

static int check_keys(json_t *json, char *error)
{
	static const char *const keys[] = { "name",	  "baseline", "cells",	 "seed",  "blocks",
					    "iterations", "counters", "timeout", "accept" };
	enum { NKEYS = sizeof keys / sizeof *keys, NEEDED = 3 }; /* the others may be left out */
	const char *key;
	json_t *v;

	json_object_foreach(json, key, v) {
		size_t i = 0;
		while (i < NKEYS && strcmp(keys[i], key))
			i++;
		if (i == NKEYS) {
			suggest_refuse(error, PLAN_ERROR, "key in a plan", key, keys, NKEYS);
			return -EINVAL;
		}
	}
	for (size_t i = 0; i < NEEDED; i++)
		if (!json_object_get(json, keys[i]))
			return refuse(error, "%s is missing; a plan needs name, baseline and cells",
				      keys[i]);
	return 0;
}

/* Reads all keys but the cells. */
static int read_head(const json_t *json, struct plan *p, char *error)
{
	const json_t *counters = json_object_get(json, "counters");
	json_int_t seed, blocks, iterations, timeout = 0;
	struct accept_rule rule;
	int r;

	p->name = json_string_value(json_object_get(json, "name"));
	p->baseline = json_object_get(json, "baseline");
	if (!p->name || !*p->name)
		return refuse(error, "name must be a text");
	if ((r = read_count(json, "seed", 0, INT64_MAX, &seed, error)) ||
	    (r = read_count(json, "blocks", 1, PLAN_MAX_BLOCKS, &blocks, error)) ||
	    (r = read_count(json, "iterations", 1, PLAN_MAX_ITERATIONS, &iterations, error)) ||
	    (r = check_baseline(p->baseline, error)) ||
	    (r = plan_accept_rule(json_object_get(json, "accept"), &rule, error)))
		return r;
	if (json_object_get(json, "timeout") &&
	    (r = read_count(json, "timeout", 1, PLAN_MAX_TIMEOUT, &timeout, error)))
		return r;
	p->seed = (uint64_t)seed;
	p->blocks = (unsigned)blocks;
	p->iterations = (unsigned)iterations;
	p->timeout_s = (unsigned)timeout;
	p->counters = json_is_true(counters);
	return counters && !json_is_boolean(counters)
		   ? refuse(error, "counters must be true or false")
		   : 0;
}

/* A copy with the keys that the plan left out: a run's head has all keys. */
static json_t *completed(json_t *json)
{
	static const struct {
		const char *key;
		json_int_t value;
	} defaults[] = { { "seed", PLAN_SEED },
			 { "blocks", PLAN_BLOCKS },
			 { "iterations", PLAN_ITERATIONS } };
	json_t *whole = json_copy(json);

	for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
		if (!json_object_get(whole, defaults[i].key))
			json_object_set_new(whole, defaults[i].key,
					    json_integer(defaults[i].value));
	return whole;
}

int plan_from_json(json_t *json, struct plan *p, char error[PLAN_ERROR])
{
	json_t *cells = json_object_get(json, "cells");
	int r;

	refuse(error, "out of memory"); /* the message, unless a better one follows */
	*p = (struct plan){ 0 };
	if (!json_is_object(json))
		return refuse(error, "a plan must be an object");
	if (!(p->json = completed(json)))
		return -ENOMEM;
	r = check_keys(json, error);
	if (!r)
		r = read_head(p->json, p, error);
	if (!r && !json_is_array(cells))
		r = refuse(error, "cells must be a list");
	if (!r)
		r = expand_all(p, cells, error);
	if (!r)
		r = add_replicas(p, error);
	if (r)
		plan_free(p);
	return r;
}

/* A plan's file on its way to the parser. */
struct reader {
	FILE *f;
	bool text, escaped, comment;
};

/* Reads on, with blanks for comments; the lines stay as they are. */
static size_t read_uncommented(void *buffer, size_t size, void *arg)
{
	struct reader *r = arg;
	size_t n = 0;

	for (int c, next; n < size && (c = getc(r->f)) != EOF; n++) {
		if (r->comment) {
			r->comment = c != '\n';
			c = r->comment ? ' ' : c;
		} else if (r->text) {
			r->text = r->escaped || c != '"';
			r->escaped = !r->escaped && c == '\\';
		} else if (c == '/' && (next = getc(r->f)) != '/') {
			ungetc(next, r->f);
		} else if (c == '/') {
			r->comment = true;
			c = ' ';
		} else {
			r->text = c == '"';
		}
		((char *)buffer)[n] = (char)c;
	}
	return ferror(r->f) ? (size_t)-1 : n;
}

int plan_load(const char *path, struct plan *p, char error[PLAN_ERROR])
{
	char why[PLAN_ERROR / 2];
	json_error_t e;
	int r;
	FILE *f = file_stream(path, FILE_STREAM, &r, error, PLAN_ERROR);
	struct reader reader = { .f = f };
	json_t *json;

	if (!f)
		return r;
	json = json_load_callback(read_uncommented, &reader, JSON_REJECT_DUPLICATES, &e);
	fclose(f);
	if (!json)
		return refuse(error, "%s:%d:%d: %s", path, e.line, e.column, e.text);
	r = plan_from_json(json, p, error);
	json_decref(json);
	if (r) {
		snprintf(why, sizeof why, "%s", error);
		refuse(error, "%s: %s", path, why);
	}
	return r;
}

const char *plan_plain_error(const char *error)
{
	static const char *const parts[] = { "baseline: ", "cells[0]: " };

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (!strncmp(error, parts[i], strlen(parts[i])))
			return error + strlen(parts[i]);
	return error;
}

bool plan_has_peers(const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (peer_named(p->cells[i].stubs))
			return true;
	return false;
}

void plan_iterate(struct plan *p, unsigned iterations)
{
	p->iterations = iterations;
	json_object_set_new(p->json, "iterations", json_integer(iterations));
}

void plan_free(struct plan *p)
{
	json_decref(p->json);
	free(p->cells);
	*p = (struct plan){ 0 };
}

uint64_t plan_block_seed(const struct plan *p, unsigned block)
{
	return prng_mix(p->seed ^ prng_mix(block)) >> 11;
}

void plan_order(const struct plan *p, unsigned block, uint32_t *order)
{
	struct prng g;

	prng_seed(&g, plan_block_seed(p, block));
	for (uint32_t i = 0; i < p->n; i++)
		order[i] = i;
	for (uint32_t i = (uint32_t)p->n; i > 1; i--) { /* Fisher and Yates */
		uint32_t j = prng_below(&g, i), t = order[j];
		order[j] = order[i - 1];
		order[i - 1] = t;
	}
}
