/* report.c - stubmap report: runs as one page of HTML, findings first. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/accept.h"
#include "analysis/notes.h"
#include "analysis/report.h"
#include "analysis/trial.h"
#include "base/file.h"
#include "base/html.h"
#include "base/say.h"
#include "base/table.h"
#include "cli/claims.h"
#include "cli/commands.h"
#include "cli/drawings.h"
#include "cli/options.h"
#include "cli/report.h"
#include "meters/fingerprint.h"
#include "meters/provenance.h"

static const struct option_help help = {
	.usage = "report RUN.jsonl... -o REPORT.html",
	.summary =
	    "Writes runs of one machine as a page: what they say in sentences, figures, claims\n"
	    "with their verdicts, tables that sort, the machine, and all rows to unfold. It is\n"
	    "one file, and needs no other and no network.",
	.min_words = 1,
	.max_words = -1,
};

enum { RUNS = 64 };

/* The runs that a page is of. */
struct pages {
	char *const *paths;
	struct run runs[RUNS];
	size_t n;
};

static int say(const char *line)
{
	return say_line("stubmap report", "%s", line);
}

static const char *plan_of(const struct run *run)
{
	const char *name =
	    json_string_value(json_object_get(json_object_get(run->head, "plan"), "name"));

	return name ? name : "run";
}

static const json_t *machine_of(const struct run *run)
{
	return json_object_get(run->head, "machine");
}

/* "first on AMD EPYC, begun 2026-11-29T18:23:06Z". */
static char *name_run(const struct run *run, char out[200])
{
	const char *cpu = json_string_value(json_object_get(machine_of(run), "cpu_model"));
	const char *begun = json_string_value(json_object_get(run->head, "started"));

	snprintf(out, 200, "%.60s on %.60s, begun %.40s", plan_of(run), cpu ? cpu : "?",
		 begun ? begun : "?");
	return out;
}

static void print_state(FILE *f, const struct run *run)
{
	struct acceptance kept;
	char says[300], program[PROVENANCE];

	if (!accept_judge(run, &kept))
		table_wrapf(f, "run: ", "%s", accept_format(&kept, says, sizeof says));
	table_wrapf(f, "program: ", "%s", provenance_name(machine_of(run), program));
	notes_print(f, run);
}

/* A run's sentences as paragraphs: each begins behind an empty line. */
static void put_paragraphs(FILE *out, char *text)
{
	char *line;

	fputs("<p>", out);
	for (text += *text == '\n'; (line = strsep(&text, "\n"));) {
		html_text(out, line);
		if (*line)
			fputc(' ', out);
		else if (text && *text)
			fputs("</p>\n<p>", out);
	}
	fputs("</p>\n", out);
}

/* The sentences of a run, and whether it was accepted. 0 or -errno. */
static int put_finding(FILE *out, const struct run *run)
{
	char name[200], *said = NULL, *state = NULL;
	size_t size;
	FILE *f = open_memstream(&said, &size), *g = open_memstream(&state, &size);
	int r = f && g ? report_sentences(f, run) : -ENOMEM;

	if (g)
		print_state(g, run);
	r = f && fclose(f) && !r ? -ENOMEM : r;
	r = g && fclose(g) && !r ? -ENOMEM : r;
	if (!r) {
		fputs("<p class=\"meta\">", out);
		html_text(out, name_run(run, name));
		fputs("</p>\n", out);
		put_paragraphs(out, said);
		fputs("<pre>", out);
		html_text(out, state);
		fputs("</pre>\n", out);
	}
	free(said);
	free(state);
	return r;
}

static int put_findings(FILE *out, const struct pages *p)
{
	int r = 0;

	fputs("<h2>Findings</h2>\n", out);
	for (size_t i = 0; i < p->n && !r; i++)
		r = put_finding(out, &p->runs[i]);
	return r;
}

static void put_number(FILE *out, const json_t *v)
{
	char text[32];

	if (!json_is_number(v))
		return;
	table_format(json_number_value(v), text, sizeof text);
	html_text(out, text);
}

