/*
 * callgrind.c - both processes: the parent writes the regions to a file and reads counts, the child
 * maps that file and marks for callgrind what it should count.
 *
 * The file, all in the machine's own words of 8 bytes, each part rounded up to them:
 *
 *      magic | regions | region ...
 *      region: n | nends | name[4 words] | bytes of its table, or SAME | table | pcs | ends
 *
 * SAME: the previous region's table. Callgrind writes one file for each region and one for its
 * floor, FOLDER/out.1, out.2 ..., each with a line "totals: instructions".
 */
#include "maps/callgrind.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

#include "base/file.h"
#include "base/home.h"
#include "base/say.h"

enum { NAME = 32, WORD = 8, FOLDER = 256, FILENAME = FOLDER + 32 };
#define MAGIC UINT64_C(0x31736b6f6f6c) /* "looks1" */
#define SAME  UINT64_MAX

static size_t rounded(size_t bytes)
{
	return (bytes + WORD - 1) / WORD * WORD;
}

/* ---- The parent: writing ------------------------------------------------------------------- */

static void put(FILE *f, const void *data, size_t bytes)
{
	static const char zeros[WORD];

	if (bytes) /* the table of `none` is NULL */
		fwrite(data, 1, bytes, f);
	fwrite(zeros, 1, rounded(bytes) - bytes, f);
}

static void put_word(FILE *f, uint64_t word)
{
	put(f, &word, sizeof word);
}

static void put_region(FILE *f, const struct maps_region *r, const struct maps_region *before)
{
	bool same = before && before->table == r->table && before->len == r->len;
	char name[NAME] = "";

	snprintf(name, sizeof name, "%s", r->ops->name);
	put_word(f, r->n);
	put_word(f, r->ends ? r->nends : 0);
	put(f, name, sizeof name);
	put_word(f, same ? SAME : r->len);
	if (!same)
		put(f, r->table, r->len);
	put(f, r->pcs, r->n * sizeof *r->pcs);
	if (r->ends)
		put(f, r->ends, r->nends * sizeof *r->ends);
}

static int write_regions(const char *path, const struct maps_region *regions, size_t n)
{
	FILE *f = fopen(path, "wxe");

	if (!f)
		return -errno;
	put_word(f, MAGIC);
	put_word(f, n);
	for (size_t i = 0; i < n; i++)
		put_region(f, &regions[i], i ? &regions[i - 1] : NULL);
	return file_finish(f);
}

/* ---- The parent: reading ------------------------------------------------------------------- */

static int read_total(const char *folder, size_t part, double *out)
{
	char path[FILENAME], line[256];
	uint64_t total;
	int rc = -EIO;

	snprintf(path, sizeof path, "%s/out.%zu", folder, part);
	FILE *f = fopen(path, "re");
	if (!f)
		return -errno;
	while (rc && fgets(line, sizeof line, f))
		if (sscanf(line, "totals: %" SCNu64, &total) == 1)
			rc = 0;
	fclose(f);
	*out = rc ? 0 : (double)total;
	return rc;
}

static int read_counts(const char *folder, const struct maps_region *regions, size_t n,
		       double *counts, char error[CALLGRIND_ERROR])
{
	for (size_t i = 0; i < n; i++) {
		double all, floor;

		if (read_total(folder, 2 * i + 1, &all) || read_total(folder, 2 * i + 2, &floor)) {
			snprintf(error, CALLGRIND_ERROR, "it wrote no count of region %zu of %zu",
				 i + 1, n);
			return -EIO;
		}
		counts[i] = maps_region_instructions(&regions[i], all, floor);
	}
	return 0;
}

static int run(const char *program, const char *folder, const char *path,
	       char error[CALLGRIND_ERROR])
{
	char out[FILENAME + 32], line[512];
	char *const argv[] = { (char[]){ "valgrind" },
			       (char[]){ "--tool=callgrind" },
			       (char[]){ "--collect-atstart=no" },
			       out,
			       (char *)program,
			       (char[]){ "lookups" },
			       (char *)path,
			       NULL };
	struct valgrind v;
	int rc;

	snprintf(out, sizeof out, "--callgrind-out-file=%s/out", folder);
	rc = valgrind_start(&v, argv, error);
	if (rc)
		return rc;
	while (fgets(line, sizeof line, v.log))
		;
	return valgrind_finish(&v, program, error);
}

static void clear(const char *folder, const char *path, size_t n)
{
	char name[FILENAME];

	unlink(path);
	snprintf(name, sizeof name, "%s/out", folder);
	unlink(name);
	for (size_t i = 1; i <= 2 * n; i++) {
		snprintf(name, sizeof name, "%s/out.%zu", folder, i);
		unlink(name);
	}
	rmdir(folder);
}

