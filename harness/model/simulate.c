/* simulate.c - tasks are independent: each thread takes the next one until none is left. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/lackey.h"
#include "meters/memory.h"
#include "base/prng.h"
#include "base/progress.h"
#include "model/simulate.h"
#include "runs/job.h"
#include "runs/spawn.h"

enum { LAPS = 2, MOST_WORKERS = 64 };

int simulate_snapshot(const struct simulate_paths *p, const struct cell *c, unsigned laps,
		      const char *path, char error[TRACE_ERROR])
{
	const struct job wanted = { .cell = *c,
				    .seed = p->seed,
				    .iterations = 1,
				    .cpu = -1,
				    .cache = p->cache,
				    .data = p->data,
				    .snapshot = path,
				    .laps = laps };
	json_t *job = job_to_json(&wanted), *record = NULL;
	int e =
	    job ? spawn_cell(job, &(struct spawn_options){ 0 }, p->timeout_s, &record) : -ENOMEM;

	json_decref(job);
	if (e) {
		snprintf(error, TRACE_ERROR, "cannot run a child: %s", strerror(-e));
		return e;
	}
	const char *status = json_string_value(json_object_get(record, "status"));
	const char *why = json_string_value(json_object_get(record, "why"));
	if (!status || strcmp(status, "ok")) {
		snprintf(error, TRACE_ERROR, "%.200s", why ? why : "the cell failed");
		e = -EIO;
	}
	json_decref(record);
	return e;
}

void simulate_remove(const char *path)
{
	char name[4200];

	snprintf(name, sizeof name, "%s.json", path);
	unlink(name);
	unlink(path);
}

/* Makes a file name that is different for each cell. */
static void file_name(const struct simulate_paths *p, const struct cell *c, const char *folder,
		      const char *suffix, char *out, size_t size)
{
	json_t *json = cell_to_json(c);
	char *text = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	uint64_t h = p->seed;
	char workload[WORKLOAD_NAME];

	/* The name of a user's own trace may contain slashes. */
	for (size_t i = 0; i < sizeof workload; i++)
		workload[i] = c->workload[i] == '/' ? '-' : c->workload[i];
	for (const char *at = text; at && *at; at++)
		h = prng_mix(h ^ (uint8_t)*at);
	snprintf(out, size, "%s/%s-%s-%u-%016llx%s", folder, workload, c->stubs, c->live,
		 (unsigned long long)h, suffix);
	free(text);
	json_decref(json);
}

static int make_trace(const struct simulate_paths *p, struct simulate_task *t,
		      struct trace_pack *pack)
{
	char path[4160], kept[4160];
	uint64_t t0 = clock_ns();

	file_name(p, &t->cell, p->folder, ".snapshot", path, sizeof path);
	int e = simulate_snapshot(p, &t->cell, LAPS, path, t->why);
	if (!e)
		e = lackey_trace(path, false, pack, t->why);
	simulate_remove(path);
	t->seconds = (double)(clock_ns() - t0) * 1e-9;
	if (!e && p->keep) {
		file_name(p, &t->cell, p->keep, ".trace", kept, sizeof kept);
		e = trace_save(pack, kept, t->why);
		if (e)
			trace_pack_free(pack);
	}
	return e;
}

static int run_task(const struct simulate_paths *p, struct simulate_task *t)
{
	struct trace_pack pack = { 0 };
	struct address_trace trace;
	int e;

	t->seconds = -1;
	e = t->file ? trace_load(t->file, &pack, t->why) : make_trace(p, t, &pack);
	if (e)
		return e;
	if (!(e = trace_open(&pack, &trace, t->why))) {
		if (t->file)
			e = cell_read(json_object_get(trace.head, "cell"), &t->cell, t->why);
		t->calls = trace.calls;
		t->accesses = trace.n;
		for (size_t i = 0; i < t->n && !e; i++) {
			struct simulate_pass *r = &t->passes[i];
			e = model_steady(&trace, &r->options, r->counts, r->has, t->why);
			r->code_pages = e ? 0 : model_code_pages(&trace, r->options.page);
			if (r->code_pages < 0)
				e = (int)r->code_pages;
		}
		trace_close(&trace);
	}
	trace_pack_free(&pack);
	return e;
}

struct crew {
	const struct simulate_paths *paths;
	struct simulate_task *tasks;
	size_t n;
	atomic_size_t next;
	pthread_mutex_t lock; /* for progress */
	struct progress progress;
};

static bool stopped(void)
{
	sigset_t pending;

	sigpending(&pending);
	return sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM);
}

static void *work(void *arg)
{
	struct crew *c = arg;
	size_t i;

	while ((i = atomic_fetch_add(&c->next, 1)) < c->n) {
		const struct simulate_task *t = &c->tasks[i];
		char what[160];

		c->tasks[i].status = stopped() ? -EINTR : run_task(c->paths, &c->tasks[i]);
		snprintf(what, sizeof what, "%s on %.40s", t->cell.stubs, t->cell.workload);
		pthread_mutex_lock(&c->lock);
		progress_step(&c->progress, t->file ? t->file : what);
		pthread_mutex_unlock(&c->lock);
	}
	return NULL;
}

int simulate_all(const struct simulate_paths *p, struct simulate_task *tasks, size_t n,
		 unsigned workers)
{
	struct crew crew = {
		.paths = p, .tasks = tasks, .n = n, .lock = PTHREAD_MUTEX_INITIALIZER
	};
	pthread_t threads[MOST_WORKERS];
	sigset_t stop, mask;
	unsigned started = 0;

	progress_begin(&crew.progress, "stubmap model", n);
	/* blocked in all threads, so that none dies before its snapshot is removed */
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &stop, &mask);
	while (started + 1 < workers && started < MOST_WORKERS && started + 1 < n &&
	       !pthread_create(&threads[started], NULL, work, &crew))
		started++;
	work(&crew);
	while (started)
		pthread_join(threads[--started], NULL);
	progress_end(&crew.progress);
	int e = stopped() ? -EINTR : 0;
	while (e && stopped()) /* answered by ending in order */
		sigtimedwait(&stop, NULL, &(struct timespec){ 0 });
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	return e;
}
