/*
 * slots.c - bitmaps of free slots, lists of callees, and quanta that come and go.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "slots.h"
#include "watched.h"

struct slots_quantum {
	struct slots_quantum *next; /* leaving */
	uint32_t number, free;
	uint32_t low;	/* no slot is free in the words below */
	uint32_t moved; /* leaving: stubs that were moved away */
	struct stub_callee **lists;
	uint64_t map[]; /* a bit a slot: free; behind them the lists */
};

enum { FEW = 8 };

#define TAKEN ((uint64_t)1 << 63)
#define LINK  (~TAKEN & ~(uint64_t)7)

static uint32_t words(uint32_t bits)
{
	return (bits + 63) / 64;
}

static uint32_t lists(const struct slots *s)
{
	return (s->per + SLOTS_LIST - 1) / SLOTS_LIST;
}

void slots_open(struct slots *s, struct code_memory *code, uint32_t per)
{
	const struct code_config *config = code_get_config(code);
	uintptr_t to;

	*s = (struct slots){ .code = code, .per = per, .same = config->share };
	code_range(code, CODE_STUBS, &s->from, &to);
	s->part = ((uint64_t)config->quantum << 16) / per;
	while (1u << s->bits < per)
		s->bits++;
	while (1u << s->size < config->quantum)
		s->size++;
}

void slots_close(struct slots *s)
{
	struct slots_quantum *next;

	for (uint32_t n = 0; n < s->end; n++)
		free(s->at[n]);
	for (struct slots_quantum *q = s->leaving; q; q = next) {
		next = q->next;
		free(q);
	}
	free(s->at);
}

/* ---- Quanta come ---------------------------------------------------------------------------- */

static int grow(struct slots *s, uint32_t end)
{
	uint32_t n = end < 2 * s->end ? 2 * s->end : end;

	if (end <= s->end)
		return 0;
	struct slots_quantum **at = realloc(s->at, n * sizeof(*at));
	if (!at)
		return -ENOMEM;
	memset(at + s->end, 0, (n - s->end) * sizeof(*at));
	s->at = at;
	s->end = n;
	return 0;
}

/* All of its slots are free. */
static void enter(struct slots *s, struct slots_quantum *q)
{
	memset(q->map, 0xff, words(s->per) * sizeof(*q->map));
	if (s->per % 64)
		q->map[s->per / 64] = ((uint64_t)1 << s->per % 64) - 1;
	q->free = s->per;
	q->low = q->moved = 0;
	s->at[q->number] = q;
	s->top = q->number >= s->top ? q->number + 1 : s->top;
	s->low = q->number < s->low ? q->number : s->low;
	s->held++;
	s->empty++;
}

/* Adds n committed quanta of free slots. 0, or -ENOMEM: none was added. */
static int add(struct slots *s, uint8_t *at, uint32_t n)
{
	uint32_t number = slots_quantum_at(s, at);
	struct slots_quantum *added = NULL, *q;

	int error = grow(s, number + n);
	for (uint32_t i = 0; i < n && !error; i++) {
		q = calloc(1, sizeof(*q) + words(s->per) * sizeof(*q->map) +
				  lists(s) * sizeof(struct stub_callee *));
		if (!q) {
			error = -ENOMEM;
			break;
		}
		q->lists = (struct stub_callee **)&q->map[words(s->per)];
		q->number = number + n - 1 - i;
		q->next = added;
		added = q;
	}
	while ((q = added)) {
		added = q->next;
		q->next = NULL;
		if (error) {
			free(q);
			continue;
		}
		enter(s, q);
	}
	if (!error && !s->first)
		s->first = at;
	return error;
}

/* The written quanta become executable; the others show the first quantum of all. */
static int show(struct slots *s, uint8_t *at, uint32_t n, uint32_t written)
{
	const size_t bytes = (size_t)written << s->size;
	int error = written ? code_commit(s->code, at, bytes) : 0;

	if (error || written == n)
		return error;
	return code_same(s->code, at + bytes, ((size_t)n << s->size) - bytes,
			 s->first ? s->first : at);
}

