/*
 * spawn.c - fork, pin, exec, and two pipes: stdout for the one line of JSON, stderr for the child's
 * phases and its last message. The parent waits for signals with a signalfd, so that Ctrl-C ends
 * the wait at once and never leaves a child behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/home.h"
#include "base/prng.h"
#include "base/procfs.h"
#include "meters/fingerprint.h"
#include "base/watch.h"
#include "runs/job.h"
#include "runs/spawn.h"

enum { PAD_MAX = 4096, SAID = 200, ANSWER_MAX = 64 << 20 };
enum { TIMEOUT_MS = 120000, TICK_MS = 1000, GRACE_MS = 1000 };
/* This many reads empty a full pipe; other processes may write to it for ever. */
enum { LATE_READS = 256 };

struct buffer {
	char *data;
	size_t len, cap;
};

struct child {
	pid_t pid;
	int out, err; /* -1 after its end */
	bool measures;
	struct buffer answer, said;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* The last message of a child that could not begin: it becomes the record's reason. */
static _Noreturn void give_up(int err, const char *what)
{
	dprintf(err, "%s: %s\n", what, strerror(errno));
	_exit(127);
}

/* After fork, in the child: never returns. */
static _Noreturn void run_child(char *const argv[], char *const envp[], int cpu, int out, int err,
				const sigset_t *mask, pid_t parent)
{
	cpu_set_t set;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	setpgid(0, 0); /* the parent answers a Ctrl-C at the terminal */
	if (cpu >= 0) {
		CPU_ZERO(&set);
		CPU_SET((size_t)cpu, &set);
		if (sched_setaffinity(0, sizeof set, &set)) {
			dprintf(err, "cannot run on CPU %d: %s\n", cpu, strerror(errno));
			_exit(127);
		}
	}
	sigprocmask(SIG_SETMASK, mask, NULL);
	if (dup2(out, 1) < 0 || dup2(err, 2) < 0)
		give_up(err, "its output");
	/* Close one first: there may be no descriptor left. */
	close(out);
	int null = open("/dev/null", O_RDONLY);
	if (null < 0 || dup2(null, 0) < 0)
		give_up(2, "/dev/null");
	execve("/proc/self/exe", argv, envp);
	give_up(2, "exec");
}

/* The environment with one more variable, whose size follows from the seed. */
static char **padded_environment(uint64_t seed, char **pad)
{
	size_t n = 0, len = prng_mix(seed) % PAD_MAX;
	char **envp;

	while (environ[n])
		n++;
	envp = calloc(n + 2, sizeof *envp);
	*pad = malloc(len + sizeof "STUBMAP_PAD=");
	if (!envp || !*pad) {
		free(envp);
		return NULL;
	}
	strcpy(*pad, "STUBMAP_PAD=");
	memset(*pad + strlen(*pad), 'x', len);
	(*pad)[sizeof "STUBMAP_PAD=" - 1 + len] = 0;
	memcpy(envp, environ, n * sizeof *envp);
	envp[n] = *pad;
	return envp;
}

static int start(struct child *c, const json_t *job, const sigset_t *mask)
{
	char *text = json_dumps(job, JSON_COMPACT | JSON_SORT_KEYS), *pad = NULL;
	char **envp = padded_environment(job_seed(job), &pad);
	char *argv[] = { (char[]){ "stubmap" }, (char[]){ "child" }, text, NULL };
	int out[2] = { -1, -1 }, err[2] = { -1, -1 }, r = 0;
	pid_t self = getpid();

	if (!text || !envp) {
		r = -ENOMEM;
		goto done;
	}
	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC) || (c->pid = fork()) < 0) {
		r = -errno;
		goto done;
	}
	if (!c->pid)
		run_child(argv, envp, job_cpu(job), out[1], err[1], mask, self);
	setpgid(c->pid, c->pid); /* the child does it, too, but perhaps not yet */
	c->out = out[0];
	c->err = err[0];
	out[0] = err[0] = -1;
