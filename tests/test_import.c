/*
 * test_import.c - importers against files whose content is known: samples in assembly, a module
 * that Wasmtime compiled.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <llvm-c/Error.h>
#include <llvm-c/IRReader.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <unistd.h>

#include "corpora/image.h"
#include "import_samples.h"

struct expected {
	uint32_t pc, frame_size, nlive, live[4];
};

static void import_bytes(uint8_t *bytes, size_t size, struct corpus *c)
{
	char error[CORPUS_ERROR];

	assert_non_null(bytes);
	if (corpus_import_bytes("sample", bytes, size, c, error))
		fail_msg("%s", error);
	free(bytes);
	const char *wrong = sample_check(c);
	if (wrong)
		fail_msg("%s", wrong);
}

static void import_assembly(const char *text, struct corpus *c)
{
	size_t size;
	uint8_t *bytes = sample_assemble(text, &size);

	import_bytes(bytes, size, c);
}

static void expect_safepoints(const struct corpus *c, const struct expected *e, uint32_t n)
{
	assert_int_equal(c->nsafepoints, n);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(c->safepoints[i].pc, e[i].pc);
		assert_int_equal(c->safepoints[i].frame_size, e[i].frame_size);
		assert_int_equal(c->safepoints[i].nlive, e[i].nlive);
		assert_memory_equal(c->safepoints[i].live, e[i].live, 4 * e[i].nlive);
	}
}

static void expect_functions(const struct corpus *c, const struct map_function *f, uint32_t n)
{
	assert_int_equal(c->nfunctions, n);
	assert_memory_equal(c->functions, f, n * sizeof *f);
}

/* ---- Formats -------------------------------------------------------------------------------- */

static const struct expected ocaml[] = {
	{ 24, 48, 3, { 2, 6, MAP_REGISTER + 4 } }, /* OCaml's register 3 is rsi */
	{ 32, 32, 1, { 0 } },
	{ 40, 32, 1, { 4 } },
	{ 48, 16, 1, { 2 } }, /* the first byte after its function */
	{ 64, 16, 0, { 0 } },
};
static const struct map_function ocaml_functions[] = { { 0, 48 }, { 48, 80 } };

static void test_ocaml(void **state)
{
	struct corpus c;

	(void)state;
	import_assembly(SAMPLE_OCAML, &c);
	expect_safepoints(&c, ocaml, 5);
	expect_functions(&c, ocaml_functions, 2);
	assert_int_equal(c.text_bytes, 80);
	assert_int_equal(c.slot_bytes, 8);
	assert_int_equal(c.flags, CORPUS_REGISTERS | CORPUS_FRAMES | CORPUS_EMPTIES);
	assert_string_equal(c.note, "1 special descriptors (0xffff) left out");
	corpus_close(&c);
}

/* The sample as a program or library. options: of cc. */
static uint8_t *link_assembly(const char *text, const char *options, size_t *size)
{
	char folder[] = "/tmp/test_import.XXXXXX", path[64], command[200];
	uint8_t *bytes = sample_assemble(text, size);

	assert_non_null(bytes);
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/a.o", folder);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, *size, f), *size);
	assert_int_equal(fclose(f), 0);
	free(bytes);
	snprintf(command, sizeof command, "cc %s -nostdlib -s -o %s/a.so %s", options, folder,
		 path);
	assert_int_equal(system(command), 0);
	unlink(path);
	snprintf(path, sizeof path, "%s/a.so", folder);
	bytes = sample_load(path, size);
	unlink(path);
	rmdir(folder);
	assert_non_null(bytes);
	return bytes;
}

/* Linked, so that the linker's relocations fill the tables, with and without a symbol. */
static void test_ocaml_linked(void **state)
{
	char error[CORPUS_ERROR];
	size_t size;
	uint8_t *bytes = link_assembly(SAMPLE_OCAML, "-shared", &size);
	struct corpus c;

	(void)state;
	/* Some linkers also write the addends in place: not here. */
	uint64_t list;
	struct image img;
	assert_int_equal(image_open(&img, "a.so", bytes, size, error), 0);
	assert_int_equal(image_symbol(&img, "caml_frametable", &list), 0);
	const uint8_t *units = image_at(&img, list, 24);
	assert_non_null(units);
	memset(bytes + (units - bytes), 0, 24);
	image_close(&img);
	import_bytes(bytes, size, &c);
	expect_safepoints(&c, ocaml, 5);
	expect_functions(&c, ocaml_functions, 2);
	corpus_close(&c);
}

