/*
 * reader.c - the reader in OCaml's runtime, before OCaml 5: caml_next_frame_descriptor, its lookup
 * in the hash that it built when this program started, as a stack walk calls it. It finds the
 * descriptor and takes its frame from SP; the live places are read from the descriptor as its
 * collector reads them (caml_oldify_local_roots has that loop inside).
 */
#define CAML_INTERNALS
#include <caml/mlvalues.h>

#include <stdlib.h>
#include <string.h>

#include "../pair.h"

enum { REGISTER = 0x80000000u };

/* From caml/stack.h, which asks for the target's macros. */
typedef struct {
	uintnat retaddr;
	unsigned short frame_size, num_live, live_ofs[];
} descriptor;
extern descriptor *caml_next_frame_descriptor(uintnat *pc, char **sp);

static uintnat text;
/* A frame for the walk to step over, of zeros: the walk ends there. */
static char stack[1 << 17];

static const descriptor *find(uint32_t at)
{
	uintnat pc = text + at;
	char *sp = stack;

	return caml_next_frame_descriptor(&pc, &sp);
}

/* OCaml's numbers of x86-64's registers (asmcomp/amd64/proc.ml) as DWARF's. */
static const uint8_t dwarf[] = { 0, 3, 5, 4, 1, 2, 8, 9, 12, 13, 10, 11, 6 };

static int by_place(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int answer(uint32_t pc, struct pair_answer *out)
{
	const descriptor *d = find(pc);

	if (!d)
		return 0;
	out->frame_size = d->frame_size & 0xfffc;
	out->nplaces = d->num_live;
	for (uint32_t i = 0; i < d->num_live; i++) {
		uint32_t v = d->live_ofs[i];
		if (v & 1 && v / 2 >= sizeof dwarf)
			return 0;
		out->places[i] = v & 1 ? REGISTER + dwarf[v / 2] : v / 4;
	}
	qsort(out->places, out->nplaces, sizeof *out->places, by_place);
	return 1;
}

static uint64_t pass(const uint32_t *pcs, size_t n, int places)
{
	uint64_t sum = 0, zero = 0;

	__asm__("" : "+r"(zero));
	for (size_t i = 0; i < n; i++) {
		const descriptor *d = find(pcs[i] + (uint32_t)(sum & zero));
		if (!d) {
			sum++;
			continue;
		}
		sum += d->frame_size & 0xfffc;
		for (uint32_t k = 0; places && k < d->num_live; k++)
			sum += d->live_ofs[k] & 1 ? 1 : d->live_ofs[k];
	}
	return sum;
}

value reader_main(value words)
{
	const struct pair_reader theirs = { .answer = answer, .pass = pass, .exact = 1 };
	int n = (int)Wosize_val(words);
	char **argv = calloc((size_t)n + 1, sizeof *argv);

	for (int i = 0; i < n; i++)
		argv[i] = strdup(String_val(Field(words, i)));
	if (n < 3)
		return Val_int(2);
	text = strtoull(argv[1], NULL, 16);
	return Val_int(pair_main(n - 2, argv + 2, &theirs));
}