int slots_provide(struct slots *s, size_t n)
{
	if (n <= slots_free_now(s))
		return 0;
	const uint32_t quanta = (uint32_t)((n - slots_free_now(s) + s->per - 1) / s->per);
	const uint32_t written = !s->same ? quanta : s->first ? 0 : 1;
	const size_t bytes = (size_t)quanta << s->size;
	uint8_t *at = code_reserve(s->code, CODE_STUBS, bytes);

	if (!at)
		return -errno;
	s->write(s, at, written);
	int error = show(s, at, quanta, written);
	if (!error) {
		error = add(s, at, quanta);
		if (error && s->same && code_apart(s->code, at, bytes))
			return error; /* no room for anything: what can't be released is lost */
	}
	if (error)
		code_release(s->code, at, bytes);
	else
		watched_code(s->code, STUB_ROLE_SLOTS, s->by, at, bytes, NULL);
	return error;
}

/* ---- Slots ---------------------------------------------------------------------------------- */

static struct stub_callee *next_of(const struct stub_callee *c)
{
	return (struct stub_callee *)(uintptr_t)(c->word & LINK);
}

uint32_t slots_take(struct slots *s, struct stub_callee *c, unsigned own)
{
	struct slots_quantum *q;

	while (!(q = s->at[s->low]) || !q->free)
		s->low++;
	while (!q->map[q->low])
		q->low++;
	uint32_t index = q->low * 64 + (uint32_t)__builtin_ctzll(q->map[q->low]);
	struct stub_callee **list = &q->lists[index / SLOTS_LIST];

	q->map[q->low] &= q->map[q->low] - 1;
	s->empty -= q->free == s->per;
	q->free--;
	s->taken++;
	c->word = TAKEN | (uintptr_t)*list | own;
	*list = c;
	return s->low << s->bits | index;
}

static ptrdiff_t bytes_of(const struct slots *s, uint32_t n)
{
	return (ptrdiff_t)(n * s->part >> 16);
}

void slots_account(struct slots *s)
{
	code_account(s->code, CODE_STUBS, bytes_of(s, s->taken) - bytes_of(s, s->counted));
	code_account(s->code, CODE_LITERALS,
		     ((ptrdiff_t)s->taken - (ptrdiff_t)s->counted) * (ptrdiff_t)s->literals);
	s->counted = s->taken;
}

void slots_leave(struct slots *s, struct stub_callee *c, uint32_t slot)
{
	struct slots_quantum *q = s->at[slots_quantum(s, slot)];
	struct stub_callee **list = &q->lists[slots_index(s, slot) / SLOTS_LIST], *before = *list;

	if (before == c) {
		*list = next_of(c);
		return;
	}
	while (next_of(before) != c)
		before = next_of(before);
	before->word = (before->word & ~LINK) | (c->word & LINK);
}

void slots_free(struct slots *s, uint32_t slot)
{
	struct slots_quantum *q = s->at[slots_quantum(s, slot)];
	uint32_t index = slots_index(s, slot);

	q->map[index / 64] |= (uint64_t)1 << index % 64;
	q->low = index / 64 < q->low ? index / 64 : q->low;
	q->free++;
	s->low = q->number < s->low ? q->number : s->low;
	s->taken--;
	s->empty += q->free == s->per;
	slots_account(s);
	slots_trim(s);
}

/* ---- Quanta go ------------------------------------------------------------------------------ */

/* Whether 1.15 times the taken slots, or more, are held. With FEW quanta or fewer, whether one
 * quantum less would hold 1.3 times the taken slots: by the first rule a stub that comes and goes
 * might commit and release a quantum each time. */
