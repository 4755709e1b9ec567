/* peers.c - the list of peers, and loading one: dlopen of peers/NAME.so beside the program, or the
 * reason that the build left there (scripts/peer-build). A library's constructors run as it is
 * loaded, whatever they do: a cell's process loads its peer itself, all others ask a child. */
#include "peers/peers.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/home.h"
#include "base/say.h"

#define PREFIX "peer:"

/* To load a library, perhaps a large one from a slow disk. */
enum { LOADING_S = 30 };

const struct peer_row peer_rows[] = {
	{ PREFIX "asmjit", "ctx+jump",
	  "AsmJit's JitRuntime: three instructions of ours, assembled and placed by it", 0 },
	{ PREFIX "orc", "jump",
	  "LLVM's LocalIndirectStubsManager: a jump alone, callers pass the context", 0 },
	{ PREFIX "ffcall-trampoline", "var+jump",
	  "libffcall's trampolines: a store to a variable, then a body that reads it", 0 },
	{ PREFIX "ffcall-callback", "handler",
	  "libffcall's callbacks: a handler in C gets the arguments, and calls", 0 },
	{ PREFIX "libffi", "handler",
	  "libffi's closures: a handler in C gets the arguments, and calls", 0 },
	{ PREFIX "luajit", "Lua",
	  "LuaJIT's callbacks: a function in Lua gets the arguments, and calls; there is one page "
	  "of them",
	  512 },
	{ NULL, NULL, NULL, 0 },
};

const struct peer_row *peer_named(const char *name)
{
	for (const struct peer_row *r = peer_rows; r->name; r++)
		if (!strcmp(r->name, name))
			return r;
	return NULL;
}

/* Why there is no object: the line that the build left, if it did. */
static void why_not(const char *name, char why[PEER_WHY])
{
	char file[64], path[PATH_MAX];
	FILE *f = NULL;

	snprintf(file, sizeof file, "peers/%s.why", name);
	if (!home_find(file, path, sizeof path))
		f = fopen(path, "re");
	if (!f || !fgets(why, PEER_WHY, f))
		snprintf(why, PEER_WHY, "%s%s was not built: make", PREFIX, name);
	why[strcspn(why, "\n")] = 0;
	if (f)
		fclose(f);
}

const struct peer *peer_load(const struct peer_row *row, char why[PEER_WHY])
{
	const char *name = row->name + strlen(PREFIX);
	char file[64], path[PATH_MAX];
	const struct peer *peer;
	void *object;

	snprintf(file, sizeof file, "peers/%s.so", name);
	if (home_find(file, path, sizeof path)) {
		why_not(name, why);
		return NULL;
	}
	object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	peer = object ? dlsym(object, "peer") : NULL;
	if (!peer) {
		const char *said = dlerror();

		/* The place of the object is this machine's, and goes into no record. */
		if (said && !strncmp(said, path, strlen(path)))
			said += strlen(path) + strspn(said + strlen(path), ": ");
		snprintf(why, PEER_WHY, "%s can't be loaded: %s", row->name, said ? said : "");
		return NULL;
	}
	if (peer->contract == PEER_CONTRACT && (!peer->ops || !peer->ops->name || !peer->version)) {
		snprintf(why, PEER_WHY, "%s: %s has no allocator in it: make", row->name, file);
		return NULL;
	}
	if (peer->contract == PEER_CONTRACT && !strcmp(peer->ops->name, row->name))
		return peer;
	snprintf(why, PEER_WHY, "%s: %s is of another build: make", row->name, file);
	return NULL;
}

/* In the child: writes '+' and the version, or '-' and the reason. What the library prints is no
 * part of the parent's output. */
static _Noreturn void answer(const struct peer_row *row, int out, pid_t parent)
{
	char why[PEER_WHY], line[1 + PEER_WHY];
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || null < 0)
		_exit(127);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	const struct peer *peer = peer_load(row, why);
	int n = snprintf(line, sizeof line, "%c%s", peer ? '+' : '-', peer ? peer->version : why);
	if (n >= (int)sizeof line)
		n = sizeof line - 1;
	_exit(write(out, line, (size_t)n) == n ? 0 : 127);
}

static void why_died(const struct peer_row *row, int status, bool late, char why[PEER_WHY])
{
	if (late)
		snprintf(why, PEER_WHY, "%s: its library was not loaded after %d s", row->name,
			 LOADING_S);
	else if (WIFSIGNALED(status))
		snprintf(why, PEER_WHY, "%s: its library crashes as it is loaded: signal %d (%s)",
			 row->name, WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(why, PEER_WHY,
			 "%s: its library ends the process as it is loaded: exit status %d",
			 row->name, WEXITSTATUS(status));
}

/* Takes the child's one line, or its end, whichever comes first; after that no child is left. */
static bool take_answer(const struct peer_row *row, pid_t pid, int in, char said[PEER_WHY])
{
	struct pollfd ready = { .fd = in, .events = POLLIN };
	char line[1 + PEER_WHY];
	ssize_t n = 0;
	int status = 0, r;

	while ((r = poll(&ready, 1, LOADING_S * 1000)) < 0 && errno == EINTR)
		;
	if (r > 0)
		n = read(in, line, sizeof line - 1);
	kill(pid, SIGKILL); /* of no effect on one that has ended */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (n < 1) {
		why_died(row, status, !r, said);
		return false;
	}
	line[n] = 0;
	say_plain(said, PEER_WHY, line + 1); /* it goes into a record, which is UTF-8 */
	return *line == '+';
}

static bool ask(const struct peer_row *row, char said[PEER_WHY])
{
	const pid_t self = getpid();
	int pipes[2];
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC)) {
		snprintf(said, PEER_WHY, "%s: can't be asked: %s", row->name, strerror(errno));
		return false;
	}
	fflush(NULL); /* a library that exits would write it twice */
	if (!(pid = fork()))
		answer(row, pipes[1], self);
	close(pipes[1]);
	if (pid < 0)
		snprintf(said, PEER_WHY, "%s: can't be asked: %s", row->name, strerror(errno));
	const bool there = pid > 0 && take_answer(row, pid, pipes[0], said);
	close(pipes[0]);
	return there;
}

bool peer_there(const struct peer_row *row, char said[PEER_WHY])
{
	static struct {
		bool asked, there;
		char said[PEER_WHY];
	} known[sizeof peer_rows / sizeof *peer_rows];
	const size_t i = (size_t)(row - peer_rows);

	if (!known[i].asked)
		known[i].there = ask(row, known[i].said);
	known[i].asked = true;
	memcpy(said, known[i].said, PEER_WHY);
	return known[i].there;
}
