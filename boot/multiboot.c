/*
 * multiboot.c - see multiboot.h.
 */
#include "multiboot.h"

#include "layout.h"

void multiboot_build(struct multiboot_info *info, struct multiboot_mmap_entry *mmap,
		     uint32_t mmap_paddr, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		mmap[i].size = sizeof(mmap[i]) - sizeof(mmap[i].size);
		if (mmap[i].type != MEMORY_RAM)
			continue;
		if (mmap[i].base == 0)
			info->mem_lower = (uint32_t)(mmap[i].length >> 10);
		if (mmap[i].base == LEGACY_HOLE_END)
			info->mem_upper = (uint32_t)(mmap[i].length >> 10);
	}
	info->mmap_addr = mmap_paddr;
	info->mmap_length = count * sizeof(*mmap);
	info->flags |= MULTIBOOT_FLAG_MEMORY | MULTIBOOT_FLAG_MMAP;
}
