/*
 * loops.c - the loops are machine code or inline assembly, so that no compiler changes their counts
 * and a sanitizer's checks do not add to them.
 *
 * Most are a chain of direct jumps, which is certain: no data is loaded, and the order in which
 * lines and pages are fetched is fixed when the chain is written.
 *
 *      memory        +stride         +2 stride            +steps * stride
 *      | jmp next .. | jmp next .... | jmp next .... ... | ret
 *
 * With a stride of one page, all jumps fall into one set of the L1I; with a stride of five pages
 * and one line, into all sets, and no two pages can share a TLB entry (some merge four neighbours).
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>

#include "meters/loops.h"

enum { PAGE = 4096, LINE = 64, JUMP = 5, TARGETS = 16, FAR_PAGES = 5 * PAGE + LINE };

#if defined(__x86_64__)

static void write_chain(struct loop *loop)
{
	int32_t distance = (int32_t)loop->stride - JUMP;
	uint8_t *at = loop->memory;

	for (unsigned i = 0; i < loop->steps; i++, at += loop->stride) {
		at[0] = 0xe9; /* jmp rel32 */
		memcpy(at + 1, &distance, sizeof distance);
	}
	*at = 0xc3; /* ret */
}

static void write_targets(struct loop *loop)
{
	for (unsigned i = 0; i < TARGETS; i++)
		loop->memory[i * loop->stride] = 0xc3;
}

static void run_counted(uint64_t n)
{
	__asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(n) : : "cc");
}

/* A branch over one instruction that no predictor can know. */
static void branch_on(uint64_t bit)
{
	__asm__ volatile("test %0, %0\n\tjz 1f\n\tnop\n1:" : : "r"(bit) : "cc");
}

static void flush_line(const void *at)
{
	__asm__ volatile("clflush (%0)" : : "r"(at) : "memory");
}

/* A sanitizer's check of the store would touch memory of its own. */
static void touch(void *at)
{
	__asm__ volatile("movb $1, (%0)" : : "r"(at) : "memory");
}

static void fence(void)
{
	__asm__ volatile("mfence" : : : "memory");
}

enum { HAVE_CODE = 1 };

#else

static void write_chain(struct loop *loop)
{
	(void)loop;
}
static void write_targets(struct loop *loop)
{
	(void)loop;
}
static void run_counted(uint64_t n)
{
	(void)n;
}
static void branch_on(uint64_t bit)
{
	(void)bit;
}
static void flush_line(const void *at)
{
	(void)at;
}
static void touch(void *at)
{
	*(volatile uint8_t *)at = 1;
}
static void fence(void)
{
}

enum { HAVE_CODE = 0 };

#endif

/* The shape of a loop; steps and stride are those of its chain or its targets. */
static const struct shape {
	unsigned steps, rounds;
	size_t stride;
	uint64_t occasions;
} shapes[LOOP_KINDS] = {
	[LOOP_COUNTED] = { 500000, 1, 0, 500000 },
	[LOOP_PAGE_STARTS] = { 64, 1000, PAGE, 64 * 1000 },
	[LOOP_PAGES] = { 512, 100, FAR_PAGES, 512 * 100 },
	[LOOP_MANY_PAGES] = { 3072, 8, FAR_PAGES, 3072 * 8 },
	[LOOP_FLUSHED] = { 64, 50, FAR_PAGES, 64 * 50 },
	[LOOP_FRESH] = { 8192, 1, 4 * LINE, 8192 },
	[LOOP_RANDOM] = { 100000, 1, 0, 100000 },
	[LOOP_INDIRECT] = { TARGETS, 50000, LINE, 50000 },
	[LOOP_TOUCH] = { 256, 1, PAGE, 256 },
	[LOOP_SLEEP] = { 20, 1, 0, 20 },
};

/* Predictors know jumps by address: at a random place in 16 TiB there were
 * none before. Only a hint. */
static void *fresh_address(void)
{
	uint32_t page = 0;

	if (getrandom(&page, sizeof page, 0) != sizeof page)
		return NULL;
	return (void *)(0x200000000000u + (uintptr_t)page * PAGE);
}

int loop_open(struct loop *loop, enum loop_kind kind)
{
	const struct shape *shape = &shapes[kind];

	if (!HAVE_CODE && kind != LOOP_TOUCH && kind != LOOP_SLEEP)
		return -ENOTSUP;
	*loop = (struct loop){ .kind = kind,
			       .occasions = shape->occasions,
			       .stride = shape->stride,
			       .steps = shape->steps,
			       .rounds = shape->rounds };
	if (!shape->stride)
		return 0;
	loop->size = (shape->steps * shape->stride + PAGE) / PAGE * PAGE;
	loop->memory =
	    mmap(kind == LOOP_FRESH ? fresh_address() : NULL, loop->size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (loop->memory == MAP_FAILED) {
		loop->memory = NULL;
		return -ENOMEM;
	}
	/* A huge page would be one fault and one TLB entry; kernels
	 * without them refuse the call. */
	(void)madvise(loop->memory, loop->size, MADV_NOHUGEPAGE);
	if (kind == LOOP_TOUCH)
		return 0;
	if (kind == LOOP_INDIRECT)
		write_targets(loop);
	else
		write_chain(loop);
	if (mprotect(loop->memory, loop->size, PROT_READ | PROT_EXEC)) {
		loop_close(loop);
		return -EACCES;
	}
	return 0;
}

/* xorshift64*, whose period is beyond any predictor; not prng.h, so that a step of these loops
 * stays the few instructions that meters are proven with. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 2685821657736338717u >> 32;
}

/* clang's check of a called function's type reads the bytes before it, but here are none. */
#if defined(__clang__)
__attribute__((no_sanitize("function")))
#endif
static void
call(const uint8_t *code)
{
	void (*function)(void);

	memcpy(&function, &code, sizeof function);
	function();
}

static void flush_chain(const struct loop *loop)
{
	for (unsigned i = 0; i <= loop->steps; i++)
		flush_line(loop->memory + i * loop->stride);
	fence();
}

void loop_run(const struct loop *loop)
{
	uint64_t random = 88172645463325252u;

	switch (loop->kind) {
	case LOOP_COUNTED:
		run_counted(loop->steps);
		return;
	case LOOP_RANDOM:
		for (unsigned i = 0; i < loop->steps; i++)
			branch_on(next_random(&random) & 1);
		return;
	case LOOP_INDIRECT:
		for (unsigned i = 0; i < loop->rounds; i++)
			call(loop->memory + next_random(&random) % TARGETS * loop->stride);
		return;
	case LOOP_TOUCH:
		for (unsigned i = 0; i < loop->steps; i++)
			touch(loop->memory + i * loop->stride);
		return;
	case LOOP_SLEEP:
		for (unsigned i = 0; i < loop->steps; i++)
			nanosleep(&(struct timespec){ .tv_nsec = 1 }, NULL);
		return;
	case LOOP_FLUSHED:
		for (unsigned i = 0; i < loop->rounds; i++) {
			flush_chain(loop);
			call(loop->memory);
		}
		return;
	default:
		for (unsigned i = 0; i < loop->rounds; i++)
			call(loop->memory);
	}
}

void loop_close(struct loop *loop)
{
	if (loop->memory)
		munmap(loop->memory, loop->size);
	loop->memory = NULL;
}
