# maps_safety.gp - the encoders' answers for return addresses that no safepoint has, and after a
# fault of the producer: one panel for each case, one stacked bar for each encoder.
#
#   stubmap maps FILE... --tsv safety > safety.tsv
#   gnuplot -c scripts/maps_safety.gp safety.tsv safety.svg
#
# Columns: kind (bogus, fault), case, number, encoder, percent right, wrong, silent, detected, corpora.

DATA = ARG1
OUT = ARG2
HEIGHT = 1800
load ARG0[1:strlen(ARG0)-strlen("maps_safety.gp")]."style.gp"

cases = ""
corpora = 0
array having[64] # corpora that have the case
list_case(c, n) = strstrt(" ".cases." ", " ".c." ") ? 0 : \
	(cases = cases.(cases eq "" ? "" : " ").c, having[words(cases)] = n, 0)
shown(e) = e ne "none"
note(k, c, e, n) = (list_case(k.":".c, n), n > corpora ? corpora = n : 0, shown(e) ? list_arm(e) : 0)
stats DATA skip 1 using (note(strcol(1), strcol(2), strcol(4), $9)) nooutput
if (words(list) == 0) { exit error "maps_safety.gp: no encoder in ".DATA }

# Wong's colours again: good answers are pale, bad ones dark, in the order of the bar.
FILLS = "0xC8E0D8 0x56B4E9 0xE69F00 0xA0330A"
NAMES = "'right, or no worse than before' detected 'silently empty' 'a wrong map'"
edge(k) = k == 1 ? 0 : k == 2 ? $5 : k == 3 ? $5 + $8 : k == 4 ? $5 + $8 + $7 : $5 + $8 + $7 + $6

title_of(c) = \
	c eq "bogus:pc-1" ? "lookup of pc - 1" : \
	c eq "bogus:pc+1" ? "lookup of pc + 1" : \
	c eq "bogus:mid-instruction" ? "lookup inside an instruction" : \
	c eq "bogus:other-function" ? "lookup in another function" : \
	c eq "bogus:padding" ? "lookup in padding" : \
	c eq "bogus:empty" ? "lookup of a true, empty safepoint" : \
	c eq "fault:empty" ? "fault: an empty map is not recorded" : \
	c eq "fault:map" ? "fault: a map is not recorded" : \
	c eq "fault:slot" ? "fault: a live slot is left out" : \
	c eq "fault:pc" ? "fault: a pc is one byte too high" : c
find(e, i) = i > words(list) ? NaN : word(list, i) eq e ? i : find(e, i + 1)
b(k, c, e, wanted) = k.":".c eq wanted ? find(e, 1) : NaN
mark(e) = e eq "ranged-unsafe" ? e." (!)" : e

panels = words(cases)
lines = (panels + 1) / 2
set output OUT
set multiplot layout lines, 2 columnsfirst \
	title sprintf("Bogus return addresses and forgetful producers: mean shares over %d corpora", corpora) \
	margins 0.2, 0.975, 0.065, 0.955 spacing 0.03, 0.022
set yrange [words(list) + 0.6 : 0.4]
set ytics ()
do for [i = 1:words(list)] { set ytics add (mark(word(list, i)) i) }
set ytics scale 0
set xrange [0:100]
set xtics 25
unset grid
set border 1
set key off
set style fill solid 1 noborder
do for [p = 1:panels] {
	c = word(cases, p)
	set title title_of(c).(having[p] < corpora ? sprintf(" (%d corpora)", having[p]) : "") \
		offset 0, -0.7
	last = p % lines == 0 || p == panels
	set format x (last ? "%g" : "")
	set xlabel (last ? "% of lookups or faults" : "") offset 0, 0.4
	set ytics ()
	do for [i = 1:words(list)] { set ytics add ((p > lines ? "" : mark(word(list, i))) i) }
	plot for [k = 1:4] DATA skip 1 using (edge(k)):(b(strcol(1), strcol(2), strcol(4), c)): \
		(edge(k)):(edge(k + 1)):(b(strcol(1), strcol(2), strcol(4), c) - 0.36): \
		(b(strcol(1), strcol(2), strcol(4), c) + 0.36) with boxxyerror fc rgb int(word(FILLS, k))
}
# The key has a panel of its own, as wide as the figure.
set size 1, 0.03
set origin 0, 0
set margins 0, 0, 0, 0
unset title; unset xlabel; unset border; unset tics
set key center center reverse Left horizontal maxcols 4 samplen 1.5 width 1
set xrange [0:1]
set yrange [0:1]
plot for [k = 1:4] 1 / 0 with boxes fc rgb int(word(FILLS, k)) title word(NAMES, k)
unset multiplot
