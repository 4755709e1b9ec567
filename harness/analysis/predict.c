/*
 * predict.c - compares the model with a run: does the order of modelled L1I misses predict the
 * order of measured times? Times depend on much else (TLBs, branches, prefetchers); a rank
 * correlation looks at the order only.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/predict.h"
#include "analysis/rows.h"
#include "base/say.h"
#include "base/table.h"

/* A knee is the first N at which a call costs so much more than with the fewest stubs. */
#define KNEE_TIMES  1.5
#define KNEE_MISSES 0.5

struct point {
	const struct cell *cell;
	double ns, misses;
};

static int fail(const char *why, int status)
{
	say_line("stubmap model", "--predict: %s", why);
	return status;
}

/* ---- Spearman's rho --------------------------------------------------------------------- */

/* Ranks from 1; equal values share the mean of their ranks. */
static void rank(const double *values, size_t n, double *ranks)
{
	for (size_t i = 0; i < n; i++) {
		size_t less = 0, equal = 0;
		for (size_t k = 0; k < n; k++) {
			less += values[k] < values[i];
			equal += values[k] == values[i];
		}
		ranks[i] = (double)less + ((double)equal + 1) / 2;
	}
}

double model_rank_correlation(const double *x, const double *y, size_t n)
{
	double *rx = malloc(2 * n * sizeof *rx), *ry = rx + n, xy = 0, xx = 0, yy = 0;
	const double mean = ((double)n + 1) / 2;

	if (!rx)
		return NAN;
	rank(x, n, rx);
	rank(y, n, ry);
	for (size_t i = 0; i < n; i++) {
		xy += (rx[i] - mean) * (ry[i] - mean);
		xx += (rx[i] - mean) * (rx[i] - mean);
		yy += (ry[i] - mean) * (ry[i] - mean);
	}
	free(rx);
	return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : NAN;
}

/* ---- Points ----------------------------------------------------------------------------- */

static bool wanted(const struct rows *rows, const struct row *row)
{
	const struct cell *c = &rows->census.cells[row->cell];

	return !strcmp(c->workload, "ring") && !c->replica && row->value.known;
}

static int model_points(const struct simulate_paths *paths, const struct rows *rows,
			const struct machine *machine, unsigned workers, struct point **out,
			size_t *n, char why[TRACE_ERROR])
{
	struct simulate_task *tasks = calloc(rows->n + 1, sizeof *tasks);
	struct simulate_pass *passes = calloc(rows->n + 1, sizeof *passes);
	struct point *points = calloc(rows->n + 1, sizeof *points);
	int e = tasks && passes && points ? 0 : -ENOMEM;

	*n = 0;
	snprintf(why, TRACE_ERROR, "out of memory");
	for (size_t i = 0; i < rows->n && !e; i++) {
		if (!wanted(rows, &rows->rows[i]))
			continue;
		const struct cell *c = &rows->census.cells[rows->rows[i].cell];
		passes[*n].options =
		    (struct model_options){ .machine = machine, .page = machine->page };
		tasks[*n] = (struct simulate_task){ .cell = *c, .passes = &passes[*n], .n = 1 };
		points[(*n)++] = (struct point){ c, rows->rows[i].value.value, 0 };
	}
	if (!e && (e = simulate_all(paths, tasks, *n, workers)))
		snprintf(why, TRACE_ERROR, "stopped");
	for (size_t i = 0; i < *n && !e; i++) {
		if ((e = tasks[i].status))
			memcpy(why, tasks[i].why, TRACE_ERROR);
		else
			points[i].misses =
			    (double)passes[i].counts[MODEL_L1I].misses / (double)tasks[i].calls;
	}
	free(tasks);
	free(passes);
	*out = points;
	return e;
}

/* ---- Printing --------------------------------------------------------------------------- */

static bool same_line(const struct point *a, const struct point *b)
{
	struct cell x = *a->cell, y = *b->cell;

	x.live = y.live = 1;
	return cell_equal(&x, &y);
}

/* The knee among the points with p's arm and kind; 0: there is none. */
static uint32_t knee(const struct point *all, size_t n, const struct point *p, bool measured)
{
	const struct point *few = NULL;
	uint32_t first = 0;

	for (size_t i = 0; i < n; i++)
		if (same_line(&all[i], p) && (!few || all[i].cell->live < few->cell->live))
			few = &all[i];
	for (size_t i = 0; i < n; i++) {
		bool over = measured ? all[i].ns >= KNEE_TIMES * few->ns
				     : all[i].misses >= few->misses + KNEE_MISSES;
		if (same_line(&all[i], p) && over && (!first || all[i].cell->live < first))
			first = all[i].cell->live;
	}
	return first;
}

