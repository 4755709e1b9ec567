/*
 * callers.c - writes the IR of the requested part of a scenario.
 *
 * The code of a site is written in one place (site_*), whatever the shape; the shape only decides
 * how sites are put into functions:
 *
 *   straight   round: part0(x) part1(x) ...        part: 512 sites in line, one after another
 *   dispatch   round: for e in events: thunks[e]   thunk: one site
 *   chosen     round: nevents times thunks[events[scenario_choice(x, i)]]
 *
 * The code pointer is loaded at every site by a plain load. The call before it may write memory, so
 * no optimiser can keep it from one site to the next, and instruction selection still folds it into
 * the call; a volatile or atomic load would cost a register and an instruction that engines don't
 * have there. Targets and thunks are reached through pointers or from another module: nothing
 * is inlined across a boundary.
 *
 * Sites are marked noimplicitfloat: it keeps -O2 from vectorising the stores of neighbouring
 * arguments. That took most of the compile time, and no engine does it there.
 */
#include "calls/ir.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

_Static_assert((int)BOUNDARY_KINDS == (int)STUB_KINDS && (int)BOUNDARY_REF == (int)STUB_CALL_REF &&
		   (int)SCENARIO_MAX_BOUND == (int)STUB_MAX_BOUND,
	       "boundaries and stubs list their kinds in the same order");
_Static_assert(sizeof(struct stub_callee) == 32 && offsetof(struct stub_callee, code) == 0,
	       "callees");
_Static_assert(offsetof(struct callers_state, x) == 0 &&
		   offsetof(struct callers_state, listed) == 4 &&
		   offsetof(struct callers_state, rounds) == 8 &&
		   offsetof(struct callers_state, events) == 16 &&
		   offsetof(struct callers_state, nevents) == 24 &&
		   offsetof(struct callers_state, instances) == 32 &&
		   offsetof(struct callers_state, callees) == 96,
	       "state");

/* ---- Sites ------------------------------------------------------------------------------ */

/* Whether calls go through callees, wherever these lie. */
static bool by_callees(const struct ir_writer *w)
{
	return w->part != CALLERS_DIRECT;
}

static const struct boundary *site_boundary(const struct ir_writer *w, const struct ir_site *e)
{
	return &w->scenario->boundaries[e->like];
}

/* The address of a site's callee as an operand of type ptr: a constant, or %callees and more. */
static void site_callee(struct ir_writer *w, const struct ir_site *e, char out[64])
{
	size_t at = e->number * sizeof(struct stub_callee);

	if (w->part == CALLERS_SHARED)
		snprintf(out, 64, "%%v%u",
			 ir_let(w, "getelementptr i8, ptr %%callees, i64 %zu", at));
	else
		snprintf(out, 64, "getelementptr (i8, ptr @callees, i64 %zu)", at);
}

/* What a site calls, as an operand: the code pointer, loaded here and now,
 * or a symbol that the loader binds. */
static void site_code(struct ir_writer *w, const struct ir_site *e, const char *callee,
		      char out[64])
{
	if (w->part == CALLERS_NEAR)
		snprintf(out, 64, "@s%" PRIu32, e->number);
	else
		snprintf(out, 64, "%%v%u", ir_let(w, "load ptr, ptr %s", callee));
}

/* Whether a site passes the callee's context, so that the target itself may be called. */
static bool site_passes_context(const struct ir_writer *w, const struct ir_site *e)
{
	return (w->part == CALLERS_NEAR || w->part == CALLERS_PASSING) &&
	       site_boundary(w, e)->kind == BOUNDARY_INDIRECT;
}

unsigned ir_first_passed(const struct ir_writer *w, const struct ir_site *e)
{
	return by_callees(w) ? site_boundary(w, e)->nbound : 0;
}

