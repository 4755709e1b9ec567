/*
 * snapshot.c - writes all resident pages, at their addresses, and a few bytes of code:
 *
 *      entry:  set the thread pointer           ELF header | program headers | page of entry |
 *      next:   rdi = &state                     runs of pages of each mapping, holes left sparse
 *      lap:    call round
 *              count down, back to next
 *      end:    exit(0)
 *
 * The compiler's library is left out: a steady round runs none of its code. The copy loses physical
 * identity, so the head records it: two pages of the code areas are one if they map the same page
 * of the same file and neither was copied since (bit 61 of pagemap; no privilege needed).
 */
#include <asm/prctl.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "measure/snapshot.h"
#include "base/procfs.h"
#include "base/sort.h"
#include "model/trace.h"

enum { PAGE = 4096, MERGE = 256, STATE_AT = 256, MOST_SEGMENTS = 60000 };

#define PRESENT	 ((uint64_t)3 << 62) /* in memory or swapped */
#define NOT_ANON ((uint64_t)1 << 61) /* a file's page or shared memory, not a private copy */

struct mapping {
	uintptr_t from, to, offset;
	uint64_t dev, inode;
	bool readable, kept;
};

struct segment {
	uintptr_t from, to;
};

struct frame {
	uint64_t dev, inode, offset, page;
	uint64_t first; /* the lowest page in this memory */
};

struct snapshot {
	const struct world *w;
	struct mapping *mappings;
	size_t nmappings;
	struct segment *segments;
	size_t nsegments;
	struct frame *frames; /* pages of the code areas that map a file */
	size_t nframes;
	int pagemap, out;
	uintptr_t entry, lap, end;
	uint8_t page[PAGE]; /* the entry's */
	char *why;
};

static int fail(struct snapshot *s, const char *what, int error)
{
	snprintf(s->why, CELL_ERROR, "snapshot: %.150s: %s", what, strerror(error));
	return -1;
}

/* Makes room for one more element and returns it; NULL: no memory. */
static void *grow(void **array, size_t n, size_t size)
{
	if (!(n & (n - 1))) {
		void *more = realloc(*array, (n ? 2 * n : 1) * size);
		if (!more)
			return NULL;
		*array = more;
	}
	return (char *)*array + n * size;
}

/* ---- What is mapped --------------------------------------------------------------------- */

static bool left_out(const struct mapping *m, const char *name)
{
	return !m->readable || m->from < SNAPSHOT_LOWEST || strstr(name, "/libLLVM") ||
	       !strncmp(name, "[stack", 6) || !strncmp(name, "[v", 2);
}

static int read_mappings(struct snapshot *s)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[4400];
	int e = 0;

	if (!f)
		return fail(s, "/proc/self/maps", errno);
	while (!e && fgets(line, sizeof line, f)) {
		struct procfs_mapping told;
		struct mapping m, *p;

		if (!procfs_mapping(line, &told))
			continue;
		m = (struct mapping){ told.from,   told.to,    told.offset,
				      told.device, told.inode, told.rights[0] == 'r',
				      false };
		m.kept = !left_out(&m, told.name);
		p = grow((void **)&s->mappings, s->nmappings, sizeof m);
		if (p)
			s->mappings[s->nmappings++] = m;
		else
			e = fail(s, "mappings", ENOMEM);
	}
	fclose(f);
	return e;
}

static bool in_code(const struct snapshot *s, uintptr_t address)
{
	uintptr_t from, to;

	for (int area = CODE_STUBS; area <= CODE_MODULES; area++) {
		code_range(s->w->code, (enum code_area)area, &from, &to);
		if (address >= from && address < to)
			return true;
	}
	return false;
}

static int add_page(struct snapshot *s, const struct mapping *m, uintptr_t page, uint64_t entry)
{
	struct segment *g = s->nsegments ? &s->segments[s->nsegments - 1] : NULL;

	if (g && g->from >= m->from && g->to <= page && page - g->to <= (uintptr_t)MERGE * PAGE) {
		g->to = page + PAGE;
	} else {
		if (!(g = grow((void **)&s->segments, s->nsegments, sizeof *g)))
			return fail(s, "segments", ENOMEM);
		*g = (struct segment){ page, page + PAGE };
		s->nsegments++;
	}
	if (!m->inode || !(entry & NOT_ANON) || !in_code(s, page))
		return 0;
	struct frame *f = grow((void **)&s->frames, s->nframes, sizeof *f);
	if (!f)
		return fail(s, "frames", ENOMEM);
	*f = (struct frame){ m->dev, m->inode, m->offset + (page - m->from), page, 0 };
	s->nframes++;
	return 0;
}

