/*
 * packed.c - files and cursors of packed.h. A file is decompressed whole into memory, up to a
 * limit: a recording is a few megabytes, its events are needed again and again, and a parser of
 * plain bytes can be tested and fuzzed without files.
 */
#include "packed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "scenario.h"

#define END "end\n"

enum {
	MAX_PACKED = 16 << 20, /* bytes of a file; the largest here has less than 700,000 */
	MAX_WINDOW = 23, /* zstd may ask for 2^23 bytes of history, as zstd -19 does at most */
	MAGIC = 16,
	TAIL = 4 + 8, /* END, checksum */
};

uint64_t packed_wrong(struct packed_reader *r, const char *what)
{
	if (!r->bad)
		workload_refuse(r->error, 0, "damaged %s: %s", r->noun, what);
	r->bad = true;
	return 0;
}

uint64_t packed_uleb(struct packed_reader *r, uint64_t max, const char *what)
{
	uint64_t value = 0;

	for (unsigned shift = 0; !r->bad && shift < 63; shift += 7) {
		if (r->at == r->end)
			return packed_wrong(r, what);
		uint8_t byte = *r->at++;
		value |= (uint64_t)(byte & 127) << shift;
		if (byte < 128)
			return value <= max ? value : packed_wrong(r, what);
	}
	return packed_wrong(r, what);
}

uint64_t packed_count(struct packed_reader *r, uint64_t max, unsigned bytes, const char *what)
{
	uint64_t left = (uint64_t)(r->end - r->at) / bytes;

	return packed_uleb(r, left < max ? left : max, what);
}

void packed_text(struct packed_reader *r, char *out, size_t size, const char *what)
{
	size_t len = packed_uleb(r, size - 1, what);

	if (!r->bad && len > (size_t)(r->end - r->at))
		packed_wrong(r, what);
	for (size_t i = 0; !r->bad && i < len; i++) {
		if (r->at[i] < ' ' || r->at[i] > '~')
			packed_wrong(r, what);
		out[i] = (char)r->at[i];
	}
	if (r->bad)
		return;
	out[len] = 0;
	r->at += len;
}

/* FNV-1a, 64 bits: enough against accidents, without a library. */
static uint64_t checksum(const uint8_t *data, size_t len)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ data[i]) * 0x100000001b3u;
	return h;
}

int packed_body(const uint8_t *data, size_t len, const char *magic, const char *noun,
		struct packed_reader *r, char error[PACKED_ERROR])
{
	uint64_t sum = 0;

	if (len < MAGIC || memcmp(data, magic, MAGIC) != 0)
		return workload_refuse(error, -EINVAL, "not a %s: it does not begin with '%.*s'",
				       noun, MAGIC - 1, magic);
	if (len < MAGIC + TAIL || memcmp(data + len - TAIL, END, sizeof END - 1) != 0)
		return workload_refuse(error, -EINVAL, "damaged %s: the end marker is missing",
				       noun);
	for (unsigned i = 0; i < 8; i++)
		sum |= (uint64_t)data[len - 8 + i] << (8 * i);
	if (sum != checksum(data, len - 8))
		return workload_refuse(error, -EINVAL, "damaged %s: the checksum is wrong", noun);
	*r = (struct packed_reader){ data + MAGIC, data + len - TAIL, noun, error, false };
	return 0;
}

/* Reads a whole file of at most MAX_PACKED bytes. */
static int slurp(const char *path, uint8_t **out, size_t *len, char *error)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	int status = 0;
	long size = -1;

	if (!f)
		return workload_refuse(error, -errno, "%s: %s", path, strerror(errno));
	if (fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0 || fseek(f, 0, SEEK_SET))
		status = workload_refuse(error, -EINVAL, "%s: not a regular file", path);
	else if (size > MAX_PACKED)
		status = workload_refuse(error, -EINVAL, "%s: %ld bytes; at most %d", path, size,
					 MAX_PACKED);
	else if (!(data = malloc((size_t)size + 1)))
		status = workload_refuse(error, -ENOMEM, "%s: no memory", path);
	else if (fread(data, 1, (size_t)size, f) != (size_t)size)
		status = workload_refuse(error, -EIO, "%s: could not be read", path);
	fclose(f);
	if (status) {
		free(data);
		return status;
	}
	*out = data;
	*len = (size_t)size;
	return 0;
}

