/*
 * walk.c - follows frames by their saved rbp, through the stubs between them.
 *
 *      exit frame (a stub's)    compiled             entry stub        an older exit frame
 *      | rbp | return to -->|   | rbp | return to -->| exit_frame -->|  | rbp | return to --> ...
 *
 * A return address belongs to the frame whose rbp is saved below it. If it lies among the stubs,
 * the frame is a stub's, and its kind says how to go on (stub.h): an entry's frame leads to the
 * exit frame that was current when the host called in, past the host's own frames; other stubs have
 * their caller's frame above. Stubs that jump to their target, and lazy ones, leave no frame.
 */
#include "gc/walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int grow(struct walk *w)
{
	size_t cap = w->cap ? 2 * w->cap : 256;
	uint32_t *pcs = realloc(w->pcs, cap * sizeof(*pcs));

	if (!pcs)
		return -ENOMEM;
	w->pcs = pcs;
	struct walk_frame *frames = realloc(w->frames, cap * sizeof(*frames));
	if (!frames)
		return -ENOMEM;
	w->frames = frames;
	w->cap = cap;
	return 0;
}

int walk_stack(struct walk *w, const struct stub_activation *activation)
{
	uint64_t *rbp = activation->exit_frame;

	w->n = w->stubs = 0;
	while (rbp) {
		uint64_t *caller = (uint64_t *)(uintptr_t)rbp[0];
		uintptr_t pc = rbp[1];

		if (pc > w->text_from && pc <= w->text_to) {
			if (w->n == w->cap && grow(w))
				return -ENOMEM;
			w->pcs[w->n] = (uint32_t)(pc - w->text_from);
			w->frames[w->n++] = (struct walk_frame){ rbp + 2, caller };
		} else if (pc > w->stubs_from && pc <= w->stubs_to) {
			w->stubs++;
			if (caller[-1] <= STUB_ENTRY_JS)
				caller = (uint64_t *)(uintptr_t)caller[-2];
		} else {
			w->lost = pc;
			return -EFAULT;
		}
		rbp = caller;
	}
	return 0;
}

void walk_close(struct walk *w)
{
	free(w->pcs);
	free(w->frames);
	*w = (struct walk){ 0 };
}

/* ---- The log --------------------------------------------------------------------------------- */

/* Makes room for n elements of `size` bytes. */
static int reserve(void **array, size_t *cap, size_t n, size_t size)
{
	size_t grown = *cap ? *cap : 256;

	while (grown < n)
		grown *= 2;
	void *moved = grown > *cap ? realloc(*array, grown * size) : *array;
	if (!moved)
		return -ENOMEM;
	*array = moved;
	*cap = grown;
	return 0;
}

int walk_log_add(struct walk_log *l, const struct walk *w)
{
	void *pcs = l->pcs, *ends = l->ends;
	int err;

	if (!w->n)
		return 0;
	/* The log is the run's beginning without gaps: after the first walk
	 * that is cut, none is kept. */
	if (l->cut_walks || l->nwalks == WALK_LOG_WALKS || w->n > WALK_LOG_PCS - l->npcs) {
		l->cut_walks++;
		l->cut_pcs += w->n;
		return 0;
	}
	err = reserve(&pcs, &l->pcs_cap, l->npcs + w->n, sizeof(*l->pcs));
	l->pcs = pcs;
	if (!err)
		err = reserve(&ends, &l->walks_cap, l->nwalks + 1, sizeof(*l->ends));
	l->ends = ends;
	if (err)
		return err;
	memcpy(l->pcs + l->npcs, w->pcs, w->n * sizeof(*w->pcs));
	l->npcs += w->n;
	l->ends[l->nwalks++] = l->npcs;
	return 0;
}

void walk_log_close(struct walk_log *l)
{
	free(l->pcs);
	free(l->ends);
	*l = (struct walk_log){ 0 };
}
