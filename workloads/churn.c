/*
 * churn.c - reads a recorded code cache and replays it into slots. The reader trusts nothing: an
 * object is released once, after its creation, and the file's totals must be those of its events.
 */
#include "churn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "packed.h"
#include "scenario.h"

#define MAGIC "stubmap-churn 1\n"

enum {
	MAX_EVENTS = 4 << 20,
	MAX_SIZE = 1 << 28, /* bytes of one object */
};
static const uint32_t not_live = UINT32_MAX;
static const uint64_t max_us = (uint64_t)1 << 50; /* 35 years: sums cannot overflow */

/* ---- Reading -------------------------------------------------------------------------------- */

struct totals {
	uint64_t created, released, bytes;
};

static void read_head(struct packed_reader *r, struct churn *c, struct totals *stated)
{
	packed_text(r, c->name, sizeof c->name, "its name");
	packed_text(r, c->program, sizeof c->program, "its program");
	c->nkinds = (uint32_t)packed_uleb(r, CHURN_MAX_KINDS, "the number of kinds");
	for (uint32_t i = 0; i < c->nkinds && !r->bad; i++)
		packed_text(r, c->kinds[i], sizeof c->kinds[i], "a kind's name");
	/* An event takes at least two bytes. */
	stated->created = packed_count(r, MAX_EVENTS / 2, 1, "the number of creations");
	stated->released = packed_uleb(r, stated->created, "the number of releases");
	stated->bytes = packed_uleb(r, stated->created * MAX_SIZE, "the sum of all sizes");
}

static void read_creation(struct packed_reader *r, struct churn *c, uint64_t most)
{
	struct churn_object o = { 0 };

	if (c->created == most) {
		packed_wrong(r, "more creations than it states");
		return;
	}
	o.size = (uint32_t)packed_uleb(r, MAX_SIZE, "an object's size");
	if (!o.size)
		packed_wrong(r, "an object of no size");
	o.kind = (uint8_t)packed_uleb(r, c->nkinds - 1, "an object's kind");
	c->bytes += o.size;
	c->objects[c->created++] = o;
}

/* live[i]: whether object i is live. */
static void read_release(struct packed_reader *r, struct churn *c, uint64_t age, bool *live,
			 uint32_t *object)
{
	if (age > c->created) {
		packed_wrong(r, "a release of an object that was never created");
		return;
	}
	*object = c->created - (uint32_t)age;
	if (!live[*object])
		packed_wrong(r, "an object released twice");
	live[*object] = false;
	c->released++;
}

static void read_events(struct packed_reader *r, struct churn *c, const struct totals *stated,
			bool *live)
{
	uint32_t n = (uint32_t)(stated->created + stated->released), now = 0;
	uint64_t us = 0, bytes = 0;

	for (c->nevents = 0; c->nevents < n && !r->bad; c->nevents++) {
		struct churn_event *e = &c->events[c->nevents];
		us += packed_uleb(r, max_us - us, "a time");
		uint64_t age = packed_uleb(r, MAX_EVENTS, "an event");
		*e = (struct churn_event){ us, c->created, age == 0 };
		if (e->create)
			read_creation(r, c, stated->created);
		else
			read_release(r, c, age, live, &e->object);
		if (r->bad)
			return;
		live[e->object] = e->create;
		now += e->create ? 1 : -1u;
		bytes +=
		    e->create ? c->objects[e->object].size : -(uint64_t)c->objects[e->object].size;
		c->peak = now > c->peak ? now : c->peak;
		c->peak_bytes = bytes > c->peak_bytes ? bytes : c->peak_bytes;
	}
	if (c->created != stated->created || c->released != stated->released ||
	    c->bytes != stated->bytes)
		packed_wrong(r, "its totals are not those of its events");
	if (r->at != r->end)
		packed_wrong(r, "bytes between the last event and the end");
}

