/*
 * serialise.c - a serialising instruction that any x86-64 program may execute.
 *
 * It is CPUID. But a virtual machine's host has to execute CPUID for its guest, which takes a
 * hundred times as long. So a guest executes an IRET to the next instruction, as in the Linux
 * kernel's iret_to_self: but not under a shadow stack, which would have to hold the return address,
 * too, nor under qemu's TCG, which gets an IRET of user mode wrong (7.2, with SMAP).
 */
#include <cpuid.h>
#include <string.h>

#include "memory.h"

bool serialise_by_return(void)
{
	unsigned a, b, c, d;
	char name[13] = "";

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 31 & 1)) /* no guest */
		return false;
	__cpuid(0x40000000, a, b, c, d);
	memcpy(name, &b, 4);
	memcpy(name + 4, &c, 4);
	memcpy(name + 8, &d, 4);
	return strcmp(name, "TCGTCGTCGTCG") != 0;
}

/* Executes an IRET, unless there is a shadow stack; returns whether it did. */
__attribute__((naked)) static int return_to_self(void)
{
	__asm__("xor %eax, %eax\n\t"
		"rdsspq %rax\n\t" /* without a shadow stack it does nothing */
		"test %rax, %rax\n\t"
		"mov $0, %eax\n\t"
		"jnz 1f\n\t"
		"mov %rsp, %rax\n\t"
		"mov %ss, %ecx\n\t"
		"push %rcx\n\t"
		"push %rax\n\t"
		"pushfq\n\t"
		"mov %cs, %ecx\n\t"
		"push %rcx\n\t"
		"lea 2f(%rip), %rcx\n\t"
		"push %rcx\n\t"
		"iretq\n"
		"2:\n\t"
		"mov $1, %eax\n"
		"1:\n\t"
		"ret");
}

void code_serialise(const struct code_memory *code)
{
	unsigned a, b, c, d;

	if (!code->by_return || !return_to_self())
		__cpuid(0, a, b, c, d);
}
