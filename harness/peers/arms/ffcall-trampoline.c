/*
 * ffcall-trampoline.c - libffcall's trampolines: a stub that stores its datum to a variable, which
 * all share, and jumps.
 *
 *   package: libffcall-dev
 *   link: -ltrampoline
 *
 * Here all trampolines jump to one body, which reads the datum back and goes on to the
 * target with the target's context. As all threads share the variable, such trampolines
 * are for one thread alone.
 */
#include <errno.h>
#include <trampoline.h>

#include "../peer.h"

static void *variable;

static int32_t body(void *ctx, int32_t x)
{
	const struct stub_callee *c = variable;

	(void)ctx;
	return peer_target(c)(c->context, x);
}

static int bind(struct stub_space *space, const struct stub_spec *spec, struct stub_callee *c)
{
	trampoline_function_t code;

	(void)space;
	if (!peer_takes(spec))
		return -ENOTSUP;
	if (!(code = alloc_trampoline((trampoline_function_t)body, &variable, c)))
		return -ENOMEM;
	peer_publish(spec, c, (const void *)(uintptr_t)code, (uintptr_t)code);
	return 0;
}

static void release(struct stub_space *space, struct stub_callee *c)
{
	(void)space;
	free_trampoline((trampoline_function_t)(uintptr_t)c->word);
	c->code = NULL;
}

static const struct stub_ops ops = {
	.name = "peer:ffcall-trampoline",
	.summary = "libffcall's trampolines",
	.flags = STUB_CAN_BAKE | STUB_RETARGET_IN_PLACE,
	.bind = bind,
	.retarget = peer_retarget,
	.release = release,
};

const struct peer peer = { PEER_CONTRACT, PEER_VERSION, &ops, false, NULL };
