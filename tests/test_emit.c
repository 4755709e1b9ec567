/*
 * test_emit.c - the emitter's bytes: the smallest bodies to the letter, and every body of many
 * signatures read back by LLVM's disassembler, instruction by instruction, to its exact end.
 * What the bodies do is tested by test_stubs.c; here nothing is run.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include <llvm-c/Disassembler.h>
#include <llvm-c/Target.h>

#include "emit_goldens.h"
#include "strategies/emit/emit.h"

enum { DISTANCE = 512 << 20 };

static const char *const form_names[] = { "near", "far", "table", "behind", "callee", "short" };

static stub_signature parsed(const char *text)
{
	stub_signature s;

	assert_int_equal(stub_signature_parse(text, &s), 0);
	return s;
}

static struct emit_config config_of(int form, bool markers)
{
	union { /* addresses that are recognised in the bytes; nothing is called */
		uintptr_t at[4];
		struct stub_runtime runtime;
	} fake = { .at = { 0x111111111111, 0x222222222222, 0x333333333333, 0x444444444444 } };

	return (struct emit_config){
		.form = form, .markers = markers, .distance = DISTANCE, .runtime = fake.runtime
	};
}

static struct stub_spec spec_of(int kind, stub_signature s, unsigned nbound)
{
	return (struct stub_spec){ .kind = kind, .signature = s, .nbound = nbound };
}

static unsigned most_bound(int kind, stub_signature s)
{
	unsigned n = stub_nparams(s) < STUB_MAX_BOUND ? stub_nparams(s) : STUB_MAX_BOUND;

	return kind == STUB_BIND ? n : 0;
}

/* ---- Golden bytes --------------------------------------------------------------------------- */

static void small_bodies_to_the_letter(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
		const struct golden *g = &goldens[i];
		struct emit_config config = config_of(g->form, false);
		struct stub_spec spec = spec_of(g->kind, parsed(g->signature), g->nbound);
		uint8_t code[EMIT_MAX];
		struct emit_patches patches;
		size_t size;

		assert_int_equal(emit_body(code, &config, &spec, &size, &patches), 0);
		assert_int_equal(size, g->size);
		assert_memory_equal(code, g->bytes, size);
	}
}

static void heads_to_the_letter(void **state)
{
	uint8_t code[EMIT_SLOT];

	(void)state;
	assert_int_equal(emit_head(code, DISTANCE, false), 10);
	assert_memory_equal(code, "\x4c\x8d\x1d\xf9\xff\xff\x1f\x41\xff\x23", 10);
	assert_int_equal(emit_head(code, DISTANCE, true), 14);
	assert_memory_equal(code, "\xf3\x0f\x1e\xfa\x4c\x8d\x1d\xf5\xff\xff\x1f\x41\xff\x23", 14);
	assert_int_equal(emit_trap(code, true), 6);
	assert_memory_equal(code, "\xf3\x0f\x1e\xfa\x0f\x0b", 6);
}

/* ---- The disassembler ----------------------------------------------------------------------- */

struct reader {
	LLVMDisasmContextRef llvm;
	unsigned calls, returns, tails;
};

static void open_reader(struct reader *r)
{
	LLVMInitializeX86TargetInfo();
	LLVMInitializeX86Target();
	LLVMInitializeX86TargetMC();
	LLVMInitializeX86Disassembler();
	r->llvm = LLVMCreateDisasm("x86_64-linux-gnu", NULL, 0, NULL, NULL);
	assert_non_null(r->llvm);
	LLVMSetDisasmOptions(r->llvm, LLVMDisassembler_Option_AsmPrinterVariant);
}

