/*
 * file.c - the compact file of a corpus. It has columns rather than records: zstd compresses a run
 * of like numbers far better (to half the size of the same numbers record by record).
 *
 *      0       8                 16            24
 *      | magic | checksum of all | bytes of    | zstd frame of the body ... |
 *      |       | that follows    | the body    |
 *
 * The body; numbers are unsigned LEB128 unless said otherwise, text is a length and its bytes:
 *
 *      name, producer, note (text); text_bytes, slot_bytes, flags
 *      counts: functions, safepoints, live sets that are not empty, their places
 *      functions:  start minus the end of the one before; size
 *      pcs:        minus the one before
 *      frame sizes: minus the one before, zigzag
 *      set numbers: of each safepoint; 0 is the empty set, others count up at first use
 *      sets: number of slots, number of registers, each slot minus the one before, each DWARF
 *            register minus the one before
 *      "END."
 *
 * A reader asks for no more memory than the body's bytes can fill, whatever the counts say. The
 * checksum is FNV-1a of 64 bits, which detects every change within one byte.
 */
#include "corpora/corpus.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

/* A body may be RATIO times its file's bytes and SMALL_BODY more: real ones are 2 to 104 times. */
enum { HEADER = 24, MAX_BODY = 256 << 20, SMALL_BODY = 1 << 20, RATIO = 512, LEVEL = 19 };

static int body_allowed(uint64_t body, size_t file)
{
	return body <= MAX_BODY && body <= SMALL_BODY + RATIO * (uint64_t)file;
}

static uint64_t fnv1a(const uint8_t *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return h;
}

static void put64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 8; i--;)
		v = v << 8 | p[i];
	return v;
}

/* ---- Writing -------------------------------------------------------------------------------- */

/* Once memory has run out, len stays at 0 and cap at 1: checked at the end. */
static void put_bytes(struct map_bytes *b, const void *data, size_t n)
{
	if (!n) /* data may be NULL */
		return;
	if (b->cap - b->len < n) {
		size_t cap = 2 * b->cap + n + 4096;
		uint8_t *p = b->cap == 1 ? NULL : realloc(b->data, cap);
		if (!p) {
			free(b->data);
			*b = (struct map_bytes){ .cap = 1 };
			return;
		}
		b->data = p;
		b->cap = cap;
	}
	memcpy(b->data + b->len, data, n);
	b->len += n;
}

static void put(struct map_bytes *b, uint64_t v)
{
	uint8_t out[10];
	size_t n = 0;

	for (; v >= 128; v >>= 7)
		out[n++] = (uint8_t)(v | 128);
	out[n++] = (uint8_t)v;
	put_bytes(b, out, n);
}

static void put_text(struct map_bytes *b, const char *text)
{
	put(b, strlen(text));
	put_bytes(b, text, strlen(text));
}

static void put_set(struct map_bytes *b, const uint32_t *live, uint32_t n)
{
	uint32_t slots = 0, last = 0;

	while (slots < n && live[slots] < MAP_REGISTER)
		slots++;
	put(b, slots);
	put(b, n - slots);
	for (uint32_t i = 0; i < n; i++) {
		if (i == slots)
			last = MAP_REGISTER;
		put(b, live[i] - last);
		last = live[i];
	}
}

/* A set that begins where the known part of the pool ends is used for the first time. */
static int put_set_numbers(struct map_bytes *b, struct map_bytes *sets, const struct corpus *c,
			   uint32_t *n)
{
	uint32_t *number = malloc((c->nplaces + 1) * sizeof *number);
	size_t known = 0;

	if (!number)
		return -ENOMEM;
	*n = 0;
	for (uint32_t i = 0; i < c->nsafepoints; i++) {
		const struct safepoint *s = &c->safepoints[i];
		size_t at = (size_t)(s->live - c->places);
		if (s->nlive && at == known) {
			number[at] = ++*n;
			known += s->nlive;
			put_set(sets, s->live, s->nlive);
		}
		put(b, s->nlive ? number[at] : 0);
	}
	free(number);
	return 0;
}

static int make_body(const struct corpus *c, struct map_bytes *b)
{
	struct map_bytes columns = { 0 }, sets = { 0 };
	uint32_t end = 0, pc = 0, frame = 0, nsets = 0;

	for (uint32_t i = 0; i < c->nfunctions; i++) {
		put(&columns, c->functions[i].start - end);
		put(&columns, c->functions[i].end - c->functions[i].start);
		end = c->functions[i].end;
	}
	for (uint32_t i = 0; i < c->nsafepoints; i++) {
		put(&columns, c->safepoints[i].pc - pc);
		pc = c->safepoints[i].pc;
	}
	for (uint32_t i = 0; i < c->nsafepoints; i++) {
		uint32_t d = c->safepoints[i].frame_size - frame;
		put(&columns, d >> 31 ? ~d * 2 + 1 : d * 2);
		frame = c->safepoints[i].frame_size;
	}
	int r = put_set_numbers(&columns, &sets, c, &nsets);
	put_text(b, c->name);
	put_text(b, c->producer);
	put_text(b, c->note);
	put(b, c->text_bytes);
	put(b, c->slot_bytes);
	put(b, c->flags);
	put(b, c->nfunctions);
	put(b, c->nsafepoints);
	put(b, nsets);
	put(b, c->nplaces);
	put_bytes(b, columns.data, columns.len);
	put_bytes(b, sets.data, sets.len);
	put_bytes(b, "END.", 4);
	if (columns.cap == 1 || sets.cap == 1 || b->cap == 1)
		r = -ENOMEM;
	free(columns.data);
	free(sets.data);
	return r;
}

