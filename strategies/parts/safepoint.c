/* safepoint.c - what a safepoint must be, and one whose registers lie in its frame. */
#include <errno.h>

#include "table.h"

static uint32_t nslots(const struct safepoint *p)
{
	return p->frame_size / 4;
}

int map_check_places(const struct safepoint *p)
{
	uint32_t registers = 0;
	for (uint32_t i = 0; i < p->nlive; i++) {
		uint32_t place = p->live[i];
		if (i && place <= p->live[i - 1])
			return -EINVAL;
		if (place < MAP_REGISTER && place >= nslots(p))
			return -EINVAL;
		registers |= place & MAP_REGISTER;
	}
	return registers ? -ENOTSUP : 0;
}

int safepoint_spill_registers(const struct safepoint *in, struct safepoint *out, uint32_t *places)
{
	if (in->frame_size > UINT32_MAX - MAP_SPILL_BYTES - 3 || map_check_places(in) == -EINVAL)
		return -EINVAL;
	uint32_t end = (in->frame_size + 3) / 4;
	for (uint32_t i = 0; i < in->nlive; i++) {
		uint32_t r = in->live[i] - MAP_REGISTER;
		if (in->live[i] < MAP_REGISTER)
			places[i] = in->live[i];
		else if (r < MAP_SPILL_REGISTERS)
			places[i] = end + 2 * (r + 1);
		else
			return -ENOTSUP;
	}
	*out = (struct safepoint){ in->pc, 4 * end + MAP_SPILL_BYTES, in->nlive, places };
	return 0;
}
