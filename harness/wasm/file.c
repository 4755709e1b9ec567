/*
 * file.c - reads the sections of a wasm module that describe its boundaries.
 *
 *      magic, version | id, size, contents | id, size, contents | ...
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wasm/reader.h"

enum section {
	S_CUSTOM,
	S_TYPE,
	S_IMPORT,
	S_FUNCTION,
	S_TABLE,
	S_MEMORY,
	S_GLOBAL,
	S_EXPORT,
	S_START,
	S_ELEMENT,
	S_CODE,
	S_DATA,
	S_DATA_COUNT,
	S_TAG,
	S_SECTIONS
};
enum { EXTERNAL_FUNCTION, EXTERNAL_TABLE, EXTERNAL_MEMORY, EXTERNAL_GLOBAL, EXTERNAL_TAG };
enum { LIMIT_MAX = 1, LIMIT_SHARED = 2, LIMIT_64 = 4, LIMIT_PAGE = 8 };
enum {
	T_I32 = 0x7f,
	T_I64 = 0x7e,
	T_F32 = 0x7d,
	T_F64 = 0x7c,
	T_FUNCREF = 0x70,
	T_EXTERNREF = 0x6f
};
enum { T_FUNC = 0x60, T_CONT = 0x5d, T_INITIALISED = 0x40 };

/* ---- Names ----------------------------------------------------------------------------------- */

/* Reads a name, allocated and printable whatever the file holds; NULL: out of memory. wasm2c writes
 * names into comments, and the module's code returns them: other names would not survive that. */
static char *text(struct reader *r)
{
	uint32_t n = wasm_count(r);
	char *s = malloc((size_t)n + 1);

	if (!s)
		return NULL;
	for (uint32_t i = 0; i < n; i++) {
		uint8_t c = wasm_byte(r);

		r->odd |= c < 0x20 || c > 0x7e;
		s[i] = (char)(c >= 0x20 && c < 0x7f ? c : '?');
	}
	s[n] = 0;
	r->odd |= strstr(s, "*/") != NULL;
	return s;
}

static void *make_room(uint32_t n, size_t size)
{
	return calloc((size_t)n + 1, size);
}

/* ---- Types ----------------------------------------------------------------------------------- */

static enum stub_type value_type(uint8_t t)
{
	switch (t) {
	case T_I32:
		return STUB_I32;
	case T_I64:
		return STUB_I64;
	case T_F32:
		return STUB_F32;
	case T_F64:
		return STUB_F64;
	default:
		return STUB_VOID;
	}
}

/* Notes a type that is not a number: its name, and its proposal if it is the first. */
static void note_other(struct wasm_type *type, uint8_t t)
{
	if (!type->other)
		type->other = t == T_FUNCREF	 ? "funcref (reference types)"
			      : t == T_EXTERNREF ? "externref (reference types)"
						 : "a type that is no number";
	if (!type->feature)
		type->feature = wasm_type_feature(t);
}

static int read_type(struct reader *r, uint32_t number, struct wasm_type *type)
{
	const uint8_t form = wasm_byte(r);
	stub_signature s = 0;
	char who[32];

	snprintf(who, sizeof who, "type %u", number);
	if (form != T_FUNC && !r->bad)
		return wasm_refuse_feature(
		    r, who, form == T_CONT ? "stack switching" : "garbage collection (GC)");
	type->nparams = wasm_count(r);
	for (uint32_t i = 0; i < type->nparams; i++) {
		const uint8_t t = wasm_byte(r);

		if (!value_type(t))
			note_other(type, t);
		if (i < STUB_MAX_PARAMS)
			s |= (stub_signature)value_type(t) << (8 + 3 * i);
	}
	type->nresults = wasm_count(r);
	for (uint32_t i = 0; i < type->nresults; i++) {
		const uint8_t t = wasm_byte(r);

		if (!value_type(t))
			note_other(type, t);
		s |= value_type(t);
	}
	/* A typed reference is longer than a byte: the types after it can't be read. */
	if (type->feature && !strcmp(type->feature, WASM_TYPED_REFERENCES))
		return wasm_refuse_feature(r, who, type->feature);
	type->fits = !type->other && type->nparams <= STUB_MAX_PARAMS && type->nresults <= 1;
	type->signature = type->fits ? s | type->nparams << 3 : 0;
	return 0;
}

