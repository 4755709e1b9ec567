/*
 * copies.c - see copies.h. It decides which functions are copies of one another, has the rest
 * compiled, and puts the module together; template.c finds out where the constants are.
 */
#include "calls/copies.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "calls/template.h"

enum {
	FEWEST = 8,	/* copies for which a template is worth while */
	GROUPS = 4096,	/* at most; the functions of others are compiled */
	BUCKETS = 8192, /* a power of two, above GROUPS */
	NOBODY = -1,
};

/* Functions that differ in constants alone. */
struct group {
	size_t like; /* the first of them */
	uint32_t n;  /* those that may be copies */
	bool refused;
	struct template template;
};

struct copies {
	struct ir_writer writer;
	struct ir_list list;
	int32_t *group_of; /* of each function; NOBODY: it is compiled */
	struct group *groups;
	size_t ngroups;
	int32_t buckets[BUCKETS]; /* group + 1 */
	/* What is compiled: the templates' samples, then the other functions, in order. */
	struct ir_list compiled;
};

/* ---- Groups ----------------------------------------------------------------------------- */

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

static uint64_t shape_hash(const struct copies *c, const struct ir_function *f)
{
	uint64_t h = mix(f->form, f->n);

	for (uint32_t i = 0; i < f->n; i++) {
		const struct boundary *b = &c->writer.scenario->boundaries[f->sites[i].like];

		h = mix(mix(h, c->writer.signatures[f->sites[i].like]), b->kind * 8u + b->nbound);
	}
	return h;
}

static bool same_shape(const struct copies *c, const struct ir_function *f,
		       const struct ir_function *g)
{
	if (f->form != g->form || f->n != g->n)
		return false;
	for (uint32_t i = 0; i < f->n; i++) {
		const uint32_t k = f->sites[i].like, l = g->sites[i].like;
		const struct boundary *a = &c->writer.scenario->boundaries[k];
		const struct boundary *b = &c->writer.scenario->boundaries[l];

		if (c->writer.signatures[k] != c->writer.signatures[l] || a->kind != b->kind ||
		    a->nbound != b->nbound)
			return false;
	}
	return true;
}

static int32_t find_group(struct copies *c, size_t function)
{
	const struct ir_function *f = &c->list.functions[function];
	size_t at = shape_hash(c, f) % BUCKETS;

	while (c->buckets[at]) {
		const int32_t g = c->buckets[at] - 1;

		if (same_shape(c, f, &c->list.functions[c->groups[g].like]))
			return g;
		at = (at + 1) % BUCKETS;
	}
	if (c->ngroups == GROUPS)
		return NOBODY;
	c->groups[c->ngroups] = (struct group){ .like = function };
	c->buckets[at] = (int32_t)++c->ngroups;
	return (int32_t)c->ngroups - 1;
}

static int make_groups(struct copies *c)
{
	c->group_of = malloc((c->list.n + 1) * sizeof(*c->group_of));
	c->groups = malloc(GROUPS * sizeof(*c->groups));
	if (!c->group_of || !c->groups)
		return -ENOMEM;
	for (size_t i = 0; i < c->list.n; i++) {
		const bool common = template_takes(&c->writer, &c->list.functions[i]);

		c->group_of[i] = common ? find_group(c, i) : NOBODY;
		if (c->group_of[i] != NOBODY)
			c->groups[c->group_of[i]].n++;
	}
	for (size_t g = 0; g < c->ngroups; g++)
		c->groups[g].refused = c->groups[g].n < FEWEST;
	return 0;
}

static bool is_copy(const struct copies *c, size_t i)
{
	return c->group_of[i] != NOBODY && !c->groups[c->group_of[i]].refused;
}

/* ---- What is compiled ------------------------------------------------------------------- */

