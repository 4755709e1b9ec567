/*
 * loader.c - a relocatable ELF object from memory to its place in code memory.
 *
 *      region (whole quanta of CODE_MODULES; executable once committed)         code_data
 *      | text_offset | text ... | pads | GOT | read-only data, stack maps |     | .data .bss |
 *      ^             ^ loaded.text                                        ^
 *      quantum                                                            used
 *
 * Every relocation is looked at before anything is placed: then what the hook answers is known, and
 * with it how many pads and GOT entries there will be. A pad serves calls to what lies outside code
 * memory (runtime functions in libraries, the harness itself):
 *
 *      pad + 0   ff 25 00 00 00 00   jmp [rip + 0]
 *      pad + 6   address             8 bytes, unaligned; never written again
 *
 * Read-only data shares the region with text because it is given back with it; so does
 * .data.rel.ro, which only the relocations write. Unwind tables are dropped: stacks are walked by
 * frame pointers.
 */
#include "jit.h"
#include "reloc.h"

#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAD = 16, GOT_ENTRY = 8, ALIGN_MAX = 4096, SIZE_LIMIT = 1 << 27 };

/* ---- The loader's state --------------------------------------------------------------------- */

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

/* What a symbol needs of its own; both numbers count from 1, 0 is none. */
struct symbol_use {
	uint32_t got, pad;
	uint64_t got_value, pad_value;
};

struct loader {
	struct code_memory *code;
	const struct load_hooks *hooks;
	char *error;
	Elf *elf;
	struct section *sections;
	size_t nsections;
	const Elf64_Sym *symbols;
	size_t nsymbols, strings;
	struct symbol_use *uses; /* one a symbol */
	uint64_t *answers;	 /* one a relocation, in the order of the sections: the hook's */
	uint32_t *pads;		 /* one a relocation: the pad that it goes through */
	size_t nrelocations;
	uint32_t npads, ngot;
	uint64_t *pad_values; /* npads of them */
	size_t text_end, pads_at, got_at, end, data_size, data_align;
	uint8_t *region, *write, *data;
};

__attribute__((format(printf, 3, 4))) static int fail(struct loader *l, int err, const char *fmt,
						      ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(l->error, JIT_ERROR, fmt, ap);
	va_end(ap);
	return err;
}

static size_t align_up(size_t v, size_t to)
{
	return (v + to - 1) & ~(to - 1);
}

static const char *symbol_name(const struct loader *l, const Elf64_Sym *s)
{
	const char *name = elf_strptr(l->elf, l->strings, s->st_name);

	if (ELF64_ST_TYPE(s->st_info) == STT_SECTION && s->st_shndx < l->nsections)
		return l->sections[s->st_shndx].name;
	return name ? name : "?";
}

/* ---- Reading the object ---------------------------------------------------------------------- */

static int classify(struct loader *l, struct section *s)
{
	const Elf64_Shdr *h = s->head;

	if (!(h->sh_flags & SHF_ALLOC) || h->sh_type == SHT_X86_64_UNWIND ||
	    strcmp(s->name, ".eh_frame") == 0 || h->sh_size == 0)
		return 0;
	if (strncmp(s->name, ".ctors", 6) == 0 || strncmp(s->name, ".dtors", 6) == 0 ||
	    h->sh_type == SHT_INIT_ARRAY || h->sh_type == SHT_FINI_ARRAY || h->sh_flags & SHF_TLS)
		return fail(l, -EINVAL, "section %s: neither constructors nor thread-local data",
			    s->name);
	if (h->sh_addralign > ALIGN_MAX || h->sh_addralign & (h->sh_addralign - 1))
		return fail(l, -EINVAL, "section %s: alignment %llu; a power of two up to %d",
			    s->name, (unsigned long long)h->sh_addralign, ALIGN_MAX);
	if (h->sh_size > SIZE_LIMIT)
		return fail(l, -EINVAL, "section %s: %llu bytes; at most %d", s->name,
			    (unsigned long long)h->sh_size, SIZE_LIMIT);
	if (h->sh_type != SHT_NOBITS && (!s->data || s->data->d_size != h->sh_size))
		return fail(l, -EINVAL, "section %s: no such bytes in the object", s->name);
	if (h->sh_flags & SHF_EXECINSTR)
		s->part = PART_TEXT;
	else if (h->sh_flags & SHF_WRITE && strncmp(s->name, ".data.rel.ro", 12) != 0)
		s->part = PART_WRITE;
	else
		s->part = PART_READ;
	return 0;
}

