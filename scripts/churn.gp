# churn.gp - bytes of held code over the stream of births and deaths: one panel for each workload,
# one line for each arm; the area below is what live stubs of the eager arms occupy.
#
#   stubmap summary RUN.jsonl --tsv churn > churn.tsv
#   gnuplot -c scripts/churn.gp churn.tsv churn.svg
#
# Columns: stubs, wx, share, poison, workload, live, threads, instances, point (0 to 1), held (10),
# used (11), stubs (12): medians over invocations.

DATA = ARG1
OUT = ARG2
WIDTH = 900
HEIGHT = 820
load ARG0[1:strlen(ARG0)-strlen("churn.gp")]."style.gp"

loads = ""
note(t) = strstrt(" ".loads." ", " ".t." ") ? 0 : (loads = loads.(loads eq "" ? "" : " ").t, 0)
stats DATA skip 1 using (note(strcol(5)) + list_arm(strcol(1))) nooutput
if (words(loads) == 0) { exit error "churn.gp: no churn in ".DATA }
kib(arm, workload, a, w, v) = arm eq a && workload eq w && v > 0 ? v / 1024 : NaN

set output OUT
set multiplot layout 2, 2 margins 0.10, 0.985, 0.16, 0.92 spacing 0.08, 0.10 \
	title "Code held as instances come and die (median of the runs); grey: what live stubs of pool occupy"
set logscale y 2
set yrange [2:65536]
set ytics 8
set format y "%.0f"
set xrange [0:1]
set key off
do for [p = 1:words(loads)] {
	w = word(loads, p)
	set title w offset 0, -0.7
	if (p % 2) { set ylabel "code [KiB]" offset 1, 0 } else { unset ylabel }
	if (p > 2) { set xlabel "part of the births and deaths" } else { unset xlabel }
	plot DATA skip 1 using (kib(strcol(1), strcol(5), "pool", w, $11) == kib(strcol(1), strcol(5), "pool", w, $11) ? $9 : NaN):(kib(strcol(1), strcol(5), "pool", w, $11)) \
		with filledcurves y1=2 fc rgb "#c8c8c8" notitle, \
	     for [i = 1:words(list)] DATA skip 1 using \
		(strcol(1) eq word(list, i) && strcol(5) eq w ? $9 : NaN):($10 / 1024) \
		with lines lc rgb colour(word(list, i)) dt dash(word(list, i)) lw 2 notitle
}

# The key, across all panels.
set lmargin at screen 0.05
set rmargin at screen 0.97
set tmargin at screen 0.075
set bmargin at screen 0.02
unset border; unset tics; unset xlabel; unset ylabel; unset title; unset grid; unset logscale
set format y ""
set xrange [0:1]
set yrange [0:1]
set key at graph 0.5, graph 0.9 center top horizontal maxcols 4 samplen 3 width -1 Left reverse
plot for [i = 1:words(list)] NaN with lines lc rgb colour(word(list, i)) dt dash(word(list, i)) lw 2 \
	title word(list, i)
unset multiplot
