/*
 * placed.c - whole stubs, their literals and how a target is replaced.
 *
 * Literals in a table: a target is a word of data, replaced by one aligned store (release). The
 * stub's call instruction reads it once, old or new.
 *
 * Baked literals, three ways:
 *
 *   callers stand still   the target is a field inside an instruction: written under a change of
 *                         protection (toggle), during which no code of its pages can run.
 *   dual, rwx             the same field, written while others run it.
 *   toggle, running       code that can run is never unprotected: a new stub elsewhere, whose
 *                         address replaces callee->code; the old one is retired.
 *
 * and in all of them a target out of a near call's reach is given a new stub in the third way.
 *
 * Memory order while callers run, for a thread that knows by any synchronisation of the program's
 * own that retarget has returned:
 *
 * - Table: x86 stores become visible in order (TSO): such a thread sees the new word. A load that
 *   ran ahead by speculation is undone when the line changes.
 *
 * - In place: the field is aligned (emit/x86_64.c), so that one store writes all of it and no fetch
 *   sees half. Then comes code_commit: membarrier returns when each thread of the process has
 *   executed a serialising instruction after the store, so that each later call fetches the new
 *   field. Both manuals ask for this. Between store and barrier a thread may execute the
 *   instruction unsynchronised: AMD grants the old field or the new for an aligned store of up to
 *   eight bytes (APM 2, 7.6.1), Intel's manual grants nothing there. HotSpot rewrites calls so on
 *   both; the Linux kernel puts a breakpoint first. That window remains. An embedder that can't
 *   accept it uses toggle, or a table.
 *
 * - New stub: its bytes and their commit come before the store (release) of the code pointer, so a
 *   thread that reads the pointer can execute them (code.c). Callers that read the old pointer, or
 *   are inside the old stub, go on in memory that is neither freed nor changed: nothing in the
 *   machine tells when the last of them has left, so the embedder says it, by reclaim.
 *
 * A place used again for another stub is written, committed, and only then published: the same as a
 * new stub. Release and reclaim presuppose that nobody still calls the old stub.
 *
 * Many at once: all new stubs are made first, together; then come the stores and one commit for the
 * stubs changed in place: one change of protection or one barrier; then the new stubs replace the
 * old, which can't fail.
 *
 * A commit that the kernel refuses after a store in place: the old targets go back, and are
 * committed. So a refusal changes nothing; a second one in a row is reported as such, since these
 * stubs can't be called then (toggle), or threads may have seen the new target (running).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "placed.h"

/* ---- Words in the side table ---------------------------------------------------------------- */

/* Target and context; of a poisoned baked stub, as its release or replacement left them. */
static const void **table_words(const struct placed_list *list, const uint8_t *at)
{
	return (const void **)(at + list->distance);
}

/* Under poison: the word through which the stub's head jumps. */
static const void **guard_word(const struct placed_list *list, const uint8_t *at)
{
	return (const void **)(at + 2 * list->distance);
}

static void set_owner(const struct placed_list *list, const uint8_t *at, const void *target,
		      const void *context)
{
	__atomic_store_n(&table_words(list, at)[0], target, __ATOMIC_RELEASE);
	__atomic_store_n(&table_words(list, at)[1], context, __ATOMIC_RELAXED);
}

static void report(void *arg, uint8_t *r11, struct stub_callee *r10)
{
	const struct stub_space *space = arg;
	size_t distance = code_literal_distance(space->code);
	uint8_t *at = r11 - 2 * distance;
	const void **words = (const void **)(at + distance);

	(void)r10;
	space->runtime.released(&(struct stub_owner){
	    .code = at,
	    .target = __atomic_load_n(&words[0], __ATOMIC_RELAXED),
	    .context = (void *)(uintptr_t)__atomic_load_n(&words[1], __ATOMIC_RELAXED) });
}

int placed_open(struct placed_list *list, struct stub_space *space)
{
	list->distance = code_literal_distance(space->code);
	code_range(space->code, CODE_STUBS, &list->from, &list->to);
	list->baked = space->config.literals == STUB_LITERALS_BAKED;
	list->frozen = code_frozen(space->code);
	return poison_open(&list->poison, space, report);
}

