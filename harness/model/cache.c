/*
 * cache.c - sets that are small enough to search (an LRU set is kept in order of use, so that a hit
 * on the last key used costs one comparison), and a hashed list if one set has many ways.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/cache.h"
#include "base/prng.h"

/* Not a key: lines and pages are addresses shifted right, branches are below 2^63. */
#define NONE UINT64_MAX
/* With this many ways or more, a single set is searched by hash. */
enum { MANY_WAYS = 16, NO_NODE = -1 };

struct cache_node {
	uint64_t key;
	uint32_t older, newer; /* in order of use */
	uint32_t next;	       /* in its bucket */
};

/* ---- Fully associative LRU -------------------------------------------------------------- */

static int full_open(struct cache_full *f, uint32_t capacity)
{
	uint32_t buckets = 1;

	while (buckets < 2 * capacity)
		buckets *= 2;
	*f = (struct cache_full){ .capacity = capacity,
				  .first = (uint32_t)NO_NODE,
				  .last = (uint32_t)NO_NODE,
				  .mask = buckets - 1 };
	f->nodes = malloc(capacity * sizeof *f->nodes);
	f->buckets = malloc(buckets * sizeof *f->buckets);
	if (!f->nodes || !f->buckets)
		return -ENOMEM;
	memset(f->buckets, 0xff, buckets * sizeof *f->buckets);
	return 0;
}

static void full_close(struct cache_full *f)
{
	free(f->nodes);
	free(f->buckets);
}

/* A multiplicative hash: its good bits are the high ones. */
static inline uint32_t full_hash(const struct cache_full *f, uint64_t key)
{
	return (uint32_t)(key * 0x9e3779b97f4a7c15u >> 32) & f->mask;
}

static void full_unlink(struct cache_full *f, uint32_t i)
{
	struct cache_node *n = &f->nodes[i];

	if (n->newer == (uint32_t)NO_NODE)
		f->first = n->older;
	else
		f->nodes[n->newer].older = n->older;
	if (n->older == (uint32_t)NO_NODE)
		f->last = n->newer;
	else
		f->nodes[n->older].newer = n->newer;
}

static void full_push(struct cache_full *f, uint32_t i)
{
	struct cache_node *n = &f->nodes[i];

	n->newer = (uint32_t)NO_NODE;
	n->older = f->first;
	if (f->first == (uint32_t)NO_NODE)
		f->last = i;
	else
		f->nodes[f->first].newer = i;
	f->first = i;
}

static void full_forget(struct cache_full *f, uint32_t i)
{
	uint32_t *at = &f->buckets[full_hash(f, f->nodes[i].key)];

	while (*at != i)
		at = &f->nodes[*at].next;
	*at = f->nodes[i].next;
	full_unlink(f, i);
}

/* True for a hit. */
static bool full_touch(struct cache_full *f, uint64_t key)
{
	uint32_t h = full_hash(f, key), i = f->buckets[h];

	while (i != (uint32_t)NO_NODE && f->nodes[i].key != key)
		i = f->nodes[i].next;
	if (i != (uint32_t)NO_NODE) {
		if (i != f->first) {
			full_unlink(f, i);
			full_push(f, i);
		}
		return true;
	}
	if (f->used < f->capacity) {
		i = f->used++;
	} else {
		i = f->last;
		full_forget(f, i);
	}
	f->nodes[i].key = key;
	f->nodes[i].next = f->buckets[h];
	f->buckets[h] = i;
	full_push(f, i);
	return false;
}

/* ---- Keys ever seen --------------------------------------------------------------------- */

static int seen_grow(struct cache_seen *s)
{
	size_t mask = s->mask ? 2 * s->mask + 1 : 1023;
	uint64_t *keys = malloc((mask + 1) * sizeof *keys);

	if (!keys)
		return -ENOMEM;
	memset(keys, 0xff, (mask + 1) * sizeof *keys);
	for (size_t i = 0; s->keys && i <= s->mask; i++) {
		if (s->keys[i] == NONE)
			continue;
		size_t h = prng_mix(s->keys[i]) & mask;
		while (keys[h] != NONE)
			h = (h + 1) & mask;
		keys[h] = s->keys[i];
	}
	free(s->keys);
	s->keys = keys;
	s->mask = mask;
	return 0;
}

/* Adds a key. 1: seen before; 0: the first time; -ENOMEM. */
static int seen_add(struct cache_seen *s, uint64_t key)
{
	if (2 * s->n >= s->mask) {
		int e = seen_grow(s);
		if (e)
			return e;
	}
	size_t h = prng_mix(key) & s->mask;
	while (s->keys[h] != NONE) {
		if (s->keys[h] == key)
			return 1;
		h = (h + 1) & s->mask;
	}
	s->keys[h] = key;
	s->n++;
	return 0;
}

