/*
 * wasm.c - the table of live wasm programs: one line for each that scripts/wasm-build makes; users'
 * own modules need none.
 */
#include "wasm.h"

#include <string.h>

/*    name    file          fetched summary */
#define PROGRAMS(X)                                                                             \
	X(kernel, NULL, false, "a compute kernel: many small imports, rounding, memory.grow")   \
	X(table, NULL, false, "1,024 indirect targets; table.set and table.grow while it runs") \
	X(lua, "script.lua", true, "Lua 5.4: loops, tables, strings, closures of a script")     \
	X(sqlite, NULL, true, "SQLite 3.40: inserts, an index, selects, on a file in memory")

#define DEFINE(id, in, net, text)                         \
	static const struct wasm_program program_##id = { \
		.name = #id,                              \
		.summary = text,                          \
		.workload = "wasm:" #id,                  \
		.flooded = "flood:wasm:" #id,             \
		.file = in,                               \
		.fetched = net,                           \
	};
PROGRAMS(DEFINE)

#define ROW(id, ...) &program_##id,
const struct wasm_program *const wasm_programs[] = { PROGRAMS(ROW) NULL };

const struct wasm_program *wasm_program_find(const char *workload)
{
	for (size_t i = 0; wasm_programs[i]; i++)
		if (!strcmp(wasm_programs[i]->workload, workload))
			return wasm_programs[i];
	return NULL;
}

bool wasm_program_named(const char *workload, struct wasm_program *out)
{
	if (!strncmp(workload, "flood:wasm:", 11)) {
		const bool known = wasm_program_named(workload + 6, out);

		if (known && out)
			out->flood = true;
		return known;
	}
	const struct wasm_program *p = wasm_program_find(workload);
	size_t n = strlen(workload);
	const bool own =
	    n > 10 && !strncmp(workload, "wasm:", 5) && !strcmp(workload + n - 5, ".wasm");

	if (out && p)
		*out = *p;
	else if (out && own)
		*out = (struct wasm_program){ .name = workload + 5,
					      .summary = "a module of the reader's",
					      .workload = workload,
					      .own = true };
	return p || own;
}
