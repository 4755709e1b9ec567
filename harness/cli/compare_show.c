/* compare_show.c - prints what changed, and a sentence. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/say.h"
#include "base/table.h"
#include "base/tidy.h"
#include "cli/compare.h"

static void put_value(struct table *t, const struct comparison *c, double value)
{
	if (isnan(value))
		table_missing(t, c->why);
	else
		table_number(t, value);
}

static void put(struct table *t, const char *arm, const char *figure, const struct comparison *c)
{
	table_row(t);
	table_cell(t, "%s", arm);
	table_cell(t, "%s", figure);
	put_value(t, c, c->a);
	put_value(t, c, c->b);
	if (c->ratio.known)
		table_cell(t, "%.3f", c->ratio.value);
	else if (c->exact)
		table_cell(t, "-"); /* to or from 0 */
	else
		table_missing(t, c->why);
	if (c->ratio.interval && !c->exact)
		table_cell(t, "%.3f..%.3f", c->ratio.low, c->ratio.high);
	else if (c->exact || !c->ratio.known)
		table_cell(t, "%s", c->exact ? "exact" : "");
	else
		table_missing(t, c->why);
	table_cell(t, "%s", change_names[c->change]);
	table_tint(t, c->change == CHANGE_LESS	 ? TINT_GOOD
		      : c->change == CHANGE_MORE ? TINT_BAD
						 : TINT_NONE);
}

static bool is_shown(const struct comparison *c, bool all)
{
	return all || c->change == CHANGE_LESS || c->change == CHANGE_MORE;
}

/* The names of a row: its group, its arm, its figure. */
struct names {
	char heading[160], arm[80], figure[80];
};

static const char *text_of(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text ? text : "-";
}

static void name(const struct comparison *c, struct names *out)
{
	if (c->row) {
		snprintf(out->heading, sizeof out->heading, "%s", text_of(c->row, "file"));
		snprintf(out->arm, sizeof out->arm, "%s", text_of(c->row, "encoder"));
		snprintf(out->figure, sizeof out->figure, "%s", c->id.event);
		return;
	}
	group_label(c->census->run, &c->census->groups[c->cell], out->heading, sizeof out->heading);
	arm_label(c->census->run, &c->census->cells[c->cell], out->arm, sizeof out->arm);
	snprintf(out->figure, sizeof out->figure, "%s %s", c->id.phase, c->id.event);
}

static int print_table(const struct comparisons *all, bool every, bool markdown)
{
	static const char *const headers[] = { "arm", "figure", "A", "B", "B/A", "95 %", "B has" };
	struct names before = { 0 }, now;
	struct table t;
	bool any = false;

	table_begin(&t, headers, "llrrrrl");
	for (size_t i = 0; i < all->n; i++) {
		const struct comparison *c = &all->rows[i];
		if (!is_shown(c, every))
			continue;
		name(c, &now);
		bool same = any && !strcmp(before.heading, now.heading);
		if (!same)
			table_heading(&t, now.heading);
		put(&t, same && !strcmp(before.arm, now.arm) ? "" : now.arm, now.figure, c);
		before = now;
		any = true;
	}
	int r = table_end_as(&t, any ? stdout : NULL, markdown ? TABLE_MARKDOWN : TABLE_TEXT);
	if (any)
		putchar('\n');
	return r;
}

