/*
 * lackey.h - the addresses that a snapshot (snapshot.h) touches, as valgrind's lackey prints them,
 * and the misses that its cachegrind counts for it.
 */
#ifndef STUBMAP_MODEL_LACKEY_H
#define STUBMAP_MODEL_LACKEY_H

#include "model/trace.h"

/*
 * Runs the snapshot at path under lackey and packs its accesses; path.json becomes the head, with
 * the cost added. It keeps only code in the head's ranges and the data that this code touches;
 * everything: it keeps all accesses from the program's first instruction to its last (one lap, for
 * a comparison with another simulator). 0; -ENOENT: no valgrind here; -EIO, -ENOMEM, -EINVAL; one
 * line in error.
 */
int lackey_trace(const char *path, bool everything, struct trace_pack *out,
		 char error[TRACE_ERROR]);

struct cachegrind_geometry {
	uint32_t size, ways, line; /* of the I1 and the D1 alike */
};

struct cachegrind_counts {
	uint64_t fetches, i1_misses, accesses, d1_misses;
	double seconds;
};

/* Runs the snapshot under cachegrind. Errors as lackey_trace's. */
int lackey_cachegrind(const char *path, const struct cachegrind_geometry *,
		      struct cachegrind_counts *out, char error[TRACE_ERROR]);

#endif
