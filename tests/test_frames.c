/*
 * test_frames.c - the pieces that a watch is told of, for every strategy of list.h, and unwinding
 * through its stubs: by libgcc, at each instruction of a stub that is executed, one after another,
 * on the straight and on the slow paths, and from inside the callee.
 *
 * The processor's trap flag is set in the two trampolines of stub_probe.h, around the stub. At
 * each trap inside the stubs' area a backtrace is taken in the signal handler: it must find
 * the caller's rbp and return address, and go on from there. In C the flag is dropped, as
 * traps are slow: the runtime's functions set it again at their ends. It stays on through
 * lazy's C only in a few crossings.
 */
#include <signal.h>
#include <stubmap/watch.h>
#include <ucontext.h>
#include <unwind.h>

#include "running_helpers.h"
#include "stub_slow.h"

void __register_frame(const void *section);
void __deregister_frame(const void *section);

/* ---- Pieces --------------------------------------------------------------------------------- */

enum { PIECES = 4096 };

struct told {
	struct stub_frames *frames; /* NULL: not yet */
	unsigned n;
	struct stub_piece pieces[PIECES]; /* live, in no order, without their changes of frame */
};

static struct told told;

static bool overlap(const struct stub_piece *a, const struct stub_piece *b)
{
	return a->at < b->at + b->bytes && b->at < a->at + a->bytes;
}

static void made(void *arg, const struct stub_piece *p)
{
	struct told *t = arg;

	for (unsigned i = 0; i < p->nchanges; i++) {
		assert_true(p->changes[i].frame < STUB_FRAMES);
		assert_true(p->changes[i].at <= p->bytes);
		assert_true(!i || p->changes[i].at >= p->changes[i - 1].at);
	}
	assert_true(p->role < STUB_ROLES && p->bytes && p->by);
	for (unsigned i = 0; i < t->n; i++) /* a slot lies in a run of slots */
		if (overlap(p, &t->pieces[i]))
			assert_true(t->pieces[i].role == STUB_ROLE_SLOTS &&
				    p->role == STUB_ROLE_STUB);
	assert_true(t->n < PIECES);
	t->pieces[t->n++] = *p;
	if (t->frames)
		stub_frames_made(t->frames, p);
}

static void gone(void *arg, const uint8_t *at, size_t bytes)
{
	struct told *t = arg;

	for (unsigned i = t->n; i-- > 0;)
		if (t->pieces[i].at >= at && t->pieces[i].at < at + bytes)
			t->pieces[i] = t->pieces[--t->n];
}

static void moved(void *arg, const uint8_t *from, const uint8_t *to)
{
	struct told *t = arg;

	for (unsigned i = t->n; i-- > 0;)
		if (t->pieces[i].at == from && t->pieces[i].role == STUB_ROLE_STUB) {
			assert_true(t->n < PIECES);
			t->pieces[t->n] = t->pieces[i];
			t->pieces[t->n++].at = to;
			return;
		}
	fail_msg("what moved was not told");
}

static const struct stub_watch watch = { made, gone, moved, &told };

/* The piece that begins at a code pointer. */
static const struct stub_piece *piece_at(const void *code)
{
	const struct stub_piece *found = NULL;

	for (unsigned i = 0; i < told.n; i++)
		if (told.pieces[i].at == code && told.pieces[i].role != STUB_ROLE_SLOTS) {
			assert_null(found);
			found = &told.pieces[i];
		}
	return found;
}

static struct set_up *open_watched(const struct stub_ops *ops, struct code_config code,
				   struct stub_config stubs, const struct stub_runtime *runtime)
{
	struct set_up *t = calloc(1, sizeof *t);

	assert_non_null(t);
	t->seed = 7;
	code.watch = &watch;
	told = (struct told){ 0 };
	assert_int_equal(code_open(&t->code, &code), 0);
	world_open(&t->w, t->code);
	assert_int_equal(stub_frames_open(&told.frames, t->code), 0);
	__register_frame(stub_frames_section(told.frames, NULL));
	assert_int_equal(stub_space_open(&t->space, ops, t->code, &stubs, runtime), 0);
	return t;
}

static void close_watched(struct set_up *t)
{
	__deregister_frame(stub_frames_section(told.frames, NULL));
	stub_frames_close(told.frames);
	close_set_up(t);
}

/* The strategy named is the one that made the code, perhaps for another: lazy, near. */
static void check_name(const struct stub_piece *p, const struct stub_spec *spec)
{
	char name[STUB_PIECE_NAME], want[80], signature[20];

	assert_non_null(stub_strategy(p->by));
	snprintf(want, sizeof want, "%s %s/%s %s", p->role == STUB_ROLE_STUB ? "stub" : "body",
		 p->by, stub_kind_names[spec->kind],
		 stub_signature_format(spec->signature, signature));
	assert_string_equal(stub_piece_name(p, name), want);
}

