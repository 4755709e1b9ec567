/*
 * fuzz_json.c - fuzz targets for files of JSON that others may have written: plans and runs.
 */
#include <stdio.h>

#include "fuzz.h"
#include "runs/plan.h"
#include "runs/store.h"

/* A list or an object of two bytes is of a few hundred in memory; the cells of a plan are a
 * product of its lists, up to PLAN_MAX_CELLS. */
const struct fuzz_memory fuzz_memory = { 8 << 20, 400 };

enum { PLAN, RUN, NAMES };

const char *fuzz_name(size_t i)
{
	static const char *const names[NAMES + 1] = { "plan", "run" };

	return names[i];
}

static bool read_plan(const uint8_t *data, size_t len)
{
	json_t *json = json_loadb((const char *)data, len, JSON_REJECT_DUPLICATES, NULL);
	char error[PLAN_ERROR] = "";
	struct plan plan;

	if (!json)
		return false;
	int r = plan_from_json(json, &plan, error);
	json_decref(json);
	if (r) {
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

bool fuzz_run(size_t i, const uint8_t *data, size_t len)
{
	return i == PLAN ? read_plan(data, len) : read_run(data, len);
}
