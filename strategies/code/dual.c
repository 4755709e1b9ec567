/*
 * dual.c - one file in memory, mapped twice.
 *
 *      base: executable                 anywhere: writable
 *      | stubs    |g| modules  |        |g| stubs    |g| . . . . |g| modules  |g|
 *           |            |                     |                      |
 *      file | stubs    | | modules  | <--------+----------------------+
 *
 * The writable views lie at two random addresses, each between guards of its own, so that neither
 * the address of code nor an overrun from a neighbour leads to them. What a process can do by
 * mistake, or be led to do, the kernel refuses:
 *
 *   - the executable view is mapped through a descriptor that can't write: mprotect will not make
 *     it writable. Without /proc there is no such descriptor; then the file is sealed against new
 *     writable views (F_SEAL_FUTURE_WRITE), and released quanta keep their memory, since that seal
 *     forbids holes, too.
 *   - the file is sealed in its size, and can't be started as a program (kernel.c).
 *   - a child of fork has neither view (MADV_DONTFORK): its writes would change the parent's code,
 *     its releases would make holes in it. It knows itself by a page that is zero in it alone.
 *
 * One way is left: code that can already make system calls of its choice can make the writable view
 * executable, or map a third view.
 *
 * Code is written through another address than it is fetched from. For this case Intel's
 * manual (SDM 3A, 12.6 "Self-Modifying Code") asks for a serialising instruction before the
 * code is executed, since the processor's check for fetched instructions goes by address:
 * code_commit executes one.
 */
#include <sys/mman.h>

#include "memory.h"

#define ALIGN (2 * CODE_MIB)

static size_t size_around(const struct code_memory *code, const struct area *p)
{
	return area_size(p) + 2 * code->guard + ALIGN;
}

static off_t offset_of(const struct code_memory *code, uintptr_t at)
{
	return (off_t)(at - code->areas[CODE_STUBS].from);
}

static int finish_view(struct code_memory *code, uintptr_t at, size_t bytes)
{
	large_advise(code, at, bytes);
	return kernel_advise(code, at, bytes, MADV_DONTFORK);
}

static int open_writable(struct code_memory *code, struct area *p, int fd, int flags)
{
	uintptr_t around = 0;
	size_t bytes = area_size(p);
	int error = kernel_random(code, &around);

	if (!error)
		error = kernel_map(code, &around, size_around(code, p), PROT_NONE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (error)
		return error;
	p->around = around;
	code->stats.reserved += size_around(code, p);
	p->alias = (around + code->guard + ALIGN - 1) & ~(ALIGN - 1);
	error = kernel_map(code, &p->alias, bytes, PROT_READ | PROT_WRITE, flags, fd,
			   offset_of(code, p->from));
	return error ? error : finish_view(code, p->alias, bytes);
}

static int open_executable(struct code_memory *code, struct area *p, int fd, int flags)
{
	int error = kernel_map(code, &p->from, area_size(p), PROT_READ | PROT_EXEC, flags, fd,
			       offset_of(code, p->from));

	return error ? error : finish_view(code, p->from, area_size(p));
}

static int open_views(struct code_memory *code, int fd, bool large)
{
	struct area *stubs = &code->areas[CODE_STUBS], *modules = &code->areas[CODE_MODULES];
	int flags = MAP_SHARED | MAP_FIXED | (large ? MAP_NORESERVE : 0);
	int error = open_writable(code, stubs, fd, flags);

	if (!error)
		error = open_writable(code, modules, fd, flags);
	code->file = error ? -1 : kernel_read_only(code, fd);
	if (!error)
		error = kernel_seal(code, fd, code->file < 0);
	for (struct area *p = stubs; p <= modules && !error; p++)
		error = open_executable(code, p, code->file < 0 ? fd : code->file, flags);
	/* Two mappings keep the file; same.c needs a descriptor. */
	if (!error && code->config.share && code->file < 0)
		return (code->file = fd, 0);
	if (error || !code->config.share)
		kernel_close(code, &code->file);
	kernel_close(code, &fd);
	return error;
}

static int open_file(struct code_memory *code, bool large)
{
	int fd, error = kernel_file(code, &fd, CODE_S, large);

	if (!error)
		error = open_views(code, fd, large);
	if (!error && large) {
		const uintptr_t at = code->areas[CODE_STUBS].alias;

		code->stats.pages = CODE_PAGES_HUGETLB;
		error = large_fill(code, at, code->config.quantum);
		if (!error)
			error = kernel_advise(code, at, code->config.quantum, MADV_REMOVE);
	}
	if (!error)
		return 0;
	code->stats.pages = CODE_PAGES_SMALL;
	dual_close(code);
	return error;
}

/* A page that fork does not copy but wipes; it lies behind the data. */
static int open_owner(struct code_memory *code)
{
	uintptr_t at = code->areas[CODE_DATA].to + CODE_PAGE;
	int error = kernel_protect(code, at, CODE_PAGE, PROT_READ | PROT_WRITE);

	if (!error)
		error = kernel_advise(code, at, CODE_PAGE, MADV_WIPEONFORK);
	if (error)
		return error;
	code->owner = (volatile char *)at;
	*code->owner = 1;
	return 0;
}

int dual_open(struct code_memory *code)
{
	int error = open_owner(code);

	code->by_return = serialise_by_return();
	if (error || (code_large(code) && !open_file(code, true)))
		return error;
	return open_file(code, false);
}

bool dual_forked(const struct code_memory *code)
{
	return code->owner && !*code->owner;
}

/* In a child the views' addresses may be another's by now. */
void dual_close(struct code_memory *code)
{
	for (struct area *p = code->areas; p <= &code->areas[CODE_MODULES]; p++) {
		if (p->around && !dual_forked(code)) {
			kernel_unmap(code, p->around, size_around(code, p));
			code->stats.reserved -= size_around(code, p);
			code->stats.mappings--;
		}
		p->around = p->alias = 0;
	}
	kernel_close(code, &code->file);
}

int dual_own(struct code_memory *code, uintptr_t at, size_t bytes)
{
	int error = kernel_map(code, &at, bytes, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED,
			       code->file, offset_of(code, at));

	/* If this fails, a second try is all that is left: the quanta keep their present state. */
	if (!error && finish_view(code, at, bytes))
		(void)finish_view(code, at, bytes);
	return error;
}
