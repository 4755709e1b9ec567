# floods.gp - K instances of one module: bytes of an instance and time until its first call is made;
# under toggle, except pool with one physical page for all of its slots ("one page"), under dual.
#
#   stubmap summary RUN.jsonl --tsv floods > floods.tsv
#   gnuplot -c scripts/floods.gp floods.tsv floods.svg [WORKLOAD]      WORKLOAD: flood by default
#
# Columns: stubs, wx, share, poison, workload, live, threads, instances, then value, low, high of
# ns to the first call (9), ns until all stubs exist (12), bytes an instance (15), ...

DATA = ARG1
OUT = ARG2
WORKLOAD = ARGC > 2 ? ARG3 : "flood"
WIDTH = 900
HEIGHT = 560
load ARG0[1:strlen(ARG0)-strlen("floods.gp")]."style.gp"

arm(stubs, wx, share) = stubs.(share == 1 ? ",share" : wx eq "toggle" ? "" : "-".wx)
stats DATA skip 1 using (strcol(5) eq WORKLOAD && (strcol(2) eq "toggle" || $3 == 1) ? \
	list_arm(arm(strcol(1), strcol(2), $3)) : 0) nooutput
if (words(list) == 0) { exit error "floods.gp: no ".WORKLOAD." in ".DATA }
x(stubs, wx, share, workload, i, k) = workload eq WORKLOAD && arm(stubs, wx, share) eq word(list, i) ? \
	k * 1.05 ** (i - words(list) / 2.0) : NaN
name(a) = comma(a) ? base(a).", one page" : a

set output OUT
set multiplot layout 1, 2 margins 0.13, 0.985, 0.33, 0.91 spacing 0.10 \
	title sprintf("K instances of one module (%s): median and 95 %% interval", WORKLOAD)
set logscale x 10
set logscale y 10
set pointintervalbox 0
set xrange [0.7:1500]
set xtics (1, 10, 100, 1000)
set format y "%.0s%c"
set xlabel "instances K"
set key off

set ylabel "memory of an instance: stubs, literals [bytes]" offset 0, 0
plot for [i = 1:words(list)] DATA skip 1 using \
	($16 == $16 ? x(strcol(1), strcol(2), $3, strcol(5), i, $8) : NaN):15:16:17 \
	with yerrorbars lc rgb colour(word(list, i)) pt -1 lw 1, \
     for [i = 1:words(list)] DATA skip 1 using (x(strcol(1), strcol(2), $3, strcol(5), i, $8)):15 \
	with linespoints lc rgb colour(word(list, i)) pt point(word(list, i)) dt dash(word(list, i)) lw 1.6 ps 0.8

set format y "%g"
set ylabel "time to an instance's first call [us]" offset 1, 0
plot for [i = 1:words(list)] DATA skip 1 using \
	($10 == $10 ? x(strcol(1), strcol(2), $3, strcol(5), i, $8) : NaN):($9 / 1000):($10 / 1000):($11 / 1000) \
	with yerrorbars lc rgb colour(word(list, i)) pt -1 lw 1, \
     for [i = 1:words(list)] DATA skip 1 using (x(strcol(1), strcol(2), $3, strcol(5), i, $8)):($9 / 1000) \
	with linespoints lc rgb colour(word(list, i)) pt point(word(list, i)) dt dash(word(list, i)) lw 1.6 ps 0.8

# The key, across both panels.
set lmargin at screen 0.05
set rmargin at screen 0.97
set tmargin at screen 0.21
set bmargin at screen 0.02
unset border; unset tics; unset xlabel; unset ylabel; unset title; unset grid; unset logscale
set format y ""
set xrange [0:1]
set yrange [0:1]
set key at graph 0.5, graph 0.9 center top horizontal maxcols 4 samplen 3 width -1 Left reverse
plot for [i = 1:words(list)] NaN with linespoints lc rgb colour(word(list, i)) pt point(word(list, i)) \
	dt dash(word(list, i)) lw 1.6 ps 0.8 title name(word(list, i))
unset multiplot
