/*
 * stub.h - the first public header of libstubmap: stubs, the allocators that place them, and the
 * executable memory that holds them.
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

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Executable memory ------------------------------------------------------------------- */

/*
 * One reservation of address space, so that any two addresses in it are in reach of a 32-bit
 * displacement:
 *
 *      base                 +S                   +2S                  +3S
 *      | stubs   | modules  | literals A         | literals B         | data (rw)
 *
 * The literals of a stub at address p lie at p + S and p + 2S: the side table's address follows
 * from the stub's own. Code is handed out in quanta; A and B are plain read-write memory that
 * the kernel fills on first touch.
 */
enum code_wx {
	CODE_TOGGLE, /* mprotect: writable, then executable, never both */
	CODE_DUAL, /* one memfd, mapped twice: an executable view that is handed out, a writable one
		    */
	CODE_RWX,  /* writable and executable: measures what the others cost */
	CODE_WX_POLICIES
};

enum code_area { CODE_STUBS, CODE_MODULES, CODE_LITERALS, CODE_DATA, CODE_AREAS };

struct code_config {
	enum code_wx wx;
	uint32_t quantum;   /* bytes: 4096, 16384 or 65536; -EINVAL otherwise */
	uint32_t colour;    /* pages (of 4 KiB) by which the base is moved, 0..511, rounded down to
			       whole quanta: set-up randomisation */
	bool share;	    /* CODE_DUAL only: quanta of equal bytes are to be one physical quantum
			       (code_same), where a strategy has such; they are never given back */
	size_t limit_stubs; /* bytes of code that stubs may take; 0: all that the area has */
	const char *faults; /* test only: a letter steers one reserve (a ok, f fail; capital: from
			       here on) or one commit (o ok, c fail); NULL: none. The harness passes
			       STUBMAP_CODE_TEST. */
};

struct code_stats {
	uint64_t syscalls; /* made by this code memory since code_open */
	/* Regions of address space that it asked for and holds; into how many parts the kernel
	 * divides them by their protections, only the kernel knows. */
	uint64_t mappings;
	uint64_t reserved;			     /* bytes of address space */
	uint64_t quanta_stubs, quanta_modules;	     /* now held */
	uint64_t committed_stubs, committed_modules; /* bytes: quanta held x quantum */
	uint64_t used_stubs;	/* bytes of code that live stubs, bodies and templates occupy */
	uint64_t retired;	/* bytes of code that retargets replaced, kept until reclaim */
	uint64_t used_literals; /* bytes of literals that live stubs occupy */
	uint64_t used_modules;	/* bytes of loaded sections */
};

struct code_memory;

/* 0, or -EINVAL (config), -EACCES (the kernel forbids the policy), -ENOMEM. */
int code_open(struct code_memory **out, const struct code_config *config);
void code_close(struct code_memory *code);
const struct code_config *code_config(const struct code_memory *code);

/* Whole quanta, contiguous, writable until committed. CODE_STUBS or CODE_MODULES. NULL: no room. */
void *code_reserve(struct code_memory *code, enum code_area area, size_t bytes);
/* Makes [at, at+bytes) executable; what was reserved or patched and not committed cannot run. After
 * code_set_running it also returns only when each thread will execute what was written. */
int code_commit(struct code_memory *code, void *at, size_t bytes);
/* Instead of writing what was reserved (whole quanta): each quantum of [at, at+bytes) shows the
 * committed quantum first, whose code it can run at once. CODE_DUAL, else -EINVAL; -ENOMEM: no
 * mapping left, and [at, at+bytes) is as it was. Not to be released afterwards. */
int code_same(struct code_memory *code, void *at, size_t bytes, const void *first);
/* Makes committed code writable again, until the next commit. Under CODE_TOGGLE no code of the
 * touched pages can run meanwhile; after code_set_running: -EBUSY, what was committed stays. */
int code_patch(struct code_memory *code, void *at, size_t bytes);
/* Gives whole quanta back, from a quantum's start, with the literals that belong to them. */
void code_release(struct code_memory *code, void *at, size_t bytes);
/* Gives back what was reserved and never committed. */
static inline void code_abort(struct code_memory *code, void *at, size_t bytes)
{
	code_release(code, at, bytes);
}
/* The address to write `at` through: `at` itself, or the writable view under CODE_DUAL. */
void *code_writable(const struct code_memory *code, const void *at);
/* Read-write memory within reach of all code (16-byte aligned, zeroed, never freed alone). */
void *code_data(struct code_memory *code, size_t bytes);
/* S of the picture: distance from a stub to its first literals; to its second it is twice that. */
size_t code_literal_distance(const struct code_memory *code);
/* [*from, *to): the addresses of an area; CODE_LITERALS covers A and B. For a meter to look at. */
void code_range(const struct code_memory *code, enum code_area area, uintptr_t *from,
		uintptr_t *to);
/* Under CODE_DUAL: the writable view of an area (same memory as code_range's), else empty. */
void code_range_alias(const struct code_memory *code, enum code_area area, uintptr_t *from,
		      uintptr_t *to);
void code_get_stats(const struct code_memory *code, struct code_stats *out);
/* Bookkeeping by strategies and the loader: live bytes of code / of literals, may be negative. */
void code_account(struct code_memory *code, enum code_area area, ptrdiff_t bytes);
/* For code/same.c, which makes some. */
void code_count_syscalls(struct code_memory *code, uint64_t n);
/* Bytes of stubs' code that go from live to retired, or (negative) back before they are freed. */
void code_retire(struct code_memory *code, ptrdiff_t bytes);

