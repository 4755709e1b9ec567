/*
 * host.h - the host's side of the boundary: the functions that stubs call on slow paths, with the
 * dynamic language's conversions, and the memory of boxed 64-bit integers.
 *
 * Every instance that stubs see is a struct host_instance: compiled code reads its head, the
 * functions here the rest.
 */
#ifndef STUBMAP_JIT_HOST_H
#define STUBMAP_JIT_HOST_H

#include <stubmap/stub.h>

enum { HOST_BIGINTS = 4096 };

/* The part of an instance that compiled code knows: stubs read the first word, targets the rest. */
struct instance {
	struct stub_activation *activation;
	uint32_t salt;	      /* scenario's context_salt */
	uint32_t accumulator; /* results of targets that return nothing */
	int64_t bigint;	      /* an i64 that a host function has boxed; the stub reads it at once */
};

/* Shared by the instances of one thread. */
struct host {
	struct stub_activation activation;
	uint64_t conversions; /* times the slow path converted arguments or a result */
	uint64_t raised;      /* times a call failed and was reported */
	uint64_t released;    /* times a released stub was called, under poison */
	unsigned next_bigint;
	/* Used in turn: a boxed result is valid for that many boxings. */
	int64_t bigints[HOST_BIGINTS];
};

struct host_instance {
	struct instance head;
	struct host *host;
};

extern const struct stub_runtime host_runtime;

#endif
