/*
 * coded_page.h - where a coded table has the bits of a pc's page, for its reader.
 */
#ifndef STUBMAP_CODED_PAGE_H
#define STUBMAP_CODED_PAGE_H

#include "coded.h"

struct coded_page {
	const uint8_t *map;
	struct coded_sections s;
	uint64_t from, to; /* its bits; from == to: no entry */
	uint32_t pc;	   /* in units from its start */
};

/* Sum of the first n < 16 bytes at p. */
static inline uint32_t coded_sum_bytes(const uint8_t *p, unsigned n)
{
	const uint64_t even = 0x00ff00ff00ff00ffu;
	uint64_t keep = ((uint64_t)1 << 8 * (n & 7)) - 1, second = -(uint64_t)(n >> 3);
	uint64_t a = map_load64(p) & (keep | second), b = map_load64(p + 8) & keep & second;
	a = (a & even) + (a >> 8 & even) + (b & even) + (b >> 8 & even);
	return (uint32_t)(a * 0x0001000100010001u >> 48);
}

/* Place and length of a page whose group has a wide page. */
static inline bool coded_find_wide(const uint8_t *map, const struct coded_sections *s,
				   const uint8_t *group, uint32_t page, uint64_t *place,
				   uint64_t *length)
{
	const uint8_t *lengths = group + 4, *list = map + s->wide;
	size_t n = (s->pages - s->wide) / CODED_WIDE_PAGE;
	*place = map_load32(group) & CODED_MAX_PLACE;
	MAP_TOUCH(lengths, page % CODED_GROUP_PAGES + 1);
	for (uint32_t i = 0; i < page % CODED_GROUP_PAGES; i++)
		*place += lengths[i] == CODED_IS_WIDE ? 0 : lengths[i];
	*length = lengths[page % CODED_GROUP_PAGES];
	if (*length != CODED_IS_WIDE)
		return true;
	while (n > 1) {
		if (map_load32(list + CODED_WIDE_PAGE * (n / 2)) <= page)
			list += CODED_WIDE_PAGE * (n / 2);
		n -= n / 2;
	}
	if (!n || map_load32(list) != page)
		return false;
	*place = map_load32(list + 4);
	*length = map_load32(list + 8);
	return true;
}

/* MAP_FOUND: the page of pc, which may have no entry. */
static inline enum map_answer coded_find_page(const uint8_t *map, size_t len, uint32_t pc,
					      struct coded_page *p)
{
	if (!len)
		return MAP_NO_SAFEPOINT;
	if (!coded_find_sections(map, len, &p->s))
		return MAP_DAMAGED;
	MAP_TOUCH(map, 3);
	unsigned page_shift = map[CODED_PAGE_SHIFT] & 63, pc_shift = map[CODED_PC_SHIFT] & 31;
	unsigned length_shift = map[CODED_LENGTH_SHIFT] & 15;
	uint32_t origin = map_load32(map + CODED_ORIGIN), from = pc - origin;
	uint64_t unit = from >> pc_shift, page = unit >> page_shift;
	if (pc < origin || page >= map_load32(map + CODED_PAGES) || from & ((1u << pc_shift) - 1))
		return MAP_NO_SAFEPOINT;
	const uint8_t *group = map + p->s.directory + page / CODED_GROUP_PAGES * CODED_GROUP;
	MAP_TOUCH(group + 4 + page % CODED_GROUP_PAGES, 1);
	uint64_t place = map_load32(group), length = group[4 + page % CODED_GROUP_PAGES];
	if (place > CODED_MAX_PLACE) {
		if (!coded_find_wide(map, &p->s, group, (uint32_t)page, &place, &length))
			return MAP_DAMAGED;
	} else {
		place += coded_sum_bytes(group + 4, page % CODED_GROUP_PAGES);
	}
	p->map = map;
	p->from = 8 * (uint64_t)p->s.pages + (place << length_shift);
	p->to = p->from + (length << length_shift);
	if (p->to > 8 * (uint64_t)(len - CODED_SLACK))
		return MAP_DAMAGED;
	p->pc = (uint32_t)(unit - (page << page_shift));
	return MAP_FOUND;
}

#endif
