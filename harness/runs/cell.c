/*
 * cell.c - a cell from JSON and back.
 *
 * One table gives each key's place and type. A key that the workload does not use is never written
 * to a file, so that equal work has equal text.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stddef.h>
#include <string.h>
#include <stubmap/map.h>
#include <stubmap/stub.h>

#include "workloads/gc.h"
#include "workloads/wasm.h"
#include "peers/peers.h"
#include "runs/cell.h"
#include "base/suggest.h"

#define TEXT(m)		 CELL_TEXT, offsetof(struct cell, m), sizeof((struct cell *)0)->m, 0, 0
#define FLAG(m)		 CELL_FLAG, offsetof(struct cell, m), sizeof((struct cell *)0)->m, 0, 0
#define U32(m, min, max) CELL_U32, offsetof(struct cell, m), sizeof((struct cell *)0)->m, min, max
#define U64(m, min, max) CELL_U64, offsetof(struct cell, m), sizeof((struct cell *)0)->m, min, max
#define STUBS		 USE_CALLS | USE_WASM

/* clang-format off */
const struct cell_key cell_keys[CELL_KEYS] = {
	{ "stubs", TEXT(stubs), USE_ALWAYS, 20,
	  "allocators: `stubmap list stubs` (default: page,pool)", "A,B", 's', false, true, CELL_ARM },
	{ "maps", TEXT(maps), USE_ALWAYS, 23,
	  "gc: encoders (default: all that are safe)", "A,B", 'm', false, false, CELL_ARM },
	{ "workload", TEXT(workload), USE_ALWAYS, 1,
	  "workloads (default: ring); a comma in a file's name may be \\,", "W", 'w', false, true, CELL_WORKLOAD },
	{ "live", U32(live, 1, 1 << 20), USE_RING, 8,
	  "ring: live stubs; flood, churn: of an instance (default: 64)", "N", 'n', false, true,
	  CELL_WORKLOAD },
	{ "targets", U32(targets, 0, 1 << 20), USE_TARGETS, 9,
	  "ring: functions that the stubs lead to in turn (default: 0, one each)", "N", 0, false,
	  true, CELL_WORKLOAD },
	{ "kind", TEXT(kind), USE_RING, 2,
	  "ring: kinds (default: indirect)", "K", 'k', false, true, CELL_WORKLOAD },
	{ "signature", TEXT(signature), USE_RING, 3,
	  "ring: as \"iid>l\" (default: \"i>i\"; bind: \"ii>i\")", "S", 0, false, true,
	  CELL_WORKLOAD },
	{ "wx", TEXT(wx), USE_ALWAYS, 14,
	  "how code is written: toggle, dual, rwx, pkey (default: toggle)", "P", 0, false, true, CELL_ARM },
	{ "quantum", U32(quantum, 4096, CODE_LARGE_QUANTUM), USE_ALWAYS, 15,
	  "bytes of code taken at a time: 4K, 16K, 64K, 2M (default: 4K)", "Q", 'q', false, false,
	  CELL_ARM },
	{ "literals", TEXT(literals), STUBS, 16,
	  "own (default): as the arm has them; baked: in code; table: in data", "L", 0, false, true, CELL_ARM },
	{ "markers", FLAG(markers), STUBS, 17,
	  "endbr64 at the start of each stub", NULL, 0, false, true, CELL_ARM },
	{ "policy", TEXT(policy), STUBS | USE_DEFERRED, 21,
	  "lazy+NAME: a call makes all (default), one, table, module, signature, adaptive, rent", "P", 'p', false,
	  false, CELL_ARM },
	{ "generic", U32(generic, 0, CELL_MAX_GENERIC), STUBS | USE_DEFERRED, 22,
	  "lazy+NAME: calls that are interpreted before, 0 to 1000 (default: 0)", "K", 'g', false,
	  false, CELL_ARM },
	{ "share", FLAG(share), USE_CALLS | USE_FLOOD, 18,
	  "wx dual, pool and island: equal pages of code are one page", NULL, 0, false, false, CELL_ARM },
	{ "tier", U32(tier, 0, 2), USE_STEADY | USE_GC, 19,
	  "of the compiler: 0, 2 (default: 2)", "T", 0, false, false, CELL_WORKLOAD },
	{ "max_events", U64(max_events, 0, INT64_MAX), USE_REPLAY | USE_CHURN, 4,
	  "replay: only the first N crossings; churn: births and deaths", "N", 0, true, true,
	  CELL_WORKLOAD },
	{ "threads", U32(threads, 1, 8), USE_TIERUP, 10,
	  "tierup: callers, 1 to 8 (default: 4)", "T", 't', false, false, CELL_LIVES },
	{ "upgrades", U64(upgrades, 1, 1000000), USE_TIERUP, 11,
	  "tierup: stubs upgraded, to 1000000 (default: 10000)", "N", 'u', false, false, CELL_LIVES },
	{ "instances", U32(instances, 1, 1000), USE_FLOOD | USE_CHURN, 12,
	  "flood, churn: alive at once, 1 to 1000 (default: 10)", "K", 0, false, false, CELL_LIVES },
	{ "poison", FLAG(poison), USE_TIERUP | USE_CHURN, 13,
	  "tierup, churn: released slots report calls (island: pool's)", NULL, 0, false, false, CELL_LIVES },
	{ "mode", TEXT(mode), USE_GC, 5,
	  "when to collect: normal, every, random, never (default: normal)", "M", 0, false, false,
	  CELL_GC },
	{ "polls", FLAG(polls), USE_GC, 6,
	  "safepoint polls in loops and at entries", NULL, 0, false, false, CELL_GC },
	{ "size", U32(size, 0, UINT32_MAX), USE_GC, 7,
	  "of the program, as it means it (default: its own)", "N", 0, false, false, CELL_GC },
	{ "replica", U32(replica, 0, 1), USE_ALWAYS, 24, NULL, NULL, 0, false, false, CELL_ARM },
};
/* clang-format on */
#undef TEXT
#undef FLAG
#undef U32
#undef U64
#undef STUBS

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
	/* An arm that this build does not know keeps all that its record holds. */
	if (ops ? ops->flags & STUB_DEFERRED : !peer_named(c->stubs))
		c->use |= USE_DEFERRED;
}

