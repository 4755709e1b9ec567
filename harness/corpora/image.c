/*
 * image.c - an ELF file's sections, symbols and relocations, for importers. libelf reads the
 * headers; all else is read from the file's own bytes, and each access is checked.
 */
#include "corpora/image.h"

#include <errno.h>
#include <gelf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int image_error(const struct image *img, const char *section, uint64_t offset, const char *format,
		...)
{
	va_list arguments;
	int n = section ? snprintf(img->error, CORPUS_ERROR, "%s: %s+0x%llx: ", img->path, section,
				   (unsigned long long)offset)
			: snprintf(img->error, CORPUS_ERROR, "%s: ", img->path);

	if (n >= 0 && n < CORPUS_ERROR) {
		va_start(arguments, format);
		vsnprintf(img->error + n, CORPUS_ERROR - (size_t)n, format, arguments);
		va_end(arguments);
	}
	return -EINVAL;
}

/* ---- Sections ------------------------------------------------------------------------------- */

/* Start-up code and calls to shared objects, which a linker adds:
 * no compiler makes maps for them. */
static int is_glue(const char *name)
{
	return !strcmp(name, ".init") || !strcmp(name, ".fini") || !strcmp(name, ".iplt") ||
	       (!strncmp(name, ".plt", 4) && (!name[4] || name[4] == '.'));
}

/* A section is text if it is executable, whatever its name: .text, .text.f, .ltext of the large
 * code model, or one that the program chose. Wasmtime's bytecode for its interpreter is not
 * executable, but it has the name. */
static int is_text(const struct image *img, const struct image_section *s)
{
	const uint64_t executable = SHF_ALLOC | SHF_EXECINSTR;

	if (!s->data)
		return 0;
	if (img->abi == IMAGE_WASMTIME)
		return !strcmp(s->name, ".text");
	return (s->flags & executable) == executable && !is_glue(s->name);
}

static int read_section(struct image *img, uint8_t *bytes, size_t size, Elf_Scn *scn, size_t names)
{
	struct image_section *s = &img->sections[elf_ndxscn(scn)];
	GElf_Shdr h;

	if (!gelf_getshdr(scn, &h))
		return image_error(img, NULL, 0, "section %zu has no readable header",
				   elf_ndxscn(scn));
	s->name = elf_strptr(img->elf, names, h.sh_name);
	if (!s->name)
		return image_error(img, NULL, 0, "section %zu has no name", elf_ndxscn(scn));
	s->address = h.sh_addr;
	s->size = h.sh_size;
	s->flags = h.sh_flags;
	s->type = h.sh_type;
	s->link = h.sh_link;
	s->info = h.sh_info;
	s->entry = (uint32_t)h.sh_entsize;
	if (h.sh_type == SHT_NOBITS || h.sh_type == SHT_NULL)
		return 0;
	if (h.sh_offset > size || h.sh_size > size - h.sh_offset)
		return image_error(
		    img, s->name, 0, "cut short: 0x%llx bytes at 0x%llx of a file of 0x%zx",
		    (unsigned long long)h.sh_size, (unsigned long long)h.sh_offset, size);
	s->data = bytes + h.sh_offset;
	return 0;
}

static int find_text(struct image *img)
{
	uint64_t end = 0;

	img->text = UINT64_MAX;
	for (size_t i = 0; i < img->nsections; i++) {
		const struct image_section *s = &img->sections[i];
		if (!is_text(img, s) || !s->size)
			continue;
		if (s->address + s->size < s->address)
			return image_error(img, s->name, 0, "its addresses wrap around");
		img->text = s->address < img->text ? s->address : img->text;
		end = s->address + s->size > end ? s->address + s->size : end;
	}
	if (!end)
		return image_error(img, NULL, 0,
				   "no executable section: nothing that stack maps could describe");
	img->text_size = end - img->text;
	if (img->text_size > INT32_MAX)
		return image_error(img, NULL, 0, "a text of %llu bytes: at most 2 GiB",
				   (unsigned long long)img->text_size);
	return 0;
}

