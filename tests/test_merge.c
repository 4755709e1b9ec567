/* test_merge.c - shards of a plan, merged to one run; and files that do not belong together. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "run_helpers.h"
#include "runs/merge.h"

/* Shard i of n of the plan's 4 blocks on a machine. */
static void make_shard(const char *path, const struct plan *p, json_t *machine, unsigned i,
		       unsigned n)
{
	char error[RUN_ERROR], name[16];
	struct run run;

	snprintf(name, sizeof name, "%u/%u", i, n);
	if (run_open(path, p, &(struct run_start){ machine, name, false }, &run, error))
		fail_msg("%s", error);
	for (unsigned block = i - 1; block < 4; block += n)
		for (size_t cell = 0; cell < p->n; cell++)
			append(&run, p, block, cell);
	run_close(&run);
}

static void shards_are_merged(void **state)
{
	json_t *machine = make_machine(), *other = json_copy(machine);
	struct plan p = make_plan(1), q = make_plan(2);
	char path[6][40], error[RUN_ERROR];
	struct run run;
	size_t missing;

	(void)state;
	for (int i = 0; i < 6; i++)
		fresh(path[i]);
	const char *all[] = { path[0], path[1], path[2], path[0] };
	const char *out = path[3];

	json_object_set_new(other, "pinned_cpu", json_integer(1));
	make_shard(path[0], &p, machine, 1, 3);
	make_shard(path[1], &p, other, 2, 3);
	make_shard(path[2], &p, machine, 3, 3);
	add_text(path[1], "{\"cut"); /* its machine went down, behind the last row */
	if (run_merge(all, 3, out, false, &missing, error))
		fail_msg("%s", error);
	assert_int_equal(missing, 0);
	assert_int_equal(run_load(out, &run, error), 0);
	assert_int_equal(run.n, 4 * p.n);
	assert_int_equal(json_array_size(run.segments), 3);
	assert_null(json_object_get(run.head, "shard"));
	assert_int_equal(json_array_size(json_object_get(run.head, "merged")), 3);
	assert_true(json_equal(json_object_get(json_array_get(run.segments, 1), "machine"), other));
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(run.segments, 2), "shard")), "3/3");
	for (size_t i = 0; i < run.n; i++)
		assert_int_equal(run.invocations[i].segment, run.invocations[i].block % 3);
	assert_false(run_mixed(&run, error));
	run_close(&run);

	/* A merged run is merged again, and goes on as a run of its own. */
	unlink(out);
	assert_int_equal(run_merge(all, 2, path[4], false, &missing, error), 0);
	assert_int_equal(missing, p.n);
	const char *again[] = { path[4], path[2] };
	assert_int_equal(run_merge(again, 2, out, false, &missing, error), 0);
	assert_int_equal(missing, 0);
	assert_int_equal(run_load(out, &run, error), 0);
	assert_int_equal(json_array_size(run.segments), 3);
	run_close(&run);
	assert_int_equal(run_open(out, &p, &(struct run_start){ .machine = machine }, &run, error),
			 0);
	run_close(&run);

	/* A file of several segments may come later: its rows keep theirs. */
	const char *turned[] = { path[2], path[4] };
	unlink(path[5]);
	assert_int_equal(run_merge(turned, 2, path[5], false, &missing, error), 0);
	assert_int_equal(run_load(path[5], &run, error), 0);
	for (size_t i = 0; i < run.n; i++)
		assert_int_equal(run.invocations[i].segment, (run.invocations[i].block + 1) % 3);
	for (size_t i = 1; i < 3; i++) {
		const json_t *line = json_array_get(run.segments, i);

		assert_non_null(json_object_get(line, "started"));
		assert_non_null(json_object_get(line, "load"));
		assert_non_null(json_object_get(line, "steal_ms"));
	}
	run_close(&run);

	/* Blocks beyond the plan's (--precision, --time) make up for none that is missing. */
	assert_int_equal(
	    run_open(path[0], &p, &(struct run_start){ machine, "1/3", false }, &run, error), 0);
	for (unsigned block = 6; block < 12; block += 3)
		for (size_t cell = 0; cell < p.n; cell++)
			append(&run, &p, block, cell);
	run_close(&run);
	unlink(path[4]);
	assert_int_equal(run_merge(all, 2, path[4], false, &missing, error), 0);
	assert_int_equal(missing, p.n);

	/* Files that do not belong together; the output is not begun. */
	assert_int_equal(run_merge(all, 3, out, false, &missing, error), -EEXIST);
	unlink(out);
	assert_int_equal(run_merge(all, 4, out, false, &missing, error), -EINVAL);
	assert_non_null(strstr(error, "block 0 has page on ring already"));
	json_object_set_new(other, "kernel", json_string("7"));
	unlink(path[1]);
	make_shard(path[1], &p, other, 2, 3);
	assert_int_equal(run_merge(all, 3, out, false, &missing, error), -EINVAL);
	assert_non_null(strstr(error, "kernel '6.1' there, '7' here"));
	assert_int_not_equal(access(out, F_OK), 0);
	assert_int_equal(run_merge(all, 3, out, true, &missing, error), 0);
	assert_int_equal(run_load(out, &run, error), 0);
	assert_true(run_mixed(&run, error));
	run_close(&run);
	unlink(out);
	unlink(path[1]);
	make_shard(path[1], &q, machine, 2, 3);
	assert_int_equal(run_merge(all, 3, out, true, &missing, error), -EINVAL);
	assert_non_null(strstr(error, "of different plans"));
	unlink(path[1]);
	json_t *own = json_incref(p.json);
	p.seed = 7; /* sweep --seed */
	make_shard(path[1], &p, machine, 2, 3);
	assert_int_equal(run_merge(all, 3, out, true, &missing, error), -EINVAL);
	assert_non_null(strstr(error, "have different seeds"));
	assert_int_not_equal(access(out, F_OK), 0);
	/* A shard is gone on with as the same shard only. */
	assert_int_equal(
	    run_open(path[0], &p, &(struct run_start){ machine, "2/3", false }, &run, error),
	    -EEXIST);
	assert_int_equal(
	    run_open(path[0], &p, &(struct run_start){ .machine = machine }, &run, error), -EEXIST);
	unlink(path[5]);
	assert_int_equal(
	    run_open(path[5], &p, &(struct run_start){ .machine = machine }, &run, error), 0);
	run_close(&run);
	assert_int_equal(
	    run_open(path[5], &p, &(struct run_start){ machine, "1/3", false }, &run, error),
	    -EEXIST);
	assert_non_null(strstr(error, "holds all blocks of the run"));
	json_decref(own);
	for (int i = 0; i < 6; i++)
		unlink(path[i]);
	json_decref(other);
	json_decref(machine);
	plan_free(&p);
	plan_free(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shards_are_merged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
