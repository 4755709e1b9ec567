/* policies.c - a child restricts itself, tries one policy, and tells by its exit status. */
#include "meters/policies.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif

const char *const policy_hardening_names[POLICY_HARDENINGS] = { "here", "mdwe", "execmem",
								"memfd" };

enum step {
	WORKS,
	NO_FORBIDDEN,
	NO_KEYS,
	NO_OPEN,
	NO_RESERVE,
	NO_COMMIT,
	NO_PATCH,
	NO_ANSWER,
	NOT_KNOWN,
	NO_CHILD,
	STEPS,
	PAGES = 32 /* and enum code_pages: it works with these */
};
static const char *const step_names[STEPS] = {
	[WORKS] = "works",	   [NO_FORBIDDEN] = "forbidden", [NO_KEYS] = "no keys",
	[NO_OPEN] = "no memory",   [NO_RESERVE] = "no reserve",	 [NO_COMMIT] = "no commit",
	[NO_PATCH] = "no patch",   [NO_ANSWER] = "crashes", /* or answers wrongly */
	[NOT_KNOWN] = "not known", /* this kernel can't be asked to forbid it */
	[NO_CHILD] = "no process",
};

/* From now on a system call is refused whose third argument has all of these bits. */
static int refuse(unsigned nr, unsigned bits)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, bits),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, bits, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof code / sizeof *code, code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &program);
}

static int restrict_to(enum policy_hardening hardening)
{
	switch (hardening) {
	case HARDENING_MDWE:
		return prctl(PR_SET_MDWE, 1, 0, 0, 0);
	case HARDENING_EXECMEM:
		return refuse(SYS_mmap, PROT_WRITE | PROT_EXEC) ||
		       refuse(SYS_mprotect, PROT_EXEC) || refuse(SYS_pkey_mprotect, PROT_EXEC);
	case HARDENING_MEMFD:
		return refuse(SYS_memfd_create, 0);
	case HARDENING_NONE:
	case POLICY_HARDENINGS:
		break;
	}
	return 0;
}

/* mov eax, value; ret */
static void write_function(struct code_memory *code, void *at, uint8_t value)
{
	const uint8_t bytes[] = { 0xb8, value, 0, 0, 0, 0xc3 };

	memcpy(code_writable(code, at), bytes, sizeof bytes);
}

static int call(const void *at)
{
	int (*f)(void);

	memcpy(&f, &at, sizeof f);
	return f();
}

static int try_here(enum code_wx wx, uint32_t quantum)
{
	struct code_memory *code;
	struct code_stats stats;

	int e = code_open(&code, &(struct code_config){ .wx = wx, .quantum = quantum });
	if (e)
		return e == -EACCES ? NO_FORBIDDEN : e == -ENOTSUP ? NO_KEYS : NO_OPEN;
	void *at = code_reserve(code, CODE_STUBS, 1);
	if (!at)
		return NO_RESERVE;
	write_function(code, at, 1);
	if (code_commit(code, at, 6))
		return NO_COMMIT;
	if (call(at) != 1)
		return NO_ANSWER;
	if (code_patch(code, at, 6))
		return NO_PATCH;
	write_function(code, at, 2);
	if (code_commit(code, at, 6))
		return NO_COMMIT;
	if (call(at) != 2)
		return NO_ANSWER;
	code_release(code, at, 1);
	code_get_stats(code, &stats);
	code_close(code);
	return PAGES + (int)stats.pages;
}

/* An enum step, or the pages that the policy works with. */
static int try_in_child(enum code_wx wx, uint32_t quantum, enum policy_hardening hardening)
{
	int status;

	fflush(NULL); /* the child has no part in what is still to be written */
	pid_t child = fork();
	if (child < 0)
		return NO_CHILD;
	if (!child) {
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		_exit(restrict_to(hardening) ? NOT_KNOWN : try_here(wx, quantum));
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return NO_CHILD;
	return WIFEXITED(status) ? WEXITSTATUS(status) : NO_ANSWER;
}

void policies_try(struct policy_answer out[CODE_WX_POLICIES])
{
	for (int wx = 0; wx < CODE_WX_POLICIES; wx++) {
		for (int h = 0; h < POLICY_HARDENINGS; h++) {
			int got = try_in_child(wx, 4096, h);

			out[wx].under[h] = step_names[got >= PAGES ? WORKS : got];
		}
		int large = try_in_child(wx, CODE_LARGE_QUANTUM, HARDENING_NONE);
		out[wx].large = large >= PAGES ? code_page_names[large - PAGES] : NULL;
	}
}
