/* store.c - begins, continues, extends and reads run files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "runs/row.h"
#include "runs/segment.h"
#include "runs/store.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* Takes the reference to head, also on failure. */
static int set_head(struct run *run, json_t *head, char *error)
{
	const json_t *plan = json_object_get(head, "plan");

	run->head = head;
	run->segments = json_pack("[O]", head);
	run->baseline = json_object_get(plan, "baseline");
	if (strcmp(text_of(head, "type"), "run") || !json_is_object(run->baseline))
		return run_refuse(error, -EINVAL, "no run file: its first line is no head");
	if (json_integer_value(json_object_get(head, "schema")) != SCHEMA)
		return run_refuse(error, -EINVAL, "schema %lld; this program reads %d",
				  (long long)json_integer_value(json_object_get(head, "schema")),
				  SCHEMA);
	return 0;
}

/* In this order: a first line that was cut off is known by its beginning. */
static const char first_keys[] = "{\"schema\":1,\"type\":\"run\",";

static json_t *make_head(const struct plan *p, const struct run_start *start)
{
	json_t *head = json_pack("{s:i, s:s, s:I, s:O?}", "schema", SCHEMA, "type", "run", "seed",
				 (json_int_t)p->seed, "machine", start->machine);

	if (head &&
	    (segment_begun(head) ||
	     (start->shard && json_object_set_new(head, "shard", json_string(start->shard))) ||
	     json_object_set(head, "plan", p->json))) {
		json_decref(head);
		head = NULL;
	}
	return head;
}

/* Checks a row; *at becomes the index of the row that it replaces, or run->n if it is new. */
static int check_row(struct run *run, json_t *json, struct invocation *inv, size_t *at, char *error)
{
	int r = row_read(run, json, inv, error);

	if (r)
		return r;
	*at = row_find(run, inv->block, &inv->cell);
	if (*at < run->n &&
	    (run->invocations[*at].ok || !json_is_true(json_object_get(json, "retry"))))
		return run_refuse(error, -EINVAL,
				  "block %u has %s on %s already, with the same values", inv->block,
				  inv->cell.stubs, inv->cell.workload);
	return row_room(run) ? run_refuse(error, -ENOMEM, "out of memory") : 0;
}

/* Takes a checked row, and a reference to its json. */
static void take_row(struct run *run, struct invocation *inv, size_t at)
{
	json_incref(inv->json);
	if (at < run->n) {
		json_decref(run->invocations[at].json);
		run->invocations[at] = *inv;
		run->superseded++;
	} else {
		run->invocations[run->n++] = *inv;
		row_add(run);
	}
}

static int add_segment(struct run *run, json_t *json, char *error)
{
	const json_t *n = json_object_get(json, "segment");

	if (!json_is_integer(n) ||
	    json_integer_value(n) != (json_int_t)json_array_size(run->segments))
		return run_refuse(error, -EINVAL, "the file's next segment is %zu, not this",
				  json_array_size(run->segments));
	return json_array_append(run->segments, json) ? run_refuse(error, -ENOMEM, "out of memory")
						      : 0;
}

int run_take(struct run *run, json_t *json, char error[RUN_ERROR])
{
	struct invocation inv;
	size_t at;
	int r;

	if (!strcmp(text_of(json, "type"), "segment"))
		return add_segment(run, json, error);
	if ((r = check_row(run, json, &inv, &at, error)))
		return r;
	take_row(run, &inv, at);
	return 0;
}

int run_write_line(int fd, const char *path, const json_t *json, char error[RUN_ERROR])
{
	const bool head = !strcmp(text_of(json, "type"), "run");
	char *text = json_dumps(json, JSON_COMPACT | (head ? 0 : JSON_SORT_KEYS));
	size_t len = text ? strlen(text) : 0;
	off_t before = lseek(fd, 0, SEEK_END);
	int r = 0;

	if (!text)
		return run_refuse(error, -ENOMEM, "out of memory");
	text[len] = '\n'; /* in place of the final zero */
	int e = file_write(fd, text, len + 1);
	if (!e && fdatasync(fd))
		e = -errno;
	if (e) {
		r = run_refuse(error, e, "%s: cannot write: %s", path, strerror(-e));
		if (before >= 0 && ftruncate(fd, before))
			r = run_refuse(error, e, "%s: cannot write: %s; the last line is cut off",
				       path, strerror(-e));
	}
	free(text);
	return r;
}

int run_begin(struct run *run, const struct plan *p, json_t *machine)
{
	char error[RUN_ERROR];

	const struct run_start start = { .machine = machine };

	*run = (struct run){ .fd = -1 };
	return set_head(run, make_head(p, &start), error) ? -ENOMEM : 0;
}

