/*
 * lackey.c - runs valgrind as a child and reads its output line by line, without keeping it.
 *
 *      I  04001000,3          fetch        S 1ffe8,8          store
 *       L 1ffe8,8             load          M 1ffe8,8         modify
 *
 * Data accesses follow the instruction that made them, so the last fetch tells whose they are.
 */
#include <errno.h>
#include <signal.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/lackey.h"
#include "meters/memory.h"
#include "meters/valgrind.h"

enum { PREFIX = 3 };

/* ---- Addresses -------------------------------------------------------------------------- */

struct lackey_reader {
	struct trace_pack *pack;
	uint64_t lap, end;
	struct {
		uint64_t from, to;
	} *code;
	size_t ncode;
	bool everything, within, ours; /* within: between the marks; ours: the last fetch is kept */
	size_t near;		       /* the range that had the last fetch */
	uint64_t read;
};

static bool is_code(struct lackey_reader *r, uint64_t address)
{
	if (r->near < r->ncode && address >= r->code[r->near].from && address < r->code[r->near].to)
		return true;
	for (size_t i = 0; i < r->ncode; i++)
		if (address >= r->code[i].from && address < r->code[i].to) {
			r->near = i;
			return true;
		}
	return false;
}

static int take(struct lackey_reader *r, enum trace_kind kind, uint64_t address, uint32_t size)
{
	r->read++;
	if (r->everything)
		return trace_add(r->pack, kind, address, size);
	if (kind == TRACE_FETCH) {
		if (address == r->lap) {
			r->within = true;
			r->ours = false;
			return trace_add_lap(r->pack);
		}
		r->within &= address != r->end;
		r->ours = r->within && is_code(r, address);
	}
	return r->ours ? trace_add(r->pack, kind, address, size) : 0;
}

/* Reads one line; 0 also for a line that is not an access. */
static int take_line(struct lackey_reader *r, const char *line)
{
	static const char kinds[] = "ILSM";
	const char *kind = line[0] == 'I'	       ? kinds
			   : line[0] == ' ' && line[1] ? strchr(kinds, line[1])
						       : NULL;
	char *end;

	if (!kind || line[2] != ' ')
		return 0;
	uint64_t address = strtoull(line + PREFIX, &end, 16);
	if (*end != ',')
		return 0;
	unsigned long size = strtoul(end + 1, NULL, 10);
	return take(r, (enum trace_kind)(kind - kinds), address, (uint32_t)size);
}

static int read_ranges(struct lackey_reader *r, const json_t *head)
{
	json_t *row;
	size_t i;

	r->lap = (uint64_t)json_integer_value(json_object_get(head, "lap"));
	r->end = (uint64_t)json_integer_value(json_object_get(head, "end"));
	r->code = calloc(json_array_size(json_object_get(head, "ranges")) + 1, sizeof *r->code);
	if (!r->code)
		return -ENOMEM;
	json_array_foreach(json_object_get(head, "ranges"), i, row) {
		const char *owner = json_string_value(json_array_get(row, 0));
		if (!owner || !strcmp(owner, trace_class_names[TRACE_TABLE]) ||
		    !strcmp(owner, trace_class_names[TRACE_CALLEE]))
			continue;
		r->code[r->ncode].from = (uint64_t)json_integer_value(json_array_get(row, 1));
		r->code[r->ncode++].to = (uint64_t)json_integer_value(json_array_get(row, 2));
	}
	return 0;
}

/* Whether a signal that the caller has blocked asks for an end. Looks only now and then, since the
 * call costs more than a line. */
static bool stopped(size_t lines)
{
	sigset_t pending;

	if (lines % 65536)
		return false;
	sigpending(&pending);
	return sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM);
}

static int read_lines(struct lackey_reader *r, FILE *log, char error[TRACE_ERROR])
{
	char line[512];
	size_t lines = 0;
	int e = 0;

	if (r->everything)
		e = trace_add_lap(r->pack);
	while (!e && fgets_unlocked(line, sizeof line, log))
		e = stopped(++lines) ? -EINTR : take_line(r, line);
	if (e == -EINTR)
		snprintf(error, TRACE_ERROR, "stopped");
	else if (e == -ENOMEM)
		snprintf(error, TRACE_ERROR, "trace: out of memory");
	else if (e)
		snprintf(error, TRACE_ERROR, "valgrind's lackey wrote '%.80s'", line);
	return e;
}

