/*
 * adaptive.c - code lengths of an adaptive coder. A model counts symbols by context; a symbol that
 * a context has not seen costs an escape there and is coded in the next shorter one.
 *
 * In a context with t symbols so far, d of them distinct, a symbol seen n times costs
 * log2((t + d) / n) bits and an escape log2((t + d) / d); in a new context an escape is free, since
 * nothing else can happen. Contexts learn a symbol only down to the one that coded it.
 */
#include "maps/adaptive.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* ---- Counters ------------------------------------------------------------------------------- */

struct counter {
	uint64_t context;
	uint32_t symbol, n; /* n: 0 if free */
	uint32_t distinct;  /* of a context's own counter */
};

/* An open hash; capacity is a power of two. Initially {0}. */
struct counters {
	struct counter *slots;
	size_t capacity, used;
	bool failed;
};

static struct counter *slot_of(const struct counters *c, uint64_t context, uint32_t symbol)
{
	uint64_t h = (context ^ (uint64_t)symbol << 40) * 0xd6e8feb86659fd93u;

	h = (h ^ h >> 32 ^ symbol) * 0x9e3779b97f4a7c15u;
	for (h ^= h >> 29;; h++) {
		struct counter *s = &c->slots[h & (c->capacity - 1)];
		if (!s->n || (s->context == context && s->symbol == symbol))
			return s;
	}
}

static void grow(struct counters *c)
{
	struct counters larger = { .capacity = c->capacity ? 2 * c->capacity : 1024,
				   .used = c->used };

	larger.slots = calloc(larger.capacity, sizeof *larger.slots);
	if (!larger.slots) {
		c->failed = true;
		return;
	}
	for (size_t i = 0; i < c->capacity; i++)
		if (c->slots[i].n)
			*slot_of(&larger, c->slots[i].context, c->slots[i].symbol) = c->slots[i];
	free(c->slots);
	*c = larger;
}

/* NULL: no memory. A new one has n == 0 and is used only if the caller counts it. */
static struct counter *counter_at(struct counters *c, uint64_t context, uint32_t symbol)
{
	if (c->used >= c->capacity / 2)
		grow(c);
	if (c->failed)
		return NULL;
	struct counter *s = slot_of(c, context, symbol);
	s->context = context;
	s->symbol = symbol;
	return s;
}

static void count(struct counters *c, struct counter *s)
{
	c->used += !s->n;
	s->n++;
}

/* ---- A model -------------------------------------------------------------------------------- */

struct model {
	struct counters contexts, symbols; /* contexts: by symbol 0 */
	double bits;
};

/* Whether the context coded the symbol; if not, it has coded an escape. Learns the symbol. */
static bool code(struct model *m, uint64_t context, uint32_t symbol)
{
	struct counter *c = counter_at(&m->contexts, context, 0);
	struct counter *s = counter_at(&m->symbols, context, symbol);

	if (!c || !s)
		return true;
	double all = (double)c->n + c->distinct;
	bool known = s->n;
	if (c->n)
		m->bits += log2(all / (known ? s->n : c->distinct));
	c->distinct += !known;
	count(&m->contexts, c);
	count(&m->symbols, s);
	return known;
}

static bool model_close(struct model *m)
{
	free(m->contexts.slots);
	free(m->symbols.slots);
	return m->contexts.failed || m->symbols.failed;
}

/* Bits of an exponential Golomb code: v / 2^k in Elias' gamma, then k bits. */
static double golomb(uint64_t v, unsigned k)
{
	return 2 * floor(log2((double)(v >> k) + 1)) + 1 + k;
}

/* ---- The parts ------------------------------------------------------------------------------ */

enum { NEW_STEP = 6, SMALL_STEP = 16, NEW_FRAME = 2, NEW_COUNT = 1 };

static uint64_t step_context(const struct numbered *in, size_t i, uint32_t step_before)
{
	bool empty = !in->points[i]->nlive, before = i && !in->points[i - 1]->nlive;

	return 1 + (uint64_t)empty + 2 * (uint64_t)before +
	       4 * (uint64_t)(step_before < SMALL_STEP);
}

static void code_steps(const struct numbered *in, struct model *m)
{
	uint32_t pc = 0, before = 0;

	for (size_t i = 0; i < in->n; i++) {
		uint32_t step = in->points[i]->pc - pc;
		if (!code(m, step_context(in, i, before), step) && !code(m, 0, step))
			m->bits += golomb(step, NEW_STEP);
		pc = in->points[i]->pc;
		before = step;
	}
}