static int read_section(struct loader *l, size_t i, size_t names)
{
	struct section *s = &l->sections[i];
	Elf_Scn *scn = elf_getscn(l->elf, i);

	s->head = scn ? elf64_getshdr(scn) : NULL;
	s->name = s->head ? elf_strptr(l->elf, names, s->head->sh_name) : NULL;
	if (!s->name)
		return fail(l, -EINVAL, "section %zu of the object can't be read", i);
	if (s->head->sh_type != SHT_NOBITS)
		s->data = elf_getdata(scn, NULL);
	if (s->data && s->data->d_type != ELF_T_BYTE && (uintptr_t)s->data->d_buf % 8)
		return fail(l, -EINVAL, "section %s: not at a multiple of 8 bytes", s->name);
	if (s->head->sh_type == SHT_SYMTAB && s->data) {
		l->symbols = s->data->d_buf;
		l->nsymbols = s->data->d_size / sizeof(Elf64_Sym);
		l->strings = s->head->sh_link;
	}
	return classify(l, s);
}

static int read_object(struct loader *l, const struct jit_object *object)
{
	Elf64_Ehdr *head;
	size_t names;
	int err;

	elf_version(EV_CURRENT);
	l->elf = elf_memory((char *)object->data, object->size);
	head = l->elf ? elf64_getehdr(l->elf) : NULL;
	if (!head || head->e_machine != EM_X86_64 || head->e_type != ET_REL ||
	    elf_getshdrnum(l->elf, &l->nsections) != 0 || elf_getshdrstrndx(l->elf, &names) != 0)
		return fail(l, -EINVAL, "not a relocatable x86-64 ELF object");
	l->sections = calloc(l->nsections + 1, sizeof(*l->sections));
	if (!l->sections)
		return -ENOMEM;
	for (size_t i = 0; i < l->nsections; i++) {
		err = read_section(l, i, names);
		if (err)
			return err;
	}
	l->uses = calloc(l->nsymbols + 1, sizeof(*l->uses));
	return l->uses ? 0 : -ENOMEM;
}

/* ---- Relocations, first look: what is outside, what needs a pad or a GOT entry --------------- */

/* The relocations of a section that is loaded, or NULL. */
static const Elf64_Rela *relocations(const struct loader *l, size_t i, size_t *n,
				     struct section **target)
{
	const struct section *s = &l->sections[i];

	if (s->head->sh_type != SHT_RELA || !s->data || s->head->sh_info >= l->nsections)
		return NULL;
	*target = &l->sections[s->head->sh_info];
	*n = s->data->d_size / sizeof(Elf64_Rela);
	return (*target)->part == PART_NONE ? NULL : s->data->d_buf;
}

static int check_relocation(struct loader *l, const Elf64_Rela *r, const struct section *target)
{
	uint32_t type = ELF64_R_TYPE(r->r_info);
	const struct reloc_kind *kind = reloc_kind(type);
	const char *symbol;

	if (ELF64_R_SYM(r->r_info) >= l->nsymbols)
		return fail(l, -EINVAL, "section %s: a relocation without a symbol", target->name);
	symbol = symbol_name(l, &l->symbols[ELF64_R_SYM(r->r_info)]);
	if (!kind)
		return fail(l, -EINVAL, "%s: relocation %s (type %u) can't be loaded", symbol,
			    reloc_name(type), type);
	if (target->head->sh_type == SHT_NOBITS || r->r_offset > target->head->sh_size ||
	    target->head->sh_size - r->r_offset < kind->width)
		return fail(l, -EINVAL, "%s: relocation %s outside of section %s", symbol,
			    kind->name, target->name);
	return 0;
}

