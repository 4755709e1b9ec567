/*
 * quanta.c - finds, takes and gives back pieces in two bitmaps, one above the other.
 *
 *   full   | 1 1 0 ...                       |     a bit is one word of held
 *            | | '---------------.
 *   held   | 64 x 1 | 64 x 1 | 1 1 0 1 ... | ...   a bit is one piece
 */
#include <errno.h>
#include <stdlib.h>

#include "quanta.h"

static uint32_t words(uint32_t bits)
{
	return (bits + 63) / 64;
}

/* The lowest bit at or above `from` whose value is `set`; n if there is none below n. */
static uint32_t next_bit(const uint64_t *bits, uint32_t n, uint32_t from, bool set)
{
	for (uint32_t i = from; i < n; i = (i / 64 + 1) * 64) {
		uint64_t w = (set ? bits[i / 64] : ~bits[i / 64]) >> i % 64;
		uint32_t at = w ? i + (uint32_t)__builtin_ctzll(w) : n;
		if (w)
			return at < n ? at : n;
	}
	return n;
}

static void set_bit(uint64_t *bits, uint32_t i, bool set)
{
	uint64_t bit = 1ull << i % 64;
	bits[i / 64] = set ? bits[i / 64] | bit : bits[i / 64] & ~bit;
}

/* Searches the rest of from's own word, then goes by way of `full` to a word with a free bit. */
static uint32_t next_free(const struct quanta *q, uint32_t from)
{
	if (from >= q->n)
		return q->n;
	if (from % 64 && ~q->held[from / 64] >> from % 64)
		return next_bit(q->held, q->n, from, false);
	uint32_t word = next_bit(q->full, words(q->n), words(from), false);
	return next_bit(q->held, q->n, word * 64, false);
}

int quanta_open(struct quanta *q, uint32_t n)
{
	uint32_t w = words(n);

	*q = (struct quanta){ .n = n };
	q->held = calloc(w, sizeof(*q->held));
	q->full = calloc(words(w), sizeof(*q->full));
	return q->held && q->full ? 0 : -ENOMEM;
}

void quanta_close(struct quanta *q)
{
	free(q->held);
	free(q->full);
	*q = (struct quanta){ 0 };
}

uint32_t quanta_find(const struct quanta *q, uint32_t run)
{
	uint32_t at = next_free(q, 0);

	while (at < q->n && run <= q->n - at) {
		uint32_t end = next_bit(q->held, at + run, at, true);
		if (end == at + run)
			return at;
		at = next_free(q, end);
	}
	return q->n;
}

void quanta_mark(struct quanta *q, uint32_t first, uint32_t run, bool held)
{
	for (uint32_t i = first; i < first + run; i++) {
		set_bit(q->held, i, held);
		set_bit(q->full, i / 64, q->held[i / 64] == ~0ull);
	}
	q->taken = held ? q->taken + run : q->taken - run;
}

bool quanta_held(const struct quanta *q, uint32_t first, uint32_t run)
{
	return next_bit(q->held, first + run, first, false) == first + run;
}
