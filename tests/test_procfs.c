/* test_procfs.c - numbers and lines as the kernel prints them, and others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/procfs.h"

static void test_number(void **state)
{
	static const struct {
		const char *text;
		unsigned nth;
		bool good;
		int64_t number;
	} rows[] = {
		{ "65530\n", 0, true, 65530 }, { "-1\n", 0, true, -1 },
		{ "7 8\t9\n", 1, true, 8 },    { "7 8\t9\n", 2, true, 9 },
		{ "7 8\n9\n", 2, false, 0 },   { "7", 0, true, 7 },
		{ "", 0, false, 0 },	       { "max\n", 0, false, 0 },
		{ "12 0x10\n", 1, false, 0 },  { "1.5\n", 0, false, 0 },
		{ " 3\n", 0, true, 3 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char path[] = "/tmp/stubmap-procfs-XXXXXX";
		int fd = mkstemp(path);
		int64_t number = 42;

		assert_true(fd >= 0);
		assert_int_equal(write(fd, rows[i].text, strlen(rows[i].text)),
				 strlen(rows[i].text));
		close(fd);
		bool good = procfs_number(path, rows[i].nth, &number);
		unlink(path);
		assert_int_equal(good, rows[i].good);
		assert_int_equal(number, rows[i].good ? rows[i].number : 42);
		assert_false(procfs_number(path, 0, &number));
	}
}

static void test_mapping(void **state)
{
	static int here;
	char line[4400], with_blank[] = "7f00-7f10 rw-s 00002000 08:1f 77   /a b\n";
	struct procfs_mapping m;
	bool found = false;
	FILE *f = fopen("/proc/self/maps", "re");

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		assert_true(procfs_mapping(line, &m));
		found |=
		    (uintptr_t)&here >= m.from && (uintptr_t)&here < m.to && m.rights[1] == 'w';
	}
	fclose(f);
	assert_true(found);

	assert_true(procfs_mapping(with_blank, &m));
	assert_int_equal(m.from, 0x7f00);
	assert_int_equal(m.to, 0x7f10);
	assert_string_equal(m.rights, "rw-s");
	assert_int_equal(m.offset, 0x2000);
	assert_int_equal(m.device, 8ull << 32 | 0x1f);
	assert_int_equal(m.inode, 77);
	assert_string_equal(m.name, "/a b\n");
	assert_true(procfs_mapping("0-1000 ---p 0 00:00 0\n", &m));
	assert_string_equal(m.name, "\n");
	assert_false(procfs_mapping("Rss:        4 kB\n", &m));
	assert_false(procfs_mapping("7f00-7f10 rw-s\n", &m));
}

static void test_bytes(void **state)
{
	char name[32];
	uint64_t bytes;

	(void)state;
	assert_true(procfs_bytes("Private_Hugetlb:     2048 kB\n", name, &bytes));
	assert_string_equal(name, "Private_Hugetlb");
	assert_int_equal(bytes, 2048 * 1024);
	assert_false(procfs_bytes("VmFlags: rd ex mr mw me sd\n", name, &bytes));
	assert_false(procfs_bytes("7f00-7f10 rw-s 00002000 08:1f 77 /a\n", name, &bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_mapping),
		cmocka_unit_test(test_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
