/* meanings.c - places in the formats that are no table of words: one function a format. */
#include "cli/meanings.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct load {
	const uint8_t *table;
	size_t len, at;
	uint32_t bytes, value; /* of up to four bytes */
	char *out;
};

static uint32_t word(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* A header of words: NULL ends their names. false: the load lies behind it. */
static bool in_header(const struct load *l, const char *const *names)
{
	for (size_t i = 0; names[i]; i++)
		if (l->at == 4 * i) {
			snprintf(l->out, MEANING, "%s: %" PRIu32, names[i], l->value);
			return true;
		}
	return false;
}

/* ---- Wasmtime's blocks ---------------------------------------------------------------------- */

static void of_blocks(const struct load *l)
{
	static const char *const header[] = { "entries", "blocks", "bytes of bodies", NULL };
	size_t index = 12, bodies = index + 8 * (size_t)word(l->table + 4);
	size_t records = bodies + word(l->table + 8), block = (l->at - index) / 8;

	if (in_header(l, header))
		return;
	if (l->at < bodies && (l->at - index) % 8)
		snprintf(l->out, MEANING, "block[%zu]: its body is at byte %zu", block,
			 bodies + l->value);
	else if (l->at < bodies)
		snprintf(l->out, MEANING, "block[%zu]: the first pc, 0x%" PRIx32, block, l->value);
	else if (l->at < records)
		snprintf(l->out, MEANING, "body: of a step of the pc or of the record's place");
	else
		snprintf(l->out, MEANING, "record: of the frame's size or the bitmap's length");
}

/* ---- V8 ------------------------------------------------------------------------------------- */

static void of_v8_table(const struct load *l, size_t function, size_t table)
{
	static const char *const header[] = { "stack slots", "entries", NULL };
	const struct load own = { l->table, l->len, l->at - table, l->bytes, l->value, l->out };
	uint32_t config = word(l->table + table + 8);
	size_t register_bytes = config >> 1 & 7, pc_bytes = config >> 4 & 7;

	if (in_header(&own, header))
		return;
	if (own.at == 8) {
		snprintf(l->out, MEANING, "config: bytes: registers %zu, pc %zu, bitmap %" PRIu32,
			 register_bytes, pc_bytes, config >> 10);
		return;
	}
	size_t row = pc_bytes + register_bytes, entry = row ? (own.at - 12) / row : 0;
	if (row && (own.at - 12) % row)
		snprintf(l->out, MEANING, "entry[%zu]: its registers", entry);
	else
		snprintf(l->out, MEANING, "entry[%zu]: from 0x%" PRIx32 " of function[%zu] on",
			 entry, l->value, function);
}

static void of_v8(const struct load *l)
{
	static const char *const header[] = { "functions", "bytes of a slot", NULL };
	static const char *const columns[] = { "start", "end", "table" };
	size_t n = word(l->table), tables = 8 + 12 * n, column = n ? (l->at - 8) / 4 / n : 3;

	if (in_header(l, header))
		return;
	if (l->at < tables) {
		uint32_t shown = column == 2 ? l->value + (uint32_t)tables : l->value;
		snprintf(l->out, MEANING,
			 column == 2 ? "%s[%zu]: at byte %" PRIu32 : "%s[%zu]: 0x%" PRIx32,
			 columns[column], (l->at - 8) / 4 % n, shown);
		return;
	}
	/* The table that begins last at or before the load. */
	size_t function = 0, table = 0;
	for (size_t i = 0; i < n; i++) {
		size_t at = tables + word(l->table + 8 + 4 * (2 * n + i));
		if (at <= l->at && at >= table) {
			table = at;
			function = i;
		}
	}
	of_v8_table(l, function, table);
}

/* ---- Go ------------------------------------------------------------------------------------- */

static void of_go(const struct load *l)
{
	static const char *const header[] = {
		"functions", "first pc", "last pc", "bytes of a slot", "gap", "bytes of pctab", NULL
	};
	static const char *const fields[] = { "start", "pcsp", "stack map index", "locals" };
	size_t n = word(l->table), text = word(l->table + 8) - word(l->table + 4);
	size_t functab = 24 + 20 * (text ? (text - 1) / 4096 + 1 : 1), funcs = functab + 8 * n + 4;
	size_t pctab = funcs + 16 * n, locals = pctab + word(l->table + 20), at = l->at;

	if (in_header(l, header))
		return;
	if (at < functab && (at - 24) % 20)
		snprintf(l->out, MEANING, "findfunctab[%zu]: %" PRIu32 " functions on, by 256 B",
			 (at - 24) / 20, l->value);
	else if (at < functab)
		snprintf(l->out, MEANING, "findfunctab[%zu]: from function %" PRIu32 " on",
			 (at - 24) / 20, l->value);
	else if (at < funcs && (at - functab) % 8)
		snprintf(l->out, MEANING, "functab[%zu]: its _func is at byte %zu",
			 (at - functab) / 8, funcs + l->value);
	else if (at < funcs)
		snprintf(l->out, MEANING, "functab[%zu]: starts at 0x%" PRIx32, (at - functab) / 8,
			 l->value);
	else if (at < pctab)
		snprintf(l->out, MEANING, "_func[%zu]: %s 0x%" PRIx32, (at - funcs) / 16,
			 fields[(at - funcs) / 4 % 4], l->value);
	else if (at < locals)
		snprintf(l->out, MEANING, "pctab: of a step of a value or of the pc");
	else
		snprintf(l->out, MEANING, "locals: number or width of bitmaps: %" PRIu32, l->value);
}

/* ---- paged ---------------------------------------------------------------------------------- */

/* One byte counts a bucket's entries, and many are compared: their hex leaves little room. */
static void of_bucket(const struct load *l)
{
	if (l->bytes == 1)
		snprintf(l->out, MEANING, "bucket: %" PRIu32 " entries with an id", l->value);
	else if (l->bytes >= 8)
		snprintf(l->out, MEANING, "bytes of pcs");
	else
		snprintf(l->out, MEANING, "bucket: an id");
}

static void of_paged(const struct load *l)
{
	static const char *const header[] = { "bytes of the directory", "chunks at byte", NULL };
	static const char *const form[] = { "bits of an id", "stride", "bytes of a mask",
					    "bits of a place in a chunk" };
	static const char *const fields[] = { "frame size", "first slot", "bytes of a bitmap",
					      "registers", "records at byte" };
	size_t directory = 12, buckets = directory + word(l->table), chunks = word(l->table + 4);
	size_t at = l->at - directory;

	if (in_header(l, header))
		return;
	if (l->at < directory && l->bytes == 4)
		snprintf(l->out, MEANING, "form: the next four bytes at once");
	else if (l->at < directory)
		snprintf(l->out, MEANING, "form: %s: %" PRIu32, form[l->at - 8], l->value);
	else if (l->at < buckets && at % 134 == 0)
		snprintf(l->out, MEANING,
			 "directory: buckets of block %zu from byte %" PRIu32 " on", at / 134,
			 l->value);
	else if (l->at < buckets)
		snprintf(l->out, MEANING, "directory: bucket %zu is %" PRIu32 " bytes on",
			 at / 134 * 64 + (at % 134 - 4) / 2, l->value);
	else if (l->at < chunks)
		of_bucket(l);
	else
		snprintf(l->out, MEANING, "chunk[%zu]: %s %" PRIu32, (l->at - chunks) / 20,
			 fields[(l->at - chunks) % 20 / 4], l->value);
}

/* ---- All of them ---------------------------------------------------------------------------- */

static const struct {
	const char *encoder;
	void (*of)(const struct load *);
	size_t header; /* bytes that it must have */
} formats[] = {
	{ "blocks", of_blocks, 12 },
	{ "v8", of_v8, 8 },
	{ "go", of_go, 24 },
	{ "paged", of_paged, 12 },
};

void meaning_of_load(const struct map_ops *ops, const uint8_t *table, size_t len, size_t at,
		     uint32_t bytes, char out[MEANING])
{
	struct load l = { .table = table, .len = len, .at = at, .bytes = bytes, .out = out };

	out[0] = 0;
	for (uint32_t i = 0; i < bytes && i < 4; i++)
		l.value |= (uint32_t)table[at + i] << 8 * i;
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (!strcmp(formats[i].encoder, ops->name) && len >= formats[i].header)
			formats[i].of(&l);
}
