/*
 * trace.c - reads a recorded trace. The whole file is decompressed into memory, within a bound, and
 * then parsed: a trace is a few megabytes, its order is needed again and again, and a parser of
 * plain bytes can be tested and fuzzed without files.
 *
 * Everything in the file is said twice: each stub's count must equal its events, and a checksum
 * covers all. A cut or a flipped bit is an error, never a shorter trace.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "scenario.h"
#include "trace.h"

#define MAGIC "stubmap-trace 1\n"
#define END   "end\n"

enum {
	MAX_PACKED = 16 << 20, /* bytes of a file; the traces here have less than 40,000 */
	MAX_PLAIN = 64 << 20,  /* bytes when decompressed; here: less than 10 million */
	MAX_INSTANCES = 64,
	MAX_COUNT = 1 << 20, /* functions, imports, slots... of an instance; crossed stubs */
	MAX_BYTES = 1 << 30, /* of a module */
	MAX_WINDOW = 27,     /* zstd may ask for 2^27 bytes of history */
	TAIL = 4 + 8,	     /* END, checksum */
};

/* A cursor that stops at the first thing that is wrong. */
struct reader {
	const uint8_t *at, *end;
	char *error;
	bool bad;
};

static uint64_t wrong(struct reader *r, const char *what)
{
	if (!r->bad)
		workload_refuse(r->error, 0, "damaged trace: %s", what);
	r->bad = true;
	return 0;
}

static uint64_t read_uleb(struct reader *r, uint64_t max, const char *what)
{
	uint64_t value = 0;

	for (unsigned shift = 0; !r->bad && shift < 63; shift += 7) {
		if (r->at == r->end)
			return wrong(r, what);
		uint8_t byte = *r->at++;
		value |= (uint64_t)(byte & 127) << shift;
		if (byte < 128)
			return value <= max ? value : wrong(r, what);
	}
	return wrong(r, what);
}

static void read_text(struct reader *r, char *out, size_t size, const char *what)
{
	size_t len = read_uleb(r, size - 1, what);

	if (!r->bad && len > (size_t)(r->end - r->at))
		wrong(r, what);
	for (size_t i = 0; !r->bad && i < len; i++) {
		if (r->at[i] < ' ' || r->at[i] > '~')
			wrong(r, what);
		out[i] = (char)r->at[i];
	}
	if (r->bad)
		return;
	out[len] = 0;
	r->at += len;
}

static void read_instance(struct reader *r, struct trace_instance *in)
{
	static const char what[] = "static counts of an instance";

	in->bytes = (uint32_t)read_uleb(r, MAX_BYTES, what);
	in->functions = (uint32_t)read_uleb(r, MAX_COUNT, what);
	in->signatures = (uint32_t)read_uleb(r, MAX_COUNT, what);
	in->exports = (uint32_t)read_uleb(r, in->functions, what);
	in->imports = (uint32_t)read_uleb(r, in->functions, what);
	in->host_imports = (uint32_t)read_uleb(r, in->imports, what);
	in->builtins = (uint32_t)read_uleb(r, MAX_COUNT, what);
	in->table_size = (uint32_t)read_uleb(r, MAX_COUNT, what);
	in->table_filled = (uint32_t)read_uleb(r, in->table_size, what);
}

uint32_t trace_population(const struct trace_instance *in, enum boundary_kind kind,
			  uint32_t *places)
{
	switch (kind) {
	case BOUNDARY_ENTRY_JS:
		*places = in->functions;
		return in->exports;
	case BOUNDARY_EXIT_JS:
		*places = in->imports;
		return in->host_imports;
	case BOUNDARY_INDIRECT:
		*places = in->table_size;
		return in->table_filled;
	case BOUNDARY_BUILTIN:
		*places = in->builtins;
		return in->builtins;
	default:
		*places = 0;
		return 0;
	}
}

static void read_stub(struct reader *r, const struct trace *t, struct trace_stub *s)
{
	uint32_t places = 0;

	s->kind = (enum boundary_kind)read_uleb(r, BOUNDARY_KINDS - 1, "a stub's kind");
	s->instance = (uint32_t)read_uleb(r, t->ninstances - 1, "a stub's instance");
	if (!r->bad)
		trace_population(&t->instances[s->instance], s->kind, &places);
	if (!places)
		wrong(r, "a stub of a kind that its instance has not");
	s->place = (uint32_t)read_uleb(r, places - 1, "a stub's place");
	read_text(r, s->signature, sizeof s->signature, "a stub's signature");
	if (!r->bad && !scenario_signature_ok(s->signature))
		wrong(r, "a stub's signature");
	s->count = read_uleb(r, MAX_PLAIN, "a stub's count");
}

