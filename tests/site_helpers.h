/*
 * site_helpers.h - compiled code that leaves by call sites: a thunk for each callee, of an
 * instruction's every alignment, which tests enter as if it were the callee.
 *
 *      0    mov r10, callee
 *      10   plain:    nops; jmp field         context: mov rdi, [r10+16]; xor r10d, r10d; nops; jmp
 *      48   the pad
 */
#ifndef STUBMAP_TEST_SITE_HELPERS_H
#define STUBMAP_TEST_SITE_HELPERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "stubmap/stub.h"

enum { THUNK = 64, THUNK_PAD = 48 };

struct thunks {
	struct stub_space *space;
	uint8_t *at;
	unsigned n;
	struct stub_callee *via; /* callers enter thunk i through via[i] */
	struct stub_site *sites;
};

static inline void write_thunk(struct thunks *t, unsigned i, struct stub_callee *c, bool context)
{
	uint8_t *at = t->at + (size_t)i * THUNK, *pad = at + THUNK_PAD;
	uint8_t *write = code_writable(t->space->code, at), *w = write;

	memset(write, 0x90, THUNK);
	memcpy(w, "\x49\xba", 2);
	memcpy(w + 2, &c, 8);
	w += 10;
	if (context) {
		memcpy(w, "\x49\x8b\x7a\x10\x45\x31\xd2", 7);
		w += 7;
	}
	w += i % 8;
	*w++ = 0xe9;
	uint8_t *field = at + (w - write);
	int32_t displacement = (int32_t)(pad - field - 4);
	memcpy(w, &displacement, 4);
	stub_call_pad(write + THUNK_PAD, c);
	t->sites[i] =
	    (struct stub_site){ .field = field, .callee = c, .pad = pad, .context = context };
	t->via[i].code = at;
}

/* n thunks; each(arg, i, &context) names the callee of the i-th. They are not attached yet. */
static inline void write_thunks(struct thunks *t, struct stub_space *space, unsigned n,
				struct stub_callee *(*each)(void *arg, unsigned i, bool *context),
				void *arg)
{
	*t = (struct thunks){ .space = space,
			      .n = n,
			      .at = code_reserve(space->code, CODE_MODULES, (size_t)n * THUNK),
			      .via = calloc(n, sizeof(*t->via)),
			      .sites = calloc(n, sizeof(*t->sites)) };
	assert_true(t->at && t->via && t->sites);
	for (unsigned i = 0; i < n; i++) {
		bool context = false;
		struct stub_callee *c = each(arg, i, &context);

		write_thunk(t, i, c, context);
	}
	assert_int_equal(code_commit(space->code, t->at, (size_t)n * THUNK), 0);
}

static inline void open_thunks(struct thunks *t, struct stub_space *space, unsigned n,
			       struct stub_callee *(*each)(void *arg, unsigned i, bool *context),
			       void *arg)
{
	write_thunks(t, space, n, each, arg);
	assert_int_equal(space->ops->attach(space, t->sites, n), 0);
}

static inline void close_thunks(struct thunks *t)
{
	size_t bytes = (size_t)t->n * THUNK;

	t->space->ops->detach(t->space, t->at, t->at + bytes);
	code_release(t->space->code, t->at, bytes);
	free(t->via);
	free(t->sites);
}

/* Where the site's jump leads now. */
static inline const uint8_t *leads_to(const struct stub_site *site)
{
	int32_t displacement;

	memcpy(&displacement, site->field, 4);
	return site->field + 4 + displacement;
}

#endif