static int read_pages(struct snapshot *s, const struct mapping *m)
{
	uint64_t entries[4096];
	int e = 0;

	for (uintptr_t at = m->from; at < m->to && !e;) {
		size_t n = (m->to - at) / PAGE;
		if (n > 4096)
			n = 4096;
		ssize_t got = pread(s->pagemap, entries, n * 8, (off_t)(at / PAGE * 8));
		if (got != (ssize_t)(n * 8))
			return fail(s, "/proc/self/pagemap", got < 0 ? errno : EIO);
		for (size_t i = 0; i < n && !e; i++)
			if (entries[i] & PRESENT)
				e = add_page(s, m, at + i * PAGE, entries[i]);
		at += n * PAGE;
	}
	return e;
}

/* ---- The head --------------------------------------------------------------------------- */

static int by_frame(const void *a, const void *b)
{
	const struct frame *x = a, *y = b;
	const uint64_t kx[] = { x->dev, x->inode, x->offset, x->page };
	const uint64_t ky[] = { y->dev, y->inode, y->offset, y->page };

	for (int i = 0; i < 4; i++)
		if (kx[i] != ky[i])
			return kx[i] < ky[i] ? -1 : 1;
	return 0;
}

static int by_page(const void *a, const void *b)
{
	const struct frame *x = a, *y = b;

	return x->page < y->page ? -1 : x->page > y->page;
}

/* The pages that share another page's memory, as rows of [page, frame, how many in sequence]. */
static json_t *aliases(struct snapshot *s)
{
	json_t *rows = json_array();
	uint64_t page = 0, frame = 0, n = 0;

	if (s->nframes)
		qsort(s->frames, s->nframes, sizeof *s->frames, by_frame);
	for (size_t i = 0; i < s->nframes; i++) {
		struct frame *f = &s->frames[i];
		bool same = i && f->dev == f[-1].dev && f->inode == f[-1].inode &&
			    f->offset == f[-1].offset;
		f->first = same ? f[-1].first : f->page;
	}
	if (s->nframes)
		qsort(s->frames, s->nframes, sizeof *s->frames, by_page);
	for (size_t i = 0; i <= s->nframes; i++) {
		const struct frame *f = &s->frames[i];
		if (i < s->nframes && f->page == f->first)
			continue;
		if (i < s->nframes && n && f->page / PAGE == page + n &&
		    f->first / PAGE == frame + n) {
			n++;
			continue;
		}
		if (n)
			json_array_append_new(rows, json_pack("[I, I, I]", (json_int_t)page,
							      (json_int_t)frame, (json_int_t)n));
		if (i < s->nframes) {
			page = f->page / PAGE;
			frame = f->first / PAGE;
			n = 1;
		}
	}
	return rows;
}

static void add_range(json_t *rows, enum trace_class c, uintptr_t from, uintptr_t to)
{
	if (from < to)
		json_array_append_new(rows, json_pack("[s, I, I]", trace_class_names[c],
						      (json_int_t)from, (json_int_t)to));
}

/* Keeps, of n sorted addresses, those that occur once; returns their number. */
static uint32_t own_code(uintptr_t *at, uint32_t n)
{
	uint32_t kept = 0;

	for (uint32_t k = 0, next; k < n; k = next) {
		for (next = k + 1; next < n && at[next] == at[k]; next++)
			;
		if (next == k + 1)
			at[kept++] = at[k];
	}
	return kept;
}

/* A quantum into which one callee's pointer leads holds stubs. The strategy's other code is bodies;
 * so is code to which two callees lead. */
static int add_stubs(struct snapshot *s, json_t *rows)
{
	uint32_t n = s->w->scenario.nboundaries;
	const uintptr_t quantum = code_get_config(s->w->code)->quantum;
	uintptr_t from, to, *quanta = malloc(n * sizeof *quanta), end;

	if (!quanta)
		return fail(s, "ranges", ENOMEM);
	code_range(s->w->code, CODE_STUBS, &from, &to);
	for (uint32_t k = 0; k < n; k++)
		quanta[k] = (uintptr_t)s->w->callees[k].code;
	sort_u64(quanta, n);
	n = own_code(quanta, n);
	for (uint32_t k = 0; k < n; k++)
		quanta[k] = quanta[k] / quantum * quantum;
	end = from;
	for (uint32_t k = 0; k < n; k++) {
		uintptr_t first = quanta[k], last = first + quantum;
		if (first < from || first >= to || first < end)
			continue; /* a direct call's target, or a known quantum */
		while (k + 1 < n && quanta[k + 1] <= last) {
			last = quanta[k + 1] + quantum;
			k++;
		}
		add_range(rows, TRACE_BODY, end, first);
		add_range(rows, TRACE_STUB, first, last);
		end = last;
	}
	add_range(rows, TRACE_BODY, end, to);
	free(quanta);
	return 0;
}