static int read_events(struct reader *r, struct trace *t)
{
	int64_t id = 0;

	t->nevents = read_uleb(r, (uint64_t)(r->end - r->at), "the number of events");
	if (r->bad)
		return -EINVAL;
	t->events = malloc((t->nevents + 1) * sizeof *t->events);
	if (!t->events)
		return workload_refuse(r->error, -ENOMEM, "no memory for %zu events",
				       (size_t)t->nevents);
	for (uint64_t i = 0; i < t->nevents; i++) {
		uint64_t zigzag = read_uleb(r, 2 * (uint64_t)MAX_COUNT, "an event");
		id += (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
		if (id < 0 || id >= t->nstubs)
			wrong(r, "an event of a stub that is not in the list");
		if (r->bad)
			return -EINVAL;
		t->events[i] = (uint32_t)id;
	}
	return 0;
}

/* The counts of the stubs against the events, which are counted here once more. */
static int check_counts(const struct trace *t, char *error)
{
	uint64_t *count = calloc((size_t)t->nstubs + 1, sizeof *count);
	int status = 0;

	if (!count)
		return workload_refuse(error, -ENOMEM, "no memory for %u counts", t->nstubs);
	for (uint64_t i = 0; i < t->nevents; i++)
		count[t->events[i]]++;
	for (uint32_t i = 0; i < t->nstubs && !status; i++)
		if (count[i] != t->stubs[i].count || !count[i])
			status = workload_refuse(
			    error, -EINVAL,
			    "damaged trace: stub %u was crossed %llu times, its row says %llu", i,
			    (unsigned long long)count[i], (unsigned long long)t->stubs[i].count);
	free(count);
	return status;
}

static int parse_body(struct reader *r, struct trace *t)
{
	int status;

	read_text(r, t->name, sizeof t->name, "its name");
	read_text(r, t->program, sizeof t->program, "its program");
	t->ninstances = (uint32_t)read_uleb(r, MAX_INSTANCES, "the number of instances");
	if (!r->bad && !t->ninstances)
		wrong(r, "no instance");
	t->instances = calloc(MAX_INSTANCES, sizeof *t->instances);
	if (!t->instances)
		return workload_refuse(r->error, -ENOMEM, "no memory for the instances");
	for (uint32_t i = 0; i < t->ninstances && !r->bad; i++)
		read_instance(r, &t->instances[i]);

	uint64_t most = (uint64_t)(r->end - r->at) < MAX_COUNT ? r->end - r->at : MAX_COUNT;
	t->nstubs = (uint32_t)read_uleb(r, most, "the number of stubs");
	t->stubs = calloc((size_t)t->nstubs + 1, sizeof *t->stubs);
	if (!t->stubs)
		return workload_refuse(r->error, -ENOMEM, "no memory for %u stubs", t->nstubs);
	for (uint32_t i = 0; i < t->nstubs && !r->bad; i++)
		read_stub(r, t, &t->stubs[i]);
	status = r->bad ? -EINVAL : read_events(r, t);
	if (status)
		return status;
	if (r->at != r->end)
		wrong(r, "bytes between the last event and the end");
	return r->bad ? -EINVAL : check_counts(t, r->error);
}

/* FNV-1a, 64 bits: enough against accidents, and nothing to link. */
static uint64_t checksum(const uint8_t *data, size_t len)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ data[i]) * 0x100000001b3u;
	return h;
}

int trace_parse(const uint8_t *data, size_t len, struct trace *out, char error[TRACE_ERROR])
{
	const size_t head = sizeof MAGIC - 1;
	uint64_t sum = 0;
	int status;

	memset(out, 0, sizeof *out);
	if (len < head || memcmp(data, MAGIC, head) != 0)
		return workload_refuse(error, -EINVAL,
				       "not a trace: it does not begin with 'stubmap-trace 1'");
	if (len < head + TAIL || memcmp(data + len - TAIL, END, sizeof END - 1) != 0)
		return workload_refuse(error, -EINVAL, "damaged trace: the end marker is missing");
	for (unsigned i = 0; i < 8; i++)
		sum |= (uint64_t)data[len - 8 + i] << (8 * i);
	if (sum != checksum(data, len - 8))
		return workload_refuse(error, -EINVAL, "damaged trace: the checksum is wrong");

	struct reader r = { data + head, data + len - TAIL, error, false };
	status = parse_body(&r, out);
	if (status)
		trace_free(out);
	return status;
}

void trace_free(struct trace *t)
{
	free(t->instances);
	free(t->stubs);
	free(t->events);
	memset(t, 0, sizeof *t);
}

/* A whole file, at most MAX_PACKED bytes. */
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
		status = workload_refuse(error, -EINVAL, "%s: %ld bytes; a trace has at most %d",
					 path, size, MAX_PACKED);
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

/* One zstd frame, the whole input, at most MAX_PLAIN bytes of output whatever the header claims. */
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
		if (to.pos == to.size) {
			size_t size = to.size ? 2 * to.size : 1 << 20;
			uint8_t *grown = size > MAX_PLAIN ? NULL : realloc(to.dst, size);
			if (size > MAX_PLAIN)
				status = workload_refuse(error, -EINVAL,
							 "more than %d bytes when decompressed",
							 MAX_PLAIN);
			if (!grown)
				goto out;
			to.dst = grown;
			to.size = size;
		}
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
	status = in.pos == in.size ? 0 : workload_refuse(error, -EINVAL, "bytes after the end");
out:
	ZSTD_freeDCtx(z);
	if (status)
		free(to.dst);
	*out = status ? NULL : to.dst;
	*outlen = to.pos;
	return status;
}

int trace_read(const char *path, struct trace *out, char error[TRACE_ERROR])
{
	uint8_t *packed = NULL, *plain = NULL;
	size_t npacked = 0, nplain = 0;
	char why[TRACE_ERROR];
	int status;

	memset(out, 0, sizeof *out);
	status = slurp(path, &packed, &npacked, error);
	if (status)
		return status;
	status = inflate(packed, npacked, &plain, &nplain, why);
	if (!status)
		status = trace_parse(plain, nplain, out, why);
	if (status)
		workload_refuse(error, 0, "%.*s: %.90s", 100, path, why);
	free(plain);
	free(packed);
	return status;
}
