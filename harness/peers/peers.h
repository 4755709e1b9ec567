/*
 * peers.h - allocators of stubs that others wrote, as arms of a cell: peer:NAME. Each is a
 * file of arms/ (the contract: peer.h), built where its library is there, and loaded by
 * the process that needs it.
 */
#ifndef STUBMAP_PEERS_PEERS_H
#define STUBMAP_PEERS_PEERS_H

#include "peers/peer.h"

enum { PEER_WHY = 200 };

struct peer_row {
	const char *name; /* "peer:libffi" */
	const char *call; /* what a call through its stub does, in a word (analysis/peers.c) */
	const char *summary;
	uint32_t most; /* live stubs that it is asked for where nobody says how many; 0: any */
};

/* All known peers; a NULL name ends the table. */
extern const struct peer_row peer_rows[];
/* The row of a name; NULL: it names no peer. */
const struct peer_row *peer_named(const char *name);
/* Whether a peer can be loaded, asked in a process of its own, so that a library that crashes,
 * exits or hangs as it is loaded takes nobody with it. True: said is its version; else one line why
 * not. Each is asked once. */
bool peer_there(const struct peer_row *, char said[PEER_WHY]);
/* Loads a peer for the rest of the process. NULL: one line in why. */
const struct peer *peer_load(const struct peer_row *, char why[PEER_WHY]);

#endif
