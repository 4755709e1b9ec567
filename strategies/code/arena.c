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
	free(arena->live);
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

/* Opens the quanta of [at, at+size); those that were just reserved are open already. */
static int open_run(struct arena *arena, uint8_t *at, size_t size, bool reserved)
{
	uintptr_t mask = code_get_config(arena->code)->quantum - 1;
	uint8_t *from = (uint8_t *)((uintptr_t)at & ~mask);
	size_t bytes = (((uintptr_t)at + size + mask) & ~mask) - (uintptr_t)from;

	for (uint32_t i = arena->nopen; i-- > 0;) {
		const struct arena_run *run = &arena->open[i];
		if (from >= run->at && from + bytes <= run->at + run->bytes)
			return 0;
	}
	void *list = arena->open;
	int error = grow(&list, &arena->capacity, arena->nopen + 1, sizeof(*arena->open));
	arena->open = list;
	if (!error && !reserved)
		error = code_patch(arena->code, from, bytes);
	if (!error)
		arena->open[arena->nopen++] = (struct arena_run){ from, bytes, reserved };
	return error;
}

/* Reserves new quanta of at least `bytes` to take places from. */
static int new_run(struct arena *arena, size_t bytes)
{
	size_t mask = code_get_config(arena->code)->quantum - 1;
	size_t size = (bytes + mask) & ~mask;
	uint8_t *at = code_reserve(arena->code, CODE_STUBS, size);

	if (!at)
		return -ENOMEM;
	int error = open_run(arena, at, size, true);
	if (error) {
		code_release(arena->code, at, size);
		return error;
	}
	arena->bump = at;
	arena->end = at + size;
	return 0;
}

/* ---- Frozen: places counted by quantum ------------------------------------------------------ */

/* Numbers of the quanta that [at, at+size) touches. */
static void quanta_of(const struct arena *arena, const uint8_t *at, size_t size, size_t *first,
		      size_t *last)
{
	uintptr_t from, to;

	code_range(arena->code, CODE_STUBS, &from, &to);
	*first = ((uintptr_t)at - from) / code_get_config(arena->code)->quantum;
	*last = ((uintptr_t)at + size - 1 - from) / code_get_config(arena->code)->quantum;
}

static int count_quanta(struct arena *arena)
{
	uintptr_t from, to;

	if (arena->live || !code_frozen(arena->code))
		return 0;
	code_range(arena->code, CODE_STUBS, &from, &to);
	arena->live =
	    calloc((to - from) / code_get_config(arena->code)->quantum, sizeof(*arena->live));
	return arena->live ? 0 : -ENOMEM;
}

static void arrive(struct arena *arena, const uint8_t *at, size_t size)
{
	size_t first, last;

	for (quanta_of(arena, at, size, &first, &last); first <= last; first++)
		arena->live[first]++;
}

static bool is_open(const struct arena *arena, const uint8_t *at)
{
	for (uint32_t i = 0; i < arena->nopen; i++)
		if (at >= arena->open[i].at && at < arena->open[i].at + arena->open[i].bytes)
			return true;
	return false;
}

/* Gives back those committed quanta of [at, at+size) in which no place is left. */
static void release_empty(struct arena *arena, uint8_t *at, size_t size)
{
	size_t quantum = code_get_config(arena->code)->quantum;
	size_t first, last;

	quanta_of(arena, at, size, &first, &last);
	at = (uint8_t *)((uintptr_t)at & ~(quantum - 1));
	for (; first <= last; first++, at += quantum)
		if (!arena->live[first] && !is_open(arena, at))
			code_release(arena->code, at, quantum);
}

static void leave(struct arena *arena, uint8_t *at, size_t size)
{
	size_t first, last;

	for (quanta_of(arena, at, size, &first, &last); first <= last; first++)
		arena->live[first]--;
	release_empty(arena, at, size);
}

/* ---- Places --------------------------------------------------------------------------------- */

/* The next place that was never taken. If no run has room for all expected bytes, a smaller run
 * will do: places given back may serve for the rest. */
static uint8_t *take_new(struct arena *arena, size_t size)
{
	size_t expected = arena->expected > size ? arena->expected : size;

	if ((size_t)(arena->end - arena->bump) < size) {
		if (new_run(arena, expected) && (expected == size || new_run(arena, size)))
			return NULL;
	} else if (open_run(arena, arena->bump, size, false)) {
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
	if (error || count_quanta(arena))
		return NULL;
	if (!s->nfree)
		at = take_new(arena, size);
	else if (!open_run(arena, s->free[s->nfree - 1], size, false))
		at = s->free[--s->nfree];
	if (at) {
		s->taken++;
		if (arena->live)
			arrive(arena, at, size);
		arena->expected -= arena->expected > size ? size : arena->expected;
		code_account(arena->code, CODE_STUBS, (ptrdiff_t)size);
	}
	return at;
}

void arena_give(struct arena *arena, uint8_t *at, size_t bytes)
{
	size_t size = round_up(bytes);
	struct arena_size *s = &arena->sizes[size / EMIT_SLOT];

	s->taken--;
	if (arena->live)
		leave(arena, at, size);
	else
		s->free[s->nfree++] = at;
	code_account(arena->code, CODE_STUBS, -(ptrdiff_t)size);
}

int arena_commit(struct arena *arena)
{
	uint32_t nopen = arena->nopen, kept = 0;
	int result = 0;

	for (uint32_t i = 0; i < nopen; i++) {
		struct arena_run run = arena->open[i];
		int error = code_commit(arena->code, run.at, run.bytes);
		if (error) {
			result = error;
			run.reserved = false; /* places in it may have been handed out for good */
			arena->open[i] = arena->open[kept];
			arena->open[kept++] = run;
		}
	}
	arena->nopen = kept;
	for (uint32_t i = kept; arena->live && i < nopen; i++)
		release_empty(arena, arena->open[i].at, arena->open[i].bytes);
	if (arena->live)
		arena->bump = arena->end = NULL;
	arena->expected = 0;
	arena->old_bump = arena->bump;
	arena->old_end = arena->end;
	return result;
}

/* Forgets the free places in [from, to). */
static void drop(struct arena *arena, const uint8_t *from, const uint8_t *to)
{
	for (size_t i = 0; i < sizeof(arena->sizes) / sizeof(arena->sizes[0]); i++) {
		struct arena_size *s = &arena->sizes[i];
		uint32_t kept = 0;

		for (uint32_t j = 0; j < s->nfree; j++)
			if (s->free[j] < from || s->free[j] >= to)
				s->free[kept++] = s->free[j];
		s->nfree = kept;
	}
}

int arena_abort(struct arena *arena)
{
	uint32_t kept = 0;

	drop(arena, arena->old_bump, arena->old_end);
	for (uint32_t i = 0; i < arena->nopen; i++) {
		struct arena_run run = arena->open[i];

		if (run.reserved) {
			drop(arena, run.at, run.at + run.bytes);
			code_release(arena->code, run.at, run.bytes);
		} else {
			arena->open[kept++] = run;
		}
	}
	arena->nopen = kept;
	arena->bump = arena->old_bump;
	arena->end = arena->old_end;
	return arena_commit(arena);
}

const uint8_t *arena_add(struct arena *arena, const void *bytes, size_t n)
{
	uint8_t *at = arena_take(arena, n);

	if (at)
		memcpy(code_writable(arena->code, at), bytes, n);
	if (arena_commit(arena) && at) {
		arena_give(arena, at, n);
		at = NULL;
	}
	return at;
}
