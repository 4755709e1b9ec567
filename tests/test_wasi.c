/*
 * test_wasi.c - WASI in memory, call by call: files, descriptors, and a program that gives
 * addresses and lengths at random.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "wasm/wasi.h"

enum { SIZE = 65536, OK = 0, E_BADF = 8, E_FAULT = 21, E_NOENT = 44, E_NOSPC = 51, E_SPIPE = 70 };
enum { ROOT = 3, O_CREATE = 1, O_TRUNCATE = 8 };

struct program {
	struct wasi wasi;
	uint8_t *memory;
};

static void begin(struct program *p)
{
	static const char *const args[] = { "program", "--flag" };

	wasi_open(&p->wasi, args, 2, 9);
	p->memory = calloc(1, SIZE); /* its own allocation, so that a byte too far is seen */
	assert_non_null(p->memory);
}

static void end(struct program *p)
{
	wasi_close(&p->wasi);
	free(p->memory);
}

static uint32_t call_row(struct program *p, const struct wasi_function *f, const uint64_t a[9])
{
	struct wasi_call c = { .wasi = &p->wasi, .memory = p->memory, .size = SIZE };

	memcpy(c.a, a, sizeof c.a);
	return f->call(&c);
}

#define CALL(p, name, ...) call_row(p, find(name), (const uint64_t[9]){ __VA_ARGS__ })

static const struct wasi_function *find(const char *name)
{
	const struct wasi_function *f = wasi_functions;

	while (f->name && strcmp(f->name, name) != 0)
		f++;
	assert_non_null(f->name);
	return f;
}

static uint32_t word(const struct program *p, uint32_t at)
{
	uint32_t v;

	memcpy(&v, p->memory + at, sizeof v);
	return v;
}

static void put(struct program *p, uint32_t at, uint32_t v)
{
	memcpy(p->memory + at, &v, sizeof v);
}

/* One pair (address, length) at 64. */
static void vector(struct program *p, uint32_t address, uint32_t n)
{
	put(p, 64, address);
	put(p, 68, n);
}

static uint32_t open_file(struct program *p, const char *name, uint32_t how)
{
	memcpy(p->memory + 128, name, strlen(name));
	if (CALL(p, "path_open", ROOT, 0, 128, strlen(name), how, 0, 0, 0, 32) != OK)
		return UINT32_MAX;
	return word(p, 32);
}

static void test_files(void **unused)
{
	struct program p;

	(void)unused;
	begin(&p);
	assert_int_equal(open_file(&p, "data", 0), UINT32_MAX);
	uint32_t fd = open_file(&p, "./data", O_CREATE);
	assert_true(fd > ROOT && fd < WASI_FDS);
	memcpy(p.memory + 256, "written", 7);
	vector(&p, 256, 7);
	assert_int_equal(CALL(&p, "fd_write", fd, 64, 1, 40), OK);
	assert_int_equal(word(&p, 40), 7);
	assert_int_equal(CALL(&p, "fd_pwrite", fd, 64, 1, 10, 40), OK);
	assert_int_equal(CALL(&p, "fd_seek", fd, (uint64_t)-3, 2, 48), OK);
	assert_int_equal(word(&p, 48), 14);
	vector(&p, 512, 100);
	assert_int_equal(CALL(&p, "fd_read", fd, 64, 1, 40), OK);
	assert_int_equal(word(&p, 40), 3);
	assert_memory_equal(p.memory + 512, "ten", 3);
	assert_int_equal(CALL(&p, "fd_pread", fd, 64, 1, 7, 40), OK);
	assert_int_equal(word(&p, 40), 10);
	assert_memory_equal(p.memory + 512, "\0\0\0written", 10);
	/* Its name goes first, then its last descriptor. */
	assert_int_equal(CALL(&p, "path_filestat_get", ROOT, 0, 128, 6, 600), OK);
	assert_int_equal(word(&p, 632), 17);
	assert_int_equal(CALL(&p, "path_unlink_file", ROOT, 128, 6), OK);
	assert_int_equal(CALL(&p, "path_filestat_get", ROOT, 0, 128, 6, 600), E_NOENT);
	assert_int_equal(CALL(&p, "fd_filestat_get", fd, 600), OK);
	assert_int_equal(CALL(&p, "fd_close", fd), OK);
	assert_int_equal(CALL(&p, "fd_close", fd), E_BADF);
	/* The name is free for another file, an empty one. */
	fd = open_file(&p, "data", O_CREATE | O_TRUNCATE);
	assert_int_equal(CALL(&p, "fd_filestat_get", fd, 600), OK);
	assert_int_equal(word(&p, 632), 0);
	end(&p);
}

