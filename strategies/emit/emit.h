/*
 * emit.h - the emitter: machine code of stubs, as bytes that may be copied anywhere.
 *
 * A body is a whole stub. Bodies differ in how they reach their two literals, target and context:
 *
 *   form          context                target                       used for
 *   EMIT_NEAR     mov reg, imm64         call rel32                   baked, target in reach
 *   EMIT_FAR      mov reg, imm64         mov rax, imm64; call rax     baked, target anywhere
 *   EMIT_TABLE    [rip..]: word p+S+8    call [rip..]: word p+S       one side table
 *   EMIT_BEHIND   [r11+S]                call [r11+8]                 body behind a pool's head
 *   EMIT_CALLEE   [r10+16]               call [r10+8]                 the callee is the table
 *
 * Bound arguments (bind) are immediates in the baked forms. In EMIT_TABLE they are words from
 * p+S+16 on, for which the stub's own size leaves room. Behind a head the word at r11+S+8 is
 * the argument if it is the only one, else a pointer to spec->bound; in EMIT_CALLEE the
 * callee's word points there.
 *
 * With poison, the forms up to EMIT_TABLE and EMIT_CALLEE begin with a head that a store of data
 * turns away from the body:
 *
 *   lea r11, [p+2S]; jmp [r11]                          [p+2S]: p + EMIT_SLOT, or the report
 *   cmp [r10], 0; jne body; lea r11, [p]; jmp [r10+24]  EMIT_CALLEE: code 0: word is the report
 *
 * p is the stub's address, S code_literal_distance(), r11 = p+S, r10 the callee. All forms are
 * position-independent but for what emit_literals and emit_retarget write into the first two.
 */
#ifndef STUBMAP_EMIT_H
#define STUBMAP_EMIT_H

#include "../stub.h"
#include "../watch.h"

enum { EMIT_MAX = 2048 }; /* bytes: no body is larger */
enum { EMIT_SLOT = 16 };  /* bytes of a pool's head, and the alignment of every body */

/* How a piece of code changes its frame (watch.h). */
enum { EMIT_CHANGES = 12 };
struct emit_frames {
	struct stub_change changes[EMIT_CHANGES];
	unsigned n;
};

enum emit_form { EMIT_NEAR, EMIT_FAR, EMIT_TABLE, EMIT_BEHIND, EMIT_CALLEE, EMIT_FORMS };

struct emit_config {
	enum emit_form form;
	bool markers;	 /* endbr64 first */
	size_t distance; /* S */
	struct stub_runtime runtime;
	bool poison;
	const char *by; /* the strategy's name, for a watch; emit_body does not read it */
};

/* Where a baked body's literals lie; 0: it has none. */
struct emit_patches {
	uint16_t context; /* offset of the imm64 */
	uint16_t target;  /* of the rel32 (4-byte aligned) or imm64 (8-byte aligned) */
	uint16_t bound[STUB_MAX_BOUND]; /* of the immediates, as wide as their types */
};

/* Writes the body for a spec's kind, signature and number of bound arguments; it reads nothing else
 * of the spec. 0 and the body's size in bytes, -ENOTSUP (one of the three is unknown), or -EINVAL
 * (the runtime lacks a function that the kind calls). */
int emit_body(uint8_t code[EMIT_MAX], const struct emit_config *config,
	      const struct stub_spec *spec, size_t *size, struct emit_patches *patches);
/* How that body changes its frame. Errors as emit_body's. */
int emit_frames(const struct emit_config *config, const struct stub_spec *spec,
		struct emit_frames *frames);
/* 0, or the error that emit_body would return. */
int emit_check(const struct stub_spec *spec, const struct stub_runtime *runtime);

/* Whether a near call anywhere in [at, at+EMIT_MAX) reaches target; NULL is never in reach. */
bool emit_in_reach(const void *at, const void *target);
/* Writes the spec's literals into a baked body that will run at `at`, through `write`. */
void emit_literals(enum emit_form form, const struct emit_patches *patches, void *write,
		   const void *at, const struct stub_spec *spec);
/* Replaces the target by one aligned store: a processor inside the stub calls the old target or the
 * new. EMIT_NEAR: target must be in reach. */