static int write_all(const char *path, const uint8_t *data, size_t n)
{
	int r = 0, fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	while (n && !r) {
		ssize_t k = write(fd, data, n);
		if (k < 0 && errno != EINTR)
			r = -errno;
		else if (k > 0)
			data += k, n -= (size_t)k;
	}
	if (close(fd) && !r)
		r = -errno;
	return r;
}

int corpus_write(const struct corpus *c, const char *path, char error[CORPUS_ERROR])
{
	struct map_bytes body = { 0 };
	uint8_t *out = NULL;
	char *temporary = NULL;
	int r = make_body(c, &body);

	if (r)
		goto done;
	size_t room = ZSTD_compressBound(body.len);
	r = -ENOMEM;
	out = malloc(HEADER + room);
	if (!out || asprintf(&temporary, "%s.part", path) < 0)
		goto done;
	size_t n = ZSTD_compress(out + HEADER, room, body.data, body.len, LEVEL);
	if (ZSTD_isError(n))
		goto done;
	r = -EFBIG; /* it could not be read again */
	if (!body_allowed(body.len, HEADER + n))
		goto done;
	memcpy(out, CORPUS_MAGIC, 8);
	put64(out + 16, body.len);
	put64(out + 8, fnv1a(out + 16, HEADER - 16 + n));
	r = write_all(temporary, out, HEADER + n);
	if (!r && rename(temporary, path))
		r = -errno;
	if (r)
		unlink(temporary);
done:
	if (r)
		snprintf(error, CORPUS_ERROR, "%s: can't write: %s", path, strerror(-r));
	free(temporary);
	free(out);
	free(body.data);
	return r;
}

/* ---- Reading -------------------------------------------------------------------------------- */

struct body {
	const uint8_t *at, *end;
	int bad; /* ran past the end, or a number too large */
	const char *why;
};

static uint32_t get(struct body *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 35; shift += 7) {
		if (r->at == r->end)
			break;
		v |= (uint64_t)(*r->at & 127) << shift;
		if (*r->at++ < 128) {
			r->bad |= v > UINT32_MAX;
			return (uint32_t)v;
		}
	}
	r->bad = 1;
	return 0;
}

static void get_text(struct body *r, char *out, size_t size)
{
	size_t n = get(r);

	if (n >= size || n > (size_t)(r->end - r->at)) {
		r->bad = 1;
		return;
	}
	memcpy(out, r->at, n);
	out[n] = 0;
	r->at += n;
}

/* starts[k] is the index of set k's first place; the last one is the end of all places. */
static int read_sets(struct body *r, struct corpus *c, uint32_t *starts, uint32_t nsets)
{
	size_t next = 0;

	for (uint32_t k = 1; k <= nsets; k++) {
		uint32_t slots = get(r), registers = get(r), last = 0;
		uint64_t n = (uint64_t)slots + registers;
		if (r->bad || !n || n > c->nplaces - next)
			return -EINVAL;
		starts[k] = (uint32_t)next;
		for (uint32_t i = 0; i < n; i++) {
			uint32_t d = get(r);
			if (i == slots)
				last = MAP_REGISTER;
			if ((!d && i && i != slots) || d >= MAP_REGISTER ||
			    (i < slots && d >= MAP_REGISTER - last) || d > UINT32_MAX - last)
				return -EINVAL;
			c->places[next++] = last += d;
		}
	}
	starts[nsets + 1] = (uint32_t)next;
	return next == c->nplaces ? 0 : -EINVAL;
}

/* Gives every safepoint its places; `number` holds set numbers in nlive until then. */
static int connect_sets(struct corpus *c, const uint32_t *starts, uint32_t nsets)
{
	uint32_t known = 0;

	for (uint32_t i = 0; i < c->nsafepoints; i++) {
		struct safepoint *s = &c->safepoints[i];
		uint32_t number = s->nlive;
		if (number > known + 1 || number > nsets)
			return -EINVAL;
		known = number > known ? number : known;
		s->live = c->places + (number ? starts[number] : 0);
		s->nlive = number ? starts[number + 1] - starts[number] : 0;
		for (uint32_t k = s->nlive; k--;)
			if (s->live[k] < MAP_REGISTER && s->live[k] >= s->frame_size / 4)
				return -EINVAL;
	}
	return known == nsets ? 0 : -EINVAL;
}

