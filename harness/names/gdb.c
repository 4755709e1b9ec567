/*
 * gdb.c - ELF images for gdb's JIT interface (gdb manual, "JIT Compilation Interface"): a list of
 * them begins in __jit_debug_descriptor, and gdb, if there is one, has a breakpoint in
 * __jit_debug_register_code. An image has no code, but symbols that lie in the process's memory:
 *
 *      ELF header | section headers | names of sections | .symtab | .strtab | .eh_frame
 *
 * gdb looks an address up in one of the images that cover it. So one image has the frames and all
 * symbols, and a new one replaces it when names have come or gone.
 */
#include <elf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "names/internal.h"

/* ---- The interface ------------------------------------------------------------------------- */

struct jit_code_entry {
	struct jit_code_entry *next_entry, *prev_entry;
	const char *symfile_addr;
	uint64_t symfile_size;
};

struct jit_descriptor {
	uint32_t version, action_flag;
	struct jit_code_entry *relevant_entry, *first_entry;
};

enum { JIT_REGISTER = 1, JIT_UNREGISTER = 2 };

/* Weak: another compiler in the process (LLVM) may have them, and one list serves both. */
void __jit_debug_register_code(void);
extern struct jit_descriptor __jit_debug_descriptor;
__attribute__((weak)) struct jit_descriptor __jit_debug_descriptor = { .version = 1 };
__attribute__((weak, noinline)) void __jit_debug_register_code(void)
{
	__asm__ volatile("" ::: "memory");
}

/* ---- The images ---------------------------------------------------------------------------- */

struct image {
	struct jit_code_entry entry; /* first */
	char bytes[];
};

struct gdb_names {
	uint64_t from, to;
	struct names_table *names;
	size_t changes; /* since the image */
	const void *section;
	size_t section_size;
	struct image *image;
};

enum {
	SECTION_NONE,
	SECTION_TEXT,
	SECTION_SYMBOLS,
	SECTION_STRINGS,
	SECTION_NAMES,
	SECTION_FRAMES,
	SECTIONS
};

static const char section_names[] = "\0.text\0.symtab\0.strtab\0.shstrtab\0.eh_frame";

static struct image *allocate(size_t bytes)
{
	struct image *image = calloc(1, sizeof *image + bytes);

	if (image)
		image->entry =
		    (struct jit_code_entry){ .symfile_addr = image->bytes, .symfile_size = bytes };
	return image;
}

static void add_to_list(struct image *image)
{
	struct jit_code_entry *e = &image->entry, *first = __jit_debug_descriptor.first_entry;

	e->next_entry = first;
	if (first)
		first->prev_entry = e;
	__jit_debug_descriptor.first_entry = __jit_debug_descriptor.relevant_entry = e;
	__jit_debug_descriptor.action_flag = JIT_REGISTER;
	__jit_debug_register_code();
}

static void remove_image(struct image *image)
{
	struct jit_code_entry *e = &image->entry;

	if (e->prev_entry)
		e->prev_entry->next_entry = e->next_entry;
	else
		__jit_debug_descriptor.first_entry = e->next_entry;
	if (e->next_entry)
		e->next_entry->prev_entry = e->prev_entry;
	__jit_debug_descriptor.relevant_entry = e;
	__jit_debug_descriptor.action_flag = JIT_UNREGISTER;
	__jit_debug_register_code();
	free(image);
}

static struct image *make_image(const struct gdb_names *g)
{
	static const uint16_t starts[] = { 0, 1, 7, 15, 23, 33 }; /* in section_names */
	size_t symbols = 1 + g->names->n, strings = 1;

	for (size_t i = 0; i < g->names->n; i++)
		strings += strlen(g->names->names[i].name) + 1;
	const size_t frames_at = sizeof(Elf64_Ehdr) + SECTIONS * sizeof(Elf64_Shdr);
	const size_t symbols_at = (frames_at + g->section_size + 7) / 8 * 8;
	const size_t strings_at = symbols_at + symbols * sizeof(Elf64_Sym);
	const size_t names_at = strings_at + strings;
	struct image *image = allocate(names_at + sizeof section_names);
	if (!image)
		return NULL;

