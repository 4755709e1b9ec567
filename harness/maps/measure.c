/*
 * measure.c - takes a file through its importer, or a program through the JIT, once, and then
 * through every encoder.
 */
#include "maps/measure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "maps/decode.h"
#include "gc/corpus.h"
#include "maps/instructions.h"
#include "maps/reference_rows.h"
#include "maps/source.h"
#include "maps/walks.h"
#include "maps/safety.h"
#include "base/suggest.h"
#include "base/sort.h"

/* MAPS_SAMPLES samples are enough for a p99; half as many cold lookups and faults take only
 * seconds, though a cold lookup flushes the whole table first. */
enum { SEED = 1, ENCODINGS = 11 };

int maps_measure_choose(const char *const *names, size_t n, const struct map_ops *out[MAPS_CHOICE],
			size_t *nout, char error[MAPS_ROWS_ERROR])
{
	const char *known[MAPS_CHOICE];
	size_t nknown = 0;

	for (; map_encoders[nknown] && nknown < MAPS_CHOICE; nknown++)
		known[nknown] = map_encoders[nknown]->name;
	if (!n) {
		names = known;
		n = nknown;
	}
	*nout = 0;
	for (size_t i = 0; i < n; i++) {
		const struct map_ops *ops = map_encoder(names[i]);
		if (!ops) {
			suggest_refuse(error, MAPS_ROWS_ERROR, "encoder", names[i], known, nknown);
			return -EINVAL;
		}
		for (size_t k = 0; k < *nout; k++)
			if (out[k] == ops) {
				snprintf(error, MAPS_ROWS_ERROR, "--encoders: %s twice", names[i]);
				return -EINVAL;
			}
		out[(*nout)++] = ops;
	}
	return 0;
}

/* ---- Rows ----------------------------------------------------------------------------------- */

struct measure {
	const struct maps_measure *with;
	const char *path;
	struct corpus corpus;
	struct walk_log walks; /* empty: no walks are known */
	struct maps_view spilled;
	struct safety_probes probes;
	const struct map_ops *ops;		   /* NULL: for figures of the corpus itself */
	struct maps_instructed right[MAPS_CHOICE]; /* the encoders that answered */
	size_t nright;
};

enum { EVENT = 64 };

static struct maps_row row_of(const struct measure *m, const char *event, const char *unit,
			      const char *source)
{
	return (struct maps_row){ .file = m->path,
				  .corpus = m->corpus.name,
				  .encoder = m->ops ? m->ops->name : NULL,
				  .event = event,
				  .unit = unit,
				  .source = source };
}

static void value(const struct measure *m, const char *event, const char *unit, const char *source,
		  double v, const char *note)
{
	struct maps_row row = row_of(m, event, unit, source);

	row.note = note && *note ? note : NULL;
	maps_rows_value(m->with->rows, &row, v);
}

static void missing(const struct measure *m, const char *event, const char *unit, const char *why)
{
	struct maps_row row = row_of(m, event, unit, NULL);

	row.note = why;
	maps_rows_missing(m->with->rows, &row);
}

static void figure(const struct measure *m, const char *event, const char *unit,
		   const struct maps_spread *f)
{
	struct maps_row row = row_of(m, event, unit, NULL);

	maps_rows_spread(m->with->rows, &row, f);
}

static __attribute__((format(printf, 2, 3))) const char *name(char event[EVENT], const char *form,
							      ...)
{
	va_list ap;

	va_start(ap, form);
	vsnprintf(event, EVENT, form, ap);
	va_end(ap);
	return event;
}

/* ---- The corpus ----------------------------------------------------------------------------- */

static const char no_empties[] = "the file does not record safepoints without references";

static bool records_empties(const struct corpus *c)
{
	return c->flags & CORPUS_EMPTIES;
}

static size_t empties_among(const struct corpus *c, const uint32_t *sorted, size_t n)
{
	size_t empties = 0;

	for (size_t i = 0, at = 0; i < n; i++) {
		while (at < c->nsafepoints && c->safepoints[at].pc < sorted[i])
			at++;
		empties += at < c->nsafepoints && c->safepoints[at].pc == sorted[i] &&
			   !c->safepoints[at].nlive;
	}
	return empties;
}

