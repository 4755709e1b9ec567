/*
 * cell.c - a cell from JSON and back.
 *
 * One table says where each key lies and of what type it is; a key that the workload has no use
 * for never reaches a file, so that equal work has equal text.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include <stubmap/map.h>
#include <stubmap/stub.h>

#include "workloads/gc.h"
#include "workloads/wasm.h"
#include "runs/cell.h"
#include "base/file.h"
#include "base/suggest.h"

enum type { TEXT, U32, U64, FLAG };
static const struct field {
	const char *key;
	enum type type;
	size_t at, size;
	uint64_t min, max;
	enum use use;
} fields[] = {
#define AT(m) offsetof(struct cell, m), sizeof((struct cell *)0)->m
	{ "stubs", TEXT, AT(stubs), 0, 0, USE_ALWAYS },
	{ "maps", TEXT, AT(maps), 0, 0, USE_ALWAYS },
	{ "workload", TEXT, AT(workload), 0, 0, USE_ALWAYS },
	{ "live", U32, AT(live), 1, 65536, USE_RING },
	{ "kind", TEXT, AT(kind), 0, 0, USE_RING },
	{ "signature", TEXT, AT(signature), 0, 0, USE_RING },
	{ "wx", TEXT, AT(wx), 0, 0, USE_ALWAYS },
	{ "quantum", U32, AT(quantum), 4096, 65536, USE_ALWAYS },
	{ "literals", TEXT, AT(literals), 0, 0, USE_CALLS | USE_WASM },
	{ "markers", FLAG, AT(markers), 0, 0, USE_CALLS | USE_WASM },
	{ "policy", TEXT, AT(policy), 0, 0, USE_CALLS | USE_WASM | USE_DEFERRED },
	{ "generic", U32, AT(generic), 0, CELL_MAX_GENERIC, USE_CALLS | USE_WASM | USE_DEFERRED },
	{ "share", FLAG, AT(share), 0, 0, USE_CALLS | USE_FLOOD },
	{ "tier", U32, AT(tier), 0, 2, USE_STEADY | USE_GC },
	{ "max_events", U64, AT(max_events), 0, INT64_MAX, USE_REPLAY | USE_CHURN },
	{ "threads", U32, AT(threads), 1, 8, USE_TIERUP },
	{ "upgrades", U64, AT(upgrades), 1, 1000000, USE_TIERUP },
	{ "instances", U32, AT(instances), 1, 1000, USE_FLOOD | USE_CHURN },
	{ "poison", FLAG, AT(poison), 0, 0, USE_TIERUP | USE_CHURN },
	{ "mode", TEXT, AT(mode), 0, 0, USE_GC },
	{ "polls", FLAG, AT(polls), 0, 0, USE_GC },
	{ "size", U32, AT(size), 0, UINT32_MAX, USE_GC },
	{ "replica", U32, AT(replica), 0, 1, USE_ALWAYS },
#undef AT
};
enum { NFIELDS = sizeof fields / sizeof *fields };

void cell_defaults(struct cell *c)
{
	*c = (struct cell){ .stubs = "pool",
			    .maps = "none",
			    .workload = "ring",
			    .live = 64,
			    .kind = "indirect",
			    .signature = "i>i",
			    .wx = "toggle",
			    .quantum = 4096,
			    .literals = "own",
			    .policy = "all",
			    .tier = 2,
			    .threads = 4,
			    .upgrades = 10000,
			    .instances = 10,
			    .mode = "normal" };
	cell_resolve(c);
}

void cell_resolve(struct cell *c)
{
	const struct stub_ops *ops = stub_strategy(c->stubs);

	c->family = family_of(c->workload, &c->use);
	/* Of an arm that this build does not know: what its record holds. */
	if (!ops || ops->flags & STUB_DEFERRED)
		c->use |= USE_DEFERRED;
}

static bool applies(const struct cell *c, const struct field *f)
{
	return f->use & c->use & USE_ANY && (!(f->use & USE_DEFERRED) || c->use & USE_DEFERRED);
}

