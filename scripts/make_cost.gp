# make_cost.gp - the cost of one stub: memory, and time to make it; one row for each arm.
#
#   stubmap summary RUN.jsonl --tsv make > make.tsv
#   gnuplot -c scripts/make_cost.gp make.tsv make.svg [KIND [LIVE]]
#
# KIND: indirect by default; LIVE: by default the largest of the data. Columns: arm, workload, kind,
# live, l1i_ways, then value, low, high of pss (bytes a stub), bind (ns a stub), first call (ns a
# stub).

DATA = ARG1
OUT = ARG2
KIND = ARGC > 2 ? ARG3 : "indirect"
LIVE = ARGC > 3 ? int(ARG4) : 0
HEIGHT = 520
load ARG0[1:strlen(ARG0)-strlen("make_cost.gp")]."style.gp"

if (LIVE == 0) {
	stats DATA skip 1 using (strcol(3) eq KIND && $4 > LIVE ? (LIVE = $4, 0) : 0) nooutput
}
wanted(arm, kind, live) = kind eq KIND && live == LIVE
array bottom[2] = [1e30, 1e30]
array top[2] = [0, 0]
span(p, v) = (v > 0 && v < bottom[p] ? bottom[p] = v : 0, v > top[p] ? top[p] = v : 0, 0)
stats DATA skip 1 using (wanted(strcol(1), strcol(3), $4) ? \
	list_arm(strcol(1)) + span(1, $6) + span(2, $9) + span(2, $12) : 0) nooutput
if (words(list) == 0) { exit error "make_cost.gp: no such cell in ".DATA }

y(arm, kind, live) = wanted(arm, kind, live) ? place(arm) : NaN
text(v) = v >= 100 ? sprintf("%.0f", v) : sprintf("%.3g", v)

set output OUT
set multiplot
set lmargin at screen 0.27
set rmargin at screen 0.93
eval headline(sprintf("What one of %d stubs takes (%s)", LIVE, KIND))
set logscale x 10
set format x "%g"
set grid noytics xtics
set yrange [words(list) + 0.6:0.4]
set ytics scale 0
set ytics ()
do for [i = 1:words(list)] { set ytics add (word(list, i) i) }

# A panel's axis begins at a power of ten below its least value; a 0 stands on the axis and says so.
do for [panel = 1:2] {
	low = top[panel] > 0 ? 10 ** floor(log10(bottom[panel]) - 0.1) : 1
	high = top[panel] > 0 ? 10 ** ceil(log10(top[panel]) + 0.25) : 10
	set xrange [low:high]
	set bmargin at screen (panel == 1 ? 0.605 : 0.19)
	set tmargin at screen (panel == 1 ? 0.92 : 0.47)
	if (panel == 1) {
		set xlabel "memory of a stub [bytes, PSS, log]" offset 0, 0.5
		set key off
		plot for [i = 1:words(list)] DATA skip 1 using ($6 > 0 ? $6 : low):\
			(strcol(1) eq word(list, i) ? y(strcol(1), strcol(3), $4) : NaN) \
			with points pt point(word(list, i)) ps 0.8 lc rgb colour(word(list, i)), \
		     DATA skip 1 using ($6 > 0 ? $6 : low):(y(strcol(1), strcol(3), $4)):(text($6)) \
			with labels left offset 1, 0 font ",11"
		unset label 1
	} else {
		set xlabel "time of a stub [ns, log]" offset 0, 0.5
		set key at screen 0.5, screen 0.01 center bottom vertical maxrows 2 samplen 1 Left reverse
		plot for [i = 1:words(list)] DATA skip 1 using 9:\
			(strcol(1) eq word(list, i) ? y(strcol(1), strcol(3), $4) - 0.13 : NaN):10:11 \
			with xerrorbars pt point(word(list, i)) ps 0.8 lw 1.2 lc rgb colour(word(list, i)) notitle, \
		     for [i = 1:words(list)] DATA skip 1 using 12:\
			(strcol(1) eq word(list, i) ? y(strcol(1), strcol(3), $4) + 0.17 : NaN):13:14 \
			with xerrorbars pt 12 ps 0.8 lw 1.2 lc rgb colour(word(list, i)) notitle, \
		     NaN with points pt 7 ps 0.8 lc rgb "#404040" title "to make it (the arm's mark)", \
		     NaN with points pt 12 ps 0.8 lc rgb "#404040" title "its first call"
	}
}
unset multiplot
