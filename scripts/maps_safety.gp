# maps_safety.gp - the encoders' answers for return addresses that no safepoint has, and after a
# fault of the producer: one panel for each case, one stacked bar for each encoder.
#
#   stubmap maps FILE... --tsv safety > safety.tsv
#   gnuplot -c scripts/maps_safety.gp safety.tsv safety.svg
#
# Lookups of pc + 1 and inside an instruction, whose shares are nearly those of pc - 1, are left to
# the data. Columns: kind (bogus, fault), case, number, encoder, percent right, wrong, silent,
# detected, corpora.

DATA = ARG1
OUT = ARG2
HEIGHT = 1090
load ARG0[1:strlen(ARG0)-strlen("maps_safety.gp")]."style.gp"

cases = ""
corpora = 0
array having[64] # corpora that have the case
list_case(c, n) = strstrt(" ".cases." ", " ".c." ") ? 0 : \
	(cases = cases.(cases eq "" ? "" : " ").c, having[words(cases)] = n, 0)
shown(e) = e ne "none"
hidden(c) = c eq "pc+1" || c eq "mid-instruction"
note(k, c, e, n) = hidden(c) ? 0 : (list_case(k.":".c, n), n > corpora ? corpora = n : \
	0, shown(e) ? list_arm(e) : 0)
stats DATA skip 1 using (note(strcol(1), strcol(2), strcol(4), $9)) nooutput
if (words(list) == 0) { exit error "maps_safety.gp: no encoder in ".DATA }

STATES = "right detected silent wrong"
NAMES = "'right, or no worse than before' detected 'silently empty' 'a wrong map'"
edge(k) = k == 1 ? 0 : k == 2 ? $5 : k == 3 ? $5 + $8 : k == 4 ? $5 + $8 + $7 : $5 + $8 + $7 + $6

title_of(c) = \
	c eq "bogus:pc-1" ? "lookup of pc - 1" : \
	c eq "bogus:other-function" ? "lookup in another function" : \
	c eq "bogus:padding" ? "lookup in padding" : \
	c eq "bogus:empty" ? "a true, empty safepoint" : \
	c eq "fault:empty" ? "fault: no empty map" : \
	c eq "fault:map" ? "fault: no map" : \
	c eq "fault:slot" ? "fault: a slot left out" : \
	c eq "fault:pc" ? "fault: pc a byte high" : c
b(k, c, e, wanted) = k.":".c eq wanted ? place(e) : NaN
mark(e) = e eq "ranged-unsafe" ? e." (!)" : e

panels = words(cases)
lines = (panels + 1) / 2
set output OUT
set multiplot layout lines, 2 columnsfirst \
	title sprintf("Bogus addresses and faults: mean over %d corpora", corpora) \
	margins 0.28, 0.965, 0.1, 0.95 spacing 0.04, 0.03
set yrange [words(list) + 0.6 : 0.4]
set ytics ()
do for [i = 1:words(list)] { set ytics add (mark(word(list, i)) i) }
set ytics scale 0 font ",11"
set title font ",12"
set xrange [0:100]
set xtics 50
unset grid
set border 1
set key off
set style fill solid 1 border lc rgb "white"
do for [p = 1:panels] {
	c = word(cases, p)
	set title title_of(c).(having[p] < corpora ? sprintf(" (%d)", having[p]) : "") \
		offset 0, -0.7
	last = p % lines == 0 || p == panels
	set format x (last ? "%g" : "")
	set xlabel (last ? "% of lookups, faults" : "") offset 0, 0.4
	set ytics () font ",11"
	do for [i = 1:words(list)] { set ytics add ((p > lines ? "" : mark(word(list, i))) i) }
	plot for [k = 1:4] DATA skip 1 using (edge(k)):(b(strcol(1), strcol(2), strcol(4), c)): \
		(edge(k)):(edge(k + 1)):(b(strcol(1), strcol(2), strcol(4), c) - 0.36): \
		(b(strcol(1), strcol(2), strcol(4), c) + 0.36) \
			with boxxyerror lw 0.5 fc rgb colour(word(STATES, k))
}
# The key has a panel of its own, as wide as the figure.
set margins 0, 0, 0, 0
set size 1, 0.05
set origin 0, 0
unset title; unset xlabel; unset border; unset tics
set key at screen 0.53, screen 0.024 center center reverse Left vertical maxrows 2 \
	samplen 1.5 width -2 font ",11"
set xrange [0:1]
set yrange [0:1]
plot for [k = 1:4] 1 / 0 with boxes fc rgb colour(word(STATES, k)) title word(NAMES, k)
unset multiplot
