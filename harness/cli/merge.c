/* merge.c - stubmap merge: the shards of a sweep as one run file. */
#include "base/say.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "runs/merge.h"

static const struct option_help help = {
	.usage = "merge -o OUT.jsonl RUN.jsonl...",
	.summary =
	    "Joins run files of one plan and seed, such as the shards of a sweep (sweep --shard),\n"
	    "to a new one. Each file's machine is kept. Files of different programs or machines,\n"
	    "and a block's cell that two files have, are refused.",
	.min_words = 1,
	.max_words = -1,
};

int cmd_merge(int argc, char **argv)
{
	const char *out = NULL;
	bool mixed = false;
	const struct option_spec specs[] = {
		{ "output", 'o', OPTION_TEXT, "OUT.jsonl", "the file that is made", &out, 0, 0 },
		{ "mixed", 0, OPTION_FLAG, NULL,
		  "also files of different programs or machines; claims refuse the run then",
		  &mixed, 0, 0 },
	};
	char error[RUN_ERROR];
	size_t missing;
	int first, r;

	r = options_parse(argc, argv, &help, specs, sizeof specs / sizeof *specs, &first);
	if (r)
		return r < 0 ? 2 : 0;
	if (!out)
		return say_line("stubmap merge", "-o OUT.jsonl is missing");
	if (run_merge((const char *const *)argv + first, (size_t)(argc - first), out, mixed,
		      &missing, error))
		return say_line("stubmap merge", "%s", error);
	if (missing)
		say_line("stubmap merge",
			 "note: %zu invocations of the plan are missing; stubmap sweep PLAN -o %s "
			 "makes them",
			 missing, out);
	return 0;
}
