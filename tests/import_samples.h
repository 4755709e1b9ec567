/*
 * import_samples.h - small files with stack maps for the tests of importers, written as assembly
 * and assembled by LLVM, so that their contents can be read here.
 */
#ifndef STUBMAP_IMPORT_SAMPLES_H
#define STUBMAP_IMPORT_SAMPLES_H

#include <llvm-c/Core.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpora/import.h"

/* Two functions, one known by its unwind entry; every layout of a descriptor. */
#define SAMPLE_OCAML                                                                      \
	".text\n"                                                                         \
	".globl first\n first: .cfi_startproc\n .skip 48, 0x90\n .cfi_endproc\n"          \
	"second: .cfi_startproc\n .skip 32, 0x90\n .cfi_endproc\n"                        \
	".data\n .globl caml_frametable\n"                                                \
	"caml_frametable: .quad unit1, unit2, unit3, 0\n"                                 \
	"unit1: .quad 1\n .quad first+5\n .short 0xffff, 0\n .balign 8\n"                 \
	"unit2: .quad 4\n"                                                                \
	" .quad second+16\n .short 16, 0\n .balign 8\n"                                   \
	" .quad first+24\n .short 48+1, 3, 24, 7, 8\n .balign 4\n .long 99\n .balign 8\n" \
	" .quad first+32\n .short 32+3, 1, 0\n .byte 2, 1, 3\n .balign 4\n .long 1, 2\n"  \
	" .balign 8\n"                                                                    \
	" .quad first+40\n .short 32+2, 1, 16\n .byte 3, 1, 1, 1\n .balign 8\n"           \
	"unit3: .quad 1\n .quad first+48\n .short 16+2, 1, 8\n .byte 0\n .balign 8\n"

/* f has a frame of 32 bytes with 3 words that may hold pointers, and two bitmaps; g has none. */
#define SAMPLE_GO                                                                              \
	".text\n"                                                                              \
	"f: pushq %rbp\n subq $24, %rsp\n call f\n call *%rax\n addq $24, %rsp\n popq %rbp\n " \
	"ret\n"                                                                                \
	".balign 32, 0xcc\n"                                                                   \
	"g: call f\n ret\n .balign 32, 0xcc\n"                                                 \
	"etext:\n"                                                                             \
	".section .gopclntab,\"a\",@progbits\n"                                                \
	"tab: .long 0xfffffff0 + GO120\n .byte 0, 0, 1, 8\n"                                   \
	" .quad 2, 0, f, 0, 0, 0, pctab-tab, functab-tab\n"                                    \
	"pctab: .byte 0\n"                                                                     \
	"sp: .byte 2, 1, 16, 4, 48, 27, 0\n" /* 0 for 1 byte, 8 for 4, then 32 */              \
	"map: .byte 0, 10, 4, 22, 0\n"	     /* -1 for 10 bytes, then 1 */                     \
	".balign 4\n"                                                                          \
	"functab: .long 0, fn0-functab, 32, fn1-functab, 64\n"                                 \
	"fn0: .long 0, 0, 0, 0, sp-pctab, 0, 0, 2, 0\n .if GO120\n .long 0\n .endif\n"         \
	" .byte 0, 0, 0, 2\n .long 0, map-pctab, -1, locals-gofunc\n"                          \
	"fn1: .long 32, 0, 0, 0, 0, 0, 0, 0, 0\n .if GO120\n .long 0\n .endif\n"               \
	" .byte 0, 0, 0, 0\n"                                                                  \
	".section .rodata\n"                                                                   \
	"gofunc: .quad 0\n"                                                                    \
	"locals: .long 2, 3\n .byte 5, 2\n"                                                    \
	".data\n .balign 8\n"                                                                  \
	" .quad tab, 0, 0, 0, 0, 0, 0, 0, 0, 0, pctab, 0, 0, tab, 0, 0, functab, 2, 2, 0\n"    \
	" .quad f, etext, f, etext\n .fill 14 + 2*GO120, 8, 0\n .quad gofunc\n"                \
	" .fill 2 - 2*GO120, 8, 0\n"

