/* program.c - finds a program's files, calls its exports in order,
 * and compares its output with the twin's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/home.h"
#include "wasm/program.h"
#include "wasm/file.h"

/* ---- Files ----------------------------------------------------------------------------------- */

bool wasm_find(const char *name, char path[WASM_PATH])
{
	if (!home_find(name, path, WASM_PATH))
		return true;
	snprintf(path, WASM_PATH, "%s", name);
	return false;
}

/* Hashes a path, so that two modules of one name have two folders. */
static uint64_t hash_path(const char *path)
{
	char *whole = realpath(path, NULL);
	uint64_t h = 0;

	for (const char *p = whole ? whole : path; *p; p++)
		h = prng_mix(h ^ (unsigned char)*p);
	free(whole);
	return h;
}

static bool writable(const char *folder)
{
	return (!mkdir(folder, 0777) || errno == EEXIST) && !access(folder, W_OK | X_OK);
}

void wasm_program_folder(const struct wasm_program *p, char folder[WASM_PATH])
{
	char own[WASM_PATH - 32], temp[WASM_PATH - 32];

	if (!wasm_find("wasm", folder))
		snprintf(folder, WASM_PATH, "build/wasm");
	if (!p->own) {
		size_t n = strlen(folder);

		snprintf(folder + n, WASM_PATH - n, "/%s", p->name);
		return;
	}
	snprintf(own, sizeof own, "%.*s/own", (int)sizeof own - 8, folder);
	if (!writable(own) && !home_temp(temp, sizeof temp))
		memcpy(own, temp, sizeof own);
	snprintf(folder, WASM_PATH, "%s/%016llx", own, (unsigned long long)hash_path(p->name));
}

int wasm_program_system(const struct wasm_program *p, const char *folder, uint64_t seed,
			struct wasi *wasi, char error[WASM_ERROR])
{
	const char *const args[] = { p->name };
	size_t size;
	int e = 0;

	wasi_open(wasi, args, 1, seed);
	if (!p->file)
		return 0;
	uint8_t *text = wasm_file_read(folder, p->file, &size);
	e = text ? wasi_add_file(wasi, p->file, text, size) : -ENOENT;
	free(text);
	if (e)
		snprintf(error, WASM_ERROR, "%s: its file %s: %s", p->name, p->file, strerror(-e));
	return e;
}

/* ---- What it exports ------------------------------------------------------------------------- */

#define NO_WAY_IN "%s: exports neither _start() nor both steps() -> i32 and step(i32) -> i32"

static bool exports(const struct wasm_file *f, const char *name, const char *letters)
{
	stub_signature s;

	stub_signature_parse(letters, &s);
	for (uint32_t i = 0; i < f->nexports; i++)
		if (!strcmp(f->exports[i].name, name))
			return f->types[f->exports[i].type].signature == s;
	return false;
}

int wasm_program_enters(const struct wasm_file *f, const char *name, char *error, size_t size)
{
	if (exports(f, "_start", ">") || (exports(f, "steps", ">i") && exports(f, "step", "i>i")))
		return 0;
	snprintf(error, size, NO_WAY_IN, name);
	return -EINVAL;
}

/* ---- Running --------------------------------------------------------------------------------- */

struct drive {
	const struct stub_callee *start, *initialize, *steps, *native, *js;
	struct wasm_times times;
	uint32_t mixed;
	bool refused; /* a step's result was not an int32 */
};

static uint32_t step_js(struct drive *d, uint32_t i)
{
	stub_value argv[1] = { (stub_value)STUB_VALUE_INT32 << 48 | i };
	stub_value v = wasm_enter_js(d->js, argv, 1);

	d->refused |= v >> 48 != STUB_VALUE_INT32;
	return (uint32_t)v;
}

static void drive(void *arg)
{
	struct drive *d = arg;
	uint64_t argv[1] = { 0 }, t0 = clock_ns();

	if (d->start) {
		wasm_enter_native(d->start, argv);
		return;
	}
	if (d->initialize) {
		wasm_enter_native(d->initialize, argv);
		d->times.first_ns = clock_ns() - t0;
		d->times.entries++;
	}
	wasm_enter_native(d->steps, argv);
	if (!d->times.first_ns)
		d->times.first_ns = clock_ns() - t0;
	for (uint32_t i = 0, n = (uint32_t)argv[0]; i < n; i++) {
		uint32_t result;

		if (i & 1) {
			result = step_js(d, i);
		} else {
			argv[0] = i;
			wasm_enter_native(d->native, argv);
			result = (uint32_t)argv[0];
		}
		d->mixed = d->mixed * 31 + result;
		d->times.entries++;
	}
	d->times.entries++;
}