static int rows_of_walks(const struct measure *m)
{
	const struct walk_log *w = &m->walks;
	size_t deepest = 0, distinct = 0;
	char note[120] = "";
	uint32_t *pcs;

	if (!w->nwalks)
		return 0;
	pcs = malloc(w->npcs * sizeof *pcs);
	if (!pcs)
		return -ENOMEM;
	memcpy(pcs, w->pcs, w->npcs * sizeof *pcs);
	sort_u32(pcs, w->npcs);
	for (size_t i = 0; i < w->npcs; i++)
		distinct += !i || pcs[i] != pcs[i - 1];
	for (size_t i = 0; i < w->nwalks; i++) {
		size_t n = w->ends[i] - (i ? w->ends[i - 1] : 0);
		deepest = n > deepest ? n : deepest;
	}
	if (w->cut_walks)
		snprintf(note, sizeof note, "the first ones; %llu with %llu lookups left out",
			 (unsigned long long)w->cut_walks, (unsigned long long)w->cut_pcs);
	value(m, "walks", "walks", "count", (double)w->nwalks, note);
	value(m, "walk_lookups", "lookups", "count", (double)w->npcs, NULL);
	value(m, "walk_empties", "lookups", "count",
	      (double)empties_among(&m->corpus, pcs, w->npcs), NULL);
	value(m, "walk_pcs", "safepoints", "count", (double)distinct, NULL);
	value(m, "walk_deepest", "lookups", "count", (double)deepest, NULL);
	free(pcs);
	return 0;
}

static int rows_of_corpus(const struct measure *m)
{
	const struct corpus *c = &m->corpus;
	struct corpus_stats stats;
	char event[EVENT], note[300];
	int r = corpus_stats(c, &stats);

	if (r)
		return r;
	value(m, "safepoints", "safepoints", "count", c->nsafepoints, c->note);
	if (records_empties(c))
		value(m, "empties", "safepoints", "count", stats.empties, NULL);
	else
		missing(m, "empties", "safepoints", no_empties);
	value(m, "maps", "maps", "count", stats.maps, c->producer);
	value(m, "functions", "functions", "count", c->nfunctions, NULL);
	value(m, "text_bytes", "bytes", "count", c->text_bytes, NULL);
	if (c->own_bytes)
		value(m, "own_bytes", "bytes", "count", (double)c->own_bytes,
		      "of the table in the file");
	value(m, "spilled", "safepoints", "count", m->spilled.touched,
	      "with a live register: a slot of a save area, for formats without registers");
	for (int sort = 0; sort < SAFETY_SORTS; sort++) {
		const struct safety_probes *p = &m->probes;
		name(event, "bogus_%s", safety_sort_names[sort]);
		snprintf(note, sizeof note, "%s%s%zu left out: safepoints",
			 sort == SAFETY_INSIDE ? p->how_inside : "",
			 sort == SAFETY_INSIDE ? "; " : "", p->left_out[sort]);
		if (p->n[sort])
			value(m, event, "lookups", "count", (double)p->n[sort], note);
		else
			missing(m, event, "lookups", p->why[sort]);
	}
	r = rows_of_walks(m);
	return r ? r : maps_reference_rows(c, m->path, no_empties, m->with->rows);
}

/* ---- One encoder ---------------------------------------------------------------------------- */

static void rows_of_cost(const struct measure *m, const struct maps_cost *cost)
{
	static const char *const patterns[MAPS_PATTERNS] = {
		[MAPS_RANDOM] = "warm_random",
		[MAPS_ALONE] = "warm_alone",
		[MAPS_BATCHED] = "warm_batched",
		[MAPS_COLD] = "cold",
	};
	char event[EVENT];

	figure(m, "encode", "ns/safepoint", &cost->encode);
	figure(m, "load", "ns/safepoint", &cost->load);
	for (int c = 0; c < MAPS_CLASSES; c++) {
		for (int i = 0; i < MAPS_PATTERNS; i++)
			figure(m, name(event, "%s_%s", patterns[i], maps_class_names[c]),
			       "ns/lookup", &cost->time[i][c]);
		for (int i = 0; i < MAPS_COUNTS; i++)
			figure(m, name(event, "%s_%s", maps_count_names[i], maps_class_names[c]),
			       "lines/lookup", &cost->lines[i][c]);
	}
	if (cost->encode.source) {
		value(m, "probe_clock", "ns/sample", "clock", cost->clock_probe,
		      "in each warm sample of 128 lookups");
		value(m, "probe_tsc", "ns/lookup", "tsc", cost->tsc_probe,
		      "taken off each cold lookup");
		value(m, "step_tsc", "ns/lookup", "tsc", cost->tsc_step,
		      "cold times differ by at least this, if at all; 0 is less");
		value(m, "probe_fence", "ns/lookup", "clock", cost->fence,
		      "in each lookup of warm_alone");
		if (cost->rows)
			value(m, "warm_shared", "%", "clock",
			      100 * (double)cost->rows_shared / (double)cost->rows,
			      "of the warm samples: something else had a share of the core");
	}
}

