# maps_lookup.gp - the cost of a lookup against the size of the table: one point for each corpus and
# encoder, warm on the left, cold on the right.
#
#   stubmap maps FILE... --tsv lookup > lookup.tsv
#   gnuplot -c scripts/maps_lookup.gp lookup.tsv lookup.svg
#
# Columns: number, corpus, encoder, bytes, text_percent, warm_random_live, warm_alone_live,
# warm_batched_live, warm_random_bogus, cold_live, cold_bogus, walk, walk_batched and counts, which
# are not drawn.

DATA = ARG1
OUT = ARG2
HEIGHT = 480
load ARG0[1:strlen(ARG0)-strlen("maps_lookup.gp")]."style.gp"

low = 1e9
high = 0
timed = 0
note(v, ns, e) = (v > 0 && v < low ? low = v : 0, v > high ? high = v : 0, ns > 0 ? timed = 1 : 0, \
	list_arm(e))
stats DATA skip 1 using (note($5, $6, strcol(3))) nooutput
if (words(list) == 0) { exit error "maps_lookup.gp: no encoder in ".DATA }
if (!timed) { exit error "maps_lookup.gp: no times in ".DATA.": measured with --no-time?" }

set output OUT
set multiplot layout 1, 2 title "A lookup of a safepoint with live places, and its table" \
	margins 0.115, 0.97, 0.28, 0.84 spacing 0.12
set xlabel "stack maps [% of text, log]"
set logscale x 2
set xrange [low / 1.2 : high * 1.2]
set xtics (1, 2, 4, 8, 16, 32, 64, 128)
set grid xtics ytics lc rgb "#d8d8d8" lt 1 lw 0.5
set yrange [0:*]

x(e, wanted, v) = e eq wanted ? v : NaN
mark(e) = e eq "ranged-unsafe" ? e." (!)" : e
set title "warm: table in cache, a fence between lookups"
set ylabel "median time of a lookup [ns]"
set key off
plot for [i = 1:words(list)] DATA skip 1 using (x(strcol(3), word(list, i), $5)):7 with points \
	lc rgb colour(word(list, i)) pt point(word(list, i)) ps 1 lw 2
set title "cold: all lines of the table flushed"
set ylabel ""
plot for [i = 1:words(list)] DATA skip 1 using (x(strcol(3), word(list, i), $5)):10 with points \
	lc rgb colour(word(list, i)) pt point(word(list, i)) ps 1 lw 2
# The key has a panel of its own, as wide as the figure.
set size 1, 0.16
set origin 0, 0
set margins 0, 0, 0, 0
unset title; unset xlabel; unset border; unset tics; unset grid; unset logscale
set xrange [0:1]
set yrange [0:1]
set key center center reverse Left horizontal maxcols 3 samplen 2 width 2
plot for [i = 1:words(list)] 1 / 0 with points lc rgb colour(word(list, i)) \
	pt point(word(list, i)) ps 1 lw 2 title mark(word(list, i))
unset multiplot
