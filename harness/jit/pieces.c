/*
 * pieces.c - see pieces.h. The second object has the first one's sections, under the same numbers;
 * its symbols are: none, one a section, the functions, those that it does not define.
 */
#include "jit/pieces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FUNCTION_ALIGN = 16 };

/* ---- Apart ------------------------------------------------------------------------------ */

static int by_address(const void *a, const void *b)
{
	const struct piece *p = a, *q = b;

	return (p->at > q->at) - (p->at < q->at);
}

static int find_text(struct pieces *p)
{
	const struct object *o = &p->object;

	for (size_t i = 0; i < o->nsections; i++) {
		struct section *target;
		size_t n;

		if (o->sections[i].part == PART_TEXT) {
			if (p->text || !o->sections[i].data)
				return -ENOTSUP;
			p->text = i;
		}
		if (object_relocations(o, i, &n, &target) && target->part == PART_TEXT)
			p->text_relocations = i;
	}
	return p->text ? 0 : -ENOTSUP;
}

static int list_functions(struct pieces *p)
{
	const struct object *o = &p->object;
	const struct section *text = &o->sections[p->text];

	p->all = calloc(o->nsymbols + 1, sizeof(*p->all));
	if (!p->all)
		return -ENOMEM;
	for (size_t i = 0; i < o->nsymbols; i++) {
		const Elf64_Sym *s = &o->symbols[i];

		if (ELF64_ST_TYPE(s->st_info) != STT_FUNC || s->st_shndx != p->text)
			continue;
		if (s->st_value % FUNCTION_ALIGN || s->st_value > text->data->d_size ||
		    s->st_size > text->data->d_size - s->st_value || s->st_size > UINT32_MAX)
			return -ENOTSUP;
		p->all[p->n++] =
		    (struct piece){ .name = object_symbol(o, s),
				    .bytes = (uint8_t *)text->data->d_buf + s->st_value,
				    .size = (uint32_t)s->st_size,
				    .info = s->st_info,
				    .at = s->st_value };
	}
	qsort(p->all, p->n, sizeof(*p->all), by_address);
	for (size_t i = 0; i < p->n; i++) {
		uint64_t end = i + 1 < p->n ? p->all[i + 1].at : text->data->d_size;

		if (end - p->all[i].at < p->all[i].size || end - p->all[i].at > UINT32_MAX)
			return -ENOTSUP;
		p->all[i].extent = (uint32_t)(end - p->all[i].at);
	}
	return p->n && !p->all[0].at ? 0 : -ENOTSUP;
}

/* Gives each function its relocations, which have to stand in the order of their places. */
static int share_relocations(struct pieces *p)
{
	struct section *target;
	size_t n = 0, at = 0;
	const Elf64_Rela *r = p->text_relocations
				  ? object_relocations(&p->object, p->text_relocations, &n, &target)
				  : NULL;

	for (size_t i = 0; i < p->n; i++) {
		struct piece *f = &p->all[i];

		f->relocations = r + at;
		for (; at < n && r[at].r_offset < f->at + f->extent; at++, f->nrelocations++)
			if (r[at].r_offset < f->at || r[at].r_offset + 4 > f->at + f->size ||
			    ELF64_R_SYM(r[at].r_info) >= p->object.nsymbols)
				return -ENOTSUP;
	}
	return at == n ? 0 : -ENOTSUP;
}

int pieces_open(struct pieces *p, const struct jit_object *object, char error[JIT_ERROR])
{
	int err;

	*p = (struct pieces){ 0 };
	error[0] = 0;
	err = object_open(&p->object, object, error);
	if (!err)
		err = find_text(p);
	if (!err)
		err = list_functions(p);
	return err ? err : share_relocations(p);
}

void pieces_close(struct pieces *p)
{
	free(p->all);
	object_close(&p->object);
}

/* ---- Together --------------------------------------------------------------------------- */

/* Room for so many bytes more at the end; NULL: none, and nothing is added any more. */
static void *more(struct assembly *a, struct bytes *b, size_t size)
{
	if (a->error)
		return NULL;
	if (size > b->room - b->size) {
		size_t room = 2 * b->room + size + 4096;
		uint8_t *grown = realloc(b->data, room);

		if (!grown) {
			a->error = -ENOMEM;
			return NULL;
		}
		b->data = grown;
		b->room = room;
	}
	b->size += size;
	return b->data + b->size - size;
}

