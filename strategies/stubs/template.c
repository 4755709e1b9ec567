/*
 * template.c - whole stubs, copied from a template and packed side by side.
 *
 *      heap:  template (kind, signature..)   code:  | stub | stub  | stub | (free) | stub | ...
 *                |                                          ^ 16-byte aligned, each in full
 *                +--- copy, then write target and context --+
 *
 * The code of a kind and signature is generated once; a stub is a copy with two literals written in
 * (baked), or two words beside it (table). It trades space for speed: each stub is its whole body,
 * 32 to some hundred bytes, but nothing is shared, nothing jumps, and a baked call is direct. Made
 * one at a time, each stub costs two changes of protection of a quantum in which other stubs run;
 * made in bulk, all together cost two. The first 16 bytes of a stub never cross a cache line.
 *
 * Released places are used again by stubs of the same size, the lowest first; reclaim moves the
 * stubs of sparse quanta together (arena.h, placed.c). Retarget and its memory order: placed.c.
 *
 * While callers run under toggle, a quantum that holds live stubs is never written again (arena.h).
 * Stubs made together still lie together; made one at a time, each takes a quantum of its own until
 * the next reclaim, and so does each baked stub that is upgraded alone: template is then like page,
 * but for the page's start. Upgrades should use retarget_many.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "../parts/bodies.h"
#include "../parts/placed.h"
#include "../parts/watched.h"

struct template_state {
	struct placed_list list; /* must be first: placed.h */
	struct arena arena;
	struct bodies templates; /* their code is heap memory */
};
_Static_assert(!offsetof(struct template_state, list), "placed.h's hooks find the list there");

static int make_template(struct template_state *state, const struct emit_config *config,
			 const struct stub_spec *spec)
{
	uint8_t code[EMIT_MAX];
	struct body body = { 0 };
	size_t size;

	int error = emit_body(code, config, spec, &size, &body.patches);
	if (error)
		return error;
	uint8_t *copy = malloc(size);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, code, size);
	body.code = copy;
	body.size = (uint32_t)size;
	error = bodies_insert(&state->templates, spec, config->form, &body);
	if (error)
		free(copy);
	return error;
}

/* Makes sure that each spec has a template; *bytes: the size of all their stubs. */
static int prepare_all(struct stub_space *space, const struct stub_spec *specs, size_t n,
		       size_t *bytes)
{
	struct template_state *state = space->state;

	*bytes = 0;
	for (size_t i = 0; i < n; i++) {
		enum emit_form form = placed_form(&state->list, specs[i].target);
		int error = emit_check(&specs[i], &space->runtime);
		if (error)
			return error;
		const struct body *template = bodies_find(&state->templates, &specs[i], form);

		if (!template) {
			struct emit_config config = placed_config(space, form);

			error = make_template(state, &config, &specs[i]);
			if (error)
				return error;
			template = bodies_find(&state->templates, &specs[i], form);
		}
		*bytes += (size_t)placed_bytes(template->size);
	}
	return 0;
}

static int template_prepare(struct stub_space *space, const struct stub_spec *specs, size_t n)
{
	size_t bytes;

	return prepare_all(space, specs, n, &bytes);
}

/* Copies a prepared template to a place that is open until arena_commit. */
static int place(struct stub_space *space, const struct stub_spec *spec, struct placed *placed)
{
	struct template_state *state = space->state;
	enum emit_form form = placed_form(&state->list, spec->target);
	const struct body *template = bodies_find(&state->templates, spec, form);

	*placed = (struct placed){ .at = arena_take(&state->arena, template->size),
				   .size = template->size,
				   .form = form,
				   .patches = template->patches,
				   .kind = spec->kind,
				   .signature = spec->signature,
				   .bound = spec->bound,
				   .nbound = spec->nbound };
	if (!placed->at)
		return -errno;
	memcpy(code_writable(space->code, placed->at), template->code, template->size);
	placed_literals(space, &state->list, placed, spec);
	code_account(space->code, CODE_LITERALS, placed_literal_bytes(space, placed));
	const struct emit_config config = placed_config(space, form);
	watched_body(space->code, STUB_ROLE_STUB, placed->at, placed->size, &config, spec);
	return 0;
}

static void drop(struct stub_space *space, const struct placed *placed)
{
	struct template_state *state = space->state;

	arena_give(&state->arena, placed->at, placed->size);
	code_account(space->code, CODE_LITERALS, -placed_literal_bytes(space, placed));
}

static int make(struct stub_space *space, const struct stub_spec *specs, uint32_t *words, size_t n)
{
	struct template_state *state = space->state;
	size_t done = 0;

	int error = prepare_all(space, specs, n, &state->arena.expected);
	if (error)
		return error;
	for (; done < n && !error; done += !error) {
		words[done] = placed_new(&state->list);
		error = words[done]
			    ? place(space, &specs[done], placed_at(&state->list, words[done]))
			    : -ENOMEM;
		if (error && words[done])
			placed_free(&state->list, words[done]);
	}
	bool placed = !error;
	if (placed)
		error = arena_commit(&state->arena);
	for (size_t i = 0; error && i < done; i++) {
		drop(space, placed_at(&state->list, words[i]));
		placed_free(&state->list, words[i]);
	}
	if (!placed)
		(void)arena_abort(&state->arena);
	return error;
}

static int template_open(struct stub_space *space)
{
	struct template_state *state = space->state;

	arena_init(&state->arena, space->code);
	state->list.arena = &state->arena;
	state->list.make = make;
	state->list.drop = drop;
	return placed_open(&state->list, space);
}

static void template_close(struct stub_space *space)
{
	struct template_state *state = space->state;

	for (uint32_t i = 0; i < state->templates.capacity; i++)
		free((void *)(uintptr_t)state->templates.table[i].code);
	bodies_close(&state->templates);
	placed_close(&state->list);
	arena_close(&state->arena);
}

static int template_bind_many(struct stub_space *space, const struct stub_spec *specs,
			      struct stub_callee *const *c, size_t n)
{
	struct template_state *state = space->state;
	uint32_t one, *words = n > 1 ? malloc(n * sizeof(*words)) : &one;
	int error = words ? make(space, specs, words, n) : -ENOMEM;

	for (size_t i = 0; !error && i < n; i++)
		placed_publish(&state->list, &specs[i], words[i], c[i]);
	if (words != &one)
		free(words);
	return error;
}

static int template_bind(struct stub_space *space, const struct stub_spec *spec,
			 struct stub_callee *c)
{
	return template_bind_many(space, spec, &c, 1);
}

const struct stub_ops stub_template = {
	.name = "template",
	.summary = "whole stubs copied from one template a signature, packed",
	.flags = STUB_BULK | STUB_RETARGET_IN_PLACE | STUB_CAN_BAKE | STUB_CAN_TABLE | STUB_COMPACT,
	.state = sizeof(struct template_state),
	.open = template_open,
	.close = template_close,
	.prepare = template_prepare,
	.bind = template_bind,
	.bind_many = template_bind_many,
	.retarget = placed_retarget,
	.retarget_many = placed_retarget_many,
	.release = placed_release,
	.reclaim = placed_reclaim,
};
