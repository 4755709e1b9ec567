/*
 * unwind.c - where functions start and how long they are, from .eh_frame: an executable has it even
 * where its symbols are stripped. Each entry is read by itself, and again the entry that it refers
 * to: no index is kept, so the work for one entry is bounded.
 */
#include <string.h>

#include "corpora/image.h"

struct unwind {
	const struct image *img;
	const struct image_section *s;
	uint64_t at, end; /* the current entry: offsets in the section */
	int bad;
};

static uint64_t unwind_fixed(struct unwind *u, unsigned bytes)
{
	uint64_t v = 0;

	if (bytes > u->end - u->at) {
		u->bad = 1;
		return 0;
	}
	for (unsigned i = bytes; i--;)
		v = v << 8 | u->s->data[u->at + i];
	u->at += bytes;
	return v;
}

static uint64_t unwind_leb(struct unwind *u)
{
	uint64_t v = 0, byte;
	unsigned shift = 0;

	do {
		byte = unwind_fixed(u, 1);
		v |= shift < 64 ? (byte & 127) << shift : 0;
		shift += 7;
	} while (byte & 128 && shift < 70);
	u->bad |= byte >> 7 != 0;
	return v;
}

/* A pointer in one of the DW_EH_PE_ forms that compilers use for code; others are bad. */
static uint64_t unwind_pointer(struct unwind *u, unsigned form, int is_length)
{
	uint64_t here = u->s->address + u->at, v = 0;

	switch (form & 15) {
	case 0x0: /* absptr */
	case 0x4: /* udata8 */
	case 0xc: /* sdata8 */
		v = unwind_fixed(u, 8);
		break;
	case 0x3: /* udata4 */
		v = unwind_fixed(u, 4);
		break;
	case 0xb: /* sdata4 */
		v = unwind_fixed(u, 4);
		v = is_length ? v : (v ^ 0x80000000u) - 0x80000000u;
		break;
	default:
		u->bad = 1;
	}
	if ((form & 0x70) == 0x10)
		return is_length ? v : v + here;
	u->bad |= (form & 0x70) != 0;
	return v;
}

enum { UNWIND_LETTERS = 16 }; /* of a CIE's augmentation; compilers write 5 at the most */

/* The form of the pointers of the CIE at an offset. */
static unsigned unwind_cie(struct unwind u, uint64_t at)
{
	unsigned form = 0;

	u.end = u.s->size;
	u.at = at;
	if (at > u.end || u.end - at < 9)
		return ~0u;
	uint64_t length = unwind_fixed(&u, 4);
	if (length > u.end - u.at)
		return ~0u;
	u.end = u.at + length;
	if (unwind_fixed(&u, 4))
		return ~0u;
	uint64_t version = unwind_fixed(&u, 1);
	const char *letters = (const char *)u.s->data + u.at;
	while (unwind_fixed(&u, 1))
		if ((const char *)u.s->data + u.at - letters > UNWIND_LETTERS)
			return ~0u;
	unwind_leb(&u);
	unwind_leb(&u);
	if (version == 1)
		unwind_fixed(&u, 1);
	else
		unwind_leb(&u);
	if (u.bad || *letters != 'z')
		return u.bad ? ~0u : 0;
	unwind_leb(&u);
	for (letters++; *letters && !u.bad; letters++) {
		if (*letters == 'R')
			form = (unsigned)unwind_fixed(&u, 1);
		else if (*letters == 'L')
			unwind_fixed(&u, 1);
		else if (*letters == 'P')
			unwind_pointer(&u, unwind_fixed(&u, 1) & 0x1f, 0);
	}
	return u.bad ? ~0u : form;
}

int image_functions(const struct image *img, struct corpus_builder *b)
{
	struct unwind u = { .img = img, .s = image_find(img, ".eh_frame") };
	uint64_t next = 0, entry;
	int r = 0;

	if (!u.s)
		return image_symbol_functions(img, b);
	for (entry = 0; !r && u.s->size - entry >= 8; entry = next) {
		u.at = entry;
		u.end = u.s->size;
		uint64_t length = unwind_fixed(&u, 4);
		if (length > u.end - u.at)
			return image_error(img, u.s->name, entry, "an entry of 0x%llx bytes",
					   (unsigned long long)length);
		next = u.at + length;
		u.end = next;
		if (!length)
			continue; /* a terminator; linkers may leave one in the middle */
		uint64_t id_at = u.at, id = unwind_fixed(&u, 4);
		if (!id)
			continue;
		unsigned form = id <= id_at ? unwind_cie(u, id_at - id) : ~0u;
		uint64_t start = unwind_pointer(&u, form, 0), size = unwind_pointer(&u, form, 1);
		if (form == ~0u || u.bad)
			return image_error(img, u.s->name, entry, "unreadable unwind entry");
		/* PLT and start-up code lie elsewhere, and discarded functions at 0. */
		if (start - img->text < img->text_size && size)
			r = image_add_function(img, b, u.s->name, entry, start, size);
	}
	return r;
}
