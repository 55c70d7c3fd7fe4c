/*
 * pvh.c - see pvh.h.
 */
#include "pvh.h"

#include <stddef.h>

void pvh_build(struct pvh_block *block, uint32_t block_paddr, const struct load_handover *handover,
	       uint32_t count)
{
	block->info = (struct pvh_start_info){
		.magic = PVH_MAGIC,
		.version = 1,
		.module_count = handover->initrd_size ? 1 : 0,
		.modules_paddr = handover->initrd_size ?
					 block_paddr + offsetof(struct pvh_block, module) :
					 0,
		.cmdline_paddr = handover->cmdline_paddr,
		.rsdp_paddr = handover->rsdp_paddr,
		.memmap_paddr = block_paddr + offsetof(struct pvh_block, memmap),
		.memmap_entries = count,
	};
	block->module = (struct pvh_module){
		.paddr = handover->initrd_paddr,
		.size = handover->initrd_size,
	};
	for (uint32_t i = 0; i < count; i++)
		block->memmap[i].reserved = 0;
}