/* Every byte belongs to a valid instruction; jumps land on an instruction's start. */
static void read_back(struct reader *r, uint8_t *code, size_t size)
{
	bool starts[EMIT_MAX + 1] = { false };
	int targets[128];
	unsigned ntargets = 0;
	char text[200];
	size_t at = 0;

	r->calls = r->returns = r->tails = 0;
	while (at < size) {
		size_t n =
		    LLVMDisasmInstruction(r->llvm, code + at, size - at, at, text, sizeof(text));

		assert_true(n > 0 && n <= 15);
		starts[at] = true;
		at += n;
		const char *word = text + strspn(text, "\t ");
		r->calls += strncmp(word, "call", 4) == 0;
		r->returns += strncmp(word, "ret", 3) == 0;
		int distance = 0;
		if (word[0] == 'j' && sscanf(word, "%*s %d", &distance) == 1) {
			assert_true(ntargets < 128);
			if (distance) /* else out of the body, by a literal yet to be written */
				targets[ntargets++] = (int)at + distance;
			else
				r->tails++;
		}
	}
	assert_int_equal(at, size);
	for (unsigned i = 0; i < ntargets; i++) {
		assert_true(targets[i] >= 0 && targets[i] < (int)size);
		assert_true(starts[targets[i]]);
	}
}

static void check_patches(const struct emit_patches *p, int form, const struct stub_spec *spec,
			  size_t size)
{
	int kind = spec->kind;

	for (unsigned i = 0; i < STUB_MAX_BOUND; i++)
		assert_int_equal(p->bound[i] == 0, i >= spec->nbound || form > EMIT_FAR);
	if (form > EMIT_FAR) {
		assert_true(!p->context && !p->target);
		/* Literals beside a stub end where its own slots do. */
		if (form == EMIT_TABLE)
			assert_true(16 + 8 * spec->nbound <=
				    (size + EMIT_SLOT - 1) / EMIT_SLOT * 16);
		return;
	}
	assert_int_equal(p->target % (form == EMIT_NEAR ? 4 : 8), 0);
	assert_in_range(p->target, 1, size - 4);
	assert_int_equal(p->context == 0, kind == STUB_BUILTIN);
}

/* A body leaves by a jump to its target, by a return, or (ref) by either. */
static void check_ways_out(const struct reader *r, const struct stub_spec *spec, int form)
{
	bool calls = spec->kind != STUB_INDIRECT, jumps = !calls || spec->kind == STUB_CALL_REF;

	if (spec->kind == STUB_BIND) {
		calls = r->calls;
		jumps = !calls;
	}
	assert_true(calls ? r->calls >= 1 && r->returns >= 1 : !r->calls && !r->returns);
	/* Only a near jump tells where it goes. */
	assert_int_equal(r->tails, jumps && form == EMIT_NEAR);
}

static void check_body(struct reader *r, const struct emit_config *config,
		       const struct stub_spec *spec)
{
	uint8_t code[EMIT_MAX], plain[EMIT_MAX];
	struct emit_config without = *config;
	struct emit_patches patches, unused;
	size_t size, shorter;

	assert_int_equal(emit_body(code, config, spec, &size, &patches), 0);
	read_back(r, code, size);
	check_patches(&patches, config->form, spec, size);
	check_ways_out(r, spec, config->form);
	without.markers = false;
	assert_int_equal(emit_body(plain, &without, spec, &shorter, &unused), 0);
	if (config->markers) {
		assert_memory_equal(code, "\xf3\x0f\x1e\xfa", 4);
		assert_true(shorter <= size); /* padding may take it up */
	}
}

static void check_forms(struct reader *r, int kind, stub_signature s)
{
	unsigned most = most_bound(kind, s);

	for (unsigned n = most > 0; n <= most; n++)
		for (int form = EMIT_NEAR; form < EMIT_FORMS; form++)
			for (int markers = 0; markers < 2; markers++) {
				struct emit_config config = config_of(form, markers);
				struct stub_spec spec = spec_of(kind, s, n);

				if (kind != STUB_BIND || n)
					check_body(r, &config, &spec);
			}
}

static void every_body_decodes(void **state)
{
	static const char *const texts[] = {
		">",
		"i>i",
		"l>l",
		"f>f",
		"d>d",
		"r>r",
		"ilfdr>l",
		"iiiiii>i",
		"ddddddddd>d",
		"lllllll>l",
		"rrrrrrr>",
		"iiiiiiiiiiiiiiii>i",
		"ffffffffffffffff>f",
		"llllllllllllllll>l",
		"rrrrrrrrrrrrrrrr>r",
		"dddddddddddddddd>d",
		"ilfdrilfdrilfdri>d",
		"dldldldldldldldl>r",
	};
	struct reader r;

	(void)state;
	open_reader(&r);
	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (int kind = 0; kind < STUB_KINDS; kind++)
			check_forms(&r, kind, parsed(texts[i]));
	LLVMDisasmDispose(r.llvm);
}