static bool too_many(const struct slots *s)
{
	if (s->held > FEW)
		return 100 * (uint64_t)s->held * s->per >= 115 * (uint64_t)s->taken;
	return s->held > 1 && 10 * (uint64_t)(s->held - 1) * s->per >= 13 * (uint64_t)s->taken;
}

static bool stays(const struct slots *s, const struct slots_quantum *q)
{
	return !q || (s->same && slots_address(s, q->number) == s->first);
}

/* The quantum leaves the table; the stubs still in it have to be moved. */
static void leave(struct slots *s, struct slots_quantum *q)
{
	s->at[q->number] = NULL;
	while (s->top > 0 && !s->at[s->top - 1])
		s->top--;
	s->held--;
	s->empty -= q->free == s->per;
	s->taken -= s->per - q->free;
}

/* Adds the bytes of stubs moved out of q to the retired bytes, or subtracts them. */
static void account_moved(struct slots *s, const struct slots_quantum *q, bool retired)
{
	const ptrdiff_t sign = retired ? 1 : -1, bytes = sign * bytes_of(s, q->moved);

	code_retire(s->code, bytes);
	code_account(s->code, CODE_STUBS, bytes);
	code_account(s->code, CODE_LITERALS, sign * (ptrdiff_t)q->moved * (ptrdiff_t)s->literals);
}

/* Gives back quanta, each of which lies right above the next. If they show another quantum's bytes
 * and the kernel has no mapping left to take them apart, they become free quanta again. */
static void give_back(struct slots *s, struct slots_quantum *highest, uint32_t n)
{
	struct slots_quantum *q = highest, *next;
	uint8_t *at = slots_address(s, highest->number - (n - 1));
	bool stay = s->same && code_apart(s->code, at, (size_t)n << s->size);

	if (!stay)
		code_release(s->code, at, (size_t)n << s->size);
	for (; n; n--, q = next) {
		next = q->next;
		if (stay) {
			enter(s, q);
			continue;
		}
		free(q);
	}
}

static void give_back_all(struct slots *s, struct slots_quantum *list)
{
	while (list) {
		struct slots_quantum *q = list, *end = list;
		uint32_t n = 0;

		do {
			account_moved(s, end, false);
			end = end->next;
			n++;
		} while (end && end->number + n == q->number);
		list = end;
		give_back(s, q, n);
	}
}

void slots_trim(struct slots *s)
{
	struct slots_quantum *gone = NULL, **last = &gone;

	for (uint32_t n = s->top; s->empty && too_many(s) && n-- > 0;) {
		struct slots_quantum *q = s->at[n];

		if (stays(s, q) || q->free < s->per)
			continue;
		leave(s, q);
		*last = q;
		last = &q->next;
	}
	*last = NULL;
	give_back_all(s, gone);
}

/* ---- Stubs move ----------------------------------------------------------------------------- */

static struct slots_quantum *highest(const struct slots *s)
{
	uint32_t n = s->top;

	while (n > 0 && stays(s, s->at[n - 1]))
		n--;
	return n > 0 ? s->at[n - 1] : NULL;
}

void slots_compact(struct slots *s, bool running,
		   void (*move)(void *arg, struct stub_callee *c, uint32_t to), void *arg)
{
	struct slots_quantum *left = s->leaving, **last = &s->leaving, *q;
	struct stub_callee *c;

	s->leaving = NULL;
	give_back_all(s, left);
	while (too_many(s) && (q = highest(s))) {
		leave(s, q);
		for (uint32_t i = 0; i < lists(s); i++) {
			while ((c = q->lists[i])) {
				q->lists[i] = next_of(c);
				move(arg, c, slots_take(s, c, slots_own(c)));
				q->moved++;
			}
		}
		account_moved(s, q, true);
		*last = q;
		last = &q->next;
	}
	*last = NULL;
	if (running)
		return;
	left = s->leaving;
	s->leaving = NULL;
	give_back_all(s, left);
}