static void pieces_of(const struct stub_ops *ops, enum stub_literals literals)
{
	enum { STUBS = 60 };
	struct set_up *t = open_watched(
	    ops, (struct code_config){ .quantum = 4096 },
	    (struct stub_config){ .literals = literals, .policy = STUB_ONE }, &world_runtime);
	struct stub_callee c[STUBS] = { 0 };
	struct stub_spec specs[STUBS];

	for (unsigned turn = 0; turn < 3; turn++) {
		for (unsigned i = 0; i < STUBS; i++) {
			const enum stub_kind kind = (i + turn) % STUB_KINDS;

			specs[i] = spec_of(&t->w, kind, some_signature(i / 5 + turn), i % 4, 1);
			assert_int_equal(ops->bind(&t->space, &specs[i], &c[i]), 0);
			assert_non_null(piece_at(c[i].code));
			call_one(t, &specs[i], &c[i], i % 4);
		}
		for (unsigned i = 0; i < STUBS; i++) {
			const struct stub_piece *p = piece_at(c[i].code);

			assert_non_null(p);
			assert_true(p->role <= STUB_ROLE_BODY);
			check_name(p, &specs[i]);
		}
		if (turn && ops->reclaim) /* stubs may move */
			ops->reclaim(&t->space);
		for (unsigned i = turn; i < STUBS; i++) {
			const void *code = c[i].code;
			const bool own = piece_at(code)->role == STUB_ROLE_STUB;

			ops->release(&t->space, &c[i]);
			assert_true(!own || !piece_at(code));
		}
		for (unsigned i = 0; i < turn; i++)
			ops->release(&t->space, &c[i]);
	}
	close_watched(t);
}

static void a_watch_is_told_of_all_stubs(void **state)
{
	(void)state;
	for (unsigned i = 0; stub_strategies[i]; i++)
		for (int form = STUB_LITERALS_BAKED; form < FORMS; form++)
			if (takes(stub_strategies[i], form))
				pieces_of(stub_strategies[i], form);
}

/* ---- Unwinding ------------------------------------------------------------------------------ */

/* Asserts in a signal handler would jump out of it: a fault is noted, and checked later. */
static struct {
	uintptr_t from, to;    /* the stubs' area */
	uintptr_t begun, rbp;  /* rsp at the stub's first instruction, and the caller's rbp */
	uintptr_t back;	       /* where that returns to */
	unsigned steps, wrong; /* traps in stubs; those whose backtrace was wrong */
	uintptr_t wrong_at;
	unsigned outside; /* traps that are left for code outside the stubs */
} crossing;

enum { FEW = 300, MANY = 20000 }; /* traps in C */

struct backtrace {
	unsigned frames, in_stubs;
	uintptr_t pc; /* the frame wanted */
	uintptr_t back, rbp;
	bool found, called, left;
};

static bool in_stubs(uintptr_t pc)
{
	return pc >= crossing.from && pc < crossing.to;
}

