/*
 * arena.c - takes quanta, packs code of any size into them, and gives back those that are empty.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

void arena_init(struct arena *arena, struct code_memory *code)
{
	memset(arena, 0, sizeof(*arena));
	arena->code = code;
}

void arena_close(struct arena *arena)
{
	for (size_t i = 0; i < sizeof(arena->sizes) / sizeof(arena->sizes[0]); i++)
		free(arena->sizes[i].free);
	free(arena->open);
	free(arena->quanta);
	arena_init(arena, arena->code);
}

static size_t round_up(size_t bytes)
{
	return (bytes + EMIT_SLOT - 1) & ~(size_t)(EMIT_SLOT - 1);
}

/* Grows a list until it has room for `needed` elements. */
static int grow(void **list, uint32_t *capacity, uint32_t needed, size_t element)
{
	if (needed <= *capacity)
		return 0;
	uint32_t n = *capacity ? *capacity * 2 : 16;
	void *bigger = realloc(*list, n * element);
	if (!bigger)
		return -ENOMEM;
	*list = bigger;
	*capacity = n;
	return 0;
}

/* ---- Free places ---------------------------------------------------------------------------- */

static void swap(uint8_t **a, uint8_t **b)
{
	uint8_t *old = *a;

	*a = *b;
	*b = old;
}

static void push(struct arena_size *s, uint8_t *at)
{
	uint32_t i = s->nfree++;

	s->free[i] = at;
	for (; i && s->free[i] < s->free[(i - 1) / 2]; i = (i - 1) / 2)
		swap(&s->free[i], &s->free[(i - 1) / 2]);
}

static uint8_t *pop(struct arena_size *s)
{
	uint8_t *lowest = s->free[0];
	uint32_t n = --s->nfree, i = 0, child;

	for (s->free[0] = s->free[n]; (child = 2 * i + 1) < n; i = child) {
		child += child + 1 < n && s->free[child + 1] < s->free[child];
		if (s->free[i] < s->free[child])
			break;
		swap(&s->free[i], &s->free[child]);
	}
	return lowest;
}

/* ---- Quanta --------------------------------------------------------------------------------- */

enum { HELD = 1u << 30, MARKED = 1u << 29, BYTES = MARKED - 1 }; /* in arena.quanta */

static size_t quantum_of(const struct arena *arena)
{
	return code_get_config(arena->code)->quantum;
}

static uint8_t *quantum_at(const struct arena *arena, size_t number)
{
	uintptr_t from, to;

	code_range(arena->code, CODE_STUBS, &from, &to);
	return (uint8_t *)from + number * quantum_of(arena);
}

static size_t number_of(const struct arena *arena, const uint8_t *at)
{
	return (size_t)(at - quantum_at(arena, 0)) / quantum_of(arena);
}

static int hold(struct arena *arena, uint8_t *at, size_t bytes)
{
	size_t first = number_of(arena, at), end = first + bytes / quantum_of(arena);
	uint32_t had = arena->nquanta;

	while (arena->nquanta < end) {
		void *list = arena->quanta;
		int error = grow(&list, &arena->nquanta, arena->nquanta + 1, sizeof(uint32_t));
		arena->quanta = list;
		if (error)
			return error;
		memset(arena->quanta + had, 0, (arena->nquanta - had) * sizeof(uint32_t));
		had = arena->nquanta;
	}
	for (size_t i = first; i < end; i++)
		arena->quanta[i] = HELD;
	arena->held += end - first;
	arena->empty += end - first;
	return 0;
}

/* Gives neighbours back; no place in them is taken. */
static void release(struct arena *arena, uint8_t *at, size_t bytes)
{
	size_t first = number_of(arena, at), n = bytes / quantum_of(arena);

	for (size_t i = first; i < first + n; i++)
		arena->quanta[i] = 0;
	arena->held -= n;
	arena->empty -= n;
	if (arena->bump >= at && arena->bump < at + bytes)
		arena->bump = arena->end = NULL;
	else if (arena->bump < at && arena->end > at)
		arena->end = at;
	code_release(arena->code, at, bytes);
}

