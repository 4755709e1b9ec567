/*
 * stub.h - a public header of libstubmap: stubs, and the allocators that place them.
 *
 * A stub is machine code at a call boundary. Callers never know where it lies: they call through a
 * callee, whose first word is the code pointer, with the callee's own address in r10:
 *
 *      mov  r10, callee            callee                 stub (anywhere)         target
 *      call [r10]  ------------->  | code    | -------->  | convert, switch | --> | ... |
 *                                  | target  |            | instance, call  |
 *                                  | context |            +-----------------+
 *                                  | word    |
 *
 * In use (each of these can fail; examples/jit.c has it in full):
 *
 *      code_open(&memory, &(struct code_config){ .wx = CODE_DUAL, .quantum = 4096 });
 *      struct stub_config config = { .literals = STUB_LITERALS_OWN };
 *      stub_space_open(&space, stub_strategy("pool"), memory, &config, &runtime);
 *
 *      struct stub_spec spec = { .kind = STUB_INDIRECT, .target = f, .context = &instance };
 *      stub_signature_parse("ii>i", &spec.signature);
 *      space.ops->bind(&space, &spec, &callee);
 *      ...                      compiled code calls through &callee, C through stub_call_pad
 *      space.ops->retarget(&space, &callee, better_f);
 *      space.ops->release(&space, &callee);
 *
 *      stub_space_close(&space);
 *      code_close(memory);
 *
 * watch.h tells profilers, debuggers and unwinders of stubs, for those who ask.
 *
 * The calling conventions (System V x86-64; `ctx` is the instance, the first argument of all
 * compiled code, as in Wasmtime; r10 holds the callee, LLVM's `nest`):
 *
 *   kind          called as                              calls
 *   entry_native  void (uint64_t *argv)                  R target(context, args...); argv[0] = R
 *   entry_js      value (value *argv, size_t argc)       R target(context, args...); boxes R
 *   exit_js       R (ctx, args...)                       int target(context, value *argv, argc)
 *   indirect      R (ctx, args...)                       R target(context, args...), by a jump
 *   builtin       R (ctx, args...)                       R target(ctx, args...)
 *   bind          R (ctx, the other args...)             R target(context, bound..., the others...)
 *   ref           R (ctx, args...), r13: signature       R target(context, args...), by a jump
 *
 * bind is func.bind, as wasm's function-references proposal had it: the first one to four arguments
 * are stored. If the caller's stack arguments stay where they are, the stub ends in a jump, like
 * indirect; if some move, it makes a frame. A stored reference is a root that no stack map names:
 * the collector must not move its object.
 *
 * ref calls through a function reference of any instance and checks each call: r13 (LLVM's
 * `swiftself`, kept over the call) holds the signature that the caller expects; a callee whose
 * target is NULL is the null reference. If the signature differs or the reference is null, the stub
 * calls runtime.raise(context) and returns zero.
 *
 * An instance begins with a pointer to its thread's struct stub_activation (types.h). Each stub
 * that makes a frame lays it out so that a stack walk can cross it:
 *
 *      [rbp+8]   return address
 *      [rbp]     caller's rbp
 *      [rbp-8]   enum stub_kind, as an integer
 *      [rbp-16]  entry_*: the activation's previous exit_frame; others: the caller's instance
 */
#ifndef STUBMAP_STUB_H
#define STUBMAP_STUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "code.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

enum stub_kind {
	STUB_ENTRY_NATIVE,
	STUB_ENTRY_JS,
	STUB_EXIT_JS,
	STUB_INDIRECT,
	STUB_BUILTIN,
	STUB_BIND,
	STUB_CALL_REF, /* "ref" */
	STUB_KINDS
};
extern const char *const stub_kind_names[STUB_KINDS];

/* The facts that one stub needs. */
enum { STUB_MAX_BOUND = 4 };
struct stub_spec {
	enum stub_kind kind;
	stub_signature signature; /* bind: the target's, stored parameters included */
	const void *target;	  /* ref: NULL is the null reference */
	void *context;
	/* bind, else 0: the stored arguments in entry_native's form, 1 to STUB_MAX_BOUND. The array
	 * stays the embedder's, unchanged and in place until release: stubs may read it there. */
	const uint64_t *bound;
	unsigned nbound;
	uint32_t module, table; /* a policy groups stubs by these; table 0: in none */
};

/* The function object. Callers read `code`; a strategy may replace it at any time. */
struct stub_callee {
	const void *code;
	const void *target; /* as last bound or retargeted */
	void *context;
	uint64_t word; /* private to the strategy; 0 while unbound, unless released under poison */
};

/* ---- A strategy at work -------------------------------------------------------------------- */

/* Where a stub finds its target and context. */
enum stub_literals {
	STUB_LITERALS_OWN,   /* the strategy chooses: in the stub's code if it can */
	STUB_LITERALS_BAKED, /* in the stub's code */
	STUB_LITERALS_TABLE, /* in the side table (code.h) */
};

