/*
 * events.c - the memory of small modules, each with one function, that LLVM's ORC JIT compiles and
 * links one at a time: the events of a JIT that meets its functions one by one.
 *
 *      events N...          ascending numbers of live events
 *
 * A row of a TSV for each N: events, and the growth since the first event: the kernel's
 * mappings, the executable ones among them, KiB of PSS that no file backs, the part of it in
 * executable mappings. (The rest holds unwind tables, and LLVM's own records of each function.)
 * LLJIT is as it comes: on x86-64 Linux JITLink with its InProcessMemoryManager. Each function
 * is called, and its answer checked.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <llvm-c/Core.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Target.h>

struct taken {
	long mappings, executable, pss, code_pss;
};

static int fail(const char *what)
{
	fprintf(stderr, "events: %s\n", what);
	return 2;
}

static int check(LLVMErrorRef error)
{
	if (!error)
		return 0;
	char *text = LLVMGetErrorMessage(error);
	int r = fail(text);
	LLVMDisposeErrorMessage(text);
	return r;
}

static int read_taken(struct taken *t)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	char line[600];
	unsigned long inode = 0;
	int code = 0;

	if (!f)
		return fail("/proc/self/smaps can't be read");
	*t = (struct taken){ 0 };
	while (fgets(line, sizeof line, f)) {
		char protection[5];
		long pss;
		if (sscanf(line, "%*x-%*x %4s %*x %*s %lu", protection, &inode) == 2) {
			code = protection[2] == 'x' && !inode && !strchr(line, '[');
			t->mappings++;
			t->executable += code;
		} else if (sscanf(line, "Pss: %ld", &pss) == 1) {
			t->pss += inode ? 0 : pss;
			t->code_pss += code ? pss : 0;
		}
	}
	fclose(f);
	return 0;
}

/* int64_t fNUMBER(int64_t x) { return x * NUMBER + 1; } */
static LLVMOrcThreadSafeModuleRef module_of(int number)
{
	LLVMOrcThreadSafeContextRef safe = LLVMOrcCreateNewThreadSafeContext();
	LLVMContextRef context = LLVMOrcThreadSafeContextGetContext(safe);
	LLVMModuleRef module = LLVMModuleCreateWithNameInContext("event", context);
	LLVMTypeRef i64 = LLVMInt64TypeInContext(context);
	LLVMBuilderRef b = LLVMCreateBuilderInContext(context);
	char name[32];

	snprintf(name, sizeof name, "f%d", number);
	LLVMValueRef f = LLVMAddFunction(module, name, LLVMFunctionType(i64, &i64, 1, 0));
	LLVMPositionBuilderAtEnd(b, LLVMAppendBasicBlockInContext(context, f, ""));
	LLVMValueRef product =
	    LLVMBuildMul(b, LLVMGetParam(f, 0), LLVMConstInt(i64, (unsigned)number, 0), "");
	LLVMBuildRet(b, LLVMBuildAdd(b, product, LLVMConstInt(i64, 1, 0), ""));
	LLVMDisposeBuilder(b);
	LLVMOrcThreadSafeModuleRef out = LLVMOrcCreateNewThreadSafeModule(module, safe);
	LLVMOrcDisposeThreadSafeContext(safe);
	return out;
}

static int event(LLVMOrcLLJITRef jit, int number)
{
	LLVMOrcJITTargetAddress at = 0;
	char name[32];

	snprintf(name, sizeof name, "f%d", number);
	if (check(LLVMOrcLLJITAddLLVMIRModule(jit, LLVMOrcLLJITGetMainJITDylib(jit),
					      module_of(number))) ||
	    check(LLVMOrcLLJITLookup(jit, &at, name)))
		return 2;
	int64_t (*f)(int64_t) = (int64_t (*)(int64_t))(uintptr_t)at;
	return f(5) == 5 * (int64_t)number + 1 ? 0 : fail("a function gives a wrong answer");
}

int main(int argc, char **argv)
{
	LLVMOrcLLJITRef jit = NULL;
	struct taken before, now;
	int made = 0;

	LLVMInitializeNativeTarget();
	LLVMInitializeNativeAsmPrinter();
	if (check(LLVMOrcCreateLLJIT(&jit, NULL)) || event(jit, made++) || read_taken(&before))
		return 2;
	printf("events\tmappings\texecutable\tpss_kib\tcode_pss_kib\n");
	for (int i = 1; i < argc; i++) {
		int n = atoi(argv[i]);
		if (n < made || n > 1000000)
			return fail("the numbers of events are to ascend, up to 1000000");
		for (; made <= n; made++)
			if (event(jit, made))
				return 2;
		if (read_taken(&now))
			return 2;
		printf("%d\t%ld\t%ld\t%ld\t%ld\n", n, now.mappings - before.mappings,
		       now.executable - before.executable, now.pss - before.pss,
		       now.code_pss - before.code_pss);
		fflush(stdout);
	}
	return check(LLVMOrcDisposeLLJIT(jit));
}
