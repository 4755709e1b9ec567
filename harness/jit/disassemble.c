/* disassemble.c - a disassembler's only state is a context of LLVM's. */
#include "jit/disassemble.h"

#include "base/llvm_c.h"

#include <errno.h>
#include <string.h>

struct disassembler *disassemble_open(void)
{
	LLVMDisasmContextRef context;
	char why[LLVM_WHY];

	if (!llvm_load(why)) {
		errno = ELIBACC;
		return NULL;
	}
	LLVMInitializeX86TargetInfo();
	LLVMInitializeX86TargetMC();
	LLVMInitializeX86Disassembler();
	context = LLVMCreateDisasm("x86_64-linux-gnu", NULL, 0, NULL, NULL);
	/* In this order: another variant makes a new printer, which begins without options. */
	if (context) {
		LLVMSetDisasmOptions(context, LLVMDisassembler_Option_AsmPrinterVariant);
		LLVMSetDisasmOptions(context, LLVMDisassembler_Option_PrintImmHex);
	}
	errno = ENOMEM;
	return context;
}

void disassemble_close(struct disassembler *d)
{
	if (d)
		LLVMDisasmDispose(d);
}

size_t disassemble(struct disassembler *d, const uint8_t *code, size_t room, uint64_t pc,
		   char text[DISASSEMBLE_TEXT])
{
	char line[DISASSEMBLE_TEXT] = "";
	size_t n =
	    LLVMDisasmInstruction(d, (uint8_t *)(uintptr_t)code, room, pc, line, sizeof line);

	if (text)
		strcpy(text, line + strspn(line, "\t "));
	return n;
}