/* Bytes that a type, an import and an export take at the least. */
enum { TYPE_BYTES = 2, IMPORT_BYTES = 4, EXPORT_BYTES = 3 };

static int read_types(struct reader *r)
{
	uint32_t n = wasm_count_of(r, TYPE_BYTES);
	int e = 0;

	r->file->types = make_room(n, sizeof *r->file->types);
	if (!r->file->types)
		return -ENOMEM;
	for (uint32_t i = 0; i < n && !e && !r->bad; i++, r->file->ntypes++)
		e = read_type(r, i, &r->file->types[i]);
	return e;
}

/* ---- Imports --------------------------------------------------------------------------------- */

static const char *external_name(uint8_t kind)
{
	static const char *const names[] = { "a function", "a table", "a memory", "a global",
					     "a tag (exception handling)" };

	return kind < sizeof names / sizeof *names ? names[kind] : "of an unknown kind";
}

/* Of equal names the first in the file comes first. */
static int by_names(const void *a, const void *b)
{
	const struct wasm_import_entry *x = *(struct wasm_import_entry *const *)a;
	const struct wasm_import_entry *y = *(struct wasm_import_entry *const *)b;
	const int module = strcmp(x->module, y->module);
	const int order = module ? module : strcmp(x->name, y->name);

	return order ? order : (x > y) - (x < y);
}

/* For wasm2c an import that is listed twice is one function. Sorted, as there may be millions. */
static int drop_doubles(struct wasm_file *f)
{
	struct wasm_import_entry **order = make_room(f->nimports, sizeof *order);
	uint32_t kept = 0;

	if (!order)
		return -ENOMEM;
	for (uint32_t i = 0; i < f->nimports; i++)
		order[i] = &f->imports[i];
	qsort(order, f->nimports, sizeof *order, by_names);
	for (uint32_t i = f->nimports; i-- > 1;)
		if (!strcmp(order[i]->module, order[i - 1]->module) &&
		    !strcmp(order[i]->name, order[i - 1]->name)) {
			free(order[i]->module);
			free(order[i]->name);
			order[i]->module = NULL;
		}
	for (uint32_t i = 0; i < f->nimports; i++)
		if (f->imports[i].module)
			f->imports[kept++] = f->imports[i];
	f->nimports = kept;
	free(order);
	return 0;
}

static int read_import(struct reader *r)
{
	struct wasm_file *f = r->file;
	struct wasm_import_entry in = { 0 };
	char who[WASM_WHO];

	r->odd = false;
	in.module = text(r);
	in.name = text(r);
	uint8_t kind = wasm_byte(r);
	in.type = wasm_number(r);
	if (!in.module || !in.name) {
		free(in.module);
		free(in.name);
		return -ENOMEM;
	}
	int e = 0;
	snprintf(who, sizeof who, "import %.45s.%.45s", in.module, in.name);
	if (!r->bad && kind != EXTERNAL_FUNCTION)
		e = wasm_refuse_feature(r, who, external_name(kind));
	else if (!r->bad && r->odd)
		e = wasm_refuse(r, "%s: names of printable ASCII without */ are allowed", who);
	else if (!r->bad && in.type >= f->ntypes)
		e = wasm_refuse(r, "%s: type %u of %u", who, in.type, f->ntypes);
	f->function_types[f->nfunction_types++] = in.type;
	f->nfunction_imports++;
	f->imports[f->nimports++] = in;
	return e;
}

static int read_imports(struct reader *r)
{
	struct wasm_file *f = r->file;
	uint32_t n = wasm_count_of(r, IMPORT_BYTES);
	int e = 0;

	f->imports = make_room(n, sizeof *f->imports);
	f->function_types = make_room(n, sizeof *f->function_types);
	if (!f->imports || !f->function_types)
		return -ENOMEM;
	for (uint32_t i = 0; i < n && !e && !r->bad; i++)
		e = read_import(r);
	return e ? e : drop_doubles(f);
}

static int read_functions(struct reader *r)
{
	struct wasm_file *f = r->file;
	uint32_t n = wasm_count(r);
	uint32_t *types = realloc(f->function_types, (f->nfunction_types + (size_t)n + 1) * 4);

	if (!types)
		return -ENOMEM;
	f->function_types = types;
	for (uint32_t i = 0; i < n && !r->bad; i++) {
		uint32_t type = wasm_number(r);

		if (type >= f->ntypes && !r->bad)
			return wasm_refuse(r, "function %u: type %u of %u", f->nfunction_types,
					   type, f->ntypes);
		types[f->nfunction_types++] = type;
	}
	return 0;
}

