/*
 * test_wasm.c - live wasm programs print what they print natively, byte for byte, under every
 * strategy, both W^X policies and both tiers; many instances of one module side by side; both tiers
 * of one module at once. A program whose source could not be fetched is skipped, and says why.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "running_helpers.h"
#include "wasm_helpers.h"

static int tear_down(void **unused)
{
	jit_object_free(&kept.object);
	return remove_cache(unused);
}

/* ---- Programs -------------------------------------------------------------------------------- */

/* Instantiates, runs, compares, closes. */
static void run_program(struct opened *o, const struct wasm_program *p, const char *folder)
{
	struct wasm_instance *in;
	struct wasm_times times;
	struct wasi wasi;

	if (wasm_program_system(p, folder, 1, &wasi, o->error) ||
	    wasm_instance_open(&in, o->module, &o->space, &o->thread, &wasi, o->error))
		fail_msg("%s", o->error);
	if (wasm_drive(in, o->module, &o->thread, &wasi, &times, o->error) != WASM_RETURNED ||
	    wasm_program_check(p, folder, &wasi, o->error))
		fail_msg("%s: %s", o->space.ops->name, o->error);
	assert_true(times.entries > 3);
	assert_int_equal(o->thread.host.raised, 0);
	wasm_instance_close(in);
	wasi_close(&wasi);
}

static const char *built(const struct wasm_program *p, char folder[WASM_PATH])
{
	struct opened o;

	wasm_program_folder(p, folder);
	int e = open_module(&o, p->name, folder, stub_strategies[0], CODE_TOGGLE, 0);
	if (e)
		print_message("%s\n", o.error);
	if (e && !p->fetched)
		fail();
	close_module(&o);
	return e ? NULL : folder;
}

static void test_program(void **state)
{
	const struct wasm_program *p = *state;
	char folder[WASM_PATH];

	if (!built(p, folder))
		skip();
	for (int s = 0; stub_strategies[s]; s++)
		for (enum code_wx wx = CODE_TOGGLE; wx <= CODE_DUAL; wx++) {
			struct opened o;

			if (open_module(&o, p->name, folder, stub_strategies[s], wx, 0))
				fail_msg("%s", o.error);
			run_program(&o, p, folder);
			close_module(&o);
		}
}

/* The optimised tier of what is compiled in a second. */
static void test_optimised(void **unused)
{
	(void)unused;
	for (int s = 0; stub_strategies[s]; s++)
		for (int i = 0; wasm_programs[i] && !wasm_programs[i]->fetched; i++) {
			char folder[WASM_PATH];
			struct opened o;

			wasm_program_folder(wasm_programs[i], folder);
			if (open_module(&o, wasm_programs[i]->name, folder, stub_strategies[s],
					CODE_TOGGLE, 2))
				fail_msg("%s", o.error);
			run_program(&o, wasm_programs[i], folder);
			run_program(&o, wasm_programs[i], folder);
			close_module(&o);
		}
}

/* ---- Instances ------------------------------------------------------------------------------- */

/* Twenty live at once, closed and made again in random order; each says the same. */
static void test_many_instances(void **unused)
{
	enum { LIVE = 20, ROUNDS = 60 };
	const struct wasm_program *p = wasm_program_find("wasm:table");
	char folder[WASM_PATH];

	(void)unused;
	wasm_program_folder(p, folder);
	for (int s = 0; stub_strategies[s]; s++) {
		struct wasm_instance *in[LIVE] = { NULL };
		struct wasi wasi[LIVE];
		struct prng rng;
		struct opened o;

		prng_seed(&rng, 7);
		if (open_module(&o, p->name, folder, stub_strategies[s], CODE_DUAL, 2))
			fail_msg("%s", o.error);
		for (int i = 0; i < ROUNDS + LIVE; i++) {
			unsigned k = i < ROUNDS ? prng_below(&rng, LIVE) : (unsigned)(i - ROUNDS);

			if (in[k]) {
				if (wasm_drive(in[k], o.module, &o.thread, &wasi[k], NULL,
					       o.error) != WASM_RETURNED ||
				    wasm_program_check(p, folder, &wasi[k], o.error))
					fail_msg("%s: %s", stub_strategies[s]->name, o.error);
				wasm_instance_close(in[k]);
				wasi_close(&wasi[k]);
				in[k] = NULL;
			}
			if (i >= ROUNDS)
				continue;
			wasi_open(&wasi[k], NULL, 0, 1);
			if (wasm_instance_open(&in[k], o.module, &o.space, &o.thread, &wasi[k],
					       o.error))
				fail_msg("%s: %s", stub_strategies[s]->name, o.error);
		}
		close_module(&o);
	}
}

