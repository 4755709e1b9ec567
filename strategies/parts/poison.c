/*
 * poison.c - the code that released slots lead to, and the queue in which those slots wait.
 */
#include <errno.h>
#include <string.h>

#include "poison.h"
#include "watched.h"

int poison_open(struct poison *poison, struct stub_space *space,
		void (*report)(void *space, uint8_t *r11, struct stub_callee *r10))
{
	const uint8_t *entries[EMIT_ZEROES];
	uint8_t code[EMIT_MAX];
	int error = 0;

	arena_init(&poison->arena, space->code);
	if (!space->config.poison)
		return 0;
	for (unsigned i = 0; i < EMIT_ZEROES; i++) {
		struct emit_frames frames;
		size_t size = emit_poisoned(code, space->config.markers, i, report, space, &frames);
		uint8_t *at = arena_take(&poison->arena, size);

		if (at) {
			memcpy(code_writable(space->code, at), code, size);
			watched_code(space->code, STUB_ROLE_REPORT, space->ops->name, at, size,
				     &frames);
		} else if (!error) {
			error = -errno;
		}
		entries[i] = at;
	}
	const int refused = arena_commit(&poison->arena);
	if (error || refused) {
		poison_close(poison);
		return error ? error : refused;
	}
	memcpy(poison->entries, entries, sizeof(entries));
	return 0;
}

void poison_close(struct poison *poison)
{
	arena_close(&poison->arena);
}

uint64_t poison_pass(struct poison *poison, uint64_t name)
{
	uint64_t out = poison->ring[poison->next];

	poison->ring[poison->next] = name;
	poison->next = (poison->next + 1) % POISON_QUARANTINE;
	return out;
}
