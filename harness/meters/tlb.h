/* tlb.h - the first-level instruction TLB of the CPU that this program runs on, from CPUID. */
#ifndef STUBMAP_METERS_TLB_H
#define STUBMAP_METERS_TLB_H

#include <stdint.h>

struct tlb {
	uint32_t entries, ways; /* for pages of 4 KiB; ways == entries: fully associative */
};

/* 0; -ENOENT: CPUID does not tell. */
int tlb_of_code(struct tlb *);

#endif