/* Adds to the bytes of the quanta that [at, at+size) touches, or takes them away. */
static void count(struct arena *arena, const uint8_t *at, size_t size, bool taken)
{
	while (size) {
		size_t number = number_of(arena, at);
		size_t here = (size_t)(quantum_at(arena, number + 1) - at);
		uint32_t *quantum = &arena->quanta[number];

		here = here < size ? here : size;
		arena->empty -= !(*quantum & BYTES);
		*quantum = taken ? *quantum + (uint32_t)here : *quantum - (uint32_t)here;
		arena->empty += !(*quantum & BYTES);
		at += here;
		size -= here;
	}
}

static bool is_open(const struct arena *arena, const uint8_t *at)
{
	for (uint32_t i = arena->nopen; i-- > 0;)
		if (at >= arena->open[i].at && at < arena->open[i].at + arena->open[i].bytes)
			return true;
	return false;
}

static int open_extent(struct arena *arena, uint8_t *at, size_t bytes, bool reserved)
{
	void *list = arena->open;
	int error = grow(&list, &arena->capacity, arena->nopen + 1, sizeof(*arena->open));
	arena->open = list;
	if (!error && !reserved)
		error = code_patch(arena->code, at, bytes);
	if (!error)
		arena->open[arena->nopen++] = (struct arena_extent){ at, bytes, reserved };
	return error;
}

/* Opens the quanta of [at, at+size), two at most, that are not open. */
static int open_around(struct arena *arena, const uint8_t *at, size_t size)
{
	const size_t quantum = quantum_of(arena);
	uint8_t *from = quantum_at(arena, number_of(arena, at));
	uint8_t *to = quantum_at(arena, number_of(arena, at + size - 1) + 1);

	while (from < to && is_open(arena, from))
		from += quantum;
	while (to > from && is_open(arena, to - quantum))
		to -= quantum;
	return from < to ? open_extent(arena, from, (size_t)(to - from), false) : 0;
}

/* Reserves new quanta of at least `bytes` to take places from. An extent right behind the last one
 * continues it; otherwise the rest of that becomes a free place. */
static int new_extent(struct arena *arena, size_t bytes)
{
	size_t mask = quantum_of(arena) - 1;
	size_t rest = code_frozen(arena->code) ? 0 : (size_t)(arena->end - arena->bump);
	size_t size = (bytes + mask) & ~mask;
	uint8_t *at = code_reserve(arena->code, CODE_STUBS, size);

	if (!at)
		return -errno;
	int error = hold(arena, at, size);
	if (error) {
		code_release(arena->code, at, size);
		return error;
	}
	error = open_extent(arena, at, size, true);
	if (error) {
		release(arena, at, size);
		return error;
	}
	if (rest && at == arena->end) {
		arena->end = at + size;
		return 0;
	}
	struct arena_size *s = &arena->sizes[rest / EMIT_SLOT];
	void *list = s->free;
	if (rest && !grow(&list, &s->capacity, s->nfree + s->taken + 1, sizeof(*s->free))) {
		s->free = list;
		push(s, arena->bump);
	}
	arena->bump = at;
	arena->end = at + size;
	return 0;
}

/* ---- Empty quanta --------------------------------------------------------------------------- */

/* With few quanta, one more than the bound may be held. */
static size_t counted(size_t held)
{
	return held > 8 ? held : held - 1;
}

/* Whether 1.3 times the bytes taken, or more, are held. */
static bool too_many(const struct arena *arena, size_t held)
{
	return held > 1 && 10 * counted(held) * quantum_of(arena) >= 13 * arena->used;
}

/* Frozen: gives back those committed quanta of [at, at+size) in which no place is left. */
static void release_empty(struct arena *arena, uint8_t *at, size_t size)
{
	size_t number = number_of(arena, at), last = number_of(arena, at + size - 1);

	for (; number <= last; number++)
		if (arena->quanta[number] == HELD && !is_open(arena, quantum_at(arena, number)))
			release(arena, quantum_at(arena, number), quantum_of(arena));
}