/* ---- Sets ------------------------------------------------------------------------------- */

static bool lru_touch(uint64_t *set, uint32_t ways, uint64_t key)
{
	uint32_t i = 0;

	while (i < ways && set[i] != key)
		i++;
	bool hit = i < ways;
	if (!hit)
		i = ways - 1;
	for (; i; i--)
		set[i] = set[i - 1];
	set[0] = key;
	return hit;
}

/* Makes each node on the way to `way` point at the other half. */
static void plru_used(uint64_t *tree, uint32_t ways, uint32_t way)
{
	uint32_t node = 1;

	for (uint32_t half = ways / 2; half; half /= 2) {
		bool right = way & half;
		*tree = right ? *tree & ~((uint64_t)1 << node) : *tree | (uint64_t)1 << node;
		node = 2 * node + right;
	}
}

static bool plru_touch(uint64_t *set, uint64_t *tree, uint32_t ways, uint64_t key)
{
	uint32_t i = 0, node = 1, empty = ways;

	for (; i < ways && set[i] != key; i++)
		if (set[i] == NONE && empty == ways)
			empty = i;
	bool hit = i < ways;
	if (!hit && empty < ways) {
		i = empty; /* fill an empty way before evicting a key */
	} else if (!hit) {
		while (node < ways)
			node = 2 * node + (*tree >> node & 1);
		i = node - ways;
	}
	set[i] = key;
	plru_used(tree, ways, i);
	return hit;
}

enum cache_outcome cache_touch(struct cache *c, uint64_t key, uint64_t index)
{
	const uint32_t ways = c->geometry.ways;
	bool hit;

	if (c->keys) {
		size_t set = index & (c->sets - 1);
		uint64_t *keys = c->keys + set * ways;
		hit = c->tree ? plru_touch(keys, &c->tree[set], ways, key)
			      : keys[0] == key || lru_touch(keys, ways, key);
	} else {
		hit = full_touch(&c->full, key);
	}
	if (!c->classify)
		return hit ? CACHE_HIT : CACHE_MISS;
	bool full_hit = full_touch(&c->shadow, key);
	if (hit)
		return CACHE_HIT;
	int seen = seen_add(&c->seen, key);
	c->failed |= seen < 0;
	return seen <= 0 ? CACHE_COMPULSORY : full_hit ? CACHE_CONFLICT : CACHE_CAPACITY;
}

/* ---- Opening ---------------------------------------------------------------------------- */

static bool power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

static int check(const char *what, const struct cache_geometry *g, char error[CACHE_ERROR])
{
	if (!g->entries || g->entries > CACHE_MAX_ENTRIES || !g->ways || g->ways > g->entries)
		snprintf(error, CACHE_ERROR,
			 "%s: %u entries, %u ways: 1 to %d entries and at least 1 way are allowed",
			 what, g->entries, g->ways, CACHE_MAX_ENTRIES);
	else if (g->entries % g->ways || !power_of_two(g->entries / g->ways))
		snprintf(error, CACHE_ERROR,
			 "%s: %u entries in sets of %u: the number of sets must be a power of two",
			 what, g->entries, g->ways);
	else if (g->policy == CACHE_PLRU && (!power_of_two(g->ways) || g->ways > CACHE_PLRU_WAYS))
		snprintf(error, CACHE_ERROR,
			 "%s: tree-PLRU over %u ways: a power of two up to %d is allowed", what,
			 g->ways, CACHE_PLRU_WAYS);
	else
		return 0;
	return -EINVAL;
}

int cache_open(struct cache *c, const char *what, const struct cache_geometry *g, bool classify,
	       char error[CACHE_ERROR])
{
	int e = check(what, g, error);

	*c = (struct cache){ .geometry = *g, .classify = classify };
	if (e)
		return e;
	c->sets = g->entries / g->ways;
	if (c->sets == 1 && g->ways >= MANY_WAYS && g->policy == CACHE_LRU) {
		e = full_open(&c->full, g->entries);
	} else {
		c->keys = malloc(g->entries * sizeof *c->keys);
		if (g->policy == CACHE_PLRU)
			c->tree = calloc(c->sets, sizeof *c->tree);
		if (!c->keys || (g->policy == CACHE_PLRU && !c->tree))
			e = -ENOMEM;
		else
			memset(c->keys, 0xff, g->entries * sizeof *c->keys);
	}
	if (!e && classify)
		e = full_open(&c->shadow, g->entries);
	if (e) {
		snprintf(error, CACHE_ERROR, "%s: out of memory", what);
		cache_close(c);
	}
	return e;
}

void cache_close(struct cache *c)
{
	full_close(&c->full);
	full_close(&c->shadow);
	free(c->seen.keys);
	free(c->keys);
	free(c->tree);
	*c = (struct cache){ 0 };
}
