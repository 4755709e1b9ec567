/*
 * fuzz_map.c - fuzz targets for the readers of stack maps, one an encoder. An input is a pc, of 4
 * bytes, and a table. What map.h promises for any bytes must hold, and many lookups at once must
 * say what single ones say.
 *
 * Nothing is allocated but what an encoder's load asks for. Where a table asks for much scratch,
 * fewer pcs are looked up.
 */
#include <stubmap/map.h>

#include "fuzz.h"

enum { PCS = 12, FEW_PCS = 3, MUCH = 1 << 16, SCRATCH = 1 << 24, PLACES = 500 };

struct fuzz_memory fuzz_memory(size_t i)
{
	(void)i;
	return (struct fuzz_memory){ 1 << 20, 64 };
}

const char *fuzz_name(size_t i)
{
	return map_encoders[i] ? map_encoders[i]->name : NULL;
}

/* The input's pc and those near it, and where the table itself speaks of pcs. */
static void choose_pcs(const uint8_t *table, size_t len, uint32_t first, uint32_t *pcs)
{
	for (size_t i = 0; i < PCS; i++) {
		pcs[i] = first + (uint32_t)(i * i);
		if (i % 2 && len >= 4)
			memcpy(&pcs[i], table + 4 * i % (len - 3), 4);
	}
}

/* Every place ascends, and lies where it may; returns a hash of them. Of a large bitmap the last
 * words are enough besides the first: no place lies higher. */
static uint32_t walk(const struct map_live *live)
{
	struct map_cursor at = { 0 };
	uint32_t place, last = 0, n = 0, hash = live->frame_size;

	while (map_next(live, &at, &place)) {
		fuzz_check(!n || place > last);
		if (place < MAP_REGISTER && live->frame_size)
			fuzz_check(place < (uint64_t)live->frame_size / 4 + 32);
		last = place;
		hash = 31 * hash + place;
		if (++n == PLACES && at.word != MAP_CURSOR_REGISTERS &&
		    live->nbytes / 4 > at.word + 2)
			at = (struct map_cursor){ .word = live->nbytes / 4 - 2 };
	}
	return hash;
}

/* Room for n lookups that ends where the block ends: what is written behind it is seen. */
static uint8_t *scratch_of(size_t n, size_t room)
{
	static uint8_t block[FEW_PCS * SCRATCH];

	fuzz_check(room <= SCRATCH);
	return room ? block + sizeof block - n * room : NULL;
}

static bool look(const struct map_ops *ops, const uint8_t *table, size_t len, uint32_t first)
{
	const size_t room = map_scratch(ops, table, len), n = room > MUCH ? FEW_PCS : PCS;
	enum map_answer answers[PCS], all[PCS];
	uint32_t pcs[PCS], hashes[PCS];
	struct map_live live, many[PCS];
	bool found = false;

	choose_pcs(table, len, first, pcs);
	uint8_t *scratch = scratch_of(1, room);
	for (size_t i = 0; i < n; i++) {
		answers[i] = ops->lookup(table, len, pcs[i], scratch, &live);
		hashes[i] = answers[i] == MAP_FOUND ? walk(&live) : 0;
		found |= answers[i] == MAP_FOUND;
	}
	if (ops->lookup_many)
		ops->lookup_many(table, len, pcs, n, scratch_of(n, room), many, all);
	for (size_t i = 0; i < n && ops->lookup_many; i++)
		fuzz_check(all[i] == answers[i] &&
			   (all[i] != MAP_FOUND || walk(&many[i]) == hashes[i]));
	return found;
}

/* What is looked up in is not the table, but what an engine makes of it. */
static bool load_and_look(const struct map_ops *ops, const uint8_t *data, size_t len,
			  uint32_t first)
{
	struct map_bytes table = { malloc(len + !len), len, len };
	bool found = false;

	fuzz_check(table.data);
	memcpy(table.data, data, len);
	if (!map_load(ops, &table)) {
		/* there may be room behind its bytes */
		uint8_t *exact = malloc(table.len + !table.len);
		fuzz_check(exact);
		if (table.len)
			memcpy(exact, table.data, table.len);
		found = look(ops, exact, table.len, first);
		free(exact);
	}
	free(table.data);
	return found;
}

bool fuzz_run(size_t i, const uint8_t *data, size_t len)
{
	const struct map_ops *ops = map_encoders[i];
	size_t index, rest;
	uint32_t first;

	if (len < sizeof first)
		return false;
	memcpy(&first, data, sizeof first);
	data += sizeof first;
	len -= sizeof first;
	ops->split(len ? data : NULL, len, &index, &rest);
	fuzz_check(index + rest == len);
	bool found = ops->load ? load_and_look(ops, data, len, first) : look(ops, data, len, first);
	return found || ops->flags & MAP_FLOOR;
}
