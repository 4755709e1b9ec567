/*
 * lint.c - finds source patterns that LLVM's statepoints silently get wrong.
 *
 * rewrite-statepoints-for-gc sees references that are values of type ptr addrspace(1). A reference
 * in stack memory or in a global, or one that travels as an integer, is in no map; and a reference
 * from a parameter, a result or a load is taken for the start of an object. So the module is
 * checked in the form that the pass will see at tier 0 (always_inline functions inlined, locals
 * promoted), and these are refused:
 *
 *   memory   an alloca, global, byval or sret with references in it;
 *            a reference that is stored to plain memory or loaded from it
 *   integer  ptrtoint, inttoptr, addrspacecast between references and anything else
 *   inside   a pointer into an object that is passed, returned or stored
 *
 * Correct and so allowed: pointers into objects within one function, two references returned in
 * registers, objects copied to objects, comparisons.
 */
#include "gc/lint.h"
#include "base/llvm_c.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MAX_CHAIN = 64 }; /* phis and selects looked through for one pointer */

struct lint {
	LLVMValueRef function; /* NULL: a global is being checked */
	unsigned byval, sret;  /* attribute kinds */
	char *error;	       /* LINT_ERROR bytes; "" until the first finding */
	const char *module;
};

/* ---- What is said ---------------------------------------------------------------------------- */

/* Keeps the first finding. Returns true, for `return found(...)`. */
static bool found(struct lint *l, LLVMValueRef where, const char *what)
{
	size_t len;

	if (!l->error[0])
		snprintf(l->error, LINT_ERROR, "%.40s: %.60s: %s", l->module,
			 LLVMGetValueName2(l->function ? l->function : where, &len), what);
	return true;
}

#define INTEGER                                                                            \
	"a reference as an integer (a tag, a hash, a number kept across a call): compare " \
	"references, keep tags and numbers in fields"
#define LOCAL                                                                                  \
	"the address of a local reference is taken: pass and return the reference itself, or " \
	"keep it in an object"
#define ARRAY	 "an array of references on the stack: allocate it as an object"
#define BY_VALUE "a struct of three or more references by value: pass a reference to an object"
#define PLAIN	 "a reference in plain memory: keep references in locals, parameters and objects"
#define GLOBAL	 "a reference in a global: pass it as a parameter"
#define GLOBALS	 "a global array of references: allocate it as an object, pass it as a parameter"
#define INSIDE(done, instead)                            \
	"a pointer into an object is " done ": " instead \
	" the object's reference, and an index or a number beside it"
#define PASSED	 INSIDE("passed", "pass")
#define RETURNED INSIDE("returned", "return")
#define STORED	 INSIDE("stored", "store")

/* ---- Types and values ------------------------------------------------------------------------ */

static bool is_reference(LLVMTypeRef t)
{
	return LLVMGetTypeKind(t) == LLVMPointerTypeKind && LLVMGetPointerAddressSpace(t) == 1;
}

/* Whether values of this type are, or contain, references. */
static bool has_references(LLVMTypeRef t)
{
	switch (LLVMGetTypeKind(t)) {
	case LLVMArrayTypeKind:
	case LLVMVectorTypeKind:
		return has_references(LLVMGetElementType(t));
	case LLVMStructTypeKind:
		for (unsigned i = 0; i < LLVMCountStructElementTypes(t); i++)
			if (has_references(LLVMStructGetTypeAtIndex(t, i)))
				return true;
		return false;
	default:
		return is_reference(t);
	}
}

static bool is_zero(LLVMValueRef v)
{
	return LLVMIsAConstantInt(v) && LLVMConstIntGetZExtValue(v) == 0;
}

/* Whether a reference may point into an object: a getelementptr with an index that may not be 0,
 * perhaps behind phis and selects. */