/* Keeps the free places outside [from, to) that lie in quanta that are held. */
static void sift(struct arena *arena, const uint8_t *from, const uint8_t *to)
{
	for (size_t i = 0; i < sizeof(arena->sizes) / sizeof(arena->sizes[0]); i++) {
		struct arena_size *s = &arena->sizes[i];
		uint32_t n = s->nfree;

		s->nfree = 0;
		for (uint32_t j = 0; j < n; j++) {
			uint8_t *at = s->free[j], *last = at + i * EMIT_SLOT - 1;

			if ((at < from || at >= to) && arena->quanta[number_of(arena, at)] &&
			    arena->quanta[number_of(arena, last)])
				push(s, at);
		}
	}
}

/* Nothing may be open. Neighbours go together, the highest first. */
static void release_all_empty(struct arena *arena)
{
	size_t quantum = quantum_of(arena), n = 0;

	for (size_t i = arena->nquanta; i-- > 0 && (n || arena->empty);) {
		bool goes =
		    (arena->quanta[i] & ~MARKED) == HELD && too_many(arena, arena->held - n);

		n += goes;
		if (n && (!goes || i == 0)) {
			release(arena, quantum_at(arena, i + !goes), n * quantum);
			n = 0;
		}
	}
	sift(arena, NULL, NULL);
	arena->old_bump = arena->bump;
	arena->old_end = arena->end;
}

static void settle_some(struct arena *arena)
{
	if (!arena->nopen && arena->empty && 8 * (size_t)arena->empty >= arena->held &&
	    too_many(arena, arena->held))
		release_all_empty(arena);
}

void arena_settle(struct arena *arena)
{
	for (uint32_t i = 0; i < arena->nquanta; i++)
		arena->quanta[i] &= ~MARKED;
	if (!arena->nopen && arena->empty && too_many(arena, arena->held))
		release_all_empty(arena);
}

/* ---- Sparse quanta -------------------------------------------------------------------------- */

enum { GRADES = 16 }; /* of how full a quantum is */

static uint32_t grade(const struct arena *arena, uint32_t quantum)
{
	return (uint32_t)((quantum & BYTES) * (GRADES - 1) / quantum_of(arena));
}

/* Whether less than 1.2 times the bytes taken are held: below the bound,
 * so that the next marks are some time away. */
static bool good(const struct arena *arena, size_t held)
{
	return held < 2 || 10 * counted(held) * quantum_of(arena) < 12 * arena->used;
}

bool arena_mark(struct arena *arena)
{
	size_t quanta[GRADES] = { 0 }, bytes[GRADES] = { 0 }, held = arena->held, moved = 0;
	uint32_t g;

	if (arena->nopen || !too_many(arena, arena->held))
		return false;
	for (uint32_t i = 0; i < arena->nquanta; i++) {
		if (arena->quanta[i] & HELD) {
			quanta[grade(arena, arena->quanta[i])]++;
			bytes[grade(arena, arena->quanta[i])] += arena->quanta[i] & BYTES;
		}
	}
	for (g = 0; g < GRADES; g++) {
		size_t quantum = quantum_of(arena);

		held -= quanta[g];
		moved += bytes[g];
		if (good(arena, held + (moved + quantum - 1) / quantum))
			break;
	}
	for (uint32_t i = 0; i < arena->nquanta; i++)
		if (arena->quanta[i] & HELD && grade(arena, arena->quanta[i]) <= g)
			arena->quanta[i] |= MARKED;
	/* Fresh places open no quantum that others run in: reclaim can't report it if it stays
	 * open. */
	arena->bump = arena->end = arena->old_bump = arena->old_end = NULL;
	return true;
}

bool arena_marked(const struct arena *arena, const uint8_t *at, size_t bytes)
{
	return (arena->quanta[number_of(arena, at)] |
		arena->quanta[number_of(arena, at + bytes - 1)]) &
	       MARKED;
}

/* ---- Places --------------------------------------------------------------------------------- */

/* The next place that was never taken. If no extent has room for all expected bytes, a smaller one
 * will do: places given back may serve for the rest. */
