/* trace.c - takes two to four bytes for an access: code runs forward,
 * and data addresses stay close. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/prng.h"
#include "model/trace.h"

static const char magic[8] = { 'S', 'T', 'U', 'B', 'T', 'R', 'C', '1' };
enum { FIXED = 8 + 4 + 8 + 8 + 8, LAP = 0, FAR = 4, LONG_SIZE = 31, RECORD_MAX = 24 };
enum { HEAD_MAX = 64 << 20 };

const char *const trace_class_names[TRACE_CLASSES] = {
	[TRACE_STUB] = "stub",	   [TRACE_BODY] = "body",   [TRACE_CALLER] = "caller",
	[TRACE_TARGET] = "target", [TRACE_TABLE] = "table", [TRACE_CALLEE] = "callee",
	[TRACE_OTHER] = "other",
};

/* ---- Packing ---------------------------------------------------------------------------- */

static int room(struct trace_pack *p)
{
	if (p->capacity - p->size >= RECORD_MAX)
		return 0;
	size_t capacity = p->capacity ? 2 * p->capacity : 65536;
	uint8_t *data = realloc(p->data, capacity);
	if (!data)
		return -ENOMEM;
	p->data = data;
	p->capacity = capacity;
	return 0;
}

static void put_varint(struct trace_pack *p, uint64_t v)
{
	for (; v >= 128; v >>= 7)
		p->data[p->size++] = (uint8_t)(v | 128);
	p->data[p->size++] = (uint8_t)v;
}

int trace_add(struct trace_pack *p, enum trace_kind kind, uint64_t address, uint32_t size)
{
	bool far = kind != TRACE_FETCH || address != p->next;
	uint32_t code = size < LONG_SIZE ? size : LONG_SIZE;

	if ((unsigned)kind > TRACE_MODIFY || !size || size > TRACE_MAX_SIZE)
		return -EINVAL;
	if (room(p))
		return -ENOMEM;
	p->data[p->size++] = (uint8_t)(kind | (far ? FAR : 0) | code << 3);
	if (far) {
		uint64_t d = address - p->last[kind];
		put_varint(p, d << 1 ^ (d >> 63 ? UINT64_MAX : 0));
	}
	if (code == LONG_SIZE)
		put_varint(p, size);
	p->last[kind] = address;
	if (kind == TRACE_FETCH)
		p->next = address + size;
	p->records++;
	return 0;
}

int trace_add_lap(struct trace_pack *p)
{
	if (room(p))
		return -ENOMEM;
	p->data[p->size++] = LAP;
	p->records++;
	return 0;
}

void trace_pack_free(struct trace_pack *p)
{
	free(p->data);
	json_decref(p->head);
	*p = (struct trace_pack){ 0 };
}

/* ---- The file --------------------------------------------------------------------------- */

static uint64_t hash(const uint8_t *data, size_t size)
{
	uint64_t h = size;

	for (size_t i = 0; i < size; i++)
		h = prng_mix(h ^ data[i]);
	return h;
}

static void put_le(uint8_t *at, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(v >> 8 * i);
}

static uint64_t get_le(const uint8_t *at, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)at[i] << 8 * i;
	return v;
}

int trace_save(const struct trace_pack *p, const char *path, char error[TRACE_ERROR])
{
	char *head = json_dumps(p->head, JSON_COMPACT | JSON_SORT_KEYS), part[4200];
	uint8_t fixed[FIXED];
	FILE *f = NULL;
	int e = head ? 0 : -ENOMEM;

	snprintf(part, sizeof part, "%s.%ld", path, (long)getpid());
	if (!e && !(f = fopen(part, "wb")))
		e = -errno;
	if (e)
		goto out;
	memcpy(fixed, magic, sizeof magic);
	put_le(fixed + 8, strlen(head), 4);
	put_le(fixed + 12, p->size, 8);
	put_le(fixed + 20, p->records, 8);
	put_le(fixed + 28, hash(p->data, p->size), 8);
	fwrite(fixed, sizeof fixed, 1, f);
	fputs(head, f);
	if (p->size)
		fwrite(p->data, 1, p->size, f);
	e = file_finish(f);
	if (!e && rename(part, path))
		e = -errno;
	if (e)
		unlink(part);
out:
	if (e)
		snprintf(error, TRACE_ERROR, "%.180s: %s", path, strerror(-e));
	free(head);
	return e;
}

static int damaged(const char *path, const char *what, char error[TRACE_ERROR])
{
	snprintf(error, TRACE_ERROR,
		 "%.140s: %s; allowed: a trace that `stubmap model --keep` wrote", path, what);
	return -EINVAL;
}

