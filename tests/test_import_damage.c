/*
 * test_import_damage.c - importers against bad input: files of another kind or machine, cut short,
 * contradictory, or changed at random. Each refusal is one line that says where.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <unistd.h>

#include <errno.h>

#include "base/prng.h"
#include "corpora/image.h"
#include "fuzz.h"
#include "import_samples.h"

static void expect_refusal(uint8_t *bytes, size_t size, const char *part)
{
	char error[CORPUS_ERROR];
	struct corpus c;

	assert_non_null(bytes);
	assert_true(corpus_import_bytes("sample", bytes, size, &c, error) < 0);
	if (!strstr(error, part))
		fail_msg("'%s' does not say '%s'", error, part);
	assert_memory_equal(error, "sample: ", 8);
	assert_null(strchr(error, '\n'));
	free(bytes);
}

/* The sample with its first `from` replaced. */
static void expect_edited(const char *sample, const char *from, const char *to, const char *part)
{
	const char *at = strstr(sample, from);
	char text[8192];
	size_t size;

	assert_non_null(at);
	int n = snprintf(text, sizeof text, "%.*s%s%s", (int)(at - sample), sample, to,
			 at + strlen(from));
	assert_true(n > 0 && (size_t)n < sizeof text);
	uint8_t *bytes = sample_assemble(text, &size);
	expect_refusal(bytes, size, part);
}

static void test_ocaml(void **state)
{
	(void)state;
	expect_edited(SAMPLE_OCAML, ".quad second+16", ".quad second+33",
		      ".data+0x40: return address");
	expect_edited(SAMPLE_OCAML, "24, 7, 8", "24, 27, 8", "live register 13; known: 0 to 12");
	expect_edited(SAMPLE_OCAML, "24, 7, 8", "24, 7, 12", "SP+12, between two words");
	expect_edited(SAMPLE_OCAML, "unit3, 0", "unit3, first", "descriptors");
	expect_edited(SAMPLE_OCAML, "unit3, 0", "unit3, 5", "outside every section");
	expect_edited(SAMPLE_OCAML, "48+1, 3, 24", "48+1, 300, 24", "300 live places leave");
	expect_edited(SAMPLE_OCAML, "unit3: .quad 1", "unit3: .quad 2", "cut short");
	expect_edited(SAMPLE_OCAML, "unit3: .quad 1", "unit3: .quad 1 << 60",
		      "a table of 1152921504606846976 descriptors");
	expect_edited(SAMPLE_OCAML, "first+40", "first+32", "two safepoints at text+0x20");
	expect_edited(SAMPLE_OCAML, "unit1, unit2, unit3, 0", "0", "no descriptor");
	/* Names come from the file, too. */
	expect_edited(SAMPLE_OCAML,
		      ".data\n .globl caml_frametable\n"
		      "caml_frametable: .quad unit1, unit2, unit3, 0\nunit1: .quad 1\n",
		      ".section \"a\nb\", \"aw\"\ncaml_frametable: .quad unit1, 0\n"
		      "unit1: .quad 1 << 60\n",
		      "a\\nb+0x10: a table of");
}

static void test_go(void **state)
{
	static const char sample[] = ".set GO120, 1\n" SAMPLE_GO;

	(void)state;
	expect_edited(sample, "0xfffffff0 + GO120", "0xfffffffa",
		      "magic 0xfffffffa; known: 0xfffffff0 (Go 1.18), 0xfffffff1");
	expect_edited(sample, "0, 0, 1, 8", "0, 0, 4, 8", "not the table of a 64-bit x86 program");
	expect_edited(sample, ".quad 2, 0, f", ".quad 2000, 0, f", "tables outside the section");
	expect_edited(sample, ".quad tab", ".quad map", "no runtime.moduledata");
	expect_edited(sample, "32, fn1-functab, 64", "72, fn1-functab, 64",
		      "a function that descends or leaves the text");
	expect_edited(sample, "fn0-functab", "4096", "a _func outside the section");
	expect_edited(sample, "locals-gofunc", "1 << 20", "pointer maps outside every section");
	expect_edited(sample, ".long 2, 3", ".long 1, 3", "a pointer map that the function does");
	expect_edited(sample, ".byte 5, 2", ".byte 0", "leave their section");
	expect_edited(sample, "16, 4, 48, 27", "16, 4, 16, 27", "larger than the frame");
	expect_edited(sample, "sp-pctab, 0, 0, 2", "sp-pctab, 0, 0, 90000", "a _func is cut short");
}

