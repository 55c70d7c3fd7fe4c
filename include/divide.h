/* divide.h - division of 64-bit numbers, for which a compiler needs a library.  Pure. */
#ifndef DIVIDE_H
#define DIVIDE_H

#include <stdint.h>

/* Makes *value the quotient and returns the rest.  divisor is not 0. */
uint32_t divide(uint64_t *value, uint32_t divisor);

/* The quotient, or all ones when it has more than 32 bits.  divisor is not 0. */
uint32_t divide_clamped(uint64_t dividend, uint32_t divisor);

#endif