static bool is_first(const struct point *all, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same_line(&all[k], &all[i]))
			return false;
	return true;
}

static double rho_of(const struct point *p, size_t n, const char *kind, size_t *count)
{
	double *x = malloc((2 * n + 1) * sizeof *x), *y = x + n, rho;
	size_t m = 0;

	for (size_t i = 0; x && i < n; i++)
		if (!kind || !strcmp(p[i].cell->kind, kind)) {
			x[m] = p[i].misses;
			y[m++] = p[i].ns;
		}
	*count = m;
	rho = x && m > 2 ? model_rank_correlation(x, y, m) : NAN;
	free(x);
	return rho;
}

static void print_knee(struct table *table, uint32_t n)
{
	if (n)
		table_cell(table, "%u", n);
	else
		table_cell(table, "none");
}

static int print_table(const struct point *p, size_t n)
{
	static const char *const headers[] = { "kind",	  "stubs",    "wx",	      "literals",
					       "quantum", "knee, ns", "knee, misses", "" };
	struct table table;

	table_begin(&table, headers, "llrlrrrl");
	for (size_t i = 0; i < n; i++) {
		if (!is_first(p, i))
			continue;
		uint32_t ns = knee(p, n, &p[i], true), misses = knee(p, n, &p[i], false);
		table_row(&table);
		table_cell(&table, "%s", p[i].cell->kind);
		table_cell(&table, "%s", p[i].cell->stubs);
		table_cell(&table, "%s", p[i].cell->wx);
		table_cell(&table, "%s", p[i].cell->literals);
		table_cell(&table, "%u", p[i].cell->quantum);
		print_knee(&table, ns);
		print_knee(&table, misses);
		table_cell(&table, "%s", ns == misses ? "same" : "");
	}
	return table_end(&table, stdout);
}

static void print_rho(const struct point *p, size_t n, const char *kind, bool json)
{
	size_t count;
	double rho = rho_of(p, n, kind, &count);
	char value[32] = "null";

	if (!isnan(rho))
		snprintf(value, sizeof value, "%.3f", rho);
	if (json)
		printf("{\"kind\":%s%s%s,\"event\":\"rho_l1i_miss_ns\",\"n\":%zu,\"value\":%s,"
		       "\"source\":\"model, clock\"}\n",
		       kind ? "\"" : "", kind ? kind : "null", kind ? "\"" : "", count, value);
	else
		printf("%-14s rho = %s over %zu cells\n", kind ? kind : "all kinds", value, count);
}

static int print_all(const struct machine *m, const struct point *p, size_t n, bool json)
{
	if (!json) {
		printf("modelled L1I misses a call (%s: %u KiB, %u ways) "
		       "and measured ns a call, ring\n",
		       m->name, m->l1i.size / 1024, m->l1i.ways);
		if (print_table(p, n))
			return -ENOMEM;
		printf("knee: the fewest live stubs with %g times the ns, or %g misses more, than "
		       "with "
		       "fewest\nSpearman's rank correlation:\n",
		       KNEE_TIMES, KNEE_MISSES);
	}
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		while (strcmp(p[k].cell->kind, p[i].cell->kind))
			k++;
		if (k == i)
			print_rho(p, n, p[i].cell->kind, json);
	}
	print_rho(p, n, NULL, json);
	return 0;
}

int model_check_prediction(const struct simulate_paths *paths, const char *path,
			   const struct machine *machine, unsigned workers, bool json)
{
	static const struct figure_id steady = FIGURE_ID(steady, ns);
	char error[RUN_ERROR], why[TRACE_ERROR];
	struct point *points = NULL;
	struct machine host;
	struct run run;
	struct rows rows;
	size_t n = 0;
	int e;

	if (run_load(path, &run, error))
		return fail(error, 2);
	if (!machine && machine_of_fingerprint(json_object_get(run.head, "machine"), &host)) {
		run_close(&run);
		return fail("the run does not tell its machine's L1I: name one (--machines)", 2);
	}
	machine = machine ? machine : &host;
	if (rows_make(&run, &steady, 1, &rows)) {
		run_close(&run);
		return fail("out of memory", 1);
	}
	e = model_points(paths, &rows, machine, workers, &points, &n, why);
	if (e)
		e = fail(why, 1);
	else if (n < 3)
		e = fail("fewer than three cells of ring with times in that run", 2);
	else if (print_all(machine, points, n, json))
		e = fail("out of memory", 1);
	free(points);
	rows_free(&rows);
	run_close(&run);
	return e;
}