static bool applies(const struct cell *c, const struct cell_key *f)
{
	return f->use & c->use & USE_ANY && (!(f->use & USE_DEFERRED) || c->use & USE_DEFERRED);
}

bool cell_applies(const struct cell *c, const char *key)
{
	for (size_t i = 0; i < CELL_KEYS; i++)
		if (!strcmp(cell_keys[i].name, key))
			return applies(c, &cell_keys[i]);
	return false;
}

static uint64_t get(const struct cell *c, const struct cell_key *f)
{
	const char *p = (const char *)c + f->at;

	switch (f->type) {
	case CELL_U32:
		return *(const uint32_t *)(const void *)p;
	case CELL_U64:
		return *(const uint64_t *)(const void *)p;
	case CELL_FLAG:
		return *(const bool *)p;
	case CELL_TEXT:
		break;
	}
	return 0;
}

static void clear(struct cell *c, const struct cell_key *f)
{
	memset((char *)c + f->at, 0, f->size);
}

size_t cell_names(const char *key, const char **names, size_t max)
{
	static const char *const literals[] = { "own", "baked", "table" };
	static const struct {
		const char *key;
		const char *const *names;
		size_t n;
	} fixed[] = { { "kind", stub_kind_names, STUB_KINDS },
		      { "wx", code_wx_names, CODE_WX_POLICIES },
		      { "literals", literals, sizeof literals / sizeof *literals },
		      { "policy", stub_policy_names, STUB_POLICIES },
		      { "mode", gc_mode_names, GC_MODES } };
	size_t n = 0;

	if (!strcmp(key, "stubs")) {
		for (; stub_strategies[n] && n < max; n++)
			names[n] = stub_strategies[n]->name;
		for (size_t i = 0; peer_rows[i].name && n < max; i++)
			names[n++] = peer_rows[i].name;
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
	}
	for (size_t k = 0; k < sizeof fixed / sizeof *fixed; k++)
		for (size_t i = 0; !strcmp(key, fixed[k].key) && i < fixed[k].n && n < max; i++)
			names[n++] = fixed[k].names[i];
	return n;
}

static int read_number(const struct cell_key *f, const json_t *v, struct cell *c,
		       char error[CELL_ERROR])
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 0 || (uint64_t)n < f->min || (uint64_t)n > f->max) {
		snprintf(error, CELL_ERROR, "%s must be a whole number, %" PRIu64 " to %" PRIu64,
			 f->name, f->min, f->max);
		return -EINVAL;
	}
	if (f->type == CELL_U32)
		memcpy((char *)c + f->at, &(uint32_t){ (uint32_t)n }, sizeof(uint32_t));
	else
		memcpy((char *)c + f->at, &(uint64_t){ (uint64_t)n }, sizeof(uint64_t));
	return 0;
}

