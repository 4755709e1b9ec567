/* test_trace_file.c - traces to a file and back, every kind of damage to one, and a program whose
 * trace and misses are known, under lackey and cachegrind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/lackey.h"
#include "model/model.h"
#include "analysis/predict.h"
#include "base/prng.h"

static const uint64_t base = 0x7f0000000000;
static char folder[] = "/tmp/stubmap-test-XXXXXX";

static json_t *plain_head(void)
{
	return json_pack("{s:i, s:[[s,I,I],[s,I,I]], s:[[I,I,i]]}", "calls", 7, "ranges", "stub",
			 (json_int_t)base, (json_int_t)base + 0x10000, "table",
			 (json_int_t)base + 0x20000, (json_int_t)base + 0x30000, "aliases",
			 (json_int_t)(base >> 12) + 2, (json_int_t)(base >> 12), 2);
}

static char *path_of(const char *name)
{
	static char path[200];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

/* ---- To a file and back ----------------------------------------------------------------- */

static void round_trip(void **state)
{
	enum { N = 5000 };
	static const enum trace_kind kinds[] = { TRACE_FETCH, TRACE_LOAD, TRACE_STORE,
						 TRACE_MODIFY };
	struct trace_access *given = calloc(N, sizeof *given);
	struct trace_pack pack = { .head = plain_head() }, read;
	struct address_trace trace;
	char error[TRACE_ERROR];
	struct prng r;

	(void)state;
	assert_non_null(given);
	prng_seed(&r, 5);
	assert_int_equal(trace_add_lap(&pack), 0);
	for (size_t i = 0; i < N; i++) {
		given[i].kind = (uint8_t)kinds[prng_below(&r, 4)];
		/* anywhere in 47 bits, but not over a page's end */
		given[i].address = prng_next(&r) >> 17 & ~(uint64_t)0xfff;
		given[i].size = (uint16_t)(1 + prng_below(&r, prng_below(&r, 4) ? 40 : 4096));
		if (i && given[i].kind == TRACE_FETCH && given[i - 1].kind == TRACE_FETCH &&
		    given[i - 1].address % 4096 + given[i - 1].size + given[i].size <= 4096)
			given[i].address = given[i - 1].address + given[i - 1].size;
		if (i == N / 2)
			assert_int_equal(trace_add_lap(&pack), 0);
		assert_int_equal(trace_add(&pack, (enum trace_kind)given[i].kind, given[i].address,
					   given[i].size),
				 0);
	}
	assert_int_equal(trace_save(&pack, path_of("a.trace"), error), 0);
	assert_int_equal(trace_load(path_of("a.trace"), &read, error), 0);
	assert_int_equal(trace_open(&read, &trace, error), 0);
	assert_int_equal(trace.n, N);
	assert_int_equal(trace.nlaps, 2);
	assert_int_equal(trace.laps[0], 0);
	assert_int_equal(trace.laps[1], N / 2);
	assert_int_equal(trace.calls, 7);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(trace.accesses[i].address, given[i].address);
		assert_int_equal(trace.accesses[i].kind, given[i].kind);
		assert_int_equal(trace.accesses[i].size, given[i].size);
	}
	trace_close(&trace);
	trace_pack_free(&read);
	trace_pack_free(&pack);
	free(given);
}

static void owners_and_frames(void **state)
{
	static const struct {
		uint64_t address, physical;
		enum trace_class owner;
	} rows[] = {
		{ base + 0x40, base + 0x40, TRACE_STUB },
		{ base + 0x2040, base + 0x40, TRACE_STUB },
		{ base + 0x3040, base + 0x1040, TRACE_STUB },
		{ base + 0x4040, base + 0x4040, TRACE_STUB },
		{ base + 0x20000, base + 0x20000, TRACE_TABLE },
		{ base + 0x10000, base + 0x10000, TRACE_OTHER },
		{ 8, 8, TRACE_OTHER },
	};
	enum { N = sizeof rows / sizeof *rows };
	struct trace_pack pack = { .head = plain_head() };
	struct address_trace trace;
	char error[TRACE_ERROR];

	(void)state;
	trace_add_lap(&pack);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(trace_add(&pack, TRACE_LOAD, rows[i].address, 8), 0);
	/* from a page of its own into one that lies elsewhere */
	assert_int_equal(trace_add(&pack, TRACE_FETCH, base + 0x1ffd, 7), 0);
	assert_int_equal(trace_open(&pack, &trace, error), 0);
	assert_int_equal(trace.n, N + 2);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(trace.accesses[i].physical, rows[i].physical);
		assert_int_equal(trace.accesses[i].owner, rows[i].owner);
	}
	assert_int_equal(trace.accesses[N].size, 3);
	assert_false(trace.accesses[N].rest);
	assert_int_equal(trace.accesses[N + 1].address, base + 0x2000);
	assert_int_equal(trace.accesses[N + 1].physical, base);
	assert_int_equal(trace.accesses[N + 1].size, 4);
	assert_true(trace.accesses[N + 1].rest);
	trace_close(&trace);
	trace_pack_free(&pack);
	assert_int_equal(trace_add(&pack, TRACE_LOAD, base, 0), -22);
	assert_int_equal(trace_add(&pack, TRACE_LOAD, base, 4097), -22);
}

