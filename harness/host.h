/*
 * host.h - the host's side of the boundary: what stubs call on their slow paths, with the dynamic
 * language's conversions, and the memory that boxed 64-bit integers live in.
 *
 * Every instance that stubs see is a struct host_instance: compiled code reads its head (struct
 * instance, callers.h), the functions here the rest.
 */
#ifndef STUBMAP_HOST_H
#define STUBMAP_HOST_H

#include "../strategies/stub.h"
#include "callers.h"

enum { HOST_BIGINTS = 4096 };

/* Shared by the instances of one thread. */
struct host {
	struct stub_activation activation;
	uint64_t conversions; /* times the slow path converted arguments or a result */
	uint64_t raised;      /* times a call failed and was reported */
	uint64_t released;    /* times a released stub was called, under poison */
	unsigned next_bigint;
	int64_t
	    bigints[HOST_BIGINTS]; /* used in turn: a boxed result lives for that many boxings */
};

struct host_instance {
	struct instance head;
	struct host *host;
};

extern const struct stub_runtime host_runtime;

#endif
