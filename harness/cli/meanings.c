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

static void of_chunk(const struct load *l, size_t chunks)
{
	static const char *const fields[] = { "frame size", "first slot", "bytes of a bitmap",
					      "registers", "records at byte" };
	snprintf(l->out, MEANING, "chunk[%zu]: %s %" PRIu32, (l->at - chunks) / 20,
		 fields[(l->at - chunks) % 20 / 4], l->value);
}

static void of_paged(const struct load *l)
{
	static const char *const header[] = { "bytes of the directory", "chunks at byte", NULL };
	static const char *const form[] = { "bytes of an id", "stride", "bytes of a mask",
					    "bits of a place in a chunk" };
	size_t directory = 12, buckets = directory + word(l->table) + 4;
	size_t chunks = word(l->table + 4), at = l->at - directory;

	if (in_header(l, header))
		return;
	if (l->at < directory && l->bytes == 4)
		snprintf(l->out, MEANING, "form: the next four bytes at once");
	else if (l->at < directory)
		snprintf(l->out, MEANING, "form: %s: %" PRIu32, form[l->at - 8], l->value);
	else if (l->at < buckets)
		snprintf(l->out, MEANING, "directory: bucket %zu at byte %" PRIu32, at / 4,
			 word(l->table + l->at) >> 4);
	else if (l->at < chunks)
		of_bucket(l);
	else
		of_chunk(l, chunks);
}

/* ---- counted -------------------------------------------------------------------------------- */

static void of_counted(const struct load *l)
{
	static const char *const header[] = { "bytes of the directory", "wide buckets at byte",
					      "chunks at byte", NULL };
	static const char *const form[] = { "bits of a place in a chunk", "codes of one map" };
	size_t directory = 17, buckets = directory + word(l->table), wide = word(l->table + 4);
	size_t chunks = word(l->table + 8), at = l->at - directory, block = at / 84;

	if (in_header(l, header))
		return;
	if (l->at < directory && l->at < 15)
		snprintf(l->out, MEANING, "form: the next bytes at once");
	else if (l->at < directory)
		snprintf(l->out, MEANING, "form: %s: %" PRIu32, form[l->at - 15], l->value);
	else if (l->at < buckets && at % 84 == 0)
		snprintf(l->out, MEANING, "directory: block %zu from byte %" PRIu32 " on", block,
			 l->value);
	else if (l->at < buckets && at % 84 < 20)
		snprintf(l->out, MEANING, "directory: group %zu is %" PRIu32 " bytes on",
			 block * 8 + (at % 84 - 4) / 2, l->value);
	else if (l->at < buckets)
		snprintf(l->out, MEANING, "directory: counts of group %zu",
			 block * 8 + (at % 84 - 20) / 8);
	else if (l->at >= chunks)
		of_chunk(l, chunks);
	else if (l->bytes >= 8)
		snprintf(l->out, MEANING, "bytes of pcs");
	else if (l->bytes == 1)
		snprintf(l->out, MEANING, "bucket: a code, or what would be behind it");
	else
		snprintf(l->out, MEANING, "%s: counts, or where it is",
			 l->at < wide ? "bucket" : "wide bucket");
}

/* ---- OCaml and OxCaml, after their load ------------------------------------------------------ */

/* A place as OCaml numbers it. */
static void of_place(const struct load *l)
{
	if (l->value & 1)
		snprintf(l->out, MEANING, "live: register %" PRIu32, l->value / 2);
	else
		snprintf(l->out, MEANING, "live: SP+%" PRIu32, l->value);
}

static void of_ocaml(const struct load *l)
{
	uint64_t slots = (uint64_t)word(l->table) + 1, descriptor = 0;

	if (!l->at) {
		snprintf(l->out, MEANING, "mask: a hash of %" PRIu64 " slots", slots);
		return;
	}
	if (l->at < 8 + 8 * slots) {
		if (l->at % 8)
			snprintf(l->out, MEANING, "its upper half");
		else if (l->value)
			snprintf(l->out, MEANING, "slot[%zu]: the descriptor at byte %" PRIu32,
				 l->at / 8 - 1, l->value);
		else
			snprintf(l->out, MEANING, "slot[%zu]: free", l->at / 8 - 1);
		return;
	}
	/* The descriptor that begins last at or before the load. */
	for (uint64_t i = 0; i < slots; i++) {
		uint32_t at = word(l->table + 8 + 8 * i);
		if (at <= l->at && at > descriptor)
			descriptor = at;
	}
	switch (l->at - descriptor) {
	case 0:
		snprintf(l->out, MEANING, "return address: 0x%" PRIx32, l->value);
		break;
	case 4:
		snprintf(l->out, MEANING, "its upper half");
		break;
	case 8:
		snprintf(l->out, MEANING, "frame: %" PRIu32 " bytes", l->value & ~3u);
		break;
	case 10:
		snprintf(l->out, MEANING, "nlive: %" PRIu32, l->value);
		break;
	default:
		of_place(l);
	}
}