/* ---- Damage ----------------------------------------------------------------------------- */

static void write_bytes(const char *path, const uint8_t *data, size_t size)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

/* A damaged file is refused by one line that names it, or (its head, which has no hash) still
 * opens; never anything else. */
static void try(const uint8_t *data, size_t size, bool must_fail)
{
	char error[TRACE_ERROR] = "";
	struct trace_pack pack;
	struct address_trace trace;

	write_bytes(path_of("bad"), data, size);
	int e = trace_load(path_of("bad"), &pack, error);
	if (!e) {
		assert_false(must_fail);
		if (!(e = trace_open(&pack, &trace, error)))
			trace_close(&trace);
		trace_pack_free(&pack);
	} else {
		assert_non_null(strstr(error, path_of("bad")));
	}
	assert_true(e == 0 || e == -22);
	assert_true(!e || (*error && !strchr(error, '\n')));
}

/* Of no access at all: what comes back is refused or empty, and nothing dies of it. */
static void no_access(void **state)
{
	struct trace_pack pack = { .head = plain_head() }, read = { 0 };
	struct address_trace trace = { 0 };
	char error[TRACE_ERROR];

	(void)state;
	assert_int_equal(trace_save(&pack, path_of("empty"), error), 0);
	trace_pack_free(&pack);
	assert_int_equal(trace_load(path_of("empty"), &read, error), 0);
	unlink(path_of("empty"));
	assert_int_equal(read.size, 0);
	assert_int_not_equal(trace_open(&read, &trace, error), 0);
	trace_close(&trace);
	trace_pack_free(&read);
}

static void damage(void **state)
{
	struct trace_pack pack = { .head = plain_head() };
	uint8_t data[4096], copy[4096];
	char error[TRACE_ERROR];

	(void)state;
	trace_add_lap(&pack);
	for (uint64_t i = 0; i < 40; i++)
		trace_add(&pack, i % 3 ? TRACE_FETCH : TRACE_LOAD, base + 100 * i,
			  5 + 20 * (i % 2));
	assert_int_equal(trace_save(&pack, path_of("good"), error), 0);
	trace_pack_free(&pack);
	FILE *f = fopen(path_of("good"), "rb");
	assert_non_null(f);
	size_t size = fread(data, 1, sizeof data, f);
	fclose(f);
	assert_in_range(size, 100, sizeof data - 1);
	for (size_t n = 0; n < size; n++)
		try(data, n, true);
	data[size] = 0;
	try(data, size + 1, true);
	for (size_t i = 0; i < size; i++)
		for (int bit = 0; bit < 8; bit += 3) {
			memcpy(copy, data, size);
			copy[i] ^= (uint8_t)(1 << bit);
			try(copy, size, i < 20 || i >= size - 100);
		}
	try((const uint8_t *)"GIF89a, which is no trace at all, though long enough", 52, true);
	assert_int_equal(trace_load(path_of("none"), &pack, error), -2);
	assert_non_null(strstr(error, "none"));
}

/* Bodies that no writer makes, under heads that fit. */
static void bad_bodies(void **state)
{
	static const struct {
		uint8_t bytes[24];
		size_t size;
		uint64_t records;
	} rows[] = {
		{ { 0x08 }, 1, 1 },			 /* no lap */
		{ { 0, 0x09 }, 2, 2 },			 /* a load without an address */
		{ { 0, 0x02 }, 2, 2 },			 /* size 0, and not a lap */
		{ { 0, 0x0c }, 2, 2 },			 /* the address is missing */
		{ { 0, 0x0c, 0x80, 0x80 }, 4, 2 },	 /* half of it is */
		{ { 0, 0xf8, 0 }, 3, 2 },		 /* a long size of 0 */
		{ { 0, 0xf8, 0x80, 0x80, 0x01 }, 5, 2 }, /* more than a page */
		{ { 0, 0x0c, 0x01 }, 3, 2 },		 /* an address past the end of all */
		{ { 0, 0x08 }, 2, 1 },			 /* more than it says */
		{ { 0, 0x08 }, 2, 3 },			 /* less than it says */
		{ { 0, 0x08 }, 2, UINT64_MAX },
		{ { 0, 0x0c, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1 }, 14, 2 },
	};
	char error[TRACE_ERROR];
	struct address_trace trace;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct trace_pack pack = { .head = plain_head(),
					   .data = malloc(24),
					   .size = rows[i].size,
					   .records = rows[i].records };
		assert_non_null(pack.data);
		memcpy(pack.data, rows[i].bytes, 24);
		assert_int_equal(trace_open(&pack, &trace, error), -22);
		assert_memory_equal(error, "trace: ", 7);
		trace_pack_free(&pack);
	}
}