done:
	close_fd(&out[0]);
	close_fd(&out[1]);
	close_fd(&err[0]);
	close_fd(&err[1]);
	free(text);
	free(pad);
	free(envp);
	return r;
}

/* Reads the available bytes and keeps at most the last `keep` of them.
 * *fd becomes -1 at the end. */
static int drain(int *fd, struct buffer *b, size_t keep)
{
	if (b->cap - b->len < 4096) {
		size_t cap = b->cap ? b->cap * 2 : 16384;
		char *data = realloc(b->data, cap);
		if (!data)
			return -ENOMEM;
		b->data = data;
		b->cap = cap;
	}
	ssize_t n = read(*fd, b->data + b->len, b->cap - b->len - 1);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	if (!n)
		close_fd(fd);
	b->len += (size_t)n;
	if (b->len > keep) {
		memmove(b->data, b->data + b->len - keep, keep);
		b->len = keep;
	}
	b->data[b->len] = 0;
	return 0;
}

/* The last line that the child wrote to stderr, without its end;
 * if it is a sanitizer's report, its summary line. */
static const char *last_words(const struct buffer *b, char out[SAID + 1])
{
	const char *summary = b->len ? strstr(b->data, "SUMMARY: ") : NULL;
	size_t n = b->len, from;

	if (summary)
		n = (size_t)(summary - b->data) + strcspn(summary, "\n");
	while (n && (b->data[n - 1] == '\n' || b->data[n - 1] == ' '))
		n--;
	for (from = n; from && b->data[from - 1] != '\n'; from--)
		;
	if (n > from)
		memcpy(out, b->data + from, n - from);
	out[n - from] = 0;
	return out;
}

/* Whether a child that was not waited for has ended. */
static bool has_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	return !waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid == pid;
}

/* Reads until both pipes end. The limit begins anew where the child begins to measure. 0,
 * -ETIMEDOUT, -EINTR (a signal is pending in signals), -errno. */
static int listen_to(struct child *c, int signals, const struct spawn_options *o)
{
	const uint64_t begun = clock_ns(), limit = o->timeout_ms * UINT64_C(1000000);
	uint64_t counted = begun;
	char words[SAID + 1];
	int r = 0, rest = LATE_READS;

	while (!r && (c->out >= 0 || c->err >= 0)) {
		struct pollfd p[] = { { c->out, POLLIN, 0 },
				      { c->err, POLLIN, 0 },
				      { signals, POLLIN, 0 } };
		uint64_t past = clock_ns() - counted;
		int wait = TICK_MS;
		/* If this process was stopped itself, a child that has ended may have written in
		 * time: its record counts. */
		const bool late = limit && past >= limit;
		if (late && !has_ended(c->pid))
			r = -ETIMEDOUT;
		else if (late)
			wait = 0;
		else if (limit && (limit - past) / 1000000u < TICK_MS)
			wait = (int)((limit - past) / 1000000u) + 1;
		int n = r ? 0 : poll(p, 3, wait);
		if (n < 0 && errno != EINTR)
			r = -errno;
		if (late && (!n || !rest--))
			r = -ETIMEDOUT;
		if (!n && !r && o->tick)
			o->tick(o->arg, last_words(&c->said, words),
				(unsigned)((clock_ns() - begun) / 1000000000u));
		if (n <= 0)
			continue;
		if (p[2].revents)
			r = -EINTR;
		if (!r && p[0].revents)
			r = drain(&c->out, &c->answer, ANSWER_MAX);
		if (!r && p[1].revents)
			r = drain(&c->err, &c->said, SAID);
		if (!c->measures && watch_measures(last_words(&c->said, words))) {
			c->measures = true;
			counted = clock_ns();
		}
	}
	return r;
}

static json_t *failed(const char *why)
{
	/* a broken child's message may not be UTF-8 */
	json_t *text = json_string(why);

	if (!text)
		text = json_string("died, and its last message is not text");
	return json_pack("{s:s, s:o, s:[]}", "status", "failed", "why", text, "figures");
}

