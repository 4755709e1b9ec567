/* options.c - calls getopt_long, and words the refusals itself. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"
#include "base/say.h"
#include "base/suggest.h"
#include "base/table.h"

enum { MOST = 64, FIRST_CODE = 256 };

int options_number(const char *text, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	return isdigit((unsigned char)*text) && !*end && !errno ? 0 : -EINVAL;
}

int options_size(const char *text, uint64_t *out)
{
	static const char units[] = "KMG";
	char *end;
	const char *unit;

	errno = 0;
	*out = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || errno)
		return -EINVAL;
	if (*end && (unit = strchr(units, toupper((unsigned char)*end)))) {
		unsigned shift = 10 * (unsigned)(unit - units + 1);
		if (*out > UINT64_MAX >> shift)
			return -EINVAL;
		*out <<= shift;
		end++;
		if (!strcmp(end, "iB"))
			end += 2;
	}
	return *end ? -EINVAL : 0;
}

int options_percent(const char *text, double *out)
{
	char *end;

	*out = strtod(text, &end) / 100;
	if (!isdigit((unsigned char)*text) || end == text || !isfinite(*out))
		return -EINVAL;
	return *end && strcmp(end, "%") ? -EINVAL : 0;
}

int options_time(const char *text, uint64_t *out)
{
	static const struct {
		const char *unit;
		uint64_t seconds;
	} units[] = { { "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 } };
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || errno)
		return -EINVAL;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (!strcmp(end, units[i].unit) && *out <= UINT64_MAX / units[i].seconds) {
			*out *= units[i].seconds;
			return 0;
		}
	return -EINVAL;
}

/* Whether the first n bytes of text are a file's name, or end in one behind prefixes ("wasm:"). */
static bool names_file(const char *text, size_t n)
{
	char *name = strndup(text, n), *at = name, *comma = name ? strchr(name, ',') : NULL;
	bool found = false;

	while (at && !found) {
		found = !access(at, F_OK);
		at = strchr(at, ':');
		at = at && at < comma ? at + 1 : NULL;
	}
	free(name);
	return found;
}

/* Bytes of the first word: up to a comma that is neither behind a backslash nor, if files are
 * allowed, in the name of an existing file. */
static size_t word_length(const char *text, bool files)
{
	size_t first = 0;

	while (text[first] && (text[first] != ',' || (first && text[first - 1] == '\\')))
		first++;
	for (size_t n = files ? strlen(text) : 0; n > strcspn(text, ","); n--)
		if ((!text[n] || text[n] == ',') && names_file(text, n))
			return n;
	return first;
}

static int split(const char *text, bool files, struct option_list *list)
{
	char *to = malloc(strlen(text) + 1);

	free(list->text);
	*list = (struct option_list){ .text = to };
	while (to) {
		size_t n = word_length(text, files);
		bool as_it_stands = files && names_file(text, n);

		if (!n || list->n == OPTION_LIST_MAX)
			break;
		list->words[list->n++] = to;
		for (size_t i = 0; i < n; i++)
			if (as_it_stands || text[i] != '\\' || text[i + 1] != ',' || i + 1 == n)
				*to++ = text[i];
		*to++ = 0;
		if (!text[n])
			return 0;
		text += n + 1;
	}
	return -EINVAL;
}

static int __attribute__((format(printf, 2, 3))) refuse(const char *command, const char *form, ...)
{
	char who[64];
	va_list ap;

	snprintf(who, sizeof who, "stubmap %s", command);
	va_start(ap, form);
	say_line_of(who, form, ap);
	va_end(ap);
	return -EINVAL;
}

static int take(const char *command, const struct option_spec *s, const char *text)
{
	double share;
	uint64_t v;

	switch (s->type) {
	case OPTION_FLAG:
		*(bool *)s->out = true;
		return 0;
	case OPTION_TEXT:
		*(const char **)s->out = text;
		return 0;
	case OPTION_LIST:
	case OPTION_FILES:
		if (split(text, s->type == OPTION_FILES, s->out))
			return refuse(command,
				      "--%s '%s': allowed: a list such as a,b,c of at most %d",
				      s->name, text, OPTION_LIST_MAX);
		return 0;
	case OPTION_PERCENT:
		if (options_percent(text, &share) || share * 100 < (double)s->min ||
		    share * 100 > (double)s->max || share <= 0)
			return refuse(command,
				      "--%s '%s': a share is allowed, over 0, %" PRIu64
				      "%% to %" PRIu64 "%%",
				      s->name, text, s->min, s->max);
		*(double *)s->out = share;
		return 0;
	case OPTION_NUMBER:
	case OPTION_SIZE:
	case OPTION_TIME:
		break;
	}
	if ((s->type == OPTION_SIZE   ? options_size
	     : s->type == OPTION_TIME ? options_time
				      : options_number)(text, &v) ||
	    v < s->min || v > s->max)
		return refuse(command, "--%s '%s': %" PRIu64 " to %" PRIu64 " is allowed%s",
			      s->name, text, s->min, s->max,
			      s->type == OPTION_SIZE   ? ", in bytes or as 4K, 1M"
			      : s->type == OPTION_TIME ? " seconds, or as 60s, 5m, 2h"
						       : "");
	*(uint64_t *)s->out = v;
	return 0;
}

