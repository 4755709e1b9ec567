/* run_files.h - run files whose numbers are known, in a folder of their own. */
#ifndef STUBMAP_TESTS_RUN_FILES_H
#define STUBMAP_TESTS_RUN_FILES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/simulation.h"

static char run_folder[] = "/tmp/stubmap-runs-XXXXXX";

/* The facts of a run; the baseline is page, twice. 0 is the usual value. */
struct made {
	unsigned blocks;      /* 10 */
	unsigned cells;	      /* rings of 1, 2, ... stubs: 1 */
	uint64_t seed;	      /* 1 */
	const char *cpu;      /* its family: "1" */
	double pool;	      /* pool's time is that of page times this: 0.5 */
	double between;	      /* the spread of the whole run, arm by arm */
	double replica;	      /* the spread of a process; the samples' is a tenth: 0.02 */
	double block;	      /* the spread of an arm in a block: 0 */
	unsigned pss;	      /* bytes of a stub of pool, exact: 64 */
	const char *more;     /* figures of pool, each with a comma before it */
	const char *workload; /* ring; a program has no live stubs */
};

#define MADE(...) ((struct made){ __VA_ARGS__ })

static inline void run_path(const char *name, char out[200])
{
	snprintf(out, 200, "%s/%s", run_folder, name);
}

static inline void put_invocation(FILE *f, struct prng *p, const struct made *m, const char *arm,
				  unsigned live, int replica, unsigned block, double ns)
{
	fprintf(f,
		"{\"schema\": 1, \"type\": \"invocation\", \"block\": %u, \"cell\": {\"stubs\": "
		"\"%s\", \"workload\": \"%s\", ",
		block, arm, m->workload ? m->workload : "ring");
	if (!m->workload)
		fprintf(f, "\"live\": %u, ", live);
	fprintf(f,
		"\"replica\": %d}, \"status\": \"ok\", \"why\": null, \"wall_ns\": 1000, "
		"\"figures\": [{\"phase\": \"steady\", \"event\": \"ns\", \"unit\": \"call\", "
		"\"source\": \"clock\", \"per\": 1, \"warmup\": 0, \"samples\": [",
		replica);
	for (int i = 0; i < 9; i++)
		fprintf(f, "%s%.9g", i ? ", " : "",
			ns * exp(0.1 * (m->replica > 0 ? m->replica : 0.02) * sim_normal(p)));
	fprintf(f,
		"]}, {\"phase\": \"space\", \"event\": \"pss\", \"unit\": \"stub\", \"source\": "
		"\"kernel\", \"per\": 1, \"warmup\": 0, \"samples\": [%u]}%s]}\n",
		strcmp(arm, "page") ? m->pss ? m->pss : 64 : 4096,
		m->more && !strcmp(arm, "pool") ? m->more : "");
}

static inline void make_run(const char *name, struct made m)
{
	char path[200];
	struct prng p;
	unsigned cells = m.cells ? m.cells : 1;

	prng_seed(&p, m.seed ? m.seed : 1);
	run_path(name, path);
	FILE *f = fopen(path, "we");
	if (!f)
		abort();
	fprintf(f,
		"{\"schema\": 1, \"type\": \"run\", \"plan\": {\"name\": \"t\", \"seed\": 1, "
		"\"baseline\": {\"stubs\": \"page\"}}, \"seed\": %d, \"machine\": {\"cpu_model\": "
		"\"Some CPU\", \"cpu_family\": \"%s\"}, \"started\": \"2026-01-01T00:00:00Z\"}\n",
		(int)(m.seed ? m.seed : 1), m.cpu ? m.cpu : "1");
	for (unsigned c = 0; c < cells; c++) {
		double page = 100 * exp(m.between * sim_normal(&p)),
		       pool = 100 * (m.pool > 0 ? m.pool : 0.5) * exp(m.between * sim_normal(&p)),
		       spread = m.replica > 0 ? m.replica : 0.02;
		for (unsigned b = 0; b < (m.blocks ? m.blocks : 10); b++) {
			double shared = page * exp(m.block * sim_normal(&p));
			put_invocation(f, &p, &m, "page", c + 1, 0, b,
				       shared * exp(spread * sim_normal(&p)));
			put_invocation(f, &p, &m, "page", c + 1, 1, b,
				       shared * exp(spread * sim_normal(&p)));
			put_invocation(f, &p, &m, "pool", c + 1, 0, b,
				       pool * exp(m.block * sim_normal(&p)) *
					   exp(spread * sim_normal(&p)));
		}
	}
	if (fclose(f))
		abort();
}

static inline int make_folder(void **state)
{
	(void)state;
	return mkdtemp(run_folder) ? 0 : -1;
}

static inline int drop_folder(void **state)
{
	char command[220];

	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", run_folder);
	return system(command);
}

#endif
