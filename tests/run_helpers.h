/* run_helpers.h - small run files, made by hand. Include cmocka.h before. */
#ifndef STUBMAP_TEST_RUN_HELPERS_H
#define STUBMAP_TEST_RUN_HELPERS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runs/store.h"

/* Two arms of stubs, page and pool, and page's replica: 3 cells in each of 4 blocks. */
static inline struct plan make_plan(int seed)
{
	char error[PLAN_ERROR];
	struct plan p;
	json_t *json = json_pack("{s:s, s:i, s:i, s:i, s:{s:s}, s:[{s:[s,s]}]}", "name", "t",
				 "seed", seed, "blocks", 4, "iterations", 1, "baseline", "stubs",
				 "page", "cells", "stubs", "page", "pool");

	if (plan_from_json(json, &p, error))
		fail_msg("%s", error);
	json_decref(json);
	return p;
}

/* A fingerprint with a program, as env_machine makes it. */
static inline json_t *make_machine(void)
{
	return json_loads(
	    "{\"cpu_vendor\": \"v\", \"cpu_model\": \"m\", \"cpu_family\": \"6\", "
	    "\"cpu_model_number\": \"1\", \"cpu_stepping\": \"2\", \"microcode\": \"0x1\", "
	    "\"cores\": 4, \"kernel\": \"6.1\", \"cmdline\": \"\", \"hypervisor\": false, "
	    "\"governor\": null, \"turbo\": null, \"smt\": 0, \"aslr\": 2, \"thp\": \"always\", "
	    "\"mitigations\": {\"retbleed\": \"no\"}, \"libc\": \"glibc 2.36\", \"llvm\": \"19\", "
	    "\"papi\": \"7\", \"jansson\": \"2.14\", \"compiler\": \"gcc 12\", "
	    "\"build\": \"optimised\", \"pinned_cpu\": 3, \"page_size\": 4096, "
	    "\"l1i\": {\"size\": 32768}, "
	    "\"program\": {\"commit\": \"aaaa\", \"dirty\": false, \"hash\": \"1111\"}, "
	    "\"tree\": {\"commit\": \"aaaa\", \"dirty\": false}, "
	    "\"missing\": {\"governor\": \"why\"}}",
	    0, NULL);
}

static inline json_t *make_record(const struct plan *p, unsigned block, size_t cell,
				  const char *status)
{
	return json_pack("{s:i, s:s, s:i, s:i, s:o, s:I, s:s, s:s?, s:I, s:[]}", "schema", SCHEMA,
			 "type", "invocation", "block", (int)block, "order", (int)cell, "cell",
			 cell_to_json(&p->cells[cell]), "seed",
			 (json_int_t)plan_block_seed(p, block), "status", status, "why",
			 strcmp(status, "ok") ? "no room" : NULL, "wall_ns", (json_int_t)5,
			 "figures");
}

static inline void append(struct run *run, const struct plan *p, unsigned block, size_t cell)
{
	char error[RUN_ERROR];
	json_t *record = make_record(p, block, cell, "ok");

	if (run_append(run, record, error))
		fail_msg("%s", error);
	json_decref(record);
}

static inline off_t size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static inline void add_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "a");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* The name of a new file that does not exist; path has 40 bytes. */
static inline void fresh(char *path)
{
	strcpy(path, "/tmp/stubmap-run-XXXXXX");
	close(mkstemp(path));
	unlink(path);
}

#endif
