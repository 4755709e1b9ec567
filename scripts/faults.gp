# faults.gp - what became of a producer's faults in running programs: one panel for each kind of
# fault, one stacked bar for each encoder.
#
#   stubmap faults --tsv > faults.tsv
#   gnuplot -c scripts/faults.gp faults.tsv faults.svg
#
# Columns: fault, encoder, unsafe, programs, of them skipped, room, runs, caught, bad root, crash, no
# end, wrong answer, unnoticed, harmless.

DATA = ARG1
OUT = ARG2
HEIGHT = 1040
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

# Wong's colours: faults noticed early are blue, late red, unnoticed black; harmless ones are pale.
FILLS = "0x56B4E9 0x0072B2 0xE69F00 0x999999 0xA0330A 0x000000 0xC8E0D8"
NAMES = "'caught by the lookup' 'bad root: the collector' 'a crash' 'no end' 'a wrong answer' \
'unnoticed, a wrong map' 'no wrong map was asked for'"
part(k) = $7 > 0 ? 100.0 * column(7 + k) / $7 : NaN
edge(k) = k == 1 ? 0 : edge(k - 1) + part(k - 1)

title_of(k) = \
	k eq "none" ? "no fault" : \
	k eq "empty" ? "an empty map is not recorded" : \
	k eq "map" ? "a map is not recorded" : \
	k eq "slot" ? "a live slot is left out" : \
	k eq "pc" ? "a pc is one byte too high" : k
count_of(p) = word(kinds, p) eq "none" ? sprintf(" (%d programs)", runs[p]) : \
	room[p] > runs[p] ? sprintf(" (%d of %d)", runs[p], room[p]) : sprintf(" (all %d)", runs[p])
find(e, i) = i > words(list) ? NaN : word(list, i) eq e ? i : find(e, i + 1)
b(k, e, wanted) = k eq wanted ? find(e, 1) : NaN
mark(e) = e eq "ranged-unsafe" ? e." (!)" : e

panels = words(kinds)
lines = (panels + 1) / 2
set output OUT
set multiplot layout lines, 2 columnsfirst \
	title "Forgetful producers of stack maps, in programs that run: who notices" \
	margins 0.20, 0.97, 0.07, 0.93 spacing 0.03, 0.05
set yrange [words(list) + 0.6 : 0.4]
set ytics scale 0 font ",11"
set xrange [0:100]
set xtics 25
unset grid
set border 1
set key off
set style fill solid 1 noborder
do for [p = 1:panels] {
	k = word(kinds, p)
	set title title_of(k).count_of(p) offset 0, -0.7
	last = p % lines == 0 || p == panels
	set format x (last ? "%g" : "")
	set xlabel (p == lines ? "% of runs" : "") offset 0, 0.4
	set ytics ()
	do for [i = 1:words(list)] { set ytics add ((p > lines ? "" : mark(word(list, i))) i) }
	plot for [o = 1:7] DATA skip 1 using (edge(o)):(b(strcol(1), strcol(2), k)): \
		(edge(o)):(edge(o) + part(o)):(b(strcol(1), strcol(2), k) - 0.36): \
		(b(strcol(1), strcol(2), k) + 0.36) with boxxyerror fc rgb int(word(FILLS, o)), \
		DATA skip 1 using ($4 == $5 || $7 == 0 ? 1 : NaN):(b(strcol(1), strcol(2), k)): \
		("fails without a fault") with labels left font ",11" tc rgb "#A0330A"
}
# The key stands where a sixth panel would.
set size 0.4, 0.26
set origin 0.57, 0.02
set margins 0, 0, 0, 0
unset title; unset xlabel; unset border; unset tics
set key center center reverse Left vertical maxrows 7 samplen 1.5
set xrange [0:1]
set yrange [0:1]
plot for [o = 1:7] 1 / 0 with boxes fc rgb int(word(FILLS, o)) title word(NAMES, o)
unset multiplot
