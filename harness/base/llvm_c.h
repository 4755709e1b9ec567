/*
 * llvm_c.h - the functions of LLVM's C interface that are called here, weak: the program links
 * without LLVM, and the loader finds each at its first call, which must come after llvm_load. A
 * call of a function that is not listed is an error of the link.
 */
#ifndef STUBMAP_BASE_LLVM_C_H
#define STUBMAP_BASE_LLVM_C_H

#include "base/llvm.h"

/* All of them: clang warns of a weak name that nothing declares. */
#include <llvm-c/Analysis.h>
#include <llvm-c/Core.h>
#include <llvm-c/Disassembler.h>
#include <llvm-c/Error.h>
#include <llvm-c/IRReader.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>

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
