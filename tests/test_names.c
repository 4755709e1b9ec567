/*
 * test_names.c - the names of stubs in perf's map, in a jitdump and in gdb, for every strategy of
 * list.h. gdb and perf themselves are asked where they are and may work; elsewhere a line says why
 * not. For them this program runs itself, with an argument.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stubmap/watch.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "jit/crash.h"
#include "jit/space.h"
#include "names/names.h"
#include "shell_helpers.h"
#include "stub_set_up.h"

static const char *self;

static struct set_up *open_named(const struct stub_ops *ops, enum code_wx wx, unsigned wanted,
				 struct names **names)
{
	struct code_config config = { .wx = wx, .quantum = 4096 };
	struct set_up *t = calloc(1, sizeof *t);
	const char *path;

	assert_non_null(t);
	t->seed = 7;
	assert_int_equal(names_open(names, wanted, &path), 0);
	config.watch = names_watch(*names);
	assert_int_equal(code_open(&t->code, &config), 0);
	assert_int_equal(names_attach(*names, t->code), 0);
	world_open(&t->w, t->code);
	assert_int_equal(
	    stub_space_open(&t->space, ops, t->code, &(struct stub_config){ 0 }, &world_runtime),
	    0);
	return t;
}

/* ---- perf's map and the jitdump -------------------------------------------------------------- */

struct dump_header {
	uint32_t magic, version, size, machine, pad, pid;
	uint64_t time, flags;
};

struct dump_load {
	uint32_t id, size;
	uint64_t time;
	uint32_t pid, tid;
	uint64_t vma, address, bytes, index;
};

static char *slurp(const char *path, size_t *size)
{
	struct stat s;
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0 && !fstat(fd, &s));
	char *text = malloc((size_t)s.st_size + 1);
	assert_non_null(text);
	assert_int_equal(read(fd, text, (size_t)s.st_size), s.st_size);
	text[s.st_size] = 0;
	close(fd);
	*size = (size_t)s.st_size;
	return text;
}

/* The last line of the map that begins at an address. */
static void find_in_map(const char *map, const void *code, size_t *bytes, char name[64])
{
	unsigned long long at;

	*bytes = 0;
	for (const char *line = map; *line; line = strchr(line, '\n') + 1) {
		char text[64];
		size_t n;

		assert_int_equal(sscanf(line, "%llx %zx %63[^\n]", &at, &n, text), 3);
		if (at == (uintptr_t)code) {
			*bytes = n;
			strcpy(name, text);
		}
	}
}

/* Checks each record; returns how many have this address, and code. */
static unsigned find_in_dump(const char *dump, size_t size, const void *code, size_t bytes,
			     const char *name)
{
	struct dump_header header;
	uint64_t time = 0;
	unsigned found = 0;

	memcpy(&header, dump, sizeof header);
	assert_int_equal(header.magic, 0x4a695444);
	assert_int_equal(header.version, 1);
	assert_int_equal(header.pid, getpid());
	for (size_t at = header.size; at < size;) {
		struct dump_load load;
		const char *its_name = dump + at + sizeof load;

		assert_true(at + sizeof load < size);
		memcpy(&load, dump + at, sizeof load);
		assert_int_equal(load.id, 0);
		assert_true(load.time >= time);
		assert_int_equal(load.size, sizeof load + strlen(its_name) + 1 + load.bytes);
		if (load.address == (uintptr_t)code && load.bytes == bytes) {
			assert_string_equal(its_name, name);
			found++;
		}
		time = load.time;
		at += load.size;
		assert_true(at <= size);
	}
	return found;
}

