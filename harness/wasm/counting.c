/*
 * counting.c - the counting strategy: one thunk for each callee,
 * in front of a callee of the floor's.
 *
 *      mov r11, &count        49 bb imm64
 *      inc qword [r11]        49 ff 03
 *      mov r10, &inner        49 ba imm64
 *      jmp [r10]              41 ff 22
 *
 * Memory is given back only when the space is closed: a released callee's count stays.
 */
#include "wasm/counting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { THUNK = 32, CHUNK = 65536 };

struct counted {
	uint64_t count;
	struct stub_callee inner;
	enum stub_kind kind;
	struct counted *next;
};

struct counting {
	struct stub_space floor;
	struct counted *all;
	uint8_t *chunk; /* the next thunks go here */
	size_t used;
};

static int counting_open(struct stub_space *space)
{
	struct counting *s = space->state;
	const struct stub_config config = { 0 };

	s->used = CHUNK;
	return stub_space_open(&s->floor, stub_strategies[0], space->code, &config,
			       &space->runtime);
}

static void counting_close(struct stub_space *space)
{
	struct counting *s = space->state;

	while (s->all) {
		struct counted *c = s->all;

		s->all = c->next;
		free(c);
	}
	stub_space_close(&s->floor);
}

static uint8_t *new_thunk(struct stub_space *space)
{
	struct counting *s = space->state;

	if (s->used + THUNK > CHUNK) {
		s->chunk = code_reserve(space->code, CODE_STUBS, CHUNK);
		s->used = 0;
		if (s->chunk && code_commit(space->code, s->chunk, CHUNK)) {
			code_release(space->code, s->chunk, CHUNK);
			s->chunk = NULL;
		}
		if (!s->chunk) {
			s->used = CHUNK;
			return NULL;
		}
	}
	s->used += THUNK;
	return s->chunk + s->used - THUNK;
}

static void write_thunk(uint8_t *to, const uint64_t *count, const struct stub_callee *inner)
{
	memcpy(to, "\x49\xbb", 2);
	memcpy(to + 2, &count, 8);
	memcpy(to + 10, "\x49\xff\x03\x49\xba", 5);
	memcpy(to + 15, &inner, 8);
	memcpy(to + 23, "\x41\xff\x22", 3);
}

static int counting_bind(struct stub_space *space, const struct stub_spec *spec,
			 struct stub_callee *c)
{
	struct counting *s = space->state;
	struct counted *n = calloc(1, sizeof *n);
	uint8_t *thunk = n ? new_thunk(space) : NULL;
	int e = thunk ? s->floor.ops->bind(&s->floor, spec, &n->inner) : -ENOMEM;

	if (!e)
		e = code_patch(space->code, thunk, THUNK);
	if (!e) {
		write_thunk(code_writable(space->code, thunk), &n->count, &n->inner);
		e = code_commit(space->code, thunk, THUNK);
	}
	if (e) {
		free(n);
		return e;
	}
	n->kind = spec->kind;
	n->next = s->all;
	s->all = n;
	*c = (struct stub_callee){ thunk, spec->target, spec->context, (uintptr_t)n };
	return 0;
}

static int counting_retarget(struct stub_space *space, struct stub_callee *c, const void *target)
{
	struct counting *s = space->state;
	struct counted *n = (struct counted *)(uintptr_t)c->word;

	c->target = target;
	return s->floor.ops->retarget(&s->floor, &n->inner, target);
}

static void counting_release(struct stub_space *space, struct stub_callee *c)
{
	(void)space;
	*c = (struct stub_callee){ 0 };
}

bool wasm_crossed(const struct stub_callee *c)
{
	return ((const struct counted *)(uintptr_t)c->word)->count > 0;
}

void wasm_counts(const struct stub_space *space, struct wasm_counts *out)
{
	const struct counting *s = space->state;

	memset(out, 0, sizeof *out);
	for (const struct counted *n = s->all; n; n = n->next) {
		out->made[n->kind]++;
		out->used[n->kind] += n->count > 0;
		out->crossings[n->kind] += n->count;
	}
}

const struct stub_ops wasm_counting = {
	.name = "counting",
	.summary = "counts crossings, in front of the floor",
	.flags = STUB_RETARGET_IN_PLACE | STUB_CAN_TABLE,
	.state = sizeof(struct counting),
	.open = counting_open,
	.close = counting_close,
	.bind = counting_bind,
	.retarget = counting_retarget,
	.release = counting_release,
};
