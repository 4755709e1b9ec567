/*
 * every_pc.c - asks every encoder for every pc of the text of corpora:
 * a table, results/every-pc.tsv.
 *
 *   make build/tests/every_pc
 *   build/tests/every_pc workloads/corpora/?*.corpus >results/every-pc.tsv
 *
 * An exact encoder must give a safepoint its map, and no other pc a map: if it records empty
 * maps, it must say that there is no safepoint. For the other encoders the answers at other pcs
 * are counted: none (there is no safepoint), wrong (a map), or that there are no references. A
 * format that searches a function from its start would take hours for long ones: once an
 * encoder has taken a minute for a corpus, only every 97th pc that is no safepoint is asked
 * for, and the row says how many were.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <stubmap/map.h>
#include <time.h>

#include "spilled.h"

enum { PATIENCE = 60, STEP = 97, OFTEN = 1 << 12 };

struct asked {
	uint64_t safepoints, right;
	uint64_t others, none, wrong;
};

static void ask(const struct map_ops *ops, const struct map_bytes *table, const struct corpus *c,
		const struct safepoint *points, uint8_t *scratch, struct asked *a)
{
	const time_t begun = time(NULL);
	uint32_t step = 1, next = 0;

	for (uint32_t pc = 0, skip = 0; pc < c->text_bytes; pc++) {
		const bool there = next < c->nsafepoints && points[next].pc == pc;
		struct map_live live;

		if (!there && skip) {
			skip--;
			continue;
		}
		enum map_answer answer = ops->lookup(table->data, table->len, pc, scratch, &live);
		if (there) {
			a->safepoints++;
			a->right += map_judge(&points[next++], answer, &live) == MAP_CORRECT;
			continue;
		}
		a->others++;
		enum map_outcome outcome = map_judge(NULL, answer, &live);
		a->none += outcome == MAP_DETECTED;
		a->wrong += outcome == MAP_WRONG;
		skip = step - 1;
		if (a->others % OFTEN == 0 && step == 1 && time(NULL) - begun > PATIENCE)
			step = STEP;
	}
}

/* Whether the encoder answers as its flags promise. */
static bool row(const struct map_ops *ops, const struct corpus *c, const struct safepoint *points)
{
	struct map_bytes table = { 0 };
	struct asked a = { 0 };
	size_t bad;
	int error = map_encode_functions(ops, points, c->nsafepoints, c->functions, c->nfunctions,
					 &table, &bad);

	if (!error)
		error = map_load(ops, &table);
	uint8_t *scratch = error ? NULL : malloc(map_scratch(ops, table.data, table.len) + 1);
	if (scratch)
		ask(ops, &table, c, points, scratch, &a);
	printf("%s\t%s\t%d\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%s\n",
	       c->name, ops->name, ops->flags & MAP_EXACT ? 1 : 0, a.safepoints, a.right, a.others,
	       a.none, a.wrong,
	       error == -EFBIG ? "refused: more than the format holds"
	       : error	       ? "failed"
			       : "");
	fflush(stdout);
	free(scratch);
	free(table.data);
	if (error)
		return error == -EFBIG && ops->limits;
	if (ops->flags & (MAP_UNSAFE | MAP_FLOOR))
		return true;
	if (ops->flags & MAP_EXACT && (a.wrong || (ops->flags & MAP_EMPTIES && a.none < a.others)))
		return false;
	return a.right == a.safepoints;
}

int main(int argc, char **argv)
{
	bool good = true;

	if (argc < 2) {
		fprintf(stderr, "usage: every_pc CORPUS...\n");
		return 2;
	}
	puts("corpus\tencoder\texact\tsafepoints\tright\tothers\tnone\twrong\tnote");
	for (int i = 1; i < argc; i++) {
		char error[CORPUS_ERROR];
		struct corpus c;
		uint32_t *places;

		if (corpus_import(argv[i], &c, error)) {
			fprintf(stderr, "%s\n", error);
			return 2;
		}
		struct safepoint *points = spilled(&c, &places);
		if (!points)
			return 1;
		for (unsigned e = 0; map_encoders[e]; e++)
			good &= row(map_encoders[e], &c,
				    map_encoders[e]->flags & MAP_REGISTERS ? c.safepoints : points);
		free(points);
		free(places);
		corpus_close(&c);
	}
	return good ? 0 : 1;
}
