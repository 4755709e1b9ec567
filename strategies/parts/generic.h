/*
 * generic.h - the interpretive stub: reads the callee's signature and converts at run time.
 */
#ifndef STUBMAP_GENERIC_H
#define STUBMAP_GENERIC_H

#include "../emit/emit.h"

/* The part of the frame that C keeps over a call; its size is emit_interpreter's. */
struct generic_frame {
	struct emit_call call;
	enum stub_kind kind;
	stub_signature signature;
	void *context;
	struct stub_activation *activation;	       /* of an entry */
	uint64_t *argv;				       /* entry_native: where its result goes */
	_Alignas(16) uint64_t values[STUB_MAX_PARAMS]; /* entry_js: converted; exit_js: argv */
	int64_t boxed[STUB_MAX_PARAMS];		       /* exit_js: of i64 arguments */
};

/* Before one call of spec's target, with the arguments in f->call and above frame; and after it. */
enum emit_next generic_before(const struct stub_runtime *runtime, const struct stub_spec *spec,
			      struct generic_frame *f, uint64_t *frame);
void generic_after(const struct stub_runtime *runtime, struct generic_frame *f, uint64_t *frame);

#endif