/* Contexts are numbers of maps plus one; 0 is the state before the first. */
static void code_ids(const struct numbered *in, struct model *m)
{
	uint64_t before = 0, full = 0;

	for (size_t i = 0; i < in->n; i++) {
		uint32_t id = in->ids[i];
		/* An escape from the last one says that the map is new, and so its number. */
		(void)(code(m, UINT64_C(2) << 60 | before << 30 | full, id) ||
		       code(m, UINT64_C(1) << 60 | full, id) || code(m, 0, id));
		before = (uint64_t)id + 1;
		full = in->points[i]->nlive ? before : full;
	}
}

/* What the reader must know beforehand, for five bytes: which registers occur, and whether all
 * slots are even. */
struct used {
	uint32_t registers, step;
	size_t most; /* of one map */
};

static struct used used_of(const struct numbered *in)
{
	struct used all = { 0, 2, 0 };

	for (size_t i = 0; i < in->n; i++) {
		const struct safepoint *p = in->points[i];
		all.most = p->nlive > all.most ? p->nlive : all.most;
		for (uint32_t k = 0; k < p->nlive; k++)
			if (p->live[k] >= MAP_REGISTER)
				all.registers |= 1u << (p->live[k] & 31);
			else if (p->live[k] % 2)
				all.step = 1;
	}
	return all;
}

/* A number in a context of its own; a new one by a Golomb code. */
static void code_number(struct model *m, uint64_t context, uint32_t v, unsigned k)
{
	if (!code(m, context, v))
		m->bits += golomb(v, k);
}

enum { OF_FRAME, OF_COUNT, OF_REGISTERS, OF_KIND };

/* A map as a change of another: frame, number of places that change, and which, all choices equally
 * likely. own: there is no other map, and the contexts are separate ones. */
static void code_change(struct model *m, const struct safepoint *from, const struct safepoint *to,
			const struct used *all, struct change *c, bool own)
{
	uint32_t a = from->frame_size, b = to->frame_size,
		 zigzag = b < a ? 2 * (a - b) - 1 : 2 * (b - a);
	uint32_t registers = (uint32_t)__builtin_popcount(all->registers);
	double width = floor((a > b ? a : b) / 4.0 / all->step);

	numbered_compare(from, to, c);
	uint32_t changed = (uint32_t)__builtin_popcount(c->registers);
	code_number(m, 4 * (uint64_t)own + OF_FRAME, zigzag, NEW_FRAME);
	code_number(m, 4 * (uint64_t)own + OF_COUNT, c->nflips, NEW_COUNT);
	m->bits += numbered_log2_choose(width, c->nflips);
	if (registers)
		code_number(m, 4 * (uint64_t)own + OF_REGISTERS, changed, NEW_COUNT);
	m->bits += numbered_log2_choose(registers, changed);
}

static int code_maps(const struct numbered *in, struct model *m)
{
	static const struct safepoint nothing;
	const struct safepoint *last = &nothing;
	struct used all = used_of(in);
	struct change c = { malloc((2 * all.most + 1) * sizeof *c.flips), 0, 0 };
	size_t known = 0;

	m->bits += 40;
	for (size_t i = 0; c.flips && i < in->n; i++) {
		const struct safepoint *p = in->points[i];
		bool new = in->ids[i] == known;
		known += new;
		if (new) {
			numbered_compare(last, p, &c);
			bool own = c.nflips > p->nlive;
			code_number(m, OF_KIND, p->nlive ? own : 2, 0);
			if (p->nlive)
				code_change(m, own ? &nothing : last, p, &all, &c, own);
		}
		last = p->nlive ? p : last;
	}
	free(c.flips);
	return c.flips ? 0 : -ENOMEM;
}

int adaptive_of(const struct numbered *in, double *steps, double *ids, double *maps)
{
	struct model m[3] = { 0 };
	int r = code_maps(in, &m[2]);
	bool failed = false;

	code_steps(in, &m[0]);
	code_ids(in, &m[1]);
	*steps = m[0].bits / 8;
	*ids = m[1].bits / 8;
	*maps = m[2].bits / 8;
	for (int i = 0; i < 3; i++)
		failed |= model_close(&m[i]);
	return failed ? -ENOMEM : r;
}
