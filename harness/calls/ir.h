/*
 * ir.h - the writer of IR text that callers.c and targets.c share: numbered values, and the form of
 * a value of each type, after workload.h and stub.h.
 */
#ifndef STUBMAP_CALLS_IR_H
#define STUBMAP_CALLS_IR_H

#include <stdio.h>

#include "calls/callers.h"

/* A crossing, or a target: of one boundary, or, in a template of copies.c, of none. */
struct ir_site {
	uint32_t number; /* decides its salts, its callee and its symbols: the boundary's */
	uint32_t like;	 /* the boundary whose kind, signature and stored arguments it has */
	uint32_t target; /* the number of its target */
	uint32_t instance;
};

/* A function of a module: sites in line, one site, or a target in one of its two forms. */
enum ir_form { IR_PART, IR_THUNK, IR_TARGET, IR_HOST };
struct ir_function {
	enum ir_form form;
	uint32_t number; /* "part7", "c7", "t7", "h7" */
	const struct ir_site *sites;
	uint32_t n;
};

/* All functions of a module but its round, in the order of their addresses. */
struct ir_list {
	struct ir_function *functions;
	size_t n;
	struct ir_site *sites;
};

struct ir_writer {
	FILE *f;
	const struct scenario *scenario;
	stub_signature *signatures; /* one a boundary */
	enum callers_part part;
	unsigned last; /* %v0 .. %v<last> are taken in the function being written */
};

extern const char *const ir_types[STUB_TYPES];

/* Writes "  %v<n> = ..." and returns n. */
unsigned ir_let(struct ir_writer *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Makes a value of a type from the 32 bits %v<v>; an i64's low half is v ^ low. */
unsigned ir_make(struct ir_writer *, enum stub_type, unsigned v, uint32_t low);
/* The 32 bits that a value stands for. */
unsigned ir_fold(struct ir_writer *, enum stub_type, unsigned v);
/* Boxes a value of the dynamic language; an i64 goes to the 8 bytes at the pointer %v<at>. */
unsigned ir_box(struct ir_writer *, enum stub_type, unsigned v, unsigned at);
/* Unboxes the form that ir_box makes, without a guard. */
unsigned ir_unbox(struct ir_writer *, enum stub_type, unsigned v);
/* Widens a value to entry_native's 8 bytes; the upper ones are zero if the type has fewer. */
unsigned ir_widen(struct ir_writer *, enum stub_type, unsigned v);

/* 0, -EINVAL (see callers_text), -ENOMEM; close it in any case, and the list (functions.c). */
int ir_open(struct ir_writer *, const struct scenario *, enum callers_part);
void ir_close(struct ir_writer *);
int ir_list_open(const struct ir_writer *, struct ir_list *);
void ir_list_close(struct ir_list *);
/* The first parameter that a site passes: the stub stores the earlier ones. */
unsigned ir_first_passed(const struct ir_writer *, const struct ir_site *);

/* Writes the module of these functions. whole: NULL, or (for copies.c) the list that
 * these functions stand for; a straight round then calls the functions of the whole
 * list, which the module lacks. */
int ir_module(struct ir_writer *, const struct ir_list *, const struct ir_list *whole, char **text,
	      size_t *size);
/* The targets' part of a module (targets.c). padded: another function follows the last one. */
void ir_targets(struct ir_writer *, const struct ir_list *, bool padded);

#endif