static void bad_heads(void **state)
{
	static const char *const heads[] = {
		"{}",
		"{\"calls\":1,\"ranges\":[]}",
		"{\"calls\":0,\"ranges\":[],\"aliases\":[]}",
		"{\"calls\":1,\"ranges\":{},\"aliases\":[]}",
		"{\"calls\":1,\"ranges\":[[\"stub\",5,5]],\"aliases\":[]}",
		"{\"calls\":1,\"ranges\":[[\"stub\",5,9],[\"stub\",8,10]],\"aliases\":[]}",
		"{\"calls\":1,\"ranges\":[[\"nobody\",5,9]],\"aliases\":[]}",
		"{\"calls\":1,\"ranges\":[],\"aliases\":[[1,2]]}",
		"{\"calls\":1,\"ranges\":[],\"aliases\":[[1,2,0]]}",
		"{\"calls\":1,\"ranges\":[],\"aliases\":[[9223372036854775807,2,1]]}",
	};
	char error[TRACE_ERROR];
	struct address_trace trace;

	(void)state;
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
		struct trace_pack pack = { .head = json_loads(heads[i], 0, NULL) };
		assert_non_null(pack.head);
		assert_int_equal(trace_add_lap(&pack), 0);
		assert_int_equal(trace_open(&pack, &trace, error), -22);
		trace_pack_free(&pack);
	}
}

/* ---- A program whose misses are known ---------------------------------------------------- */

enum { STUBS = 12, PAGE = 4096, LAPS = 50, ENTRY = 0x10000000 };

/* Calls STUBS page starts in a ring, LAPS times; each is one load and a return. */
static void write_program(const char *path)
{
	static uint8_t image[(STUBS + 2) * PAGE];
	uint8_t *at = image + PAGE, *next;
	Elf64_Ehdr h = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				      EV_CURRENT },
			 .e_type = ET_EXEC,
			 .e_machine = EM_X86_64,
			 .e_version = EV_CURRENT,
			 .e_entry = ENTRY,
			 .e_phoff = sizeof h,
			 .e_ehsize = sizeof h,
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phnum = 1 };
	Elf64_Phdr p = { .p_type = PT_LOAD,
			 .p_flags = PF_R | PF_W | PF_X,
			 .p_offset = PAGE,
			 .p_vaddr = ENTRY,
			 .p_filesz = sizeof image - PAGE,
			 .p_memsz = sizeof image - PAGE,
			 .p_align = PAGE };

	memcpy(image, &h, sizeof h);
	memcpy(image + sizeof h, &p, sizeof p);
	memcpy(at, "\xbb\x32\0\0\0", 5); /* mov ebx, 50 */
	at[1] = LAPS;
	next = at += 5;
	for (int32_t i = 1; i <= STUBS; i++) { /* call stub i */
		int32_t d = i * PAGE - (int32_t)(at + 5 - image - PAGE);
		*at = 0xe8;
		memcpy(at + 1, &d, 4);
		at += 5;
	}
	memcpy(at, "\xff\xcb\x75", 3); /* dec ebx; jnz next */
	at[3] = (uint8_t)(next - (at + 4));
	memcpy(at + 4, "\xb8\xe7\0\0\0\x31\xff\x0f\x05", 9); /* exit_group(0) */
	for (size_t i = 1; i <= STUBS; i++)		     /* mov rax, [rip + 64]; ret */
		memcpy(image + PAGE + i * PAGE, "\x48\x8b\x05\x40\0\0\0\xc3", 8);
	write_bytes(path, image, sizeof image);
	assert_int_equal(chmod(path, 0700), 0);
	char name[240];
	snprintf(name, sizeof name, "%s.json", path);
	json_t *head = json_pack("{s:i, s:[[s,i,i]], s:[], s:i, s:i}", "calls", LAPS * STUBS,
				 "ranges", "stub", ENTRY + PAGE, ENTRY + (STUBS + 1) * PAGE,
				 "aliases", "lap", ENTRY, "end", ENTRY + 5 + 5 * STUBS + 4);
	assert_int_equal(json_dump_file(head, name, 0), 0);
	json_decref(head);
}

