/*
 * test_map_count.c - instructions per lookup: a known lookup has its known number by either source,
 * the two sources agree on every encoder, and without either there is a reason, not a number.
 * Callgrind runs the plain program, because sanitizers do not work under valgrind; a filter that
 * forbids perf_event_open simulates a guest without a PMU.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "maps/callgrind.h"
#include "maps/instructions.h"
#include "child_helpers.h"
#include "program_helpers.h"
#include "forbid.h"
#include "map_samples.h"

enum {
	LOOKUPS = 512,
	BATCH = 128,
	OFF_ALL = (1 << GROUP_KINDS) - 1,
	PATH = 4096,
	MOST_ENCODERS = 32,
	MOST_ROWS = 4096,
};

static const struct shape shape = { "middling", 2000, 5, 60, 60, 200, 40, 25, 0 };
static char plain[PATH]; /* the program without sanitizers */

/* ---- Lookups of a known length --------------------------------------------------------------- */

/* pc instructions, 3 or more: a jump into a row of single-byte ones,
 * so that each lookup has its own number. */
__asm__(".text\n"
	".hidden sled_end\n"
	".globl sled_end\n"
	".rept 4096\n"
	"	nop\n"
	".endr\n"
	"sled_end:\n"
	"	ret\n");
extern char sled_end[];

enum map_answer known_lookup(const uint8_t *map, size_t len, uint32_t pc, uint8_t *scratch,
			     struct map_live *out);
__asm__(".text\n"
	".hidden known_lookup\n"
	".globl known_lookup\n"
	"known_lookup:\n"
	"	leaq sled_end(%rip), %rax\n"
	"	subq %rdx, %rax\n"
	"	jmp *%rax\n");
enum { KNOWN_ELSE = 4 }; /* the three here and the return */

static uint32_t pcs[LOOKUPS];
static size_t ends[LOOKUPS / BATCH];

static struct maps_region region_of(const struct map_ops *ops, const struct map_bytes *table,
				    bool many)
{
	return (struct maps_region){ .ops = ops,
				     .table = table->data,
				     .len = table->len,
				     .pcs = pcs,
				     .n = LOOKUPS,
				     .ends = many ? ends : NULL,
				     .nends = many ? LOOKUPS / BATCH : 0 };
}

/* false: no PMU here. */
static bool count_by_pmu(const struct maps_region *r, size_t n, double *counts)
{
	const struct maps_count_options options = { .no_callgrind = true };
	char note[MAPS_COUNT_NOTE];
	const char *source;
	int rc = maps_count(r, n, &options, counts, &source, note);

	if (!rc) {
		assert_true(!strcmp(source, "perf") || !strcmp(source, "papi"));
		return true;
	}
	assert_int_equal(rc, -ENOTSUP);
	assert_null(source);
	assert_non_null(strstr(note, "callgrind: turned off"));
	return false;
}

static void known_lengths(void **state)
{
	const struct map_ops ops = { .name = "known", .lookup = known_lookup };
	struct map_bytes none = { 0 };
	struct maps_region r = region_of(&ops, &none, false);
	double count, mean = KNOWN_ELSE;

	(void)state;
	for (uint32_t i = 0; i < LOOKUPS; i++) {
		pcs[i] = i * 37 % 4000;
		mean += (double)pcs[i] / LOOKUPS;
	}
	if (!count_by_pmu(&r, 1, &count)) {
		skip();
		return;
	}
	/* An interrupt may add one now and then. */
	assert_true(count > mean * 0.9999 && count < mean * 1.001);
}

static bool has_pmu(void)
{
	const struct map_ops ops = { .name = "known", .lookup = known_lookup };
	struct map_bytes none = { 0 };
	struct maps_region r = region_of(&ops, &none, false);
	double count;

	for (uint32_t i = 0; i < LOOKUPS; i++)
		pcs[i] = 0;
	return count_by_pmu(&r, 1, &count);
}

/* ---- Callgrind ------------------------------------------------------------------------------- */

static struct sample samples_of(void)
{
	struct sample s = make(&shape, 8);