static uint8_t *take_new(struct arena *arena, size_t size)
{
	size_t expected = arena->expected > size ? arena->expected : size;

	int error = 0;

	if ((size_t)(arena->end - arena->bump) < size) {
		error = new_extent(arena, expected);
		if (error && expected > size)
			error = new_extent(arena, size);
	}
	if (!error)
		error = open_around(arena, arena->bump, size);
	if (error) {
		errno = -error;
		return NULL;
	}
	arena->bump += size;
	return arena->bump - size;
}

uint8_t *arena_take(struct arena *arena, size_t bytes)
{
	size_t size = round_up(bytes);
	struct arena_size *s = &arena->sizes[size / EMIT_SLOT];
	uint8_t *at = NULL;

	void *list = s->free;
	int error = grow(&list, &s->capacity, s->nfree + s->taken + 1, sizeof(*s->free));
	s->free = list;
	if (error) {
		errno = -error;
		return NULL;
	}
	if (!s->nfree || arena->fresh)
		at = take_new(arena, size);
	else if (!(error = open_around(arena, s->free[0], size)))
		at = pop(s);
	else
		errno = -error;
	if (at) {
		s->taken++;
		arena->used += size;
		count(arena, at, size, true);
		arena->expected -= arena->expected > size ? size : arena->expected;
		code_account(arena->code, CODE_STUBS, (ptrdiff_t)size);
	}
	return at;
}

void arena_give(struct arena *arena, uint8_t *at, size_t bytes)
{
	size_t size = round_up(bytes);
	struct arena_size *s = &arena->sizes[size / EMIT_SLOT];

	const struct stub_watch *watch = code_get_config(arena->code)->watch;

	if (watch)
		watch->gone(watch->arg, at, size);
	s->taken--;
	arena->used -= size;
	count(arena, at, size, false);
	code_account(arena->code, CODE_STUBS, -(ptrdiff_t)size);
	if (code_frozen(arena->code)) {
		release_empty(arena, at, size);
	} else {
		push(s, at);
		settle_some(arena);
	}
}

int arena_commit(struct arena *arena)
{
	uint32_t nopen = arena->nopen, kept = 0;
	bool frozen = code_frozen(arena->code);
	int result = 0;

	for (uint32_t i = 0; i < nopen; i++) {
		struct arena_extent extent = arena->open[i];
		int error = code_commit(arena->code, extent.at, extent.bytes);
		if (!error)
			continue;
		result = result ? result : error;
		/* Older places in it must not wait for the next commit. */
		if (!extent.reserved && !code_commit(arena->code, extent.at, extent.bytes))
			continue;
		if (!extent.reserved)
			result = -ENOTRECOVERABLE;
		extent.reserved = false; /* places in it may have been handed out for good */
		arena->open[i] = arena->open[kept];
		arena->open[kept++] = extent;
	}
	arena->nopen = kept;
	for (uint32_t i = kept; frozen && i < nopen; i++)
		release_empty(arena, arena->open[i].at, arena->open[i].bytes);
	if (frozen)
		arena->bump = arena->end = NULL;
	arena->expected = 0;
	arena->old_bump = arena->bump;
	arena->old_end = arena->end;
	settle_some(arena);
	return result;
}

int arena_abort(struct arena *arena)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < arena->nopen; i++) {
		struct arena_extent extent = arena->open[i];

		if (extent.reserved)
			release(arena, extent.at, extent.bytes);
		else
			arena->open[kept++] = extent;
	}
	arena->nopen = kept;
	sift(arena, arena->old_bump, arena->old_end);
	arena->bump = arena->old_bump;
	arena->end = arena->old_end;
	return arena_commit(arena);
}

const uint8_t *arena_add(struct arena *arena, const void *bytes, size_t n)
{
	uint8_t *at = arena_take(arena, n);
	int error = at ? 0 : -errno;

	if (at)
		memcpy(code_writable(arena->code, at), bytes, n);
	const int refused = arena_commit(arena);
	if (refused && at) {
		arena_give(arena, at, n);
		error = refused;
	}
	if (!error)
		return at;
	errno = -error;
	return NULL;
}
