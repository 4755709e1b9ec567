/*
 * fuzz_model.c - a fuzz target for the addresses that `stubmap model --keep` wrote (trace.h of the
 * model). An input is the whole file: its magic, the bytes of its body and their hash are put right
 * here, so that what is changed is what the file says.
 */
#include "model/trace.h"

#include "base/prng.h"
#include "fuzz.h"

enum { HEAD_SIZE = 8, BODY_SIZE = 12, HASH = 28, FIXED = 36 };

const char *fuzz_name(size_t i)
{
	return i ? NULL : "accesses";
}

/* A record is a byte at least, and may be two accesses; the head is JSON. */
struct fuzz_memory fuzz_memory(size_t i)
{
	(void)i;
	return (struct fuzz_memory){ 1 << 20, 400 };
}

static void put(uint8_t *at, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t)(v >> 8 * i);
}

static void put_right(uint8_t *file, size_t len)
{
	size_t head = FIXED;

	for (size_t i = 0; i < 4; i++)
		head += (size_t)file[HEAD_SIZE + i] << 8 * i;
	if (head > len)
		return;
	uint64_t h = len - head;
	for (size_t i = head; i < len; i++)
		h = prng_mix(h ^ file[i]);
	memcpy(file, "STUBTRC1", 8);
	put(file + BODY_SIZE, len - head);
	put(file + HASH, h);
}

bool fuzz_run(size_t target, const uint8_t *data, size_t len)
{
	static uint8_t file[FUZZ_MOST];
	char error[TRACE_ERROR] = "";
	struct trace_pack pack;
	struct address_trace t;

	(void)target;
	if (len)
		memcpy(file, data, len);
	if (len >= FIXED)
		put_right(file, len);
	if (trace_load(fuzz_file(file, len), &pack, error)) {
		fuzz_check(*error && !strchr(error, '\n'));
		return false;
	}
	bool took = !trace_open(&pack, &t, error);
	if (took) {
		fuzz_check(t.nlaps && t.calls && t.n <= 2 * pack.records);
		for (size_t i = 0; i < t.nlaps; i++)
			fuzz_check(t.laps[i] <= t.n && (!i || t.laps[i] >= t.laps[i - 1]));
		for (size_t i = 0; i < t.n; i++) /* none is in two pages */
			fuzz_check(t.accesses[i].size &&
				   t.accesses[i].address % TRACE_PAGE + t.accesses[i].size <=
				       TRACE_PAGE);
		trace_close(&t);
	}
	trace_pack_free(&pack);
	return took;
}
