/*
 * code.c - executable memory: one reservation, three W^X policies, quanta handed out lowest first.
 *
 *   R                base                                            (base: 2 MiB aligned + colour)
 *   | lead | stubs 384M |g| modules 128M-2g |g| literals A+B 1024M-g |g| data 64M | tail |
 *                  |<------------ S -------->|<----- S ----->|<- S ->|
 *
 * g is a guard of 64 KiB. Lead, guards and tail are never touched, nor dumped: that keeps the
 * kernel from joining them to a neighbour, and no mapping crosses an area's edge. Huge pages are
 * off.
 *
 * What a quantum costs in system calls, and what can run when it should not:
 *
 *             open     reserve  commit  patch  release      executable though not committed
 *   toggle    9 + 3    1        1       1      2 (+2)       nothing
 *   dual      9 + 11   0        0       0      1 (+2)       both code areas, always
 *   rwx       9 + 2    0        0       0      1 (+2)       both code areas, always
 *   running   +1       -        +1      -      -            (code_set_running: dual and rwx only)
 *
 * (+2) gives the literals back, once any have been accounted. Toggle changes whole 4 KiB pages, not
 * whole quanta. Under dual and rwx a free quantum is zeroed memory that the processor would
 * execute. x86 keeps instruction fetch coherent with stores by physical address: nothing need be
 * flushed.
 *
 * If other threads run this code (code_set_running), a processor may have fetched from an address
 * before a store there and then execute the old bytes. Intel's manual (SDM 3A, "Handling Self- and
 * Cross-Modifying Code") asks for a serialising instruction in between, on the processor that
 * executes; so does AMD's (APM 2, 7.6.1), but for aligned stores of up to 8 bytes. Under dual and
 * rwx, membarrier(SYNC_CORE) gives it. Under toggle, a page that is written has not been executable
 * since its release, which took away every processor's translation of it.
 *
 * Only one thread at a time may be in these functions; code.h names the exceptions.
 */
#include <assert.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../watch.h"
#include "internal.h"
#include "quanta.h"

#define MIB   ((size_t)1 << 20)
#define PAGE  ((size_t)4096)
#define GUARD ((size_t)65536)
#define S     (512 * MIB)
#define STUBS (384 * MIB)
#define DATA  (64 * MIB)
#define ALIGN (2 * MIB)
#define TOTAL (GUARD + ALIGN + ALIGN + 3 * S + DATA + GUARD)
_Static_assert(TOTAL <= 2048 * MIB - PAGE, "rel32 must reach from end to end");

enum { MAX_COLOUR = 511 };

/* An area; literals and data have no quanta. */
struct area {
	uintptr_t from, to;
	uintptr_t alias; /* dual: the writable view of `from`; else 0 */
	struct quanta quanta;
};

struct code_memory {
	struct code_config config;
	struct code_stats stats;
	struct area areas[CODE_AREAS];
	uintptr_t map;
	size_t data_used;
	char *faults;	   /* copy of config.faults */
	const char *fault; /* next letter; NULL: nothing fails */
	bool has_literals; /* some were accounted: release gives their pages back */
	bool running;
	pthread_mutex_t lock; /* held to change any of this while callers run */
};

const char *const code_wx_names[CODE_WX_POLICIES] = { "toggle", "dual", "rwx" };

/* ---- System calls, each counted ------------------------------------------------------------ */

static int protect(struct code_memory *code, uintptr_t at, size_t bytes, int prot)
{
	code->stats.syscalls++;
	return mprotect((void *)at, bytes, prot) ? -errno : 0;
}

static int advise(struct code_memory *code, uintptr_t at, size_t bytes, int advice)
{
	code->stats.syscalls++;
	return madvise((void *)at, bytes, advice) ? -errno : 0;
}

static int map(struct code_memory *code, uintptr_t *at, size_t bytes, int prot, int flags, int fd,
	       off_t offset)
{
	code->stats.syscalls++;
	void *got = mmap((void *)*at, bytes, prot, flags, fd, offset);
	if (got == MAP_FAILED)
		return -errno;
	if (!(flags & MAP_FIXED)) /* else it lies in a region that is counted */
		code->stats.mappings++;
	*at = (uintptr_t)got;
	return 0;
}

/* ---- Areas ---------------------------------------------------------------------------------- */

static size_t size_of(const struct area *p)
{
	return p->to - p->from;
}

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
	if (!bytes || bytes > size_of(p) - offset)
		return NULL;
	*first = (uint32_t)(offset / quantum);
	uint32_t end = (uint32_t)((offset + bytes - 1) / quantum) + 1;
	*n = end - *first;
	return quanta_held(&p->quanta, *first, *n) ? p : NULL;
}

/* ---- Opening -------------------------------------------------------------------------------- */

