/*
 * fuzz.h - the contract of a fuzz target. A program fuzz_NAME has one or more, the seeds of each in
 * tests/seeds/NAME/TARGET, or made by the build in BUILD/seeds/NAME/TARGET (map_seeds.c).
 * fuzz_main.c runs them: by itself over the seeds and a number of changes to them (make check), or
 * under libFuzzer, which asks for FUZZ_TARGET (make fuzz).
 */
#ifndef STUBMAP_TEST_FUZZ_H
#define STUBMAP_TEST_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FUZZ_MOST = 1 << 16 }; /* bytes of an input */

/* The i-th target's name; NULL: there are no more. */
const char *fuzz_name(size_t i);
/* Leads the i-th target's reader over an input, which lies in memory of exactly its size, and
 * aborts where a promise is broken. Returns whether the reader accepted the input. */
bool fuzz_run(size_t i, const uint8_t *data, size_t len);
/* The limit of a run: bytes of memory at once, and more for each byte of the input. */
struct fuzz_memory {
	size_t base, each;
};
struct fuzz_memory fuzz_memory(size_t i);

static inline void fuzz_check(bool holds)
{
	if (!holds)
		abort();
}

/* The checksum of traces, churn logs and corpora: an input has none,
 * since no changed input would pass it. */
static inline void fuzz_checksum(const uint8_t *data, size_t len, uint8_t out[8])
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ data[i]) * 0x100000001b3u;
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(h >> 8 * i);
}

/* The bytes as a frame of zstd, of one block that is not compressed; returns the frame's bytes. */
enum { FUZZ_FRAME = 16 };
static inline size_t fuzz_frame(uint8_t *out, const uint8_t *data, size_t len)
{
	static const uint8_t head[5] = { 0x28, 0xb5, 0x2f, 0xfd, 0xe0 };
	uint32_t block = 1 | (uint32_t)len << 3;

	memcpy(out, head, sizeof head);
	for (size_t i = 0; i < 8; i++)
		out[5 + i] = (uint8_t)((uint64_t)len >> 8 * i);
	for (size_t i = 0; i < 3; i++)
		out[13 + i] = (uint8_t)(block >> 8 * i);
	if (len)
		memcpy(out + FUZZ_FRAME, data, len);
	return FUZZ_FRAME + len;
}

/* A path at which those bytes are a regular file, until the next call. */
const char *fuzz_file(const uint8_t *data, size_t len);

#endif
