/* test_say.c - foreign text in messages and tables, and files that are not regular. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/say.h"
#include "base/table.h"

static void control_characters_are_shown(void **state)
{
	static const struct {
		const char *text, *plain;
	} cases[] = {
		{ "", "" },
		{ "a b\\c", "a b\\c" },
		{ "a\nb\tc\rd", "a\\nb\\tc\\rd" },
		{ "\033[31m\177\001", "\\x1b[31m\\x7f\\x01" },
		{ "gr\u00fc\u00df \u65e5 \U0001f600", "gr\u00fc\u00df \u65e5 \U0001f600" },
		{ "\xc2\x9b"
		  "31m\u00a0",
		  "\\xc2\\x9b31m\u00a0" },    /* C1; the first behind it */
		{ "\xe9\xff", "\\xe9\\xff" }, /* Latin-1 */
		{ "\xc0\x8a \xe0\x80\x8a", "\\xc0\\x8a \\xe0\\x80\\x8a" }, /* a long line feed */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },		   /* beyond Unicode */
		{ "\xe6\x97", "\\xe6\\x97" },				   /* cut off */
	};
	char out[80];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_string_equal(say_plain(out, sizeof out, cases[i].text), cases[i].plain);
		char *text;
		size_t size;
		FILE *f = open_memstream(&text, &size);
		assert_non_null(f);
		say_put(f, cases[i].text);
		assert_int_equal(fclose(f), 0);
		assert_string_equal(text, cases[i].plain);
		free(text);
	}
	/* cut between characters */
	assert_string_equal(say_plain(out, 5, "abc\u00fc"), "abc");
	assert_string_equal(say_plain(out, 5, "a\033b"), "a");
	assert_string_equal(say_plain(out, 6, "a\033b"), "a\\x1b");
	assert_string_equal(say_plain(out, 1, "a"), "");
}

static void tables_show_them_too(void **state)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	struct table t;

	(void)state;
	assert_non_null(f);
	table_begin(&t, (const char *const[]){ "arm", "value" }, "ll");
	table_heading(&t, "head\033[2J");
	table_row(&t);
	table_cell(&t, "%s", "x\ny");
	table_missing(&t, "why\033\n");
	assert_int_equal(table_end(&t, f), 0);
	assert_int_equal(fclose(f), 0);
	assert_null(strchr(text, '\033'));
	assert_non_null(strstr(text, "head\\x1b[2J\n"));
	assert_non_null(strstr(text, "x\\ny  -a\n"));
	assert_non_null(strstr(text, "a: why\\x1b\\n\n"));
	free(text);
}

/* ---- Files ----------------------------------------------------------------------------------- */

static void expect_refused(const char *path, enum file_kind kind, int r, const char *says)
{
	char error[200], expected[200];

	assert_int_equal(file_open(path, kind, error, sizeof error), r);
	snprintf(expected, sizeof expected, "%s: %s", path, says);
	assert_string_equal(error, expected);
}

/* No test that waits: whoever opens the pipe for reading alone would. */
static void what_is_no_file_is_refused(void **state)
{
	char folder[] = "/tmp/test_say.XXXXXX", fifo[64], error[200], letter = 0;
	int ends[2], r;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(fifo, sizeof fifo, "%s/fifo", folder);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	expect_refused(fifo, FILE_WHOLE, -ENOTSUP, "a pipe; it must be a regular file");
	expect_refused("/dev/zero", FILE_WHOLE, -ENOTSUP, "a device; it must be a regular file");
	expect_refused("/dev/zero", FILE_STREAM, -ENOTSUP,
		       "a device; it must be a regular file or a pipe");
	for (enum file_kind kind = FILE_WHOLE; kind <= FILE_STREAM; kind++) {
		expect_refused(folder, kind, -EISDIR, "Is a directory");
		expect_refused("/nowhere/x", kind, -ENOENT, "No such file or directory");
		int fd = file_open("tests/test_say.c", kind, error, sizeof error);
		assert_true(fd >= 0);
		assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
		close(fd);
	}
	unlink(fifo);
	rmdir(folder);
	/* A pipe is a stream, as of a shell's <(...). */
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	snprintf(fifo, sizeof fifo, "/dev/fd/%d", ends[0]);
	FILE *f = file_stream(fifo, FILE_STREAM, &r, error, sizeof error);
	assert_non_null(f);
	assert_int_equal(fread(&letter, 1, 1, f), 1);
	assert_int_equal(letter, 'x');
	fclose(f);
	close(ends[0]);
	close(ends[1]);
}

static void a_terminal_is_a_stream(void **state)
{
	char error[200];
	int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	(void)state;
	if (terminal < 0 || grantpt(terminal) || unlockpt(terminal))
		skip(); /* no /dev/pts here */
	int fd = file_open(ptsname(terminal), FILE_STREAM, error, sizeof error);
	assert_true(fd >= 0);
	close(fd);
	expect_refused(ptsname(terminal), FILE_WHOLE, -ENOTSUP,
		       "a device; it must be a regular file");
	close(terminal);
}

/* However long the path is, the reason is there. */
static void a_long_path_leaves_the_reason(void **state)
{
	char path[3000], error[200];

	(void)state;
	memset(path, 'x', sizeof path - 1);
	path[sizeof path - 1] = 0;
	assert_int_equal(file_open(path, FILE_WHOLE, error, sizeof error), -ENAMETOOLONG);
	assert_non_null(strstr(error, "xxx: File name too long"));
}

static void a_full_device_is_told(void **state)
{
	static const char block[100000];

	(void)state;
	for (size_t n = 1; n <= sizeof block; n = n == 1 ? sizeof block : n + 1) {
		FILE *f = fopen("/dev/full", "w");
		assert_non_null(f);
		fwrite(block, 1, n, f);
		assert_int_equal(file_flush(f), -ENOSPC);
		assert_int_equal(file_finish(f), -ENOSPC);
	}
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_int_equal(file_write(fd, block, sizeof block), -ENOSPC);
	close(fd);
	FILE *f = tmpfile();
	fwrite(block, 1, sizeof block, f);
	assert_int_equal(file_finish(f), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_characters_are_shown),
		cmocka_unit_test(tables_show_them_too),
		cmocka_unit_test(what_is_no_file_is_refused),
		cmocka_unit_test(a_terminal_is_a_stream),
		cmocka_unit_test(a_long_path_leaves_the_reason),
		cmocka_unit_test(a_full_device_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
