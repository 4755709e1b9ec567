/* region.c - the loops around lookups. */
#include "maps/region.h"

#include <errno.h>
#include <stdlib.h>

typedef enum map_answer lookup_fn(const uint8_t *, size_t, uint32_t, uint8_t *, struct map_live *);
typedef void lookup_many_fn(const uint8_t *, size_t, const uint32_t *, size_t, uint8_t *,
			    struct map_live *, enum map_answer *);

/* Two lookups of MAPS_FLOOR_INSTRUCTIONS, in assembly: no compiler may add an instruction. */
__asm__(".text\n"
	".hidden maps_floor_lookup, maps_floor_many\n"
	".globl maps_floor_lookup, maps_floor_many\n"
	".type maps_floor_lookup, @function\n"
	".type maps_floor_many, @function\n"
	"maps_floor_lookup:\n"
	"maps_floor_many:\n"
	"	xorl %eax, %eax\n"
	"	ret\n");
extern lookup_fn maps_floor_lookup;
extern lookup_many_fn maps_floor_many;

static __attribute__((noinline)) void ask_single(const struct maps_region *r, lookup_fn *lookup,
						 uint8_t *scratch)
{
	struct map_live live = { 0 };
	const uint8_t *table = r->table;
	const uint32_t *pcs = r->pcs;
	size_t len = r->len, n = r->n;

	for (size_t i = 0; i < n; i++)
		lookup(table, len, pcs[i], scratch, &live);
}

static __attribute__((noinline)) void ask_batches(const struct maps_region *r, lookup_many_fn *many,
						  const struct maps_answers *a)
{
	size_t from = 0;

	for (size_t i = 0; i < r->nends; i++) {
		many(r->table, r->len, r->pcs + from, r->ends[i] - from, a->scratch, a->live,
		     a->kinds);
		from = r->ends[i];
	}
}

void maps_region_run(const struct maps_region *r, const struct maps_answers *a, bool floor)
{
	lookup_fn *lookup = floor ? maps_floor_lookup : r->ops->lookup;
	lookup_many_fn *many = floor ? maps_floor_many : r->ops->lookup_many;

	/* Hide the functions from the compiler, or it would make a separate loop for the floor. */
	__asm__ volatile("" : "+r"(lookup), "+r"(many));
	if (r->ends)
		ask_batches(r, many, a);
	else
		ask_single(r, lookup, a->scratch);
}

double maps_region_instructions(const struct maps_region *r, double all, double floor)
{
	double calls = (double)(r->ends ? r->nends : r->n);

	return (all - floor + MAPS_FLOOR_INSTRUCTIONS * calls) / (double)r->n;
}

int maps_answers_open(struct maps_answers *a, const struct maps_region *regions, size_t n)
{
	size_t longest = 1, each = 0;

	for (size_t i = 0; i < n; i++) {
		const struct maps_region *r = &regions[i];
		size_t scratch = map_scratch(r->ops, r->table, r->len);

		each = scratch > each ? scratch : each;
		for (size_t k = 0; k < r->nends; k++) {
			size_t len = r->ends[k] - (k ? r->ends[k - 1] : 0);
			longest = len > longest ? len : longest;
		}
	}
	a->live = malloc(longest * sizeof *a->live);
	a->kinds = malloc(longest * sizeof *a->kinds);
	a->scratch = malloc(longest * each + 1);
	if (a->live && a->kinds && a->scratch)
		return 0;
	maps_answers_close(a);
	return -ENOMEM;
}

void maps_answers_close(struct maps_answers *a)
{
	free(a->live);
	free(a->kinds);
	free(a->scratch);
	*a = (struct maps_answers){ 0 };
}
