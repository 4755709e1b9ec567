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
 * bind is func.bind, as wasm's function references proposed it: the first one to four parameters
 * are stored. Where the others keep their stack words it ends in a jump, like indirect; where some
 * move, it makes a frame. A stored reference is a root that no stack map names; code that holds it
 * cannot have it moved.
 *
 * ref is a call through a function reference of any instance, checked when it is made: r13 (LLVM's
 * `swiftself`, kept over the call) holds the signature that the caller expects, a callee whose
 * target is NULL is the null reference. Another signature or null: runtime.raise(context), and zero
 * comes back. The signature in a register, compared by the callee, is how SpiderMonkey checks calls
 * through tables; the explicit test for null is what engines emit that take no signals. Those that
 * let null fault leave the test out, and wasm's typed references need no comparison.
 *
 * An instance begins with a pointer to its thread's struct stub_activation. Each stub that makes a
 * frame lays it out so that a stack walk can cross it:
 *
 *      [rbp+8]   return address
 *      [rbp]     caller's rbp
 *      [rbp-8]   enum stub_kind, as an integer
 *      [rbp-16]  entry_*: the activation's previous exit_frame; others: the caller's instance
 *
 * Nothing here reads a clock, a counter or a file.
 */
#ifndef STUBMAP_STUB_H
#define STUBMAP_STUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "code.h"

/* ---- Signatures -------------------------------------------------------------------------- */

/*
 * Packed: bits 0-2 the result's type (0: none), bits 3-7 the number of parameters, from bit 8 on
 * three bits a parameter. In text: parameters, '>', result: "iid>l"; letters as below.
 */
typedef uint64_t stub_signature;

enum stub_type { STUB_VOID, STUB_I32, STUB_I64, STUB_F32, STUB_F64, STUB_REF, STUB_TYPES };
#define STUB_TYPE_LETTERS " ilfdr"
enum { STUB_MAX_PARAMS = 16 };

static inline unsigned stub_nparams(stub_signature s)
{
	return s >> 3 & 31;
}
static inline enum stub_type stub_result(stub_signature s)
{
	return (enum stub_type)(s & 7);
}
static inline enum stub_type stub_param(stub_signature s, unsigned i)
{
	return (enum stub_type)(s >> (8 + 3 * i) & 7);
}
/* 0, or -EINVAL: an unknown letter, no '>', more than STUB_MAX_PARAMS parameters. */
int stub_signature_parse(const char *text, stub_signature *out);
/* Writes at most 20 bytes with the final zero; returns text. */
char *stub_signature_format(stub_signature s, char text[20]);

/* ---- Values of the dynamic language ------------------------------------------------------- */

/*
 * NaN-boxing: a value whose top 16 bits are below STUB_VALUE_INT32 is a double (NaNs are canonical:
 * 0x7ff8...); else the top 16 bits are a tag and the low 48 a payload.
 */
typedef uint64_t stub_value;
enum {
	STUB_VALUE_INT32 = 0xfff9,     /* payload: the 32 bits */
	STUB_VALUE_REF = 0xfffa,       /* payload: the address; 0 is null */
	STUB_VALUE_BIGINT = 0xfffb,    /* payload: address of an int64_t */
	STUB_VALUE_UNDEFINED = 0xfffc, /* payload 0 */
	STUB_VALUE_ERROR = 0xfffd,     /* entry_js returns it where a call could not be made */
};
#define STUB_VALUE_NAN 0x7ff8000000000000ull

struct stub_activation {
	void *exit_frame; /* rbp of the newest exit_js or builtin frame; NULL while compiled code
			     runs */
};

/* Who had a slot, at its release or when a retarget replaced it. */
struct stub_owner {
	const void *code; /* the code pointer that the late caller had read */
	const void *target;
	void *context;
};

/*
 * What stubs call on slow paths, given by the embedder; addresses are fixed for the space's life.
 * Those that nothing asks for may be NULL:
 *
 *   entry_js                  convert, box_i64       bind and prepare: -EINVAL without them
 *   exit_js                   unbox, raise           likewise
 *   ref                       raise                  likewise
 *   STUB_DEFERRED strategies  raise                  stub_space_open: -EINVAL without it
 *   stub_config.poison        released               likewise
 */
