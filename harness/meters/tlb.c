/*
 * tlb.c - two makers, two forms. AMD: one word of leaf 80000005h. Intel: a list in leaf 18h, if the
 * CPU has it; the descriptors of leaf 2 are not read.
 *
 *      80000005h EBX:  | DTLB ways | DTLB entries | ITLB ways | ITLB entries |   a byte each, 4 KiB
 */
#include "meters/tlb.h"

#include <cpuid.h>
#include <errno.h>
#include <stdbool.h>

#include "meters/events.h"

enum { FULL = 0xff, CODE = 2, SUBLEAVES = 32 };

static bool of_amd(struct tlb *t)
{
	unsigned a, b, c, d;

	if (!__get_cpuid(0x80000005, &a, &b, &c, &d))
		return false;
	t->entries = b & 0xff;
	t->ways = (b >> 8 & 0xff) == FULL ? t->entries : b >> 8 & 0xff;
	return t->entries && t->ways;
}

static bool of_intel(struct tlb *t)
{
	unsigned a, b, c, d, last;

	if (!__get_cpuid_count(0x18, 0, &a, &b, &c, &d))
		return false;
	last = a < SUBLEAVES ? a : SUBLEAVES;
	for (unsigned sub = 0; sub <= last; sub++) {
		if (!__get_cpuid_count(0x18, sub, &a, &b, &c, &d) || (d & 31) != CODE ||
		    (d >> 5 & 7) != 1 || !(b & 1))
			continue;
		t->ways = b >> 16;
		t->entries = t->ways * c;
		return t->entries;
	}
	return false;
}

int tlb_of_code(struct tlb *t)
{
	return !uarch_hidden() && (of_amd(t) || of_intel(t)) ? 0 : -ENOENT;
}
