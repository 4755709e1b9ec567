/*
 * emit_goldens.h - for test_emit.c: the smallest bodies of each kind and form, to the letter.
 */
#ifndef STUBMAP_TEST_EMIT_GOLDENS_H
#define STUBMAP_TEST_EMIT_GOLDENS_H

#include "strategies/emit/emit.h"

struct golden {
	enum stub_kind kind;
	const char *signature;
	enum emit_form form;
	size_t size;
	const char *bytes;
	unsigned nbound;
};

#define BYTES(text)    sizeof(text) - 1, text, 0
#define BOUND(text, n) sizeof(text) - 1, text, n
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
	{ STUB_BIND, "iil>i", EMIT_TABLE, BOUND(
		"\x48\x8b\xce"			/* mov  rcx, rsi */
		"\x48\x8b\x35\x06\x00\x00\x20"	/* mov  rsi, [rip+S+16-10] */
		"\x48\x8b\x15\x07\x00\x00\x20"	/* mov  rdx, [rip+S+24-17] */
		"\x48\x8b\x3d\xf0\xff\xff\x1f"	/* mov  rdi, [rip+S+8-24] */
		"\xff\x25\xe2\xff\xff\x1f", 2) },	/* jmp  [rip+S-30] */
	{ STUB_BIND, "di>i", EMIT_BEHIND, BOUND(	/* rsi stays */
		"\xf2\x41\x0f\x10\x83\x08\x00\x00\x20" /* movsd xmm0, [r11+S+8] */
		"\x49\x8b\xbb\x00\x00\x00\x20"	/* mov  rdi, [r11+S] */
		"\x41\xff\x63\x08", 1) },		/* jmp  [r11+8] */
	{ STUB_BIND, "fii>i", EMIT_NEAR, BOUND(
		"\x8b\xd6"			/* mov  edx, esi */
		"\xb8\0\0\0\0"			/* mov  eax, bound 0 */
		"\x66\x0f\x6e\xc0"		/* movd xmm0, eax */
		"\xbe\0\0\0\0"			/* mov  esi, bound 1 */
		"\x48\xbf\0\0\0\0\0\0\0\0"	/* mov  rdi, context */
		"\x90"				/* nop: rel32 at 28 */
		"\xe9\0\0\0\0", 2) },		/* jmp  target */
	{ STUB_BIND, "llllll>l", EMIT_CALLEE, BOUND(	/* the last goes to the stack */
		"\x49\x8b\x42\x18"		/* mov  rax, [r10+24] */
		"\x55\x48\x8b\xec\x6a\x05\x57"
		"\x57"				/* push rdi: alignment */
		"\x41\x51"			/* push r9 */
		"\x4d\x8b\xc8"			/* mov  r9, r8 */
		"\x4c\x8b\xc1"			/* mov  r8, rcx */
		"\x48\x8b\xca"			/* mov  rcx, rdx */
		"\x48\x8b\xd6"			/* mov  rdx, rsi */
		"\x48\x8b\x30"			/* mov  rsi, [rax] */
		"\x49\x8b\x7a\x10"		/* mov  rdi, [r10+16] */
		"\x41\xff\x52\x08"		/* call [r10+8] */
		"\xc9\xc3", 1) },
	{ STUB_CALL_REF, "i>", EMIT_TABLE, BYTES(
		"\x49\x81\xfd\x08\x01\x00\x00"	/* cmp  r13, signature */
		"\x75\x15"			/* jne  raise */
		"\x48\x8b\x05\xf0\xff\xff\x1f"	/* mov  rax, [rip+S-16] */
		"\x48\x85\xc0\x74\x09"		/* test rax, rax; je raise */
		"\x48\x8b\x3d\xec\xff\xff\x1f"	/* mov  rdi, [rip+S+8-28] */
		"\xff\xe0"			/* jmp  rax */
		"\x55\x48\x8b\xec\x6a\x06\x57"
		"\x48\x8b\x07"			/* mov  rax, [rdi] */
		"\x48\x89\x28"			/* mov  [rax], rbp */
		"\x49\x8b\x7a\x10"		/* mov  rdi, [r10+16] */
		"\x48\xb8\x44\x44\x44\x44\x44\x44\0\0"
		"\xff\xd0"			/* call runtime.raise */
		"\x59\x48\x8b\x09"		/* pop  rcx; mov rcx, [rcx] */
		"\x33\xc0\x48\x89\x01"		/* xor  eax, eax; mov [rcx], rax */
		"\xc9\xc3") },
};
/* clang-format on */

#endif
