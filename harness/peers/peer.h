/*
 * peer.h - what a file of arms/ gives this program: one allocator of stubs that others wrote, held
 * to the contract of stub.h. It is a shared object of its own, which a cell's process loads:
 * nothing of the library behind it is linked into this program.
 *
 * A peer makes stubs of kind indirect and signature "i>i" alone: code at callee->code is called as
 * int32_t (ctx, int32_t), with the callee in r10, and calls callee->target(callee->context, the
 * same argument). The callee stays in place until release, so a peer may give its library the
 * callee's address as the datum. A peer's memory is its library's: it takes none of space->code.
 *
 * The head of each file has lines `package:` (Debian's, for scripts/setup peers) and `link:`.
 */
#ifndef STUBMAP_PEERS_PEER_H
#define STUBMAP_PEERS_PEER_H

#include <stubmap/stub.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { PEER_CONTRACT = 1, PEER_SAID = 120 };

struct peer {
	unsigned contract;   /* PEER_CONTRACT of the build */
	const char *version; /* of the library, as it was built with: PEER_VERSION */
	const struct stub_ops *ops;
	/* The library's stubs know no context: callers pass callee->context as ctx. */
	bool bare;
	const char
	    *said; /* the library's own words on its last error, or empty; NULL: it has none */
};

/* The one symbol of such an object. */
extern const struct peer peer __attribute__((visibility("default")));

static inline bool peer_takes(const struct stub_spec *spec)
{
	const stub_signature s = spec->signature;

	return spec->kind == STUB_INDIRECT && stub_nparams(s) == 1 &&
	       stub_param(s, 0) == STUB_I32 && stub_result(s) == STUB_I32;
}

static inline void peer_publish(const struct stub_spec *spec, struct stub_callee *c,
				const void *code, uint64_t word)
{
	c->target = spec->target;
	c->context = spec->context;
	c->word = word;
	c->code = code;
}

/* For stubs that read the target from the callee: a retarget is one store. */
static inline int peer_retarget(struct stub_space *space, struct stub_callee *c, const void *target)
{
	(void)space;
	c->target = target;
	return 0;
}

/* A function's address as such, and as the data pointer that it is (POSIX). */
typedef int32_t peer_function(void *ctx, int32_t x);
static inline peer_function *peer_target(const struct stub_callee *c)
{
	union {
		const void *address;
		peer_function *function;
	} target = { c->target };

	return target.function;
}

#ifdef __cplusplus
}
#endif

#endif