static void files_of(const struct stub_ops *ops)
{
	struct stub_callee c[STUB_KINDS] = { 0 };
	char map_path[40], dump_path[40], want[64], name[64];
	struct names *names;
	size_t map_size, dump_size, bytes;
	struct set_up *t = open_named(ops, CODE_DUAL, NAMES_PERF | NAMES_JITDUMP, &names);
	const void *code[STUB_KINDS];

	for (unsigned kind = 0; kind < STUB_KINDS; kind++) {
		struct stub_spec spec = spec_of(&t->w, kind, parsed("iid>l"), 2, 1);

		assert_int_equal(ops->bind(&t->space, &spec, &c[kind]), 0);
		call_one(t, &spec, &c[kind], 2);
		code[kind] = c[kind].code;
	}
	close_set_up(t);
	names_close(names);

	snprintf(map_path, sizeof map_path, "/tmp/perf-%d.map", (int)getpid());
	snprintf(dump_path, sizeof dump_path, "/tmp/jit-%d.dump", (int)getpid());
	char *map = slurp(map_path, &map_size), *dump = slurp(dump_path, &dump_size);
	for (unsigned kind = 0; kind < STUB_KINDS; kind++) {
		find_in_map(map, code[kind], &bytes, name);
		assert_true(bytes);
		snprintf(want, sizeof want, "/%s iid>l", stub_kind_names[kind]);
		assert_non_null(strchr(name, '/'));
		assert_string_equal(strchr(name, '/'), want);
		assert_true(find_in_dump(dump, dump_size, code[kind], bytes, name) >= 1);
	}
	free(map);
	free(dump);
}

static void remove_files(void)
{
	char path[40];

	snprintf(path, sizeof path, "/tmp/perf-%d.map", (int)getpid());
	unlink(path);
	snprintf(path, sizeof path, "/tmp/jit-%d.dump", (int)getpid());
	unlink(path);
}

