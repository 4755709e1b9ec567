/*
 * wasm_file.c - reads the sections of a wasm module that tell of its boundaries.
 *
 *      magic, version | id, size, contents | id, size, contents | ...
 *
 * A cursor never passes its end: what is cut off reads as zeros and sets `bad`, which is looked at
 * once a section. Counts are held against the bytes that are left before anything is allocated.
 */
#include "wasm_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	S_SECTIONS
};
enum { EXTERNAL_FUNCTION, EXTERNAL_TABLE, EXTERNAL_MEMORY, EXTERNAL_GLOBAL };
enum { LIMIT_MAX = 1, LIMIT_SHARED = 2, LIMIT_64 = 4 };
enum { T_I32 = 0x7f, T_I64 = 0x7e, T_F32 = 0x7d, T_F64 = 0x7c, T_FUNC = 0x60 };

struct reader {
	struct wasm_file *file;
	const uint8_t *start, *at, *end; /* of the section, once in one */
	const char *name;
	char *error;
	bool bad; /* something was cut off */
	bool odd; /* a name that can't be taken */
};

static __attribute__((format(printf, 2, 3))) int refuse(struct reader *r, const char *fmt, ...)
{
	int n = snprintf(r->error, WASM_FILE_ERROR, "%s: ", r->name);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->error + n, WASM_FILE_ERROR - (size_t)n, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* ---- Numbers and names ----------------------------------------------------------------------- */

static uint8_t byte(struct reader *r)
{
	if (r->at < r->end)
		return *r->at++;
	r->bad = true;
	return 0;
}

/* An unsigned LEB128 of at most 32 bits. */
static uint32_t number(struct reader *r)
{
	uint32_t v = 0;

	for (unsigned shift = 0; shift < 35; shift += 7) {
		uint8_t b = byte(r);

		v |= (uint32_t)(b & 127) << (shift < 32 ? shift : 0);
		if (!(b & 128))
			return v;
	}
	r->bad = true;
	return 0;
}

/* A count of things that take at least one byte each. */
static uint32_t count(struct reader *r)
{
	uint32_t n = number(r);

	if (n <= (size_t)(r->end - r->at))
		return n;
	r->bad = true;
	return 0;
}

/* Allocated; printable whatever the file holds. NULL: out of memory. wasm2c writes names into
 * comments, and the module's code answers with them: other names than these don't come through. */
static char *text(struct reader *r)
{
	uint32_t n = count(r);
	char *s = malloc((size_t)n + 1);

	if (!s)
		return NULL;
	for (uint32_t i = 0; i < n; i++) {
		uint8_t c = byte(r);

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

static int read_type(struct reader *r, struct wasm_type *type)
{
	bool fits = true;

	if (byte(r) != T_FUNC)
		return refuse(r, "a type that is no function's, which stubmap can't run");
	type->nparams = count(r);
	stub_signature s = 0;
	for (uint32_t i = 0; i < type->nparams; i++) {
		enum stub_type t = value_type(byte(r));

		fits &= t && i < STUB_MAX_PARAMS;
		if (fits)
			s |= (stub_signature)t << (8 + 3 * i);
	}
	uint32_t results = count(r);
	for (uint32_t i = 0; i < results; i++) {
		enum stub_type t = value_type(byte(r));

		fits &= t && results == 1;
		s |= t;
	}
	type->fits = fits;
	type->signature = fits ? s | type->nparams << 3 : 0;
	return 0;
}

static int read_types(struct reader *r)
{
	uint32_t n = count(r);
	int e = 0;

	r->file->types = make_room(n, sizeof *r->file->types);
	if (!r->file->types)
		return -ENOMEM;
	for (uint32_t i = 0; i < n && !e && !r->bad; i++, r->file->ntypes++)
		e = read_type(r, &r->file->types[i]);
	return e;
}

/* ---- Imports --------------------------------------------------------------------------------- */

static const char *external_name(uint8_t kind)
{
	static const char *const names[] = { "a function", "a table", "a memory", "a global" };

	return kind < sizeof names / sizeof *names ? names[kind] : "of an unknown kind";
}

/* An import that comes twice is one function to wasm2c. */
static void keep_import(struct wasm_file *f, struct wasm_import_entry in)
{
	for (uint32_t i = 0; i < f->nimports; i++)
		if (!strcmp(f->imports[i].module, in.module) &&
		    !strcmp(f->imports[i].name, in.name)) {
			free(in.module);
			free(in.name);
			return;
		}
	f->imports[f->nimports++] = in;
}

static int read_import(struct reader *r)
{
	struct wasm_file *f = r->file;
	struct wasm_import_entry in = { 0 };

	r->odd = false;
	in.module = text(r);
	in.name = text(r);
	uint8_t kind = byte(r);
	in.type = number(r);
	if (!in.module || !in.name) {
		free(in.module);
		free(in.name);
		return -ENOMEM;
	}
	int e = 0;
	if (!r->bad && kind != EXTERNAL_FUNCTION)
		e = refuse(r, "import %s.%s is %s: only functions can be imported", in.module,
			   in.name, external_name(kind));
	else if (!r->bad && r->odd)
		e = refuse(r, "import %s.%s: names of printable ASCII without */ are allowed",
			   in.module, in.name);
	else if (!r->bad && in.type >= f->ntypes)
		e = refuse(r, "import %s.%s: type %u of %u", in.module, in.name, in.type,
			   f->ntypes);
	f->function_types[f->nfunction_types++] = in.type;
	keep_import(f, in);
	return e;
}

static int read_imports(struct reader *r)
{
	struct wasm_file *f = r->file;
	uint32_t n = count(r);
	int e = 0;

	f->imports = make_room(n, sizeof *f->imports);
	f->function_types = make_room(n, sizeof *f->function_types);
	if (!f->imports || !f->function_types)
		return -ENOMEM;
	for (uint32_t i = 0; i < n && !e && !r->bad; i++)
		e = read_import(r);
	return e;
}

static int read_functions(struct reader *r)
{
	struct wasm_file *f = r->file;
	uint32_t n = count(r);
	uint32_t *types = realloc(f->function_types, (f->nfunction_types + (size_t)n + 1) * 4);

	if (!types)
		return -ENOMEM;
	f->function_types = types;
	for (uint32_t i = 0; i < n && !r->bad; i++) {
		uint32_t type = number(r);

		if (type >= f->ntypes && !r->bad)
			return refuse(r, "function %u: type %u of %u", f->nfunction_types, type,
				      f->ntypes);
		types[f->nfunction_types++] = type;
	}
	return 0;
}

/* ---- Memory, tables, exports ----------------------------------------------------------------- */

static int read_limits(struct reader *r, const char *of, uint32_t most, uint32_t *out)
{
	uint8_t flags = byte(r);

	if (flags & LIMIT_64)
		return refuse(r, "a %s of 64 bits (memory64): 32 are allowed", of);
	if (flags & LIMIT_SHARED)
		return refuse(r, "a shared %s: threads are not supported", of);
	if (flags & ~LIMIT_MAX)
		return refuse(r, "a %s with unknown limits (flags 0x%02x)", of, flags);
	*out = number(r);
	if (flags & LIMIT_MAX)
		number(r);
	if (*out > most)
		return refuse(r, "too large: a %s of %u %s, at most %u are allowed", of, *out,
			      *of == 'm' ? "pages" : "entries", most);
	return 0;
}

static int read_memories(struct reader *r)
{
	uint32_t n = count(r);

	if (n > 1)
		return refuse(r, "%u memories: one is allowed", n);
	return n ? read_limits(r, "memory", WASM_MAX_PAGES, &r->file->pages) : 0;
}

static int read_tables(struct reader *r)
{
	uint32_t n = count(r), entries;
	int e = 0;

	for (uint32_t i = 0; i < n && !e && !r->bad; i++) {
		byte(r); /* of functions or of external references */
		e = read_limits(r, "table", WASM_MAX_TABLE, &entries);
		if (!e)
			r->file->entries += entries;
		r->file->ntables++;
	}
	return e;
}

static int read_export(struct reader *r)
{
	struct wasm_file *f = r->file;
	r->odd = false;
	char *name = text(r);
	uint8_t kind = byte(r);
	uint32_t index = number(r);

	if (!name)
		return -ENOMEM;
	if (r->bad || kind != EXTERNAL_FUNCTION) {
		free(name);
		return 0;
	}
	f->exports[f->nexports++] = (struct wasm_export_entry){ .name = name };
	if (r->odd)
		return refuse(r, "export %s: names of printable ASCII without */ are allowed",
			      name);
	if (index >= f->nfunction_types)
		return refuse(r, "export %s: function %u of %u", name, index, f->nfunction_types);
	f->exports[f->nexports - 1].type = f->function_types[index];
	return 0;
}

static int read_exports(struct reader *r)
{
	uint32_t n = count(r);
	int e = 0;

	r->file->exports = make_room(n, sizeof *r->file->exports);
	if (!r->file->exports)
		return -ENOMEM;
	for (uint32_t i = 0; i < n && !e && !r->bad; i++)
		e = read_export(r);
	return e;
}

/* ---- The file -------------------------------------------------------------------------------- */

static int (*const readers[S_SECTIONS])(struct reader *) = {
	[S_TYPE] = read_types,	 [S_IMPORT] = read_imports,  [S_FUNCTION] = read_functions,
	[S_TABLE] = read_tables, [S_MEMORY] = read_memories, [S_EXPORT] = read_exports,
};

static int read_section(struct reader *file, unsigned *seen)
{
	struct reader r = *file;
	size_t offset = (size_t)(file->at - file->start);
	uint8_t id = byte(&r);
	uint32_t size = number(&r);

	if (r.bad || size > (size_t)(r.end - r.at))
		return refuse(file, "cut off at byte %zu", offset);
	if (id >= S_SECTIONS)
		return refuse(file, "unknown section %u at byte %zu", id, offset);
	if (id != S_CUSTOM && *seen & 1u << id)
		return refuse(file, "section %u twice, at byte %zu", id, offset);
	/* Those that are read here stand in the order of their numbers. */
	if (readers[id] && *seen >> id)
		return refuse(file, "section %u out of order, at byte %zu", id, offset);
	*seen |= 1u << id;
	r.end = file->at = r.at + size;
	int e = readers[id] ? readers[id](&r) : 0;
	if (!e && (r.bad || (readers[id] && r.at != r.end)))
		return refuse(file, "damaged section %u at byte %zu", id, offset);
	return e;
}

static int refuse_signature(struct reader *r, const char *what, uint32_t type)
{
	return refuse(r,
		      "%s: %u parameters, or a type that no stub passes: at most %u numbers and "
		      "one result are allowed",
		      what, r->file->types[type].nparams, STUB_MAX_PARAMS);
}

/* What crosses the boundary must be something that a stub can pass. */
static int check_signatures(struct reader *r)
{
	const struct wasm_file *f = r->file;
	char what[100];

	for (uint32_t i = 0; i < f->nimports; i++) {
		snprintf(what, sizeof what, "import %.40s.%.40s", f->imports[i].module,
			 f->imports[i].name);
		if (!f->types[f->imports[i].type].fits)
			return refuse_signature(r, what, f->imports[i].type);
	}
	for (uint32_t i = 0; i < f->nexports; i++) {
		snprintf(what, sizeof what, "export %.80s", f->exports[i].name);
		if (!f->types[f->exports[i].type].fits)
			return refuse_signature(r, what, f->exports[i].type);
	}
	return 0;
}

int wasm_file_parse(struct wasm_file *f, const char *name, const uint8_t *bytes, size_t size,
		    char error[WASM_FILE_ERROR])
{
	struct reader r = { .file = f,
			    .start = bytes,
			    .at = bytes,
			    .end = bytes + size,
			    .name = name,
			    .error = error };
	unsigned seen = 0;
	int e = 0;

	memset(f, 0, sizeof *f);
	if (size > WASM_MAX_FILE)
		return refuse(&r, "too large: %zu bytes, at most %d are allowed", size,
			      WASM_MAX_FILE);
	if (size < 8 || memcmp(bytes, "\0asm", 4) != 0)
		return refuse(&r, "not a wasm module");
	if (memcmp(bytes + 4, "\1\0\0\0", 4) != 0)
		return refuse(&r, "wasm of another version than 1");
	r.at += 8;
	while (!e && r.at < r.end)
		e = read_section(&r, &seen);
	f->nfunctions = f->nfunction_types;
	if (!e)
		e = check_signatures(&r);
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