/* Lists the functions to compile; *copies: the number of functions that will be copies. */
static int list_compiled(struct copies *c, size_t *copies)
{
	struct ir_list *l = &c->compiled;
	size_t sites = 0, functions = 1, at = 0;
	uint32_t counter = 0;

	ir_list_close(l);
	*copies = 0;
	for (size_t g = 0; g < c->ngroups; g++) {
		sites += c->groups[g].refused
			     ? 0
			     : TEMPLATE_SAMPLES * c->list.functions[c->groups[g].like].n;
		functions += c->groups[g].refused ? 0 : TEMPLATE_SAMPLES;
	}
	for (size_t i = 0; i < c->list.n; i++) {
		*copies += is_copy(c, i);
		functions += !is_copy(c, i);
	}
	*l = (struct ir_list){ .functions = calloc(functions, sizeof(*l->functions)),
			       .sites = calloc(sites + 1, sizeof(*l->sites)) };
	if (!l->functions || !l->sites)
		return -ENOMEM;
	for (size_t g = 0; g < c->ngroups; g++) {
		const struct ir_function *like = &c->list.functions[c->groups[g].like];

		for (unsigned v = 0; v < TEMPLATE_SAMPLES && !c->groups[g].refused; v++) {
			struct ir_function *f = &l->functions[l->n++];

			*f = template_sample(&c->writer, like, v, &counter, &l->sites[at]);
			f->number = (uint32_t)(c->list.n + l->n); /* no other's name */
		}
		at += c->groups[g].refused ? 0 : TEMPLATE_SAMPLES * (size_t)like->n;
	}
	for (size_t i = 0; i < c->list.n; i++)
		if (!is_copy(c, i))
			l->functions[l->n++] = c->list.functions[i];
	return 0;
}

static int compile(struct copies *c, const char *name, const struct jit_options *options,
		   struct jit_object *out, char error[JIT_ERROR])
{
	char *text;
	size_t size;
	int err = ir_module(&c->writer, &c->compiled, &c->list, &text, &size);

	if (err) {
		snprintf(error, JIT_ERROR, "%s: %s", name, strerror(-err));
		return err;
	}
	err = jit_compile(name, text, size, options, out, error);
	free(text);
	return err;
}

/* Learns all templates from the compiled object.
 * 0; -EAGAIN: one was refused, compile without it; -ENOTSUP, -ENOMEM. */
static int learn(struct copies *c, const struct pieces *from)
{
	size_t at = 0;
	int err = from->n >= c->compiled.n ? 0 : -ENOTSUP;

	for (size_t i = 0; i < c->compiled.n && !err; i++) {
		const char *digits = strpbrk(from->all[i].name, "0123456789");

		if (!digits || strtoul(digits, NULL, 10) != c->compiled.functions[i].number)
			err = -ENOTSUP;
	}

	for (size_t g = 0; g < c->ngroups && (!err || err == -EAGAIN); g++) {
		if (c->groups[g].refused)
			continue;
		int e = template_learn(&c->groups[g].template, &c->writer,
				       &c->compiled.functions[at], &from->all[at], from);

		c->groups[g].refused = e == -ENOTSUP;
		if (e)
			err = e == -ENOTSUP ? -EAGAIN : e;
		at += TEMPLATE_SAMPLES;
	}
	return err;
}

/* ---- The whole module ------------------------------------------------------------------- */

/* The symbols that the second object names. */
struct naming {
	struct assembly assembly;
	const struct pieces *from;
	const struct copies *c;
	uint32_t *numbered; /* the symbols of s<k> or t<k> + 1, by k */
	uint32_t *others;   /* of the first object's symbols, + 1 */
};

static const char letters[] = { [IR_THUNK] = 'c', [IR_TARGET] = 't', [IR_HOST] = 'h' };

static uint32_t numbered_symbol(struct naming *n, char letter, uint32_t k)
{
	char name[16];

	if (n->numbered[k])
		return n->numbered[k] - 1;
	snprintf(name, sizeof(name), "%c%" PRIu32, letter, k);
	n->numbered[k] = assembly_symbol(&n->assembly, name) + 1;
	return n->numbered[k] - 1;
}

