/* store.c - begins, continues, extends and reads run files. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "runs/store.h"

static int __attribute__((format(printf, 3, 4))) refuse(char *error, int result, const char *form,
							...)
{
	va_list ap;

	va_start(ap, form);
	vsnprintf(error, RUN_ERROR, form, ap);
	va_end(ap);
	return result;
}

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
	run->baseline = json_object_get(plan, "baseline");
	if (strcmp(text_of(head, "type"), "run") || !json_is_object(run->baseline))
		return refuse(error, -EINVAL, "no run file: its first line is no head");
	if (json_integer_value(json_object_get(head, "schema")) != SCHEMA)
		return refuse(error, -EINVAL, "schema %lld; this program reads %d",
			      (long long)json_integer_value(json_object_get(head, "schema")),
			      SCHEMA);
	return 0;
}

static json_t *make_head(const struct plan *p, json_t *machine)
{
	char started[32];
	time_t now = time(NULL);
	struct tm tm;

	strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	return json_pack("{s:i, s:s, s:O, s:I, s:O?, s:s}", "schema", SCHEMA, "type", "run", "plan",
			 p->json, "seed", (json_int_t)p->seed, "machine", machine, "started",
			 started);
}

/* Keeps a reference to json. */
static int add(struct run *run, json_t *json, char *error)
{
	struct invocation i = { .json = json };
	char why[CELL_ERROR];
	const json_t *block = json_object_get(json, "block");
	const char *status = text_of(json, "status");

	i.figures = json_object_get(json, "figures");
	if (strcmp(text_of(json, "type"), "invocation") || !json_is_integer(block) ||
	    !json_is_array(i.figures) || (strcmp(status, "ok") && strcmp(status, "failed")))
		return refuse(error, -EINVAL,
			      "no invocation: it lacks its type, block, status or figures");
	if (cell_read(json_object_get(json, "cell"), &i.cell, why))
		return refuse(error, -EINVAL, "%s", why);
	i.block = (uint32_t)json_integer_value(block);
	i.ok = !strcmp(status, "ok");
	i.why = i.ok ? NULL : text_of(json, "why");
	if (!(run->n & (run->n - 1))) { /* full at each power of two */
		struct invocation *all =
		    realloc(run->invocations, (run->n ? run->n * 2 : 1) * sizeof *all);
		if (!all)
			return refuse(error, -ENOMEM, "out of memory");
		run->invocations = all;
	}
	json_incref(json);
	run->invocations[run->n++] = i;
	return 0;
}

/* Writes a whole line, or leaves the file as it was. */
static int write_line(int fd, const char *path, const json_t *json, char *error)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	size_t len = text ? strlen(text) : 0;
	off_t before = lseek(fd, 0, SEEK_END);
	int r = 0;

	if (!text)
		return refuse(error, -ENOMEM, "out of memory");
	text[len] = '\n'; /* in place of the final zero */
	int e = file_write(fd, text, len + 1);
	if (!e && fdatasync(fd))
		e = -errno;
	if (e) {
		r = refuse(error, e, "%s: cannot write: %s", path, strerror(-e));
		if (before >= 0 && ftruncate(fd, before))
			r = refuse(error, e, "%s: cannot write: %s; the last line is cut off", path,
				   strerror(-e));
	}
	free(text);
	return r;
}

int run_begin(struct run *run, const struct plan *p, json_t *machine)
{
	char error[RUN_ERROR];

	*run = (struct run){ .fd = -1 };
	return set_head(run, make_head(p, machine), error) ? -ENOMEM : 0;
}

/* Reads all lines; *whole is the length of the whole lines. */
static int read_lines(FILE *f, const char *path, struct run *run, off_t *whole, char *error)
{
	char why[RUN_ERROR] = "", *line = NULL;
	size_t cap = 0, number = 0;
	ssize_t len;
	int r = 0;

	*whole = 0;
	while (!r && !run->torn && (len = getline(&line, &cap, f)) > 0) {
		json_error_t e;
		json_t *json = NULL;
		int next;
		number++;
		if (line[len - 1] == '\n')
			json = json_loads(line, JSON_REJECT_DUPLICATES, &e);
		next = getc(f);
		ungetc(next, f);
		if (!json && number > 1 && next == EOF) {
			run->torn = true;
		} else if (!json) {
			r = refuse(error, -EINVAL, "%s:%zu: %s", path, number,
				   number > 1 ? "not JSON"
					      : "no run file: its first line is no head");
		} else if (number == 1) {
			r = set_head(run, json, why);
		} else {
			r = add(run, json, why);
			json_decref(json);
		}
		if (!run->torn)
			*whole += len;
		if (*why)
			refuse(error, r, "%s:%zu: %.*s", path, number, RUN_ERROR / 2, why);
	}
	free(line);
	if (!r && !number)
		r = refuse(error, -EINVAL, "%s: no run file: it is empty", path);
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
	if (r)
		run_close(run);
	return r;
}

static int go_on(const char *path, const struct plan *p, struct run *run, char *error)
{
	off_t whole;
	int copy = dup(run->fd), r;
	FILE *f = copy < 0 ? NULL : fdopen(copy, "r");

	if (!f)
		return refuse(error, -errno, "%s: %s", path, strerror(errno));
	r = read_lines(f, path, run, &whole, error);
	fclose(f);
	if (r)
		return r;
	if (!json_equal(json_object_get(run->head, "plan"), p->json))
		return refuse(
		    error, -EEXIST,
		    "%s holds a run of another plan ('%s'); name another file, or the same plan",
		    path, text_of(json_object_get(run->head, "plan"), "name"));
	if (run->torn && ftruncate(run->fd, whole))
		return refuse(error, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

int run_open(const char *path, const struct plan *p, json_t *machine, struct run *run,
	     char error[RUN_ERROR])
{
	struct stat st;
	int r;

	*run = (struct run){ .fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666) };
	if (run->fd >= 0 && flock(run->fd, LOCK_EX | LOCK_NB)) {
		r = refuse(error, -EBUSY, "%s is being written by another process", path);
		goto bad;
	}
	if (run->fd < 0 || fstat(run->fd, &st)) {
		r = refuse(error, -errno, "%s: %s", path, strerror(errno));
		goto bad;
	}
	if (!S_ISREG(st.st_mode)) {
		r = refuse(error, -EINVAL, "%s is no regular file", path);
		goto bad;
	}
	if (st.st_size) {
		r = go_on(path, p, run, error);
	} else if (!(r = set_head(run, make_head(p, machine), error))) {
		r = write_line(run->fd, path, run->head, error);
	}
	if (!r && !(run->path = strdup(path)))
		r = refuse(error, -ENOMEM, "out of memory");
	if (!r)
		return 0;
bad:
	run_close(run);
	return r;
}

int run_append(struct run *run, json_t *record, char error[RUN_ERROR])
{
	int r = add(run, record, error);

	if (r || run->fd < 0)
		return r;
	if ((r = write_line(run->fd, run->path, record, error)))
		json_decref(run->invocations[--run->n].json);
	return r;
}

void run_close(struct run *run)
{
	for (size_t i = 0; i < run->n; i++)
		json_decref(run->invocations[i].json);
	free(run->invocations);
	free(run->path);
	json_decref(run->head);
	if (run->fd >= 0)
		close(run->fd);
	*run = (struct run){ .fd = -1 };
}
