/*
 * tidy.h - rows of one form as text that scripts read: JSON, an object a line, or CSV (RFC 4180).
 * Values may come from foreign files: a terminal that shows the text must not obey it, so no
 * control character but the line feed is written.
 */
#ifndef STUBMAP_BASE_TIDY_H
#define STUBMAP_BASE_TIDY_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

/*
 *     struct tidy tidy = { .out = stdout, .csv = true };
 *     for each row
 *             r = tidy_put(&tidy, row);
 *     tidy_end(&tidy);
 *
 * A CSV file's columns are the keys of its first row; a row that lacks one has an empty field
 * there, as null has. An object in a row becomes columns of its own: {"cell": {"live": 4}} is
 * cell.live. A control character of a CSV file is shown as in messages (say.h).
 */
struct tidy {
	FILE *out;
	bool csv;
	int digits;	/* of a number; 0: 9 */
	json_t *header; /* of CSV, once there is a row */
};

/* Takes over the row; NULL and a failure of memory are -ENOMEM. 0 or -errno. */
int tidy_put(struct tidy *, json_t *row);
void tidy_end(struct tidy *);

/* Writes a value as a text of JSON and a line feed; flags are jansson's. The control characters
 * that jansson does not escape, DEL and C1, become \u007F and so on, which means the same. 0 or
 * -ENOMEM, also if the value is NULL. */
int tidy_json(FILE *, const json_t *, size_t flags);

#endif
