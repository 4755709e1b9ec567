# tierup.gp - the cost of an upgrade while T threads call through the stubs, and the longest stall
# of a thread; one line for each arm, full under toggle and dashed under dual.
#
#   stubmap summary RUN.jsonl --tsv tierup > tierup.tsv
#   gnuplot -c scripts/tierup.gp tierup.tsv tierup.svg
#
# Columns: stubs, wx, share, poison, workload, live, threads, instances, then value, low, high of
# ns an upgrade in bulk (9), one by one (12), longest stall on the CPU (15), its floor (18), ...

DATA = ARG1
OUT = ARG2
WIDTH = 900
HEIGHT = 640
load ARG0[1:strlen(ARG0)-strlen("tierup.gp")]."style.gp"

stats DATA skip 1 using (list_arm(strcol(1))) nooutput
if (words(list) == 0) { exit error "tierup.gp: no tier-up in ".DATA }
wxs = "toggle dual"
shift(i, k) = 2 ** ((i - words(list) / 2.0) * 0.028 + (k - 1.5) * 0.012)
x(arm, wx, poison, i, k, t) = arm eq word(list, i) && wx eq word(wxs, k) && poison == 0 ? t * shift(i, k) : NaN
us(v) = v / 1000

set output OUT
set multiplot layout 1, 2 margins 0.11, 0.985, 0.34, 0.91 spacing 0.10 \
	title "Every stub upgraded while T threads call: medians, 95 % where there are enough runs"
set logscale x 2
set logscale y 10
set pointintervalbox 0
set xtics (1, 2, 4, 8)
set xrange [0.8:10]
set format y "%g"
set xlabel "calling threads T"
set key off

set ylabel "an upgrade in bulk [ns a stub]" offset 1, 0
plot for [k = 1:2] for [i = 1:words(list)] DATA skip 1 using \
	($10 == $10 ? x(strcol(1), strcol(2), $4, i, k, $7) : NaN):9:10:11 with yerrorbars \
	lc rgb colour(word(list, i)) pt -1 lw 1, \
     for [k = 1:2] for [i = 1:words(list)] DATA skip 1 using \
	(x(strcol(1), strcol(2), $4, i, k, $7)):9 with linespoints lc rgb colour(word(list, i)) \
	pt point(word(list, i)) dt k lw 1.6 ps 0.8

set ylabel "longest stall of a thread on its CPU [us]" offset 1, 0
plot for [k = 1:2] for [i = 1:words(list)] DATA skip 1 using \
	($16 == $16 ? x(strcol(1), strcol(2), $4, i, k, $7) : NaN):(us($15)):(us($16)):(us($17)) \
	with yerrorbars lc rgb colour(word(list, i)) pt -1 lw 1, \
     for [k = 1:2] for [i = 1:words(list)] DATA skip 1 using \
	(x(strcol(1), strcol(2), $4, i, k, $7)):(us($15)) with linespoints lc rgb colour(word(list, i)) \
	pt point(word(list, i)) dt k lw 1.6 ps 0.8, \
     DATA skip 1 using ($4 == 0 ? $7 : NaN):(us($18)) with points pt 1 ps 0.7 lc rgb "#404040"

# The key, across both panels.
set lmargin at screen 0.05
set rmargin at screen 0.97
set tmargin at screen 0.25
set bmargin at screen 0.02
unset border; unset tics; unset xlabel; unset ylabel; unset title; unset grid; unset logscale
set format y ""
set xrange [0:1]
set yrange [0:1]
set key at graph 0.5, graph 0.9 center top horizontal maxcols 4 samplen 3 width -1 Left reverse
plot for [k = 1:2] for [i = 1:words(list)] NaN with linespoints lc rgb colour(word(list, i)) \
	pt point(word(list, i)) dt k lw 1.6 ps 0.8 title word(list, i).", ".word(wxs, k), \
     NaN with points pt 1 ps 0.7 lc rgb "#404040" title "rounds without upgrades"
unset multiplot