/* The second object's symbol for one of the first's; UINT32_MAX: it can't have it. */
static uint32_t symbol_of(struct naming *n, uint32_t first)
{
	const struct object *o = &n->from->object;
	const Elf64_Sym *s = &o->symbols[first];
	const char *name = object_symbol(o, s);
	uint32_t k;
	char letter, end;

	if (ELF64_ST_TYPE(s->st_info) == STT_SECTION && s->st_shndx != n->from->text)
		return assembly_section(s->st_shndx);
	if (s->st_shndx != SHN_UNDEF)
		return UINT32_MAX;
	if (sscanf(name, "part%" SCNu32 "%c", &k, &end) == 1 && k < n->c->list.n)
		return assembly_number(&n->assembly, k);
	if (sscanf(name, "%c%" SCNu32 "%c", &letter, &k, &end) == 2 &&
	    (letter == 's' || letter == 't') && k < n->c->writer.scenario->nboundaries)
		return numbered_symbol(n, letter, k);
	if (!n->others[first])
		n->others[first] = assembly_symbol(&n->assembly, name) + 1;
	return n->others[first] - 1;
}

/* Adds the relocations of a function that was compiled itself. */
static int relocate_plain(struct naming *n, const struct piece *f)
{
	for (uint32_t i = 0; i < f->nrelocations; i++) {
		const Elf64_Rela *r = &f->relocations[i];
		uint32_t symbol = symbol_of(n, (uint32_t)ELF64_R_SYM(r->r_info));

		if (symbol == UINT32_MAX)
			return -ENOTSUP;
		assembly_relocation(&n->assembly, r, f, symbol, r->r_addend);
	}
	return 0;
}

static int relocate_copy(struct naming *n, const struct template *t, const struct ir_function *f)
{
	for (uint32_t i = 0; i < t->piece->nrelocations; i++) {
		const Elf64_Rela *r = &t->piece->relocations[i];
		const struct template_name *name = &t->names[i];
		uint32_t symbol;

		if (name->letter)
			symbol = numbered_symbol(n, name->letter,
						 template_number(name, &f->sites[name->site]));
		else
			symbol = symbol_of(n, (uint32_t)ELF64_R_SYM(r->r_info));
		if (symbol == UINT32_MAX)
			return -ENOTSUP;
		assembly_relocation(&n->assembly, r, t->piece, symbol,
				    template_addend(t, i, f->sites));
	}
	return 0;
}

static void name_of(const struct ir_function *f, char out[16])
{
	if (f->form == IR_PART)
		snprintf(out, 16, "part%" PRIu32, f->number);
	else
		snprintf(out, 16, "%c%" PRIu32, letters[f->form], f->number);
}

/* The function at each place of the second object: a template's first sample, or itself. */
static const struct piece *piece_of(const struct naming *n, size_t i, size_t *plain)
{
	return is_copy(n->c, i) ? n->c->groups[n->c->group_of[i]].template.piece
				: &n->from->all[(*plain)++];
}

/* All functions with their bytes come first, then all relocations: these need the symbols. */
static int add_functions(struct naming *n, size_t samples, bool round)
{
	const struct copies *c = n->c;
	size_t plain = samples;
	char name[16];

	for (size_t i = 0; i < c->list.n; i++) {
		const struct ir_function *f = &c->list.functions[i];

		name_of(f, name);
		uint8_t *bytes = assembly_function(&n->assembly, piece_of(n, i, &plain), name);
		if (bytes && is_copy(c, i))
			template_fill(&c->groups[c->group_of[i]].template, f->sites, bytes);
	}
	if (round)
		assembly_function(&n->assembly, &n->from->all[n->from->n - 1],
				  n->from->all[n->from->n - 1].name);
	return n->assembly.error;
}

static int add_relocations(struct naming *n, size_t samples, bool round)
{
	const struct copies *c = n->c;
	size_t plain = samples;
	int err = 0;

	for (size_t i = 0; i < c->list.n && !err; i++) {
		const struct piece *f = piece_of(n, i, &plain);

		assembly_next(&n->assembly);
		err = is_copy(c, i) ? relocate_copy(n, &c->groups[c->group_of[i]].template,
						    &c->list.functions[i])
				    : relocate_plain(n, f);
	}
	if (round && !err) {
		const struct piece *f = &n->from->all[n->from->n - 1];

		assembly_next(&n->assembly);
		err = relocate_plain(n, f);
	}
	return err ? err : n->assembly.error;
}