static json_t *judge(struct child *c, int status, unsigned timeout_ms, bool late)
{
	char why[SAID + 100], said[SAID + 1];
	const char *words = last_words(&c->said, said), *state;
	json_error_t e;
	json_t *answer = NULL;

	if (late) {
		snprintf(why, sizeof why, "no end after %g s%s%s (--timeout sets the limit)",
			 timeout_ms / 1000.0, *words ? ": " : "", words);
		return failed(why);
	}
	if (WIFSIGNALED(status)) {
		snprintf(why, sizeof why, "killed by signal %d (%s)%s%s", WTERMSIG(status),
			 strsignal(WTERMSIG(status)), *words ? ": " : "", words);
		return failed(why);
	}
	if (c->answer.len)
		answer = json_loads(c->answer.data, JSON_REJECT_DUPLICATES, &e);
	state = json_string_value(json_object_get(answer, "status"));
	/* A child may end with non-zero and still have reported why: then its record counts. */
	if (state && json_is_array(json_object_get(answer, "figures")) &&
	    (!strcmp(state, "failed") || (!strcmp(state, "ok") && !WEXITSTATUS(status))))
		return answer;
	json_decref(answer);
	if (WEXITSTATUS(status) == 2 && !c->answer.len && *words)
		return failed(words +
			      (strncmp(words, "stubmap: ", 9) ? 0 : 9)); /* it refused the job */
	snprintf(why, sizeof why, "exit status %d and %s%s%s", WEXITSTATUS(status),
		 c->answer.len ? "no record in its output" : "no record", *words ? ": " : "",
		 words);
	return failed(why);
}

/* Ends the child and all processes that it started, with time for the child to say where it was,
 * and for all to clean up. The caller must still wait for the child. */
static void end_child(struct child *c)
{
	const struct spawn_options grace = { .timeout_ms = GRACE_MS };

	c->measures = true; /* no second limit */
	kill(-c->pid, SIGTERM);
	listen_to(c, -1, &grace);
	kill(c->pid, SIGKILL);
}

static void end_others(pid_t group)
{
	for (int ms = 0; ms < GRACE_MS && !kill(-group, 0); ms += 10)
		usleep(10000);
	kill(-group, SIGKILL);
}

/* The time that a process, perhaps dead and not yet waited for, was ready to run. */
static double waited_ms(pid_t pid)
{
	char path[40];
	int64_t waited = 0;

	snprintf(path, sizeof path, "/proc/%d/schedstat", (int)pid);
	procfs_number(path, 1, &waited);
	return (double)waited / 1e6;
}

static double milliseconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double of_timeval(const struct timeval *t)
{
	return (double)t->tv_sec * 1e3 + (double)t->tv_usec / 1e3;
}

/* Waits for a child's end; fills in *t, except for the times that count from its start. */
static int reap(pid_t pid, struct spawn_time *t)
{
	struct rusage used = { 0 };
	siginfo_t info;
	int status = 0;

	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
		;
	t->wait_ms = waited_ms(pid);
	while (wait4(pid, &status, 0, &used) < 0 && errno == EINTR)
		;
	t->cpu_ms = of_timeval(&used.ru_utime) + of_timeval(&used.ru_stime);
	t->faults = used.ru_majflt;
	return status;
}

bool spawn_stopped(const struct spawn_time *t)
{
	double told = t->cpu_ms + t->wait_ms + t->steal_ms + (double)t->faults * SPAWN_FAULT_MS;
	double still = t->wall_ms - told;

	return still >= SPAWN_STILL_MS && still >= t->wall_ms * (t->threads ? 0.25 : 0.05);
}

static void tell_time(json_t *record, const struct spawn_time *t)
{
	if (!json_object_get(record, "wall_ns"))
		json_object_set_new(record, "wall_ns",
				    json_integer((json_int_t)(t->wall_ms * 1e6)));
	json_object_set_new(record, "cpu_ms", json_integer((json_int_t)t->cpu_ms));
	json_object_set_new(record, "wait_ms", json_integer((json_int_t)t->wait_ms));
	if (spawn_stopped(t))
		json_object_set_new(record, "stopped", json_true());
}

