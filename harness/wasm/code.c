/*
 * code.c - walks over the instructions of a wasm module, to find features that wasm2c or stubmap
 * can't take before either meets them, and to name the function and the proposal.
 *
 *      body:    size | locals: count of (how many, type) | instruction ... end
 *      element: flags | [table] [where: instruction ... end] | [type] | count of functions or of
 *               (instruction ... end)
 *
 * Nothing is validated: wasm2c does that. Of a known instruction only the length
 * of its immediates matters.
 */
#include <errno.h>
#include <string.h>

#include "wasm/reader.h"

#define TAIL_CALLS   "tail calls"
#define EXCEPTIONS   "exception handling"
#define REFERENCES   WASM_TYPED_REFERENCES
#define GC	     "garbage collection (GC)"
#define THREADS	     "threads (atomic instructions)"
#define MULTI_MEMORY "multiple memories (multi-memory)"
#define STACKS	     "stack switching"
#define WIDE	     "wide arithmetic"
#define MEMORY_FUNCS "memory control"
#define UNKNOWN	     "an instruction of no known proposal"

/* A row of opcodes, with the proposal that it belongs to or its immediates, a letter each: u a
 * number, m a memory's place, M a memory, b a block's type, f a function that is called, c a type
 * that is, t a type, l any LEB128, 4 and 8 as many bytes, s a list of types, j a list of numbers
 * and one more. */
struct opcode {
	uint32_t last; /* the row begins behind the previous row's last */
	const char *immediates, *feature;
};

static const struct opcode plain[] = {
	{ 0x01, "", NULL },	    /* unreachable, nop */
	{ 0x04, "b", NULL },	    /* block, loop, if */
	{ 0x05, "", NULL },	    /* else */
	{ 0x0a, NULL, EXCEPTIONS }, /* try, catch, throw, rethrow, throw_ref */
	{ 0x0b, "", NULL },	    /* end */
	{ 0x0d, "u", NULL },	    /* br, br_if */
	{ 0x0e, "j", NULL },	    /* br_table */
	{ 0x0f, "", NULL },	    /* return */
	{ 0x10, "f", NULL },	    /* call */
	{ 0x11, "cu", NULL },	    /* call_indirect */
	{ 0x13, NULL, TAIL_CALLS }, /* return_call, return_call_indirect */
	{ 0x14, NULL, REFERENCES }, /* call_ref */
	{ 0x15, NULL, TAIL_CALLS }, /* return_call_ref */
	{ 0x17, NULL, UNKNOWN },    /* none */
	{ 0x19, NULL, EXCEPTIONS }, /* delegate, catch_all */
	{ 0x1b, "", NULL },	    /* drop, select */
	{ 0x1c, "s", NULL },	    /* select with a type */
	{ 0x1e, NULL, UNKNOWN },    /* none */
	{ 0x1f, NULL, EXCEPTIONS }, /* try_table */
	{ 0x26, "u", NULL },	    /* local, global, table: get, set, tee */
	{ 0x27, NULL, UNKNOWN },    /* none */
	{ 0x3e, "m", NULL },	    /* loads and stores */
	{ 0x40, "M", NULL },	    /* memory.size, memory.grow */
	{ 0x42, "l", NULL },	    /* i32.const, i64.const */
	{ 0x43, "4", NULL },	    /* f32.const */
	{ 0x44, "8", NULL },	    /* f64.const */
	{ 0xc4, "", NULL },	    /* numbers; the last ones extend signs */
	{ 0xcf, NULL, UNKNOWN },    /* none */
	{ 0xd0, "t", NULL },	    /* ref.null */
	{ 0xd1, "", NULL },	    /* ref.is_null */
	{ 0xd2, "u", NULL },	    /* ref.func */
	{ 0xd3, NULL, GC },	    /* ref.eq */
	{ 0xd6, NULL, REFERENCES }, /* ref.as_non_null, br_on_null, br_on_non_null */
	{ 0xdf, NULL, UNKNOWN },    /* none */
	{ 0xe6, NULL, STACKS },	    /* cont.new and its like */
	{ 0xfa, NULL, UNKNOWN },    /* none */
};