static int read_parts(FILE *f, const char *path, struct trace_pack *p, char error[TRACE_ERROR])
{
	uint8_t fixed[FIXED];
	json_error_t why;

	if (fread(fixed, sizeof fixed, 1, f) != 1 || memcmp(fixed, magic, sizeof magic))
		return damaged(path, "no trace", error);
	size_t head_size = get_le(fixed + 8, 4);
	uint64_t size = get_le(fixed + 12, 8), left;
	long at = ftell(f);
	if (at < 0 || fseek(f, 0, SEEK_END) || (left = (uint64_t)(ftell(f) - at)) < head_size ||
	    size != left - head_size || head_size > HEAD_MAX || fseek(f, at, SEEK_SET))
		return damaged(path, "cut off, or longer than it says", error);
	char *head = malloc(head_size + 1);
	p->data = malloc(size + 1);
	if (!head || !p->data) {
		free(head);
		return -ENOMEM;
	}
	bool good = fread(head, 1, head_size, f) == head_size && fread(p->data, 1, size, f) == size;
	p->size = p->capacity = size;
	p->records = get_le(fixed + 20, 8);
	p->head = good ? json_loadb(head, head_size, JSON_REJECT_DUPLICATES, &why) : NULL;
	free(head);
	if (!good)
		return damaged(path, "can't be read to its end", error);
	if (!p->head)
		return damaged(path, "its head is no JSON", error);
	if (hash(p->data, size) != get_le(fixed + 28, 8))
		return damaged(path, "its body was changed", error);
	return 0;
}

int trace_load(const char *path, struct trace_pack *p, char error[TRACE_ERROR])
{
	int e;
	FILE *f = file_stream(path, FILE_WHOLE, &e, error, TRACE_ERROR);

	*p = (struct trace_pack){ 0 };
	if (!f)
		return e;
	e = read_parts(f, path, p, error);
	if (e == -ENOMEM)
		snprintf(error, TRACE_ERROR, "%.180s: out of memory", path);
	if (e)
		trace_pack_free(p);
	fclose(f);
	return e;
}

/* ---- Unpacking -------------------------------------------------------------------------- */

struct range {
	uint64_t from, to;
	uint64_t frame; /* aliases: of the first page, as an address */
	uint8_t owner;
};

struct ranges {
	struct range *ranges;
	size_t n;
	const struct range *last;
};

/* The range that holds an address, or NULL. */
static const struct range *find(struct ranges *m, uint64_t address)
{
	size_t low = 0, high = m->n;

	if (m->last && address >= m->last->from && address < m->last->to)
		return m->last;
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (address >= m->ranges[mid].to)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == m->n || address < m->ranges[low].from)
		return NULL;
	return m->last = &m->ranges[low];
}

static int class_of(const char *name)
{
	for (int c = 0; c < TRACE_CLASSES; c++)
		if (name && !strcmp(trace_class_names[c], name))
			return c;
	return -1;
}

static bool read_range(const json_t *row, bool aliases, struct range *r)
{
	int64_t a = json_integer_value(json_array_get(row, aliases ? 0 : 1));
	int64_t b = json_integer_value(json_array_get(row, aliases ? 1 : 2));
	int64_t n = json_integer_value(json_array_get(row, 2));
	int owner = aliases ? 0 : class_of(json_string_value(json_array_get(row, 0)));

	if (json_array_size(row) != 3 || owner < 0 || a < 0 || b < 0)
		return false;
	if (!aliases) {
		*r = (struct range){ (uint64_t)a, (uint64_t)b, 0, (uint8_t)owner };
		return a < b;
	}
	if (n < 1 || a > INT64_MAX / TRACE_PAGE - n || b > INT64_MAX / TRACE_PAGE - n)
		return false;
	*r = (struct range){ (uint64_t)a * TRACE_PAGE, (uint64_t)(a + n) * TRACE_PAGE,
			     (uint64_t)b * TRACE_PAGE, 0 };
	return true;
}

static int read_map(const json_t *head, const char *key, bool aliases, struct ranges *m,
		    char error[TRACE_ERROR])
{
	const json_t *rows = json_object_get(head, key);
	size_t n = json_array_size(rows);

	*m = (struct ranges){ .ranges = calloc(n + 1, sizeof *m->ranges), .n = n };
	if (!m->ranges)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct range *r = &m->ranges[i];
		if (read_range(json_array_get(rows, i), aliases, r) && (!i || r->from >= r[-1].to))
			continue;
		snprintf(error, TRACE_ERROR, "trace: row %zu of its %s is wrong", i, key);
		return -EINVAL;
	}
	return json_is_array(rows)
		   ? 0
		   : (snprintf(error, TRACE_ERROR, "trace: its head has no %s", key), -EINVAL);
}

