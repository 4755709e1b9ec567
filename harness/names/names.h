/*
 * names.h - gives the stubs of a code memory names in other people's tools, and frames to unwind:
 *
 * perf: /tmp/perf-PID.map, a line a piece. `perf report` shows "stub page/exit_js i>i". Addresses
 * that are used again have their last name. perf does not look there for code under CODE_DUAL: it
 * takes such code for a file's.
 *
 * jitdump: /tmp/jit-PID.dump, a record a piece with its time and bytes, for `perf inject --jit`.
 * Names follow addresses that are used again, and `perf annotate` has the code.
 *
 * gdb: an ELF image in memory, by gdb's JIT interface. `bt` and `disassemble` know the stubs.
 * Changes are gathered until they are an eighth of the names, or names_flush.
 *
 * With any of them, the code memory's frames are registered with libgcc as well (stubmap/watch.h):
 * exceptions and backtraces pass through stubs.
 */
#ifndef STUBMAP_NAMES_H
#define STUBMAP_NAMES_H

#include <stubmap/watch.h>

enum { NAMES_PERF = 1, NAMES_JITDUMP = 2, NAMES_GDB = 4 };
#define NAMES_ALL "perf, jitdump, gdb"

/* A list of names, "perf,gdb", as bits. 0, or -EINVAL: one of them is unknown, or there is none. */
int names_parse(const char *text, unsigned *out);

struct names;
/* Before the code memory, whose code_config takes names_watch. 0, or -errno: a file can't be
 * written; *path is then its name, for a message. */
int names_open(struct names **out, unsigned wanted, const char **path);
const struct stub_watch *names_watch(struct names *names);
/* The names whose watch a code memory has; NULL: none. */
struct names *names_of(const struct code_memory *code);
/* After code_open, before a space is opened. 0 or -ENOMEM. */
int names_attach(struct names *names, const struct code_memory *code);
/* The name of the piece that pc lies in, and which byte of it; false: it lies in none. */
bool names_find(const struct names *names, const void *pc, char name[STUB_PIECE_NAME],
		size_t *byte);
/* gdb knows all stubs that there are now. */
void names_flush(struct names *names);
/* After all spaces are closed. NULL: nothing. */
void names_close(struct names *names);

#endif
