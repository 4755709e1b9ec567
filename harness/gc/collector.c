/*
 * collector.c - one collection, in four steps: it walks the frames, looks all of them up in the
 * encoder's table, forwards the references in the live places, and scans the moved objects.
 *
 * It takes the answer "no map" for "no references", as collectors do: a missing map then leaves a
 * pointer into the old space, which faults when it is used. It refuses two things at once, since
 * going on would write into memory that is not the program's: a place outside its frame, and (if
 * answers are checked) a root that points neither into the heap nor near null. A pointer derived
 * from null is a small number and passes.
 */
#include "base/clock.h"
#include "gc/collector.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	BUDGET = 256 << 10,	 /* bytes; normal: the least between two collections */
	RANDOM_BUDGET = 4 << 10, /* the most, or an eighth of the live bytes */
	NULL_ZONE = 1 << 16,	 /* addresses that the kernel never maps */
	DESCRIBED = 8,		 /* places named in a message */
};
static const size_t never_budget = (size_t)2 << 30;

/* ---- Messages ------------------------------------------------------------------------------- */

static __attribute__((format(printf, 3, 4))) int
failed(struct collector *c, enum collector_failure failure, const char *fmt, ...)
{
	va_list ap;

	c->failure = failure;
	va_start(ap, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
	return -1;
}

static int no_memory(struct collector *c)
{
	return failed(c, COLLECTOR_NO_MEMORY, "out of memory for the heap");
}

static const struct safepoint *truth_at(const struct collector *c, uint32_t pc)
{
	const struct corpus *o = c->config.oracle;

	return o ? safepoint_find(o->safepoints, o->nsafepoints, pc, NULL) : NULL;
}

static int append_place(char *text, size_t size, int n, uint32_t i, uint32_t place)
{
	if (i > DESCRIBED)
		return n;
	if (i == DESCRIBED)
		return n + snprintf(text + n, size - (size_t)n, ", ...");
	return n + snprintf(text + n, size - (size_t)n, "%s%s%u", i ? ", " : "",
			    place < MAP_REGISTER ? "" : "r", place & ~MAP_REGISTER);
}

static void describe_answer(enum map_answer answer, const struct map_live *live, char text[100])
{
	struct map_cursor at = { 0 };
	uint32_t place, i = 0;
	int n = 1;

	if (answer != MAP_FOUND) {
		strcpy(text, answer == MAP_ABSENT ? "no map" : "no safepoint");
		return;
	}
	text[0] = '{';
	while (map_next(live, &at, &place))
		n = append_place(text, 98, n, i++, place);
	strcpy(text + n, "}");
}

static void describe_truth(const struct safepoint *truth, char text[100])
{
	int n = 1;

	if (!truth) {
		strcpy(text, "unknown");
		return;
	}
	text[0] = '{';
	for (uint32_t i = 0; i < truth->nlive && i <= DESCRIBED; i++)
		n = append_place(text, 98, n, i, truth->live[i]);
	strcpy(text + n, "}");
}

static void describe_pc(const struct collector *c, uint32_t pc, char text[80])
{
	const struct loaded *m = c->config.module;
	/* A return address belongs to the call before it. */
	const struct load_function *f = loaded_function_at(m, m->text + pc - 1);

	if (f)
		snprintf(text, 80, "%.60s+0x%zx", f->name,
			 (size_t)(m->text + pc - (const uint8_t *)f->code));
	else
		snprintf(text, 80, "text+0x%x", pc);
}

void collector_describe(const struct collector *c, uint32_t pc, char text[COLLECTOR_ERROR])
{
	const struct collector_config *k = &c->config;
	char where[80], answered[100], expected[100];
	struct map_live live = { 0 };
	/* Behind the frames' own: their answers are still in use. */
	uint8_t *scratch = c->scratch + c->answers_cap * c->scratch_each;
	enum map_answer answer = k->ops->lookup(k->map, k->map_len, pc, scratch, &live);

	describe_pc(c, pc, where);
	describe_answer(answer, &live, answered);
	describe_truth(truth_at(c, pc), expected);
	snprintf(text, COLLECTOR_ERROR, "%s: %s answered %.60s, should be %.60s", where,
		 k->ops->name, answered, expected);
}

/* ---- One frame ------------------------------------------------------------------------------- */

/* Counts the places that only the truth or only the answer has. */
static void count_places(struct collector *c, const struct safepoint *truth, enum map_answer answer,
			 const struct map_live *live)
{
	struct map_cursor at = { 0 };
	uint32_t i = 0, place, n = truth ? truth->nlive : 0;

	while (answer == MAP_FOUND && map_next(live, &at, &place)) {
		for (; i < n && truth->live[i] < place; i++)
			c->stats.missing++;
		if (i < n && truth->live[i] == place)
			i++;
		else
			c->stats.extra++;
	}
	c->stats.missing += n - i;
}

static void judge(struct collector *c, size_t frame)
{
	const struct safepoint *truth = truth_at(c, c->walk.pcs[frame]);
	enum map_outcome outcome = map_judge(truth, c->kinds[frame], &c->answers[frame]);

	if (outcome == MAP_CORRECT)
		return;
	c->stats.wrong++;
	count_places(c, truth, c->kinds[frame], &c->answers[frame]);
	if (!c->any_wrong)
		c->first_wrong = c->walk.pcs[frame];
	c->any_wrong = true;
}

static int bad_root(struct collector *c, size_t frame, uint32_t place, const void *value)
{
	char text[COLLECTOR_ERROR];

	collector_describe(c, c->walk.pcs[frame], text);
	if (!value)
		return failed(c, COLLECTOR_BAD_ROOT, "place %u is outside the frame at %.190s",
			      place, text);
	return failed(c, COLLECTOR_BAD_ROOT, "%p in place %u is no reference, at %.180s", value,
		      place, text);
}

static int forward_frame(struct collector *c, size_t frame)
{
	const struct walk_frame *f = &c->walk.frames[frame];
	struct map_cursor at = { 0 };
	uint32_t place;

	if (c->kinds[frame] == MAP_ABSENT)
		return 0;
	if (c->kinds[frame] != MAP_FOUND) {
		char text[COLLECTOR_ERROR];

		collector_describe(c, c->walk.pcs[frame], text);
		return failed(c, COLLECTOR_DETECTED, "refused at %.220s", text);
	}
	while (map_next(&c->answers[frame], &at, &place)) {
		size_t room = (size_t)((char *)f->end - (char *)f->sp);
		void **slot = (void **)(void *)((char *)f->sp + 4 * (size_t)place);

		if (room < 8 || 4 * (size_t)place > room - 8 || place % 2)
			return bad_root(c, frame, place, NULL);
		c->stats.roots++;
		if (heap_forward(&c->heap, slot) != HEAP_OUTSIDE || (uintptr_t)*slot < NULL_ZONE)
			continue;
		if (c->config.oracle)
			return bad_root(c, frame, place, *slot);
		c->stats.bad_roots++;
	}
	return 0;
}

/* ---- A collection ---------------------------------------------------------------------------- */

static int room_for_answers(struct collector *c)
{
	size_t n = c->walk.cap;

	if (n <= c->answers_cap)
		return 0;
	struct map_live *answers = realloc(c->answers, n * sizeof(*answers));
	if (!answers)
		return -ENOMEM;
	c->answers = answers;
	enum map_answer *kinds = realloc(c->kinds, n * sizeof(*kinds));
	if (!kinds)
		return -ENOMEM;
	c->kinds = kinds;
	uint8_t *scratch = realloc(c->scratch, (n + 1) * c->scratch_each + 1);
	if (!scratch)
		return -ENOMEM;
	c->scratch = scratch;
	c->answers_cap = n;
	return 0;
}

static void ask(struct collector *c)
{
	const struct collector_config *k = &c->config;
	const struct walk *w = &c->walk;

	if (k->ops->lookup_many) {
		k->ops->lookup_many(k->map, k->map_len, w->pcs, w->n, c->scratch, c->answers,
				    c->kinds);
		return;
	}
	for (size_t i = 0; i < w->n; i++)
		c->kinds[i] = k->ops->lookup(k->map, k->map_len, w->pcs[i],
					     c->scratch + i * c->scratch_each, &c->answers[i]);
}

static int find_frames(struct collector *c)
{
	int err = walk_stack(&c->walk, c->config.activation);

	if (err == -EFAULT)
		return failed(c, COLLECTOR_LOST, "unknown return address %p after %zu frames",
			      (void *)c->walk.lost, c->walk.n);
	if (err || room_for_answers(c))
		return no_memory(c);
	if (c->config.log && walk_log_add(c->config.log, &c->walk))
		return no_memory(c);
	return 0;
}

static int forward_all(struct collector *c)
{
	struct collector_stats *s = &c->stats;

	for (size_t i = 0; i < c->walk.n; i++) {
		if (c->config.oracle)
			judge(c, i);
		if (forward_frame(c, i))
			return -1;
	}
	for (struct collector_handle *h = c->handles; h; h = h->next)
		heap_forward(&c->heap, &h->ref);
	uint64_t outside = heap_scan(&c->heap);
	if (outside && c->config.oracle) {
		char text[COLLECTOR_ERROR] = "no map was wrong";

		if (c->any_wrong)
			collector_describe(c, c->first_wrong, text);
		return failed(c, COLLECTOR_BAD_ROOT, "%llu references in objects are stale; %.190s",
			      (unsigned long long)outside, text);
	}
	s->bad_roots += outside;
	return 0;
}

/* Bytes that may be allocated before the next collection, beyond those asked for now. */
static size_t next_budget(struct collector *c)
{
	size_t used = heap_used(&c->heap);

	switch (c->config.mode) {
	case GC_EVERY:
		return 0;
	case GC_RANDOM:
		return prng_below(&c->prng, (uint32_t)(RANDOM_BUDGET + used / 8));
	case GC_NEVER:
		return never_budget;
	default:
		return used > BUDGET ? used : BUDGET;
	}
}

static int collect(struct collector *c, size_t need)
{
	struct collector_stats *s = &c->stats;
	size_t most = c->config.mode == GC_NORMAL ? heap_used(&c->heap) + BUDGET : next_budget(c);
	uint64_t t0 = clock_ns();
	int err = find_frames(c);
	uint64_t t1 = clock_ns();

	if (err)
		return err;
	ask(c);
	uint64_t t2 = clock_ns();
	if (heap_flip(&c->heap, need + most))
		return no_memory(c);
	err = forward_all(c);
	if (err)
		return err;
	if (heap_retire(&c->heap))
		return no_memory(c);
	heap_budget(&c->heap, need + (c->config.mode == GC_NORMAL ? next_budget(c) : most));
	uint64_t t3 = clock_ns();

	s->collections++;
	s->frames += c->walk.n;
	s->stubs += c->walk.stubs;
	if (c->walk.n > s->most_frames)
		s->most_frames = c->walk.n;
	s->inside = c->heap.inside;
	s->moved_objects = c->heap.moved_objects;
	s->moved_bytes = c->heap.moved_bytes;
	s->walk_ns += t1 - t0;
	s->lookup_ns += t2 - t1;
	s->total_ns += t3 - t0;
	return 0;
}

int collector_collect(struct collector *c)
{
	if (c->config.poll_flag)
		*c->config.poll_flag = 0;
	return collect(c, 0);
}

/* Decides whether the next poll should collect: often enough to matter, but not at every poll. */
static void plan_poll(struct collector *c)
{
	const struct heap_space *now = &c->heap.now;
	size_t left = (size_t)(now->limit - now->top);

	if (!c->config.poll_flag)
		return;
	if (c->config.mode == GC_EVERY)
		*c->config.poll_flag = 1;
	if (c->config.mode == GC_RANDOM)
		*c->config.poll_flag = left < RANDOM_BUDGET / 8;
	if (c->config.mode == GC_NORMAL)
		*c->config.poll_flag = left < BUDGET / 16;
}

void *collector_alloc(struct collector *c, uint32_t nrefs, uint32_t nbytes)
{
	void *object = NULL;

	if (c->config.mode != GC_EVERY)
		object = heap_alloc(&c->heap, nrefs, nbytes);
	if (!object) {
		if (collect(c, heap_need(nrefs, nbytes)))
			return NULL;
		object = heap_alloc(&c->heap, nrefs, nbytes);
	}
	if (!object)
		no_memory(c);
	plan_poll(c);
	return object;
}

int collector_open(struct collector *c, const struct collector_config *config)
{
	*c = (struct collector){ .config = *config };
	prng_seed(&c->prng, config->seed);
	code_range(config->code, CODE_STUBS, &c->walk.stubs_from, &c->walk.stubs_to);
	c->walk.text_from = (uintptr_t)config->module->text;
	c->walk.text_to = c->walk.text_from + config->module->text_size;
	c->scratch_each = map_scratch(config->ops, config->map, config->map_len);
	c->scratch = malloc(c->scratch_each + 1);
	if (!c->scratch)
		return -ENOMEM;
	return heap_open(&c->heap, config->mode == GC_EVERY ? 0 : next_budget(c));
}

void collector_close(struct collector *c)
{
	heap_close(&c->heap);
	walk_close(&c->walk);
	free(c->answers);
	free(c->kinds);
	free(c->scratch);
}
