/*
 * libffi.c - libffi's closures: a stub that gathers its arguments and hands them to a handler in C.
 *
 *   package: libffi-dev
 *   link: -lffi
 *
 * Debian builds it without its static trampolines (one page of the library's text mapped again and
 * again, each time beside a page of data): a closure is a block of a heap of its own, which may be
 * written and executed. The handler below calls the target itself, which is the least that a
 * handler can do: one for any signature would go through ffi_call.
 */
#include <errno.h>
#include <ffi.h>

#include "../peer.h"

struct state {
	ffi_cif cif;
	ffi_type *arguments[2];
};

static void handle(ffi_cif *cif, void *result, void **arguments, void *datum)
{
	const struct stub_callee *c = datum;

	(void)cif;
	*(ffi_sarg *)result = peer_target(c)(c->context, *(int32_t *)arguments[1]);
}

static int begin(struct stub_space *space)
{
	struct state *s = space->state;

	s->arguments[0] = &ffi_type_pointer;
	s->arguments[1] = &ffi_type_sint32;
	return ffi_prep_cif(&s->cif, FFI_DEFAULT_ABI, 2, &ffi_type_sint32, s->arguments) == FFI_OK
		   ? 0
		   : -ENOTSUP;
}

static int bind(struct stub_space *space, const struct stub_spec *spec, struct stub_callee *c)
{
	struct state *s = space->state;
	void *code;
	ffi_closure *closure;

	if (!peer_takes(spec))
		return -ENOTSUP;
	if (!(closure = ffi_closure_alloc(sizeof *closure, &code)))
		return -ENOMEM;
	if (ffi_prep_closure_loc(closure, &s->cif, handle, c, code) != FFI_OK) {
		ffi_closure_free(closure);
		return -EINVAL;
	}
	peer_publish(spec, c, code, (uintptr_t)closure);
	return 0;
}

static void release(struct stub_space *space, struct stub_callee *c)
{
	(void)space;
	ffi_closure_free((void *)(uintptr_t)c->word);
	c->code = NULL;
}

static const struct stub_ops ops = {
	.name = "peer:libffi",
	.summary = "libffi's closures",
	.flags = STUB_CAN_TABLE | STUB_RETARGET_IN_PLACE,
	.state = sizeof(struct state),
	.open = begin,
	.bind = bind,
	.retarget = peer_retarget,
	.release = release,
};

const struct peer peer = { PEER_CONTRACT, PEER_VERSION, &ops, false, NULL };
