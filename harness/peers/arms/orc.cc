/*
 * orc.cc - LLVM's LocalIndirectStubsManager (ORC): eight bytes of code that jump through a pointer,
 * in a block of pages with the block of pointers behind it; a map from names to stubs beside it.
 *
 *   package: llvm-19-dev
 *   include: -isystem /usr/lib/llvm-19/include
 *   link: -L/usr/lib/llvm-19/lib -Wl,-rpath,/usr/lib/llvm-19/lib -lLLVM-19
 *
 * Its stubs know no context, so callers pass it. It never gives a stub back: released stubs
 * wait here, under their names, to be pointed elsewhere. This program itself uses the same
 * LLVM, through its C API.
 */
#include <cerrno>
#include <new>
#include <string>
#include <vector>

#include <llvm/ExecutionEngine/Orc/IndirectionUtils.h>
#include <llvm/ExecutionEngine/Orc/OrcABISupport.h>

#include "../peer.h"

using llvm::orc::ExecutorAddr;

static const auto flags = llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable;

struct manager {
	llvm::orc::LocalIndirectStubsManager<llvm::orc::OrcX86_64_SysV> stubs;
	std::vector<uint64_t> released; /* numbers of stubs */
	uint64_t made = 0;
};

static manager *manager_of(struct stub_space *space)
{
	return *static_cast<manager **>(space->state);
}

static std::string name_of(uint64_t number)
{
	return "s" + std::to_string(number);
}

static int failed(llvm::Error error)
{
	if (!error)
		return 0;
	llvm::consumeError(std::move(error));
	return -ENOMEM;
}

static int begin(struct stub_space *space)
{
	auto m = new (std::nothrow) manager();

	*static_cast<manager **>(space->state) = m;
	return m ? 0 : -ENOMEM;
}

static void end(struct stub_space *space)
{
	delete manager_of(space);
}

static void publish(manager *m, const struct stub_spec *spec, struct stub_callee *c,
		    uint64_t number)
{
	auto stub = m->stubs.findStub(name_of(number), false);

	peer_publish(spec, c, stub.getAddress().toPtr<const void *>(), number);
}

static int bind(struct stub_space *space, const struct stub_spec *spec, struct stub_callee *c)
{
	manager *m = manager_of(space);
	const ExecutorAddr target = ExecutorAddr::fromPtr(spec->target);
	uint64_t number = m->made;
	int error;

	if (!peer_takes(spec))
		return -ENOTSUP;
	if (m->released.empty()) {
		error = failed(m->stubs.createStub(name_of(number), target, flags));
		m->made += !error;
	} else {
		number = m->released.back();
		error = failed(m->stubs.updatePointer(name_of(number), target));
		if (!error)
			m->released.pop_back();
	}
	if (!error)
		publish(m, spec, c, number);
	return error;
}

static int bind_many(struct stub_space *space, const struct stub_spec *specs,
		     struct stub_callee *const *c, size_t n)
{
	manager *m = manager_of(space);
	llvm::orc::IndirectStubsManager::StubInitsMap wanted;

	for (size_t i = 0; i < n; i++) {
		if (!peer_takes(&specs[i]))
			return -ENOTSUP;
		wanted[name_of(m->made + i)] = { ExecutorAddr::fromPtr(specs[i].target), flags };
	}
	int error = failed(m->stubs.createStubs(wanted));
	for (size_t i = 0; i < n && !error; i++)
		publish(m, &specs[i], c[i], m->made + i);
	m->made += error ? 0 : n;
	return error;
}

static int retarget(struct stub_space *space, struct stub_callee *c, const void *target)
{
	int error = failed(manager_of(space)->stubs.updatePointer(name_of(c->word),
								  ExecutorAddr::fromPtr(target)));

	if (!error)
		c->target = target;
	return error;
}

static void release(struct stub_space *space, struct stub_callee *c)
{
	manager_of(space)->released.push_back(c->word);
	c->code = nullptr;
}

static const struct stub_ops ops = {
	.name = "peer:orc",
	.summary = "LLVM's LocalIndirectStubsManager",
	.flags = STUB_CAN_TABLE | STUB_BULK | STUB_RETARGET_IN_PLACE,
	.state = sizeof(manager *),
	.open = begin,
	.close = end,
	.bind = bind,
	.bind_many = bind_many,
	.retarget = retarget,
	.release = release,
};

extern "C" const struct peer peer = { PEER_CONTRACT, PEER_VERSION, &ops, true, nullptr };
