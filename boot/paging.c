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

/* How many pages of 1 GiB, or directories of smaller ones, there are. */
static uint32_t gib_count(uint32_t end)
{
	return end ? ((end - 1) >> GIB_SHIFT) + 1 : 0;
}

uint32_t paging_size(uint32_t end, bool gib_pages)
{
	return end ? (2 + (gib_pages ? 0 : gib_count(end))) * PAGE_SIZE : 0;
}

void paging_build(uint64_t *tables, uint32_t tables_paddr, uint32_t end, bool gib_pages)
{
	uint64_t *pml4 = tables;
	uint64_t *pdpt = pml4 + PAGE_TABLE_ENTRIES;
	uint64_t *directories = pdpt + PAGE_TABLE_ENTRIES;

	if (!end)
		return;
	pml4[0] = (tables_paddr + PAGE_SIZE) | TABLE_BITS;
	for (uint32_t i = 0; i < gib_count(end); i++)
		pdpt[i] = gib_pages ? (uint64_t)i << GIB_SHIFT | LEAF_BITS :
				      (tables_paddr + (2 + i) * PAGE_SIZE) | TABLE_BITS;
	if (gib_pages)
		return;
	for (uint32_t i = 0; i <= (end - 1) / LARGE_PAGE_SIZE; i++)
		directories[i] = (uint64_t)i * LARGE_PAGE_SIZE | LEAF_BITS;
}