/* For all kinds but the entries, and for every kind in direct calls: R (ctx, args...). */
static unsigned site_native(struct ir_writer *w, const struct ir_site *e, const unsigned *values)
{
	stub_signature s = w->signatures[e->like];
	enum stub_type result = stub_result(s);
	const struct boundary *b = site_boundary(w, e);
	char callee[64] = "", code[64];
	unsigned ctx = 0;

	if (by_callees(w)) {
		site_callee(w, e, callee);
		site_code(w, e, callee, code);
	} else {
		uint32_t i = b->kind == BOUNDARY_BUILTIN ? 0 : e->instance;

		ctx = ir_let(w, "getelementptr i8, ptr %%state, i64 %" PRIu32, 32 + 8 * i);
		ctx = ir_let(w, "load ptr, ptr %%v%u", ctx);
		snprintf(code, sizeof(code), "@t%" PRIu32, e->target);
	}
	if (site_passes_context(w, e)) {
		ctx = ir_let(w, "getelementptr i8, ptr %s, i64 16", callee);
		ctx = ir_let(w, "load ptr, ptr %%v%u", ctx);
	}
	fputs("  ", w->f);
	if (result != STUB_VOID)
		fprintf(w->f, "%%v%u = ", w->last + 1);
	fprintf(w->f, "call %s %s(", ir_types[result], code);
	if (ctx)
		fprintf(w->f, "ptr %%v%u", ctx);
	else
		fprintf(w->f, "ptr nest %s, ptr %%ctx", callee);
	for (unsigned j = ir_first_passed(w, e); j < stub_nparams(s); j++)
		fprintf(w->f, ", %s %%v%u", ir_types[stub_param(s, j)], values[j]);
	if (by_callees(w) && b->kind == BOUNDARY_REF)
		fprintf(w->f, ", ptr swiftself inttoptr (i64 %" PRIu64 " to ptr)", s);
	fputs(")\n", w->f);
	return result == STUB_VOID ? 0 : ++w->last;
}

static unsigned slot(struct ir_writer *w, const char *array, unsigned j)
{
	return ir_let(w, "getelementptr i64, ptr %%%s, i64 %u", array, j);
}

/* entry_native: void (argv). */
static unsigned site_entry_native(struct ir_writer *w, const struct ir_site *e,
				  const unsigned *values)
{
	stub_signature s = w->signatures[e->like];
	char callee[64], code[64];

	for (unsigned j = 0; j < stub_nparams(s); j++) {
		unsigned v = ir_widen(w, stub_param(s, j), values[j]);

		fprintf(w->f, "  store i64 %%v%u, ptr %%v%u\n", v, slot(w, "argv", j));
	}
	site_callee(w, e, callee);
	site_code(w, e, callee, code);
	fprintf(w->f, "  call void %s(ptr nest %s, ptr %%argv)\n", code, callee);
	return stub_result(s) == STUB_VOID
		   ? 0
		   : ir_let(w, "load %s, ptr %%argv", ir_types[stub_result(s)]);
}

/* entry_js: value (argv, argc), boxed. */
static unsigned site_entry_js(struct ir_writer *w, const struct ir_site *e, const unsigned *values)
{
	stub_signature s = w->signatures[e->like];
	char callee[64], code[64];

	for (unsigned j = 0; j < stub_nparams(s); j++) {
		unsigned v = ir_box(w, stub_param(s, j), values[j], slot(w, "bigints", j));

		fprintf(w->f, "  store i64 %%v%u, ptr %%v%u\n", v, slot(w, "argv", j));
	}
	site_callee(w, e, callee);
	site_code(w, e, callee, code);
	unsigned result = ++w->last;
	fprintf(w->f, "  %%v%u = call i64 %s(ptr nest %s, ptr %%argv, i64 %u)\n", result, code,
		callee, stub_nparams(s));
	return stub_result(s) == STUB_VOID ? 0 : ir_unbox(w, stub_result(s), result);
}

/* One crossing; x and the result are the numbers of the state's values. */
static unsigned site(struct ir_writer *w, const struct ir_site *e, unsigned x)
{
	stub_signature s = w->signatures[e->like];
	const struct boundary *b = site_boundary(w, e);
	unsigned values[STUB_MAX_PARAMS], result;

	for (unsigned j = ir_first_passed(w, e); j < stub_nparams(s); j++) {
		uint32_t salt = scenario_salt(e->number, j);
		unsigned v = j < b->nbound ? ir_let(w, "add i32 0, %" PRIu32, salt)
					   : ir_let(w, "add i32 %%v%u, %" PRIu32, x, salt);

		values[j] = ir_make(w, stub_param(s, j), v, 0);
	}
	if (w->part == CALLERS_DIRECT || b->kind >= BOUNDARY_EXIT_JS)
		result = site_native(w, e, values);
	else if (b->kind == BOUNDARY_ENTRY_NATIVE)
		result = site_entry_native(w, e, values);
	else
		result = site_entry_js(w, e, values);
	if (stub_result(s) == STUB_VOID)
		return ir_let(w, "add i32 %%v%u, 1", x);
	return ir_fold(w, stub_result(s), result);
}

