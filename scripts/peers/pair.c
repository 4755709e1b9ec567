/*
 * pair.c - asks two readers for the same maps: compares all their answers, then times both in turn.
 *
 * A row for each encoder of ours and each work: corpus, encoder, work, pcs compared, pcs
 * whose answers differ, bytes of our table, bytes of theirs (empty: unknown), ns a lookup of
 * ours, of theirs, and the logarithm of ours / theirs in a pair of passes (medians of
 * PASSES; empty: not timed).
 *
 *      frame    safepoints in random order; the frame's size is read
 *      places   the same, and all live places are visited
 *      other    pcs of the text that are no safepoint (readers that tell them)
 *
 * ns are CPU time of this thread: other programs on the core cost it only cache lines.
 *
 * A pass of ours and one of theirs make a pair, and take turns in which is first. Each pass's sum
 * of all that it found must be the same on both sides.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <stubmap/map.h>

#include "pair.h"

enum { PASSES = 15, LOOKUPS_LEAST = 20000, LOOKUPS_MOST = 100000 };

struct pcs {
	uint32_t text, n; /* text: bytes */
	uint32_t *of;	  /* ascending */
};

struct table {
	const char *name;
	const struct map_ops *ops;
	struct map_bytes bytes;
	size_t len; /* as it lies in a file */
	uint8_t *scratch;
};

static int refuse(const char *path, const char *why)
{
	fprintf(stderr, "pair: %s: %s\n", path, why);
	return 2;
}

static int read_all(const char *path, struct map_bytes *out)
{
	FILE *f = fopen(path, "rb");
	long n;
	int error;

	if (!f)
		return refuse(path, strerror(errno));
	error = fseek(f, 0, SEEK_END) || (n = ftell(f)) < 0 || fseek(f, 0, SEEK_SET);
	out->data = error ? NULL : malloc((size_t)n + 1);
	error = error || !out->data || fread(out->data, 1, (size_t)n, f) != (size_t)n;
	fclose(f);
	out->len = out->cap = error ? 0 : (size_t)n;
	return error ? refuse(path, "can't be read") : 0;
}

static int read_pcs(const char *path, struct pcs *out)
{
	struct map_bytes bytes = { 0 };

	if (read_all(path, &bytes))
		return 2;
	out->of = (uint32_t *)(void *)bytes.data;
	if (bytes.len < 8)
		return refuse(path, "cut short");
	out->text = out->of[0];
	out->n = out->of[1];
	if (!out->n || bytes.len != 8 + 4 * (size_t)out->n)
		return refuse(path, "not as long as it says, or empty");
	memmove(out->of, out->of + 2, bytes.len - 8);
	for (uint32_t i = 0; i < out->n; i++)
		if (out->of[i] > out->text || (i && out->of[i] <= out->of[i - 1]))
			return refuse(path, "its pcs do not ascend, or leave the text");
	return 0;
}

/* word: ENCODER=FILE */
static int open_table(const char *word, const struct pair_reader *theirs, struct table *t)
{
	const char *file = strchr(word, '=');
	char *name = file ? strndup(word, (size_t)(file - word)) : NULL;

	t->ops = name ? map_encoder(name) : NULL;
	free(name);
	if (!t->ops)
		return refuse(word, "no ENCODER=FILE");
	t->name = t->ops->name;
	if (read_all(file + 1, &t->bytes))
		return 2;
	t->len = t->bytes.len;
	if (theirs->bytes && !strcmp(t->name, "exact")) {
		if (t->len != theirs->len || memcmp(t->bytes.data, theirs->bytes, t->len))
			return refuse(file + 1,
				      "exact does not write the bytes that the other reads");
		/* The very bytes, at the same place in memory. */
		free(t->bytes.data);
		t->bytes =
		    (struct map_bytes){ (uint8_t *)(uintptr_t)theirs->bytes, t->len, t->len };
	}
	if (map_load(t->ops, &t->bytes))
		return refuse(file + 1, "the encoder can't take it into use");
	t->scratch = malloc(map_scratch(t->ops, t->bytes.data, t->bytes.len) + 1);
	return t->scratch ? 0 : refuse(word, "out of memory");
}

