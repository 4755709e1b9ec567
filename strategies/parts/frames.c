/*
 * frames.c - the table of frame layouts, and the one .eh_frame entry that reads it (watch.h).
 *
 * The entry's two rules are DWARF expressions that begin alike, with the table's byte for the
 * program counter (register 16 holds it, as in the entries that linkers write for their PLTs):
 *
 *      CFA    NONE: rsp + 8   WORD: rsp + 16   PUSHED: rsp + 16   MADE: rbp + 16
 *      rbp          rbp             rbp               [rsp]             [rbp]
 *
 * In a caller's frame the program counter is the return address: the table has the layout at the
 * instruction behind the call, which is the layout during the call. Memory order: the bytes of a
 * piece are stored before anything can call it, and no byte of another piece is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../watch.h"

enum { FRAMES_SECTION = 192 };

struct stub_frames {
	uint8_t *table; /* a byte for each of [from, to) */
	uintptr_t from, to;
	size_t size;
	_Alignas(8) uint8_t section[FRAMES_SECTION];
};

/* ---- The section ---------------------------------------------------------------------------- */

enum {
	DW_CFA_def_cfa = 0x0c,
	DW_CFA_def_cfa_expression = 0x0f,
	DW_CFA_val_expression = 0x16,
	DW_CFA_offset = 0x80,
	DW_OP_deref = 0x06,
	DW_OP_const8u = 0x0e,
	DW_OP_dup = 0x12,
	DW_OP_plus = 0x22,
	DW_OP_bra = 0x28,
	DW_OP_eq = 0x29,
	DW_OP_skip = 0x2f,
	DW_OP_lit0 = 0x30,
	DW_OP_breg0 = 0x70,
	DW_OP_deref_size = 0x94,
	DW_RBP = 6,
	DW_RSP = 7,
	DW_RIP = 16,
};

struct writer {
	uint8_t *at;
};

static void bytes(struct writer *w, const void *p, size_t n)
{
	memcpy(w->at, p, n);
	w->at += n;
}

static void byte(struct writer *w, unsigned v)
{
	*w->at++ = (uint8_t)v;
}

/* op, and a displacement to be set later: returns where. */
static uint8_t *jump(struct writer *w, unsigned op)
{
	byte(w, op);
	w->at += 2;
	return w->at;
}

static void land(const struct writer *w, uint8_t *from)
{
	int16_t distance = (int16_t)(w->at - from);

	memcpy(from - 2, &distance, 2);
}

/* Pushes the table's byte for the program counter. */
static void look_up(struct writer *w, uint64_t table_from_code)
{
	byte(w, DW_OP_breg0 + DW_RIP);
	byte(w, 0);
	byte(w, DW_OP_const8u);
	bytes(w, &table_from_code, 8);
	byte(w, DW_OP_plus);
	byte(w, DW_OP_deref_size);
	byte(w, 1);
}

/* A value under one layout: register + offset, or (load) the word there. */
struct value {
	uint8_t reg, offset;
	bool load;
};

static void put_value(struct writer *w, struct value v)
{
	byte(w, DW_OP_breg0 + v.reg);
	byte(w, v.offset);
	if (v.load)
		byte(w, DW_OP_deref);
}

/* The value for the layout that holds at the program counter. */
static void choose(struct writer *w, const struct value values[STUB_FRAMES],
		   uint64_t table_from_code)
{
	uint8_t *length = w->at++, *cases[STUB_FRAMES], *ends[STUB_FRAMES];

	look_up(w, table_from_code);
	for (unsigned i = 1; i < STUB_FRAMES; i++) {
		byte(w, DW_OP_dup);
		byte(w, DW_OP_lit0 + i);
		byte(w, DW_OP_eq);
		cases[i] = jump(w, DW_OP_bra);
	}
	for (unsigned i = 0; i < STUB_FRAMES; i++) {
		if (i)
			land(w, cases[i]);
		put_value(w, values[i]);
		ends[i] = jump(w, DW_OP_skip);
	}
	for (unsigned i = 0; i < STUB_FRAMES; i++)
		land(w, ends[i]);
	*length = (uint8_t)(w->at - length - 1);
}

