/*
 * jitdump.c - writes perf's jitdump, version 1 (linux/tools/perf/Documentation/
 * jitdump-specification.txt):
 *
 *      header | load | load | ...
 *
 * perf record finds the file by a mapping of its first page that is executable. Times are those of
 * CLOCK_MONOTONIC: record with `perf record -k mono`. A load is numbered by where it stands.
 */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "names/internal.h"

enum { JITDUMP_MAGIC = 0x4a695444, JITDUMP_VERSION = 1, JITDUMP_LOAD = 0 };

struct file_header {
	uint32_t magic, version, size, machine, pad, pid;
	uint64_t time, flags;
};

struct record {
	uint32_t id, size;
	uint64_t time;
};

struct load {
	struct record record;
	uint32_t pid, tid;
	uint64_t vma, address, bytes, index;
};

struct jitdump {
	FILE *file;
	void *mark;
	size_t page;
};

int jitdump_open(struct jitdump **out, FILE *file)
{
	const struct file_header header = { .magic = JITDUMP_MAGIC,
					    .version = JITDUMP_VERSION,
					    .size = sizeof header,
					    .machine = EM_X86_64,
					    .pid = (uint32_t)getpid(),
					    .time = clock_ns() };
	struct jitdump *d = calloc(1, sizeof *d);
	int error = d ? 0 : -ENOMEM;

	*out = NULL;
	if (d) {
		*d = (struct jitdump){ file, MAP_FAILED, (size_t)sysconf(_SC_PAGESIZE) };
		if (!fseek(file, 0, SEEK_END) && !ftell(file))
			fwrite(&header, sizeof header, 1, file);
		if (!fflush(file))
			d->mark = mmap(NULL, d->page, PROT_READ | PROT_EXEC, MAP_PRIVATE,
				       fileno(file), 0);
		error = d->mark == MAP_FAILED ? -errno : 0;
	}
	if (error) {
		fclose(file);
		free(d);
	} else {
		*out = d;
	}
	return error;
}

void jitdump_add(struct jitdump *d, const uint8_t *at, size_t bytes, const char *name)
{
	const size_t length = strlen(name) + 1;
	const struct load load = {
		.record = { JITDUMP_LOAD, (uint32_t)(sizeof load + length + bytes), clock_ns() },
		.pid = (uint32_t)getpid(),
		.tid = (uint32_t)syscall(SYS_gettid),
		.vma = (uintptr_t)at,
		.address = (uintptr_t)at,
		.bytes = bytes,
		.index = (uint64_t)ftell(d->file),
	};

	fwrite(&load, sizeof load, 1, d->file);
	fwrite(name, length, 1, d->file);
	fwrite(at, bytes, 1, d->file);
}

void jitdump_close(struct jitdump *d)
{
	if (!d)
		return;
	munmap(d->mark, d->page);
	fclose(d->file);
	free(d);
}
