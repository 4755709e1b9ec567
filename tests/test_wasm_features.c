/*
 * test_wasm_features.c - valid modules that can't be taken: each gets one line that names the
 * module, the function, element or import that has the feature, its proposal, and the place of the
 * list. wat2wasm makes the modules; those with features that it lacks are given as bytes.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/prng.h"
#include "wasm/file.h"

#define LIST  " can't be taken; workloads/wasm/README.md lists what can"
#define START "(func (export \"_start\"))"
#define P17   "i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32"

static char folder[] = "/tmp/stubmap-features-XXXXXX";

static int set_up(void **unused)
{
	(void)unused;
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **unused)
{
	char command[64];

	(void)unused;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

/* The module of that text, as a file's bytes; free. */
static uint8_t *assemble(const char *wat, const char *options, size_t *size)
{
	char path[80], command[300];

	snprintf(path, sizeof path, "%s/m.wat", folder);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(wat, f);
	assert_int_equal(fclose(f), 0);
	snprintf(command, sizeof command, "cd %s && wat2wasm %s m.wat -o m.wasm 2>said", folder,
		 options);
	if (system(command))
		fail_msg("wat2wasm does not take %s", wat);
	uint8_t *bytes = wasm_file_read(folder, "m.wasm", size);
	assert_non_null(bytes);
	return bytes;
}

static void refused(const uint8_t *bytes, size_t size, const char *what, const char *of)
{
	char error[WASM_FILE_ERROR], expected[WASM_FILE_ERROR];
	struct wasm_file f;

	snprintf(expected, sizeof expected, "m.wasm: %s" LIST, what);
	int e = wasm_file_parse(&f, "m.wasm", bytes, size, error);
	if (e != -EINVAL || strcmp(error, expected) != 0)
		fail_msg("%s: %d, '%s', expected '%s'", of, e, e ? error : "taken", expected);
	wasm_file_close(&f);
}

/* ---- By proposal ----------------------------------------------------------------------------- */

