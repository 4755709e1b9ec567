/*
 * fuzz_wasm.c - the fuzz target for wasm files: a file that the reader takes has boundaries that
 * lie within the module; it refuses any other in one line without a control character, though the
 * line has names of the file.
 */
#include "fuzz.h"
#include "wasm/file.h"

struct fuzz_memory fuzz_memory(size_t i)
{
	(void)i;
	return (struct fuzz_memory){ 1 << 16, 40 };
}

const char *fuzz_name(size_t i)
{
	return i ? NULL : "module";
}

static void check(const struct wasm_file *f)
{
	fuzz_check(f->nimports <= f->nfunctions);
	for (uint32_t i = 0; i < f->nimports; i++)
		fuzz_check(f->imports[i].type < f->ntypes && f->types[f->imports[i].type].fits);
	for (uint32_t i = 0; i < f->nexports; i++)
		fuzz_check(f->exports[i].type < f->ntypes && f->types[f->exports[i].type].fits &&
			   f->exports[i].function < f->nfunctions);
}

bool fuzz_run(size_t i, const uint8_t *data, size_t len)
{
	char error[WASM_FILE_ERROR] = "";
	struct wasm_file f;

	(void)i;
	int r = wasm_file_parse(&f, "input", data, len, error);
	if (!r)
		check(&f);
	else
		fuzz_check(*error);
	for (const char *p = error; *p; p++)
		fuzz_check(*p >= ' ' && *p < 127);
	wasm_file_close(&f);
	return !r;
}