static void under_lackey(void **state)
{
	struct trace_pack pack;
	struct address_trace trace;
	char error[TRACE_ERROR];
	size_t fetches = 0, loads = 0;

	(void)state;
	write_program(path_of("ring"));
	assert_int_equal(lackey_trace(path_of("ring"), false, &pack, error), 0);
	assert_int_equal(trace_open(&pack, &trace, error), 0);
	assert_int_equal(trace.nlaps, 1); /* the mark stands once, before all */
	for (size_t i = 0; i < trace.n; i++) {
		const struct trace_access *a = &trace.accesses[i];
		/* three accesses a call: the load's fetch, its data, the return's; its pop, too */
		fetches += a->kind == TRACE_FETCH;
		loads += a->kind == TRACE_LOAD;
		assert_true(a->kind != TRACE_FETCH || a->owner == TRACE_STUB);
	}
	assert_int_equal(fetches, 2 * STUBS * LAPS);
	assert_int_equal(loads, 2 * STUBS * LAPS);
	trace_close(&trace);
	trace_pack_free(&pack);
}

static void beside_cachegrind(void **state)
{
	const struct cachegrind_geometry g = { 32768, 8, 64 };
	const struct machine machine = { .line = 64,
					 .page = 4096,
					 .l1i = { 32768, 8, INDEX_VIRTUAL, SOURCE_LOCAL },
					 .l1d = { 32768, 8, INDEX_VIRTUAL, SOURCE_LOCAL } };
	struct cachegrind_counts counts;
	struct trace_pack pack;
	struct address_trace trace;
	struct model m;
	char error[TRACE_ERROR];

	(void)state;
	write_program(path_of("ring"));
	assert_int_equal(lackey_cachegrind(path_of("ring"), &g, &counts, error), 0);
	assert_int_equal(lackey_trace(path_of("ring"), true, &pack, error), 0);
	assert_int_equal(trace_open(&pack, &trace, error), 0);
	assert_int_equal(
	    model_open(&m, &(struct model_options){ .machine = &machine, .no_aliases = true },
		       error),
	    0);
	model_run(&m, trace.accesses, trace.n);
	/* set 0 holds 8 of the 12 page starts and the caller's first line: none lives for a lap */
	assert_true(m.counts[MODEL_L1I].references > LAPS * STUBS);
	assert_int_equal(m.counts[MODEL_L1I].references, counts.i1_misses);
	assert_int_equal(m.counts[MODEL_L1D].references, counts.d1_misses);
	model_close(&m);
	trace_close(&trace);
	trace_pack_free(&pack);
}

static void no_such_program(void **state)
{
	struct trace_pack pack;
	struct cachegrind_counts counts;
	const struct cachegrind_geometry g = { 32768, 8, 64 };
	char error[TRACE_ERROR];

	(void)state;
	assert_int_equal(lackey_trace(path_of("none"), false, &pack, error), -22);
	assert_int_equal(lackey_cachegrind(path_of("none"), &g, &counts, error), -5);
	assert_non_null(strstr(error, "none"));
}

/* ---- Rank correlation ------------------------------------------------------------------- */

static void rank_correlation(void **state)
{
	const double up[] = { 1, 2, 3, 4, 5 }, bent[] = { 1, 10, 11, 12, 1000 };
	const double down[] = { 9, 8, 7, 6, -5 }, same[] = { 3, 3, 3, 3, 3 };
	const double mixed[] = { 2, 1, 4, 3, 5 }, ties[] = { 1, 1, 2, 2, 3 };

	(void)state;
	assert_true(model_rank_correlation(up, bent, 5) == 1);
	assert_true(model_rank_correlation(up, down, 5) == -1);
	/* 1 - 6 * 4 / (5 * 24) */
	assert_true(model_rank_correlation(up, mixed, 5) == 0.8);
	/* ranks 1.5 1.5 3.5 3.5 5: covariance 9 over sqrt(10 * 9) */
	double r = model_rank_correlation(up, ties, 5);
	assert_true(r > 0.94868 && r < 0.94869);
	r = model_rank_correlation(up, same, 5);
	assert_true(r != r);
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "a.trace", "bad", "good", "ring", "ring.json" };

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unlink(path_of(names[i]));
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),	   cmocka_unit_test(owners_and_frames),
		cmocka_unit_test(damage),	   cmocka_unit_test(no_access),
		cmocka_unit_test(bad_bodies),	   cmocka_unit_test(bad_heads),
		cmocka_unit_test(under_lackey),	   cmocka_unit_test(beside_cachegrind),
		cmocka_unit_test(no_such_program), cmocka_unit_test(rank_correlation),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
