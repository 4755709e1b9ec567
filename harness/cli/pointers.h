/*
 * pointers.h - what the addresses in a disassembled stub are: places that have a name.
 */
#ifndef STUBMAP_CLI_POINTERS_H
#define STUBMAP_CLI_POINTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POINTERS = 24, POINTERS_NAME = 48, POINTERS_TEXT = 300 };

struct pointers {
	struct {
		const char *name;
		uintptr_t at;
		size_t bytes;
		bool words; /* literals, which may be read */
	} known[POINTERS];
	size_t n;
};

/* Of overlapping places the one that was added first counts. One without an address has no name. */
void pointers_add(struct pointers *, const char *name, const void *at, size_t bytes);
/* The same, of 64-bit words whose values are pointers or constants. */
void pointers_add_words(struct pointers *, const char *name, const void *at, size_t bytes);
/* "instance+0x8", "stubmap+0x1234" (in the program itself); "" where
 * nothing is known. Returns out. */
const char *pointers_name(const struct pointers *, uint64_t value, char out[POINTERS_NAME]);

/*
 * An instruction with its operands' meaning: a jump or call by distance gets its target's address;
 * what has a name gets it. text is the disassembler's, next the address behind the instruction.
 *
 *      jmp -71                  jmp 0x7f0000001040 <body>
 *      jmp [rip + 4090]         jmp [rip + 4090]  # 0x7f0000002000 <literals>: 0x5581c0 <target>
 *      movabs rdi, 0x7ffd10     movabs rdi, 0x7ffd10 <instance>
 */
const char *pointers_explain(const struct pointers *, const char *text, uint64_t next,
			     char out[POINTERS_TEXT]);

#endif
