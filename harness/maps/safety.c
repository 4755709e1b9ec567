/*
 * safety.c - makes probes and faults, and judges the encoders' answers.
 */
#include "maps/safety.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/prng.h"

const char *const safety_sort_names[SAFETY_SORTS] = {
	[SAFETY_BEFORE] = "pc-1",
	[SAFETY_AFTER] = "pc+1",
	[SAFETY_INSIDE] = "mid-instruction",
	[SAFETY_FUNCTION] = "other-function",
	[SAFETY_PADDING] = "padding",
	[SAFETY_EMPTY] = "empty",
};

/* ---- Probes --------------------------------------------------------------------------------- */

struct prober {
	const struct corpus *corpus;
	const struct safety_code *code;
	struct safety_probes *probes;
};

static void probe(struct prober *p, enum safety_sort sort, uint32_t pc)
{
	if (safepoint_find(p->corpus->safepoints, p->corpus->nsafepoints, pc, NULL))
		p->probes->left_out[sort]++;
	else
		p->probes->pcs[sort][p->probes->n[sort]++] = pc;
}

/* With the program's code: probes the middle of the first instruction of two bytes or more at or
 * behind the return address, where an instruction starts. */
static void probe_inside(struct prober *p, uint32_t pc)
{
	enum { TRIES = 8 };

	if (!p->code->length) {
		/* rel32 calls, the usual ones, have five bytes */
		if (pc >= 2)
			probe(p, SAFETY_INSIDE, pc - 2);
		return;
	}
	for (int i = 0; i < TRIES; i++) {
		size_t n = p->code->length(p->code->context, pc);
		if (!n)
			return;
		if (n > 1) {
			probe(p, SAFETY_INSIDE, pc + (uint32_t)n / 2);
			return;
		}
		pc++;
	}
}

static void probe_functions(struct prober *p)
{
	const struct corpus *c = p->corpus;
	uint32_t point = 0;

	for (uint32_t i = 0; i + 1 < c->nfunctions; i++) {
		const struct map_function *f = &c->functions[i];
		while (point < c->nsafepoints && c->safepoints[point].pc <= f->start)
			point++;
		for (; point < c->nsafepoints && c->safepoints[point].pc <= f->end; point++)
			probe(p, SAFETY_FUNCTION,
			      f[1].start +
				  (c->safepoints[point].pc - f->start) % (f[1].end - f[1].start));
	}
}

/* The largest power of two that divides every function's start. */
static uint32_t alignment(const struct corpus *c)
{
	uint32_t bits = 0;

	for (uint32_t i = 0; i < c->nfunctions; i++)
		bits |= c->functions[i].start;
	return bits ? bits & -bits : 1;
}

/*
 * A corpus leaves out functions without safepoints, so a gap may hold such functions. But if all
 * starts are aligned, no function lies between a function's end and the next aligned address:
 *
 *      | function i        |padding|  maybe functions without safepoints  | function i + 1
 *      16*k                 ^probe  16*m
 */
static void probe_padding(struct prober *p)
{
	const struct corpus *c = p->corpus;
	uint32_t align = alignment(c);

	for (uint32_t i = 0; i + 1 < c->nfunctions; i++) {
		uint64_t end = c->functions[i].end;
		uint64_t to = (end + align - 1) / align * align;
		if (to <= c->functions[i + 1].start && end < to)
			probe(p, SAFETY_PADDING, (uint32_t)(end + (to - end) / 2));
	}
}

static void explain(struct prober *p)
{
	const char **why = p->probes->why;
	bool functions = p->corpus->nfunctions > 1;

	why[SAFETY_BEFORE] = why[SAFETY_AFTER] = "each such pc is a safepoint";
	why[SAFETY_INSIDE] = "no instruction of two bytes or more was found";
	why[SAFETY_FUNCTION] =
	    functions ? "each such pc is a safepoint" : "the functions' starts are not known";
	why[SAFETY_PADDING] = functions ? "no gap between functions is surely padding"
					: "the functions' starts are not known";
	why[SAFETY_EMPTY] = p->corpus->flags & CORPUS_EMPTIES
				? "no safepoint is empty"
				: "the file does not record safepoints without references";
	p->probes->how_inside = p->code->length
				    ? "the first instruction of 2 or more bytes behind the call"
				    : "pc-2, inside a call of 3 or more bytes: no code to decode";
}

