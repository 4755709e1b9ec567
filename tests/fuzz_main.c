/*
 * fuzz_main.c - runs fuzz targets. By itself it runs each target's seeds and RUNS inputs
 * made of them, the same in every run: so faults that were found do not come back, wherever
 * there is a compiler with ASan. With libFuzzer (-DFUZZ_LIBFUZZER) the code that an input
 * reaches guides the next ones.
 *
 * Either way a run may take no more memory at once than its input's size allows for. An input that
 * ends the program is left in PROGRAM.found.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

#include "base/home.h"
#include "base/prng.h"
#include "fuzz.h"

/* ---- One run --------------------------------------------------------------------------------- */

/* gcc's libasan has these, its headers do not. */
int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void *, size_t),
					      void (*)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *);

static struct {
	int64_t now, most; /* bytes since the run began; it may free what was there before */
} taken;

static void on_malloc(const volatile void *p, size_t n)
{
	(void)p;
	taken.now += (int64_t)n;
	taken.most = taken.now > taken.most ? taken.now : taken.most;
}

static void on_free(const volatile void *p)
{
	if (p)
		taken.now -= (int64_t)__sanitizer_get_allocated_size(p);
}

/* A single request of more than that ends the program where it is made. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "max_allocation_size_mb=512";
}

static bool run(size_t target, const uint8_t *data, size_t len)
{
	const struct fuzz_memory memory = fuzz_memory(target);
	const size_t allowed = memory.base + memory.each * len;

	taken.now = taken.most = 0;
	bool took = fuzz_run(target, data, len);
	if (taken.most > (int64_t)allowed) {
		fprintf(stderr, "%s: %lld bytes of memory for an input of %zu; %zu are allowed\n",
			fuzz_name(target), (long long)taken.most, len, allowed);
		abort();
	}
	return took;
}

const char *fuzz_file(const uint8_t *data, size_t len)
{
	static char path[32];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		fuzz_check(fd >= 0);
		snprintf(path, sizeof path, "/proc/self/./fd/%d", fd);
	}
	fuzz_check(!ftruncate(fd, 0));
	fuzz_check(pwrite(fd, data, len, 0) == (ssize_t)len);
	return path;
}

#ifdef FUZZ_LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static size_t target;
	static bool known;
	const char *name = getenv("FUZZ_TARGET");

	if (!known && __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) <= 0)
		abort();
	while (!known && name && strcmp(fuzz_name(target), name)) {
		if (fuzz_name(++target))
			continue;
		fprintf(stderr, "FUZZ_TARGET %s: this program has no such target\n", name);
		exit(2);
	}
	known = true;
	if (len <= FUZZ_MOST)
		run(target, data, len);
	return 0;
}

#else

enum { RUNS = 20000, SEEDS = 64, NAME = 500 };

struct seed {
	uint8_t *bytes;
	size_t len;
};

/* ---- An input that ends the program ---------------------------------------------------------- */

static struct {
	const uint8_t *bytes;
	size_t len;
	char path[NAME + 10];
} current;

static void keep(void)
{
	static const char said[] = "fuzz: the input is in ";
	int fd = -1;

	if (!current.bytes) /* something else ends it */
		return;
	fd = open(current.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, current.bytes, current.len) < 0 || close(fd) ||
	    write(2, said, sizeof said - 1) < 0 ||
	    write(2, current.path, strlen(current.path)) < 0 || write(2, "\n", 1) < 0)
		_exit(1);
}

static void on_signal(int number)
{
	signal(number, SIG_DFL);
	keep();
	raise(number);
}

static void keep_what_ends_it(void)
{
	char self[NAME];

	home_executable(self, sizeof self);
	snprintf(current.path, sizeof current.path, "%s.found", self);
	__sanitizer_set_death_callback(keep);
	signal(SIGABRT, on_signal);
	signal(SIGTERM, on_signal); /* of a test that has no end */
}

/* ---- Seeds ----------------------------------------------------------------------------------- */

static int compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name); /* in every locale */
}

static int is_seed(const struct dirent *d)
{
	return *d->d_name != '.';
}

/* False: not a regular seed. */
static bool load_seed(const char *folder, const char *name, struct seed *out)
{
	char path[2 * NAME];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	*out = (struct seed){ .bytes = malloc(FUZZ_MOST + 1) };
	FILE *f = fopen(path, "rb");
	bool good = f && out->bytes;
	if (good)
		out->len = fread(out->bytes, 1, FUZZ_MOST + 1, f);
	good = good && !ferror(f) && out->len <= FUZZ_MOST;
	if (f)
		fclose(f);
	if (!good)
		printf("%s: can't be read, or has more than %d bytes\n", path, FUZZ_MOST);
	return good;
}

/* Adds a folder's seeds to those that are loaded, SEEDS at most; returns how many there are. A
 * folder that is not there has none. *bad is set where one is no seed. */
static unsigned load_seeds(const char *folder, struct seed seeds[SEEDS], unsigned loaded, bool *bad)
{
	struct dirent **names;
	int n = scandir(folder, &names, is_seed, compare);

	if (n < 0) {
		*bad |= errno != ENOENT;
		return loaded;
	}
	for (int i = 0; i < n; i++) {
		if (loaded < SEEDS)
			*bad |= !load_seed(folder, names[i]->d_name, &seeds[loaded++]);
		else
			*bad = true;
		free(names[i]);
	}
	free(names);
	return loaded;
}

/* ---- Changes --------------------------------------------------------------------------------- */

static bool of_number(uint8_t byte)
{
	return byte && strchr("0123456789+-.eE", byte);
}

