/* html.c - escapes. */
#include "base/html.h"

#include <string.h>

#include "base/say.h"

void html_text(FILE *f, const char *text)
{
	static const char special[] = "<>&\"\n\t";
	static const char *const written[] = { "&lt;", "&gt;", "&amp;", "&quot;", "\n", "\t" };
	char piece[SAY_PIECE];

	while (*text) {
		const char *found = strchr(special, *text);

		if (found) {
			fputs(written[found - special], f);
			text++;
		} else {
			say_piece(&text, piece);
			fputs(piece, f);
		}
	}
}

void html_data_svg(FILE *f, const char *svg)
{
	fputs("data:image/svg+xml,", f);
	for (; *svg; svg++) {
		const unsigned char c = (unsigned char)*svg;
		if (c <= ' ' || c >= 127 || strchr("\"%#<>&'\\^`{|}", c))
			fprintf(f, "%%%02X", c);
		else
			fputc(c, f);
	}
}