static const struct opcode saturating_and_bulk[] = {
	{ 7, "", NULL },	    /* trunc_sat */
	{ 8, "uM", NULL },	    /* memory.init */
	{ 9, "u", NULL },	    /* data.drop */
	{ 10, "MM", NULL },	    /* memory.copy */
	{ 11, "M", NULL },	    /* memory.fill */
	{ 12, "uu", NULL },	    /* table.init */
	{ 13, "u", NULL },	    /* elem.drop */
	{ 14, "uu", NULL },	    /* table.copy */
	{ 17, "u", NULL },	    /* table.grow, size, fill */
	{ 18, NULL, MEMORY_FUNCS }, /* memory.discard */
	{ 22, NULL, WIDE },	    /* i64.add128 and its like */
};

static const struct opcode gc[] = { { 30, NULL, GC },
				    { 0x7f, NULL, UNKNOWN },
				    { 0xb7, NULL, "reference-typed strings (stringref)" } };
static const struct opcode simd[] = { { 0xff, NULL, "SIMD" }, { 0x1ff, NULL, "relaxed SIMD" } };
static const struct opcode threads[] = { { 0x4e, NULL, THREADS } };

#define ROWS(rows) rows, sizeof(rows) / sizeof *(rows)

static const struct opcode *row_in(const struct opcode *rows, size_t n, uint32_t opcode)
{
	static const struct opcode unknown = { 0, NULL, UNKNOWN };

	for (size_t i = 0; i < n; i++)
		if (opcode <= rows[i].last)
			return &rows[i];
	return &unknown;
}

static const struct opcode *row_of(struct reader *r, uint8_t opcode)
{
	switch (opcode) {
	case 0xfb:
		return row_in(ROWS(gc), wasm_number(r));
	case 0xfc:
		return row_in(ROWS(saturating_and_bulk), wasm_number(r));
	case 0xfd:
		return row_in(ROWS(simd), wasm_number(r));
	case 0xfe:
		return row_in(ROWS(threads), wasm_number(r));
	default:
		return row_in(ROWS(plain), opcode);
	}
}

/* ---- Types ----------------------------------------------------------------------------------- */

const char *wasm_type_feature(uint8_t type)
{
	switch (type) {
	case 0x7b:
		return "SIMD";
	case 0x78:
	case 0x77: /* packed, in fields */
	case 0x73:
	case 0x72:
	case 0x71:
	case 0x6e:
	case 0x6d:
	case 0x6c:
	case 0x6b:
	case 0x6a: /* abstract heap types */
		return GC;
	case 0x74:
	case 0x69:
		return EXCEPTIONS;
	case 0x75:
	case 0x68:
		return STACKS;
	case 0x64:
	case 0x63:
		return REFERENCES;
	case 0x67:
		return "reference-typed strings (stringref)";
	default:
		return NULL;
	}
}

static const char *type_at(struct reader *r)
{
	return wasm_type_feature(wasm_byte(r));
}

/* Counts what an instruction with this function type takes and leaves: wasm2c keeps each of the
 * values, and a few bytes of code may call a function of very many. */
static void add_passed(struct reader *r, uint32_t type)
{
	const struct wasm_file *f = r->file;

	if (type < f->ntypes)
		r->passed += (uint64_t)f->types[type].nparams + f->types[type].nresults;
}

static void call_at(struct reader *r)
{
	const uint32_t function = wasm_number(r);

	if (function < r->file->nfunction_types)
		add_passed(r, r->file->function_types[function]);
}

/* Reads a block's type: none, a value's, or a function type's number. */
static const char *block_at(struct reader *r)
{
	uint8_t first = r->at < r->end ? *r->at : 0;

	if (first & 0x40 && !(first & 0x80)) /* a negative number of one byte */
		return type_at(r);
	uint32_t type = wasm_number(r);
	add_passed(r, type);
	return type < r->file->ntypes ? r->file->types[type].feature : NULL;
}

/* ---- Instructions ---------------------------------------------------------------------------- */

static const char *memory_at(struct reader *r)
{
	return wasm_number(r) ? MULTI_MEMORY : NULL;
}

static const char *memarg_at(struct reader *r)
{
	const uint32_t align = wasm_number(r);

	if (align & 64)
		return MULTI_MEMORY;
	wasm_leb(r);
	return NULL;
}

static const char *list_at(struct reader *r, bool of_types)
{
	const char *feature = NULL;

	for (uint32_t n = wasm_count(r); n && !feature && !r->bad; n--)
		if (of_types)
			feature = type_at(r);
		else
			wasm_number(r);
	if (!of_types)
		wasm_number(r);
	return feature;
}

