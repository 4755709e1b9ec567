/*
 * test_readers.c - scripts/peers/readers and wasmtime-corpora where nothing that they look for is
 * installed, or where a tool fails; and pair.c on a reader of the test's own. No compiler of
 * another language is run, and nothing is fetched.
 */
#include "scripts/peers/pair.c"

#include "shell_helpers.h"

#define READERS "CC=cc PATH=\"$PWD/bin\" BUILD=\"$PWD/build\" \"$TREE/scripts/peers/readers\" "
#define CORPORA "\"$TREE/scripts/peers/wasmtime-corpora\" "

static char folder[] = "/tmp/stubmap-readers-XXXXXX";

/* A PATH with the shell's own tools alone. */
static int set_up(void **state)
{
	(void)state;
	if (shell_enter(folder))
		return -1;
	return system(
	    "mkdir bin && for t in bash sh env dirname basename mkdir sed awk sort head tail cut "
	    "tr cat "
	    "rm mv cp grep realpath chmod; do ln -s \"$(command -v $t)\" bin/$t || exit 1; done");
}

static int tear_down(void **state)
{
	(void)state;
	return shell_leave(folder);
}

/* A tool that does as the shell's words say. */
static void tool(const char *name, const char *words)
{
	char command[900];

	snprintf(command, sizeof command,
		 "cat >bin/%s <<'END' && chmod +x bin/%s\n#!/bin/sh\n%s\nEND", name, name, words);
	good(command);
}

static void without(const char *names)
{
	char command[200];

	snprintf(command, sizeof command, "cd bin && rm -rf %s ../build", names);
	good(command);
}

static void test_bad_calls(void **unused)
{
	(void)unused;
	refused(READERS "-n 0", "-n '0': allowed: 1 to 99");
	refused(READERS "-n", "-n needs a value");
	refused(READERS "-q", "no option -q; allowed: -n PROCESSES, -o FILE.tsv");
	refused(READERS "wasmer", "no reader 'wasmer'; allowed: wasmtime, ocaml, go");
	refused(READERS "no.cwasm", "no.cwasm: there is no such file");
	refused(READERS "-o /proc/none/readers.tsv", "can't be written");
	refused(READERS "-o \"$PWD\"", "can't be written");
	refused("\"$TREE/scripts/peers/events\" 4 0", "'0': allowed: ascending numbers");
	refused("\"$TREE/scripts/peers/events\" -o \"$PWD\"", "can't be written");
	refused("\"$TREE/scripts/peers/readers-table\" none.tsv",
		"none.tsv: there is no such file");
	refused("echo a >a.tsv; \"$TREE/scripts/peers/readers-table\" a.tsv",
		"no table of readers");
	refused(CORPORA "-q", "allowed: -o DIR, then names");
	refused(CORPORA "--show none.tsv", "none.tsv: No such file");
	refused("echo a >a.tsv; echo b >>a.tsv; " CORPORA "--show a.tsv", "no table of sections");
	refused(CORPORA "-o x/cwasm tetris", "no program 'tetris'; allowed: ours");
	refused("PIP_NO_INDEX=1 PIP_CONFIG_FILE=/dev/null " CORPORA "-o x/cwasm ours",
		"wasmtime-corpora: ");
}

static void test_nothing_installed(void **unused)
{
	(void)unused;
	good(READERS);
	has(out, "| wasmtime | | | | | cargo: not found; rustup brings it |");
	has(out, "| ocaml | | | | | ocamlopt: not found; `scripts/setup readers` installs it |");
	has(out, "| go | | | | | go: not found; 1.22 or later is needed: Debian 13's golang-go");
	good("test \"$(grep -c ': not found' build/peers/readers.tsv)\" = 3 && "
	     "awk -F'\\t' 'NR == 1 {n = NF} $10 == \"\" {exit 1} END {exit n != 20}' "
	     "build/peers/readers.tsv");
	good(READERS "-o only.tsv go 2>/dev/null && ! grep ocaml only.tsv && grep go only.tsv");
}

