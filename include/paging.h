/*
 * paging.h - identity page tables for the 64-bit kernel entry.  Pure.
 * SDM Vol. 3A, "4-Level Paging and 5-Level Paging".
 */
#ifndef PAGING_H
#define PAGING_H

#include <stdbool.h>
#include <stdint.h>

#include "layout.h"

#define PAGE_TABLE_ENTRIES 512u

/* How many directories a map of [0, end) takes: none when the processor has 1 GiB pages. */
uint32_t paging_directories(uint32_t end, bool gib_pages);

/*
 * Maps [0, end) to itself, end rounded up to 16 MiB, or to 1 GiB with pages of that size.  pml4 and pdpt are one
 * cleared page each; directories, as many as paging_directories() says, are cleared, too.  The tables'
 * physical addresses are pdpt_paddr and directories_paddr.
 */
void paging_build(uint64_t *pml4, uint64_t *pdpt, uint32_t pdpt_paddr, uint64_t *directories,
		  uint32_t directories_paddr, uint32_t end, bool gib_pages);

#endif