static void add_modules(const struct snapshot *s, json_t *rows)
{
	const struct loaded *of[] = { &s->w->callers, &s->w->targets[0], &s->w->targets[1] };
	bool done[3] = { false };

	for (int round = 0; round < 3; round++) {
		int least = -1;
		for (int i = 0; i < 3; i++)
			if (!done[i] &&
			    (least < 0 || (uintptr_t)of[i]->region < (uintptr_t)of[least]->region))
				least = i;
		done[least] = true;
		uintptr_t at = (uintptr_t)of[least]->region;
		add_range(rows, least ? TRACE_TARGET : TRACE_CALLER, at,
			  at + of[least]->region_size);
	}
}

static int write_head(struct snapshot *s, const char *path, uint64_t calls)
{
	json_t *ranges = json_array(), *head;
	uintptr_t from, to;
	char name[4200];
	int e = add_stubs(s, ranges);

	if (e) {
		json_decref(ranges);
		return e;
	}
	add_modules(s, ranges);
	code_range(s->w->code, CODE_LITERALS, &from, &to);
	add_range(ranges, TRACE_TABLE, from, to);
	from = (uintptr_t)s->w->callees;
	add_range(ranges, TRACE_CALLEE, from,
		  from + s->w->scenario.nboundaries * sizeof(struct stub_callee));
	head = json_pack("{s:i, s:s, s:o, s:I, s:I, s:i, s:o, s:o, s:s, s:I, s:I}", "schema", 1,
			 "type", "trace", "cell", cell_to_json(&s->w->job->cell), "seed",
			 (json_int_t)s->w->job->seed, "calls", (json_int_t)calls, "laps",
			 (int)s->w->job->laps, "ranges", ranges, "aliases", aliases(s), "frames",
			 "same file and offset in /proc/self/maps, not copied (pagemap)", "lap",
			 (json_int_t)s->lap, "end", (json_int_t)s->end);
	snprintf(name, sizeof name, "%s.json", path);
	if (!head || json_dump_file(head, name, JSON_COMPACT))
		e = fail(s, name, head && errno ? errno : EIO);
	json_decref(head);
	return e;
}

/* ---- The program ------------------------------------------------------------------------ */

/* Chooses the address of an unused page, far from all mappings. */
static int choose_entry(struct snapshot *s)
{
	for (s->entry = 0x10000000; s->entry < 0x50000000; s->entry += 0x1000000) {
		size_t i = 0;
		while (i < s->nmappings &&
		       (s->mappings[i].to <= s->entry || s->mappings[i].from >= s->entry + PAGE))
			i++;
		if (i == s->nmappings)
			return 0;
	}
	return fail(s, "no room for its entry", ENOMEM);
}

static uint8_t *put(uint8_t *at, const char *bytes, size_t n)
{
	memcpy(at, bytes, n);
	return at + n;
}

static uint8_t *put_word(uint8_t *at, uint64_t v, size_t bytes)
{
	memcpy(at, &v, bytes);
	return at + bytes;
}

#define PUT(at, bytes) put(at, bytes, sizeof(bytes) - 1)

static void write_entry(struct snapshot *s, uint64_t rounds)
{
	struct callers_state state = s->w->state;
	unsigned long thread = 0;
	uint8_t *at = s->page, *next;

	syscall(SYS_arch_prctl, ARCH_GET_FS, &thread);
	at = PUT(at, "\x48\x83\xe4\xc0");		    /* and rsp, -64 */
	at = put_word(PUT(at, "\xbf"), ARCH_SET_FS, 4);	    /* mov edi, ARCH_SET_FS */
	at = put_word(PUT(at, "\x48\xbe"), thread, 8);	    /* mov rsi, thread */
	at = put_word(PUT(at, "\xb8"), SYS_arch_prctl, 4);  /* mov eax, arch_prctl */
	at = PUT(at, "\x0f\x05");			    /* syscall */
	at = put_word(PUT(at, "\xbb"), s->w->job->laps, 4); /* mov ebx, laps */
	next = at;
	at = put_word(PUT(at, "\x48\xbf"), s->entry + STATE_AT, 8);    /* mov rdi, &state */
	at = put_word(PUT(at, "\x48\xb8"), (uintptr_t)s->w->round, 8); /* mov rax, round */
	s->lap = s->entry + (uintptr_t)(at - s->page);
	at = PUT(at, "\xff\xd0\xff\xcb\x75"); /* call rax; dec ebx; jnz next */
	at = put_word(at, (uint8_t)(next - at - 1), 1);
	s->end = s->entry + (uintptr_t)(at - s->page);
	at = put_word(PUT(at, "\xb8"), SYS_exit_group, 4); /* mov eax, exit_group */
	PUT(at, "\x31\xff\x0f\x05");			   /* xor edi, edi; syscall */
	state.rounds = rounds;
	memcpy(s->page + STATE_AT, &state, sizeof state);
}