static void test_llvm(void **state)
{
	(void)state;
	expect_edited(SAMPLE_LLVM, ".byte 3, 0", ".byte 2, 0", "+0x0: version 2; known: 3");
	expect_edited(SAMPLE_LLVM, ".long 1, 1, 5", ".long 1000, 1, 5", "are cut short");
	expect_edited(SAMPLE_LLVM, ".long 1, 1, 5", ".long 1, 1, 4", "more records than the table");
	expect_edited(SAMPLE_LLVM, ".long 1, 1, 5", ".long 1, 1, 6", "fewer records");
	expect_edited(SAMPLE_LLVM, "rec 20, 10", "rec 20, 60000", "locations are cut short");
	expect_edited(SAMPLE_LLVM, "rec 20, 10", "rec 2000, 10", "outside the text");
	expect_edited(SAMPLE_LLVM, "rec 24, 5\n point 0\n loc 3", "rec 24, 5\n point 0\n loc 9",
		      "unknown kind");
	expect_edited(SAMPLE_LLVM, "loc 3, 7, 16", "loc 3, 3, 16", "neither rsp (7) nor rbp (6)");
	expect_edited(SAMPLE_LLVM, "loc 3, 7, 16", "loc 3, 7, -8", "below SP");
	expect_edited(SAMPLE_LLVM, "loc 1, 3, 0", "loc 1, 33, 0", "a register above 31");
	expect_edited(SAMPLE_LLVM, "rec 30, 8", "rec 20, 8", "two safepoints at text+0x14");
	expect_edited(SAMPLE_LLVM, ".quad g, -1", ".quad g+200, -1", "a function outside");
}

/* ---- Wasmtime ------------------------------------------------------------------------------- */

/* gc.cwasm with one word of a section changed, relative to what was there. */
static void expect_changed(const char *section, uint64_t offset, uint32_t value, const char *part)
{
	char error[CORPUS_ERROR];
	struct image img;
	size_t size;
	uint8_t *bytes = sample_load("tests/data/gc.cwasm", &size);

	assert_non_null(bytes);
	assert_int_equal(image_open(&img, "gc", bytes, size, error), 0);
	const struct image_section *s = image_find(&img, section);
	assert_non_null(s);
	assert_true(offset + 4 <= s->size);
	for (int i = 0; i < 4; i++)
		s->data[offset + (unsigned)i] = (uint8_t)(value >> 8 * i);
	image_close(&img);
	expect_refusal(bytes, size, part);
}

static void test_cwasm(void **state)
{
	static const char maps[] = ".wasmtime.stackmap";

	(void)state;
	expect_changed(".wasmtime.engine", 0, 1, "metadata of version 1; known: 0");
	expect_changed(".wasmtime.engine", 0, 0x0a200200, "unreadable version");
	expect_changed(maps, 0, 48, "cut short: 48 entries");
	expect_changed(maps, 8, 0x5e, "+0x8: pc 0x5e does not ascend");
	expect_changed(maps, 4 * 19, 0x7fffffff, "lies outside the text");
	expect_changed(maps, 4 + 4 * 19, 57, "a record at 0x180, outside the section");
	expect_changed(maps, 4 + 8 * 19, 8, "slot 2 lies outside a frame of 8 bytes");
	expect_changed(maps, 8 + 8 * 19, 1000, "a bitmap of 1000 words leaves the section");
}

/* ---- Files that are something else ---------------------------------------------------------- */

static void expect_byte(const char *sample, size_t offset, uint8_t value, const char *part)
{
	size_t size;
	uint8_t *bytes = sample_assemble(sample, &size);

	assert_non_null(bytes);
	bytes[offset] = value;
	expect_refusal(bytes, size, part);
}

static void test_foreign(void **state)
{
	char error[CORPUS_ERROR], path[] = "/tmp/test_import.XXXXXX";
	struct corpus c;

	(void)state;
	expect_refusal(calloc(1, 1), 0, "neither an ELF file nor a corpus");
	expect_refusal((uint8_t *)strdup("\177ELF"), 4, "not a readable ELF file");
	expect_byte(SAMPLE_OCAML, 18, 183, "code for ELF machine 183; allowed: x86-64 (62)");
	expect_byte(SAMPLE_OCAML, 7, 200, "no .wasmtime.engine");
	expect_edited(".text\n f: ret\n", "ret", "nop", "no stack maps inside; looked for");
	expect_edited("# f\n", "f", "g", "no executable section");

	assert_true(corpus_import("/nowhere", &c, error) < 0);
	assert_string_equal(error, "/nowhere: No such file or directory");
	assert_true(corpus_import("/tmp", &c, error) < 0);
	assert_string_equal(error, "/tmp: Is a directory");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	assert_true(corpus_import(path, &c, error) < 0);
	assert_non_null(strstr(error, "neither an ELF file"));
	unlink(path);
}

