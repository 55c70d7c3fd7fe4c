/*
 * divide.h - 64-bit division, of which the compiler's would need a library.  Pure.
 */
#ifndef DIVIDE_H
#define DIVIDE_H

#include <stdint.h>

/* Makes *value the quotient and returns the rest.  divisor is not 0. */
uint32_t divide(uint64_t *value, uint32_t divisor);

#endif