/*
 * From now on other threads run this code while it is written. Toggle: what was committed is never
 * unprotected. Dual, rwx: a commit ends with membarrier(2), PRIVATE_EXPEDITED_SYNC_CORE: each
 * thread of the process executes a serialising instruction after the stores before it. 0, or
 * -ENOSYS: the kernel has no such barrier (Linux before 4.16, or a filter). Any number of times.
 */
int code_set_running(struct code_memory *code);
/* Whether committed code stays as it is until its quantum is released: running, under toggle. */
bool code_frozen(const struct code_memory *code);
/* Of all that changes this memory while callers run: stub_space_lock. */
pthread_mutex_t *code_mutex(struct code_memory *code);

extern const char *const code_wx_names[CODE_WX_POLICIES];

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
 * NaN-boxing: a value whose top 16 bits are below VALUE_INT32 is a double (NaNs are canonical:
 * 0x7ff8...); else the top 16 bits are a tag and the low 48 a payload.
 */
typedef uint64_t stub_value;
enum {
	VALUE_INT32 = 0xfff9,	  /* payload: the 32 bits */
	VALUE_REF = 0xfffa,	  /* payload: the address; 0 is null */
	VALUE_BIGINT = 0xfffb,	  /* payload: address of an int64_t */
	VALUE_UNDEFINED = 0xfffc, /* payload 0 */
	VALUE_ERROR = 0xfffd,	  /* entry_js returns it where a call could not be made */
};
#define VALUE_NAN 0x7ff8000000000000ull

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
 */
struct stub_runtime {
	/* Converts argv[0..argc) to the signature's parameters, in out[n], in entry_native's form
	 * (missing ones are undefined). 0, or non-zero where one can't be converted: the entry_js
	 * stub returns VALUE_ERROR. Never called when every guard holds. */
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
	 * VALUE_ERROR). */
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
struct callee {
	const void *code;
	const void *target; /* as last bound or retargeted */
	void *context;
	uint64_t word; /* the strategy's own; 0 while unbound, unless released under poison */
};

enum stub_literals { STUB_LITERALS_BAKED, STUB_LITERALS_TABLE };

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
	enum stub_literals literals;
	bool markers;  /* endbr64 at the start of each stub */
	bool defaults; /* literals is the strategy's own choice (ops->literals) */
	bool running;  /* callers run while hooks work: code that can run is never unprotected, and
			  what a retarget replaced is kept until reclaim. For all spaces of a code
			  memory, or none. */
	bool poison;   /* debug: a released slot reports its old owner (runtime.released), until 256
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
			      reports it by raise (entry_js: VALUE_ERROR), returns zero */
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
	enum stub_literals literals;	    /* the form it takes if nobody chose */
	size_t state;			    /* private bytes, zeroed by stub_space_open */
	int (*open)(struct stub_space *);   /* optional; 0 or -errno */
	void (*close)(struct stub_space *); /* optional; frees what state points to, not code */
	/* Instantiation: these may come, in any number and order. Optional. 0, -ENOMEM (no code
	 * memory), -ENOTSUP (a signature or kind that no body can be made for). */
	int (*prepare)(struct stub_space *, const struct stub_spec *, size_t n);
	/* From now on c->code can be called; c stays where it is in memory until its release. 0,
	 * -ENOMEM, -ENOTSUP; on failure c is as it was. */
	int (*bind)(struct stub_space *, const struct stub_spec *, struct callee *c);
	/* STUB_BULK strategies, and only they: binds c[i] to specs[i] for i below n with one change
	 * of protection for all. As bind; on failure every c[i] is as it was. */
	int (*bind_many)(struct stub_space *, const struct stub_spec *specs,
			 struct callee *const *c, size_t n);
	/* From its return on, calls through c reach target; those under way reach the old one or
	 * the new. 0, -ENOMEM; on failure as it was. */
	int (*retarget)(struct stub_space *, struct callee *c, const void *target);
	/* retarget for n callees, all different: after its return calls through each reach its
	 * target. At most one change of protection or barrier for those changed in place, and one
	 * for what is made anew (page: each). On failure those before *done are changed. Optional:
	 * stub_retarget_many. */
	int (*retarget_many)(struct stub_space *, struct callee *const *c,
			     const void *const *targets, size_t n, size_t *done);
	/* Its slot may be used again; c->code is NULL. The caller vouches that nobody calls it, nor
	 * is inside it or inside what retargets replaced. */
	void (*release)(struct stub_space *, struct callee *c);
	/* Frees what retargets replaced (code_stats.retired). The embedder vouches that since the
	 * last of them each caller has passed a point outside all stubs, none of whose frames it
	 * is still to return through. Optional: NULL where nothing is ever kept. */
	void (*reclaim)(struct stub_space *);
	/* STUB_DEFERRED strategies, and only they: whether bound c has a stub of its own by now. */
	bool (*made)(const struct stub_space *, const struct callee *c);
};

/* 0, or -EINVAL (ops lacks a hook, or has one that its flags deny; the literal form is not one of
 * its flags; poison without runtime.released), -ENOMEM, -ENOSYS (code_set_running). One thread at a
 * time may be inside a space's hooks; callers may run under stub_config.running. The space stays
 * where it is in memory until it is closed. */
int stub_space_open(struct stub_space *space, const struct stub_ops *ops, struct code_memory *code,
		    const struct stub_config *config, const struct stub_runtime *runtime);
void stub_space_close(struct stub_space *space);
/* ops->retarget_many, or one retarget after another. */
int stub_retarget_many(struct stub_space *space, struct callee *const *c,
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
size_t stub_call_pad(uint8_t code[STUB_CALL_PAD], const struct callee *c);

/* Every strategy, in the order of list.h; the first is the floor. NULL ends the table. */
extern const struct stub_ops *const stub_strategies[];
const struct stub_ops *stub_strategy(const char *name); /* NULL: unknown */

#endif
