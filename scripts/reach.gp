# reach.gp - modelled L1I misses of a call against live stubs: one row for each machine, one column
# for each page size.
#
#   stubmap model --machines all --page 4K,16K,64K --stubs null,page,pool,template \
#           --live 4,8,16,32,64,128,256,512,1024,4096 --tsv > reach.tsv
#   gnuplot -c scripts/reach.gp reach.tsv reach.svg ["MACHINE MACHINE..." [KIND]]
#
# By default all machines of the data, and KIND indirect. Columns: machine, page (KiB), L1I (KiB),
# its ways, arm, workload, kind, live, then misses a call: L1I (9), ...

DATA = ARG1
OUT = ARG2
KIND = ARGC > 3 ? ARG4 : "indirect"

set datafile separator tab
set datafile missing NaN # rows of other arms lie between: lines must go on
machines = ARGC > 2 ? ARG3 : ""
note_machine(m) = strstrt(" ".machines." ", " ".m." ") ? 0 : (machines = machines.(machines eq "" ? "" : " ").m, 0)
if (machines eq "") { stats DATA skip 1 using (note_machine(strcol(1))) nooutput }
if (words(machines) == 0) { exit error "reach.gp: no machine in ".DATA }
WIDTH = 900
HEIGHT = 150 * words(machines) + 130
load ARG0[1:strlen(ARG0)-strlen("reach.gp")]."style.gp"

of_kind(kind) = kind eq KIND
top = 0
stats DATA skip 1 using (of_kind(strcol(7)) ? ($9 > top ? (top = $9, 0) : 0) + list_arm(strcol(5)) : 0) nooutput
if (words(list) == 0) { exit error "reach.gp: no cell of kind ".KIND." in ".DATA }

set output OUT
set multiplot layout words(machines), 3 title \
	sprintf("Misses of the L1 instruction cache in a call through one of N live stubs (%s), by the model", KIND) \
	margins 0.21, 0.98, 110.0 / HEIGHT, 1 - 70.0 / HEIGHT spacing 0.03, 12.0 / HEIGHT
set logscale x 2
set xrange [3:6000]
set yrange [-0.05:top * 1.05]
set ytics 1
set format x ""
set xtics (4, 16, 64, 256, 1024, 4096)
set key off

x(machine, page, arm, kind, live, m, p, i) = machine eq word(machines, m) && page == p && \
	arm eq word(list, i) && kind eq KIND ? live : NaN
kib = 0
ways = 0
geometry(m, k, w) = m eq machine ? (kib = k, ways = w, 0) : 0

do for [m = 1:words(machines)] {
	machine = word(machines, m)
	stats DATA skip 1 using (geometry(strcol(1), $3, $4)) nooutput
	do for [p in "4 16 64"] {
		unset title
		unset ylabel
		unset xlabel
		set format y ""
		if (m == 1) { set title "pages of ".p." KiB" offset 0, -0.6 }
		if (p == 4) {
			set format y "%g"
			set ylabel sprintf("%s\n%d KiB, %d ways", machine, kib, ways) \
				rotate by 0 offset -5, 0
		}
		if (m == words(machines)) {
			set format x "%.0f"
			if (p == 16) { set xlabel "live stubs N" }
			if (p == 64) {
				do for [i = 1:words(list)] {
					set label i word(list, i) at screen 0.2 + 0.8 * (i - 0.7) / words(list), \
						screen 22.0 / HEIGHT left offset 1, 0 \
						point pt point(word(list, i)) lc rgb colour(word(list, i))
				}
			}
		}
		plot for [i = 1:words(list)] DATA skip 1 \
			using (x(strcol(1), $2, strcol(5), strcol(7), $8, m, int(p), i)):9 \
			with linespoints lc rgb colour(word(list, i)) pt point(word(list, i)) \
			dt dash(word(list, i)) lw 1.5 ps 0.5
	}
}
unset multiplot