static int rows_of_walk_lookups(const struct measure *m, const struct maps_bench_task *task)
{
	static const char why[] = "a file holds no stack walks; the JIT's programs do: gc:NAME";
	const struct maps_walks_task walks_task = { .ops = task->ops,
						    .points = task->points,
						    .npoints = task->npoints,
						    .walks = &m->walks,
						    .samples = task->blocks,
						    .functions = task->functions,
						    .nfunctions = task->nfunctions };
	struct maps_walks walks;
	char error[MAPS_BENCH_ERROR], event[EVENT];

	if (!m->walks.nwalks) {
		missing(m, "walk", "ns/lookup", why);
		missing(m, "walk_batched", "ns/lookup", why);
		return 0;
	}
	int r = maps_walks(&walks_task, &walks, error);
	if (r) {
		missing(m, "walk", "ns/lookup", error);
		missing(m, "walk_batched", "ns/lookup", error);
		return r;
	}
	figure(m, "walk", "ns/lookup", &walks.single);
	figure(m, "walk_batched", "ns/lookup", &walks.batched);
	for (int o = 0; o < MAP_OUTCOMES; o++)
		value(m, name(event, "true_walk_%s", map_outcome_names[o]), "lookups", "count",
		      (double)walks.outcomes[o], NULL);
	return 0;
}

static void rows_of_size(const struct measure *m, const struct maps_cost *cost)
{
	double text = m->corpus.text_bytes, n = m->corpus.nsafepoints;
	char note[200] = "", event[EVENT];

	if (m->ops->flags & MAP_UNSAFE)
		snprintf(note, sizeof note, "unsafe: a negative control");
	else if (m->ops->flags & MAP_EMPTIES && !records_empties(&m->corpus))
		snprintf(note, sizeof note, "too small: %s, and this format needs them",
			 no_empties);
	else if (maps_view_needed(&m->corpus, m->ops))
		snprintf(note, sizeof note,
			 "registers of %u safepoints are slots of a save area, in frames that are "
			 "all %d bytes larger",
			 (unsigned)m->spilled.touched, MAP_SPILL_BYTES);
	value(m, "bytes", "bytes", "count", (double)cost->len, note);
	value(m, "index_bytes", "bytes", "count", (double)cost->index, NULL);
	value(m, "data_bytes", "bytes", "count", (double)cost->data, NULL);
	if (m->ops->load)
		value(m, "loaded_bytes", "bytes", "count", (double)cost->loaded,
		      "made at load; lookups read these");
	else
		missing(m, "loaded_bytes", "bytes", cost->load.why);
	if (text > 0)
		value(m, "text_share", "%", "count", 100 * (double)cost->len / text, NULL);
	else
		missing(m, "text_share", "%", "the text has no bytes");
	value(m, "bits", "bits/safepoint", "count", 8 * (double)cost->len / n, NULL);
	for (int c = MAPS_LIVE; c <= MAPS_EMPTY_POINT; c++)
		for (int o = 0; o < MAP_OUTCOMES; o++)
			value(m,
			      name(event, "true_%s_%s", maps_class_names[c], map_outcome_names[o]),
			      "lookups", "count", (double)cost->outcomes[c][o], NULL);
}

static void rows_of_safety(const struct measure *m, const struct safety_result *s)
{
	char event[EVENT];

	for (int sort = 0; sort < SAFETY_SORTS; sort++)
		for (int o = 0; o < MAP_OUTCOMES; o++) {
			name(event, "bogus_%s_%s", safety_sort_names[sort], map_outcome_names[o]);
			if (m->probes.n[sort])
				value(m, event, "lookups", "count", (double)s->sorts[sort][o],
				      NULL);
			else
				missing(m, event, "lookups", m->probes.why[sort]);
		}
	for (int fault = GC_FAULT_NONE + 1; fault < GC_FAULT_KINDS; fault++) {
		const size_t *n = s->faults[fault];
		const char *why = m->ops->flags & MAP_FLOOR
				      ? "holds nothing that a fault could spoil"
				      : "no safepoint that it can strike";
		bool any = n[0] + n[1] + n[2] + n[3] && !(m->ops->flags & MAP_FLOOR);
		for (int o = 0; o < MAP_OUTCOMES; o++) {
			const char *outcome =
			    o == SAFETY_HARMLESS ? "harmless" : map_outcome_names[o];
			name(event, "fault_%s_%s", gc_fault_names[fault], outcome);
			if (any)
				value(m, event, "faults", "count", (double)n[o], NULL);
			else
				missing(m, event, "faults", why);
			if (!any || o == SAFETY_HARMLESS)
				continue;
			name(event, "fault_lookups_%s_%s", gc_fault_names[fault], outcome);
			value(m, event, "lookups", "count", (double)s->lookups[fault][o], NULL);
		}
	}
}

/* The number of cold lookups of a figure: fewer for a large table, which takes long to flush. */
static size_t cold_lookups(const struct maps_bench_task *task, size_t most)
{
	enum { LARGE = 8 << 20, LEAST = 50 };
	struct map_bytes table = { 0 };
	size_t n = most;

	if (!map_encode_functions(task->ops, task->points, task->npoints, task->functions,
				  task->nfunctions, &table, NULL) &&
	    !map_load(task->ops, &table) && table.len > LARGE)
		n = (size_t)((double)most * LARGE / (double)table.len);
	free(table.data);
	return n < LEAST ? LEAST : n;
}

