/*
 * paging.c - see paging.h.
 */
#include "paging.h"

#define PTE_PRESENT  (1u << 0)
#define PTE_WRITE    (1u << 1)
#define PTE_ACCESSED (1u << 5)
#define PTE_DIRTY    (1u << 6)
#define PTE_LARGE    (1u << 7)
#define TABLE_BITS   (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED)
#define LEAF_BITS    (TABLE_BITS | PTE_DIRTY | PTE_LARGE)

#define GIB_SHIFT       30
#define LARGE_PAGE_SIZE 0x200000u

uint32_t paging_directories(uint32_t end, bool gib_pages)
{
	return gib_pages || !end ? 0 : ((end - 1) >> GIB_SHIFT) + 1;
}

void paging_build(uint64_t *pml4, uint64_t *pdpt, uint32_t pdpt_paddr, uint64_t *directories,
		  uint32_t directories_paddr, uint32_t end, bool gib_pages)
{
	uint32_t *entry = (uint32_t *)directories; /* lower halves: all is below 4 GiB */
	uint32_t value = LEAF_BITS;

	if (!end)
		return;
	pml4[0] = pdpt_paddr | TABLE_BITS;
	for (uint32_t i = 0; i <= (end - 1) >> GIB_SHIFT; i++)
		pdpt[i] = gib_pages ? (uint64_t)i << GIB_SHIFT | LEAF_BITS :
				      (directories_paddr + i * PAGE_SIZE) | TABLE_BITS;
	if (gib_pages)
		return;
	for (uint32_t left = (end - 1) / (8 * LARGE_PAGE_SIZE) + 1; left; left--) {
		entry[0] = value;
		entry[2] = value + LARGE_PAGE_SIZE;
		entry[4] = value + 2 * LARGE_PAGE_SIZE;
		entry[6] = value + 3 * LARGE_PAGE_SIZE;
		entry[8] = value + 4 * LARGE_PAGE_SIZE;
		entry[10] = value + 5 * LARGE_PAGE_SIZE;
		entry[12] = value + 6 * LARGE_PAGE_SIZE;
		entry[14] = value + 7 * LARGE_PAGE_SIZE;
		value += 8 * LARGE_PAGE_SIZE;
		entry += 16;
	}
}
