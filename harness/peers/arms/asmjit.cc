/*
 * asmjit.cc - AsmJit's JitRuntime: any code, assembled by it and placed by its allocator.
 *
 *   package: libasmjit-dev
 *   link: -lasmjit -Wl,--wrap=stderr
 *
 * The code is ours, three instructions that do what our stubs of this kind do:
 *
 *      mov rdi, context
 *      mov rax, target
 *      jmp rax
 *
 * A retarget assembles them anew. Debian has only a static library, and a shared object can't have
 * the library's reference to stderr: it gets a stderr of its own.
 */
#include <asmjit/x86.h>
#include <cerrno>
#include <cstdio>
#include <new>

#include "../peer.h"

extern "C" {
extern FILE *__wrap_stderr __attribute__((visibility("hidden")));
FILE *__wrap_stderr;
}

static asmjit::JitRuntime *runtime_of(struct stub_space *space)
{
	return *static_cast<asmjit::JitRuntime **>(space->state);
}

static int begin(struct stub_space *space)
{
	auto runtime = new (std::nothrow) asmjit::JitRuntime();

	*static_cast<asmjit::JitRuntime **>(space->state) = runtime;
	return runtime ? 0 : -ENOMEM;
}

static void end(struct stub_space *space)
{
	delete runtime_of(space);
}

static int make(struct stub_space *space, const void *target, void *context, void **code)
{
	asmjit::JitRuntime *runtime = runtime_of(space);
	asmjit::CodeHolder holder;

	if (holder.init(runtime->environment()))
		return -ENOMEM;
	asmjit::x86::Assembler a(&holder);
	a.mov(asmjit::x86::rdi, reinterpret_cast<uint64_t>(context));
	a.mov(asmjit::x86::rax, reinterpret_cast<uint64_t>(target));
	a.jmp(asmjit::x86::rax);
	return runtime->add(code, &holder) ? -ENOMEM : 0;
}

static int bind(struct stub_space *space, const struct stub_spec *spec, struct stub_callee *c)
{
	void *code;

	if (!peer_takes(spec))
		return -ENOTSUP;
	int error = make(space, spec->target, spec->context, &code);
	if (!error)
		peer_publish(spec, c, code, reinterpret_cast<uint64_t>(code));
	return error;
}

static void release(struct stub_space *space, struct stub_callee *c)
{
	runtime_of(space)->release(reinterpret_cast<void *>(c->word));
	c->code = nullptr;
}

static int retarget(struct stub_space *space, struct stub_callee *c, const void *target)
{
	void *old = reinterpret_cast<void *>(c->word), *code;
	int error = make(space, target, c->context, &code);

	if (error)
		return error;
	c->target = target;
	c->word = reinterpret_cast<uint64_t>(code);
	c->code = code;
	runtime_of(space)->release(old);
	return 0;
}

static const struct stub_ops ops = {
	.name = "peer:asmjit",
	.summary = "AsmJit's JitRuntime",
	.flags = STUB_CAN_BAKE,
	.state = sizeof(asmjit::JitRuntime *),
	.open = begin,
	.close = end,
	.bind = bind,
	.retarget = retarget,
	.release = release,
};

extern "C" const struct peer peer = { PEER_CONTRACT, PEER_VERSION, &ops, false, nullptr };