/* The callee of an export of that name and signature, or NULL. */
static const struct stub_callee *find_export(struct wasm_instance *in, const struct wasm_module *m,
					     const char *name, const char *letters,
					     enum stub_kind kind)
{
	int number = wasm_module_export(m, name);
	stub_signature s;

	stub_signature_parse(letters, &s);
	if (number < 0 || wasm_module_signature(m, number) != s)
		return NULL;
	return wasm_instance_export(in, number, kind);
}

static void find_exports(struct drive *d, struct wasm_instance *in, const struct wasm_module *m)
{
	d->initialize = find_export(in, m, "_initialize", ">", STUB_ENTRY_NATIVE);
	d->steps = find_export(in, m, "steps", ">i", STUB_ENTRY_NATIVE);
	d->native = find_export(in, m, "step", "i>i", STUB_ENTRY_NATIVE);
	d->js = find_export(in, m, "step", "i>i", STUB_ENTRY_JS);
	if (!d->steps || !d->native)
		d->start = find_export(in, m, "_start", ">", STUB_ENTRY_NATIVE);
}

/* Finds what else can be wrong with a run that did not trap; the line is in error. */
static enum wasm_end judge(const struct drive *d, enum wasm_end end, const struct wasm_module *m,
			   const struct wasm_thread *thread, char *error)
{
	if (end == WASM_EXITED && d->start && !thread->exit_code)
		return WASM_RETURNED;
	if (end == WASM_EXITED)
		snprintf(error, WASM_ERROR, "%s: exited with status %u", wasm_module_name(m),
			 thread->exit_code);
	if (end == WASM_RETURNED && d->refused) {
		snprintf(error, WASM_ERROR, "%s: a call of step through entry_js failed",
			 wasm_module_name(m));
		end = WASM_TRAPPED;
	}
	return end;
}

enum wasm_end wasm_drive(struct wasm_instance *in, const struct wasm_module *m,
			 struct wasm_thread *thread, struct wasi *wasi, struct wasm_times *times,
			 char error[WASM_ERROR])
{
	struct drive d = { 0 };
	char line[16];

	find_exports(&d, in, m);
	if (!d.start && (!d.steps || !d.native)) {
		snprintf(error, WASM_ERROR, NO_WAY_IN, wasm_module_name(m));
		return WASM_TRAPPED;
	}
	uint64_t t0 = clock_ns();
	enum wasm_end end = judge(&d, wasm_run(thread, drive, &d, error), m, thread, error);
	d.times.run_ns = clock_ns() - t0;
	if (d.start) {
		d.times.first_ns = d.times.run_ns;
		d.times.entries = 1;
	} else if (end == WASM_RETURNED) {
		int n = snprintf(line, sizeof line, "%08x\n", d.mixed);

		if (wasi_print(wasi, line, (size_t)n)) {
			snprintf(error, WASM_ERROR, "%s: no room for its output",
				 wasm_module_name(m));
			end = WASM_TRAPPED;
		}
	}
	if (times)
		*times = d.times;
	return end;
}

int wasm_program_check(const struct wasm_program *p, const char *folder, const struct wasi *wasi,
		       char error[WASM_ERROR])
{
	size_t size, expected_size, line = 1, i = 0;
	const char *output = wasi_output(wasi, &size);
	uint8_t *expected = wasm_file_read(folder, "expected", &expected_size);

	if (!expected) {
		snprintf(error, WASM_ERROR, "%s: no native answer in %.120s", p->name, folder);
		return -ENOENT;
	}
	while (i < size && i < expected_size && output[i] == expected[i])
		line += output[i++] == '\n';
	bool equal = i == size && i == expected_size;
	free(expected);
	if (equal)
		return 0;
	snprintf(error, WASM_ERROR,
		 "%s: wrong answer: its output differs from the native program's in line %zu",
		 p->name, line);
	return -EINVAL;
}
