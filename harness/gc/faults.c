/* faults.c - forks, runs, and reports the end through a pipe; without exec, so that the child has
 * the compiler and the program's object already. */
#include "base/clock.h"
#include "base/procfs.h"
#include "gc/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char *const fault_outcome_names[FAULT_OUTCOMES] = {
	[FAULT_CAUGHT] = "caught",
	[FAULT_BAD_ROOT] = "bad_root",
	[FAULT_CRASH] = "crash",
	[FAULT_NO_END] = "no_end",
	[FAULT_WRONG_ANSWER] = "wrong_answer",
	[FAULT_UNNOTICED] = "unnoticed",
	[FAULT_HARMLESS] = "harmless",
};

/* The message that goes through the pipe, in one write. */
struct message {
	enum gc_status status;
	struct gc_result result;
	char why[GC_ERROR];
};

/* A program gone astray may allocate for ever: limits what it can allocate
 * beyond the present size. */
static void limit_memory(void)
{
	const unsigned long more = 8ul << 30;
	int64_t data;

	if (procfs_number("/proc/self/statm", 5, &data)) {
		rlim_t most = (rlim_t)data * (rlim_t)sysconf(_SC_PAGESIZE) + more;
		setrlimit(RLIMIT_DATA, &(struct rlimit){ most, most });
	}
}

static _Noreturn void be_child(const struct gc_task *task, int out, pid_t parent)
{
	struct message m = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(2);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	limit_memory();
	m.status = gc_execute(task, &m.result, m.why);
	_exit(write(out, &m, sizeof m) != sizeof m);
}

static int64_t now_ms(void)
{
	return (int64_t)(clock_ns() / 1000000);
}

/* Reads the message until the pipe's end or the time limit (*late); returns the bytes that came. */
static size_t listen_for(int in, struct message *m, bool *late)
{
	int64_t end = now_ms() + FAULT_LIMIT_MS;
	size_t n = 0;

	*late = false;
	while (n < sizeof *m) {
		struct pollfd p = { in, POLLIN, 0 };
		int64_t left = end - now_ms();
		int r = left > 0 ? poll(&p, 1, (int)left) : 0;

		if (r < 0 && errno == EINTR)
			continue;
		*late = !r;
		ssize_t got = r > 0 ? read(in, (char *)m + n, sizeof *m - n) : 0;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	return n;
}

static enum fault_outcome outcome_of(enum gc_status status)
{
	switch (status) {
	case GC_OK:
		return FAULT_HARMLESS;
	case GC_DETECTED:
		return FAULT_CAUGHT;
	case GC_BAD_ROOT:
		return FAULT_BAD_ROOT;
	case GC_FAULT:
		return FAULT_CRASH;
	case GC_WRONG_ANSWER:
		return FAULT_WRONG_ANSWER;
	case GC_WRONG_MAP:
		return FAULT_UNNOTICED;
	default:
		return FAULT_NO_END;
	}
}

int fault_run(const struct gc_task *task, struct fault_end *end)
{
	pid_t parent = getpid(), pid;
	struct message m;
	int fds[2], status;
	bool late;

	*end = (struct fault_end){ 0 };
	if (pipe2(fds, O_CLOEXEC) || (pid = fork()) < 0) {
		int err = errno;
		snprintf(end->why, sizeof end->why, "can't make a process: %s", strerror(err));
		return -err;
	}
	if (!pid)
		be_child(task, fds[1], parent);
	close(fds[1]);
	bool whole = listen_for(fds[0], &m, &late) == sizeof m;
	close(fds[0]);
	if (late)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (whole) {
		end->outcome = outcome_of(m.status);
		end->result = m.result;
		memcpy(end->why, m.why, sizeof end->why);
		return m.status == GC_REFUSED ? -EINVAL : 0;
	}
	end->outcome = late ? FAULT_NO_END : FAULT_CRASH;
	if (late)
		snprintf(end->why, sizeof end->why, "%s: no end after %d s", task->program->name,
			 FAULT_LIMIT_MS / 1000);
	else
		snprintf(end->why, sizeof end->why, "%s: the process died: %s", task->program->name,
			 WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "no signal");
	return 0;
}

int fault_rooms(const struct gc_task *task, uint64_t rooms[GC_FAULT_KINDS], char why[GC_ERROR])
{
	struct gc_task j = *task;
	struct gc_result r;

	rooms[GC_FAULT_NONE] = 0;
	for (int kind = GC_FAULT_NONE + 1; kind < GC_FAULT_KINDS; kind++) {
		/* No program can have this fault: it is refused before anything runs,
		 * but counts the room. */
		j.fault = (struct gc_fault){ (enum gc_fault_kind)kind, UINT64_MAX };
		gc_execute(&j, &r, why);
		if (!r.safepoints)
			return -EINVAL;
		rooms[kind] = r.fault_room;
	}
	why[0] = 0;
	return 0;
}

int fault_count(const struct gc_task *task, uint64_t room, uint64_t most, struct progress *progress,
		struct fault_count *out, char why[GC_ERROR])
{
	struct gc_task j = *task;
	struct fault_end end;

	*out = (struct fault_count){ .room = room };
	while (out->runs < room && out->runs < most) {
		j.fault.n = room <= most ? out->runs : out->runs * room / most;
		int err = fault_run(&j, &end);
		if (err) {
			memcpy(why, end.why, GC_ERROR);
			return err;
		}
		out->runs++;
		out->outcomes[end.outcome]++;
		progress_step(progress, j.program->workload);
	}
	return 0;
}