static void test_go(void **state)
{
	static const struct expected e[] = { { 10, 32, 2, { 0, 4 } }, { 12, 32, 1, { 2 } } };
	static const struct map_function f[] = { { 0, 32 } };
	static const char *const texts[] = { ".set GO120, 0\n" SAMPLE_GO,
					     ".set GO120, 1\n" SAMPLE_GO };
	struct corpus c;

	(void)state;
	for (int i = 0; i < 2; i++) {
		import_assembly(texts[i], &c);
		expect_safepoints(&c, e, 2);
		expect_functions(&c, f, 1);
		assert_string_equal(c.note, "1 functions without pointer maps left out");
		corpus_close(&c);
	}
}

static void test_llvm(void **state)
{
	static const struct expected e[] = {
		{ 10, 56, 0, { 0 } },
		{ 20, 56, 2, { 2, 4 } },
		{ 30, 56, 3, { 6, 8, MAP_REGISTER + 3 } },
		{ 50, 68, 1, { 16 } }, /* widened */
		{ 76, 12, 1, { 2 } },  /* its frame's size is unknown: widened */
	};
	static const struct map_function f[] = { { 0, 64 }, { 64, 128 } };
	struct corpus c;

	(void)state;
	import_assembly(SAMPLE_LLVM, &c);
	expect_safepoints(&c, e, 5);
	expect_functions(&c, f, 2);
	assert_string_equal(c.note,
			    "left out: 1 records that are no statepoints, 1 with slots relative "
			    "to rbp in a frame that grows; 2 frames widened to hold a slot beyond "
			    "their end");
	corpus_close(&c);
}

/* The sample with its functions elsewhere: everything from .text up to and with `end`, instead. */
static char *moved(const char *sample, const char *end, const char *instead)
{
	const char *start = strstr(sample, ".text\n"), *rest = strstr(sample, end);
	size_t size = strlen(sample) + strlen(instead) + 1;
	char *text = malloc(size);

	assert_true(text && start && rest);
	snprintf(text, size, "%.*s%s%s", (int)(start - sample), sample, instead,
		 rest + strlen(end));
	return text;
}

static const struct {
	const char *text;
	uint32_t apart; /* bytes from f to g in an object, whose sections are 64-aligned */
} elsewhere[] = {
	{ ".section .ltext,\"axl\",@progbits\n f: .skip 64, 0x90\n g: .skip 64, 0x90\n", 64 },
	{ ".section .ltext.g,\"axl\",@progbits\n .balign 64\n h: .skip 64, 0x90\n"
	  ".section .ltext.f,\"axl\",@progbits\n .balign 64\n f: .skip 70, 0x90\n"
	  ".section mytext,\"ax\",@progbits\n .balign 64\n g: .skip 64, 0x90\n",
	  128 },
	{ ".section .init.text,\"ax\",@progbits\n f: .skip 64, 0x90\n"
	  ".section code,\"awx\",@progbits\n g: .skip 64, 0x90\n",
	  64 },
};

/* Code models, -ffunction-sections and section("name") decide what a text is called. */
static void test_text_of_any_name(void **state)
{
	static const uint32_t pcs[] = { 10, 20, 30, 50, 12 };
	size_t size;
	struct corpus c;

	(void)state;
	for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
		char *text = moved(SAMPLE_LLVM, "g: .skip 64, 0x90\n", elsewhere[i].text);
		import_assembly(text, &c);
		assert_int_equal(c.nsafepoints, 5);
		assert_int_equal(c.nfunctions, 2);
		for (size_t k = 0; k < 5; k++)
			assert_int_equal(c.safepoints[k].pc - c.functions[0].start,
					 pcs[k] + (k < 4 ? 0 : elsewhere[i].apart));
		corpus_close(&c);
		/* A linker has an order of its own. */
		uint8_t *linked = link_assembly(text, "-static -no-pie -Wl,-e,0", &size);
		import_bytes(linked, size, &c);
		assert_int_equal(c.nsafepoints, 5);
		assert_int_equal(c.nfunctions, 2);
		corpus_close(&c);
		free(text);
	}
}

/* OCaml's and Go's functions likewise; code that the linker adds is not the program's text. */
static void test_others_text_of_any_name(void **state)
{
	struct corpus c;
	char *text = moved(SAMPLE_OCAML, ".text\n",
			   ".section .plt,\"ax\",@progbits\n .skip 64, 0x90\n"
			   ".section .init,\"ax\",@progbits\n .skip 64, 0x90\n"
			   ".section caml_code,\"ax\",@progbits\n");

	(void)state;
	import_assembly(text, &c);
	expect_safepoints(&c, ocaml, 5);
	expect_functions(&c, ocaml_functions, 2);
	assert_int_equal(c.text_bytes, 80);
	corpus_close(&c);
	free(text);
	text = moved(".set GO120, 1\n" SAMPLE_GO, ".text\n", ".section .gotext,\"ax\",@progbits\n");
	import_assembly(text, &c);
	assert_int_equal(c.nsafepoints, 2);
	corpus_close(&c);
	free(text);
}

