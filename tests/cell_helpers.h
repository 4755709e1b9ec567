/* cell_helpers.h - cells as text, and refusals of them. */
#ifndef CELL_HELPERS_H
#define CELL_HELPERS_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "runs/cell.h"

/* cell_from_json's answer. */
static inline int read_cell(const char *text, struct cell *c, char error[CELL_ERROR])
{
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	error[0] = '\0';
	int r = cell_from_json(json, c, error);
	json_decref(json);
	return r;
}

struct bad_cell {
	const char *text, *words; /* of the refusal's line */
};

static inline void expect_refused(const struct bad_cell *bad, size_t n)
{
	char error[CELL_ERROR];
	struct cell c;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(read_cell(bad[i].text, &c, error), -EINVAL);
		if (!strstr(error, bad[i].words))
			fail_msg("%s: '%s' lacks '%s'", bad[i].text, error, bad[i].words);
	}
}

#endif
