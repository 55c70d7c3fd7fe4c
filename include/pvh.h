/*
 * pvh.h - the PVH boot protocol: build hvm_start_info.  Pure.
 */
#ifndef PVH_H
#define PVH_H

#include <stdint.h>

#include "memmap.h"
#include "spec/pvh.h"

/* All that a PVH kernel is handed, contiguous; the memory map follows. */
struct pvh_block {
	struct pvh_start_info info;
	struct pvh_module module;
	struct pvh_memmap_entry memmap[];
};

struct pvh_handover {
	uint32_t block_paddr; /* where the block lies */
	uint32_t cmdline_paddr;
	uint32_t initrd_paddr;
	uint32_t initrd_size; /* 0: no module */
	uint32_t rsdp_paddr;
};

/* Bytes of a block for a map of count entries. */
uint32_t pvh_block_size(uint32_t count);

/*
 * Fills the block, of pvh_block_size(count) bytes, but for base, size and type of the map's count
 * entries, which memmap_build_e820() has written.
 */
void pvh_build(struct pvh_block *block, const struct pvh_handover *handover, uint32_t count);

#endif
