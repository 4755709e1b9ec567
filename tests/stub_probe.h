/*
 * stub_probe.h - the two trampolines of stub_world.h, as plain assembly: a caller of stubs that
 * loads every argument register, and a target that spills them.
 */
#ifndef STUBMAP_TEST_STUB_PROBE_H
#define STUBMAP_TEST_STUB_PROBE_H

#include <stdint.h>
#include <stubmap/stub.h>

struct probe_regs {
	uint64_t ints[6], floats[8]; /* in */
	const uint64_t *stack;
	uint64_t nstack;
	uint64_t rax, xmm0, intact; /* out */
	uint64_t r13;		    /* in, and kept */
};

/* 0, or the flag TF: the stub's instructions trap. The trampolines and the runtime (stub_world.h)
 * set it before they go on to the stub, probe_entry drops it before C. */
enum { PROBE_TRAP = 0x100 };
extern uint64_t probe_step;

struct probe_seen {
	uint64_t ints[6], floats[8];
	const uint64_t *stack;
	uint64_t *frame; /* the stub's rbp */
	uint64_t rax, xmm0;
};

void probe_call(struct stub_callee *c, struct probe_regs *regs);
void probe_entry(void);
void probe_end(void);					 /* the end of both */
void probe_target(void *probe, struct probe_seen *seen); /* each test program's own */

__asm__(
    ".bss\n.globl probe_step\n.hidden probe_step\n.balign 8\nprobe_step:	.zero 8\n"
    ".text\n.globl probe_call\n.type probe_call,@function\n"
    "probe_call:\n	.cfi_startproc\n"
    "	push %rbp\n	.cfi_def_cfa_offset 16\n	.cfi_offset %rbp, -16\n"
    "	mov %rsp, %rbp\n	.cfi_def_cfa_register %rbp\n"
    "	push %rbx\n	push %r12\n	push %r13\n	push %r14\n	push %r15\n"
    "	push %rsi\n" /* regs at -48(%rbp); rsp is aligned */
    "	mov %rdi, %r10\n	mov %rsi, %r12\n	mov 152(%rsi), %r13\n"
    "	mov 120(%r12), %rcx\n	mov 112(%r12), %rax\n"
    "	test $1, %cl\n	jz 1f\n	push $-1\n"
    "1:	test %rcx, %rcx\n	jz 2f\n	push -8(%rax,%rcx,8)\n	dec %rcx\n	jmp 1b\n"
    "2:	mov %rsp, %r15\n"
    "	mov 0(%r12), %rdi\n	mov 8(%r12), %rsi\n	mov 16(%r12), %rdx\n"
    "	mov 24(%r12), %rcx\n	mov 32(%r12), %r8\n	mov 40(%r12), %r9\n"
    "	movsd 48(%r12), %xmm0\n	movsd 56(%r12), %xmm1\n	movsd 64(%r12), %xmm2\n"
    "	movsd 72(%r12), %xmm3\n	movsd 80(%r12), %xmm4\n	movsd 88(%r12), %xmm5\n"
    "	movsd 96(%r12), %xmm6\n	movsd 104(%r12), %xmm7\n"
    "	mov $0x1b1b1b1b, %ebx\n	mov $0x1e1e1e1e, %r14d\n"
    "	mov probe_step(%rip), %r11\n	pushf\n	or %r11, (%rsp)\n	popf\n"
    "	mov $0x7b7b7b7b, %r11d\n	mov %r11, %rax\n	movq %r11, %xmm8\n"
    "	call *(%r10)\n"
    "	pushf\n	andq $~0x100, (%rsp)\n	popf\n"
    "	mov -48(%rbp), %rsi\n"
    "	mov %rax, 128(%rsi)\n	movsd %xmm0, 136(%rsi)\n"
    "	movq $0, 144(%rsi)\n"
    "	cmp $0x1b1b1b1b, %rbx\n	jne 3f\n	cmp $0x1e1e1e1e, %r14\n	jne 3f\n"
    "	cmp %rsi, %r12\n	jne 3f\n	cmp %rsp, %r15\n	jne 3f\n"
    "	cmp 152(%rsi), %r13\n	jne 3f\n"
    "	movq $1, 144(%rsi)\n"
    "3:	lea -40(%rbp), %rsp\n"
    "	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop %rbx\n"
    "	pop %rbp\n	.cfi_def_cfa %rsp, 8\n	ret\n"
    "	.cfi_endproc\n.size probe_call,.-probe_call\n"
    ".globl probe_entry\n.type probe_entry,@function\n"
    "probe_entry:\n	.cfi_startproc\n"
    "	push %rbp\n	.cfi_def_cfa_offset 16\n	.cfi_offset %rbp, -16\n"
    "	mov %rsp, %rbp\n	.cfi_def_cfa_register %rbp\n"
    "	pushf\n	andq $~0x100, (%rsp)\n	popf\n	sub $144, %rsp\n"
    "	mov %rdi, 0(%rsp)\n	mov %rsi, 8(%rsp)\n	mov %rdx, 16(%rsp)\n"
    "	mov %rcx, 24(%rsp)\n	mov %r8, 32(%rsp)\n	mov %r9, 40(%rsp)\n"
    "	movsd %xmm0, 48(%rsp)\n	movsd %xmm1, 56(%rsp)\n	movsd %xmm2, 64(%rsp)\n"
    "	movsd %xmm3, 72(%rsp)\n	movsd %xmm4, 80(%rsp)\n	movsd %xmm5, 88(%rsp)\n"
    "	movsd %xmm6, 96(%rsp)\n	movsd %xmm7, 104(%rsp)\n"
    "	lea 16(%rbp), %rcx\n	mov %rcx, 112(%rsp)\n	mov (%rbp), %rcx\n"
    "	mov %rcx, 120(%rsp)\n"
    "	mov %rax, %rdi\n	mov %rsp, %rsi\n	call probe_target\n"
    "	mov 128(%rsp), %rax\n	movsd 136(%rsp), %xmm0\n"
    "	mov $0x5a5a5a5a, %ecx\n	mov %rcx, %rdx\n	mov %rcx, %rsi\n	mov %rcx, %rdi\n"
    "	mov %rcx, %r8\n	mov %rcx, %r9\n	mov %rcx, %r10\n	mov %rcx, %r11\n"
    "	movq %rcx, %xmm1\n	movq %rcx, %xmm2\n	movq %rcx, %xmm8\n	movq %rcx, %xmm15\n"
    "	mov probe_step(%rip), %r11\n	pushf\n	or %r11, (%rsp)\n	popf\n	mov %rcx, %r11\n"
    "	leave\n	.cfi_def_cfa %rsp, 8\n	ret\n"
    "	.cfi_endproc\n.size probe_entry,.-probe_entry\n"
    ".globl probe_end\nprobe_end:\n");

#endif
