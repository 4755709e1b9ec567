/*
 * template.c - see template.h and copies.h.
 *
 * The constants of a site, all of which follow from its numbers:
 *   the salt of each parameter that it passes; of a float's only 16 bits count, of a reference's 6,
 *   and the compiler drops the others
 *   its callee's offset, if it counts from a register (else it is in a relocation)
 *   a target's number - 1
 *   the offset of the instance in the state, of direct calls
 */
#include "calls/template.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What a field holds, beyond the salts of parameters 0 to 15. */
enum { WHAT_CALLEE = STUB_MAX_PARAMS, WHAT_TARGET, WHAT_INSTANCE, WHATS };

/* A sample's numbers, from this to its double. With larger ones callees would lie 16 MiB from the
 * first, where LLVM begins to compute addresses in two steps. */
enum { SAMPLE_FROM = 1 << 18 };

/* ---- Constants -------------------------------------------------------------------------- */

/* The width of a field; 0: the function has no such constant. */
static unsigned width_of(const struct ir_writer *w, const struct ir_function *f,
			 const struct ir_site *e, unsigned what)
{
	const stub_signature s = w->signatures[e->like];
	const bool target = f->form == IR_TARGET || f->form == IR_HOST;

	switch (what) {
	case WHAT_CALLEE:
		return target || w->part == CALLERS_DIRECT ? 0 : 4;
	case WHAT_TARGET:
		return target ? 4 : 0;
	case WHAT_INSTANCE:
		return w->part == CALLERS_DIRECT ? 1 : 0;
	default:
		if (target || what < ir_first_passed(w, e) || what >= stub_nparams(s))
			return 0;
		return stub_param(s, what) == STUB_REF ? 1 : 4;
	}
}

static uint32_t value_of(const struct ir_writer *w, const struct ir_site *e, unsigned what)
{
	switch (what) {
	case WHAT_CALLEE:
		return e->number * (uint32_t)sizeof(struct stub_callee);
	case WHAT_TARGET:
		return e->number - 1;
	case WHAT_INSTANCE:
		return 32 + 8 * e->instance; /* callers.h: of the state */
	default:
		break;
	}
	const uint32_t salt = scenario_salt(e->number, what);
	switch (stub_param(w->signatures[e->like], what)) {
	case STUB_F32:
	case STUB_F64:
		return salt & 0xffff;
	case STUB_REF:
		return salt & (SCENARIO_REFS - 1);
	default:
		return salt;
	}
}

/* Whether a value with so many significant bits may be encoded in another way than most. */
static bool is_odd(uint32_t v, unsigned bits)
{
	const uint32_t top = (uint32_t)1 << (bits - 1), mask = top | (top - 1);

	if (bits == 6)
		return v <= 1 || v == top || v == mask;
	return v <= 128 || v == top || v >= mask - 128;
}

bool template_takes(const struct ir_writer *w, const struct ir_function *f)
{
	for (uint32_t i = 0; i < f->n; i++)
		for (unsigned what = 0; what < WHATS; what++) {
			const struct ir_site *e = &f->sites[i];
			unsigned bits = 32;

			if (what == WHAT_INSTANCE || !width_of(w, f, e, what))
				continue;
			if (what < STUB_MAX_PARAMS) {
				const enum stub_type t = stub_param(w->signatures[e->like], what);

				bits = t == STUB_REF ? 6 : t == STUB_F32 || t == STUB_F64 ? 16 : 32;
			}
			if (is_odd(value_of(w, e, what), bits))
				return false;
		}
	return true;
}

/* Maps each number below SAMPLE_FROM to another one; no two differences are alike. */
static uint32_t scattered(uint32_t counter)
{
	uint32_t n = counter * 0x9e3779b1u % SAMPLE_FROM;

	n = (n ^ n >> 7) * 0x85ebca6bu % SAMPLE_FROM;
	n = (n ^ n >> 9) * 0xc2b2ae35u % SAMPLE_FROM;
	return n ^ n >> 8;
}

/* Whether a number has the same sign in all samples of a site: a compiler may use one instruction
 * for the negative ones and another for the rest. n sites lie between two samples. */
static bool has_one_sign(const struct ir_writer *w, const struct ir_site *first, uint32_t n)
{
	const stub_signature s = w->signatures[first->like];

	for (unsigned j = ir_first_passed(w, first); j < stub_nparams(s); j++) {
		unsigned negative = 0;

		if (stub_param(s, j) != STUB_I32 && stub_param(s, j) != STUB_I64)
			continue;
		for (unsigned v = 0; v < TEMPLATE_SAMPLES; v++)
			negative += value_of(w, &first[v * n], j) >> 31;
		if (negative % TEMPLATE_SAMPLES == 0)
			return true;
	}
	return false;
}