/* In a process for each strategy: its files have the process's number. */
static void files_have_each_stub(void **state)
{
	(void)state;
	for (unsigned i = 0; stub_strategies[i]; i++) {
		int status;

		fflush(NULL);
		pid_t child = fork();
		assert_true(child >= 0);
		if (!child) {
			files_of(stub_strategies[i]);
			remove_files();
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		if (status)
			fail_msg("%s: status %#x", stub_strategies[i]->name, (unsigned)status);
	}
}

static void bad_lists_of_names(void **state)
{
	static const char *const bad[] = { "",		",",	 "perf,",    "Perf", "perf,gdb,x",
					   "perf,,gdb", " perf", "perf gdb", "gd" };
	unsigned wanted;

	(void)state;
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(names_parse(bad[i], &wanted), -EINVAL);
	assert_int_equal(names_parse("gdb,perf", &wanted), 0);
	assert_int_equal(wanted, NAMES_GDB | NAMES_PERF);
	assert_int_equal(names_parse("jitdump", &wanted), 0);
	assert_int_equal(wanted, NAMES_JITDUMP);
}

/* ---- gdb ------------------------------------------------------------------------------------- */

static void stop_here(struct world *w, struct probe *p, struct probe_seen *seen)
{
	(void)w;
	(void)p;
	(void)seen;
	raise(SIGTRAP);
}

/* Under gdb: stops inside the callee of each kind of each strategy. */
static int stop_everywhere(void)
{
	for (unsigned i = 0; stub_strategies[i]; i++) {
		const struct stub_ops *ops = stub_strategies[i];
		struct names *names;
		struct set_up *t = open_named(ops, CODE_DUAL, NAMES_GDB, &names);

		for (unsigned kind = 0; kind < STUB_KINDS; kind++) {
			struct stub_spec spec = spec_of(&t->w, kind, parsed("iiiiiid>l"), 2, 1);
			struct stub_callee c = { 0 };

			assert_int_equal(ops->bind(&t->space, &spec, &c), 0);
			/* made by the first call, if it is deferred */
			call_one(t, &spec, &c, 2);
			names_flush(names);
			t->w.hook = stop_here;
			printf("stop %s %s %d\n", ops->name, stub_kind_names[kind],
			       has_frame(kind, spec.signature, spec.nbound));
			fflush(stdout);
			call_one(t, &spec, &c, 2);
			t->w.hook = NULL;
		}
		close_set_up(t);
		names_close(names);
	}
	return 0;
}

/* A backtrace goes from the callee's functions through the stub, if it has a frame, to main. */
static void check_backtrace(const char *text, const char *end, const char *arm, const char *kind,
			    int framed)
{
	char want[120], *part = strndup(text, (size_t)(end - text));
	const char *entry, *stub, *caller;

	assert_non_null(part);
	snprintf(want, sizeof want, "/%s iiiiiid>l ()", kind);
	entry = strstr(part, "probe_entry ()");
	stub = strstr(part, want);
	caller = strstr(part, "probe_call ()");
	if (!entry || !caller || entry > caller || !strstr(caller, "stop_everywhere ()") ||
	    !strstr(caller, " main (") ||
	    (framed ? !stub || stub < entry || stub > caller : stub != NULL)) {
		fprintf(stderr, "%s", part);
		free(part);
		fail_msg("%s %s: not the backtrace that was expected (%s)", arm, kind, want);
	}
	free(part);
}

static void gdb_finds_its_way(void **state)
{
	char command[900], arm[40], kind[40];
	unsigned stops = 0;
	int framed;

	(void)state;
	if (sh("gdb --version")) {
		print_message("no gdb here\n");
		skip();
	}
	assert_int_equal(sh("printf 'run\\nset $n = 0\\nwhile $n < 1000\\nset $n = $n + 1\\n"
			    "backtrace\\ncontinue\\nend\\n' >stops"),
			 0);
	snprintf(command, sizeof command,
		 "ASAN_OPTIONS=detect_leaks=0 timeout 300 gdb -nx -batch -ex 'set confirm off' "
		 "-ex 'set debuginfod enabled off' -ex 'set width 0' -x stops --args '%s' stop",
		 self);
	if (sh(command) && strstr(err, "ptrace")) {
		print_message("gdb may not trace here: %s\n", err);
		skip();
	}
	for (const char *at = strstr(out, "stop "); at; stops++) {
		const char *next = strstr(at + 1, "\nstop ");

		assert_int_equal(sscanf(at, "stop %39s %39s %d", arm, kind, &framed), 3);
		check_backtrace(at, next ? next : at + strlen(at), arm, kind, framed);
		at = next ? next + 1 : NULL;
	}
	unsigned rows = 0;
	while (stub_strategies[rows])
		rows++;
	if (stops != rows * STUB_KINDS)
		fprintf(stderr, "%s%s", out, err);
	assert_int_equal(stops, rows * STUB_KINDS);
}

/* ---- perf ------------------------------------------------------------------------------------ */

/* Under perf: calls one stub for a while. */
static int spin(enum code_wx wx)
{
	struct names *names;
	struct set_up *t =
	    open_named(stub_strategy("pool"), wx, NAMES_PERF | NAMES_JITDUMP, &names);
	struct stub_spec spec = spec_of(&t->w, STUB_EXIT_JS, parsed("iid>l"), 2, 1);
	struct stub_callee c = { 0 };

	assert_int_equal(t->space.ops->bind(&t->space, &spec, &c), 0);
	while (clock() < CLOCKS_PER_SEC)
		for (unsigned i = 0; i < 1000; i++)
			call_one(t, &spec, &c, 2);
	close_set_up(t);
	names_close(names);
	printf("%d\n", (int)getpid());
	return 0;
}

/* perf asks a map for names in anonymous memory alone, which CODE_DUAL's is not. */
static void perf_reports_names(void **state)
{
	static const char *const reports[] = {
		"perf report -i perf.data --stdio --sort sym",
		"perf inject --jit -i perf.data -o jit.data && "
		"perf report -i jit.data --stdio --sort sym",
	};
	char command[400];
	int pid = 0;

	(void)state;
	for (unsigned dual = 0; dual < 2; dual++) {
		snprintf(command, sizeof command,
			 "perf record -q -e cpu-clock -F 4000 -k mono -o perf.data '%s' spin %s",
			 self, dual ? "dual" : "");
		if (sh(command)) {
			print_message("perf can't record here: %.200s\n", err);
			skip();
		}
		assert_int_equal(sscanf(out, "%d", &pid), 1);
		for (unsigned i = dual; i < 2; i++) {
			assert_int_equal(sh(reports[i]), 0);
			if (!strstr(out, " body pool/exit_js iid>l"))
				fprintf(stderr, "%s%s", out, err);
			assert_non_null(strstr(out, " body pool/exit_js iid>l"));
		}
		snprintf(command, sizeof command,
			 "rm -f /tmp/perf-%d.map /tmp/jit-%d.dump /tmp/jitted-%d-*.so", pid, pid,
			 pid);
		sh(command);
	}
}

/* ---- Crashes --------------------------------------------------------------------------------- */

/* In a child process: the stub's context is no instance, so that it faults when it reads it. */
static void crash(const struct stub_ops *ops, bool named)
{
	struct code_config config = { .wx = CODE_TOGGLE, .quantum = 4096 };
	struct stub_spec spec = { .kind = STUB_ENTRY_NATIVE,
				  .signature = parsed("i>i"),
				  .target = (const void *)0x10,
				  .context = (void *)0x123450 };
	struct stub_callee c = { 0 };
	struct code_memory *code;
	struct stub_space space;
	char error[JIT_ERROR];
	uint64_t argv[1] = { 0 };
	struct probe_regs regs = { .ints = { (uintptr_t)argv } };

	setenv("STUBMAP_NAMES", named ? "gdb" : "", 1);
	crash_begin();
	if (jit_code_open(&code, &config, error) ||
	    jit_space_open(&space, ops, code, &(struct stub_config){ 0 }, &world_runtime, error) ||
	    ops->bind(&space, &spec, &c))
		_exit(3);
	probe_call(&c, &regs);
	_exit(4);
}

static void a_crash_says_where(void **state)
{
	char text[400], want[80], *byte;

	(void)state;
	for (unsigned i = 0; stub_strategies[i]; i++)
		for (unsigned named = 0; named < 2; named++) {
			const struct stub_ops *ops = stub_strategies[i];
			int pipes[2], status;

			assert_int_equal(pipe(pipes), 0);
			pid_t child = fork();
			assert_true(child >= 0);
			if (!child) {
				dup2(pipes[1], 2);
				crash(ops, named);
			}
			close(pipes[1]);
			ssize_t n = read(pipes[0], text, sizeof text - 1);
			close(pipes[0]);
			assert_true(n > 0);
			text[n] = 0;
			assert_int_equal(waitpid(child, &status, 0), child);
			assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
			strcpy(want, named ? "/entry_native i>i, byte "
					   : ": in the area of stubs, byte ");
			byte = strstr(text, want);
			if (!byte || !strstr(text, "address 0x123450: "))
				fail_msg("%s: '%s'", ops->name, text);
			assert_true(!named || strtoul(byte + strlen(want), NULL, 10) < 100);
		}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_have_each_stub), cmocka_unit_test(bad_lists_of_names),
		cmocka_unit_test(gdb_finds_its_way),	cmocka_unit_test(perf_reports_names),
		cmocka_unit_test(a_crash_says_where),
	};
	static char path[4096];
	char folder[] = "/tmp/stubmap-names-XXXXXX", remove[80];

	if (argc > 1)
		return strcmp(argv[1], "spin") ? stop_everywhere()
					       : spin(argc > 2 ? CODE_DUAL : CODE_TOGGLE);
	self = realpath(argv[0], path);
	if (!self || !mkdtemp(folder) || chdir(folder))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(remove, sizeof remove, "rm -rf %s", folder);
	return system(remove) || failed;
}
