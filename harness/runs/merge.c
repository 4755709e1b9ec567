/* merge.c - checks that the files belong together, then takes their lines one after another. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "runs/merge.h"
#include "runs/row.h"
#include "runs/segment.h"

struct merge {
	struct run run; /* in memory: refuses what a run file must not have */
	FILE *out;
	const char *path; /* out's */
	char *error;
};

static int check_heads(const char *path, const struct run *first, const char *its_path,
		       const struct run *run, bool mixed, char *error)
{
	char what[SEGMENT_DIFFERS];

	if (!json_equal(json_object_get(first->head, "plan"), json_object_get(run->head, "plan")))
		return run_refuse(error, -EINVAL, "%s and %s are of different plans", its_path,
				  path);
	if (run_seed(first) != run_seed(run))
		return run_refuse(error, -EINVAL, "%s and %s have different seeds", its_path, path);
	if (!mixed && segment_differs_but_cpu(json_object_get(first->head, "machine"),
					      json_object_get(run->head, "machine"), what))
		return run_refuse(
		    error, -EINVAL,
		    "%s (there) and %s (here) are of different programs or machines: "
		    "%.*s (--mixed joins them all the same; claims refuse the run then)",
		    its_path, path, RUN_ERROR - 900, what);
	return 0;
}

/* Files are read more than once: a pipe has nothing the second time. */
static int check_regular(const char *path, char *error)
{
	int fd = file_open(path, FILE_WHOLE, error, RUN_ERROR);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* Reads each file once, so that nothing is written if one is bad. */
static int check_files(const char *const *paths, size_t n, bool mixed, char *error)
{
	struct run first = { .fd = -1 }, run;
	int r = 0;

	for (size_t i = 0; i < n && !r; i++)
		r = check_regular(paths[i], error);
	if (!r)
		r = run_load(paths[0], &first, error);
	for (size_t i = 1; i < n && !r; i++) {
		if ((r = run_load(paths[i], &run, error)))
			break;
		r = check_heads(paths[i], &first, paths[0], &run, mixed, error);
		run_close(&run);
	}
	run_close(&first);
	return r;
}

static int put(struct merge *m, const json_t *line, bool sorted)
{
	errno = 0;
	if (!json_dumpf(line, m->out, JSON_COMPACT | (sorted ? JSON_SORT_KEYS : 0)) &&
	    putc('\n', m->out) != EOF)
		return 0;
	return run_refuse(m->error, -EIO, "%s: cannot write: %s", m->path,
			  errno ? strerror(errno) : "out of memory");
}

/* The head of all, from the first file's. */
static int put_head(struct merge *m, json_t *head, const char *const *paths, size_t n)
{
	json_t *shards = json_array(), *plain = json_copy(head);
	struct run run;
	int r = 0;

	for (size_t i = 0; i < n && !r; i++) {
		if ((r = run_load(paths[i], &run, m->error)))
			break;
		json_t *shard = json_object_get(run.head, "shard");
		json_array_append_new(shards, shard ? json_incref(shard) : json_null());
		run_close(&run);
	}
	json_object_del(plain, "shard");
	json_object_set_new(plain, "merged", shards);
	if (!r)
		r = run_begin_with(&m->run, plain, m->error);
	else
		json_decref(plain);
	return r ? r : put(m, m->run.head, false);
}

/* Another file's head as a segment of its own. */
static int put_segment(struct merge *m, const json_t *head)
{
	json_t *line = json_pack("{s:i, s:s, s:I}", "schema", SCHEMA, "type", "segment", "segment",
				 (json_int_t)json_array_size(m->run.segments));
	static const char *const kept[] = { "machine", "started", "load", "steal_ms", "shard" };
	int r;

	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		if (json_object_get(head, kept[i]))
			json_object_set(line, kept[i], json_object_get(head, kept[i]));
	r = run_take(&m->run, line, m->error);
	r = r ? r : put(m, line, true);
	json_decref(line);
	return r;
}

static int put_line(struct merge *m, json_t *line, json_int_t base)
{
	json_int_t own = json_integer_value(json_object_get(line, "segment"));
	int r;

	if (base + own && json_object_set_new(line, "segment", json_integer(base + own)))
		return run_refuse(m->error, -ENOMEM, "out of memory");
	r = run_take(&m->run, line, m->error);
	return r ? r : put(m, line, true);
}

/* The lines of one file, which has been read before: what fails to parse is a torn end. */
static int put_file(struct merge *m, const char *const *paths, size_t n, size_t i)
{
	char why[RUN_ERROR], *line = NULL;
	size_t cap = 0, number = 0;
	json_int_t base = 0;
	ssize_t len;
	int r;
	FILE *f = file_stream(paths[i], FILE_STREAM, &r, m->error, RUN_ERROR);

	if (!f)
		return r;
	r = 0;
	while (!r && (len = getline(&line, &cap, f)) > 0) {
		json_t *json = json_loadb(line, (size_t)len, JSON_REJECT_DUPLICATES, NULL);

		if (!json)
			break;
		if (number++) {
			r = put_line(m, json, base);
		} else if (!i) {
			r = put_head(m, json, paths, n);
		} else {
			base = (json_int_t)json_array_size(m->run.segments);
			r = put_segment(m, json);
		}
		if (r && !ferror(m->out)) {
			snprintf(why, sizeof why, "%s", m->error);
			run_refuse(m->error, r, "%s:%zu: %.*s", paths[i], number, RUN_ERROR / 2,
				   why);
		}
		json_decref(json);
	}
	free(line);
	fclose(f);
	return r;
}

/* By cells: a shard may have more blocks than the plan, and another one fewer. */
static void count_missing(const struct run *run, size_t *missing)
{
	char error[PLAN_ERROR];
	struct plan plan;

	*missing = 0;
	if (plan_from_json(json_object_get(run->head, "plan"), &plan, error))
		return;
	for (unsigned block = 0; block < plan.blocks; block++)
		for (size_t i = 0; i < plan.n; i++)
			*missing += row_find(run, block, &plan.cells[i]) == run->n;
	plan_free(&plan);
}

int run_merge(const char *const *paths, size_t n, const char *out, bool mixed, size_t *missing,
	      char error[RUN_ERROR])
{
	struct merge m = { .run = { .fd = -1 }, .path = out, .error = error };
	char *aside = NULL;
	int r;

	*missing = 0;
	if ((r = check_files(paths, n, mixed, error)))
		return r;
	if (!access(out, F_OK))
		return run_refuse(error, -EEXIST, "%s exists: name another file", out);
	/* It must be new: an OUT.new may be somebody's, or one of the files that are read. */
	if (asprintf(&aside, "%s.%d.new", out, (int)getpid()) < 0)
		return run_refuse(error, -ENOMEM, "out of memory");
	if (!(m.out = fopen(aside, "wxe"))) {
		r = run_refuse(error, -errno, "%s: %s", out, strerror(errno));
		goto done;
	}
	for (size_t i = 0; i < n && !r; i++)
		r = put_file(&m, paths, n, i);
	if (!r && fflush(m.out))
		r = run_refuse(error, -errno, "%s: cannot write: %s", out, strerror(errno));
	if (!r && fsync(fileno(m.out)))
		r = run_refuse(error, -errno, "%s: cannot write: %s", out, strerror(errno));
	int e = file_finish(m.out);
	if (!r && e)
		r = run_refuse(error, e, "%s: cannot write: %s", out, strerror(-e));
	if (!r && rename(aside, out))
		r = run_refuse(error, -errno, "%s: %s", out, strerror(errno));
	if (r)
		unlink(aside);
	else
		count_missing(&m.run, missing);
	run_close(&m.run);
done:
	free(aside);
	return r;
}
