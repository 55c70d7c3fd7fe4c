/* divide.c - see divide.h. */
#include "divide.h"

uint32_t divide(uint64_t *value, uint32_t divisor)
{
	uint64_t rest = 0;

	for (int bit = 0; bit < 64; bit++) {
		rest = rest << 1 | *value >> 63;
		*value <<= 1;
		if (rest >= divisor) {
			rest -= divisor;
			*value |= 1;
		}
	}
	return (uint32_t)rest;
}

uint32_t divide_clamped(uint64_t dividend, uint32_t divisor)
{
	divide(&dividend, divisor);
	return dividend >> 32 ? UINT32_MAX : (uint32_t)dividend;
}
