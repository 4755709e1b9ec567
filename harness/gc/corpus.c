/*
 * corpus.c - compiles a program and runs it to record its stacks.
 *
 * It collects after random amounts of allocation: a production collector would collect too rarely
 * here to give a distribution, and a collection at each allocation would need a size at which
 * stacks stay shallow.
 */
#include "gc/corpus.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gc/execute.h"
#include "base/suggest.h"

static const char prefix[] = "gc:";

enum { PROGRAMS = 64, NAME = 64, SEED = 1 };

bool gc_corpus_is(const char *word)
{
	return !strncmp(word, prefix, strlen(prefix));
}

static const struct gc_program *find(const char *word, char error[CORPUS_ERROR])
{
	const char *names[PROGRAMS];
	char name[NAME];
	size_t n = 0;

	/* A name that is cut here is too long to be one of ours. */
	snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "@"), word);
	for (; gc_programs[n] && n < PROGRAMS; n++) {
		if (!strcmp(gc_programs[n]->workload, name))
			return gc_programs[n];
		names[n] = gc_programs[n]->workload;
	}
	suggest_refuse(error, CORPUS_ERROR, "program", name, names, n);
	return NULL;
}

/* *tier is unchanged if the word has none. */
static int read_tier(const char *word, unsigned *tier, char error[CORPUS_ERROR])
{
	const char *at = strchr(word, '@');

	if (!at)
		return 0;
	if (strcmp(at, "@0") && strcmp(at, "@2")) {
		snprintf(error, CORPUS_ERROR, "%.40s: tier '%.20s': allowed: 0, 2", word, at + 1);
		return -EINVAL;
	}
	*tier = at[1] == '0' ? 0 : 2;
	return 0;
}

int gc_corpus_check(const char *word, char error[CORPUS_ERROR])
{
	unsigned tier;

	return find(word, error) ? read_tier(word, &tier, error) : -EINVAL;
}

int gc_corpus_open(const char *word, struct corpus *c, struct walk_log *walks,
		   char error[CORPUS_ERROR])
{
	struct gc_task task = {
		.program = find(word, error),
		.maps = map_encoder("exact"),
		.stubs = stub_strategy("pool"),
		.wx = CODE_TOGGLE,
		.quantum = 4096,
		.tier = 2,
		.mode = GC_RANDOM,
		.seed = SEED,
		.check = true,
	};
	struct gc_record record = { 0 };
	struct gc_result result;
	char why[GC_ERROR];

	*c = (struct corpus){ 0 };
	*walks = (struct walk_log){ 0 };
	if (!task.program || read_tier(word, &task.tier, error))
		return -EINVAL;
	task.size = task.program->usual;
	task.record = &record;
	if (gc_execute(&task, &result, why) != GC_OK) {
		snprintf(error, CORPUS_ERROR, "%.40s: %.190s", word, why);
		walk_log_close(&record.walks);
		return -EIO;
	}
	*c = record.corpus;
	*walks = record.walks;
	snprintf(c->name, sizeof c->name, "%s", word);
	size_t n = strlen(c->note);
	snprintf(c->note + n, sizeof c->note - n,
		 "%sfrom tier %u of the JIT; walks of one run, %s %u, collections at random",
		 n ? "; " : "", task.tier, task.program->size_means, task.size);
	return 0;
}