	Elf64_Ehdr *header = (Elf64_Ehdr *)image->bytes;
	Elf64_Shdr *s = (Elf64_Shdr *)(header + 1);
	Elf64_Sym *symbol = (Elf64_Sym *)(image->bytes + symbols_at) + 1;
	char *string = image->bytes + strings_at + 1;
	*header = (Elf64_Ehdr){ .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
					     ELFDATA2LSB, EV_CURRENT },
				.e_type = ET_REL,
				.e_machine = EM_X86_64,
				.e_version = EV_CURRENT,
				.e_shoff = sizeof *header,
				.e_ehsize = sizeof *header,
				.e_shentsize = sizeof *s,
				.e_shnum = SECTIONS,
				.e_shstrndx = SECTION_NAMES };
	s[SECTION_TEXT] = (Elf64_Shdr){ .sh_type = SHT_NOBITS,
					.sh_flags = SHF_ALLOC | SHF_EXECINSTR,
					.sh_addr = g->from,
					.sh_size = g->to - g->from,
					.sh_addralign = 16 };
	s[SECTION_SYMBOLS] = (Elf64_Shdr){ .sh_type = SHT_SYMTAB,
					   .sh_offset = symbols_at,
					   .sh_size = symbols * sizeof *symbol,
					   .sh_link = SECTION_STRINGS,
					   .sh_info = 1,
					   .sh_addralign = 8,
					   .sh_entsize = sizeof *symbol };
	s[SECTION_STRINGS] = (Elf64_Shdr){ .sh_type = SHT_STRTAB,
					   .sh_offset = strings_at,
					   .sh_size = strings,
					   .sh_addralign = 1 };
	s[SECTION_NAMES] = (Elf64_Shdr){ .sh_type = SHT_STRTAB,
					 .sh_offset = names_at,
					 .sh_size = sizeof section_names,
					 .sh_addralign = 1 };
	s[SECTION_FRAMES] = (Elf64_Shdr){ .sh_type = SHT_PROGBITS,
					  .sh_flags = SHF_ALLOC,
					  .sh_addr = (uintptr_t)g->section,
					  .sh_offset = frames_at,
					  .sh_size = g->section_size,
					  .sh_addralign = 8 };
	for (unsigned i = 0; i < SECTIONS; i++)
		s[i].sh_name = starts[i];
	memcpy(image->bytes + frames_at, g->section, g->section_size);
	memcpy(image->bytes + names_at, section_names, sizeof section_names);
	for (size_t i = 0; i < g->names->n; i++) {
		const struct named *n = &g->names->names[i];

		*symbol++ = (Elf64_Sym){ .st_name = (uint32_t)(string - image->bytes - strings_at),
					 .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
					 .st_shndx = SECTION_TEXT,
					 .st_value = n->at - g->from,
					 .st_size = n->bytes };
		string = stpcpy(string, n->name) + 1;
	}
	return image;
}

/* Without memory for an image gdb keeps the old one: nothing else is lost. */
void gdb_flush(struct gdb_names *g)
{
	if (g->image && !g->changes)
		return;
	table_drop_dead(g->names);
	struct image *image = make_image(g);
	if (!image)
		return;
	if (g->image)
		remove_image(g->image);
	g->image = image;
	g->changes = 0;
	add_to_list(image);
}

struct gdb_names *gdb_open(const void *section, size_t size, uintptr_t from, uintptr_t to,
			   struct names_table *names)
{
	struct gdb_names *g = calloc(1, sizeof *g);

	if (!g)
		return NULL;
	*g = (struct gdb_names){ from, to, names, 0, section, size, NULL };
	gdb_flush(g);
	if (g->image)
		return g;
	free(g);
	return NULL;
}

void gdb_close(struct gdb_names *g)
{
	if (!g)
		return;
	remove_image(g->image);
	free(g);
}

void gdb_changed(struct gdb_names *g, size_t n)
{
	g->changes += n;
	if (g->changes > g->names->n / 8)
		gdb_flush(g);
}
