/*
 * test_wasm_bad.c - modules that can't be taken and programs that stop: one line each, with the
 * module's name and the function's, and the next call works as if nothing had happened.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "measure/child.h"
#include "measure/families.h"
#include "base/prng.h"
#include "runs/spawn.h"
#include "wasm/file.h"
#include "measure/prepare.h"
#include "wasm_helpers.h"

static char root[WASM_PATH]; /* the folder of all built programs */

static int set_up(void **unused)
{
	wasm_program_folder(wasm_program_find("wasm:kernel"), root);
	*strrchr(root, '/') = 0;
	return make_cache(unused);
}

static int tear_down(void **unused)
{
	jit_object_free(&kept.object);
	return remove_cache(unused);
}

static const char *bad(const char *name, char folder[WASM_PATH])
{
	assert_true(snprintf(folder, WASM_PATH, "%.4000s/bad/%s", root, name) < WASM_PATH);
	return folder;
}

/* ---- Programs that stop ---------------------------------------------------------------------- */

struct call {
	const struct stub_callee *callee;
	uint64_t argv[1];
};

static void enter(void *arg)
{
	struct call *c = arg;

	wasm_enter_native(c->callee, c->argv);
}

static enum wasm_end call(struct opened *o, struct wasm_instance *in, const char *export,
			  uint64_t *value)
{
	struct call c = {
		.callee = wasm_instance_export(in, wasm_module_export(o->module, export),
					       STUB_ENTRY_NATIVE),
	};

	assert_non_null(c.callee);
	enum wasm_end end = wasm_run(&o->thread, enter, &c, o->error);
	*value = c.argv[0];
	assert_null(o->thread.host.activation.exit_frame);
	return end;
}

static void check_traps(const struct stub_ops *ops, unsigned tier)
{
	static const struct {
		const char *export, *what;
	} traps[] = {
		{ "unreachable", "traps: unreachable in function unreachable" },
		{ "load", "traps: out of bounds access in function load" },
		{ "store", "traps: out of bounds access in function store" },
		{ "divide", "traps: integer divide by zero in function divide" },
		{ "overflow", "traps: integer overflow in function overflow" },
		{ "nan", "traps: conversion of NaN to an integer in function nan" },
		{ "empty", "traps: indirect call of an empty table entry in function " },
		{ "outside", "traps: indirect call outside of the table in function " },
		{ "signature",
		  "traps: indirect call of a function with another signature in function " },
		{ "copy", "traps: out of bounds access in function copy" },
		{ "fill", "traps: out of bounds access in function fill" },
		{ "init", "traps: out of bounds access in function init" },
		{ "set", "traps: out of bounds access in function set" },
		{ "deep", "traps: stack overflow in function deep" },
		{ "host", "traps: import env.fail failed in function host" },
	};
	char folder[WASM_PATH];
	struct wasm_instance *in;
	struct opened o;
	uint64_t v;

	if (open_module(&o, "traps", bad("traps", folder), ops, CODE_TOGGLE, tier) ||
	    wasm_instance_open(&in, o.module, &o.space, &o.thread, &o.wasi, o.error))
		fail_msg("%s: %s", ops->name, o.error);
	for (size_t i = 0; i < sizeof traps / sizeof *traps; i++) {
		if (call(&o, in, traps[i].export, &v) != WASM_TRAPPED)
			fail_msg("%s: %s: did not trap", ops->name, traps[i].export);
		if (strncmp(o.error, traps[i].what, strlen(traps[i].what)) != 0)
			fail_msg("%s: '%s', expected '%s'", ops->name, o.error, traps[i].what);
		/* The same instance goes on. */
		assert_int_equal(call(&o, in, "good", &v), WASM_RETURNED);
		assert_int_equal(v, 8);
	}
	assert_int_equal(call(&o, in, "init_nothing", &v), WASM_RETURNED);
	assert_int_equal(call(&o, in, "exit", &v), WASM_EXITED);
	assert_int_equal(o.thread.exit_code, 3);
	assert_int_equal(call(&o, in, "grow", &v), WASM_RETURNED);
	assert_int_equal((uint32_t)v, UINT32_MAX);
	wasm_instance_close(in);
	close_module(&o);
}

static void test_traps(void **unused)
{
	(void)unused;
	for (int s = 0; stub_strategies[s]; s++)
		for (unsigned tier = 0; tier <= 2; tier += 2)
			check_traps(stub_strategies[s], tier);
}

/* ---- Modules that can't be instantiated ------------------------------------------------------ */