void placed_literals(const struct stub_space *space, const struct placed_list *list,
		     const struct placed *placed, const struct stub_spec *spec)
{
	if (placed->form == EMIT_TABLE) {
		set_owner(list, placed->at, spec->target, spec->context);
		if (spec->nbound)
			memcpy(&table_words(list, placed->at)[2], spec->bound,
			       spec->nbound * sizeof(*spec->bound));
	} else {
		emit_literals(placed->form, &placed->patches,
			      code_writable(space->code, placed->at), placed->at, spec);
	}
	if (poisoned(&list->poison))
		__atomic_store_n(guard_word(list, placed->at), placed->at + EMIT_SLOT,
				 __ATOMIC_RELEASE);
}

void placed_publish(const struct placed_list *list, const struct stub_spec *spec, uint32_t word,
		    struct stub_callee *c)
{
	__atomic_store_n(&c->target, spec->target, __ATOMIC_RELAXED);
	c->context = spec->context;
	c->word = word;
	placed_at(list, word)->callee = c;
	__atomic_store_n(&c->code, placed_at(list, word)->at, __ATOMIC_RELEASE);
}

/* ---- Stubs that were replaced --------------------------------------------------------------- */

static void link_replaced(struct placed_list *list, uint32_t word)
{
	struct placed *p = placed_at(list, word);

	p->prev = 0;
	p->next = list->replaced;
	if (p->next)
		placed_at(list, p->next)->prev = word;
	list->replaced = word;
}

static void unlink_replaced(struct placed_list *list, uint32_t word)
{
	struct placed *p = placed_at(list, word);

	if (p->next)
		placed_at(list, p->next)->prev = p->prev;
	if (p->prev)
		placed_at(list, p->prev)->next = p->next;
	else
		list->replaced = p->next;
}

/* Gives c the stub of record `made`; that record then holds the old stub. */
static void replace(struct stub_space *space, struct placed_list *list, struct stub_callee *c,
		    uint32_t made, const void *target)
{
	struct placed *live = placed_at(list, c->word), *old = placed_at(list, made);
	struct placed moved = *old;

	*old = *live;
	old->callee = NULL;
	moved.callee = c;
	moved.before = made;
	moved.prev = live->prev;
	moved.next = live->next;
	*live = moved;
	if (!old->before)
		link_replaced(list, (uint32_t)c->word);
	if (poisoned(&list->poison))
		set_owner(list, old->at, c->target, c->context);
	code_retire(space->code, placed_bytes(old->size));
	__atomic_store_n(&c->target, target, __ATOMIC_RELAXED);
	__atomic_store_n(&c->code, live->at, __ATOMIC_RELEASE);
}

/* Frees a stub that nobody calls; under poison, the one that leaves the quarantine instead. */
static void dispose(struct stub_space *space, struct placed_list *list, uint32_t word)
{
	if (poisoned(&list->poison)) {
		const struct placed *p = placed_at(list, word);

		__atomic_store_n(guard_word(list, p->at),
				 list->poison.entries[emit_zero_of(p->kind, p->signature)],
				 __ATOMIC_RELEASE);
		word = (uint32_t)poison_pass(&list->poison, word);
		if (!word)
			return;
	}
	list->drop(space, placed_at(list, word));
	placed_free(list, word);
}

static void free_replaced(struct stub_space *space, struct placed_list *list, uint32_t word)
{
	uint32_t next;

	for (uint32_t old = placed_at(list, word)->before; old; old = next) {
		next = placed_at(list, old)->before;
		code_retire(space->code, -placed_bytes(placed_at(list, old)->size));
		dispose(space, list, old);
	}
	placed_at(list, word)->before = 0;
}

static void free_all_replaced(struct stub_space *space, struct placed_list *list)
{
	for (uint32_t word = list->replaced; word; word = placed_at(list, word)->next)
		free_replaced(space, list, word);
	list->replaced = 0;
}

void placed_release(struct stub_space *space, struct stub_callee *c)
{
	struct placed_list *list = space->state;
	uint32_t word = (uint32_t)c->word;
	const struct placed *p = placed_at(list, word);

	if (p->before) {
		unlink_replaced(list, word);
		free_replaced(space, list, word);
	}
	if (poisoned(&list->poison))
		set_owner(list, p->at, c->target, c->context);
	placed_at(list, word)->callee = NULL;
	*c = (struct stub_callee){ 0 };
	dispose(space, list, word);
}