/* The readers of a corpus rely on this: corpus.h. */
static int check_functions(struct body *r, const struct corpus *c)
{
	uint32_t point = 0;

	for (uint32_t i = 0; i < c->nfunctions; i++) {
		while (point < c->nsafepoints && c->safepoints[point].pc <= c->functions[i].start)
			point++;
		if (point == c->nsafepoints || c->safepoints[point].pc > c->functions[i].end) {
			r->why = "a function without a safepoint";
			return -EINVAL;
		}
	}
	return 0;
}

/* Whether the body has the bytes that its counts need at the least. */
static int has_room(const struct body *r, const struct corpus *c, uint32_t nsets)
{
	uint64_t least = UINT64_C(2) * c->nfunctions + UINT64_C(3) * c->nsafepoints +
			 UINT64_C(2) * nsets + c->nplaces;

	return least <= (size_t)(r->end - r->at);
}

static int read_columns(struct body *r, struct corpus *c)
{
	uint64_t end = 0, pc = 0;
	uint32_t frame = 0;

	for (uint32_t i = 0; i < c->nfunctions; i++) {
		uint64_t start = end + get(r);
		uint32_t size = get(r);
		end = start + size;
		if (end > c->text_bytes)
			return -EINVAL;
		c->functions[i] = (struct map_function){ (uint32_t)start, (uint32_t)end };
	}
	for (uint32_t i = 0; i < c->nsafepoints; i++) {
		uint32_t d = get(r);
		pc += d;
		if (pc > c->text_bytes || (i && !d))
			return -EINVAL;
		c->safepoints[i].pc = (uint32_t)pc;
	}
	for (uint32_t i = 0; i < c->nsafepoints; i++) {
		uint32_t d = get(r);
		frame += d & 1 ? ~(d >> 1) : d >> 1;
		c->safepoints[i].frame_size = frame;
	}
	for (uint32_t i = 0; i < c->nsafepoints; i++)
		c->safepoints[i].nlive = get(r);
	return r->bad ? -EINVAL : check_functions(r, c);
}

static int read_body(struct body *r, struct corpus *c)
{
	uint32_t *starts = NULL;
	int status = -EINVAL;

	get_text(r, c->name, sizeof c->name);
	get_text(r, c->producer, sizeof c->producer);
	get_text(r, c->note, sizeof c->note);
	c->text_bytes = get(r);
	c->slot_bytes = get(r);
	c->flags = get(r);
	c->nfunctions = get(r);
	c->nsafepoints = get(r);
	uint32_t nsets = get(r);
	c->nplaces = get(r);
	if (r->bad || (c->slot_bytes != 4 && c->slot_bytes != 8) || c->flags & ~CORPUS_FLAGS ||
	    !has_room(r, c, nsets))
		return -EINVAL;
	c->functions = calloc(c->nfunctions + 1, sizeof *c->functions);
	c->safepoints = calloc(c->nsafepoints + 1, sizeof *c->safepoints);
	c->places = calloc(c->nplaces + 1, sizeof *c->places);
	starts = calloc((size_t)nsets + 2, sizeof *starts);
	if (!c->functions || !c->safepoints || !c->places || !starts) {
		status = -ENOMEM;
		goto done;
	}
	status = read_columns(r, c);
	if (!status)
		status = read_sets(r, c, starts, nsets);
	if (!status)
		status = connect_sets(c, starts, nsets);
	if (!status && (r->end - r->at != 4 || memcmp(r->at, "END.", 4)))
		status = -EINVAL;
done:
	free(starts);
	return status;
}

int corpus_read(const char *path, const uint8_t *bytes, size_t size, struct corpus *c,
		char error[CORPUS_ERROR])
{
	uint8_t *body = NULL;
	const char *why = "cut short: the header takes 24 bytes";
	int r = -EINVAL;

	*c = (struct corpus){ 0 };
	if (size < HEADER)
		goto done;
	why = "damaged or cut short: the checksum differs";
	if (fnv1a(bytes + 16, size - 16) != get64(bytes + 8))
		goto done;
	uint64_t n = get64(bytes + 16);
	why = "the body's length is not what the header says, or above 256 MiB or 512 times the "
	      "file's";
	if (!body_allowed(n, size) || ZSTD_getFrameContentSize(bytes + HEADER, size - HEADER) != n)
		goto done;
	why = "out of memory";
	r = -ENOMEM;
	body = malloc(n + 1);
	if (!body)
		goto done;
	why = "the body does not decompress";
	r = -EINVAL;
	if (ZSTD_decompress(body, n, bytes + HEADER, size - HEADER) != n)
		goto done;
	struct body reader = { body, body + n, 0, "the body contradicts itself" };
	r = read_body(&reader, c);
	why = r == -ENOMEM ? "out of memory" : reader.why;
done:
	free(body);
	if (r) {
		corpus_close(c);
		snprintf(error, CORPUS_ERROR, "%s: not a usable corpus: %s", path, why);
	}
	return r;
}
