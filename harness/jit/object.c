/*
 * object.c - reads a relocatable ELF object, and refuses one that the loader can't load truly: with
 * constructors, thread-local data, or sections larger than code memory.
 *
 * Unwind tables are dropped: stacks are walked by frame pointers. An object may come from a cache
 * file, so nothing in it is trusted: sizes, names and numbers are checked against its bytes.
 */
#include "jit/object.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN_MAX = 4096, SIZE_LIMIT = 1 << 27 };

int object_fail(struct object *o, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(o->error, JIT_ERROR, fmt, ap);
	va_end(ap);
	return err;
}

const char *object_symbol(const struct object *o, const Elf64_Sym *s)
{
	const char *name = elf_strptr(o->elf, o->strings, s->st_name);

	if (ELF64_ST_TYPE(s->st_info) == STT_SECTION && s->st_shndx < o->nsections)
		return o->sections[s->st_shndx].name;
	return name ? name : "?";
}

static int classify(struct object *o, struct section *s)
{
	const Elf64_Shdr *h = s->head;

	if (!(h->sh_flags & SHF_ALLOC) || h->sh_type == SHT_X86_64_UNWIND ||
	    strcmp(s->name, ".eh_frame") == 0 || h->sh_size == 0)
		return 0;
	if (strncmp(s->name, ".ctors", 6) == 0 || strncmp(s->name, ".dtors", 6) == 0 ||
	    h->sh_type == SHT_INIT_ARRAY || h->sh_type == SHT_FINI_ARRAY || h->sh_flags & SHF_TLS)
		return object_fail(
		    o, -EINVAL, "section %s: neither constructors nor thread-local data", s->name);
	if (h->sh_addralign > ALIGN_MAX || h->sh_addralign & (h->sh_addralign - 1))
		return object_fail(o, -EINVAL,
				   "section %s: alignment %llu; a power of two up to %d", s->name,
				   (unsigned long long)h->sh_addralign, ALIGN_MAX);
	if (h->sh_size > SIZE_LIMIT)
		return object_fail(o, -EINVAL, "section %s: %llu bytes; at most %d", s->name,
				   (unsigned long long)h->sh_size, SIZE_LIMIT);
	if (h->sh_type != SHT_NOBITS && (!s->data || s->data->d_size != h->sh_size))
		return object_fail(o, -EINVAL, "section %s: no such bytes in the object", s->name);
	if (h->sh_flags & SHF_EXECINSTR)
		s->part = PART_TEXT;
	else if (h->sh_flags & SHF_WRITE && strncmp(s->name, ".data.rel.ro", 12) != 0)
		s->part = PART_WRITE;
	else
		s->part = PART_READ;
	return 0;
}

static int read_section(struct object *o, size_t i, size_t names)
{
	struct section *s = &o->sections[i];
	Elf_Scn *scn = elf_getscn(o->elf, i);

	s->head = scn ? elf64_getshdr(scn) : NULL;
	s->name = s->head ? elf_strptr(o->elf, names, s->head->sh_name) : NULL;
	if (!s->name)
		return object_fail(o, -EINVAL, "section %zu of the object can't be read", i);
	if (s->head->sh_type != SHT_NOBITS)
		s->data = elf_getdata(scn, NULL);
	if ((s->head->sh_type == SHT_RELA || s->head->sh_type == SHT_SYMTAB) && s->data &&
	    (uintptr_t)s->data->d_buf % 8)
		return object_fail(o, -EINVAL, "section %s: not at a multiple of 8 bytes", s->name);
	if (s->head->sh_type == SHT_SYMTAB && s->data) {
		o->symbols = s->data->d_buf;
		o->nsymbols = s->data->d_size / sizeof(Elf64_Sym);
		o->strings = s->head->sh_link;
	}
	return classify(o, s);
}

int object_open(struct object *o, const struct jit_object *object, char *error)
{
	Elf64_Ehdr *head;
	size_t names;
	int err;

	*o = (struct object){ .error = error };
	elf_version(EV_CURRENT);
	o->elf = elf_memory((char *)object->data, object->size);
	head = o->elf ? elf64_getehdr(o->elf) : NULL;
	if (!head || head->e_machine != EM_X86_64 || head->e_type != ET_REL ||
	    elf_getshdrnum(o->elf, &o->nsections) != 0 || elf_getshdrstrndx(o->elf, &names) != 0)
		return object_fail(o, -EINVAL, "not a relocatable x86-64 ELF object");
	o->sections = calloc(o->nsections + 1, sizeof(*o->sections));
	if (!o->sections)
		return -ENOMEM;
	for (size_t i = 0; i < o->nsections; i++) {
		err = read_section(o, i, names);
		if (err)
			return err;
	}
	return 0;
}

void object_close(struct object *o)
{
	elf_end(o->elf);
	free(o->sections);
}

const Elf64_Rela *object_relocations(const struct object *o, size_t i, size_t *n,
				     struct section **target)
{
	const struct section *s = &o->sections[i];

	if (s->head->sh_type != SHT_RELA || !s->data || s->head->sh_info >= o->nsections)
		return NULL;
	*target = &o->sections[s->head->sh_info];
	*n = s->data->d_size / sizeof(Elf64_Rela);
	return (*target)->part == PART_NONE ? NULL : s->data->d_buf;
}
