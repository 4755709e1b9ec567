/*
 * ocaml.c - OCaml's frame tables in a native executable, OCaml 4.11 on.
 *
 * caml_frametable is a list of pointers, 0 at its end, one for each compilation unit, to
 *
 *      u64 count, then as many descriptors, each 8-aligned:
 *      u64 return address | u16 frame | u16 nlive | u16 live[nlive]
 *          frame bit 1: u8 n, u8 lengths[n]             what is allocated there
 *          frame bit 0: to 4 bytes, then u32 of debug information, n times with bit 1, else once
 *
 * frame without its two lowest bits is the frame's size in bytes, return address included. live is
 * a byte offset from SP, or with bit 0 set the number of a register (times 2, plus 1), saved by the
 * runtime. A frame of 0xffff marks a call of OCaml from C; it has no map, is left out and counted
 * in the note. In a position-independent executable all addresses are relocations.
 *
 * Function starts come from .eh_frame; in a file without it the corpus has none.
 */
#include "corpora/importers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SPECIAL = 0xffff, MAX_LIVE = 0xffff };

/* OCaml's numbers of x86-64's registers (asmcomp/amd64/proc.ml) as DWARF's. */
static const uint8_t dwarf[] = { 0, 3, 5, 4, 1, 2, 8, 9, 12, 13, 10, 11, 6 };

struct frametable {
	const struct image *img;
	const struct image_section *s;
	uint64_t at;   /* offset in the section */
	uint64_t read; /* bytes of all tables */
	uint64_t left_out;
};

static uint64_t room(const struct frametable *t)
{
	return t->at <= t->s->size ? t->s->size - t->at : 0;
}

static int skip_rest(struct frametable *t, uint32_t frame)
{
	uint64_t n = 1;

	if (frame & 2) {
		if (!room(t))
			return -EINVAL;
		n = t->s->data[t->at];
		t->at += 1 + n;
	}
	if (frame & 1)
		t->at = ((t->at + 3) & ~3ull) + 4 * n;
	t->at = (t->at + 7) & ~7ull;
	return t->at <= t->s->size ? 0 : -EINVAL;
}

static int add_places(const struct frametable *t, uint64_t start, const uint8_t *live,
		      uint32_t nlive, uint32_t pc, uint32_t frame, struct corpus_builder *b)
{
	uint32_t places[MAX_LIVE];

	for (uint32_t i = 0; i < nlive; i++) {
		uint32_t v = image_u16(live + 2 * (size_t)i);
		if (v & 1 && v / 2 >= sizeof dwarf)
			return image_error(t->img, t->s->name, start,
					   "live register %u; known: 0 to 12", (unsigned)v / 2);
		if (!(v & 1) && v % 8)
			return image_error(t->img, t->s->name, start,
					   "a live slot at SP+%u, between two words", (unsigned)v);
		places[i] = v & 1 ? MAP_REGISTER + dwarf[v / 2] : v / 4;
	}
	return corpus_add(b, pc, frame, places, nlive);
}

static int read_descriptor(struct frametable *t, struct corpus_builder *b)
{
	uint64_t start = t->at;

	if (room(t) < 12)
		return image_error(t->img, t->s->name, start, "the frame table is cut short");
	const uint8_t *p = t->s->data + start;
	uint64_t pc = image_u64(p) - t->img->text;
	uint32_t frame = image_u16(p + 8), nlive = image_u16(p + 10);
	t->at += 12;
	if (room(t) < 2ull * nlive)
		return image_error(t->img, t->s->name, start, "%u live places leave the section",
				   (unsigned)nlive);
	t->at += 2ull * nlive;
	if (pc > t->img->text_size)
		return image_error(t->img, t->s->name, start,
				   "return address 0x%llx lies outside the text",
				   (unsigned long long)image_u64(p));
	if (skip_rest(t, frame == SPECIAL ? 0 : frame))
		return image_error(t->img, t->s->name, start, "a descriptor leaves the section");
	if (frame == SPECIAL) {
		t->left_out++;
		return 0;
	}
	return add_places(t, start, p + 12, nlive, (uint32_t)pc, frame & ~3u, b);
}

static int read_unit(struct frametable *t, uint64_t address, struct corpus_builder *b)
{
	int r = 0;

	for (size_t i = 1; i < t->img->nsections; i++) {
		t->s = &t->img->sections[i];
		if (t->s->data && t->s->flags & SHF_ALLOC && address >= t->s->address &&
		    address - t->s->address < t->s->size)
			break;
		t->s = NULL;
	}
	if (!t->s)
		return image_error(t->img, "caml_frametable", 0,
				   "a unit's table at 0x%llx, outside every section",
				   (unsigned long long)address);
	t->at = address - t->s->address;
	if (room(t) < 8)
		return image_error(t->img, t->s->name, t->at, "the frame table is cut short");
	uint64_t count = image_u64(t->s->data + t->at);
	if (count > t->s->size / 12)
		return image_error(t->img, t->s->name, t->at, "a table of %llu descriptors",
				   (unsigned long long)count);
	uint64_t start = t->at;
	t->at += 8;
	while (!r && count--)
		r = read_descriptor(t, b);
	t->read += t->at - start;
	if (!r && t->read > t->img->size)
		r = image_error(t->img, t->s->name, start, "the units' tables overlap");
	return r;
}

static int read_image(const struct image *img, struct corpus *out)
{
	struct frametable t = { .img = img };
	struct corpus_builder b = { 0 };
	uint64_t list;
	int r = image_symbol(img, "caml_frametable", &list);

	for (; !r; list += 8) {
		const uint8_t *p = image_at(img, list, 8);
		if (!p)
			r = image_error(img, "caml_frametable", 0,
					"the list of units has no end in its section");
		else if (!image_u64(p))
			break;
		else
			r = read_unit(&t, image_u64(p), &b);
	}
	if (!r && !b.ndrafts)
		r = image_error(img, "caml_frametable", 0, "no descriptor in it");
	if (!r)
		r = image_functions(img, &b);
	snprintf(out->producer, sizeof out->producer, "ocamlopt");
	if (t.left_out)
		snprintf(out->note, sizeof out->note, "%llu special descriptors (0xffff) left out",
			 (unsigned long long)t.left_out);
	out->slot_bytes = 8;
	out->flags = CORPUS_FRAMES | CORPUS_EMPTIES;
	return image_seal(img, r, &b, out);
}

static bool takes_image(const struct image *img)
{
	uint64_t address;

	return !image_symbol(img, "caml_frametable", &address);
}

const struct importer importer_ocaml = {
	.sign = "caml_frametable",
	.takes = takes_image,
	.read = read_image,
};