/* ---- Functions of sites, and the round -------------------------------------------------- */

/* Writes what the sites of a function share: the caller's instance, and arrays for arguments. */
static void site_locals(struct ir_writer *w, const struct ir_function *f)
{
	unsigned words = 0;

	for (size_t i = 0; i < f->n; i++) {
		unsigned args = stub_nparams(w->signatures[f->sites[i].like]);

		if (site_boundary(w, &f->sites[i])->kind > BOUNDARY_ENTRY_JS)
			continue;
		if (words < args + !args) /* a result needs one, too */
			words = args + !args;
	}
	if (words)
		fprintf(w->f,
			"  %%argv = alloca [%u x i64], align 16\n"
			"  %%bigints = alloca [%u x i64], align 16\n",
			words, words);
	fputs("  %home = getelementptr i8, ptr %state, i64 32\n"
	      "  %ctx = load ptr, ptr %home\n",
	      w->f);
	if (w->part == CALLERS_SHARED)
		fputs("  %calleesat = getelementptr i8, ptr %state, i64 96\n"
		      "  %callees = load ptr, ptr %calleesat\n",
		      w->f);
}

/* Writes a function `i32 (state, x)` that crosses its boundaries in turn. */
static void site_function(struct ir_writer *w, const char *prefix, const struct ir_function *f)
{
	unsigned x = 0;

	w->last = 0;
	fprintf(w->f,
		"define internal i32 @%s%" PRIu32
		"(ptr %%state, i32 %%v0) noinline nounwind noimplicitfloat {\n",
		prefix, f->number);
	if (by_callees(w))
		site_locals(w, f);
	for (size_t i = 0; i < f->n; i++)
		x = site(w, &f->sites[i], x);
	fprintf(w->f, "  ret i32 %%v%u\n}\n", x);
}

static void round_head(struct ir_writer *w)
{
	fprintf(w->f,
		"define void @%s(ptr %%state) nounwind {\n"
		"entry:\n"
		"  %%first = load i32, ptr %%state\n"
		"  %%at = getelementptr i8, ptr %%state, i64 8\n"
		"  %%rounds = load i64, ptr %%at\n",
		by_callees(w) ? "round_slots" : "round_direct");
}

static void round_tail(struct ir_writer *w, const char *x)
{
	fprintf(w->f,
		"  %%less = add i64 %%left, -1\n"
		"  %%more = icmp ne i64 %%less, 0\n"
		"  br i1 %%more, label %%round, label %%end\n"
		"end:\n"
		"  store i32 %s, ptr %%state\n"
		"  ret void\n}\n",
		x);
}

/* Whether a part reads the state: the optimiser passes the state to no other part. */
static bool reads_state(const struct ir_writer *w, const struct ir_function *f)
{
	bool reads = !by_callees(w) || w->part == CALLERS_SHARED;

	for (size_t i = 0; i < f->n && !reads; i++)
		reads = site_boundary(w, &f->sites[i])->kind >= BOUNDARY_EXIT_JS &&
			!site_passes_context(w, &f->sites[i]);
	return reads;
}

/* Calls the module's own parts, so that they become the same code as in a
 * module with a round of them. */
static void write_keeper(struct ir_writer *w, const struct ir_list *list)
{
	fputs("define i32 @keep(ptr %state, i32 %x0) nounwind {\n", w->f);
	for (size_t p = 0; p < list->n; p++)
		fprintf(w->f, "  %%x%zu = call i32 @own%" PRIu32 "(ptr %%state, i32 %%x%zu)\n",
			p + 1, list->functions[p].number, p);
	fprintf(w->f, "  ret i32 %%x%zu\n}\n", list->n);
}

/* The round calls parts of its own module or, in the optimiser's calling convention,
 * parts of another module. */
