/*
 * pvh.h - the PVH entry's start info.
 * Xen public/arch-x86/hvm/start_info.h and docs/misc/pvh.pandoc.
 */
#ifndef SPEC_PVH_H
#define SPEC_PVH_H

#include <stdint.h>

#define PVH_MAGIC 0x336ec578u

struct pvh_start_info {
	uint32_t magic;
	uint32_t version; /* 1 */
	uint32_t flags;
	uint32_t module_count;
	uint64_t modules_paddr;
	uint64_t cmdline_paddr;
	uint64_t rsdp_paddr;
	uint64_t memmap_paddr;
	uint32_t memmap_entries;
	uint32_t reserved;
};
_Static_assert(sizeof(struct pvh_start_info) == 56, "start_info.h");

struct pvh_module {
	uint64_t paddr;
	uint64_t size;
	uint64_t cmdline_paddr;
	uint64_t reserved;
};
_Static_assert(sizeof(struct pvh_module) == 32, "start_info.h");

struct pvh_memmap_entry { /* but for the last field an entry of E820 */
	uint64_t base;
	uint64_t size;
	uint32_t type;
	uint32_t reserved;
};
_Static_assert(sizeof(struct pvh_memmap_entry) == 24, "start_info.h");

#endif
