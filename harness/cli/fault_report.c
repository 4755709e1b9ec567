/* fault_report.c - tables of sums over programs, one line for each encoder. */
#include "cli/fault_report.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "base/table.h"
#include "base/tidy.h"

enum { TITLE = 1024 };

static const char *const headings[GC_FAULT_KINDS] = {
	[GC_FAULT_NONE] = "no fault",
	[GC_FAULT_EMPTY] = "an empty map is not recorded",
	[GC_FAULT_MAP] = "a map that is not empty is not recorded",
	[GC_FAULT_SLOT] = "a live slot is left out",
	[GC_FAULT_PC] = "a return address is recorded one byte too high",
};

struct sum {
	struct fault_count count;
	size_t programs, skipped, finished;
	uint64_t bad_roots;
	int64_t dead;
};

static struct sum sum_of(const struct fault_row *rows, size_t n, enum gc_fault_kind kind,
			 const struct map_ops *maps)
{
	struct sum s = { 0 };

	for (size_t i = 0; i < n; i++) {
		const struct fault_row *row = &rows[i];

		if (row->task.fault.kind != kind || row->task.maps != maps)
			continue;
		s.programs++;
		s.skipped += row->skipped;
		s.count.room += row->skipped ? 0 : row->count.room;
		s.count.runs += row->count.runs;
		for (int k = 0; k < FAULT_OUTCOMES; k++)
			s.count.outcomes[k] += row->count.outcomes[k];
		if (!row->finished)
			continue;
		s.finished++;
		s.bad_roots += row->bad_roots;
		s.dead += row->dead;
	}
	return s;
}

/* The next encoder of the rows after maps (NULL: the first), in the order of list.h; NULL: none. */
static const struct map_ops *next_encoder(const struct fault_row *rows, size_t n,
					  const struct map_ops *maps)
{
	bool past = !maps;

	for (size_t k = 0; map_encoders[k]; k++) {
		for (size_t i = 0; past && i < n; i++)
			if (rows[i].task.maps == map_encoders[k])
				return map_encoders[k];
		past |= map_encoders[k] == maps;
	}
	return NULL;
}

static const char *mark_of(const struct map_ops *maps)
{
	return maps->flags & MAP_UNSAFE ? " (!)" : "";
}

/* ---- Tables -------------------------------------------------------------------------------- */

static void put_count(struct table *t, uint64_t n)
{
	if (n)
		table_cell(t, "%" PRIu64, n);
	else
		table_cell(t, ".");
}

static void put_sum(struct table *t, const struct map_ops *maps, const struct sum *s)
{
	table_row(t);
	table_cell(t, "%s%s", maps->name, mark_of(maps));
	if (s->skipped)
		table_cell(t, "%zu of %zu", s->programs - s->skipped, s->programs);
	else
		table_cell(t, "%zu", s->programs);
	if (s->skipped == s->programs) {
		table_missing(t, "fails without a fault: what one adds could not be told");
		return;
	}
	table_cell(t, "%" PRIu64, s->count.runs);
	table_cell(t, "%" PRIu64, s->count.room);
	for (int k = 0; k < FAULT_OUTCOMES; k++)
		put_count(t, s->count.outcomes[k]);
}

static int outcome_table(FILE *out, const struct fault_row *rows, size_t n)
{
	static const char *const headers[] = { "encoder",      "programs",  "runs",    "of",
					       "caught",       "bad root",  "crash",   "no end",
					       "wrong answer", "unnoticed", "harmless" };
	struct table t;

	table_begin(&t, headers, "lrrrrrrrrrr");
	for (int kind = 0; kind < GC_FAULT_KINDS; kind++) {
		table_heading(&t, headings[kind]);
		for (const struct map_ops *m = next_encoder(rows, n, NULL); m;
		     m = next_encoder(rows, n, m)) {
			struct sum s = sum_of(rows, n, (enum gc_fault_kind)kind, m);
			put_sum(&t, m, &s);
		}
	}
	return table_end(&t, out);
}

static int unchecked_table(FILE *out, const struct fault_row *rows, size_t n)
{
	static const char *const headers[] = { "encoder", "programs", "finished",
					       "roots that are none", "dead objects moved" };
	struct table t;

	table_begin(&t, headers, "lrrrr");
	table_heading(&t, "no fault, and a collector that compares nothing and goes on");
	for (const struct map_ops *m = next_encoder(rows, n, NULL); m;
	     m = next_encoder(rows, n, m)) {
		struct sum s = sum_of(rows, n, GC_FAULT_NONE, m);
		table_row(&t);
		table_cell(&t, "%s%s", m->name, mark_of(m));
		table_cell(&t, "%zu", s.programs);
		put_count(&t, s.finished);
		put_count(&t, s.bad_roots);
		if (s.dead)
			table_cell(&t, "%" PRId64, s.dead);
		else
			put_count(&t, 0);
	}
	return table_end(&t, out);
}

