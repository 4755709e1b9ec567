/*
 * ffcall-callback.c - libffcall's callbacks: a stub that hands its arguments, one by one, to a
 * handler in C.
 *
 *   package: libffcall-dev
 *   link: -lcallback
 *
 * It is a trampoline with its datum in r10, and one body for all that makes the list of arguments.
 * The handler calls the target itself.
 */
#include <callback.h>
#include <errno.h>

#include "../peer.h"

static void handle(void *datum, va_alist list)
{
	const struct stub_callee *c = datum;

	va_start_int(list);
	(void)va_arg_ptr(list, void *);
	int32_t x = va_arg_int(list);
	va_return_int(list, peer_target(c)(c->context, x));
}

static int bind(struct stub_space *space, const struct stub_spec *spec, struct stub_callee *c)
{
	callback_t code;

	(void)space;
	if (!peer_takes(spec))
		return -ENOTSUP;
	if (!(code = alloc_callback(handle, c)))
		return -ENOMEM;
	peer_publish(spec, c, (const void *)(uintptr_t)code, (uintptr_t)code);
	return 0;
}

static void release(struct stub_space *space, struct stub_callee *c)
{
	(void)space;
	free_callback((callback_t)(uintptr_t)c->word);
	c->code = NULL;
}

static const struct stub_ops ops = {
	.name = "peer:ffcall-callback",
	.summary = "libffcall's callbacks",
	.flags = STUB_CAN_BAKE | STUB_RETARGET_IN_PLACE,
	.bind = bind,
	.retarget = peer_retarget,
	.release = release,
};

const struct peer peer = { PEER_CONTRACT, PEER_VERSION, &ops, false, NULL };
