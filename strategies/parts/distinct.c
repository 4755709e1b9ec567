/* distinct.c - an open hash of maps; see distinct.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "distinct.h"

void *map_grow(void *array, size_t *cap, size_t used, size_t n, size_t size)
{
	size_t more = *cap ? *cap : 64;
	if (array && n <= *cap - used)
		return array;
	while (n > more - used) {
		if (more > SIZE_MAX / 2 / size)
			return NULL;
		more *= 2;
	}
	void *grown = realloc(array, more * size);
	if (grown)
		*cap = more;
	return grown;
}

static int grow_cells(struct map_distinct *d)
{
	uint32_t ncells = d->ncells ? 2 * d->ncells : 256;
	if (ncells < d->ncells)
		return -EFBIG;
	struct map_distinct_cell *cells = calloc(ncells, sizeof *cells);
	if (!cells)
		return -ENOMEM;
	for (uint32_t i = 0; i < d->ncells; i++) {
		uint32_t h = d->cells[i].hash;
		if (!d->cells[i].number)
			continue;
		while (cells[h & (ncells - 1)].number)
			h++;
		cells[h & (ncells - 1)] = d->cells[i];
	}
	free(d->cells);
	d->cells = cells;
	d->ncells = ncells;
	return 0;
}

/* A multiplication mixes a word upwards, the shift folds it back. */
static uint32_t hash(const uint32_t *words, size_t n)
{
	uint64_t h = 0x9e3779b97f4a7c15u;
	for (size_t i = 0; i < n; i++) {
		h = (h ^ words[i]) * 0xd6e8feb86659fd93u;
		h ^= h >> 32;
	}
	return (uint32_t)h;
}

static int make_room(struct map_distinct *d, size_t nwords)
{
	if (d->n >= d->ncells / 2) {
		int error = grow_cells(d);
		if (error)
			return error;
	}
	size_t *at = map_grow(d->at, &d->at_cap, d->n, 1, sizeof *at);
	if (!at)
		return -ENOMEM;
	d->at = at;
	uint32_t *words = map_grow(d->words, &d->words_cap, d->nwords, nwords, sizeof *words);
	if (!words)
		return -ENOMEM;
	d->words = words;
	return 0;
}

int map_distinct_add(struct map_distinct *d, const struct safepoint *p, uint32_t registers,
		     uint32_t *number)
{
	uint32_t nslots = p->nlive - (uint32_t)__builtin_popcount(registers);
	size_t n = 3 + (size_t)nslots;
	int error = make_room(d, n);
	if (error)
		return error;
	/* Written behind the others, and kept if it is new. */
	uint32_t *words = d->words + d->nwords;
	words[0] = p->frame_size;
	words[1] = registers;
	words[2] = nslots;
	if (nslots)
		memcpy(words + 3, p->live, nslots * sizeof *words);
	uint32_t h = hash(words, n);
	struct map_distinct_cell *cell;
	for (uint32_t i = h;; i++) {
		cell = &d->cells[i & (d->ncells - 1)];
		if (!cell->number)
			break;
		const uint32_t *other = d->words + d->at[cell->number - 1];
		if (cell->hash == h && other[2] == nslots &&
		    !memcmp(other, words, n * sizeof *words)) {
			*number = cell->number - 1;
			return 0;
		}
	}
	d->at[d->n] = d->nwords;
	d->nwords += n;
	*number = d->n++;
	*cell = (struct map_distinct_cell){ h, d->n };
	return 0;
}

void map_distinct_free(struct map_distinct *d)
{
	free(d->words);
	free(d->at);
	free(d->cells);
	*d = (struct map_distinct){ 0 };
}
