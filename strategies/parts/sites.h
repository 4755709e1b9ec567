/*
 * sites.h - the call sites of compiled code that a space was told (stub.h, struct stub_site): which
 * lead to a callee, and how their rel32 is written.
 *
 *      callee --table--> site --> site --> ...       each site: its module, its pad
 *                          |
 *      open:  the modules of all sites of a batch become writable, from the first such site to the
 *             last; write: each site where its callee's words say; close: executable again
 *
 *      bound as                 a site leads to
 *      nothing, or pending       its pad
 *      indirect, with context   the target, or (out of reach) its pad
 *      any other kind           callee->code
 *
 * While callers run, a site is written by one aligned store of the 8 bytes that its rel32 lies in,
 * and close ends with code_commit's barrier: placed.c has the rules and the window that remains. A
 * rel32 that crosses 8 bytes (3 of 8, where the compiler does not align) can't be written so: it
 * leads to its pad for good. Under toggle no site is taken at all (stub_takes_sites).
 */
#ifndef STUBMAP_SITES_H
#define STUBMAP_SITES_H

#include "../stub.h"

struct site {
	uint8_t *field;
	struct site *next; /* of the same callee */
	struct site_module *module;
	int32_t pad; /* its rel32 */
	bool context;
};

/* What is known of a callee. */
struct sites_of {
	const struct stub_callee *callee; /* NULL: empty */
	struct site *first;
	bool mark; /* the strategy's */
};

struct sites {
	const struct stub_space *space;
	struct code_memory *code;
	struct sites_of *table; /* by address, so that callees side by side are neighbours */
	size_t capacity, count;
	struct site_module *modules, *open;
	bool running;
};

void sites_init(struct sites *, const struct stub_space *);
void sites_free(struct sites *); /* heap memory only */
/* ops->attach and ops->detach. */
int sites_add(struct sites *, const struct stub_site *, size_t n);
void sites_drop(struct sites *, const void *from, const void *to);
/* Valid until the next sites_add; NULL: no site ever led there. */
struct sites_of *sites_find(const struct sites *, const struct stub_callee *);
/* A site that is to be written, before sites_open. */
void sites_want(struct sites *, const struct site *);
void sites_want_of(struct sites *, struct stub_callee *const *c, size_t n);
void sites_want_all(struct sites *);
/* Makes all wanted sites writable. 0, or code_patch's error: none is writable; or -ENOTRECOVERABLE:
 * some are, and the kernel refuses to make them executable again. */
int sites_open(struct sites *);
/* Writes the sites of a callee, which must be open. */
void sites_write(const struct sites *, const struct stub_callee *);
void sites_write_all(const struct sites *);
/* Makes everything that is open executable again. 0, or code_commit's first error. */
int sites_close(struct sites *);

#endif