static void test_too_old(void **unused)
{
	(void)unused;
	tool("cargo", "exit 9");
	tool("rustc", "echo 'rustc 1.63.0 (Debian)'");
	tool("ocamlopt", "echo 5.1.0");
	tool("go", "echo go1.19.8");
	good(READERS);
	has(out, "rustc 1.63.0: too old");
	has(out, "OCaml 5.1.0: its runtime's lookup is another");
	has(out, "go1.19.8: too old");
	without("cargo rustc ocamlopt go");
}

/* Every tool is played: a reader that is not made, one that dies, one that answers otherwise, and
 * two rows whose means are known. */
static void test_what_readers_do(void **unused)
{
	(void)unused;
	tool("make", "mkdir -p \"$BUILD/tests\" && cp \"${0%/*}/table\" "
		     "\"$BUILD/tests/table_tool\" && >\"$BUILD/libstubmap.a\"");
	tool("ar", "exit 0");
	tool("table", "echo wasmtime 1");
	tool("cc", "exit 0");
	tool("rustc", "echo 'rustc 1.95.0'");
	tool("cargo", "echo 'error: nothing compiles' >&2; exit 101");
	assert_int_equal(sh(READERS), 1);
	has(out, "| wasmtime | | | | | cargo build: error: nothing compiles |");
	has(out, "| go | | | | | go: not found");

	tool("reader", "echo 'out of luck' >&2; kill -SEGV $$");
	tool("cargo",
	     "echo 'name = \"wasmtime-environ\"\nversion = \"1.2.3\"' >Cargo.lock\n"
	     "mkdir -p target/release && cp \"${0%/*}/reader\" target/release/wasmtime-reader");
	assert_int_equal(sh(READERS "wasmtime"), 1);
	has(out, "| wasmtime | | | | | gc: out of luck |");

	tool("reader",
	     "printf '%s\\texact\\tframe\\t100\\t3\\t50\\t50\\t\\t\\t\\n' \"$2\"; exit 1");
	assert_int_equal(sh(READERS "-n 2 wasmtime"), 1);
	has(out, "| wasmtime-environ 1.2.3 | gc | exact | frame | 100 | no: 6 differ | 0 |");

	tool("reader",
	     "at=\"${0%/*}/at\"\nif [ -e \"$at\" ]; then rm \"$at\"; ns=40; else echo >\"$at\"; "
	     "ns=10; fi\n"
	     "printf '%s\\texact\\tframe\\t100\\t0\\t50\\t50\\t%s\\t100\\t-0.5\\n' \"$2\" $ns");
	good(READERS "-n 2 wasmtime");
	has(out, "| exact | frame | 100 | yes | 2 | 20 (");
	has(out, "| 100 (100 to 100) | 0.6065 (0.6065 to 0.6065) |");
	good(READERS "-n 1 wasmtime");
	has(out, "| yes | 1 | 10 | 100 | 0.6065 |");
	without("make table cc ar rustc cargo reader at");
}

/* A Wasmtime that is played: its output is the committed file, of 19 safepoints. */
static void test_sections(void **unused)
{
	(void)unused;
	good("mkdir -p w/wasmtime-50.0.1/wasmtime && cat >w/wasmtime-50.0.1/wasmtime/__init__.py "
	     "<<'END'\n"
	     "import os\n"
	     "class WasmtimeError(Exception): pass\n"
	     "class Engine: pass\n"
	     "class Module:\n"
	     "    def __init__(self, engine, text):\n"
	     "        assert text.startswith('(module')\n"
	     "        if os.environ.get('REFUSE'): raise WasmtimeError('not this one')\n"
	     "    def serialize(self):\n"
	     "        with open(os.environ['TREE'] + '/tests/data/gc.cwasm', 'rb') as f: return "
	     "f.read()\n"
	     "END");
	assert_int_equal(sh("REFUSE=1 " CORPORA "-o w/cwasm ours"), 1);
	has(out, "| ours | this script | Wasmtime: not this one |");
	good("test ! -e w/cwasm/ours.cwasm");
	good(CORPORA "-o w/cwasm ours && cmp w/cwasm/ours.cwasm \"$TREE/tests/data/gc.cwasm\"");
	has(out, "| ours | this script | ");
	good("awk -F'\\t' 'NR == 2 {n++; if ($4 != $5 + $6 + $7 + $8 + $9 || $10 != 19 || $6 < 8 * "
	     "19) exit 1} "
	     "END {exit n != 1}' w/cwasm/sections.tsv");
	good(CORPORA "-o w/cwasm ours >first; " CORPORA
		     "--show w/cwasm/sections.tsv | cmp - first");
}

