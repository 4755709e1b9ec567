/*
 * watch.h - a public header of libstubmap: what profilers, debuggers and unwinders need to know of
 * stubs. Opt-in: with code_config.watch NULL nothing here costs anything.
 *
 * A watch is told of each piece of machine code that strategies place in a code memory, with its
 * name and with how its frame changes, and of each that goes. The embedder decides what to make of
 * it: a line for perf, a record of jitdump, a symbol for gdb (harness/names has all three).
 *
 *      struct stub_watch watch = { .made = made, .gone = gone, .moved = moved, .arg = &names };
 *      code_open(&memory, &(struct code_config){ ..., .watch = &watch });
 *
 * Unwinding. Stubs that end in a jump leave the stack as they found it; all others make a frame by
 * rbp. So there are few layouts, and a table can name one for each byte of code:
 *
 *      code    | push rbp | mov rbp, rsp | ...   leave | ret | ...
 *      table   | 0        | 2 2 2        | 3 3 3 3     | 0   | 3 3
 *
 * struct stub_frames is that table and one .eh_frame section with one entry for all stubs, whose
 * rules read the table at the program counter. It is registered once a code memory, not once a
 * stub or a quantum: stubs come, go and are made by a first call, and unwinding is right at each
 * instruction, while callers run, with nothing to register or lock.
 *
 *      code_open(&memory, ...);
 *      stub_frames_open(&frames, memory);          before a space is opened on it
 *      __register_frame(stub_frames_section(frames, NULL));
 *      ...                                         the watch calls stub_frames_made
 *      __deregister_frame(stub_frames_section(frames, NULL));
 *      stub_frames_close(frames);                  after all spaces are closed
 *
 * It costs a byte for each byte of code (memory that is touched as stubs are made, out of 384 MiB
 * of address space), and the store of these bytes when a stub is made. An unwinder must evaluate
 * DWARF expressions and read memory: libgcc's, LLVM's and gdb do; perf's --call-graph dwarf, which
 * sees copied stacks alone, does not (--call-graph fp follows the frames by rbp).
 */
#ifndef STUBMAP_WATCH_H
#define STUBMAP_WATCH_H

#include "stub.h"

#ifdef __cplusplus
extern "C" {
#endif

enum stub_role {
	STUB_ROLE_STUB,	   /* one function's */
	STUB_ROLE_BODY,	   /* shared by the stubs of a kind and signature */
	STUB_ROLE_SLOTS,   /* code of stubs to come: each is told again when it is bound */
	STUB_ROLE_TRIGGER, /* where calls of deferred stubs lead */
	STUB_ROLE_REPORT,  /* where calls of poisoned stubs lead */
	STUB_ROLE_TRAP,	   /* where calls of free slots lead */
	STUB_ROLES
};

enum stub_frame {
	STUB_FRAME_NONE,   /* the return address is at rsp */
	STUB_FRAME_PUSHED, /* at rsp + 8: the caller's rbp was pushed */
	STUB_FRAME_MADE,   /* and rbp points there */
	STUB_FRAMES
};
struct stub_change {
	uint16_t at;   /* byte of the piece from which on it holds */
	uint8_t frame; /* enum stub_frame */
};

struct stub_piece {
	const uint8_t *at; /* its bytes can be read: written, but perhaps not executable yet */
	size_t bytes;
	enum stub_role role;
	const char *by;			   /* the name of the strategy whose code it is */
	enum stub_kind kind;		   /* STUB_ROLE_STUB, _BODY; else 0 */
	stub_signature signature;	   /* likewise */
	const struct stub_change *changes; /* ascending; before them: STUB_FRAME_NONE */
	unsigned nchanges;
};

/* All are called in the hooks of spaces (stub.h) and in the first call of a deferred stub, by one
 * thread at a time, and must not call into the library but for this header. The piece and what it
 * points to are valid during the call. */
struct stub_watch {
	void (*made)(void *arg, const struct stub_piece *);
	/* The pieces that begin in [at, at + bytes), if there are any, are no more. */
	void (*gone)(void *arg, const uint8_t *at, size_t bytes);
	/* The stub in the slot `from` now lies in the slot `to`.
	 * The old one can be called until it is gone. */
	void (*moved)(void *arg, const uint8_t *from, const uint8_t *to);
	void *arg;
};

/* "stub pool/exit_js iid>l", "slots pool"; returns text. */
enum { STUB_PIECE_NAME = 64 };
char *stub_piece_name(const struct stub_piece *, char text[STUB_PIECE_NAME]);

struct stub_frames;
/* 0 or -ENOMEM: *out is then NULL. */
int stub_frames_open(struct stub_frames **out, const struct code_memory *code);
void stub_frames_close(struct stub_frames *frames); /* NULL: nothing */
/* The section, which stays as it is; size: in bytes, or NULL. */
const void *stub_frames_section(const struct stub_frames *frames, size_t *size);
/* For the watch's `made`. It need not be told of code that is gone,
 * only of code that is made there next. */
void stub_frames_made(struct stub_frames *frames, const struct stub_piece *piece);

#ifdef __cplusplus
}
#endif

#endif
