# maps_bytes.gp - bytes of the stack maps in percent of the text: one row for each corpus, one point
# for each encoder; the references are lines through the rows.
#
#   stubmap maps FILE... --tsv bytes > bytes.tsv
#   gnuplot -c scripts/maps_bytes.gp bytes.tsv bytes.svg
#
# The references with a star have no lookup. Columns: number, corpus, encoder, bytes, text_percent,
# bits_per_safepoint.

DATA = ARG1
OUT = ARG2
HEIGHT = 860
load ARG0[1:strlen(ARG0)-strlen("maps_bytes.gp")]."style.gp"

rows = 0
low = 1e9
high = 0
is_reference(e) = strstrt(" order-0 order-0-live adaptive adaptive-live zstd zstd-live ", " ".e." ")
note(n, v, e) = (n > rows ? rows = n : 0, v > 0 && v < low ? low = v : 0, v > high ? high = v : 0, \
	is_reference(e) ? 0 : list_arm(e))
stats DATA skip 1 using (note($1, $5, strcol(3))) nooutput
if (rows == 0) { exit error "maps_bytes.gp: no corpus in ".DATA }

set output OUT
eval headline("Stack maps of real programs, by encoder")
set xlabel "bytes of the stack maps [% of text, log]" offset 0, 0.5
set logscale x 2
set xrange [low / 1.15 : high * 1.15]
set xtics (1, 4, 16, 64, 256)
set yrange [rows + 0.6 : 0.4]
set ytics () font ",11"
set grid xtics ytics lc rgb "#d8d8d8" lt 1 lw 0.5
set lmargin at screen 0.34
set rmargin at screen 0.97
set tmargin at screen 1 - 30.0 / HEIGHT
set bmargin at screen 234.0 / HEIGHT
set key at screen 0.5, screen 172.0 / HEIGHT center top vertical maxrows 8 reverse Left \
	samplen 1 width -1 font ",11"

x(e, wanted, v) = e eq wanted ? v : NaN
# Engines' own formats, in letters, stand in the lower half of a row.
lower(e) = strstrt("ABCDGHVX", "".point(e)) ? 0.22 : -0.17
mark(e) = e eq "ranged-unsafe" ? e." (!)" : e
# Each reference is drawn through the middle of its row, from half a row above to half a row below.
# The first plot gives the rows their names, for which each needs a number.
plot DATA skip 1 using (strcol(3) eq "exact" ? $5 : NaN):1:ytic(2) \
	with dots lc rgb "white" notitle, \
     DATA skip 1 using (x(strcol(3), "order-0", $5)):($1 - 0.4):(0):(0.8) with vectors nohead \
	lc rgb "black" lw 2.5 title "order-0, all", \
     DATA skip 1 using (x(strcol(3), "order-0-live", $5)):($1 - 0.4):(0):(0.8) with vectors nohead \
	lc rgb "#707070" lw 2 dt 3 title "order-0, live", \
     DATA skip 1 using (x(strcol(3), "adaptive", $5)):($1 - 0.4):(0):(0.8) with vectors nohead \
	lc rgb "black" lw 2 dt 2 title "adaptive *", \
     DATA skip 1 using (x(strcol(3), "zstd", $5)):($1 - 0.4):(0):(0.8) with vectors nohead \
	lc rgb "#707070" lw 2 title "zstd -19 *", \
     for [i = 1:words(list)] DATA skip 1 using (x(strcol(3), word(list, i), $5)):($1 + \
     	lower(word(list, i))) with points \
	lc rgb colour(word(list, i)) pt point(word(list, i)) ps 0.8 lw 1.2 title mark(word(list, i))
