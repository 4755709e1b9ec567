/*
 * fuzz_trace.c - fuzz targets for recordings: traces, churn logs, and replays, which read a trace
 * from its file and draw the rest of its population. An input is a recording's body: the first and
 * the last line and the checksum are added here, and for a replay a frame of zstd.
 */
#include <stdio.h>

#include "fuzz.h"
#include "workloads/churn.h"
#include "workloads/scenario.h"
#include "workloads/trace.h"

enum { TRACE, CHURN, REPLAY, NAMES };

const char *fuzz_name(size_t i)
{
	static const char *const names[NAMES + 1] = { "trace", "churn", "replay" };

	return names[i];
}

/* A replay has boundaries that were never crossed: at most 65,536, among a million places, however
 * few bytes the trace has. And zstd may ask for 8 MiB of history. */
struct fuzz_memory fuzz_memory(size_t i)
{
	return (struct fuzz_memory){ i == REPLAY ? 32 << 20 : 1 << 20, 64 };
}

enum { ROOM = 16 + FUZZ_MOST + 4 + 8 };

/* Returns the recording's bytes. */
static size_t record(uint8_t out[ROOM], const char *magic, const uint8_t *data, size_t len)
{
	memcpy(out, magic, 16);
	if (len)
		memcpy(out + 16, data, len);
	memcpy(out + 16 + len, "end\n", 4);
	fuzz_checksum(out, 20 + len, out + 20 + len);
	return 28 + len;
}

static bool read_trace(const uint8_t *bytes, size_t size)
{
	char error[TRACE_ERROR] = "";
	struct trace t;

	if (trace_parse(bytes, size, &t, error)) {
		fuzz_check(*error && !strchr(error, '\n'));
		return false;
	}
	trace_free(&t);
	return true;
}

/* Follows a log into at most `most` slots: each is taken while it is free
 * and left while it is not. */
static void follow(const struct churn *c, uint32_t most)
{
	struct churn_stream s;
	struct churn_step step;
	uint32_t live = 0;

	fuzz_check(!churn_start(&s, c, most));
	uint8_t *taken = calloc(s.slots + 1, 1);
	fuzz_check(taken);
	while (churn_next(&s, &step)) {
		fuzz_check(step.slot < s.slots && step.object < c->created &&
			   taken[step.slot] != step.create);
		taken[step.slot] = step.create;
		live += step.create ? 1 : -1u;
		fuzz_check(live <= s.slots);
	}
	free(taken);
	churn_stop(&s);
}

static bool read_churn(const uint8_t *bytes, size_t size)
{
	char error[CHURN_ERROR] = "";
	struct churn c;

	if (churn_parse(bytes, size, &c, error)) {
		fuzz_check(*error && !strchr(error, '\n'));
		return false;
	}
	follow(&c, 0);
	follow(&c, 3);
	churn_free(&c);
	return true;
}

static bool replay(const uint8_t *bytes, size_t size)
{
	static uint8_t framed[ROOM + FUZZ_FRAME];
	uint32_t acc[SCENARIO_INSTANCES] = { 0 };
	const struct workload_params params = { .seed = 1 };
	char error[WORKLOAD_ERROR] = "";
	struct scenario s;

	size = fuzz_frame(framed, bytes, size);
	const struct workload w = { .name = "replay:input", .trace = fuzz_file(framed, size) };
	if (replay_open(&w, &params, &s, error)) {
		fuzz_check(*error && !strchr(error, '\n'));
		return false;
	}
	for (uint64_t i = 0; i < s.nevents; i++)
		fuzz_check(s.events[i] < s.nboundaries);
	scenario_run(&s, 0, 1, 1, acc);
	scenario_close(&s);
	return true;
}

bool fuzz_run(size_t i, const uint8_t *data, size_t len)
{
	static uint8_t room[ROOM];
	size_t size =
	    record(room, i == CHURN ? "stubmap-churn 1\n" : "stubmap-trace 1\n", data, len);

	if (i == REPLAY)
		return replay(room, size);
	/* The bytes to read are a block of exactly their size. */
	uint8_t *bytes = malloc(size);
	fuzz_check(bytes);
	memcpy(bytes, room, size);
	bool took = i == TRACE ? read_trace(bytes, size) : read_churn(bytes, size);
	free(bytes);
	return took;
}
