/* estimate.c - prints an estimate and its interval. */
#include "analysis/estimate.h"

static void write_number(double v, const char *form, char *out, size_t size)
{
	if (form)
		snprintf(out, size, form, v);
	else
		table_format(v, out, size);
}

void estimate_interval(struct table *t, const struct estimate *e, double scale, const char *form)
{
	char low[32], high[32];

	if (!e->interval) {
		table_missing(t, e->why ? e->why : "no interval");
		return;
	}
	write_number(e->low * scale, form, low, sizeof low);
	write_number(e->high * scale, form, high, sizeof high);
	table_cell(t, "%s..%s", low, high);
}

void estimate_print(FILE *out, const struct estimate *e)
{
	if (e->known)
		fprintf(out, "\t%.6g", e->value);
	else
		fputs("\tNaN", out);
	if (e->interval)
		fprintf(out, "\t%.6g\t%.6g", e->low, e->high);
	else
		fputs("\tNaN\tNaN", out);
}