bool cell_applies(const struct cell *c, const char *key)
{
	for (size_t i = 0; i < NFIELDS; i++)
		if (!strcmp(fields[i].key, key))
			return applies(c, &fields[i]);
	return false;
}

static uint64_t get(const struct cell *c, const struct field *f)
{
	const char *p = (const char *)c + f->at;

	switch (f->type) {
	case U32:
		return *(const uint32_t *)(const void *)p;
	case U64:
		return *(const uint64_t *)(const void *)p;
	case FLAG:
		return *(const bool *)p;
	case TEXT:
		break;
	}
	return 0;
}

static void clear(struct cell *c, const struct field *f)
{
	memset((char *)c + f->at, 0, f->size);
}

size_t cell_names(const char *key, const char **names, size_t max)
{
	static const char *const literals[] = { "own", "baked", "table" };
	size_t n = 0;

	if (!strcmp(key, "stubs")) {
		for (; stub_strategies[n] && n < max; n++)
			names[n] = stub_strategies[n]->name;
	} else if (!strcmp(key, "maps")) {
		if (!map_encoder("none") && max)
			names[n++] = "none";
		for (size_t i = 0; map_encoders[i] && n < max; i++)
			names[n++] = map_encoders[i]->name;
	} else if (!strcmp(key, "workload")) {
		for (; workloads[n] && n < max; n++)
			names[n] = workloads[n]->name;
		for (size_t i = 0; gc_programs[i] && n < max; i++)
			names[n++] = gc_programs[i]->workload;
		for (size_t i = 0; wasm_programs[i] && n < max; i++)
			names[n++] = wasm_programs[i]->workload;
		for (size_t i = 0; wasm_programs[i] && n < max; i++)
			names[n++] = wasm_programs[i]->flooded;
	} else if (!strcmp(key, "kind")) {
		for (; n < STUB_KINDS && n < max; n++)
			names[n] = stub_kind_names[n];
	} else if (!strcmp(key, "wx")) {
		for (; n < CODE_WX_POLICIES && n < max; n++)
			names[n] = code_wx_names[n];
	} else if (!strcmp(key, "literals")) {
		for (; n < sizeof literals / sizeof *literals && n < max; n++)
			names[n] = literals[n];
	} else if (!strcmp(key, "policy")) {
		for (; n < STUB_POLICIES && n < max; n++)
			names[n] = stub_policy_names[n];
	} else if (!strcmp(key, "mode")) {
		for (; n < GC_MODES && n < max; n++)
			names[n] = gc_mode_names[n];
	}
	return n;
}

static int read_number(const struct field *f, const json_t *v, struct cell *c,
		       char error[CELL_ERROR])
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 0 || (uint64_t)n < f->min || (uint64_t)n > f->max) {
		snprintf(error, CELL_ERROR, "%s must be a whole number, %" PRIu64 " to %" PRIu64,
			 f->key, f->min, f->max);
		return -EINVAL;
	}
	if (f->type == U32)
		memcpy((char *)c + f->at, &(uint32_t){ (uint32_t)n }, sizeof(uint32_t));
	else
		memcpy((char *)c + f->at, &(uint64_t){ (uint64_t)n }, sizeof(uint64_t));
	return 0;
}

static int read_field(const struct field *f, const json_t *v, struct cell *c,
		      char error[CELL_ERROR])
{
	const char *text = json_string_value(v);

	switch (f->type) {
	case U32:
	case U64:
		return read_number(f, v, c, error);
	case FLAG:
		if (!json_is_boolean(v)) {
			snprintf(error, CELL_ERROR, "%s must be true or false", f->key);
			return -EINVAL;
		}
		*(bool *)((char *)c + f->at) = json_is_true(v);
		return 0;
	case TEXT:
		break;
	}
	if (!text || !*text || strlen(text) >= f->size) {
		snprintf(error, CELL_ERROR, "%s must be a text of 1 to %zu characters", f->key,
			 f->size - 1);
		return -EINVAL;
	}
	clear(c, f);
	memcpy((char *)c + f->at, text, strlen(text));
	return 0;
}

