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

#include "../strategies/emit.h"

enum { DISTANCE = 512 << 20 };

static const char *const form_names[] = { "near", "far", "table", "behind", "callee" };

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

	return (struct emit_config){ form, markers, DISTANCE, fake.runtime };
}

/* ---- Golden bytes --------------------------------------------------------------------------- */

struct golden {
	enum stub_kind kind;
	const char *signature;
	enum emit_form form;
	size_t size;
	const char *bytes;
};

#define BYTES(text) sizeof(text) - 1, text
/* clang-format off */
static const struct golden goldens[] = {
	{ STUB_INDIRECT, "i>i", EMIT_TABLE, BYTES(
		"\x48\x8b\x3d\x01\x00\x00\x20"	/* mov  rdi, [rip+S+8-7] */
		"\xff\x25\xf3\xff\xff\x1f") },	/* jmp  [rip+S-13] */
	{ STUB_INDIRECT, ">", EMIT_BEHIND, BYTES(
		"\x49\x8b\xbb\x00\x00\x00\x20"	/* mov  rdi, [r11+S] */
		"\x41\xff\x63\x08") },		/* jmp  [r11+8] */
	{ STUB_INDIRECT, ">", EMIT_CALLEE, BYTES(
		"\x49\x8b\x7a\x10"		/* mov  rdi, [r10+16] */
		"\x41\xff\x62\x08") },		/* jmp  [r10+8] */
	{ STUB_INDIRECT, "i>i", EMIT_NEAR, BYTES(
		"\x48\xbf\0\0\0\0\0\0\0\0"	/* mov  rdi, context */
		"\x90"				/* nop: rel32 at 12 */
		"\xe9\0\0\0\0") },		/* jmp  target */
	{ STUB_INDIRECT, "i>i", EMIT_FAR, BYTES(
		"\x48\xbf\0\0\0\0\0\0\0\0"
		"\x0f\x1f\x40\x00"		/* nop: imm64 at 16 */
		"\x48\xb8\0\0\0\0\0\0\0\0"	/* mov  rax, target */
		"\xff\xe0") },			/* jmp  rax */
	{ STUB_BUILTIN, ">", EMIT_CALLEE, BYTES(
		"\x55\x48\x8b\xec\x6a\x04\x57"
		"\x48\x8b\x07"			/* mov  rax, [rdi] */
		"\x48\x89\x28"			/* mov  [rax], rbp */
		"\x41\xff\x52\x08"		/* call [r10+8] */
		"\x48\x8b\x4d\xf0"		/* mov  rcx, [rbp-16] */
		"\x48\x8b\x09"			/* mov  rcx, [rcx] */
		"\x33\xd2"			/* xor  edx, edx */
		"\x48\x89\x11"			/* mov  [rcx], rdx */
		"\xc9\xc3") },
	{ STUB_ENTRY_NATIVE, "l>l", EMIT_TABLE, BYTES(
		"\x55\x48\x8b\xec\x6a\x00"
		"\x48\x8b\x05\xfb\xff\xff\x1f"	/* mov  rax, [rip+S+8-13] */
		"\x4c\x8b\x10"			/* mov  r10, [rax] */
		"\x41\xff\x32"			/* push [r10] */
		"\x41\x52"			/* push r10 */
		"\x57"				/* push rdi */
		"\x48\x8b\x37"			/* mov  rsi, [rdi] */
		"\x48\x8b\xf8"			/* mov  rdi, rax */
		"\x33\xc0"			/* xor  eax, eax */
		"\x49\x89\x02"			/* mov  [r10], rax */
		"\xff\x15\xd9\xff\xff\x1f"	/* call [rip+S-39] */
		"\x5a\x59\x8f\x01"		/* pop  rdx; pop rcx; pop [rcx] */
		"\x48\x89\x02"			/* mov  [rdx], rax */
		"\xc9\xc3") },
};
/* clang-format on */

static void small_bodies_to_the_letter(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
		const struct golden *g = &goldens[i];
		struct emit_config config = config_of(g->form, false);
		uint8_t code[EMIT_MAX];
		struct emit_patches patches;
		size_t size;

		assert_int_equal(
		    emit_body(code, &config, g->kind, parsed(g->signature), &size, &patches), 0);
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
			targets[ntargets++] = (int)at + distance;
		}
	}
	assert_int_equal(at, size);
	for (unsigned i = 0; i < ntargets; i++) {
		if (targets[i] == (int)size) { /* out of the body, by a literal yet to be written */
			r->tails++;
			continue;
		}
		assert_true(targets[i] >= 0 && targets[i] < (int)size);
		assert_true(starts[targets[i]]);
	}
}

