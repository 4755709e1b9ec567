/*
 * llvm.h - LLVM, loaded when it is first needed. A process that only runs cached code
 * does not need LLVM, which takes 20 of the 24 ms in which a process with it starts.
 * llvm_c.h declares its functions.
 *
 * LD_BIND_NOW, which looks for all functions at the start, is refused.
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

#endif
