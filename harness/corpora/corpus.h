/*
 * corpus.h - the stack maps of one real program, in a neutral form: in memory, and in a compact
 * file.
 *
 * Importers (import.h) fill a builder; corpus_seal turns that into a corpus whose order and ranges
 * hold. The file is what workloads/corpora keeps; its README.md has the format.
 */
#ifndef STUBMAP_CORPORA_CORPUS_H
#define STUBMAP_CORPORA_CORPUS_H

#include <stddef.h>
#include <stdint.h>
#include <stubmap/map.h>

enum { CORPUS_ERROR = 240 };

/* Which of a producer's facts are in it. */
enum corpus_flags {
	CORPUS_REGISTERS = 1, /* some place is a register */
	CORPUS_FRAMES = 2,    /* frame sizes are the producer's own; else just large enough */
	CORPUS_EMPTIES = 4,   /* return addresses without references are recorded too */
	CORPUS_FLAGS = 7,
};

/* A safepoint belongs to the function with start < pc <= start + size: a return address follows
 * its call, and may be the first byte after a function whose last call never returns. */
struct corpus_function {
	uint32_t start, size; /* bytes; start is an offset from the start of the text */
};

struct corpus {
	char name[64], producer[64];
	char note[160]; /* what was left out or changed on the way in; "" if nothing */
	uint32_t text_bytes;
	uint32_t slot_bytes; /* of one reference on the stack: 4 or 8 */
	unsigned flags;	     /* enum corpus_flags */
	struct corpus_function
	    *functions;		      /* ascending, apart, each with a safepoint; may be none */
	struct safepoint *safepoints; /* pc strictly ascends, within the text */
	uint32_t nfunctions, nsafepoints;
	uint32_t *places; /* each distinct live set once, in the order of first use; shared */
	size_t nplaces;
};

struct corpus_stats {
	uint32_t empties; /* safepoints without a live place */
	uint32_t sets;	  /* distinct live sets, the empty one counted if it occurs */
	uint32_t maps;	  /* distinct pairs of live set and frame size */
	uint64_t live;	  /* live places of all safepoints */
};

/* ---- Making one ---------------------------------------------------------------------------- */

struct corpus_draft {
	uint64_t first; /* index of its first place */
	uint32_t pc, frame_size, nlive;
};

/* Starts as {0}; corpus_seal or corpus_abandon ends it. */
struct corpus_builder {
	struct corpus_draft *drafts;
	struct corpus_function *functions;
	uint32_t *places;
	size_t ndrafts, drafts_cap, nfunctions, functions_cap, nplaces, places_cap;
	uint32_t widened; /* frames grown because a slot lay beyond their end */
};

/* In any order; places too, and a place may come twice. pc and frame_size as in struct safepoint.
 * 0, -ENOMEM, -EINVAL (a slot beyond 2^30), -EFBIG (2^28 places in all). */
int corpus_add(struct corpus_builder *, uint32_t pc, uint32_t frame_size, const uint32_t *places,
	       uint32_t nplaces);
/* Functions may come more than once, and without any safepoint: those are left out. */
int corpus_add_function(struct corpus_builder *, uint32_t start, uint32_t size);
/*
 * Sorts, shares equal live sets and ends the builder, also on failure. out's name, producer, note,
 * text_bytes, slot_bytes and flags are the caller's. 0, -ENOMEM, -EINVAL with one line in error:
 * two safepoints at one pc, a pc outside the text, functions that overlap or leave the text, more
 * than 2^28 safepoints.
 */
int corpus_seal(struct corpus_builder *, struct corpus *out, char error[CORPUS_ERROR]);
void corpus_abandon(struct corpus_builder *);

void corpus_close(struct corpus *);
int corpus_stats(const struct corpus *, struct corpus_stats *); /* 0 or -ENOMEM */

/* ---- The file ------------------------------------------------------------------------------ */

#define CORPUS_MAGIC "STUBMAP\1"

/* Through a temporary name, so that a half-written file never has this one. 0 or -errno. */
int corpus_write(const struct corpus *, const char *path, char error[CORPUS_ERROR]);
/* bytes: a whole file; path is for messages. 0, -EINVAL, -ENOMEM. */
int corpus_read(const char *path, const uint8_t *bytes, size_t size, struct corpus *,
		char error[CORPUS_ERROR]);

#endif
