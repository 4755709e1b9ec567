/*
 * The compiler: both tiers, bad input, the object cache, statepoints.
 */
#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "child_helpers.h"
#include "forbid.h"
#include "jit/space.h"
#include "jit_helpers.h"

/* ---- Tiers ----------------------------------------------------------------------------------- */

static void tiers_agree(void **unused)
{
	struct code_memory *code = opened();
	struct code_stats stats;
	char error[JIT_ERROR];

	(void)unused;
	for (unsigned tier = 0; tier <= 2; tier += 2) {
		struct jit_object object = compiled(program, &(struct jit_options){ .tier = tier });
		struct world none = { 0 };
		struct loaded m;
		static const uint8_t frame[4] = { 0x55, 0x48, 0x89, 0xe5 };

		assert_int_equal(load(code, &object, &none, &m, error), 0);
		assert_false(object.cached);
		assert_true(object.compile_ns > 0);
		assert_int_equal(call(&m, "run", 77), program_in_c(77));
		assert_memory_equal(loaded_address(&m, "run"), frame, sizeof(frame));
		assert_int_equal((uintptr_t)m.text % 4096, 48);
		assert_int_equal(none.calls + none.data, 0);
		for (size_t i = 0; i < m.nfunctions; i++) {
			const struct load_function *f = &m.functions[i];
			const char *at = f->code;

			assert_true(i == 0 || m.functions[i - 1].code < f->code);
			assert_ptr_equal(loaded_address(&m, f->name), f->code);
			assert_ptr_equal(loaded_function_at(&m, at), f);
			assert_ptr_equal(loaded_function_at(&m, at + f->size - 1), f);
			assert_in_range((uintptr_t)at, (uintptr_t)m.text,
					(uintptr_t)m.text + m.text_size - f->size);
		}
		assert_null(loaded_function_at(&m, m.text - 1));
		assert_null(loaded_function_at(&m, m.text + m.text_size));
		assert_null(loaded_address(&m, "nobody"));
		code_get_stats(code, &stats);
		assert_true(m.region_used >= m.text_size && stats.quanta_modules > 0);
		jit_unload(&m);
		jit_object_free(&object);
		code_get_stats(code, &stats);
		assert_int_equal(stats.quanta_modules, 0);
	}
	code_close(code);
}

static void bad_input_gives_one_line(void **unused)
{
	static const struct {
		const char *text, *holds;
		unsigned tier;
	} bad[] = {
		{ "define i64 @f( {", "test:1:", 2 },
		{ "", "test", 1 },
		{ "define i64 @f() { %r = add i64 %r, 1\n ret i64 %r }", "test", 2 },
		{ "define void @f() { call void asm sideeffect \"nonsense\", \"\"()\n ret void }",
		  "nonsense", 2 },
		{ "define void @f() { call void asm sideeffect \"nonsense\", \"\"()\n ret void }",
		  "nonsense", 0 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct jit_options options = { .tier = bad[i].tier };
		struct jit_object object;
		char error[JIT_ERROR];

		assert_int_equal(
		    jit_compile("test", bad[i].text, strlen(bad[i].text), &options, &object, error),
		    -EINVAL);
		assert_one_line(error, bad[i].holds);
		assert_null(object.data);
	}
}

/* ---- The cache ------------------------------------------------------------------------------- */

/* The only file of a folder. */
static void only_file(const char *folder, char path[4352])
{
	DIR *dir = opendir(folder);
	unsigned n = 0;

	assert_non_null(dir);
	for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, 4352, "%s/%s", folder, e->d_name);
		n++;
	}
	closedir(dir);
	assert_int_equal(n, 1);
}

static void damage(const char *path, long at, bool truncated)
{
	FILE *f = fopen(path, "r+b");
	int c;

	assert_non_null(f);
	if (truncated) {
		assert_int_equal(ftruncate(fileno(f), at), 0);
	} else {
		assert_int_equal(fseek(f, at, SEEK_SET), 0);
		c = fgetc(f);
		assert_int_equal(fseek(f, at, SEEK_SET), 0);
		fputc(c ^ 1, f);
	}
	assert_int_equal(fclose(f), 0);
}

