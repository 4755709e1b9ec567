/*
 * trace.h - the addresses that a cell's steady state touches, packed, in a file and unpacked.
 *
 *      8 bytes   "STUBTRC1"
 *      4         bytes of the head, little-endian as all that follow
 *      8, 8, 8   bytes of the body; records in it; its hash (a chain of splitmix64)
 *      head      one JSON object, below
 *      body      records: a tag byte, then what it announces, as LEB128 varints
 *                  bits 0-1  fetch, load, store, modify (a load and a store of one place)
 *                  bit 2     the address follows, as the zigzag difference to the last one of its
 *                            kind; else it is where the last fetch ended (fetches only)
 *                  bits 3-7  size in bytes, 1..30; 31: the size follows; 0: a lap begins here
 *
 * The head: {"schema": 1, "type": "trace", "cell": {...} (cell.h), "seed": n, "calls": n a lap,
 *   "laps": n, "ranges": [["stub", from, to]...] ascending, "aliases": [[page, frame, n]...] in
 *   pages of 4 KiB: page+i is the memory of page frame+i, "frames": how the aliases were found,
 *   "maker": text, "cost": {"seconds", "accesses_read"}, "kept": text}. Accesses outside all ranges
 * were left out, except data that code inside one touched.
 */
#ifndef STUBMAP_MODEL_TRACE_H
#define STUBMAP_MODEL_TRACE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TRACE_ERROR = 240, TRACE_PAGE = 4096, TRACE_MAX_SIZE = 4096 };

enum trace_kind { TRACE_FETCH, TRACE_LOAD, TRACE_STORE, TRACE_MODIFY };

/* The owner of memory. */
enum trace_class {
	TRACE_STUB,   /* quanta with code that one callee alone leads to */
	TRACE_BODY,   /* other code of the strategy */
	TRACE_CALLER, /* compiled callers */
	TRACE_TARGET, /* compiled targets */
	TRACE_TABLE,  /* literals beside the code */
	TRACE_CALLEE, /* the callees */
	TRACE_OTHER,  /* stack, instances, ... */
	TRACE_CLASSES
};
extern const char *const trace_class_names[TRACE_CLASSES];

struct trace_pack {
	uint8_t *data;
	size_t size, capacity;
	uint64_t records;
	uint64_t next, last[4]; /* end of the last fetch; last address of each kind */
	json_t *head;
};

/* Adds one access of `size` bytes, 1..TRACE_MAX_SIZE. 0, -EINVAL, -ENOMEM. */
int trace_add(struct trace_pack *, enum trace_kind, uint64_t address, uint32_t size);
int trace_add_lap(struct trace_pack *);
/* 0, or -errno with one line in error. A file appears whole or not at all. */
int trace_save(const struct trace_pack *, const char *path, char error[TRACE_ERROR]);
/* 0; -EINVAL (not a trace, or a damaged one) or -errno, with one line in
 * error that has the path. */
int trace_load(const char *path, struct trace_pack *, char error[TRACE_ERROR]);
void trace_pack_free(struct trace_pack *);

/* An unpacked access, as the model runs it. */
struct trace_access {
	uint64_t address, physical; /* equal, but for aliases */
	uint16_t size;
	uint8_t kind;  /* enum trace_kind */
	uint8_t owner; /* enum trace_class */
	bool rest;     /* the rest of the previous access, in a second page */
};

/* struct trace is another one: the calls that a workload replays. */
struct address_trace {
	struct trace_access *accesses;
	size_t n;
	size_t *laps; /* [nlaps]: the first access of each */
	size_t nlaps;
	uint64_t calls;	    /* in a lap */
	const json_t *head; /* the pack's: a reference is taken */
};

/* 0, -EINVAL with one line in error, -ENOMEM. */
int trace_open(const struct trace_pack *, struct address_trace *, char error[TRACE_ERROR]);
void trace_close(struct address_trace *);

#endif