void emit_retarget(enum emit_form form, const struct emit_patches *patches, void *write,
		   const void *at, const void *target);

/* A pool's head: r11 = p+S, jump to the body that [r11] names. At most EMIT_SLOT bytes. */
size_t emit_head(uint8_t code[EMIT_SLOT], size_t distance, bool markers);
/* A whole stub that fits a slot and is the same for every signature, with its literals in the side
 * table (EMIT_TABLE). Returns its size, or 0 if the kind has none. */
size_t emit_whole(uint8_t slot[EMIT_SLOT], enum stub_kind kind, size_t distance, bool markers);

/*
 * A line of bare slots: whole indirect stubs, all alike, that read the callee's words.
 *
 *      | mov rdi, [r10+16]; jmp [r10+8] | ... | ... | ... | ... |    |
 *      0                               12                      60   64
 *
 * The code takes 8 of a slot's 12 bytes, with markers all 12. With more slots in a line a predictor
 * would lose some (island.c).
 */
enum { EMIT_LINE = 64, EMIT_BARE_SLOT = 12, EMIT_BARE_LINE = 5 };
void emit_bare_line(uint8_t line[EMIT_LINE], bool markers);

/* A body that traps; a free slot leads to it. At most EMIT_SLOT bytes. */
size_t emit_trap(uint8_t code[EMIT_SLOT], bool markers);

/* The registers that a trigger saved, in memory order; it restores all of them, changed or not. */
struct emit_saved {
	uint64_t rax, r10, r9, r8, rcx, rdx, rsi, rdi;
	uint64_t xmm[8]; /* low halves */
};
/* Code that calls slow(arg, callee, saved) with every argument register saved, then jumps to the
 * address that slow returned, as if it had been called there; NULL: it returns to its caller.
 * frames, here and below: NULL, or how the code changes its frame. */
size_t emit_trigger(uint8_t code[EMIT_MAX], bool markers,
		    const void *(*slow)(void *arg, struct stub_callee *, struct emit_saved *),
		    void *arg, struct emit_frames *frames);

/*
 * The end of an interpretive stub's frame; while the target runs, rsp is its address. The registers
 * hold first the caller's values, then those for the target; likewise with results.
 */
struct emit_call {
	uint64_t stack[STUB_MAX_PARAMS]; /* the target's stack arguments */
	uint64_t ints[6];		 /* rdi, rsi, rdx, rcx, r8, r9 */
	uint64_t floats[8];		 /* xmm0-7, low halves */
	uint64_t r13;			 /* ref: what the caller expects */
	const void *target;
	uint64_t rax, xmm0;
};
enum emit_next {
	EMIT_GO,     /* leave the frame, registers as in the call, jump to target as if called */
	EMIT_CALL,   /* call target in this frame, then ask `after` for the results */
	EMIT_RETURN, /* return with rax, xmm0 */
};
/* The C functions that decide what becomes of a call. frame is the stub's rbp: `before` writes [-1]
 * and [-2] (stub.h); [0] and up are the caller's. */
struct emit_hooks {
	enum emit_next (*before)(void *arg, struct stub_callee *, struct emit_call *,
				 uint64_t *frame);
	void (*after)(void *arg, struct emit_call *, uint64_t *frame);
	void *arg;
};
/* Code that makes a frame of `size` bytes that ends in an emit_call, and asks the hooks what
 * becomes of the call. */
size_t emit_interpreter(uint8_t code[EMIT_MAX], bool markers, size_t size,
			const struct emit_hooks *hooks, struct emit_frames *frames);

/* How a call that is not made ends: zero in the result registers; zero in argv[0] too
 * (entry_native); STUB_VALUE_ERROR (entry_js). */
enum emit_zero { EMIT_ZERO, EMIT_ZERO_ARGV, EMIT_ZERO_ERROR, EMIT_ZEROES };
enum emit_zero emit_zero_of(enum stub_kind kind, stub_signature s);
/* Where a poisoned stub leads: calls report(arg, r11, r10), then returns as `zero` says. */
size_t emit_poisoned(uint8_t code[EMIT_MAX], bool markers, enum emit_zero zero,
		     void (*report)(void *arg, uint8_t *at, struct stub_callee *c), void *arg,
		     struct emit_frames *frames);

#endif