static void write_straight(struct ir_writer *w, const struct ir_list *list,
			   const struct ir_list *whole)
{
	const struct ir_list *called = whole ? whole : list;
	char last[32];

	for (size_t p = 0; p < list->n; p++)
		site_function(w, whole ? "own" : "part", &list->functions[p]);
	if (whole)
		write_keeper(w, list);
	for (size_t p = 0; whole && p < called->n; p++)
		fprintf(w->f, "declare fastcc i32 @part%zu(%si32) nounwind\n", p,
			reads_state(w, &called->functions[p]) ? "ptr, " : "");
	snprintf(last, sizeof(last), "%%x%zu", called->n);
	round_head(w);
	fprintf(w->f,
		"  br label %%round\n"
		"round:\n"
		"  %%left = phi i64 [ %%rounds, %%entry ], [ %%less, %%round ]\n"
		"  %%x0 = phi i32 [ %%first, %%entry ], [ %s, %%round ]\n",
		last);
	for (size_t p = 0; p < called->n; p++)
		fprintf(w->f, "  %%x%zu = call %si32 @part%zu(%si32 %%x%zu)\n", p + 1,
			whole ? "fastcc " : "", p,
			!whole || reads_state(w, &called->functions[p]) ? "ptr %state, " : "", p);
	round_tail(w, last);
}

/* scenario_choice, unless the round is to run the events as they are listed. */
static const char choice[] = "  %at32 = trunc i64 %i to i32\n"
			     "  %spread = mul i32 %at32, -1640531527\n"
			     "  %h0 = add i32 %x1, %spread\n"
			     "  %h1 = lshr i32 %h0, 15\n"
			     "  %h2 = xor i32 %h0, %h1\n"
			     "  %h3 = mul i32 %h2, -2048144789\n"
			     "  %h4 = lshr i32 %h3, 13\n"
			     "  %h5 = xor i32 %h3, %h4\n"
			     "  %h6 = zext i32 %h5 to i64\n"
			     "  %h7 = mul i64 %h6, %nevents\n"
			     "  %h8 = lshr i64 %h7, 32\n"
			     "  %which = select i1 %inorder, i64 %i, i64 %h8\n";

static void write_dispatch(struct ir_writer *w, const struct ir_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		site_function(w, "c", &list->functions[i]);
	fprintf(w->f, "@thunks = internal constant [%zu x ptr] [", list->n);
	for (size_t i = 0; i < list->n; i++)
		fprintf(w->f, "%sptr @c%" PRIu32, i ? ", " : "", list->functions[i].number);
	fputs("]\n", w->f);
	round_head(w);
	fputs("  %eventsat = getelementptr i8, ptr %state, i64 16\n"
	      "  %events = load ptr, ptr %eventsat\n"
	      "  %neventsat = getelementptr i8, ptr %state, i64 24\n"
	      "  %nevents = load i64, ptr %neventsat\n"
	      "  %listedat = getelementptr i8, ptr %state, i64 4\n"
	      "  %listed = load i32, ptr %listedat\n"
	      "  %inorder = icmp ne i32 %listed, 0\n"
	      "  br label %round\n"
	      "round:\n"
	      "  %left = phi i64 [ %rounds, %entry ], [ %less, %rounded ]\n"
	      "  %x0 = phi i32 [ %first, %entry ], [ %x2, %rounded ]\n"
	      "  br label %event\n"
	      "event:\n"
	      "  %i = phi i64 [ 0, %round ], [ %next, %event ]\n"
	      "  %x1 = phi i32 [ %x0, %round ], [ %x2, %event ]\n",
	      w->f);
	fputs(w->scenario->shape == SCENARIO_CHOSEN ? choice : "  %which = add i64 %i, 0\n", w->f);
	fputs("  %eventat = getelementptr i32, ptr %events, i64 %which\n"
	      "  %number = load i32, ptr %eventat\n"
	      "  %wide = zext i32 %number to i64\n"
	      "  %thunkat = getelementptr ptr, ptr @thunks, i64 %wide\n"
	      "  %thunk = load ptr, ptr %thunkat\n"
	      "  %x2 = call i32 %thunk(ptr %state, i32 %x1)\n"
	      "  %next = add i64 %i, 1\n"
	      "  %again = icmp ult i64 %next, %nevents\n"
	      "  br i1 %again, label %event, label %rounded\n"
	      "rounded:\n",
	      w->f);
	round_tail(w, "%x2");
}

