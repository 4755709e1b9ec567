/* names.c - hands each piece to the sinks that were asked for. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "names/internal.h"
#include "names/names.h"

/* libgcc's; no header has them. */
void __register_frame(const void *section);
void __deregister_frame(const void *section);

struct names {
	struct stub_watch watch;
	unsigned wanted;
	FILE *map;
	struct jitdump *dump;
	struct gdb_names *gdb;
	struct names_table table;
	struct stub_frames *frames;
};

int names_parse(const char *text, unsigned *out)
{
	static const char *const words[] = { "perf", "jitdump", "gdb" };

	*out = 0;
	for (const char *p = text;; p++) {
		size_t n = strcspn(p, ","), i = 0;

		while (i < 3 && (strlen(words[i]) != n || memcmp(words[i], p, n)))
			i++;
		if (i == 3)
			return -EINVAL;
		*out |= 1u << i;
		p += n;
		if (!*p)
			return 0;
	}
}

static void add(struct names *names, const uint8_t *at, size_t bytes, const char *name)
{
	table_add(&names->table, at, bytes, name);
	if (names->map)
		fprintf(names->map, "%llx %zx %s\n", (unsigned long long)(uintptr_t)at, bytes,
			name);
	if (names->dump)
		jitdump_add(names->dump, at, bytes, name);
	if (names->gdb)
		gdb_changed(names->gdb, 1);
}

/* A slot gets its name when it is bound: the name of a run of free slots would hide it. */
static void made(void *arg, const struct stub_piece *p)
{
	struct names *names = arg;
	char name[STUB_PIECE_NAME];

	stub_frames_made(names->frames, p);
	if (p->role != STUB_ROLE_SLOTS)
		add(names, p->at, p->bytes, stub_piece_name(p, name));
}

static void gone(void *arg, const uint8_t *at, size_t bytes)
{
	struct names *names = arg;
	const size_t before = names->table.dead;

	table_remove(&names->table, at, bytes);
	if (names->gdb)
		gdb_changed(names->gdb, names->table.dead - before);
}

static void moved(void *arg, const uint8_t *from, const uint8_t *to)
{
	struct names *names = arg;
	const struct named *old = table_find(&names->table, from);

	if (!old)
		return;
	const struct named copy = *old;
	add(names, to, copy.bytes, copy.name);
}

/* A process has one file of each sort, which its code memories share. An older file is another
 * process's: it is emptied. */
static int open_file(FILE **out, const char *path, unsigned bit)
{
	static unsigned begun;
	int flags = O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC;
	int fd = open(path, begun & bit ? flags : flags | O_TRUNC, 0600);

	*out = fd < 0 ? NULL : fdopen(fd, "a+");
	if (!*out)
		return -errno;
	begun |= bit;
	return 0;
}

int names_open(struct names **out, unsigned wanted, const char **path)
{
	static char map[40], dump[40];
	struct names *names = calloc(1, sizeof *names);
	int error = names ? 0 : -ENOMEM;

	*out = NULL;
	snprintf(map, sizeof map, "/tmp/perf-%d.map", (int)getpid());
	snprintf(dump, sizeof dump, "/tmp/jit-%d.dump", (int)getpid());
	*path = map;
	if (!error) {
		names->watch = (struct stub_watch){ made, gone, moved, names };
		names->wanted = wanted;
		if (wanted & NAMES_PERF)
			error = open_file(&names->map, map, NAMES_PERF);
	}
	if (!error && wanted & NAMES_JITDUMP) {
		FILE *file;

		*path = dump;
		error = open_file(&file, dump, NAMES_JITDUMP);
		if (!error)
			error = jitdump_open(&names->dump, file);
	}
	if (error)
		names_close(names);
	else
		*out = names;
	return error;
}

const struct stub_watch *names_watch(struct names *names)
{
	return &names->watch;
}

struct names *names_of(const struct code_memory *code)
{
	const struct stub_watch *watch = code_get_config(code)->watch;

	return watch && watch->made == made ? watch->arg : NULL;
}

int names_attach(struct names *names, const struct code_memory *code)
{
	uintptr_t from, to;
	size_t size;

	int error = stub_frames_open(&names->frames, code);
	if (error)
		return error;
	const void *section = stub_frames_section(names->frames, &size);
	__register_frame(section);
	if (!(names->wanted & NAMES_GDB))
		return 0;
	code_range(code, CODE_STUBS, &from, &to);
	names->gdb = gdb_open(section, size, from, to, &names->table);
	return names->gdb ? 0 : -ENOMEM;
}

bool names_find(const struct names *names, const void *pc, char name[STUB_PIECE_NAME], size_t *byte)
{
	const struct named *found = table_find(&names->table, pc);

	if (!found)
		return false;
	strcpy(name, found->name);
	*byte = (uintptr_t)pc - found->at;
	return true;
}

void names_flush(struct names *names)
{
	if (names->gdb)
		gdb_flush(names->gdb);
}

void names_close(struct names *names)
{
	if (!names)
		return;
	gdb_close(names->gdb);
	jitdump_close(names->dump);
	if (names->map)
		fclose(names->map);
	if (names->frames)
		__deregister_frame(stub_frames_section(names->frames, NULL));
	stub_frames_close(names->frames);
	free(names->table.names);
	free(names);
}