static void test_instantiation(void **unused)
{
	static const struct {
		const char *name, *what;
	} modules[] = {
		{ "start", "start: out of bounds access in function " },
		{ "missing", "missing: missing import: the host has no function env.nothing" },
		{ "signature", "signature: import env.add has signature li>i; the host's is ii>i" },
		{ "segment",
		  "segment: out of bounds access, of a segment, while it is instantiated" },
	};
	char folder[WASM_PATH];

	(void)unused;
	for (int s = 0; stub_strategies[s]; s++)
		for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
			const char *name = modules[i].name;
			struct wasm_instance *in;
			struct code_stats stats;
			struct opened o;

			if (open_module(&o, name, bad(name, folder), stub_strategies[s],
					CODE_TOGGLE, 0))
				fail_msg("%s", o.error);
			assert_int_equal(wasm_instance_open(&in, o.module, &o.space, &o.thread,
							    &o.wasi, o.error),
					 -EINVAL);
			if (strncmp(o.error, modules[i].what, strlen(modules[i].what)) != 0)
				fail_msg("'%s', expected '%s'", o.error, modules[i].what);
			code_get_stats(o.code, &stats);
			assert_null(o.thread.instances);
			close_module(&o);
		}
}

/* Refused with the file alone, before there is any code. */
static void test_not_opened(void **unused)
{
	struct opened o;
	char folder[WASM_PATH];

	(void)unused;
	assert_int_equal(
	    open_module(&o, "entry", bad("entry", folder), stub_strategies[0], CODE_TOGGLE, 0),
	    -EINVAL);
	assert_string_equal(o.error,
			    "entry: element 0 of segment 0, function 0: 17 parameters (at most 16 "
			    "pass a stub) can't be taken; workloads/wasm/README.md lists what can");
	close_module(&o);
}

static void test_not_built(void **unused)
{
	struct opened o;

	(void)unused;
	assert_int_equal(open_module(&o, "nothing", "/nowhere", stub_strategies[0], CODE_TOGGLE, 0),
			 -ENOENT);
	assert_string_equal(o.error, "nothing: not built (/nowhere): run `make wasm`");
	close_module(&o);
}

/* ---- Cells ----------------------------------------------------------------------------------- */

static enum measure_status run_cell(const char *workload, unsigned tier, char why[CELL_ERROR])
{
	struct job job = { .seed = 1, .iterations = 1, .cache = cache };
	json_t *figures = json_array();

	cell_defaults(&job.cell);
	assert_true(snprintf(job.cell.workload, sizeof job.cell.workload, "%s", workload) <
		    (int)sizeof job.cell.workload);
	job.cell.tier = tier;
	cell_resolve(&job.cell);
	prepare_cells(&job.cell, 1, 1, false,
		      &(struct sweep_options){ .cache = job.cache, .data = "", .name = "test" });
	enum measure_status m = measure_job(&job, figures, why);
	assert_true(m != MEASURE_OK || json_array_size(figures) > 10);
	json_decref(figures);
	return m;
}

static void write_file(const char *path, const void *bytes, size_t n)
{
	FILE *out = fopen(path, "wb");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, n, out), n);
	fclose(out);
}

/* A module by its path is a cell like any other: it fails with a line, and the next one runs. */
static void test_cells(void **unused)
{
	static const struct {
		const char *name, *what;
	} cells[] = {
		{ "start", "out of bounds access in function (start)" },
		{ "missing", "missing import: the host has no function env.nothing" },
		{ "traps",
		  "exports neither _start() nor both steps() -> i32 and step(i32) -> i32" },
		{ "set", "table entry 1: no stub passes the signature iiiiiiiiiiiiiiiii> of " },
	};
	static const uint8_t tail_call[] = "\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0"
					   "\12\6\1\4\0\x12\0\x0b";
	char path[] = "/tmp/stubmap-module-XXXXXX.wasm", workload[64], why[CELL_ERROR];
	char from[WASM_PATH + 32];
	static uint8_t bytes[1 << 17];

	(void)unused;
	close(mkstemps(path, 5));
	snprintf(workload, sizeof workload, "wasm:%s", path);
	for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
		snprintf(from, sizeof from, "%s/bad/%s/module.wasm", root, cells[i].name);
		FILE *in = fopen(from, "rb");
		assert_non_null(in);
		size_t n = fread(bytes, 1, sizeof bytes, in);
		fclose(in);
		write_file(path, bytes, n);
		assert_int_equal(run_cell(workload, 2, why), MEASURE_FAILED);
		if (!strstr(why, cells[i].what) || strncmp(why, path, strlen(path)) != 0)
			fail_msg("'%s', expected '%s'", why, cells[i].what);
		assert_int_equal(run_cell("wasm:kernel", 2, why), MEASURE_OK);
	}
	write_file(path, tail_call, sizeof tail_call - 1);
	assert_int_equal(run_cell(workload, 2, why), MEASURE_FAILED);
	if (!strstr(why, ".wasm: function 0: tail calls can't be taken;"))
		fail_msg("'%s'", why);
	unlink(path);
}