int churn_parse(const uint8_t *data, size_t len, struct churn *out, char error[CHURN_ERROR])
{
	struct totals stated = { 0 };
	struct packed_reader r;
	bool *live = NULL;
	int status;

	memset(out, 0, sizeof *out);
	status = packed_body(data, len, MAGIC, "churn log", &r, error);
	if (status)
		return status;
	read_head(&r, out, &stated);
	if (!r.bad && (!out->nkinds || !stated.created))
		packed_wrong(&r, "no kind or no creation");
	if (!r.bad && (stated.created + stated.released) * 2 > (uint64_t)(r.end - r.at))
		packed_wrong(&r, "fewer bytes than its events need");
	if (!r.bad) {
		out->objects = calloc(stated.created, sizeof *out->objects);
		out->events = calloc(stated.created + stated.released, sizeof *out->events);
		live = calloc(stated.created, sizeof *live);
		if (out->objects && out->events && live)
			read_events(&r, out, &stated, live);
		else
			status = workload_refuse(error, -ENOMEM, "no memory for %zu events",
						 (size_t)(stated.created + stated.released));
	}
	free(live);
	if (r.bad)
		status = -EINVAL;
	if (status)
		churn_free(out);
	return status;
}

int churn_read(const char *path, struct churn *out, char error[CHURN_ERROR])
{
	uint8_t *plain = NULL;
	size_t len = 0;
	char why[CHURN_ERROR];
	int status;

	memset(out, 0, sizeof *out);
	status = packed_read(path, &plain, &len, error);
	if (status)
		return status;
	status = churn_parse(plain, len, out, why);
	if (status)
		workload_refuse(error, 0, "%.*s: %.90s", 100, path, why);
	free(plain);
	return status;
}

void churn_free(struct churn *c)
{
	free(c->objects);
	free(c->events);
	memset(c, 0, sizeof *c);
}

/* ---- The stream ------------------------------------------------------------------------------ */

int churn_start(struct churn_stream *s, const struct churn *c, uint32_t most)
{
	*s = (struct churn_stream){ .churn = c, .slots = most && most < c->peak ? most : c->peak };
	s->free = calloc(s->slots, sizeof *s->free);
	s->slot_of = calloc(c->created, sizeof *s->slot_of);
	if (!s->free || !s->slot_of) {
		churn_stop(s);
		return -ENOMEM;
	}
	while (s->top < s->slots) {
		s->free[s->top] = s->slots - 1 - s->top; /* slot 0 comes first */
		s->top++;
	}
	for (uint32_t i = 0; i < c->created; i++)
		s->slot_of[i] = not_live;
	return 0;
}

static void release(struct churn_stream *s, uint32_t object, struct churn_step *out)
{
	out->object = object;
	out->slot = s->slot_of[object];
	s->free[s->top++] = out->slot;
	s->slot_of[object] = not_live;
	s->released++;
}

bool churn_next(struct churn_stream *s, struct churn_step *out)
{
	const struct churn *c = s->churn;

	/* Skips releases of evicted objects. */
	while (s->at < c->nevents && !c->events[s->at].create &&
	       s->slot_of[c->events[s->at].object] == not_live)
		s->at++;
	if (s->at == c->nevents)
		return false;

	const struct churn_event *e = &c->events[s->at];
	*out = (struct churn_step){ .create = e->create, .object = e->object, .us = e->us };
	if (!e->create) {
		release(s, e->object, out);
		s->at++;
	} else if (s->top) {
		out->slot = s->slot_of[e->object] = s->free[--s->top];
		s->created++;
		s->at++;
	} else { /* the next call meets the creation again */
		while (s->slot_of[s->oldest] == not_live)
			s->oldest++;
		out->create = false;
		out->evicted = true;
		release(s, s->oldest, out);
		s->evicted++;
	}
	out->size = c->objects[out->object].size;
	return true;
}

void churn_stop(struct churn_stream *s)
{
	free(s->free);
	free(s->slot_of);
	memset(s, 0, sizeof *s);
}
