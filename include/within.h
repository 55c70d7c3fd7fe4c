/*
 * within.h - whether a part lies in its whole, by numbers that come from outside.  Pure.
 */
#ifndef WITHIN_H
#define WITHIN_H

#include <stdbool.h>
#include <stdint.h>

/* True when length bytes from offset on are among the first size.  No value makes it overflow. */
static inline bool is_within(uint32_t offset, uint32_t length, uint32_t size)
{
	return offset <= size && length <= size - offset;
}

#endif
