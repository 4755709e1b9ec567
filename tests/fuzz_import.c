/*
 * fuzz_import.c - fuzz targets for the files that `stubmap maps` reads: one an importer, whose
 * inputs are ELF files, and one for the project's own corpora. An input of that is the body of a
 * corpus file or, if it begins as one, the whole file; both get their checksum here.
 */
#include <stdio.h>

#include "corpora/importers.h"
#include "fuzz.h"
#include "import_samples.h"

static const char *const names[] = {
#define ROW(name) #name,
	IMPORTER_LIST(ROW)
#undef ROW
	    "corpus"
};
enum { NAMES = sizeof names / sizeof *names, CORPUS = NAMES - 1, HEADER = 24 };

const char *fuzz_name(size_t i)
{
	return i < NAMES ? names[i] : NULL;
}

/* LLVM's disassembler, which reads Go's calls, takes some megabytes once. A call of two bytes may
 * have 16 places, and each is kept a few times over until a corpus is sealed. */
struct fuzz_memory fuzz_memory(size_t i)
{
	return i == CORPUS ? (struct fuzz_memory){ 2 << 20, 40 }
			   : (struct fuzz_memory){ 32 << 20, 600 };
}

/* Puts a corpus file at out, which has room for it; returns its bytes. */
static size_t corpus_of(uint8_t *out, const uint8_t *data, size_t len)
{
	size_t size = len;

	if (len >= HEADER && !memcmp(data, CORPUS_MAGIC, 8)) {
		memcpy(out, data, len);
	} else {
		memcpy(out, CORPUS_MAGIC, 8);
		for (size_t i = 0; i < 8; i++)
			out[16 + i] = (uint8_t)((uint64_t)len >> 8 * i);
		size = HEADER + fuzz_frame(out + HEADER, data, len);
	}
	fuzz_checksum(out + 16, size - 16, out + 8);
	return size;
}

bool fuzz_run(size_t i, const uint8_t *data, size_t len)
{
	static uint8_t room[FUZZ_MOST + HEADER + FUZZ_FRAME];
	char error[CORPUS_ERROR];
	struct corpus c;
	struct corpus_stats stats;
	size_t size = len;

	if (i == CORPUS)
		size = corpus_of(room, data, len);
	else if (len)
		memcpy(room, data, len);
	/* The bytes to read are a block of exactly their size, and may be written. */
	uint8_t *bytes = malloc(size + !size);
	fuzz_check(bytes);
	memcpy(bytes, room, size);
	int r = corpus_import_bytes("input", bytes, size, &c, error);
	free(bytes);
	if (r) {
		fuzz_check(*error && !strchr(error, '\n'));
		return false;
	}
	const char *wrong = sample_check(&c);
	if (wrong)
		fprintf(stderr, "taken in spite of %s\n", wrong);
	fuzz_check(!wrong && !corpus_stats(&c, &stats));
	corpus_close(&c);
	return true;
}