/* A program without end is a failed cell, and the line says what sets the limit. */
static void test_no_end(void **unused)
{
	const struct spawn_options o = { .timeout_ms = 1000 };
	char path[WASM_PATH + 32];
	struct cell cell;
	json_t *record;

	(void)unused;
	snprintf(path, sizeof path, "%s/bad/loop/module.wasm", root);
	char link[] = "/tmp/stubmap-loop-XXXXXX.wasm";
	close(mkstemps(link, 5));
	unlink(link);
	assert_int_equal(symlink(path, link), 0);
	cell_defaults(&cell);
	snprintf(cell.workload, sizeof cell.workload, "wasm:%s", link);
	cell_resolve(&cell);
	prepare_cells(&cell, 1, 1, false,
		      &(struct sweep_options){ .cache = cache, .data = "", .name = "test" });
	json_t *job = json_pack("{s:o, s:i, s:i, s:s, s:s}", "cell", cell_to_json(&cell), "seed", 1,
				"iterations", 1, "data", "", "cache", cache);
	assert_int_equal(spawn_job(job, &o, &record), 0);
	const char *why = json_string_value(json_object_get(record, "why"));
	if (!why || strncmp(why, "no end after 1 s: ", 18) != 0 ||
	    !strstr(why, " (--timeout sets the limit)"))
		fail_msg("'%s'", why ? why : "");
	json_decref(job);
	json_decref(record);
	unlink(link);
}

/* ---- Files that can't be taken --------------------------------------------------------------- */

#define HEAD	      "\0asm\1\0\0\0"
#define TWO_FUNCTIONS HEAD "\1\4\1\x60\0\0\3\3\2\0\0"
#define TABLES_4      "\x6f\0\0\x6f\0\0\x6f\0\0\x70\0\0"

static void test_refused_files(void **unused)
{
#define FILE_OF(bytes) (const uint8_t *)(bytes), sizeof(bytes) - 1
	static const struct {
		const uint8_t *bytes;
		size_t size;
		const char *what;
	} files[] = {
		{ FILE_OF(""), "m: not a wasm module" },
		{ FILE_OF("\177ELF\1\0\0\0"), "m: not a wasm module" },
		{ FILE_OF("\0asm\2\0\0\0"), "m: wasm of another version than 1" },
		{ FILE_OF(HEAD "\16\1\0"), "m: unknown section 14 at byte 8" },
		{ FILE_OF(HEAD "\0\1\0\52\0"), "m: unknown section 42 at byte 11" },
		{ FILE_OF(HEAD "\1\5\0"), "m: cut off at byte 8" },
		{ FILE_OF(HEAD "\1\1\0\1\1\0"), "m: section 1 twice, at byte 11" },
		{ FILE_OF(HEAD "\1\4\1\x60\0\0\3\2\1\0\2\7\1\1e\1f\0\0"),
		  "m: section 2 out of order, at byte 18" },
		{ FILE_OF(HEAD "\1\4\1\x60\0\0\3\2\1\0\7\6\1\2\303\251\0\0"),
		  "m: export ??: names of printable ASCII" },
		{ FILE_OF(HEAD "\1\2\0\0"), "m: damaged section 1 at byte 8" },
		{ FILE_OF(HEAD "\5\5\1\0\200\200\2"),
		  "m: too large: a memory of 32768 pages, at most 16384 are allowed" },
		{ FILE_OF(HEAD "\1\3\1\x60\0"), "m: damaged section 1 at byte 8" },
		{ FILE_OF(HEAD "\5\3\1\20\1"), "m: a memory with unknown limits (flags 0x10)" },
		{ FILE_OF(HEAD "\4\6\1\x70\0\201\200\100"),
		  "m: too large: a table of 1048577 entries, at most 1048576 are allowed" },
		/* all together, of whatever type */
		{ FILE_OF(HEAD "\4\11\2\x6f\0\200\200\100\x70\0\1"),
		  "m: too large: tables of 1048577 entries together, at most 1048576 are allowed" },
		{ FILE_OF(HEAD "\4\64\21" TABLES_4 TABLES_4 TABLES_4 TABLES_4 "\x6f\0\0"),
		  "m: table 16: more than 16 tables can't be taken" },
		{ FILE_OF(HEAD "\1\4\1\x60\0\0\2\7\1\1e\1f\0\1"), "m: import e.f: type 1 of 1" },
		{ FILE_OF(HEAD "\7\4\1\1f\0\0"), "m: damaged section 7 at byte 8" },
		{ FILE_OF(HEAD "\7\5\1\1f\0\0"), "m: export f: function 0 of 0" },
		{ FILE_OF(HEAD "\11\7\1\0\x41\0\x0b\1\7"),
		  "m: element 0 of segment 0: function 7 of 0" },
		{ FILE_OF(HEAD "\11\2\1\10"), "m: element segment 0: unknown flags 0x8" },
		{ FILE_OF(HEAD "\13\2\1\3"), "m: data segment 0: unknown flags 0x3" },
		{ FILE_OF(HEAD "\13\3\1\1\7"), "m: damaged section 11 at byte 8" },
		/* 50,001 locals; 50,000 in each of two functions */
		{ FILE_OF(TWO_FUNCTIONS "\12\12\1\10\2\120\x7f\201\206\3\x7f\x0b"),
		  "m: too large: function 0: at most 50000 locals are allowed, parameters "
		  "included" },
		{ FILE_OF(TWO_FUNCTIONS "\12\17\2\6\1\320\206\3\x7f\x0b"
					"\6\1\320\206\3\x7f\x0b"),
		  "m: too large: the locals of all functions: at most 50036 are allowed, 50000 and "
		  "one for each byte of the file" },
		{ FILE_OF(HEAD "\12\3\1\7\0"), "m: damaged section 10 at byte 8" },
		{ FILE_OF(HEAD "\12\4\1\2\0\x41"), "m: damaged section 10 at byte 8" },
	};
	char error[WASM_FILE_ERROR];
	struct wasm_file f;

	(void)unused;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		assert_int_equal(wasm_file_parse(&f, "m", files[i].bytes, files[i].size, error),
				 -EINVAL);
		if (strncmp(error, files[i].what, strlen(files[i].what)) != 0)
			fail_msg("file %zu: '%s', expected '%s'", i, error, files[i].what);
		wasm_file_close(&f);
	}
}

