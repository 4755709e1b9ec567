/* report_drawings.c - a run's drawings as parts of the page. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/html.h"
#include "cli/drawings.h"
#include "cli/report.h"

static void put_drawing(FILE *out, const struct drawing *f, const struct run *run, const char *name,
			const char *svg, unsigned number)
{
	const json_t *plan = json_object_get(run->head, "plan");

	fputs("<figure><img alt=\"", out);
	html_text(out, f->caption);
	fputs("\" src=\"", out);
	html_data_svg(out, svg);
	fprintf(out, "\"><figcaption>Figure %u. ", number);
	html_text(out, f->caption);
	fputs(". ", out);
	html_text(out, name);
	fprintf(out, ", %lld blocks; bands and whiskers are 95 %%.</figcaption></figure>\n",
		(long long)json_integer_value(json_object_get(plan, "blocks")));
}

int report_drawings(FILE *out, const struct run *run, const char *name, unsigned *number)
{
	static const char command[] = "stubmap report";
	char path[PATH_MAX];
	struct drawer d;
	int r = drawer_begin(&d, command, run);

	if (r)
		return drawer_fail(command, r);
	/* Beside the messages, in the folder that is this user's alone. */
	snprintf(path, sizeof path, "%.*s.svg", (int)(strlen(d.said) - 4), d.said);
	for (const struct drawing *f = drawings; f->name && r >= 0; f++) {
		if ((r = drawer_has(&d, f)) <= 0 || drawer_draw(&d, f, path))
			continue;
		char *svg = drawer_read(path);
		if (svg)
			put_drawing(out, f, run, name, svg, (*number)++);
		free(svg);
	}
	unlink(path);
	drawer_end(&d);
	return r < 0 ? drawer_fail(command, r) : 0;
}