int spawn_job(const json_t *job, const struct spawn_options *o, json_t **record)
{
	struct child c = { .pid = -1, .out = -1, .err = -1 };
	const double begin = milliseconds(CLOCK_BOOTTIME);
	struct spawn_time time = { .threads = job_threads(job) };
	struct env_moment host, after;
	sigset_t stop, mask;
	int signals, status = 0, r;

	*record = NULL;
	env_moment(&host);
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &stop, &mask);
	if ((signals = signalfd(-1, &stop, SFD_CLOEXEC)) < 0) {
		r = -errno;
		goto done;
	}
	sigset_t before = mask; /* for the child: it must not inherit a block on Ctrl-C */
	sigdelset(&before, SIGINT);
	sigdelset(&before, SIGTERM);
	if ((r = start(&c, job, &before)))
		goto done;
	r = listen_to(&c, signals, o);
	if (r)
		end_child(&c);
	status = reap(c.pid, &time);
	if (r)
		end_others(c.pid);
	if (r && r != -ETIMEDOUT)
		goto done;
	*record = judge(&c, status, o->timeout_ms, r == -ETIMEDOUT);
	r = *record ? 0 : -ENOMEM;
	env_moment(&after);
	time.wall_ms = milliseconds(CLOCK_BOOTTIME) - begin;
	if (host.steal_ms >= 0)
		time.steal_ms = (double)(after.steal_ms - host.steal_ms);
	if (*record)
		tell_time(*record, &time);
done:
	close_fd(&signals);
	close_fd(&c.out);
	close_fd(&c.err);
	free(c.answer.data);
	free(c.said.data);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	return r;
}

/* Within a shell's single quotes. */
static void put_quoted(const char *text)
{
	for (; *text; text++)
		if (*text == '\'')
			fputs("'\\''", stderr);
		else
			fputc(*text, stderr);
}

static bool is_fault(const char *why)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	int number;

	if (!why || sscanf(why, "killed by signal %d", &number) != 1)
		return false;
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		if (number == signals[i])
			return true;
	return false;
}

static const char *why_of(const json_t *record)
{
	return json_string_value(json_object_get(record, "why"));
}

/* Says how to see a crash again. */
static void tell_how_to_look(const json_t *job)
{
	char *text = json_dumps(job, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	char self[4096];

	if (text && !home_executable(self, sizeof self)) {
		fprintf(stderr, "stubmap: it crashed; to look at it: STUBMAP_NAMES=gdb gdb -ex run "
				"-ex backtrace --args '");
		put_quoted(self);
		fputs("' child '", stderr);
		put_quoted(text);
		fputs("'\n", stderr);
	}
	free(text);
}

/* A cell that crashed is run once more, with its stubs named: if it crashes again, its record says
 * in which stub. The figures of neither run are kept. */
static void look_closer(const json_t *job, const struct spawn_options *o, json_t *record)
{
	json_t *again = NULL;

	tell_how_to_look(job);
	if (getenv("STUBMAP_NAMES") || setenv("STUBMAP_NAMES", "gdb", 1))
		return;
	if (!spawn_job(job, o, &again) && is_fault(why_of(again)))
		json_object_set(record, "why", json_object_get(again, "why"));
	unsetenv("STUBMAP_NAMES");
	json_decref(again);
}

int spawn_cell(const json_t *job, const struct spawn_options *o, unsigned timeout_s,
	       json_t **record)
{
	const json_t *cell = json_object_get(job, "cell");
	json_int_t upgrades = json_integer_value(json_object_get(cell, "upgrades"));
	struct spawn_options within = *o;

	/* An upgrade may take two system calls while other processes want the CPUs: 1/4 ms each. */
	within.timeout_ms = timeout_s ? timeout_s * 1000 : TIMEOUT_MS + (unsigned)(upgrades / 4);
	int r = spawn_job(job, &within, record);
	if (!r && is_fault(why_of(*record)))
		look_closer(job, &within, *record);
	return r;
}