static void put_claim(FILE *out, const json_t *c)
{
	static const char *const texts[] = { "id", "text", "sort" };
	const char *verdict = json_string_value(json_object_get(c, "verdict"));
	bool headline = json_is_true(json_object_get(c, "headline"));
	bool old = json_is_object(json_object_get(c, "superseded"));

	fprintf(out, "<tr class=\"%s\">", old ? "open" : verdict);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		const char *text = json_string_value(json_object_get(c, texts[i]));
		fputs("<td>", out);
		html_text(out, text ? text : "");
		fputs(old && i == 1 ? " (superseded)</td>" : "</td>", out);
	}
	fputs("<td class=\"r\">", out);
	put_number(out, json_object_get(c, "value"));
	if (json_is_number(json_object_get(c, "low"))) {
		fputs(" (", out);
		put_number(out, json_object_get(c, "low"));
		fputs(" to ", out);
		put_number(out, json_object_get(c, "high"));
		fputs(")", out);
	}
	fputs("</td><td class=\"r\">", out);
	html_text(out, json_string_value(json_object_get(c, "bounds")));
	fputs(headline ? "</td><td><b>" : "</td><td>", out);
	html_text(out, json_string_value(json_object_get(c, "says")));
	fputs(headline ? "</b></td></tr>\n" : "</td></tr>\n", out);
}

static void put_claims(FILE *out, const json_t *rows, const char *plan)
{
	size_t i, n[NO_DATA + 1] = { 0 };
	json_t *c;

	json_array_foreach(rows, i, c)
		for (int v = 0; v <= NO_DATA && !json_is_object(json_object_get(c, "superseded"));
		     v++)
			n[v] +=
			    !strcmp(verdicts[v], json_string_value(json_object_get(c, "verdict")));
	fputs("<p>Claims of the plan ", out);
	html_text(out, plan);
	fprintf(
	    out,
	    ": %zu hold, %zu are refuted, %zu open. A verdict in bold is one in which three runs "
	    "agree.</p>\n<div class=\"wide\"><table><thead><tr><th>claim</th><th>says</th><th>sort"
	    "</th><th class=\"r\">measured (95 %%)</th><th class=\"r\">bounds</th><th>verdict</th>"
	    "</tr></thead><tbody>\n",
	    n[HOLDS], n[REFUTED], n[OPEN]);
	json_array_foreach(rows, i, c)
		if (strcmp(verdicts[NO_DATA], json_string_value(json_object_get(c, "verdict"))))
			put_claim(out, c);
	fputs("</tbody></table></div>\n", out);
}

/* The claims of a plan, tested on all its runs; they stand at the first of these runs.
 * 0, or 2 with a line on stderr. */
static int put_plan(FILE *out, const struct pages *p, size_t first, bool *titled)
{
	char path[PATH_MAX], error[RUN_ERROR], *paths[RUNS];
	const char *plan = plan_of(&p->runs[first]);
	struct claims claims;
	struct trial trial;
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (strcmp(plan, plan_of(&p->runs[i])))
			continue;
		if (i < first)
			return 0;
		paths[n++] = p->paths[i];
	}
	if (claims_path(plan, path, sizeof path))
		return 0; /* no claims are made of such a run */
	if (claims_load(path, &claims, error))
		return say(error);
	if (trial_load(&trial, paths, n, error)) {
		claims_free(&claims);
		return say(error);
	}
	json_t *rows = claims_rows(&claims, &trial);
	if (rows) {
		fputs(*titled ? "" : "<h2>Claims</h2>\n", out);
		*titled = true;
		put_claims(out, rows, plan);
	}
	json_decref(rows);
	trial_free(&trial);
	claims_free(&claims);
	return rows ? 0 : say("out of memory");
}

static void put_machine(FILE *out, const struct run *run)
{
	static const char *const headers[] = { "setting", "state", "", "why it matters" };
	struct env_check checks[ENV_MAX_CHECKS];
	size_t n = env_checks(machine_of(run), checks);
	char *text = json_dumps(machine_of(run), JSON_INDENT(2));
	struct table t;

	fputs("<h2>Machine</h2>\n", out);
	table_begin(&t, headers, "llll");
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(checks[i].name, "load") || !strcmp(checks[i].name, "core"))
			continue; /* of this moment, not of the run's */
		table_row(&t);
		table_cell(&t, "%s", checks[i].name);
		table_cell(&t, "%s", checks[i].state);
		table_cell(&t, "%s", env_level_names[checks[i].level]);
		table_cell(&t, "%s", checks[i].advice ? checks[i].advice : "");
	}
	table_end_as(&t, out, TABLE_HTML);
	fputs("<details><summary>All that is known of it</summary><pre class=\"raw\">", out);
	html_text(out, text ? text : "");
	fputs("</pre></details>\n", out);
	free(text);
}