static void check_patches(const struct emit_patches *p, int form, int kind, size_t size)
{
	if (form > EMIT_FAR) {
		assert_true(!p->context && !p->target);
		return;
	}
	assert_int_equal(p->target % (form == EMIT_NEAR ? 4 : 8), 0);
	assert_in_range(p->target, 1, size - 4);
	assert_int_equal(p->context == 0, kind == STUB_BUILTIN);
}

static void check_body(struct reader *r, const struct emit_config *config, int kind,
		       stub_signature s)
{
	uint8_t code[EMIT_MAX], plain[EMIT_MAX];
	struct emit_config without = *config;
	struct emit_patches patches, unused;
	size_t size, shorter;

	assert_int_equal(emit_body(code, config, kind, s, &size, &patches), 0);
	read_back(r, code, size);
	check_patches(&patches, config->form, kind, size);
	if (kind != STUB_INDIRECT) {
		assert_true(r->calls >= 1 && r->returns >= 1 && !r->tails);
	} else { /* it leaves by its last instruction, and only by a literal */
		assert_true(r->calls == 0 && r->returns == 0);
		assert_int_equal(r->tails, config->form == EMIT_NEAR);
	}
	without.markers = false;
	assert_int_equal(emit_body(plain, &without, kind, s, &shorter, &unused), 0);
	if (config->markers) {
		assert_memory_equal(code, "\xf3\x0f\x1e\xfa", 4);
		assert_true(shorter <= size); /* padding may take it up */
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
			for (int form = EMIT_NEAR; form <= EMIT_CALLEE; form++)
				for (int markers = 0; markers < 2; markers++) {
					struct emit_config config = config_of(form, markers);
					check_body(&r, &config, kind, parsed(texts[i]));
				}
	LLVMDisasmDispose(r.llvm);
}

static const void *never_called(void *arg, struct callee *c, struct emit_saved *saved)
{
	(void)c;
	(void)saved;
	return arg;
}

static void the_trigger_decodes(void **state)
{
	uint8_t code[EMIT_MAX];
	struct reader r;

	(void)state;
	open_reader(&r);
	for (int markers = 0; markers < 2; markers++) {
		size_t size = emit_trigger(code, markers, never_called, &r);
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
		struct emit_config config = config_of(form, true);
		struct emit_patches patches;
		size_t size;

		assert_int_equal(
		    emit_body(code, &config, STUB_INDIRECT, parsed("i>i"), &size, &patches), 0);
		emit_literals(form, &patches, code, code, (void *)target,
			      (void *)(uintptr_t)context);
		memcpy(&word, code + patches.context, 8);
		assert_int_equal(word, context);
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
}

static void unknown_types_are_refused(void **state)
{
	const stub_signature bad[] = { 6, 7, 1 << 3, 1 << 3 | 6 << 8, 17 << 3, 31 << 3 };
	struct emit_config config = config_of(EMIT_TABLE, false);
	struct emit_patches patches;
	uint8_t code[EMIT_MAX];
	size_t size;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(emit_body(code, &config, STUB_INDIRECT, bad[i], &size, &patches),
				 -ENOTSUP);
	assert_int_equal(emit_body(code, &config, STUB_KINDS, parsed(">"), &size, &patches),
			 -ENOTSUP);
}

/* ---- For the reader ------------------------------------------------------------------------- */

static void print_sizes(void **state)
{
	static const char *const texts[] = {
		">", "i>i", "l>l", "d>d", "r>r", "ilfdr>d", "ilfdrilfdrilfdri>d"
	};

	(void)state;
	print_message("bytes of a body  ");
	for (int form = EMIT_NEAR; form <= EMIT_CALLEE; form++)
		print_message("%8s", form_names[form]);
	print_message("\n");
	for (int kind = 0; kind < STUB_KINDS; kind++)
		for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
			print_message("%-13s %-18s", stub_kind_names[kind], texts[i]);
			for (int form = EMIT_NEAR; form <= EMIT_CALLEE; form++) {
				struct emit_config config = config_of(form, false);
				struct emit_patches patches;
				uint8_t code[EMIT_MAX];
				size_t size;

				assert_int_equal(emit_body(code, &config, kind, parsed(texts[i]),
							   &size, &patches),
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
		cmocka_unit_test(the_trigger_decodes),
		cmocka_unit_test(literals_go_where_they_belong),
		cmocka_unit_test(unknown_types_are_refused),
		cmocka_unit_test(print_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