static void test_output(void **unused)
{
	struct program p;
	size_t size;

	(void)unused;
	begin(&p);
	memcpy(p.memory + 256, "one two", 7);
	put(&p, 64, 256), put(&p, 68, 3), put(&p, 72, 259), put(&p, 76, 4);
	assert_int_equal(CALL(&p, "fd_write", 1, 64, 2, 40), OK);
	assert_int_equal(word(&p, 40), 7);
	assert_int_equal(wasi_print(&p.wasi, "!", 1), 0);
	const char *said = wasi_output(&p.wasi, &size);
	assert_int_equal(size, 8);
	assert_memory_equal(said, "one two!", 8);
	assert_int_equal(CALL(&p, "fd_seek", 1, 0, 0, 40), E_SPIPE);
	assert_int_equal(CALL(&p, "fd_write", 0, 64, 1, 40), E_BADF);
	assert_int_equal(CALL(&p, "args_sizes_get", 40, 44), OK);
	assert_int_equal(word(&p, 40), 2);
	assert_int_equal(word(&p, 44), 15);
	assert_int_equal(CALL(&p, "args_get", 40, 300), OK);
	assert_string_equal((char *)p.memory + word(&p, 44), "--flag");
	end(&p);
}

static void test_bad_addresses(void **unused)
{
	struct program p;

	(void)unused;
	begin(&p);
	uint32_t fd = open_file(&p, "data", O_CREATE);
	vector(&p, SIZE - 2, 3);
	assert_int_equal(CALL(&p, "fd_write", fd, 64, 1, 40), E_FAULT);
	assert_int_equal(CALL(&p, "fd_write", fd, SIZE - 4, 1, 40), E_FAULT);
	vector(&p, 256, 8);
	assert_int_equal(CALL(&p, "fd_write", fd, 64, 1, SIZE - 3), E_FAULT);
	/* An offset that wraps around. */
	assert_int_equal(CALL(&p, "fd_pwrite", fd, 64, 1, (uint64_t)-4, 40), E_NOSPC);
	assert_int_equal(CALL(&p, "fd_pwrite", fd, 64, 1, 1ull << 40, 40), E_NOSPC);
	assert_int_equal(CALL(&p, "fd_filestat_set_size", fd, 1ull << 40), E_NOSPC);
	assert_int_equal(CALL(&p, "random_get", SIZE - 1, 2), E_FAULT);
	end(&p);
}

/* Every call with every kind of nonsense: an answer, and no byte outside the memory. */
static void test_nonsense(void **unused)
{
	static const uint64_t words[] = { 0,	    1,		3,	    4,	       31,
					  32,	    64,		SIZE - 64,  SIZE - 1,  SIZE,
					  SIZE + 1, 0x7fffffff, 0xfffffff8, 0xffffffff };
	enum { CALLS = 30000, WORDS = sizeof words / sizeof *words };
	struct program p;
	struct prng rng;

	(void)unused;
	begin(&p);
	prng_seed(&rng, 3);
	size_t n = 0;
	while (wasi_functions[n].name)
		n++;
	for (int i = 0; i < CALLS; i++) {
		const struct wasi_function *f = &wasi_functions[prng_below(&rng, (uint32_t)n)];
		uint64_t a[9];

		for (int k = 0; k < 9; k++)
			a[k] = prng_below(&rng, 4) ? words[prng_below(&rng, WORDS)]
						   : prng_below(&rng, 512);
		if (f->call)
			assert_in_range(call_row(&p, f, a), 0, 76);
	}
	end(&p);
}

/* A program that prints nothing. */
static void test_no_output(void **state)
{
	struct program p;
	size_t size = 1;

	(void)state;
	begin(&p);
	assert_int_equal(wasi_print(&p.wasi, "", 0), 0);
	assert_string_equal(wasi_output(&p.wasi, &size), "");
	assert_int_equal(size, 0);
	end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),	  cmocka_unit_test(test_output),
		cmocka_unit_test(test_no_output), cmocka_unit_test(test_bad_addresses),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
