/* test_progress.c - what a long command says of itself, under a clock that the test sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/progress.h"

static uint64_t now_s;

static uint64_t fake_ns(void)
{
	return now_s * 1000000000u;
}

struct log {
	char *text;
	size_t size;
	struct progress progress;
};

static void begin(struct log *l, size_t total, bool terminal)
{
	*l = (struct log){ 0 };
	now_s = 1000;
	progress_begin(&l->progress, "stubmap test", total);
	l->progress.terminal = terminal;
	l->progress.begun_ns = fake_ns();
	l->progress.now = fake_ns;
	l->progress.out = open_memstream(&l->text, &l->size);
	assert_non_null(l->progress.out);
}

/* n steps of so many seconds each */
static void steps(struct log *l, size_t n, uint64_t seconds)
{
	while (n--) {
		now_s += seconds;
		progress_step(&l->progress, "pool on ring");
	}
}

static void end(struct log *l, const char *expected)
{
	progress_end(&l->progress);
	progress_end(&l->progress); /* says no more */
	assert_int_equal(fclose(l->progress.out), 0);
	assert_string_equal(l->text, expected);
	free(l->text);
}

static void what_is_short_says_nothing(void **state)
{
	struct log l;

	(void)state;
	for (int terminal = 0; terminal < 2; terminal++) {
		begin(&l, 10, terminal);
		steps(&l, 9, 0);
		now_s++;
		progress_tick(&l.progress, "pool on ring");
		steps(&l, 1, 0);
		end(&l, "");
		begin(&l, 0, terminal);
		now_s += 10;
		progress_tick(&l.progress, "nothing");
		end(&l, "");
	}
}

/* A tenth is worth a line, but not each when they follow one another within a few seconds. */
static void a_log_gets_a_line_a_tenth(void **state)
{
	struct log l;

	(void)state;
	begin(&l, 20, false);
	steps(&l, 20, 4);
	end(&l, "stubmap test: 1 of 20, 1:16 left, pool on ring\n"
		"stubmap test: 3 of 20, 1:08 left, pool on ring\n"
		"stubmap test: 5 of 20, 1:00 left, pool on ring\n"
		"stubmap test: 7 of 20, 0:52 left, pool on ring\n"
		"stubmap test: 9 of 20, 0:44 left, pool on ring\n"
		"stubmap test: 11 of 20, 0:36 left, pool on ring\n"
		"stubmap test: 13 of 20, 0:28 left, pool on ring\n"
		"stubmap test: 15 of 20, 0:20 left, pool on ring\n"
		"stubmap test: 17 of 20, 0:12 left, pool on ring\n"
		"stubmap test: 19 of 20, 0:04 left, pool on ring\n"
		"stubmap test: 20 of 20 done after 1:20\n");
	begin(&l, 10, false);
	steps(&l, 10, 1);
	end(&l, "stubmap test: 2 of 10, 0:08 left, pool on ring\n"
		"stubmap test: 7 of 10, 0:03 left, pool on ring\n"
		"stubmap test: 10 of 10 done after 0:10\n");
}

/* Long steps: a command that waits for one says so every half a minute,
 * even before the first is done. */
static void a_long_step_is_not_silent(void **state)
{
	struct log l;

	(void)state;
	begin(&l, 4, false);
	for (int i = 0; i < 70; i++) {
		now_s++;
		progress_tick(&l.progress, "wasm:sqlite");
	}
	steps(&l, 1, 3600);
	end(&l, "stubmap test: 0 of 4, wasm:sqlite\n"
		"stubmap test: 0 of 4, wasm:sqlite\n"
		"stubmap test: 0 of 4, wasm:sqlite\n"
		"stubmap test: 1 of 4, 3:03:30 left, pool on ring\n"
		"stubmap test: 1 of 4 done after 1:01:10\n");
}

static void a_terminal_gets_one_line(void **state)
{
	struct log l;

	(void)state;
	begin(&l, 4, true);
	steps(&l, 4, 1);
	end(&l, "\r\033[K2 of 4, 0:02 left, pool on ring"
		"\r\033[K3 of 4, 0:01 left, pool on ring"
		"\r\033[K");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_short_says_nothing),
		cmocka_unit_test(a_log_gets_a_line_a_tenth),
		cmocka_unit_test(a_long_step_is_not_silent),
		cmocka_unit_test(a_terminal_gets_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
