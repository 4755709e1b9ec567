/*
 * bound.c - sorts pointers to the safepoints by map, so that equal maps form runs.
 */
#include "maps/bound.h"

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
	for (uint32_t i = 0; i < x->nlive; i++)
		if (x->live[i] != y->live[i])
			return x->live[i] < y->live[i] ? -1 : 1;
	return 0;
}

/* Bytes of an unsigned LEB128 number. */
static size_t varint(uint64_t v)
{
	size_t n = 1;

	for (; v >= 128; v >>= 7)
		n++;
	return n;
}

static size_t map_bytes(const struct safepoint *p)
{
	size_t list = 0, last = 0;

	if (!p->nlive)
		return 1;
	for (uint32_t i = 0; i < p->nlive; i++) {
		/* a register is a small number, too */
		size_t place = p->live[i] & ~MAP_REGISTER;
		list += varint(place >= last ? place - last : place);
		last = place;
	}
	size_t bitmap = last / 8 + 1;
	/* the lowest bit of the length tells list from bitmap */
	list += varint(2 * (uint64_t)p->nlive);
	bitmap += varint(2 * (uint64_t)bitmap);
	return varint(p->frame_size / 4) +
	       (list < bitmap || p->live[p->nlive - 1] >= MAP_REGISTER ? list : bitmap);
}

static double log2_choose(double n, double k)
{
	return k >= n ? 0 : (lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)) / M_LN2;
}

int bound_of(const struct safepoint *points, size_t n, size_t text_bytes, bool empties,
	     struct bound *out)
{
	const struct safepoint **sorted = malloc((n + 1) * sizeof *sorted);
	size_t count = 0;

	*out = (struct bound){ 0 };
	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (empties || points[i].nlive)
			sorted[count++] = &points[i];
	qsort(sorted, count, sizeof *sorted, compare_maps);
	for (size_t i = 0, end; i < count; i = end) {
		end = i + 1;
		while (end < count && !compare_maps(&sorted[i], &sorted[end]))
			end++;
		double share = (double)(end - i) / (double)count;
		out->ids_bits -= (double)(end - i) * log2(share);
		out->dictionary_bytes += map_bytes(sorted[i]);
		out->maps++;
	}
	free(sorted);
	out->safepoints = count;
	out->positions_bits = log2_choose((double)text_bytes, (double)count);
	out->bytes = (out->positions_bits + out->ids_bits) / 8 + (double)out->dictionary_bytes;
	return 0;
}
