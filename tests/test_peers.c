/*
 * test_peers.c - allocators that others wrote: each that is there keeps the contract of peer.h; one
 * that is missing, of another build, or crashes is a row with the reason, and the others go on.
 * Also the meter of the memory that a process gains.
 *
 * A peer whose library is not installed is named and left out (scripts/setup peers).
 */
#include <errno.h>
#include <sys/mman.h>

#include "base/sanitized.h"
#include "meters/growth.h"
#include "peers/peers.h"
#include "shell_helpers.h"

static char folder[] = "/tmp/stubmap-peers-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	return shell_enter(folder);
}

static int tear_down(void **state)
{
	(void)state;
	return shell_leave(folder);
}

/* ---- The contract --------------------------------------------------------------------------- */

enum { STUBS = 300, CONTEXTS = 7 };

static int32_t contexts[CONTEXTS];

static int32_t first(void *context, int32_t x)
{
	return x * 3 + *(const int32_t *)context;
}

static int32_t second(void *context, int32_t x)
{
	return *(const int32_t *)context - x;
}

static const void *address(peer_function *f)
{
	union {
		peer_function *function;
		const void *address;
	} a = { f };

	return a.address;
}

/* As compiled code calls, but for the callee in r10, which peers do without. */
static int32_t cross(const struct peer *peer, const struct stub_callee *c, int32_t x)
{
	const struct stub_callee code = { .target = c->code };

	return peer_target(&code)(peer->bare ? c->context : &contexts[CONTEXTS - 1], x);
}

static struct stub_spec spec_of(size_t i)
{
	struct stub_spec spec = { .kind = STUB_INDIRECT,
				  .target = address(i % 2 ? second : first),
				  .context = &contexts[i % CONTEXTS] };

	stub_signature_parse("i>i", &spec.signature);
	return spec;
}

static void check(const struct peer *peer, const struct stub_callee *c, size_t i, bool swapped)
{
	peer_function *f = (i % 2) ^ swapped ? second : first;

	for (int32_t x = INT32_MIN / 4; x < INT32_MAX / 8; x += INT32_MAX / 16)
		assert_int_equal(cross(peer, c, x), f(&contexts[i % CONTEXTS], x));
}

static void live_and_die(const struct peer *peer, struct stub_space *space, bool bulk)
{
	static struct stub_callee callees[STUBS];
	static struct stub_callee *pointers[STUBS];
	static struct stub_spec specs[STUBS];

	memset(callees, 0, sizeof callees);
	for (size_t i = 0; i < STUBS; i++) {
		specs[i] = spec_of(i);
		pointers[i] = &callees[i];
		if (!bulk)
			assert_int_equal(peer->ops->bind(space, &specs[i], &callees[i]), 0);
	}
	if (bulk)
		assert_int_equal(peer->ops->bind_many(space, specs, pointers, STUBS), 0);
	for (size_t i = 0; i < STUBS; i++) {
		assert_non_null(callees[i].code);
		check(peer, &callees[i], i, false);
	}
	for (size_t i = 0; i < STUBS; i += 3)
		assert_int_equal(peer->ops->retarget(space, &callees[i], spec_of(i + 1).target), 0);
	for (size_t i = 0; i < STUBS; i++)
		check(peer, &callees[i], i, i % 3 == 0);
	/* Half of them die, and their places are used again. */
	for (size_t i = 0; i < STUBS; i += 2) {
		peer->ops->release(space, &callees[i]);
		assert_null(callees[i].code);
	}
	for (size_t i = 0; i < STUBS; i += 2)
		assert_int_equal(peer->ops->bind(space, &specs[i], &callees[i]), 0);
	for (size_t i = 0; i < STUBS; i++)
		check(peer, &callees[i], i, i % 2 && i % 3 == 0);
	for (size_t i = 0; i < STUBS; i++)
		peer->ops->release(space, &callees[i]);
}

/* Another kind or signature is refused, and the callee stays as it was. */
static void refuses(const struct peer *peer, struct stub_space *space)
{
	static const char *const signatures[] = { ">i", "ii>i", "l>i", "i>l", "i>" };
	struct stub_callee c = { 0 };
	struct stub_spec spec = spec_of(0);

	spec.kind = STUB_BUILTIN;
	assert_int_equal(peer->ops->bind(space, &spec, &c), -ENOTSUP);
	spec.kind = STUB_INDIRECT;
	for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
		assert_int_equal(stub_signature_parse(signatures[i], &spec.signature), 0);
		assert_int_equal(peer->ops->bind(space, &spec, &c), -ENOTSUP);
	}
	assert_null(c.code);
}