/* ---- Comparing ------------------------------------------------------------------------------- */

static int same_answer(const struct table *t, const struct pair_reader *theirs, uint32_t pc,
		       struct pair_answer *said)
{
	struct map_live live;
	struct map_cursor at = { 0 };
	uint32_t place, n = 0;
	int theirs_has = theirs->answer(pc, said);
	enum map_answer ours = t->ops->lookup(t->bytes.data, t->bytes.len, pc, t->scratch, &live);

	if (ours == MAP_DAMAGED)
		return 0;
	if (ours != MAP_FOUND || !theirs_has)
		return ours != MAP_FOUND && !theirs_has;
	for (; map_next(&live, &at, &place); n++)
		if (n >= said->nplaces || said->places[n] != place)
			return 0;
	return n == said->nplaces &&
	       (live.frame_size == said->frame_size || (!live.frame_size && !n));
}

/* At each safepoint, and where both can be asked at each other pc of the text. */
static uint32_t compare(const struct table *t, const struct pair_reader *theirs,
			const struct pcs *pcs, uint32_t *compared)
{
	struct pair_answer *said = malloc(sizeof *said);
	int all = theirs->exact && t->ops->flags & MAP_EXACT;
	uint32_t differ = 0;

	if (!said)
		abort();
	*compared = all ? pcs->text + 1 : pcs->n;
	for (uint32_t i = 0; i < *compared; i++) {
		uint32_t pc = all ? i : pcs->of[i];
		if (same_answer(t, theirs, pc, said))
			continue;
		if (!differ++)
			fprintf(stderr, "pair: %s answers otherwise at text+0x%" PRIx32 "\n",
				t->name, pc);
	}
	free(said);
	return differ;
}

/* ---- Timing ---------------------------------------------------------------------------------- */