static void print_help(const struct option_help *help, const struct option_spec *specs, size_t n)
{
	const struct option_group *group = help->groups;
	char text[64], name[80];

	printf("usage: stubmap %s\n\n%s\n\n", help->usage, help->summary);
	for (size_t i = 0; i < n; i++) {
		const struct option_spec *s = &specs[i];
		if (group && group->title && group->first == i)
			printf("%s%s:\n", i ? "\n" : "", group++->title);
		char letter[8] = "    ";
		if (s->letter)
			snprintf(letter, sizeof letter, "-%c, ", s->letter);
		snprintf(text, sizeof text, "%s--%s%s%s", letter, s->name, s->value ? " " : "",
			 s->value ? s->value : "");
		snprintf(name, sizeof name, "  %-26s ", text);
		table_wrapf(stdout, name, "%s", s->help);
	}
	printf("  %-26s %s\n", "    --help", "this text");
}

/* Refuses the word that getopt did not accept. */
static int unknown(char **argv, const struct option_spec *specs, size_t n, int at, int missing)
{
	const char *names[MOST + 1], *word = argv[at];
	char line[300], bare[64];

	if (missing)
		return refuse(argv[0], "%s needs a value", word);
	for (size_t i = 0; i < n; i++)
		names[i] = specs[i].name;
	names[n] = "help";
	snprintf(bare, sizeof bare, "%.*s", (int)strcspn(word + strspn(word, "-"), "="),
		 word + strspn(word, "-"));
	for (size_t i = 0; i <= n; i++)
		if (!strcmp(names[i], bare) && strchr(word, '='))
			return refuse(argv[0], "--%s takes no value", bare);
	suggest_refuse(line, sizeof line, "option", bare, names, n + 1);
	return refuse(argv[0], "%s", line);
}

int options_parse(int argc, char **argv, const struct option_help *help,
		  const struct option_spec *specs, size_t n, int *first)
{
	struct option longs[MOST + 2] = { 0 };
	char shorts[2 * MOST + 4] = ":h";
	int code, r;

	for (size_t i = 0; i < n && i < MOST; i++) {
		char letter[3] = { specs[i].letter, specs[i].value ? ':' : 0, 0 };
		longs[i] = (struct option){ specs[i].name, specs[i].value ? 1 : 0, NULL,
					    FIRST_CODE + (int)i };
		if (specs[i].letter)
			strcat(shorts, letter);
	}
	longs[n] = (struct option){ "help", 0, NULL, 'h' };
	optind = 0; /* begin anew, whatever was parsed before */
	opterr = 0;
	for (;;) {
		int at = optind ? optind : 1;
		if ((code = getopt_long(argc, argv, shorts, longs, NULL)) < 0)
			break;
		if (code == 'h') {
			print_help(help, specs, n);
			return OPTIONS_HELP;
		}
		if (code == '?' || code == ':')
			/* getopt may have moved words: the bad one is right before optind */
			return unknown(argv, specs, n, code == ':' || optind > at ? optind - 1 : at,
				       code == ':');
		size_t i = 0;
		while (i < n && code != FIRST_CODE + (int)i && code != specs[i].letter)
			i++;
		if ((r = take(argv[0], &specs[i], optarg)))
			return r;
	}
	*first = optind;
	if (argc - optind < help->min_words ||
	    (help->max_words >= 0 && argc - optind > help->max_words))
		return refuse(argv[0], "%s; usage: stubmap %s",
			      argc - optind < help->min_words ? "an argument is missing"
							      : "there are too many arguments",
			      help->usage);
	return 0;
}

int options_forms(const char *command, const struct option_forms *f, const char *other)
{
	const char *const given[] = { f->json ? "--json" : NULL, f->csv ? "--csv" : NULL,
				      f->markdown ? "--markdown" : NULL, other };
	const char *first = NULL;

	for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
		if (given[i] && first)
			return say_line(command, "%s and %s exclude each other", first, given[i]);
		first = given[i] ? given[i] : first;
	}
	return 0;
}
