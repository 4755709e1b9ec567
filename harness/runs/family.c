/* family.c - finds the family of a workload by its name. */
#include "runs/family.h"

#include <string.h>

#include "workloads/gc.h"
#include "workloads/wasm.h"

const struct family_row family_rows[FAMILIES] = {
#define ROW(id, name, life, keys, traced, ...) [FAMILY_##id] = { name, life, keys, traced },
	FAMILY_ROWS(ROW)
#undef ROW
};

enum family family_of(const char *workload, unsigned *keys)
{
	static const enum family of_life[LIVES] = { [LIFE_CALLS] = FAMILY_CALLS,
						    [LIFE_TIERUP] = FAMILY_TIERUP,
						    [LIFE_FLOOD] = FAMILY_FLOOD,
						    [LIFE_CHURN] = FAMILY_CHURN };
	struct wasm_program program;
	struct workload w;
	enum family f;

	if (workload_named(workload, &w)) {
		f = of_life[w.life];
		*keys = w.trace ? family_rows[f].traced : family_rows[f].keys;
		return f;
	}
	if (wasm_program_named(workload, &program))
		f = program.flood ? FAMILY_WASM_FLOOD : FAMILY_WASM;
	else
		f = gc_program_of(workload) ? FAMILY_GC : FAMILY_UNKNOWN;
	*keys = family_rows[f].keys;
	return f;
}