static int put_together(const struct copies *c, const struct pieces *from, struct jit_object *out)
{
	const bool round = c->writer.part != CALLERS_TARGETS;
	const bool table = round && c->writer.scenario->shape != SCENARIO_STRAIGHT;
	struct naming n = { .from = from, .c = c };
	size_t samples = 0;
	int err = -ENOMEM;

	for (size_t g = 0; g < c->ngroups; g++)
		samples += c->groups[g].refused ? 0 : TEMPLATE_SAMPLES;
	assembly_open(&n.assembly, from);
	n.numbered = calloc((size_t)c->writer.scenario->nboundaries + 1, sizeof(*n.numbered));
	n.others = calloc(from->object.nsymbols + 1, sizeof(*n.others));
	if (!n.numbered || !n.others)
		goto out;
	err = add_functions(&n, samples, round);
	if (!err)
		err = add_relocations(&n, samples, round);
	if (!err)
		err = assembly_finish(&n.assembly, table ? c->list.n : 0, out);
out:
	assembly_close(&n.assembly);
	free(n.numbered);
	free(n.others);
	return err;
}

/* Compiles, learns, and, if it is wanted, puts together. -ENOTSUP: there is nothing to copy. */
static int make(struct copies *c, const char *name, const struct jit_options *options, bool wanted,
		struct jit_object *out, char error[JIT_ERROR])
{
	struct jit_object object = { 0 };
	struct pieces from;
	size_t copies;
	uint64_t ns = 0;
	int err; /* as long as templates are refused, others are made without them */

	do {
		jit_object_free(&object);
		err = list_compiled(c, &copies);
		if (!err && !copies)
			err = -ENOTSUP;
		if (err)
			break;
		err = compile(c, name, options, &object, error);
		if (err)
			break;
		ns += object.compile_ns;
		err = pieces_open(&from, &object, error);
		if (!err)
			err = learn(c, &from);
		if (!err && wanted)
			err = put_together(c, &from, out);
		pieces_close(&from);
	} while (err == -EAGAIN);
	out->compile_ns = ns;
	out->cached = object.cached;
	out->copied = (uint32_t)(c->list.n - c->compiled.n);
	jit_object_free(&object);
	return err;
}

static void close_copies(struct copies *c)
{
	for (size_t g = 0; g < c->ngroups; g++)
		template_close(&c->groups[g].template);
	free(c->groups);
	free(c->group_of);
	ir_list_close(&c->list);
	ir_list_close(&c->compiled);
	ir_close(&c->writer);
	free(c);
}

int copies_compile(const struct scenario *s, enum callers_part part, const char *name,
		   const struct jit_options *options, struct jit_object *out, char error[JIT_ERROR])
{
	struct copies *c = calloc(1, sizeof(*c));
	struct jit_object unwanted, *to = out ? out : &unwanted;
	char *text = NULL;
	size_t size;
	int err = -ENOMEM;

	memset(to, 0, sizeof(*to));
	error[0] = 0;
	if (!c)
		goto out;
	err = ir_open(&c->writer, s, part);
	if (!err)
		err = ir_list_open(&c->writer, &c->list);
	if (!err)
		err = make_groups(c);
	if (!err)
		err = make(c, name, options, out != NULL, to, error);
	close_copies(c);
	if (err == -ENOTSUP) {
		jit_object_free(to);
		err = callers_text(s, part, &text, &size);
		if (!err)
			err = jit_compile(name, text, size, options, to, error);
	}
	free(text);
	if (!out)
		jit_object_free(to);
out:
	if (err && !error[0])
		snprintf(error, JIT_ERROR, "%s: %s", name, strerror(-err));
	return err;
}