/* ---- Retarget ------------------------------------------------------------------------------- */

/* Whether a retarget to target needs a new stub. */
static bool must_move(const struct placed_list *list, const struct placed *p, const void *target)
{
	return p->form != EMIT_TABLE &&
	       (list->frozen || (p->form == EMIT_NEAR && placed_form(list, target) != EMIT_NEAR));
}

static void store_word(const struct placed_list *list, const struct placed *p,
		       struct stub_callee *c, const void *target)
{
	__atomic_store_n(&table_words(list, p->at)[0], target, __ATOMIC_RELEASE);
	__atomic_store_n(&c->target, target, __ATOMIC_RELAXED);
}

/* Writes the field of a baked stub, whose memory must be writable. */
static void store_field(const struct stub_space *space, const struct placed *p,
			struct stub_callee *c, const void *target)
{
	emit_retarget(p->form, &p->patches, code_writable(space->code, p->at), p->at, target);
	__atomic_store_n(&c->target, target, __ATOMIC_RELAXED);
}

static struct stub_spec spec_for(const struct placed *p, const struct stub_callee *c,
				 const void *target)
{
	return (struct stub_spec){ .kind = p->kind,
				   .signature = p->signature,
				   .target = target,
				   .context = c->context,
				   .bound = p->bound,
				   .nbound = p->nbound };
}

static int move(struct stub_space *space, struct placed_list *list, struct stub_callee *c,
		const void *target)
{
	struct stub_spec spec = spec_for(placed_at(list, c->word), c, target);
	uint32_t made;

	int error = list->make(space, &spec, &made, 1);
	if (!error)
		replace(space, list, c, made, target);
	return error;
}

static int retarget_baked(struct stub_space *space, struct placed_list *list, struct stub_callee *c,
			  const void *target)
{
	const struct placed *p = placed_at(list, c->word);

	if (must_move(list, p, target))
		return move(space, list, c, target);
	const void *old = c->target;
	uint8_t *field = p->at + p->patches.target;
	size_t bytes = p->form == EMIT_NEAR ? 4 : 8;
	int error = code_patch(space->code, field, bytes);
	if (error)
		return error;
	store_field(space, p, c, target);
	error = code_commit(space->code, field, bytes);
	if (!error)
		return 0;
	store_field(space, p, c, old);
	return code_commit(space->code, field, bytes) ? -ENOTRECOVERABLE : error;
}

int placed_retarget(struct stub_space *space, struct stub_callee *c, const void *target)
{
	struct placed_list *list = space->state;

	if (list->baked)
		return retarget_baked(space, list, c, target);
	store_word(list, placed_at(list, c->word), c, target);
	return 0;
}

struct many {
	struct stub_callee *const *c;
	const void *const *targets;
	size_t n, moves;
	uint8_t *low, *high; /* of the stubs that are patched in place; NULL: none */
	const void **olds;   /* the targets until now */
	struct stub_spec *specs;
	uint32_t *words; /* both: of the stubs that move, in order */
};

static void survey(const struct placed_list *list, struct many *m)
{
	m->moves = 0;
	m->low = m->high = NULL;
	for (size_t i = 0; i < m->n; i++) {
		const struct placed *p = placed_at(list, m->c[i]->word);

		m->olds[i] = m->c[i]->target;
		if (must_move(list, p, m->targets[i])) {
			m->specs[m->moves++] = spec_for(p, m->c[i], m->targets[i]);
		} else {
			m->low = !m->low || p->at < m->low ? p->at : m->low;
			m->high = p->at + p->size > m->high ? p->at + p->size : m->high;
		}
	}
}

/* Gives the stubs that are patched in place these targets; their memory must be writable. */
static void store_all(const struct stub_space *space, const struct placed_list *list,
		      const struct many *m, const void *const *targets)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct placed *p = placed_at(list, m->c[i]->word);

		if (!must_move(list, p, m->targets[i]))
			store_field(space, p, m->c[i], targets[i]);
	}
}

