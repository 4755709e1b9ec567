/*
 * import.c - reads a file, recognises its format, and hands it to the importer.
 */
#include "corpora/import.h"
#include "corpora/importers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/say.h"

#define DECLARE(name) extern const struct importer importer_##name;
IMPORTER_LIST(DECLARE)
#undef DECLARE

static const struct importer *const importers[] = {
#define ROW(name) &importer_##name,
	IMPORTER_LIST(ROW)
#undef ROW
};
enum { IMPORTERS = sizeof importers / sizeof *importers };

/* The first that takes the file; NULL: none. */
static const struct importer *find(const struct image *img, bool foreign)
{
	for (size_t i = 0; i < IMPORTERS; i++)
		if (importers[i]->foreign == foreign && importers[i]->takes(img))
			return importers[i];
	return NULL;
}

static int no_maps(const struct image *img)
{
	char signs[CORPUS_ERROR] = "";

	for (size_t i = 0, n = 0; i < IMPORTERS && n < sizeof signs; i++)
		n += (size_t)snprintf(signs + n, sizeof signs - n, "%s%s",
				      !i		  ? ""
				      : i + 1 < IMPORTERS ? ", "
							  : " and ",
				      importers[i]->sign);
	return image_error(img, NULL, 0, "no stack maps inside; looked for %s", signs);
}

static int import_image(struct image *img, struct corpus *out)
{
	const struct importer *importer = find(img, true);

	if (importer)
		return importer->read(img, out);
	if (img->class != ELFCLASS64 || img->encoding != ELFDATA2LSB)
		return image_error(img, NULL, 0,
				   "%d-bit %s-endian ELF; allowed: 64-bit little-endian",
				   img->class == ELFCLASS32 ? 32 : 64,
				   img->encoding == ELFDATA2MSB ? "big" : "little");
	if (img->machine != EM_X86_64)
		return image_error(img, NULL, 0, "code for ELF machine %u; allowed: x86-64 (62)",
				   img->machine);
	int r = image_relocate(img);
	if (r)
		return r;
	importer = find(img, false);
	return importer ? importer->read(img, out) : no_maps(img);
}

int corpus_import_bytes(const char *path, uint8_t *bytes, size_t size, struct corpus *out,
			char error[CORPUS_ERROR])
{
	struct image img;

	*error = 0;
	if (size >= 8 && !memcmp(bytes, CORPUS_MAGIC, 8))
		return corpus_read(path, bytes, size, out, error);
	*out = (struct corpus){ 0 };
	if (size < 4 || memcmp(bytes, "\177ELF", 4)) {
		snprintf(error, CORPUS_ERROR, "%s: neither an ELF file nor a corpus of stubmap",
			 path);
		return -EINVAL;
	}
	int r = image_open(&img, path, bytes, size, error);
	if (!r) {
		const char *slash = strrchr(path, '/');
		snprintf(out->name, sizeof out->name, "%s", slash ? slash + 1 : path);
		r = import_image(&img, out);
		image_close(&img);
	}
	if (r == -EFBIG && !*error)
		snprintf(error, CORPUS_ERROR,
			 "%s: more live places than %d a byte of the file, or 2^28 in all", path,
			 CORPUS_PLACES_PER_BYTE);
	else if (r && !*error)
		snprintf(error, CORPUS_ERROR, "%s: %s", path, strerror(-r));
	if (r) {
		/* A damaged section's name may hold anything. */
		char plain[CORPUS_ERROR] = "";
		memcpy(error, say_plain(plain, sizeof plain, error), sizeof plain);
		corpus_close(out);
	}
	return r;
}

/* The whole file, or NULL with -errno in *r. */
static uint8_t *read_file(int fd, size_t *size, int *r)
{
	struct stat st;
	size_t n = 0;

	*r = fstat(fd, &st) ? -errno : st.st_size > INT32_MAX ? -EFBIG : 0;
	uint8_t *bytes = *r ? NULL : malloc((size_t)st.st_size + 1);
	if (!bytes) {
		*r = *r ? *r : -ENOMEM;
		return NULL;
	}
	while (n < (size_t)st.st_size) {
		ssize_t k = read(fd, bytes + n, (size_t)st.st_size - n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0) {
			*r = k ? -errno : -EIO;
			free(bytes);
			return NULL;
		}
		n += (size_t)k;
	}
	*size = n;
	return bytes;
}

int corpus_import(const char *path, struct corpus *out, char error[CORPUS_ERROR])
{
	int r = 0, fd = file_open(path, FILE_WHOLE, error, CORPUS_ERROR);
	size_t size = 0;

	*out = (struct corpus){ 0 };
	if (fd < 0)
		return fd;
	uint8_t *bytes = read_file(fd, &size, &r);
	close(fd);
	if (r)
		snprintf(error, CORPUS_ERROR, "%s: %s", path, strerror(-r));
	else
		r = corpus_import_bytes(path, bytes, size, out, error);
	free(bytes);
	return r;
}
