/*
 * list.h - every stub allocator and every stack-map encoder, one line each. The first of each list
 * is the floor. A row NAME is the object stub_NAME or map_NAME of a file strategies/stub_*.c or
 * map_*.c; nothing else is to be done for a new one.
 */
#ifndef STUBMAP_LIST_H
#define STUBMAP_LIST_H

#define MAP_LIST(X)     \
	X(none)         \
	X(exact)        \
	X(exact_consed) \
	X(ranged)       \
	X(ranged_consed) \
	X(ranged_start) \
	X(ranged_unsafe)

#endif