static int patch_all(struct stub_space *space, const struct placed_list *list, const struct many *m)
{
	/* Only a change of protection needs the whole span; a barrier is for all memory. */
	size_t bytes =
	    code_get_config(space->code)->wx == CODE_TOGGLE ? (size_t)(m->high - m->low) : 1;

	int error = code_patch(space->code, m->low, bytes);
	if (error)
		return error;
	store_all(space, list, m, m->targets);
	error = code_commit(space->code, m->low, bytes);
	if (!error)
		return 0;
	store_all(space, list, m, m->olds);
	return code_commit(space->code, m->low, bytes) ? -ENOTRECOVERABLE : error;
}

static int retarget_all(struct stub_space *space, struct placed_list *list, struct many *m)
{
	size_t moved = 0;

	int error = m->moves ? list->make(space, m->specs, m->words, m->moves) : 0;
	if (error)
		return error;
	if (m->low)
		error = patch_all(space, list, m);
	for (size_t i = 0; error && i < m->moves; i++) {
		list->drop(space, placed_at(list, m->words[i]));
		placed_free(list, m->words[i]);
	}
	for (size_t i = 0; !error && i < m->n; i++)
		if (must_move(list, placed_at(list, m->c[i]->word), m->targets[i]))
			replace(space, list, m->c[i], m->words[moved++], m->targets[i]);
	return error;
}

static int one_by_one(struct stub_space *space, const struct many *m, size_t *done)
{
	int error = 0;

	for (*done = 0; *done < m->n && !error; *done += !error)
		error = placed_retarget(space, m->c[*done], m->targets[*done]);
	return error;
}

int placed_retarget_many(struct stub_space *space, struct stub_callee *const *c,
			 const void *const *targets, size_t n, size_t *done)
{
	struct placed_list *list = space->state;
	struct many m = { .c = c, .targets = targets, .n = n };

	if (!list->baked) {
		for (size_t i = 0; i < n; i++)
			store_word(list, placed_at(list, c[i]->word), c[i], targets[i]);
		*done = n;
		return 0;
	}
	if (n < 2)
		return one_by_one(space, &m, done);
	m.olds = malloc(n * sizeof(*m.olds));
	m.specs = malloc(n * sizeof(*m.specs));
	m.words = malloc(n * sizeof(*m.words));
	int error = m.olds && m.specs && m.words ? 0 : -ENOMEM;
	if (!error) {
		survey(list, &m);
		error = retarget_all(space, list, &m);
	}
	/* A quantum between the first stub and the last is not held, so no single change of
	 * protection covers all. Nothing has changed yet. */
	if (error == -EINVAL)
		error = one_by_one(space, &m, done);
	else
		*done = error ? 0 : n;
	free(m.olds);
	free(m.specs);
	free(m.words);
	return error;
}

/* ---- Reclaim -------------------------------------------------------------------------------- */

/* Makes the stubs of marked quanta anew, all together: a retarget to the same target. */
static void move_marked(struct stub_space *space, struct placed_list *list)
{
	struct stub_spec *specs = malloc(list->count * sizeof(*specs));
	uint32_t *words = malloc(list->count * sizeof(*words));
	struct stub_callee **c = malloc(list->count * sizeof(struct stub_callee *));
	uint32_t n = 0;

	for (uint32_t word = 1; specs && words && c && word <= list->count; word++) {
		const struct placed *p = placed_at(list, word);

		if (p->callee && arena_marked(list->arena, p->at, p->size)) {
			c[n] = p->callee;
			specs[n++] = spec_for(p, p->callee, p->callee->target);
		}
	}
	list->arena->fresh = true;
	if (n && !list->make(space, specs, words, n))
		for (uint32_t i = 0; i < n; i++)
			replace(space, list, c[i], words[i], specs[i].target);
	list->arena->fresh = false;
	free(specs);
	free(words);
	free(c);
}

/* Poisoned stubs stay where they are: stale callers are known by the stub that they call. Stubs
 * that there is no room for stay, too. */
void placed_reclaim(struct stub_space *space)
{
	struct placed_list *list = space->state;

	free_all_replaced(space, list);
	if (!list->arena)
		return;
	arena_settle(list->arena);
	if (poisoned(&list->poison) || !list->count || !arena_mark(list->arena))
		return;
	move_marked(space, list);
	if (!space->config.running)
		free_all_replaced(space, list);
	arena_settle(list->arena);
}
