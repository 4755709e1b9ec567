# faults.gp - the outcomes of a producer's faults in running programs: one panel for each kind of
# fault, one stacked bar for each encoder.
#
#   stubmap faults --tsv > faults.tsv
#   gnuplot -c scripts/faults.gp faults.tsv faults.svg
#
# Columns: fault, encoder, unsafe, programs, of them skipped, room, runs, caught, bad root, crash,
# no end, wrong answer, unnoticed, harmless.

DATA = ARG1
OUT = ARG2
HEIGHT = 1000
load ARG0[1:strlen(ARG0)-strlen("faults.gp")]."style.gp"

kinds = ""
array runs[16]  # the most runs of an encoder, for each kind
array room[16]
list_kind(k) = strstrt(" ".kinds." ", " ".k." ") ? 0 : \
	(kinds = kinds.(kinds eq "" ? "" : " ").k, runs[words(kinds)] = 0, room[words(kinds)] = 0, 0)
most(n, m) = n > runs[words(kinds)] ? (runs[words(kinds)] = n, room[words(kinds)] = m) : 0
note(k, e, n, m) = (list_kind(k), most(n, m), list_arm(e))
stats DATA skip 1 using (note(strcol(1), strcol(2), $7, $6)) nooutput
if (words(list) == 0) { exit error "faults.gp: no encoder in ".DATA }

# Faults that are noticed come first, the earliest before all.
STATES = "detected stopped crash wrong silent right"
NAMES = "'caught by the lookup' 'stopped: a bad root' 'a crash, or no end' 'a wrong answer' \
'unnoticed, a wrong map' 'no wrong map asked for'"
count(k) = k < 3 ? column(7 + k) : k == 3 ? $10 + $11 : column(8 + k)
part(k) = $7 > 0 ? 100.0 * count(k) / $7 : NaN
edge(k) = k == 1 ? 0 : edge(k - 1) + part(k - 1)

title_of(k) = \
	k eq "none" ? "no fault" : \
	k eq "empty" ? "an empty map left out" : \
	k eq "map" ? "a map left out" : \
	k eq "slot" ? "a live slot left out" : \
	k eq "pc" ? "a pc a byte too high" : k
count_of(p) = word(kinds, p) eq "none" ? sprintf(" (%d programs)", runs[p]) : \
	room[p] > runs[p] ? sprintf(" (%d of %d)", runs[p], room[p]) : sprintf(" (all %d)", runs[p])
b(k, e, wanted) = k eq wanted ? place(e) : NaN
mark(e) = e eq "ranged-unsafe" ? e." (!)" : e

panels = words(kinds)
lines = (panels + 1) / 2
set output OUT
set multiplot layout lines, 2 columnsfirst \
	title "Producers' faults in running programs: who notices" \
	margins 0.25, 0.965, 0.07, 0.93 spacing 0.04, 0.055
set yrange [words(list) + 0.6 : 0.4]
set ytics scale 0 font ",11"
set xrange [0:100]
set xtics 50
unset grid
set border 1
set key off
set style fill solid 1 border lc rgb "white"
do for [p = 1:panels] {
	k = word(kinds, p)
	set title title_of(k).count_of(p) offset 0, -0.7 font ",11"
	last = p % lines == 0 || p == panels
	set format x (last ? "%g" : "")
	set xlabel (p == lines ? "% of runs" : "") offset 0, 0.4
	set ytics ()
	do for [i = 1:words(list)] { set ytics add ((p > lines ? "" : mark(word(list, i))) i) }
	plot for [o = 1:6] DATA skip 1 using (edge(o)):(b(strcol(1), strcol(2), k)): \
		(edge(o)):(edge(o) + part(o)):(b(strcol(1), strcol(2), k) - 0.36): \
		(b(strcol(1), strcol(2), k) + 0.36) with boxxyerror lw 0.5 fc rgb colour(word(STATES, o)), \
		DATA skip 1 using ($4 == $5 || $7 == 0 ? 1 : NaN):(b(strcol(1), strcol(2), k)): \
		("fails without a fault") with labels left font ",11" tc rgb colour("wrong")
}
# The key stands where a sixth panel would.
set size 0.45, 0.2
set origin 0.58, 0.06
set margins 0, 0, 0, 0
unset title; unset xlabel; unset border; unset tics
set key left center reverse Left vertical maxrows 6 samplen 1.5 font ",11"
set xrange [0:1]
set yrange [0:1]
plot for [o = 1:6] 1 / 0 with boxes fc rgb colour(word(STATES, o)) title word(NAMES, o)
unset multiplot
