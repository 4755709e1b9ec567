# maps_front.gp - which encoders are worth having: bytes against the time of a lookup, both as parts
# of exact-consed's, one point an encoder; beside it the encoders' answers for addresses that are no
# safepoints.
#
#   stubmap maps FILE... --tsv lookup | scripts/front warm_random_live > front.tsv
#   stubmap maps FILE... --tsv safety > safety.tsv
#   gnuplot -c scripts/maps_front.gp front.tsv safety.tsv front.svg
#
# A point is the geometric mean over the corpora, with its 95 % interval over them; in grey each
# corpus. The line joins the encoders that no other encoder beats in both size and time. Marks of
# engines' own formats are open.

DATA = ARG1
SAFETY = ARG2
OUT = ARG3
HEIGHT = 800
load ARG0[1:strlen(ARG0)-strlen("maps_front.gp")]."style.gp"

ENGINES = "exact blocks v8 go dart ocaml oxcaml art hotspot"
engine(e) = strstrt(" ".ENGINES." ", " ".e." ") > 0

# The means, smallest first: the rows of the table at the right.
means = system("awk -F'\\t' '$1 == \"mean\"' '".DATA."' | LC_ALL=C sort -t '\t' -k4,4g | cut -f2")
n = words(means)
if (n == 0) { exit error "maps_front.gp: no mean in ".DATA }
of_means(e, i) = i > n ? NaN : word(means, i) eq e ? i : of_means(e, i + 1)

set output OUT
set multiplot
set lmargin at screen 0.16
set rmargin at screen 0.97
set bmargin at screen 0.54
set tmargin at screen 0.86
eval headline("Bytes and time of stack maps, as parts of exact-consed's")
set xlabel "bytes of the table [log]" offset 0, 0.5
eval side("time of a lookup, warm [log]", 0.72)
set logscale xy 2
set grid xtics ytics lc rgb "#e4e4e4" lt 1 lw 0.5
set key at screen 0.5, screen 0.865 center bottom vertical Left reverse maxrows 4 \
	samplen 1 width -4 font ",11"
set xtics (0.125, 0.25, 0.5, 1, 2, 4)
set ytics (0.125, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64)
kind(k, wanted, v) = k eq wanted ? v : NaN
mine(e, k, wanted, v) = k eq "mean" && engine(e) == wanted ? v : NaN
# Of the crowd around exact-consed it alone has a name.
named(e, t) = e eq "exact-consed" || t < 0.8 || t > 1.4 ? e : ""
# Of neighbours one has its name at the left.
LEFT = "art v8"
left(e) = strstrt(" ".LEFT." ", " ".e." ") > 0
plot DATA using (kind(strcol(1), "corpus", $4)):7 \
	with points pt 7 ps 0.2 lc rgb "#909090" title "one corpus", \
	"< awk -F'\\t' '$1 == \"mean\" && $10 == 1' '".DATA."' | LC_ALL=C sort -t '\t' -k4,4g" \
		using 4:7 with lines lw 1.5 lc rgb "#707070" title "none smaller and quicker", \
	for [e in means] DATA using (strcol(2) eq e ? mine(e, strcol(1), 0, $4) : NaN):7:5:6:8:9 \
		with xyerrorbars pt 7 ps 0.7 lw 1 lc rgb colour(e) notitle, \
	for [e in means] DATA using (strcol(2) eq e ? mine(e, strcol(1), 1, $4) : NaN):7:5:6:8:9 \
		with xyerrorbars pt 6 ps 0.7 lw 1 lc rgb colour(e) notitle, \
	NaN with points pt 7 ps 0.7 lc rgb "#404040" title "new", \
	NaN with points pt 6 ps 0.7 lc rgb "#404040" title "an engine has it", \
	NaN with points pt 5 ps 0.7 lc rgb colour("paged") title "ours", \
	NaN with points pt 5 ps 0.7 lc rgb colour("exact") title "Wasmtime's, and shared", \
	NaN with points pt 5 ps 0.7 lc rgb colour("ranged") title "ranges of pcs", \
	DATA using (kind(strcol(1), "mean", $4)):7:(left(strcol(2)) ? "" : named(strcol(2), $7)) \
		with labels left offset 0.8, 0.5 font ",11" notitle, \
	DATA using (kind(strcol(1), "mean", $4)):7:(left(strcol(2)) ? named(strcol(2), $7) : "") \
		with labels right offset -0.8, -0.5 font ",11" notitle

# The table: an encoder a row, by size; a case a column; the share of answers as an area.
set lmargin at screen 0.33
set rmargin at screen 0.96
set bmargin at screen 0.075
set tmargin at screen 0.40
unset logscale
unset label 1
set label 2 "What is answered for an address that is no safepoint" at screen 0.5, \
	screen 0.445 center norotate
unset xlabel
unset ylabel
set border 0
set yrange [-0.5 : n - 0.5]
set ytics ()
do for [i = 1:n] { set ytics add (word(means, i) n - i) }
set ytics scale 0 font ",11"
set xrange [0:100]
set xtics 0, 50, 100 nomirror
set xlabel "answers [%]" offset 0, 0.5
unset grid
set style fill solid 1 border lc rgb "white"
# Shares of all bogus cases, averaged: detected, silent, wrong.
set table $shares
share(e) = sprintf("< awk -F'\\t' -v OFS='\\t' -v e='%s' '$1 == \"bogus\" && $2 != \"empty\" && \
	$4 == e {n++; w += $6; s += $7; d += $8} END {if (n) print w / n, s / n, d / n}' '%s'", e, SAFETY)
plot for [i = 1:n] share(word(means, i)) using (n - i):1:2:3 with table
unset table
set key at screen 0.5, screen 0.405 center bottom vertical Left reverse maxrows 1 \
	samplen 1 width 3 font ",11"
plot $shares using (0):($1):(0):4:($1 - 0.35):($1 + 0.35) \
	with boxxyerror lw 0.5 fc rgb colour("detected") title "detected", \
	"" using ($4):($1):4:($4 + $3):($1 - 0.35):($1 + 0.35) \
		with boxxyerror lw 0.5 fc rgb colour("silent") title "silent", \
	"" using ($4 + $3):($1):($4 + $3):($4 + $3 + $2):($1 - 0.35):($1 + 0.35) \
		with boxxyerror lw 0.5 fc rgb colour("wrong") title "wrong"
unset multiplot
