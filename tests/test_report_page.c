/*
 * test_report_page.c - stubmap report: one whole page that needs nothing else, or the old one and a
 * line. Runs the program beside it; where Chromium is, the page is opened at two widths.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shell_helpers.h"

static char folder[] = "/tmp/stubmap-page-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	return shell_enter(folder) || shell_run("p<i>") ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	return shell_leave(folder);
}

/* Findings before figures, claims and tables; each opened element is closed;
 * no address but its own. */
static void a_page_is_whole(void **state)
{
	(void)state;
	good("\"$S\" report run.jsonl -o page.html");
	good("grep -n '<h2>' page.html | cut -d: -f2 | tr -d '\\n' | grep -qx "
	     "'<h2>Findings</h2><h2>Figures</h2><h2>Tables</h2><h2>Machine</h2>'");
	good("grep -q '^<p>.*page.*</p>' page.html");
	good("grep -q 'data:image/svg+xml,' page.html && grep -q 'Figure 1. ' page.html");
	good("! grep -q 'p<i>' page.html && grep -q 'p&lt;i&gt;' page.html");
	good("! grep -qE '(src|href)=\"?(http|//|file)|@import|url\\(' page.html");
	good("for e in table thead tbody tr td th p h2 h3 h4 div figure figcaption pre details "
	     "summary;"
	     " do a=$(grep -oE \"<$e[ >]\" page.html | wc -l) b=$(grep -o \"</$e>\" page.html | wc "
	     "-l);"
	     " [ $a = $b ] || { echo $e $a $b >&2; exit 1; }; done");
	good("[ ! -e page.html.new ]");
}

/* A run that others wrote: what a terminal would obey is shown, in the page's source, too. */
static void control_characters_are_shown(void **state)
{
	(void)state;
	good("sed '1s/p<i>/\\\\u001b[2Jp\\\\u0007/' run.jsonl >foreign.jsonl &&"
	     " grep -q u001b foreign.jsonl && \"$S\" report foreign.jsonl -o foreign.html &&"
	     " grep -qF '\\x1b[2Jp\\x07' foreign.html &&"
	     " ! LC_ALL=C grep -q \"$(printf '[\\001-\\010\\013-\\037\\177]')\" foreign.html");
}

/* Claims are those of the runs' plan. */
static void a_plan_with_claims_shows_them(void **state)
{
	(void)state;
	good("\"$S\" report \"$TREE\"/results/golden-cove/mappings-1.jsonl -o claims.html");
	good("grep -q '<tr class=\"holds\"><td>mappings-page</td>' claims.html");
	good("grep -q '<tr class=\"refuted\"><td>mappings-dual</td>' claims.html");
	good("grep -q 'Claims of the plan mappings: [0-9]* hold, [0-9]* are refuted' claims.html");
}

static void faults_are_one_line_and_leave_the_old_page(void **state)
{
	(void)state;
	good("echo old >old.html");
	refused("\"$S\" report run.jsonl", "-o REPORT.html is missing");
	refused("\"$S\" report nothing.jsonl -o old.html", "nothing.jsonl");
	good("sed '1s/\"cores\":[0-9]*/\"cores\":999/' run.jsonl >other.jsonl");
	refused("\"$S\" report run.jsonl other.jsonl -o old.html", "of different machines");
	good("sed '1s/\"schema\":[0-9]*/\"schema\":77/' run.jsonl >future.jsonl");
	refused("\"$S\" report future.jsonl -o old.html", "future.jsonl");
	refused("\"$S\" report run.jsonl -o no/such/page.html", "no/such/page.html");
	refused("PATH=/nowhere \"$S\" report run.jsonl -o old.html", "apt-get install gnuplot-nox");
	refused("\"$S\" report run.jsonl -o /dev/full/x.html", "/dev/full/x.html");
	good("[ \"$(cat old.html)\" = old ] && [ ! -e old.html.new ]");
}

/* At the widths of a phone and of a screen, in either colour, nothing sticks out; a click sorts. */
static void it_opens_in_a_browser(void **state)
{
	(void)state;
	if (sh("command -v chromium")) {
		print_message("needs chromium\n");
		skip();
	}
	good("\"$S\" report run.jsonl -o page.html");
	good("cat >frame.html <<'E'\n<body><script>\n"
	     "let left=2, say=[];\n"
	     "for(const w of [360,1280]){const "
	     "f=document.createElement('iframe');f.style.width=w+'px';"
	     "f.style.height='800px';f.style.border=0;f.src='page.html';f.onload=()=>{"
	     "const d=f.contentDocument,h=d.querySelectorAll('th'),t=d.querySelector('tbody');"
	     "say.push(w+(d.documentElement.scrollWidth<=w?' fits':' sticks out '"
	     "+d.documentElement.scrollWidth));"
	     "const arms=()=>[...t.rows].map(r=>r.cells[0].textContent).join();"
	     "h[0].click();const up=arms();h[0].click();"
	     "say.push(arms()!=up?'sorts':'does not sort '+up);"
	     "say.push([...d.images].every(i=>i.complete&&i.naturalWidth>100)?'draws':'no "
	     "pictures');"
	     "say.push(getComputedStyle(d.body).backgroundColor);"
	     "if(!--left)document.title=say.join(', ')};document.body.append(f)}\n"
	     "</script></body>\nE");
	good("for dark in --blink-settings=preferredColorScheme=1 "
	     "--blink-settings=preferredColorScheme=0; do timeout 60 chromium --headless "
	     "--no-sandbox --disable-gpu --allow-file-access-from-files --virtual-time-budget=5000 "
	     "$dark "
	     "--user-data-dir=\"$PWD/chromium\" --dump-dom \"file://$PWD/frame.html\" >dom.html "
	     "2>chromium.txt; grep -o '<title>.*</title>' dom.html; done");
	assert_non_null(strstr(out, "360 fits"));
	assert_non_null(strstr(out, "1280 fits"));
	assert_non_null(strstr(out, "rgb(255, 255, 255)"));
	assert_non_null(strstr(out, "rgb(22, 22, 22)"));
	assert_null(strstr(out, "does not sort"));
	assert_null(strstr(out, "no pictures"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_is_whole),
		cmocka_unit_test(control_characters_are_shown),
		cmocka_unit_test(a_plan_with_claims_shows_them),
		cmocka_unit_test(faults_are_one_line_and_leave_the_old_page),
		cmocka_unit_test(it_opens_in_a_browser),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