/* A whole module, cut off anywhere or with bytes changed: it is refused or taken, no more. */
static void test_damaged_files(void **unused)
{
	enum { HITS = 4000 };
	char path[WASM_PATH + 32], error[WASM_FILE_ERROR];
	size_t size, taken = 0;
	struct wasm_file f;
	struct prng rng;

	(void)unused;
	snprintf(path, sizeof path, "%s/kernel/module.wasm", root);
	FILE *in = fopen(path, "rb");
	assert_non_null(in);
	uint8_t *whole = malloc(1 << 20);
	size = fread(whole, 1, 1 << 20, in);
	fclose(in);
	assert_int_equal(wasm_file_parse(&f, "kernel", whole, size, error), 0);
	assert_in_range(f.nimports, 12, 40);
	assert_in_range(f.nexports, 3, 5);
	wasm_file_close(&f);
	for (size_t n = 0; n < size; n += n < 3000 ? 1 : 211) {
		uint8_t *part = malloc(n + 1); /* so that a byte too far is seen */

		memcpy(part, whole, n);
		part = realloc(part, n ? n : 1);
		taken += !wasm_file_parse(&f, "kernel", part, n, error);
		wasm_file_close(&f);
		free(part);
	}
	assert_in_range(taken, 1, 20); /* cut off between two sections */
	prng_seed(&rng, 5);
	for (int i = 0; i < HITS; i++) {
		/* sections with few bytes come first: half of the hits are for them */
		uint32_t at = prng_below(&rng, i & 1 ? 1500 : (uint32_t)size);
		uint8_t old = whole[at];

		whole[at] = (uint8_t)prng_next(&rng);
		wasm_file_parse(&f, "kernel", whole, size, error);
		wasm_file_close(&f);
		whole[at] = old;
	}
	free(whole);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_traps),	      cmocka_unit_test(test_instantiation),
		cmocka_unit_test(test_not_built),     cmocka_unit_test(test_not_opened),
		cmocka_unit_test(test_cells),	      cmocka_unit_test(test_no_end),
		cmocka_unit_test(test_refused_files), cmocka_unit_test(test_damaged_files),
	};

	/* What prepare_cells starts is this program again. */
	if (argc == 3 && !strcmp(argv[1], "child"))
		return child_main(argc - 1, argv + 1);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
