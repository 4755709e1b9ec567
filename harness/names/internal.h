/* internal.h - names by address, and the two sinks that are more than a line a piece.
 * Private to this room. */
#ifndef STUBMAP_NAMES_INTERNAL_H
#define STUBMAP_NAMES_INTERNAL_H

#include <stdbool.h>
#include <stdio.h>
#include <stubmap/watch.h>

struct named {
	uint64_t at, bytes;
	bool dead;
	char name[STUB_PIECE_NAME];
};

struct names_table {
	struct named *names; /* ascending; the caller frees them */
	size_t n, capacity, dead;
};

/* A piece at the same address is replaced. Without memory it stays unknown. */
void table_add(struct names_table *, const uint8_t *at, size_t bytes, const char *name);
void table_remove(struct names_table *, const uint8_t *at, size_t bytes);
void table_drop_dead(struct names_table *);
/* The piece that an address lies in, or NULL. Reads only. */
const struct named *table_find(const struct names_table *, const void *pc);

struct jitdump;
/* file: open for appending; it is the dump's from now on. 0 or -errno. */
int jitdump_open(struct jitdump **out, FILE *file);
void jitdump_add(struct jitdump *, const uint8_t *at, size_t bytes, const char *name);
void jitdump_close(struct jitdump *); /* NULL: nothing */

struct gdb_names;
/* section: of the code memory's frames; [from, to): its stubs' area. NULL: no memory. */
struct gdb_names *gdb_open(const void *section, size_t size, uintptr_t from, uintptr_t to,
			   struct names_table *);
/* n names of the table have changed. */
void gdb_changed(struct gdb_names *, size_t n);
void gdb_flush(struct gdb_names *);
void gdb_close(struct gdb_names *); /* NULL: nothing */

#endif
