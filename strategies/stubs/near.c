/*
 * near.c - compiled code calls directly: the target where nothing is converted, else the stub.
 *
 *      module                                        other module, or the stubs' area
 *      | ... mov rdi, [callee.context]; call rel32 | ------------------> target     (indirect)
 *      | ... mov r10, callee;           call rel32 | ---> stub; call --> target     (other kinds)
 *      | ...                            call rel32 |
 *      | pad: mov r10, callee; jmp [r10] | <-'  as long as the callee is unbound
 *
 * A loader names the call sites of its modules (stub.h, struct stub_site); near writes their rel32
 * when a callee is bound, retargeted and released. A callee that is indirect and whose sites all
 * pass its context needs no stub: its sites call the target, and all other calls go through the one
 * adapter of its signature, as in null. All other callees have a stub of template's, as do those
 * that no site names. It trades writes of code at each bind and retarget, and a pad of 16 bytes a
 * callee and module, for calls that load no code pointer and that the predictor sees as direct.
 * Stubs stay in the stubs' area, as all of it is in reach of a module's calls.
 *
 * While callers run:
 *
 *   toggle    the module's code may not be written: near takes no sites
 *             (stub_takes_sites) and is template.
 *   dual,     a site is written by one aligned store, then comes a barrier; where such a store is
 *   rwx       not possible, the site stays at its pad (sites.h).
 *
 * A bind publishes the callee, then writes its sites. A retarget replaces what other callers see,
 * then the sites, then comes the barrier: until it returns, a call reaches the old target or the
 * new. A release leads the sites back to their pads, so that a late call faults there, as a call
 * through the callee does.
 *
 * If the kernel refuses to make code writable, bind and retarget fail and nothing has changed. If
 * it refuses to commit what was written, the callees and then their sites go back to what they
 * were; a second refusal there is the end (-ENOTRECOVERABLE). Release and reclaim can't report it:
 * what they could not write stays as it was, since nobody may call it. If the kernel refuses twice
 * to make a module executable again, its code faults until the next hook that can report: that hook
 * tries once more, and answers -ENOTRECOVERABLE if it is refused again.
 */
#include <errno.h>
#include <stdlib.h>

#include "../emit/emit.h"
#include "../parts/sites.h"

extern const struct stub_ops stub_null, stub_template;

/* A callee's mark: it is bound without a stub. */
struct near_state {
	struct sites sites;
	struct stub_space stubs, adapters;
	bool lost; /* a release or a reclaim left a module that is not executable */
};

static bool is_adapter(const struct near_state *state, const struct stub_callee *c)
{
	const struct sites_of *known = sites_find(&state->sites, c);

	return known && known->mark;
}

static int open_sites(struct near_state *state, struct stub_callee *const *c, size_t n)
{
	sites_want_of(&state->sites, c, n);
	return sites_open(&state->sites);
}

/* The kernel has refused to commit these callees' sites. The callees are as before by now; so are
 * their sites then, unless it refuses again. */
static int write_again(struct near_state *state, struct stub_callee *const *c, size_t n, int error)
{
	int opened = open_sites(state, c, n);

	for (size_t i = 0; i < n && !opened; i++)
		sites_write(&state->sites, c[i]);
	int closed = sites_close(&state->sites);
	return opened || closed ? -ENOTRECOVERABLE : error;
}

/* What a release or a reclaim had to leave is tried again. 0, or -ENOTRECOVERABLE. */
static int mend(struct near_state *state)
{
	if (!state->lost)
		return 0;
	sites_want_all(&state->sites);
	if (sites_open(&state->sites))
		return -ENOTRECOVERABLE;
	sites_write_all(&state->sites);
	if (sites_close(&state->sites))
		return -ENOTRECOVERABLE;
	state->lost = false;
	return 0;
}

/* ---- Binding ------------------------------------------------------------------------------ */

