/*
 * large.c - quanta of 2 MiB, in as large pages as the kernel has: one entry of a TLB for 512.
 *
 *   - hugetlb: vm.nr_hugepages set some aside. Each quantum gets its page when it is reserved, so
 *     that nothing faults later; when none is left, there is no room.
 *   - transparent huge pages: MADV_HUGEPAGE before the first write. A shared file's (dual) are
 *     gathered by MADV_COLLAPSE at once (Linux 6.1), whatever the setting shmem_enabled says.
 *   - pages of 4 KiB, aligned all the same.
 *
 * Transparent huge pages are no promise: the kernel may have no free 2 MiB at the time, or split a
 * page later. The stubs' first quantum, tried at open, tells which pages there are; a process's
 * smaps tell which pages it got in the end. Protections change by whole quanta, since a change of a
 * part would split a page.
 */
#include <sys/mman.h>

#include "memory.h"

#ifndef MAP_HUGE_2MB
#define MAP_HUGE_2MB (21 << 26)
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

const char *const code_page_names[CODE_PAGE_SIZES] = {
	[CODE_PAGES_SMALL] = "4 KiB pages",
	[CODE_PAGES_TRANSPARENT] = "transparent 2 MiB pages",
	[CODE_PAGES_HUGETLB] = "2 MiB pages of hugetlb",
};

/* Where the kernel has no transparent huge pages there is nothing to ask for, nor to turn off: the
 * error is ignored. */
void large_advise(struct code_memory *code, uintptr_t at, size_t bytes)
{
	(void)kernel_advise(code, at, bytes, code_large(code) ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

static int map_areas(struct code_memory *code, int flags)
{
	int error = 0;

	for (struct area *p = code->areas; p <= &code->areas[CODE_MODULES] && !error; p++)
		error = kernel_map(code, &p->from, area_size(p), PROT_NONE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED | flags,
				   -1, 0);
	return error;
}

static int try_hugetlb(struct code_memory *code)
{
	const uintptr_t at = code->areas[CODE_STUBS].from;
	int error = map_areas(code, MAP_HUGETLB | MAP_HUGE_2MB);

	if (!error)
		error = kernel_protect(code, at, CODE_LARGE_QUANTUM, PROT_READ | PROT_WRITE);
	if (!error)
		error = large_fill(code, at, CODE_LARGE_QUANTUM);
	if (!error)
		error = kernel_advise(code, at, CODE_LARGE_QUANTUM, MADV_DONTNEED);
	if (!error)
		error = kernel_protect(code, at, CODE_LARGE_QUANTUM, PROT_NONE);
	return error;
}

int large_private(struct code_memory *code)
{
	int error;

	code->stats.pages = CODE_PAGES_HUGETLB;
	if (!try_hugetlb(code))
		return 0;
	code->stats.pages = CODE_PAGES_SMALL;
	error = map_areas(code, 0);
	for (struct area *p = code->areas; p <= &code->areas[CODE_MODULES] && !error; p++)
		large_advise(code, p->from, area_size(p));
	return error;
}

int large_fill(struct code_memory *code, uintptr_t at, size_t bytes)
{
	if (code->stats.pages == CODE_PAGES_HUGETLB)
		return kernel_advise(code, at, bytes, MADV_POPULATE_WRITE) ? -ENOMEM : 0;
	if (code->stats.pages == CODE_PAGES_SMALL || code->config.wx != CODE_DUAL)
		return 0;
	for (size_t done = 0; done < bytes; done += CODE_LARGE_QUANTUM) {
		*(volatile uint8_t *)(at + done) = 0; /* a file without a page is not gathered */
		(void)kernel_advise(code, at + done, CODE_LARGE_QUANTUM, MADV_COLLAPSE);
	}
	return 0;
}

void large_try(struct code_memory *code)
{
	const struct area *p = &code->areas[CODE_STUBS];
	const uintptr_t at = p->alias ? p->alias : p->from;
	const bool toggle = code->config.wx == CODE_TOGGLE;

	if (code->stats.pages == CODE_PAGES_HUGETLB)
		return;
	if (toggle && kernel_protect(code, at, CODE_LARGE_QUANTUM, PROT_READ | PROT_WRITE))
		return;
	if (code->config.wx == CODE_PKEY)
		keys_turn(code, p->from, 1, true);
	code->stats.pages = CODE_PAGES_TRANSPARENT;
	(void)large_fill(code, at, CODE_LARGE_QUANTUM);
	*(volatile uint8_t *)at = 0;
	if (!kernel_resident(code, at))
		code->stats.pages = CODE_PAGES_SMALL;
	(void)kernel_advise(code, at, CODE_LARGE_QUANTUM, p->alias ? MADV_REMOVE : MADV_DONTNEED);
	if (code->config.wx == CODE_PKEY)
		keys_turn(code, p->from, 1, false);
	if (toggle)
		(void)kernel_protect(code, at, CODE_LARGE_QUANTUM, PROT_NONE);
}
