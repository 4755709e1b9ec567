/*
 * coded_choose.c - the choices of the writer of coded maps. What a map costs depends on the codes,
 * and the codes on what is written, so all is chosen twice: with guessed lengths first, then with
 * the codes of the first round.
 */
#include <errno.h>
#include <stdlib.h>

#include "coded_write.h"

/* A change gets a number if it makes up at least one in KNOWN_SHARE changes: its code is then as
 * short as a code in a table of this size can be, and a reader applies it in one step. */
enum { KNOWN_SHARE = 512, KNOWN_LEAST = 8 };

static void put_all(struct coded_writer *w, enum coded_purpose purpose)
{
	w->purpose = purpose;
	for (size_t i = 0; i < w->n;)
		i += coded_put_page(w, i, false);
}

/* Lengths as good as any before the first round. */
static void guess(struct coded_writer *w)
{
	for (unsigned t = 0; t < CODED_TABLES; t++)
		for (unsigned s = 0; s < CODED_KNOWN; s++)
			w->codes[t].length[s] =
			    (uint8_t)(t == CODED_HEAD	       ? 4
				      : t == CODED_MASK	       ? 7
				      : s < 8 * CODED_MAX_BITS ? 3 + s / 8
							       : CODED_MAX_BITS);
}

/* ---- The most frequent --------------------------------------------------------------------- */

struct tally {
	size_t at, count; /* the first of `count` equal ones in a sorted array */
};

static int compare_tallies(const void *a, const void *b)
{
	const struct tally *x = a, *y = b;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* Sorts an array, and lists what occurs in it, the most frequent first; n + 1 tallies have room. */
static size_t tally(void *array, size_t n, size_t size, int (*compare)(const void *, const void *),
		    struct tally *out)
{
	size_t k = 0;
	qsort(array, n, size, compare);
	for (size_t i = 0; i < n; i++) {
		const char *p = (const char *)array + i * size;
		if (!k || compare(p, p - size))
			out[k++] = (struct tally){ i, 0 };
		out[k - 1].count++;
	}
	qsort(out, k, sizeof *out, compare_tallies);
	return k;
}

static void choose_known(struct coded_writer *w, struct tally *tallies)
{
	size_t n =
	    tally(w->changes, w->nchanges, sizeof *w->changes, coded_change_compare, tallies);
	w->nknown = 0;
	for (size_t i = 0; i < n && w->nknown < CODED_MAX_KNOWN; i++)
		if (tallies[i].count >= KNOWN_LEAST &&
		    tallies[i].count >= w->nchanges / KNOWN_SHARE)
			w->known[w->nknown++] = w->changes[tallies[i].at];
	qsort(w->known, w->nknown, sizeof *w->known, coded_change_compare);
}

static int compare_masks(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

/* Masks that occur once are written raw. */
static void choose_masks(struct coded_writer *w, struct tally *tallies)
{
	size_t n = tally(w->masks_put, w->nmasks_put, sizeof *w->masks_put, compare_masks, tallies);
	w->nmasks = 0;
	for (size_t i = 0; i < n; i++) {
		size_t symbol = CODED_RAW;
		if (i < CODED_MAX_MASKS && tallies[i].count > 1) {
			w->masks[w->nmasks] = w->masks_put[tallies[i].at];
			symbol = w->nmasks++;
		}
		w->counts[CODED_MASK][symbol] += tallies[i].count;
	}
}

/* ---- A round ------------------------------------------------------------------------------- */

static int choose_codes(struct coded_writer *w)
{
	int error;
	/* About one page in five will need an end. */
	for (unsigned t = 0; t < CODED_KINDS; t++)
		w->counts[t][CODED_GAP_END] = 1 + w->ends[t] / 5;
	error = huffman_best(w->codes, (const uint64_t(*)[HUFFMAN_SYMBOLS])w->counts, CODED_KINDS);
	for (unsigned t = CODED_HEAD; t < CODED_TABLES && !error; t++)
		error = huffman_best(&w->codes[t],
				     (const uint64_t(*)[HUFFMAN_SYMBOLS]) & w->counts[t], 1);
	return error;
}

static int choose_round(struct coded_writer *w, struct tally *tallies)
{
	w->nchanges = w->nmasks_put = 0;
	put_all(w, CODED_CHOOSE);
	choose_known(w, tallies);
	memset(w->counts, 0, sizeof w->counts);
	memset(w->ends, 0, sizeof w->ends);
	put_all(w, CODED_COUNT);
	choose_masks(w, tallies);
	return choose_codes(w);
}

int coded_choose(struct coded_writer *w)
{
	struct tally *tallies = malloc((w->n + 1) * sizeof *tallies);
	int error = -ENOMEM;
	w->changes = malloc((w->n + 1) * sizeof *w->changes);
	w->masks_put = malloc((w->n + 1) * sizeof *w->masks_put);
	if (tallies && w->changes && w->masks_put) {
		guess(w);
		error = choose_round(w, tallies);
		if (!error)
			error = choose_round(w, tallies);
	}
	free(tallies);
	free(w->changes);
	free(w->masks_put);
	return error;
}
