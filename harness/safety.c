/*
 * safety.c - probes, faults, and what encoders make of them.
 */
#include "safety.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "prng.h"

const char *const safety_fault_names[SAFETY_FAULTS] = {
	[SAFETY_EMPTY_LOST] = "empty-lost",
	[SAFETY_MAP_LOST] = "map-lost",
	[SAFETY_SLOT_LOST] = "slot-lost",
	[SAFETY_PC_OFF] = "pc-off",
};

const char *const safety_sort_names[SAFETY_SORTS] = {
	[SAFETY_BEFORE] = "pc-1",
	[SAFETY_AFTER] = "pc+1",
	[SAFETY_INSIDE] = "mid-instruction",
	[SAFETY_FUNCTION] = "other-function",
	[SAFETY_PADDING] = "padding",
	[SAFETY_EMPTY] = "empty",
};

/* ---- Faults --------------------------------------------------------------------------------- */

bool safety_can_strike(enum safety_fault fault, const struct safepoint *p,
		       const struct safepoint *next)
{
	switch (fault) {
	case SAFETY_EMPTY_LOST:
		return !p->nlive;
	case SAFETY_MAP_LOST:
	case SAFETY_SLOT_LOST:
		return p->nlive > 0;
	default:
		return p->pc < UINT32_MAX && (!next || next->pc > p->pc + 1);
	}
}

bool safety_strike(enum safety_fault fault, const struct safepoint *in, struct safepoint *out,
		   uint32_t *places, uint32_t which)
{
	*out = *in;
	out->live = places;
	if (fault == SAFETY_EMPTY_LOST || fault == SAFETY_MAP_LOST)
		return false;
	if (in->nlive)
		memcpy(places, in->live, in->nlive * sizeof *places);
	if (fault == SAFETY_PC_OFF) {
		out->pc++;
		return true;
	}
	which %= in->nlive;
	out->nlive--;
	memmove(places + which, places + which + 1, (out->nlive - which) * sizeof *places);
	return true;
}

/* ---- Probes --------------------------------------------------------------------------------- */

static const struct safepoint *point_at(const struct safepoint *points, size_t n, uint32_t pc)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (points[middle].pc < pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && points[low].pc == pc ? &points[low] : NULL;
}

struct prober {
	const struct corpus *corpus;
	const struct safety_code *code;
	struct safety_probes *probes;
};

static void probe(struct prober *p, enum safety_sort sort, uint32_t pc)
{
	if (point_at(p->corpus->safepoints, p->corpus->nsafepoints, pc))
		p->probes->left_out[sort]++;
	else
		p->probes->pcs[sort][p->probes->n[sort]++] = pc;
}

/* With the code at hand: the middle of the first instruction of two bytes or more behind the
 * return address, which is where an instruction starts. */
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
		const struct corpus_function *f = &c->functions[i];
		while (point < c->nsafepoints && c->safepoints[point].pc <= f->start)
			point++;
		for (; point < c->nsafepoints && c->safepoints[point].pc - f->start <= f->size;
		     point++)
			probe(p, SAFETY_FUNCTION,
			      f[1].start + (c->safepoints[point].pc - f->start) % f[1].size);
	}
}

/* Bytes that every function's start is a multiple of. */
static uint32_t alignment(const struct corpus *c)
{
	uint32_t bits = 0;

	for (uint32_t i = 0; i < c->nfunctions; i++)
		bits |= c->functions[i].start;
	return bits ? bits & -bits : 1;
}

/*
 * A corpus leaves out functions without safepoints, so a gap may hold some. But where all starts
 * are aligned, no function lies between one's end and the next aligned address:
 *
 *      | function i        |padding|  maybe functions without safepoints  | function i + 1
 *      16*k                 ^probe  16*m
 */
