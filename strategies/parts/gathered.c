/* gathered.c - three growing arrays. */
#include "gathered.h"

#include <errno.h>
#include <stdlib.h>

/* Room for n more elements of an array of len. */
static int room(void *array, size_t len, size_t *cap, size_t n, size_t size)
{
	void *p;
	size_t want = *cap ? *cap : 64;

	while (want < len + n)
		want *= 2;
	if (want == *cap)
		return 0;
	memcpy(&p, array, sizeof p);
	if (want > SIZE_MAX / size || !(p = realloc(p, want * size)))
		return -ENOMEM;
	memcpy(array, &p, sizeof p);
	*cap = want;
	return 0;
}

static int open_function(struct map_gathered *g, uint32_t start, uint32_t end)
{
	int error = room(&g->functions, g->nfunctions, &g->functions_cap, 1, sizeof *g->functions);
	if (!error)
		g->functions[g->nfunctions++] =
		    (struct map_owner){ .start = start, .end = end, .first = g->npoints };
	return error;
}

int map_gather_function(void *state, uint32_t start, uint32_t end)
{
	struct map_gathered *g = state;
	if (start > end || g->whole)
		return -EINVAL;
	if (g->nfunctions && start < g->functions[g->nfunctions - 1].end)
		return -EINVAL;
	return open_function(g, start, end);
}

static int check(const struct map_gathered *g, const struct safepoint *p, bool registers,
		 uint32_t *mask)
{
	if (g->npoints && p->pc <= g->points[g->npoints - 1].pc)
		return -EINVAL;
	if (g->nfunctions && !g->whole) {
		const struct map_owner *f = &g->functions[g->nfunctions - 1];
		if (p->pc > f->end || p->pc < f->start || (p->pc == f->start && p->pc))
			return -EINVAL;
	}
	int error = map_check_places(p, mask);
	return error ? error : *mask && !registers ? -ENOTSUP : 0;
}

/* words: frames are whole words. */
static int gather(struct map_gathered *g, const struct safepoint *p, bool registers, bool words)
{
	uint32_t mask;
	int error = check(g, p, registers, &mask);
	if (!error && words && p->frame_size % 4)
		error = -EFBIG;
	if (error)
		return error;
	uint32_t n = p->nlive - (uint32_t)__builtin_popcount(mask);
	if ((error = room(&g->points, g->npoints, &g->points_cap, 1, sizeof *g->points)) ||
	    (error = room(&g->slots, g->nslots, &g->slots_cap, n, sizeof *g->slots)))
		return error;
	if (!g->nfunctions) {
		if ((error = open_function(g, 0, p->pc)))
			return error;
		g->whole = true;
	}
	struct map_owner *f = &g->functions[g->nfunctions - 1];
	if (g->whole)
		f->end = p->pc;
	f->n++;
	g->points[g->npoints++] = (struct map_point){ p->pc, p->frame_size, mask, n, g->nslots };
	if (n)
		memcpy(g->slots + g->nslots, p->live, n * sizeof *g->slots);
	g->nslots += n;
	return 0;
}

int map_gather(void *state, const struct safepoint *p)
{
	return gather(state, p, true, false);
}

int map_gather_slots(void *state, const struct safepoint *p)
{
	return gather(state, p, false, false);
}

int map_gather_words(void *state, const struct safepoint *p)
{
	return gather(state, p, true, true);
}

void map_gathered_free(struct map_gathered *g)
{
	free(g->points);
	free(g->functions);
	free(g->slots);
	*g = (struct map_gathered){ 0 };
}

unsigned map_gathered_stride(const struct map_gathered *g, bool from_end)
{
	for (size_t i = 0; i < g->npoints; i++) {
		const struct map_point *p = &g->points[i];
		if (from_end && p->nslots && p->frame_size / 4 % 2)
			return 1;
		for (uint32_t k = 0; k < p->nslots; k++)
			if (g->slots[p->slots + k] % 2)
				return 1;
	}
	return 2;
}