int safety_probes(const struct corpus *c, const struct safety_code *code, struct safety_probes *out)
{
	struct prober p = { c, code, out };

	*out = (struct safety_probes){ 0 };
	for (int i = 0; i < SAFETY_SORTS; i++) {
		size_t room = i == SAFETY_PADDING ? c->nfunctions : c->nsafepoints;
		out->pcs[i] = malloc((room + 1) * sizeof(uint32_t));
		if (!out->pcs[i])
			return -ENOMEM;
	}
	explain(&p);
	for (uint32_t i = 0; i < c->nsafepoints; i++) {
		uint32_t pc = c->safepoints[i].pc;
		if (pc)
			probe(&p, SAFETY_BEFORE, pc - 1);
		probe(&p, SAFETY_AFTER, pc + 1);
		probe_inside(&p, pc);
		if (!c->safepoints[i].nlive)
			out->pcs[SAFETY_EMPTY][out->n[SAFETY_EMPTY]++] = pc;
	}
	probe_functions(&p);
	probe_padding(&p);
	return 0;
}

void safety_probes_free(struct safety_probes *p)
{
	for (int i = 0; i < SAFETY_SORTS; i++)
		free(p->pcs[i]);
	*p = (struct safety_probes){ 0 };
}

/* ---- Verdicts ------------------------------------------------------------------------------- */

/* A table, and scratch for a lookup in it. */
struct judged {
	struct map_bytes table;
	uint8_t *scratch;
	size_t room; /* bytes of scratch */
};

static void judged_free(struct judged *j)
{
	free(j->table.data);
	free(j->scratch);
}

/* Replaces the table. */
static int judged_encode(struct judged *j, const struct map_ops *ops,
			 const struct safepoint *points, size_t n, const struct corpus *owners)
{
	j->table.len = 0;
	int r = map_encode_functions(ops, points, n, owners->functions, owners->nfunctions,
				     &j->table, NULL);
	if (!r)
		r = map_load(ops, &j->table);
	if (r)
		return r;
	size_t room = map_scratch(ops, j->table.data, j->table.len);
	if (room > j->room) {
		free(j->scratch);
		j->scratch = malloc(room);
		j->room = j->scratch ? room : 0;
		r = j->scratch ? 0 : -ENOMEM;
	}
	return r;
}

static enum map_outcome judge(const struct map_ops *ops, const struct judged *j,
			      const struct safepoint *truth, uint32_t pc)
{
	struct map_live live;
	enum map_answer answer = ops->lookup(j->table.data, j->table.len, pc, j->scratch, &live);

	return map_judge(truth, answer, &live);
}

/* A number of safepoints, and the functions to which they belong. */
static struct corpus window_of(const struct safety_task *task, size_t first, size_t n)
{
	n = n < task->npoints - first ? n : task->npoints - first;
	const struct safepoint *points = task->points + first;
	size_t from = 0, to = task->nfunctions;

	for (size_t high = to; from < high;) { /* the first that ends at the first pc or behind */
		size_t middle = from + (high - from) / 2;
		if (task->functions[middle].end < points[0].pc)
			from = middle + 1;
		else
			high = middle;
	}
	for (size_t low = from; low < to;) { /* those that begin before the last pc */
		size_t middle = low + (to - low) / 2;
		if (task->functions[middle].start < points[n - 1].pc)
			low = middle + 1;
		else
			to = middle;
	}
	/* they are only read, though struct corpus would allow writes */
	return (struct corpus){
		.safepoints = (struct safepoint *)(uintptr_t)points,
		.nsafepoints = (uint32_t)n,
		.functions = (struct map_function *)(uintptr_t)(task->functions + from),
		.nfunctions = (uint32_t)(to - from),
	};
}

static int judge_sorts(const struct safety_task *task, struct safety_result *out)
{
	struct judged j = { 0 };
	const struct corpus all = window_of(task, 0, task->npoints);
	int r = judged_encode(&j, task->ops, task->points, task->npoints, &all);

	for (int sort = 0; !r && sort < SAFETY_SORTS; sort++)
		for (size_t i = 0; i < task->probes->n[sort]; i++) {
			uint32_t pc = task->probes->pcs[sort][i];
			const struct safepoint *truth =
			    sort == SAFETY_EMPTY
				? safepoint_find(task->points, task->npoints, pc, NULL)
				: NULL;
			out->sorts[sort][judge(task->ops, &j, truth, pc)]++;
		}
	judged_free(&j);
	return r;
}

