/*
 * compile.c - LLVM IR to a relocatable object in memory, and a cache of such objects.
 *
 * Two tiers of one module, as engines have: tier 0 is the baseline (no optimisation beyond
 * promoting locals, fast instruction selection), tier 2 is -O2. The processor is plain x86-64
 * whatever the host is: so an object means the same on every machine and can be cached. Frame
 * pointers are kept everywhere, because stack walks follow them.
 *
 * A cached object is a file named by everything that decides its bytes: source, passes, level,
 * LLVM's build. It is written beside its name and renamed, so a reader sees all or nothing; a
 * file that is damaged all the same fails its checksum, and the module is compiled again. A cache
 * that can't be written is no error; it only costs time.
 */
#include "base/clock.h"
#include "base/llvm_c.h"
#include "base/watch.h"
#include "jit/jit.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TRIPLE "x86_64-unknown-linux-gnu"
#define CPU    "x86-64"

/* ---- The cache -------------------------------------------------------------------------- */

/* Raise it also when lint.c refuses more: a cached object counts as checked. */
enum { CACHE_FORMAT = 3, CACHE_PATH = 4096 };

struct digest {
	uint64_t a, b;
};

/* The head of a cache file, before the object. */
struct cache_head {
	char magic[8];
	uint64_t size;
	struct digest digest; /* of the object */
};

static const char cache_magic[8] = "stubmapO";

/* A hash against chance, not against an adversary, and quick on megabytes. The length goes in
 * first, so that the zeros that fill up the last word can't be taken for data. */
static struct digest digest_add(struct digest d, const void *data, size_t size)
{
	const uint8_t *p = data;
	uint64_t word = size;

	for (;;) {
		d.a = (d.a ^ word) * 0x9e3779b97f4a7c15u;
		d.a ^= d.a >> 29;
		d.b = (d.b + (word << 27 | word >> 37)) * 0xc2b2ae3d27d4eb4fu;
		d.b ^= d.b >> 32;
		if (size == 0)
			return d;
		size_t step = size < 8 ? size : 8;
		word = 0;
		memcpy(&word, p, step);
		p += step;
		size -= step;
	}
}

static struct digest digest_of(const void *data, size_t size)
{
	return digest_add((struct digest){ 1, 2 }, data, size);
}

static void make_folder(const char *path)
{
	char part[CACHE_PATH];

	for (size_t i = 1; path[i - 1] && i < sizeof(part); i++) {
		if (path[i] != '/' && path[i])
			continue;
		memcpy(part, path, i);
		part[i] = 0;
		mkdir(part, 0777); /* if this fails, the write below fails, too */
	}
}

bool jit_cache_usable(const char *folder)
{
	make_folder(folder);
	return !access(folder, R_OK | W_OK | X_OK);
}

/* The path of the object's file, or "" without a cache. */
static void cache_path(const char *folder, struct digest key, char path[CACHE_PATH])
{
	int n = 0;

	if (folder && folder[0])
		n = snprintf(path, CACHE_PATH, "%s/%016llx%016llx.o", folder,
			     (unsigned long long)key.a, (unsigned long long)key.b);
	if (n <= 0 || n >= CACHE_PATH - 16)
		path[0] = 0;
}

/* 0, or -errno: the file is missing or damaged. */
static int cache_read(const char *path, struct jit_object *out)
{
	struct cache_head head;
	struct digest digest;
	struct stat st;
	uint8_t *data = NULL;
	FILE *f = fopen(path, "rb");
	int err = -EIO;

	if (!f)
		return -errno;
	if (fstat(fileno(f), &st) != 0 || fread(&head, sizeof(head), 1, f) != 1 ||
	    memcmp(head.magic, cache_magic, sizeof(head.magic)) != 0 ||
	    (uint64_t)st.st_size < sizeof(head) || head.size == 0 ||
	    head.size != (uint64_t)st.st_size - sizeof(head))
		goto out;
	data = malloc(head.size);
	if (!data || fread(data, head.size, 1, f) != 1)
		goto out;
	digest = digest_of(data, head.size);
	if (digest.a != head.digest.a || digest.b != head.digest.b)
		goto out;
	out->data = data;
	out->size = head.size;
	out->cached = true;
	data = NULL;
	err = 0;
out:
	free(data);
	fclose(f);
	return err;
}

