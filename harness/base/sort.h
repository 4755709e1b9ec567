/* sort.h - sorts arrays of numbers, ascending. No number may be a NaN. */
#ifndef STUBMAP_BASE_SORT_H
#define STUBMAP_BASE_SORT_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define SORT(name, type)                                                  \
	static inline int sort_order_##name(const void *a, const void *b) \
	{                                                                 \
		const type x = *(const type *)a, y = *(const type *)b;    \
                                                                          \
		return (x > y) - (x < y);                                 \
	}                                                                 \
	static inline void sort_##name(type *values, size_t n)            \
	{                                                                 \
		qsort(values, n, sizeof *values, sort_order_##name);      \
	}
SORT(u32, uint32_t)
SORT(u64, uint64_t)
SORT(doubles, double)
#undef SORT

#endif