static const char collected[] =
    "target triple = \"x86_64-linux-gnu\"\n"
    "declare void @use(ptr addrspace(1))\n"
    "define ptr addrspace(1) @f(ptr addrspace(1) %a, ptr addrspace(1) %b) gc "
    "\"statepoint-example\" {\n"
    "  call void @use(ptr addrspace(1) null)\n"
    "  call void @use(ptr addrspace(1) %b)\n"
    "  call void @use(ptr addrspace(1) null)\n"
    "  ret ptr addrspace(1) %a\n"
    "}\n"
    "define void @g() gc \"statepoint-example\" {\n"
    "  call void @use(ptr addrspace(1) null)\n"
    "  ret void\n"
    "}\n";

/* LLVM's own object of a small program. */
static void test_llvm_compiled(void **state)
{
	LLVMContextRef context = LLVMContextCreate();
	LLVMMemoryBufferRef object;
	LLVMModuleRef module;
	LLVMTargetRef target;
	char *message = NULL;
	struct corpus c;

	(void)state;
	LLVMMemoryBufferRef text =
	    LLVMCreateMemoryBufferWithMemoryRange(collected, sizeof collected - 1, "collected", 1);
	assert_int_equal(LLVMParseIRInContext(context, text, &module, &message), 0);
	assert_int_equal(LLVMGetTargetFromTriple("x86_64-linux-gnu", &target, &message), 0);
	LLVMTargetMachineRef machine =
	    LLVMCreateTargetMachine(target, "x86_64-linux-gnu", "", "", LLVMCodeGenLevelDefault,
				    LLVMRelocPIC, LLVMCodeModelDefault);
	LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
	assert_null(LLVMRunPasses(module, "rewrite-statepoints-for-gc", machine, options));
	assert_int_equal(
	    LLVMTargetMachineEmitToMemoryBuffer(machine, module, LLVMObjectFile, &message, &object),
	    0);
	size_t size = LLVMGetBufferSize(object);
	uint8_t *bytes = malloc(size);
	assert_non_null(bytes);
	memcpy(bytes, LLVMGetBufferStart(object), size);
	import_bytes(bytes, size, &c);
	assert_int_equal(c.nsafepoints, 4);
	assert_int_equal(c.nfunctions, 2);
	assert_int_equal(c.safepoints[0].nlive, 2);
	/* The pass takes a call's own arguments for live. */
	assert_int_equal(c.safepoints[1].nlive, 2);
	assert_int_equal(c.safepoints[2].nlive, 1);
	assert_int_equal(c.safepoints[3].nlive, 0);
	corpus_close(&c);
	LLVMDisposeMemoryBuffer(object);
	LLVMDisposePassBuilderOptions(options);
	LLVMDisposeTargetMachine(machine);
	LLVMDisposeModule(module);
	LLVMContextDispose(context);
}

/* The same bytes as a JIT has them: final addresses, no file around. */
static void test_llvm_memory(void **state)
{
	const uint64_t text = 0x7f0000001000;
	size_t size;
	uint8_t *bytes = sample_assemble(SAMPLE_LLVM, &size);
	char error[CORPUS_ERROR];
	struct image img;
	struct corpus c;

	(void)state;
	assert_non_null(bytes);
	assert_int_equal(image_open(&img, "sample", bytes, size, error), 0);
	const struct image_section *s = image_find(&img, ".llvm_stackmaps");
	assert_non_null(s);
	memcpy(s->data + 16, &text, 8);
	/* The second table's frame grows, which is refused here: only the first is taken. */
	uint64_t first = 16 + 24 + 8;
	for (int i = 0; i < 5; i++) {
		first += 16 + 12u * image_u16(s->data + first + 14);
		first = (first + 7) & ~7u;
		first = (first + 4 + 4u * image_u16(s->data + first + 2) + 7) & ~7u;
	}
	assert_int_equal(corpus_from_llvm("jit", s->data, first, text, 64, &c, error), 0);
	assert_int_equal(c.nsafepoints, 4);
	assert_int_equal(c.nfunctions, 1);
	assert_int_equal(c.functions[0].end, 64);
	corpus_close(&c);
	const uint64_t second = text + 64;
	memcpy(s->data + first + 16, &second, 8);
	assert_int_equal(corpus_from_llvm("jit", s->data, s->size, text, 128, &c, error), -EINVAL);
	assert_non_null(strstr(error, "relative to rbp in a frame that grows"));
	image_close(&img);
	free(bytes);
}

