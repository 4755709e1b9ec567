/*
 * huffman.h - prefix codes of bounded length (Huffman 1952; bounded by package-merge, Larmore and
 * Hirschberg 1990), canonical, for readers that look up a whole code in one table.
 */
#ifndef STUBMAP_HUFFMAN_H
#define STUBMAP_HUFFMAN_H

#include <stdint.h>

enum { HUFFMAN_SYMBOLS = 512, HUFFMAN_BITS = 11 };

struct huffman {
	uint8_t bits;			 /* of the table's index; no code is longer */
	uint8_t length[HUFFMAN_SYMBOLS]; /* 0: the symbol has no code */
	uint16_t code[HUFFMAN_SYMBOLS];	 /* its first bit is the highest */
};

/* The best codes of at most `bits` bits, for the symbols that occur. 0; -ENOMEM; -EINVAL: there are
 * more than 1 << bits. */
int huffman_make(struct huffman *, const uint64_t counts[HUFFMAN_SYMBOLS], unsigned bits);

/* The same, with as many bits as make table and text the shortest: `tables` tables of one size,
 * each of 16-bit entries. 0 or -ENOMEM. */
int huffman_best(struct huffman *, const uint64_t (*counts)[HUFFMAN_SYMBOLS], unsigned tables);

#endif
