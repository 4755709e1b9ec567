/*
 * go.c - the pointer maps of Go's stack frames, Go 1.18 and later, x86-64.
 *
 *      .gopclntab: u32 magic | 0 0 | u8 1 | u8 8 | u64 nfunc, nfiles, textStart,
 *                  offsets of names, cu, files, pctab, functab
 *      functab:    {u32 entry, u32 offset of _func}[nfunc], u32 end
 *      _func:      u32 entry, name, args, deferreturn, pcsp, pcfile, pcln, npcdata, cuOffset,
 *                  (startLine from magic 0xfffffff1, Go 1.20, on) | u8 id, flag, 0, nfuncdata
 *                  u32 pcdata[npcdata], funcdata[nfuncdata]
 *      pctab:      pairs of zigzag value step and pc step, as varints
 *      funcdata 1: i32 n, i32 nbit, bitmaps: the locals' words, which end below the saved rbp
 *
 * funcdata are offsets from gofunc, which only runtime.moduledata knows: it is found as the
 * structure that begins with a pointer to the table and repeats its addresses. Safepoints are the
 * return addresses of all calls: Go does not list them, so LLVM disassembles each function that has
 * such maps (assembly may have none: its frames are never scanned). Only locals are read: arguments
 * in the caller's frame have maps of their own (funcdata 0). The frame's size is the distance from
 * SP to the return address.
 */
#include "corpora/importers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jit/disassemble.h"

#define GO_118 0xfffffff0u
#define GO_120 0xfffffff1u
enum { PCDATA_STACK_MAP = 1, FUNCDATA_LOCALS = 1 };
/* Words of moduledata: slices of three words for names, cu, files, pctab, pclntable, ftab. */
enum { MODULE_PCTAB = 10, MODULE_MINPC = 20, MODULE_TEXT = 22, MODULE_WORDS = 41 };

struct go {
	const struct image *img;
	const struct image_section *s; /* .gopclntab */
	const uint8_t *p;
	size_t size;
	uint64_t text, gofunc; /* addresses */
	uint64_t nfunc, pctab, functab;
	size_t fixed; /* bytes of _func before pcdata */
	struct disassembler *disassembler;
	uint32_t *places;
	uint64_t without; /* functions without pointer maps of locals */
};

/* One value of pctab as the pc goes up. */
struct steps {
	uint64_t at;  /* offset of the next pair; 0: no more, and the value is -1 */
	uint32_t end; /* where the value ends: a function offset */
	int32_t value;
	int first;
};

static int go_error(const struct go *g, uint64_t at, const char *what)
{
	return image_error(g->img, g->s->name, at, "%s", what);
}

/* ---- Finding the tables --------------------------------------------------------------------- */

static int read_header(struct go *g)
{
	if (g->size < 72)
		return go_error(g, 0, "the header is cut short");
	uint32_t magic = image_u32(g->p);
	if (magic != GO_118 && magic != GO_120)
		return image_error(
		    g->img, g->s->name, 0,
		    "magic 0x%x; known: 0xfffffff0 (Go 1.18), 0xfffffff1 (Go 1.20 on)",
		    (unsigned)magic);
	if (g->p[4] || g->p[5] || g->p[6] != 1 || g->p[7] != 8)
		return go_error(g, 4, "not the table of a 64-bit x86 program");
	g->nfunc = image_u64(g->p + 8);
	g->pctab = image_u64(g->p + 56);
	g->functab = image_u64(g->p + 64);
	g->fixed = magic == GO_118 ? 40 : 44;
	if (g->pctab > g->size || g->functab > g->size || g->nfunc >= g->size / 8 ||
	    g->size - g->functab < 8 * g->nfunc + 4)
		return go_error(g, 8, "tables outside the section");
	return 0;
}

/* Whether the words at p are moduledata. */
static int is_module(const struct go *g, const uint8_t *p)
{
	uint64_t text = image_u64(p + 8 * MODULE_TEXT), start = image_u64(g->p + 24);

	return image_u64(p) == g->s->address &&
	       image_u64(p + 8 * MODULE_PCTAB) == g->s->address + g->pctab &&
	       text == image_u64(p + 8 * MODULE_MINPC) && text - g->img->text < g->img->text_size &&
	       (!start || start == text);
}