static void cache_write(const char *folder, const char *path, const struct jit_object *object)
{
	char temp[CACHE_PATH];
	struct cache_head head = { .size = object->size };
	FILE *f;
	bool good;

	make_folder(folder);
	snprintf(temp, sizeof(temp), "%.*s.%ld", CACHE_PATH - 16, path, (long)getpid());
	f = fopen(temp, "wb");
	if (!f)
		return;
	memcpy(head.magic, cache_magic, sizeof(head.magic));
	head.digest = digest_of(object->data, object->size);
	good =
	    fwrite(&head, sizeof(head), 1, f) == 1 && fwrite(object->data, object->size, 1, f) == 1;
	good = fclose(f) == 0 && good;
	if (!good || rename(temp, path) != 0)
		unlink(temp);
}

/* ---- The compiler ----------------------------------------------------------------------- */

struct compiler {
	const struct jit_options *options;
	LLVMContextRef context;
	LLVMModuleRef module;
	LLVMTargetMachineRef machine;
	char *error; /* JIT_ERROR bytes */
};

/* Keeps the first complaint, and of that the first line. */
static void complain(char *error, const char *name, const char *text)
{
	if (error[0])
		return;
	snprintf(error, JIT_ERROR, "%s: %.*s", name, (int)strcspn(text, "\n"), text);
}

static void on_diagnostic(LLVMDiagnosticInfoRef info, void *arg)
{
	struct compiler *c = arg;
	char *text;

	if (LLVMGetDiagInfoSeverity(info) != LLVMDSError)
		return;
	text = LLVMGetDiagInfoDescription(info);
	complain(c->error, "LLVM", text);
	LLVMDisposeMessage(text);
}

/*
 * Polls go in before anything is inlined: an allocator that was inlined has its own safepoint, and
 * a poll in its middle would see half an object. Statepoints come last: they pin every live
 * reference. Tier 0 still promotes locals, since a reference in memory is in no map.
 */
static void passes_of(const struct jit_options *o, char passes[160])
{
	snprintf(passes, 160, "%s%s%s",
		 o->statepoints && o->polls ? "function(place-safepoints)," : "",
		 o->tier ? "default<O2>" : "always-inline,function(sroa)",
		 o->statepoints ? ",rewrite-statepoints-for-gc" : "");
}

static int compiler_parse(struct compiler *c, const char *name, const void *source, size_t size)
{
	LLVMMemoryBufferRef memory = LLVMCreateMemoryBufferWithMemoryRangeCopy(source, size, name);
	char *message = NULL;
	int err = 0;

	watch_phase("parsing LLVM IR");
	/* the parser owns the buffer from here on */
	if (LLVMParseIRInContext(c->context, memory, &c->module, &message)) {
		complain(c->error, name, message ? message : "not LLVM IR");
		err = -EINVAL;
	} else if (LLVMVerifyModule(c->module, LLVMReturnStatusAction, &message)) {
		complain(c->error, name, message);
		err = -EINVAL;
	}
	LLVMDisposeMessage(message);
	return err;
}

static void register_target(void)
{
	LLVMInitializeNativeTarget();
	LLVMInitializeNativeAsmPrinter();
	LLVMInitializeNativeAsmParser(); /* inline assembly in workloads */
}

static int compiler_aim(struct compiler *c)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	LLVMTargetRef target;
	LLVMTargetDataRef layout;
	char *message = NULL;

	pthread_once(&once, register_target);
	if (LLVMGetTargetFromTriple(TRIPLE, &target, &message)) {
		complain(c->error, TRIPLE, message);
		LLVMDisposeMessage(message);
		return -EINVAL;
	}
	c->machine = LLVMCreateTargetMachine(target, TRIPLE, CPU, "",
					     c->options->tier ? LLVMCodeGenLevelDefault
							      : LLVMCodeGenLevelNone,
					     LLVMRelocPIC, LLVMCodeModelSmall);
	if (!c->machine)
		return -ENOMEM;
	layout = LLVMCreateTargetDataLayout(c->machine);
	LLVMSetTarget(c->module, TRIPLE);
	LLVMSetModuleDataLayout(c->module, layout);
	LLVMDisposeTargetData(layout);
	return 0;
}

static void compiler_mark(struct compiler *c)
{
	/* A function that calls nothing is never on the stack during a walk. */
	LLVMAttributeRef frames =
	    LLVMCreateStringAttribute(c->context, "frame-pointer", 13, "non-leaf", 8);

	for (LLVMValueRef f = LLVMGetFirstFunction(c->module); f; f = LLVMGetNextFunction(f)) {
		if (LLVMIsDeclaration(f))
			continue;
		LLVMAddAttributeAtIndex(f, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, frames);
		if (c->options->statepoints)
			LLVMSetGC(f, "statepoint-example");
	}
}