static bool is_inside(LLVMValueRef v)
{
	LLVMValueRef todo[MAX_CHAIN], seen[MAX_CHAIN];
	unsigned ntodo = 1, nseen = 0;

	todo[0] = v;
	while (ntodo) {
		LLVMValueRef at = todo[--ntodo];
		bool known = false;

		for (unsigned i = 0; i < nseen; i++)
			known |= seen[i] == at;
		if (known || nseen == MAX_CHAIN)
			continue;
		seen[nseen++] = at;
		if (LLVMIsAGetElementPtrInst(at)) {
			for (int i = 1; i < LLVMGetNumOperands(at); i++)
				if (!is_zero(LLVMGetOperand(at, (unsigned)i)))
					return true;
			todo[ntodo++] = LLVMGetOperand(at, 0);
		} else if (LLVMIsAPHINode(at)) {
			for (unsigned i = 0; i < LLVMCountIncoming(at) && ntodo < MAX_CHAIN - 1;
			     i++)
				todo[ntodo++] = LLVMGetIncomingValue(at, i);
		} else if (LLVMIsASelectInst(at) && ntodo < MAX_CHAIN - 2) {
			todo[ntodo++] = LLVMGetOperand(at, 1);
			todo[ntodo++] = LLVMGetOperand(at, 2);
		}
	}
	return false;
}

/* ---- One instruction ------------------------------------------------------------------------- */

static bool casts_reference(LLVMOpcode op, LLVMTypeRef from, LLVMTypeRef to)
{
	return (op == LLVMPtrToInt || op == LLVMIntToPtr || op == LLVMAddrSpaceCast ||
		op == LLVMBitCast) &&
	       has_references(from) != has_references(to);
}

/* Constant expressions are operands, not instructions. */
static bool check_operands(struct lint *l, LLVMValueRef i)
{
	for (int k = 0; k < LLVMGetNumOperands(i); k++) {
		LLVMValueRef v = LLVMGetOperand(i, (unsigned)k);

		if (LLVMIsAConstantExpr(v) && LLVMGetNumOperands(v) > 0 &&
		    casts_reference(LLVMGetConstOpcode(v), LLVMTypeOf(LLVMGetOperand(v, 0)),
				    LLVMTypeOf(v)))
			return found(l, i, INTEGER);
	}
	return false;
}

static bool check_call(struct lint *l, LLVMValueRef call)
{
	LLVMValueRef callee = LLVMGetCalledValue(call);
	size_t len = 0;

	/* Intrinsics (memory copies, lifetimes) are no safepoints. */
	if (LLVMIsAFunction(callee) && !strncmp(LLVMGetValueName2(callee, &len), "llvm.", 5))
		return false;
	for (unsigned i = 0; i < LLVMGetNumArgOperands(call); i++) {
		LLVMValueRef v = LLVMGetOperand(call, i);

		if (is_reference(LLVMTypeOf(v)) && is_inside(v))
			return found(l, call, PASSED);
	}
	return false;
}

static bool check_store(struct lint *l, LLVMValueRef i)
{
	LLVMValueRef value = LLVMGetOperand(i, 0), to = LLVMGetOperand(i, 1);

	if (!has_references(LLVMTypeOf(value)))
		return false;
	if (!is_reference(LLVMTypeOf(to)))
		return found(l, i, LLVMIsAGlobalVariable(to) ? GLOBAL : PLAIN);
	return is_inside(value) && found(l, i, STORED);
}

/* Clang returns two references as one aggregate, so its parts are checked. */
static bool check_return(struct lint *l, LLVMValueRef i)
{
	LLVMValueRef v = LLVMGetNumOperands(i) ? LLVMGetOperand(i, 0) : NULL;

	while (v && LLVMIsAInsertValueInst(v)) {
		if (is_inside(LLVMGetOperand(v, 1)))
			return found(l, i, RETURNED);
		v = LLVMGetOperand(v, 0);
	}
	return v && is_reference(LLVMTypeOf(v)) && is_inside(v) && found(l, i, RETURNED);
}

static bool check_alloca(struct lint *l, LLVMValueRef i)
{
	LLVMTypeRef t = LLVMGetAllocatedType(i);

	if (!has_references(t))
		return false;
	if (LLVMGetTypeKind(t) == LLVMArrayTypeKind || !LLVMIsConstant(LLVMGetOperand(i, 0)))
		return found(l, i, ARRAY);
	return found(l, i, LOCAL);
}

static bool check_instruction(struct lint *l, LLVMValueRef i)
{
	LLVMOpcode op = LLVMGetInstructionOpcode(i);

	if (LLVMIsACastInst(i) &&
	    casts_reference(op, LLVMTypeOf(LLVMGetOperand(i, 0)), LLVMTypeOf(i)))
		return found(l, i, INTEGER);
	if (check_operands(l, i))
		return true;
	switch (op) {
	case LLVMAlloca:
		return check_alloca(l, i);
	case LLVMStore:
		return check_store(l, i);
	case LLVMLoad:
		return has_references(LLVMTypeOf(i)) &&
		       !is_reference(LLVMTypeOf(LLVMGetOperand(i, 0))) && found(l, i, PLAIN);
	case LLVMRet:
		return check_return(l, i);
	case LLVMCall:
		return check_call(l, i);
	default:
		return false;
	}
}