static void of_oxcaml(const struct load *l)
{
	static const char *const header[] = { "base",	  "shift",	 "buckets",
					      "segments", "descriptors", "bytes of scratch",
					      NULL };
	static const char *const columns[] = { "from 0x", "its descriptors from byte 0x",
					       "its first descriptor is 0x" };
	size_t segments = 24 + 4 * (size_t)word(l->table + 8);
	size_t sides = segments + 12 * ((size_t)word(l->table + 12) + 1);
	size_t table = sides + 4 * (size_t)word(l->table + 16), at = l->at;

	if (in_header(l, header))
		return;
	if (at < segments)
		snprintf(l->out, MEANING, "bucket[%zu]: from segment %" PRIu32 " on", (at - 24) / 4,
			 l->value);
	else if (at < sides)
		snprintf(l->out, MEANING, "segment[%zu]: %s%" PRIx32, (at - segments) / 12,
			 columns[(at - segments) / 4 % 3], l->value);
	else if (at < table)
		snprintf(l->out, MEANING, "side[%zu]: pc 0x%" PRIx32 ", byte 0x%" PRIx32 " on",
			 (at - sides) / 4, l->value & 0xffff, l->value >> 16);
	else if (at < table + 6)
		snprintf(l->out, MEANING, at == table + 4 ? "unit: %" PRIu32 : "slot: %" PRIu32,
			 l->value);
	else
		snprintf(l->out, MEANING, "descriptor: of its step, size or places");
}

/* ---- Dart ----------------------------------------------------------------------------------- */

static void of_dart(const struct load *l)
{
	static const char *const header[] = { "the global table is at byte", "functions",
					      "first with code", "bytes of a slot", NULL };
	size_t rows = 16 + 8 * (size_t)word(l->table + 4), global = word(l->table), at = l->at;

	if (in_header(l, header))
		return;
	if (at < rows && at % 8)
		snprintf(l->out, MEANING, "entry[%zu]: its stack map is at byte %" PRIu32,
			 (at - 16) / 8, l->value);
	else if (at < rows)
		snprintf(l->out, MEANING, "entry[%zu]: starts at 0x%" PRIx32, (at - 16) / 8,
			 l->value);
	else if (at == global)
		snprintf(l->out, MEANING, "the global table: %" PRIu32 " bytes", l->value >> 2);
	else if (at > global)
		snprintf(l->out, MEANING, "map: of its number of bits");
	else if (l->bytes == 4)
		snprintf(l->out, MEANING, "stack map: %" PRIu32 " bytes", l->value >> 2);
	else
		snprintf(l->out, MEANING, "of a step of the pc or of the map's place");
}

/* ---- ART and HotSpot ------------------------------------------------------------------------ */

/* An index of rows {start, place, ...} behind a header. false: the load lies behind it. */
static bool in_methods(const struct load *l, size_t header, size_t row, const char *place)
{
	size_t n = word(l->table), at = l->at - header, base = header + row * n;

	if (l->at >= base)
		return false;
	if (at % row == 0)
		snprintf(l->out, MEANING, "method[%zu]: starts at 0x%" PRIx32, at / row, l->value);
	else if (at % row == 4)
		snprintf(l->out, MEANING, "method[%zu]: its %s at byte %zu", at / row, place,
			 base + l->value);
	else
		snprintf(l->out, MEANING, "method[%zu]: frames of %" PRIu32 " bytes", at / row,
			 l->value);
	return true;
}

static void of_art(const struct load *l)
{
	static const char *const header[] = { "methods", "bytes of a slot", NULL };

	if (!in_header(l, header) && !in_methods(l, 8, 8, "CodeInfo"))
		snprintf(l->out, MEANING, "CodeInfo: bits of a header, a pc or a mask");
}

static void of_hotspot(const struct load *l)
{
	static const char *const header[] = { "methods", NULL };
	size_t n = word(l->table), sets = 4 + 12 * n, set = 0, pairs;

	if (in_header(l, header) || in_methods(l, 4, 12, "set"))
		return;
	/* The set that begins last at or before the load. */
	for (size_t i = 0; i < n; i++) {
		size_t at = sets + word(l->table + 4 + 12 * i + 4);
		if (at <= l->at && at >= set)
			set = at;
	}
	pairs = set + 8 + 8 * (size_t)word(l->table + set);
	if (l->at == set)
		snprintf(l->out, MEANING, "set: %" PRIu32 " maps", l->value);
	else if (l->at < pairs && (l->at - set) % 8)
		snprintf(l->out, MEANING, "pair[%zu]: its map is at byte %zu",
			 (l->at - set) / 8 - 1, pairs + l->value);
	else if (l->at < pairs)
		snprintf(l->out, MEANING, "pair[%zu]: pc 0x%" PRIx32 " of the method",
			 (l->at - set) / 8 - 1, l->value);
	else if (l->bytes == 4)
		snprintf(l->out, MEANING, "map: %" PRIu32 " places", l->value);
	else
		snprintf(l->out, MEANING, "of a place");
}

