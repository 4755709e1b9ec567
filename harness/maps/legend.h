/* legend.h - the text between the tables of `stubmap maps` and its answer; report.c includes it. */
#ifndef STUBMAP_MAPS_LEGEND_H
#define STUBMAP_MAPS_LEGEND_H

static const char maps_legend[] =
    "\n"
    "sizes    bytes; bits/pc: of the table per safepoint, empty ones counted; right:\n"
    "         safepoints that the table answers with their own map, of all. References, none a\n"
    "         lower bound (positions as index, ids and dictionary as data): order-0: each\n"
    "         safepoint coded by itself; adaptive: code lengths of a coder that learns on the\n"
    "         way; zstd: columns by zstd -19; no lookup is possible in the last two. live:\n"
    "         without the empty safepoints. ranged-start and ranged-unsafe (!) differ by empty\n"
    "         maps only.\n"
    "         at load: bytes that a set-up pass makes of the table, for lookups to read.\n"
    "costs    encode, load: ns per safepoint; others: ns per lookup, median/p99. warm: blocks of\n"
    "         128 in random order; alone: a fence between two lookups; batched: 128 at once;\n"
    "         cold: the table's lines are flushed before each lookup. hit: safepoints with\n"
    "         live places; miss: random pcs. One process: no interval between processes.\n"
    "         More figures: --json.\n"
    "counts   means of the same lookups. instr.: instructions from call to return, in user\n"
    "         mode; lines: 64-byte lines of the table that are read (a model); +bitmap: with\n"
    "         the map found.\n"
    "walks    ns per lookup of a run's stack walks, in their order; p50/p99 of samples of\n"
    "         whole walks of 128 lookups or more: one by one, and each walk as a batch;\n"
    "         random: as in costs; instr.: per lookup, one by one and as a batch. All in\n"
    "         cache; branch predictors may learn a short recording.\n"
    "bogus    % of lookups of pcs that no safepoint has: w a wrong map, s silently none,\n"
    "         d detected; and of safepoints with an empty map, where r is right.\n"
    "faults   an empty map not recorded, a map not recorded, one live slot left out, a pc one\n"
    "         byte too high: % of such faults by the worst lookup of a true pc that was right\n"
    "         before: w, s, d as above, r: none is spoilt; each: lookups that one fault spoils.\n"
    "(!)      wrong by design, kept as a negative control.\n";

#endif
