/*
 * image.h - an ELF file as the importers see it: sections at their addresses, relocated as a loader
 * would do it, with every access checked against the file's length.
 */
#ifndef STUBMAP_CORPORA_IMAGE_H
#define STUBMAP_CORPORA_IMAGE_H

#include <libelf.h>
#include <stddef.h>
#include <stdint.h>

#include "corpora/corpus.h"

enum { IMAGE_WASMTIME = 200 }; /* its OS ABI */

struct image_section {
	const char *name;
	uint8_t *data; /* NULL: it has no bytes in the file */
	uint64_t address, size, flags;
	uint32_t type, link, info, entry;
};

struct image {
	const char *path;
	char *error; /* char[CORPUS_ERROR] */
	size_t size; /* bytes of the file: sections with bytes do not overlap, and take no more */
	Elf *elf;
	struct image_section *sections; /* in the file's order; number 0 is empty */
	size_t nsections;
	unsigned machine, abi, type, class, encoding; /* e_machine, EI_OSABI, e_type, EI_CLASS.. */
	uint64_t text, text_size; /* hull of the program's executable sections: address, bytes */
};

/* bytes: a whole ELF file, of any machine; must outlive the image. 0, -EINVAL, -ENOMEM. */
int image_open(struct image *, const char *path, uint8_t *bytes, size_t size,
	       char error[CORPUS_ERROR]);
void image_close(struct image *);
/* Only for x86-64. A relocatable object's sections get addresses, its text first.
 * Writes into the file's bytes. */
int image_relocate(struct image *);

const struct image_section *image_find(const struct image *, const char *name); /* NULL: none */
/* The len bytes at an address, or NULL if the file does not have them. */
const uint8_t *image_at(const struct image *, uint64_t address, uint64_t len);
/* The symbol's address; -ENOENT. */
int image_symbol(const struct image *, const char *name, uint64_t *address);
/* Adds the functions of .eh_frame, or if that is missing, those of the symbol table. If a file has
 * neither, nothing is added. */
int image_functions(const struct image *, struct corpus_builder *);
int image_symbol_functions(const struct image *, struct corpus_builder *);
/* Adds one function; refuses one that leaves the text. `from` and `offset` are for the message. */
int image_add_function(const struct image *, struct corpus_builder *, const char *from,
		       uint64_t offset, uint64_t start, uint64_t size);

/* Every importer ends with it, and the builder is used up. If all went well so far
 * (r is 0), it fills out's text_bytes and seals it; widened frames go into the note.
 * r, or corpus_seal's error. */
int image_seal(const struct image *, int r, struct corpus_builder *, struct corpus *out);

/* Writes "path: section+0xoffset: what" to the image's error; section may be NULL. -EINVAL. */
__attribute__((format(printf, 4, 5))) int image_error(const struct image *, const char *section,
						      uint64_t offset, const char *format, ...);

static inline uint32_t image_u16(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}
static inline uint32_t image_u32(const uint8_t *p)
{
	return image_u16(p) | image_u16(p + 2) << 16;
}
static inline uint64_t image_u64(const uint8_t *p)
{
	return image_u32(p) | (uint64_t)image_u32(p + 4) << 32;
}

#endif
