/*
 * numbered.c - sorts pointers to the safepoints by map, so that equal maps form runs.
 */
#include "maps/numbered.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static int compare_maps(const void *a, const void *b)
{
	const struct safepoint *x = *(const struct safepoint *const *)a;
	const struct safepoint *y = *(const struct safepoint *const *)b;

	if (x->nlive != y->nlive)
		return x->nlive < y->nlive ? -1 : 1;
	if (x->nlive && x->frame_size != y->frame_size)
		return x->frame_size < y->frame_size ? -1 : 1;
	for (uint32_t i = 0; i < x->nlive && x->live != y->live; i++)
		if (x->live[i] != y->live[i])
			return x->live[i] < y->live[i] ? -1 : 1;
	return 0;
}

/* Numbers the runs of equal maps among the sorted pointers: of_point[i] is the run of the i-th
 * safepoint of all. Returns how many there are. */
static size_t number_runs(const struct safepoint *const *sorted, size_t count,
			  const struct safepoint *points, uint32_t *of_point)
{
	size_t runs = 0;

	for (size_t i = 0; i < count; i++) {
		runs += !i || compare_maps(&sorted[i - 1], &sorted[i]);
		of_point[sorted[i] - points] = (uint32_t)runs - 1;
	}
	return runs;
}

void numbered_close(struct numbered *in)
{
	free(in->points);
	free(in->ids);
}

int numbered_open(const struct safepoint *points, size_t n, bool empties, struct numbered *in)
{
	uint32_t *runs = malloc((n + 1) * sizeof *runs), *renamed = NULL;
	int r = -ENOMEM;

	in->points = malloc((n + 1) * sizeof *in->points);
	in->ids = malloc((n + 1) * sizeof *in->ids);
	in->n = 0;
	if (!runs || !in->points || !in->ids)
		goto done;
	for (size_t i = 0; i < n; i++)
		if (empties || points[i].nlive)
			in->points[in->n++] = &points[i];
	qsort(in->points, in->n, sizeof *in->points, compare_maps);
	in->maps = number_runs(in->points, in->n, points, runs);
	renamed = calloc(in->maps + 1, sizeof *renamed);
	if (!renamed)
		goto done;
	in->n = 0;
	for (size_t i = 0, used = 0; i < n; i++) {
		if (!empties && !points[i].nlive)
			continue;
		if (!renamed[runs[i]])
			renamed[runs[i]] = (uint32_t)++used;
		in->ids[in->n] = renamed[runs[i]] - 1;
		in->points[in->n++] = &points[i];
	}
	r = 0;
done:
	free(runs);
	free(renamed);
	return r;
}

static uint32_t nslots(const struct safepoint *p, uint32_t *registers)
{
	uint32_t n = p->nlive;

	*registers = 0;
	for (; n && p->live[n - 1] >= MAP_REGISTER; n--)
		*registers |= 1u << (p->live[n - 1] & 31);
	return n;
}

void numbered_compare(const struct safepoint *from, const struct safepoint *to, struct change *c)
{
	uint32_t before, after, i = 0, k = 0;
	uint32_t n = nslots(from, &before), m = nslots(to, &after);

	c->registers = before ^ after;
	c->nflips = 0;
	while (i < n || k < m)
		if (k == m || (i < n && from->live[i] < to->live[k]))
			c->flips[c->nflips++] = from->live[i++];
		else if (i == n || to->live[k] < from->live[i])
			c->flips[c->nflips++] = to->live[k++];
		else
			i++, k++;
}

double numbered_log2_choose(double n, double k)
{
	return k >= n ? 0 : (lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)) / M_LN2;
}
