/*
 * options.h - a command's options as a table, read by getopt_long.
 *
 * A wrong call gets one line on stderr that names the option and what is allowed.
 */
#ifndef STUBMAP_CLI_OPTIONS_H
#define STUBMAP_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
	OPTION_FLAG,	/* out: bool */
	OPTION_TEXT,	/* out: const char * */
	OPTION_NUMBER,	/* out: uint64_t; min..max */
	OPTION_SIZE,	/* out: uint64_t, bytes; 4096, 4K, 64KiB, 1M; min..max */
	OPTION_PERCENT, /* out: double, of 1; 2% or 2 is 0.02; min..max in percent */
	OPTION_TIME,	/* out: uint64_t, seconds; 60, 60s, 5m, 2h; min..max */
	OPTION_LIST,	/* out: struct option_list; a,b,c; "\," is a comma in a word */
	OPTION_FILES,	/* the same; an existing file's name is one word, commas and all */
};

enum { OPTION_LIST_MAX = 64 };

struct option_list {
	char *text; /* free() */
	const char *words[OPTION_LIST_MAX];
	size_t n;
};

struct option_spec {
	const char *name; /* without dashes */
	char letter;	  /* 0: none */
	enum option_type type;
	const char *value; /* its value's name in the help; NULL for a flag */
	const char *help;
	void *out; /* not written if the option is not given */
	uint64_t min, max;
};

/* Options that the help shows under a title: those from specs[first] to the next group's. */
struct option_group {
	const char *title; /* NULL ends the list */
	size_t first;
};

struct option_help {
	const char *usage;   /* after "usage: stubmap ": "sweep PLAN.json -o RUN.jsonl [options]" */
	const char *summary; /* some lines on what the command does */
	int min_words, max_words;	   /* words after the options; max < 0: any number */
	const struct option_group *groups; /* NULL: none */
};

enum { OPTIONS_HELP = 1 };

/* The forms of a command's answer besides the table for people. */
struct option_forms {
	bool json, csv, markdown;
};
/* Their rows in a table of options. */
#define OPTION_FORMS(forms)                                                                    \
	{ "json", 0, OPTION_FLAG, NULL, "tidy rows, one object a line", &(forms).json, 0, 0 }, \
	    { "csv", 0, OPTION_FLAG, NULL, "the same rows as CSV", &(forms).csv, 0, 0 },       \
	    { "markdown", 0, OPTION_FLAG, NULL, "the tables as Markdown", &(forms).markdown, 0, 0 }
/* Refuses more than one form; other: NULL, or another option of the command that stands for a form
 * and is given. 0 or 2, with a line on stderr. */
int options_forms(const char *command, const struct option_forms *, const char *other);

/*
 * 0, and *first is the index of the first word in argv (the words stand last). OPTIONS_HELP:
 * --help was asked for and printed; the command ends with 0. -EINVAL: refused, a line is on
 * stderr; the command ends with 2.
 */
int options_parse(int argc, char **argv, const struct option_help *help,
		  const struct option_spec *specs, size_t n, int *first);

/* The parsers of single values, for other callers. 0 or -EINVAL. */
int options_number(const char *text, uint64_t *out);
int options_size(const char *text, uint64_t *out);
int options_percent(const char *text, double *out);
int options_time(const char *text, uint64_t *out);

#endif
