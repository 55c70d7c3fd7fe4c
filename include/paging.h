/*
 * paging.h - identity page tables for the 64-bit kernel entry.  Pure.
 * SDM Vol. 3A, "4-Level Paging and 5-Level Paging".
 */
#ifndef PAGING_H
#define PAGING_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE_SIZE               0x1000u
#define PAGE_TABLE_ENTRIES      512u

/*
 * Maps [0, gib_count GiB) to itself, gib_count at most 4.  pml4 and pdpt are one cleared page
 * each.  directories has a page for each GiB, cleared or not; it is not used (and may be NULL) when
 * the processor has 1 GiB pages.  The tables' physical addresses are pdpt_paddr and
 * directories_paddr.
 */
void paging_build(uint64_t *pml4, uint64_t *pdpt, uint32_t pdpt_paddr, uint64_t *directories,
		  uint32_t directories_paddr, uint32_t gib_count, bool gib_pages);

#endif
