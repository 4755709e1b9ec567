/*
 * procfs.h - what the kernel tells in /proc and /sys: a number in a file's first line, and the
 * lines of /proc/self/maps and smaps.
 */
#ifndef STUBMAP_BASE_PROCFS_H
#define STUBMAP_BASE_PROCFS_H

#include <stdbool.h>
#include <stdint.h>

/* The whole number that is the nth word, from 0, of a file's first line.
 * false: no such file or word, or the word is no number; *number stays as it was. */
bool procfs_number(const char *path, unsigned nth, int64_t *number);

/* A mapping, as the line that begins it in maps and smaps tells. */
struct procfs_mapping {
	uintptr_t from, to; /* addresses; to: the first one behind it */
	char rights[5];	    /* "r-xp" */
	uint64_t offset;    /* in the file, in bytes */
	uint64_t device, inode;
	const char *name; /* in the line, with what ends it; "" for none */
};

/* Whether a line begins a mapping. */
bool procfs_mapping(const char *line, struct procfs_mapping *m);
/* Whether a line is "NAME: N kB", as those of smaps and status are: the name, and N in bytes. */
bool procfs_bytes(const char *line, char name[32], uint64_t *bytes);

#endif