static const char *immediate(struct reader *r, char letter)
{
	switch (letter) {
	case 'b':
		return block_at(r);
	case 'f':
		call_at(r);
		return NULL;
	case 'c':
		add_passed(r, wasm_number(r));
		return NULL;
	case 't':
		return type_at(r);
	case 's':
	case 'j':
		return list_at(r, letter == 's');
	case 'm':
		return memarg_at(r);
	case 'M':
		return memory_at(r);
	case 'u':
		wasm_number(r);
		return NULL;
	case 'l':
		wasm_leb(r);
		return NULL;
	default:
		wasm_skip(r, (size_t)(letter - '0'));
		return NULL;
	}
}

/* Reads over one instruction: NULL, or the proposal that can't be taken. */
static const char *instruction(struct reader *r, uint8_t opcode)
{
	const struct opcode *row = row_of(r, opcode);
	const char *feature = row->feature;

	if (r->bad)
		return NULL;
	for (const char *letter = row->immediates; letter && *letter && !feature; letter++)
		feature = immediate(r, *letter);
	return feature;
}

/* Reads over a constant expression; *function (may be NULL) becomes the function
 * that ref.func named last. */
static const char *constant(struct reader *r, uint32_t *function)
{
	const char *feature = NULL;

	while (!feature && !r->bad) {
		uint8_t opcode = wasm_byte(r);

		if (opcode == 0x0b)
			return NULL;
		if (opcode == 0xd2 && function) {
			*function = wasm_number(r);
			continue;
		}
		feature = instruction(r, opcode);
		if (!feature && opcode >= 0x45 && opcode <= 0xc4)
			feature = "extended constant expressions (extended-const)";
	}
	return feature;
}

/* ---- Sections -------------------------------------------------------------------------------- */

int wasm_code_globals(struct reader *r)
{
	uint32_t n = wasm_count(r);
	char who[32];

	for (uint32_t i = 0; i < n && !r->bad; i++) {
		const char *feature = type_at(r);

		if (!feature && wasm_byte(r) > 1)
			feature = THREADS;
		if (!feature)
			feature = constant(r, NULL);
		snprintf(who, sizeof who, "global %u", i);
		if (feature && !r->bad)
			return wasm_refuse_feature(r, who, feature);
	}
	return 0;
}

enum { ELEMENT_PASSIVE = 1, ELEMENT_TABLE = 2, ELEMENT_EXPRESSIONS = 4 };

/* Checks a table's function: it is called through a stub. */
static int check_element(struct reader *r, uint32_t segment, uint32_t i, uint32_t function)
{
	char who[WASM_WHO + 40], name[WASM_WHO];

	if (r->bad || function == UINT32_MAX)
		return 0;
	snprintf(who, sizeof who, "element %u of segment %u", i, segment);
	if (function >= r->file->nfunction_types)
		return wasm_refuse(r, "%s: function %u of %u", who, function,
				   r->file->nfunction_types);
	const struct wasm_type *type = &r->file->types[r->file->function_types[function]];
	if (type->fits) /* a name is looked for in the whole file */
		return 0;
	snprintf(who, sizeof who, "element %u of segment %u, %s", i, segment,
		 wasm_function_name(r, function, name));
	return wasm_check_signature(r, who, type);
}

static int read_segment(struct reader *r, uint32_t segment)
{
	const uint32_t flags = wasm_number(r);
	const bool declared = (flags & 3) == 3;
	const char *feature = NULL;
	char who[40];
	int e = 0;

	snprintf(who, sizeof who, "element segment %u", segment);
	if (flags > 7)
		return wasm_refuse(r, "%s: unknown flags 0x%x", who, flags);
	if ((flags & 3) == ELEMENT_TABLE)
		wasm_number(r);
	if (!(flags & ELEMENT_PASSIVE))
		feature = constant(r, NULL);
	if (!feature && flags & 3)
		feature = type_at(r); /* or 0: functions */
	uint32_t n = feature ? 0 : wasm_count(r);
	for (uint32_t i = 0; i < n && !e && !feature && !r->bad; i++) {
		uint32_t function = UINT32_MAX;

		if (flags & ELEMENT_EXPRESSIONS)
			feature = constant(r, &function);
		else
			function = wasm_number(r);
		if (!feature && !declared)
			e = check_element(r, segment, i, function);
	}
	return feature && !r->bad ? wasm_refuse_feature(r, who, feature) : e;
}

