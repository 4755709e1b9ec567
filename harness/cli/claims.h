/* claims.h - what `stubmap claims` found, for other commands. */
#ifndef STUBMAP_CLI_CLAIMS_H
#define STUBMAP_CLI_CLAIMS_H

#include "analysis/claims.h"

/* The objects of `stubmap claims --json`, an array of them in the order of its table.
 * NULL: out of memory. */
json_t *claims_rows(const struct claims *, const struct trial *);

#endif
