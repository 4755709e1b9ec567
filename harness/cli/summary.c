/* summary.c - stubmap summary: a run file as a table, as tidy rows, or as a plot's data. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "analysis/accept.h"
#include "analysis/notes.h"
#include "analysis/report.h"
#include "base/say.h"
#include "base/suggest.h"
#include "base/table.h"

static const struct option_help help = {
	.usage = "summary RUN.jsonl [options]",
	.summary =
	    "Shows what a run measured: by default as a table with one row for each arm. The\n"
	    "exit status is 1 if an invocation failed.",
	.min_words = 1,
	.max_words = 1,
};

static int say(const char *line)
{
	return say_line("stubmap summary", "%s", line);
}

static int find_form(const char *tsv, enum report_form *form, char *error, size_t size)
{
	size_t n = 0;

	while (report_tsv_names[n] && strcmp(report_tsv_names[n], tsv))
		n++;
	if (report_tsv_names[n]) {
		*form = (enum report_form)(REPORT_TSV_RING + n);
		return 0;
	}
	suggest_refuse(error, size, "plot", tsv, report_tsv_names, n);
	return -1;
}

int cmd_summary(int argc, char **argv)
{
	struct option_forms forms = { 0 };
	const char *tsv = NULL;
	const struct option_spec specs[] = {
		OPTION_FORMS(forms),
		{ "tsv", 0, OPTION_TEXT, "PLOT",
		  "the data of a plot: ring, make, pages, fills, peers, traces, policies, tierup, "
		  "floods, churn, mappings, stalls",
		  &tsv, 0, 0 },
	};
	struct report_options o = { .form = REPORT_TABLE };
	char error[RUN_ERROR], says[300];
	struct acceptance kept;
	struct run run;
	int first, r;

	r = options_parse(argc, argv, &help, specs, sizeof specs / sizeof *specs, &first);
	if (r)
		return r < 0 ? 2 : 0;
	if (options_forms("stubmap summary", &forms, tsv ? "--tsv" : NULL))
		return 2;
	o.form = forms.json	  ? REPORT_JSON
		 : forms.csv	  ? REPORT_CSV
		 : forms.markdown ? REPORT_MARKDOWN
				  : REPORT_TABLE;
	if (tsv && find_form(tsv, &o.form, error, sizeof error))
		return say(error);
	if (run_load(argv[first], &run, error))
		return say(error);
	if ((r = report_summary(stdout, &run, &o)))
		r = say(strerror(-r));
	else
		r = report_failures(&run) ? 1 : 0;
	if (o.form == REPORT_TABLE && !accept_judge(&run, &kept))
		table_wrapf(stdout, "run: ", "%s", accept_format(&kept, says, sizeof says));
	if (o.form == REPORT_TABLE)
		notes_print(stdout, &run);
	run_close(&run);
	return r;
}
