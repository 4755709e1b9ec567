/*
 * fingerprint.h - the facts about the machine that a reader must know to judge a number.
 *
 * Nothing here changes the machine. A fact that can't be had is null, and "missing" says why.
 */
#ifndef STUBMAP_METERS_FINGERPRINT_H
#define STUBMAP_METERS_FINGERPRINT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The fingerprint, an object: cpu_vendor, cpu_model, cpu_family, cpu_model_number,
 * cpu_stepping, microcode, cores, l1i, l1d, l2, l3 ({size, line, sets, ways}; bytes), kernel,
 * cmdline (words of it that bear on speed), hypervisor (false: none), governor, turbo, smt,
 * aslr, thp, perf_event_paranoid, mitigations, libc, llvm, papi, libpfm, jansson, zstd,
 * compiler, build, program, tree (provenance.h), page_size; and missing, {fact: reason}. NULL:
 * out of memory. Old records have, instead of program and tree, the git_commit and git_dirty of
 * the tree when the program ran.
 */
json_t *env_machine(void);

/* Figures that change during a run. */
struct env_moment {
	double load;	  /* 1 minute; < 0: not to be had */
	int64_t steal_ms; /* of all CPUs since boot; < 0: not to be had */
	int64_t total_ms; /* CPU time of all CPUs since boot, idle too */
};
void env_moment(struct env_moment *);

/* How far a setting spoils a measurement. */
enum env_level { ENV_OK, ENV_WARN, ENV_REFUSE, ENV_LEVELS };
extern const char *const env_level_names[ENV_LEVELS];

struct env_check {
	const char *name;
	enum env_level level;
	char state[64];	    /* the setting here */
	const char *advice; /* why it matters; NULL where ok */
	const char *remedy; /* a command, or what else can be done; NULL where ok */
};

enum { ENV_MAX_CHECKS = 16 };
/* Judges a fingerprint and this moment; returns how many checks. */
size_t env_checks(const json_t *machine, struct env_check out[ENV_MAX_CHECKS]);

#endif
