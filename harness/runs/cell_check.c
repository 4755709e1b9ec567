/*
 * cell_check.c - whether a cell can be run by this build: names that it knows, numbers that fit one
 * another. Keys that the cell leaves open are filled in.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <stubmap/map.h>
#include <stubmap/stub.h>

#include "workloads/gc.h"
#include "workloads/wasm.h"
#include "peers/peers.h"
#include "runs/cell.h"
#include "base/file.h"
#include "base/suggest.h"

/* The user's own file that the workload names; NULL: it names none. */
static const char *own_file(const char *workload)
{
	struct workload w;
	struct wasm_program program;

	if (workload_named(workload, &w))
		return workload_own(&w) ? w.trace : NULL;
	return wasm_program_named(workload, &program) && program.own ? program.name : NULL;
}

bool cell_names_file(const char *workload)
{
	return own_file(workload);
}

static int check_name(const struct cell *c, const struct cell_key *f, char error[CELL_ERROR])
{
	const char *names[CELL_NAMES], *value = (const char *)c + f->at;
	const char *file = strcmp(f->name, "workload") ? NULL : own_file(c->workload);
	size_t n = cell_names(f->name, names, CELL_NAMES);

	if (file) {
		char why[WORKLOAD_NAME + 100]; /* begins with the file's name */
		int fd = file_open(file, FILE_WHOLE, why, sizeof why);

		if (fd >= 0) {
			close(fd);
			return 0;
		}
		snprintf(error, CELL_ERROR, "workload %s%s", c->workload, why + strlen(file));
		return -EINVAL;
	}
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], value))
			return 0;
	suggest_refuse(error, CELL_ERROR, f->name, value, names, n);
	return -EINVAL;
}

/* The signature that ring uses for the kind. */
static void fill_in_signature(const json_t *json, struct cell *c)
{
	if (!strcmp(c->kind, stub_kind_names[STUB_BIND]) && !json_object_get(json, "signature"))
		strcpy(c->signature, "ii>i");
}

/* Fills in what only the cell's program knows: its usual size, and the encoder if none is named. */
static int fill_in(const json_t *json, struct cell *c, char error[CELL_ERROR])
{
	const struct gc_program *p = gc_program_of(c->workload);

	if (!p) {
		if (!strcmp(c->maps, "none"))
			return 0;
		snprintf(error, CELL_ERROR,
			 "maps '%s' on workload %s, which has no stack maps: those are gc:NAME's",
			 c->maps, c->workload);
		return -EINVAL;
	}
	if (!json_object_get(json, "maps"))
		strcpy(c->maps, "exact");
	if (!c->size)
		c->size = strcmp(c->mode, "every") ? p->usual : p->small;
	if (c->size <= p->max)
		return 0;
	snprintf(error, CELL_ERROR, "size %u of workload %s (%s): 1 to %u are allowed", c->size,
		 c->workload, p->size_means, p->max);
	return -EINVAL;
}

static void refuse_share(const struct cell *c, char error[CELL_ERROR])
{
	char arms[CELL_ERROR / 2] = "";
	size_t n = 0;

	for (size_t i = 0; stub_strategies[i] && n < sizeof arms; i++)
		if (stub_strategies[i]->flags & STUB_CAN_SHARE)
			n += (size_t)snprintf(arms + n, sizeof arms - n, "%s%s", n ? " or " : "",
					      stub_strategies[i]->name);
	snprintf(error, CELL_ERROR, "share takes wx dual and %s: not %s, %s", arms, c->wx,
		 c->stubs);
}