/* In a text: puts another value in the place of a number. */
static size_t change_number(struct prng *r, uint8_t *b, size_t len, size_t at)
{
	static const char *const values[] = { "0",     "-1",	 "0.5",
					      "1e308", "1e-320", "9007199254740993",
					      "null",  "[]",	 "{}",
					      "\"\"",  "true",	 "4294967296" };
	const char *value = values[prng_below(r, sizeof values / sizeof *values)];
	size_t end = at, n = strlen(value);

	while (at && of_number(b[at - 1]))
		at--;
	while (end < len && of_number(b[end]))
		end++;
	if (len - (end - at) + n > FUZZ_MOST)
		return len;
	memmove(b + at + n, b + end, len - end);
	memcpy(b + at, value, n);
	return len - (end - at) + n;
}

/* Changes one place of an input in a room of FUZZ_MOST bytes; returns the new length. */
static size_t change(struct prng *r, uint8_t *b, size_t len, const struct seed *other)
{
	static const uint8_t extremes[] = { 0, 1, 0x7f, 0x80, 0xff };
	size_t at = len ? prng_below(r, (uint32_t)len) : 0;
	size_t rest = len - at, n = 1 + prng_below(r, 16), from;

	if (!len)
		return 0;
	n = n < rest ? n : rest;
	if (b[at] >= '0' && b[at] <= '9' && !prng_below(r, 3))
		return change_number(r, b, len, at);
	switch (prng_below(r, 9)) {
	case 0:
	case 1:
		b[at] ^= (uint8_t)(1u << prng_below(r, 8));
		break;
	case 2:
		b[at] = extremes[prng_below(r, sizeof extremes)];
		break;
	case 3:
		b[at] = (uint8_t)prng_next(r);
		break;
	case 4:
		b[at] = (uint8_t)(b[at] + prng_below(r, 9) - 4);
		break;
	case 5:
		memset(b + at, prng_below(r, 2) ? 0 : 0xff, n < 8 ? n : 8);
		break;
	case 6:
		if (!prng_below(r, 4))
			return at;
		memmove(b + at, b + at + n, rest - n);
		return len - n;
	case 7: /* again what stands there */
		if (len + n > FUZZ_MOST)
			break;
		memmove(b + at + n, b + at, rest);
		return len + n;
	default: /* what stands in another seed */
		from = other->len ? prng_below(r, (uint32_t)other->len) : 0;
		n = n < other->len - from ? n : other->len - from;
		memcpy(b + at, other->bytes + from, n);
		break;
	}
	return len;
}

/* Runs bytes at the end of a room, whose other bytes must not be read. */
static bool run_at_end(size_t target, uint8_t *room, const uint8_t *bytes, size_t len)
{
	uint8_t *at = room + FUZZ_MOST - len;

	ASAN_UNPOISON_MEMORY_REGION(room, FUZZ_MOST);
	if (len)
		memcpy(at, bytes, len);
	ASAN_POISON_MEMORY_REGION(room, (size_t)(at - room));
	current.bytes = at;
	current.len = len;
	return run(target, at, len);
}

static bool run_all(size_t target, const struct seed *seeds, unsigned n)
{
	static uint8_t changed[FUZZ_MOST];
	uint8_t *room = malloc(FUZZ_MOST);
	unsigned took = 0, took_changed = 0;
	struct prng r;

	fuzz_check(room);
	for (unsigned i = 0; i < n; i++)
		took += run_at_end(target, room, seeds[i].bytes, seeds[i].len);
	prng_seed(&r, target);
	for (unsigned i = 0; i < RUNS; i++) {
		const struct seed *seed = &seeds[i % n];
		size_t len = seed->len;

		if (len)
			memcpy(changed, seed->bytes, len);
		for (unsigned k = 1 + prng_below(&r, 4); k; k--)
			len = change(&r, changed, len, &seeds[prng_below(&r, n)]);
		took_changed += run_at_end(target, room, changed, len);
	}
	printf("%u of %u seeds taken, %u of %d runs\n", took, n, took_changed, RUNS);
	ASAN_UNPOISON_MEMORY_REGION(room, FUZZ_MOST);
	current.bytes = NULL;
	free(room);
	if (!took)
		printf("no seed is good: what it changes to says nothing of the reader\n");
	return took;
}

static bool run_target(size_t target, const char *program)
{
	struct seed seeds[SEEDS];
	char self[NAME], made[3 * NAME], folder[NAME];
	bool bad = home_executable(self, sizeof self);

	snprintf(folder, sizeof folder, "tests/seeds/%s/%s", program, fuzz_name(target));
	snprintf(made, sizeof made, "%s/../../seeds/%s/%s", dirname(self), program,
		 fuzz_name(target));
	unsigned n = load_seeds(folder, seeds, load_seeds(made, seeds, 0, &bad), &bad);
	if (bad || !n)
		printf("%s, %s: %u seeds; 1 to %d are allowed\n", folder, made, n, SEEDS);
	bool good = !bad && n && run_all(target, seeds, n);
	for (unsigned i = 0; i < n; i++)
		free(seeds[i].bytes);
	return good;
}

/* Speaks as cmocka does, for scripts/run-tests. */
int main(void)
{
	const char *program = strchr(program_invocation_short_name, '_');
	size_t n = 0, failed = 0;

	fuzz_check(program && __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) > 0);
	keep_what_ends_it();
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fuzz_name(n))
		n++;
	printf("[==========] Running %zu test(s).\n", n);
	for (size_t i = 0; i < n; i++) {
		printf("[ RUN      ] %s\n", fuzz_name(i));
		bool good = run_target(i, program + 1);
		printf("[%s] %s\n", good ? "       OK " : "  FAILED  ", fuzz_name(i));
		failed += !good;
	}
	return failed != 0;
}

#endif