/* Five bare slots a line, of 12 bytes each, alike, and the callee's. */
static void bare_slots_read_the_callee(void **state)
{
	(void)state;
	for (unsigned mark = 0; mark <= 4; mark += 4) {
		uint8_t line[64], expected[64];

		assert_int_equal(sizeof line, EMIT_LINE);
		memset(expected, 0xcc, sizeof expected);
		for (unsigned at = 0; at < 60; at += 12) {
			memcpy(expected + at, "\xf3\x0f\x1e\xfa", mark);
			memcpy(expected + at + mark, "\x49\x8b\x7a\x10\x41\xff\x62\x08", 8);
		}
		emit_bare_line(line, mark);
		assert_memory_equal(line, expected, sizeof line);
	}
}

static const void *never_called(void *arg, struct stub_callee *c, struct emit_saved *saved)
{
	(void)c;
	(void)saved;
	return arg;
}

static enum emit_next never_before(void *arg, struct stub_callee *c, struct emit_call *call,
				   uint64_t *frame)
{
	(void)arg;
	(void)c;
	(void)call;
	(void)frame;
	return EMIT_GO;
}

static void never_after(void *arg, struct emit_call *call, uint64_t *frame)
{
	(void)arg;
	(void)call;
	(void)frame;
}

static void the_interpreter_decodes(void **state)
{
	static const size_t sizes[] = { sizeof(struct emit_call), 512, 2000 };
	uint8_t code[EMIT_MAX];
	struct reader r;
	const struct emit_hooks hooks = { never_before, never_after, &r };

	(void)state;
	open_reader(&r);
	for (int markers = 0; markers < 2; markers++)
		for (int i = 0; i < 3; i++) {
			size_t size = emit_interpreter(code, markers, sizes[i], &hooks, NULL);
			assert_true(size > 0);
			read_back(&r, code, size);
			assert_int_equal(r.calls, 3);
			assert_int_equal(r.returns, 1);
		}
	LLVMDisasmDispose(r.llvm);
}

static void the_trigger_decodes(void **state)
{
	uint8_t code[EMIT_MAX];
	struct reader r;

	(void)state;
	open_reader(&r);
	for (int markers = 0; markers < 2; markers++) {
		size_t size = emit_trigger(code, markers, never_called, &r, NULL);
		read_back(&r, code, size);
		assert_int_equal(r.calls, 1);
		assert_int_equal(r.returns, 1);
	}
	LLVMDisasmDispose(r.llvm);
}

/* ---- Literals ------------------------------------------------------------------------------- */