static int near_prepare(struct stub_space *space, const struct stub_spec *specs, size_t n)
{
	struct near_state *state = space->state;
	int error = mend(state);

	if (!state->sites.count)
		return stub_template.prepare(&state->stubs, specs, n);
	/* Which of them need a stub is known when they are bound. */
	for (size_t i = 0; i < n && !error; i++)
		error = emit_check(&specs[i], &space->runtime);
	return error;
}

static struct stub_space *inner_of(struct near_state *state, bool adapter)
{
	return adapter ? &state->adapters : &state->stubs;
}

/* Both classes' callees of a batch, in order: c[0..n[0]) have stubs, the others adapters. */
struct parted {
	struct stub_callee **c;
	struct stub_spec *specs;
	size_t n[2];
};

static int bind_parted(struct near_state *state, const struct stub_spec *specs,
		       struct stub_callee *const *c, const struct parted *parts)
{
	size_t at[2] = { 0, parts->n[0] };

	for (size_t i = 0; i < parts->n[0] + parts->n[1]; i++) {
		size_t to = at[is_adapter(state, c[i])]++;

		parts->c[to] = c[i];
		parts->specs[to] = specs[i];
	}
	int error = stub_template.bind_many(&state->stubs, parts->specs, parts->c, parts->n[0]);
	if (error)
		return error;
	error = stub_null.bind_many(&state->adapters, parts->specs + parts->n[0],
				    parts->c + parts->n[0], parts->n[1]);
	for (size_t i = 0; error && i < parts->n[0]; i++)
		stub_template.release(&state->stubs, parts->c[i]);
	return error;
}

static int bind_inner(struct near_state *state, const struct stub_spec *specs,
		      struct stub_callee *const *c, size_t n, size_t adapters)
{
	struct parted parts = { .n = { n - adapters, adapters } };
	int error = -ENOMEM;

	if (!adapters || adapters == n) {
		struct stub_space *inner = inner_of(state, adapters);

		return inner->ops->bind_many(inner, specs, c, n);
	}
	parts.c = malloc(n * sizeof(struct stub_callee *));
	parts.specs = malloc(n * sizeof(*parts.specs));
	if (parts.c && parts.specs)
		error = bind_parted(state, specs, c, &parts);
	free(parts.c);
	free(parts.specs);
	return error;
}

static void release_inner(struct near_state *state, struct stub_callee *c)
{
	struct sites_of *known = sites_find(&state->sites, c);
	struct stub_space *inner = inner_of(state, known && known->mark);

	inner->ops->release(inner, c);
	if (known)
		known->mark = false;
}

/* Makes the batch's sites writable, and decides which of its callees have an adapter: *adapters. */
static int begin_bind(struct stub_space *space, const struct stub_spec *specs,
		      struct stub_callee *const *c, size_t n, size_t *adapters)
{
	struct near_state *state = space->state;

	*adapters = 0;
	for (size_t i = 0; state->sites.count && i < n; i++) {
		struct sites_of *known = sites_find(&state->sites, c[i]);
		bool all = true;

		if (!known)
			continue;
		for (const struct site *s = known->first; s; s = s->next) {
			sites_want(&state->sites, s);
			all &= s->context;
		}
		known->mark = all && known->first && specs[i].kind == STUB_INDIRECT;
		*adapters += known->mark;
	}
	return sites_open(&state->sites);
}

/* After a refusal the callees' words are as before: pending ones lead to lazy's trigger. */
static void restore(const struct stub_callee *old, struct stub_callee *const *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		__atomic_store_n(&c[i]->target, old[i].target, __ATOMIC_RELAXED);
		__atomic_store_n(&c[i]->context, old[i].context, __ATOMIC_RELAXED);
		__atomic_store_n(&c[i]->word, old[i].word, __ATOMIC_RELAXED);
		__atomic_store_n(&c[i]->code, old[i].code, __ATOMIC_RELEASE);
	}
}