static int find_module(struct go *g)
{
	for (size_t i = 1; i < g->img->nsections; i++) {
		const struct image_section *s = &g->img->sections[i];
		if (!s->data || !(s->flags & SHF_WRITE) || s->size < 8 * MODULE_WORDS)
			continue;
		for (uint64_t at = -s->address & 7; at <= s->size - 8 * MODULE_WORDS; at += 8) {
			const uint8_t *p = s->data + at;
			if (!is_module(g, p))
				continue;
			/* Go 1.20 put covctrs and ecovctrs before it. */
			g->gofunc = image_u64(p + 8 * (g->fixed == 40 ? 38 : 40));
			g->text = image_u64(p + 8 * MODULE_TEXT);
			return 0;
		}
	}
	return go_error(g, 0, "no runtime.moduledata points to this table");
}

/* ---- Values by pc --------------------------------------------------------------------------- */

static uint32_t varint(const struct go *g, uint64_t *at, int *bad)
{
	uint32_t v = 0;

	for (unsigned shift = 0; shift < 35; shift += 7) {
		if (*at >= g->size)
			break;
		uint8_t byte = g->p[(*at)++];
		v |= shift < 32 ? (uint32_t)(byte & 127) << shift : 0;
		if (byte < 128)
			return v;
	}
	*bad = 1;
	return 0;
}

static void steps_start(const struct go *g, struct steps *s, uint32_t table)
{
	*s = (struct steps){ .at = table ? g->pctab + table : 0, .value = -1, .first = 1 };
}

/* The value at a function offset; offsets must not descend. -1 beyond the table. */
static int32_t steps_to(const struct go *g, struct steps *s, uint32_t offset, int *bad)
{
	while (s->at && offset >= s->end) {
		uint32_t step = varint(g, &s->at, bad);
		uint32_t pc = step || s->first ? varint(g, &s->at, bad) : 0;
		if (*bad || !(step || s->first) || pc > UINT32_MAX - s->end) {
			s->at = 0;
			s->value = -1;
			break;
		}
		s->first = 0;
		s->value += (int32_t)(step & 1 ? ~(step >> 1) : step >> 1);
		s->end += pc;
	}
	return s->value;
}

/* ---- One function --------------------------------------------------------------------------- */

struct function {
	uint64_t at;	/* of its _func, in the section */
	uint64_t start; /* address */
	uint32_t size;
	const uint8_t *maps; /* n bitmaps of nbit bits; NULL: unknown, as in assembly */
	uint32_t n, nbit;
	struct steps sp, map;
};

static int read_maps(struct go *g, struct function *f, uint64_t at)
{
	uint32_t offset = image_u32(g->p + at);

	if (offset == UINT32_MAX)
		return 0;
	const uint8_t *m = image_at(g->img, g->gofunc + offset, 8);
	if (!m)
		return go_error(g, at, "pointer maps outside every section");
	uint32_t n = image_u32(m), nbit = image_u32(m + 4);
	if (n > 1u << 24 || nbit > 1u << 24 ||
	    !image_at(g->img, g->gofunc + offset, 8 + (uint64_t)n * ((nbit + 7) / 8)))
		return go_error(g, at, "pointer maps leave their section");
	f->maps = m + 8;
	f->n = n;
	f->nbit = n ? nbit : 0; /* without bitmaps nothing holds so many bits */
	return 0;
}

static int open_function(struct go *g, uint64_t i, struct function *f)
{
	uint64_t entry = g->functab + 8 * i;
	uint32_t start = image_u32(g->p + entry), end = image_u32(g->p + entry + 8);

	*f = (struct function){ .at = g->functab + image_u32(g->p + entry + 4),
				.start = g->text + start,
				.size = end - start };
	if (end < start || f->start - g->img->text > g->img->text_size ||
	    f->size > g->img->text_size - (f->start - g->img->text))
		return go_error(g, entry, "a function that descends or leaves the text");
	if (f->at > g->size || g->size - f->at < g->fixed)
		return go_error(g, entry, "a _func outside the section");
	uint64_t npcdata = image_u32(g->p + f->at + 28), nfuncdata = g->p[f->at + g->fixed - 1];
	uint64_t pcdata = f->at + g->fixed, funcdata = pcdata + 4 * npcdata;
	if (g->size - pcdata < 4 * (npcdata + nfuncdata))
		return go_error(g, f->at, "a _func is cut short");
	steps_start(g, &f->sp, image_u32(g->p + f->at + 16));
	steps_start(g, &f->map,
		    npcdata > PCDATA_STACK_MAP ? image_u32(g->p + pcdata + 4 * PCDATA_STACK_MAP)
					       : 0);
	if (nfuncdata <= FUNCDATA_LOCALS)
		return 0;
	return read_maps(g, f, funcdata + 4 * FUNCDATA_LOCALS);
}