struct unpacker {
	const uint8_t *at, *end;
	struct ranges owners, aliases;
	uint64_t next, last[4];
};

/* False at the end of the body, or for a varint of more than 64 bits. */
static bool get_varint(struct unpacker *u, uint64_t *v)
{
	*v = 0;
	for (unsigned shift = 0; u->at < u->end && shift < 64; shift += 7) {
		uint8_t b = *u->at++;
		*v |= (uint64_t)(b & 127) << shift;
		if (b < 128)
			return true;
	}
	return false;
}

/* 1: an access, 0: a lap, -1: neither. */
static int next_record(struct unpacker *u, struct trace_access *a)
{
	uint8_t tag = *u->at++;
	unsigned kind = tag & 3;
	uint64_t v, size = tag >> 3;

	if (!size)
		return tag == LAP ? 0 : -1;
	a->address = u->next;
	if (tag & FAR) {
		if (!get_varint(u, &v))
			return -1;
		a->address = u->last[kind] + (v >> 1 ^ (v & 1 ? UINT64_MAX : 0));
	} else if (kind != TRACE_FETCH) {
		return -1;
	}
	if (size == LONG_SIZE && !get_varint(u, &size))
		return -1;
	if (!size || size > TRACE_MAX_SIZE || a->address > UINT64_MAX - size)
		return -1;
	u->last[kind] = a->address;
	if (kind == TRACE_FETCH)
		u->next = a->address + size;
	a->size = (uint16_t)size;
	a->kind = (uint8_t)kind;
	a->rest = false;
	return 1;
}

static void resolve(struct unpacker *u, struct trace_access *a)
{
	const struct range *r = find(&u->owners, a->address);

	a->owner = r ? r->owner : TRACE_OTHER;
	r = find(&u->aliases, a->address);
	a->physical = r ? a->address - r->from + r->frame : a->address;
}

static int unpack(struct unpacker *u, uint64_t records, struct address_trace *t)
{
	struct trace_access a;

	for (uint64_t i = 0; i < records; i++) {
		int k = u->at < u->end ? next_record(u, &a) : -1;
		if (k < 0)
			return -EINVAL;
		if (!k) {
			t->laps[t->nlaps++] = t->n;
			continue;
		}
		resolve(u, &a);
		uint64_t in_page = TRACE_PAGE - a.address % TRACE_PAGE;
		if (a.size > in_page) { /* the rest is in another page, which may lie anywhere */
			struct trace_access rest = a;
			rest.address += in_page;
			rest.size = (uint16_t)(a.size - in_page);
			rest.rest = true;
			resolve(u, &rest);
			a.size = (uint16_t)in_page;
			t->accesses[t->n++] = a;
			t->accesses[t->n++] = rest;
		} else {
			t->accesses[t->n++] = a;
		}
	}
	return u->at == u->end ? 0 : -EINVAL;
}

int trace_open(const struct trace_pack *p, struct address_trace *t, char error[TRACE_ERROR])
{
	struct unpacker u = { .at = p->data, .end = p->data + p->size };
	json_int_t calls = json_integer_value(json_object_get(p->head, "calls"));
	int e;

	*t = (struct address_trace){ .head = json_incref(p->head), .calls = (uint64_t)calls };
	snprintf(error, TRACE_ERROR, "trace: out of memory");
	e = read_map(p->head, "ranges", false, &u.owners, error);
	if (!e)
		e = read_map(p->head, "aliases", true, &u.aliases, error);
	/* A record has at least one byte: no count in a damaged file can ask
	 * for more memory than that. */
	if (!e && (p->records > p->size || calls < 1)) {
		snprintf(error, TRACE_ERROR, "trace: its head has no calls, or too many records");
		e = -EINVAL;
	}
	if (!e) {
		t->accesses = malloc((2 * p->records + 1) * sizeof *t->accesses);
		t->laps = malloc((p->records + 1) * sizeof *t->laps);
		e = t->accesses && t->laps ? unpack(&u, p->records, t) : -ENOMEM;
		if (e == -EINVAL)
			snprintf(error, TRACE_ERROR, "trace: record %zu is wrong", t->n);
	}
	if (!e && !t->nlaps) {
		snprintf(error, TRACE_ERROR, "trace: no lap in it");
		e = -EINVAL;
	}
	free(u.owners.ranges);
	free(u.aliases.ranges);
	if (e)
		trace_close(t);
	return e;
}

void trace_close(struct address_trace *t)
{
	free(t->accesses);
	free(t->laps);
	json_decref((json_t *)t->head);
	*t = (struct address_trace){ 0 };
}