/* A peer makes one sort of stub, in its library's own memory (peers/peer.h). */
static int check_peer(const struct cell *c, char error[CELL_ERROR])
{
	const char *bad = c->family != FAMILY_CALLS || !(c->use & USE_RING) ? "workload"
			  : strcmp(c->kind, "indirect")			    ? "kind"
			  : strcmp(c->signature, "i>i")			    ? "signature"
			  : strcmp(c->wx, "toggle")			    ? "wx"
			  : c->quantum != 4096				    ? "quantum"
			  : strcmp(c->literals, "own")			    ? "literals"
			  : c->markers					    ? "markers"
			  : c->share					    ? "share"
									    : NULL;

	if (!bad)
		return 0;
	snprintf(error, CELL_ERROR,
		 "%s takes no %s: a peer's stubs are its library's, on workload ring or "
		 "ring:chosen, of kind indirect and signature i>i",
		 c->stubs, bad);
	return -EINVAL;
}

int cell_from_json(const json_t *json, struct cell *c, char error[CELL_ERROR])
{
	stub_signature s;
	int r = cell_read(json, c, error);

	if (r)
		return r;
	for (size_t i = 0; i < CELL_KEYS; i++)
		if (cell_keys[i].type == CELL_TEXT && strcmp(cell_keys[i].name, "signature") &&
		    *((char *)c + cell_keys[i].at) && (r = check_name(c, &cell_keys[i], error)))
			return r;
	fill_in_signature(json, c);
	if ((r = fill_in(json, c, error)))
		return r;
	const struct stub_ops *ops = stub_strategy(c->stubs);
	if (!ops && (r = check_peer(c, error)))
		return r;
	const unsigned flags = ops ? ops->flags : 0;
	bool baked = !strcmp(c->literals, "baked"), table = !strcmp(c->literals, "table");
	if ((baked && !(flags & STUB_CAN_BAKE)) || (table && !(flags & STUB_CAN_TABLE))) {
		snprintf(error, CELL_ERROR, "%s has no literals '%s': allowed: own, %s", c->stubs,
			 c->literals, baked ? "table" : "baked");
		return -EINVAL;
	}
	if (*c->signature && stub_signature_parse(c->signature, &s)) {
		snprintf(error, CELL_ERROR,
			 "signature '%s': parameters, '>', result; letters i l f d r, at most %d",
			 c->signature, STUB_MAX_PARAMS);
		return -EINVAL;
	}
	if (!strcmp(c->kind, stub_kind_names[STUB_BIND]) && *c->signature == '>') {
		snprintf(error, CELL_ERROR, "signature '%s': bind needs a parameter to store",
			 c->signature);
		return -EINVAL;
	}
	if (c->targets > c->live) {
		snprintf(error, CELL_ERROR,
			 "targets %u of %u live stubs: 0 (one each) to %u are allowed", c->targets,
			 c->live, c->live);
		return -EINVAL;
	}
	if (c->share && (strcmp(c->wx, "dual") || !(flags & STUB_CAN_SHARE))) {
		refuse_share(c, error);
		return -EINVAL;
	}
	if (c->share && c->quantum == CODE_LARGE_QUANTUM) {
		snprintf(error, CELL_ERROR, "share with quantum %u: allowed: 4096, 16384, 65536",
			 c->quantum);
		return -EINVAL;
	}
	/* Callers share instances, so their boxes of an i64 would collide; and each result must
	 * tell which tier gave it. */
	if (c->family == FAMILY_TIERUP &&
	    (strchr(c->signature, 'l') || strcmp(strchr(c->signature, '>'), ">i"))) {
		snprintf(error, CELL_ERROR,
			 "signature '%s' on workload %s: parameters i f d r, result i are allowed",
			 c->signature, c->workload);
		return -EINVAL;
	}
	if (c->quantum != 4096 && c->quantum != 16384 && c->quantum != 65536 &&
	    c->quantum != CODE_LARGE_QUANTUM) {
		snprintf(error, CELL_ERROR, "quantum %u: allowed: 4096, 16384, 65536, %d",
			 c->quantum, CODE_LARGE_QUANTUM);
		return -EINVAL;
	}
	if (c->tier != 0 && c->tier != 2) {
		snprintf(error, CELL_ERROR, "tier %u: allowed: 0, 2", c->tier);
		return -EINVAL;
	}
	return 0;
}