static void add_symbol(struct assembly *a, const char *name, Elf64_Sym symbol)
{
	const size_t at = a->names.size, length = strlen(name) + 1;
	char *to = more(a, &a->names, length);
	Elf64_Sym *s = more(a, &a->symbols, sizeof(*s));

	if (!to || !s)
		return;
	memcpy(to, name, length);
	*s = symbol;
	s->st_name = (Elf64_Word)at;
}

void assembly_open(struct assembly *a, const struct pieces *from)
{
	const struct object *o = &from->object;
	const Elf_Data *names = o->sections[o->strings].data;

	*a = (struct assembly){ .from = from };
	/* The sections' names may stand among the symbols': all stay where they are. */
	void *to = names ? more(a, &a->names, names->d_size) : NULL;
	if (to)
		memcpy(to, names->d_buf, names->d_size);
	else
		a->error = a->error ? a->error : -ENOTSUP;
	for (size_t i = 0; i < o->nsections; i++) {
		Elf64_Sym *s = more(a, &a->symbols, sizeof(*s));

		if (s)
			*s = (Elf64_Sym){ .st_info = i ? ELF64_ST_INFO(STB_LOCAL, STT_SECTION) : 0,
					  .st_shndx = (Elf64_Section)i };
	}
}

void assembly_close(struct assembly *a)
{
	free(a->text.data);
	free(a->relocations.data);
	free(a->table.data);
	free(a->symbols.data);
	free(a->names.data);
}

uint8_t *assembly_function(struct assembly *a, const struct piece *f, const char *name)
{
	uint8_t *to;

	a->function = (a->text.size + FUNCTION_ALIGN - 1) & ~(size_t)(FUNCTION_ALIGN - 1);
	/* Only a piece that came last has no bytes up to the next: it is
	 * copied to the end again. */
	if (a->function != a->text.size)
		a->error = a->error ? a->error : -ENOTSUP;
	add_symbol(a, name,
		   (Elf64_Sym){ .st_info = f->info,
				.st_shndx = (Elf64_Section)a->from->text,
				.st_value = a->function,
				.st_size = f->size });
	a->nfunctions++;
	to = more(a, &a->text, f->extent);
	return to ? memcpy(to, f->bytes, f->extent) : NULL;
}

uint32_t assembly_symbol(struct assembly *a, const char *name)
{
	add_symbol(a, name, (Elf64_Sym){ .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE) });
	return (uint32_t)(a->symbols.size / sizeof(Elf64_Sym) - 1);
}

uint32_t assembly_number(const struct assembly *a, size_t i)
{
	return (uint32_t)(a->from->object.nsections + i);
}

uint32_t assembly_section(size_t section)
{
	return (uint32_t)section;
}

void assembly_next(struct assembly *a)
{
	const Elf64_Sym *s = (const Elf64_Sym *)(void *)a->symbols.data;

	if (!a->error)
		a->function = s[assembly_number(a, a->next++)].st_value;
}

void assembly_relocation(struct assembly *a, const Elf64_Rela *like, const struct piece *f,
			 uint32_t symbol, int64_t addend)
{
	Elf64_Rela *r = more(a, &a->relocations, sizeof(*r));

	if (r)
		*r = (Elf64_Rela){ .r_offset = like->r_offset - f->at + a->function,
				   .r_info =
				       ELF64_R_INFO((uint64_t)symbol, ELF64_R_TYPE(like->r_info)),
				   .r_addend = addend };
}

/* What section i of the second object holds; false: as in the first. */
static bool replaced(const struct assembly *a, size_t i, size_t table, struct bytes *out)
{
	const struct object *o = &a->from->object;
	const struct section *s = &o->sections[i];

	*out = (struct bytes){ 0 };
	if (!i)
		return false;
	if (i == a->from->text)
		*out = a->text;
	else if (i == a->from->text_relocations)
		*out = a->relocations;
	else if (table && s->head->sh_type == SHT_RELA && s->head->sh_info == table)
		*out = a->table;
	else if (s->head->sh_type == SHT_SYMTAB)
		*out = a->symbols;
	else if (i == o->strings)
		*out = a->names;
	else
		return false;
	return true;
}