static int write_at(struct snapshot *s, const void *data, size_t size, uint64_t at)
{
	while (size) {
		ssize_t n = pwrite(s->out, data, size, (off_t)at);
		if (n <= 0)
			return fail(s, "writing", n ? errno : EIO);
		data = (const char *)data + n;
		size -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

/* Writes the resident pages of a segment; the others stay holes, which read as zeros. */
static int write_segment(struct snapshot *s, const struct segment *g, uint64_t at)
{
	uint64_t entry;
	int e = 0;

	for (uintptr_t p = g->from; p < g->to && !e; p += PAGE) {
		uintptr_t run = p;
		while (p < g->to && pread(s->pagemap, &entry, 8, (off_t)(p / PAGE * 8)) == 8 &&
		       entry & PRESENT)
			p += PAGE;
		if (p > run)
			e = write_at(s, (const void *)run, p - run, at + (run - g->from));
	}
	return e;
}

static int write_program(struct snapshot *s)
{
	const size_t n = s->nsegments + 1, headers = sizeof(Elf64_Ehdr) + n * sizeof(Elf64_Phdr);
	uint64_t at = (headers + PAGE - 1) / PAGE * PAGE;
	Elf64_Phdr *p = calloc(n, sizeof *p);
	Elf64_Ehdr h = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				      EV_CURRENT },
			 .e_type = ET_EXEC,
			 .e_machine = EM_X86_64,
			 .e_version = EV_CURRENT,
			 .e_entry = s->entry,
			 .e_phoff = sizeof h,
			 .e_ehsize = sizeof h,
			 .e_phentsize = sizeof *p,
			 .e_phnum = (Elf64_Half)n };
	int e;

	if (!p)
		return fail(s, "headers", ENOMEM);
	e = write_at(s, s->page, PAGE, at);
	for (size_t i = 0; i < n && !e; i++) {
		uint64_t from = i ? s->segments[i - 1].from : s->entry;
		uint64_t size = i ? s->segments[i - 1].to - from : PAGE;
		p[i] = (Elf64_Phdr){ .p_type = PT_LOAD,
				     .p_flags = PF_R | PF_W | PF_X,
				     .p_offset = at,
				     .p_vaddr = from,
				     .p_filesz = size,
				     .p_memsz = size,
				     .p_align = PAGE };
		if (i)
			e = write_segment(s, &s->segments[i - 1], at);
		at += size;
	}
	if (!e && ftruncate(s->out, (off_t)at))
		e = fail(s, "writing", errno);
	if (!e)
		e = write_at(s, &h, sizeof h, 0);
	if (!e)
		e = write_at(s, p, n * sizeof *p, sizeof h);
	free(p);
	return e;
}

int snapshot_write(const struct world *w, const char *path, char why[CELL_ERROR])
{
	const uint64_t events = w->scenario.nevents;
	const uint64_t rounds =
	    events < SNAPSHOT_CALLS ? (SNAPSHOT_CALLS + events - 1) / events : 1;
	struct snapshot s = { .w = w, .why = why, .out = -1 };
	int e;

	s.pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (s.pagemap < 0)
		return fail(&s, "/proc/self/pagemap", errno);
	s.out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	if (s.out < 0) {
		close(s.pagemap);
		return fail(&s, path, errno);
	}
	e = read_mappings(&s);
	for (size_t i = 0; i < s.nmappings && !e; i++)
		if (s.mappings[i].kept)
			e = read_pages(&s, &s.mappings[i]);
	if (!e && s.nsegments > MOST_SEGMENTS)
		e = fail(&s, "too many pieces of memory", E2BIG);
	if (!e)
		e = choose_entry(&s);
	if (!e) {
		write_entry(&s, rounds);
		e = write_program(&s);
	}
	if (!e)
		e = write_head(&s, path, rounds * events);
	close(s.out);
	close(s.pagemap);
	free(s.mappings);
	free(s.segments);
	free(s.frames);
	return e;
}
