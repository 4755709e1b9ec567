/* text_helpers.h - checks that every page of text must pass. Include cmocka.h before. */
#ifndef STUBMAP_TEST_TEXT_HELPERS_H
#define STUBMAP_TEST_TEXT_HELPERS_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

/* Every line ends, and none is too long; a character of several bytes is one column. */
static inline void check_width(const char *text)
{
	for (const char *end; *text; text = end + 1) {
		int columns = 0;

		end = strchr(text, '\n');
		assert_non_null(end);
		for (const char *p = text; p < end; p++)
			columns += (*p & 0xc0) != 0x80;
		if (columns > TABLE_WIDTH)
			fail_msg("%d columns: %.*s", columns, (int)(end - text), text);
	}
}

/* The text without blanks and line ends, which is the same however it is broken into lines. */
static inline char *squeezed(const char *text)
{
	char *out = malloc(strlen(text) + 1), *at = out;

	assert_non_null(out);
	for (; *text; text++)
		if (*text != ' ' && *text != '\n')
			*at++ = *text;
	*at = 0;
	return out;
}

/* Whether part stands in a page, however broken into lines. */
static inline bool holds(const char *page, const char *part)
{
	char *whole = squeezed(page), *piece = squeezed(part);
	bool found = strstr(whole, piece);

	free(whole);
	free(piece);
	return found;
}

static inline void check_holds(const char *page, const char *part)
{
	if (!holds(page, part))
		fail_msg("lost: %s\nin: %s", part, page);
}

#endif
