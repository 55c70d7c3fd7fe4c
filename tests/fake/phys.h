/*
 * phys.h - the hardware border of include/phys.h, over the modelled memory of fake.h.
 */
#ifndef PHYS_H
#define PHYS_H

#include <stdint.h>

void *phys_ptr(uint32_t paddr);
uint32_t phys_addr(const void *ptr);

#endif