/* old: room for n. */
static int bind_with_sites(struct stub_space *space, const struct stub_spec *specs,
			   struct stub_callee *const *c, size_t n, struct stub_callee *old)
{
	struct near_state *state = space->state;
	size_t adapters;

	for (size_t i = 0; i < n; i++)
		old[i] = *c[i];
	int error = begin_bind(space, specs, c, n, &adapters);
	if (!error)
		error = bind_inner(state, specs, c, n, adapters);
	if (error) {
		for (size_t i = 0; adapters && i < n; i++)
			if (is_adapter(state, c[i]))
				sites_find(&state->sites, c[i])->mark = false;
		restore(old, c, n);
		return sites_close(&state->sites) ? write_again(state, c, n, error) : error;
	}
	for (size_t i = 0; state->sites.open && i < n; i++)
		sites_write(&state->sites, c[i]);
	error = sites_close(&state->sites);
	if (!error)
		return 0;
	for (size_t i = 0; i < n; i++)
		release_inner(state, c[i]);
	restore(old, c, n);
	return write_again(state, c, n, error);
}

static int near_bind_many(struct stub_space *space, const struct stub_spec *specs,
			  struct stub_callee *const *c, size_t n)
{
	struct near_state *state = space->state;
	struct stub_callee one, *old = &one;

	if (!state->sites.count)
		return bind_inner(state, specs, c, n, 0);
	int error = mend(state);
	if (error)
		return error;
	if (n > 1)
		old = malloc(n * sizeof(*old));
	error = old ? bind_with_sites(space, specs, c, n, old) : -ENOMEM;
	if (old != &one)
		free(old);
	return error;
}

static int near_bind(struct stub_space *space, const struct stub_spec *spec, struct stub_callee *c)
{
	return near_bind_many(space, spec, &c, 1);
}

static void near_release(struct stub_space *space, struct stub_callee *c)
{
	struct near_state *state = space->state;

	release_inner(state, c);
	if (state->sites.count && !open_sites(state, &c, 1))
		sites_write(&state->sites, c);
	if (sites_close(&state->sites) && write_again(state, &c, 1, 0))
		state->lost = true;
}

/* ---- Retargeting -------------------------------------------------------------------------- */

static int near_retarget(struct stub_space *space, struct stub_callee *c, const void *target)
{
	struct near_state *state = space->state;
	struct stub_space *inner = inner_of(state, is_adapter(state, c));
	const void *old = c->target;

	int error = mend(state);
	if (!error && state->sites.count)
		error = open_sites(state, &c, 1);
	if (error)
		return error;
	error = inner->ops->retarget(inner, c, target);
	if (!error && state->sites.open)
		sites_write(&state->sites, c);
	int closed = sites_close(&state->sites);
	if (!closed)
		return error;
	int back = error ? 0 : inner->ops->retarget(inner, c, old);
	error = write_again(state, &c, 1, error ? error : closed);
	return back ? -ENOTRECOVERABLE : error;
}

/* Callees with stubs come first, together, as only they can fail; then the others before the first
 * that failed. which: n numbers; stubs, to: n each. */
static int retarget_parted(struct near_state *state, struct stub_callee *const *c,
			   const void *const *targets, size_t n, size_t *done,
			   struct stub_callee **stubs, const void **to, size_t *which)
{
	size_t count = 0, changed = 0;

	for (size_t i = 0; i < n; i++) {
		if (is_adapter(state, c[i]))
			continue;
		stubs[count] = c[i];
		to[count] = targets[i];
		which[count++] = i;
	}
	int error = count ? stub_retarget_many(&state->stubs, stubs, to, count, &changed) : 0;
	*done = changed < count ? which[changed] : n;
	for (size_t i = 0; i < *done; i++)
		if (is_adapter(state, c[i]))
			(void)stub_null.retarget(&state->adapters, c[i], targets[i]);
	return error;
}