/* Ends the entry that began at `from`, with nops (0). */
static void end_entry(struct writer *w, uint8_t *from)
{
	while ((w->at - from) % 8 != 0)
		byte(w, 0);
	uint32_t length = (uint32_t)(w->at - from - 4);

	memcpy(from, &length, 4);
}

static void write_section(struct stub_frames *f)
{
	static const struct value cfa[STUB_FRAMES] = { [STUB_FRAME_NONE] = { DW_RSP, 8, false },
						       [STUB_FRAME_PUSHED] = { DW_RSP, 16, false },
						       [STUB_FRAME_MADE] = { DW_RBP, 16, false } };
	static const struct value rbp[STUB_FRAMES] = { [STUB_FRAME_NONE] = { DW_RBP, 0, false },
						       [STUB_FRAME_PUSHED] = { DW_RSP, 0, true },
						       [STUB_FRAME_MADE] = { DW_RBP, 0, true } };
	/* Version 1, "zR", code in units of 1, data of -8, the return address in rip,
	 * addresses as they are. */
	static const uint8_t common[] = { 0,
					  0,
					  0,
					  0,
					  1,
					  'z',
					  'R',
					  0,
					  1,
					  0x78,
					  DW_RIP,
					  1,
					  0,
					  DW_CFA_def_cfa,
					  DW_RSP,
					  8,
					  DW_CFA_offset | DW_RIP,
					  1 };
	const uint64_t table_from_code = (uintptr_t)f->table - f->from, range = f->to - f->from;
	struct writer w = { f->section };

	w.at += 4;
	bytes(&w, common, sizeof common);
	end_entry(&w, f->section);

	uint8_t *entry = w.at;
	uint32_t to_common = (uint32_t)(entry + 4 - f->section);
	w.at += 4;
	bytes(&w, &to_common, 4);
	bytes(&w, &f->from, 8);
	bytes(&w, &range, 8);
	byte(&w, 0);
	byte(&w, DW_CFA_def_cfa_expression);
	choose(&w, cfa, table_from_code);
	byte(&w, DW_CFA_val_expression);
	byte(&w, DW_RBP);
	choose(&w, rbp, table_from_code);
	end_entry(&w, entry);
	w.at += 4; /* a length of 0 ends it */
	f->size = (size_t)(w.at - f->section);
}

const void *stub_frames_section(const struct stub_frames *f, size_t *size)
{
	if (size)
		*size = f->size;
	return f->section;
}

/* ---- The table ------------------------------------------------------------------------------ */

int stub_frames_open(struct stub_frames **out, const struct code_memory *code)
{
	struct stub_frames *f = calloc(1, sizeof *f);

	*out = NULL;
	if (!f)
		return -ENOMEM;
	code_range(code, CODE_STUBS, &f->from, &f->to);
	f->table = mmap(NULL, f->to - f->from, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (f->table == MAP_FAILED) {
		free(f);
		return -ENOMEM;
	}
	write_section(f);
	*out = f;
	return 0;
}

void stub_frames_close(struct stub_frames *f)
{
	if (!f)
		return;
	munmap(f->table, f->to - f->from);
	free(f);
}

/* Sets bytes to 0 where they are not: a table that is never written takes no memory. */
static void clear(uint8_t *table, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (table[i])
			table[i] = STUB_FRAME_NONE;
}

void stub_frames_made(struct stub_frames *f, const struct stub_piece *p)
{
	if ((uintptr_t)p->at < f->from || (uintptr_t)p->at >= f->to)
		return;
	uint8_t *table = f->table + ((uintptr_t)p->at - f->from);

	clear(table, p->nchanges ? p->changes[0].at : p->bytes);
	for (unsigned i = 0; i < p->nchanges; i++) {
		size_t end = i + 1 < p->nchanges ? p->changes[i + 1].at : p->bytes;

		memset(table + p->changes[i].at, p->changes[i].frame, end - p->changes[i].at);
	}
}