static void each_keeps_the_contract(void **state)
{
	const struct stub_config config = { 0 };
	const struct code_config memory = { .quantum = 4096 };
	const struct stub_runtime none = { 0 };
	struct code_memory *code;
	struct stub_space space;
	char why[PEER_WHY];
	size_t n = 0;

	(void)state;
	for (int32_t i = 0; i < CONTEXTS; i++)
		contexts[i] = 1000 * i + 17;
	assert_int_equal(code_open(&code, &memory), 0);
	for (const struct peer_row *r = peer_rows; r->name; r++) {
		const struct peer *peer = peer_load(r, why);

		if (!peer) {
			print_message("%s\n", why);
			continue;
		}
		n++;
		print_message("%s %s\n", r->name, peer->version);
		assert_true(*peer->version);
		assert_ptr_equal(peer_load(r, why), peer);
		assert_int_equal(stub_space_open(&space, peer->ops, code, &config, &none), 0);
		refuses(peer, &space);
		live_and_die(peer, &space, false);
		if (peer->ops->bind_many)
			live_and_die(peer, &space, true);
		stub_space_close(&space);
	}
	code_close(code);
	if (!n)
		skip();
}

/* LuaJIT has one page of callbacks: the one too many fails in its words, and the others answer. */
static void one_too_many_is_said(void **state)
{
	enum { MANY = 3000 };
	const struct stub_config config = { 0 };
	const struct stub_runtime none = { 0 };
	const struct stub_spec spec = spec_of(1);
	static struct stub_callee callees[MANY];
	struct stub_space space;
	char why[PEER_WHY];
	size_t n = 0;

	(void)state;
	const struct peer *peer = peer_load(peer_named("peer:luajit"), why);
	if (!peer) {
		print_message("%s\n", why);
		skip();
	}
	assert_int_equal(stub_space_open(&space, peer->ops, NULL, &config, &none), 0);
	while (n < MANY && !peer->ops->bind(&space, &spec, &callees[n]))
		n++;
	assert_in_range(n, 1, MANY - 1);
	assert_non_null(strstr(peer->said, "too many callbacks"));
	assert_null(callees[n].code);
	check(peer, &callees[0], 1, false);
	check(peer, &callees[n - 1], 1, false);
	stub_space_close(&space);
}

/* ---- What a process gains ------------------------------------------------------------------- */

