# page_use.gp - pages and page faults against the number of live stubs, one line for each arm.
#
#   stubmap summary RUN.jsonl --tsv pages > pages.tsv
#   gnuplot -c scripts/page_use.gp pages.tsv pages.svg [KIND]      KIND: indirect by default
#
# The kernel counts a process's faults, not its stubs'. Of these some are made without any stub: a
# few, where the heap grows or has no room left by compiling, and one for each 128 callees. So the
# second panel shows the faults above those of the floor, null, whose processes make the same but no
# stub; its whiskers are the most that both intervals allow. A 0 stands on the axis.
#
# Columns: arm, workload, kind, live, l1i_ways, then value, low, high of: PSS of code and PSS of all
# per stub, minor faults of the process, its mappings, their limit, pages of code touched per stub
# and per entry of the first-level ITLB (older runs have neither: no line for it then).

DATA = ARG1
OUT = ARG2
KIND = ARGC > 2 ? ARG3 : "indirect"
HEIGHT = 640
load ARG0[1:strlen(ARG0)-strlen("page_use.gp")]."style.gp"

wanted(arm, kind) = kind eq KIND && arm ne "arm" && (!comma(arm) || large(arm))
most = 4
array live[64]; array floor_low[64]; array floor_at[64]; array floor_high[64]
floors = 0
note_floor(arm, n, v, low, high) = arm ne "null" || floors == 64 ? 0 : \
	(floors = floors + 1, live[floors] = n, \
	floor_at[floors] = v, floor_low[floors] = low, floor_high[floors] = high, 0)
stats DATA skip 1 using (wanted(strcol(1), strcol(3)) ? ($4 > most ? most = $4 : 0, \
	note_floor(strcol(1), $4, $12, $13, $14), list_arm(strcol(1))) : 0) nooutput
if (words(list) == 0) { exit error "page_use.gp: no cell of kind ".KIND." in ".DATA }
at(n, i) = i > floors ? 0 : live[i] == n ? i : at(n, i + 1)
itlb = 0
stats DATA skip 1 using (strcol(24) ne "NaN" ? itlb = $21 * $4 / $24 : 0) nooutput

set output OUT
set multiplot
under = (key_height(list) + 56) / HEIGHT
over = 1 - 40.0 / HEIGHT
half = (over - under) / 2
set lmargin at screen 0.15
set rmargin at screen 0.96
eval headline("Pages and page faults of N live stubs (".KIND.")")
set logscale xy
set logscale x 2
set xrange [2.8:most * 1.6]
set xtics 4, 4
set format x ""
set key off
set errorbars 0.6
x(arm, kind, i, n) = wanted(arm, kind) && arm eq word(list, i) ? aside(arm, n, 1.07) : NaN
bars = "with yerrorbars pt -1 lw 1 lc rgb"
drawn = "with linespoints lw 1.2 ps 0.6 lc rgb"

set bmargin at screen under + half + 10.0 / HEIGHT
set tmargin at screen over
eval side("4 KiB pages (PSS) [log]", under + 1.5 * half)
set yrange [0.7:most * 6]
set ytics ("1" 1, "10" 10, "100" 100, "1k" 1000, "10k" 10000)
if (itlb > 0) {
	set arrow 1 from graph 0, first itlb to graph 1, first itlb nohead dt 3 lc rgb "#707070"
	set label 3 sprintf("ITLB (%.0f)", itlb) at graph 0.02, first itlb left offset 0, 0.6 \
		tc rgb "#404040" font ",11"
}
plot for [i = 1:words(list)] DATA skip 1 using (x(strcol(1), strcol(3), i, $4)): \
	($9 * $4 / 4096):($10 * $4 / 4096):($11 * $4 / 4096) @bars colour(word(list, i)), \
     for [i = 1:words(list)] DATA skip 1 using (x(strcol(1), strcol(3), i, $4)):($9 * $4 / 4096) \
	@drawn colour(word(list, i)) pt point(word(list, i)) dt dash(word(list, i))
unset arrow 1
unset label 3
unset label 1

# Faults above the floor's: f is 0 for the value, -1 and 1 for the least and the most.
less(n, f) = floors == 0 ? 0 : at(n, 1) == 0 ? NaN : f == 0 ? floor_at[at(n, 1)] : f < 0 ? \
	floor_high[at(n, 1)] : floor_low[at(n, 1)]
above(v, n, f) = v - less(n, f) > 0.5 ? v - less(n, f) : v == v ? 0.5 : NaN
shown(arm, i) = floors > 0 && word(list, i) eq "null" ? NaN : 1
set bmargin at screen under
set tmargin at screen under + half - 10.0 / HEIGHT
eval side(floors ? "faults above null's [log]" : "faults of the process [log]", under + 0.5 * half)
set format x "%.0f"
set xlabel "live stubs N [log]" offset 0, 0.5
set yrange [0.42:most * 6]
set ytics ("0" 0.5, "1" 1, "10" 10, "100" 100, "1k" 1000, "10k" 10000)
plot for [i = 1:words(list)] DATA skip 1 using \
	(x(strcol(1), strcol(3), i, $4) * shown(strcol(1), i)): \
	(above($12, $4, 0)):(above($13, $4, -1)):(above($14, $4, 1)) @bars colour(word(list, i)), \
     for [i = 1:words(list)] DATA skip 1 using \
	(x(strcol(1), strcol(3), i, $4) * shown(strcol(1), i)): \
	(above($12, $4, 0)) @drawn colour(word(list, i)) pt point(word(list, i)) dt dash(word(list, i))

eval key_below
unset multiplot