	/* The second half is the first again: if a lookup's cost depends on its pc,
	 * both halves still cost the same. */
	for (size_t i = 0; i < LOOKUPS; i++) {
		size_t k = i % (LOOKUPS / 2);
		pcs[i] = s.points[k * 3 % s.n].pc + (k % 5 == 0);
	}
	return s;
}

/* Every encoder of the list, both ways where it has both. */
static size_t regions_of(const struct sample *s, struct map_bytes *tables, struct maps_region *out)
{
	size_t n = 0;

	for (size_t e = 0; map_encoders[e]; e++) {
		tables[e] =
		    encode_functions(map_encoders[e], s->points, s->n, s->functions, s->nfunctions);
		out[n++] = region_of(map_encoders[e], &tables[e], false);
		if (map_encoders[e]->lookup_many)
			out[n++] = region_of(map_encoders[e], &tables[e], true);
	}
	return n;
}

static int count_by_callgrind(const struct maps_region *r, size_t n, double *counts)
{
	const struct maps_count_options options = { .counters = { .off = OFF_ALL },
						    .program = plain };
	char note[MAPS_COUNT_NOTE];
	const char *source;
	int rc = maps_count(r, n, &options, counts, &source, note);

	if (rc) {
		fprintf(stderr, "%s\n", note);
		return rc;
	}
	assert_string_equal(source, "callgrind");
	return 0;
}

/* All in one run of callgrind, whose start takes most of the time. */
static void every_encoder(void **state)
{
	struct map_bytes tables[MOST_ENCODERS] = { 0 }, nothing = { 0 };
	struct maps_region regions[4 * MOST_ENCODERS + 1] = { 0 };
	double counts[4 * MOST_ENCODERS + 1], *whole = counts, *half, *empty;
	struct sample s = samples_of();
	size_t n = regions_of(&s, tables, regions);

	(void)state;
	half = whole + n;
	empty = half + n;
	for (size_t i = 0; i < n; i++) {
		/* Twice the first half is another number of lookups, not another cost. */
		regions[n + i] = regions[i];
		regions[n + i].n /= 2;
		regions[n + i].nends /= 2;
	}
	/* As `stubmap maps` has it: a table without a byte is NULL. */
	regions[2 * n] = region_of(map_encoder("none"), &nothing, false);
	assert_int_equal(count_by_callgrind(regions, 2 * n + 1, counts), 0);
	for (size_t i = 0; i < n; i++) {
		bool floor = regions[i].ops->flags & MAP_FLOOR;

		assert_true(whole[i] >= 1 && whole[i] < 20000);
		assert_int_equal(whole[i] < 20, floor);
		assert_true(half[i] > whole[i] * 0.9 && half[i] < whole[i] * 1.1);
	}
	assert_true(*empty >= 1 && *empty < 20);
	for (size_t e = 0; map_encoders[e]; e++)
		free(tables[e].data);
	release(&s, &shape);
}

/* ---- The command ----------------------------------------------------------------------------- */

enum guest { HAS_ALL, NO_PMU, NO_PMU_NO_VALGRIND };

