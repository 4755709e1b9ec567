/*
 * corpus_tool.c - reads one file with stack maps, says what is in it, and writes it as a corpus:
 *
 *      corpus_tool FILE [OUT]
 *
 * One line on stdout: name, producer, safepoints, distinct live sets, distinct pairs of set and
 * frame, empties, live places, functions, text bytes, note. scripts/corpora makes workloads/corpora
 * with it.
 */
#include <stdio.h>

#include "corpora/import.h"

int main(int argc, char **argv)
{
	char error[CORPUS_ERROR];
	struct corpus c;
	struct corpus_stats s;

	if (argc != 2 && argc != 3) {
		fprintf(stderr, "usage: %s FILE [OUT]\n", argv[0]);
		return 2;
	}
	if (corpus_import(argv[1], &c, error)) {
		fprintf(stderr, "%s\n", error);
		return 2;
	}
	int r = corpus_stats(&c, &s);
	if (r)
		fprintf(stderr, "out of memory\n");
	else
		printf("%s\t%s\t%u\t%u\t%u\t%u\t%llu\t%u\t%u\t%s\n", c.name, c.producer,
		       (unsigned)c.nsafepoints, (unsigned)s.sets, (unsigned)s.maps,
		       (unsigned)s.empties, (unsigned long long)s.live, (unsigned)c.nfunctions,
		       (unsigned)c.text_bytes, c.note);
	if (!r && argc == 3 && (r = corpus_write(&c, argv[2], error)))
		fprintf(stderr, "%s\n", error);
	corpus_close(&c);
	return r ? 1 : 0;
}
