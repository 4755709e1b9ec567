/*
 * scenario.h - shared by the files of workloads/ alone.
 */
#ifndef STUBMAP_SCENARIO_H
#define STUBMAP_SCENARIO_H

#include <stdbool.h>

#include "workload.h"

enum { WORKLOAD_ERROR = 200, WORKLOAD_MAX_LIVE = 1 << 20 };

/* splitmix64: a stream of 64-bit numbers from any seed. */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* 0..n-1, n below 2^32. Its bias is below n / 2^32. */
static inline uint32_t random_below(uint64_t *state, uint32_t n)
{
	return (uint32_t)((random_next(state) >> 32) * n >> 32);
}

/* At most SCENARIO_MAX_PARAMS of the letters i l f d r, '>', at most one more. */
bool scenario_signature_ok(const char *signature);
/* Draws the instances' salts and counts the crossed boundaries. 0 or -ENOMEM. */
int scenario_finish(struct scenario *, uint64_t *random);
/* Writes the line and returns status. */
int workload_refuse(char error[WORKLOAD_ERROR], int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

int ring_open(const struct workload *, const struct workload_params *, struct scenario *,
	      char error[WORKLOAD_ERROR]);
int replay_open(const struct workload *, const struct workload_params *, struct scenario *,
		char error[WORKLOAD_ERROR]);
int life_open(const struct workload *, const struct workload_params *, struct scenario *,
	      char error[WORKLOAD_ERROR]);

#endif
