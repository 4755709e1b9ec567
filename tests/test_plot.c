/*
 * test_plot.c - stubmap plot: the figures that a run has, each as a picture of each form, by the
 * tree's scripts; else one line, and the old file stays. Runs the program beside it.
 */
#include "shell_helpers.h"

static char folder[] = "/tmp/stubmap-plot-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	return shell_enter(folder) || shell_run("p") ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	return shell_leave(folder);
}

static void figures_are_listed(void **state)
{
	(void)state;
	good("\"$S\" plot run.jsonl");
	assert_ptr_equal(strstr(out, "ring "), out);
	assert_non_null(strstr(out, "\nmake_cost "));
	assert_non_null(strstr(out, "\npage_use "));
	assert_null(strstr(out, "ring-")); /* kinds that the plan has not */
	assert_null(strstr(out, "floods"));
	good("head -n 300 \"$TREE\"/results/zen4/branches-1.jsonl >b.jsonl; \"$S\" plot b.jsonl");
	assert_non_null(strstr(out, "\nring-entry_js "));
}

static void each_is_drawn_in_each_form(void **state)
{
	(void)state;
	good("for f in ring make_cost page_use; do for e in svg pdf png; do"
	     " \"$S\" plot run.jsonl --plot $f -o $f.$e || exit; done;"
	     " grep -q '^<svg' $f.svg && head -c 4 $f.pdf | grep -q %PDF &&"
	     " head -c 4 $f.png | grep -q PNG || exit; done; ! ls | grep new");
	assert_string_equal(out, "");
	assert_string_equal(err, "");
	/* As the script draws it by hand. */
	good("\"$S\" summary run.jsonl --tsv ring >ring.tsv && "
	     "LC_ALL=C.UTF-8 gnuplot -c \"$TREE\"/scripts/ring.gp ring.tsv hand.svg && cmp "
	     "hand.svg ring.svg");
	good("\"$S\" plot run.jsonl --plot ring -o \"$PWD/whole path.svg\" && "
	     "cmp ring.svg 'whole path.svg'");
	/* Gnuplot would run it. */
	good("\"$S\" plot run.jsonl --plot ring -o '|touch x.svg' && [ ! -e x.new.svg ] && "
	     "cmp ring.svg '|touch x.svg'");
	assert_string_equal(err, "");
}

static void the_only_figure_needs_no_name(void **state)
{
	(void)state;
	good("\"$S\" run --workload tierup --live 16 --upgrades 100 --stubs page,pool -b 2 "
	     "-o one.jsonl >text && \"$S\" plot one.jsonl");
	assert_ptr_equal(strstr(out, "tierup "), out);
	for (const char *at = out; (at = strchr(at, '\n')) && at[1]; at++)
		assert_int_equal(at[1], ' '); /* its caption goes on: no other figure */
	good("\"$S\" plot one.jsonl -o one.svg && [ -s one.svg ]");
}

