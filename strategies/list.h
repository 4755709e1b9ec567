/*
 * list.h - every stub allocator and every stack-map encoder, one line each. The first of each list
 * is the floor. A row NAME is the object stub_NAME or map_NAME of a file in stubs/ or maps/;
 * a new one needs nothing else.
 */
#ifndef STUBMAP_LIST_H
#define STUBMAP_LIST_H

#define STUB_LIST(X)     \
	X(null)          \
	X(page)          \
	X(page_stagger)  \
	X(pool)          \
	X(island)        \
	X(template)      \
	X(near)          \
	X(lazy_page)     \
	X(lazy_pool)     \
	X(lazy_island)   \
	X(lazy_template) \
	X(lazy_near)

#define MAP_LIST(X)           \
	X(none)               \
	X(exact)              \
	X(exact_consed)       \
	X(exact_first)        \
	X(exact_first_consed) \
	X(ranged)             \
	X(ranged_consed)      \
	X(ranged_start)       \
	X(ranged_unsafe)      \
	X(paged)              \
	X(counted)            \
	X(coded_8)            \
	X(coded_32)           \
	X(blocks)             \
	X(v8)                 \
	X(go)                 \
	X(ocaml)              \
	X(oxcaml)             \
	X(dart)               \
	X(art)                \
	X(hotspot)

#endif
