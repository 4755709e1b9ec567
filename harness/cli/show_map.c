/*
 * show_map.c - `stubmap show map FILE PC`: shows one lookup, load by load.
 *
 * The loads are those of the reader itself (maps/lines.h). A word's meaning follows from its place
 * in a table of the form that parts/table.h draws; meanings.c knows the engines' formats, and loads
 * of other formats are shown without a meaning.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/meanings.h"
#include "maps/decode.h"
#include "gc/corpus.h"
#include "maps/measure.h"
#include "maps/source.h"
#include "maps/lines.h"
#include "cli/options.h"
#include "base/say.h"
#include "base/tidy.h"

static const struct option_help help = {
	.usage = "show map FILE PC [options]",
	.summary =
	    "Explains one lookup: encodes FILE's stack maps, looks up the return address PC,\n"
	    "and shows each load of the reader: its place, its bytes, their meaning; then the\n"
	    "answer and whether it is right. PC is an offset from the start of the text,\n"
	    "decimal or with 0x. FILE: as for stubmap maps.",
	.min_words = 2,
	.max_words = 2,
};

/* Formats of the form count | start | end (if columns is 3) | offset | records. */
static const struct form {
	const char *encoder, *start;
	unsigned columns;
	bool trimmed; /* a record's second word has two halves */
} forms[] = {
	{ "exact", "pc", 2, false },
	{ "exact-consed", "pc", 2, false },
	{ "exact-first", "pc", 2, true },
	{ "exact-first-consed", "pc", 2, true },
	{ "ranged", "first pc", 3, false },
	{ "ranged-consed", "first pc", 3, false },
	{ "ranged-start", "first pc", 2, false },
	{ "ranged-unsafe", "first pc", 2, false },
};

struct showing {
	const struct corpus *corpus;
	const struct safepoint *truth; /* in the encoder's form; NULL: there is none at pc */
	const struct map_ops *ops;
	struct map_bytes table;
	uint32_t pc;
	json_t *out; /* an array; NULL: text */
};

enum { LINE = 600 };

static int say(const char *line)
{
	say_line("stubmap show map", "%s", line);
	return 2;
}

static uint32_t load32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* ---- The meaning of a load ------------------------------------------------------------------ */

static const struct form *form_of(const struct map_ops *ops)
{
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (!strcmp(forms[i].encoder, ops->name))
			return &forms[i];
	return NULL;
}

static const char *against(uint32_t word, uint32_t pc)
{
	return word < pc ? "below" : word > pc ? "above" : "equal to";
}

static void index_meaning(const struct showing *s, const struct form *f, size_t at, uint32_t word,
			  size_t records, char out[MEANING])
{
	uint32_t count = load32(s->table.data);
	size_t column = (at - 4) / 4 / count, entry = (at - 4) / 4 % count;

	if (column + 1 == f->columns && word == UINT32_MAX)
		snprintf(out, MEANING, "offset[%zu]: no record, the map is empty", entry);
	else if (column + 1 == f->columns)
		snprintf(out, MEANING, "offset[%zu]: the record at byte %zu", entry,
			 records + 4 * (size_t)word);
	else
		snprintf(out, MEANING, "%s[%zu]: 0x%" PRIx32 ", %s the pc",
			 column ? "last pc" : f->start, entry, word, against(word, s->pc));
}

static void meaning(const struct showing *s, size_t at, uint32_t bytes, size_t *record,
		    char out[MEANING])
{
	const struct form *f = form_of(s->ops);
	size_t index, data;

	meaning_of_load(s->ops, s->table.data, s->table.len, at, bytes, out);
	if (!f || bytes != 4)
		return;
	uint32_t word = load32(s->table.data + at);
	s->ops->split(s->table.data, s->table.len, &index, &data);
	if (!at) {
		snprintf(out, MEANING, "count: %" PRIu32 " entries", word);
	} else if (at < index) {
		index_meaning(s, f, at, word, index, out);
	} else if (!*record) {
		*record = at;
		snprintf(out, MEANING, "record: a frame of %" PRIu32 " bytes", word);
	} else {
		uint32_t nwords = f->trimmed ? word & 0xffff : word;
		int n = snprintf(out, MEANING, "record: %" PRIu32 " bitmap word%s", nwords,
				 nwords == 1 ? "" : "s");

		if (f->trimmed)
			snprintf(out + n, MEANING - (size_t)n, ", behind %" PRIu32 " left out",
				 word >> 16);
	}
}

