# policies.gp - the cost of a policy of making stubs relative to the least possible with hindsight,
# one panel for each trace: the start of the program (large marks) and, if it was run, the whole
# trace (small ones).
#
#   stubmap summary RUN.jsonl --tsv policies > policies.tsv
#   gnuplot -c scripts/policies.gp policies.tsv policies.svg [EVENTS]      EVENTS: 20000 by default
#
# Columns: arm, stubs, policy, generic, workload, max_events, then value, low, high of ns, regret...

DATA = ARG1
OUT = ARG2
EVENTS = ARGC > 2 ? int(ARG3) : 20000

ALL = "eager all module table signature signature,K=1000 adaptive rent one one,K=1 one,K=10 \
one,K=100 one,K=1000"
PLACES = "page template pool"
# `one` has its K alone as its name; policies that are an engine's rule have the engine's name, too.
short(kind) = kind eq "signature" ? "JSC: signature" : kind eq "signature,K=1000" ? \
	"V8: sig., K=1000" \
	: strstrt(kind, "K=") ? kind[strstrt(kind, "K="):*] : kind
name(policy, generic) = generic > 0 ? sprintf("%s,K=%d", policy, generic) : policy
index_of(what, i) = i > words(KINDS) ? NaN : word(KINDS, i) eq what ? i : index_of(what, i + 1)
bare(stubs) = stubs[1:5] eq "lazy+" ? stubs[6:*] : stubs
place_in(stubs, i) = i > words(PLACES) ? NaN : word(PLACES, i) eq bare(stubs) ? i : \
	place_in(stubs, i + 1)
x(stubs, policy, generic) = index_of(name(policy, generic), 1) + (place_in(stubs, 1) - 2) * 0.26

HEIGHT = 230 + 150 * real(system("cut -f5 '".DATA."' 2>/dev/null | sed 1d | sort -u | wc -l"))
load ARG0[1:strlen(ARG0)-strlen("policies.gp")]."style.gp"

traces = ""
found = ""
array top[16]
note(t) = strstrt(" ".traces." ", " ".t." ") ? 0 : (traces = traces.(traces eq "" ? \
	"" : " ").t, top[words(traces)] = 1, 0)
panel_of(t, i) = word(traces, i) eq t ? i : panel_of(t, i + 1)
raise(p, v) = v > top[p] ? (top[p] = v, 0) : 0
meet(kind) = strstrt(found." ", " ".kind." ") ? 0 : (found = found." ".kind, 0)
stats DATA skip 1 using (note(strcol(5)) + meet(name(strcol(3), $4)) + \
	raise(panel_of(strcol(5), 1), $10) + \
	raise(panel_of(strcol(5), 1), $12) + list_arm(strcol(2))) nooutput
if (words(traces) == 0) { exit error "policies.gp: no replay in ".DATA }
KINDS = ""
do for [kind in ALL] { if (strstrt(found." ", " ".kind." ")) { KINDS = KINDS.(KINDS eq "" ? \
	"" : " ").kind } }

set output OUT
set multiplot
under = (key_height(list) + 94) / HEIGHT
each = (1 - 30.0 / HEIGHT - under) / words(traces)
eval headline(sprintf("Regret: the first %d crossings (small: the whole trace)", EVENTS))
set lmargin at screen 0.16
set rmargin at screen 0.95
set logscale y 10
set ytics (1, 2, 5, 10, 20, 50, 100, 200, 500)
set xrange [0.4:words(KINDS) + 0.6]
set format x ""
set key off
set errorbars 0.6
set arrow 1 from graph 0, first 1 to graph 1, first 1 nohead lc rgb "#000000" lw 1 back
is(t, n, want) = t eq trace && n == want

do for [p = 1:words(traces)] {
	trace = word(traces, p)
	last = p == words(traces)
	set tmargin at screen 1 - 30.0 / HEIGHT - (p - 1) * each - 8.0 / HEIGHT
	set bmargin at screen 1 - 30.0 / HEIGHT - p * each + 8.0 / HEIGHT
	set yrange [0.85:top[p] * 2.2]
	set label 3 trace at graph 0.98, graph 0.92 right
	set xtics () rotate by -40 offset -0.5, 0 font ",11"
	do for [i = 1:words(KINDS)] { set xtics add ((last ? short(word(KINDS, i)) : "") i) }
	plot DATA skip 1 using (is(strcol(5), $6, EVENTS) ? x(strcol(2), strcol(3), $4) : \
		NaN):10:11:12:(colour(strcol(2))) \
		with yerrorbars pt -1 lw 1 lc rgb variable, \
	     for [a in list] DATA skip 1 using (is(strcol(5), $6, EVENTS) && strcol(2) eq a ? \
		x(strcol(2), strcol(3), $4) : NaN):10 with points pt point(a) ps 0.8 lc rgb colour(a), \
	     for [a in list] DATA skip 1 using (is(strcol(5), $6, 0) && strcol(2) eq a ? \
		x(strcol(2), strcol(3), $4) + 0.11 : NaN):10 with points pt point(a) ps 0.4 lc rgb colour(a)
	if (p > 1) { unset label 2 }
	unset label 1
	if (p == 1) { eval side("times the least possible [log]", (1 + under) / 2) }
}
unset label 2
eval key_below
unset multiplot
