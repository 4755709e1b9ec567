/*
 * test_maps_damage.c - tables cut short, flipped and made of noise: a lookup stays inside, ends,
 * and leads no reader outside the frame.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arms.h"
#include "map_samples.h"

/* Every place ascends and lies where it may; returns a sum of them. */
static uint32_t places_within(const struct map_live *live)
{
	struct map_cursor at = { 0 };
	uint32_t place, last = 0, sum = 0, n = 0;
	while (map_next(live, &at, &place)) {
		assert_true(place >= MAP_REGISTER || !live->frame_size ||
			    place < live->frame_size / 4 + 32);
		assert_true(!n++ || place > last);
		last = place;
		sum = 31 * sum + place;
	}
	return sum;
}

static void look_everywhere(const struct map_ops *ops, struct map_bytes *table,
			    const struct sample *s, struct prng *r)
{
	enum { N = 18 };
	uint32_t pcs[N], frames[N], places[N];
	struct map_live live, many[N];
	enum map_answer answers[N], all[N];
	for (int i = 0; i < N; i++) {
		pcs[i] =
		    i % 3 ? s->points[prng_below(r, (uint32_t)s->n)].pc : (uint32_t)prng_next(r);
		answers[i] = look(ops, table, pcs[i], &live);
		if (answers[i] != MAP_FOUND)
			continue;
		frames[i] = live.frame_size;
		places[i] = places_within(&live);
	}
	if (!ops->lookup_many)
		return;
	uint8_t *scratch = scratch_for(ops, table, N);
	ops->lookup_many(table->data, table->len, pcs, N, scratch, many, all);
	for (int i = 0; i < N; i++) {
		assert_int_equal(all[i], answers[i]);
		if (all[i] != MAP_FOUND)
			continue;
		assert_int_equal(many[i].frame_size, frames[i]);
		assert_int_equal(places_within(&many[i]), places[i]);
	}
}

/* The same for the loaded form of a damaged table, unless the load refuses it. */
static void load_and_look(const struct map_ops *ops, struct map_bytes *table,
			  const struct sample *s, struct prng *r)
{
	size_t index, data;
	ops->split(table->data, table->len, &index, &data);
	assert_int_equal(index + data, table->len);
	int error = map_load(ops, table);
	assert_true(!error || error == -EINVAL);
	if (error)
		return;
	*table = exactly(*table);
	look_everywhere(ops, table, s, r);
}

static struct map_bytes cut(const struct map_bytes *table, size_t len)
{
	struct map_bytes b = { malloc(len), len, len };
	memcpy(b.data, table->data, len);
	return b;
}

/* loaded: what ops->load made is damaged, rather than the table. */
static void damage(const struct map_ops *ops, struct prng *r, bool loaded)
{
	void (*look)(const struct map_ops *, struct map_bytes *, const struct sample *,
		     struct prng *) = loaded ? look_everywhere : load_and_look;
	static const struct shape shape = { "small", 60, 5, 60, 70, 20, 40, 25, 0 };
	static const uint32_t extremes[] = { 0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff };
	struct sample s = make(&shape, 3);
	struct map_bytes table = encode_file(ops, s.points, s.n, s.functions, s.nfunctions);
	if (loaded)
		map_load(ops, &table);
	for (int i = 0; i < 10000 && table.len; i++) {
		struct map_bytes b = cut(&table, prng_below(r, (uint32_t)table.len));
		look(ops, &b, &s, r);
		free(b.data);
	}
	for (int i = 0; i < 20000 && table.len; i++) {
		struct map_bytes b = cut(&table, table.len);
		if (i % 2) { /* bits */
			for (uint32_t n = 1 + prng_below(r, 8); n; n--)
				b.data[prng_below(r, (uint32_t)b.len)] ^=
				    (uint8_t)(1u << prng_below(r, 8));
		} else { /* a whole word */
			uint32_t v = extremes[prng_below(r, 6)];
			memcpy(b.data + 4 * prng_below(r, (uint32_t)b.len / 4), &v, 4);
		}
		look(ops, &b, &s, r);
		free(b.data);
	}
	for (int i = 0; i < 2000; i++) { /* nothing but noise, a small count in front */
		size_t len = prng_below(r, 200);
		struct map_bytes b = { malloc(len), len, len };
		for (size_t j = 0; j < len; j++)
			b.data[j] = j - 1 < 3 ? 0 : (uint8_t)prng_next(r) & (j ? 255 : 15);
		look(ops, &b, &s, r);
		free(b.data);
	}
	free(table.data);
	release(&s, &shape);
}

static void test_damage(void **state)
{
	struct prng r;
	(void)state;
	prng_seed(&r, 99);
	for (unsigned e = next_map(0); map_encoders[e]; e = next_map(e + 1)) {
		damage(map_encoders[e], &r, false);
		if (map_encoders[e]->load)
			damage(map_encoders[e], &r, true);
	}
}

static void test_damage_noticed(void **state)
{
	const struct safepoint points[] = { { 10, 16, PLACES(0) } };
	struct map_bytes table = encode(map_encoder("exact"), points, 1);
	struct map_live live;
	(void)state;
	static const struct {
		size_t at;
		uint8_t value;
	} rows[] = {
		{ 0, 3 },	       /* more entries than there is room for */
		{ 8, 2 },	       /* an offset behind the last record */
		{ 8, 255 }, { 16, 2 }, /* more words than follow */
		{ 12, 0 },	       /* a frame too small for its words */
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct map_bytes b = cut(&table, table.len);
		b.data[rows[i].at] = rows[i].value;
		assert_int_equal(look(map_encoder("exact"), &b, 10, &live), MAP_DAMAGED);
		free(b.data);
	}
	free(table.data);
	/* A place past the frame because of the words left out before the bitmap. */
	table = encode(map_encoder("exact-first"), points, 1);
	table.data[18] = 1;
	assert_int_equal(look(map_encoder("exact-first"), &table, 10, &live), MAP_DAMAGED);
	free(table.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damage_noticed),
		cmocka_unit_test(test_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
