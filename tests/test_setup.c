/* test_setup.c - a cell resolved: each allowed name is found, and no other name
 * is taken for one of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <stubmap/map.h>

#include "cell_helpers.h"
#include "runs/setup.h"

static struct setup resolve(const struct cell *c)
{
	struct setup s;
	char error[CELL_ERROR] = "";

	if (setup_of(c, &s, error))
		fail_msg("%s on %s: %s", c->stubs, c->workload, error);
	return s;
}

static void test_each_name_is_found(void **unused)
{
	struct cell c;

	(void)unused;
	cell_defaults(&c);
	for (unsigned i = 0; i < CODE_WX_POLICIES; i++) {
		strcpy(c.wx, code_wx_names[i]);
		assert_int_equal(resolve(&c).code.wx, i);
	}
	for (unsigned i = 0; i < STUB_KINDS; i++) {
		strcpy(c.kind, stub_kind_names[i]);
		assert_int_equal(resolve(&c).kind, i);
	}
	for (unsigned i = 0; i < STUB_POLICIES; i++) {
		strcpy(c.policy, stub_policy_names[i]);
		assert_int_equal(resolve(&c).stub.policy, i);
	}
	for (unsigned i = 0; i < GC_MODES; i++) {
		strcpy(c.mode, gc_mode_names[i]);
		assert_int_equal(resolve(&c).mode, i);
	}
	for (size_t i = 0; stub_strategies[i]; i++) {
		strcpy(c.stubs, stub_strategies[i]->name);
		assert_ptr_equal(resolve(&c).stubs, stub_strategies[i]);
	}
	strcpy(c.workload, gc_programs[0]->workload);
	for (size_t i = 0; map_encoders[i]; i++) {
		strcpy(c.maps, map_encoders[i]->name);
		assert_ptr_equal(resolve(&c).maps, map_encoders[i]);
	}
}

static void test_literals(void **unused)
{
	struct cell c;

	(void)unused;
	cell_defaults(&c);
	assert_int_equal(resolve(&c).stub.literals, STUB_LITERALS_OWN);
	strcpy(c.literals, "baked");
	assert_int_equal(resolve(&c).stub.literals, STUB_LITERALS_BAKED);
	strcpy(c.literals, "table");
	assert_int_equal(resolve(&c).stub.literals, STUB_LITERALS_TABLE);
}

/* Values that are no names get into the library's two configurations, too. */
static void test_configurations(void **unused)
{
	struct cell c;

	(void)unused;
	cell_defaults(&c);
	for (int on = 0; on < 2; on++) {
		c.share = c.markers = c.poison = on;
		c.quantum = on ? 16384 : 65536;
		c.generic = on ? 7 : 0;
		const struct setup s = resolve(&c);

		assert_int_equal(s.code.share, on);
		assert_int_equal(s.code.quantum, c.quantum);
		assert_int_equal(s.stub.markers, on);
		assert_int_equal(s.stub.poison, on);
		assert_int_equal(s.stub.generic, c.generic);
	}
	strcpy(c.signature, "iid>l");
	stub_signature signature;
	assert_int_equal(stub_signature_parse("iid>l", &signature), 0);
	assert_int_equal(resolve(&c).signature, signature);
}

static void test_families(void **unused)
{
	static const struct {
		const char *workload;
		enum family family;
	} rows[] = { { "ring", FAMILY_CALLS },
		     { "replay:sqljs", FAMILY_CALLS },
		     { "replay:folder/of mine.trace.zst", FAMILY_CALLS },
		     { "tierup", FAMILY_TIERUP },
		     { "flood", FAMILY_FLOOD },
		     { "flood:sqljs", FAMILY_FLOOD },
		     { "churn", FAMILY_CHURN },
		     { "churn:v8-dart", FAMILY_CHURN },
		     { "gc:lisp", FAMILY_GC },
		     { "wasm:kernel", FAMILY_WASM },
		     { "wasm:folder/mine.wasm", FAMILY_WASM },
		     { "flood:wasm:kernel", FAMILY_WASM_FLOOD } };
	struct cell c;

	(void)unused;
	cell_defaults(&c);
	strcpy(c.maps, "exact");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		strcpy(c.workload, rows[i].workload);
		const struct setup s = resolve(&c);

		assert_int_equal(s.family, rows[i].family);
		assert_true((s.program != NULL) == (s.family == FAMILY_GC));
		assert_true((s.maps != NULL) == (s.family == FAMILY_GC));
		assert_true((s.wasm.name != NULL) ==
			    (s.family == FAMILY_WASM || s.family == FAMILY_WASM_FLOOD));
		assert_true((s.workload.open != NULL) == (s.family < FAMILY_GC));
		assert_int_equal(s.stub.running, s.family == FAMILY_TIERUP);
	}
}

/* Nobody checked such a cell before: it is refused here, and its nearest is named. */
static void test_unknown_names(void **unused)
{
	static const struct {
		size_t at;
		const char *value, *nearest;
	} rows[] = { { offsetof(struct cell, wx), "rxw", "rwx" },
		     { offsetof(struct cell, kind), "entry_nativ", "entry_native" },
		     { offsetof(struct cell, policy), "al", "all" },
		     { offsetof(struct cell, literals), "bakd", "baked" },
		     { offsetof(struct cell, mode), "randon", "random" },
		     { offsetof(struct cell, stubs), "poool", "pool" },
		     { offsetof(struct cell, workload), "rings", "ring" },
		     { offsetof(struct cell, maps), "exakt", "exact" } };
	struct cell c;
	struct setup s;
	char error[CELL_ERROR];

	(void)unused;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		cell_defaults(&c);
		if (rows[i].at == offsetof(struct cell, maps))
			strcpy(c.workload, "gc:lisp");
		strcpy((char *)&c + rows[i].at, rows[i].value);
		assert_int_equal(setup_of(&c, &s, error), -EINVAL);
		if (!strstr(error, rows[i].value) || !strstr(error, rows[i].nearest))
			fail_msg("'%s' lacks '%s' or '%s'", error, rows[i].value, rows[i].nearest);
	}
	cell_defaults(&c);
	strcpy(c.signature, "x>i");
	assert_int_equal(setup_of(&c, &s, error), -EINVAL);
	assert_non_null(strstr(error, "x>i"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_name_is_found), cmocka_unit_test(test_literals),
		cmocka_unit_test(test_configurations),	   cmocka_unit_test(test_families),
		cmocka_unit_test(test_unknown_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