/* ---- Memory, tables, exports ----------------------------------------------------------------- */

static int read_limits(struct reader *r, const char *of, uint32_t most, uint32_t *out)
{
	const uint8_t flags = wasm_byte(r);
	char who[64];

	snprintf(who, sizeof who, "a %s", of);
	if (flags & LIMIT_64)
		return wasm_refuse_feature(r, who, "64 bits (memory64)");
	if (flags & LIMIT_SHARED)
		return wasm_refuse_feature(r, who, "sharing (threads)");
	if (flags & LIMIT_PAGE)
		return wasm_refuse_feature(r, who, "custom page sizes");
	if (flags & ~LIMIT_MAX)
		return wasm_refuse(r, "a %s with unknown limits (flags 0x%02x)", of, flags);
	*out = wasm_number(r);
	if (flags & LIMIT_MAX)
		wasm_number(r);
	if (*out <= most)
		return 0;
	snprintf(who, sizeof who, "a %s of %u %s", of, *out, *of == 'm' ? "pages" : "entries");
	return wasm_refuse(r, "too large: %s, at most %u are allowed", who, most);
}

static int read_memories(struct reader *r)
{
	uint32_t n = wasm_count(r);

	if (n > 1)
		return wasm_refuse_feature(r, "its memories", "more than one (multi-memory)");
	return n ? read_limits(r, "memory", WASM_MAX_PAGES, &r->file->pages) : 0;
}

static int read_table(struct reader *r)
{
	struct wasm_file *f = r->file;
	const uint8_t type = wasm_byte(r);
	uint32_t entries = 0;
	char who[32];

	snprintf(who, sizeof who, "table %u", f->ntables++);
	if (type == T_INITIALISED)
		return wasm_refuse_feature(r, who, WASM_TYPED_REFERENCES);
	if (wasm_type_feature(type))
		return wasm_refuse_feature(r, who, wasm_type_feature(type));
	if (f->ntables > WASM_TABLES)
		return wasm_refuse_feature(r, who, "more than 16 tables");
	int e = read_limits(r, "table", WASM_MAX_TABLE, &entries);
	f->entries += entries;
	if (!e && f->entries > WASM_MAX_TABLE)
		return wasm_refuse(r,
				   "too large: tables of %u entries together, at most %d are "
				   "allowed",
				   f->entries, WASM_MAX_TABLE);
	return e;
}

static int read_tables(struct reader *r)
{
	uint32_t n = wasm_count(r);
	int e = 0;

	for (uint32_t i = 0; i < n && !e && !r->bad; i++)
		e = read_table(r);
	return e;
}

static int read_export(struct reader *r)
{
	struct wasm_file *f = r->file;
	r->odd = false;
	char *name = text(r);
	uint8_t kind = wasm_byte(r);
	uint32_t index = wasm_number(r);

	if (!name)
		return -ENOMEM;
	if (r->bad || kind != EXTERNAL_FUNCTION) {
		free(name);
		return 0;
	}
	f->exports[f->nexports++] = (struct wasm_export_entry){ .name = name, .function = index };
	if (r->odd)
		return wasm_refuse(r, "export %s: names of printable ASCII without */ are allowed",
				   name);
	if (index >= f->nfunction_types)
		return wasm_refuse(r, "export %s: function %u of %u", name, index,
				   f->nfunction_types);
	f->exports[f->nexports - 1].type = f->function_types[index];
	return 0;
}

static int read_exports(struct reader *r)
{
	uint32_t n = wasm_count_of(r, EXPORT_BYTES);
	int e = 0;

	r->file->exports = make_room(n, sizeof *r->file->exports);
	if (!r->file->exports)
		return -ENOMEM;
	for (uint32_t i = 0; i < n && !e && !r->bad; i++)
		e = read_export(r);
	return e;
}

/* ---- The file -------------------------------------------------------------------------------- */

/* Code that throws is refused with its function's name; a module that only declares tags, here. */
static int read_tags(struct reader *r)
{
	r->file->ntags = wasm_count(r);
	r->at = r->end;
	return 0;
}

static int read_start(struct reader *r)
{
	wasm_number(r);
	r->file->starts = true;
	return 0;
}

