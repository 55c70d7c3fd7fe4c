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

/* Bytes of the tables for a map of [0, end): pages of 1 GiB need fewer.  0 when end is 0. */
uint32_t paging_size(uint32_t end, bool gib_pages);

/*
 * Maps [0, end) to itself, end rounded up to pages of 2 MiB, or of 1 GiB if the processor has them.
 * The tables, of paging_size() bytes, are cleared and at tables_paddr, on a page; the first one is
 * what CR3 wants.
 */
void paging_build(uint64_t *tables, uint32_t tables_paddr, uint32_t end, bool gib_pages);

#endif
