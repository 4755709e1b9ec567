/*
 * types.h - a public header of libstubmap: what crosses a boundary (types, signatures, boxed
 * values), and the embedder's functions that stubs call.
 */
#ifndef STUBMAP_TYPES_H
#define STUBMAP_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include "version.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Signatures -------------------------------------------------------------------------- */

/*
 * A signature is one word: bits 0-2 are the result's type (0: none), bits 3-7 the number of
 * parameters, from bit 8 on three bits for each parameter. As text: parameters, '>', result, in
 * STUB_TYPE_LETTERS: "iid>l".
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

/* ---- Values of the dynamic language -------------------------------------------------------- */

/* NaN-boxed. A value whose top 16 bits are below STUB_VALUE_INT32 is a double (every NaN is
 * STUB_VALUE_NAN); otherwise the top 16 bits are a tag and the low 48 a payload. */
typedef uint64_t stub_value;
enum {
	STUB_VALUE_INT32 = 0xfff9,     /* payload: the 32 bits */
	STUB_VALUE_REF = 0xfffa,       /* payload: the address; 0 is null */
	STUB_VALUE_BIGINT = 0xfffb,    /* payload: address of an int64_t */
	STUB_VALUE_UNDEFINED = 0xfffc, /* payload 0 */
	STUB_VALUE_ERROR = 0xfffd,     /* entry_js returns it where a call could not be made */
};
#define STUB_VALUE_NAN 0x7ff8000000000000ull

/* ---- The embedder's part ------------------------------------------------------------------- */

struct stub_activation {
	void *exit_frame; /* rbp of the newest exit_js or builtin frame; NULL: in compiled code */
};

/* The owner of a slot when it was released or when a retarget replaced its stub. */
struct stub_owner {
	const void *code; /* the code pointer that the late caller had read */
	const void *target;
	void *context;
};

/*
 * The functions that stubs call on slow paths; their addresses stay the same while a space is open.
 * A function may be NULL unless one of these needs it:
 *
 *   entry_js                  convert, box_i64       bind and prepare: -EINVAL without them
 *   exit_js                   unbox, raise           likewise
 *   ref                       raise                  likewise
 *   STUB_DEFERRED strategies  raise                  stub_space_open: -EINVAL without it
 *   stub_config.poison        released               likewise
 */
struct stub_runtime {
	/* Converts argv[0..argc) to the signature's parameters, in out[n], in entry_native's form
	 * (missing arguments are undefined). 0, or non-zero if one can't be converted: the entry_js
	 * stub returns STUB_VALUE_ERROR. Not called if every guard holds. */
	int (*convert)(void *context, stub_signature s, const stub_value *argv, size_t argc,
		       uint64_t *out);
	/* Boxes an i64 result of entry_js as a bigint. */
	stub_value (*box_i64)(void *context, int64_t v);
	/* Unboxes a host function's result that is not of the expected form into *out. 0, or
	 * non-zero if it can't: the stub goes on to call raise. */
	int (*unbox)(void *context, enum stub_type type, stub_value v, uint64_t *out);
	/* Called when a host function or unbox has failed, when a ref may not be called, and when a
	 * deferred stub could not be made. If it returns, the stub returns zero. */
	void (*raise)(void *context);
	/* A released stub was called. Runs in the caller's thread, without a lock, and may leave by
	 * longjmp. If it returns, the stub returns zero (entry_js: STUB_VALUE_ERROR). */
	void (*released)(const struct stub_owner *owner);
};

#ifdef __cplusplus
}
#endif

#endif
