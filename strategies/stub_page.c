/*
 * stub_page.c - a quantum for each stub: the baseline that engines arrive at when each small piece
 * of code is an allocation of its own.
 *
 *      quantum          quantum          quantum
 *      | stub | empty.. | stub | empty.. | stub | empty...
 *
 * One stub is made at a time: reserve, emit, make executable. It trades everything for simplicity:
 * a stub costs a quantum of address space, a page of memory and two system calls, and as every stub
 * starts at a page's start, all of them compete for the few cache sets of that offset. Release
 * gives the quantum back at once.
 *
 * Retarget: baked, the call is patched in place (placed.c), or, where the new target is out of a
 * near call's reach, a new stub takes over by a store of the code pointer (release) and the old one
 * stays until release. With a table, one store of data.
 */
#include <errno.h>
#include <string.h>

#include "placed.h"

struct page_state {
	struct placed_list list;
};

static void page_close(struct stub_space *space)
{
	struct page_state *state = space->state;

	placed_close(&state->list);
}

/* Puts a new stub in a new quantum; fills in all of *placed but `before`. */
static int place(struct stub_space *space, const struct stub_spec *spec, struct placed *placed)
{
	struct emit_config config = placed_config(space, spec->target);
	size_t quantum = code_config(space->code)->quantum;
	uint8_t code[EMIT_MAX];
	size_t size;

	int error = emit_body(code, &config, spec, &size, &placed->patches);
	if (error)
		return error;
	placed->at = code_reserve(space->code, CODE_STUBS, quantum);
	if (!placed->at)
		return -ENOMEM;
	placed->size = (uint32_t)size;
	placed->form = config.form;
	placed->kind = spec->kind;
	placed->signature = spec->signature;
	placed->bound = spec->bound;
	placed->nbound = spec->nbound;
	memcpy(code_writable(space->code, placed->at), code, size);
	placed_literals(space, placed, spec);
	error = code_commit(space->code, placed->at, quantum);
	if (error) {
		code_abort(space->code, placed->at, quantum);
		return error;
	}
	code_account(space->code, CODE_STUBS, placed_bytes(size));
	code_account(space->code, CODE_LITERALS, placed_literal_bytes(placed));
	return 0;
}

static int page_bind(struct stub_space *space, const struct stub_spec *spec, struct callee *c)
{
	struct page_state *state = space->state;
	uint32_t word = placed_new(&state->list);

	if (!word)
		return -ENOMEM;
	struct placed *placed = &state->list.records[word - 1];
	placed->before = NULL;
	int error = place(space, spec, placed);
	if (error) {
		placed_free(&state->list, word);
		return error;
	}
	c->target = spec->target;
	c->context = spec->context;
	c->word = word;
	__atomic_store_n(&c->code, placed->at, __ATOMIC_RELEASE);
	return 0;
}

static int page_retarget(struct stub_space *space, struct callee *c, const void *target)
{
	struct page_state *state = space->state;
	struct placed *placed = &state->list.records[c->word - 1];

	int error = placed_retarget(space, placed, target);
	if (error == -ERANGE) {
		struct stub_spec spec = placed_spec(placed, c, target);
		struct placed moved = { 0 };

		error = place(space, &spec, &moved);
		if (error)
			return error;
		moved.before = placed->at;
		moved.size_before = placed->size;
		*placed = moved;
		__atomic_store_n(&c->code, placed->at, __ATOMIC_RELEASE);
	}
	if (!error)
		c->target = target;
	return error;
}

static void page_release(struct stub_space *space, struct callee *c)
{
	struct page_state *state = space->state;
	struct placed *placed = &state->list.records[c->word - 1];
	size_t quantum = code_config(space->code)->quantum;

	code_account(space->code, CODE_STUBS, -placed_bytes(placed->size));
	code_account(space->code, CODE_LITERALS, -placed_literal_bytes(placed));
	code_release(space->code, placed->at, quantum);
	if (placed->before) {
		code_account(space->code, CODE_STUBS, -placed_bytes(placed->size_before));
		code_release(space->code, placed->before, quantum);
	}
	placed_free(&state->list, (uint32_t)c->word);
	*c = (struct callee){ 0 };
}

const struct stub_ops stub_page = {
	.name = "page",
	.summary = "a quantum for each stub, made one at a time (the baseline)",
	.flags = STUB_RETARGET_IN_PLACE | STUB_CAN_BAKE | STUB_CAN_TABLE,
	.literals = STUB_LITERALS_BAKED,
	.state = sizeof(struct page_state),
	.close = page_close,
	.bind = page_bind,
	.retarget = page_retarget,
	.release = page_release,
};
