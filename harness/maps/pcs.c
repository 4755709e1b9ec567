/* pcs.c - draws pcs by rejection: each class is either common, or counted before. */
#include "maps/pcs.h"

#include <errno.h>
#include <stdlib.h>

#include "base/prng.h"

const char *const map_class_names[MAP_CLASSES] = {
	[MAP_LIVE] = "live",
	[MAP_EMPTY_POINT] = "empty",
	[MAP_BOGUS] = "bogus",
};

struct source {
	const struct safepoint *points;
	size_t npoints;
	uint32_t text_bytes;
	struct prng random;
};

static uint32_t draw(struct source *s, enum map_class c)
{
	for (;;) {
		if (c == MAP_BOGUS) {
			uint32_t pc = (uint32_t)((prng_next(&s->random) >> 32) *
						     ((uint64_t)s->text_bytes + 1) >>
						 32);
			if (!safepoint_find(s->points, s->npoints, pc, NULL))
				return pc;
		} else {
			const struct safepoint *p =
			    &s->points[prng_below(&s->random, (uint32_t)s->npoints)];
			if ((p->nlive > 0) == (c == MAP_LIVE))
				return p->pc;
		}
	}
}

int map_pcs_draw(const struct safepoint *points, size_t npoints, uint32_t text_bytes, uint64_t seed,
		 struct map_pcs *out)
{
	struct source s = { .points = points, .npoints = npoints, .text_bytes = text_bytes };
	size_t live = 0, n[MAP_CLASSES];

	*out = (struct map_pcs){ .why = { "no safepoint has live places", "no safepoint is empty",
					  "every pc of the text is a safepoint" } };
	for (size_t i = 0; i < npoints; i++)
		live += points[i].nlive > 0;
	n[MAP_LIVE] = live;
	n[MAP_EMPTY_POINT] = npoints - live;
	n[MAP_BOGUS] = (size_t)text_bytes + 1 > npoints;
	prng_seed(&s.random, seed);
	for (int c = 0; c < MAP_CLASSES; c++) {
		if (!n[c])
			continue;
		out->of[c] = malloc(MAP_PCS * sizeof(uint32_t));
		if (!out->of[c]) {
			map_pcs_free(out);
			return -ENOMEM;
		}
		for (size_t i = 0; i < MAP_PCS; i++)
			out->of[c][i] = draw(&s, (enum map_class)c);
	}
	return 0;
}

void map_pcs_free(struct map_pcs *pcs)
{
	for (int c = 0; c < MAP_CLASSES; c++) {
		free(pcs->of[c]);
		pcs->of[c] = NULL;
	}
}
