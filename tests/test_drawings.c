/* test_drawings.c - the drawings of runs: one palette in which a colour means one thing; each
 * script draws the committed data without a word, and without data says one line and leaves
 * nothing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <stubmap/map.h>
#include <stubmap/stub.h>

#include "peers/peers.h"
#include "shell_helpers.h"

static char folder[] = "/tmp/stubmap-drawn-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	return shell_enter(folder);
}

static int tear_down(void **state)
{
	(void)state;
	return shell_leave(folder);
}

/* It fails, with one line that has these words. */
static void fails(const char *command, const char *words)
{
	int status = sh(command), lines = 0;

	for (const char *c = err; *c; c += strcspn(c, "\n"), c += *c == '\n')
		lines += *c != '\n';
	if (!status || lines != 1 || !strstr(err, words))
		fail_msg("%s: status %d, said: %s%s", command, status, out, err);
}

/* ---- The palette ---------------------------------------------------------------------------- */

enum { ROWS = 100 };

static struct colour {
	char name[40];
	unsigned rgb;
	enum { ARM, ENCODER, STATE } sort;
} palette[ROWS];

static double linear(unsigned c)
{
	const double v = (c & 255) / 255.0;

	return v <= 0.03928 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

/* WCAG 2: of a colour on white. */
static double contrast(unsigned rgb)
{
	return 1.05 / (0.2126 * linear(rgb >> 16) + 0.7152 * linear(rgb >> 8) +
		       0.0722 * linear(rgb) + 0.05);
}

static size_t read_palette(void)
{
	char line[200], path[4100];
	size_t n = 0;

	snprintf(path, sizeof path, "%s/scripts/style.gp", getenv("TREE"));
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	while (n < ROWS && fgets(line, sizeof line, f)) {
		struct colour *c = &palette[n];

		if (sscanf(line, "%39s 0x%6x ", c->name, &c->rgb) != 2)
			continue;
		c->sort = stub_strategy(c->name) || peer_named(c->name) ? ARM
			  : map_encoder(c->name)			? ENCODER
									: STATE;
		n++;
	}
	fclose(f);
	return n;
}

static void a_colour_means_one_thing(void **state)
{
	size_t n = read_palette(), sorts[3] = { 0 };

	(void)state;
	for (size_t i = 0; i < n; i++) {
		sorts[palette[i].sort]++;
		if (contrast(palette[i].rgb) < 3)
			fail_msg("%s has a contrast of %.2f on white", palette[i].name,
				 contrast(palette[i].rgb));
		for (size_t k = 0; k < i; k++) {
			const struct colour *a = &palette[i], *b = &palette[k];

			if (!strcmp(a->name, b->name))
				fail_msg("%s has two rows", a->name);
			/* A family of encoders shares one; its points tell them apart. */
			if (a->rgb == b->rgb && (a->sort != ENCODER || b->sort != ENCODER))
				fail_msg("%s has the colour of %s", a->name, b->name);
		}
	}
	assert_true(sorts[ARM] >= 10 && sorts[ENCODER] >= 12 && sorts[STATE] >= 4);
}

/* ---- The scripts ---------------------------------------------------------------------------- */

/* OUT stands for the picture. */
static const char *const drawings[][2] = {
	{ "ring", "zen4/ring.tsv OUT" },
	{ "ring", "zen4/ring.tsv OUT entry_js" },
	{ "ring", "zen4/ring.tsv OUT indirect zen4/fills.tsv" },
	{ "ring", "zen5/ring.tsv OUT indirect zen5/fills.tsv" },
	{ "make_cost", "zen5/make.tsv OUT" },
	{ "page_use", "zen4/pages.tsv OUT" },
	{ "policies", "zen5/policies.tsv OUT" },
	{ "floods", "zen5/floods.tsv OUT" },
	{ "churn", "zen5/churn.tsv OUT" },
	{ "tierup", "zen5/tierup.tsv OUT zen5/stalls.tsv" },
	{ "maps_bytes", "zen4/maps_bytes.tsv OUT" },
	{ "maps_safety", "zen4/maps_safety.tsv OUT" },
	{ "maps_front", "zen4/maps_front.tsv zen4/maps_safety.tsv OUT" },
	{ "faults", "zen5/faults.tsv OUT" },
};

/* gnuplot with the arguments, in results/, OUT replaced; data: replaces the first one. */
static const char *command_of(size_t i, const char *data, const char *picture)
{
	static char line[900];
	const char *words = drawings[i][1], *at = strstr(words, "OUT");
	const char *first = data ? words + strcspn(words, " ") : words;

	snprintf(line, sizeof line,
		 "HERE=$PWD; cd \"$TREE/results\" && LC_ALL=C.UTF-8 gnuplot -c ../scripts/%s.gp "
		 "%s%.*s\"$HERE/%s\"%s",
		 drawings[i][0], data ? data : "", (int)(at - first), first, picture, at + 3);
	return line;
}

static void every_script_draws(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof drawings / sizeof *drawings; i++) {
		good(command_of(i, NULL, "drawn.svg"));
		if (*err)
			fail_msg("%s %s: said: %s", drawings[i][0], drawings[i][1], err);
		good("tail -n 2 drawn.svg | grep -q '</svg>' && [ $(wc -c <drawn.svg) -gt 4000 ]");
		good("rm drawn.svg");
	}
	good(command_of(0, NULL, "drawn.pdf"));
	good("head -c 5 drawn.pdf | grep -q '^%PDF-'");
}