/* The table's section: all of it is pointers to functions. */
static int find_table(struct assembly *a, size_t pointers, size_t *table)
{
	const struct object *o = &a->from->object;

	*table = 0;
	for (size_t i = 0; pointers && i < o->nsections; i++)
		if (o->sections[i].part == PART_READ &&
		    !strncmp(o->sections[i].name, ".data.rel.ro", 12)) {
			if (*table || !o->sections[i].data || o->sections[i].data->d_size % 8)
				return -ENOTSUP;
			*table = i;
		}
	if (pointers && !*table)
		return -ENOTSUP;
	for (size_t i = 0; i < pointers; i++) {
		Elf64_Rela *r = more(a, &a->table, sizeof(*r));

		if (r)
			*r = (Elf64_Rela){ .r_offset = 8 * i,
					   .r_info = ELF64_R_INFO((uint64_t)assembly_number(a, i),
								  R_X86_64_64) };
	}
	return a->error;
}

/* Whether no other section has relocations: they would need the first object's symbols. */
static bool stands_alone(const struct assembly *a, size_t table)
{
	const struct object *o = &a->from->object;

	for (size_t i = 0; i < o->nsections; i++) {
		struct section *target;
		size_t n;

		if (object_relocations(o, i, &n, &target) && n && i != a->from->text_relocations &&
		    target != &o->sections[table])
			return false;
	}
	return true;
}

/* The bytes of section i of the second object; false: it has no such section. */
static bool content(const struct assembly *a, size_t i, size_t table, size_t pointers,
		    struct bytes *out)
{
	const struct section *s = &a->from->object.sections[i];

	if (replaced(a, i, table, out))
		return true;
	if (s->part == PART_NONE && s->head->sh_type != SHT_STRTAB)
		return false;
	out->size = table && i == table ? 8 * pointers : s->head->sh_size;
	if (s->data && s->head->sh_type != SHT_NOBITS && i != table)
		out->data = s->data->d_buf;
	return true;
}

static size_t align_up(size_t v)
{
	return (v + 15) & ~(size_t)15;
}

int assembly_finish(struct assembly *a, size_t pointers, struct jit_object *out)
{
	const struct object *o = &a->from->object;
	size_t table, size = sizeof(Elf64_Ehdr), heads;
	struct bytes b;
	int err = a->error ? a->error : find_table(a, pointers, &table);

	if (!err && !stands_alone(a, table))
		err = -ENOTSUP;
	if (err)
		return err;
	/* The end of the last function's code is the end of the text. */
	const Elf64_Sym *last = (const Elf64_Sym *)(void *)a->symbols.data;
	last += assembly_number(a, a->nfunctions - 1);
	a->text.size = last->st_value + last->st_size;

	for (size_t i = 0; i < o->nsections; i++)
		if (content(a, i, table, pointers, &b))
			size = align_up(size) + b.size;
	heads = align_up(size);
	out->size = heads + o->nsections * sizeof(Elf64_Shdr);
	out->data = calloc(1, out->size);
	if (!out->data)
		return -ENOMEM;

	Elf64_Ehdr *head = (Elf64_Ehdr *)(void *)out->data;
	Elf64_Shdr *sections = (Elf64_Shdr *)(void *)(out->data + heads);
	*head = *elf64_getehdr(o->elf);
	head->e_shoff = heads;
	size = sizeof(*head);
	for (size_t i = 0; i < o->nsections; i++) {
		sections[i] = (Elf64_Shdr){ .sh_name = o->sections[i].head->sh_name };
		if (!content(a, i, table, pointers, &b))
			continue;
		size = align_up(size);
		sections[i] = *o->sections[i].head;
		sections[i].sh_offset = size;
		sections[i].sh_size = b.size;
		if (b.data && b.size)
			memcpy(out->data + size, b.data, b.size);
		size += b.size;
	}
	return 0;
}