static int compiler_optimise(struct compiler *c, const char *name)
{
	char passes[160];
	LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
	LLVMErrorRef err;

	passes_of(c->options, passes);
	watch_phase(c->options->tier ? "optimising, tier 2" : "compiling, tier 0");
	err = LLVMRunPasses(c->module, passes, c->machine, options);
	LLVMDisposePassBuilderOptions(options);
	if (err) {
		char *message = LLVMGetErrorMessage(err);

		complain(c->error, name, message);
		LLVMDisposeErrorMessage(message);
	}
	return c->error[0] ? -EINVAL : 0;
}

static int compiler_emit(struct compiler *c, const char *name, struct jit_object *out)
{
	LLVMMemoryBufferRef object = NULL;
	char *message = NULL;
	int err = 0;

	watch_phase(c->options->tier ? "machine code, tier 2" : "machine code, tier 0");
	if (LLVMTargetMachineEmitToMemoryBuffer(c->machine, c->module, LLVMObjectFile, &message,
						&object)) {
		complain(c->error, name, message ? message : "no code could be made");
		LLVMDisposeMessage(message);
		return -EINVAL;
	}
	if (c->error[0]) { /* only now is inline assembly checked */
		err = -EINVAL;
		goto out;
	}
	out->size = LLVMGetBufferSize(object);
	out->data = malloc(out->size);
	if (!out->data) {
		err = -ENOMEM;
		goto out;
	}
	memcpy(out->data, LLVMGetBufferStart(object), out->size);
out:
	LLVMDisposeMemoryBuffer(object);
	return err;
}

static int compile(const char *name, const void *source, size_t size,
		   const struct jit_options *options, struct jit_object *out, char *error)
{
	struct compiler c = { .options = options, .error = error };
	int err;

	c.context = LLVMContextCreate();
	if (!c.context)
		return -ENOMEM;
	LLVMContextSetDiagnosticHandler(c.context, on_diagnostic, &c);
	err = compiler_parse(&c, name, source, size);
	if (!err)
		err = compiler_aim(&c);
	if (!err) {
		compiler_mark(&c);
		err = compiler_optimise(&c, name);
	}
	if (!err)
		err = compiler_emit(&c, name, out);
	if (c.machine)
		LLVMDisposeTargetMachine(c.machine);
	if (c.module)
		LLVMDisposeModule(c.module);
	LLVMContextDispose(c.context);
	return err;
}

/* The file of an object, named by everything that decides its bytes; "": there is none. */
static void find_kept(const void *source, size_t size, const struct jit_options *options,
		      char path[CACHE_PATH])
{
	char passes[160], text[256];
	unsigned char head[LLVM_HEAD];
	const size_t known = llvm_head(head);
	int n;

	path[0] = '\0';
	if (!known)
		return;
	passes_of(options, passes);
	n = snprintf(text, sizeof(text), "%d " TRIPLE " " CPU " %s", CACHE_FORMAT, passes);
	const struct digest compiler = digest_add(digest_of(text, (size_t)n), head, known);
	cache_path(options->cache, digest_add(compiler, source, size), path);
}

bool jit_cached(const void *source, size_t size, const struct jit_options *options,
		struct jit_object *out)
{
	char path[CACHE_PATH];
	uint64_t start = clock_ns();

	memset(out, 0, sizeof(*out));
	find_kept(source, size, options, path);
	if (!path[0] || cache_read(path, out) != 0)
		return false;
	out->compile_ns = clock_ns() - start;
	return true;
}

int jit_compile(const char *name, const void *source, size_t size,
		const struct jit_options *options, struct jit_object *out, char error[JIT_ERROR])
{
	char path[CACHE_PATH], why[LLVM_WHY];
	uint64_t start;
	int err;

	memset(out, 0, sizeof(*out));
	error[0] = 0;
	if (options->tier != 0 && options->tier != 2) {
		snprintf(error, JIT_ERROR, "%s: no tier %u; tiers are 0 and 2", name,
			 options->tier);
		return -EINVAL;
	}
	if (jit_cached(source, size, options, out))
		return 0;
	if (!llvm_load(why)) { /* before the clock starts: it is not the compiler's time */
		complain(error, name, why);
		return -EINVAL;
	}
	start = clock_ns();
	err = compile(name, source, size, options, out, error);
	if (err) {
		complain(error, name, strerror(-err));
		return err;
	}
	out->compile_ns = clock_ns() - start;
	find_kept(source, size, options, path);
	if (path[0])
		cache_write(options->cache, path, out);
	return 0;
}

void jit_object_free(struct jit_object *object)
{
	free(object->data);
	memset(object, 0, sizeof(*object));
}
