/*
 * ir.h - the writer of IR text that callers.c and targets.c share: numbered values, and the form of
 * a value of each type, after workload.h and stub.h.
 */
#ifndef STUBMAP_CALLS_IR_H
#define STUBMAP_CALLS_IR_H

#include <stdio.h>

#include "calls/callers.h"

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

/* Writes the targets' module, except @refs (targets.c). */
void ir_targets(struct ir_writer *);

#endif
