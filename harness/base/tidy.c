/* tidy.c - JSON lines and CSV. */
#include "base/say.h"
#include "base/tidy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t digits_of(const struct tidy *t)
{
	return JSON_REAL_PRECISION(t->digits ? t->digits : 9);
}

/* A copy without objects in it: their keys go up, behind a dot. */
static json_t *flatten(json_t *row)
{
	json_t *flat = json_object(), *value, *inner;
	const char *key, *below;

	json_object_foreach(row, key, value) {
		if (!json_is_object(value)) {
			json_object_set(flat, key, value);
			continue;
		}
		json_object_foreach(value, below, inner) {
			json_t *name = json_sprintf("%s.%s", key, below);
			json_object_set(flat, json_string_value(name), inner);
			json_decref(name);
		}
	}
	return flat;
}

/* A field, in quotes where it has a comma, a quote or a line's end. */
static void put_field(const struct tidy *t, const json_t *value)
{
	char *dumped = NULL;
	const char *text = json_string_value(value);

	if (!text && value && !json_is_null(value))
		text = dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | digits_of(t));
	const char *quote = text && text[strcspn(text, ",\"\r\n")] ? "\"" : "";
	fputs(quote, t->out);
	while (text && *text) {
		char piece[SAY_PIECE] = "\n";
		if (*text == '\n')
			text++;
		else
			say_piece(&text, piece);
		fprintf(t->out, "%s%s", *piece == '"' ? quote : "", piece);
	}
	fputs(quote, t->out);
	free(dumped);
}

static int put_csv(struct tidy *t, json_t *flat)
{
	bool first = true;
	const char *key;
	json_t *unused;

	if (!flat)
		return -ENOMEM;
	if (!t->header) {
		t->header = json_incref(flat);
		json_object_foreach(flat, key, unused) {
			fprintf(t->out, "%s%s", first ? "" : ",", key);
			first = false;
		}
		fputs("\r\n", t->out);
		first = true;
	}
	json_object_foreach(t->header, key, unused) {
		fputs(first ? "" : ",", t->out);
		put_field(t, json_object_get(flat, key));
		first = false;
	}
	fputs("\r\n", t->out);
	return 0;
}

int tidy_put(struct tidy *t, json_t *row)
{
	int r = row ? 0 : -ENOMEM;

	if (!r && t->csv) {
		json_t *flat = flatten(row);
		r = put_csv(t, flat);
		json_decref(flat);
	} else if (!r) {
		r = tidy_json(t->out, row, JSON_COMPACT | digits_of(t));
	}
	json_decref(row);
	return r;
}

int tidy_json(FILE *out, const json_t *value, size_t flags)
{
	char *text = value ? json_dumps(value, flags) : NULL;

	if (!text)
		return -ENOMEM;
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == 0x7f)
			fputs("\\u007F", out);
		else if (*p == 0xc2 && p[1] < 0xa0)
			fprintf(out, "\\u%04X", *++p); /* U+0080 to U+009f */
		else
			fputc(*p, out);
	}
	fputc('\n', out);
	free(text);
	return 0;
}

void tidy_end(struct tidy *t)
{
	json_decref(t->header);
	t->header = NULL;
}
