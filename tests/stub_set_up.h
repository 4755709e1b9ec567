/*
 * stub_set_up.h - opens one strategy in one code memory, with one world around it; each test
 * program of stubs includes it once.
 */
#ifndef STUBMAP_TEST_STUB_SET_UP_H
#define STUBMAP_TEST_STUB_SET_UP_H

#include "stub_world.h"

/* The program's own side of stub_probe.h. */
void probe_target(void *probe, struct probe_seen *seen)
{
	world_target(probe, seen);
}

/* Stores the first arguments of a bind, any values of their types. */
static inline void bind_words(struct world *w, struct stub_spec *spec, unsigned n)
{
	enum { SPECS = 8192 }; /* at most that many live at once */
	uint64_t seed = w->next_bound * 77 + n, *words;

	if (!w->bound)
		w->bound = calloc(SPECS, STUB_MAX_BOUND * sizeof(*w->bound));
	assert_non_null(w->bound);
	words = &w->bound[w->next_bound++ % SPECS * STUB_MAX_BOUND];
	for (unsigned i = 0; i < n; i++)
		words[i] = random_word(stub_param(spec->signature, i), &seed);
	spec->bound = words;
	spec->nbound = n;
}

/* A bind stores one to four arguments; where there are none to store, it is an indirect call. */
static inline struct stub_spec spec_of(struct world *w, enum stub_kind kind, stub_signature s,
				       unsigned probe, unsigned instance)
{
	unsigned n = stub_nparams(s) < STUB_MAX_BOUND ? stub_nparams(s) : STUB_MAX_BOUND;
	struct stub_spec spec = { .kind = kind == STUB_BIND && !n ? STUB_INDIRECT : kind,
				  .signature = s,
				  .target = w->probes[probe].entry,
				  .context = &w->instances[instance] };

	if (spec.kind == STUB_BIND)
		bind_words(w, &spec, 1 + w->next_bound % n);
	return spec;
}

struct set_up {
	struct code_memory *code;
	struct stub_space space;
	struct world w;
	uint64_t seed;
};

/* Forms of literals, for loops: each but the strategy's own choice. */
enum { FORMS = STUB_LITERALS_TABLE + 1 };

static inline bool takes(const struct stub_ops *ops, enum stub_literals literals)
{
	return ops->flags & (literals == STUB_LITERALS_BAKED ? STUB_CAN_BAKE : STUB_CAN_TABLE);
}

static inline struct set_up *open_set_up_as(const struct stub_ops *ops, struct code_config config,
					    struct stub_config stubs,
					    const struct stub_runtime *runtime)
{
	struct set_up *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->seed = 7;
	assert_int_equal(code_open(&t->code, &config), 0);
	world_open(&t->w, t->code);
	assert_int_equal(stub_space_open(&t->space, ops, t->code, &stubs, runtime), 0);
	return t;
}

static inline struct set_up *open_set_up(const struct stub_ops *ops, struct code_config config,
					 enum stub_literals literals, bool markers)
{
	return open_set_up_as(ops, config,
			      (struct stub_config){ .literals = literals, .markers = markers },
			      &world_runtime);
}

static inline void close_set_up(struct set_up *t)
{
	stub_space_close(&t->space);
	world_close(&t->w);
	code_close(t->code);
	free(t);
}

static inline stub_signature parsed(const char *text)
{
	stub_signature s;

	assert_int_equal(stub_signature_parse(text, &s), 0);
	return s;
}

static inline stub_signature some_signature(uint64_t r)
{
	static const char *const texts[] = { ">",	   "i>i",   "l>l",	     "d>d",
					     "r>r",	   "ff>f",  "iiiiiiii>",     "ilfdr>i",
					     "llllllll>r", "dil>d", "ddddddddddd>l", "rrr>f" };
	return parsed(texts[r % (sizeof(texts) / sizeof(texts[0]))]);
}

/* A good crossing of c that must reach the probe. */
static inline void call_one(struct set_up *t, struct stub_spec *spec, struct stub_callee *c,
			    unsigned probe)
{
	expect_spec(&t->w, spec, &t->seed);
	cross(&t->w, c, &t->w.probes[probe]);
}

#endif
