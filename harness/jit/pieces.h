/*
 * pieces.h - takes a relocatable object apart into its functions, and puts another together from
 * copies of them: with other bytes, names and relocations, and with all other sections as they are.
 *
 *      .text of the first     | t70 ... | t71 ... | odd ... |
 *      .text of the second    | t0 .. | t1 .. | t2 .. | t3 .. | odd ... | t5 .. | ...
 *
 * Each function begins at a multiple of 16 and keeps the bytes up to the next one, as the compiler
 * laid them out: so a copy lies as if it had been compiled there.
 */
#ifndef STUBMAP_JIT_PIECES_H
#define STUBMAP_JIT_PIECES_H

#include "jit/object.h"

/* A function of the first object. */
struct piece {
	const char *name;
	const uint8_t *bytes;
	uint32_t size, extent; /* bytes of code; up to the next function */
	uint8_t info;	       /* of its symbol */
	const Elf64_Rela *relocations;
	uint32_t nrelocations;
	uint64_t at; /* in .text: what relocations' offsets count from */
};

struct pieces {
	struct object object;
	struct piece *all; /* by address */
	size_t n;
	size_t text, text_relocations; /* numbers of the sections; the second 0: none */
};

/* 0; -ENOTSUP: not of this simple form; -EINVAL, -ENOMEM. Close it in any case, before the object's
 * data is freed. */
int pieces_open(struct pieces *, const struct jit_object *, char error[JIT_ERROR]);
void pieces_close(struct pieces *);

/* The second object. */
struct bytes {
	uint8_t *data;
	size_t size, room;
};

struct assembly {
	const struct pieces *from;
	struct bytes text, relocations, table, symbols, names;
	size_t function; /* where the present function begins */
	size_t nfunctions, next;
	int error; /* -ENOMEM: from then on nothing is added */
};

void assembly_open(struct assembly *, const struct pieces *from);
void assembly_close(struct assembly *);
/* Adds a function with the extent of a piece, and its symbol. Returns its bytes, to be changed
 * before anything else is added, or NULL. All functions come before other symbols. */
uint8_t *assembly_function(struct assembly *, const struct piece *, const char *name);
/* Adds a symbol that somebody else defines; returns its number. */
uint32_t assembly_symbol(struct assembly *, const char *name);
/* The number of the i-th function's symbol. */
uint32_t assembly_number(const struct assembly *, size_t i);
/* The symbol of the first object's section. */
uint32_t assembly_section(size_t section);
/* After all functions: the first call makes the first function the present one, and so on. */
void assembly_next(struct assembly *);
/* Adds a relocation of the present function. */
void assembly_relocation(struct assembly *, const Elf64_Rela *, const struct piece *,
			 uint32_t symbol, int64_t addend);
/* Puts all together: the last function ends with its code. pointers > 0: section .data.rel.ro
 * becomes a table of the first so many functions. 0, -ENOTSUP, -ENOMEM. */
int assembly_finish(struct assembly *, size_t pointers, struct jit_object *out);

#endif
