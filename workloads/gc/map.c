/*
 * map.c - a hash map with chains that doubles its table as it fills: arrays of references, walked
 * by pointers into them while the allocator may move them.
 */
#include "rt.h"

struct entry {
	REF struct entry *next;
	uint64_t key, value;
};

struct table {
	REF struct entry *slots[1]; /* as many as the map's size */
};

struct map {
	REF struct table *table;
	uint64_t size, count;
};

static uint64_t hash(uint64_t key)
{
	return gc_mix(7, key) >> 20;
}

static NOINLINE REF struct map *map_new(rt *c, uint64_t size)
{
	REF struct map *m = rt_alloc(c, 1, 16);

	m->size = size;
	m->table = rt_alloc(c, (uint32_t)size, 0);
	return m;
}

static NOINLINE void put(rt *c, REF struct map *m, uint64_t key, uint64_t value);

/* Copies to a map of new entries, so that the walk over the old table allocates often. */
static NOINLINE REF struct map *grown(rt *c, REF struct map *old)
{
	REF struct map *m = map_new(c, 2 * old->size);
	REF struct entry *REF *slot = old->table->slots, *REF *end = slot + old->size;

	for (; slot < end; slot++)
		for (REF struct entry *e = *slot; e; e = e->next)
			put(c, m, e->key, e->value);
	return m;
}

static NOINLINE REF struct entry *find(REF struct map *m, uint64_t key)
{
	REF struct entry *e = m->table->slots[hash(key) % m->size];

	while (e && e->key != key)
		e = e->next;
	return e;
}

static NOINLINE void put(rt *c, REF struct map *m, uint64_t key, uint64_t value)
{
	REF struct entry *e = find(m, key);

	if (e) {
		e->value += value;
		return;
	}
	if (m->count >= 2 * m->size) {
		REF struct map *bigger = grown(c, m);

		m->table = bigger->table;
		m->size = bigger->size;
	}
	REF struct entry *REF *slot = &m->table->slots[hash(key) % m->size];
	e = rt_alloc(c, 1, 16);
	e->key = key;
	e->value = value;
	e->next = *slot;
	*slot = e;
	m->count++;
}

GC_EXPORT uint64_t gc_main(rt *c, uint32_t n)
{
	REF struct map *m = map_new(c, 4);
	uint64_t found = 0;

	for (uint64_t i = 0; i < n; i++)
		put(c, m, i * 2654435761u % (n + n / 2), i);
	for (uint64_t i = 0; i < 2 * (uint64_t)n; i++) {
		REF struct entry *e = find(m, i);

		if (e) {
			found++;
			rt_emit(c, i + e->value);
		}
	}
	return found + m->size;
}