int image_open(struct image *img, const char *path, uint8_t *bytes, size_t size,
	       char error[CORPUS_ERROR])
{
	uint64_t total = 0;
	GElf_Ehdr h;
	size_t names;
	int r = 0;

	*img = (struct image){ .path = path, .error = error, .size = size };
	elf_version(EV_CURRENT);
	img->elf = elf_memory((char *)bytes, size);
	if (!img->elf || elf_kind(img->elf) != ELF_K_ELF || !gelf_getehdr(img->elf, &h) ||
	    elf_getshdrnum(img->elf, &img->nsections) || !img->nsections ||
	    elf_getshdrstrndx(img->elf, &names)) {
		r = image_error(img, NULL, 0, "not a readable ELF file: cut short, or no sections");
		goto fail;
	}
	img->machine = h.e_machine;
	img->abi = h.e_ident[EI_OSABI];
	img->class = h.e_ident[EI_CLASS];
	img->encoding = h.e_ident[EI_DATA];
	img->type = h.e_type;
	img->sections = calloc(img->nsections, sizeof *img->sections);
	if (!img->sections) {
		r = -ENOMEM;
		goto fail;
	}
	img->sections[0].name = "";
	for (size_t i = 1; !r && i < img->nsections; i++) {
		Elf_Scn *scn = elf_getscn(img->elf, i);
		r = scn ? read_section(img, bytes, size, scn, names)
			: image_error(img, NULL, 0, "section %zu lies outside the file", i);
		total += img->sections[i].data ? img->sections[i].size : 0;
		if (!r && total > size)
			r = image_error(img, img->sections[i].name, 0,
					"sections overlap: the file has 0x%zx bytes", size);
	}
	if (!r)
		r = find_text(img);
	if (!r)
		return 0;
fail:
	image_close(img);
	return r;
}

void image_close(struct image *img)
{
	free(img->sections);
	elf_end(img->elf);
	img->sections = NULL;
	img->elf = NULL;
}

const struct image_section *image_find(const struct image *img, const char *name)
{
	for (size_t i = 1; i < img->nsections; i++)
		if (!strcmp(img->sections[i].name, name) && img->sections[i].data)
			return &img->sections[i];
	return NULL;
}

static struct image_section *section_of(const struct image *img, uint64_t address, uint64_t len)
{
	for (size_t i = 1; i < img->nsections; i++) {
		struct image_section *s = &img->sections[i];
		if (s->flags & SHF_ALLOC && s->data && address >= s->address && s->size >= len &&
		    address - s->address <= s->size - len)
			return s;
	}
	return NULL;
}

const uint8_t *image_at(const struct image *img, uint64_t address, uint64_t len)
{
	const struct image_section *s = section_of(img, address, len);

	return s ? s->data + (address - s->address) : NULL;
}

/* ---- Symbols -------------------------------------------------------------------------------- */

/* The name of symbol i of a table, or NULL; *sym is the symbol. */
static const char *symbol_at(const struct image *img, const struct image_section *table, uint64_t i,
			     Elf64_Sym *sym)
{
	if (!table->data || i >= table->size / sizeof *sym || table->link >= img->nsections)
		return NULL;
	const struct image_section *names = &img->sections[table->link];
	memcpy(sym, table->data + i * sizeof *sym, sizeof *sym);
	if (!names->data || sym->st_name >= names->size || names->data[names->size - 1])
		return NULL;
	return (const char *)names->data + sym->st_name;
}

/* -ENOENT: not defined in this file. */
static int symbol_address(const struct image *img, const Elf64_Sym *sym, uint64_t *address)
{
	*address = sym->st_value;
	if (sym->st_shndx == SHN_ABS)
		return 0;
	if (sym->st_shndx == SHN_UNDEF || sym->st_shndx >= img->nsections)
		return -ENOENT;
	if (img->type == ET_REL)
		*address += img->sections[sym->st_shndx].address;
	return 0;
}

int image_symbol(const struct image *img, const char *name, uint64_t *address)
{
	for (size_t t = 1; t < img->nsections; t++) {
		const struct image_section *s = &img->sections[t];
		if (s->type != SHT_SYMTAB && s->type != SHT_DYNSYM)
			continue;
		for (uint64_t i = 1; i < s->size / sizeof(Elf64_Sym); i++) {
			Elf64_Sym sym;
			const char *own = symbol_at(img, s, i, &sym);
			if (own && !strcmp(own, name) && !symbol_address(img, &sym, address))
				return 0;
		}
	}
	return -ENOENT;
}

int image_add_function(const struct image *img, struct corpus_builder *b, const char *from,
		       uint64_t offset, uint64_t start, uint64_t size)
{
	start -= img->text;
	if (start > img->text_size || size > img->text_size - start)
		return image_error(img, from, offset, "a function of 0x%llx bytes leaves the text",
				   (unsigned long long)size);
	return corpus_add_function(b, (uint32_t)start, (uint32_t)size);
}