struct stub_runtime {
	/* Converts argv[0..argc) to the signature's parameters, in out[n], in entry_native's form
	 * (missing ones are undefined). 0, or non-zero where one can't be converted: the entry_js
	 * stub returns STUB_VALUE_ERROR. Never called when every guard holds. */
	int (*convert)(void *context, stub_signature s, const stub_value *argv, size_t argc,
		       uint64_t *out);
	/* A boxed bigint for an i64 result of entry_js. */
	stub_value (*box_i64)(void *context, int64_t v);
	/* Unboxes a host function's result that is not of the expected form into *out; 0 or error.
	 */
	int (*unbox)(void *context, enum stub_type type, stub_value v, uint64_t *out);
	/* Called after a host function or unbox failed, and for a ref that may not be called; if it
	 * returns, the stub returns zero. */
	void (*raise)(void *context);
	/* Under stub_config.poison: a released stub was called. Runs in the caller's thread,
	 * without a lock, and may leave by longjmp. If it returns, the stub returns zero (entry_js:
	 * STUB_VALUE_ERROR). */
	void (*released)(const struct stub_owner *owner);
};

/* ---- Stubs ------------------------------------------------------------------------------- */

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
enum { STUB_MAX_BOUND = 4 };
extern const char *const stub_kind_names[STUB_KINDS];

struct stub_spec {
	enum stub_kind kind;
	stub_signature signature; /* bind: the target's, stored parameters included */
	const void *target;	  /* ref: NULL is the null reference */
	void *context;
	/* bind, else 0: the stored arguments in entry_native's form, 1 to STUB_MAX_BOUND. They stay
	 * the embedder's, unchanged and in place until release: stubs may read them there. */
	const uint64_t *bound;
	unsigned nbound;
	uint32_t module, table; /* numbers by which a policy groups stubs; table 0: in none */
};

/* The function object. Callers read `code`; a strategy may replace it at any time. */
struct stub_callee {
	const void *code;
	const void *target; /* as last bound or retargeted */
	void *context;
	uint64_t word; /* the strategy's own; 0 while unbound, unless released under poison */
};

/* Where a stub finds its target and context. */
enum stub_literals {
	STUB_LITERALS_OWN,   /* the strategy's own choice: baked, where it can */
	STUB_LITERALS_BAKED, /* in its code */
	STUB_LITERALS_TABLE, /* in the side table (code.h) */
};

/* STUB_DEFERRED strategies: which pending stubs the first call of one makes. */
enum stub_policy {
	STUB_ALL,      /* all that are pending */
	STUB_ONE,      /* it alone */
	STUB_TABLE,    /* those of its table; in none: it alone */
	STUB_MODULE,   /* those of its module */
	STUB_ADAPTIVE, /* as many as what was called so far makes worth it */
	STUB_POLICIES
};
extern const char *const stub_policy_names[STUB_POLICIES];

struct stub_config {
	enum stub_literals literals; /* of an open space: never STUB_LITERALS_OWN */
	bool markers;		     /* endbr64 at the start of each stub */
	bool running; /* callers run while hooks work: code that can run is never unprotected, and
			 what a retarget replaced is kept until reclaim. For all spaces of a code
			 memory, or none. */
	bool poison;  /* debug: a released slot reports its old owner (runtime.released), until 256
			 more have been released (poison.h); stubs are larger and slower for it */
	enum stub_policy policy; /* STUB_DEFERRED */
	uint32_t generic; /* STUB_DEFERRED: calls through an interpretive stub before one is made;
			     0: none */
};

enum stub_flags {
	STUB_DIRECT = 1,	    /* no stub: compiled callers may call the target themselves */
	STUB_BULK = 2,		    /* many stubs by one change of protection */
	STUB_RETARGET_IN_PLACE = 4, /* retarget leaves the code pointer as it is; a baked stub moves
				       all the same where the new target is out of a near call's
				       reach, or code must stay as it is (code_frozen) */
	STUB_DEFERRED = 8, /* code may be made at the first call; where that fails, the call
			      reports it by raise (entry_js: STUB_VALUE_ERROR), returns zero */
	STUB_CAN_BAKE = 16,
	STUB_CAN_TABLE = 32,
	STUB_CAN_SHARE = 64, /* has quanta of equal bytes (code_config.share) */
};

struct stub_ops;

/* A strategy at work on one code memory. */
struct stub_space {
	const struct stub_ops *ops;
	struct code_memory *code;
	struct stub_config config;
	struct stub_runtime runtime;
	void *state; /* ops->state bytes */
};

