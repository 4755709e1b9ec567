/*
 * fuzz_import.c - libFuzzer's target for the importers of stack maps. An input that is no ELF file
 * becomes the body of a corpus file: compressed and with its checksum, or the fuzzer would never
 * get past those.
 *
 *      clang-19 -std=c17 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined \
 *              -iquote . -iquote harness -Ibuild/include -isystem /usr/lib/llvm-19/include \
 *              tests/fuzz_import.c harness/corpora/*.c harness/base/say.c harness/base/file.c \
 *              -L/usr/lib/llvm-19/lib -lLLVM-19 -lzstd -lelf \
 *              -o build/fuzz_import
 */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "import_samples.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t *corpus_of(const uint8_t *body, size_t len, size_t *size)
{
	size_t room = ZSTD_compressBound(len);
	uint8_t *bytes = malloc(24 + room);
	uint64_t h = 0xcbf29ce484222325u;

	if (!bytes)
		return NULL;
	memcpy(bytes, CORPUS_MAGIC, 8);
	for (int i = 0; i < 8; i++)
		bytes[16 + i] = (uint8_t)(len >> 8 * i);
	*size = 24 + ZSTD_compress(bytes + 24, room, body, len, 1);
	for (size_t i = 16; i < *size; i++)
		h = (h ^ bytes[i]) * 0x100000001b3u;
	for (int i = 0; i < 8; i++)
		bytes[8 + i] = (uint8_t)(h >> 8 * i);
	return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char error[CORPUS_ERROR];
	struct corpus c;
	size_t size = len;
	uint8_t *bytes;

	if (len >= 4 && !memcmp(data, "\177ELF", 4)) {
		bytes = malloc(len);
		if (bytes)
			memcpy(bytes, data, len);
	} else {
		bytes = corpus_of(data, len, &size);
	}
	if (!bytes)
		return 0;
	if (!corpus_import_bytes("input", bytes, size, &c, error)) {
		if (sample_check(&c))
			abort();
		corpus_close(&c);
	} else if (!*error || strchr(error, '\n')) {
		abort();
	}
	free(bytes);
	return 0;
}
