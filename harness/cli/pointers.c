/* pointers.c - reads the operands in the disassembler's text: Intel's syntax, as LLVM prints it. */
#include "cli/pointers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The program's own code and data, as the linker has them. */
extern const char __executable_start[], _end[];

static void add(struct pointers *p, const char *name, const void *at, size_t bytes, bool words)
{
	if (at && p->n < POINTERS) {
		p->known[p->n].name = name;
		p->known[p->n].at = (uintptr_t)at;
		p->known[p->n].bytes = bytes;
		p->known[p->n++].words = words;
	}
}

void pointers_add(struct pointers *p, const char *name, const void *at, size_t bytes)
{
	add(p, name, at, bytes, false);
}

void pointers_add_words(struct pointers *p, const char *name, const void *at, size_t bytes)
{
	add(p, name, at, bytes, true);
}

/* The place's index, or p->n. */
static size_t find(const struct pointers *p, uint64_t value)
{
	size_t i = 0;

	while (i < p->n && value - p->known[i].at >= p->known[i].bytes)
		i++;
	return i;
}

const char *pointers_name(const struct pointers *p, uint64_t value, char out[POINTERS_NAME])
{
	const uintptr_t program = (uintptr_t)__executable_start;
	size_t i = find(p, value);

	*out = 0;
	if (i < p->n && value == p->known[i].at)
		snprintf(out, POINTERS_NAME, "%s", p->known[i].name);
	else if (i < p->n)
		snprintf(out, POINTERS_NAME, "%s+0x%" PRIx64, p->known[i].name,
			 value - p->known[i].at);
	else if (value - program < (uintptr_t)_end - program)
		snprintf(out, POINTERS_NAME, "stubmap+0x%" PRIx64, value - program);
	return out;
}

/* Appends " <name>", if the value has one. */
static size_t put_name(const struct pointers *p, uint64_t value, char *out, size_t size)
{
	char name[POINTERS_NAME];

	if (!*pointers_name(p, value, name))
		return 0;
	return (size_t)snprintf(out, size, " <%s>", name);
}

/* Whether the text is a whole number, in digits of any base. */
static bool is_number(const char *text, int64_t *value)
{
	char *end;

	*value = *text == '-' ? strtoll(text, &end, 0) : (int64_t)strtoull(text, &end, 0);
	return end != text && !*end;
}

/* Whether the operands have [rip + N], and then to where. */
static bool is_relative(const char *operands, uint64_t next, uint64_t *at)
{
	const char *rip = strstr(operands, "[rip ");
	uint64_t distance;
	char sign;

	if (!rip || sscanf(rip, "[rip %c %" SCNi64, &sign, (int64_t *)&distance) != 2)
		return false;
	*at = sign == '-' ? next - distance : next + distance;
	return true;
}

/* Appends "  # 0x7f...2000 <literals>: 0x55... <target>". */
static void put_place(const struct pointers *p, uint64_t at, char *out, size_t size)
{
	size_t i = find(p, at), n = (size_t)snprintf(out, size, "  # 0x%" PRIx64, at);
	uint64_t word;

	n += put_name(p, at, out + n, size - n);
	if (i == p->n || !p->known[i].words ||
	    at - p->known[i].at + sizeof word > p->known[i].bytes)
		return;
	memcpy(&word, (const void *)(uintptr_t)at, sizeof word);
	n += (size_t)snprintf(out + n, size - n, ": 0x%" PRIx64, word);
	put_name(p, word, out + n, size - n);
}

const char *pointers_explain(const struct pointers *p, const char *text, uint64_t next,
			     char out[POINTERS_TEXT])
{
	const size_t op = strcspn(text, "\t"), size = POINTERS_TEXT;
	const char *operands = text + op + (text[op] == '\t'), *last = strrchr(operands, ' ');
	const bool branch = *text == 'j' || !strncmp(text, "call", 4);
	int64_t number;
	uint64_t at;
	size_t n;

	if (branch && is_number(operands, &number)) {
		at = next + (uint64_t)number;
		n = (size_t)snprintf(out, size, "%.*s\t0x%" PRIx64, (int)op, text, at);
		put_name(p, at, out + n, size - n);
		return out;
	}
	n = (size_t)snprintf(out, size, "%s", text);
	if (is_relative(operands, next, &at))
		put_place(p, at, out + n, size - n);
	else if (is_number(last ? last + 1 : operands, &number))
		put_name(p, (uint64_t)number, out + n, size - n);
	return out;
}
