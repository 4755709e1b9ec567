/* layout.h - the picture of the lines, sets and pages that pieces of code lie in. */
#ifndef STUBMAP_CLI_LAYOUT_H
#define STUBMAP_CLI_LAYOUT_H

#include <stdbool.h>
#include <stdio.h>
#include <stubmap/watch.h>

enum { LAYOUT_LINE = 64, LAYOUT_PAGE = 4096, LAYOUT_SETS = LAYOUT_PAGE / LAYOUT_LINE };

struct layout_page {
	uint64_t number;	     /* of the address */
	uint16_t stubs[LAYOUT_SETS]; /* stubs that begin in each line */
	bool touched[LAYOUT_SETS];   /* a stub reaches into it */
	bool shared[LAYOUT_SETS];    /* shared code does */
};

struct layout {
	struct layout_page *pages; /* ascending; the caller frees them */
	size_t n, capacity;
	bool no_memory; /* the picture is not whole */
};

/* A piece at an address: a stub of one function, or shared code. */
void layout_add(struct layout *, const void *at, size_t bytes, bool stub);

struct layout_title {
	const char *what;    /* one line */
	unsigned ways;	     /* of the host's L1 instruction cache */
	unsigned cache_size; /* in bytes; 0: not known, and ways is the usual number */
};
/* At most 100 columns wide. */
void layout_text(FILE *, const struct layout *, const struct layout_title *);
void layout_svg(FILE *, const struct layout *, const struct layout_title *);

#endif
