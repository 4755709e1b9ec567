/*
 * table_tool.c - writes the stack maps of a file as encoders write them, for readers that know no
 * corpus (scripts/peers/pair.h):
 *
 *      table_tool FILE PATH ENCODER...
 *
 *      PATH.pcs        u32 bytes of text | u32 count | u32 pc[count], ascending
 *      PATH.ENCODER    the table
 *
 * One line on stdout: producer, safepoints, text bytes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpora/import.h"
#include "maps/source.h"

static int put(const char *path, const char *end, const void *head, size_t n, const void *data,
	       size_t len)
{
	char name[4096];
	FILE *f;
	int bad;

	if (snprintf(name, sizeof name, "%s.%s", path, end) >= (int)sizeof name) {
		fprintf(stderr, "table_tool: %.40s...: too long a name\n", path);
		return 2;
	}
	f = fopen(name, "wb");
	bad = !f || fwrite(head, 1, n, f) != n || fwrite(data, 1, len, f) != len;
	bad = (f && fclose(f)) || bad;
	if (bad)
		fprintf(stderr, "table_tool: %s: %s\n", name, strerror(errno));
	return bad ? 2 : 0;
}

static int put_pcs(const struct corpus *c, const char *path)
{
	uint32_t head[] = { c->text_bytes, c->nsafepoints };
	uint32_t *pcs = malloc(((size_t)c->nsafepoints + 1) * sizeof *pcs);

	if (!pcs) {
		fprintf(stderr, "table_tool: out of memory\n");
		return 2;
	}
	for (uint32_t i = 0; i < c->nsafepoints; i++)
		pcs[i] = c->safepoints[i].pc;
	int r = put(path, "pcs", head, sizeof head, pcs, c->nsafepoints * sizeof *pcs);
	free(pcs);
	return r;
}

static int put_table(const struct corpus *c, const char *path, const char *name)
{
	const struct map_ops *ops = map_encoder(name);
	struct map_bytes table = { 0 };
	int r;

	if (!ops) {
		fprintf(stderr, "table_tool: no encoder '%s'\n", name);
		return 2;
	}
	r = map_encode_functions(ops, c->safepoints, c->nsafepoints, c->functions, c->nfunctions,
				 &table, NULL);
	if (r)
		fprintf(stderr, "table_tool: %s can't hold %s: %s\n", name, c->name, strerror(-r));
	else
		r = put(path, name, "", 0, table.data ? (void *)table.data : "", table.len);
	free(table.data);
	return r ? 2 : 0;
}

int main(int argc, char **argv)
{
	char error[CORPUS_ERROR];
	struct walk_log walks;
	struct corpus c;
	int r;

	if (argc < 4) {
		fprintf(stderr, "usage: %s FILE PATH ENCODER...\n", argv[0]);
		return 2;
	}
	if (maps_source_open(argv[1], &c, &walks, error)) {
		fprintf(stderr, "%s\n", error);
		return 2;
	}
	r = put_pcs(&c, argv[2]);
	for (int i = 3; i < argc && !r; i++)
		r = put_table(&c, argv[2], argv[i]);
	if (!r)
		printf("%s\t%u\t%u\n", c.producer, (unsigned)c.nsafepoints, (unsigned)c.text_bytes);
	walk_log_close(&walks);
	corpus_close(&c);
	return r;
}