/* Sections must come in the order of their places. Custom sections have none. */
static const struct {
	unsigned place;
	int (*read)(struct reader *);
} sections[S_SECTIONS] = {
	[S_TYPE] = { 1, read_types },	       [S_IMPORT] = { 2, read_imports },
	[S_FUNCTION] = { 3, read_functions },  [S_TABLE] = { 4, read_tables },
	[S_MEMORY] = { 5, read_memories },     [S_TAG] = { 6, read_tags },
	[S_GLOBAL] = { 7, wasm_code_globals }, [S_EXPORT] = { 8, read_exports },
	[S_START] = { 9, read_start },	       [S_ELEMENT] = { 10, wasm_code_elements },
	[S_DATA_COUNT] = { 11, NULL },	       [S_CODE] = { 12, wasm_code_bodies },
	[S_DATA] = { 13, wasm_code_data },
};

/* *place is the previous section's. */
static int read_section(struct reader *file, unsigned *place)
{
	struct reader r = *file;
	size_t offset = (size_t)(file->at - file->start);
	uint8_t id = wasm_byte(&r);
	uint32_t size = wasm_number(&r);

	if (r.bad || size > (size_t)(r.end - r.at))
		return wasm_refuse(file, "cut off at byte %zu", offset);
	if (id >= S_SECTIONS)
		return wasm_refuse(file, "unknown section %u at byte %zu", id, offset);
	if (id != S_CUSTOM && sections[id].place == *place)
		return wasm_refuse(file, "section %u twice, at byte %zu", id, offset);
	if (id != S_CUSTOM && sections[id].place < *place)
		return wasm_refuse(file, "section %u out of order, at byte %zu", id, offset);
	if (id != S_CUSTOM)
		*place = sections[id].place;
	r.end = file->at = r.at + size;
	int e = sections[id].read ? sections[id].read(&r) : 0;
	if (!e && (r.bad || (sections[id].read && r.at != r.end)))
		return wasm_refuse(file, "damaged section %u at byte %zu", id, offset);
	return e;
}

int wasm_file_parse(struct wasm_file *f, const char *name, const uint8_t *bytes, size_t size,
		    char error[WASM_FILE_ERROR])
{
	struct reader r = { .file = f,
			    .start = bytes,
			    .at = bytes,
			    .end = bytes + size,
			    .file_end = bytes + size,
			    .name = name,
			    .error = error };
	unsigned place = 0;
	int e = 0;

	memset(f, 0, sizeof *f);
	if (size > WASM_MAX_FILE)
		return wasm_refuse(&r, "too large: %zu bytes, at most %d are allowed", size,
				   WASM_MAX_FILE);
	if (size < 8 || memcmp(bytes, "\0asm", 4) != 0)
		return wasm_refuse(&r, "not a wasm module");
	if (!memcmp(bytes + 6, "\1\0", 2))
		return wasm_refuse_feature(&r, "a component", "the component model");
	if (memcmp(bytes + 4, "\1\0\0\0", 4) != 0)
		return wasm_refuse(&r, "wasm of another version than 1");
	r.at += 8;
	while (!e && r.at < r.end)
		e = read_section(&r, &place);
	f->nfunctions = f->nfunction_types;
	if (!e)
		e = wasm_check_types(&r);
	if (!e)
		e = wasm_check_boundaries(&r);
	if (e == -ENOMEM)
		snprintf(error, WASM_FILE_ERROR, "%s: out of memory", name);
	return e;
}

uint8_t *wasm_file_read(const char *folder, const char *name, size_t *size)
{
	char path[4096];
	uint8_t *bytes = NULL;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "rb");
	if (!f)
		return NULL;
	if (!fseek(f, 0, SEEK_END) && ftell(f) >= 0) {
		*size = (size_t)ftell(f);
		rewind(f);
		bytes = malloc(*size + 1);
		if (bytes && fread(bytes, 1, *size, f) != *size) {
			free(bytes);
			bytes = NULL;
			errno = EIO;
		}
	}
	fclose(f);
	if (bytes)
		bytes[*size] = 0;
	return bytes;
}

void wasm_file_close(struct wasm_file *f)
{
	for (uint32_t i = 0; i < f->nimports; i++) {
		free(f->imports[i].module);
		free(f->imports[i].name);
	}
	for (uint32_t i = 0; i < f->nexports; i++)
		free(f->exports[i].name);
	free(f->types);
	free(f->imports);
	free(f->exports);
	free(f->function_types);
	memset(f, 0, sizeof *f);
}