/* Declares what a site calls by its name. */
static void declare(struct ir_writer *w, const struct ir_site *e)
{
	const stub_signature s = w->signatures[e->like];
	const enum boundary_kind kind = site_boundary(w, e)->kind;
	const bool near = w->part == CALLERS_NEAR;

	if (near && kind <= BOUNDARY_ENTRY_JS) {
		fprintf(w->f, "declare %s @s%" PRIu32 "(ptr nest, ptr%s)\n",
			kind == BOUNDARY_ENTRY_JS ? "i64" : "void", e->number,
			kind == BOUNDARY_ENTRY_JS ? ", i64" : "");
		return;
	}
	fprintf(w->f, "declare %s @%c%" PRIu32 "(ptr", ir_types[stub_result(s)], near ? 's' : 't',
		near ? e->number : e->target);
	if (near && !site_passes_context(w, e))
		fputs(" nest, ptr", w->f);
	for (unsigned j = ir_first_passed(w, e); j < stub_nparams(s); j++)
		fprintf(w->f, ", %s", ir_types[stub_param(s, j)]);
	fputs(near && kind == BOUNDARY_REF ? ", ptr swiftself)\n" : ")\n", w->f);
}

static int by_number(const void *a, const void *b)
{
	const struct ir_site *const *s = a, *const *t = b;

	return ((*s)->number > (*t)->number) - ((*s)->number < (*t)->number);
}

static int by_target(const void *a, const void *b)
{
	const struct ir_site *const *s = a, *const *t = b;

	return ((*s)->target > (*t)->target) - ((*s)->target < (*t)->target);
}

/* Declares each thing that the functions' sites call by name once. */
static int declare_called(struct ir_writer *w, const struct ir_list *list)
{
	int (*order)(const void *, const void *) = w->part == CALLERS_NEAR ? by_number : by_target;
	const struct ir_site **called;
	size_t n = 0, m = 0;

	for (size_t i = 0; i < list->n; i++)
		n += list->functions[i].n;
	called = malloc((n + 1) * sizeof(*called));
	if (!called)
		return -ENOMEM;
	for (size_t i = 0; i < list->n; i++)
		for (uint32_t j = 0; j < list->functions[i].n; j++)
			called[m++] = &list->functions[i].sites[j];
	qsort(called, n, sizeof(*called), order);
	for (size_t i = 0; i < n; i++)
		if (!i || order(&called[i - 1], &called[i]))
			declare(w, called[i]);
	free(called);
	return 0;
}

static int write_callers(struct ir_writer *w, const struct ir_list *list,
			 const struct ir_list *whole)
{
	if (w->part == CALLERS_SLOTS || w->part == CALLERS_NEAR || w->part == CALLERS_PASSING)
		fputs("@callees = external dso_local global [0 x i8], align 16\n", w->f);
	if ((w->part == CALLERS_NEAR || w->part == CALLERS_DIRECT) && declare_called(w, list))
		return -ENOMEM;
	if (w->scenario->shape == SCENARIO_STRAIGHT)
		write_straight(w, list, whole);
	else
		write_dispatch(w, list);
	return 0;
}

int ir_module(struct ir_writer *w, const struct ir_list *list, const struct ir_list *whole,
	      char **text, size_t *size)
{
	int err = 0;

	*text = NULL;
	w->f = open_memstream(text, size);
	if (!w->f)
		return -ENOMEM;
	fprintf(w->f, "@refs = external dso_local global [%d x i32], align 16\n", SCENARIO_REFS);
	if (w->part == CALLERS_TARGETS)
		ir_targets(w, list, whole);
	else
		err = write_callers(w, list, whole);
	if (ferror(w->f))
		err = -ENOMEM;
	if (fclose(w->f) != 0)
		err = -ENOMEM;
	if (err) {
		free(*text);
		*text = NULL;
	}
	return err;
}

int callers_text(const struct scenario *s, enum callers_part part, char **text, size_t *size)
{
	struct ir_writer w;
	struct ir_list list = { 0 };
	int err = ir_open(&w, s, part);

	*text = NULL;
	if (!err)
		err = ir_list_open(&w, &list);
	if (!err)
		err = ir_module(&w, &list, NULL, text, size);
	ir_list_close(&list);
	ir_close(&w);
	return err;
}
