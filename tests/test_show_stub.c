/*
 * test_show_stub.c - `show stub`: one stub and the code that it goes on to; jumps and calls have
 * the addresses of their targets, and known addresses have names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <stubmap/stub.h>

#include "cli/commands.h"
#include "cli/pointers.h"
#include "command_helpers.h"
#include "forbid.h"
#include "running_helpers.h"

static void check(const struct pointers *p, const char *text, uint64_t next, const char *expected)
{
	char out[POINTERS_TEXT];

	assert_string_equal(pointers_explain(p, text, next, out), expected);
}

static void operands_are_explained(void **state)
{
	static const uint64_t words[] = { 0x5000, 7 };
	static const int here;
	struct pointers p = { .n = 0 };
	char expected[300], text[100];

	(void)state;
	pointers_add(&p, "target", (const void *)0x5000, 1);
	pointers_add(&p, "nothing", NULL, 100);
	pointers_add(&p, "body", (const void *)0x1000, 64);
	pointers_add_words(&p, "literals", words, sizeof words);
	check(&p, "jmp\t-71", 0x1047, "jmp\t0x1000 <body>");
	check(&p, "je\t-0x7", 0x1047, "je\t0x1040");
	check(&p, "jne\t8", 0x1000, "jne\t0x1008 <body+0x8>");
	check(&p, "call\t0x4000", 0x1000, "call\t0x5000 <target>");
	check(&p, "call\trax", 0x1000, "call\trax");
	check(&p, "jmp\tqword ptr [r11]", 0x1000, "jmp\tqword ptr [r11]");
	check(&p, "ret", 0x1000, "ret");
	check(&p, "movabs\tr10, 0x5000", 0x1000, "movabs\tr10, 0x5000 <target>");
	check(&p, "mov\teax, 0x1", 0x1000, "mov\teax, 0x1");
	check(&p, "lea\tr11, [rip - 16]", 0x1020, "lea\tr11, [rip - 16]  # 0x1010 <body+0x10>");
	check(&p, "lea\tr11, [rip + 0x10]", 0x8000, "lea\tr11, [rip + 0x10]  # 0x8010");
	/* Of words the value, of other places none. */
	for (int i = 0; i < 2; i++) {
		snprintf(text, sizeof text, "jmp\tqword ptr [rip + %d]", 8 * i);
		snprintf(expected, sizeof expected, "%s  # %p <literals%s>: 0x%llx%s", text,
			 (const void *)&words[i], i ? "+0x8" : "", (unsigned long long)words[i],
			 i ? "" : " <target>");
		check(&p, text, (uintptr_t)words, expected);
	}
	/* The program's own. */
	snprintf(text, sizeof text, "movabs\trax, %p", (const void *)&here);
	pointers_explain(&p, text, 0, expected);
	assert_non_null(strstr(expected, " <stubmap+0x"));
}

/* A branch by an immediate: what it leads to, as text; else NULL. */
static const char *leads_to(const char *text)
{
	const char *operand = text + strcspn(text, "\t");
	const bool branch = *text == 'j' || !strncmp(text, "call", 4);

	return branch && *operand && strspn(operand + 1, "-0123456789") ? operand + 1 : NULL;
}

/* Counts the branches of a block. */
static unsigned check_block(const json_t *block)
{
	const uint64_t from = (uint64_t)json_integer_value(json_object_get(block, "address"));
	const uint64_t bytes = (uint64_t)json_integer_value(json_object_get(block, "bytes"));
	json_t *line;
	unsigned n = 0;
	size_t i;

	json_array_foreach(json_object_get(block, "instructions"), i, line) {
		const char *text = json_string_value(json_object_get(line, "text"));
		const char *to = leads_to(text);

		if (!to)
			continue;
		n++;
		if (strncmp(to, "0x", 2))
			fail_msg("%s: no address", text);
		/* Within the block it has a name. */
		if (strtoull(to, NULL, 16) - from < bytes && !strchr(to, '<'))
			fail_msg("%s: no name", text);
	}
	return n;
}

