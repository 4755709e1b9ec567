/*
 * targets.c - the far side of each boundary: a function that computes workload.h's formula,
 * natively and, for exit_js, as a host function that takes and returns boxed values.
 *
 * The version is not in memory but an absolute symbol, like a constant that tier-up compiles in:
 * the same object, loaded with another value for it, is another set of targets.
 */
#include "calls/ir.h"

#include <inttypes.h>

_Static_assert(offsetof(struct instance, salt) == 8 &&
		   offsetof(struct instance, accumulator) == 12 &&
		   offsetof(struct instance, bigint) == 16,
	       "the offsets written below");

/* ---- Targets --------------------------------------------------------------------------------- */

/* Writes the formula for values of the parameters' types; returns h. */
static unsigned target_hash(struct ir_writer *w, const struct ir_site *e, const unsigned *values)
{
	stub_signature s = w->signatures[e->like];
	unsigned h = ir_let(w, "getelementptr i8, ptr %%ctx, i64 8");

	h = ir_let(w, "load i32, ptr %%v%u", h);
	h = ir_let(w, "add i32 %%v%u, ptrtoint (ptr @version to i32)", h);
	h = ir_let(w, "add i32 %%v%u, %" PRId64, h,
		   (int64_t)e->number - 1); /* @version is version + 1 */
	for (unsigned j = 0; j < stub_nparams(s); j++) {
		unsigned v = ir_fold(w, stub_param(s, j), values[j]);

		h = ir_let(w, "call i32 @llvm.fshl.i32(i32 %%v%u, i32 %%v%u, i32 5)", h, h);
		h = ir_let(w, "add i32 %%v%u, %%v%u", h, v);
	}
	return h;
}

static void target_accumulate(struct ir_writer *w, unsigned h)
{
	unsigned at = ir_let(w, "getelementptr i8, ptr %%ctx, i64 12");
	unsigned old = ir_let(w, "load i32, ptr %%v%u", at);

	h = ir_let(w, "xor i32 %%v%u, %%v%u", old, h);
	fprintf(w->f, "  store i32 %%v%u, ptr %%v%u\n", h, at);
}

static void target_native(struct ir_writer *w, const struct ir_function *f)
{
	const struct ir_site *e = f->sites;
	stub_signature s = w->signatures[e->like];
	enum stub_type result = stub_result(s);
	unsigned values[STUB_MAX_PARAMS], h;

	w->last = 0;
	fprintf(w->f, "define %s @t%" PRIu32 "(ptr %%ctx", ir_types[result], f->number);
	for (unsigned j = 0; j < stub_nparams(s); j++) {
		values[j] = ++w->last;
		fprintf(w->f, ", %s %%v%u", ir_types[stub_param(s, j)], values[j]);
	}
	fputs(") nounwind align 16 {\n", w->f);
	h = target_hash(w, e, values);
	if (result == STUB_VOID) {
		target_accumulate(w, h);
		fputs("  ret void\n}\n", w->f);
		return;
	}
	h = ir_make(w, result, h, 0x55555555);
	fprintf(w->f, "  ret %s %%v%u\n}\n", ir_types[result], h);
}

/* Writes a host function: int (ctx, argv, argc), all values boxed, its result in argv[0]. */
static void target_host(struct ir_writer *w, const struct ir_function *f)
{
	const struct ir_site *e = f->sites;
	stub_signature s = w->signatures[e->like];
	enum stub_type result = stub_result(s);
	unsigned values[STUB_MAX_PARAMS], v;

	w->last = 0;
	fprintf(w->f, "define i32 @h%" PRIu32 "(ptr %%ctx, ptr %%argv, i64) nounwind align 16 {\n",
		f->number);
	for (unsigned j = 0; j < stub_nparams(s); j++) {
		v = ir_let(w, "getelementptr i64, ptr %%argv, i64 %u", j);
		v = ir_let(w, "load i64, ptr %%v%u", v);
		values[j] = ir_unbox(w, stub_param(s, j), v);
	}
	v = target_hash(w, e, values);
	if (result == STUB_VOID) {
		target_accumulate(w, v);
		fprintf(w->f, "  store i64 %" PRIu64 ", ptr %%argv\n",
			(uint64_t)STUB_VALUE_UNDEFINED << 48);
	} else {
		v = ir_make(w, result, v, 0x55555555);
		v = ir_box(w, result, v, ir_let(w, "getelementptr i8, ptr %%ctx, i64 16"));
		fprintf(w->f, "  store i64 %%v%u, ptr %%argv\n", v);
	}
	fputs("  ret i32 0\n}\n", w->f);
}

void ir_targets(struct ir_writer *w, const struct ir_list *list, bool padded)
{
	fputs("@version = external hidden global i8, !absolute_symbol !0\n"
	      "!0 = !{i64 0, i64 2147483648}\n"
	      "declare i32 @llvm.fshl.i32(i32, i32, i32)\n",
	      w->f);
	for (size_t i = 0; i < list->n; i++)
		(list->functions[i].form == IR_HOST ? target_host
						    : target_native)(w, &list->functions[i]);
	if (padded)
		fputs("define void @end() nounwind align 16 {\n  ret void\n}\n", w->f);
}
