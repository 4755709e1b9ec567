/* say.c - control characters are C0, DEL and C1: terminals obey them. */
#include <stdlib.h>
#include <string.h>

#include "base/say.h"

enum { ESCAPE = SAY_PIECE - 1 }; /* bytes of \x1b; a character of UTF-8 has no more */

/* Bytes of the character at p, or 0: it is not UTF-8, or must be escaped. */
static size_t plain_length(const unsigned char *p)
{
	size_t n = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : *p >= 0x80 ? 2 : 1;

	if (n == 1)
		return *p >= ' ' && *p != 127;
	if (*p < 0xc2 || *p > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((*p == 0xc2 && p[1] < 0xa0) || (*p == 0xe0 && p[1] < 0xa0) ||
	    (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
		return 0; /* C1, an overlong form, or beyond Unicode */
	return n;
}

static size_t escape(unsigned char c, char out[SAY_PIECE])
{
	switch (c) {
	case '\n':
		return (size_t)sprintf(out, "\\n");
	case '\t':
		return (size_t)sprintf(out, "\\t");
	case '\r':
		return (size_t)sprintf(out, "\\r");
	default:
		return (size_t)sprintf(out, "\\x%02x", c);
	}
}

size_t say_piece(const char **text, char piece[SAY_PIECE])
{
	const unsigned char *p = (const unsigned char *)*text;
	size_t n = plain_length(p);

	*text += n ? n : 1;
	if (!n)
		return escape(*p, piece);
	memcpy(piece, p, n);
	piece[n] = 0;
	return n;
}

char *say_plain(char *out, size_t size, const char *text)
{
	char piece[SAY_PIECE];
	size_t at = 0, n;

	while (*text && at + (n = say_piece(&text, piece)) < size) {
		memcpy(out + at, piece, n);
		at += n;
	}
	if (size)
		out[at] = 0;
	return out;
}

void say_put(FILE *out, const char *text)
{
	char piece[SAY_PIECE];

	while (*text) {
		say_piece(&text, piece);
		fputs(piece, out);
	}
}

int say_line_of(const char *who, const char *form, va_list ap)
{
	char *text = NULL, *plain = NULL;
	int n = vasprintf(&text, form, ap);
	size_t size = n < 0 ? 0 : (size_t)n * ESCAPE + 1;

	if (n >= 0)
		plain = malloc(size);
	/* One call, so that lines of several processes don't mix. */
	if (plain)
		fprintf(stderr, "%s: %s\n", who, say_plain(plain, size, text));
	else
		fprintf(stderr, "%s: out of memory\n", who);
	free(plain);
	if (n >= 0)
		free(text);
	return 2;
}

int say_line(const char *who, const char *form, ...)
{
	va_list ap;

	va_start(ap, form);
	say_line_of(who, form, ap);
	va_end(ap);
	return 2;
}