/* An encoder's tables of one window before and after a fault. */
struct fault_bench {
	const struct safety_task *task;
	struct safety_result *out;
	struct judged before, after;
};

static void compare_lookups(struct fault_bench *b, const struct corpus *window,
			    enum gc_fault_kind kind)
{
	static const enum map_outcome worst[] = { MAP_WRONG, MAP_SILENT, MAP_DETECTED };
	size_t seen[MAP_OUTCOMES] = { 0 }, i = 0;

	for (uint32_t k = 0; k < window->nsafepoints; k++) {
		const struct safepoint *p = &window->safepoints[k];
		enum map_outcome now = judge(b->task->ops, &b->after, p, p->pc);
		if (now == MAP_CORRECT || judge(b->task->ops, &b->before, p, p->pc) != MAP_CORRECT)
			continue;
		seen[now]++;
		b->out->lookups[kind][now]++;
	}
	while (i < sizeof worst / sizeof *worst && !seen[worst[i]])
		i++;
	b->out
	    ->faults[kind][i < sizeof worst / sizeof *worst ? worst[i]
							    : (enum map_outcome)SAFETY_HARMLESS]++;
}

/* window: the true safepoints; the fault's number counts within it. */
static int judge_fault(struct fault_bench *b, const struct corpus *window, struct gc_fault fault)
{
	const struct map_ops *ops = b->task->ops;
	struct safepoint *faulty = NULL;
	size_t n;
	int r = gc_fault_apply(window, &fault, &faulty, &n);

	if (!r)
		r = judged_encode(&b->before, ops, window->safepoints, window->nsafepoints, window);
	if (!r) {
		r = judged_encode(&b->after, ops, faulty, n, window);
		if (r == -EINVAL) {
			b->out->faults[fault.kind][MAP_DETECTED]++;
			r = 0;
		} else if (!r) {
			compare_lookups(b, window, fault.kind);
		}
	}
	free(faulty);
	return r;
}

/* before has one more element than there are safepoints. */
static int judge_faults(struct fault_bench *b, enum gc_fault_kind kind, uint64_t *before)
{
	/* Of tables, and of live places encoded; beyond that fewer faults are tried. */
	enum { BYTES = 1 << 28, PLACES = 1 << 25 };
	const struct safety_task *task = b->task;
	struct prng random;
	size_t bytes = 0, places = 0;
	int r = 0;

	before[0] = 0;
	for (size_t i = 0; i < task->npoints; i++) {
		struct corpus one = window_of(task, i, 1);
		before[i + 1] = before[i] + gc_fault_room(&one, kind);
	}
	prng_seed(&random, task->seed + kind);
	for (size_t i = 0; before[task->npoints] && !r && i < task->faults; i++) {
		if (bytes >= BYTES || places >= PLACES)
			break;
		uint64_t number = prng_next(&random) % before[task->npoints];
		size_t low = 0, high = task->npoints;
		while (high - low > 1) {
			size_t middle = low + (high - low) / 2;
			if (before[middle] <= number)
				low = middle;
			else
				high = middle;
		}
		size_t first = low > SAFETY_WINDOW / 2 ? low - SAFETY_WINDOW / 2 : 0;
		struct corpus window = window_of(task, first, SAFETY_WINDOW);
		r = judge_fault(b, &window, (struct gc_fault){ kind, number - before[first] });
		bytes += b->before.table.len;
		for (uint32_t k = 0; k < window.nsafepoints; k++)
			places += window.safepoints[k].nlive;
	}
	return r;
}

int safety_judge(const struct safety_task *task, struct safety_result *out)
{
	struct fault_bench b = { .task = task, .out = out };
	uint64_t *before = malloc((task->npoints + 1) * sizeof *before);
	int r = before ? 0 : -ENOMEM;

	*out = (struct safety_result){ 0 };
	if (!r)
		r = judge_sorts(task, out);
	for (int kind = GC_FAULT_NONE + 1; !r && kind < GC_FAULT_KINDS; kind++)
		r = judge_faults(&b, (enum gc_fault_kind)kind, before);
	judged_free(&b.before);
	judged_free(&b.after);
	free(before);
	return r;
}