struct ir_function template_sample(const struct ir_writer *w, const struct ir_function *like,
				   unsigned sample, uint32_t *counter, struct ir_site *all)
{
	struct ir_site *sites = all + (size_t)sample * like->n;
	struct ir_function f = { like->form, 0, sites, like->n };
	const bool last = sample == TEMPLATE_SAMPLES - 1;

	for (uint32_t i = 0; i < like->n; i++) {
		const struct ir_function one = { like->form, 0, &sites[i], 1 };
		/* No two sites have the same three numbers, and no site
		 * has one number three times. */
		const uint32_t instances[TEMPLATE_SAMPLES] = { i, i >> 3, i + 1 + (i >> 6), ~i };

		do {
			const uint32_t n = SAMPLE_FROM + scattered((*counter)++);

			sites[i] = (struct ir_site){ n, like->sites[i].like, n,
						     instances[sample] % SCENARIO_INSTANCES };
		} while (!template_takes(w, &one) ||
			 (last && like->form == IR_THUNK && has_one_sign(w, &all[i], like->n)));
	}
	return f;
}

/* ---- Learning --------------------------------------------------------------------------- */

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The samples, with all constants of all sites. */
struct lesson {
	const struct ir_writer *w;
	const struct ir_function *samples;
	const struct piece *pieces;
	const struct pieces *from;
	struct constant {
		uint32_t values[TEMPLATE_SAMPLES];
		uint16_t site;
		uint8_t what, width;
	} *constants;
	size_t n;
	bool *known; /* bytes of the code that are explained */
};

static int list_constants(struct lesson *l)
{
	const struct ir_function *f = l->samples;

	l->constants = calloc((size_t)f->n * WHATS + 1, sizeof(*l->constants));
	l->known = calloc((size_t)l->pieces->size + 4, sizeof(*l->known));
	if (!l->constants || !l->known)
		return -ENOMEM;
	for (uint32_t i = 0; i < f->n; i++)
		for (unsigned what = 0; what < WHATS; what++) {
			struct constant *c = &l->constants[l->n];

			c->width = (uint8_t)width_of(l->w, f, &f->sites[i], what);
			if (!c->width)
				continue;
			c->site = (uint16_t)i;
			c->what = (uint8_t)what;
			for (unsigned v = 0; v < TEMPLATE_SAMPLES; v++)
				c->values[v] = value_of(l->w, &l->samples[v].sites[i], what);
			l->n++;
		}
	return 0;
}

/* Whether bytes [at, at + width) differ in the first three samples. */
static bool differs(const struct lesson *l, uint32_t at, unsigned width)
{
	return memcmp(l->pieces[0].bytes + at, l->pieces[1].bytes + at, width) ||
	       memcmp(l->pieces[0].bytes + at, l->pieces[2].bytes + at, width);
}

/* The only constant that the samples have there; NULL: none, or more than one. */
static const struct constant *constant_at(const struct lesson *l, uint32_t at, unsigned width)
{
	const struct constant *found = NULL;

	for (size_t i = 0; i < l->n; i++) {
		const struct constant *c = &l->constants[i];
		bool same = c->width == width;

		for (unsigned v = 0; v + 1 < TEMPLATE_SAMPLES && same; v++) {
			const uint8_t *p = l->pieces[v].bytes + at;

			same = c->values[v] == (width == 4 ? get32(p) : *p);
		}
		if (same && found)
			return NULL;
		found = same ? c : found;
	}
	return found;
}

static int learn_fields(struct template *t, struct lesson *l, unsigned width)
{
	for (uint32_t at = 0; at + width <= t->piece->size; at++) {
		bool free = true;

		for (unsigned i = 0; i < width; i++)
			free &= !l->known[at + i];
		if (!free || !differs(l, at, width))
			continue;
		const struct constant *c = constant_at(l, at, width);
		if (!c)
			continue;
		if ((t->nfields & (t->nfields - 1)) == 0) { /* a power of two is full: double it */
			struct template_field *grown =
			    realloc(t->fields, (t->nfields ? 2 * t->nfields : 1) * sizeof(*grown));

			if (!grown)
				return -ENOMEM;
			t->fields = grown;
		}
		t->fields[t->nfields++] = (struct template_field){ at, c->site, c->what, c->width };
		memset(l->known + at, true, width);
	}
	return 0;
}

/* Reads a name such as "s70"; false: another one. */
static bool numbered(const struct pieces *from, const Elf64_Rela *r, char *letter, uint32_t *number)
{
	const Elf64_Sym *s = &from->object.symbols[ELF64_R_SYM(r->r_info)];
	char end;

	return s->st_shndx == SHN_UNDEF &&
	       sscanf(object_symbol(&from->object, s), "%c%" SCNu32 "%c", letter, number, &end) ==
		   2 &&
	       (*letter == 's' || *letter == 't');
}

static bool names_site(const struct lesson *l, uint32_t i, unsigned v, uint32_t site, char letter)
{
	uint32_t number;
	char met;

	return numbered(l->from, &l->pieces[v].relocations[i], &met, &number) && met == letter &&
	       number == l->samples[v].sites[site].number;
}

