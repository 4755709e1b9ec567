# style.gp - shared by all figures: the terminal, by the output's suffix; one palette in which a
# colour has one meaning in every figure (an arm of stubs, a family of encoders, the outcome of an
# answer); and functions of arms' names.
#
# Every colour has a contrast of 3 or more on white. In grey the marks and dashes tell arms apart,
# and bars keep one order, with white between their parts. A figure is 85 mm wide in print, one
# column, where its letters have 6.5 points.
#
# Expects DATA and OUT and, if it should not be 480 x 360, WIDTH and HEIGHT.

lacks = system("if test ! -r '".DATA."'; then echo 'there is no file'; \
	elif test -z \"$(sed -n 2p '".DATA."')\"; then echo 'there is no row in'; fi")
if (lacks ne "") { exit error "no plot: ".lacks." ".DATA }
if (!exists("WIDTH")) WIDTH = 480
if (!exists("HEIGHT")) HEIGHT = 360
suffix = strlen(OUT) > 4 ? OUT[strlen(OUT)-3:] : ""
if (suffix eq ".pdf") {
	set terminal pdfcairo size WIDTH / 143.4, HEIGHT / 143.4 font "Sans,13" fontscale 0.37 \
		linewidth 0.5 pointscale 0.5 noenhanced
}
if (suffix eq ".png") { # 1440 pixels a column
	set terminal pngcairo size 3 * WIDTH, 3 * HEIGHT font "Sans,13" fontscale 2.2 linewidth 3 \
		pointscale 3 background "white" noenhanced
}
if (suffix ne ".pdf" && suffix ne ".png") {
	set terminal svg size WIDTH, HEIGHT font "Sans,13" background "white" noenhanced
}
set datafile separator tab
set encoding utf8
set border 3 lc rgb "#404040"
set tics nomirror out
set grid ytics lc rgb "#d8d8d8" lt 1 lw 0.5

# The palette: name, colour, point, dash. A lazy arm is paler than its placement, hollow and dashed,
# a library's arm hollow. Encoders have a colour a family and a point each, engines' own a letter;
# states of an answer are areas.
PALETTE = "\
null               0x000000  2 1 \
page               0xC03000  5 1 \
page+stagger       0x7D0F2E 13 4 \
pool               0x0059B3  7 1 \
template           0x00734D  9 1 \
island             0x6B6B00 11 4 \
near               0x5B2A9D 15 4 \
lazy+page          0xD9730D  4 2 \
lazy+pool          0x2E93D9  6 2 \
lazy+island        0x94942E 10 2 \
lazy+template      0x3F9E5A  8 2 \
lazy+near          0x9A73D0 14 2 \
peer:asmjit        0x0F8B8D  4 1 \
peer:orc           0x946C00  6 1 \
peer:ffcall-trampoline 0xA64CA6 8 1 \
peer:ffcall-callback 0xE0426E 10 1 \
peer:libffi        0x7A4A32 12 1 \
peer:luajit        0x000080 14 1 \
none               0x8A8A8A  1 1 \
exact              0xC2187F  5 1 \
exact-consed       0xC2187F  4 1 \
exact-first        0xC2187F  7 1 \
exact-first-consed 0xC2187F  6 1 \
ranged             0x8A5A3C  9 1 \
ranged-consed      0x8A5A3C  8 1 \
ranged-start       0x8A5A3C 11 1 \
ranged-unsafe      0x8A5A3C  2 1 \
paged              0x007A87 15 1 \
counted            0x007A87 14 1 \
coded-8            0x007A87 13 1 \
coded-32           0x007A87 12 1 \
blocks             0x6B6B6B  B 1 \
v8                 0x6B6B6B  V 1 \
go                 0x6B6B6B  G 1 \
ocaml              0x6B6B6B  C 1 \
oxcaml             0x6B6B6B  X 1 \
dart               0x6B6B6B  D 1 \
art                0x6B6B6B  A 1 \
hotspot            0x6B6B6B  H 1 \
right              0x7E998B  0 1 \
detected           0x4A7DB0  0 1 \
stopped            0x34558B  0 1 \
crash              0x8F6500  0 1 \
wrong              0x861515  0 1 \
silent             0x1F1F1F  0 1"

# An arm with a parameter, "page,literals=table", is dotted in its arm's colour, and one in pages of
# 2 MiB has a star; an arm that has no row shows in grey.
comma(arm) = strstrt(arm, ",")
base(arm) = comma(arm) ? arm[1:comma(arm) - 1] : arm
large(arm) = strstrt(arm, "quantum=2097152") > 0
spoken(arm) = large(arm) ? base(arm).", 2 MiB" : arm
row_of(name, i) = 4 * i > words(PALETTE) ? 0 : word(PALETTE, 4 * i - 3) eq name ? i : \
	row_of(name, i + 1)
row(arm) = row_of(base(arm), 1)
colour(arm) = row(arm) ? int(word(PALETTE, 4 * row(arm) - 2)) : 0x808080
mark_of(text) = strstrt("ABCDGHVX", text) ? text : int(text)
point(arm) = large(arm) ? 3 : row(arm) ? mark_of(word(PALETTE, 4 * row(arm) - 1)) : 1
dash(arm) = comma(arm) ? 3 : row(arm) ? int(word(PALETTE, 4 * row(arm))) : 3

# The arms of the data, each once, in their order: list_arm notes one and returns 0, for stats.
list = ""
list_arm(arm) = strstrt(" ".list." ", " ".arm." ") ? 0 : (list = list.(list eq "" ? \
	"" : " ").arm, 0)
# The place of an arm in that list; NaN: it is not there.
place_of(arm, i) = i > words(list) ? NaN : word(list, i) eq arm ? i : place_of(arm, i + 1)
place(arm) = place_of(arm, 1)
# Arms that share a place on a logarithmic axis are moved aside, each by a factor, in the list's
# order.
aside(arm, x, factor) = x * factor ** (place(arm) - (words(list) + 1) / 2.0)

# The text over a figure, as label 1.
headline(text) = sprintf("set label 1 \"%s\" at screen 0.5, screen 1 - 14.0 / HEIGHT center", text)
# Of figures with panels one above the other: the name of a panel's y axis, `middle` up the page;
# and the key of the list below them all, in two columns, for `eval key_below`; it takes
# key_height(list) pixels.
side(name, middle) = sprintf("set label 2 \"%s\" at screen 0.03, screen %g center rotate by 90", \
	name, middle)
key_rows(names) = (words(names) + 1) / 2
key_height(names) = 20.0 * key_rows(names)
key_below = "unset for [i = 1:20] arrow i; unset label; unset xlabel; unset ylabel; unset border; \
unset tics; unset grid; unset logscale; set xrange [0:1]; set yrange [0:1]; \
set lmargin at screen 0.02; set rmargin at screen 0.98; \
set bmargin at screen 0; set tmargin at screen key_height(list) / HEIGHT; \
set key at graph 0.5, graph 1 center top vertical maxrows key_rows(list); \
set key samplen 3 width 1 Left reverse; \
plot for [i = 1:words(list)] NaN with linespoints lw 1.2 ps 0.6 lc rgb colour(word(list, i)) \
pt point(word(list, i)) dt dash(word(list, i)) title spoken(word(list, i))"