/* ---- Printing ------------------------------------------------------------------------------- */

static void hex_of(const uint8_t *p, uint32_t bytes, char hex[3 * 16 + 1])
{
	for (uint32_t i = 0; i < bytes && i < 16; i++)
		snprintf(hex + 3 * i, 4, "%02x ", p[i]);
	hex[3 * (bytes < 16 ? bytes : 16) - 1] = 0;
}

/* bytes: 1 or more. */
static void show_load(const struct showing *s, unsigned n, size_t at, uint32_t bytes,
		      const char *what, json_t *loads)
{
	char hex[3 * 16 + 1];

	hex_of(s->table.data + at, bytes, hex);
	if (loads)
		json_array_append_new(loads,
				      json_pack("{s:I, s:I, s:s, s:I, s:s?}", "at", (json_int_t)at,
						"n", (json_int_t)bytes, "bytes", hex, "line",
						(json_int_t)(at / MAPS_LINE_BYTES), "meaning",
						*what ? what : NULL));
	else
		printf("  %3u  byte %-9zu line %-7zu %-11s  %s\n", n, at, at / MAPS_LINE_BYTES, hex,
		       what);
}

static void place_name(const struct showing *s, uint32_t place, char *out, size_t size)
{
	const struct safepoint *p = s->truth;
	uint32_t end = p && p->frame_size >= MAP_SPILL_BYTES ? (p->frame_size - MAP_SPILL_BYTES) / 4
							     : UINT32_MAX;

	if (place >= MAP_REGISTER)
		snprintf(out, size, "register %" PRIu32, place - MAP_REGISTER);
	else if (maps_view_needed(s->corpus, s->ops) && place >= end + 2 && end < UINT32_MAX)
		snprintf(out, size, "register %" PRIu32 " (saved at SP+%" PRIu32 ")",
			 (place - end) / 2 - 1, 4 * place);
	else
		snprintf(out, size, "SP+%" PRIu32, 4 * place);
}

/* A word of a bitmap that the lookup decoded: no load from the table. */
static void show_decoded(unsigned n, const uint8_t *p, uint32_t bytes, const char *what)
{
	char hex[3 * 16 + 1];

	hex_of(p, bytes, hex);
	printf("  %3u  %-29s %-11s  %s\n", n, "decoded", hex, what);
}

/* Shows the bitmap, which a collector reads next, and the places that it names. */
static void show_bitmap(const struct showing *s, const struct map_live *live, unsigned n,
			json_t *loads, json_t *places)
{
	bool loaded = maps_in_table(s->table.data, s->table.len, live);
	struct map_cursor at = { 0 };
	char what[MEANING];
	uint32_t place;

	for (uint32_t i = 0; i < live->nbytes; i += 4, n++) {
		uint32_t bytes = live->nbytes - i < 4 ? live->nbytes - i : 4;
		uint32_t from = live->first + live->stride * 8 * i;
		uint32_t to = from + live->stride * (8 * bytes - 1);

		snprintf(what, sizeof what,
			 "bitmap: %sslots %" PRIu32 " to %" PRIu32 ", SP+%" PRIu32 " on",
			 live->stride == 2 ? "every other of " : "", from, to, 4 * from);
		if (loaded)
			show_load(s, n, (size_t)(live->bitmap - s->table.data) + i, bytes, what,
				  loads);
		else if (!loads)
			show_decoded(n, live->bitmap + i, bytes, what);
	}
	while (map_next(live, &at, &place)) {
		place_name(s, place, what, sizeof what);
		json_array_append_new(places, json_string(what));
	}
}

