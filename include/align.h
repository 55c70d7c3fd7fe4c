/*
 * align.h - rounding to a power of two.  Pure.
 */
#ifndef ALIGN_H
#define ALIGN_H

#include <stdint.h>

/*
 * The lowest multiple of align that is not below value; 0 past the last one. align: a power of two.
 */
static inline uint64_t align_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

#endif
