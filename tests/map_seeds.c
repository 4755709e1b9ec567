/*
 * map_seeds.c - writes a seed or two for each encoder's fuzz target (fuzz_map.c), as its format is
 * now: the pc of a safepoint, and a table of made safepoints or of real ones.
 *
 *      build/tests/map_seeds build/seeds/map      (the Makefile does it)
 */
#include <stdio.h>
#include <sys/stat.h>

#include "corpora/import.h"
#include "map_samples.h"

enum { REAL = 60 }; /* safepoints of a corpus */

static int write_seed(const char *folder, const struct map_ops *ops, const char *name,
		      const struct safepoint *points, size_t n,
		      const struct map_function *functions, size_t nfunctions)
{
	const uint32_t pc = points[n / 2].pc;
	struct map_bytes table = { 0 };
	char path[300];

	if (map_encode_functions(ops, points, n, functions, nfunctions, &table, NULL))
		return -1;
	snprintf(path, sizeof path, "%s/%s", folder, ops->name);
	mkdir(path, 0777);
	snprintf(path, sizeof path, "%s/%s/%s", folder, ops->name, name);
	FILE *f = fopen(path, "wb");
	bool good = f && fwrite(&pc, sizeof pc, 1, f) == 1 &&
		    (!table.len || fwrite(table.data, table.len, 1, f) == 1);
	if (f && fclose(f))
		good = false;
	free(table.data);
	if (!good)
		perror(path);
	return good ? 0 : -1;
}

int main(int argc, char **argv)
{
	static const struct shape shape = { "made", 40, 1000, 300, 40, 12, 30, 30, 20 };
	static const struct shape plain = { "made", 40, 1000, 300, 40, 12, 30, 30, 0 };
	char error[CORPUS_ERROR];
	struct corpus c;
	uint32_t nfunctions = 0;
	int r = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	if (corpus_import("workloads/corpora/transfer-cranelift-rest.corpus", &c, error)) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	while (nfunctions < c.nfunctions &&
	       c.functions[nfunctions].start < c.safepoints[REAL - 1].pc)
		nfunctions++;
	for (size_t e = 0; map_encoders[e] && !r; e++) {
		const struct map_ops *ops = map_encoders[e];
		const struct shape *made = ops->flags & MAP_REGISTERS ? &shape : &plain;
		struct sample s = make(made, 1);

		r = write_seed(argv[1], ops, "made", s.points, s.n, s.functions, s.nfunctions);
		release(&s, made);
		if (!r && !(ops->flags & MAP_FLOOR))
			r = write_seed(argv[1], ops, "real", c.safepoints, REAL, c.functions,
				       nfunctions);
	}
	corpus_close(&c);
	return r ? 1 : 0;
}
