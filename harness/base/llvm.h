/*
 * llvm.h - LLVM, loaded when it is first needed. A process that only runs kept code needs none of
 * it, and of the 24 ms that a process with LLVM takes to start, 20 are LLVM's.
 *
 * A source that calls LLVM includes this header, which makes those functions weak: the program
 * links without LLVM, and the loader finds each at its first call. One that is not listed here is
 * an error of the link. LD_BIND_NOW, which looks for all at the start, is refused.
 */
#ifndef STUBMAP_BASE_LLVM_H
#define STUBMAP_BASE_LLVM_H

#include <stdbool.h>
#include <stddef.h>

/* To be called before any function of LLVM's. False: the reason is in why. From any thread. */
enum { LLVM_WHY = 200 };
bool llvm_load(char why[LLVM_WHY]);
/* The head of the library's file, which names its build; how many bytes, 0: it can't be read. */
enum { LLVM_HEAD = 4096 };
size_t llvm_head(unsigned char head[LLVM_HEAD]);

#pragma weak LLVMAddAttributeAtIndex
#pragma weak LLVMConstIntGetZExtValue
#pragma weak LLVMContextCreate
#pragma weak LLVMContextDispose
#pragma weak LLVMContextSetDiagnosticHandler
#pragma weak LLVMCountIncoming
#pragma weak LLVMCountParams
#pragma weak LLVMCountStructElementTypes
#pragma weak LLVMCreateDisasm
#pragma weak LLVMCreateMemoryBufferWithMemoryRangeCopy
#pragma weak LLVMCreatePassBuilderOptions
#pragma weak LLVMCreateStringAttribute
#pragma weak LLVMCreateTargetDataLayout
#pragma weak LLVMCreateTargetMachine
#pragma weak LLVMDisasmDispose
#pragma weak LLVMDisasmInstruction
#pragma weak LLVMDisposeErrorMessage
#pragma weak LLVMDisposeMemoryBuffer
#pragma weak LLVMDisposeMessage
#pragma weak LLVMDisposeModule
#pragma weak LLVMDisposePassBuilderOptions
#pragma weak LLVMDisposeTargetData
#pragma weak LLVMDisposeTargetMachine
#pragma weak LLVMGetAllocatedType
#pragma weak LLVMGetBufferSize
#pragma weak LLVMGetBufferStart
#pragma weak LLVMGetCalledValue
#pragma weak LLVMGetConstOpcode
#pragma weak LLVMGetDiagInfoDescription
#pragma weak LLVMGetDiagInfoSeverity
#pragma weak LLVMGetElementType
#pragma weak LLVMGetEnumAttributeAtIndex
#pragma weak LLVMGetEnumAttributeKindForName
#pragma weak LLVMGetErrorMessage
#pragma weak LLVMGetFirstBasicBlock
#pragma weak LLVMGetFirstFunction
#pragma weak LLVMGetFirstGlobal
#pragma weak LLVMGetFirstInstruction
#pragma weak LLVMGetIncomingValue
#pragma weak LLVMGetInstructionOpcode
#pragma weak LLVMGetNextBasicBlock
#pragma weak LLVMGetNextFunction
#pragma weak LLVMGetNextGlobal
#pragma weak LLVMGetNextInstruction
#pragma weak LLVMGetNumArgOperands
#pragma weak LLVMGetNumOperands
#pragma weak LLVMGetOperand
#pragma weak LLVMGetPointerAddressSpace
#pragma weak LLVMGetTargetFromTriple
#pragma weak LLVMGetTypeAttributeValue
#pragma weak LLVMGetTypeKind
#pragma weak LLVMGetValueName2
#pragma weak LLVMGetVersion
#pragma weak LLVMGlobalGetValueType
#pragma weak LLVMInitializeX86AsmParser
#pragma weak LLVMInitializeX86AsmPrinter
#pragma weak LLVMInitializeX86Disassembler
#pragma weak LLVMInitializeX86Target
#pragma weak LLVMInitializeX86TargetInfo
#pragma weak LLVMInitializeX86TargetMC
#pragma weak LLVMIsACastInst
#pragma weak LLVMIsAConstantExpr
#pragma weak LLVMIsAConstantInt
#pragma weak LLVMIsAFunction
#pragma weak LLVMIsAGetElementPtrInst
#pragma weak LLVMIsAGlobalVariable
#pragma weak LLVMIsAInsertValueInst
#pragma weak LLVMIsAPHINode
#pragma weak LLVMIsASelectInst
#pragma weak LLVMIsConstant
#pragma weak LLVMIsDeclaration
#pragma weak LLVMParseIRInContext
#pragma weak LLVMRunPasses
#pragma weak LLVMSetDisasmOptions
#pragma weak LLVMSetGC
#pragma weak LLVMSetModuleDataLayout
#pragma weak LLVMSetTarget
#pragma weak LLVMStructGetTypeAtIndex
#pragma weak LLVMTargetMachineEmitToMemoryBuffer
#pragma weak LLVMTypeOf
#pragma weak LLVMVerifyModule

#endif
