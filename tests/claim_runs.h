/* claim_runs.h - runs whose numbers are known, in a folder of their own, and what `stubmap claims`
 * says of them. */
#ifndef STUBMAP_TESTS_CLAIM_RUNS_H
#define STUBMAP_TESTS_CLAIM_RUNS_H

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "command_helpers.h"

enum { BLOCKS = 6, LINE = 600 };

static char folder[] = "/tmp/stubmap-claims-XXXXXX";

/* A run of page (20 ns, twice) and pool on a ring of 64. */
struct made {
	const char *plan, *started, *cpu, *commit;
	const char *accept;  /* "": none */
	const char *segment; /* NULL, or the commit of the program that made its second half */
	int seed;
	double ratio;  /* of page to pool */
	double wobble; /* of the replica, up and down from block to block */
	double load;
	int steal_ms;	 /* of each invocation, which takes a second */
	int shared;	 /* samples of each, of three */
	unsigned blocks; /* that there are; 0: all of its plan's */
};

#define MADE(...) ((struct made){ __VA_ARGS__ })

/* Fields that are left out get the values of a calm run whose plan has a rule. */
static inline struct made whole(struct made m)
{
	m.plan = m.plan ? m.plan : "t";
	m.started = m.started ? m.started : "2026-01-01T00:00:00Z";
	m.cpu = m.cpu ? m.cpu : "1";
	m.commit = m.commit ? m.commit : "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	m.accept = m.accept ? m.accept : "{\"load\": 2, \"steal\": 1, \"aa\": 10}";
	m.seed = m.seed ? m.seed : 1;
	m.ratio = m.ratio > 0 ? m.ratio : 4;
	m.wobble = m.wobble > 0 ? m.wobble : 0.001;
	m.load = m.load > 0 ? m.load : 1;
	m.blocks = m.blocks ? m.blocks : BLOCKS;
	return m;
}

static inline void put_row(FILE *f, const struct made *m, unsigned block, const char *arm,
			   int replica, double ns)
{
	fprintf(
	    f,
	    "{\"schema\": 1, \"type\": \"invocation\", \"block\": %u, \"cell\": {\"stubs\": "
	    "\"%s\", \"workload\": \"ring\", \"live\": 64, \"replica\": %d}, \"status\": "
	    "\"ok\", \"why\": null, \"wall_ns\": 1000000000, \"figures\": [{\"phase\": "
	    "\"steady\", \"event\": \"ns\", \"unit\": \"call\", \"source\": \"clock\", \"per\": "
	    "1, \"warmup\": 0, \"samples\": [%.6f, %.6f, %.6f]}, {\"phase\": \"steady\", "
	    "\"event\": \"samples_shared\", \"unit\": \"process\", \"source\": \"count\", \"per\": "
	    "1, \"warmup\": 0, \"samples\": [%d]}], \"environment\": {\"load\": "
	    "%g, \"steal_ms\": %d}}\n",
	    block, arm, replica, ns, ns * 1.0001, ns * 0.9999, m->shared, m->load, m->steal_ms);
}

static inline void make(const char *name, struct made from)
{
	const struct made m = whole(from);
	char path[200];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	fprintf(
	    f,
	    "{\"schema\": 1, \"type\": \"run\", \"plan\": {\"name\": \"%s\", \"seed\": %d, "
	    "\"blocks\": 6, \"iterations\": 3, \"baseline\": {\"stubs\": \"page\"}, \"cells\": "
	    "[{\"stubs\": [\"page\", \"pool\"], \"live\": 64}]%s%s}, \"seed\": %d, \"machine\": "
	    "{\"cpu_model\": \"Some CPU\", \"cpu_family\": \"%s\", "
	    "\"program\": {\"commit\": "
	    "\"%s\", \"dirty\": false, \"hash\": \"bb\"}}, "
	    "\"started\": \"%s\"}\n",
	    m.plan, m.seed, *m.accept ? ", \"accept\": " : "", m.accept, m.seed, m.cpu, m.commit,
	    m.started);
	for (unsigned b = 0; b < m.blocks; b++) {
		if (m.segment && b == BLOCKS / 2)
			fprintf(
			    f,
			    "{\"schema\": 1, \"type\": \"segment\", \"segment\": 1, \"started\": "
			    "\"2026-01-01T01:00:00Z\", \"machine\": {\"cpu_model\": \"Some CPU\", "
			    "\"cpu_family\": \"%s\", \"program\": {\"commit\": \"%s\", "
			    "\"dirty\": false, \"hash\": \"cc\"}}}\n",
			    m.cpu, m.segment);
		double off = b % 2 ? 1 + m.wobble : 1 - m.wobble, slow = 1 + 0.001 * b;
		put_row(f, &m, b, "page", 0, 20 * slow);
		put_row(f, &m, b, "page", 1, 20 * slow * off);
		put_row(f, &m, b, "pool", 0, 20 / m.ratio * slow * (1 + 0.0002 * (b % 3)));
	}
	assert_int_equal(fclose(f), 0);
}

static inline void put(const char *name, const char *text)
{
	char path[200];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

#define FIGURE "\"phase\": \"steady\", \"event\": \"ns\", "
#define OF     "\"of\": {\"stubs\": \"page\", \"live\": 64}, "
#define TO     "\"to\": {\"stubs\": \"pool\", \"live\": 64}, "
#define RATIO  FIGURE OF TO
#define PAST                                                                               \
	"\"superseded\": {\"by\": null, \"when\": \"2026-01-02\", \"why\": \"a reason\", " \
	"\"last\": \"refuted\"}, "

/* "@" is the folder. */
static inline const char *expand(const char *words, char line[LINE])
{
	size_t n = 0;

	for (; *words && n + sizeof folder < LINE; words++)
		n += (size_t)(*words == '@' ? snprintf(line + n, LINE - n, "%s", folder)
					    : snprintf(line + n, LINE - n, "%c", *words));
	return line;
}

static inline struct result claims(int status, const char *words)
{
	char line[LINE];

	return run_to(status, cmd_claims, expand(words, line));
}

static inline void refuse_claims(const char *words, const char *part)
{
	char line[LINE];

	refused(cmd_claims, expand(words, line), part);
}

static inline void shows(int status, const char *words, const char *part)
{
	struct result r = claims(status, words);

	if (!strstr(r.out, part))
		fail_saying(r.out, r.err, "`%s`: no '%s'", words, part);
	done(&r);
}

static inline int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	put("claims.json",
	    "[{\"id\": \"a\", \"text\": \"more than 3 | times\", " RATIO "\"above\": 3}]");
	put("past.json", "[{\"id\": \"a\", \"text\": \"t\", " RATIO "\"above\": 3},"
			 " {\"id\": \"b\", \"text\": \"u\", " PAST RATIO "\"above\": 9}]");
	return 0;
}

static inline int tear_down(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return system(command);
}

#endif