/* STUB_DEFERRED strategies: which pending stubs are made when one of them is first called. */
enum stub_policy {
	STUB_ALL,	/* every pending stub */
	STUB_ONE,	/* the called one alone */
	STUB_TABLE,	/* those of its table; if it is in none: it alone */
	STUB_MODULE,	/* those of its module */
	STUB_SIGNATURE, /* those of its kind and signature */
	STUB_ADAPTIVE,	/* as many as the calls so far make worthwhile */
	STUB_RENT,	/* those that the calls so far have paid for; these are interpreted */
	STUB_POLICIES
};
extern const char *const stub_policy_names[STUB_POLICIES];

struct stub_config {
	enum stub_literals literals; /* once the space is open, never STUB_LITERALS_OWN */
	bool markers;		     /* endbr64 at the start of each stub */
	/* Threads call stubs while hooks run: executable code is never unprotected, and a
	 * stub that a retarget replaced is kept until reclaim. Set it for all spaces of a
	 * code memory or for none. */
	bool running;
	/* Catches calls of released stubs: a released slot reports its old owner (runtime.released)
	 * until 256 more stubs have been released. Stubs get larger and slower. */
	bool poison;
	enum stub_policy policy; /* STUB_DEFERRED */
	/* STUB_DEFERRED: the least number of interpreted calls before a stub is made; under
	 * STUB_RENT there may be more. */
	uint32_t generic;
};

struct stub_ops;
struct stub_space {
	const struct stub_ops *ops;
	struct code_memory *code;
	struct stub_config config;
	struct stub_runtime runtime;
	void *state;	     /* ops->state bytes */
	const void *pending; /* lazy sets it: a callee with this code is not bound here yet */
};

/* 0, or -EINVAL (ops lacks a hook, or has one that its flags deny; the literal form is not one of
 * its flags; the runtime lacks a function that the strategy or poison calls), -ENOMEM, -ENOSYS
 * (running, and no membarrier SYNC_CORE: Linux before 4.16, or a seccomp filter; CODE_TOGGLE needs
 * none). The space must not move in memory until it is closed. */
int stub_space_open(struct stub_space *space, const struct stub_ops *ops, struct code_memory *code,
		    const struct stub_config *config, const struct stub_runtime *runtime);
/* Afterwards nobody may call a stub of this space. */
void stub_space_close(struct stub_space *space);
/* Calls ops->retarget_many if there is one, else ops->retarget for one callee after another. */
int stub_retarget_many(struct stub_space *space, struct stub_callee *const *c,
		       const void *const *targets, size_t n, size_t *done);
/* With config.running, call these two around each hook; nothing else needs them. The first call of
 * a deferred stub takes the lock itself, and the lock is not recursive: its holder must not call a
 * stub. All spaces of a code memory share it; a loader that changes that memory takes it, too. */
void stub_space_lock(struct stub_space *space);
void stub_space_unlock(struct stub_space *space);

/* Writes code that enters c as compiled callers do (c's address to r10, a jump to c->code), for
 * callers that know an address only: C, and calls that a loader binds. The code makes no frame and
 * runs at any address. Returns its size in bytes. */
enum { STUB_CALL_PAD = 16 };
size_t stub_call_pad(uint8_t code[STUB_CALL_PAD], const struct stub_callee *c);

/*
 * A call instruction of compiled code (`call rel32`, `jmp rel32`) that leads to a callee. A loader
 * points it at a pad (stub_call_pad) in reach; then the strategy may make it direct, and undoes
 * that when it must: the rel32 is the strategy's from attach to detach.
 *
 *      mov r10, callee               call pad --> mov r10, callee; jmp [r10]        unbound
 *      call [r10]         becomes    call stub                                      bound
 *                                    call target, if the call passes the context    bound, indirect
 */
struct stub_site {
	uint8_t *field;		    /* of the rel32, committed */
	struct stub_callee *callee; /* in place until detach */
	const uint8_t *pad;
	/* The call passes callee->context as ctx and leaves r10 alone, instead of the caller's
	 * instance and the callee; only for a callee that is bound as STUB_INDIRECT or not yet. */
	bool context;
};

/* Whether the space takes sites: its strategy has the hooks, and code may be written. A loader asks
 * before it compiles calls so. */
bool stub_takes_sites(const struct stub_space *space);

/* ---- Strategies ---------------------------------------------------------------------------- */

