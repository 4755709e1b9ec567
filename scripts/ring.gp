# ring.gp - one figure of a call against the number of live stubs, one line for each arm: its time,
# or (fills) the lines that it fetches into the L1I.
#
#   stubmap summary RUN.jsonl --tsv ring > ring.tsv
#   gnuplot -c scripts/ring.gp ring.tsv ring.svg [KIND [fills]]      KIND: indirect by default
#
# Columns: arm, workload, kind, live, l1i_ways, value, low, high (95 %).

DATA = ARG1
OUT = ARG2
KIND = ARGC > 2 ? ARG3 : "indirect"
FILLS = ARGC > 3 && ARG4 eq "fills"
load ARG0[1:strlen(ARG0)-strlen("ring.gp")]."style.gp"

# Of the arms with a parameter only the baseline is drawn: the others coincide with their plain
# arms.
wanted(arm, kind) = kind eq KIND && arm ne "arm" && (!strstrt(arm, ",") || arm[1:5] eq "page,")
ways = NaN
bottom = 1e30
top = 0
span(v) = (v > 0 && v < bottom ? bottom = v : 0, v > top ? top = v : 0, 0)
stats DATA skip 1 using (wanted(strcol(1), strcol(3)) ? \
	(ways = $5, span($6), span($8), list_arm(strcol(1))) : 0) nooutput
if (words(list) == 0) { exit error "ring.gp: no cell of kind ".KIND." in ".DATA }

set output OUT
set title "One call through one of N live stubs (".KIND."), crossed in shuffled order"
set xlabel "live stubs N"
set ylabel FILLS ? "lines fetched into the L1I per call, 95 % interval" \
	: "time of a call [ns], median and 95 % interval"
set logscale x 2
set format x "%.0f"
set logscale y 10
if (FILLS) { set format y "%g" } else { set ytics (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) }
set yrange [bottom / 1.25:top * 1.5]
set offsets graph 0.02, graph 0.02, 0, 0
set xtics 2
set key below center reverse Left horizontal maxcols 3 samplen 3 width -1
if (ways == ways) {
	set arrow 1 from ways, graph 0 to ways, graph 1 nohead lc rgb "#808080" dt 3 lw 1.5 back
	set label 1 sprintf("ways of the L1I: %d", ways) at ways, graph 0.97 offset 0.6, 0 tc rgb "#606060"
}

x(arm, kind, i, live) = wanted(arm, kind) && arm eq word(list, i) ? live : NaN
plot for [i = 1:words(list)] DATA skip 1 using (x(strcol(1), strcol(3), i, $4)):7:8 \
	with filledcurves fc rgb colour(word(list, i)) fs transparent solid 0.2 noborder notitle, \
     for [i = 1:words(list)] DATA skip 1 using (x(strcol(1), strcol(3), i, $4)):6 \
	with linespoints lc rgb colour(word(list, i)) pt point(word(list, i)) \
	dt dash(word(list, i)) lw 2 ps 0.7 title word(list, i)