static void the_cache_gives_the_same_object_or_none(void **unused)
{
	static const struct {
		long at;
		bool truncated;
	} damages[] = { { 0, true },  { 20, true },  { 300, true }, { 0, false },
			{ 8, false }, { 17, false }, { 33, false }, { 500, false } };
	char root[] = "/tmp/stubmap-test-XXXXXX", folder[64], path[4352];
	struct jit_options options = { .tier = 2, .cache = folder };
	struct jit_object first, again;

	(void)unused;
	assert_non_null(mkdtemp(root));
	snprintf(folder, sizeof(folder), "%s/a/b", root);
	first = compiled(program, &options);
	assert_false(first.cached);
	only_file(folder, path);
	for (size_t i = 0; i <= sizeof(damages) / sizeof(damages[0]); i++) {
		again = compiled(program, &options);
		assert_true(again.cached);
		assert_int_equal(again.size, first.size);
		assert_memory_equal(again.data, first.data, first.size);
		jit_object_free(&again);
		if (i == sizeof(damages) / sizeof(damages[0]))
			break;
		damage(path, damages[i].at, damages[i].truncated);
		again = compiled(program, &options);
		assert_false(again.cached);
		assert_memory_equal(again.data, first.data, first.size);
		jit_object_free(&again);
	}
	unlink(path);
	options.tier = 0;
	again = compiled(program, &options);
	jit_object_free(&again);
	options.tier = 2;
	again = compiled(program, &options);
	assert_false(again.cached); /* another tier's object is not taken */
	jit_object_free(&again);
	jit_object_free(&first);
	snprintf(folder, sizeof(folder), "rm -r %s", root);
	assert_int_equal(system(folder), 0);
}

static void a_cache_that_cannot_be_written_is_no_error(void **unused)
{
	struct jit_options options = { .tier = 0, .cache = "/dev/null/no" };

	(void)unused;
	for (int i = 0; i < 2; i++) {
		struct jit_object object = compiled(program, &options);

		assert_false(object.cached);
		jit_object_free(&object);
	}
}

/* ---- Statepoints ----------------------------------------------------------------------------- */

static const char collected[] =
    "declare ptr addrspace(1) @allocate()\n"
    "declare void @poll_runtime()\n"
    "define void @gc.safepoint_poll() { call void @poll_runtime()\n ret void }\n"
    "define i64 @f(i64 %x) {\n"
    "entry: %a = call ptr addrspace(1) @allocate()\n store i64 %x, ptr addrspace(1) %a\n"
    " br label %loop\n"
    "loop: %i = phi i64 [ 0, %entry ], [ %i1, %loop ]\n"
    " %b = call ptr addrspace(1) @allocate()\n store i64 %i, ptr addrspace(1) %b\n"
    " %v = load i64, ptr addrspace(1) %a\n %s = add i64 %v, 2\n"
    " store i64 %s, ptr addrspace(1) %a\n"
    " %i1 = add i64 %i, 1\n %m = icmp ult i64 %i1, %x\n br i1 %m, label %loop, label %end\n"
    "end: %r = load i64, ptr addrspace(1) %a\n ret i64 %r }\n";

static const void *allocate(void)
{
	static uint64_t heap[256];
	static unsigned next;

	return &heap[next++ % 256];
}

static void poll_runtime(void)
{
}

