/* watched.c - tells the watch, and gives pieces their names. */
#include <stdio.h>

#include "watched.h"

static void tell(const struct code_memory *code, const struct stub_piece *piece)
{
	const struct stub_watch *watch = code_get_config(code)->watch;

	if (watch)
		watch->made(watch->arg, piece);
}

/* The body is emitted once more to learn its frames: nothing is kept for a
 * watch that may never be. */
void watched_body(const struct code_memory *code, enum stub_role role, const void *at, size_t bytes,
		  const struct emit_config *config, const struct stub_spec *spec)
{
	struct emit_frames frames = { 0 };

	if (!code_get_config(code)->watch || emit_frames(config, spec, &frames))
		return;
	tell(code, &(struct stub_piece){ .at = at,
					 .bytes = bytes,
					 .role = role,
					 .by = config->by,
					 .kind = spec->kind,
					 .signature = spec->signature,
					 .changes = frames.changes,
					 .nchanges = frames.n });
}

void watched_code(const struct code_memory *code, enum stub_role role, const char *by,
		  const void *at, size_t bytes, const struct emit_frames *frames)
{
	tell(code, &(struct stub_piece){ .at = at,
					 .bytes = bytes,
					 .role = role,
					 .by = by,
					 .changes = frames ? frames->changes : NULL,
					 .nchanges = frames ? frames->n : 0 });
}

void watched_slot(const struct code_memory *code, const char *by, const void *at, size_t bytes,
		  const struct stub_spec *spec)
{
	tell(code, &(struct stub_piece){ .at = at,
					 .bytes = bytes,
					 .role = STUB_ROLE_STUB,
					 .by = by,
					 .kind = spec->kind,
					 .signature = spec->signature });
}

char *stub_piece_name(const struct stub_piece *piece, char text[STUB_PIECE_NAME])
{
	static const char *const roles[STUB_ROLES] = {
		[STUB_ROLE_STUB] = "stub",     [STUB_ROLE_BODY] = "body",
		[STUB_ROLE_SLOTS] = "slots",   [STUB_ROLE_TRIGGER] = "trigger",
		[STUB_ROLE_REPORT] = "report", [STUB_ROLE_TRAP] = "trap",
	};
	char signature[20];

	if (piece->role > STUB_ROLE_BODY)
		snprintf(text, STUB_PIECE_NAME, "%s %s", roles[piece->role], piece->by);
	else
		snprintf(text, STUB_PIECE_NAME, "%s %s/%s %s", roles[piece->role], piece->by,
			 stub_kind_names[piece->kind],
			 stub_signature_format(piece->signature, signature));
	return text;
}
