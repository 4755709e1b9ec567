/*
 * object.h - a relocatable ELF object as the loader sees it: sections with their part in the
 * picture of loader.c, symbols, relocations. libelf reads it; this file decides which objects can
 * be loaded at all.
 */
#ifndef STUBMAP_JIT_OBJECT_H
#define STUBMAP_JIT_OBJECT_H

#include <gelf.h>
#include <libelf.h>

#include "jit/jit.h"

enum part { PART_NONE, PART_TEXT, PART_READ, PART_WRITE };

struct section {
	Elf64_Shdr *head;
	const char *name;
	Elf_Data *data; /* NULL: no bytes in the file */
	enum part part;
	size_t offset; /* in the region, or in the writable data */
	uint64_t address;
	uint8_t *write; /* the same bytes, to be written through */
};

struct object {
	Elf *elf;
	struct section *sections;
	size_t nsections;
	const Elf64_Sym *symbols;
	size_t nsymbols, strings;
	char *error; /* JIT_ERROR bytes, the caller's */
};

/* 0, -EINVAL (not a relocatable object, or a section that can't be loaded), -ENOMEM. Call
 * object_close in any case; the data must exist until then. */
int object_open(struct object *, const struct jit_object *, char *error);
void object_close(struct object *);
/* Writes one line to error and returns err. */
int object_fail(struct object *, int err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The symbol's name, for a message or the hook: never NULL. */
const char *object_symbol(const struct object *, const Elf64_Sym *);
/* The relocations that section i holds for a section that is loaded, and how many; or NULL. */
const Elf64_Rela *object_relocations(const struct object *, size_t i, size_t *n,
				     struct section **target);

#endif