/* Mappings against stubs: where more than one number of instances was tried. */
static void mappings_are_drawn_against_stubs(void **state)
{
	(void)state;
	good("\"$S\" run --workload churn --live 8 --instances 4,16 --max-events 400 --stubs "
	     "page,pool --wx toggle,dual -b 1 -o maps.jsonl >text && "
	     "\"$S\" summary maps.jsonl --tsv mappings >maps.tsv");
	good("head -n 1 maps.tsv | tr '\\t' ' ' | grep -qx 'stubs wx share poison workload live "
	     "threads instances churn_stubs_peak low high churn_mappings low high "
	     "churn_mappings_limit low high'");
	/* Of each of the eight cells: 1 to 8 stubs an instance; what the kernel says. */
	good("limit=$(cat /proc/sys/vm/max_map_count); "
	     "awk -F'\\t' -v limit=\"$limit\" 'NR > 1 { n++; if ($9 < $8 / 2 || $9 > 8 * $8 || "
	     "$12 < 2 || $12 > limit || $15 != limit) bad = 1 } END { exit bad || n != 8 }' "
	     "maps.tsv");
	/* Stubs that have a page each leave holes; dual changes no protection. */
	good("awk -F'\\t' '$8 == 16 { v[$1, $2] = $12 } END { exit !(v[\"page\", \"toggle\"] > "
	     "v[\"pool\", \"toggle\"] && v[\"page\", \"dual\"] == v[\"pool\", \"dual\"]) }' "
	     "maps.tsv");
	good("\"$S\" plot maps.jsonl");
	assert_non_null(strstr(out, "\nmappings "));
	good("\"$S\" plot maps.jsonl --plot mappings -o maps.svg && "
	     "LC_ALL=C.UTF-8 gnuplot -c \"$TREE\"/scripts/mappings.gp maps.tsv hand.svg && cmp "
	     "hand.svg maps.svg "
	     "&& grep -q 'vm.max_map_count (' maps.svg && grep -q 'page,wx=dual' maps.svg");
	assert_string_equal(err, "");
	good("\"$S\" report maps.jsonl -o maps.html && grep -q 'stubs that live while' maps.html");
	good("awk -F'\\t' -v OFS='\\t' 'NR > 1 { $12 = \"NaN\" } 1' maps.tsv >none.tsv");
	assert_int_not_equal(
	    sh("LC_ALL=C.UTF-8 gnuplot -c \"$TREE\"/scripts/mappings.gp none.tsv none.svg"), 0);
	assert_non_null(strstr(err, "no mappings in none.tsv"));
	good(
	    "\"$S\" run --workload churn --live 8 --instances 4 --max-events 400 --stubs page,pool "
	    "-b 1 -o few.jsonl >text");
	refused("\"$S\" plot few.jsonl --plot mappings -o old.svg",
		"no data of the plot mappings; it has: make_cost, churn");
}

static void faults_are_one_line_and_leave_the_old_file(void **state)
{
	(void)state;
	good("echo old >old.svg");
	refused("\"$S\" plot", "an argument is missing");
	refused("\"$S\" plot run.jsonl -o old.gif", "ends in .svg, .pdf or .png");
	refused("\"$S\" plot run.jsonl -o .svg", "ends in .svg, .pdf or .png");
	refused("\"$S\" plot run.jsonl --plot ring", "-o FILE is missing");
	refused("\"$S\" plot run.jsonl --plot rimg -o old.svg", "did you mean 'ring'");
	refused("\"$S\" plot run.jsonl --plot floods -o old.svg",
		"no data of the plot floods; it has: ring, make_cost, page_use");
	refused("\"$S\" plot run.jsonl -o old.svg", "run.jsonl has: ring, make_cost, page_use");
	refused("\"$S\" plot nothing.jsonl", "nothing.jsonl");
	good("sed '1s/\"schema\":[0-9]*/\"schema\":77/' run.jsonl >future.jsonl");
	refused("\"$S\" plot future.jsonl --plot ring -o old.svg", "future.jsonl");
	good("sed -n 1p run.jsonl >empty.jsonl");
	refused("\"$S\" plot empty.jsonl --plot ring -o old.svg", "empty.jsonl has no data");
	refused("\"$S\" plot run.jsonl --plot ring -o no/such/x.svg", "no/such/x.svg");
	refused("\"$S\" plot run.jsonl --plot ring -o /dev/full/x.svg", "/dev/full/x.svg");
	refused("mkdir -p dir.svg && \"$S\" plot run.jsonl --plot ring -o dir.svg", "dir.svg");
	refused("PATH=/nowhere \"$S\" plot run.jsonl --plot ring -o old.svg",
		"apt-get install gnuplot-nox");
	refused("TMPDIR=/nowhere \"$S\" plot run.jsonl --plot ring -o old.svg", "/nowhere (TMPDIR)");
	/* A picture of more than 2 KiB, where no file may have so many. */
	refused("ulimit -f 2 && \"$S\" plot run.jsonl --plot ring -o old.svg", "old.svg");
	good("[ \"$(cat old.svg)\" = old ] && ! ls | grep 'new[.]'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_are_listed),
		cmocka_unit_test(each_is_drawn_in_each_form),
		cmocka_unit_test(the_only_figure_needs_no_name),
		cmocka_unit_test(mappings_are_drawn_against_stubs),
		cmocka_unit_test(faults_are_one_line_and_leave_the_old_file),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
