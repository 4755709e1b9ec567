/*
 * cache.h - one cache, or one TLB, or one branch-target buffer: a set-associative store of
 * keys with LRU or tree-PLRU replacement.
 *
 *   key    a line, a page, a branch: accesses with equal keys hit the same entry
 *   index  its low bits choose the set. It need not be the key: a cache that is indexed by
 *          virtual address and tagged by physical address has one of each
 *
 * A miss can be told apart by the three C's (Hill and Smith 1989): compulsory (a first touch),
 * capacity (a fully associative LRU store of equal size misses, too), conflict (it would have hit).
 */
#ifndef STUBMAP_MODEL_CACHE_H
#define STUBMAP_MODEL_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cache_policy { CACHE_LRU, CACHE_PLRU };
enum { CACHE_ERROR = 160, CACHE_MAX_ENTRIES = 1 << 24, CACHE_PLRU_WAYS = 64 };

struct cache_geometry {
	uint32_t entries; /* lines, pages, branches */
	uint32_t ways;	  /* entries: fully associative */
	enum cache_policy policy;
};

enum cache_outcome { CACHE_HIT, CACHE_COMPULSORY, CACHE_CAPACITY, CACHE_CONFLICT, CACHE_MISS };

/* Fully associative LRU: a list in order of use, and a hash table to find a key in it. */
struct cache_full {
	struct cache_node *nodes; /* [capacity]; the first `used` hold keys */
	uint32_t *buckets;
	uint32_t capacity, used, first, last, mask;
};

/* Keys that were ever seen. */
struct cache_seen {
	uint64_t *keys;
	size_t n, mask;
};

struct cache {
	struct cache_geometry geometry;
	uint32_t sets;
	uint64_t *keys; /* [sets][ways]; under LRU each set is in order of use */
	/* PLRU, for each set: bit i is node i of its tree (1 is the root);
	 * set: the right half is older. */
	uint64_t *tree;
	struct cache_full full; /* instead of keys, if there is one set of many ways */
	struct cache_full shadow;
	struct cache_seen seen;
	bool classify, failed; /* failed: no memory for seen; the counts are wrong */
};

/* 0; -EINVAL with one line in error that names `what`: no entries, no ways, entries that are not a
 * multiple of ways, or sets (under PLRU: ways) that are not a power of two; -ENOMEM. */
int cache_open(struct cache *, const char *what, const struct cache_geometry *, bool classify,
	       char error[CACHE_ERROR]);
void cache_close(struct cache *);
/* Looks key up in set index mod sets, and puts it there. Without classify a miss is CACHE_MISS. */
enum cache_outcome cache_touch(struct cache *, uint64_t key, uint64_t index);

#endif