/* ---- Functions, globals ---------------------------------------------------------------------- */

/* Structs that do not fit in two registers are passed and returned in stack memory. */
static bool check_signature(struct lint *l, LLVMValueRef f)
{
	const unsigned kinds[] = { l->byval, l->sret };

	for (unsigned i = 1; i <= LLVMCountParams(f); i++)
		for (unsigned k = 0; k < 2; k++) {
			LLVMAttributeRef a = LLVMGetEnumAttributeAtIndex(f, i, kinds[k]);

			if (a && has_references(LLVMGetTypeAttributeValue(a)))
				return found(l, f, BY_VALUE);
		}
	return false;
}

static bool check_function(struct lint *l, LLVMValueRef f)
{
	if (check_signature(l, f))
		return true;
	for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b; b = LLVMGetNextBasicBlock(b))
		for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i))
			if (check_instruction(l, i))
				return true;
	return false;
}

static bool check_global(struct lint *l, LLVMValueRef g)
{
	LLVMTypeRef t = LLVMGlobalGetValueType(g);

	if (!has_references(t))
		return false;
	return found(l, g, LLVMGetTypeKind(t) == LLVMArrayTypeKind ? GLOBALS : GLOBAL);
}

static bool check_module(struct lint *l, LLVMModuleRef m)
{
	/* Check signatures first: a bad one shows again as an alloca in each caller. */
	for (LLVMValueRef f = LLVMGetFirstFunction(m); f; f = LLVMGetNextFunction(f)) {
		l->function = f;
		if (check_signature(l, f))
			return true;
	}
	l->function = NULL;
	for (LLVMValueRef g = LLVMGetFirstGlobal(m); g; g = LLVMGetNextGlobal(g))
		if (check_global(l, g))
			return true;
	for (LLVMValueRef f = LLVMGetFirstFunction(m); f; f = LLVMGetNextFunction(f)) {
		l->function = f;
		if (check_function(l, f))
			return true;
	}
	return false;
}

/* ---- The module ------------------------------------------------------------------------------ */

static int parse(LLVMContextRef context, const char *name, const void *source, size_t size,
		 LLVMModuleRef *module, char *error)
{
	LLVMMemoryBufferRef memory = LLVMCreateMemoryBufferWithMemoryRangeCopy(source, size, name);
	char *message = NULL;

	/* the parser owns the buffer from here on */
	if (!LLVMParseIRInContext(context, memory, module, &message))
		return 0;
	snprintf(error, LINT_ERROR, "%s: %.*s", name, (int)strcspn(message, "\n"), message);
	LLVMDisposeMessage(message);
	return -EINVAL;
}

/* Does what tier 0 does before statepoints are made (jit/compile.c). */
static int promote(LLVMModuleRef module, const char *name, char *error)
{
	LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
	LLVMErrorRef err = LLVMRunPasses(module, "always-inline,function(sroa)", NULL, options);

	LLVMDisposePassBuilderOptions(options);
	if (err) {
		char *message = LLVMGetErrorMessage(err);

		snprintf(error, LINT_ERROR, "%s: %.*s", name, (int)strcspn(message, "\n"), message);
		LLVMDisposeErrorMessage(message);
	}
	return err ? -EINVAL : 0;
}

int lint_module(const char *name, const void *source, size_t size, char error[LINT_ERROR])
{
	char why[LLVM_WHY];

	error[0] = 0;
	if (!llvm_load(why)) {
		snprintf(error, LINT_ERROR, "%s: %s", name, why);
		return -EINVAL;
	}
	struct lint l = {
		.byval = LLVMGetEnumAttributeKindForName("byval", 5),
		.sret = LLVMGetEnumAttributeKindForName("sret", 4),
		.error = error,
		.module = name,
	};
	LLVMContextRef context = LLVMContextCreate();
	LLVMModuleRef module = NULL;
	int err;

	if (!context)
		return -ENOMEM;
	err = parse(context, name, source, size, &module, error);
	if (!err)
		err = promote(module, name, error);
	if (!err && check_module(&l, module))
		err = -EINVAL;
	if (module)
		LLVMDisposeModule(module);
	LLVMContextDispose(context);
	return err;
}
