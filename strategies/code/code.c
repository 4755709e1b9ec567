/*
 * code.c - executable memory at work: quanta handed out lowest first, made writable, executable,
 * and given back.
 *
 * The system calls of a quantum, and the code that can run when it should not:
 *
 *             open     reserve  commit  patch  release      executable though not committed
 *   toggle    9 + 3    1        1       1      2 (+2)       nothing
 *   dual      9 + 24   0        0       0      1 (+2)       both code areas, always
 *   rwx       9 + 2    0        0       0      1 (+2)       both code areas, always
 *   pkey      9 + 3    0        0       0      1 (+2)       both code areas, always
 *   running   +1       -        +1      -      -            (code_set_running: all but toggle)
 *   2 MiB     +5 to 12 0 to 1   0       0      0            (large.c)
 *
 * (+2) gives the literals back, once any have been accounted. Toggle changes whole 4 KiB pages, not
 * whole quanta, but for quanta of 2 MiB. Under all others a free quantum is zeroed memory that the
 * processor would execute. x86 keeps instruction fetch coherent with stores by physical address:
 * nothing need be flushed.
 *
 * What a processor has already fetched is another matter. The thread that commits executes a
 * serialising instruction under dual, where it wrote through another address (dual.c). If other
 * threads run this code (code_set_running), one of them may have fetched from an address before a
 * store there and then execute the old bytes. Intel's manual (SDM 3A, "Handling Self- and
 * Cross-Modifying Code") asks for a serialising instruction in between, on the processor that
 * executes; so does AMD's (APM 2, 7.6.1), but for aligned stores of up to 8 bytes. Under all
 * policies but toggle, membarrier(SYNC_CORE) gives it. Under toggle, a page that is written has not
 * been executable since its release, which took away every processor's translation of it.
 *
 * Only one thread at a time may be in these functions; code.h names the exceptions.
 */
#include <assert.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <sys/mman.h>

#include "../watch.h"
#include "memory.h"

/* ---- Areas ---------------------------------------------------------------------------------- */

/* The code area of an address; CODE_AREAS: it lies in none. */
static enum code_area area_of(const struct code_memory *code, const void *at)
{
	const struct area *p = code->areas;
	uintptr_t a = (uintptr_t)at;

	if (a >= p[CODE_STUBS].from && a < p[CODE_STUBS].to)
		return CODE_STUBS;
	if (a >= p[CODE_MODULES].from && a < p[CODE_MODULES].to)
		return CODE_MODULES;
	return CODE_AREAS;
}

/* The area of [at, at + bytes) and its quanta there; NULL where one of them is not held. */
static struct area *held_quanta(struct code_memory *code, const void *at, size_t bytes,
				uint32_t *first, uint32_t *n)
{
	enum code_area area = area_of(code, at);
	uint32_t quantum = code->config.quantum;

	if (area == CODE_AREAS)
		return NULL;
	struct area *p = &code->areas[area];
	size_t offset = (uintptr_t)at - p->from;
	if (!bytes || bytes > area_size(p) - offset)
		return NULL;
	*first = (uint32_t)(offset / quantum);
	uint32_t end = (uint32_t)((offset + bytes - 1) / quantum) + 1;
	*n = end - *first;
	return quanta_held(&p->quanta, *first, *n) ? p : NULL;
}

pthread_mutex_t *code_mutex(struct code_memory *code)
{
	return &code->lock;
}

/* ---- The transaction ------------------------------------------------------------------------ */

static bool fault_now(struct code_memory *code)
{
	if (!code->fault || !*code->fault)
		return false;
	char letter = *code->fault;
	if (letter == 'a' || letter == 'f')
		code->fault++;
	return letter == 'f' || letter == 'F';
}

/* Makes free quanta writable, with pages for them if these are large. */
static int open_quanta(struct code_memory *code, const struct area *p, uintptr_t at, size_t bytes)
{
	const bool toggle = code->config.wx == CODE_TOGGLE;
	int error = toggle ? kernel_protect(code, at, bytes, PROT_READ | PROT_WRITE) : 0;

	if (code->config.wx == CODE_PKEY)
		keys_turn(code, at, bytes, true);
	if (!error && code_large(code))
		error = large_fill(code, p->alias ? p->alias + (at - p->from) : at, bytes);
	if (error && p->alias)
		(void)kernel_advise(code, p->alias + (at - p->from), bytes, MADV_REMOVE);
	else if (error)
		(void)kernel_advise(code, at, bytes, MADV_DONTNEED);
	if (error && code->config.wx == CODE_PKEY)
		keys_turn(code, at, bytes, false);
	if (error && toggle) /* part of a run that spans mappings may have changed */
		(void)kernel_protect(code, at, bytes, PROT_NONE);
	return error;
}