static void test_proposals(void **unused)
{
	static const struct {
		const char *wat, *what;
	} modules[] = {
		{ "(func $loop (export \"_start\") (return_call $loop))",
		  "function 0 (_start): tail calls" },
		{ "(table 1 funcref) (func) (func $jump (return_call_indirect (i32.const 0)))",
		  "function 1 (jump): tail calls" },
		{ "(import \"a\" \"b\" (func)) (func $none) (func $jump (return_call $none))",
		  "function 2 (jump): tail calls" },
		{ "(tag $e) (func) (func $boom (throw $e))",
		  "function 1 (boom): exception handling" },
		{ "(func $try (try (do) (catch_all)))", "function 0 (try): exception handling" },
		{ "(tag $e)" START, "its tags: exception handling" },
		{ "(import \"env\" \"e\" (tag $e))" START,
		  "import env.e: a tag (exception handling)" },
		{ "(memory 1) (func $wide (drop (v128.load (i32.const 0))))",
		  "function 0 (wide): SIMD" },
		{ "(func $local (local v128))", "function 0 (local): SIMD" },
		{ "(func $pass (param v128) (result v128) (local.get 0))",
		  "function 0 (pass): SIMD" },
		{ "(type (func (param v128)))" START, "type 0: SIMD" },
		{ "(type $b (func (param v128))) (func $block (unreachable) (block (type $b) "
		  "(drop)))",
		  "function 0 (block): SIMD" },
		{ "(global v128 (v128.const i64x2 0 0))" START, "global 0: SIMD" },
		{ "(func $relaxed (drop (i8x16.relaxed_swizzle (unreachable) (unreachable))))",
		  "function 0 (relaxed): relaxed SIMD" },
		{ "(memory 1 1 shared)" START, "a memory: sharing (threads)" },
		{ "(memory 1) (func $add (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1))))",
		  "function 0 (add): threads (atomic instructions)" },
		{ "(memory i64 1)" START, "a memory: 64 bits (memory64)" },
		{ "(memory 1) (memory 1)" START, "its memories: more than one (multi-memory)" },
		{ "(global i32 (i32.add (i32.const 1) (i32.const 2)))" START,
		  "global 0: extended constant expressions (extended-const)" },
		{ "(memory 1) (data (i32.sub (i32.const 4) (i32.const 2)) \"x\")" START,
		  "data segment 0: extended constant expressions (extended-const)" },
		{ "(table 1 funcref) (elem (i32.mul (i32.const 0) (i32.const 2)) func)" START,
		  "element segment 0: extended constant expressions (extended-const)" },
		{ "(type $p (struct (field i32)))" START, "type 0: garbage collection (GC)" },
		{ "(type $p (array i32))" START, "type 0: garbage collection (GC)" },
		{ "(import \"env\" \"memory\" (memory 1))" START, "import env.memory: a memory" },
		{ "(import \"env\" \"t\" (table 1 funcref))" START, "import env.t: a table" },
		{ "(import \"env\" \"g\" (global i32))" START, "import env.g: a global" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
		size_t size;
		uint8_t *bytes =
		    assemble(modules[i].wat, "--enable-all --debug-names --no-check", &size);

		refused(bytes, size, modules[i].what, modules[i].wat);
		free(bytes);
	}
}

/* ---- Signatures ------------------------------------------------------------------------------ */

static void test_signatures(void **unused)
{
	static const struct {
		const char *wat, *what;
	} modules[] = {
		{ "(func (export \"f\") (param externref))",
		  "export f: externref (reference types) in its signature (numbers pass a stub)" },
		{ "(func (export \"f\") (result funcref) (ref.null func))",
		  "export f: funcref (reference types) in its signature (numbers pass a stub)" },
		{ "(func (export \"f\") (result i32 i32) (i32.const 1) (i32.const 2))",
		  "export f: multi-value, 2 results (one passes a stub)," },
		{ "(func (export \"f\") (param " P17 "))",
		  "export f: 17 parameters (at most 16 pass a stub)" },
		{ "(import \"env\" \"f\" (func (param externref)))",
		  "import env.f: externref (reference types) in its signature"
		  " (numbers pass a stub)" },
		{ "(import \"env\" \"f\" (func (result i32 i32)))",
		  "import env.f: multi-value, 2 results (one passes a stub)," },
		{ "(table 9 funcref) (func $a) (func $b (param externref))"
		  "(elem (i32.const 0) $a) (elem (i32.const 3) $a $a $b)",
		  "element 2 of segment 1, function 1 (b): externref (reference types) in its"
		  " signature (numbers pass a stub)" },
		{ "(table 9 funcref) (func $many (param " P17 "))"
		  "(elem (i32.const 3) funcref (ref.null func) (ref.func $many))",
		  "element 1 of segment 0, function 0 (many): 17 parameters (at most 16 pass a"
		  " stub)" },
		{ "(table $t 9 funcref) (func $two (result i32 i64) (i32.const 0) (i64.const 0))"
		  "(elem $e func $two)",
		  "element 0 of segment 0, function 0 (two): multi-value, 2 results (one passes a"
		  " stub)," },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
		size_t size;
		uint8_t *bytes = assemble(modules[i].wat, "--debug-names", &size);

		refused(bytes, size, modules[i].what, modules[i].wat);
		free(bytes);
	}
}

/* ---- What wat2wasm does not write ------------------------------------------------------------ */

#define HEAD "\0asm\1\0\0\0"
#define FUNC HEAD "\1\4\1\x60\0\0\3\2\1\0"
/* One function of one instruction (with what it takes and end), n bytes. */
#define CODE(n, body) FUNC "\12" n body

static void test_bytes(void **unused)
{
#define FILE_OF(bytes) (const uint8_t *)(bytes), sizeof(bytes) - 1
	static const struct {
		const uint8_t *bytes;
		size_t size;
		const char *what;
	} files[] = {
		{ FILE_OF("\0asm\15\0\1\0\0\1\0"), "a component: the component model" },
		{ FILE_OF(CODE("\6", "\1\4\0\x1f\x40\0\x0b")), "function 0: exception handling" },
		{ FILE_OF(CODE("\5", "\1\3\0\x0a\x0b")), "function 0: exception handling" },
		{ FILE_OF(CODE("\6", "\1\4\0\x14\0\x0b")),
		  "function 0: typed function references" },
		{ FILE_OF(CODE("\6", "\1\4\0\xd4\x0b\x0b")),
		  "function 0: typed function references" },
		{ FILE_OF(CODE("\6", "\1\4\0\x15\0\x0b")), "function 0: tail calls" },
		{ FILE_OF(CODE("\7", "\1\5\0\xfb\34\0\x0b")),
		  "function 0: garbage collection (GC)" },
		{ FILE_OF(CODE("\6", "\1\4\0\xd3\x0b\x0b")),
		  "function 0: garbage collection (GC)" },
		{ FILE_OF(CODE("\6", "\1\4\0\xd0\x6e\x0b")),
		  "function 0: garbage collection (GC)" },
		{ FILE_OF(CODE("\10", "\1\6\0\xfb\200\1\0\x0b")),
		  "function 0: reference-typed strings (stringref)" },
		{ FILE_OF(CODE("\6", "\1\4\0\xfc\23\x0b")), "function 0: wide arithmetic" },
		{ FILE_OF(CODE("\6", "\1\4\0\xe0\0\x0b")), "function 0: stack switching" },
		{ FILE_OF(CODE("\10", "\1\6\0\x28\x42\1\0\x0b")),
		  "function 0: multiple memories (multi-memory)" },
		{ FILE_OF(CODE("\7", "\1\5\0\x3f\1\x1a\x0b")),
		  "function 0: multiple memories (multi-memory)" },
		{ FILE_OF(CODE("\5", "\1\3\0\x27\x0b")),
		  "function 0: an instruction of no known proposal" },
		{ FILE_OF(CODE("\7", "\1\5\1\1\x69\x0b\x0b")), "function 0: exception handling" },
		{ FILE_OF(HEAD "\1\3\1\x4e\0"), "type 0: garbage collection (GC)" },
		{ FILE_OF(HEAD "\1\11\2\x60\0\0\x60\1\x64\0\0"),
		  "type 1: typed function references" },
		{ FILE_OF(HEAD "\1\3\1\x5d\0"), "type 0: stack switching" },
		{ FILE_OF(HEAD "\5\4\1\x08\1\0"), "a memory: custom page sizes" },
		{ FILE_OF(HEAD "\4\10\1\x40\0\x70\0\1\xd0\x70\x0b"),
		  "table 0: typed function references" },
		{ FILE_OF(HEAD "\4\4\1\x70\4\1"), "a table: 64 bits (memory64)" },
		{ FILE_OF(HEAD "\4\4\1\x6e\0\1"), "table 0: garbage collection (GC)" },
		{ FILE_OF(HEAD "\6\6\1\x7f\2\x41\0\x0b"),
		  "global 0: threads (atomic instructions)" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		refused(files[i].bytes, files[i].size, files[i].what, files[i].what);
}

/* ---- What can be taken ----------------------------------------------------------------------- */

static void test_taken(void **unused)
{
	static const char *const modules[] = {
		/* multi-value and reference types stay inside */
		"(func $two (result i32 i64) (i32.const 1) (i64.const 2))"
		"(func (export \"_start\") (call $two) drop drop"
		" (i32.const 1) (block (param i32) (result i32 i32) (i32.const 2)) drop drop)",
		"(table $t 2 externref) (elem $e externref (ref.null extern))"
		"(global $g (mut externref) (ref.null extern))"
		"(func $id (param externref) (result externref) (local.get 0))"
		"(func (export \"_start\") (local externref)"
		" (table.set $t (i32.const 0) (call $id (local.get 0)))"
		" (drop (table.grow $t (ref.null extern) (i32.const 1)))"
		" (table.fill $t (i32.const 0) (ref.null extern) (i32.const 1))"
		" (table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 1))"
		" (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1)) (elem.drop $e)"
		" (drop (table.size $t)) (drop (ref.is_null (table.get $t (i32.const 0))))"
		" (drop (select (result externref) (local.get 0) (global.get $g) (i32.const 1))))",
		/* of a function that no table holds, any signature */
		"(func $many (param " P17 ") (param externref)) (elem declare func $many)" START,
		/* bulk memory, saturation, signs, and a table of branches */
		"(memory 1) (data $d \"abc\") (func (export \"_start\") (local i32)"
		" (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1)) (data.drop $d)"
		" (memory.copy (i32.const 0) (i32.const 1) (i32.const 2))"
		" (memory.fill (i32.const 0) (i32.const 1) (i32.const 2))"
		" (drop (i32.trunc_sat_f64_s (f64.const 1e300))) (drop (f32.const 1))"
		" (drop (i64.extend32_s (i64.const -9223372036854775808)))"
		" (block (block (br_table 0 1 0 (local.get 0)))))",
	};

	(void)unused;
	for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
		char error[WASM_FILE_ERROR];
		struct wasm_file f;
		size_t size;
		uint8_t *bytes = assemble(modules[i], "", &size);

		if (wasm_file_parse(&f, "m", bytes, size, error))
			fail_msg("%s: '%s'", modules[i], error);
		wasm_file_close(&f);
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proposals),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_taken),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