static void literals_go_where_they_belong(void **state)
{
	_Alignas(16) uint8_t code[EMIT_MAX];
	uintptr_t target = (uintptr_t)code + 0x123456, far = 0x123456789abc;
	uint64_t context = 0x5566778899aabbcc, word;
	int32_t rel;

	(void)state;
	for (int form = EMIT_NEAR; form <= EMIT_FAR; form++) {
		const uint64_t bound[3] = { 0x1122334455667788, 0x99aabbcc, 0xddeeff0011223344 };
		struct emit_config config = config_of(form, true);
		struct stub_spec spec = spec_of(STUB_BIND, parsed("lfdi>i"), 3);
		struct emit_patches patches;
		size_t size;

		spec.target = (void *)target;
		spec.context = (void *)(uintptr_t)context;
		spec.bound = bound;
		assert_int_equal(emit_body(code, &config, &spec, &size, &patches), 0);
		code[patches.bound[1] + 4] = 0x77;
		emit_literals(form, &patches, code, code, &spec);
		assert_int_equal(code[patches.bound[1] + 4], 0x77); /* a float is four bytes */
		memcpy(&word, code + patches.context, 8);
		assert_int_equal(word, context);
		for (unsigned i = 0; i < 3; i++)
			assert_memory_equal(code + patches.bound[i], &bound[i], i == 1 ? 4 : 8);
		if (form == EMIT_FAR) {
			emit_retarget(form, &patches, code, code, (void *)far);
			memcpy(&word, code + patches.target, 8);
			assert_int_equal(word, far);
			continue;
		}
		memcpy(&rel, code + patches.target, 4);
		uintptr_t next = (uintptr_t)code + patches.target + 4;
		assert_int_equal(next + (uintptr_t)(intptr_t)rel, target);
		emit_retarget(form, &patches, code, code, (void *)(target - 0x200000));
		memcpy(&rel, code + patches.target, 4);
		assert_int_equal(next + (uintptr_t)(intptr_t)rel, target - 0x200000);
	}
	uintptr_t at = 0x400000000000;
	assert_true(emit_in_reach((void *)at, (void *)(at + INT32_MAX - EMIT_MAX)));
	assert_true(emit_in_reach((void *)at, (void *)(at - INT32_MAX + EMIT_MAX)));
	assert_false(emit_in_reach((void *)at, (void *)(at + INT32_MAX)));
	assert_false(emit_in_reach((void *)at, (void *)(at - INT32_MAX - 1)));
	assert_false(emit_in_reach((void *)0x10000000, NULL));
}

static void unknown_types_are_refused(void **state)
{
	const stub_signature bad[] = { 6, 7, 1 << 3, 1 << 3 | 6 << 8, 17 << 3, 31 << 3 };
	struct emit_config config = config_of(EMIT_TABLE, false);
	struct emit_patches patches;
	uint8_t code[EMIT_MAX];
	size_t size;

	(void)state;
	for (unsigned i = 0; i <= sizeof(bad) / sizeof(bad[0]); i++) {
		bool last = i == sizeof(bad) / sizeof(bad[0]);
		struct stub_spec spec =
		    last ? spec_of(STUB_KINDS, parsed(">"), 0) : spec_of(STUB_INDIRECT, bad[i], 0);

		assert_int_equal(emit_body(code, &config, &spec, &size, &patches), -ENOTSUP);
		assert_int_equal(emit_check(&spec, &config.runtime), -ENOTSUP);
	}
}

/* ---- For the reader ------------------------------------------------------------------------- */

static void print_sizes(void **state)
{
	static const char *const texts[] = {
		">", "i>i", "l>l", "d>d", "r>r", "ilfdr>d", "ilfdrilfdrilfdri>d"
	};

	(void)state;
	print_message("bytes of a body  ");
	for (int form = EMIT_NEAR; form < EMIT_FORMS; form++)
		print_message("%8s", form_names[form]);
	print_message("\n");
	for (int kind = 0; kind < STUB_KINDS; kind++)
		for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
			print_message("%-13s %-18s", stub_kind_names[kind], texts[i]);
			for (int form = EMIT_NEAR; form < EMIT_FORMS; form++) {
				stub_signature s = parsed(texts[i]);
				struct emit_config config = config_of(form, false);
				struct stub_spec spec = spec_of(kind, s, most_bound(kind, s));
				struct emit_patches patches;
				uint8_t code[EMIT_MAX];
				size_t size;

				if (kind == STUB_BIND && !spec.nbound)
					spec.kind = STUB_INDIRECT; /* nothing to store */
				assert_int_equal(emit_body(code, &config, &spec, &size, &patches),
						 0);
				print_message("%6zu", size);
			}
			print_message("\n");
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_bodies_to_the_letter),
		cmocka_unit_test(heads_to_the_letter),
		cmocka_unit_test(every_body_decodes),
		cmocka_unit_test(bare_slots_read_the_callee),
		cmocka_unit_test(the_trigger_decodes),
		cmocka_unit_test(the_interpreter_decodes),
		cmocka_unit_test(literals_go_where_they_belong),
		cmocka_unit_test(unknown_types_are_refused),
		cmocka_unit_test(print_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
