/*
 * decode.c - maps the file once more (its importer has unmapped it), privately, since relocations
 * write into it, and uses LLVM's disassembler.
 */
#include "maps/decode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "corpora/image.h"

struct decode {
	uint8_t *bytes;
	size_t size;
	struct image image;
	char error[CORPUS_ERROR];
	struct disassembler *disassembler;
};

static uint8_t *map_file(const char *path, size_t *size)
{
	char error[CORPUS_ERROR];
	int fd = file_open(path, FILE_WHOLE, error, sizeof error);
	struct stat st;
	void *bytes = MAP_FAILED;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && st.st_size > 0) {
		*size = (size_t)st.st_size;
		bytes = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	}
	close(fd);
	return bytes == MAP_FAILED ? NULL : bytes;
}

struct decode *decode_open(const char *path)
{
	struct decode *d = calloc(1, sizeof *d);

	if (!d)
		return NULL;
	d->bytes = map_file(path, &d->size);
	if (!d->bytes || d->size < 4 || memcmp(d->bytes, "\177ELF", 4) ||
	    image_open(&d->image, path, d->bytes, d->size, d->error))
		goto fail;
	if (d->image.machine != EM_X86_64 || image_relocate(&d->image))
		goto fail;
	d->disassembler = disassemble_open();
	if (!d->disassembler)
		goto fail;
	return d;
fail:
	decode_close(d);
	return NULL;
}

void decode_close(struct decode *d)
{
	if (!d)
		return;
	disassemble_close(d->disassembler);
	if (d->image.elf)
		image_close(&d->image);
	if (d->bytes)
		munmap(d->bytes, d->size);
	free(d);
}

/* n bytes of code, or NULL. */
static const uint8_t *decode_bytes(const struct decode *d, uint32_t pc, size_t n)
{
	return image_at(&d->image, d->image.text + pc, n);
}

size_t decode_at(struct decode *d, uint32_t pc, char *text)
{
	const uint8_t *code = NULL;
	size_t room = DISASSEMBLE_LONGEST;

	while (room && !(code = decode_bytes(d, pc, room)))
		room--;
	return code ? disassemble(d->disassembler, code, room, pc, text) : 0;
}

size_t decode_length(void *decode, uint32_t pc)
{
	return decode_at(decode, pc, NULL);
}
