/*
 * provenance.h - which sources a record's program was made of.
 *
 * Two things that git knows are kept apart. The program: its commit, whether files were changed
 * beside it, and a hash of all that was linked are written into the executable by the linker
 * (scripts/stamp), so that a checkout without a build can't rename it. The tree in which the
 * program lies is asked when the program runs. Both are dirty where a file that programs are made
 * of differs from the commit, or is not known to git.
 */
#ifndef STUBMAP_METERS_PROVENANCE_H
#define STUBMAP_METERS_PROVENANCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { PROVENANCE = 320, PROVENANCE_WHY = 160 };

/* {"commit": hex or null, "dirty": bool or null, "hash": hex}. NULL: this program was linked
 * without a stamp, as tests are. why says it, and also why commit is null. */
json_t *provenance_program(char why[PROVENANCE_WHY]);
/* {"commit", "dirty"}; NULL: the program lies in no git tree, or git does not answer. */
json_t *provenance_tree(char why[PROVENANCE_WHY]);

/*
 * Whether a machine's fingerprint (env_machine) leaves a doubt about the sources; the line in out
 * says which: the program is of another commit than the tree that it lay in, either has changes,
 * or the record does not know its program. False also for a record without a machine.
 */
bool provenance_differs(const json_t *machine, char out[PROVENANCE]);
/* "commit 1d833d546ad5, clean; linked from ddf016bf50eb", for a reader. Returns out. */
const char *provenance_name(const json_t *machine, char out[PROVENANCE]);

#endif