static void probe_padding(struct prober *p)
{
	const struct corpus *c = p->corpus;
	uint32_t align = alignment(c);

	for (uint32_t i = 0; i + 1 < c->nfunctions; i++) {
		uint64_t end = (uint64_t)c->functions[i].start + c->functions[i].size;
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
	    functions ? "each such pc is a safepoint" : "where functions start is not known";
	why[SAFETY_PADDING] = functions ? "no gap between functions is surely padding"
					: "where functions start is not known";
	why[SAFETY_EMPTY] = "no safepoint is empty";
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

static enum map_outcome judge(const struct map_ops *ops, const struct bytes *table,
			      const struct safepoint *truth, uint32_t pc)
{
	struct live live;
	enum map_answer answer = ops->lookup(table->data, table->len, pc, &live);

	return map_judge(truth, answer, &live);
}

static int judge_sorts(const struct safety_job *job, struct safety_result *out)
{
	struct bytes table = { 0 };
	int r = map_encode(job->ops, job->points, job->npoints, &table, NULL);

	for (int sort = 0; !r && sort < SAFETY_SORTS; sort++)
		for (size_t i = 0; i < job->probes->n[sort]; i++) {
			uint32_t pc = job->probes->pcs[sort][i];
			const struct safepoint *truth =
			    sort == SAFETY_EMPTY ? point_at(job->points, job->npoints, pc) : NULL;
			out->sorts[sort][judge(job->ops, &table, truth, pc)]++;
		}
	free(table.data);
	return r;
}

struct fault_bench {
	const struct safety_job *job;
	uint32_t *places;
	struct safepoint faulty[SAFETY_WINDOW];
	struct bytes before, after;
};

/* Encodes n safepoints around number `at` as they are and with the fault, and compares. */
static int judge_fault(struct fault_bench *b, enum safety_fault fault, size_t at, uint32_t which,
		       struct safety_result *out)
{
	static const enum map_outcome worst[] = { MAP_WRONG, MAP_SILENT, MAP_DETECTED };
	const struct safety_job *job = b->job;
	size_t first = at > SAFETY_WINDOW / 2 ? at - SAFETY_WINDOW / 2 : 0;
	size_t n = job->npoints - first, seen[MAP_OUTCOMES] = { 0 };
	const struct safepoint *points = job->points + first;

	n = n < SAFETY_WINDOW ? n : SAFETY_WINDOW;
	at -= first;
	memcpy(b->faulty, points, n * sizeof *points);
	bool kept = safety_strike(fault, &points[at], &b->faulty[at], b->places, which);
	if (!kept)
		memmove(b->faulty + at, b->faulty + at + 1, (n - at - 1) * sizeof *points);
	b->before.len = b->after.len = 0;
	int r = map_encode(job->ops, points, n, &b->before, NULL);
	if (!r)
		r = map_encode(job->ops, b->faulty, n - !kept, &b->after, NULL);
	if (r)
		return r;
	for (size_t i = 0; i < n; i++) {
		enum map_outcome now = judge(job->ops, &b->after, &points[i], points[i].pc);
		if (now != MAP_CORRECT &&
		    judge(job->ops, &b->before, &points[i], points[i].pc) == MAP_CORRECT) {
			seen[now]++;
			out->lookups[fault][now]++;
		}
	}
	for (size_t i = 0; i < sizeof worst / sizeof *worst; i++)
		if (seen[worst[i]]) {
			out->faults[fault][worst[i]]++;
			return 0;
		}
	out->faults[fault][SAFETY_HARMLESS]++;
	return 0;
}

static int judge_faults(struct fault_bench *b, enum safety_fault fault, uint32_t *strikable,
			struct safety_result *out)
{
	const struct safety_job *job = b->job;
	struct prng random;
	uint32_t n = 0;
	int r = 0;

	for (size_t i = 0; i < job->npoints; i++)
		if (safety_can_strike(fault, &job->points[i],
				      i + 1 < job->npoints ? &job->points[i + 1] : NULL))
			strikable[n++] = (uint32_t)i;
	prng_seed(&random, job->seed + fault);
	for (size_t i = 0; n && !r && i < job->faults; i++) {
		uint32_t at = strikable[prng_below(&random, n)];
		r = judge_fault(b, fault, at, (uint32_t)(prng_next(&random) >> 40), out);
	}
	return r;
}

int safety_judge(const struct safety_job *job, struct safety_result *out)
{
	struct fault_bench *b = calloc(1, sizeof *b);
	uint32_t *strikable = malloc((job->npoints + 1) * sizeof *strikable);
	size_t most = 0;
	int r = b && strikable ? 0 : -ENOMEM;

	*out = (struct safety_result){ 0 };
	for (size_t i = 0; i < job->npoints; i++)
		most = job->points[i].nlive > most ? job->points[i].nlive : most;
	if (!r) {
		b->job = job;
		b->places = malloc((most + 1) * sizeof *b->places);
		r = b->places ? judge_sorts(job, out) : -ENOMEM;
	}
	for (int fault = 0; !r && fault < SAFETY_FAULTS; fault++)
		r = judge_faults(b, (enum safety_fault)fault, strikable, out);
	if (b) {
		free(b->places);
		free(b->before.data);
		free(b->after.data);
	}
	free(b);
	free(strikable);
	return r;
}