static int measure_encoder(struct measure *m, const struct map_ops *ops)
{
	const struct corpus *c = &m->corpus;
	bool timed = !m->with->untimed;
	const size_t samples = m->with->samples ? m->with->samples : MAPS_SAMPLES;
	struct maps_bench_task task = {
		.ops = ops,
		.points = maps_view_needed(c, ops) ? m->spilled.points : c->safepoints,
		.npoints = c->nsafepoints,
		.text_bytes = c->text_bytes,
		.seed = SEED,
		.blocks = timed ? samples : 0,
		.encodings = timed ? ENCODINGS : 0,
		.functions = c->functions,
		.nfunctions = c->nfunctions,
	};
	struct safety_task judged = { .ops = ops,
				      .points = task.points,
				      .npoints = task.npoints,
				      .probes = &m->probes,
				      .faults = samples / 2,
				      .seed = SEED,
				      .functions = task.functions,
				      .nfunctions = task.nfunctions };
	struct safety_result safety;
	struct maps_cost cost;
	char error[MAPS_BENCH_ERROR];
	int r;

	m->ops = ops;
	task.cold = timed ? cold_lookups(&task, samples / 2) : 0;
	r = maps_bench(&task, &cost, error);
	if (r == -ENOMEM)
		return r;
	if (r) {
		missing(m, "bytes", "bytes", error);
		return r == -EILSEQ ? r : 0; /* a format may be too small for these maps */
	}
	m->right[m->nright++] = (struct maps_instructed){ ops, task.points };
	rows_of_size(m, &cost);
	rows_of_cost(m, &cost);
	int walked = rows_of_walk_lookups(m, &task);
	r = safety_judge(&judged, &safety);
	if (!r)
		rows_of_safety(m, &safety);
	return r ? r : walked;
}

static int rows_of_instructions(const struct measure *m)
{
	const struct maps_instructions_task task = { .file = m->path,
						     .corpus = m->corpus.name,
						     .encoders = m->right,
						     .nencoders = m->nright,
						     .npoints = m->corpus.nsafepoints,
						     .text_bytes = m->corpus.text_bytes,
						     .seed = SEED,
						     .walks = &m->walks,
						     .off = m->with->untimed
								? "not asked for: --no-time"
								: NULL,
						     .functions = m->corpus.functions,
						     .nfunctions = m->corpus.nfunctions };

	return maps_instructions(&task, m->with->rows);
}

/* ---- One file ------------------------------------------------------------------------------- */

static int probe_corpus(struct measure *m)
{
	errno = 0;
	struct decode *decode = gc_corpus_is(m->path) ? NULL : decode_open(m->path);
	if (!decode && errno == ELIBACC)
		return -errno;
	struct safety_code code = { decode ? decode_length : NULL, decode };
	int r = safety_probes(&m->corpus, &code, &m->probes);

	decode_close(decode);
	return r;
}

int maps_measure_file(const struct maps_measure *with, const char *path, char error[CORPUS_ERROR])
{
	struct measure m = { .with = with, .path = path };
	int r = maps_source_open(path, &m.corpus, &m.walks, error), wrong = 0;

	if (r)
		return r;
	r = maps_view_open(&m.corpus, &m.spilled);
	if (r == -ENOTSUP || r == -EINVAL)
		snprintf(error, CORPUS_ERROR,
			 "%s: a live register above %d, or a frame near 4 GiB, can't be spilled",
			 path, MAP_SPILL_REGISTERS - 1);
	if (!r)
		r = probe_corpus(&m);
	if (!r)
		r = rows_of_corpus(&m);
	for (size_t i = 0; !r && i < with->nencoders; i++) {
		char what[128];
		r = measure_encoder(&m, with->encoders[i]);
		if (r == -EILSEQ)
			wrong = r, r = 0;
		snprintf(what, sizeof what, "%s: %s", m.corpus.name, with->encoders[i]->name);
		progress_step(with->progress, what);
	}
	if (!r) {
		r = rows_of_instructions(&m);
		progress_step(with->progress, m.corpus.name);
	}
	if (!r)
		r = with->rows->failed;
	if (r == -ENOMEM || r == -ELIBACC)
		snprintf(error, CORPUS_ERROR, "%s: %s", path,
			 r == -ENOMEM ? "out of memory" : "LLVM can't be loaded");
	safety_probes_free(&m.probes);
	maps_view_close(&m.spilled);
	walk_log_close(&m.walks);
	corpus_close(&m.corpus);
	return r ? r : wrong;
}
