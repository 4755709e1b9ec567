# mappings.gp - the kernel's mappings of stubs and literals against the instances that are alive at
# once, one line for each arm. Where neighbours have the same protection the kernel joins them: what
# takes mappings is the holes that released stubs leave.
#
#   stubmap sweep scripts/plans/mappings.json -o RUN.jsonl
#   stubmap summary RUN.jsonl --csv > mappings.csv
#   gnuplot -c scripts/mappings.gp mappings.csv mappings.svg [LIMIT]      LIMIT: vm.max_map_count

DATA = ARG1
OUT = ARG2
LIMIT = ARGC > 2 ? ARG3 + 0 : 65530
HEIGHT = 460
load ARG0[1:strlen(ARG0)-strlen("mappings.gp")]."style.gp"
set datafile separator comma
set datafile columnheaders
set datafile missing NaN

wanted(phase, event) = phase eq "churn" && event eq "mappings"
stats DATA using (wanted(strcol("phase"), strcol("event")) ? list_arm(strcol("stubs")) : 0) nooutput
if (words(list) == 0) { exit error "mappings.gp: no mappings of churn in ".DATA }
x(i, stubs, phase, event, k) = wanted(phase, event) && stubs eq word(list, i) ? k : NaN

set output OUT
set multiplot
eval headline("Mappings while instances come and go")
set lmargin at screen 0.15
set rmargin at screen 0.97
set tmargin at screen 1 - 34.0 / HEIGHT
set bmargin at screen (key_height(list) + 56) / HEIGHT
set logscale xy
set xlabel "instances alive at most, of 1 to 64 stubs [log]" offset 0, 0.5
set ylabel "mappings, the most [log]" offset 1, 0
set xtics (4, 16, 64, 250, 1000)
set xrange [3:1400]
set yrange [1:LIMIT * 2]
set key off
set arrow 1 from graph 0, first LIMIT to graph 1, first LIMIT nohead dt 3 lc rgb "#707070"
set label 3 sprintf("vm.max_map_count: %.0f", LIMIT) at graph 0.02, first LIMIT left offset 0, 0.6 \
	tc rgb "#404040"
plot for [i = 1:words(list)] DATA using \
	(x(i, strcol("stubs"), strcol("phase"), strcol("event"), column("instances"))):(column("median")) \
	with linespoints lc rgb colour(word(list, i)) pt point(word(list, i)) \
	dt dash(word(list, i)) lw 1.2 ps 0.6
eval key_below
unset multiplot
