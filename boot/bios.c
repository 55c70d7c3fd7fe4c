/*
 * bios.c - see bios.h.
 */
#include "bios.h"

#include "layout.h"
#include "phys.h"
#include "string.h"

#define VECTORS 256 /* from address 0 on */

/* The fields of the BIOS data area are not aligned. */
static void put_u16(uint32_t paddr, uint16_t value)
{
	memcpy(phys_ptr(paddr), &value, sizeof(value));
}

void bios_install(const struct memmap *map)
{
	uint32_t *vectors = phys_ptr(0);

	*(uint8_t *)phys_ptr(EBDA_BASE) = (EBDA_END - EBDA_BASE) >> 10;
	if (!memmap_is(map, 0, PAGE_SIZE, MEMORY_RAM))
		return;
	for (uint32_t i = 0; i < VECTORS; i++)
		vectors[i] = bios_call_vector;
	put_u16(BDA_EBDA_SEGMENT, EBDA_BASE >> 4);
	put_u16(BDA_BASE_MEMORY_KIB, EBDA_BASE >> 10);
}
