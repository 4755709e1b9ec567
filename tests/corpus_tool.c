/*
 * corpus_tool.c - reads one file with stack maps, says what is in it, and writes it as a corpus:
 *
 *      corpus_tool FILE [OUT [START]]
 *
 * One line on stdout: name, producer, safepoints, distinct live sets, distinct pairs of set and
 * frame, empties, live places, functions, text bytes, note. scripts/corpora makes workloads/corpora
 * with it. The corpus gets OUT's name. With START, an offset in the text, it leaves out the
 * function that starts there and moves what follows down by the function's size.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpora/import.h"

static const struct map_function *function_at(const struct corpus *c, uint32_t start)
{
	for (uint32_t i = 0; i < c->nfunctions; i++)
		if (c->functions[i].start == start)
			return &c->functions[i];
	return NULL;
}

/* out: c without one of its functions. 0, -ENOMEM, or -EINVAL with a line in error. */
static int leave_out(const struct corpus *c, const struct map_function *f, struct corpus *out,
		     char error[CORPUS_ERROR])
{
	struct corpus_builder b = { 0 };
	uint32_t size = f->end - f->start;
	int r = 0;

	*out = (struct corpus){ .text_bytes = c->text_bytes - size,
				.slot_bytes = c->slot_bytes,
				.flags = c->flags };
	snprintf(out->producer, sizeof out->producer, "%s", c->producer);
	for (uint32_t i = 0; i < c->nfunctions && !r; i++) {
		uint32_t start = c->functions[i].start;
		if (start != f->start)
			r = corpus_add_function(&b, start < f->end ? start : start - size,
						c->functions[i].end - c->functions[i].start);
	}
	for (uint32_t i = 0; i < c->nsafepoints && !r; i++) {
		const struct safepoint *p = &c->safepoints[i];
		if (p->pc <= f->start || p->pc > f->end)
			r = corpus_add(&b, p->pc <= f->start ? p->pc : p->pc - size, p->frame_size,
				       p->live, p->nlive);
	}
	snprintf(out->note, sizeof out->note, "without a function of %u bytes, at text+0x%x",
		 (unsigned)size, (unsigned)f->start);
	if (!r)
		return corpus_seal(&b, out, error);
	corpus_abandon(&b);
	return r;
}

static void name_after(struct corpus *c, const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	const char *dot = strrchr(base, '.');

	snprintf(c->name, sizeof c->name, "%.*s", dot ? (int)(dot - base) : (int)strlen(base),
		 base);
}

/* Replaces *c by itself without the function that starts at `text`. */
static int cut(struct corpus *c, const char *text, char error[CORPUS_ERROR])
{
	const struct map_function *f = function_at(c, (uint32_t)strtoul(text, NULL, 0));
	struct corpus rest = { 0 };

	if (!f) {
		snprintf(error, CORPUS_ERROR, "%s: no function with safepoints starts at %.40s",
			 c->name, text);
		return -EINVAL;
	}
	*error = 0;
	int r = leave_out(c, f, &rest, error);
	if (r) {
		if (!*error)
			snprintf(error, CORPUS_ERROR, "%s: %s", c->name, strerror(-r));
		return r;
	}
	corpus_close(c);
	*c = rest;
	return 0;
}

int main(int argc, char **argv)
{
	char error[CORPUS_ERROR];
	struct corpus c;
	struct corpus_stats s;

	if (argc < 2 || argc > 4) {
		fprintf(stderr, "usage: %s FILE [OUT [START]]\n", argv[0]);
		return 2;
	}
	if (corpus_import(argv[1], &c, error)) {
		fprintf(stderr, "%s\n", error);
		return 2;
	}
	if (argc == 4 && cut(&c, argv[3], error)) {
		fprintf(stderr, "%s\n", error);
		corpus_close(&c);
		return 2;
	}
	if (argc > 2)
		name_after(&c, argv[2]);
	int r = corpus_stats(&c, &s);
	if (r)
		fprintf(stderr, "out of memory\n");
	else
		printf("%s\t%s\t%u\t%u\t%u\t%u\t%llu\t%u\t%u\t%s\n", c.name, c.producer,
		       (unsigned)c.nsafepoints, (unsigned)s.sets, (unsigned)s.maps,
		       (unsigned)s.empties, (unsigned long long)s.live, (unsigned)c.nfunctions,
		       (unsigned)c.text_bytes, c.note);
	if (!r && argc > 2 && (r = corpus_write(&c, argv[2], error)))
		fprintf(stderr, "%s\n", error);
	corpus_close(&c);
	return r ? 1 : 0;
}