enum stub_flags {
	STUB_DIRECT = 1, /* no stub: compiled callers may call the target themselves */
	STUB_BULK = 2,	 /* many stubs by one change of protection */
	/* Retarget leaves the code pointer as it is. Even so a baked stub moves if the new target
	 * is out of a near call's reach, or under CODE_TOGGLE with stub_config.running. */
	STUB_RETARGET_IN_PLACE = 4,
	/* A stub may be made at its first call. If that fails, the call raises and returns zero
	 * (entry_js: returns STUB_VALUE_ERROR). */
	STUB_DEFERRED = 8,
	STUB_CAN_BAKE = 16,
	STUB_CAN_TABLE = 32,
	STUB_CAN_SHARE = 64, /* has quanta of equal bytes (code_config.share) */
	/* Unless poisoned, after a reclaim (with stub_config.running: after two) it holds at most
	 * 1.3 times the bytes that its live stubs take, and few quanta more: those of the bodies
	 * that it has made, and one for each sort of stubs that it keeps apart. Bodies that one
	 * prepare makes lie together; but with stub_config.running under CODE_TOGGLE each prepare
	 * or bind that makes some takes a quantum for good: name all signatures at once. */
	STUB_COMPACT = 128,
};

/* One thread at a time may be inside the hooks of a space. */
struct stub_ops {
	const char *name, *summary;
	const struct stub_ops *inner;	    /* lazy: the placement that it wraps */
	unsigned flags;			    /* enum stub_flags */
	size_t state;			    /* private bytes, zeroed by stub_space_open */
	int (*open)(struct stub_space *);   /* optional; 0 or -errno */
	void (*close)(struct stub_space *); /* optional; frees what state points to, not code */
	/* At instantiation: names specs that may be bound later, in any number and order. Optional.
	 * 0, -ENOMEM (no code memory), -EACCES (the kernel forbids what it allowed at code_open),
	 * -ENOTSUP (no body can be made for the signature or kind), -EINVAL (the runtime lacks a
	 * function). All that was bound before can be called; but not after -ENOTRECOVERABLE: the
	 * kernel has twice in a row refused to commit code that was open for writing (it has come
	 * to forbid what it allowed at code_open), so that code beside it may not be executable any
	 * more (CODE_TOGGLE), or threads may still execute a change that was taken back (running).
	 * Nothing is left but to close the space. */
	int (*prepare)(struct stub_space *, const struct stub_spec *, size_t n);
	/* From its return on c->code can be called. c must not move in memory until its release. 0,
	 * or an error of prepare's: c is unchanged. */
	int (*bind)(struct stub_space *, const struct stub_spec *, struct stub_callee *c);
	/* Only STUB_BULK strategies have it: binds c[i] to specs[i] for i below n with one change
	 * of protection for all. Errors as bind's: every c[i] is unchanged. */
	int (*bind_many)(struct stub_space *, const struct stub_spec *specs,
			 struct stub_callee *const *c, size_t n);
	/* From its return on, calls through c reach target; calls under way reach the old target or
	 * the new. 0, or an error of prepare's: calls reach the old target (while the hook was at
	 * work, they may have reached the new). */
	int (*retarget)(struct stub_space *, struct stub_callee *c, const void *target);
	/* Retargets n different callees; after its return calls through c[i] reach targets[i]. It
	 * takes at most one change of protection or barrier for stubs changed in place, and one for
	 * stubs made anew (page: one for each). On failure the first *done are retargeted.
	 * Optional: see stub_retarget_many. */
	int (*retarget_many)(struct stub_space *, struct stub_callee *const *c,
			     const void *const *targets, size_t n, size_t *done);
	/* Frees c's slot for another stub; c->code becomes NULL. The caller vouches that no thread
	 * calls c, is inside its stub, or is inside a stub that a retarget of c replaced. */
	void (*release)(struct stub_space *, struct stub_callee *c);
	/* Frees the stubs that were replaced (code_stats.retired), by retargets or by the last
	 * reclaim; STUB_COMPACT strategies then move stubs, which replaces them, so that sparse
	 * quanta can be given back. The embedder vouches that since the last retarget or reclaim
	 * each calling thread has been outside all stubs, with no stub's frame left to return
	 * through; without stub_config.running, that none is inside one now: then the old places of
	 * moved stubs are freed at once. Optional: NULL if no stub is ever replaced. */
	void (*reclaim)(struct stub_space *);
	/* Only STUB_DEFERRED strategies have it: whether c, which is bound,
	 * has its own stub yet. */
	bool (*made)(const struct stub_space *, const struct stub_callee *c);
	/* Takes n call sites of one module; no thread runs it yet. Those of bound callees become
	 * direct at once. Every other hook may then write the module's code: while it does, under
	 * CODE_TOGGLE, nobody may run that. 0, or -ENOMEM: none is taken. Optional, with detach.
	 * If the kernel refuses twice, within a release or a reclaim, to make a module executable
	 * again, its code faults: the next hook that can report tries once more, and answers
	 * -ENOTRECOVERABLE if it is refused again. */
	int (*attach)(struct stub_space *, const struct stub_site *sites, size_t n);
	/* Forgets the sites in [from, to), before the module is released; writes nothing. */
	void (*detach)(struct stub_space *, const void *from, const void *to);
};

/* Every strategy; the first is the floor. NULL ends the table. */
extern const struct stub_ops *const stub_strategies[];
const struct stub_ops *stub_strategy(const char *name); /* NULL: unknown */

#ifdef __cplusplus
}
#endif

#endif