int run_begin_with(struct run *run, json_t *head, char error[RUN_ERROR])
{
	*run = (struct run){ .fd = -1 };
	return set_head(run, head, error);
}

/* Whether a line without an end is the beginning of a head: its writer was killed. */
static bool begins_a_head(const char *line, size_t len)
{
	size_t n = sizeof first_keys - 1;

	return len && !strncmp(line, first_keys, len < n ? len : n);
}

/* A line without an end is the last one, and is torn. */
static int read_line(struct run *run, char *line, size_t len, size_t number, bool last, char *error)
{
	const bool whole = line[len - 1] == '\n';
	json_error_t e;
	json_t *json = whole ? json_loadb(line, len, JSON_REJECT_DUPLICATES, &e) : NULL;
	int r;

	if (!json && last && (number > 1 || (!whole && begins_a_head(line, len)))) {
		run->torn = true;
		return 0;
	}
	if (!json)
		return run_refuse(error, -EINVAL, "%s",
				  number > 1 ? "not JSON"
					     : "no run file: its first line is no head");
	if (number == 1)
		return set_head(run, json, error);
	r = run_take(run, json, error);
	json_decref(json);
	return r;
}

/* Reads all lines; *whole is the length of the whole lines.
 * A file whose first line is torn gives no head. */
static int read_lines(FILE *f, const char *path, struct run *run, off_t *whole, char *error)
{
	char why[RUN_ERROR] = "", *line = NULL;
	size_t cap = 0, number = 0;
	ssize_t len;
	int r = 0;

	*whole = 0;
	while (!r && !run->torn && (len = getline(&line, &cap, f)) > 0) {
		int next = getc(f);

		ungetc(next, f);
		r = read_line(run, line, (size_t)len, ++number, next == EOF, why);
		if (!run->torn)
			*whole += len;
		if (r)
			run_refuse(error, r, "%s:%zu: %.*s", path, number, RUN_ERROR / 2, why);
	}
	free(line);
	if (!r && !number)
		r = run_refuse(error, -EINVAL, "%s: no run file: it is empty", path);
	return r;
}

int run_load(const char *path, struct run *run, char error[RUN_ERROR])
{
	off_t whole;
	int r;
	FILE *f = file_stream(path, FILE_STREAM, &r, error, RUN_ERROR);

	*run = (struct run){ .fd = -1 };
	if (!f)
		return r;
	r = read_lines(f, path, run, &whole, error);
	fclose(f);
	if (!r && !run->head)
		r = run_refuse(
		    error, -EINVAL,
		    "%s:1: no run file: its first line was cut off (sweep begins it anew)", path);
	if (r)
		run_close(run);
	return r;
}

static int begin_file(const char *path, const struct plan *p, const struct run_start *start,
		      struct run *run, char *error)
{
	int r = set_head(run, make_head(p, start), error);

	return r ? r : run_write_line(run->fd, path, run->head, error);
}

/* Whether a run that was begun is the one that is asked for. */
static int check_same(const char *path, const struct plan *p, const struct run_start *start,
		      const struct run *run, char *error)
{
	const json_t *plan = json_object_get(run->head, "plan");
	const char *shard = json_string_value(json_object_get(run->head, "shard"));
	char what[SEGMENT_DIFFERS];

	if (!json_equal(plan, p->json))
		return run_refuse(
		    error, -EEXIST,
		    "%s holds a run of another plan ('%s'); name another file, or the same plan",
		    path, text_of(plan, "name"));
	if (strcmp(shard ? shard : "", start->shard ? start->shard : ""))
		return run_refuse(error, -EEXIST, "%s holds %s%s of the run; name another file",
				  path, shard ? "shard " : "all blocks", shard ? shard : "");
	if (!start->mixed &&
	    segment_differs(json_object_get(run->head, "machine"), start->machine, what))
		return run_refuse(
		    error, -EXDEV,
		    "%s was begun by another program or on another machine: %.*s. It would "
		    "hold numbers that can't be compared: name another file (sweep --mixed goes on "
		    "all the same)",
		    path, RUN_ERROR - 600, what);
	return 0;
}

static int go_on(const char *path, const struct plan *p, const struct run_start *start,
		 struct run *run, char *error)
{
	off_t whole;
	int copy = dup(run->fd), r;
	FILE *f = copy < 0 ? NULL : fdopen(copy, "r");

