/*
 * page.c - a quantum for each stub: the baseline that engines arrive at when each small piece
 * of code is an allocation of its own.
 *
 *      page              | stub | empty... | stub | empty... | stub | empty...
 *      page+stagger      | stub | empty... | .. | stub | ... | .... | stub | .
 *                        quantum           quantum           quantum
 *
 * One stub is made at a time: reserve, emit, make executable. It trades everything for simplicity:
 * a stub costs a quantum of address space, a page of memory and two system calls, and as every stub
 * starts at a page's start, all of them compete for the few cache sets of that offset. Release
 * gives the quantum back at once; under poison, when it leaves the quarantine.
 *
 * page+stagger is what Firefox ships (RandomPaddingForCodeLength, js/src/wasm/WasmCode.cpp): each
 * stub starts one line further into its quantum than the one before, up to three quarters of it,
 * then at its start again. Cache sets are then shared evenly. All else stays: page's memory and
 * system calls, and an entry of the TLB for each stub. Firefox counts the stubs; here a quantum's
 * number counts, which is the same until quanta are used again.
 *
 * Retarget and its memory order: placed.c. A stub that is replaced keeps its quantum until reclaim.
 * No stub shares its quantum with another, so running callers change only the system calls: each
 * stub costs one membarrier more under dual and rwx.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "../parts/placed.h"
#include "../parts/watched.h"

enum { LINE = 64 };

struct page_state {
	struct placed_list list; /* must be first: placed.h */
	bool stagger;
};
_Static_assert(!offsetof(struct page_state, list), "placed.h's hooks find the list there");

/* Where a stub of `size` bytes starts in its quantum. */
static uint8_t *start_of(const struct page_state *state, uint8_t *quantum, size_t bytes,
			 size_t size)
{
	size_t number = ((uintptr_t)quantum - state->list.from) / bytes;
	size_t room = bytes - size, most = bytes / 4 * 3;

	if (!state->stagger)
		return quantum;
	return quantum + number % ((room < most ? room : most) / LINE + 1) * LINE;
}

static uint8_t *quantum_of(const struct stub_space *space, const struct placed *placed)
{
	uintptr_t mask = code_get_config(space->code)->quantum - 1;

	return (uint8_t *)((uintptr_t)placed->at & ~mask);
}

/* Puts a new stub in a new quantum. */
static int place(struct stub_space *space, const struct stub_spec *spec, struct placed *placed)
{
	const struct page_state *state = space->state;
	const struct placed_list *list = &state->list;
	struct emit_config config = placed_config(space, placed_form(list, spec->target));
	size_t quantum = code_get_config(space->code)->quantum;
	uint8_t code[EMIT_MAX];
	size_t size;

	*placed = (struct placed){ .form = config.form,
				   .kind = spec->kind,
				   .signature = spec->signature,
				   .bound = spec->bound,
				   .nbound = spec->nbound };
	int error = emit_body(code, &config, spec, &size, &placed->patches);
	if (error)
		return error;
	uint8_t *start = code_reserve(space->code, CODE_STUBS, quantum);
	if (!start)
		return -errno;
	placed->at = start_of(state, start, quantum, size);
	placed->size = (uint32_t)size;
	memcpy(code_writable(space->code, placed->at), code, size);
	placed_literals(space, list, placed, spec);
	error = code_commit(space->code, start, quantum);
	if (error) {
		code_release(space->code, start, quantum);
		return error;
	}
	code_account(space->code, CODE_STUBS, placed_bytes(size));
	code_account(space->code, CODE_LITERALS, placed_literal_bytes(space, placed));
	watched_body(space->code, STUB_ROLE_STUB, placed->at, size, &config, spec);
	return 0;
}

static void drop(struct stub_space *space, const struct placed *placed)
{
	code_account(space->code, CODE_STUBS, -placed_bytes(placed->size));
	code_account(space->code, CODE_LITERALS, -placed_literal_bytes(space, placed));
	code_release(space->code, quantum_of(space, placed), code_get_config(space->code)->quantum);
}

static int make(struct stub_space *space, const struct stub_spec *specs, uint32_t *words, size_t n)
{
	struct placed_list *list = space->state;
	size_t done = 0;
	int error = 0;

	for (; done < n && !error; done += !error) {
		words[done] = placed_new(list);
		error = words[done] ? place(space, &specs[done], placed_at(list, words[done]))
				    : -ENOMEM;
		if (error && words[done])
			placed_free(list, words[done]);
	}
	for (size_t i = 0; error && i < done; i++) {
		drop(space, placed_at(list, words[i]));
		placed_free(list, words[i]);
	}
	return error;
}

static int page_open(struct stub_space *space)
{
	struct placed_list *list = space->state;

	list->make = make;
	list->drop = drop;
	return placed_open(list, space);
}

static int stagger_open(struct stub_space *space)
{
	struct page_state *state = space->state;

	state->stagger = true;
	return page_open(space);
}

static void page_close(struct stub_space *space)
{
	placed_close(space->state);
}

static int page_bind(struct stub_space *space, const struct stub_spec *spec, struct stub_callee *c)
{
	struct placed_list *list = space->state;
	uint32_t word;

	int error = make(space, spec, &word, 1);
	if (!error)
		placed_publish(list, spec, word, c);
	return error;
}

#define PAGE(row, as, what, opens)                                                \
	const struct stub_ops stub_##row = {                                      \
		.name = as,                                                       \
		.summary = what,                                                  \
		.flags = STUB_RETARGET_IN_PLACE | STUB_CAN_BAKE | STUB_CAN_TABLE, \
		.state = sizeof(struct page_state),                               \
		.open = opens,                                                    \
		.close = page_close,                                              \
		.bind = page_bind,                                                \
		.retarget = placed_retarget,                                      \
		.retarget_many = placed_retarget_many,                            \
		.release = placed_release,                                        \
		.reclaim = placed_reclaim,                                        \
	}

PAGE(page, "page", "a quantum for each stub, made one at a time (the baseline)", page_open);
PAGE(page_stagger, "page+stagger", "page, each stub a line further into its quantum", stagger_open);