static void growth_is_seen(void **state)
{
	enum { PAGES = 64, PAGE = 4096, BLOCKS = 1000, BLOCK = 120 };
	struct growth_mark mark;
	struct growth g;
	char error[METERS_ERROR];
	void *blocks[BLOCKS];

	(void)state;
	assert_int_equal(growth_begin(&mark, error), 0);
	assert_int_equal(growth_since(&mark, &g, error), 0);
	assert_int_equal(g.code, 0);
	assert_int_equal(g.mappings, 0);
	char *data =
	    mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	/* Between pages without access, so that it can be no part of a neighbour. */
	char *room = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(data != MAP_FAILED && room != MAP_FAILED);
	char *code = room + PAGE;
	assert_int_equal(mprotect(code, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
	for (size_t i = 0; i < PAGES; i += 2)
		data[i * PAGE] = 1;
	*code = 1;
	for (size_t i = 0; i < BLOCKS; i++)
		assert_non_null(blocks[i] = malloc(BLOCK));
	assert_int_equal(growth_since(&mark, &g, error), 0);
	assert_int_equal(g.code, PAGE);
	assert_int_equal(g.writable_code, 1);
	assert_true(g.mappings >= 1);
	/* A sanitizer's heap is its own: more pages, and no blocks that glibc knows. */
	assert_true(g.data >= PAGES / 2 * PAGE + (SANITIZED ? 0 : BLOCKS * BLOCK));
	if (!SANITIZED)
		assert_true(g.data < PAGES * PAGE + 2 * BLOCKS * BLOCK);
	for (size_t i = 0; i < BLOCKS; i++)
		free(blocks[i]);
	munmap(data, PAGES * PAGE);
	munmap(room, 3 * PAGE);
	assert_int_equal(growth_since(&mark, &g, error), 0);
	assert_int_equal(g.code, 0);
	growth_free(&mark);
}

/* ---- As arms of a run ----------------------------------------------------------------------- */

static void wrong_calls_are_refused(void **state)
{
	(void)state;
	refused("\"$S\" run -s pool,peer:libfi", "did you mean 'peer:libffi'");
	refused("\"$S\" run -s pool,peer:libffi --wx dual", "peer:libffi takes no wx");
	refused("\"$S\" run -s pool,peer:libffi --kind entry_js", "peer:libffi takes no kind");
	refused("\"$S\" run -s pool,peer:orc --signature 'ii>i'", "peer:orc takes no signature");
	refused("\"$S\" run -s pool,peer:orc --literals table", "peer:orc takes no literals");
	refused("\"$S\" run -s pool,peer:orc -q 16K", "peer:orc takes no quantum");
	refused("\"$S\" run -s pool,peer:orc -w churn", "peer:orc takes no workload");
	refused("\"$S\" run -s pool,peer:orc -w replay:sqljs", "peer:orc takes no workload");
	refused("\"$S\" model --machines zen4 -s peer:libffi", "a peer's stubs are a library's");
	refused("\"$S\" show stub -s peer:libffi", "peer:libffi");
	refused("\"$S\" peers --live 0", "--live '0': 1 to 65536 is allowed");
	refused("\"$S\" peers --live x", "--live 'x': 1 to 65536 is allowed");
	refused("\"$S\" peers --live 4,4", "is there already");
	refused("\"$S\" peers --blocks 0", "--blocks '0'");
	refused("\"$S\" peers --csv --json", "exclude each other");
	refused("\"$S\" peers no-such.jsonl", "no-such.jsonl");
	refused("\"$S\" peers a.jsonl b.jsonl", "too many arguments");
	if (shell_run("first"))
		fail_msg("a run of our own arms");
	refused("\"$S\" peers run.jsonl", "is of a plan without peers");
	/* No pattern takes them in but one of their own. */
	good("\"$S\" run -s 'po*' -n 4 -b 1 -i 1 && ! \"$S\" summary run.jsonl | grep peer");
}

/* A program without peers beside it, and with a few broken ones. */
static const char elsewhere[] = "mkdir -p there/peers && cp \"$S\" there/stubmap &&"
				" ln -sfn \"$TREE\" there/tree";

static void what_is_missing_is_a_row(void **state)
{
	(void)state;
	good(elsewhere);
	good("echo 'peer:libffi: libffi-dev is not installed' >there/peers/libffi.why;"
	     "echo no object >there/peers/orc.so");
	assert_int_equal(sh("there/stubmap run -s pool,peer:libffi,peer:orc,peer:asmjit -n 4 -b 1 "
			    "-i 1"),
			 1);
	assert_non_null(strstr(out, "libffi-dev is not installed"));
	assert_non_null(strstr(out, "peer:orc can't be loaded: "));
	assert_non_null(strstr(out, "peer:asmjit was not built: make"));
	good("there/stubmap peers -n 4 -b 1 -i 1 -o kept.jsonl");
	assert_non_null(strstr(out, "\npool "));
	assert_non_null(strstr(out, "missing: peer:libffi: libffi-dev is not installed"));
	assert_non_null(strstr(out, "missing: peer:orc can't be loaded: "));
	assert_non_null(strstr(out, "missing: peer:luajit was not built: make"));
	good("there/stubmap peers kept.jsonl | grep -q 'missing: peer:asmjit'");
	good("there/stubmap summary kept.jsonl --json | grep '\"event\": *\"grown\"' | "
	     "grep -q '\"stubs\": *\"pool\"'");
	good("rm -r there kept.jsonl");
}

/* Objects that keep the contract's form alone: one crashes, one is of another build,
 * one answers wrongly. */
static const char source[] =
    "#include <stdlib.h>\n"
    "#include \"harness/peers/peer.h\"\n"
    "static int wrong(struct stub_space *s, const struct stub_spec *p, struct stub_callee *c)\n"
    "{ c->code = (const void *)(size_t)abs; return 0; }\n"
    "static int dies(struct stub_space *s, const struct stub_spec *p, struct stub_callee *c)\n"
    "{ abort(); }\n"
    "static void release(struct stub_space *s, struct stub_callee *c) { c->code = 0; }\n"
    "static const struct stub_ops ops = { .name = NAME, .summary = \"\", .flags = STUB_CAN_TABLE,\n"
    "  .bind = BIND, .retarget = peer_retarget, .release = release };\n"
    "const struct peer peer = { PEER_CONTRACT + AGE, \"0\", &ops, false, NULL };\n";

static void make_broken(const char *name, const char *bind, int age)
{
	char command[300];

	snprintf(command, sizeof command,
		 "cc -shared -fPIC -w -I\"$TREE\" -Iinclude -DNAME='\"peer:%s\"' -DBIND=%s "
		 "-DAGE=%d -o there/peers/%s.so broken.c",
		 name, bind, age, name);
	good(command);
}

static void one_that_crashes_is_a_row(void **state)
{
	(void)state;
	good(elsewhere);
	good("for d in \"$(dirname \"$S\")\" \"$(dirname \"$S\")/..\"; do"
	     " [ ! -d \"$d/include\" ] || ln -sfn \"$d/include\" include; done");
	FILE *f = fopen("broken.c", "w");
	assert_non_null(f);
	assert_true(fputs(source, f) >= 0 && !fclose(f));
	make_broken("asmjit", "dies", 0);
	make_broken("orc", "wrong", 0);
	make_broken("libffi", "wrong", 1);
	assert_int_equal(sh("there/stubmap peers -n 4 -b 1 -i 1"), 1);
	assert_non_null(strstr(out, "\npool "));
	assert_non_null(strstr(out, "! peer:asmjit, 4 live: "));
	assert_non_null(strstr(out, "signal 6"));
	if (!strstr(out, "peer:orc: wrong answer"))
		fail_msg("no wrong answer in %s", out);
	assert_non_null(strstr(out, "missing: peer:libffi: peers/libffi.so is of another build"));
	good("rm -r there");
}

/* Objects that end whoever loads them, or have nothing in them. */
static void loading(const char *name, const char *code)
{
	char command[500];

	snprintf(command, sizeof command,
		 "printf '%%s\\n' '#include <stdio.h>' '#include <stdlib.h>' '%s' >loading.c &&"
		 " cc -shared -fPIC -w -o there/peers/%s.so loading.c",
		 code, name);
	good(command);
}

#define ON_LOADING "__attribute__((constructor)) static void on_loading(void)"

static void one_that_crashes_at_loading_is_a_row(void **state)
{
	(void)state;
	good(elsewhere);
	loading("asmjit", ON_LOADING "{ abort(); } int peer;");
	loading("orc", ON_LOADING "{ puts(\"foreign\"); exit(3); } int peer;");
	loading("libffi", "int peer[16] = { 1 };");
	loading("luajit", "long peer[5] = { 1, 1, 1 };");
	good("there/stubmap peers -n 4 -b 1 -i 1 -o kept.jsonl >table && cat table");
	assert_non_null(strstr(out, "\npool "));
	assert_null(strstr(out, "foreign"));
	has(out, "missing: peer:asmjit: its library crashes as it is loaded: signal 6 (Aborted)");
	has(out, "missing: peer:orc: its library ends the process as it is loaded: exit status 3");
	has(out, "missing: peer:libffi: peers/libffi.so has no allocator in it: make");
	has(out, "missing: peer:luajit: its library ");
	has(out, "missing: peer:ffcall-callback was not built: make");
	/* Asked for by name, it is a cell that failed. */
	assert_int_equal(sh("there/stubmap run -s pool,peer:asmjit -n 4 -b 1 -i 1"), 1);
	assert_non_null(strstr(out, "signal 6"));
	good("rm -r there kept.jsonl");
}

/* The peers that are there, in a table, with the memory that the process gained for each. */
static void peers_are_arms(void **state)
{
	char why[PEER_WHY], line[120];
	size_t n = 0;

	(void)state;
	good("\"$S\" peers -n 64 -b 1 -i 1 -o run2.jsonl >table");
	for (const struct peer_row *r = peer_rows; r->name; r++) {
		if (!peer_load(r, why))
			continue;
		n++;
		snprintf(line, sizeof line, "grep '^%s  *%s  *[1-9]' table",
			 r->name + strlen("peer:"), r->call);
		good(line);
		snprintf(line, sizeof line, "\"$S\" summary run2.jsonl --csv | grep '%s' >rows.csv",
			 r->name);
		good(line);
		good("grep space rows.csv | grep -q grown_mappings && grep -q stride rows.csv &&"
		     " grep -q 'its library has the stubs' rows.csv");
	}
	good("grep '^page+stagger ' table");
	good("\"$S\" summary run2.jsonl --tsv peers | grep -q '^pool.ring.indirect.64'");
	if (!n)
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_keeps_the_contract),
		cmocka_unit_test(one_too_many_is_said),
		cmocka_unit_test(growth_is_seen),
		cmocka_unit_test(wrong_calls_are_refused),
		cmocka_unit_test(what_is_missing_is_a_row),
		cmocka_unit_test(one_that_crashes_is_a_row),
		cmocka_unit_test(one_that_crashes_at_loading_is_a_row),
		cmocka_unit_test(peers_are_arms),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
