# mappings.gp - the kernel's mappings of stubs and literals against the stubs that are alive, as
# instances are born and die; one line for each arm and W^X policy, for the first workload of the
# data. The kernel joins neighbours of one protection, so the mappings come from the holes that
# released stubs leave.
#
#   stubmap summary RUN.jsonl --tsv mappings > mappings.tsv
#   gnuplot -c scripts/mappings.gp mappings.tsv mappings.svg
#
# Columns: stubs, wx, share, poison, workload, live, threads, instances, the most stubs (9), the most
# mappings, low, high (12 to 14), vm.max_map_count (15).

DATA = ARG1
OUT = ARG2
HEIGHT = 480
load ARG0[1:strlen(ARG0)-strlen("mappings.gp")]."style.gp"

arm(stubs, wx) = wx eq "toggle" ? stubs : stubs.",wx=".wx
load_of = ""
first(workload) = (load_of eq "" ? load_of = workload : 0, workload eq load_of)
most = 4
limit = 0
top = 1
stats DATA skip 1 using (first(strcol(5)) && strcol(12) ne "NaN" ? \
	($9 > most ? most = $9 : 0, $12 > top ? top = $12 : 0, $15 > limit ? limit = $15 : 0, \
	list_arm(arm(strcol(1), strcol(2)))) : 0) nooutput
if (words(list) == 0) { exit error "mappings.gp: no mappings in ".DATA }

set output OUT
set multiplot
eval headline("Mappings of stubs that come and go (".load_of.")")
set lmargin at screen 0.2
set rmargin at screen 0.96
set tmargin at screen 1 - 34.0 / HEIGHT
set bmargin at screen (key_height(list) + 56) / HEIGHT
set logscale xy
set xrange [:most * 1.6]
set yrange [0.8:(limit > top ? limit : top) * 2.5]
set format x "%.0f"
set format y "%.0f"
set xlabel "live stubs, the most [log]" offset 0, 0.5
eval side("mappings, the most [log]", (key_height(list) + 56.0 + HEIGHT - 34) / 2 / HEIGHT)
set key off
set errorbars 0.6
if (limit > 0) {
	set arrow 1 from graph 0, first limit to graph 1, first limit nohead dt 3 lc rgb "#707070"
	set label 3 sprintf("vm.max_map_count (%.0f)", limit) at graph 0.02, first limit left \
		offset 0, 0.6 tc rgb "#404040" font ",11"
}
x(stubs, wx, workload, a, n) = workload eq load_of && arm(stubs, wx) eq a ? aside(a, n, 1.03) : NaN
known(text, v) = text eq "NaN" ? NaN : v
plot for [a in list] DATA skip 1 using \
	(known(strcol(13), x(strcol(1), strcol(2), strcol(5), a, $9))):12:13:14 \
	with yerrorbars pt -1 lw 1 lc rgb colour(a), \
     for [a in list] DATA skip 1 using (x(strcol(1), strcol(2), strcol(5), a, $9)):12 \
	with linespoints lc rgb colour(a) pt point(a) dt dash(a) lw 1.2 ps 0.6
eval key_below
unset multiplot
