/*
 * template.h - a function's machine code with the places of its constants.
 */
#ifndef STUBMAP_CALLS_TEMPLATE_H
#define STUBMAP_CALLS_TEMPLATE_H

#include <stdbool.h>

#include "calls/ir.h"
#include "jit/pieces.h"

enum { TEMPLATE_SAMPLES = 4 }; /* compiled of each: three to learn from, one to check */

/* A place that holds a number of a site. */
struct template_field {
	uint32_t at;
	uint16_t site;
	uint8_t what, width; /* what: a parameter's salt, or one of template.c's */
};

/* What a relocation names. */
struct template_name {
	uint16_t site;
	char letter; /* s or t, with the site's number; 0: the same in all copies */
	bool callee; /* the addend moves with the site's callee */
};

struct template
{
	const struct piece *piece; /* the first sample */
	const struct ir_site *sample;
	const struct ir_writer *writer;
	const struct ir_function *function;
	struct template_field *fields;
	size_t nfields;
	struct template_name *names; /* of each relocation */
};

/* Whether none of the function's constants is one that a compiler treats in its own way. */
bool template_takes(const struct ir_writer *, const struct ir_function *);
/* A function like that one, of n sites with drawn numbers. all: the sites of all its samples; they
 * are asked for in turn. counter: 0 at first; each call moves it on. */
struct ir_function template_sample(const struct ir_writer *, const struct ir_function *like,
				   unsigned sample, uint32_t *counter, struct ir_site *all);
/* Makes a template from the samples and their compiled code. 0, -ENOTSUP: no template, -ENOMEM.
 * Samples and code must exist as long as the template. */
int template_learn(struct template *, const struct ir_writer *, const struct ir_function *samples,
		   const struct piece *pieces, const struct pieces *from);
void template_close(struct template *);

/* Writes the sites' numbers over a copy of the piece's bytes. */
void template_fill(const struct template *, const struct ir_site *, uint8_t *bytes);
/* The addend of relocation i; the number in its name. */
int64_t template_addend(const struct template *, uint32_t i, const struct ir_site *);
uint32_t template_number(const struct template_name *, const struct ir_site *);

#endif
