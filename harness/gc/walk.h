/*
 * walk.h - the compiled frames on the stack, newest first, from an activation's exit frame.
 */
#ifndef STUBMAP_GC_WALK_H
#define STUBMAP_GC_WALK_H

#include <stddef.h>
#include <stdint.h>
#include <stubmap/stub.h>

struct walk_frame {
	uint64_t *sp;  /* at the call: slot i of its map is at (char *)sp + 4 * i */
	uint64_t *end; /* the frame's saved rbp: no slot lies at or above it */
};

struct walk {
	uintptr_t stubs_from, stubs_to; /* where stubs lie */
	uintptr_t text_from, text_to;	/* the module; a return address may be text_to */
	uint32_t *pcs;			/* return addresses, from text_from; one a frame */
	struct walk_frame *frames;
	size_t n, cap;
	size_t stubs;	/* stub frames crossed in the last walk */
	uintptr_t lost; /* the return address that ended a walk with -EFAULT */
};

/* Fills pcs, frames and n. 0, -ENOMEM, or -EFAULT: a return address lies neither in
 * a stub nor in the module. */
int walk_stack(struct walk *, const struct stub_activation *);
void walk_close(struct walk *);

/* The first walks, up to WALK_LOG_WALKS of them with WALK_LOG_PCS return addresses in all; later
 * walks are only counted. Initially {0}. */
enum { WALK_LOG_WALKS = 20000, WALK_LOG_PCS = 1000000 };

struct walk_log {
	uint32_t *pcs; /* return addresses as in struct walk, newest frame of a walk first */
	size_t *ends;  /* of each walk: the index behind its last one */
	size_t npcs, pcs_cap, nwalks, walks_cap;
	uint64_t cut_walks, cut_pcs;
};

int walk_log_add(struct walk_log *, const struct walk *); /* 0 or -ENOMEM */
void walk_log_close(struct walk_log *);

#endif
