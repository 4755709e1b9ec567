/* setup.c - looks up each name of a cell in its table and refuses unknown ones. */
#include "runs/setup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <stubmap/map.h>

#include "base/suggest.h"

static int unknown(const char *key, const char *value, char *error)
{
	const char *names[CELL_NAMES];

	suggest_refuse(error, CELL_ERROR, key, value, names, cell_names(key, names, CELL_NAMES));
	return -EINVAL;
}

/* Finds a name's index among the names allowed for its key; 0 if the key does not apply. */
static int index_of(const char *key, const char *value, unsigned *out, char *error)
{
	const char *names[CELL_NAMES];
	const size_t n = cell_names(key, names, CELL_NAMES);

	for (*out = 0; *value && *out < n; (*out)++)
		if (!strcmp(names[*out], value))
			return 0;
	return *value ? unknown(key, value, error) : 0;
}

static int find_program(const struct cell *c, struct setup *s, char *error)
{
	unsigned keys;
	bool known;

	s->family = family_of(c->workload, &keys);
	s->program = gc_program_of(c->workload);
	known = workload_named(c->workload, &s->workload) || s->program;
	return wasm_program_named(c->workload, &s->wasm) || known
		   ? 0
		   : unknown("workload", c->workload, error);
}

static int find_arm(const struct cell *c, struct setup *s, char *error)
{
	const struct peer_row *peer = peer_named(c->stubs);
	char why[PEER_WHY];

	if (peer && !(s->peer = peer_load(peer, why))) {
		snprintf(error, CELL_ERROR, "%s", why);
		return -EINVAL;
	}
	s->stubs = s->peer ? s->peer->ops : stub_strategy(c->stubs);
	if (!s->stubs)
		return unknown("stubs", c->stubs, error);
	if (s->family != FAMILY_GC)
		return 0;
	s->maps = map_encoder(c->maps);
	return s->maps ? 0 : unknown("maps", c->maps, error);
}

int setup_of(const struct cell *c, struct setup *s, char error[CELL_ERROR])
{
	/* in the order of cell_names */
	static const enum stub_literals forms[] = { STUB_LITERALS_OWN, STUB_LITERALS_BAKED,
						    STUB_LITERALS_TABLE };
	unsigned wx, literals, policy, kind, mode;

	*s = (struct setup){ 0 };
	if (find_program(c, s, error) || find_arm(c, s, error) ||
	    index_of("wx", c->wx, &wx, error) ||
	    index_of("literals", c->literals, &literals, error) ||
	    index_of("policy", c->policy, &policy, error) ||
	    index_of("kind", c->kind, &kind, error) || index_of("mode", c->mode, &mode, error))
		return -EINVAL;
	if (*c->signature && stub_signature_parse(c->signature, &s->signature)) {
		snprintf(error, CELL_ERROR, "signature '%s' is none", c->signature);
		return -EINVAL;
	}
	s->code = (struct code_config){ .wx = wx, .quantum = c->quantum, .share = c->share };
	s->stub = (struct stub_config){
		.literals = forms[literals],
		.markers = c->markers,
		.running = s->family == FAMILY_TIERUP,
		.poison = c->poison,
		.policy = policy,
		.generic = c->generic,
	};
	s->kind = kind;
	s->mode = mode;
	return 0;
}