static void without_data_there_is_a_line_and_no_picture(void **state)
{
	(void)state;
	good("printf 'arm\\tworkload\\n' >head.tsv");
	for (size_t i = 0; i < sizeof drawings / sizeof *drawings; i++) {
		fails(command_of(i, "no-such.tsv", "none.svg"), "there is no file no-such.tsv");
		fails(command_of(i, "\"$HERE/head.tsv\"", "none.svg"), "no row in");
		good("[ ! -e none.svg ]");
	}
	fails("cd \"$TREE/results\" && LC_ALL=C.UTF-8 gnuplot -c ../scripts/tierup.gp "
	      "zen5/tierup.tsv /no.svg",
	      "no stalls");
}

/* Where nothing was counted, the figure of two panels says so. */
static void an_empty_panel_says_why(void **state)
{
	(void)state;
	good(command_of(2, NULL, "zen4.svg"));
	good(command_of(3, NULL, "zen5.svg"));
	good("grep -q 'not counted' zen4.svg && ! grep -q 'not counted' zen5.svg");
	good("for knee in 'L1I ways (8)' 'ITLB (64)' 'L1I lines (512)'; do"
	     " grep -qF \"$knee\" zen4.svg || exit 1; done");
}

/* A line for each process of a run, none of them a median. */
static void stalls_are_of_each_process(void **state)
{
	(void)state;
	good("RUN=\"$TREE\"/results/zen5/tierup.jsonl; \"$S\" summary \"$RUN\" --tsv stalls "
	     ">stalls.tsv;"
	     " [ $(sed 1d stalls.tsv | wc -l) = $(grep -c '\"status\":\"ok\"' \"$RUN\") ] &&"
	     " grep -q '^pool.dual.0.0.tierup.256.1.0.4610.460$' stalls.tsv");
}

/* A line for each arm and trace, and none for rings. */
static void traces_have_a_line_each(void **state)
{
	(void)state;
	good("\"$S\" summary \"$TREE\"/results/zen4/first-1.jsonl --tsv traces >traces.tsv;"
	     " awk -F'\\t' 'NR > 1 { n++; k = $1 \" \" $2; if ($2 !~ /^replay:/ || $4 || $6 <= 0 "
	     "|| seen[k]++) bad = 1 } END { exit bad || n < 9 || !seen[\"pool replay:sqljs\"] }' "
	     "traces.tsv");
}

/* ---- What runs the scripts ------------------------------------------------------------------ */

/* A copy of the scripts with one machine's data, in whose results/ may be written. */
static void drawings_are_made_whole_or_not_at_all(void **state)
{
	(void)state;
	good("mkdir -p copy/results/here fake && cp -r \"$TREE/scripts\" copy &&"
	     " cp \"$TREE/results/zen4/maps_bytes.tsv\" copy/results/here &&"
	     " echo old >copy/results/here/maps_bytes.svg &&"
	     " printf '#!/bin/sh\\necho half >\"$4\"\\nexit 1\\n' >fake/gnuplot && chmod +x "
	     "fake/gnuplot");
	assert_int_equal(sh("PATH=$PWD/fake:$PATH copy/scripts/figures here"), 2);
	good("[ \"$(cat copy/results/here/maps_bytes.svg)\" = old ] &&"
	     " [ -z \"$(ls copy/results/here | grep new)\" ]");
	fails("mkdir -p bare && for c in sh dirname; do ln -sf \"$(command -v $c)\" bare; done;"
	      " PATH=$PWD/bare copy/scripts/figures here",
	      "apt-get install gnuplot-nox");
	good("copy/scripts/figures here && grep -q '</svg>' copy/results/here/maps_bytes.svg");
	fails("copy/scripts/figures nowhere", "there is no results/nowhere");
	good("copy/scripts/figures --show -n 3 maps_bytes 'Bytes. See them.' here");
	assert_string_equal(out, "![Bytes (here)](results/here/maps_bytes.svg)\n"
				 "\n**Figure 3.** Bytes. See them. (here: 16 corpora.)\n");
	fails("copy/scripts/figures --show ring 'A call'", "no ring.svg");
	fails("copy/scripts/figures --show -n 3 ring", "usage: ");
}

