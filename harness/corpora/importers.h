/* importers.h - one function a format. import.c tells the formats apart and calls them. */
#ifndef STUBMAP_CORPORA_IMPORTERS_H
#define STUBMAP_CORPORA_IMPORTERS_H

#include "corpora/corpus.h"
#include "corpora/image.h"

/* out's name must be filled. 0; -EINVAL or -ENOMEM with one line in the image's error. */
int import_ocaml(const struct image *, struct corpus *out);
int import_go(const struct image *, struct corpus *out);
int import_llvm(const struct image *, struct corpus *out);
int import_cwasm(const struct image *, struct corpus *out);

#endif