static void print_title(FILE *out, const struct fault_row *rows, size_t n)
{
	const struct gc_task *j = &rows[0].task;
	const struct gc_program *last = NULL;
	char programs[TITLE] = "";

	for (size_t i = 0, used = 0; i < n && used < sizeof programs; i++) {
		if (rows[i].task.program != last)
			used += (size_t)snprintf(programs + used, sizeof programs - used, "%s%s",
						 last ? ", " : "", rows[i].task.program->workload);
		last = rows[i].task.program;
	}
	table_wrapf(out, "", "%s; O%u%s, collecting: %s, seed %" PRIu64, programs, j->tier,
		    j->polls ? " with polls" : "", gc_mode_names[j->mode], j->seed);
	fputc('\n', out);
}

int fault_report_tables(FILE *out, const struct fault_row *rows, size_t n)
{
	print_title(out, rows, n);
	if (outcome_table(out, rows, n))
		return -ENOMEM;
	fputs(
	    "\n"
	    "  caught: the lookup refused; "
	    "bad root: the collector was handed no reference; crash:\n"
	    "  an old space was touched, or worse; unnoticed: a wrong map, yet the right answer;\n"
	    "  harmless: no wrong map was asked for. runs of: a sample, evenly spread\n\n",
	    out);
	if (unchecked_table(out, rows, n))
		return -ENOMEM;
	fputs(
	    "\n  dead objects moved: more objects than the true maps have moved in the same run\n",
	    out);
	for (size_t i = 0; i < n; i++)
		if (rows[i].why[0])
			table_wrap(rows[i].why,
				   (size_t)fprintf(out, "  ! %s%s: ", rows[i].task.maps->name,
						   mark_of(rows[i].task.maps)),
				   out);
	return 0;
}

/* ---- Data ---------------------------------------------------------------------------------- */

void fault_report_tsv(FILE *out, const struct fault_row *rows, size_t n)
{
	fputs("fault\tencoder\tunsafe\tprograms\tskipped\troom\truns", out);
	for (int k = 0; k < FAULT_OUTCOMES; k++)
		fprintf(out, "\t%s", fault_outcome_names[k]);
	fputc('\n', out);
	for (int kind = 0; kind < GC_FAULT_KINDS; kind++)
		for (const struct map_ops *m = next_encoder(rows, n, NULL); m;
		     m = next_encoder(rows, n, m)) {
			struct sum s = sum_of(rows, n, (enum gc_fault_kind)kind, m);
			fprintf(out, "%s\t%s\t%d\t%zu\t%zu\t%" PRIu64 "\t%" PRIu64,
				gc_fault_names[kind], m->name, !!(m->flags & MAP_UNSAFE),
				s.programs, s.skipped, s.count.room, s.count.runs);
			for (int k = 0; k < FAULT_OUTCOMES; k++)
				fprintf(out, "\t%" PRIu64, s.count.outcomes[k]);
			fputc('\n', out);
		}
}

static json_t *row_to_json(const struct fault_row *row)
{
	const struct gc_task *j = &row->task;
	bool none = j->fault.kind == GC_FAULT_NONE;
	json_t *json = json_pack(
	    "{s:s, s:s, s:b, s:s, s:i, s:b, s:s, s:I, s:I, s:I, s:I}", "workload",
	    j->program->workload, "maps", j->maps->name, "unsafe", j->maps->flags & MAP_UNSAFE,
	    "fault", gc_fault_names[j->fault.kind], "tier", (int)j->tier, "polls", j->polls, "mode",
	    gc_mode_names[j->mode], "size", (json_int_t)j->size, "seed", (json_int_t)j->seed,
	    "room", (json_int_t)row->count.room, "runs", (json_int_t)row->count.runs);

	for (int k = 0; json && k < FAULT_OUTCOMES; k++)
		json_object_set_new(
		    json, fault_outcome_names[k],
		    row->skipped ? json_null() : json_integer((json_int_t)row->count.outcomes[k]));
	if (!json)
		return NULL;
	json_object_set_new(json, "bad_roots",
			    row->finished ? json_integer((json_int_t)row->bad_roots) : json_null());
	json_object_set_new(json, "dead_moved",
			    row->finished ? json_integer(row->dead) : json_null());
	const char *why = row->skipped		   ? "fails without a fault"
			  : row->why[0]		   ? row->why
			  : none && !row->finished ? "the run that goes on did not end"
						   : NULL;
	json_object_set_new(json, "note", why ? json_string(why) : json_null());
	return json;
}

int fault_report_json(FILE *out, const struct fault_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		json_t *json = row_to_json(&rows[i]);

		int r = tidy_json(out, json, JSON_COMPACT);

		json_decref(json);
		if (r)
			return r;
	}
	return 0;
}
