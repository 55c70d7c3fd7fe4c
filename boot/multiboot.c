/*
 * multiboot.c - see multiboot.h.
 */
#include "multiboot.h"

#include "layout.h"

void multiboot_build(struct multiboot_info *info, struct multiboot_mmap_entry *mmap,
		     uint32_t mmap_paddr, const struct e820_entry *e820, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		mmap[i] = (struct multiboot_mmap_entry){
			.size = sizeof(mmap[i]) - sizeof(mmap[i].size),
			.base = e820[i].base, .length = e820[i].size, .type = e820[i].type };
		if (e820[i].type != MEMORY_RAM)
			continue;
		if (e820[i].base == 0)
			info->mem_lower = (uint32_t)(e820[i].size >> 10);
		if (e820[i].base == LEGACY_HOLE_END)
			info->mem_upper = (uint32_t)(e820[i].size >> 10);
	}
	info->mmap_addr = mmap_paddr;
	info->mmap_length = count * sizeof(*mmap);
	info->flags |= MULTIBOOT_FLAG_MEMORY | MULTIBOOT_FLAG_MMAP;
}
