/*
 * reloc.h - the relocations of x86-64 that the loader can do, as data.
 */
#ifndef STUBMAP_JIT_RELOC_H
#define STUBMAP_JIT_RELOC_H

#include <stdbool.h>
#include <stdint.h>

enum reloc_fit { RELOC_ALL, RELOC_SIGNED, RELOC_UNSIGNED, RELOC_EITHER };

struct reloc_kind {
	const char *name;
	uint8_t width;	    /* bytes written, little-endian */
	bool relative;	    /* the place's address is subtracted */
	bool got;	    /* of the symbol's GOT entry, not of the symbol */
	enum reloc_fit fit; /* what the bytes can hold */
};

/* type: an R_X86_64_* number. NULL: one that the loader can't do. */
const struct reloc_kind *reloc_kind(uint32_t type);
/* The name for a message; "unknown" for a number without meaning. */
const char *reloc_name(uint32_t type);
/* Whether v fits in `width` bytes (1, 2, 4 or 8). */
bool reloc_fits(uint64_t v, unsigned width, enum reloc_fit fit);

#endif