/* The most bytes that a file may unpack to. The recordings here have 1 to 265 times their file's.
 * One of a loop that crosses the same few boundaries has 30,000 times as many: that is what
 * PACKED_SMALL is for, and the padding. */
static size_t most_plain(size_t file)
{
	const size_t most = PACKED_SMALL + PACKED_RATIO * file;

	return most < PACKED_MAX_PLAIN ? most : PACKED_MAX_PLAIN;
}

/* Makes room for more bytes, up to `most`. 0, or a status with a line in error. */
static int grow(ZSTD_outBuffer *to, size_t most, char *error)
{
	size_t size = to->size ? 2 * to->size : 1 << 20;

	if (to->size == most)
		return workload_refuse(
		    error, -EINVAL,
		    most == PACKED_MAX_PLAIN
			? "more than %zu bytes when decompressed"
			: "more than %zu bytes when decompressed; allowed: %d MiB and %d times the "
			  "file's",
		    most, PACKED_SMALL >> 20, PACKED_RATIO);
	size = size < most ? size : most;
	void *grown = realloc(to->dst, size);
	if (!grown)
		return workload_refuse(error, -ENOMEM, "no memory to decompress it");
	to->dst = grown;
	to->size = size;
	return 0;
}

/* Whether all of it is one skippable frame (RFC 8878, 3.1.2): the padding of a file that packs
 * well. */
static bool is_padding(const uint8_t *p, size_t len)
{
	return len >= 8 && (p[0] & 0xf0) == 0x50 && p[1] == 0x2a && p[2] == 0x4d && p[3] == 0x18 &&
	       (p[4] | p[5] << 8 | p[6] << 16 | (uint32_t)p[7] << 24) == len - 8;
}

/* Decompresses one zstd frame, the whole input but for padding, to at most most_plain bytes,
 * whatever the header claims. */
static int inflate(const uint8_t *data, size_t len, uint8_t **out, size_t *outlen, char *error)
{
	ZSTD_DCtx *z = ZSTD_createDCtx();
	ZSTD_inBuffer in = { data, len, 0 };
	ZSTD_outBuffer to = { NULL, 0, 0 };
	size_t left = 1;
	int status = -ENOMEM;

	workload_refuse(error, 0, "no memory to decompress it");
	if (!z || ZSTD_isError(ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, MAX_WINDOW)))
		goto out;
	while (left) {
		if (to.pos == to.size && (status = grow(&to, most_plain(len), error)))
			goto out;
		left = ZSTD_decompressStream(z, &to, &in);
		if (ZSTD_isError(left)) {
			status = workload_refuse(error, -EINVAL, "damaged or no zstd file: %s",
						 ZSTD_getErrorName(left));
			goto out;
		}
		if (left && in.pos == in.size && to.pos < to.size) {
			status = workload_refuse(
			    error, -EINVAL, "cut off: %zu more bytes are missing at least", left);
			goto out;
		}
	}
	status = 0;
	if (in.pos < in.size && !is_padding(data + in.pos, len - in.pos))
		status = workload_refuse(error, -EINVAL, "bytes after the end");
out:
	ZSTD_freeDCtx(z);
	if (status)
		free(to.dst);
	*out = status ? NULL : to.dst;
	*outlen = to.pos;
	return status;
}

int packed_read(const char *path, uint8_t **plain, size_t *len, char error[PACKED_ERROR])
{
	uint8_t *packed = NULL;
	size_t npacked = 0;
	char why[PACKED_ERROR];
	int status;

	*plain = NULL;
	*len = 0;
	status = slurp(path, &packed, &npacked, error);
	if (status)
		return status;
	status = inflate(packed, npacked, plain, len, why);
	if (status)
		workload_refuse(error, 0, "%.*s: %.90s", 100, path, why);
	free(packed);
	return status;
}
