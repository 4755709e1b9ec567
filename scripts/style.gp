# style.gp - shared by all figures: the terminal, by the output's suffix, and one colour, point and
# dash for each arm: colour and point are the same in every figure, the dash unless it means
# something else. Colours: Wong, Nature Methods 8, 441 (2011), and where these end, Tol's muted
# scheme (SRON/EPS/TN/09-002), both safe for the colour blind; a lazy arm has its placement's point,
# hollow, and dashes.
#
# Expects OUT and, if it should not be 800 x 500, WIDTH and HEIGHT.

if (!exists("WIDTH")) WIDTH = 800
if (!exists("HEIGHT")) HEIGHT = 500
suffix = strlen(OUT) > 4 ? OUT[strlen(OUT)-3:] : ""
if (suffix eq ".pdf") {
	set terminal pdfcairo size WIDTH/100.0, HEIGHT/100.0 font "Sans,10" noenhanced
} else {
	set terminal svg size WIDTH, HEIGHT font "Sans,14" background "white" noenhanced
}
set datafile separator tab
set encoding utf8
set border 3 lc rgb "#404040"
set tics nomirror out
set grid ytics lc rgb "#d8d8d8" lt 1 lw 0.5

ARMS    = "null page pool template lazy+page lazy+pool lazy+template"
COLOURS = "0x000000 0xD55E00 0x0072B2 0x009E73 0xE69F00 0x56B4E9 0xCC79A7"
POINTS  = "2 5 7 9 4 6 8"
DASHES  = "1 1 1 1 2 2 2"
ARMS    = ARMS." page+stagger island near"
COLOURS = COLOURS." 0x882255 0x999933 0x332288"
POINTS  = POINTS." 13 11 15"
DASHES  = DASHES." 1 1 1"
# Encoders of stack maps.
ARMS    = ARMS." none exact exact-consed exact-first exact-first-consed ranged ranged-consed"
COLOURS = COLOURS." 0x999999 0xD55E00 0x0072B2 0xD55E00 0x0072B2 0xE69F00 0x009E73"
POINTS  = POINTS." 1 5 7 4 6 9 11"
DASHES  = DASHES." 1 1 1 2 2 1 1"
ARMS    = ARMS." ranged-start ranged-unsafe"
COLOURS = COLOURS." 0x56B4E9 0xCC79A7"
POINTS  = POINTS." 13 2"
DASHES  = DASHES." 1 2"
# Ours, then engines' own, which share a grey: their points tell them apart.
ARMS    = ARMS." paged coded-8 coded-32 exact-first exact-first-consed blocks v8 go ocaml oxcaml dart art hotspot"
COLOURS = COLOURS." 0x0072B2 0x009E73 0x56B4E9 0xE69F00 0xCC79A7 0x707070 0x707070 0x707070 0x707070 0x707070 0x707070 0x707070 0x707070"
POINTS  = POINTS." 15 9 11 4 6 1 2 3 4 6 8 10 12"
DASHES  = DASHES." 1 1 1 1 1 1 1 1 1 1 1 1 1"
# An arm with a parameter, "page,literals=table", is dotted in its arm's colour; one that is not in
# ARMS shows in grey.
comma(arm) = strstrt(arm, ",")
base(arm) = comma(arm) ? arm[1:comma(arm) - 1] : arm
find(arm, i) = i > words(ARMS) ? 0 : word(ARMS, i) eq arm ? i : find(arm, i + 1)
place(arm) = find(base(arm), 1)
colour(arm) = place(arm) ? int(word(COLOURS, place(arm))) : 0x808080
point(arm) = place(arm) ? int(word(POINTS, place(arm))) : 1
dash(arm) = comma(arm) ? 3 : place(arm) ? int(word(DASHES, place(arm))) : 3

# The arms of the data, each once, in their order: list_arm notes one and returns 0, for stats.
list = ""
list_arm(arm) = strstrt(" ".list." ", " ".arm." ") ? 0 : (list = list.(list eq "" ? "" : " ").arm, 0)