static void refuse_key(const struct cell *c, const struct field *f, char error[CELL_ERROR])
{
	struct cell deferred = *c;

	deferred.use |= USE_DEFERRED;
	if (f->use & USE_DEFERRED && applies(&deferred, f))
		snprintf(error, CELL_ERROR, "%s does not apply to %s: only to lazy+NAME", f->key,
			 c->stubs);
	else
		snprintf(error, CELL_ERROR, "%s does not apply to workload %s", f->key,
			 c->workload);
}

int cell_read(const json_t *json, struct cell *c, char error[CELL_ERROR])
{
	const char *keys[NFIELDS], *key;
	json_t *v;
	int r;

	cell_defaults(c);
	if (!json_is_object(json)) {
		snprintf(error, CELL_ERROR, "a cell must be an object");
		return -EINVAL;
	}
	for (size_t i = 0; i < NFIELDS; i++)
		keys[i] = fields[i].key;
	json_object_foreach((json_t *)json, key, v)
	{
		size_t i = 0;
		while (i < NFIELDS && strcmp(keys[i], key))
			i++;
		if (i == NFIELDS) {
			suggest_refuse(error, CELL_ERROR, "key in a cell", key, keys, NFIELDS);
			return -EINVAL;
		}
		if ((r = read_field(&fields[i], v, c, error)))
			return r;
	}
	cell_resolve(c);
	for (size_t i = 0; i < NFIELDS; i++) {
		if (applies(c, &fields[i]))
			continue;
		if (json_object_get(json, fields[i].key)) {
			refuse_key(c, &fields[i], error);
			return -EINVAL;
		}
		clear(c, &fields[i]);
	}
	return 0;
}

/* The reader's own file that the workload is; NULL: it has a name. */
static const char *own_file(const char *workload)
{
	struct workload w;
	struct wasm_program program;

	if (workload_named(workload, &w))
		return workload_own(&w) ? w.trace : NULL;
	return wasm_program_named(workload, &program) && program.own ? program.name : NULL;
}

bool cell_names_file(const char *workload)
{
	return own_file(workload);
}

static int check_name(const struct cell *c, const struct field *f, char error[CELL_ERROR])
{
	const char *names[CELL_NAMES], *value = (const char *)c + f->at;
	const char *file = strcmp(f->key, "workload") ? NULL : own_file(c->workload);
	size_t n = cell_names(f->key, names, CELL_NAMES);

	if (file) {
		char why[WORKLOAD_NAME + 100]; /* begins with the file's name */
		int fd = file_open(file, FILE_WHOLE, why, sizeof why);

		if (fd >= 0) {
			close(fd);
			return 0;
		}
		snprintf(error, CELL_ERROR, "workload %s%s", c->workload, why + strlen(file));
		return -EINVAL;
	}
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], value))
			return 0;
	suggest_refuse(error, CELL_ERROR, f->key, value, names, n);
	return -EINVAL;
}

/* As ring has it. */
static void fill_in_signature(const json_t *json, struct cell *c)
{
	if (!strcmp(c->kind, stub_kind_names[STUB_BIND]) && !json_object_get(json, "signature"))
		strcpy(c->signature, "ii>i");
}

/* What only a cell's program knows: its own size, and its maps where none are named. */
static int fill_in(const json_t *json, struct cell *c, char error[CELL_ERROR])
{
	const struct gc_program *p = gc_program_of(c->workload);

	if (!p) {
		if (!strcmp(c->maps, "none"))
			return 0;
		snprintf(error, CELL_ERROR,
			 "maps '%s' on workload %s, which has no stack maps: those are gc:NAME's",
			 c->maps, c->workload);
		return -EINVAL;
	}
	if (!json_object_get(json, "maps"))
		strcpy(c->maps, "exact");
	if (!c->size)
		c->size = strcmp(c->mode, "every") ? p->usual : p->small;
	if (c->size <= p->max)
		return 0;
	snprintf(error, CELL_ERROR, "size %u of workload %s (%s): 1 to %u are allowed", c->size,
		 c->workload, p->size_means, p->max);
	return -EINVAL;
}