struct stub_ops {
	const char *name, *summary;
	const struct stub_ops *inner;	    /* lazy: the placement that it wraps */
	unsigned flags;			    /* enum stub_flags */
	size_t state;			    /* private bytes, zeroed by stub_space_open */
	int (*open)(struct stub_space *);   /* optional; 0 or -errno */
	void (*close)(struct stub_space *); /* optional; frees what state points to, not code */
	/* Instantiation: these may come, in any number and order. Optional. 0, -ENOMEM (no code
	 * memory), -ENOTSUP (a signature or kind that no body can be made for), -EINVAL (the
	 * runtime lacks what the kind calls). */
	int (*prepare)(struct stub_space *, const struct stub_spec *, size_t n);
	/* From now on c->code can be called; c stays where it is in memory until its release. 0,
	 * or as prepare; on failure c is as it was. */
	int (*bind)(struct stub_space *, const struct stub_spec *, struct stub_callee *c);
	/* STUB_BULK strategies, and only they: binds c[i] to specs[i] for i below n with one change
	 * of protection for all. As bind; on failure every c[i] is as it was. */
	int (*bind_many)(struct stub_space *, const struct stub_spec *specs,
			 struct stub_callee *const *c, size_t n);
	/* From its return on, calls through c reach target; those under way reach the old one or
	 * the new. 0, -ENOMEM; on failure as it was. */
	int (*retarget)(struct stub_space *, struct stub_callee *c, const void *target);
	/* retarget for n callees, all different: after its return calls through each reach its
	 * target. At most one change of protection or barrier for those changed in place, and one
	 * for what is made anew (page: each). On failure those before *done are changed. Optional:
	 * stub_retarget_many. */
	int (*retarget_many)(struct stub_space *, struct stub_callee *const *c,
			     const void *const *targets, size_t n, size_t *done);
	/* Its slot may be used again; c->code is NULL. The caller vouches that nobody calls it, nor
	 * is inside it or inside what retargets replaced. */
	void (*release)(struct stub_space *, struct stub_callee *c);
	/* Frees what retargets replaced (code_stats.retired). The embedder vouches that since the
	 * last of them each caller has passed a point outside all stubs, none of whose frames it
	 * is still to return through. Optional: NULL where nothing is ever kept. */
	void (*reclaim)(struct stub_space *);
	/* STUB_DEFERRED strategies, and only they: whether bound c has a stub of its own by now. */
	bool (*made)(const struct stub_space *, const struct stub_callee *c);
};

/* 0, or -EINVAL (ops lacks a hook, or has one that its flags deny; the literal form is not one of
 * its flags; the runtime lacks what strategy or poison calls), -ENOMEM, -ENOSYS (code_set_running).
 * One thread at a time may be inside a space's hooks; callers may run under stub_config.running.
 * The space stays where it is in memory until it is closed. */
int stub_space_open(struct stub_space *space, const struct stub_ops *ops, struct code_memory *code,
		    const struct stub_config *config, const struct stub_runtime *runtime);
void stub_space_close(struct stub_space *space);
/* ops->retarget_many, or one retarget after another. */
int stub_retarget_many(struct stub_space *space, struct stub_callee *const *c,
		       const void *const *targets, size_t n, size_t *done);
/* Under stub_config.running a hook may be entered from several threads: by the embedder between
 * these two, by a deferred strategy's first call by itself. The lock is the code memory's, one for
 * all its spaces; who else changes the same code memory (a loader) holds it too. Else they do
 * nothing. Not recursive: its holder calls no stub of any of these spaces. */
void stub_space_lock(struct stub_space *space);
void stub_space_unlock(struct stub_space *space);

/*
 * Code that calls through c as compiled callers do (its address to r10, a jump to its code), for
 * those that cannot: C, and calls that a loader binds. It leaves no frame and runs at any address.
 * Returns its size in bytes.
 */
enum { STUB_CALL_PAD = 16 };
size_t stub_call_pad(uint8_t code[STUB_CALL_PAD], const struct stub_callee *c);

/* Every strategy, in the order of list.h; the first is the floor. NULL ends the table. */
extern const struct stub_ops *const stub_strategies[];
const struct stub_ops *stub_strategy(const char *name); /* NULL: unknown */

#endif
