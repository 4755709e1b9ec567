/*
 * test_man.c - scripts/man: every command and every option of the program beside this test is in
 * the manual page, in its command's part, and bash completes it.
 */
#include "shell_helpers.h"

static char folder[] = "/tmp/stubmap-man-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	if (shell_enter(folder))
		return -1;
	return system(
	    "M=\"$TREE/scripts/man\"; \"$M\" \"$S\" >page && \"$M\" --bash \"$S\" >completion &&"
	    "\"$S\" --help | sed -n 's/^  \\([a-z]*\\) .*/\\1/p' >commands &&"
	    "for c in $(cat commands); do"
	    " \"$S\" $c --help | grep -oE '^  (-.,|   ) --[a-z-]+' |"
	    " sed \"s/.*--/$c /\" | sort -u; done >options");
}

static int tear_down(void **state)
{
	(void)state;
	return shell_leave(folder);
}

static void the_page_has_all(void **state)
{
	(void)state;
	good("grep -q '^run counters$' options && [ $(wc -l <commands) -gt 10 ]");
	good("while read -r c o; do"
	     " o=$(echo \"$o\" | sed 's/-/\\\\\\\\-/g');"
	     " sed -n \"/^\\.SS $c /,/^\\.SS [^$(echo $c | cut -c1)]/p\" page |"
	     " grep -qE \"^\\.B (.*, )?\\\\\\\\-\\\\\\\\-$o( |$)\" ||"
	     " { echo \"$c $o\" >&2; exit 1; }; done <options");
	good("for c in $(cat commands); do grep -q \"^\\.SS $c \" page || exit; done");
	/* A title of options stands over them, and is no text. */
	good("grep -A1 '^\\.PP$' page | grep -q '^\\.B arms:'");
	if (sh("command -v groff")) {
		print_message("needs groff to render it\n");
		skip();
	}
	good("groff -man -ww -Tutf8 -P-cbou page >rendered 2>warnings; [ ! -s warnings ]");
	good("grep -q -e '--counters' rendered");
}

/* What bash offers for a line of words, the last of which is begun. */
static const char complete[] =
    "cat >try <<'E'\n. ./completion\nt() { COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1)); _stubmap;"
    " printf '%s\\n' \"${COMPREPLY[@]}\"; }\nt \"$@\"\nE\n";

static void bash_completes_all(void **state)
{
	(void)state;
	good(complete);
	good("bash try stubmap '' | grep -v -e ^-- | cmp - commands");
	good("bash try stubmap --v | grep -qx -e --version");
	good("for c in $(cat commands); do bash try stubmap $c -- | sort -u >got;"
	     " sed -n \"s/^$c /--/p\" options | cmp - got || exit; done");
	good("[ \"$(bash try stubmap run --counte)\" = --counters ]");
	good("[ \"$(bash try stubmap show m)\" = map ] && [ \"$(bash try stubmap list ma)\" = \"$("
	     "printf 'maps\\nmachines')\" ]");
	/* The last of a list. */
	good("[ \"$(bash try stubmap run --stubs page,templ)\" = page,template ]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_page_has_all),
		cmocka_unit_test(bash_completes_all),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