/* ---- Damage --------------------------------------------------------------------------------- */

/* In memory of exactly that size; a corpus that comes back must be consistent.
 * Returns whether the bytes were taken. */
static int try_bytes(const uint8_t *bytes, size_t size)
{
	char error[CORPUS_ERROR];
	uint8_t *copy = malloc(size ? size : 1);
	struct corpus c;

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	int r = corpus_import_bytes("damaged", copy, size, &c, error);
	free(copy);
	if (r) {
		assert_true(*error != 0);
		assert_null(strchr(error, '\n'));
		return 0;
	}
	const char *wrong = sample_check(&c);
	if (wrong)
		fail_msg("taken in spite of %s", wrong);
	corpus_close(&c);
	return 1;
}

static void damage(const uint8_t *bytes, size_t size, unsigned tries)
{
	struct prng r;
	uint8_t *work = malloc(size);

	assert_non_null(work);
	prng_seed(&r, 1);
	for (size_t n = 0; n < size; n += 1 + size / 500)
		try_bytes(bytes, n);
	for (unsigned i = 0; i < tries; i++) {
		static const uint8_t interesting[] = { 0, 1, 127, 128, 255 };
		memcpy(work, bytes, size);
		for (unsigned k = 1 + prng_below(&r, 3); k--;) {
			size_t at = prng_below(&r, (uint32_t)size);
			if (prng_below(&r, 2))
				work[at] ^= (uint8_t)(1u << prng_below(&r, 8));
			else
				work[at] = interesting[prng_below(&r, 5)];
		}
		try_bytes(work, size);
	}
	free(work);
}

static void test_damaged_samples(void **state)
{
	static const char *const texts[] = { SAMPLE_OCAML, SAMPLE_LLVM, ".set GO120, 0\n" SAMPLE_GO,
					     ".set GO120, 1\n" SAMPLE_GO };
	size_t size;

	(void)state;
	for (int i = 0; i < 4; i++) {
		uint8_t *bytes = sample_assemble(texts[i], &size);
		assert_non_null(bytes);
		assert_true(try_bytes(bytes, size));
		damage(bytes, size, 4000);
		free(bytes);
	}
	uint8_t *bytes = sample_load("tests/data/gc.cwasm", &size);
	assert_non_null(bytes);
	assert_true(try_bytes(bytes, size));
	damage(bytes, size, 4000);
	free(bytes);
}

