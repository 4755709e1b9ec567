/*
 * reloc.c - the table of relocations, their widths, and the check that a value fits.
 *
 * Fields of 8 and 16 bits are immediates from absolute symbols, which the processor may extend with
 * zeros or the sign: both readings count as fitting.
 */
#include "jit/reloc.h"

#include <elf.h>
#include <stddef.h>

#define KIND(type, ...) [R_X86_64_##type] = { "R_X86_64_" #type, __VA_ARGS__ }
#define NAME(type)	[R_X86_64_##type] = "R_X86_64_" #type

static const struct reloc_kind kinds[R_X86_64_NUM] = {
	KIND(64, 8, false, false, RELOC_ALL),
	KIND(32, 4, false, false, RELOC_UNSIGNED),
	KIND(32S, 4, false, false, RELOC_SIGNED),
	KIND(16, 2, false, false, RELOC_EITHER),
	KIND(8, 1, false, false, RELOC_EITHER),
	KIND(PC64, 8, true, false, RELOC_ALL),
	KIND(PC32, 4, true, false, RELOC_SIGNED),
	KIND(PLT32, 4, true, false, RELOC_SIGNED),
	KIND(GOTPCREL, 4, true, true, RELOC_SIGNED),
	KIND(GOTPCRELX, 4, true, true, RELOC_SIGNED),
	KIND(REX_GOTPCRELX, 4, true, true, RELOC_SIGNED),
};

/* Relocations of modules compiled for another kind of loading: they are refused by name. */
static const char *const refused[R_X86_64_NUM] = {
	NAME(GOT32),	 NAME(COPY),	   NAME(GLOB_DAT), NAME(JUMP_SLOT),	  NAME(RELATIVE),
	NAME(PC16),	 NAME(PC8),	   NAME(DTPMOD64), NAME(DTPOFF64),	  NAME(TPOFF64),
	NAME(TLSGD),	 NAME(TLSLD),	   NAME(DTPOFF32), NAME(GOTTPOFF),	  NAME(TPOFF32),
	NAME(GOTOFF64),	 NAME(GOTPC32),	   NAME(GOT64),	   NAME(GOTPCREL64),	  NAME(GOTPC64),
	NAME(GOTPLT64),	 NAME(PLTOFF64),   NAME(SIZE32),   NAME(GOTPC32_TLSDESC), NAME(SIZE64),
	NAME(IRELATIVE), NAME(RELATIVE64), NAME(TLSDESC),  NAME(TLSDESC_CALL),
};

const struct reloc_kind *reloc_kind(uint32_t type)
{
	return type < R_X86_64_NUM && kinds[type].width ? &kinds[type] : NULL;
}

const char *reloc_name(uint32_t type)
{
	if (reloc_kind(type))
		return kinds[type].name;
	return type < R_X86_64_NUM && refused[type] ? refused[type] : "unknown";
}

bool reloc_fits(uint64_t v, unsigned width, enum reloc_fit fit)
{
	uint64_t half = 1ull << (8 * width - 1);

	if (width == 8)
		return true;
	switch (fit) {
	case RELOC_ALL:
		return true;
	case RELOC_SIGNED:
		return v + half < 2 * half;
	case RELOC_UNSIGNED:
		return v < 2 * half;
	case RELOC_EITHER:
		return v + half < 3 * half;
	}
	return false;
}
