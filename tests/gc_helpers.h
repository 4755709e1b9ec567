/* gc_helpers.h - runs a program on the collected heap with the tests' defaults. */
#ifndef GC_HELPERS_H
#define GC_HELPERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "gc/execute.h"

/* Every run of a test binary starts from the same sources: objects are kept between runs of one. */
static inline struct gc_task gc_task_of(const struct gc_program *program, const char *maps)
{
	return (struct gc_task){ .program = program,
				 .size = program->small,
				 .maps = map_encoder(maps),
				 .stubs = stub_strategy("null"),
				 .wx = CODE_TOGGLE,
				 .quantum = 4096,
				 .mode = GC_EVERY,
				 .seed = 1,
				 .check = true };
}

static inline void gc_describe(const struct gc_task *j, char text[160])
{
	snprintf(text, 160, "%s %s %s O%u%s %s size %u seed %llu", j->program->name, j->maps->name,
		 j->stubs->name, j->tier, j->polls ? " polls" : "", gc_mode_names[j->mode], j->size,
		 (unsigned long long)j->seed);
}

/* Runs the task and fails the test where it does not end as it should. */
static inline struct gc_result gc_expect(const struct gc_task *task, enum gc_status expected,
					 char why[GC_ERROR])
{
	struct gc_result r;
	char text[160];
	enum gc_status status = gc_execute(task, &r, why);

	gc_describe(task, text);
	if (status != expected)
		fail_msg("%s: %s, should be %s: %s", text, gc_status_names[status],
			 gc_status_names[expected], why);
	assert_true(status == GC_OK ? !why[0] : why[0] && !strchr(why, '\n'));
	return r;
}

static inline struct gc_result gc_expect_ok(const struct gc_task *task)
{
	char why[GC_ERROR];

	return gc_expect(task, GC_OK, why);
}

#endif
