/*
 * loader.c - a relocatable ELF object from memory to its place in code memory.
 *
 *      region (whole quanta of CODE_MODULES; executable once committed)         code_data
 *      | text_offset | text ... | pads | GOT | read-only data, stack maps |     | .data .bss |
 *      ^             ^ loaded.text                                        ^
 *      quantum                                                            used
 *
 * The loader reads every relocation before it places anything: the hook's answers tell how many
 * pads and GOT entries there will be. A pad serves calls to functions outside code memory (in
 * libraries, or in the harness itself):
 *
 *      pad + 0   ff 25 00 00 00 00   jmp [rip + 0]
 *      pad + 6   address             8 bytes, unaligned; never written again
 *
 * A call of a callee that the hook names goes through another sort of pad (stub_call_pad), and is
 * told to the space when the module is committed (stub.h, struct stub_site).
 *
 * Read-only data shares the region with text because it is given back with it; so does
 * .data.rel.ro, which only the relocations write.
 */
#include "jit/jit.h"
#include "jit/object.h"
#include "jit/reloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PAD = STUB_CALL_PAD, GOT_ENTRY = 8 };

/* ---- The loader's state ----------------------------------------------------------------- */

/* The GOT entry and pad of a symbol; both are numbered from 1, 0 is none. */
struct symbol_use {
	uint32_t got, pad;
	uint64_t got_value, pad_value;
	bool callee, context; /* the pad is a callee's; its calls pass the context */
};

struct pad {
	uint64_t value; /* the address that it leads to, or a callee's */
	bool callee;
};

struct loader {
	struct code_memory *code;
	const struct load_hooks *hooks;
	struct object object;
	struct symbol_use *uses; /* one a symbol */
	uint64_t *answers;	 /* one a relocation, in the order of the sections */
	uint32_t *pads;		 /* one a relocation: the pad that it goes through */
	uint32_t npads, ngot;
	struct pad *pad_list; /* npads of them */
	struct stub_site *sites;
	size_t nsites, noted;
	size_t text_end, pads_at, got_at, end, data_size, data_align;
	uint8_t *region, *write, *data;
};

static size_t align_up(size_t v, size_t to)
{
	return (v + to - 1) & ~(to - 1);
}

/* ---- Relocations, first pass: which symbols are outside or need a pad or GOT ---------- */

static int check_relocation(struct loader *l, const Elf64_Rela *r, const struct section *target)
{
	uint32_t type = ELF64_R_TYPE(r->r_info);
	const struct reloc_kind *kind = reloc_kind(type);
	const char *symbol;

	if (ELF64_R_SYM(r->r_info) >= l->object.nsymbols)
		return object_fail(&l->object, -EINVAL, "section %s: a relocation without a symbol",
				   target->name);
	symbol = object_symbol(&l->object, &l->object.symbols[ELF64_R_SYM(r->r_info)]);
	if (!kind)
		return object_fail(&l->object, -EINVAL,
				   "%s: relocation %s (type %u) can't be loaded", symbol,
				   reloc_name(type), type);
	if (target->head->sh_type == SHT_NOBITS || r->r_offset > target->head->sh_size ||
	    target->head->sh_size - r->r_offset < kind->width)
		return object_fail(&l->object, -EINVAL, "%s: relocation %s outside of section %s",
				   symbol, kind->name, target->name);
	return 0;
}

/* Whether a call reaches address, wherever the module will lie:
 * displacements count from its end. */
static bool in_reach(const struct loader *l, uint64_t address)
{
	uintptr_t from, to;

	code_range(l->code, CODE_MODULES, &from, &to);
	return reloc_fits(address - 4 - from, 4, RELOC_SIGNED) &&
	       reloc_fits(address - 4 - to, 4, RELOC_SIGNED);
}