/* 0, and *at; or -errno. */
static int reserve(struct code_memory *code, enum code_area area, size_t bytes, uintptr_t *at)
{
	uint32_t quantum = code->config.quantum;

	if ((area != CODE_STUBS && area != CODE_MODULES) || !bytes)
		return -EINVAL;
	if (dual_forked(code))
		return -EACCES;
	struct area *p = &code->areas[area];
	if (fault_now(code) || bytes > area_size(p))
		return -ENOMEM;
	uint32_t n = (uint32_t)((bytes + quantum - 1) / quantum);
	size_t limit = code->config.limit_stubs;
	if (area == CODE_STUBS && limit && ((size_t)p->quanta.taken + n) * quantum > limit)
		return -ENOMEM;
	uint32_t q = quanta_find(&p->quanta, n);
	if (q == p->quanta.n)
		return -ENOMEM;

	*at = p->from + (size_t)q * quantum;
	int error = open_quanta(code, p, *at, (size_t)n * quantum);
	if (!error)
		quanta_mark(&p->quanta, q, n, true);
	return code_refusal(error);
}

void *code_reserve(struct code_memory *code, enum code_area area, size_t bytes)
{
	uintptr_t at;
	int error = reserve(code, area, bytes, &at);

	if (!error)
		return (void *)at;
	errno = -error;
	return NULL;
}

/* All pages that a run touches; whole quanta where these are large. */
static void widen(const struct code_memory *code, void *at, size_t bytes, uintptr_t *from,
		  size_t *length)
{
	const uintptr_t grain = code_large(code) ? CODE_LARGE_QUANTUM : CODE_PAGE;

	*from = (uintptr_t)at & ~(grain - 1);
	*length = (((uintptr_t)at + bytes + grain - 1) & ~(grain - 1)) - *from;
}

/* Makes a run writable (toggle, pkey) or executable (toggle). */
static int turn(struct code_memory *code, void *at, size_t bytes, bool writable)
{
	uintptr_t from;
	size_t length;
	uint32_t q, n;

	if (!held_quanta(code, at, bytes, &q, &n))
		return -EINVAL;
	if (dual_forked(code))
		return -EACCES;
	widen(code, at, bytes, &from, &length);
	if (code->config.wx == CODE_PKEY && writable)
		keys_turn(code, from, length, true);
	if (code->config.wx != CODE_TOGGLE)
		return 0;
	int error =
	    kernel_protect(code, from, length, PROT_READ | (writable ? PROT_WRITE : PROT_EXEC));
	if (error && writable) /* part of a run that spans mappings may have changed */
		(void)kernel_protect(code, from, length, PROT_READ | PROT_EXEC);
	return code_refusal(error);
}

/* Does nothing on x86. Elsewhere the written bytes must leave the data cache by the address of the
 * write, and old instructions must leave the other cache by the address of execution. */
static void synchronise(const struct code_memory *code, void *at, size_t bytes)
{
	char *written = code_writable(code, at);

	__builtin___clear_cache(written, written + bytes);
	if (written != at)
		__builtin___clear_cache(at, (char *)at + bytes);
}

int code_commit(struct code_memory *code, void *at, size_t bytes)
{
	bool steered = code->fault && (*code->fault == 'o' || *code->fault == 'c');
	bool fault = steered && *code->fault++ == 'c';
	int error = fault ? -ENOMEM : turn(code, at, bytes, false);

	if (!error)
		synchronise(code, at, bytes);
	if (!error && code->config.wx == CODE_DUAL)
		code_serialise(code);
	if (!error && code->running && code->config.wx != CODE_TOGGLE)
		error =
		    code_refusal(kernel_barrier(code, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE));
	if (!error && code->config.wx == CODE_PKEY) { /* after failure it stays writable */
		uintptr_t from;
		size_t length;

		widen(code, at, bytes, &from, &length);
		keys_turn(code, from, length, false);
	}
	return error;
}

