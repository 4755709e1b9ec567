/*
 * ir.c - writes IR text, value by value. Values are numbered, not named, so that sixteen thousand
 * sites are written and parsed in a fraction of the time that compiling them takes.
 */
#include "calls/ir.h"

#include <inttypes.h>
#include <stdarg.h>

#define PAYLOAD "281474976710655" /* the low 48 bits */

const char *const ir_types[STUB_TYPES] = { "void", "i32", "i64", "float", "double", "ptr" };

unsigned ir_let(struct ir_writer *w, const char *fmt, ...)
{
	va_list ap;

	fprintf(w->f, "  %%v%u = ", ++w->last);
	va_start(ap, fmt);
	vfprintf(w->f, fmt, ap);
	va_end(ap);
	fputc('\n', w->f);
	return w->last;
}

/* ---- Values: made from the state, boxed, unboxed, folded back -------------------------------- */

unsigned ir_make(struct ir_writer *w, enum stub_type type, unsigned v, uint32_t low)
{
	unsigned a, b;

	switch (type) {
	case STUB_I64:
		a = ir_let(w, "zext i32 %%v%u to i64", v);
		a = ir_let(w, "shl i64 %%v%u, 32", a);
		b = ir_let(w, "xor i32 %%v%u, %" PRIu32, v, low);
		b = ir_let(w, "zext i32 %%v%u to i64", b);
		return ir_let(w, "or i64 %%v%u, %%v%u", a, b);
	case STUB_F32:
	case STUB_F64:
		a = ir_let(w, "and i32 %%v%u, 65535", v);
		return ir_let(w, "sitofp i32 %%v%u to %s", a, ir_types[type]);
	case STUB_REF:
		a = ir_let(w, "and i32 %%v%u, %d", v, SCENARIO_REFS - 1);
		a = ir_let(w, "zext i32 %%v%u to i64", a);
		return ir_let(w, "getelementptr i32, ptr @refs, i64 %%v%u", a);
	default:
		return v;
	}
}

unsigned ir_fold(struct ir_writer *w, enum stub_type type, unsigned v)
{
	unsigned a, b;

	switch (type) {
	case STUB_I64:
		a = ir_let(w, "trunc i64 %%v%u to i32", v);
		b = ir_let(w, "lshr i64 %%v%u, 32", v);
		b = ir_let(w, "trunc i64 %%v%u to i32", b);
		b = ir_let(w, "shl i32 %%v%u, 1", b);
		return ir_let(w, "add i32 %%v%u, %%v%u", a, b);
	case STUB_F32:
	case STUB_F64:
		return ir_let(w, "fptosi %s %%v%u to i32", ir_types[type], v);
	case STUB_REF:
		return ir_let(w, "load i32, ptr %%v%u", v);
	default:
		return v;
	}
}

static unsigned tagged(struct ir_writer *w, unsigned payload, uint64_t tag)
{
	return ir_let(w, "or i64 %%v%u, %" PRIu64, payload, tag << 48);
}

unsigned ir_box(struct ir_writer *w, enum stub_type type, unsigned v, unsigned at)
{
	switch (type) {
	case STUB_I32:
		return tagged(w, ir_let(w, "zext i32 %%v%u to i64", v), STUB_VALUE_INT32);
	case STUB_I64:
		fprintf(w->f, "  store i64 %%v%u, ptr %%v%u\n", v, at);
		return tagged(w, ir_let(w, "ptrtoint ptr %%v%u to i64", at), STUB_VALUE_BIGINT);
	case STUB_F32:
		v = ir_let(w, "fpext float %%v%u to double", v);
		return ir_let(w, "bitcast double %%v%u to i64", v);
	case STUB_F64:
		return ir_let(w, "bitcast double %%v%u to i64", v);
	default:
		return tagged(w, ir_let(w, "ptrtoint ptr %%v%u to i64", v), STUB_VALUE_REF);
	}
}

unsigned ir_unbox(struct ir_writer *w, enum stub_type type, unsigned v)
{
	switch (type) {
	case STUB_I32:
		return ir_let(w, "trunc i64 %%v%u to i32", v);
	case STUB_F32:
		v = ir_let(w, "bitcast i64 %%v%u to double", v);
		return ir_let(w, "fptrunc double %%v%u to float", v);
	case STUB_F64:
		return ir_let(w, "bitcast i64 %%v%u to double", v);
	default:
		v = ir_let(w, "and i64 %%v%u, " PAYLOAD, v);
		v = ir_let(w, "inttoptr i64 %%v%u to ptr", v);
		return type == STUB_REF ? v : ir_let(w, "load i64, ptr %%v%u", v);
	}
}

unsigned ir_widen(struct ir_writer *w, enum stub_type type, unsigned v)
{
	switch (type) {
	case STUB_F32:
		v = ir_let(w, "bitcast float %%v%u to i32", v);
		return ir_let(w, "zext i32 %%v%u to i64", v);
	case STUB_I32:
		return ir_let(w, "zext i32 %%v%u to i64", v);
	case STUB_F64:
		return ir_let(w, "bitcast double %%v%u to i64", v);
	case STUB_REF:
		return ir_let(w, "ptrtoint ptr %%v%u to i64", v);
	default:
		return v;
	}
}
