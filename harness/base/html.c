/* html.c - escapes. */
#include "base/html.h"

#include <string.h>

void html_text(FILE *f, const char *text)
{
	for (; *text; text++)
		switch (*text) {
		case '<':
			fputs("&lt;", f);
			break;
		case '>':
			fputs("&gt;", f);
			break;
		case '&':
			fputs("&amp;", f);
			break;
		case '"':
			fputs("&quot;", f);
			break;
		default:
			fputc(*text, f);
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