/* Encoded again in Wasmtime's format, the section must come out as it was, byte for byte. */
static void test_cwasm(void **state)
{
	static const struct expected e[] = { { 0x5e, 48, 1, { 2 } }, { 0x6e, 48, 2, { 0, 2 } } };
	struct map_bytes out = { 0 };
	char error[CORPUS_ERROR];
	struct image img;
	struct corpus c;
	size_t size;

	(void)state;
	uint8_t *bytes = sample_load("tests/data/gc.cwasm", &size);
	assert_non_null(bytes);
	assert_int_equal(corpus_import("tests/data/gc.cwasm", &c, error), 0);
	assert_null(sample_check(&c));
	assert_string_equal(c.name, "gc.cwasm");
	assert_string_equal(c.producer, "wasmtime 48");
	assert_int_equal(c.nsafepoints, 19);
	assert_int_equal(c.nfunctions, 4);
	assert_int_equal(c.slot_bytes, 4);
	assert_int_equal(c.flags, CORPUS_FRAMES);
	c.nsafepoints = 2;
	expect_safepoints(&c, e, 2);
	c.nsafepoints = 19;
	assert_int_equal(map_encode(map_encoder("exact"), c.safepoints, c.nsafepoints, &out, NULL),
			 0);
	assert_int_equal(image_open(&img, "gc", bytes, size, error), 0);
	const struct image_section *s = image_find(&img, ".wasmtime.stackmap");
	assert_int_equal(out.len, s->size);
	assert_memory_equal(out.data, s->data, out.len);
	image_close(&img);
	corpus_close(&c);
	free(out.data);
	free(bytes);
}

/* ---- Written and read ------------------------------------------------------------------------ */

static void expect_same(const struct corpus *a, const struct corpus *b)
{
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->producer, b->producer);
	assert_string_equal(a->note, b->note);
	assert_int_equal(a->text_bytes, b->text_bytes);
	assert_int_equal(a->slot_bytes, b->slot_bytes);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->nfunctions, b->nfunctions);
	assert_memory_equal(a->functions, b->functions, a->nfunctions * sizeof *a->functions);
	assert_int_equal(a->nsafepoints, b->nsafepoints);
	for (uint32_t i = 0; i < a->nsafepoints; i++) {
		const struct safepoint *x = &a->safepoints[i], *y = &b->safepoints[i];
		assert_int_equal(x->pc, y->pc);
		assert_int_equal(x->frame_size, y->frame_size);
		assert_int_equal(x->nlive, y->nlive);
		assert_memory_equal(x->live, y->live, x->nlive * sizeof *x->live);
	}
}

static void test_written_and_read(void **state)
{
	static const char *const texts[] = { SAMPLE_OCAML, SAMPLE_LLVM };
	char path[] = "/tmp/test_import.XXXXXX", error[CORPUS_ERROR];
	int fd = mkstemp(path);
	struct corpus c, again;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	for (int i = 0; i < 2; i++) {
		import_assembly(texts[i], &c);
		assert_int_equal(corpus_write(&c, path, error), 0);
		if (corpus_import(path, &again, error))
			fail_msg("%s", error);
		expect_same(&c, &again);
		corpus_close(&c);
		corpus_close(&again);
	}
	/* Of nothing at all, too. */
	struct corpus_builder b = { 0 };
	c = (struct corpus){ .name = "empty", .slot_bytes = 8 };
	assert_int_equal(corpus_seal(&b, &c, error), 0);
	assert_int_equal(corpus_write(&c, path, error), 0);
	assert_int_equal(corpus_import(path, &again, error), 0);
	expect_same(&c, &again);
	corpus_close(&c);
	corpus_close(&again);
	unlink(path);
	import_assembly(SAMPLE_OCAML, &c);
	assert_int_equal(corpus_write(&c, "/nowhere/x.corpus", error), -ENOENT);
	assert_non_null(strstr(error, "/nowhere/x.corpus"));
	corpus_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ocaml),
		cmocka_unit_test(test_ocaml_linked),
		cmocka_unit_test(test_go),
		cmocka_unit_test(test_llvm),
		cmocka_unit_test(test_text_of_any_name),
		cmocka_unit_test(test_others_text_of_any_name),
		cmocka_unit_test(test_llvm_compiled),
		cmocka_unit_test(test_llvm_memory),
		cmocka_unit_test(test_cwasm),
		cmocka_unit_test(test_written_and_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
