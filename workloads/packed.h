/*
 * packed.h - the common form of the recorded files of this folder (traces/, churn/): one zstd frame
 * that holds a magic line of 16 bytes, a body, "end\n", and the FNV-1a (64 bits, little-endian) of
 * all before. Behind it may be a skippable frame, which makes the file as long as its contents ask.
 * Numbers are unsigned LEB128, texts a length and printable ASCII.
 */
#ifndef STUBMAP_PACKED_H
#define STUBMAP_PACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACKED_ERROR = 200, PACKED_MAX_PLAIN = 64 << 20 };
/* In a file may be so many bytes, and so many times its own: scripts/packed.py and record-trace,
 * which write such files, know them, too, and pad a file that is too short for its contents. */
enum { PACKED_SMALL = 8 << 20, PACKED_RATIO = 512 };

/* A cursor over a body that stops at the first error. */
struct packed_reader {
	const uint8_t *at, *end;
	const char *noun; /* the kind of file: "trace" */
	char *error;	  /* gets the line */
	bool bad;
};

/*
 * Reads the bytes in the frame; the caller frees them. 0, or -EINVAL (cut off, damaged, more than
 * PACKED_MAX_PLAIN bytes, or than the file's size allows, a file of more than 16 MiB), -ENOMEM, or
 * an error of opening the file. The line in error names the file.
 */
int packed_read(const char *path, uint8_t **plain, size_t *len, char error[PACKED_ERROR]);
/* Checks magic (16 characters), end and checksum; sets the cursor to the body. 0 or -EINVAL. */
int packed_body(const uint8_t *data, size_t len, const char *magic, const char *noun,
		struct packed_reader *, char error[PACKED_ERROR]);

/* All write the first error, "damaged NOUN: what"; from then on they return 0. */
uint64_t packed_wrong(struct packed_reader *, const char *what);
uint64_t packed_uleb(struct packed_reader *, uint64_t max, const char *what);
void packed_text(struct packed_reader *, char *out, size_t size, const char *what);
/* A number of things of at least so many bytes each: not more than there are bytes left. */
uint64_t packed_count(struct packed_reader *, uint64_t max, unsigned bytes, const char *what);

#endif
