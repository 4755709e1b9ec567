# churn.gp - bytes of code held for each byte in use, over a stream of births and deaths: one panel
# for each workload, one line for each arm. 1 would be no waste.
#
#   stubmap summary RUN.jsonl --tsv churn > churn.tsv
#   gnuplot -c scripts/churn.gp churn.tsv churn.svg
#
# Columns: stubs, wx, share, poison, workload, live, threads, instances, point (0 to 1), held (10),
# used (11), stubs (12): medians over invocations. The floor, null, has no stub to hold room for.

DATA = ARG1
OUT = ARG2
HEIGHT = 660
load ARG0[1:strlen(ARG0)-strlen("churn.gp")]."style.gp"

loads = ""
top = 1
note(t) = strstrt(" ".loads." ", " ".t." ") ? 0 : (loads = loads.(loads eq "" ? "" : " ").t, 0)
ratio(arm, held, used) = arm ne "null" && used > 0 ? held / used : NaN
stats DATA skip 1 using (strcol(1) eq "null" ? 0 : (note(strcol(5)), list_arm(strcol(1)), \
	ratio(strcol(1), $10, $11) > top ? top = ratio(strcol(1), $10, $11) : 0, 0)) nooutput
if (words(loads) == 0) { exit error "churn.gp: no churn in ".DATA }

set output OUT
set multiplot
lines = (words(loads) + 1) / 2
under = (key_height(list) + 60) / HEIGHT
each = (1 - 44.0 / HEIGHT - under) / lines
eval headline("Bytes of code held for one in use")
set logscale y 10
set yrange [0.8:top * 1.5]
set xrange [0:1.02]
set xtics 0.5
set key off
eval side("bytes held for one in use [log]", (under + 1 - 44.0 / HEIGHT) / 2)
do for [p = 1:words(loads)] {
	w = word(loads, p)
	right = (p - 1) % 2
	row_at = (p - 1) / 2
	last = p > words(loads) - 2
	set lmargin at screen 0.14 + 0.43 * right
	set rmargin at screen 0.14 + 0.43 * right + 0.395
	set tmargin at screen 1 - 44.0 / HEIGHT - row_at * each - 22.0 / HEIGHT
	set bmargin at screen 1 - 44.0 / HEIGHT - (row_at + 1) * each + 8.0 / HEIGHT
	set title w offset 0, -0.9
	set format y (right ? "" : "%.0f")
	set format x (last ? "%g" : "")
	if (p == words(loads) - words(loads) % 2 - 1 || words(loads) == 1) {
		set label 3 "part of the births and deaths" at screen 0.56, screen under - 36.0 / HEIGHT center
	}
	plot for [i = 1:words(list)] DATA skip 1 using \
		(strcol(1) eq word(list, i) && strcol(5) eq w ? $9 : NaN):(ratio(strcol(1), $10, $11)) \
		with linespoints lc rgb colour(word(list, i)) dt dash(word(list, i)) lw 1.2 ps 0.6 \
		pt point(word(list, i)) pi 24
	unset label 1; unset label 2
	unset label 3
}
unset title
eval key_below
unset multiplot
