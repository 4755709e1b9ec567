# make_cost.gp - the cost of one stub: memory, and time to make it; one bar for each arm.
#
#   stubmap summary RUN.jsonl --tsv make > make.tsv
#   gnuplot -c scripts/make_cost.gp make.tsv make.svg [KIND [LIVE]]
#
# KIND: indirect by default; LIVE: by default the largest of the data. Columns: arm, workload, kind,
# live, l1i_ways, then value, low, high of pss (bytes a stub), bind (ns a stub), first call (ns a
# stub).

DATA = ARG1
OUT = ARG2
KIND = ARGC > 2 ? ARG3 : "indirect"
LIVE = ARGC > 3 ? int(ARG4) : 0
WIDTH = 800
HEIGHT = 460
load ARG0[1:strlen(ARG0)-strlen("make_cost.gp")]."style.gp"

if (LIVE == 0) {
	stats DATA skip 1 using (strcol(3) eq KIND && $4 > LIVE ? (LIVE = $4, 0) : 0) nooutput
}
wanted(arm, kind, live) = kind eq KIND && live == LIVE
array bottom[2] = [1e30, 1e30]
array top[2] = [0, 0]
span(p, v) = (v > 0 && v < bottom[p] ? bottom[p] = v : 0, v > top[p] ? top[p] = v : 0, 0)
stats DATA skip 1 using (wanted(strcol(1), strcol(3), $4) ? \
	list_arm(strcol(1)) + span(1, $6) + span(2, $9) + span(2, $12) : 0) nooutput
if (words(list) == 0) { exit error "make_cost.gp: no such cell in ".DATA }

find(arm, i) = i > words(list) ? NaN : word(list, i) eq arm ? i : find(arm, i + 1)
x(arm, kind, live) = wanted(arm, kind, live) ? find(arm, 1) : NaN
above(v) = v > 0 ? v : NaN
text(v) = v >= 100 ? sprintf("%.0f", v) : sprintf("%.3g", v)
pale(c) = 255 - (255 - c) * 0.45
paler(rgb) = int(pale(rgb / 65536)) * 65536 + int(pale(rgb / 256 % 256)) * 256 + int(pale(rgb % 256))

set output OUT
set multiplot layout 1, 2 title sprintf("What one of %d stubs takes (%s)", LIVE, KIND) \
	margins 0.12, 0.94, 0.28, 0.88 spacing 0.14
set logscale y 10
set format y "%g"
set xtics rotate by -55 offset -0.3, 0
set xtics ()
do for [i = 1:words(list)] { set xtics add (word(list, i) i) }
set xrange [0.4:words(list) + 0.6]
set style fill solid 1 noborder
set key off

# A panel's axis begins at a power of ten below its least bar; a 0 has no bar and says so.
do for [panel = 1:2] {
	low = top[panel] > 0 ? 10 ** floor(log10(bottom[panel]) - 0.1) : 1
	high = top[panel] > 0 ? 10 ** ceil(log10(top[panel]) + 0.25) : 10
	set yrange [low:high]
	if (panel == 1) {
		set ylabel "memory of a stub [bytes, PSS]" offset 1, 0
		plot DATA skip 1 using (x(strcol(1), strcol(3), $4)):(above($6)):(0.7):(colour(strcol(1))) \
			with boxes lc rgb variable, \
		     DATA skip 1 using (x(strcol(1), strcol(3), $4)):($6 > 0 ? $6 : low * 1.001):(text($6)) \
			with labels offset 0, 0.7 font ",12"
	} else {
		set ylabel "time of a stub [ns]: bind (full), first call (pale)" offset 1, 0
		plot DATA skip 1 using (x(strcol(1), strcol(3), $4) - 0.19):(above($9)):(0.36): \
			(colour(strcol(1))) with boxes lc rgb variable, \
		     DATA skip 1 using (x(strcol(1), strcol(3), $4) + 0.19):(above($12)):(0.36): \
			(paler(colour(strcol(1)))) with boxes lc rgb variable, \
		     DATA skip 1 using (x(strcol(1), strcol(3), $4) - 0.19):10:(0):($11 - $10) \
			with vectors nohead lc rgb "#404040" lw 2, \
		     DATA skip 1 using (x(strcol(1), strcol(3), $4) + 0.19):13:(0):($14 - $13) \
			with vectors nohead lc rgb "#404040" lw 2
	}
}
unset multiplot