/* Wherever the module may come to lie. */
static bool in_reach(const struct loader *l, uint64_t address)
{
	uintptr_t from, to;

	code_range(l->code, CODE_MODULES, &from, &to);
	return reloc_fits(address - from, 4, RELOC_SIGNED) &&
	       reloc_fits(address - to, 4, RELOC_SIGNED);
}

static int need_pad(struct loader *l, struct symbol_use *use, uint64_t address)
{
	uint64_t *grown;

	if (use->pad && use->pad_value == address)
		return 0;
	if ((l->npads & (l->npads - 1)) == 0) { /* a power of two is full: double it */
		grown = realloc(l->pad_values, (l->npads ? 2 * l->npads : 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		l->pad_values = grown;
	}
	l->pad_values[l->npads] = address;
	use->pad = ++l->npads;
	use->pad_value = address;
	return 0;
}

static int look_at(struct loader *l, const Elf64_Rela *r, size_t number)
{
	const Elf64_Sym *symbol = &l->symbols[ELF64_R_SYM(r->r_info)];
	struct symbol_use *use = &l->uses[ELF64_R_SYM(r->r_info)];
	uint32_t type = ELF64_R_TYPE(r->r_info);
	bool call = type == R_X86_64_PLT32, got = reloc_kind(type)->got;
	bool outside = symbol->st_shndx == SHN_UNDEF;
	const char *name = symbol_name(l, symbol);
	int err = 0;

	if (outside && !(got && use->got)) {
		const void *at =
		    l->hooks->resolve(l->hooks->arg, name, call ? LOAD_CALL : LOAD_DATA);

		if (!at)
			return fail(l, -EINVAL, "%s: no such symbol", name);
		l->answers[number] = (uint64_t)(uintptr_t)at;
	}
	if (got && !use->got) {
		use->got = ++l->ngot;
		use->got_value = l->answers[number];
	}
	if (outside && call && !in_reach(l, l->answers[number])) {
		err = need_pad(l, use, l->answers[number]);
		l->pads[number] = use->pad;
	}
	return err;
}

static int scan(struct loader *l)
{
	struct section *target;
	size_t n, number = 0;
	int err;

	for (size_t i = 0; i < l->nsections; i++)
		if (relocations(l, i, &n, &target))
			l->nrelocations += n;
	l->answers = calloc(l->nrelocations + 1, sizeof(*l->answers));
	l->pads = calloc(l->nrelocations + 1, sizeof(*l->pads));
	if (!l->answers || !l->pads)
		return -ENOMEM;
	for (size_t i = 0; i < l->nsections; i++) {
		const Elf64_Rela *r = relocations(l, i, &n, &target);

		for (size_t j = 0; r && j < n; j++, number++) {
			if (ELF64_R_TYPE(r[j].r_info) == R_X86_64_NONE)
				continue;
			err = check_relocation(l, &r[j], target);
			if (!err)
				err = look_at(l, &r[j], number);
			if (err)
				return err;
		}
	}
	return 0;
}

/* ---- Placing --------------------------------------------------------------------------------- */

static size_t lay_out(struct loader *l, enum part part, size_t at)
{
	for (size_t i = 0; i < l->nsections; i++) {
		struct section *s = &l->sections[i];

		if (s->part != part)
			continue;
		s->offset = align_up(at, s->head->sh_addralign ? s->head->sh_addralign : 1);
		at = s->offset + s->head->sh_size;
		if (part == PART_WRITE && s->head->sh_addralign > l->data_align)
			l->data_align = s->head->sh_addralign;
	}
	return at;
}

static int place(struct loader *l)
{
	l->text_end = lay_out(l, PART_TEXT, l->hooks->text_offset);
	l->pads_at = align_up(l->text_end, PAD);
	l->got_at = l->pads_at + (size_t)l->npads * PAD;
	l->end = lay_out(l, PART_READ, l->got_at + (size_t)l->ngot * GOT_ENTRY);
	l->data_size = lay_out(l, PART_WRITE, 0);
	if (l->data_size) {
		l->data = code_data(l->code, l->data_size + l->data_align);
		if (!l->data)
			return fail(l, -ENOMEM, "no room for %zu bytes of data", l->data_size);
		l->data = (uint8_t *)align_up((uintptr_t)l->data, ALIGN_MAX);
	}
	l->region = code_reserve(l->code, CODE_MODULES, l->end ? l->end : 1);
	if (!l->region)
		return fail(l, -ENOMEM, "no room for %zu bytes of code", l->end);
	l->write = code_writable(l->code, l->region);
	memset(l->write, 0xcc, l->end); /* int3 where no section lies */
	for (size_t i = 0; i < l->nsections; i++) {
		struct section *s = &l->sections[i];

		if (s->part == PART_NONE)
			continue;
		s->address = (uintptr_t)(s->part == PART_WRITE ? l->data : l->region) + s->offset;
		s->write = (s->part == PART_WRITE ? l->data : l->write) + s->offset;
		if (s->head->sh_type == SHT_NOBITS)
			memset(s->write, 0, s->head->sh_size);
		else
			memcpy(s->write, s->data->d_buf, s->head->sh_size);
	}
	return 0;
}

static void write_pads(struct loader *l)
{
	static const uint8_t jump[6] = { 0xff, 0x25 };

	for (uint32_t i = 0; i < l->npads; i++) {
		uint8_t *at = l->write + l->pads_at + (size_t)i * PAD;

		memcpy(at, jump, sizeof(jump));
		memcpy(at + sizeof(jump), &l->pad_values[i], 8);
	}
}

/* ---- Relocations, second look -----------------------------------------------------------------
 */

static int symbol_value(struct loader *l, const Elf64_Sym *symbol, uint64_t answer, uint64_t *out)
{
	const struct section *s;

	if (symbol->st_shndx == SHN_UNDEF) {
		*out = answer;
		return 0;
	}
	if (symbol->st_shndx == SHN_ABS) {
		*out = symbol->st_value;
		return 0;
	}
	s = symbol->st_shndx < l->nsections ? &l->sections[symbol->st_shndx] : NULL;
	if (!s || s->part == PART_NONE)
		return fail(l, -EINVAL, "%s: in a section that is not loaded",
			    symbol_name(l, symbol));
	*out = s->address + symbol->st_value;
	return 0;
}

static int relocate_one(struct loader *l, const Elf64_Rela *r, const struct section *target,
			size_t number)
{
	const Elf64_Sym *symbol = &l->symbols[ELF64_R_SYM(r->r_info)];
	const struct symbol_use *use = &l->uses[ELF64_R_SYM(r->r_info)];
	const struct reloc_kind *kind = reloc_kind(ELF64_R_TYPE(r->r_info));
	uint64_t value;
	int err = symbol_value(l, symbol, kind->got ? use->got_value : l->answers[number], &value);

	if (err)
		return err;
	if (kind->got) {
		size_t entry = l->got_at + (size_t)(use->got - 1) * GOT_ENTRY;

		memcpy(l->write + entry, &value, 8);
		value = (uintptr_t)l->region + entry;
	} else if (l->pads[number]) {
		value = (uintptr_t)l->region + l->pads_at + (size_t)(l->pads[number] - 1) * PAD;
	}
	value += (uint64_t)r->r_addend;
	if (kind->relative)
		value -= target->address + r->r_offset;
	if (!reloc_fits(value, kind->width, kind->fit))
		return fail(l, -ERANGE, "%s: relocation %s does not fit in %u bits (value 0x%llx)",
			    symbol_name(l, symbol), kind->name, 8u * kind->width,
			    (unsigned long long)value);
	memcpy(target->write + r->r_offset, &value, kind->width);
	return 0;
}

static int relocate(struct loader *l)
{
	struct section *target;
	size_t n, number = 0;
	int err;

	for (size_t i = 0; i < l->nsections; i++) {
		const Elf64_Rela *r = relocations(l, i, &n, &target);

		for (size_t j = 0; r && j < n; j++, number++) {
			if (ELF64_R_TYPE(r[j].r_info) == R_X86_64_NONE)
				continue;
			err = relocate_one(l, &r[j], target, number);
			if (err)
				return err;
		}
	}
	return 0;
}

/* ---- What is known afterwards ------------------------------------------------------------------
 */

static bool is_function(const struct loader *l, const Elf64_Sym *s)
{
	return ELF64_ST_TYPE(s->st_info) == STT_FUNC && s->st_shndx < l->nsections &&
	       l->sections[s->st_shndx].part == PART_TEXT;
}

static int list_functions(struct loader *l, struct loaded *out)
{
	size_t n = 0, bytes = 0;
	char *name;

	for (size_t i = 0; i < l->nsymbols; i++) {
		if (!is_function(l, &l->symbols[i]))
			continue;
		n++;
		bytes += strlen(symbol_name(l, &l->symbols[i])) + 1;
	}
	out->functions = calloc(n + 1, sizeof(*out->functions));
	out->by_name = calloc(n + 1, sizeof(*out->by_name));
	out->names = name = malloc(bytes + 1);
	if (!out->functions || !out->by_name || !name)
		return -ENOMEM;
	for (size_t i = 0; i < l->nsymbols; i++) {
		const Elf64_Sym *s = &l->symbols[i];

		if (!is_function(l, s))
			continue;
		out->functions[out->nfunctions++] = (struct load_function){
			.name = strcpy(name, symbol_name(l, s)),
			.code = (void *)(uintptr_t)(l->sections[s->st_shndx].address + s->st_value),
			.size = (uint32_t)s->st_size,
		};
		name += strlen(name) + 1;
	}
	loaded_index(out);
	return 0;
}

static int hand_over(struct loader *l, struct loaded *out)
{
	int err = list_functions(l, out);

	if (!err)
		err = code_commit(l->code, l->region, l->end ? l->end : 1);
	if (err)
		return err;
	for (size_t i = 0; i < l->nsections; i++) {
		if (strcmp(l->sections[i].name, ".llvm_stackmaps") != 0 || !l->sections[i].part)
			continue;
		out->stackmaps = (const uint8_t *)(uintptr_t)l->sections[i].address;
		out->stackmaps_size = l->sections[i].head->sh_size;
	}
	out->text = l->region + l->hooks->text_offset;
	out->text_size = l->text_end - l->hooks->text_offset;
	out->region = l->region;
	out->region_size = l->end ? l->end : 1;
	out->region_used = l->end - l->hooks->text_offset;
	out->code = l->code;
	code_account(l->code, CODE_MODULES, (ptrdiff_t)out->region_used);
	return 0;
}

int jit_load(struct code_memory *code, const struct jit_object *object,
	     const struct load_hooks *hooks, struct loaded *out, char error[JIT_ERROR])
{
	struct loader l = { .code = code, .hooks = hooks, .error = error, .data_align = 1 };
	int err;

	memset(out, 0, sizeof(*out));
	error[0] = 0;
	err = read_object(&l, object);
	if (!err)
		err = scan(&l);
	if (!err)
		err = place(&l);
	if (!err) {
		write_pads(&l);
		err = relocate(&l);
	}
	if (!err)
		err = hand_over(&l, out);
	if (err && !error[0])
		fail(&l, err, "loading: %s", strerror(-err));
	if (err && l.region)
		code_abort(code, l.region, l.end ? l.end : 1);
	if (err)
		jit_unload(out);
	elf_end(l.elf);
	free(l.sections);
	free(l.uses);
	free(l.answers);
	free(l.pads);
	free(l.pad_values);
	return err;
}
