# tierup.gp - the cost of an upgrade while T threads call through the stubs, and how long the
# longest stall of a caller was: above, a line for each arm; below, a mark for each process, under
# it a cross for the same process's floor, rounds of equal length without upgrades. A short line is
# a median.
#
#   stubmap summary RUN.jsonl --tsv tierup > tierup.tsv
#   stubmap summary RUN.jsonl --tsv stalls > stalls.tsv
#   gnuplot -c scripts/tierup.gp tierup.tsv tierup.svg stalls.tsv
#
# Columns of both: stubs, wx, share, poison, workload, live, threads, instances; then of the first
# value, low, high of ns an upgrade in bulk (9), ...; of the second, a line for each process, the
# longest stall on its CPU [ns] (9), its floor (10). Stalls of the fewest callers and of 4 are shown.

DATA = ARG1
OUT = ARG2
STALLS = ARG3
HEIGHT = 860
load ARG0[1:strlen(ARG0)-strlen("tierup.gp")]."style.gp"

if (ARGC < 3 || system("test -r '".STALLS."' && echo 1") ne "1") {
	exit error "tierup.gp: no stalls: there is no file ".(ARGC < 3 ? "named" : STALLS)
}
array bottom[2] = [1e30, 1e30]
array top[2] = [0, 0]
span(p, v) = (v > 0 && v < bottom[p] ? bottom[p] = v : 0, v > top[p] ? top[p] = v : 0, 0)
few = 1e9
most = 1
stats DATA skip 1 using ($4 == 0 ? \
	(list_arm(strcol(1)) + span(1, $9) + span(1, $10) + span(1, $11), \
	$7 < few ? few = $7 : 0, $7 > most ? most = $7 : 0, 0) : 0) nooutput
if (words(list) == 0) { exit error "tierup.gp: no tier-up in ".DATA }
many = most < 4 ? most : 4
stats STALLS skip 1 using ($4 == 0 && ($7 == few || $7 == many) ? span(2, $9) + span(2, $10) : \
	0) nooutput

wxs = "toggle dual"
x(arm, wx, poison, a, k, t) = arm eq a && wx eq word(wxs, k) && poison == 0 ? aside(a, t, 1.05) : \
	NaN
set output OUT
set multiplot
eval headline("Every stub upgraded while T threads call")
set key off
set errorbars 0.6
set pointintervalbox 0
set title offset 0, -0.9
left(k) = k == 1 ? 0.25 : 0.635
width = 0.34

# Above: time of an upgrade.
set tmargin at screen 1 - 56.0 / HEIGHT
set bmargin at screen 1 - 230.0 / HEIGHT
set logscale xy 2
set logscale y 10
set xrange [few * 0.75:most * 1.35]
set xtics (1, 2, 4, 8, 16, 32)
set xlabel "calling threads T [log]" offset 0, 0.5
set yrange [bottom[1] / 1.5:top[1] * 1.5]
eval side("ns an upgrade [log]", 1 - 143.0 / HEIGHT)
do for [k = 1:2] {
	set lmargin at screen left(k)
	set rmargin at screen left(k) + width
	set title word(wxs, k)
	set format y (k == 1 ? "%g" : "")
	plot for [a in list] DATA skip 1 using ($10 == $10 ? x(strcol(1), strcol(2), $4, a, k, $7) : \
		NaN):9:10:11 \
		with yerrorbars lc rgb colour(a) pt -1 lw 1, \
	     for [a in list] DATA skip 1 using (x(strcol(1), strcol(2), $4, a, k, $7)):9 \
		with linespoints lc rgb colour(a) pt point(a) dt dash(a) lw 1.2 ps 0.6
	unset label 1
	unset label 2
}

# Below: a row for each arm, a column for each policy, a panel for each number of callers.
unset logscale
set logscale x 10
set yrange [words(list) + 0.6:0.4]
set xrange [bottom[2] / 1400:top[2] / 1000 * 1.4]
set ytics scale 0 font ",11"
set xtics autofreq font ",11"
set grid noytics xtics
is(arm, wx, poison, t, a, k, want) = arm eq a && wx eq word(wxs, k) && poison == 0 && t == want
median(a, k, t, column) = system(sprintf("export LC_ALL=C; awk -F'\\t' '$1 == \"%s\" && $2 == \"%s\" && \
	$4 == 0 && $7 == %d && $%d != \"NaN\" { print $%d }' '%s' | sort -g | awk '{ v[NR] = $1 } \
	END { print NR ? (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 : \"NaN\" }'", \
	a, word(wxs, k), t, column, column, STALLS)) / 1000.0
do for [half = 1:2] {
	t = half == 1 ? few : many
	set tmargin at screen 1 - (half == 1 ? 312.0 : 506.0) / HEIGHT
	set bmargin at screen 1 - (half == 1 ? 480.0 : 674.0) / HEIGHT
	set format x (half == 2 ? "%g" : "")
	set xlabel (half == 2 ? "longest stall [us, log]" : "") offset 0, 0.5
	do for [k = 1:2] {
		set lmargin at screen left(k)
		set rmargin at screen left(k) + width
		set title sprintf("%s, %d %s", word(wxs, k), t, t == 1 ? "caller" : "callers")
		set ytics ()
		do for [i = 1:words(list)] { set ytics add ((k == 1 ? word(list, i) : "") i) }
		plot for [a in list] STALLS skip 1 using \
			(is(strcol(1), strcol(2), $4, $7, a, k, t) ? $9 / 1000 : NaN):(place(a) - 0.17) \
			with points pt point(a) ps 0.5 lc rgb colour(a), \
		     for [a in list] STALLS skip 1 using \
			(is(strcol(1), strcol(2), $4, $7, a, k, t) ? $10 / 1000 : NaN):(place(a) + 0.22) \
			with points pt 1 ps 0.4 lc rgb "#707070", \
		     for [a in list] '+' every ::::0 using (median(a, k, t, 9)):(place(a) - 0.4):(0):(0.44) \
			with vectors nohead lw 2 lc rgb colour(a), \
		     for [a in list] '+' every ::::0 using (median(a, k, t, 10)):(place(a) + 0.06):(0):(0.34) \
			with vectors nohead lw 1.5 lc rgb "#707070"
	}
}
unset title
set xtics norotate
eval key_below
unset multiplot