static void reach_is_a_table(void **state)
{
	(void)state;
	good("{ printf 'machine page_kib l1i_kib l1i_ways arm workload kind live l1i\\n';"
	     " for n in 4 8 16; do for p in 4 16 64; do for m in zen4 apple-m1-p cortex-a72; do"
	     " echo $m $p 32 8 page ring indirect $n $((n >= 8)); done; done;"
	     " echo zen4 4 32 8 pool ring indirect $n 0; done; } | tr ' ' '\\t' >reach.tsv");
	good("STUBMAP=\"$S\" \"$TREE/scripts/reach\" \"$PWD/reach.tsv\"");
	assert_non_null(strstr(out, "| zen4 | 32 KiB, 8 ways | 8 | - | - | > 16 |\n"));
	assert_non_null(strstr(out, "| apple-m1-p | 32 KiB, 8 ways | 8 | 8 | - | - |\n"));
	assert_non_null(strstr(out, "| cortex-a72 | 32 KiB, 8 ways | 8 | 8 | 8 | - |\n"));
	fails("STUBMAP=\"$S\" \"$TREE/scripts/reach\" \"$PWD/reach.tsv\" bind", "no bind of page");
	fails("STUBMAP=\"$S\" \"$TREE/scripts/reach\" no-such.tsv", "there is no file no-such.tsv");
	fails("\"$TREE/scripts/reach\"", "usage: ");
}

/* A short paper, with a figure and links; twice the same, with no path of this machine in it. */
static void a_paper_is_made(void **state)
{
	(void)state;
	good("mkdir -p page/results/zen4 && cp -r \"$TREE/scripts\" page &&"
	     " cp \"$TREE/results/zen4/make_cost.svg\" page/results/zen4 &&"
	     " printf '# T\\n\\n![M](results/zen4/make_cost.svg)\\n\\n**Figure 1.** It.\\n\\n"
	     "[a file](results/README.md)\\n' >page/PAPER.md && echo old >page/PAPER.pdf");
	refused("mkdir -p bare2 && for c in sh dirname; do ln -sf \"$(command -v $c)\" bare2; done;"
		" PATH=$PWD/bare2 page/scripts/paper",
		"apt-get install pandoc weasyprint");
	refused("page/scripts/paper --help", "usage: ");
	refused("\"$TREE/scripts/setup\" papr", "allowed: all, engines, paper");
	good("[ \"$(cat page/PAPER.pdf)\" = old ]");
	if (sh("command -v pandoc && command -v weasyprint && command -v rsvg-convert")) {
		print_message("needs pandoc, weasyprint and rsvg-convert\n");
		skip();
	}
	good("page/scripts/paper && mv page/PAPER.pdf once.pdf && sleep 1 && page/scripts/paper &&"
	     " cmp once.pdf page/PAPER.pdf && head -c 5 once.pdf | grep -q '^%PDF-'");
	good("! grep -aqF \"$PWD\" once.pdf && ! grep -aq 'file:' once.pdf");
	good("rm page/results/zen4/make_cost.svg && echo old >page/PAPER.pdf");
	assert_int_equal(sh("page/scripts/paper"), 2);
	good("[ \"$(cat page/PAPER.pdf)\" = old ] && [ ! -e page/PAPER.pdf.new ]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_colour_means_one_thing),
		cmocka_unit_test(every_script_draws),
		cmocka_unit_test(without_data_there_is_a_line_and_no_picture),
		cmocka_unit_test(an_empty_panel_says_why),
		cmocka_unit_test(stalls_are_of_each_process),
		cmocka_unit_test(traces_have_a_line_each),
		cmocka_unit_test(drawings_are_made_whole_or_not_at_all),
		cmocka_unit_test(reach_is_a_table),
		cmocka_unit_test(a_paper_is_made),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