/* ---- pair.c ---------------------------------------------------------------------------------- */

static const uint32_t live[] = { 2, 5, 40 };
static const struct safepoint points[] = {
	{ .pc = 5, .frame_size = 200, .nlive = 3, .live = live },
	{ .pc = 9, .frame_size = 16, .nlive = 1, .live = live },
	{ .pc = 60, .frame_size = 64, .nlive = 2, .live = live },
};
static uint32_t wrong_at; /* no safepoint is answered rightly there */

static int answer(uint32_t pc, struct pair_answer *said)
{
	const struct safepoint *p = safepoint_find(points, 3, pc, NULL);

	if (!p || pc == wrong_at)
		return 0;
	said->frame_size = p->frame_size;
	said->nplaces = p->nlive;
	memcpy(said->places, p->live, p->nlive * sizeof *p->live);
	return 1;
}

static uint64_t lies;

static uint64_t pass(const uint32_t *pcs, size_t n, int places)
{
	uint64_t sum = lies;

	for (size_t i = 0; i < n; i++) {
		const struct safepoint *p = safepoint_find(points, 3, pcs[i], NULL);
		sum += p ? p->frame_size : 1;
		for (uint32_t k = 0; p && places && k < p->nlive; k++)
			sum += 4 * p->live[k];
	}
	return sum;
}

static void put(const char *path, const void *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

static void test_pair(void **unused)
{
	struct pair_reader theirs = { .answer = answer, .pass = pass, .exact = 1 };
	const uint32_t pcs[] = { 64, 3, 5, 9, 60 }, unordered[] = { 64, 2, 9, 5 },
		       outside[] = { 8, 1, 9 };
	char *argv[] = { "small", "it.pcs", "exact=it.exact", NULL };
	struct map_bytes table = { 0 };

	(void)unused;
	assert_int_equal(map_encode(map_encoder("exact"), points, 3, &table, NULL), 0);
	put("it.exact", table.data, table.len);
	put("it.pcs", pcs, sizeof pcs);
	theirs.bytes = table.data;
	theirs.len = table.len;
	assert_int_equal(pair_main(3, argv, &theirs), 0);

	lies = 1;
	assert_int_equal(pair_main(3, argv, &theirs), 1);
	lies = 0;
	wrong_at = 9;
	assert_int_equal(pair_main(3, argv, &theirs), 1);
	wrong_at = 0;

	/* Other bytes than it reads; files that are no such files. */
	theirs.len--;
	assert_int_equal(pair_main(3, argv, &theirs), 2);
	theirs.bytes = NULL;
	put("it.pcs", unordered, sizeof unordered);
	assert_int_equal(pair_main(3, argv, &theirs), 2);
	put("it.pcs", outside, sizeof outside);
	assert_int_equal(pair_main(3, argv, &theirs), 2);
	put("it.pcs", pcs, sizeof pcs - 1);
	assert_int_equal(pair_main(3, argv, &theirs), 2);
	put("it.pcs", pcs, sizeof pcs);
	argv[2] = "exactly=it.exact";
	assert_int_equal(pair_main(3, argv, &theirs), 2);
	argv[2] = "exact=none";
	assert_int_equal(pair_main(3, argv, &theirs), 2);
	free(table.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_calls), cmocka_unit_test(test_nothing_installed),
		cmocka_unit_test(test_too_old),	  cmocka_unit_test(test_what_readers_do),
		cmocka_unit_test(test_sections),  cmocka_unit_test(test_pair),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
