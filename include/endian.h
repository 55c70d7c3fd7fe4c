/*
 * endian.h - big-endian fields as types of their own, so that a forgotten conversion does not
 * compile.  Little-endian fields are plain integers: x86 is little-endian.
 */
#ifndef ENDIAN_H
#define ENDIAN_H

#include <stdint.h>

typedef struct {
	uint16_t raw;
} be16;
typedef struct {
	uint32_t raw;
} be32;

static inline uint16_t be16_get(be16 field)
{
	return __builtin_bswap16(field.raw);
}
static inline uint32_t be32_get(be32 field)
{
	return __builtin_bswap32(field.raw);
}
static inline be16 be16_make(uint16_t value)
{
	return (be16){ __builtin_bswap16(value) };
}
static inline be32 be32_make(uint32_t value)
{
	return (be32){ __builtin_bswap32(value) };
}

#endif
