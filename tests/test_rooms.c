/* test_rooms.c - scripts/rooms on small houses: what it lets pass, and each fault that it finds. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATH = 256, OUTPUT = 4096 };

static char house[PATH];

static void put(const char *file, const char *text)
{
	char path[2 * PATH];

	snprintf(path, sizeof path, "%s/%s", house, file);
	for (char *slash = strchr(path + strlen(house) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = 0;
		mkdir(path, 0700);
		*slash = '/';
	}
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* A house of a cellar, a hall that uses it, and the library. */
static int build(void **state)
{
	char command[3 * PATH];

	(void)state;
	snprintf(house, sizeof house, "%s/stubmap-rooms-XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(house))
		return -1;
	snprintf(command, sizeof command, "mkdir '%s/scripts' && cp scripts/rooms '%s/scripts'",
		 house, house);
	if (system(command))
		return -1;
	put("harness/hall/hall.c", "#include <stubmap/stub.h>\n#include \"cellar/wine.h\"\n");
	put("harness/cellar/wine.h", "");
	put("harness/cellar/wine.c", "#include \"cellar/wine.h\"\n");
	put("strategies/stub.h", "");
	put("workloads/empty.h", "");
	put("scripts/rooms.txt",
	    "# a comment\nhall -> cellar library\ncellar ->\nlibrary ->\nworkloads ->\n");
	return 0;
}

static int tear_down(void **state)
{
	char command[2 * PATH];

	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", house);
	return system(command);
}

/* The script's words on the house; its exit status must be 1 if there are any, else 0. */
static const char *said(void)
{
	static char text[OUTPUT];
	char command[2 * PATH];

	snprintf(command, sizeof command, "'%s/scripts/rooms' build 2>&1", house);
	FILE *f = popen(command, "re");
	assert_non_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = 0;
	assert_int_equal(pclose(f), *text ? 1 << 8 : 0);
	return text;
}

static void a_sound_house_passes(void **state)
{
	(void)state;
	assert_string_equal(said(), "");
}

static void an_arrow_that_is_not_drawn_is_found(void **state)
{
	(void)state;
	put("harness/cellar/wine.c", "#include \"hall/hall.h\"\n");
	put("harness/hall/hall.h", "");
	assert_string_equal(said(),
			    "rooms: harness/cellar/wine.c (cellar) uses harness/hall/hall.h "
			    "(hall): #include in line 1\n");
	put("harness/cellar/wine.c", "#if 1\n#  include <stubmap/stub.h>\n#endif\n");
	assert_string_equal(said(), "rooms: harness/cellar/wine.c (cellar) uses strategies/stub.h "
				    "(library): #include in line 2\n");
}

static void what_lies_below_may_be_used(void **state)
{
	(void)state;
	put("scripts/rooms.txt",
	    "attic -> hall\nhall -> cellar library\ncellar ->\nlibrary ->\nworkloads ->\n");
	put("harness/hall/hall.h", "");
	put("harness/attic/dust.c", "#include \"hall/hall.h\"\n#include \"cellar/wine.h\"\n");
	assert_string_equal(said(), "");
}

static void an_arrow_that_nothing_uses_is_found(void **state)
{
	(void)state;
	put("harness/hall/hall.c", "#include \"cellar/wine.h\"\n");
	assert_string_equal(said(), "rooms: the arrow hall -> library is used by nothing\n");
}

static void a_file_without_a_room_is_found(void **state)
{
	(void)state;
	put("harness/shed/spade.c", "#include \"cellar/wine.h\"\n");
	assert_non_null(strstr(said(), "rooms: harness/shed/spade.c: no room shed\n"));
}

static void circles_are_found(void **state)
{
	(void)state;
	put("harness/cellar/wine.h", "#include \"cellar/cork.h\"\n");
	put("harness/cellar/cork.h", "#include \"cellar/wine.h\"\n");
	const char *text = said();
	/* It may be told from either end. */
	if (!strstr(text, "rooms: a circle: harness/cellar/wine.h -> harness/cellar/cork.h -> "
			  "harness/cellar/wine.h\n") &&
	    !strstr(text, "rooms: a circle: harness/cellar/cork.h -> harness/cellar/wine.h -> "
			  "harness/cellar/cork.h\n"))
		fail_msg("no circle in: %s", text);
	put("harness/cellar/cork.h", "");
	put("scripts/rooms.txt",
	    "hall -> cellar library\ncellar -> hall\nlibrary ->\nworkloads ->\n");
	assert_non_null(strstr(said(), "rooms: the arrows of hall come back to it\n"));
}

/* The symbols of what has been built count too: a declaration by hand hides no arrow. */
static void a_symbol_is_an_arrow(void **state)
{
	char command[8 * PATH];

	(void)state;
	put("harness/cellar/wine.c", "int dance(void);\nint drink(void);\n"
				     "int drink(void) { return dance(); }\n");
	put("harness/cellar/cork.c", "extern int guests;\nint *cork = &guests;\n");
	put("harness/hall/dance.c", "int guests = 2;\nint dance(void);\n"
				    "int dance(void) { return 1; }\n");
	snprintf(command, sizeof command,
		 "cd '%s' && mkdir -p build/obj/harness/cellar build/obj/harness/hall && "
		 "for f in cellar/wine cellar/cork hall/dance; do "
		 "cc -c -o build/obj/harness/$f.o harness/$f.c || exit; done",
		 house);
	assert_int_equal(system(command), 0);
	const char *text = said();
	assert_non_null(strstr(text, "rooms: harness/cellar/wine.c (cellar) uses "
				     "harness/hall/dance.c (hall): the symbol dance\n"));
	assert_non_null(strstr(text, "rooms: harness/cellar/cork.c (cellar) uses "
				     "harness/hall/dance.c (hall): the symbol guests\n"));
}

/* Within the library, folders are rooms, and its public headers are one. */
static void the_library_has_rooms(void **state)
{
	(void)state;
	put("scripts/rooms.txt", "hall -> cellar library\ncellar ->\nlibrary ->\nworkloads ->\n"
				 "strategies/stubs -> library\nstrategies/parts ->\n");
	put("strategies/stubs/pool.c", "#include \"../stub.h\"\n");
	put("strategies/parts/placed.h", "");
	assert_string_equal(said(), "");
	put("strategies/parts/placed.h", "#include \"../stubs/pool.c\"\n");
	assert_string_equal(said(), "rooms: strategies/parts/placed.h (strategies/parts) uses "
				    "strategies/stubs/pool.c (strategies/stubs): #include in line "
				    "1\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, build, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_sound_house_passes),	      TEST(an_arrow_that_is_not_drawn_is_found),
		TEST(what_lies_below_may_be_used),    TEST(an_arrow_that_nothing_uses_is_found),
		TEST(a_file_without_a_room_is_found), TEST(circles_are_found),
		TEST(a_symbol_is_an_arrow),	      TEST(the_library_has_rooms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
