/*
 * test_stubs_threads.c - strategies under threads: a caller that runs while its target is replaced.
 * Built under TSan too, which sees the C side; stubs and what they load are machine code to it.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "stub_set_up.h"

struct runner {
	struct callee c;
	struct instance *context;
	const atomic_bool *stop;
	atomic_ulong calls, wrong;
};

static void *run(void *arg)
{
	struct runner *r = arg;
	struct probe_regs regs;
	uint64_t stack[MAX_STACK];

	while (!atomic_load(r->stop)) {
		arrange(STUB_I32, NULL, r->context, &regs, stack);
		probe_call(&r->c, &regs);
		if (((uint32_t)regs.rax != 1 && (uint32_t)regs.rax != 2) || !regs.intact)
			atomic_fetch_add(&r->wrong, 1);
		atomic_fetch_add(&r->calls, 1);
	}
	return NULL;
}

static void retarget_while_running(const struct stub_ops *ops, enum code_wx wx,
				   enum stub_literals literals)
{
	struct set_up *t =
	    open_set_up(ops, (struct code_config){ .wx = wx, .quantum = 4096 }, literals, true);
	atomic_bool stop = false;
	struct runner r = { .context = &t->w.instances[1], .stop = &stop };
	uint8_t *near = code_reserve(t->code, CODE_MODULES, 64);
	pthread_t thread;

	assert_non_null(near);
	for (unsigned i = 0; i < 2; i++) /* mov eax, 1 or 2; ret */
		memcpy((uint8_t *)code_writable(t->code, near) + 32 * i,
		       i ? "\xb8\x02\0\0\0\xc3" : "\xb8\x01\0\0\0\xc3", 6);
	assert_int_equal(code_commit(t->code, near, 64), 0);
	struct stub_spec spec = { .kind = STUB_INDIRECT,
				  .signature = parsed(">i"),
				  .target = near,
				  .context = r.context };
	assert_int_equal(ops->bind(&t->space, &spec, &r.c), 0);
	if (ops->flags & STUB_DEFERRED) { /* its first call is a hook of the space */
		struct probe_regs regs;
		uint64_t stack[MAX_STACK];

		arrange(STUB_I32, NULL, r.context, &regs, stack);
		probe_call(&r.c, &regs);
	}
	assert_int_equal(pthread_create(&thread, NULL, run, &r), 0);
	for (unsigned i = 1; i < 4000 || atomic_load(&r.calls) < 1000; i++)
		assert_int_equal(ops->retarget(&t->space, &r.c, near + i % 2 * 32), 0);
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(atomic_load(&r.wrong), 0);
	close_set_up(t);
}

static void targets_change_under_callers(void **state)
{
	(void)state;
	for (unsigned i = 0; stub_strategies[i]; i++)
		for (int wx = 0; wx < CODE_WX_POLICIES; wx++)
			for (int literals = 0; literals < 2; literals++) {
				const struct stub_ops *ops = stub_strategies[i];
				bool baked = literals == STUB_LITERALS_BAKED;

				/* A patch under toggle needs callers that stand still. */
				if (baked && wx == CODE_TOGGLE)
					continue;
				if (ops->flags & (baked ? STUB_CAN_BAKE : STUB_CAN_TABLE))
					retarget_while_running(ops, wx, literals);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_change_under_callers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