static unsigned lines_of(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void branches_have_targets(void **state)
{
	unsigned branches = 0;
	char line[200];

	(void)state;
	for (size_t i = 0; stub_strategies[i]; i++)
		for (unsigned kind = 0; kind < STUB_KINDS; kind++) {
			snprintf(line, sizeof line, "show stub --stubs %s --kind %s --json",
				 stub_strategies[i]->name, stub_kind_names[kind]);
			struct result r = run_to(0, cmd_show, line);
			json_t *blocks = json_loads(r.out, 0, NULL), *block;
			size_t k;

			assert_non_null(blocks);
			json_array_foreach(blocks, k, block)
				branches += check_block(block);
			json_decref(blocks);
			done(&r);
			line[strlen(line) - strlen(" --json")] = 0;
			r = run_to(0, cmd_show, line);
			check_width(r.out);
			if (lines_of(r.out) > 100) /* its neighbours, too */
				fail_msg("%s: %u lines", line, lines_of(r.out));
			done(&r);
		}
	assert_true(branches > 20);
}

/* One stub and the code that it goes on to, not its neighbours. */
static void one_stub_is_shown(void **state)
{
	(void)state;
	/* Five slots fill a line but for four bytes: the next one begins where this one ends. */
	struct result r = run_to(0, cmd_show, "show stub --stubs island --kind indirect --markers");
	assert_null(strstr(r.out, "\nbody at "));
	assert_non_null(strstr(r.out, "\n  12 bytes\n"));
	done(&r);
	r = run_to(0, cmd_show, "show stub --stubs island --kind entry_js");
	assert_non_null(strstr(r.out, "\nbody at "));
	assert_null(strstr(r.out, "\nstub at "));
	done(&r);
	r = run_to(0, cmd_show, "show stub --stubs pool --kind entry_js");
	const char *stub = strstr(r.out, "\nstub at "), *body = strstr(r.out, "\nbody at ");
	assert_true(stub && body && stub < body);
	assert_non_null(strstr(stub, "\n  10 bytes\n"));
	done(&r);
}

static void pointers_have_names(void **state)
{
	static const struct {
		const char *line, *name;
	} rows[] = {
		{ "show stub --stubs template --literals baked", "<target>" },
		{ "show stub --stubs template --literals baked", "<instance>" },
		{ "show stub --stubs template --literals table", "<literals" },
		{ "show stub --stubs template --literals table", "<instance>" },
		{ "show stub --stubs pool --kind entry_js", "<body>" },
		{ "show stub --stubs pool --kind entry_js", "<target>" },
		{ "show stub --stubs pool --kind exit_js --signature iid>l", "<unbox>" },
		{ "show stub --stubs lazy+pool", "stubmap+0x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct result r = run_to(0, cmd_show, rows[i].line);

		if (!strstr(r.out, rows[i].name))
			fail_msg("%s: no %s in\n%s", rows[i].line, rows[i].name, r.out);
		done(&r);
	}
}

static int show_without_memfd(int argc, char **argv)
{
	forbid(SYS_memfd_create, ENOSYS);
	return cmd_show(argc, argv);
}

/* In the words of a cell that can't be run. */
static void what_cannot_be_had_is_named(void **state)
{
	(void)state;
	refused(cmd_show, "show stub --live 0", "stubmap show stub: --live '0'");
	refused(show_without_memfd, "show stub --wx dual", "code memory dual, quantum 4096: ");
	if (!can_open(CODE_PKEY))
		refused(cmd_show, "show stub --wx pkey", "code memory pkey, quantum 4096: ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operands_are_explained),
		cmocka_unit_test(branches_have_targets),
		cmocka_unit_test(one_stub_is_shown),
		cmocka_unit_test(pointers_have_names),
		cmocka_unit_test(what_cannot_be_had_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