int image_symbol_functions(const struct image *img, struct corpus_builder *b)
{
	int r = 0;

	for (size_t t = 1; t < img->nsections; t++) {
		const struct image_section *s = &img->sections[t];
		if (s->type != SHT_SYMTAB)
			continue;
		for (uint64_t i = 1; !r && i < s->size / sizeof(Elf64_Sym); i++) {
			Elf64_Sym sym;
			uint64_t at;
			if (!symbol_at(img, s, i, &sym) || !sym.st_size ||
			    ELF64_ST_TYPE(sym.st_info) != STT_FUNC ||
			    symbol_address(img, &sym, &at) || sym.st_shndx >= img->nsections ||
			    !is_text(img, &img->sections[sym.st_shndx]))
				continue;
			r = image_add_function(img, b, s->name, i * sizeof sym, at, sym.st_size);
		}
	}
	return r;
}

/* ---- Relocations ---------------------------------------------------------------------------- */

static void place_sections(struct image *img)
{
	uint64_t at = 4096;

	for (int text = 1; text >= 0; text--)
		for (size_t i = 1; i < img->nsections; i++) {
			struct image_section *s = &img->sections[i];
			if (!(s->flags & SHF_ALLOC) || is_text(img, s) != text)
				continue;
			at = (at + 63) & ~63ull;
			s->address = at;
			at += s->size;
		}
}

static int relocate_one(struct image *img, const struct image_section *table,
			const struct image_section *target, uint64_t i)
{
	Elf64_Rela rela;
	Elf64_Sym sym;
	uint64_t s = 0, width = 4;

	memcpy(&rela, table->data + i * sizeof rela, sizeof rela);
	unsigned type = ELF64_R_TYPE(rela.r_info);
	int relative = type == R_X86_64_PC32 || type == R_X86_64_PLT32 || type == R_X86_64_PC64;
	if (type == R_X86_64_64 || type == R_X86_64_RELATIVE || type == R_X86_64_PC64)
		width = 8;
	else if (type != R_X86_64_32 && type != R_X86_64_32S && !relative)
		return 0; /* for the dynamic linker alone: they do not fill tables */
	if (type != R_X86_64_RELATIVE &&
	    (table->link >= img->nsections ||
	     !symbol_at(img, &img->sections[table->link], ELF64_R_SYM(rela.r_info), &sym) ||
	     symbol_address(img, &sym, &s)))
		return 0; /* defined elsewhere */
	uint64_t where = rela.r_offset + (img->type == ET_REL ? target->address : 0);
	if (!target || where < target->address || target->size < width ||
	    where - target->address > target->size - width)
		target = img->type == ET_REL ? NULL : section_of(img, where, width);
	if (!target)
		return image_error(img, table->name, i * sizeof rela,
				   "a relocation at 0x%llx, outside every section with bytes",
				   (unsigned long long)rela.r_offset);
	uint64_t v = s + (uint64_t)rela.r_addend - (relative ? where : 0);
	for (uint64_t k = 0; k < width; k++)
		target->data[where - target->address + k] = (uint8_t)(v >> 8 * k);
	return 0;
}

int image_relocate(struct image *img)
{
	int r = 0;

	if (img->type == ET_REL) {
		place_sections(img);
		r = find_text(img);
	}
	for (size_t t = 1; !r && t < img->nsections; t++) {
		const struct image_section *table = &img->sections[t], *target = NULL;
		if (table->type != SHT_RELA)
			continue;
		if (img->type == ET_REL) {
			if (table->info >= img->nsections)
				return image_error(img, table->name, 0, "no section %u to relocate",
						   (unsigned)table->info);
			target = &img->sections[table->info];
			if (!(target->flags & SHF_ALLOC) || is_text(img, target) || !target->data)
				continue;
		} else if (!(table->flags & SHF_ALLOC)) {
			continue;
		}
		for (uint64_t i = 0; !r && i < table->size / sizeof(Elf64_Rela); i++)
			r = relocate_one(img, table, target, i);
	}
	return r;
}

/* ---- Sealing -------------------------------------------------------------------------------- */

int image_seal(const struct image *img, int r, struct corpus_builder *b, struct corpus *out)
{
	size_t n = strlen(out->note);

	if (r) {
		corpus_abandon(b);
		return r;
	}
	out->text_bytes = (uint32_t)img->text_size;
	if (b->widened)
		snprintf(out->note + n, sizeof out->note - n,
			 "%s%u frames widened to hold a slot beyond their end", n ? "; " : "",
			 (unsigned)b->widened);
	return corpus_seal(b, out, img->error);
}
