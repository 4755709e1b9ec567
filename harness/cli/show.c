/*
 * show.c - `stubmap show stub`: binds one stub by a strategy and disassembles it in place, with its
 * literals and the body to which it leads; or binds many and draws where they lie.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runs/cell.h"
#include "cli/commands.h"
#include "cli/layout.h"
#include "cli/options.h"
#include "cli/pointers.h"
#include "base/say.h"
#include "base/tidy.h"
#include "base/table.h"
#include "calls/world.h"
#include "jit/disassemble.h"
#include "jit/space.h"
#include "meters/fingerprint.h"
#include "model/machines.h"

enum { SHOW_MAX = 2048 }; /* bytes: the longest body */

static const struct option_help help = {
	.usage = "show stub [options]",
	.summary =
	    "Binds one stub and disassembles it in place; then shows the body that it goes on to,\n"
	    "if it has one, and its literals beside the code. A name in <> after an address says\n"
	    "what is there. A signature is the letters of its parameters, '>', and that\n"
	    "of its result: i is i32, l i64, f f32, d f64, r a reference (\"iid>l\"). --layout\n"
	    "draws where many stubs lie instead.",
	.min_words = 0,
	.max_words = 0,
};

struct show {
	struct code_memory *code;
	uintptr_t from, to; /* where stubs lie */
	struct {
		const uint8_t *at;
		size_t bytes;
	} pieces[STUB_ROLES]; /* the last made of each role */
	struct disassembler *disassembler;
	struct pointers pointers;
	json_t *out; /* NULL: text */
};

/* The target of the shown stub: nobody calls it. */
static void nobody(void)
{
}

/* What follows a stub: int3, or memory never written. */
static bool is_padding(const uint8_t *at)
{
	return *at == 0xcc || (!at[0] && !at[1]);
}

/* Where a piece that begins here ends. */
static size_t most(const struct show *s, const uint8_t *at)
{
	for (unsigned role = 0; role < STUB_ROLES; role++)
		if (s->pieces[role].at == at)
			return s->pieces[role].bytes;
	return SHOW_MAX;
}

/* The length of the instruction at + n, which text gets; 0: the block's end. */
static size_t instruction(const struct show *s, const uint8_t *at, size_t n,
			  char text[DISASSEMBLE_TEXT])
{
	if (n >= most(s, at) || (uintptr_t)at + n >= s->to || is_padding(at + n))
		return 0;
	return disassemble(s->disassembler, at + n, DISASSEMBLE_LONGEST, (uintptr_t)at + n, text);
}

static size_t length_of(const struct show *s, const uint8_t *at)
{
	size_t n = 0, len;

	while ((len = instruction(s, at, n, NULL)))
		n += len;
	return n;
}

static void show_block(struct show *s, const char *what, const uint8_t *at)
{
	char text[DISASSEMBLE_TEXT], said[POINTERS_TEXT], *tab;
	json_t *lines = json_array();
	size_t n = 0;

	if (!s->out)
		printf("%s at %p, byte %zu of its line, %zu of its page\n", what, (const void *)at,
		       (size_t)((uintptr_t)at & 63), (size_t)((uintptr_t)at & 4095));
	for (size_t len; (len = instruction(s, at, n, text)); n += len) {
		char hex[48] = "", prefix[80];

		for (size_t i = 0; i < len && i < 15; i++)
			snprintf(hex + 3 * i, 4, "%02x ", at[n + i]);
		pointers_explain(&s->pointers, text, (uintptr_t)at + n + len, said);
		if (s->out) {
			json_array_append_new(lines, json_pack("{s:i, s:s, s:s}", "offset", (int)n,
							       "bytes", hex, "text", said));
			continue;
		}
		snprintf(prefix, sizeof prefix, "  %4zu  %-32s", n, hex);
		if ((tab = strchr(said, '\t')))
			*tab = ' ';
		table_wrapf(stdout, prefix, "%s", said);
	}
	if (s->out)
		json_array_append_new(s->out, json_pack("{s:s, s:I, s:i, s:o}", "what", what,
							"address", (json_int_t)(uintptr_t)at,
							"bytes", (int)n, "instructions", lines));
	else
		printf("  %zu bytes\n", n);
	if (!s->out)
		json_decref(lines);
}

enum { TABLES = 2, WORDS = 2 };

/* The words beside a stub; NULL: it has none there. table: from 1. */
static const uint64_t *literals_of(const struct show *s, const uint8_t *stub, unsigned table)
{
	const uint64_t *w = (const uint64_t *)(stub + table * code_literal_distance(s->code));

	if ((uintptr_t)stub < s->from || (uintptr_t)stub >= s->to)
		return NULL; /* no stub: the target itself */
	return w[0] || w[1] ? w : NULL;
}

