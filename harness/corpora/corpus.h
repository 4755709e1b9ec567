/*
 * corpus.h - the stack maps of one real program in a neutral form, in memory and in a compact file.
 *
 * Importers (import.h) fill a builder; corpus_seal turns it into a corpus whose order and ranges
 * are checked. workloads/corpora keeps such files; its README.md describes the format.
 */
#ifndef STUBMAP_CORPORA_CORPUS_H
#define STUBMAP_CORPORA_CORPUS_H

#include <stddef.h>
#include <stdint.h>
#include <stubmap/map.h>

enum { CORPUS_ERROR = 240 };

/* Facts about a corpus. */
enum corpus_flags {
	CORPUS_REGISTERS = 1, /* some place is a register */
	CORPUS_FRAMES = 2,    /* frame sizes are the producer's; else just large enough */
	CORPUS_EMPTIES = 4,   /* return addresses without references are recorded too */
	CORPUS_FLAGS = 7,
};

struct corpus {
	char name[64], producer[64];
	char note[160]; /* what the import left out or changed; "" if nothing */
	uint32_t text_bytes;
	uint64_t own_bytes;  /* of the table that it was read from; 0: not known */
	uint32_t slot_bytes; /* of one reference on the stack: 4 or 8 */
	unsigned flags;	     /* enum corpus_flags */
	/* Ascending, without overlap, each with a safepoint; there may be none. */
	struct map_function *functions;
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

/* Initially {0}; corpus_seal or corpus_abandon ends it. */
struct corpus_builder {
	struct corpus_draft *drafts;
	struct map_function *functions;
	uint32_t *places;
	size_t ndrafts, drafts_cap, nfunctions, functions_cap, nplaces, places_cap;
	uint32_t widened; /* frames grown because a slot lay beyond their end */
	size_t file;	  /* bytes of the file that the places come from; 0: of no file */
};
enum { CORPUS_PLACES_PER_BYTE = 8 }; /* of a file: as in a bitmap that is all ones */

/* Adds a safepoint. The order of safepoints and places is free, and a place may come twice. pc and
 * frame_size are those of struct safepoint. 0, -ENOMEM, -EINVAL (a slot beyond 2^30), -EFBIG (2^28
 * places in all, or more than CORPUS_PLACES_PER_BYTE of the file's bytes: its maps may be shared by
 * any number of safepoints). */
int corpus_add(struct corpus_builder *, uint32_t pc, uint32_t frame_size, const uint32_t *places,
	       uint32_t nplaces);
/* A function may come more than once, or have no safepoint: these are left out. */
int corpus_add_function(struct corpus_builder *, uint32_t start, uint32_t size);
/*
 * Sorts, shares equal live sets and ends the builder, also on failure. The caller sets out's
 * name, producer, note, text_bytes, slot_bytes and flags. 0, -ENOMEM, -EINVAL with one line in
 * error: two safepoints at one pc, a pc outside the text, functions that overlap or leave the
 * text, more than 2^28 safepoints.
 */
int corpus_seal(struct corpus_builder *, struct corpus *out, char error[CORPUS_ERROR]);
void corpus_abandon(struct corpus_builder *);

void corpus_close(struct corpus *);
int corpus_stats(const struct corpus *, struct corpus_stats *); /* 0 or -ENOMEM */

/* ---- The file ------------------------------------------------------------------------------ */

#define CORPUS_MAGIC "STUBMAP\1"

/* Writes under a temporary name first, so that a file at path is never
 * half-written. 0 or -errno. */
int corpus_write(const struct corpus *, const char *path, char error[CORPUS_ERROR]);
/* bytes: a whole file; path is for messages. 0, -EINVAL, -ENOMEM. */
int corpus_read(const char *path, const uint8_t *bytes, size_t size, struct corpus *,
		char error[CORPUS_ERROR]);

#endif
