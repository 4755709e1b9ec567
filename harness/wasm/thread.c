/*
 * thread.c - runs compiled wasm in a thread: limits its stack, and returns from a trap, an exit or
 * a failed import.
 *
 *      wasm_run --body--> stub -> compiled code -> ... -> trap
 *         ^                                                |
 *         '------------------- longjmp --------------------'
 *
 * Compiled frames and stubs hold nothing that must be undone, except the activation's exit frame,
 * which is restored. The place in the program is read from a return address: the trap's own, or
 * that of the newest exit frame if a C function refused.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workloads/wasm/wasm-rt.h"
#include "base/watch.h"
#include "wasm/internal.h"

/* The most bytes of stack for compiled code, and the bytes left to the C functions below it. */
enum { STACK_MOST = 4 << 20, STACK_LEFT = 256 << 10 };

/* Traps carry no context, so the point to which they return is found by its thread. */
static _Thread_local struct wasm_landing *current;

struct wasm_landing *wasm_current_landing(void)
{
	return current;
}

void wasm_thread_open(struct wasm_thread *t)
{
	pthread_attr_t attr;
	void *low = NULL;
	size_t size = 0;
	uint8_t *here = __builtin_frame_address(0);

	memset(t, 0, sizeof *t);
	t->stack_limit = here - STACK_MOST;
	if (pthread_getattr_np(pthread_self(), &attr))
		return;
	if (!pthread_attr_getstack(&attr, &low, &size) &&
	    (uint8_t *)low + STACK_LEFT > t->stack_limit)
		t->stack_limit = (uint8_t *)low + STACK_LEFT;
	pthread_attr_destroy(&attr);
}

/* ---- Names of functions ---------------------------------------------------------------------- */

static const struct load_function *function_at(const struct wasm_module *m, const void *pc)
{
	const struct load_function *f = NULL;

	for (int i = 0; i < 2 && !f; i++)
		if (m->tiers[i].text)
			f = loaded_function_at(&m->tiers[i], (const uint8_t *)pc - 1);
	return f;
}

/* A function's name as the program's author knows it. NULL: it is part of instantiation, which lays
 * out the segments. Only reads, as signal handlers call it, too. */
static const char *plain_name(const struct wasm_module *m, const char *name)
{
	static const char export[] = "wasm_export_";
	size_t n = 0;

	if (!strncmp(name, export, sizeof export - 1)) {
		for (const char *p = name + sizeof export - 1; *p >= '0' && *p <= '9'; p++)
			n = n * 10 + (size_t)(*p - '0');
		return n < m->file.nexports ? m->file.exports[n].name : name;
	}
	if (!strncmp(name, "init_", 5)) /* wasm2c's, one a section */
		return NULL;
	if (!strcmp(name, "wasm_instantiate")) /* a start function may be inlined there */
		return m->file.starts ? "(start)" : NULL;
	if (!strncmp(name, "w2c_", 4))
		return name + 4;
	return name;
}

const char *wasm_function_at(const struct wasm_module *m, const void *code)
{
	const struct load_function *f = function_at(m, (const uint8_t *)code + 1);
	const char *name = f ? plain_name(m, f->name) : NULL;

	return name ? name : "a function";
}

/* The return address of the newest frame that left compiled code, or NULL. */
static const void *left_at(const struct wasm_thread *t)
{
	void *const *frame = t->host.activation.exit_frame;

	return frame ? frame[1] : NULL;
}

/* A watch_namer: the function that runs in this thread, or that called
 * the C function which runs. */
static const char *running_at(void *arg, const void *pc)
{
	const struct wasm_thread *t = arg;
	const void *const from[] = { (const uint8_t *)pc + 1, left_at(t) };

	for (size_t k = 0; k < sizeof from / sizeof *from; k++)
		for (const struct wasm_instance *in = t->instances; in && from[k]; in = in->next) {
			const struct load_function *f = function_at(in->module, from[k]);
			const char *name = f ? plain_name(in->module, f->name) : NULL;

			if (f)
				return name ? name : "(instantiation)";
		}
	return NULL;
}

/* ---- Runs ------------------------------------------------------------------------------------ */

enum wasm_end wasm_run_opening(struct wasm_thread *t, struct wasm_instance *opening,
			       void (*body)(void *), void *arg, char error[WASM_ERROR])
{
	struct wasm_landing landing = { .thread = t,
					.outer = current,
					.exit_frame = t->host.activation.exit_frame,
					.error = error,
					.opening = opening };

	error[0] = 0;
	const struct watched outer = watch_code((struct watched){ running_at, t });
	current = t->landing = &landing;
	int end = setjmp(landing.back);
	if (!end)
		body(arg);
	watch_code(outer);
	current = t->landing = landing.outer;
	t->host.activation.exit_frame = landing.exit_frame;
	return (enum wasm_end)end;
}

enum wasm_end wasm_run(struct wasm_thread *t, void (*body)(void *), void *arg,
		       char error[WASM_ERROR])
{
	return wasm_run_opening(t, NULL, body, arg, error);
}

void wasm_exit(struct wasm_thread *t, uint32_t code)
{
	t->exit_code = code;
	longjmp(t->landing->back, WASM_EXITED);
}

void wasm_stop(struct wasm_instance *in, const void *pc, const char *what)
{
	struct wasm_landing *landing = current;
	const struct load_function *f = NULL;

	if (!in)
		in = landing->opening ? landing->opening : landing->thread->instances;
	for (struct wasm_instance *i = in; i && pc && !f; i = i->next)
		if ((f = function_at(i->module, pc)))
			in = i;
	if (!f && in && (pc = left_at(landing->thread)))
		f = function_at(in->module, pc);
	const char *name = f ? plain_name(in->module, f->name) : "(none)";
	snprintf(landing->error, WASM_ERROR, "%s: %s%s%s", in ? in->module->name : "wasm", what,
		 name ? " in function " : ", of a segment, while it is instantiated",
		 name ? name : "");
	if (in)
		in->failed[0] = 0;
	longjmp(landing->back, WASM_TRAPPED);
}

void wasm_rt_trap(wasm_rt_trap_t why)
{
	static const char *const words[WASM_RT_TRAPS] = {
		[WASM_RT_TRAP_NONE] = "nothing",
		[WASM_RT_TRAP_OOB] = "out of bounds access",
		[WASM_RT_TRAP_INT_OVERFLOW] = "integer overflow",
		[WASM_RT_TRAP_DIV_BY_ZERO] = "integer divide by zero",
		[WASM_RT_TRAP_INVALID_CONVERSION] = "conversion of NaN to an integer",
		[WASM_RT_TRAP_UNREACHABLE] = "unreachable",
		[WASM_RT_TRAP_CALL_INDIRECT] = "indirect call",
		[WASM_RT_TRAP_EXHAUSTION] = "stack overflow",
	};

	wasm_stop(NULL, __builtin_return_address(0), words[why]);
}

void wasm_rt_trap_indirect(const wasm_rt_funcref_t *entry)
{
	wasm_stop(NULL, __builtin_return_address(0),
		  !entry	 ? "indirect call outside of the table"
		  : !entry->func ? "indirect call of an empty table entry"
				 : "indirect call of a function with another signature");
}