int wasm_code_elements(struct reader *r)
{
	uint32_t n = wasm_count(r);
	int e = 0;

	for (uint32_t i = 0; i < n && !e && !r->bad; i++)
		e = read_segment(r, i);
	return e;
}

int wasm_code_data(struct reader *r)
{
	uint32_t n = wasm_count(r);
	char who[40];

	for (uint32_t i = 0; i < n && !r->bad; i++) {
		const uint32_t flags = wasm_number(r);
		const char *feature = NULL;

		snprintf(who, sizeof who, "data segment %u", i);
		if (flags > 2)
			return wasm_refuse(r, "%s: unknown flags 0x%x", who, flags);
		if (flags == 2)
			feature = memory_at(r);
		if (!feature && flags != 1)
			feature = constant(r, NULL);
		if (feature && !r->bad)
			return wasm_refuse_feature(r, who, feature);
		wasm_skip(r, wasm_number(r));
	}
	return 0;
}

/* Adds up a body's locals, and stops above the limit: a count takes five bytes and may say four
 * thousand millions, each of which wasm2c keeps in memory. */
static const char *locals_at(struct reader *r, uint64_t *locals)
{
	const char *feature = NULL;

	for (uint32_t n = wasm_count(r); n && !feature && !r->bad && *locals <= WASM_MAX_LOCALS;
	     n--) {
		*locals += wasm_number(r);
		feature = type_at(r);
	}
	return feature;
}

static const char *instructions(struct reader *r)
{
	const char *feature = NULL;

	while (!feature && !r->bad && r->at < r->end)
		feature = instruction(r, wasm_byte(r));
	return feature;
}

/* A local that is used takes two bytes of instructions at the least; parameters, which count as
 * locals, none at all, so that a function of a few bytes may have many. */
static int check_locals(struct reader *r, uint32_t function, uint64_t locals, uint64_t all)
{
	const uint64_t most = WASM_MAX_LOCALS + (uint64_t)(r->file_end - r->start);
	char who[WASM_WHO];

	if (locals > WASM_MAX_LOCALS)
		return wasm_refuse(
		    r, "too large: %s: at most %d locals are allowed, parameters included",
		    wasm_function_name(r, function, who), WASM_MAX_LOCALS);
	if (all > most)
		return wasm_refuse(r,
				   "too large: the locals of all functions: at most %llu are "
				   "allowed, %d and one for each byte of the file",
				   (unsigned long long)most, WASM_MAX_LOCALS);
	return 0;
}

/* Code seldom passes more values than it has bytes: each is mostly pushed, dropped or used by an
 * instruction. The programs here pass 0.03 a byte. */
static int check_passed(struct reader *r, uint32_t function)
{
	const uint64_t most = WASM_MAX_PASSED + (uint64_t)(r->file_end - r->start);
	char who[WASM_WHO];

	if (r->passed <= most)
		return 0;
	return wasm_refuse(r,
			   "too large: %s: calls and blocks up to its end pass more than %llu "
			   "values, which is %d and one for each byte of the file",
			   wasm_function_name(r, function, who), (unsigned long long)most,
			   WASM_MAX_PASSED);
}

/* Reads one body; *all are the locals of the bodies so far. */
static int read_body(struct reader *r, uint32_t function, uint64_t *all)
{
	const struct wasm_file *f = r->file;
	uint64_t locals = 0;
	char who[WASM_WHO];

	if (function < f->nfunction_types)
		locals = f->types[f->function_types[function]].nparams;
	const char *feature = locals_at(r, &locals);
	*all += locals;
	int e = feature || r->bad ? 0 : check_locals(r, function, locals, *all);
	if (!feature && !e)
		feature = instructions(r);
	if (feature && !r->bad)
		return wasm_refuse_feature(r, wasm_function_name(r, function, who), feature);
	return e ? e : check_passed(r, function);
}

int wasm_code_bodies(struct reader *r)
{
	const uint32_t n = wasm_count(r), imported = r->file->nfunction_imports;
	const uint8_t *const end = r->end;
	uint64_t all = 0;
	int e = 0;

	for (uint32_t i = 0; i < n && !e && !r->bad; i++) {
		const uint32_t size = wasm_count(r);

		r->end = r->at + size;
		e = read_body(r, imported + i, &all);
		r->end = end;
	}
	return e;
}