/* offset: the return address in its function. The values are those of the byte before it, as in
 * Go's own stack walk. */
static int add_call(struct go *g, struct function *f, uint32_t offset, struct corpus_builder *b)
{
	int bad = 0;
	int32_t frame = steps_to(g, &f->sp, offset - 1, &bad);
	int32_t map = steps_to(g, &f->map, offset - 1, &bad);
	uint32_t n = 0;

	if (bad)
		return go_error(g, f->at, "a table of values is cut short");
	frame = frame < 0 ? 0 : frame;
	map = map == -1 ? 0 : map; /* as the runtime does: in a prologue it takes the entry's map */
	/* A frame without a word of its own has no locals, whatever the map says. */
	if (frame && f->nbit && f->n) {
		if (map < 0 || (uint32_t)map >= f->n)
			return go_error(g, f->at, "a pointer map that the function does not have");
		const uint8_t *bits = f->maps + (uint64_t)map * ((f->nbit + 7) / 8);
		int64_t base = (int64_t)frame - 8 - 8 * (int64_t)f->nbit;
		for (uint32_t i = 0; i < f->nbit; i++) {
			if (!(bits[i / 8] >> i % 8 & 1))
				continue;
			if (base + 8 * (int64_t)i < 0)
				return go_error(g, f->at, "a pointer map larger than the frame");
			g->places[n++] = (uint32_t)(base / 4 + 2 * (int64_t)i);
		}
	}
	return corpus_add(b, (uint32_t)(f->start - g->img->text + offset), (uint32_t)frame,
			  g->places, n);
}

static int read_function(struct go *g, uint64_t i, struct corpus_builder *b)
{
	struct function f;
	int r = open_function(g, i, &f);

	if (r)
		return r;
	if (!f.maps) {
		g->without++;
		return 0;
	}
	const uint8_t *code = image_at(g->img, f.start, f.size);
	if (!code)
		return go_error(g, f.at, "a function whose code is not in the file");
	uint32_t *places = realloc(g->places, (f.nbit + (size_t)1) * sizeof *places);
	if (!places)
		return -ENOMEM;
	g->places = places;
	for (uint32_t at = 0; !r && at < f.size;) {
		char text[DISASSEMBLE_TEXT];
		size_t n = disassemble(g->disassembler, code + at, f.size - at, f.start + at, text);
		at += n ? (uint32_t)n : 1;
		if (n && !strncmp(text, "call", 4))
			r = add_call(g, &f, at, b);
	}
	if (!r)
		r = image_add_function(g->img, b, g->s->name, f.at, f.start, f.size);
	return r;
}

static int read_image(const struct image *img, struct corpus *out)
{
	struct go g = { .img = img, .s = image_find(img, ".gopclntab") };
	struct corpus_builder b = { .file = img->size };

	if (!g.s)
		g.s = image_find(img, ".data.rel.ro.gopclntab");
	g.p = g.s->data;
	g.size = g.s->size;
	int r = read_header(&g);
	if (!r)
		r = find_module(&g);
	if (r)
		return r;
	g.disassembler = disassemble_open();
	if (!g.disassembler)
		r = -errno;
	for (uint64_t i = 0; !r && i < g.nfunc; i++)
		r = read_function(&g, i, &b);
	disassemble_close(g.disassembler);
	free(g.places);
	if (!r && !b.ndrafts)
		r = go_error(&g, 0, "no function in it makes a call");
	snprintf(out->producer, sizeof out->producer, "Go (pclntab 0x%x), locals",
		 (unsigned)image_u32(g.p));
	if (g.without)
		snprintf(out->note, sizeof out->note,
			 "%llu functions without pointer maps left out",
			 (unsigned long long)g.without);
	out->slot_bytes = 8;
	out->flags = CORPUS_FRAMES | CORPUS_EMPTIES;
	return image_seal(img, r, &b, out);
}

static bool takes_image(const struct image *img)
{
	return image_find(img, ".gopclntab") || image_find(img, ".data.rel.ro.gopclntab");
}

const struct importer importer_go = {
	.sign = ".gopclntab",
	.takes = takes_image,
	.read = read_image,
};
