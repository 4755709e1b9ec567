/* main.c - runs the command that the command line's first word names. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <stubmap/version.h>

#include "measure/child.h"
#include "cli/commands.h"
#include "maps/callgrind.h"
#include "meters/provenance.h"
#include "base/file.h"
#include "base/say.h"
#include "base/suggest.h"

static const struct command {
	const char *name, *summary;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "doctor", "what can be measured here, and why the rest can't", cmd_doctor },
	{ "list", "strategies, encoders, workloads, meters, machines", cmd_list },
	{ "run", "one quick comparison, as a table", cmd_run },
	{ "peers", "our allocators beside those of libraries, as a table", cmd_peers },
	{ "sweep", "a whole plan into a run file; continues one that was cut off", cmd_sweep },
	{ "merge", "the shards of a sweep into one run file", cmd_merge },
	{ "summary", "a run file as tables, rows or a figure's data", cmd_summary },
	{ "report", "runs as a page: findings, figures, claims, tables", cmd_report },
	{ "plot", "a figure of a run, as SVG, PDF or PNG", cmd_plot },
	{ "compare", "what changed between two runs, or several of each side", cmd_compare },
	{ "power", "how many blocks would show a difference", cmd_power },
	{ "variance", "where a run's times vary: runs, set-ups, processes, iterations",
	  cmd_variance },
	{ "claims", "sentences that a run can refute", cmd_claims },
	{ "maps", "the stack maps of your programs under every encoder", cmd_maps },
	{ "faults", "who notices a map producer's mistakes in running programs", cmd_faults },
	{ "show", "one stub disassembled in place; one stack map's lookup explained", cmd_show },
	{ "model", "what the caches of other machines would do with the same calls", cmd_model },
	{ "child", NULL, child_main },
	{ "lookups", NULL, maps_lookups_main },
	{ NULL, NULL, NULL },
};

static void version(void)
{
	char why[PROVENANCE_WHY], line[PROVENANCE];
	json_t *program = provenance_program(why);
	json_t *machine = json_pack("{s:o?}", "program", program);

	printf("stubmap %s, %s\n", STUBMAP_VERSION, provenance_name(machine, line));
	json_decref(machine);
}

static void usage(FILE *f)
{
	fputs("stubmap: where should a JIT place its stubs, "
	      "and how should it encode its stack maps?\n\n"
	      "usage: stubmap COMMAND [options], or stubmap --version\n\n"
	      "Run `stubmap COMMAND --help` for a command's options.\n\n",
	      f);
	for (const struct command *c = commands; c->name; c++)
		if (c->summary)
			fprintf(f, "  %-9s %s\n", c->name, c->summary);
}

/* If the caller closed a standard descriptor, the next file would get it,
 * and output would go there. */
static void keep_descriptors(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) < 0)
			_exit(2);
}

/* Checks for every command that all output was written. */
static int finish(const char *command, int status)
{
	char who[64];
	int r = file_flush(stdout);

	if (!r)
		return status;
	snprintf(who, sizeof who, "stubmap%s%s", *command ? " " : "", command);
	return say_line(who, "standard output: %s", strerror(-r));
}

int main(int argc, char **argv)
{
	const char *names[sizeof commands / sizeof *commands];
	size_t n = 0;

	keep_descriptors();
	signal(SIGXFSZ, SIG_IGN); /* a file-size limit becomes an error, like a full device */
	if (argc < 2) {
		usage(stderr);
		return 2;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return finish("", 0);
	}
	if (!strcmp(argv[1], "--version")) {
		version();
		return finish("", 0);
	}
	for (const struct command *c = commands; c->name; c++) {
		if (!strcmp(argv[1], c->name))
			return finish(c->name, c->run(argc - 1, argv + 1));
		if (c->summary)
			names[n++] = c->name;
	}
	const char *near = suggest_nearest(argv[1], names, n);
	return say_line("stubmap", "no command '%s'%s%s%s: see stubmap --help", argv[1],
			near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}