static int put_raw(FILE *out, const struct run *run)
{
	const struct report_options csv = { .form = REPORT_CSV };
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int r = f ? report_summary(f, run, &csv) : -ENOMEM;

	if (f && fclose(f))
		r = -ENOMEM;
	fputs("<details><summary>All rows, as CSV</summary><pre class=\"raw\">", out);
	html_text(out, text ? text : "");
	fputs("</pre></details>\n", out);
	free(text);
	return r;
}

static int put_tables(FILE *out, const struct pages *p)
{
	const struct report_options html = { .form = REPORT_HTML };
	char name[200];
	int r = 0;

	fputs("<h2>Tables</h2>\n", out);
	for (size_t i = 0; i < p->n && !r; i++) {
		fputs("<h3>", out);
		html_text(out, name_run(&p->runs[i], name));
		fputs("</h3>\n", out);
		r = report_summary(out, &p->runs[i], &html);
		r = r ? r : put_raw(out, &p->runs[i]);
	}
	return r;
}

/* 0, or 2 with a line on stderr. */
static int put_page(FILE *out, const struct pages *p)
{
	unsigned number = 1;
	char name[200];
	bool titled = false;
	int r = 0, status = 0;

	snprintf(name, sizeof name, "stubmap: %.60s%s", plan_of(&p->runs[0]),
		 p->n > 1 ? " and other runs" : "");
	report_begin(out, name);
	r = put_findings(out, p);
	fputs("<h2>Figures</h2>\n", out);
	for (size_t i = 0; i < p->n && !r && !status; i++)
		status = report_drawings(out, &p->runs[i], name_run(&p->runs[i], name), &number);
	if (number == 1)
		fputs("<p>These runs have no data of a figure.</p>\n", out);
	for (size_t i = 0; i < p->n && !r && !status; i++)
		status = put_plan(out, p, i, &titled);
	if (!r && !status)
		r = put_tables(out, p);
	put_machine(out, &p->runs[0]);
	report_end(out);
	return status ? status : r ? say(strerror(-r)) : 0;
}

/* Writes the page aside and moves it to its place: it is whole, or the old one stays. */
static int write_page(const struct pages *p, const char *path)
{
	char aside[PATH_MAX];
	FILE *out = NULL;
	int r, status;

	if ((size_t)snprintf(aside, sizeof aside, "%s.new", path) >= sizeof aside)
		return say_line("stubmap report", "%s: %s", path, strerror(ENAMETOOLONG));
	if (!(out = fopen(aside, "we")))
		return say_line("stubmap report", "%s: %s", path, strerror(errno));
	status = put_page(out, p);
	r = file_finish(out);
	if (!status && (r || (rename(aside, path) && (r = -errno))))
		status = say_line("stubmap report", "%s: %s", path, strerror(-r));
	if (status)
		unlink(aside);
	return status;
}

static int load(struct pages *p, size_t n)
{
	char error[RUN_ERROR];

	for (; p->n < n; p->n++) {
		struct run *run = &p->runs[p->n];
		if (run_load(p->paths[p->n], run, error))
			return say(error);
		if (p->n && !trial_same_machine(machine_of(&p->runs[0]), machine_of(run))) {
			run_close(run);
			return say_line(
			    "stubmap report",
			    "%s and %s are of different machines: make a report of each",
			    p->paths[0], p->paths[p->n]);
		}
	}
	return 0;
}

int cmd_report(int argc, char **argv)
{
	const char *path = NULL;
	const struct option_spec specs[] = {
		{ "output", 'o', OPTION_TEXT, "REPORT.html", "the page", &path, 0, 0 },
	};
	char error[RUN_ERROR];
	struct pages *p;
	int first, r;

	r = options_parse(argc, argv, &help, specs, sizeof specs / sizeof *specs, &first);
	if (r)
		return r < 0 ? 2 : 0;
	if (!path)
		return say("-o REPORT.html is missing");
	if (file_replaceable(path, error, sizeof error))
		return say(error);
	if (argc - first > RUNS)
		return say_line("stubmap report", "%d runs are given; at most %d are allowed",
				argc - first, RUNS);
	if (!drawer_can("stubmap report"))
		return 2;
	if (!(p = calloc(1, sizeof *p)))
		return say("out of memory");
	p->paths = argv + first;
	r = load(p, (size_t)(argc - first));
	if (!r)
		r = write_page(p, path);
	for (size_t i = 0; i < p->n; i++)
		run_close(&p->runs[i]);
	free(p);
	return r;
}
