/*
 * machines.h - the machines that the model knows: rows of data, each figure with its source.
 *
 * A structure without entries is not known well enough to be modelled: its misses are null, with
 * `why` as the reason.
 */
#ifndef STUBMAP_MODEL_MACHINES_H
#define STUBMAP_MODEL_MACHINES_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "model/cache.h"

/* How far a figure can be trusted. */
enum machine_source {
	SOURCE_NONE,	 /* not known: nothing is modelled */
	SOURCE_LOCAL,	 /* read from such a machine: sysfs, CPUID */
	SOURCE_MANUAL,	 /* the maker's manual, register values or source code, read */
	SOURCE_TESTS,	 /* published measurements of others, read */
	SOURCE_UNCERTAIN /* common knowledge, not checked by us */
};

/* Which address picks the set. Tags are physical in either case. */
enum machine_index { INDEX_VIRTUAL, INDEX_PHYSICAL };

struct machine_cache {
	uint32_t size, ways; /* bytes; the line is the machine's */
	enum machine_index index;
	enum machine_source source;
};

struct machine_tlb {
	uint32_t entries, ways;
	enum machine_source source;
};

struct machine_btb {
	uint32_t entries, ways;
	unsigned shift; /* the set is PC >> shift */
	enum machine_source source;
};

/* A cache of decoded instructions in front of the L1I. Only caches that keep lines which the L1I
 * has lost have rows: a cache that must be part of the L1I does not change the L1I's misses. */
struct machine_ops {
	uint32_t entries, ways; /* an entry is a line: how many operations fit is not modelled */
	enum machine_source source;
};

struct machine {
	const char *name, *core, *note;
	uint32_t line;		  /* bytes */
	uint32_t page;		  /* bytes: the usual one of its systems */
	enum cache_policy policy; /* of the caches; TLBs and BTBs are LRU */
	struct machine_cache l1i, l1d, l2;
	struct machine_tlb itlb, dtlb, stlb; /* stlb: the second level, for code and data */
	struct machine_btb btb;
	struct machine_ops ops;
};

extern const struct machine machines[];
extern const size_t machines_n;

/* NULL: unknown. */
const struct machine *machine_find(const char *name);
/* A machine from a fingerprint (env_machine in meters/fingerprint.h), made here or read from a
 * run's head: caches, the ITLB, no BTB. 0, or -ENOENT: it has no L1I. */
int machine_of_fingerprint(const json_t *fingerprint, struct machine *out);

#endif
