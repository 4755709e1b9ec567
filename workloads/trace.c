/*
 * trace.c - reads a recorded trace. The file has redundancy: each stub's count must equal its
 * events, and a checksum covers all. A cut or a flipped bit is an error, never a shorter trace.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packed.h"
#include "scenario.h"
#include "trace.h"

#define MAGIC "stubmap-trace 1\n"

enum {
	MAX_INSTANCES = 1 << 16,
	INSTANCE_BYTES = 9,  /* of its counts, at least */
	MAX_COUNT = 1 << 20, /* functions, imports, slots... of an instance; crossed stubs */
	MAX_BYTES = 1 << 30, /* of a module */
};

static void read_instance(struct packed_reader *r, struct trace_instance *in)
{
	static const char what[] = "static counts of an instance";

	in->bytes = (uint32_t)packed_uleb(r, MAX_BYTES, what);
	in->functions = (uint32_t)packed_uleb(r, MAX_COUNT, what);
	in->signatures = (uint32_t)packed_uleb(r, MAX_COUNT, what);
	in->exports = (uint32_t)packed_uleb(r, in->functions, what);
	in->imports = (uint32_t)packed_uleb(r, in->functions, what);
	in->host_imports = (uint32_t)packed_uleb(r, in->imports, what);
	in->builtins = (uint32_t)packed_uleb(r, MAX_COUNT, what);
	in->table_size = (uint32_t)packed_uleb(r, MAX_COUNT, what);
	in->table_filled = (uint32_t)packed_uleb(r, in->table_size, what);
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

static void read_stub(struct packed_reader *r, const struct trace *t, struct trace_stub *s)
{
	uint32_t places = 0;

	s->kind = (enum boundary_kind)packed_uleb(r, BOUNDARY_KINDS - 1, "a stub's kind");
	s->instance = (uint32_t)packed_uleb(r, t->ninstances - 1, "a stub's instance");
	if (!r->bad)
		trace_population(&t->instances[s->instance], s->kind, &places);
	if (!places)
		packed_wrong(r, "a stub of a kind that its instance has not");
	s->place = (uint32_t)packed_uleb(r, places - 1, "a stub's place");
	packed_text(r, s->signature, sizeof s->signature, "a stub's signature");
	if (!r->bad && !scenario_signature_ok(s->signature))
		packed_wrong(r, "a stub's signature");
	s->count = packed_uleb(r, PACKED_MAX_PLAIN, "a stub's count");
}

static int read_events(struct packed_reader *r, struct trace *t)
{
	int64_t id = 0;

	t->nevents = packed_count(r, PACKED_MAX_PLAIN, 1, "the number of events");
	if (r->bad)
		return -EINVAL;
	t->events = malloc((t->nevents + 1) * sizeof *t->events);
	if (!t->events)
		return workload_refuse(r->error, -ENOMEM, "no memory for %zu events",
				       (size_t)t->nevents);
	for (uint64_t i = 0; i < t->nevents; i++) {
		uint64_t zigzag = packed_uleb(r, 2 * (uint64_t)MAX_COUNT, "an event");
		id += (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
		if (id < 0 || id >= t->nstubs)
			packed_wrong(r, "an event of a stub that is not in the list");
		if (r->bad)
			return -EINVAL;
		t->events[i] = (uint32_t)id;
	}
	return 0;
}

/* Checks the stubs' counts against the events, which it counts again. */
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

static int parse_body(struct packed_reader *r, struct trace *t)
{
	int status;

	packed_text(r, t->name, sizeof t->name, "its name");
	packed_text(r, t->program, sizeof t->program, "its program");
	t->ninstances =
	    (uint32_t)packed_count(r, MAX_INSTANCES, INSTANCE_BYTES, "the number of instances");
	if (!r->bad && !t->ninstances)
		packed_wrong(r, "no instance");
	t->instances = calloc((size_t)t->ninstances + 1, sizeof *t->instances);
	if (!t->instances)
		return workload_refuse(r->error, -ENOMEM, "no memory for the instances");
	for (uint32_t i = 0; i < t->ninstances && !r->bad; i++)
		read_instance(r, &t->instances[i]);

	/* kind, instance, place, a signature of one letter and its length, count */
	t->nstubs = (uint32_t)packed_count(r, MAX_COUNT, 6, "the number of stubs");
	t->stubs = calloc((size_t)t->nstubs + 1, sizeof *t->stubs);
	if (!t->stubs)
		return workload_refuse(r->error, -ENOMEM, "no memory for %u stubs", t->nstubs);
	for (uint32_t i = 0; i < t->nstubs && !r->bad; i++)
		read_stub(r, t, &t->stubs[i]);
	status = r->bad ? -EINVAL : read_events(r, t);
	if (status)
		return status;
	if (r->at != r->end)
		packed_wrong(r, "bytes between the last event and the end");
	return r->bad ? -EINVAL : check_counts(t, r->error);
}

int trace_parse(const uint8_t *data, size_t len, struct trace *out, char error[TRACE_ERROR])
{
	struct packed_reader r;
	int status;

	memset(out, 0, sizeof *out);
	status = packed_body(data, len, MAGIC, "trace", &r, error);
	if (status)
		return status;
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

int trace_read(const char *path, struct trace *out, char error[TRACE_ERROR])
{
	uint8_t *plain = NULL;
	size_t len = 0;
	char why[TRACE_ERROR];
	int status;

	memset(out, 0, sizeof *out);
	status = packed_read(path, &plain, &len, error);
	if (status)
		return status;
	status = trace_parse(plain, len, out, why);
	if (status)
		workload_refuse(error, 0, "%.*s: %.90s", 100, path, why);
	free(plain);
	return status;
}
