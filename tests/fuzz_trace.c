/*
 * fuzz_trace.c - libFuzzer's target for the parser of traces. Inputs have no checksum: it is added
 * here, or the fuzzer would never get past it.
 *
 *      clang-19 -std=c17 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined \
 *              tests/fuzz_trace.c workloads/{trace,packed,scenario}.c -lzstd -o build/fuzz_trace
 */
#include <stdlib.h>
#include <string.h>

#include "workloads/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char magic[16] = "stubmap-trace 1\n", end[4] = "end\n";
	const size_t total = sizeof magic + len + sizeof end + 8;
	uint64_t h = 0xcbf29ce484222325u;
	uint8_t *bytes = malloc(total);
	char error[TRACE_ERROR];
	struct trace t;

	if (!bytes)
		return 0;
	memcpy(bytes, magic, sizeof magic);
	if (len)
		memcpy(bytes + sizeof magic, data, len);
	memcpy(bytes + sizeof magic + len, end, sizeof end);
	for (size_t i = 0; i < total - 8; i++)
		h = (h ^ bytes[i]) * 0x100000001b3u;
	for (size_t i = 0; i < 8; i++)
		bytes[total - 8 + i] = (uint8_t)(h >> (8 * i));
	if (!trace_parse(bytes, total, &t, error))
		trace_free(&t);
	free(bytes);
	return 0;
}