int cell_from_json(const json_t *json, struct cell *c, char error[CELL_ERROR])
{
	stub_signature s;
	int r = cell_read(json, c, error);

	if (r)
		return r;
	for (size_t i = 0; i < NFIELDS; i++)
		if (fields[i].type == TEXT && strcmp(fields[i].key, "signature") &&
		    *((char *)c + fields[i].at) && (r = check_name(c, &fields[i], error)))
			return r;
	fill_in_signature(json, c);
	if ((r = fill_in(json, c, error)))
		return r;
	const struct stub_ops *ops = stub_strategy(c->stubs);
	bool baked = !strcmp(c->literals, "baked"), table = !strcmp(c->literals, "table");
	if ((baked && !(ops->flags & STUB_CAN_BAKE)) || (table && !(ops->flags & STUB_CAN_TABLE))) {
		snprintf(error, CELL_ERROR, "%s has no literals '%s': allowed: own, %s", c->stubs,
			 c->literals, baked ? "table" : "baked");
		return -EINVAL;
	}
	if (*c->signature && stub_signature_parse(c->signature, &s)) {
		snprintf(error, CELL_ERROR,
			 "signature '%s': parameters, '>', result; letters i l f d r, at most %d",
			 c->signature, STUB_MAX_PARAMS);
		return -EINVAL;
	}
	if (!strcmp(c->kind, stub_kind_names[STUB_BIND]) && *c->signature == '>') {
		snprintf(error, CELL_ERROR, "signature '%s': bind needs a parameter to store",
			 c->signature);
		return -EINVAL;
	}
	if (c->share && (strcmp(c->wx, "dual") || !(ops->flags & STUB_CAN_SHARE))) {
		snprintf(error, CELL_ERROR, "share takes wx dual and pool or lazy+pool: not %s, %s",
			 c->wx, c->stubs);
		return -EINVAL;
	}
	/* Callers share their instances: boxes of an i64 would be one another's; and each result
	 * has to say which tier gave it. */
	if (c->family == FAMILY_TIERUP &&
	    (strchr(c->signature, 'l') || strcmp(strchr(c->signature, '>'), ">i"))) {
		snprintf(error, CELL_ERROR,
			 "signature '%s' on workload %s: parameters i f d r, result i are allowed",
			 c->signature, c->workload);
		return -EINVAL;
	}
	if (c->quantum != 4096 && c->quantum != 16384 && c->quantum != 65536) {
		snprintf(error, CELL_ERROR, "quantum %u: allowed: 4096, 16384, 65536", c->quantum);
		return -EINVAL;
	}
	if (c->tier != 0 && c->tier != 2) {
		snprintf(error, CELL_ERROR, "tier %u: allowed: 0, 2", c->tier);
		return -EINVAL;
	}
	return 0;
}

json_t *cell_to_json(const struct cell *c)
{
	json_t *json = json_object();

	for (size_t i = 0; json && i < NFIELDS; i++) {
		const struct field *f = &fields[i];
		const char *text = (const char *)c + f->at;
		if (!applies(c, f) || (f->type == TEXT && !*text))
			continue;
		json_t *v = f->type == TEXT   ? json_string(text)
			    : f->type == FLAG ? json_boolean(get(c, f))
					      : json_integer((json_int_t)get(c, f));
		if (json_object_set_new(json, f->key, v)) {
			json_decref(json);
			return NULL;
		}
	}
	return json;
}

bool cell_equal(const struct cell *a, const struct cell *b)
{
	for (size_t i = 0; i < NFIELDS; i++) {
		const struct field *f = &fields[i];
		const char *ta = (const char *)a + f->at, *tb = (const char *)b + f->at;
		if (!applies(a, f) && !applies(b, f))
			continue;
		if (f->type == TEXT ? strcmp(ta, tb) != 0 : get(a, f) != get(b, f))
			return false;
	}
	return true;
}