/* The code that the stub goes on to, or NULL. */
static const uint8_t *part_of(const struct show *s, const uint8_t *stub, enum stub_role role)
{
	const uint8_t *at = s->pieces[role].at;

	return at == stub ? NULL : at;
}

static void show_parts(struct show *s, const uint8_t *stub)
{
	const uint8_t *body = part_of(s, stub, STUB_ROLE_BODY);

	for (unsigned table = 1; table <= TABLES; table++) {
		const uint64_t *w = literals_of(s, stub, table);
		char names[WORDS][POINTERS_NAME];

		if (table == TABLES && body)
			show_block(s, "body", body);
		if (!w)
			continue;
		for (int i = 0; i < WORDS; i++)
			pointers_name(&s->pointers, w[i], names[i]);
		if (s->out)
			json_array_append_new(s->out, json_pack("{s:s, s:I, s:[I,I], s:[s,s]}",
								"what", "literals", "address",
								(json_int_t)(uintptr_t)w, "words",
								(json_int_t)w[0], (json_int_t)w[1],
								"names", names[0], names[1]));
		else
			printf("literals at the stub + %zu MiB: 0x%llx%s%s%s 0x%llx%s%s%s\n",
			       table * code_literal_distance(s->code) >> 20,
			       (unsigned long long)w[0], *names[0] ? " <" : "", names[0],
			       *names[0] ? ">" : "", (unsigned long long)w[1],
			       *names[1] ? " <" : "", names[1], *names[1] ? ">" : "");
	}
}

/* Names the addresses that a stub may hold. Callers, runtime and target come first:
 * other code is around them. */
static void name_pointers(struct show *s, const struct stub_spec *spec,
			  const struct stub_callee *callee, bool deferred)
{
	const struct host_instance *instance = spec->context;
	const struct host *host = instance->host;
	const struct {
		const char *name;
		uintptr_t at;
	} runtime[] = {
		{ "convert", (uintptr_t)host_runtime.convert },
		{ "box_i64", (uintptr_t)host_runtime.box_i64 },
		{ "unbox", (uintptr_t)host_runtime.unbox },
		{ "raise", (uintptr_t)host_runtime.raise },
		{ "released", (uintptr_t)host_runtime.released },
	};
	struct pointers *p = &s->pointers;
	const uint8_t *stub = callee->code;

	pointers_add(p, "target", spec->target, 1);
	pointers_add(p, "instance", instance, sizeof *instance);
	pointers_add(p, "activation", &host->activation, sizeof host->activation);
	pointers_add(p, "host", host, sizeof *host);
	pointers_add(p, "callee", callee, sizeof *callee);
	for (size_t i = 0; i < sizeof runtime / sizeof *runtime; i++)
		pointers_add(p, runtime[i].name, (const void *)runtime[i].at, 1);
	pointers_add(p, "stub", stub, length_of(s, stub));
	for (unsigned table = 1; table <= TABLES && !deferred; table++)
		pointers_add_words(p, table == 1 ? "literals" : "literals2",
				   literals_of(s, stub, table), WORDS * sizeof(uint64_t));
	if (part_of(s, stub, STUB_ROLE_BODY))
		pointers_add(p, "body", part_of(s, stub, STUB_ROLE_BODY),
			     s->pieces[STUB_ROLE_BODY].bytes);
	pointers_add(p, "code", (const void *)s->from, s->to - s->from);
}

static int say(const char *what, const char *why)
{
	return say_line("stubmap show", "%s: %s", what, why);
}

static int show_bound(struct show *s, struct stub_space *space, const struct cell *c,
		      const struct stub_spec *spec)
{
	const bool deferred = space->ops->flags & STUB_DEFERRED;
	struct stub_callee *callee = code_data(s->code, sizeof *callee);
	int e = 0;

	if (!callee)
		e = -ENOMEM;
	else if (!(s->disassembler = disassemble_open()))
		e = -errno;
	if (!e && space->ops->prepare)
		e = space->ops->prepare(space, spec, 1);
	if (!e)
		e = space->ops->bind(space, spec, callee);
	if (e)
		return e;
	code_range(s->code, CODE_STUBS, &s->from, &s->to);
	if (!s->out)
		table_wrapf(stdout, "", "%s, %s, signature %s: %s", c->stubs, c->kind, c->signature,
			    deferred ? "not made yet; this is the trigger of the first call"
				     : space->ops->summary);
	name_pointers(s, spec, callee, deferred);
	/* A callee may lead to the body itself. */
	show_block(s, callee->code == s->pieces[STUB_ROLE_BODY].at ? "body" : "stub", callee->code);
	if (!deferred)
		show_parts(s, callee->code);
	return 0;
}