static uint64_t our_pass(const struct table *t, const uint32_t *pcs, size_t n, int places)
{
	uint64_t sum = 0, zero = 0;

	__asm__("" : "+r"(zero));
	for (size_t i = 0; i < n; i++) {
		uint32_t pc = pcs[i] + (uint32_t)(sum & zero), place;
		struct map_live live;
		struct map_cursor at = { 0 };
		if (t->ops->lookup(t->bytes.data, t->bytes.len, pc, t->scratch, &live) !=
		    MAP_FOUND) {
			sum++;
			continue;
		}
		sum += live.frame_size;
		while (places && map_next(&live, &at, &place))
			sum += place & MAP_REGISTER ? 1 : 4 * (uint64_t)place;
	}
	return sum;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static int is_safepoint(const struct pcs *pcs, uint32_t pc)
{
	uint32_t low = 0, high = pcs->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (pcs->of[middle] < pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low < pcs->n && pcs->of[low] == pc;
}

/* The safepoints whose frame the table holds, in out; their number. */
static size_t choose(const struct table *t, const struct pcs *pcs, uint32_t *out)
{
	struct map_live live;
	size_t n = 0;

	for (uint32_t i = 0; i < pcs->n; i++)
		if (t->ops->lookup(t->bytes.data, t->bytes.len, pcs->of[i], t->scratch, &live) ==
			MAP_FOUND &&
		    live.frame_size)
			out[n++] = pcs->of[i];
	return n;
}

/* The pcs of a pass, n of them, in random order; NULL: there are none. */
static uint32_t *draw(const struct table *t, const struct pcs *pcs, int other, size_t n)
{
	size_t most = n > pcs->n ? n : pcs->n, all = n;
	uint32_t *out = malloc(most * sizeof *out);
	uint64_t x = 88172645463325252u;

	if (!out)
		abort();
	if (other) {
		for (size_t i = 0; i < n; i++)
			do
				out[i] = (uint32_t)(next_random(&x) % ((uint64_t)pcs->text + 1));
			while (is_safepoint(pcs, out[i]));
	} else {
		size_t chosen = choose(t, pcs, out);
		for (size_t i = chosen; chosen && i < n; i++)
			out[i] = out[i - chosen];
		all = chosen > n ? chosen : chosen ? n : 0;
	}
	for (size_t i = all; i-- > 1;) {
		size_t k = next_random(&x) % (i + 1);
		uint32_t pc = out[i];
		out[i] = out[k];
		out[k] = pc;
	}
	if (!all)
		free(out);
	return all ? out : NULL;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v)
{
	qsort(v, PASSES, sizeof *v, by_size);
	return v[PASSES / 2];
}

/* 0, or 1: the sums differ. */
static int time_both(const struct table *t, const struct pair_reader *theirs, const uint32_t *pcs,
		     size_t n, int places, double ns[3])
{
	double took[2][PASSES], ratio[PASSES];
	uint64_t sums[2];

	for (int i = -1; i < PASSES; i++) { /* the first warms up */
		for (int k = 0; k < 2; k++) {
			int who = (k + i) & 1;
			double begun = now();
			sums[who] =
			    who ? theirs->pass(pcs, n, places) : our_pass(t, pcs, n, places);
			if (i >= 0)
				took[who][i] = (now() - begun) / (double)n;
		}
		if (sums[0] != sums[1])
			return 1;
		if (i >= 0)
			ratio[i] = log(took[0][i] / took[1][i]);
	}
	ns[0] = median(took[0]);
	ns[1] = median(took[1]);
	ns[2] = median(ratio);
	return 0;
}

static int measure(const char *corpus, const struct table *t, const struct pair_reader *theirs,
		   const struct pcs *pcs)
{
	static const char *const works[] = { "frame", "places", "other" };
	size_t n = pcs->n < LOOKUPS_LEAST  ? LOOKUPS_LEAST
		   : pcs->n > LOOKUPS_MOST ? LOOKUPS_MOST
					   : pcs->n;
	uint32_t compared, differ = compare(t, theirs, pcs, &compared);
	int all = theirs->exact && t->ops->flags & MAP_EXACT && pcs->text + 1 > pcs->n, wrong = 0;

	for (int work = 0; work < 2 + all; work++) {
		uint32_t *drawn = draw(t, pcs, work == 2, n);
		double ns[3];
		printf("%s\t%s\t%s\t%" PRIu32 "\t%" PRIu32 "\t%zu\t", corpus, t->name, works[work],
		       compared, differ, t->len);
		if (theirs->bytes)
			printf("%zu", theirs->len);
		if (!differ && drawn && time_both(t, theirs, drawn, n, work == 1, ns)) {
			fprintf(stderr, "pair: %s: the sums of a pass differ\n", t->name);
			wrong = 1;
		}
		if (differ || wrong || !drawn)
			printf("\t\t\t\n");
		else
			printf("\t%.3f\t%.3f\t%.6f\n", ns[0], ns[1], ns[2]);
		free(drawn);
	}
	return differ || wrong;
}

static int measure_all(char **argv, const struct pair_reader *theirs, const struct pcs *pcs)
{
	int wrong = 0;

	for (char **word = argv + 2; *word && wrong < 2; word++) {
		struct table t = { 0 };
		wrong |= open_table(*word, theirs, &t) ? 2 : measure(argv[0], &t, theirs, pcs);
		free(t.scratch);
		if (t.bytes.data != theirs->bytes)
			free(t.bytes.data);
	}
	return wrong & 2 ? 2 : wrong;
}

int pair_main(int argc, char **argv, const struct pair_reader *theirs)
{
	struct pcs pcs = { 0 };

	if (argc < 3)
		return refuse("arguments", "NAME PCS ENCODER=FILE...");
	int r = read_pcs(argv[1], &pcs);
	if (!r)
		r = measure_all(argv, theirs, &pcs);
	free(pcs.of);
	fflush(stdout);
	return r;
}