/* Sites of these n, of which the first `done` have new targets, were not committed. */
static int retarget_back(struct near_state *state, struct stub_callee *const *c,
			 const void *const *olds, size_t n, size_t done, int error)
{
	int back = 0;

	for (size_t i = 0; i < done && !back; i++) {
		struct stub_space *inner = inner_of(state, is_adapter(state, c[i]));

		back = inner->ops->retarget(inner, c[i], olds[i]);
	}
	error = write_again(state, c, n, error);
	return back ? -ENOTRECOVERABLE : error;
}

static int near_retarget_many(struct stub_space *space, struct stub_callee *const *c,
			      const void *const *targets, size_t n, size_t *done)
{
	struct near_state *state = space->state;
	int closed = 0;

	*done = 0;
	if (!state->sites.count)
		return stub_retarget_many(&state->stubs, c, targets, n, done);
	struct stub_callee **stubs = malloc(n * sizeof(struct stub_callee *) + 1);
	const void **to = malloc(2 * n * sizeof(void *) + 1), **olds = to ? to + n : NULL;
	size_t *which = malloc(n * sizeof(*which) + 1);
	int error = stubs && to && which ? mend(state) : -ENOMEM;
	if (!error)
		error = open_sites(state, c, n);
	if (!error) {
		for (size_t i = 0; i < n; i++)
			olds[i] = c[i]->target;
		error = retarget_parted(state, c, targets, n, done, stubs, to, which);
		for (size_t i = 0; i < *done; i++)
			sites_write(&state->sites, c[i]);
		closed = sites_close(&state->sites);
		if (closed) {
			error = retarget_back(state, c, olds, n, *done, error ? error : closed);
			*done = 0;
		}
	}
	free(stubs);
	free(to);
	free(which);
	return error;
}

static void near_reclaim(struct stub_space *space)
{
	struct near_state *state = space->state;

	/* It may move stubs: if their sites can't follow, nothing is reclaimed. */
	sites_want_all(&state->sites);
	if (sites_open(&state->sites))
		return;
	stub_template.reclaim(&state->stubs);
	sites_write_all(&state->sites);
	if (!sites_close(&state->sites))
		return;
	state->lost = true; /* once more: code that is not executable is no use */
	(void)mend(state);
}

/* ---- Sites -------------------------------------------------------------------------------- */

static int near_attach(struct stub_space *space, const struct stub_site *sites, size_t n)
{
	struct near_state *state = space->state;

	return sites_add(&state->sites, sites, n);
}

static void near_detach(struct stub_space *space, const void *from, const void *to)
{
	struct near_state *state = space->state;

	sites_drop(&state->sites, from, to);
}

/* ---- The strategy ------------------------------------------------------------------------- */

static int near_open(struct stub_space *space)
{
	struct near_state *state = space->state;
	struct stub_config adapters = space->config;

	adapters.literals = STUB_LITERALS_OWN;
	sites_init(&state->sites, space);
	int error = stub_space_open(&state->stubs, &stub_template, space->code, &space->config,
				    &space->runtime);
	if (error)
		return error;
	error =
	    stub_space_open(&state->adapters, &stub_null, space->code, &adapters, &space->runtime);
	if (error)
		stub_space_close(&state->stubs);
	return error;
}

static void near_close(struct stub_space *space)
{
	struct near_state *state = space->state;

	sites_free(&state->sites);
	stub_space_close(&state->adapters);
	stub_space_close(&state->stubs);
}

const struct stub_ops stub_near = {
	.name = "near",
	.summary = "call sites made direct: to the target, or to a stub of template's",
	.flags = STUB_BULK | STUB_RETARGET_IN_PLACE | STUB_CAN_BAKE | STUB_CAN_TABLE | STUB_COMPACT,
	.state = sizeof(struct near_state),
	.open = near_open,
	.close = near_close,
	.prepare = near_prepare,
	.bind = near_bind,
	.bind_many = near_bind_many,
	.retarget = near_retarget,
	.retarget_many = near_retarget_many,
	.release = near_release,
	.reclaim = near_reclaim,
	.attach = near_attach,
	.detach = near_detach,
};
