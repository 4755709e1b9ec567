/*
 * cwasm.c - Wasmtime's precompiled modules. The section is little-endian and unaligned
 * whatever the target:
 *
 *      u32 count | u32 pc[count] | u32 offset[count] | u32 data[]
 *
 * offset counts words of data; a record there is frame_size, nwords, bitmap[nwords]; bit i of word
 * w is the 4-byte reference at SP + 4*(32*w + i). Return addresses without references are left out.
 * Any target will do: no code is read. Wasmtime accepts exactly its own version; we check the
 * container (the first byte of .wasmtime.engine) and the section's structure, since the format has
 * been the same from version 32 on.
 */
#include "corpora/importers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* .wasmtime.engine: u8 0, u8 length, version string. The producer's name is made from it. */
static int read_engine(const struct image *img, struct corpus *out)
{
	const struct image_section *s = image_find(img, ".wasmtime.engine");

	if (!s)
		return image_error(img, NULL, 0, "Wasmtime's OS ABI, but no .wasmtime.engine");
	if (s->size < 2 || s->data[1] > s->size - 2)
		return image_error(img, s->name, 0, "cut short: no version");
	if (s->data[0])
		return image_error(img, s->name, 0, "metadata of version %d; known: 0", s->data[0]);
	for (int i = 0; i < s->data[1]; i++)
		if (s->data[2 + i] < ' ' || s->data[2 + i] > '~')
			return image_error(img, s->name, 2, "an unreadable version string");
	snprintf(out->producer, sizeof out->producer, "wasmtime %.*s", (int)s->data[1],
		 (const char *)s->data + 2);
	return 0;
}

/* *places gets at most 32 * nwords numbers; it grows here, and the caller frees it. */
static int add_record(const struct image *img, const struct image_section *s, uint32_t count,
		      uint32_t i, uint32_t **places, struct corpus_builder *b)
{
	uint64_t index = 4 + 4ull * i, data = 4 + 8ull * count;
	uint32_t pc = image_u32(s->data + index), n = 0;
	uint64_t at = data + 4ull * image_u32(s->data + index + 4ull * count);

	if (i && pc <= image_u32(s->data + index - 4))
		return image_error(img, s->name, index, "pc 0x%x does not ascend", (unsigned)pc);
	if (pc > img->text_size)
		return image_error(img, s->name, index, "pc 0x%x lies outside the text",
				   (unsigned)pc);
	if (at > s->size || s->size - at < 8)
		return image_error(img, s->name, index + 4ull * count,
				   "a record at 0x%llx, outside the section",
				   (unsigned long long)at);
	uint32_t frame = image_u32(s->data + at), nwords = image_u32(s->data + at + 4);
	if (nwords > (s->size - at - 8) / 4)
		return image_error(img, s->name, at, "a bitmap of %u words leaves the section",
				   (unsigned)nwords);
	uint32_t *p = realloc(*places, (nwords + (size_t)1) * 32 * sizeof **places);
	if (!p)
		return -ENOMEM;
	*places = p;
	for (uint32_t w = 0; w < nwords; w++)
		for (uint32_t bits = image_u32(s->data + at + 8 + 4ull * w); bits; bits &= bits - 1)
			p[n++] = 32 * w + (uint32_t)__builtin_ctz(bits);
	if (n && p[n - 1] >= frame / 4)
		return image_error(img, s->name, at, "slot %u lies outside a frame of %u bytes",
				   (unsigned)p[n - 1], (unsigned)frame);
	return corpus_add(b, pc, frame, p, n);
}

static int read_image(const struct image *img, struct corpus *out)
{
	const struct image_section *s = image_find(img, ".wasmtime.stackmap");
	struct corpus_builder b = { .file = img->size };
	uint32_t *places = NULL;
	int r;

	if (img->class != ELFCLASS64)
		return image_error(img, NULL, 0, "Wasmtime's OS ABI in a 32-bit ELF");
	r = read_engine(img, out);
	if (r)
		return r;
	if (!s)
		return image_error(img, NULL, 0,
				   "no stack maps inside: .wasmtime.stackmap is missing, as where "
				   "no reference lives across a call");
	if (s->size < 4)
		return image_error(img, s->name, 0, "cut short: no count");
	uint32_t count = image_u32(s->data);
	if (count > (s->size - 4) / 8)
		return image_error(img, s->name, 0, "cut short: %u entries in 0x%llx bytes",
				   (unsigned)count, (unsigned long long)s->size);
	for (uint32_t i = 0; !r && i < count; i++)
		r = add_record(img, s, count, i, &places, &b);
	/* The symbol table follows the target's byte order. */
	if (!r && img->encoding == ELFDATA2LSB)
		r = image_symbol_functions(img, &b);
	out->slot_bytes = 4;
	out->flags = CORPUS_FRAMES;
	free(places);
	return image_seal(img, r, &b, out);
}

static bool takes_image(const struct image *img)
{
	return img->abi == IMAGE_WASMTIME;
}

const struct importer importer_cwasm = {
	.sign = "Wasmtime's OS ABI 200",
	.foreign = true,
	.takes = takes_image,
	.read = read_image,
};
