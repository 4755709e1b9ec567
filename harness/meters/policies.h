/*
 * policies.h - which W^X policies work here, and which would still work for a program that is
 * allowed less than this one. Nothing is guessed: each is tried in a child process, from code_open
 * to a call of code that was written, changed and given back.
 */
#ifndef STUBMAP_METERS_POLICIES_H
#define STUBMAP_METERS_POLICIES_H

#include <stubmap/code.h>

/* The restrictions of the child. */
enum policy_hardening {
	HARDENING_NONE,	   /* as this process */
	HARDENING_MDWE,	   /* prctl(PR_SET_MDWE): no memory that was writable becomes executable */
	HARDENING_EXECMEM, /* as SELinux without execmem: neither that, nor memory that is both */
	HARDENING_MEMFD,   /* no memfd_create */
	POLICY_HARDENINGS
};
/* "here", "mdwe", "execmem", "memfd" */
extern const char *const policy_hardening_names[POLICY_HARDENINGS];

struct policy_answer {
	const char *under[POLICY_HARDENINGS]; /* "works", or what was refused */
	const char *large;		      /* what quanta of 2 MiB get, here; NULL: not open */
};

void policies_try(struct policy_answer out[CODE_WX_POLICIES]);

#endif
