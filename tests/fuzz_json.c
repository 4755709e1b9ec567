/*
 * fuzz_json.c - fuzz targets for files of JSON that others may have written: plans, runs, claims
 * and records of stack maps; and for the statistics of a run's numbers, whatever they are.
 */
#include <stdio.h>

#include "analysis/accept.h"
#include "analysis/claims.h"
#include "analysis/notes.h"
#include "analysis/report.h"
#include "fuzz.h"
#include "maps/report.h"
#include "runs/plan.h"
#include "runs/store.h"

enum { PLAN, RUN, SUMMARY, CLAIMS, RECORD, NAMES };

const char *fuzz_name(size_t i)
{
	static const char *const names[NAMES + 1] = { "plan", "run", "summary", "claims",
						      "record" };

	return names[i];
}

/* A list or an object of two bytes takes a few hundred in memory; the cells of a plan are a product
 * of its lists, up to PLAN_MAX_CELLS. */
struct fuzz_memory fuzz_memory(size_t i)
{
	return (struct fuzz_memory){ i == PLAN ? 16 << 20 : 4 << 20, 400 };
}

static bool read_plan(const uint8_t *data, size_t len)
{
	char error[PLAN_ERROR] = "";
	struct plan plan;

	if (plan_load(fuzz_file(data, len), &plan, error)) {
		fuzz_check(*error);
		return false;
	}
	uint32_t *order = malloc(plan.n * sizeof *order);
	fuzz_check(plan.n && plan.n <= PLAN_MAX_CELLS && order);
	plan_order(&plan, 0, order);
	for (size_t k = 0; k < plan.n; k++)
		fuzz_check(order[k] < plan.n);
	free(order);
	plan_free(&plan);
	return true;
}

static bool read_run(const uint8_t *data, size_t len)
{
	char error[RUN_ERROR] = "", why[RUN_ERROR];
	struct run run;

	if (run_load(fuzz_file(data, len), &run, error)) {
		fuzz_check(*error);
		return false;
	}
	run_mixed(&run, why);
	fuzz_check(run.head && run.n + run.superseded <= len);
	run_close(&run);
	return true;
}

/* Prints to nowhere: the test is of the computation. */
static void sum_up(const struct run *run)
{
	static const enum report_form forms[] = { REPORT_TABLE, REPORT_CSV };
	FILE *out = fopen("/dev/null", "w");
	struct acceptance kept;

	fuzz_check(out);
	report_summary(out, run, &(struct report_options){ .form = forms[run->n % 2] });
	report_failures(run);
	accept_judge(run, &kept);
	notes_print(out, run);
	fclose(out);
}

static bool read_summary(const uint8_t *data, size_t len)
{
	char error[RUN_ERROR];
	struct run run;

	if (run_load(fuzz_file(data, len), &run, error))
		return false;
	sum_up(&run);
	run_close(&run);
	return true;
}

static bool read_claims(const uint8_t *data, size_t len)
{
	char error[RUN_ERROR] = "";
	struct claims claims;

	if (claims_load(fuzz_file(data, len), &claims, error)) {
		fuzz_check(*error);
		return false;
	}
	for (size_t i = 0; i < claims.n; i++)
		fuzz_check(claims.list[i].id && claims.list[i].text);
	claims_free(&claims);
	return true;
}

/* A record's figures are shown in every form. */
static bool read_record(const uint8_t *data, size_t len)
{
	static const char *const plots[] = { "bytes", "lookup", "safety" };
	const char *path = fuzz_file(data, len);
	char error[MAPS_ROWS_ERROR] = "";
	struct maps_rows rows;

	maps_rows_is_record(path);
	fuzz_check(!maps_rows_begin(&rows));
	bool took = !maps_rows_load(&rows, path, error);
	fuzz_check(took || *error);
	FILE *out = fopen("/dev/null", "w");
	fuzz_check(out);
	for (size_t i = 0; took && i < sizeof plots / sizeof *plots; i++)
		maps_report_tsv(out, &rows, plots[i]);
	if (took) {
		maps_rows_write(&rows, out);
		fuzz_check(!maps_report_tables(out, &rows, TABLE_TEXT));
	}
	fclose(out);
	maps_rows_end(&rows);
	return took;
}

bool fuzz_run(size_t i, const uint8_t *data, size_t len)
{
	static bool (*const reads[NAMES])(const uint8_t *, size_t) = { read_plan, read_run,
								       read_summary, read_claims,
								       read_record };

	return reads[i](data, len);
}
