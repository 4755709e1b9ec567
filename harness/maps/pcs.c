/* pcs.c - draws pcs by rejection: each class is either common, or counted before. */
#include "maps/pcs.h"

#include <errno.h>
#include <stdlib.h>

#include "base/prng.h"

const char *const maps_class_names[MAPS_CLASSES] = {
	[MAPS_LIVE] = "live",
	[MAPS_EMPTY_POINT] = "empty",
	[MAPS_BOGUS] = "bogus",
};

struct source {
	const struct safepoint *points;
	size_t npoints;
	uint32_t text_bytes;
	struct prng random;
};

static uint32_t draw(struct source *s, enum maps_class c)
{
	for (;;) {
		if (c == MAPS_BOGUS) {
			uint32_t pc = (uint32_t)((prng_next(&s->random) >> 32) *
						     ((uint64_t)s->text_bytes + 1) >>
						 32);
			if (!safepoint_find(s->points, s->npoints, pc, NULL))
				return pc;
		} else {
			const struct safepoint *p =
			    &s->points[prng_below(&s->random, (uint32_t)s->npoints)];
			if ((p->nlive > 0) == (c == MAPS_LIVE))
				return p->pc;
		}
	}
}

int maps_pcs_draw(const struct safepoint *points, size_t npoints, uint32_t text_bytes,
		  uint64_t seed, struct maps_pcs *out)
{
	struct source s = { .points = points, .npoints = npoints, .text_bytes = text_bytes };
	size_t live = 0, n[MAPS_CLASSES];

	*out = (struct maps_pcs){ .why = { "no safepoint has live places", "no safepoint is empty",
					   "every pc of the text is a safepoint" } };
	for (size_t i = 0; i < npoints; i++)
		live += points[i].nlive > 0;
	n[MAPS_LIVE] = live;
	n[MAPS_EMPTY_POINT] = npoints - live;
	n[MAPS_BOGUS] = (size_t)text_bytes + 1 > npoints;
	prng_seed(&s.random, seed);
	for (int c = 0; c < MAPS_CLASSES; c++) {
		if (!n[c])
			continue;
		out->of[c] = malloc(MAPS_PCS * sizeof(uint32_t));
		if (!out->of[c]) {
			maps_pcs_free(out);
			return -ENOMEM;
		}
		for (size_t i = 0; i < MAPS_PCS; i++)
			out->of[c][i] = draw(&s, (enum maps_class)c);
	}
	return 0;
}

void maps_pcs_free(struct maps_pcs *pcs)
{
	for (int c = 0; c < MAPS_CLASSES; c++) {
		free(pcs->of[c]);
		pcs->of[c] = NULL;
	}
}
