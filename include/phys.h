/*
 * phys.h - hardware border: physical memory.
 *
 * The firmware runs without paging, so a physical address below 4 GiB is a pointer.  tests/fake
 * has another phys.h, over a modelled memory.
 */
#ifndef PHYS_H
#define PHYS_H

#include <stdint.h>

static inline void *phys_ptr(uint32_t paddr)
{
	/* A compiler that saw the constant would take low addresses for null pointers. */
	__asm__("" : "+r"(paddr));
	return (void *)(uintptr_t)paddr;
}

static inline uint32_t phys_addr(const void *ptr)
{
	return (uint32_t)(uintptr_t)ptr;
}

#endif
