/*
 * open.c - makes one reservation for all areas, and opens the two areas of code
 * as each W^X policy needs.
 *
 *   R                base                                            (base: 2 MiB aligned + colour)
 *   | lead | stubs 384M |g| modules 128M-2g |g| literals A+B 1024M-g |g| data 64M | tail |
 *                  |<------------ S -------->|<----- S ----->|<- S ->|
 *
 * g is a guard of 64 KiB; with quanta of 2 MiB it is such a quantum. Lead, guards and tail are
 * never touched (but for a page of dual's in the tail), nor dumped: that keeps the kernel from
 * joining them to a neighbour, and no mapping crosses an area's edge. Huge pages are off but for
 * quanta of 2 MiB.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "memory.h"

#define EDGE  ((size_t)65536)
#define STUBS (384 * CODE_MIB)
#define DATA  (64 * CODE_MIB)
#define ALIGN (2 * CODE_MIB)
#define TOTAL (EDGE + ALIGN + ALIGN + 3 * CODE_S + DATA + EDGE)
_Static_assert(TOTAL <= 2048 * CODE_MIB - CODE_PAGE, "rel32 must reach from end to end");

enum { MAX_COLOUR = 511 };

const char *const code_wx_names[CODE_WX_POLICIES] = { "toggle", "dual", "rwx", "pkey" };

static bool config_ok(const struct code_config *c)
{
	return (unsigned)c->wx < CODE_WX_POLICIES &&
	       (c->quantum == 4096 || c->quantum == 16384 || c->quantum == 65536 ||
		c->quantum == CODE_LARGE_QUANTUM) &&
	       (!c->share || (c->wx == CODE_DUAL && c->quantum != CODE_LARGE_QUANTUM)) &&
	       c->colour <= MAX_COLOUR && (!c->faults || !c->faults[strspn(c->faults, "acfoAF")]);
}

/* Reserves the picture at the head: without access, except for literals and data. */
static int reserve_space(struct code_memory *code)
{
	struct area *p = code->areas;
	const uint32_t quantum = code->config.quantum;
	const size_t guard = quantum > EDGE ? quantum : EDGE;
	int error = kernel_map(code, &code->map, TOTAL, PROT_NONE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (error)
		return error;
	code->stats.reserved = TOTAL;
	code->guard = guard;

	uintptr_t base = (code->map + EDGE + ALIGN - 1) & ~(ALIGN - 1);
	base += code->config.colour * CODE_PAGE / quantum * quantum;
	p[CODE_STUBS] = (struct area){ .from = base, .to = base + STUBS };
	p[CODE_MODULES] =
	    (struct area){ .from = base + STUBS + guard, .to = base + CODE_S - guard };
	p[CODE_LITERALS] = (struct area){ .from = base + CODE_S, .to = base + 3 * CODE_S - guard };
	p[CODE_DATA] = (struct area){ .from = base + 3 * CODE_S, .to = base + 3 * CODE_S + DATA };

	/* Where the kernel has no huge pages there is nothing to turn off. */
	(void)kernel_advise(code, code->map, TOTAL, MADV_NOHUGEPAGE);
	uintptr_t at = code->map;
	for (int i = 0; i <= CODE_AREAS && !error; i++) {
		uintptr_t to = i < CODE_AREAS ? p[i].from : code->map + TOTAL;
		error = kernel_advise(code, at, to - at, MADV_DONTDUMP);
		if (i < CODE_AREAS)
			at = p[i].to;
	}
	for (int i = CODE_LITERALS; i <= CODE_DATA && !error; i++)
		error = kernel_protect(code, p[i].from, area_size(&p[i]), PROT_READ | PROT_WRITE);
	return error;
}

/* Tries at once whether the kernel lets written memory become executable. */
static int toggle_open(struct code_memory *code)
{
	const int steps[] = { PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC, PROT_NONE };
	const size_t bytes = code_large(code) ? CODE_LARGE_QUANTUM : CODE_PAGE;
	int error = 0;

	for (int i = 0; i < 3 && !error; i++)
		error = kernel_protect(code, code->areas[CODE_STUBS].from, bytes, steps[i]);
	return error;
}

static int rwx_open(struct code_memory *code)
{
	const int prot = PROT_READ | PROT_WRITE | PROT_EXEC;
	int error = 0;

	for (struct area *p = code->areas; p <= &code->areas[CODE_MODULES] && !error; p++)
		error = kernel_protect(code, p->from, area_size(p), prot);
	return error;
}

static int open_areas(struct code_memory *code)
{
	int (*const policies[])(struct code_memory *) = { toggle_open, dual_open, rwx_open,
							  keys_open };
	const enum code_wx wx = code->config.wx;
	int error = reserve_space(code);

	for (int i = CODE_STUBS; i <= CODE_MODULES && !error; i++)
		error = quanta_open(&code->areas[i].quanta,
				    (uint32_t)(area_size(&code->areas[i]) / code->config.quantum));
	if (!error && code_large(code) && wx != CODE_DUAL)
		error = large_private(code);
	if (!error)
		error = policies[wx](code);
	if (!error && code_large(code))
		large_try(code);
	return error;
}

int code_open(struct code_memory **out, const struct code_config *config)
{
	int error = -ENOMEM;

	*out = NULL;
	if (!config_ok(config))
		return -EINVAL;
	struct code_memory *code = calloc(1, sizeof(*code));
	if (!code)
		return -ENOMEM;
	code->config = *config;
	code->file = code->keys.key = -1;
	pthread_mutex_init(&code->lock, NULL);
	if (config->faults) {
		code->faults = strdup(config->faults);
		if (!code->faults)
			goto fail;
		code->config.faults = code->fault = code->faults;
	}
	error = open_areas(code);
	if (error)
		goto fail;
	*out = code;
	return 0;
fail:
	code_close(code);
	return error == -ENOTSUP ? error : code_refusal(error);
}

/* In a child of the process that opened it, its addresses may be another's by now. */
void code_close(struct code_memory *code)
{
	if (!code)
		return;
	const bool forked = dual_forked(code);

	dual_close(code);
	for (int i = CODE_STUBS; i <= CODE_MODULES; i++)
		quanta_close(&code->areas[i].quanta);
	if (code->map && !forked)
		kernel_unmap(code, code->map, TOTAL);
	keys_close(code);
	pthread_mutex_destroy(&code->lock);
	free(code->faults);
	free(code);
}
