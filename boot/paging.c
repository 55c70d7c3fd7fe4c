/*
 * paging.c - see paging.h.
 */
#include "paging.h"

#define PTE_PRESENT             (1u << 0)
#define PTE_WRITE               (1u << 1)
#define PTE_ACCESSED            (1u << 5)
#define PTE_DIRTY               (1u << 6)
#define PTE_LARGE               (1u << 7)
#define TABLE_BITS              (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED)
#define LEAF_BITS               (TABLE_BITS | PTE_DIRTY | PTE_LARGE)

#define GIB_SHIFT               30
#define LARGE_PAGE_SIZE         0x200000u

void paging_build(uint64_t *pml4, uint64_t *pdpt, uint32_t pdpt_paddr, uint64_t *directories,
		  uint32_t directories_paddr, uint32_t gib_count, bool gib_pages)
{
	uint32_t entry = LEAF_BITS;     /* of a 2 MiB page; all are below 4 GiB */

	pml4[0] = pdpt_paddr | TABLE_BITS;
	for (uint32_t i = 0; i < gib_count; i++) {
		if (gib_pages) {
			pdpt[i] = (uint64_t)i << GIB_SHIFT | LEAF_BITS;
			continue;
		}
		pdpt[i] = (directories_paddr + i * PAGE_SIZE) | TABLE_BITS;
		for (uint32_t j = 0; j < PAGE_TABLE_ENTRIES; j += 4, entry += 4 * LARGE_PAGE_SIZE) {
			directories[j] = entry;
			directories[j + 1] = entry + LARGE_PAGE_SIZE;
			directories[j + 2] = entry + 2 * LARGE_PAGE_SIZE;
			directories[j + 3] = entry + 3 * LARGE_PAGE_SIZE;
		}
		directories += PAGE_TABLE_ENTRIES;
	}
}