/* The plain program's rows of instructions. */
static json_t *rows_of(enum guest guest, const char *args)
{
	char command[2 * PATH], path[] = "/tmp/test-map-count-XXXXXX", line[8192];
	json_t *rows = json_array();
	int status, fd = mkstemp(path);
	FILE *f = fdopen(fd, "r");
	pid_t pid;

	assert_non_null(f);
	snprintf(command, sizeof command, "exec '%s' %s >%s", plain, args, path);
	pid = child_fork();
	if (!pid) {
		if (guest != HAS_ALL)
			forbid_counters();
		if (guest == NO_PMU_NO_VALGRIND)
			setenv("PATH", "/nowhere", 1);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	if ((status = child_wait(pid)))
		fail_msg("%s: exit status %d", command, status);
	while (fgets(line, sizeof line, f))
		if (strstr(line, "\"event\": \"instructions_"))
			json_array_append_new(rows, json_loads(line, 0, NULL));
	fclose(f);
	unlink(path);
	assert_true(json_array_size(rows) > 0);
	return rows;
}

static const char *text(const json_t *rows, size_t i, const char *field)
{
	return json_string_value(json_object_get(json_array_get(rows, i), field));
}

static double value(const json_t *rows, size_t i)
{
	return json_number_value(json_object_get(json_array_get(rows, i), "value"));
}

/* Where there is no PMU, callgrind would be compared with itself. */
static void sources_agree(void **state)
{
	static const char args[] = "maps gc:lisp tests/data/gc.cwasm --samples 100 --json";
	json_t *by_callgrind = rows_of(NO_PMU, args),
	       *by_pmu = has_pmu() ? rows_of(HAS_ALL, args) : json_incref(by_callgrind);
	size_t n = json_array_size(by_pmu), compared = 0;

	(void)state;
	assert_int_equal(json_array_size(by_callgrind), n);
	for (size_t i = 0; i < n; i++) {
		double a = value(by_pmu, i), b = value(by_callgrind, i);

		assert_string_equal(text(by_pmu, i, "event"), text(by_callgrind, i, "event"));
		if (!text(by_pmu, i, "source")) { /* no walks, no batches, no empty safepoints */
			assert_string_equal(text(by_pmu, i, "note"), text(by_callgrind, i, "note"));
			continue;
		}
		assert_string_equal(text(by_callgrind, i, "source"), "callgrind");
		assert_true(a > b * 0.999 && a < b * 1.001);
		compared += strcmp(text(by_pmu, i, "source"), "callgrind") != 0;
	}
	json_decref(by_pmu);
	json_decref(by_callgrind);
	if (!compared)
		skip(); /* no PMU here */
}

static void no_source(void **state)
{
	json_t *rows = rows_of(NO_PMU_NO_VALGRIND, "maps gc:trees --encoders exact --json");

	(void)state;
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);

		assert_true(json_is_null(json_object_get(row, "source")));
		assert_true(json_is_null(json_object_get(row, "value")));
	}
	assert_non_null(strstr(text(rows, 0, "note"), "hardware: "));
	assert_non_null(strstr(text(rows, 0, "note"), "callgrind: valgrind is not here"));
	json_decref(rows);
}

/* ---- The file between parent and child ------------------------------------------------------- */

static int lookups(const char *data, size_t len)
{
	char path[] = "/tmp/test-map-count-XXXXXX", *argv[] = { (char[]){ "lookups" }, path, NULL };
	int fd = mkstemp(path), status;

	assert_int_equal(write(fd, data, len), len);
	close(fd);
	status = maps_lookups_main(2, argv);
	unlink(path);
	return status;
}

static void bad_files(void **state)
{
	static const uint64_t nothing[] = { UINT64_C(0x31736b6f6f6c), 0 },
			      short_one[] = { UINT64_C(0x31736b6f6f6c), 1, 5, 0 },
			      large[] = { UINT64_C(0x31736b6f6f6c), 1, UINT64_MAX, 0 };
	char *alone[] = { (char[]){ "lookups" }, NULL },
	     *absent[] = { (char[]){ "lookups" }, (char[]){ "/nowhere/x" }, NULL };

	(void)state;
	assert_int_equal(lookups((const char *)nothing, sizeof nothing), 0);
	assert_int_equal(lookups("", 0), 2);
	assert_int_equal(lookups("another file", 12), 2);
	assert_int_equal(lookups((const char *)short_one, sizeof short_one), 2);
	assert_int_equal(lookups((const char *)large, sizeof large), 2);
	assert_int_equal(maps_lookups_main(1, alone), 2);
	assert_int_equal(maps_lookups_main(2, absent), 2);
}

/* build/san/tests/X to build/stubmap */
static int find_plain(void **state)
{
	(void)state;
	if (!program_above(3, plain, sizeof plain))
		return 0;
	print_error("%s: %s\n", plain, strerror(errno));
	return -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_lengths), cmocka_unit_test(every_encoder),
		cmocka_unit_test(sources_agree), cmocka_unit_test(no_source),
		cmocka_unit_test(bad_files),
	};

	for (size_t i = 0; i < LOOKUPS / BATCH; i++)
		ends[i] = (i + 1) * BATCH;
	return cmocka_run_group_tests(tests, find_plain, NULL);
}