/* Two objects' tables; each kind of location; a patchpoint; a frame that grows. */
#define SAMPLE_LLVM                                                                                \
	".text\n f: .skip 64, 0x90\n g: .skip 64, 0x90\n"                                          \
	".macro loc kind, reg, off\n .byte \\kind, 0\n .short 8, \\reg, 0\n .long \\off\n .endm\n" \
	".macro rec at, n\n .quad 7\n .long \\at\n .short 0, \\n\n .endm\n"                        \
	".macro end n\n .balign 8\n .short 0, \\n\n .fill \\n, 4, 0\n .balign 8\n .endm\n"         \
	".macro point ndeopt\n loc 4, 0, 0\n loc 4, 0, 0\n loc 4, 0, \\ndeopt\n .endm\n"           \
	".section .llvm_stackmaps,\"a\",@progbits\n"                                               \
	" .byte 3, 0\n .short 0\n .long 1, 1, 5\n .quad f, 56, 5\n .quad 1 << 40\n"                \
	" rec 10, 3\n point 0\n end 0\n" /* 20: a deopt value, a pair, a null pair, a null base */ \
	" rec 20, 10\n point 1\n loc 3, 7, 48\n loc 3, 7, 16\n loc 3, 7, 8\n loc 4, 0, 0\n"        \
	" loc 4, 0, 0\n loc 5, 0, 0\n loc 3, 7, 40\n end 2\n" /* 30: rbp-16 = rsp+32, register */  \
	" rec 30, 8\n point 0\n loc 3, 6, -16\n loc 3, 6, -16\n loc 1, 3, 0\n loc 1, 3, 0\n"       \
	" loc 2, 7, 24\n end 1\n"	     /* an alloca */                                       \
	" rec 40, 1\n loc 3, 7, 8\n end 0\n" /* an argument in the caller's frame */               \
	" rec 50, 5\n point 0\n loc 3, 7, 64\n loc 3, 7, 64\n end 0\n"                             \
	" .byte 3, 0\n .short 0\n .long 1, 0, 2\n .quad g, -1, 2\n"                                \
	" rec 12, 5\n point 0\n loc 3, 7, 8\n loc 3, 7, 8\n end 0\n"                               \
	" rec 24, 5\n point 0\n loc 3, 6, -24\n loc 3, 6, -24\n end 0\n"

/* An object file; free it. NULL: LLVM refuses the text. */
static inline uint8_t *sample_assemble(const char *text, size_t *size)
{
	LLVMTargetRef target;
	LLVMMemoryBufferRef object;
	char *message = NULL;
	uint8_t *out = NULL;

	*size = 0;
	LLVMInitializeX86TargetInfo();
	LLVMInitializeX86Target();
	LLVMInitializeX86TargetMC();
	LLVMInitializeX86AsmParser();
	LLVMInitializeX86AsmPrinter();
	if (LLVMGetTargetFromTriple("x86_64-linux-gnu", &target, &message))
		return NULL;
	LLVMContextRef context = LLVMContextCreate();
	LLVMModuleRef module = LLVMModuleCreateWithNameInContext("sample", context);
	LLVMTargetMachineRef machine =
	    LLVMCreateTargetMachine(target, "x86_64-linux-gnu", "", "", LLVMCodeGenLevelNone,
				    LLVMRelocPIC, LLVMCodeModelDefault);
	LLVMSetTarget(module, "x86_64-linux-gnu");
	LLVMSetModuleInlineAsm2(module, text, strlen(text));
	if (LLVMTargetMachineEmitToMemoryBuffer(machine, module, LLVMObjectFile, &message,
						&object)) {
		fprintf(stderr, "%s\n", message);
		LLVMDisposeMessage(message);
	} else {
		*size = LLVMGetBufferSize(object);
		out = malloc(*size);
		if (out)
			memcpy(out, LLVMGetBufferStart(object), *size);
		LLVMDisposeMemoryBuffer(object);
	}
	LLVMDisposeTargetMachine(machine);
	LLVMDisposeModule(module);
	LLVMContextDispose(context);
	return out;
}

static inline uint8_t *sample_load(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes = NULL;

	*size = 0;
	if (!f)
		return NULL;
	if (!fseek(f, 0, SEEK_END)) {
		*size = (size_t)ftell(f);
		rewind(f);
		bytes = malloc(*size + 1);
	}
	if (bytes && fread(bytes, 1, *size, f) != *size) {
		free(bytes);
		bytes = NULL;
	}
	fclose(f);
	return bytes;
}

/* NULL, or what is wrong with a corpus that was imported without an error. */
static inline const char *sample_check(const struct corpus *c)
{
	uint32_t end = 0, point = 0;

	if (c->slot_bytes != 4 && c->slot_bytes != 8)
		return "slot_bytes";
	for (uint32_t i = 0; i < c->nsafepoints; i++) {
		const struct safepoint *s = &c->safepoints[i];
		if (s->pc > c->text_bytes || (i && s[-1].pc >= s->pc))
			return "order or range of pcs";
		for (uint32_t k = 0; k < s->nlive; k++) {
			if (k && s->live[k - 1] >= s->live[k])
				return "order of places";
			if (s->live[k] < MAP_REGISTER && s->live[k] >= s->frame_size / 4)
				return "a slot outside its frame";
		}
	}
	for (uint32_t i = 0; i < c->nfunctions; i++) {
		const struct map_function *f = &c->functions[i];
		if (f->start < end || f->start > f->end || f->end > c->text_bytes)
			return "order or range of functions";
		end = f->end;
		while (point < c->nsafepoints && c->safepoints[point].pc <= f->start)
			point++;
		if (point == c->nsafepoints || c->safepoints[point].pc > end)
			return "a function without a safepoint";
	}
	return NULL;
}

#endif