static const char *const answers[] = {
	[MAP_FOUND] = "a map",
	[MAP_ABSENT] = "no map: perhaps a safepoint without references, perhaps no safepoint",
	[MAP_NO_SAFEPOINT] = "no safepoint: detected",
	[MAP_DAMAGED] = "damaged",
};

static const char *verdict(const struct showing *s, enum map_outcome outcome)
{
	switch (outcome) {
	case MAP_CORRECT:
		return "right";
	case MAP_WRONG:
		return s->truth ? "wrong: not this safepoint's map"
				: "wrong: a map for a pc that is no safepoint";
	case MAP_SILENT:
		return s->truth ? "wrong, silently: live references are missed"
				: "silent: a pc that is no safepoint passes as one without "
				  "references";
	default:
		return s->truth ? "refused, though it is a safepoint"
				: "detected: it is no safepoint";
	}
}

static void print_places(const json_t *places)
{
	size_t i;
	json_t *place;

	json_array_foreach(places, i, place)
		printf("%s%s", i ? ", " : "", json_string_value(place));
}

static int show_encoder(struct showing *s, const struct safepoint *points, size_t n)
{
	json_t *loads = s->out ? json_array() : NULL, *places = json_array();
	struct maps_reads reads;
	struct map_live live = { 0 };
	char what[MEANING];
	size_t record = 0;
	uint8_t *scratch = NULL;
	int r = map_encode_functions(s->ops, points, n, s->corpus->functions, s->corpus->nfunctions,
				     &s->table, NULL);

	if (!r)
		r = map_load(s->ops, &s->table);

	if (!r) {
		scratch = malloc(map_scratch(s->ops, s->table.data, s->table.len) + 1);
		r = scratch ? 0 : -ENOMEM;
	}
	if (r) {
		json_decref(loads);
		json_decref(places);
		return r;
	}
	enum map_answer answer =
	    maps_trace_reads(s->ops, s->table.data, s->table.len, s->pc, scratch, &live, &reads);
	if (!s->out)
		printf("\n%s: %zu bytes\n", s->ops->name, s->table.len);
	for (uint32_t i = 0; i < reads.n; i++) {
		meaning(s, reads.at[i], reads.bytes[i], &record, what);
		show_load(s, i + 1, reads.at[i], reads.bytes[i], what, loads);
	}
	if (reads.full && !s->out)
		printf("       and more loads\n");
	if (answer == MAP_FOUND)
		show_bitmap(s, &live, reads.n + 1, loads, places);
	const char *judged = verdict(s, map_judge(s->truth, answer, &live));
	if (s->out) {
		json_array_append_new(
		    s->out, json_pack("{s:s, s:I, s:O, s:s, s:O, s:s}", "encoder", s->ops->name,
				      "bytes", (json_int_t)s->table.len, "loads", loads, "answer",
				      answers[answer], "live", places, "verdict", judged));
	} else {
		printf("  says %s", answers[answer]);
		if (answer == MAP_FOUND)
			printf("%s", json_array_size(places) ? ": live at " : ": nothing is live");
		print_places(places);
		printf("\n  %s\n", judged);
	}
	json_decref(loads);
	json_decref(places);
	free(scratch);
	return 0;
}

/* ---- The safepoint at pc -------------------------------------------------------------------- */

static void show_code(const char *path, uint32_t pc)
{
	struct decode *d = gc_corpus_is(path) ? NULL : decode_open(path);
	char text[DISASSEMBLE_TEXT];
	size_t n = d ? decode_at(d, pc, text) : 0;

	if (n)
		printf("decoded there: %s (%zu byte%s)\n", text, n, n == 1 ? "" : "s");
	decode_close(d);
}