/* The caller's frame comes right behind the stub's, and then C functions up to main. */
static _Unwind_Reason_Code look(struct _Unwind_Context *context, void *arg)
{
	struct backtrace *trace = arg;
	const uintptr_t pc = _Unwind_GetIP(context);
	const bool caller = pc >= (uintptr_t)probe_call && pc < (uintptr_t)probe_entry;

	trace->frames++;
	trace->in_stubs += in_stubs(pc);
	if (trace->found && !trace->called) {
		trace->back = pc;
		trace->rbp = _Unwind_GetGR(context, 6);
		trace->called = true;
	} else if (trace->called) {
		trace->left = true;
	}
	if (trace->pc ? pc == trace->pc : caller) {
		trace->found = true;
	}
	return trace->frames < 40 ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static void on_trap(int number, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	const uintptr_t pc = (uintptr_t)regs[REG_RIP];
	struct backtrace trace = { .pc = pc };

	(void)number;
	(void)info;
	if (!in_stubs(pc)) {
		const bool probes = pc >= (uintptr_t)probe_call && pc < (uintptr_t)probe_end;

		crossing.outside -= !probes && crossing.outside;
		if (!crossing.outside)
			regs[REG_EFL] &= ~PROBE_TRAP;
		return;
	}
	if (!crossing.begun) {
		crossing.begun = (uintptr_t)regs[REG_RSP];
		crossing.rbp = (uintptr_t)regs[REG_RBP];
		crossing.back = *(const uintptr_t *)(uintptr_t)regs[REG_RSP];
	}
	crossing.steps++;
	_Unwind_Backtrace(look, &trace);
	if (trace.called && trace.left && trace.back == crossing.back && trace.rbp == crossing.rbp)
		return;
	crossing.wrong++;
	crossing.wrong_at = pc;
}

/* From inside the callee: the stub's frame, if it makes one, and the caller. */
static void look_from_inside(struct world *w, struct probe *p, struct probe_seen *seen)
{
	struct backtrace trace = { 0 };

	(void)p;
	(void)seen;
	_Unwind_Backtrace(look, &trace);
	assert_true(trace.found && trace.called && trace.left);
	if (has_frame(w->kind, w->signature, w->nbound))
		assert_int_equal(trace.in_stubs, 1);
}

/* A few instructions of C are enough for the runtime's functions to get back. */
static void begin(const struct set_up *t, unsigned outside)
{
	const unsigned steps = crossing.steps;

	memset(&crossing, 0, sizeof crossing);
	crossing.steps = steps;
	crossing.outside = outside;
	code_range(t->code, CODE_STUBS, &crossing.from, &crossing.to);
	probe_step = PROBE_TRAP;
}

static void end(void)
{
	probe_step = 0;
	if (crossing.wrong)
		fail_msg("%u backtraces are wrong, the last at %#lx", crossing.wrong,
			 (unsigned long)crossing.wrong_at);
}

static void step_one(struct set_up *t, struct stub_spec *spec, struct stub_callee *c,
		     unsigned probe, unsigned outside)
{
	begin(t, outside);
	call_one(t, spec, c, probe);
	end();
}

static void step_ref_errors(struct set_up *t, struct stub_spec *spec, struct stub_callee *c)
{
	if (spec->kind != STUB_CALL_REF)
		return;
	begin(t, FEW);
	expect_spec(&t->w, spec, &t->seed);
	t->w.expected ^= 1;
	assert_int_equal(call_raw(&t->w, c), 0);
	assert_int_equal(t->w.raised, 1);
	end();
}

static void step_slow(struct set_up *t, struct stub_spec *spec, struct stub_callee *c)
{
	const stub_signature s = spec->signature;

	if (spec->kind == STUB_EXIT_JS) {
		begin(t, FEW);
		expect(&t->w, STUB_EXIT_JS, s, spec->context, &t->seed);
		t->w.host_error = 1;
		assert_int_equal(call_raw(&t->w, c), 0);
		end();
	}
	if (spec->kind != STUB_ENTRY_JS || !stub_nparams(s))
		return;
	for (int error = 0; error < 2; error++) {
		begin(t, FEW);
		expect(&t->w, STUB_ENTRY_JS, s, spec->context, &t->seed);
		t->w.convert_error = error;
		call_js(&t->w, c, NULL, 0);
		assert_int_equal(t->w.converted, 1);
		end();
	}
}

static void step_all(const struct stub_ops *ops, enum code_wx wx, struct stub_config stubs)
{
	static const char *const texts[] = { ">", "iid>l", "ilfdr>d", "rrrrrrrr>f", "ddddddddd>r" };
	struct stub_runtime runtime = world_runtime;

	runtime.released = (void (*)(const struct stub_owner *))abort;
	const unsigned deferred = ops->flags & STUB_DEFERRED ? 1 : 0;

	stubs.policy = STUB_ONE;
	struct set_up *t =
	    open_watched(ops, (struct code_config){ .wx = wx, .quantum = 4096 }, stubs, &runtime);
	t->w.hook = look_from_inside;
	for (unsigned i = stubs.poison; i < (stubs.poison ? 2 : sizeof texts / sizeof *texts); i++)
		for (unsigned kind = 0; kind < STUB_KINDS; kind++) {
			struct stub_spec spec =
			    spec_of(&t->w, kind, parsed(texts[i]), 2 + (kind + i) % 2, 1);
			struct stub_callee c = { 0 };

			assert_int_equal(ops->bind(&t->space, &spec, &c), 0);
			for (unsigned n = 0; n <= deferred * (1 + stubs.generic); n++)
				step_one(t, &spec, &c, 2 + (kind + i) % 2,
					 deferred && i == 1 && !stubs.poison && n < 2 ? MANY : FEW);
			step_ref_errors(t, &spec, &c);
			step_slow(t, &spec, &c);
			assert_int_equal(ops->retarget(&t->space, &c, t->w.probes[5].entry), 0);
			step_one(t, &spec, &c, 5, FEW);
			if (kind % 2)
				ops->release(&t->space, &c);
		}
	close_watched(t);
}

static void unwinding_is_right_at_each_instruction(void **state)
{
	struct sigaction action = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO }, before;
	unsigned n = 0, total = 0;

	(void)state;
	assert_int_equal(sigaction(SIGTRAP, &action, &before), 0);
	for (unsigned i = 0; stub_strategies[i]; i++)
		for (int form = STUB_LITERALS_BAKED; form < FORMS; form++)
			for (unsigned poison = 0; poison < 2; poison++, n++) {
				const struct stub_ops *ops = stub_strategies[i];
				struct stub_config stubs = { .literals = form,
							     .poison = poison,
							     .markers = n % 3 == 0 };

				crossing.steps = 0;
				if (takes(ops, form))
					step_all(ops, wx_of((unsigned)n), stubs);
				stubs.generic = 2;
				if (takes(ops, form) && ops->flags & STUB_DEFERRED)
					step_all(ops, wx_of((unsigned)n), stubs);
				assert_true(!takes(ops, form) || crossing.steps > 100);
				total += crossing.steps;
			}
	sigaction(SIGTRAP, &before, NULL);
	print_message("backtraces at %u instructions of stubs\n", total);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_watch_is_told_of_all_stubs),
		cmocka_unit_test(unwinding_is_right_at_each_instruction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