static void statepoints_have_maps(void **unused)
{
	struct code_memory *code = opened();
	struct world world = { .symbols = { { "allocate", NULL }, { "poll_runtime", NULL } } };
	const void *(*a)(void) = allocate;
	void (*p)(void) = poll_runtime;
	uint32_t records[2][2];

	(void)unused;
	memcpy(&world.symbols[0].at, &a, sizeof(a));
	memcpy(&world.symbols[1].at, &p, sizeof(p));
	for (int i = 0; i < 4; i++) {
		const struct jit_options options = { .tier = i & 2,
						     .statepoints = true,
						     .polls = i & 1 };
		struct jit_object object = compiled(collected, &options);
		uint32_t nfunctions;
		uint64_t function;
		struct loaded m;
		char error[JIT_ERROR];

		if (load(code, &object, &world, &m, error) != 0)
			fail_msg("%s", error);
		assert_int_equal(call(&m, "f", 10), 10 + 2 * 10);
		assert_non_null(m.stackmaps);
		assert_int_equal(m.stackmaps[0], 3); /* the format's version */
		memcpy(&nfunctions, m.stackmaps + 4, 4);
		memcpy(&records[i >> 1][i & 1], m.stackmaps + 12, 4);
		assert_true(nfunctions >= 1);
		memcpy(&function, m.stackmaps + 16, 8);
		assert_non_null(loaded_function_at(&m, (void *)(uintptr_t)function));
		jit_unload(&m);
		jit_object_free(&object);
	}
	for (int i = 0; i < 2; i++) {
		assert_true(records[i][0] >= 2);
		assert_true(records[i][1] > records[i][0]); /* polls are safepoints, too */
	}
	code_close(code);
}

/* ---- Where code goes ------------------------------------------------------------------------- */

static const struct stub_runtime nobody = { 0 };

static void says(const char *what, const char *error, const char *words)
{
	if (!strstr(error, words))
		fail_msg("%s: '%s' does not say '%s'", what, error, words);
}

static void what_prevents_a_space_is_said(void **unused)
{
	const struct stub_ops *pool = stub_strategy("pool"), *lazy = stub_strategy("lazy+pool");
	const struct stub_config baked = { .literals = STUB_LITERALS_BAKED }, own = { 0 };
	struct code_memory *code;
	struct stub_space space;
	char error[JIT_ERROR];

	(void)unused;
	assert_int_equal(jit_code_open(&code, &(struct code_config){ .quantum = 5000 }, error),
			 -EINVAL);
	assert_null(code);
	says("quantum", error,
	     "code memory toggle, quantum 5000: quanta of 4096, 16384, 65536 or 2097152");
	assert_int_equal(jit_code_open(&code, &(struct code_config){ .quantum = 4096 }, error), 0);
	assert_int_equal(jit_space_open(&space, pool, code, &baked, &nobody, error), -EINVAL);
	says("literals", error, "pool can't have its literals baked");
	assert_int_equal(jit_space_open(&space, lazy, code, &own, &nobody, error), -EINVAL);
	says("runtime", error, "lazy+pool calls a function that this host does not have");
	code_close(code);
}

/* In a process of its own: 0 where the line says why. */
static int open_running_without_membarrier(void)
{
	const struct code_config config = { .wx = CODE_DUAL, .quantum = 4096 };
	const struct stub_config running = { .running = true };
	struct code_memory *code;
	struct stub_space space;
	char error[JIT_ERROR];

	forbid(SYS_membarrier, ENOSYS);
	if (jit_code_open(&code, &config, error))
		return 125;
	if (jit_space_open(&space, stub_strategy("pool"), code, &running, &nobody, error) !=
	    -ENOSYS)
		return 1;
	return strstr(error, "wx dual need membarrier") ? 0 : 2;
}

static void a_kernel_without_membarrier_is_said(void **unused)
{
	pid_t child = child_fork();

	(void)unused;
	if (child == 0)
		_exit(open_running_without_membarrier());
	assert_int_equal(child_wait(child), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tiers_agree),
		cmocka_unit_test(bad_input_gives_one_line),
		cmocka_unit_test(the_cache_gives_the_same_object_or_none),
		cmocka_unit_test(a_cache_that_cannot_be_written_is_no_error),
		cmocka_unit_test(statepoints_have_maps),
		cmocka_unit_test(what_prevents_a_space_is_said),
		cmocka_unit_test(a_kernel_without_membarrier_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