static int read_field(const struct cell_key *f, const json_t *v, struct cell *c,
		      char error[CELL_ERROR])
{
	const char *text = json_string_value(v);

	switch (f->type) {
	case CELL_U32:
	case CELL_U64:
		return read_number(f, v, c, error);
	case CELL_FLAG:
		if (!json_is_boolean(v)) {
			snprintf(error, CELL_ERROR, "%s must be true or false", f->name);
			return -EINVAL;
		}
		*(bool *)((char *)c + f->at) = json_is_true(v);
		return 0;
	case CELL_TEXT:
		break;
	}
	if (!text || !*text || strlen(text) >= f->size) {
		snprintf(error, CELL_ERROR, "%s must be a text of 1 to %zu characters", f->name,
			 f->size - 1);
		return -EINVAL;
	}
	clear(c, f);
	memcpy((char *)c + f->at, text, strlen(text));
	return 0;
}

static void refuse_key(const struct cell *c, const struct cell_key *f, char error[CELL_ERROR])
{
	struct cell deferred = *c;

	deferred.use |= USE_DEFERRED;
	if (f->use & USE_DEFERRED && applies(&deferred, f))
		snprintf(error, CELL_ERROR, "%s does not apply to %s: only to lazy+NAME", f->name,
			 c->stubs);
	else
		snprintf(error, CELL_ERROR, "%s does not apply to workload %s", f->name,
			 c->workload);
}

int cell_read(const json_t *json, struct cell *c, char error[CELL_ERROR])
{
	const char *keys[CELL_KEYS], *key;
	json_t *v;
	int r;

	cell_defaults(c);
	if (!json_is_object(json)) {
		snprintf(error, CELL_ERROR, "a cell must be an object");
		return -EINVAL;
	}
	for (size_t i = 0; i < CELL_KEYS; i++)
		keys[i] = cell_keys[i].name;
	json_object_foreach((json_t *)json, key, v) {
		size_t i = 0;
		while (i < CELL_KEYS && strcmp(keys[i], key))
			i++;
		if (i == CELL_KEYS) {
			suggest_refuse(error, CELL_ERROR, "key in a cell", key, keys, CELL_KEYS);
			return -EINVAL;
		}
		if ((r = read_field(&cell_keys[i], v, c, error)))
			return r;
	}
	cell_resolve(c);
	for (size_t i = 0; i < CELL_KEYS; i++) {
		if (applies(c, &cell_keys[i]))
			continue;
		if (json_object_get(json, cell_keys[i].name)) {
			refuse_key(c, &cell_keys[i], error);
			return -EINVAL;
		}
		clear(c, &cell_keys[i]);
	}
	return 0;
}

json_t *cell_to_json(const struct cell *c)
{
	json_t *json = json_object();

	for (size_t i = 0; json && i < CELL_KEYS; i++) {
		const struct cell_key *f = &cell_keys[i];
		const char *text = (const char *)c + f->at;
		if (!applies(c, f) || (f->type == CELL_TEXT && !*text))
			continue;
		json_t *v = f->type == CELL_TEXT   ? json_string(text)
			    : f->type == CELL_FLAG ? json_boolean(get(c, f))
						   : json_integer((json_int_t)get(c, f));
		if (json_object_set_new(json, f->name, v)) {
			json_decref(json);
			return NULL;
		}
	}
	return json;
}

bool cell_equal(const struct cell *a, const struct cell *b)
{
	for (size_t i = 0; i < CELL_KEYS; i++) {
		const struct cell_key *f = &cell_keys[i];
		const char *ta = (const char *)a + f->at, *tb = (const char *)b + f->at;
		if (!applies(a, f) && !applies(b, f))
			continue;
		if (f->type == CELL_TEXT ? strcmp(ta, tb) != 0 : get(a, f) != get(b, f))
			return false;
	}
	return true;
}

static size_t rank(const char *key, const char *name)
{
	const char *names[CELL_NAMES];
	size_t n = cell_names(key, names, CELL_NAMES), i = 0;

	while (i < n && strcmp(names[i], name))
		i++;
	return i;
}

static int order_values(const struct cell_key *f, const struct cell *a, const struct cell *b)
{
	const char *ta = (const char *)a + f->at, *tb = (const char *)b + f->at;
	uint64_t x, y;

	if (f->type == CELL_TEXT) {
		x = rank(f->name, ta);
		y = rank(f->name, tb);
		return x == y ? strcmp(ta, tb)
			      : (x > y) - (x < y); /* this build may know neither */
	}
	x = get(a, f);
	y = get(b, f);
	return (x > y) - (x < y);
}

int cell_order(const struct cell *a, const struct cell *b)
{
	int r = 0;

	for (unsigned order = 1; order <= CELL_KEYS && !r; order++)
		for (size_t i = 0; i < CELL_KEYS && !r; i++)
			if (cell_keys[i].order == order)
				r = order_values(&cell_keys[i], a, b);
	return r;
}
