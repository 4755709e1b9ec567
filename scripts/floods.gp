# floods.gp - K instances of one module: bytes of an instance and time until its first call is made;
# under toggle, except pool with one physical page for all of its slots (share), under dual.
#
#   stubmap summary RUN.jsonl --tsv floods > floods.tsv
#   gnuplot -c scripts/floods.gp floods.tsv floods.svg [WORKLOAD]      WORKLOAD: flood by default
#
# Columns: stubs, wx, share, poison, workload, live, threads, instances, then value, low, high of
# ns to the first call (9), ns until all stubs exist (12), bytes an instance (15), ...

DATA = ARG1
OUT = ARG2
WORKLOAD = ARGC > 2 ? ARG3 : "flood"
HEIGHT = 660
load ARG0[1:strlen(ARG0)-strlen("floods.gp")]."style.gp"

arm(stubs, wx, share) = stubs.(share == 1 ? ",share" : wx eq "toggle" ? "" : "-".wx)
stats DATA skip 1 using (strcol(5) eq WORKLOAD && (strcol(2) eq "toggle" || $3 == 1) ? \
	list_arm(arm(strcol(1), strcol(2), $3)) : 0) nooutput
if (words(list) == 0) { exit error "floods.gp: no ".WORKLOAD." in ".DATA }
x(stubs, wx, share, workload, a, k) = workload eq WORKLOAD && arm(stubs, wx, share) eq a ? \
	aside(a, k, 1.06) : NaN
array bottom[2] = [1e30, 1e30]
array top[2] = [1, 1]
span(p, v) = (v > 0 && v < bottom[p] ? bottom[p] = v : 0, v > top[p] ? top[p] = v : 0, 0)
stats DATA skip 1 using (strcol(5) eq WORKLOAD ? span(1, $15) + span(1, $16) + span(1, $17) + \
	span(2, $9) + span(2, $10) + span(2, $11) : 0) nooutput

set output OUT
set multiplot
set lmargin at screen 0.16
set rmargin at screen 0.96
under = (key_height(list) + 56) / HEIGHT
over = 1 - 40.0 / HEIGHT
half = (over - under) / 2
eval headline(sprintf("K instances of one module (%s)", WORKLOAD))
set logscale xy 10
set pointintervalbox 0
set xrange [0.6:1700]
set xtics (1, 10, 100, 1000)
set errorbars 0.6
set key off
bars = "with yerrorbars pt -1 lw 1 lc rgb"
drawn = "with linespoints lw 1.2 ps 0.6 lc rgb"

set bmargin at screen under + half + 10.0 / HEIGHT
set tmargin at screen over
set format x ""
set format y "%.0s%c"
set yrange [bottom[1] / 1.4:top[1] * 1.6]
eval side("bytes of an instance [log]", under + 1.5 * half)
plot for [a in list] DATA skip 1 using \
	($16 == $16 ? x(strcol(1), strcol(2), $3, strcol(5), a, $8) : NaN):15:16:17 @bars colour(a), \
     for [a in list] DATA skip 1 using (x(strcol(1), strcol(2), $3, strcol(5), a, $8)):15 \
	@drawn colour(a) pt point(a) dt dash(a)
unset label 1

set bmargin at screen under
set tmargin at screen under + half - 10.0 / HEIGHT
set format x "%g"
set format y "%g"
set xlabel "instances K [log]" offset 0, 0.5
set yrange [bottom[2] / 1400:top[2] / 1000 * 1.6]
eval side("its first call after [us, log]", under + 0.5 * half)
plot for [a in list] DATA skip 1 using \
	($10 == $10 ? x(strcol(1), strcol(2), $3, strcol(5), a, $8) : \
		NaN):($9 / 1000):($10 / 1000):($11 / 1000) \
	@bars colour(a), \
     for [a in list] DATA skip 1 using (x(strcol(1), strcol(2), $3, strcol(5), a, $8)):($9 / 1000) \
	@drawn colour(a) pt point(a) dt dash(a)
eval key_below
unset multiplot
