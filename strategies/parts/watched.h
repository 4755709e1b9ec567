/*
 * watched.h - what strategies tell the watch of a code memory, if it has one (watch.h).
 */
#ifndef STUBMAP_WATCHED_H
#define STUBMAP_WATCHED_H

#include "../code/internal.h"
#include "../emit/emit.h"

/* A body, or a stub with its own (role), was placed. config: as for its emit_body. */
void watched_body(const struct code_memory *code, enum stub_role role, const void *at, size_t bytes,
		  const struct emit_config *config, const struct stub_spec *spec);
/* Code that is no function's; frames NULL: it makes none. */
void watched_code(const struct code_memory *code, enum stub_role role, const char *by,
		  const void *at, size_t bytes, const struct emit_frames *frames);
/* A slot was bound; its code was told before. */
void watched_slot(const struct code_memory *code, const char *by, const void *at, size_t bytes,
		  const struct stub_spec *spec);

#endif
