/* growth.c - reads /proc/self/smaps twice, and takes the difference of its sums. */
#include "meters/growth.h"

#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/procfs.h"

static bool is_file(const char *name)
{
	return *name == '/' && strncmp(name, "/memfd:", 7) != 0;
}

/* A mapping of a file may since have been cut in pieces. */
static bool was_there(const struct growth_mark *mark, const struct procfs_mapping *m)
{
	for (size_t i = 0; i < mark->n; i++)
		if (m->from >= mark->files[i].from && m->to <= mark->files[i].to)
			return true;
	return false;
}

static int note_file(struct growth_mark *mark, const struct procfs_mapping *m)
{
	if (mark->n == mark->room) {
		size_t room = mark->room ? 2 * mark->room : 128;
		struct growth_file *files = realloc(mark->files, room * sizeof *files);

		if (!files)
			return -ENOMEM;
		mark->files = files;
		mark->room = room;
	}
	mark->files[mark->n++] = (struct growth_file){ m->from, m->to };
	return 0;
}

/* Adds up all mappings; if noted is not NULL, those of files are noted there. */
static int add_up(FILE *f, const struct growth_mark *mark, struct growth_mark *noted,
		  struct growth *out)
{
	struct procfs_mapping m = { 0 };
	int64_t *sum = NULL;
	char *line = NULL;
	size_t size = 0;
	char field[32];
	uint64_t bytes;
	int e = 0;

	*out = (struct growth){ 0 };
	while (!e && getline(&line, &size, f) > 0) {
		if (sum && procfs_bytes(line, field, &bytes) && !strcmp(field, "Pss"))
			*sum += (int64_t)bytes;
		if (!procfs_mapping(line, &m))
			continue;
		if (noted && is_file(m.name))
			e = note_file(noted, &m);
		sum = !e && is_file(m.name) && was_there(mark, &m) ? &out->files
		      : m.rights[2] == 'x'			   ? &out->code
		      : strncmp(m.name, "[heap]", 6)		   ? &out->data
								   : NULL;
		out->mappings += strncmp(m.name, "[vsyscall]", 10) != 0;
		out->writable_code += m.rights[1] == 'w' && m.rights[2] == 'x';
	}
	free(line);
	out->data += (int64_t)mallinfo2().uordblks;
	return e ? e : ferror(f) || !out->mappings ? -EIO : 0;
}

static int take(const struct growth_mark *mark, struct growth_mark *noted, struct growth *out,
		char error[METERS_ERROR])
{
	FILE *f = fopen("/proc/self/smaps", "re");
	int e = f ? add_up(f, mark, noted, out) : -errno;

	if (f)
		fclose(f);
	if (e)
		snprintf(error, METERS_ERROR, "/proc/self/smaps: %s", strerror(-e));
	return e;
}

int growth_begin(struct growth_mark *mark, char error[METERS_ERROR])
{
	*mark = (struct growth_mark){ 0 };
	/* The first reading notes the files, and allocates the memory that reading needs. */
	int e = take(mark, mark, &mark->at, error);

	return e ? e : take(mark, NULL, &mark->at, error);
}

int growth_since(const struct growth_mark *mark, struct growth *out, char error[METERS_ERROR])
{
	const struct growth *at = &mark->at;
	int e = take(mark, NULL, out, error);

	out->code -= at->code;
	out->data -= at->data;
	out->files -= at->files;
	out->mappings -= at->mappings;
	out->writable_code -= at->writable_code;
	return e;
}

void growth_free(struct growth_mark *mark)
{
	free(mark->files);
	*mark = (struct growth_mark){ 0 };
}
