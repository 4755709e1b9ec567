# page_use.gp - pages and page faults against the number of live stubs, one line for each arm.
#
#   stubmap summary RUN.jsonl --tsv pages > pages.tsv
#   gnuplot -c scripts/page_use.gp pages.tsv pages.svg [KIND]      KIND: indirect by default
#
# Columns: arm, workload, kind, live, l1i_ways, then value, low, high of: PSS of code and PSS of all
# per stub, minor faults of the process, its mappings, their limit, pages of code touched per stub and
# per entry of the first-level ITLB (older runs have neither: no line for it then).

DATA = ARG1
OUT = ARG2
KIND = ARGC > 2 ? ARG3 : "indirect"
WIDTH = 860
load ARG0[1:strlen(ARG0)-strlen("page_use.gp")]."style.gp"

wanted(arm, kind) = kind eq KIND && arm ne "arm" && !strstrt(arm, ",")
stats DATA skip 1 using (wanted(strcol(1), strcol(3)) ? list_arm(strcol(1)) : 0) nooutput
if (words(list) == 0) { exit error "page_use.gp: no cell of kind ".KIND." in ".DATA }

set output OUT
set multiplot layout 1, 2 title "Pages of N live stubs (".KIND."), medians and 95 % intervals"
set xlabel "live stubs N"
set logscale xy
set logscale x 2
set format x "%.0f"
set xtics 8
set key below center reverse Left horizontal maxcols 2 samplen 2 width -2
x(arm, kind, i, live) = wanted(arm, kind) && arm eq word(list, i) ? live : NaN
set ylabel "pages of 4 KiB, code and literals (PSS)"
itlb = 0
stats DATA skip 1 using (strcol(24) ne "NaN" ? itlb = $21 * $4 / $24 : 0) nooutput
if (itlb > 0) {
	set arrow 1 from graph 0, first itlb to graph 1, first itlb nohead dt 2 lc rgb "#606060"
	set label 1 sprintf("L1 ITLB: %.0f", itlb) at graph 0.02, first itlb left offset 0, 0.6 \
		tc rgb "#404040"
}
bars = "with yerrorbars pt -1 lw 1 lc rgb"
plot for [i = 1:words(list)] DATA skip 1 using (x(strcol(1), strcol(3), i, $4)): \
	($9 * $4 / 4096):($10 * $4 / 4096):($11 * $4 / 4096) @bars colour(word(list, i)) notitle, \
     for [i = 1:words(list)] DATA skip 1 using (x(strcol(1), strcol(3), i, $4)):($9 * $4 / 4096) \
	with linespoints lc rgb colour(word(list, i)) pt point(word(list, i)) \
	dt dash(word(list, i)) lw 2 ps 0.6 title word(list, i)
unset arrow 1
unset label 1
set ylabel "minor page faults of the process"
plot for [i = 1:words(list)] DATA skip 1 using (x(strcol(1), strcol(3), i, $4)):12:13:14 \
	@bars colour(word(list, i)) notitle, \
     for [i = 1:words(list)] DATA skip 1 using (x(strcol(1), strcol(3), i, $4)):12 \
	with linespoints lc rgb colour(word(list, i)) pt point(word(list, i)) \
	dt dash(word(list, i)) lw 2 ps 0.6 title word(list, i)
unset multiplot