static json_t *real_or_null(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

static json_t *to_json(const struct comparison *c)
{
	const struct estimate *e = &c->ratio;
	json_t *of = c->row
			 ? json_pack("{s:O, s:O?}", "file", json_object_get(c->row, "file"),
				     "encoder", json_object_get(c->row, "encoder"))
			 : json_pack("{s:o, s:s}", "cell", cell_to_json(&c->census->cells[c->cell]),
				     "phase", c->id.phase);
	json_t *json = json_pack(
	    "{s:s, s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s?}", "event", c->id.event,
	    "unit", c->unit, "a", real_or_null(c->a), "b", real_or_null(c->b), "ratio",
	    real_or_null(e->known ? e->value : NAN), "ratio_low",
	    real_or_null(e->interval ? e->low : NAN), "ratio_high",
	    real_or_null(e->interval ? e->high : NAN), "p", real_or_null(c->chance), "p_holm",
	    real_or_null(c->holm), "detectable", real_or_null(c->detectable), "verdict",
	    change_names[c->change], "why", c->change == CHANGE_UNKNOWN ? c->why : NULL);

	if (of && json && json_object_update(of, json)) {
		json_decref(of);
		of = NULL;
	}
	json_decref(json);
	return of;
}

static const char *percent(double share, char out[32])
{
	snprintf(out, 32, share < 0.1 ? "%.2g" : "%.0f", share * 100);
	return out;
}

static void print_sentence(const struct comparisons *all, const struct compare_options *o,
			   size_t exceeding)
{
	char text[300], share[32];
	size_t n = 0;

	n += (size_t)snprintf(text, sizeof text, "%zu less, %zu more, %zu no difference",
			      all->counts[CHANGE_LESS], all->counts[CHANGE_MORE],
			      all->counts[CHANGE_NONE]);
	if (all->counts[CHANGE_UNKNOWN])
		n += (size_t)snprintf(text + n, sizeof text - n, ", %zu not comparable",
				      all->counts[CHANGE_UNKNOWN]);
	if (all->found < 10)
		snprintf(text + n, sizeof text - n,
			 "; %s %% would have been found in half of these",
			 percent(all->found, share));
	else if (!isnan(all->found))
		snprintf(text + n, sizeof text - n,
			 "; half of these are too few blocks or runs to find anything");
	table_wrap(text, 0, stdout);
	if (o->above >= 0)
		printf("%zu certainly more by over %g %%\n", exceeding, o->above * 100);
	if (all->only_a || all->only_b)
		printf("not compared: %zu cells of A only, %zu of B only\n", all->only_a,
		       all->only_b);
	if (all->counts[CHANGE_LESS] + all->counts[CHANGE_MORE] && o->runs_a == 1 && o->runs_b == 1)
		puts("one run a side: whatever else differed between them counts, too");
	if (o->unlike)
		puts("B/A is of machines that are not alike");
}

static json_t *summary_to_json(const struct comparisons *all, bool unlike, size_t exceeding)
{
	return json_pack(
	    "{s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:b}", "less",
	    (json_int_t)all->counts[CHANGE_LESS], "more", (json_int_t)all->counts[CHANGE_MORE],
	    "no_difference", (json_int_t)all->counts[CHANGE_NONE], "not_comparable",
	    (json_int_t)all->counts[CHANGE_UNKNOWN], "detectable", real_or_null(all->found),
	    "only_a", (json_int_t)all->only_a, "only_b", (json_int_t)all->only_b, "exceeding",
	    (json_int_t)exceeding, "unlike_machines", unlike);
}

/* One object a line, and one for the sentence, which no row of a CSV file can hold. */
static int print_tidy(const struct comparisons *all, const struct compare_options *o,
		      size_t exceeding)
{
	struct tidy tidy = { .out = stdout, .csv = o->forms.csv };
	int r = 0;

	for (size_t i = 0; i < all->n && !r; i++)
		if (is_shown(&all->rows[i], o->every))
			r = tidy_put(&tidy, to_json(&all->rows[i]));
	if (!r && o->forms.json)
		r = tidy_put(&tidy, summary_to_json(all, o->unlike, exceeding));
	tidy_end(&tidy);
	return r;
}

int compare_show(const struct comparisons *all, const struct compare_options *o)
{
	size_t exceeding = 0;
	int r = 0;

	for (size_t i = 0; i < all->n; i++)
		exceeding += o->above >= 0 && comparison_exceeds(&all->rows[i], o->above);
	if (o->forms.json || o->forms.csv) {
		r = print_tidy(all, o, exceeding);
	} else if (!(r = print_table(all, o->every, o->forms.markdown))) {
		print_sentence(all, o, exceeding);
	}
	return r ? say_line("stubmap compare", "%s", strerror(-r)) : exceeding > 0;
}