int maps_callgrind(const struct maps_region *regions, size_t n, const char *program, double *counts,
		   char error[CALLGRIND_ERROR])
{
	char folder[FOLDER], path[FILENAME], self[4096];
	int rc;

	if (!program) { /* under valgrind the child would find valgrind's executable */
		home_executable(self, sizeof self);
		program = self;
	}
	snprintf(folder, sizeof folder, "%s/stubmap-XXXXXX", home_temp_root());
	if (!mkdtemp(folder)) {
		snprintf(error, CALLGRIND_ERROR, "%.150s: %s", folder, strerror(errno));
		return -EIO;
	}
	snprintf(path, sizeof path, "%s/lookups", folder);
	rc = write_regions(path, regions, n);
	if (rc)
		snprintf(error, CALLGRIND_ERROR, "%.150s: %s", path, strerror(-rc));
	else
		rc = run(program, folder, path, error);
	if (!rc)
		rc = read_counts(folder, regions, n, counts, error);
	clear(folder, path, n);
	return rc;
}

/* ---- The child ----------------------------------------------------------------------------- */

struct cursor {
	const uint8_t *at;
	size_t left;
};

/* NULL: the file has fewer bytes left. */
static const void *take(struct cursor *c, uint64_t bytes)
{
	const uint8_t *at = c->at;

	if (bytes > c->left || rounded(bytes) > c->left)
		return NULL;
	c->at += rounded(bytes);
	c->left -= rounded(bytes);
	return at;
}

static bool take_word(struct cursor *c, uint64_t *out)
{
	const void *at = take(c, sizeof *out);

	if (at)
		memcpy(out, at, sizeof *out);
	return at;
}

static bool ends_ascend(const struct maps_region *r)
{
	for (size_t i = 0; i < r->nends; i++)
		if (r->ends[i] > r->n || (i && r->ends[i] < r->ends[i - 1]))
			return false;
	return true;
}

/* On entry *r is the previous region. */
static bool take_region(struct cursor *c, struct maps_region *r)
{
	uint64_t n, nends, len;
	const char *name;

	if (!take_word(c, &n) || !take_word(c, &nends) || n > c->left || nends > c->left)
		return false;
	name = take(c, NAME);
	if (!name || name[NAME - 1] || !(r->ops = map_encoder(name)) || !take_word(c, &len))
		return false;
	if (len != SAME) {
		r->table = take(c, len);
		r->len = len;
	}
	r->n = n;
	r->pcs = take(c, n * sizeof *r->pcs);
	r->nends = nends;
	r->ends = nends ? take(c, nends * sizeof *r->ends) : NULL;
	return r->table && r->pcs && (!nends || (r->ends && r->ops->lookup_many)) && ends_ascend(r);
}

static int count(const struct maps_region *r)
{
	struct maps_answers answers;

	if (maps_answers_open(&answers, r, 1))
		return -ENOMEM;
	for (int floor = 0; floor < 2; floor++) {
		CALLGRIND_TOGGLE_COLLECT;
		maps_region_run(r, &answers, floor);
		CALLGRIND_TOGGLE_COLLECT;
		CALLGRIND_DUMP_STATS;
	}
	maps_answers_close(&answers);
	return 0;
}

static int count_all(struct cursor *c)
{
	struct maps_region r = { 0 };
	uint64_t magic, n;
	int rc = 0;

	if (!take_word(c, &magic) || magic != MAGIC || !take_word(c, &n))
		return -EINVAL;
	for (uint64_t i = 0; i < n && !rc; i++)
		rc = take_region(c, &r) ? count(&r) : -EINVAL;
	return rc;
}

int maps_lookups_main(int argc, char **argv)
{
	struct stat st = { 0 };
	void *data = MAP_FAILED;
	int fd, rc;

	if (argc != 2)
		return say_line("stubmap lookups",
				"takes one file, which `stubmap maps` writes for it");
	fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	rc = fd < 0 || fstat(fd, &st) ? -errno : 0;
	if (!rc && st.st_size > 0)
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (!rc)
		rc = data == MAP_FAILED ? -EINVAL
					: count_all(&(struct cursor){ data, (size_t)st.st_size });
	if (rc == -EINVAL)
		say_line("stubmap lookups", "%s: no list of lookups, or a part of one", argv[1]);
	else if (rc)
		say_line("stubmap lookups", "%s: %s", argv[1], strerror(-rc));
	if (data != MAP_FAILED)
		munmap(data, (size_t)st.st_size);
	if (fd >= 0)
		close(fd);
	return rc ? 2 : 0;
}
