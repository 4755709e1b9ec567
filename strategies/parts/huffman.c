/*
 * huffman.c - package-merge: each symbol has a coin of its count in each of 2^-1 to 2^-bits.
 * From the smallest on, coins are paired, and pairs become coins of the next value; the
 * cheapest that are worth symbols - 1 together are bought, and each coin in them makes its
 * symbol's code one bit longer.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "huffman.h"

struct leaf {
	uint64_t count;
	uint32_t symbol;
};

/* Of each value: the cheapest first, symbols' own coins and pairs; which of them are symbols'. */
enum { ITEMS = 2 * HUFFMAN_SYMBOLS };
struct coins {
	struct leaf leaves[HUFFMAN_SYMBOLS];
	uint64_t weight[2][ITEMS];
	bool own[HUFFMAN_BITS][ITEMS];
};

static int compare_leaves(const void *a, const void *b)
{
	const struct leaf *x = a, *y = b;
	if (x->count != y->count)
		return x->count < y->count ? -1 : 1;
	return x->symbol > y->symbol ? -1 : 1;
}

static uint32_t merge(const struct leaf *leaves, uint32_t n, const uint64_t *before,
		      uint32_t nbefore, uint64_t *weight, bool *own)
{
	uint32_t leaf = 0, pair = 0, k = 0;
	for (; leaf < n || pair + 1 < nbefore; k++) {
		bool paired = pair + 1 < nbefore;
		uint64_t both = paired ? before[pair] + before[pair + 1] : 0;
		own[k] = leaf < n && (!paired || leaves[leaf].count <= both);
		weight[k] = own[k] ? leaves[leaf].count : both;
		if (own[k])
			leaf++;
		else
			pair += 2;
	}
	return k;
}

/* Sorts the symbols that occur, and makes the coins of all values: those of 2^-i are the same
 * whatever the longest code is. Returns how many symbols there are. */
static uint32_t mint(struct coins *c, const uint64_t counts[HUFFMAN_SYMBOLS])
{
	uint32_t n = 0, items = 0;
	for (uint32_t s = 0; s < HUFFMAN_SYMBOLS; s++)
		if (counts[s])
			c->leaves[n++] = (struct leaf){ counts[s], s };
	qsort(c->leaves, n, sizeof *c->leaves, compare_leaves);
	for (unsigned i = 0; i < HUFFMAN_BITS; i++)
		items = merge(c->leaves, n, c->weight[i & 1], items, c->weight[~i & 1], c->own[i]);
	return n;
}

/* The lengths of the n symbols' codes, of at most `bits` bits. Returns the length of the text. */
static uint64_t buy(struct huffman *h, const struct coins *c, uint32_t n, unsigned bits)
{
	uint32_t take = n < 2 ? 0 : 2 * n - 2;
	uint64_t sum = 0;
	memset(h, 0, sizeof *h);
	h->bits = (uint8_t)bits;
	if (n == 1)
		h->length[c->leaves[0].symbol] = 1;
	for (unsigned i = bits; i-- && take;) {
		uint32_t own = 0;
		for (uint32_t k = 0; k < take; k++)
			own += c->own[i][k];
		/* A value's own coins are taken from the rarest symbol on. */
		for (uint32_t k = 0; k < own; k++)
			h->length[c->leaves[k].symbol]++;
		take = 2 * (take - own);
	}
	for (uint32_t k = 0; k < n; k++)
		sum += c->leaves[k].count * h->length[c->leaves[k].symbol];
	return sum;
}

int huffman_make(struct huffman *h, const uint64_t counts[HUFFMAN_SYMBOLS], unsigned bits)
{
	struct coins *c = malloc(sizeof *c);
	uint32_t n, code = 0;
	if (!c)
		return -ENOMEM;
	n = mint(c, counts);
	if (n <= 1u << bits)
		buy(h, c, n, bits);
	free(c);
	if (n > 1u << bits)
		return -EINVAL;
	for (unsigned length = 1; length <= bits; length++, code <<= 1)
		for (unsigned s = 0; s < HUFFMAN_SYMBOLS; s++)
			if (h->length[s] == length)
				h->code[s] = (uint16_t)code++;
	return 0;
}

int huffman_best(struct huffman *best, const uint64_t (*counts)[HUFFMAN_SYMBOLS], unsigned tables)
{
	uint64_t sums[HUFFMAN_BITS + 1] = { 0 };
	struct coins *c = malloc(sizeof *c);
	unsigned fewest = 1, at;
	int error = 0;
	if (!c)
		return -ENOMEM;
	for (unsigned t = 0; t < tables; t++) {
		uint32_t n = mint(c, counts[t]);
		while (fewest <= HUFFMAN_BITS && n > 1u << fewest)
			fewest++;
		for (unsigned bits = fewest; bits <= HUFFMAN_BITS; bits++)
			sums[bits] += ((uint64_t)16 << bits) + buy(best, c, n, bits);
	}
	free(c);
	at = fewest;
	for (unsigned bits = fewest; bits <= HUFFMAN_BITS; bits++)
		at = sums[bits] < sums[at] ? bits : at;
	for (unsigned t = 0; t < tables && !error; t++)
		error = huffman_make(&best[t], counts[t], at);
	return error;
}