static void show_truth(const struct corpus *c, const char *path, uint32_t pc, size_t at)
{
	const struct safepoint *p = &c->safepoints[at];

	say_put(stdout, path);
	printf(": text+0x%" PRIx32 "\n", pc);
	if (at < c->nsafepoints && p->pc == pc) {
		printf("a safepoint: a frame of %" PRIu32 " bytes; ", p->frame_size);
		printf(p->nlive ? "live at" : "nothing is live");
		for (uint32_t i = 0; i < p->nlive; i++)
			if (p->live[i] >= MAP_REGISTER)
				printf("%s register %" PRIu32, i ? "," : "",
				       p->live[i] - MAP_REGISTER);
			else
				printf("%s SP+%" PRIu32, i ? "," : "", 4 * p->live[i]);
		putchar('\n');
	} else {
		printf("no safepoint;");
		if (at)
			printf(" the one before is at 0x%" PRIx32, p[-1].pc);
		if (at < c->nsafepoints)
			printf("%s at 0x%" PRIx32, at ? ", the one behind" : " the one behind is",
			       p->pc);
		putchar('\n');
	}
	show_code(path, pc);
}

static int show_all(const struct corpus *c, const char *path, uint32_t pc,
		    const struct map_ops **encoders, size_t n, bool json)
{
	struct showing s = { .corpus = c, .pc = pc, .out = json ? json_array() : NULL };
	size_t at;
	bool real = safepoint_find(c->safepoints, c->nsafepoints, pc, &at);
	struct maps_view spilled;
	int r = maps_view_open(c, &spilled);

	if (!json)
		show_truth(c, path, pc, at);
	for (size_t i = 0; !r && i < n; i++) {
		s.ops = encoders[i];
		const struct safepoint *points =
		    maps_view_needed(c, s.ops) ? spilled.points : c->safepoints;
		s.truth = real ? &points[at] : NULL;
		r = show_encoder(&s, points, c->nsafepoints);
		free(s.table.data);
		s.table = (struct map_bytes){ 0 };
	}
	if (!r && json) {
		json_t *all = json_pack("{s:s, s:I, s:b, s:O}", "file", path, "pc", (json_int_t)pc,
					"safepoint", real, "encoders", s.out);
		r = tidy_json(stdout, all, JSON_INDENT(2));
		json_decref(all);
	}
	json_decref(s.out);
	maps_view_close(&spilled);
	return r;
}

static int read_pc(const char *text, const struct corpus *c, uint32_t *pc)
{
	char line[LINE], *end;

	errno = 0;
	unsigned long long v = strtoull(text, &end, 0);
	if (*text < '0' || *text > '9' || *end || errno || v > c->text_bytes) {
		snprintf(line, sizeof line,
			 "PC '%.40s': allowed: 0 to 0x%" PRIx32 ", an offset in the text of %s",
			 text, c->text_bytes, c->name);
		return say(line);
	}
	*pc = (uint32_t)v;
	return 0;
}

int show_map(int argc, char **argv)
{
	const struct map_ops *encoders[MAPS_CHOICE];
	struct option_list list = { 0 };
	bool json = false;
	const struct option_spec specs[] = {
		{ "encoders", 0, OPTION_LIST, "A,B", "default: exact; see `stubmap list maps`",
		  &list, 0, 0 },
		{ "json", 0, OPTION_FLAG, NULL, "one object", &json, 0, 0 },
	};
	const char *words[] = { "exact" };
	char error[MAPS_ROWS_ERROR];
	struct corpus c = { 0 };
	struct walk_log walks = { 0 };
	uint32_t pc;
	size_t n;
	int first, r;

	argv[0] = "show map"; /* refusals begin with it */
	r = options_parse(argc, argv, &help, specs, sizeof specs / sizeof *specs, &first);
	if (r) {
		free(list.text);
		return r < 0 ? 2 : 0;
	}
	r = maps_measure_choose(list.n ? list.words : words, list.n ? list.n : 1, encoders, &n,
				error);
	if (r)
		r = say(error);
	if (!r && maps_source_open(argv[first], &c, &walks, error))
		r = say(error);
	if (!r)
		r = read_pc(argv[first + 1], &c, &pc);
	if (!r) {
		r = show_all(&c, argv[first], pc, encoders, n, json);
		if (r)
			r = say(strerror(-r));
	}
	walk_log_close(&walks);
	corpus_close(&c);
	free(list.text);
	return r;
}