static bool config_ok(const struct code_config *c)
{
	return (unsigned)c->wx < CODE_WX_POLICIES &&
	       (c->quantum == 4096 || c->quantum == 16384 || c->quantum == 65536) &&
	       (!c->share || c->wx == CODE_DUAL) && c->colour <= MAX_COLOUR &&
	       (!c->faults || !c->faults[strspn(c->faults, "acfoAF")]);
}

/* Without transparent huge pages in the kernel there is nothing to turn off: the error is
 * ignored. */
static void no_huge_pages(struct code_memory *code, uintptr_t at, size_t bytes)
{
	(void)advise(code, at, bytes, MADV_NOHUGEPAGE);
}

/* Reserves the picture at the head: without access, except for literals and data. */
static int reserve_space(struct code_memory *code)
{
	struct area *p = code->areas;
	uint32_t quantum = code->config.quantum;
	int error = map(code, &code->map, TOTAL, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (error)
		return error;
	code->stats.reserved = TOTAL;

	uintptr_t base = (code->map + GUARD + ALIGN - 1) & ~(ALIGN - 1);
	base += code->config.colour * PAGE / quantum * quantum;
	p[CODE_STUBS] = (struct area){ .from = base, .to = base + STUBS };
	p[CODE_MODULES] = (struct area){ .from = base + STUBS + GUARD, .to = base + S - GUARD };
	p[CODE_LITERALS] = (struct area){ .from = base + S, .to = base + 3 * S - GUARD };
	p[CODE_DATA] = (struct area){ .from = base + 3 * S, .to = base + 3 * S + DATA };

	no_huge_pages(code, code->map, TOTAL);
	uintptr_t at = code->map;
	for (int i = 0; i <= CODE_AREAS && !error; i++) {
		uintptr_t to = i < CODE_AREAS ? p[i].from : code->map + TOTAL;
		error = advise(code, at, to - at, MADV_DONTDUMP);
		if (i < CODE_AREAS)
			at = p[i].to;
	}
	for (int i = CODE_LITERALS; i <= CODE_DATA && !error; i++)
		error = protect(code, p[i].from, size_of(&p[i]), PROT_READ | PROT_WRITE);
	return error;
}

/* Tries at once whether the kernel lets written memory become executable. */
static int open_toggle(struct code_memory *code)
{
	const int steps[] = { PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC, PROT_NONE };
	int error = 0;

	for (int i = 0; i < 3 && !error; i++)
		error = protect(code, code->areas[CODE_STUBS].from, PAGE, steps[i]);
	return error;
}

static int open_rwx(struct code_memory *code)
{
	int error = 0;

	for (struct area *p = code->areas; p <= &code->areas[CODE_MODULES] && !error; p++)
		error = protect(code, p->from, size_of(p), PROT_READ | PROT_WRITE | PROT_EXEC);
	return error;
}

static int open_views(struct code_memory *code, struct area *p, int fd)
{
	off_t offset = (off_t)(p->from - code->areas[CODE_STUBS].from);
	size_t bytes = size_of(p);
	int error =
	    map(code, &p->from, bytes, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, fd, offset);
	if (!error)
		error = map(code, &p->alias, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	if (error)
		return error;
	code->stats.reserved += bytes;
	no_huge_pages(code, p->from, bytes);
	no_huge_pages(code, p->alias, bytes);
	return 0;
}

/* Offsets in the file are those from base, so that the two areas' views never join. The mappings
 * keep the file: its descriptor is not needed again, MADV_REMOVE punches the holes. */
static int open_dual(struct code_memory *code)
{
	int error = 0;

	code->stats.syscalls++;
	int fd = memfd_create("stubmap-code", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	code->stats.syscalls++;
	if (ftruncate(fd, (off_t)S))
		error = -errno;

	for (int i = CODE_STUBS; i <= CODE_MODULES && !error; i++)
		error = open_views(code, &code->areas[i], fd);
	code->stats.syscalls++;
	close(fd);
	return error;
}

int code_open(struct code_memory **out, const struct code_config *config)
{
	int (*const policies[])(struct code_memory *) = { open_toggle, open_dual, open_rwx };
	int error = -ENOMEM;

	*out = NULL;
	if (!config_ok(config))
		return -EINVAL;
	struct code_memory *code = calloc(1, sizeof(*code));
	if (!code)
		return -ENOMEM;
	code->config = *config;
	pthread_mutex_init(&code->lock, NULL);
	if (config->faults) {
		code->faults = strdup(config->faults);
		if (!code->faults)
			goto fail;
		code->config.faults = code->fault = code->faults;
	}
	error = reserve_space(code);
	for (int i = CODE_STUBS; i <= CODE_MODULES && !error; i++)
		error = quanta_open(&code->areas[i].quanta,
				    (uint32_t)(size_of(&code->areas[i]) / config->quantum));
	if (!error)
		error = policies[config->wx](code);
	if (error)
		goto fail;
	*out = code;
	return 0;
fail:
	code_close(code);
	return error == -EPERM ? -EACCES : error; /* the kernel may refuse by either */
}

void code_close(struct code_memory *code)
{
	if (!code)
		return;
	for (int i = CODE_STUBS; i <= CODE_MODULES; i++) {
		struct area *p = &code->areas[i];
		if (p->alias)
			munmap((void *)p->alias, size_of(p));
		quanta_close(&p->quanta);
	}
	if (code->map)
		munmap((void *)code->map, TOTAL);
	pthread_mutex_destroy(&code->lock);
	free(code->faults);
	free(code);
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

void *code_reserve(struct code_memory *code, enum code_area area, size_t bytes)
{
	uint32_t quantum = code->config.quantum;

	if (fault_now(code) || (area != CODE_STUBS && area != CODE_MODULES))
		return NULL;
	struct area *p = &code->areas[area];
	if (!bytes || bytes > size_of(p))
		return NULL;
	uint32_t n = (uint32_t)((bytes + quantum - 1) / quantum);
	size_t limit = code->config.limit_stubs;
	if (area == CODE_STUBS && limit && ((size_t)p->quanta.taken + n) * quantum > limit)
		return NULL;
	uint32_t q = quanta_find(&p->quanta, n);
	if (q == p->quanta.n)
		return NULL;

	uintptr_t at = p->from + (size_t)q * quantum;
	size_t length = (size_t)n * quantum;
	if (code->config.wx == CODE_TOGGLE && protect(code, at, length, PROT_READ | PROT_WRITE)) {
		/* Part of a run that spans mappings may have changed. */
		(void)protect(code, at, length, PROT_NONE);
		return NULL;
	}
	quanta_mark(&p->quanta, q, n, true);
	return (void *)at;
}

/* Under toggle, sets the protection of all pages that [at, at + bytes) touches. */
static int turn(struct code_memory *code, void *at, size_t bytes, int prot)
{
	uint32_t q, n;

	if (!held_quanta(code, at, bytes, &q, &n))
		return -EINVAL;
	if (code->config.wx != CODE_TOGGLE)
		return 0;
	uintptr_t from = (uintptr_t)at & ~(PAGE - 1);
	uintptr_t to = ((uintptr_t)at + bytes + PAGE - 1) & ~(PAGE - 1);
	return protect(code, from, to - from, prot);
}

static int barrier(struct code_memory *code, int command)
{
	code->stats.syscalls++;
	return syscall(SYS_membarrier, command, 0, 0) ? -errno : 0;
}

/* Nothing on x86. Elsewhere what was written must leave the data cache by the address that it was
 * written through, and old instructions must leave the other cache by the one that is executed. */
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
	int error = fault ? -ENOMEM : turn(code, at, bytes, PROT_READ | PROT_EXEC);

	synchronise(code, at, bytes);
	if (!error && code->running && code->config.wx != CODE_TOGGLE)
		error = barrier(code, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE);
	return error;
}

int code_patch(struct code_memory *code, void *at, size_t bytes)
{
	return code_frozen(code) ? -EBUSY : turn(code, at, bytes, PROT_READ | PROT_WRITE);
}

int code_set_running(struct code_memory *code)
{
	if (!code->running && code->config.wx != CODE_TOGGLE &&
	    barrier(code, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE))
		return -ENOSYS;
	code->running = true;
	return 0;
}

bool code_frozen(const struct code_memory *code)
{
	return code->running && code->config.wx == CODE_TOGGLE;
}

/* If toggle's last step fails (no room for one more mapping), the quanta are free all the same:
 * they are empty, and code_reserve sets their protection right. */
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

	if (p->alias) {
		(void)advise(code, p->alias + (from - p->from), length, MADV_REMOVE);
	} else {
		(void)advise(code, from, length, MADV_DONTNEED);
		if (code->config.wx == CODE_TOGGLE)
			(void)protect(code, from, length, PROT_NONE);
	}
	if (code->has_literals && p == &code->areas[CODE_STUBS]) {
		(void)advise(code, from + S, length, MADV_DONTNEED);
		(void)advise(code, from + 2 * S, length, MADV_DONTNEED);
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
	if (!bytes || bytes > DATA - code->data_used)
		return NULL;
	uintptr_t at = code->areas[CODE_DATA].from + code->data_used;
	/* DATA is a multiple of 16: rounding up stays within it. */
	code->data_used += (bytes + 15) & ~(size_t)15;
	return (void *)at;
}

size_t code_literal_distance(const struct code_memory *code)
{
	(void)code;
	return S;
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
	*to = p->alias ? p->alias + size_of(p) : 0;
}

void code_get_stats(const struct code_memory *code, struct code_stats *out)
{
	*out = code->stats;
	out->quanta_stubs = code->areas[CODE_STUBS].quanta.taken;
	out->quanta_modules = code->areas[CODE_MODULES].quanta.taken;
	out->committed_stubs = out->quanta_stubs * code->config.quantum;
	out->committed_modules = out->quanta_modules * code->config.quantum;
}

void code_count_syscalls(struct code_memory *code, uint64_t n)
{
	code->stats.syscalls += n;
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