/* ---- Coded ---------------------------------------------------------------------------------- */

/* A code's entry: five bits of length less one, then a symbol. */
static void coded_entry(const struct load *l, unsigned table)
{
	static const char *const before[] = { "an empty map", "the same map", "a new map",
					      "a page's start" };
	static const char *const kinds[] = { "empty", "again", "new" };
	static const char *const others[] = { "what changes", "registers that change", "frame size",
					      "first bit that changes", "next bit that changes" };
	uint32_t bits = (l->value & 31) + 1, symbol = l->value >> 5;

	if (table >= 4)
		snprintf(l->out, MEANING, "%s: %" PRIu32 " bits, symbol %" PRIu32,
			 others[table - 4], bits, symbol);
	else if (symbol == 255)
		snprintf(l->out, MEANING, "gap after %s: the end", before[table]);
	else
		snprintf(l->out, MEANING, "gap after %s: %" PRIu32 " bits, class %" PRIu32 ", %s",
			 before[table], bits, symbol >> 2, kinds[symbol & 3]);
}

static void of_coded(const struct load *l)
{
	static const struct {
		size_t at;
		const char *what;
	} header[] = {
		{ 0, "log2 of a page, a unit of pc, a unit of length" },
		{ 3, "slots from bit to bit" },
		{ 4, "origin: the pc of the first page" },
		{ 8, "pages" },
		{ 12, "wide pages" },
		{ 16, "the slot of bit 0" },
		{ 20, "unit of frame sizes" },
		{ 24, "words of the longest bitmap" },
		{ 26, "entries of all tables" },
		{ 28, "masks of registers, known changes" },
		{ 30, "log2 of the tables' entries" },
	};
	const uint8_t *t = l->table;
	size_t at = l->at, masks = 36 + 2 * (size_t)(t[26] | t[27] << 8);
	size_t changes = masks + 4 * (size_t)t[28], directory = changes + 13 * (size_t)t[29];
	size_t wide = directory + (word(t + 8) + (size_t)15) / 16 * 20;
	size_t pages = wide + 12 * (size_t)word(t + 12), end = 36;

	for (size_t i = 0; i < sizeof header / sizeof *header; i++)
		if (at == header[i].at && (at < 3 || at >= 28))
			snprintf(l->out, MEANING, "%s", header[i].what);
		else if (at == header[i].at)
			snprintf(l->out, MEANING, "%s: %" PRIu32, header[i].what, l->value);
	if (at < 36)
		return;
	for (unsigned table = 0; at < masks && table < 9; table++) {
		end += (size_t)2 << t[30 + (table < 4 ? 0 : table - 3)];
		if (at < end) {
			coded_entry(l, table);
			return;
		}
	}
	if (at < changes)
		snprintf(l->out, MEANING, "mask[%zu]: registers 0x%" PRIx32, (at - masks) / 4,
			 l->value);
	else if (at < directory)
		snprintf(l->out, MEANING, "change[%zu]", (at - changes) / 13);
	else if (at < wide && (at - directory) % 20 == 0)
		snprintf(l->out, MEANING, "pages from %zu on: bits from unit %" PRIu32 " on",
			 (at - directory) / 20 * 16, l->value);
	else if (at < wide)
		snprintf(l->out, MEANING, "lengths of pages from %zu on",
			 (at - directory) / 20 * 16 + (at - directory) % 20 - 4);
	else if (at < pages)
		snprintf(l->out, MEANING, "wide page %zu", (at - wide) / 12);
	else
		snprintf(l->out, MEANING, "bits of a page");
}

/* ---- All of them ---------------------------------------------------------------------------- */

static const struct {
	const char *encoder;
	void (*of)(const struct load *);
	size_t header; /* bytes that it must have */
} formats[] = {
	{ "blocks", of_blocks, 12 },   { "v8", of_v8, 8 },	     { "go", of_go, 24 },
	{ "coded-8", of_coded, 44 },   { "coded-32", of_coded, 44 }, { "paged", of_paged, 12 },
	{ "counted", of_counted, 17 }, { "ocaml", of_ocaml, 8 },     { "oxcaml", of_oxcaml, 24 },
	{ "dart", of_dart, 16 },       { "art", of_art, 8 },	     { "hotspot", of_hotspot, 4 },
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
