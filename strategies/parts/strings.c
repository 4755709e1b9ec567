/* strings.c - a set of byte strings: open addressing, at most half full. */
#include "strings.h"

#include "bytes.h"

static uint32_t hash_of(const uint8_t *p, uint32_t len)
{
	uint64_t h = len;
	for (uint32_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return (uint32_t)(h ^ h >> 32);
}

static int grow(struct map_strings *s)
{
	size_t capacity = s->capacity ? 2 * s->capacity : 256;
	struct map_string *slots = calloc(capacity, sizeof *slots);
	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < s->capacity; i++) {
		size_t h = s->slots[i].hash;
		if (!s->slots[i].at)
			continue;
		while (slots[h & (capacity - 1)].at)
			h++;
		slots[h & (capacity - 1)] = s->slots[i];
	}
	free(s->slots);
	s->slots = slots;
	s->capacity = capacity;
	return 0;
}

int map_strings_put(struct map_strings *s, const uint8_t *string, uint32_t len, size_t align,
		    size_t *at)
{
	uint32_t hash = hash_of(string, len);
	struct map_string *slot;
	int error = s->used >= s->capacity / 2 ? grow(s) : 0;
	if (error)
		return error;
	for (size_t h = hash;; h++) {
		slot = &s->slots[h & (s->capacity - 1)];
		if (!slot->at)
			break;
		if (slot->hash != hash || slot->len != len)
			continue;
		if (len && memcmp(s->bytes.data + slot->at - 1, string, len))
			continue;
		*at = slot->at - 1;
		return 0;
	}
	error = map_bytes_zeros(&s->bytes, (align - s->bytes.len % align) % align, NULL);
	*at = s->bytes.len;
	if (!error)
		error = map_bytes_put(&s->bytes, string, len);
	if (error)
		return error;
	*slot = (struct map_string){ hash, len, *at + 1 };
	s->used++;
	return 0;
}

void map_strings_clear(struct map_strings *s)
{
	/* A table that one large set has made grow would take long to empty for each small one. */
	if (s->capacity > 256) {
		free(s->slots);
		s->slots = NULL;
		s->capacity = 0;
	} else if (s->used) {
		memset(s->slots, 0, s->capacity * sizeof *s->slots);
	}
	s->used = s->bytes.len = 0;
}

void map_strings_free(struct map_strings *s)
{
	free(s->bytes.data);
	free(s->slots);
	*s = (struct map_strings){ 0 };
}
