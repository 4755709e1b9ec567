/* notes.c - prints what is not as usual in a run's record. */
#include "analysis/notes.h"

#include "base/table.h"
#include "meters/provenance.h"

size_t notes_stopped(const struct run *run)
{
	size_t n = 0;

	for (size_t i = 0; i < run->n; i++)
		n += run->invocations[i].stopped;
	return n;
}

void notes_print(FILE *out, const struct run *run)
{
	const size_t stopped = notes_stopped(run), segments = json_array_size(run->segments);
	const char *shard = json_string_value(json_object_get(run->head, "shard"));
	char doubt[PROVENANCE], why[RUN_ERROR];

	if (provenance_differs(json_object_get(run->head, "machine"), doubt))
		table_wrapf(out, "note: ", "%s", doubt);
	if (run_mixed(run, why))
		table_wrapf(out, "note: ", "mixed, its numbers can't be compared: %s", why);
	else if (segments > 1)
		table_wrapf(out, "note: ", "made in %zu segments, of one program and machine",
			    segments);
	if (run->torn)
		table_wrapf(out, "note: ", "the last line is cut off, and left out");
	if (shard)
		table_wrapf(out, "note: ", "shard %s: a part of the plan's blocks", shard);
	if (run->superseded)
		table_wrapf(out, "note: ",
			    "%zu invocations failed and were run again: the later ones count",
			    run->superseded);
	if (stopped)
		table_wrapf(out, "note: ",
			    "%zu of %zu invocations stood still for a while, as stopped processes "
			    "do (\"stopped\" in the record)",
			    stopped, run->n);
}