/* A corpus file: no change of a single bit, and no cut, goes unnoticed. */
static void test_damaged_corpus(void **state)
{
	char path[] = "/tmp/test_import.XXXXXX", error[CORPUS_ERROR];
	int fd = mkstemp(path);
	struct corpus c;
	size_t size;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(corpus_import("tests/data/gc.cwasm", &c, error), 0);
	assert_int_equal(corpus_write(&c, path, error), 0);
	corpus_close(&c);
	uint8_t *bytes = sample_load(path, &size);
	unlink(path);
	assert_non_null(bytes);
	assert_true(try_bytes(bytes, size));
	for (size_t n = 0; n < size; n++)
		assert_false(try_bytes(bytes, n));
	for (size_t bit = 0; bit < 8 * size; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(try_bytes(bytes, size));
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	free(bytes);
}

/* ---- Sizes that are not so ------------------------------------------------------------------- */

/* A corpus file whose body is not what any writer would write. */
static void expect_body(const char *body, size_t len, const char *part)
{
	enum { HEADER = 24 };
	uint8_t *file = malloc(HEADER + FUZZ_FRAME + len), name[8] = CORPUS_MAGIC;

	assert_non_null(file);
	memcpy(file, name, sizeof name);
	for (size_t i = 0; i < 8; i++)
		file[16 + i] = (uint8_t)((uint64_t)len >> 8 * i);
	size_t size = HEADER + fuzz_frame(file + HEADER, (const uint8_t *)body, len);
	fuzz_checksum(file + 16, size - 16, file + 8);
	expect_refusal(file, size, part);
}
#define BODY(text) text, sizeof(text) - 1

static void test_corpus_counts(void **state)
{
	(void)state;
	/* names, 16 bytes of text, slots of 8, flags, functions, safepoints, sets, places */
	expect_body(BODY("\0\0\0\20\10\0\1\0\0\0\0\1END."), "a function without a safepoint");
	expect_body(BODY("\0\0\0\20\10\0\1\1\0\0\4\1\3\0\0END."), "a function without a safepoint");
	expect_body(BODY("\0\0\0\20\10\0\2\1\0\0\0\10\0\10\3\0\0END."),
		    "a function without a safepoint");
	expect_body(BODY("\0\0\0\20\10\0\377\377\3\0\0\0END."), "contradicts itself");
	expect_body(BODY("\0\0\0\20\10\0\0\377\377\3\0\0END."), "contradicts itself");
	expect_body(BODY("\0\0\0\20\10\0\0\0\377\377\3\0END."), "contradicts itself");
	expect_body(BODY("\0\0\0\20\10\0\0\0\0\377\377\3END."), "contradicts itself");

	/* A body too large for so few bytes. */
	uint8_t *file = calloc(1, 64);
	assert_non_null(file);
	memcpy(file, CORPUS_MAGIC, 8);
	file[19] = 2; /* 32 MiB */
	fuzz_frame(file + 24, NULL, 0);
	memcpy(file + 29, file + 16, 8);
	fuzz_checksum(file + 16, 48, file + 8);
	expect_refusal(file, 64, "not what the header says, or above 256 MiB");
}

static uint8_t *llvm_sample(size_t *size)
{
	uint8_t *bytes = sample_assemble(SAMPLE_LLVM, size);

	assert_non_null(bytes);
	return bytes;
}

static void test_elf_counts(void **state)
{
	size_t size;
	uint8_t *bytes = llvm_sample(&size);
	Elf64_Ehdr *h = (void *)bytes;
	Elf64_Shdr *sections = (void *)(bytes + h->e_shoff);

	(void)state;
	/* More sections than there are, by a number that 16 bits can't hold: libelf's own check. */
	h->e_shnum = 0;
	sections[0].sh_size = UINT64_C(1) << 30;
	expect_refusal(bytes, size, "not a readable ELF file");

	bytes = llvm_sample(&size);
	h = (void *)bytes;
	sections = (void *)(bytes + h->e_shoff);
	for (unsigned i = 1; i < h->e_shnum; i++)
		if (sections[i].sh_type == SHT_PROGBITS || sections[i].sh_type == SHT_RELA) {
			sections[i].sh_offset = 0;
			sections[i].sh_size = size;
		}
	expect_refusal(bytes, size, "sections overlap");

	/* One table that many units share. */
	expect_edited(SAMPLE_OCAML, "unit1, unit2, unit3, 0\n",
		      "unit1\n .rept 400\n .quad unit4\n .endr\n .quad 0\n"
		      "unit4: .quad 300\n .rept 300\n .quad first+16\n .short 16, 0\n"
		      " .balign 8\n .endr\n",
		      "the units' tables overlap");
}

static void test_places_of_a_file(void **state)
{
	static const uint32_t places[] = { 0, 1, 2, 3 };
	struct corpus_builder b = { .file = 1 };

	(void)state;
	assert_int_equal(corpus_add(&b, 1, 16, places, 4), 0);
	assert_int_equal(corpus_add(&b, 2, 16, places, 4), 0);
	assert_int_equal(corpus_add(&b, 3, 16, places, 1), -EFBIG);
	assert_int_equal(corpus_add(&b, 3, 16, NULL, 0), 0);
	corpus_abandon(&b);
	b.file = 0;
	assert_int_equal(corpus_add(&b, 1, 16, places, 4), 0);
	corpus_abandon(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ocaml),	       cmocka_unit_test(test_go),
		cmocka_unit_test(test_llvm),	       cmocka_unit_test(test_cwasm),
		cmocka_unit_test(test_foreign),	       cmocka_unit_test(test_damaged_samples),
		cmocka_unit_test(test_damaged_corpus), cmocka_unit_test(test_corpus_counts),
		cmocka_unit_test(test_elf_counts),     cmocka_unit_test(test_places_of_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
