/*
 * upcalls.c - the ring of ring.js for functions of Java called from C: Upcalls.java gives an
 * address for each, and asks for rounds. One call site calls all.
 */
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

enum { MOST = 16384, SAMPLES = 15 };

typedef int32_t function(int32_t);

static function *ring[MOST];
static int n;

void ring_clear(void)
{
	n = 0;
}

void ring_add(function *f)
{
	if (n < MOST)
		ring[n++] = f;
}

/* The same loop over one function. */
void ring_one(void)
{
	for (int i = 1; i < n; i++)
		ring[i] = ring[0];
}

int32_t ring_rounds(int32_t rounds, int32_t x)
{
	for (int32_t r = 0; r < rounds; r++)
		for (int i = 0; i < n; i++)
			x = ring[i](x);
	return x;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* ns a call, the median of some samples; negative if a sum is wrong. */
double ring_time(int32_t rounds)
{
	uint32_t sum = (uint32_t)ring_rounds(1, 0);
	double times[SAMPLES];

	for (int s = 0; s < SAMPLES; s++) {
		struct timespec a, b;

		clock_gettime(CLOCK_MONOTONIC, &a);
		if ((uint32_t)ring_rounds(rounds, 0) != sum * (uint32_t)rounds)
			return -1;
		clock_gettime(CLOCK_MONOTONIC, &b);
		times[s] = (1e9 * (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec)) /
			   rounds / n;
	}
	qsort(times, SAMPLES, sizeof *times, ascending);
	return times[SAMPLES / 2];
}
