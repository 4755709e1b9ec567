/*
 * coded.h - the layout of the coded maps (maps/coded.c draws it),
 * shared by their writer and their reader.
 */
#ifndef STUBMAP_CODED_H
#define STUBMAP_CODED_H

#include "gathered.h"

/* What an entry is. The table of codes for its gap and kind is chosen by the kind of the entry
 * before; CODED_END stands there for the start of a page, and as a code for the end of one. */
enum coded_kind { CODED_EMPTY, CODED_AGAIN, CODED_NEW, CODED_END, CODED_KINDS };

/* Tables of codes: one for each kind before, of one size, then these. */
enum coded_table {
	CODED_HEAD = CODED_KINDS, /* what changes in a map */
	CODED_MASK,		  /* registers that change */
	CODED_FRAME,		  /* frame size in units */
	CODED_FIRST,		  /* the first bit that changes */
	CODED_REST,		  /* bits from there to the next that changes, less one; or a run */
	CODED_TABLES
};

/* A table's entry, of 16 bits: bits of the code and of what follows it, less one; symbol. */
#define CODED_TOTAL(e)	(((e) & 31u) + 1)
#define CODED_SYMBOL(e) ((e) >> 5)
enum { CODED_TOTAL_BITS = 5 };

/*
 * Symbols. A gap's is class * 4 + kind. A head's is 0, "the map before the last one"; or, from
 * CODED_KNOWN on, the number of a known change; or class * 8 + these, the class that of the number
 * of bits that change. A mask's is its number, all others are a value's class.
 */
enum { CODED_FRESH = 1, CODED_RESIZED = 2, CODED_MASKED = 4 };
/* A longer run is written as two; the rest of it must have a class. */
enum { CODED_RUN = 128, CODED_RUN_LEAST = 2, CODED_RUN_MOST = 1 << 17 };
enum { CODED_GAP_END = 255, CODED_KNOWN = 256, CODED_MAX_KNOWN = 255, CODED_MAX_MASKS = 255 };
/* Raw classes of gaps, of counts in heads and of values (and the mask): 32 more bits follow, which
 * are the value. Of the classes from CODED_CLASSES on, values have the last one only. */
enum { CODED_RAW_GAP = 63, CODED_RAW_COUNT = 31, CODED_RAW = 255, CODED_CLASSES = 128 };

/* A value is a class and the bits that follow. 2 << fine classes are a value each; then each power
 * of two is 1 << fine classes. */
enum { CODED_FINE = 3, CODED_FINE_COUNT = 2 };

/* Bits that follow a class. */
static inline unsigned coded_extra(uint32_t class, unsigned fine)
{
	return class < 2u << fine ? 0 : (class >> fine) - 1;
}

/* The least value of a class. */
static inline uint32_t coded_base(uint32_t class, unsigned fine)
{
	uint32_t one = 1u << fine;
	return class < one ? class : (one + (class & (one - 1))) << coded_extra(class, fine);
}

/* The header; all numbers are little-endian, at these bytes. */
enum {
	CODED_PAGE_SHIFT = 0,	/* u8: log2 of a page, in units of pc */
	CODED_PC_SHIFT = 1,	/* u8: log2 of a unit of pc */
	CODED_LENGTH_SHIFT = 2, /* u8: log2 of a unit of a page's bits */
	CODED_STRIDE = 3,	/* u8: slots from bit to bit */
	CODED_ORIGIN = 4,	/* u32: pc at which page 0 begins, the first safepoint's */
	CODED_PAGES = 8,	/* u32 */
	CODED_WIDE = 12,	/* u32: pages in the list of wide pages */
	CODED_SLOT = 16,	/* u32: slot of bit 0 */
	CODED_UNIT = 20,	/* u32: unit of frame sizes */
	CODED_WORDS = 24,	/* u16: words of 64 bits in the longest bitmap */
	CODED_ENTRIES = 26,	/* u16: entries of all tables */
	CODED_MASKS = 28,	/* u8: masks of registers */
	CODED_CHANGES = 29,	/* u8: known changes */
	CODED_BITS = 30, /* u8: log2 of the entries of a table for gaps, then of each other one */
	CODED_HEADER = CODED_BITS + 1 + CODED_TABLES - CODED_HEAD,
	/* A known change: u64 bits, u32 registers, u8 CODED_FRESH and CODED_RESIZED */
	CODED_CHANGE = 13,
	/* A group of the directory: u32 place of its first page's bits, u8 lengths */
	CODED_GROUP_PAGES = 16,
	CODED_GROUP = 4 + CODED_GROUP_PAGES,
	CODED_MAX_PLACE = 0x7fffffff, /* the highest bit: the group has a wide page */
	CODED_IS_WIDE = 255,	      /* a length: the page is in the list of wide pages */
	CODED_WIDE_PAGE = 12,	      /* u32: page, place, length */
	CODED_SLACK = 8, /* bytes of 0 behind the pages, so that 64 bits can be read anywhere */
	CODED_MAX_WORDS = 0xffff,
	CODED_MAX_BITS = 11,
};

/* Eight bytes that are not the table's: a caller's scratch, or what is being written. */
static inline uint64_t coded_load64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* Where things begin. */
struct coded_sections {
	size_t masks, changes, directory, wide, pages;
};

/* false: the bytes are too few. */
static inline bool coded_find_sections(const uint8_t *map, size_t len, struct coded_sections *s)
{
	if (len < CODED_HEADER + CODED_SLACK)
		return false;
	size_t npages = map_load32(map + CODED_PAGES);
	MAP_TOUCH(map + CODED_MASKS, 2);
	s->masks = CODED_HEADER + 2 * (size_t)map_load16(map + CODED_ENTRIES);
	s->changes = s->masks + 4 * (size_t)map[CODED_MASKS];
	s->directory = s->changes + CODED_CHANGE * (size_t)map[CODED_CHANGES];
	s->wide = s->directory + (npages + CODED_GROUP_PAGES - 1) / CODED_GROUP_PAGES * CODED_GROUP;
	s->pages = s->wide + CODED_WIDE_PAGE * (size_t)map_load32(map + CODED_WIDE);
	return s->pages + CODED_SLACK <= len;
}

/* ---- Writing ------------------------------------------------------------------------------- */

/* The state is a struct map_gathered. */
int map_coded_add(void *state, const struct safepoint *);
/* entries: of a page, on the mean. 0, -ENOMEM, -EFBIG: state is freed. */
int map_coded_finish(void *state, unsigned entries, struct map_bytes *out);

#endif