static void made(void *arg, const struct stub_piece *p)
{
	struct show *s = arg;

	s->pieces[p->role].at = p->at;
	s->pieces[p->role].bytes = p->bytes;
}

/* ---- The layout ------------------------------------------------------------------------------ */

static void laid_out(void *arg, const struct stub_piece *p)
{
	if (p->role != STUB_ROLE_SLOTS)
		layout_add(arg, p->at, p->bytes, p->role == STUB_ROLE_STUB);
}

/* Nothing goes or moves while stubs are bound. */
static void gone(void *arg, const uint8_t *at, size_t bytes)
{
	(void)arg;
	(void)at;
	(void)bytes;
}

static void moved(void *arg, const uint8_t *from, const uint8_t *to)
{
	(void)arg;
	(void)from;
	(void)to;
}

/* direct: the arm makes calls direct where a loader names their sites; here none does. */
static void draw(const struct cell *c, const struct layout *layout, bool direct, bool svg)
{
	json_t *host = env_machine();
	struct machine machine = { 0 };
	unsigned stubs = 0;
	char what[200];

	for (size_t i = 0; i < layout->n; i++)
		for (unsigned set = 0; set < LAYOUT_SETS; set++)
			stubs += layout->pages[i].stubs[set];
	snprintf(what, sizeof what, "%u stub%s of %s, %s %s, %s, quanta of %u KiB%s", c->live,
		 c->live == 1 ? "" : "s", c->stubs, c->kind, c->signature, c->wx, c->quantum >> 10,
		 !stubs	  ? ": no code of their own"
		 : direct ? "; direct calls need none"
			  : "");
	if (!host || machine_of_fingerprint(host, &machine))
		machine.l1i.ways = 8;
	const struct layout_title title = { what, machine.l1i.ways, machine.l1i.size };
	(svg ? layout_svg : layout_text)(stdout, layout, &title);
	json_decref(host);
}

/* Binds the cell's stubs, as at an instantiation: in bulk where the strategy can. */
static int bind_all(struct stub_space *space, const struct stub_spec *spec, uint32_t n)
{
	const struct stub_ops *ops = space->ops;
	struct stub_callee *callees = code_data(space->code, n * sizeof *callees), **c;
	struct stub_spec *specs = calloc(n, sizeof *specs);
	int e = 0;

	c = calloc(n, sizeof(struct stub_callee *));
	if (!callees || !specs || !c)
		e = -ENOMEM;
	for (uint32_t i = 0; !e && i < n; i++) {
		specs[i] = *spec;
		c[i] = &callees[i];
	}
	if (!e && ops->prepare)
		e = ops->prepare(space, specs, n);
	if (!e && ops->bind_many)
		e = ops->bind_many(space, specs, c, n);
	for (uint32_t i = 0; !e && !ops->bind_many && i < n; i++)
		e = ops->bind(space, &specs[i], c[i]);
	free(specs);
	free(c);
	return e;
}

enum form { FORM_TEXT, FORM_JSON, FORM_LAYOUT, FORM_SVG };

/* 0 or -errno. */
static int show_it(struct show *s, struct stub_space *space, const struct cell *c,
		   const struct stub_spec *spec, const struct layout *layout, enum form form)
{
	if (form < FORM_LAYOUT)
		return show_bound(s, space, c, spec);
	int e = bind_all(space, spec, c->live);

	if (!e)
		e = layout->no_memory ? -ENOMEM : 0;
	if (!e)
		draw(c, layout, stub_takes_sites(space), form == FORM_SVG);
	return e;
}

static int show_cell(const struct cell *c, enum form form)
{
	const bool json = form == FORM_JSON;
	struct host host = { 0 };
	struct host_instance instance = { .head.activation = &host.activation, .host = &host };
	/* The arguments that bind stores: easy to recognise in its code or its words. */
	static const uint64_t bound[STUB_MAX_BOUND] = { 0x11111111, 0x22222222, 0x33333333,
							0x44444444 };
	struct stub_spec spec = { .context = &instance, .bound = bound };
	struct show s = { .out = json ? json_array() : NULL };
	char error[JIT_ERROR];
	struct setup setup;
	struct stub_space space;
	struct layout layout = { 0 };
	const bool drawn = form >= FORM_LAYOUT;
	const struct stub_watch watch = { drawn ? laid_out : made, gone, moved,
					  drawn ? (void *)&layout : &s };
	void (*target)(void) = nobody;
	int e, status = 0;

	memcpy(&spec.target, &target, sizeof spec.target);
	if (peer_named(c->stubs))
		return say(c->stubs,
			   "its stubs are a library's; those of `stubmap list stubs` can be shown");
	if (setup_of(c, &setup, error))
		return say("the cell", error);
	spec.kind = setup.kind;
	spec.signature = setup.signature;
	if (spec.kind == STUB_BIND)
		spec.nbound = scenario_bound(stub_nparams(spec.signature));
	setup.code.watch = &watch;
	if (jit_code_open(&s.code, &setup.code, error))
		return say_line("stubmap show", "%s", error);
	if (jit_space_open(&space, setup.stubs, s.code, &setup.stub, &host_runtime, error)) {
		status = say_line("stubmap show", "%s", error);
	} else {
		if ((e = show_it(&s, &space, c, &spec, &layout, form)))
			status = say(c->stubs, jit_stub_error(e)) - 1;
		stub_space_close(&space);
	}
	disassemble_close(s.disassembler);
	if (json && !status) {
		tidy_json(stdout, s.out, JSON_INDENT(2));
	}
	json_decref(s.out);
	jit_code_close(s.code);
	free(layout.pages);
	return status;
}

