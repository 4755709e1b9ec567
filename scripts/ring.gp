# ring.gp - a call against the number of live stubs, one line for each arm: its time and, if a
# second file is named, below it over the same axis the lines that it fetches into the L1I.
#
#   stubmap summary RUN.jsonl --tsv ring > ring.tsv
#   stubmap summary COUNTED.jsonl --tsv fills > fills.tsv
#   gnuplot -c scripts/ring.gp ring.tsv ring.svg [KIND [fills.tsv]]      KIND: indirect by default
#
# Where fills.tsv is missing or has no counts of that kind, the second panel says so. Columns: arm,
# workload, kind, live, l1i_ways, value, low, high (95 %), ..., by name: l1i_lines, itlb_entries.
# Arms that coincide stand a little aside of each other, in the key's order.

DATA = ARG1
OUT = ARG2
KIND = ARGC > 2 && ARG3 ne "" ? ARG3 : "indirect"
TWO = ARGC > 3
FILLS = TWO ? ARG4 : ""
HEIGHT = TWO ? 640 : 440
load ARG0[1:strlen(ARG0)-strlen("ring.gp")]."style.gp"

# Of the arms with a parameter only page with its literals apart is drawn: the others coincide with
# their plain arms.
wanted(arm, kind) = kind eq KIND && arm ne "arm" && (!comma(arm) || large(arm) \
	|| arm[1:5] eq "page,")
bottom = 1e30
top = 0
most = 4
span(v) = (v > 0 && v < bottom ? bottom = v : 0, v > top ? top = v : 0, 0)
stats DATA skip 1 using (wanted(strcol(1), strcol(3)) ? \
	(span($6), span($8), $4 > most ? most = $4 : 0, list_arm(strcol(1))) : 0) nooutput
if (words(list) == 0) { exit error "ring.gp: no cell of kind ".KIND." in ".DATA }

# A column of the first line, by its name: where N reaches it, something of the machine is used up.
found(text) = text eq "" ? 0 : text + 0
of_machine(name) = found(system(sprintf("awk -F'\\t' 'NR == 1 { for (i = 1; i <= NF; i++) \
	if ($i == \"%s\") at = i; next } at && $at + 0 { print $at; exit }' '%s'", name, DATA)))
ways = of_machine("l1i_ways")
lines = of_machine("l1i_lines")
entries = of_machine("itlb_entries")

counted = ""
count(arm) = strstrt(" ".counted." ", " ".arm." ") ? 0 : (counted = counted." ".arm, 0)
if (TWO && system("test -r '".FILLS."' && echo 1") eq "1") {
	stats FILLS skip 1 using (wanted(strcol(1), strcol(3)) && strcol(6) ne "NaN" ? \
		count(strcol(1)) : 0) nooutput
}

set output OUT
set multiplot
set lmargin at screen 0.15
set rmargin at screen 0.96
under = (key_height(list) + 56) / HEIGHT # the key and the axis' name
over = 1 - 62.0 / HEIGHT
set bmargin at screen TWO ? under + (over - under) * 0.42 : under
set tmargin at screen over
eval headline("One call through one of N live stubs (".KIND.")")
set logscale xy
set logscale x 2
set xrange [2.8:most * 1.6]
set xtics 4, 4
set format x TWO ? "" : "%.0f"
set xlabel TWO ? "" : "live stubs N [log]" offset 0, 0.5
eval side("time of a call [ns, log]", TWO ? under + (over - under) * 0.71 : (under + over) / 2)
set ytics (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
set yrange [bottom / 1.3:top * 1.3]
set key off
set errorbars 0.6

mark(i, at) = sprintf("set arrow %d from %g, graph 0 to %g, graph 1 nohead \
lc rgb '#707070' dt 3 lw 1.2 back", i, at, at)
name_at(i, at, text) = sprintf("set label %d '%s' at %g, graph 1 center offset 0, 0.6 \
tc rgb '#404040' font ',11'", i, text, at)
if (ways > 0) { eval mark(1, ways); eval name_at(11, ways, sprintf("L1I ways (%d)", ways)) }
if (entries > 0) { eval mark(2, entries); eval name_at(12, entries, sprintf("ITLB (%d)", entries)) }
if (lines > 0) { eval mark(3, lines); eval name_at(13, lines, sprintf("L1I lines (%d)", lines)) }

x(arm, kind, a, live) = wanted(arm, kind) && arm eq a ? aside(arm, live, 1.07) : NaN
bars = "with yerrorbars pt -1 lw 1 lc rgb"
drawn = "with linespoints lw 1.2 ps 0.6 lc rgb"
plot for [a in list] DATA skip 1 using (x(strcol(1), strcol(3), a, $4)):6:7:8 @bars colour(a), \
     for [a in list] DATA skip 1 using (x(strcol(1), strcol(3), a, $4)):6 @drawn colour(a) \
	pt point(a) dt dash(a)

if (TWO) {
	unset for [i = 11:13] label i
	unset label 1
	set bmargin at screen under
	set tmargin at screen under + (over - under) * 0.36
	set xlabel "live stubs N [log]" offset 0, 0.5
	set format x "%.0f"
	eval side("L1I lines a call [log]", under + (over - under) * 0.18)
	set yrange [0.007:50]
	set ytics ("≤ 0.01" 0.01, "0.1" 0.1, "1" 1, "10" 10)
	least(v) = v > 0.01 ? v : 0.01
	if (words(counted)) {
		plot for [a in counted] FILLS skip 1 using (x(strcol(1), strcol(3), a, $4)): \
			(least($6)):(least($7)):(least($8)) @bars colour(a), \
		     for [a in counted] FILLS skip 1 using (x(strcol(1), strcol(3), a, $4)): \
			(least($6)) @drawn colour(a) pt point(a) dt dash(a)
	} else {
		set label 3 "not counted: this machine's runs have no\nhardware events (no PMU in the guest)" \
			at graph 0.5, graph 0.65 center tc rgb "#404040"
		plot DATA skip 1 using 4:(1.0) with dots lc rgb "#d8d8d8" # an empty panel, without a warning
		unset label 3
	}
}

eval key_below
unset multiplot
