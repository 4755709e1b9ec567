# peers.gp - our allocators of stubs, filled marks, and those of libraries, hollow ones, against the
# number of live stubs: a call, a stub's making, and the memory that it takes.
#
#   stubmap summary RUN.jsonl --tsv peers > peers.tsv
#   gnuplot -c scripts/peers.gp peers.tsv peers.svg
#
# Columns: arm, workload, kind, live, l1i_ways, then value, low, high of: ns a call, ns to make a stub
# in bulk, bytes that the process gains with a stub, of these executable ones, bytes from one stub to
# the next, mappings gained. Calls do not all do the same (`stubmap list peers`).

DATA = ARG1
OUT = ARG2
HEIGHT = 860
load ARG0[1:strlen(ARG0)-strlen("peers.gp")]."style.gp"

most = 4
drawn(arm) = arm ne "arm" && !comma(arm)
stats DATA skip 1 using (drawn(strcol(1)) ? ($4 > most ? most = $4 : 0, list_arm(strcol(1))) : 0) \
	nooutput

set output OUT
set multiplot
under = (key_height(list) + 56) / HEIGHT
over = 1 - 40.0 / HEIGHT
third = (over - under) / 3
set lmargin at screen 0.15
set rmargin at screen 0.96
eval headline("N live stubs, ours and those of libraries")
set logscale xy
set logscale x 2
set xrange [2.8:most * 1.6]
set xtics 4, 4
set key off
set errorbars 0.6
set ytics ("1" 1, "10" 10, "100" 100, "1k" 1000, "10k" 10000, "100k" 100000)

x(arm, i, n) = arm eq word(list, i) ? aside(arm, n, 1.05) : NaN
positive(v) = v > 0 ? v : NaN
panel(k) = sprintf("set bmargin at screen %g; set tmargin at screen %g", under + k * third + \
	(k ? 10.0 / HEIGHT : 0), under + (k + 1) * third - (k < 2 ? 6.0 / HEIGHT : 0))
lines(c) = sprintf("plot for [i = 1:words(list)] DATA skip 1 using (x(strcol(1), i, $4)): \
(positive($%d)):(positive($%d)):(positive($%d)) with yerrorbars pt -1 lw 1 lc rgb colour(word(list, i)), \
for [i = 1:words(list)] DATA skip 1 using (x(strcol(1), i, $4)):(positive($%d)) with linespoints lw 1.2 \
ps 0.6 lc rgb colour(word(list, i)) pt point(word(list, i)) dt dash(word(list, i))", c, c + 1, c + 2, c)

set format x ""
eval panel(2)
eval side("ns a call [log]", under + 2.5 * third)
eval lines(6)
unset label 1
eval panel(1)
eval side("ns to make a stub [log]", under + 1.5 * third)
eval lines(9)
set format x "%.0f"
set xlabel "live stubs N [log]" offset 0, 0.5
eval panel(0)
eval side("bytes a stub [log]", under + 0.5 * third)
eval lines(12)
spoken(arm) = arm[1:5] eq "peer:" ? arm[6:strlen(arm)] : arm # wide names leave the picture
eval key_below
unset multiplot
