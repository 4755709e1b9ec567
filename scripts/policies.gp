# policies.gp - the cost of a policy of making stubs relative to the least possible with hindsight,
# one panel for each trace: the start of the program (filled) and, if it was run, the whole trace
# (hollow).
#
#   stubmap summary RUN.jsonl --tsv policies > policies.tsv
#   gnuplot -c scripts/policies.gp policies.tsv policies.svg [EVENTS]      EVENTS: 20000 by default
#
# Columns: arm, stubs, policy, generic, workload, max_events, then value, low, high of ns, regret, ...

DATA = ARG1
OUT = ARG2
EVENTS = ARGC > 2 ? int(ARG3) : 20000
WIDTH = 800

ALL = "eager all module table signature signature,K=1000 adaptive rent one one,K=1 one,K=10 one,K=100 one,K=1000"
PLACES = "page template pool"
# Of one, K alone; engines have their names, as far as their rules are these.
short(kind) = kind eq "signature" ? "JSC: signature" : kind eq "signature,K=1000" ? "V8: sig., K=1000" \
	: strstrt(kind, "K=") ? kind[strstrt(kind, "K="):*] : kind
name(policy, generic) = generic > 0 ? sprintf("%s,K=%d", policy, generic) : policy
index_of(what, i) = i > words(KINDS) ? NaN : word(KINDS, i) eq what ? i : index_of(what, i + 1)
bare(stubs) = stubs[1:5] eq "lazy+" ? stubs[6:*] : stubs
shift(i) = (i - 2) * 0.22
x(stubs, policy, generic, i) = bare(stubs) eq word(PLACES, i) ? index_of(name(policy, generic), 1) + shift(i) : NaN
tint(stubs) = colour(stubs)

traces = ""
found = ""
top = 0
note(t) = strstrt(" ".traces." ", " ".t." ") ? 0 : (traces = traces.(traces eq "" ? "" : " ").t, 0)
meet(kind) = (found = found." ".kind, 0)
stats DATA skip 1 using (note(strcol(5)) + meet(name(strcol(3), $4)) + ($6 == EVENTS && $10 > top ? (top = $10, 0) : 0) + ($6 == EVENTS && $12 > top ? (top = $12, 0) : 0)) nooutput
if (words(traces) == 0) { exit error "policies.gp: no replay in ".DATA }
KINDS = ""
do for [kind in ALL] { if (strstrt(found." ", " ".kind." ")) { KINDS = KINDS.(KINDS eq "" ? "" : " ").kind } }
HEIGHT = 150 + 250 * words(traces)
load ARG0[1:strlen(ARG0)-strlen("policies.gp")]."style.gp"

set output OUT
set multiplot layout words(traces), 1 margins 0.10, 0.97, 0.11, 0.93 spacing 0.05 \
	title sprintf("Time from cold against the least possible with hindsight: the first %d crossings\n(filled), the whole trace (hollow); median and 95 %% interval", EVENTS)
set logscale y 10
set yrange [0.9:top * 2]
set ytics (1, 2, 5, 10, 20, 50, 100, 200, 500)
set ylabel "regret [times the bound]" offset 1, 0
set xrange [0.4:words(KINDS) + 0.6]
set xtics () rotate by -30 offset -1, 0
set format x ""
set arrow 1 from graph 0, first 1 to graph 1, first 1 nohead lc rgb "#000000" lw 1 back

do for [p = 1:words(traces)] {
	trace = word(traces, p)
	last = p == words(traces)
	set label 1 trace at graph 0.98, graph 0.90 right
	set xtics ()
	do for [i = 1:words(KINDS)] { set xtics add ((last ? short(word(KINDS, i)) : "") i) }
	if (!last) { set xlabel "" } else { set xlabel "policy; K: interpreted calls before a stub is made, one at a time" offset 0, 0.3 }
	if (p == 1) { set key at graph 0.36, graph 1.02 top left vertical maxrows 3 samplen 1 width -1 Left reverse } else { unset key }
	is(t, n, want) = t eq trace && n == want
	plot for [i = 1:3] DATA skip 1 using \
		(is(strcol(5), $6, EVENTS) ? x(strcol(2), strcol(3), $4, i) : NaN):10:11:12:(tint(strcol(2))) \
		with yerrorbars pt point(word(PLACES, i)) ps 0.9 lw 1.5 lc rgb variable notitle, \
	     for [i = 1:3] DATA skip 1 using \
		(is(strcol(5), $6, 0) ? x(strcol(2), strcol(3), $4, i) + 0.09 : NaN):10:11:12:(tint(strcol(2))) \
		with yerrorbars pt point(word(PLACES, i)) - 1 ps 0.9 lw 1 lc rgb variable notitle, \
	     for [i = 1:3] NaN with points pt point(word(PLACES, i)) ps 0.9 lc rgb colour(word(PLACES, i)) \
		title word(PLACES, i), \
	     for [i = 1:3] NaN with points pt point(word(PLACES, i)) ps 0.9 \
		lc rgb colour("lazy+".word(PLACES, i)) title "lazy+".word(PLACES, i)
}
unset multiplot
