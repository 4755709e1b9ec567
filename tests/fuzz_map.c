/*
 * fuzz_map.c - libFuzzer's target for the readers of stack maps. An input is a pc and a table; each
 * encoder's reader is led through it (FUZZ_MAP=name: that one's alone), from memory of exactly the
 * table's size. What map.h promises for any bytes must hold, and many lookups at once must say what
 * single ones say.
 *
 *      clang-19 -std=c17 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined \
 *              strategies/list.c strategies/signature.c strategies/{maps,stubs,parts,code,emit}/*.c
 * \ tests/fuzz_map.c -o build/fuzz_map mkdir -p build/fuzzed && FUZZ_MAP=paged build/fuzz_map
 * -max_len=4096 build/fuzzed tests/data/maps
 */
#include <stdlib.h>
#include <string.h>

#include "../strategies/map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { PCS = 40, SCRATCH = 1 << 24 };

static void check(int holds)
{
	if (!holds)
		abort();
}

/* Around the input's pc, and where the table itself speaks of pcs. */
static void choose_pcs(const uint8_t *table, size_t len, uint32_t first, uint32_t *pcs)
{
	for (size_t i = 0; i < PCS; i++) {
		pcs[i] = first + (uint32_t)(i * i);
		if (i >= PCS / 2 && len >= 4)
			memcpy(&pcs[i], table + 4 * i % (len - 3), 4);
	}
}

/* Every place ascends, and lies where it may; the number of places. */
static size_t walk(const struct map_live *live)
{
	struct map_cursor at = { 0 };
	uint32_t place, last = 0;
	size_t n = 0;

	while (map_next(live, &at, &place)) {
		check(!n++ || place > last);
		if (place < MAP_REGISTER && live->frame_size)
			check(place < (uint64_t)live->frame_size / 4 + 32);
		last = place;
	}
	return n;
}

static void look(const struct map_ops *ops, const uint8_t *table, size_t len, uint32_t first)
{
	size_t room = map_scratch(ops, table, len);
	struct map_live one[PCS], many[PCS];
	enum map_answer answers[PCS], all[PCS];
	uint32_t pcs[PCS];

	check(room <= SCRATCH);
	uint8_t *scratch = room ? malloc(PCS * room) : NULL;
	choose_pcs(table, len, first, pcs);
	for (size_t i = 0; i < PCS; i++) {
		answers[i] = ops->lookup(table, len, pcs[i], scratch, &one[i]);
		one[i].registers = answers[i] == MAP_FOUND ? (uint32_t)walk(&one[i]) : 0;
	}
	if (ops->lookup_many) {
		ops->lookup_many(table, len, pcs, PCS, scratch, many, all);
		for (size_t i = 0; i < PCS; i++) {
			check(all[i] == answers[i]);
			if (all[i] != MAP_FOUND)
				continue;
			check(many[i].frame_size == one[i].frame_size);
			check(walk(&many[i]) == one[i].registers);
		}
	}
	free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *only;
	uint32_t first;

	if (!only)
		only = getenv("FUZZ_MAP") ? getenv("FUZZ_MAP") : "";
	if (len < 4)
		return 0;
	memcpy(&first, data, 4);
	data += 4;
	len -= 4;
	for (size_t e = 0; map_encoders[e]; e++) {
		const struct map_ops *ops = map_encoders[e];
		size_t index, rest;

		if (*only && strcmp(only, ops->name))
			continue;
		struct map_bytes table = { malloc(len + !len), len, len };
		memcpy(table.data, data, len);
		ops->split(len ? table.data : NULL, len, &index, &rest);
		check(index + rest == len);
		if (!map_load(ops, &table)) {
			/* load may have left room behind its bytes. */
			uint8_t *exact = table.len ? malloc(table.len) : NULL;
			if (table.len)
				memcpy(exact, table.data, table.len);
			look(ops, exact, table.len, first);
			free(exact);
		}
		free(table.data);
	}
	return 0;
}