int code_patch(struct code_memory *code, void *at, size_t bytes)
{
	return code_frozen(code) ? -EBUSY : turn(code, at, bytes, true);
}

int code_set_running(struct code_memory *code)
{
	if (!code->running && code->config.wx != CODE_TOGGLE &&
	    kernel_barrier(code, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE))
		return -ENOSYS;
	code->running = true;
	return 0;
}

bool code_frozen(const struct code_memory *code)
{
	return code->running && code->config.wx == CODE_TOGGLE;
}

/* Whatever the kernel refuses here, the quanta are free all the same: they keep their memory, or
 * toggle's their protection (no room for one more mapping), which code_reserve sets right. */
void code_release(struct code_memory *code, void *at, size_t bytes)
{
	uint32_t q, n;
	uint32_t quantum = code->config.quantum;
	struct area *p = held_quanta(code, at, bytes, &q, &n);

	assert(p && ((uintptr_t)at - p->from) % quantum == 0);
	uintptr_t from = p->from + (size_t)q * quantum;
	size_t length = (size_t)n * quantum;
	quanta_mark(&p->quanta, q, n, false);
	if (code->config.watch)
		code->config.watch->gone(code->config.watch->arg, at, length);
	if (dual_forked(code))
		return;

	if (p->alias) {
		(void)kernel_advise(code, p->alias + (from - p->from), length, MADV_REMOVE);
	} else {
		(void)kernel_advise(code, from, length, MADV_DONTNEED);
		if (code->config.wx == CODE_TOGGLE)
			(void)kernel_protect(code, from, length, PROT_NONE);
	}
	if (code->config.wx == CODE_PKEY)
		keys_turn(code, from, length, false);
	if (code->has_literals && p == &code->areas[CODE_STUBS]) {
		(void)kernel_advise(code, from + CODE_S, length, MADV_DONTNEED);
		(void)kernel_advise(code, from + 2 * CODE_S, length, MADV_DONTNEED);
	}
}

/* ---- What it is asked ----------------------------------------------------------------------- */

const struct code_config *code_get_config(const struct code_memory *code)
{
	return &code->config;
}

void *code_writable(const struct code_memory *code, const void *at)
{
	enum code_area area = area_of(code, at);

	if (area == CODE_AREAS || !code->areas[area].alias)
		return (void *)at;
	return (void *)(code->areas[area].alias + ((uintptr_t)at - code->areas[area].from));
}

void *code_data(struct code_memory *code, size_t bytes)
{
	const struct area *p = &code->areas[CODE_DATA];

	if (!bytes || bytes > area_size(p) - code->data_used)
		return NULL;
	uintptr_t at = p->from + code->data_used;
	/* The area's size is a multiple of 16: rounding up stays within it. */
	code->data_used += (bytes + 15) & ~(size_t)15;
	return (void *)at;
}

size_t code_literal_distance(const struct code_memory *code)
{
	(void)code;
	return CODE_S;
}

void code_range(const struct code_memory *code, enum code_area area, uintptr_t *from, uintptr_t *to)
{
	*from = code->areas[area].from;
	*to = code->areas[area].to;
}

void code_range_alias(const struct code_memory *code, enum code_area area, uintptr_t *from,
		      uintptr_t *to)
{
	const struct area *p = &code->areas[area];

	*from = p->alias;
	*to = p->alias ? p->alias + area_size(p) : 0;
}

void code_get_stats(const struct code_memory *code, struct code_stats *out)
{
	*out = code->stats;
	out->quanta_stubs = code->areas[CODE_STUBS].quanta.taken;
	out->quanta_modules = code->areas[CODE_MODULES].quanta.taken;
	out->committed_stubs = out->quanta_stubs * code->config.quantum;
	out->committed_modules = out->quanta_modules * code->config.quantum;
}

void code_account(struct code_memory *code, enum code_area area, ptrdiff_t bytes)
{
	if (area == CODE_STUBS)
		code->stats.used_stubs += (uint64_t)bytes;
	if (area == CODE_LITERALS) {
		code->stats.used_literals += (uint64_t)bytes;
		code->has_literals |= bytes > 0;
	}
}

void code_retire(struct code_memory *code, ptrdiff_t bytes)
{
	code->stats.used_stubs -= (uint64_t)bytes;
	code->stats.retired += (uint64_t)bytes;
}