static void complete_head(struct trace_pack *p, const struct lackey_reader *r, uint64_t ns)
{
	json_object_del(p->head, "lap");
	json_object_del(p->head, "end");
	json_object_set_new(p->head, "maker", json_string("valgrind, lackey --trace-mem=yes"));
	json_object_set_new(p->head, "kept",
			    json_string(r->everything ? "everything"
						      : "code in the ranges and its data; every "
							"access of every lap, no sampling"));
	json_object_set_new(p->head, "cost",
			    json_pack("{s:f, s:I}", "seconds", (double)ns * 1e-9, "accesses_read",
				      (json_int_t)r->read));
}

int lackey_trace(const char *path, bool everything, struct trace_pack *out, char error[TRACE_ERROR])
{
	char *const argv[] = { (char[]){ "valgrind" },
			       (char[]){ "-q" },
			       (char[]){ "--tool=lackey" },
			       (char[]){ "--trace-mem=yes" },
			       (char[]){ "--basic-counts=no" },
			       (char *)path,
			       NULL };
	struct lackey_reader r = { .pack = out, .everything = everything };
	char name[4200];
	json_error_t why;
	struct valgrind v;
	uint64_t t0 = clock_ns();

	*out = (struct trace_pack){ 0 };
	snprintf(name, sizeof name, "%s.json", path);
	out->head = json_load_file(name, JSON_REJECT_DUPLICATES, &why);
	if (!out->head) {
		snprintf(error, TRACE_ERROR, "%.100s: %.100s", name, why.text);
		return -EINVAL;
	}
	int e = read_ranges(&r, out->head);
	if (e)
		snprintf(error, TRACE_ERROR, "ranges: %s", strerror(ENOMEM));
	else if (!(e = valgrind_start(&v, argv, error))) {
		char ending[TRACE_ERROR];
		e = read_lines(&r, v.log, error);
		if (e)
			kill(v.pid, SIGKILL); /* nobody reads the rest */
		int end = valgrind_finish(&v, path, ending);
		if (!e && end)
			memcpy(error, ending, sizeof ending);
		e = e ? e : end;
	}
	if (!e)
		complete_head(out, &r, clock_ns() - t0);
	free(r.code);
	if (e)
		trace_pack_free(out);
	return e;
}

/* ---- Cachegrind ------------------------------------------------------------------------- */

/* "==123== I1 misses: 1,587 (...": reads the number after the label. */
static bool count_of(const char *line, const char *label, uint64_t *out)
{
	const char *at = strstr(line, label);

	if (!at)
		return false;
	*out = 0;
	for (at += strlen(label); *at == ' ' || *at == ',' || (*at >= '0' && *at <= '9'); at++) {
		if (*at >= '0' && *at <= '9')
			*out = *out * 10 + (uint64_t)(*at - '0');
		else if (*at == ' ' && *out)
			break;
	}
	return true;
}

int lackey_cachegrind(const char *path, const struct cachegrind_geometry *g,
		      struct cachegrind_counts *out, char error[TRACE_ERROR])
{
	char i1[48], d1[48], line[512];
	char *const argv[] = { (char[]){ "valgrind" },
			       (char[]){ "--tool=cachegrind" },
			       (char[]){ "--cachegrind-out-file=/dev/null" },
			       (char[]){ "--cache-sim=yes" },
			       i1,
			       d1,
			       (char *)path,
			       NULL };
	struct valgrind v;
	unsigned found = 0;
	uint64_t t0 = clock_ns();

	snprintf(i1, sizeof i1, "--I1=%u,%u,%u", g->size, g->ways, g->line);
	snprintf(d1, sizeof d1, "--D1=%u,%u,%u", g->size, g->ways, g->line);
	*out = (struct cachegrind_counts){ 0 };
	int e = valgrind_start(&v, argv, error);
	if (e)
		return e;
	while (fgets(line, sizeof line, v.log)) {
		found += count_of(line, " I   refs:", &out->fetches);
		found += count_of(line, " I1  misses:", &out->i1_misses);
		found += count_of(line, " D   refs:", &out->accesses);
		found += count_of(line, " D1  misses:", &out->d1_misses);
	}
	out->seconds = (double)(clock_ns() - t0) * 1e-9;
	e = valgrind_finish(&v, path, error);
	if (!e && found != 4) {
		snprintf(error, TRACE_ERROR, "cachegrind did not write its four counts");
		e = -EIO;
	}
	return e;
}
