/* procfs.c - parses what the kernel prints. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/procfs.h"

bool procfs_number(const char *path, unsigned nth, int64_t *number)
{
	FILE *f = fopen(path, "re");
	char line[512], *at = line, *end;

	if (!f)
		return false;
	if (!fgets(line, sizeof line, f))
		*line = 0;
	fclose(f);
	for (; nth; nth--) {
		at += strspn(at, " \t");
		at += strcspn(at, " \t");
	}
	int64_t n = strtoll(at, &end, 10);
	if (end == at || !strchr(" \t\n", *end))
		return false;
	*number = n;
	return true;
}

bool procfs_mapping(const char *line, struct procfs_mapping *m)
{
	unsigned major, minor;
	int at;

	if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %" SCNx64 " %x:%x %" SCNu64 "%n", &m->from,
		   &m->to, m->rights, &m->offset, &major, &minor, &m->inode, &at) != 7)
		return false;
	m->device = (uint64_t)major << 32 | minor;
	m->name = line + at + strspn(line + at, " ");
	return true;
}

bool procfs_bytes(const char *line, char name[32], uint64_t *bytes)
{
	uint64_t kib;
	int end = 0; /* stays 0 unless all of the form is there */

	if (sscanf(line, "%31[^:]: %" SCNu64 " kB%n", name, &kib, &end) != 2 || !end)
		return false;
	*bytes = kib * 1024;
	return true;
}
