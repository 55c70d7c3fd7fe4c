/*
 * pvh.h - the PVH boot protocol: build hvm_start_info.  Pure.
 * Xen public/arch-x86/hvm/start_info.h.
 */
#ifndef PVH_H
#define PVH_H

#include <stdint.h>

#include "load.h"
#include "spec/pvh.h"

/* All that a PVH kernel is handed. */
struct pvh_block {
	struct pvh_start_info info;
	struct pvh_module module;
	struct pvh_memmap_entry memmap[MEMMAP_MAX_ENTRIES];
};

/*
 * Fills the block, which lies at block_paddr, but for base, size and type of the map's count
 * entries, which memmap_build_e820() has written.
 */
void pvh_build(struct pvh_block *block, uint32_t block_paddr, const struct load_handover *handover,
	       uint32_t count);

#endif
