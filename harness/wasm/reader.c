/* reader.c - names the functions of a wasm file, and refuses the file in one line. */
#include <errno.h>
#include <string.h>

#include "wasm/reader.h"

int wasm_refuse(struct reader *r, const char *fmt, ...)
{
	int n = snprintf(r->error, WASM_FILE_ERROR, "%s: ", r->name);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->error + n, WASM_FILE_ERROR - (size_t)n, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

int wasm_refuse_feature(struct reader *r, const char *who, const char *what)
{
	return wasm_refuse(r, "%.100s: %s can't be taken; workloads/wasm/README.md lists what can",
			   who, what);
}

int wasm_check_signature(struct reader *r, const char *who, const struct wasm_type *type)
{
	char what[80];

	if (type->fits)
		return 0;
	if (type->other)
		snprintf(what, sizeof what, "%s in its signature (numbers pass a stub)",
			 type->other);
	else if (type->nparams > STUB_MAX_PARAMS)
		snprintf(what, sizeof what, "%u parameters (at most %d pass a stub)", type->nparams,
			 STUB_MAX_PARAMS);
	else
		snprintf(what, sizeof what, "multi-value, %u results (one passes a stub),",
			 type->nresults);
	return wasm_refuse_feature(r, who, what);
}

/* ---- Names of functions ---------------------------------------------------------------------- */

enum { CUSTOM = 0, FUNCTION_NAMES = 1 };

/* Reads a name; out gets at most size bytes of it, printable. */
static void read_name(struct reader *r, char *out, size_t size)
{
	uint32_t n = wasm_count(r);

	for (uint32_t i = 0; i < n; i++) {
		uint8_t c = wasm_byte(r);

		if (i + 1 < size)
			*out++ = (char)(c >= 0x20 && c < 0x7f ? c : '?');
	}
	*out = '\0';
}

/* Finds the function's name in the section "name", where the cursor stands. */
static bool find_in_section(struct reader *r, uint32_t function, char *out, size_t size)
{
	while (!r->bad && r->at < r->end) {
		const uint8_t kind = wasm_byte(r);
		const uint32_t bytes = wasm_count(r);

		if (kind != FUNCTION_NAMES) {
			wasm_skip(r, bytes);
			continue;
		}
		for (uint32_t n = wasm_count(r); n && !r->bad; n--) {
			const uint32_t index = wasm_number(r);

			read_name(r, out, size);
			if (index == function)
				return !r->bad;
		}
		return false;
	}
	return false;
}

static bool find_name(const struct reader *from, uint32_t function, char *out, size_t size)
{
	struct reader file = *from;
	char section[8];

	file.at = file.start + 8;
	file.end = file.file_end;
	file.bad = false;
	while (!file.bad && file.at < file.end) {
		const uint8_t id = wasm_byte(&file);
		const uint32_t bytes = wasm_count(&file);
		struct reader r = file;

		r.end = r.at + bytes;
		if (id == CUSTOM && !file.bad) {
			read_name(&r, section, sizeof section);
			if (!strcmp(section, "name"))
				return find_in_section(&r, function, out, size);
		}
		wasm_skip(&file, bytes);
	}
	return false;
}

const char *wasm_function_name(const struct reader *r, uint32_t function, char out[WASM_WHO])
{
	const struct wasm_file *f = r->file;
	char name[64];

	for (uint32_t i = 0; i < f->nexports; i++)
		if (f->exports[i].function == function) {
			snprintf(out, WASM_WHO, "function %u (%.60s)", function,
				 f->exports[i].name);
			return out;
		}
	if (find_name(r, function, name, sizeof name))
		snprintf(out, WASM_WHO, "function %u (%.60s)", function, name);
	else
		snprintf(out, WASM_WHO, "function %u", function);
	return out;
}

/* ---- Checks after all sections --------------------------------------------------------------- */

int wasm_check_boundaries(struct reader *r)
{
	const struct wasm_file *f = r->file;
	char who[WASM_WHO];
	int e = 0;

	for (uint32_t i = 0; i < f->nimports && !e; i++) {
		snprintf(who, sizeof who, "import %.45s.%.45s", f->imports[i].module,
			 f->imports[i].name);
		e = wasm_check_signature(r, who, &f->types[f->imports[i].type]);
	}
	for (uint32_t i = 0; i < f->nexports && !e; i++) {
		snprintf(who, sizeof who, "export %.90s", f->exports[i].name);
		e = wasm_check_signature(r, who, &f->types[f->exports[i].type]);
	}
	return e;
}

int wasm_check_types(struct reader *r)
{
	const struct wasm_file *f = r->file;
	char who[WASM_WHO];

	for (uint32_t i = 0; i < f->nfunction_types; i++) {
		const char *feature = f->types[f->function_types[i]].feature;

		if (feature)
			return wasm_refuse_feature(r, wasm_function_name(r, i, who), feature);
	}
	for (uint32_t i = 0; i < f->ntypes; i++) {
		snprintf(who, sizeof who, "type %u", i);
		if (f->types[i].feature)
			return wasm_refuse_feature(r, who, f->types[i].feature);
	}
	if (f->ntags)
		return wasm_refuse_feature(r, "its tags", "exception handling");
	return 0;
}
