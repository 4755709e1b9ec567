# maps_front.gp - which encoders are worth having: bytes against the time of a lookup, both as parts of
# exact-consed's, one point an encoder; beside it what each answers for an address that is none.
#
#   stubmap maps FILE... --tsv lookup | scripts/front warm_random_live > front.tsv
#   stubmap maps FILE... --tsv safety > safety.tsv
#   gnuplot -c scripts/maps_front.gp front.tsv safety.tsv front.svg
#
# A point is the geometric mean over the corpora, with its 95 % interval over them; in grey each
# corpus. The line joins the encoders of which none is both smaller and quicker. Engines' formats have
# open marks.

DATA = ARG1
SAFETY = ARG2
OUT = ARG3
WIDTH = 900
HEIGHT = 560
load ARG0[1:strlen(ARG0)-strlen("maps_front.gp")]."style.gp"

ENGINES = "exact blocks v8 go dart ocaml oxcaml art hotspot"
engine(e) = strstrt(" ".ENGINES." ", " ".e." ") > 0

# The means, smallest first: the rows of the table at the right.
means = system("awk -F'\\t' '$1 == \"mean\"' '".DATA."' | sort -t '\t' -k4,4g | cut -f2")
n = words(means)
if (n == 0) { exit error "maps_front.gp: no mean in ".DATA }
row(e) = n - row_of(e, 1)
row_of(e, i) = i > n ? NaN : word(means, i) eq e ? i : row_of(e, i + 1)

set output OUT
set multiplot
set lmargin at screen 0.085
set rmargin at screen 0.62
set bmargin at screen 0.14
set tmargin at screen 0.87
set label 1 "Bytes and time of stack maps, as parts of exact-consed's" at screen 0.085, 0.96
set xlabel "bytes of the table [log]"
set ylabel "time of a lookup, warm, one by one [log]"
set logscale xy 2
set grid xtics ytics lc rgb "#e4e4e4" lt 1 lw 0.5
set key at screen 0.085, 0.88 left bottom horizontal Left reverse maxrows 1 samplen 1 width -2 font ",11"
set xtics (0.125, 0.25, 0.5, 1, 2, 4)
set ytics (0.125, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64)
kind(k, wanted, v) = k eq wanted ? v : NaN
mine(e, k, wanted, v) = k eq "mean" && engine(e) == wanted ? v : NaN
# Of the crowd around exact-consed it alone has a name.
named(e, t) = e eq "exact-consed" || t < 0.8 || t > 1.4 ? e : ""
plot DATA using (kind(strcol(1), "corpus", $4)):7 with points pt 7 ps 0.25 lc rgb "#c0c0c0" title "one corpus", \
	"< awk -F'\\t' '$1 == \"mean\" && $10 == 1' '".DATA."' | sort -t '\t' -k4,4g" \
		using 4:7 with lines lw 1.5 lc rgb "#808080" title "none smaller and quicker", \
	DATA using (mine(strcol(2), strcol(1), 0, $4)):7:5:6:8:9 with xyerrorbars pt 7 ps 0.9 lw 1.2 lc rgb "#0072B2" title "ours", \
	DATA using (mine(strcol(2), strcol(1), 1, $4)):7:5:6:8:9 with xyerrorbars pt 6 ps 0.9 lw 1.2 lc rgb "#D55E00" title "an engine's", \
	DATA using (kind(strcol(1), "mean", $4)):7:(named(strcol(2), $7)) with labels left offset 0.8, 0.5 font ",11" notitle

# The table: an encoder a row, by size; a case a column; the share of answers as an area.
set lmargin at screen 0.78
set rmargin at screen 0.985
unset logscale
unset label 1
set label 2 "An address that is none is" at screen 0.66, 0.96
unset xlabel
unset ylabel
set border 0
set yrange [-0.5 : n - 0.5]
set ytics ()
do for [i = 1:n] { set ytics add (word(means, i) n - i) }
set ytics scale 0
set xrange [0:100]
set xtics 0, 50, 100 nomirror
set xlabel "answers [%]"
unset grid
set style fill solid 0.85 noborder
# Shares of all bogus cases, averaged: detected, silent, wrong.
set table $shares
share(e) = sprintf("< awk -F'\\t' -v OFS='\\t' -v e='%s' '$1 == \"bogus\" && $2 != \"empty\" && $4 == e {n++; w += $6; s += $7; d += $8} END {if (n) print w / n, s / n, d / n}' '%s'", e, SAFETY)
plot for [i = 1:n] share(word(means, i)) using (n - i):1:2:3 with table
unset table
set key at screen 0.66, 0.88 left bottom horizontal Left reverse maxrows 1 samplen 1 width -2 font ",11"
plot $shares using (0):($1):(0):4:($1 - 0.35):($1 + 0.35) with boxxyerror lc rgb "#0072B2" title "detected", \
	"" using ($4):($1):4:($4 + $3):($1 - 0.35):($1 + 0.35) with boxxyerror lc rgb "#E0E0E0" title "silent", \
	"" using ($4 + $3):($1):($4 + $3):($4 + $3 + $2):($1 - 0.35):($1 + 0.35) with boxxyerror lc rgb "#D55E00" title "wrong"
unset multiplot