	if (!f)
		return run_refuse(error, -errno, "%s: %s", path, strerror(errno));
	r = read_lines(f, path, run, &whole, error);
	fclose(f);
	if (!r && run->head)
		r = check_same(path, p, start, run, error);
	if (r)
		return r;
	if (run->torn && ftruncate(run->fd, whole))
		return run_refuse(error, -errno, "%s: %s", path, strerror(errno));
	if (!run->head) {
		run->torn = false;
		run->anew = true;
		return begin_file(path, p, start, run, error);
	}
	run->resumed = segment_line(json_array_size(run->segments), start->machine);
	return run->resumed ? 0 : run_refuse(error, -ENOMEM, "out of memory");
}

int run_open(const char *path, const struct plan *p, const struct run_start *start, struct run *run,
	     char error[RUN_ERROR])
{
	struct stat st;
	int r;

	*run = (struct run){ .fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666) };
	if (run->fd >= 0 && flock(run->fd, LOCK_EX | LOCK_NB)) {
		r = run_refuse(error, -EBUSY, "%s is being written by another process", path);
		goto bad;
	}
	if (run->fd < 0 || fstat(run->fd, &st)) {
		r = run_refuse(error, -errno, "%s: %s", path, strerror(errno));
		goto bad;
	}
	if (!S_ISREG(st.st_mode)) {
		r = run_refuse(error, -EINVAL, "%s is no regular file", path);
		goto bad;
	}
	r = (st.st_size ? go_on : begin_file)(path, p, start, run, error);
	if (!r && !(run->path = strdup(path)))
		r = run_refuse(error, -ENOMEM, "out of memory");
	if (!r)
		return 0;
bad:
	run_close(run);
	return r;
}

/* A resume becomes a segment with its first invocation. */
static int begin_segment(struct run *run, char *error)
{
	int r;

	if (!run->resumed)
		return 0;
	if (run->fd >= 0 && (r = run_write_line(run->fd, run->path, run->resumed, error)))
		return r;
	r = add_segment(run, run->resumed, error);
	json_decref(run->resumed);
	run->resumed = NULL;
	return r;
}

int run_append(struct run *run, json_t *record, char error[RUN_ERROR])
{
	struct invocation inv;
	size_t at, segment;
	int r = begin_segment(run, error);

	if (r)
		return r;
	segment = json_array_size(run->segments) - 1;
	if (segment && json_object_set_new(record, "segment", json_integer((json_int_t)segment)))
		return run_refuse(error, -ENOMEM, "out of memory");
	if ((r = check_row(run, record, &inv, &at, error)) ||
	    (run->fd >= 0 && (r = run_write_line(run->fd, run->path, record, error))))
		return r;
	take_row(run, &inv, at);
	return 0;
}

uint64_t run_seed(const struct run *run)
{
	return (uint64_t)json_integer_value(json_object_get(run->head, "seed"));
}

static const json_t *machine_of(const struct run *run, size_t segment)
{
	return json_object_get(json_array_get(run->segments, segment), "machine");
}

static json_int_t cpu_of(const struct run *run, size_t segment)
{
	return json_integer_value(json_object_get(machine_of(run, segment), "pinned_cpu"));
}

bool run_mixed(const struct run *run, char why[RUN_ERROR])
{
	uint32_t first[PLAN_MAX_BLOCKS] = { 0 }; /* 1 + the segment of a block's first row */
	char what[SEGMENT_DIFFERS];

	for (size_t s = 1; s < json_array_size(run->segments); s++)
		if (segment_differs_but_cpu(machine_of(run, 0), machine_of(run, s), what)) {
			run_refuse(
			    why, 0,
			    "its segments 0 (there) and %zu (here) are not of one program and "
			    "machine: %.*s",
			    s, RUN_ERROR - 200, what);
			return true;
		}
	for (size_t i = 0; i < run->n; i++) {
		const struct invocation *inv = &run->invocations[i];
		uint32_t *seen = &first[inv->block];

		if (!*seen)
			*seen = inv->segment + 1;
		if (cpu_of(run, *seen - 1) == cpu_of(run, inv->segment))
			continue;
		run_refuse(why, 0, "block %u ran on CPU %lld and on CPU %lld", inv->block,
			   (long long)cpu_of(run, *seen - 1), (long long)cpu_of(run, inv->segment));
		return true;
	}
	return false;
}

void run_close(struct run *run)
{
	for (size_t i = 0; i < run->n; i++)
		json_decref(run->invocations[i].json);
	free(run->invocations);
	free(run->slots);
	free(run->path);
	json_decref(run->segments);
	json_decref(run->resumed);
	json_decref(run->head);
	if (run->fd >= 0)
		close(run->fd);
	*run = (struct run){ .fd = -1 };
}