static bool moves_with(const struct lesson *l, uint32_t i, unsigned v, uint32_t site)
{
	const int64_t moved =
	    l->pieces[v].relocations[i].r_addend - l->pieces[0].relocations[i].r_addend;
	const int64_t numbers =
	    (int64_t)l->samples[v].sites[site].number - (int64_t)l->samples[0].sites[site].number;

	return moved == numbers * (int64_t)sizeof(struct stub_callee);
}

/* Finds out what relocation i names, by all samples. */
static int learn_name(struct template *t, const struct lesson *l, uint32_t i)
{
	const Elf64_Rela *first = &l->pieces[0].relocations[i];
	struct template_name *name = &t->names[i];
	bool same = true;
	uint32_t number;

	*name = (struct template_name){ 0 };
	for (unsigned v = 1; v < TEMPLATE_SAMPLES; v++) {
		const Elf64_Rela *r = &l->pieces[v].relocations[i];

		if (r->r_offset - l->pieces[v].at != first->r_offset - l->pieces[0].at ||
		    ELF64_R_TYPE(r->r_info) != ELF64_R_TYPE(first->r_info))
			return -ENOTSUP;
		same &= r->r_info == first->r_info && r->r_addend == first->r_addend;
	}
	memset(l->known + (first->r_offset - l->pieces[0].at), true, 4);
	if (same)
		return 0;
	name->callee = !numbered(l->from, first, &name->letter, &number);
	if (name->callee)
		name->letter = 0;
	uint32_t sites = 0;
	for (uint32_t site = 0; site < l->samples->n; site++) {
		bool fits = true;

		for (unsigned v = 0; v < TEMPLATE_SAMPLES && fits; v++) {
			const Elf64_Rela *r = &l->pieces[v].relocations[i];

			fits = name->callee
				   ? r->r_info == first->r_info && moves_with(l, i, v, site)
				   : r->r_addend == first->r_addend &&
					 names_site(l, i, v, site, name->letter);
		}
		if (fits) {
			name->site = (uint16_t)site;
			sites++;
		}
	}
	return sites == 1 ? 0 : -ENOTSUP;
}

/* Whether the last sample can be made from the first one. */
static bool is_right(const struct template *t, const struct lesson *l)
{
	const unsigned last = TEMPLATE_SAMPLES - 1;
	uint8_t *bytes = malloc((size_t)t->piece->size + 1);
	bool right = bytes;

	for (uint32_t i = 0; i < t->piece->size && right; i++)
		right = l->known[i] || !differs(l, i, 1);
	if (right) {
		memcpy(bytes, t->piece->bytes, t->piece->size);
		template_fill(t, l->samples[last].sites, bytes);
		right = !memcmp(bytes, l->pieces[last].bytes, t->piece->size);
	}
	free(bytes);
	return right;
}

int template_learn(struct template *t, const struct ir_writer *w, const struct ir_function *samples,
		   const struct piece *pieces, const struct pieces *from)
{
	struct lesson l = { .w = w, .samples = samples, .pieces = pieces, .from = from };
	int err = 0;

	template_close(t);
	*t = (struct template){
		.piece = pieces, .writer = w, .function = samples, .sample = samples->sites
	};
	for (unsigned v = 1; v < TEMPLATE_SAMPLES; v++)
		if (pieces[v].size != pieces->size || pieces[v].extent != pieces->extent ||
		    pieces[v].nrelocations != pieces->nrelocations)
			return -ENOTSUP;
	t->names = calloc((size_t)pieces->nrelocations + 1, sizeof(*t->names));
	err = t->names ? list_constants(&l) : -ENOMEM;
	for (uint32_t i = 0; i < pieces->nrelocations && !err; i++)
		err = learn_name(t, &l, i);
	if (!err)
		err = learn_fields(t, &l, 4);
	if (!err)
		err = learn_fields(t, &l, 1);
	if (!err && !is_right(t, &l))
		err = -ENOTSUP;
	free(l.constants);
	free(l.known);
	return err;
}

void template_close(struct template *t)
{
	free(t->fields);
	free(t->names);
	*t = (struct template){ 0 };
}

/* ---- Copies ----------------------------------------------------------------------------- */

void template_fill(const struct template *t, const struct ir_site *sites, uint8_t *bytes)
{
	for (size_t i = 0; i < t->nfields; i++) {
		const struct template_field *f = &t->fields[i];
		const uint32_t v = value_of(t->writer, &sites[f->site], f->what);

		memcpy(bytes + f->at, &v, f->width);
	}
}

int64_t template_addend(const struct template *t, uint32_t i, const struct ir_site *sites)
{
	const struct template_name *name = &t->names[i];
	int64_t addend = t->piece->relocations[i].r_addend;

	if (name->callee)
		addend +=
		    ((int64_t)sites[name->site].number - (int64_t)t->sample[name->site].number) *
		    (int64_t)sizeof(struct stub_callee);
	return addend;
}

uint32_t template_number(const struct template_name *name, const struct ir_site *e)
{
	return name->letter == 's' ? e->number : e->target;
}