static int need_pad(struct loader *l, struct symbol_use *use, uint64_t value)
{
	struct pad *grown;

	if (use->pad && use->pad_value == value)
		return 0;
	if ((l->npads & (l->npads - 1)) == 0) { /* a power of two is full: double it */
		grown = realloc(l->pad_list, (l->npads ? 2 * l->npads : 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		l->pad_list = grown;
	}
	l->pad_list[l->npads] = (struct pad){ value, use->callee };
	use->pad = ++l->npads;
	use->pad_value = value;
	return 0;
}

/* Whether the hook names a callee for a called symbol: then it reserves its pad, and a site. */
static bool need_site(struct loader *l, struct symbol_use *use, const char *symbol, size_t number,
		      int *err)
{
	const struct stub_callee *c =
	    l->hooks->callee ? l->hooks->callee(l->hooks->arg, symbol, &use->context) : NULL;

	if (!c)
		return false;
	use->callee = true;
	l->nsites++;
	*err = need_pad(l, use, (uintptr_t)c);
	l->pads[number] = use->pad;
	return true;
}

/* Asks the hook if the symbol needs it, and reserves the pad or GOT entry. */
static int ask_for(struct loader *l, const Elf64_Rela *r, const struct section *target,
		   size_t number)
{
	const Elf64_Sym *symbol = &l->object.symbols[ELF64_R_SYM(r->r_info)];
	struct symbol_use *use = &l->uses[ELF64_R_SYM(r->r_info)];
	uint32_t type = ELF64_R_TYPE(r->r_info);
	bool call = type == R_X86_64_PLT32, got = reloc_kind(type)->got;
	bool outside = symbol->st_shndx == SHN_UNDEF;
	int err = 0;

	(void)target;
	if (outside && !(got && use->got)) {
		const char *name = object_symbol(&l->object, symbol);

		if (call && need_site(l, use, name, number, &err))
			return err;
		const void *at =
		    l->hooks->resolve(l->hooks->arg, name, call ? LOAD_CALL : LOAD_DATA);

		if (!at)
			return object_fail(&l->object, -EINVAL, "%s: no such symbol", name);
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

static int each_relocation(struct loader *l, int (*visit)(struct loader *, const Elf64_Rela *,
							  const struct section *, size_t))
{
	struct section *target;
	size_t n, number = 0;

	for (size_t i = 0; i < l->object.nsections; i++) {
		const Elf64_Rela *r = object_relocations(&l->object, i, &n, &target);

		for (size_t j = 0; r && j < n; j++, number++) {
			int err;

			if (ELF64_R_TYPE(r[j].r_info) == R_X86_64_NONE)
				continue;
			err = check_relocation(l, &r[j], target);
			if (!err)
				err = visit(l, &r[j], target, number);
			if (err)
				return err;
		}
	}
	return 0;
}

static int scan(struct loader *l)
{
	struct section *target;
	size_t n, total = 0;

	for (size_t i = 0; i < l->object.nsections; i++)
		if (object_relocations(&l->object, i, &n, &target))
			total += n;
	l->uses = calloc(l->object.nsymbols + 1, sizeof(*l->uses));
	l->answers = calloc(total + 1, sizeof(*l->answers));
	l->pads = calloc(total + 1, sizeof(*l->pads));
	if (!l->uses || !l->answers || !l->pads)
		return -ENOMEM;
	int err = each_relocation(l, ask_for);
	if (err || !l->nsites)
		return err;
	l->sites = calloc(l->nsites, sizeof(*l->sites));
	return l->sites ? 0 : -ENOMEM;
}

/* ---- Placing ---------------------------------------------------------------------------- */

static size_t lay_out(struct loader *l, enum part part, size_t at)
{
	for (size_t i = 0; i < l->object.nsections; i++) {
		struct section *s = &l->object.sections[i];

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
	l->end += !l->end; /* an object without code loads, too */
	l->data_size = lay_out(l, PART_WRITE, 0);
	if (l->data_size) {
		l->data = code_data(l->code, l->data_size + l->data_align);
		if (!l->data)
			return object_fail(&l->object, -ENOMEM, "no room for %zu bytes of data",
					   l->data_size);
		l->data = (uint8_t *)align_up((uintptr_t)l->data, l->data_align);
	}
	l->region = code_reserve(l->code, CODE_MODULES, l->end);
	if (!l->region)
		return object_fail(&l->object, -errno,
				   errno == EACCES ? "the kernel forbids writing %zu bytes of code"
						   : "no room for %zu bytes of code",
				   l->end);
	l->write = code_writable(l->code, l->region);
	memset(l->write, 0xcc, l->end); /* int3 where no section lies */
	for (size_t i = 0; i < l->object.nsections; i++) {
		struct section *s = &l->object.sections[i];

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
	uint8_t *at = l->write + l->pads_at;

	for (uint32_t i = 0; i < l->npads; i++, at += PAD) {
		const struct pad *pad = &l->pad_list[i];

		if (pad->callee) {
			stub_call_pad(at, (const struct stub_callee *)(uintptr_t)pad->value);
			continue;
		}
		memcpy(at, "\xff\x25\0\0\0", 6);
		memcpy(at + 6, &pad->value, 8);
	}
}

/* ---- Relocations, second pass ----------------------------------------------------------- */

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
	s = symbol->st_shndx < l->object.nsections ? &l->object.sections[symbol->st_shndx] : NULL;
	if (!s || s->part == PART_NONE)
		return object_fail(&l->object, -EINVAL, "%s: in a section that is not loaded",
				   object_symbol(&l->object, symbol));
	*out = s->address + symbol->st_value;
	return 0;
}

static void note_site(struct loader *l, const struct symbol_use *use, uint64_t field, uint64_t pad)
{
	if (use->callee)
		l->sites[l->noted++] = (struct stub_site){
			.field = (uint8_t *)(uintptr_t)field,
			.callee = (struct stub_callee *)(uintptr_t)use->pad_value,
			.pad = (const uint8_t *)(uintptr_t)pad,
			.context = use->context,
		};
}

static int relocate(struct loader *l, const Elf64_Rela *r, const struct section *target,
		    size_t number)
{
	const Elf64_Sym *symbol = &l->object.symbols[ELF64_R_SYM(r->r_info)];
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
		note_site(l, use, target->address + r->r_offset, value);
	}
	value += (uint64_t)r->r_addend;
	if (kind->relative)
		value -= target->address + r->r_offset;
	if (!reloc_fits(value, kind->width, kind->fit))
		return object_fail(&l->object, -ERANGE,
				   "%s: relocation %s does not fit in %u bits (value 0x%llx)",
				   object_symbol(&l->object, symbol), kind->name, 8u * kind->width,
				   (unsigned long long)value);
	memcpy(target->write + r->r_offset, &value, kind->width);
	return 0;
}

/* ---- The table of functions -------------------------------------------------------------- */

static bool is_function(const struct loader *l, const Elf64_Sym *s)
{
	return ELF64_ST_TYPE(s->st_info) == STT_FUNC && s->st_shndx < l->object.nsections &&
	       l->object.sections[s->st_shndx].part == PART_TEXT;
}

static int list_functions(struct loader *l, struct loaded *out)
{
	size_t n = 0, bytes = 0;
	char *name;

	for (size_t i = 0; i < l->object.nsymbols; i++) {
		if (!is_function(l, &l->object.symbols[i]))
			continue;
		n++;
		bytes += strlen(object_symbol(&l->object, &l->object.symbols[i])) + 1;
	}
	out->functions = calloc(n + 1, sizeof(*out->functions));
	out->by_name = calloc(n + 1, sizeof(*out->by_name));
	out->names = name = malloc(bytes + 1);
	if (!out->functions || !out->by_name || !name)
		return -ENOMEM;
	for (size_t i = 0; i < l->object.nsymbols; i++) {
		const Elf64_Sym *s = &l->object.symbols[i];

		if (!is_function(l, s))
			continue;
		out->functions[out->nfunctions++] = (struct load_function){
			.name = strcpy(name, object_symbol(&l->object, s)),
			.code = (void *)(uintptr_t)(l->object.sections[s->st_shndx].address +
						    s->st_value),
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
		err = code_commit(l->code, l->region, l->end);
	if (!err && l->nsites) {
		struct stub_space *space = l->hooks->space;

		err = space->ops->attach(space, l->sites, l->nsites);
		out->space = err ? NULL : space;
	}
	if (err)
		return err;
	for (size_t i = 0; i < l->object.nsections; i++) {
		if (strcmp(l->object.sections[i].name, ".llvm_stackmaps") != 0 ||
		    !l->object.sections[i].part)
			continue;
		out->stackmaps = (const uint8_t *)(uintptr_t)l->object.sections[i].address;
		out->stackmaps_size = l->object.sections[i].head->sh_size;
	}
	out->text = l->region + l->hooks->text_offset;
	out->text_size = l->text_end - l->hooks->text_offset;
	out->region = l->region;
	out->region_size = l->end;
	out->region_used = l->end - l->hooks->text_offset;
	out->code = l->code;
	return 0;
}

int jit_load(struct code_memory *code, const struct jit_object *object,
	     const struct load_hooks *hooks, struct loaded *out, char error[JIT_ERROR])
{
	struct loader l = { .code = code, .hooks = hooks, .data_align = 1 };
	int err;

	memset(out, 0, sizeof(*out));
	error[0] = 0;
	err = object_open(&l.object, object, error);
	if (!err)
		err = scan(&l);
	if (!err)
		err = place(&l);
	if (!err) {
		write_pads(&l);
		err = each_relocation(&l, relocate);
	}
	if (!err)
		err = hand_over(&l, out);
	if (err && !error[0])
		object_fail(&l.object, err, "loading: %s", strerror(-err));
	if (err && l.region)
		code_release(code, l.region, l.end);
	if (err)
		jit_unload(out);
	object_close(&l.object);
	free(l.uses);
	free(l.answers);
	free(l.pads);
	free(l.pad_list);
	free(l.sites);
	return err;
}
