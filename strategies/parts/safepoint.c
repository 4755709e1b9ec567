/* safepoint.c - checks a safepoint, finds the one at a pc, and moves registers into the frame. */
#include <errno.h>

#include "table.h"

static uint32_t nslots(const struct safepoint *p)
{
	return p->frame_size / 4;
}

int map_check_places(const struct safepoint *p, uint32_t *registers)
{
	int error = 0;
	*registers = 0;
	for (uint32_t i = 0; i < p->nlive; i++) {
		uint32_t place = p->live[i];
		if (i && place <= p->live[i - 1])
			return -EINVAL;
		if (place < MAP_REGISTER && place >= nslots(p))
			return -EINVAL;
		if (place >= MAP_REGISTER + 32)
			error = -ENOTSUP;
		else if (place >= MAP_REGISTER)
			*registers |= 1u << (place - MAP_REGISTER);
	}
	return error;
}

const struct safepoint *safepoint_find(const struct safepoint *points, size_t n, uint32_t pc,
				       size_t *at)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (points[middle].pc < pc)
			low = middle + 1;
		else
			high = middle;
	}
	if (at)
		*at = low;
	return low < n && points[low].pc == pc ? &points[low] : NULL;
}

int safepoint_spill_registers(const struct safepoint *in, struct safepoint *out, uint32_t *places)
{
	uint32_t registers;
	int error = map_check_places(in, &registers);
	if (error)
		return error;
	if (in->frame_size > UINT32_MAX - MAP_SPILL_BYTES - 3)
		return -EINVAL;
	uint32_t end = (in->frame_size + 3) / 4;
	for (uint32_t i = 0; i < in->nlive; i++) {
		if (in->live[i] < MAP_REGISTER)
			places[i] = in->live[i];
		else
			places[i] = end + 2 * (in->live[i] - MAP_REGISTER + 1);
	}
	*out = (struct safepoint){ in->pc, 4 * end + MAP_SPILL_BYTES, in->nlive, places };
	return 0;
}