static int show_stub(int argc, char **argv)
{
	const char *stubs = NULL, *kind = NULL, *signature = NULL, *wx = NULL, *literals = NULL;
	uint64_t quantum = 0;
	uint64_t live = 0;
	bool markers = false, json = false, layout = false, svg = false;
	const struct option_spec specs[] = {
		{ "stubs", 's', OPTION_TEXT, "ARM", "default: pool", &stubs, 0, 0 },
		{ "kind", 'k', OPTION_TEXT, "K", "default: indirect", &kind, 0, 0 },
		{ "signature", 0, OPTION_TEXT, "S", "default: \"i>i\"; bind: \"ii>i\"", &signature,
		  0, 0 },
		{ "wx", 0, OPTION_TEXT, "P", "toggle, dual, rwx, pkey (default: toggle)", &wx, 0,
		  0 },
		{ "quantum", 'q', OPTION_SIZE, "Q", "4K, 16K, 64K, 2M (default: 4K)", &quantum,
		  4096, CODE_LARGE_QUANTUM },
		{ "literals", 0, OPTION_TEXT, "L", "own, baked, table (default: own)", &literals, 0,
		  0 },
		{ "markers", 0, OPTION_FLAG, NULL, "endbr64 at the start", &markers, 0, 0 },
		{ "layout", 0, OPTION_FLAG, NULL, "the pages, lines and sets that stubs lie in",
		  &layout, 0, 0 },
		{ "live", 'n', OPTION_NUMBER, "N", "stubs of the layout (default: 64)", &live, 1,
		  65536 },
		{ "svg", 0, OPTION_FLAG, NULL, "the layout as SVG", &svg, 0, 0 },
		{ "json", 0, OPTION_FLAG, NULL, "one stub as JSON", &json, 0, 0 },
	};
	char error[CELL_ERROR];
	struct cell cell;
	json_t *text;
	int first,
	    r = options_parse(argc, argv, &help, specs, sizeof specs / sizeof *specs, &first);

	if (r)
		return r < 0 ? 2 : 0;
	layout |= svg;
	if (layout && json)
		return say_line("stubmap show", "--json is of one stub, --layout a picture: leave "
						"out one of them");
	if (live && !layout)
		return say_line("stubmap show", "--live is the layout's: add --layout");
	text =
	    json_pack("{s:s*, s:s*, s:s*, s:s*, s:s*, s:b}", "stubs", stubs, "kind", kind,
		      "signature", signature, "wx", wx, "literals", literals, "markers", markers);
	if (quantum)
		json_object_set_new(text, "quantum", json_integer((json_int_t)quantum));
	if (live)
		json_object_set_new(text, "live", json_integer((json_int_t)live));
	r = cell_from_json(text, &cell, error);
	json_decref(text);
	if (r)
		return say_line("stubmap show", "%s", error);
	return show_cell(&cell, svg	 ? FORM_SVG
				: layout ? FORM_LAYOUT
				: json	 ? FORM_JSON
					 : FORM_TEXT);
}

int cmd_show(int argc, char **argv)
{
	static char stub[] = "show stub", map[] = "show map"; /* as a refusal names them */

	if (argc >= 2 && !strcmp(argv[1], "stub")) {
		argv[1] = stub;
		return show_stub(argc - 1, argv + 1);
	}
	if (argc >= 2 && !strcmp(argv[1], "map")) {
		argv[1] = map;
		return show_map(argc - 1, argv + 1);
	}
	if (argc >= 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		int r = show_stub(argc, argv);

		putchar('\n');
		return r ? r : show_map(argc, argv);
	}
	return say(argc < 2 ? "an argument is missing" : argv[1], "allowed: stub, map");
}