struct worker {
	pthread_t thread;
	struct opened *shared;
	const struct wasm_program *program;
	const char *folder;
	unsigned done;
	char error[WASM_ERROR];
};

/* An instance after another, in a thread of its own. */
static void *work(void *arg)
{
	enum { TIMES = 4 };
	struct worker *w = arg;
	struct wasm_instance *in;
	struct wasm_thread *thread = malloc(sizeof *thread);
	struct wasi wasi;

	wasm_thread_open(thread);
	for (w->done = 0; w->done < TIMES; w->done++) {
		wasi_open(&wasi, NULL, 0, 1);
		if (wasm_instance_open(&in, w->shared->module, &w->shared->space, thread, &wasi,
				       w->error))
			break;
		if (wasm_drive(in, w->shared->module, thread, &wasi, NULL, w->error) !=
			WASM_RETURNED ||
		    wasm_program_check(w->program, w->folder, &wasi, w->error))
			break;
		wasm_instance_close(in);
		wasi_close(&wasi);
	}
	free(thread);
	return NULL;
}

/* Threads that open, run and close instances of one module in one space at the same time. */
static void test_threads(void **unused)
{
	enum { THREADS = 4 };
	char folder[WASM_PATH];

	(void)unused;
	for (int s = 0; stub_strategies[s]; s++)
		for (int i = 0; wasm_programs[i] && !wasm_programs[i]->fetched; i++) {
			const struct wasm_program *p = wasm_programs[i];
			struct worker workers[THREADS];
			struct opened o;

			wasm_program_folder(p, folder);
			if (open_running(&o, p->name, folder, stub_strategies[s], running_wx(), 2,
					 true))
				fail_msg("%s", o.error);
			for (int t = 0; t < THREADS; t++) {
				workers[t] =
				    (struct worker){ .shared = &o, .program = p, .folder = folder };
				pthread_create(&workers[t].thread, NULL, work, &workers[t]);
			}
			for (int t = 0; t < THREADS; t++) {
				pthread_join(workers[t].thread, NULL);
				if (workers[t].error[0])
					fail_msg("%s: %s", stub_strategies[s]->name,
						 workers[t].error);
				assert_int_equal(workers[t].done, 4);
			}
			close_module(&o);
		}
}

/* Every callee that has a target in the other tier goes there and back while an instance lives. */
static void test_tiers(void **unused)
{
	enum { MOST = 4096 };
	const struct wasm_program *p = wasm_program_find("wasm:table");
	static struct wasm_callee callees[MOST];
	char folder[WASM_PATH];

	(void)unused;
	wasm_program_folder(p, folder);
	for (int s = 0; stub_strategies[s]; s++) {
		const struct stub_ops *ops = stub_strategies[s];
		struct wasm_instance *in;
		struct jit_object object;
		struct wasi wasi;
		size_t moved = 0;
		struct opened o;

		if (open_module(&o, p->name, folder, ops, CODE_TOGGLE, 0))
			fail_msg("%s", o.error);
		wasi_open(&wasi, NULL, 0, 1);
		if (wasm_instance_open(&in, o.module, &o.space, &o.thread, &wasi, o.error) ||
		    wasm_module_compile(o.module, 2, cache, &object, o.error) ||
		    wasm_module_load(o.module, 2, &object, 0, o.error))
			fail_msg("%s: %s", ops->name, o.error);
		jit_object_free(&object);
		size_t n = wasm_instance_callees(in, callees, MOST);
		assert_in_range(n, 1024, MOST);
		for (size_t i = 0; i < n; i++) {
			struct stub_callee *c = callees[i].callee;
			const void *now = wasm_module_at_tier(o.module, c->target, 2);

			if (!now)
				continue;
			assert_ptr_equal(wasm_module_at_tier(o.module, now, 0), c->target);
			assert_int_equal(ops->retarget(&o.space, c, now), 0);
			moved++;
		}
		assert_true(moved > 1024);
		if (wasm_drive(in, o.module, &o.thread, &wasi, NULL, o.error) != WASM_RETURNED ||
		    wasm_program_check(p, folder, &wasi, o.error))
			fail_msg("%s: %s", ops->name, o.error);
		wasm_instance_close(in);
		wasi_close(&wasi);
		close_module(&o);
	}
}

int main(void)
{
	enum { MOST = 32 };
	struct CMUnitTest tests[MOST] = {
		cmocka_unit_test(test_optimised),
		cmocka_unit_test(test_many_instances),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_tiers),
	};
	size_t n = 4;

	for (size_t i = 0; wasm_programs[i]; i++)
		tests[n++] = (struct CMUnitTest){ .name = wasm_programs[i]->workload,
						  .test_func = test_program,
						  .initial_state = (void *)wasm_programs[i] };
	return _cmocka_run_group_tests("wasm", tests, n, make_cache, tear_down);
}
