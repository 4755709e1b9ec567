/*
 * importers.h - one importer a format. A new one is a file with a row at its end, and a word in the
 * list: NAME is the object importer_NAME.
 */
#ifndef STUBMAP_CORPORA_IMPORTERS_H
#define STUBMAP_CORPORA_IMPORTERS_H

#include <stdbool.h>

#include "corpora/corpus.h"
#include "corpora/image.h"

/* In the order in which they are asked: the first that takes a file reads it. */
#define IMPORTER_LIST(X) \
	X(llvm)          \
	X(ocaml)         \
	X(go)            \
	X(cwasm)

struct importer {
	const char *sign; /* what a file must have to be taken, for messages */
	/* Takes files of any machine and class, and wants them as they stand. Other importers get
	 * x86-64 alone, with its relocations applied. */
	bool foreign;
	bool (*takes)(const struct image *);
	/* out's name is filled in already. 0; -EINVAL or -ENOMEM with one
	 * line in the image's error. */
	int (*read)(const struct image *, struct corpus *out);
};

#endif
