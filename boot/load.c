/*
 * load.c - see load.h.
 */
#include "load.h"

#include "console.h"
#include "layout.h"
#include "phys.h"

#define CMDLINE_GUESS   0x1000 /* read at once; a longer command line costs two more exits */
#define LOW_RAM_MAX_MIB 0xe00  /* the most that QEMU's PCs have below 4 GiB */

const char *load_more_memory(const struct memmap *map, uint64_t end)
{
	uint32_t ram_end = memmap_low_ram_end(map);
	uint32_t limit = LOW_RAM_MAX_MIB;

	if (ram_end < LEGACY_HOLE_END)
		ram_end = LEGACY_HOLE_END;
	/* A machine with ECAM has less, and its ECAM there. */
	for (uint32_t i = 0; i < map->count; i++)
		if (map->ranges[i].base >= ram_end && load_mib(map->ranges[i].base) < limit)
			limit = load_mib(map->ranges[i].base);
	if (load_mib_for(end) >= limit ||
	    memmap_find(map, PAGE_SIZE, PAGE_SIZE, FOUR_GIB, UINT64_MAX))
		return "";
	return "give it more memory (-m), or ";
}

uint32_t load_cmdline(const struct fw_cfg *cfg, struct memmap *map)
{
	uint32_t paddr =
		memmap_alloc(map, CMDLINE_GUESS, 1, MEMORY_LOADED, ZONE_NEAR, "the command line");
	const char *text = phys_ptr(paddr);
	uint32_t size;

	fw_cfg_read(cfg, FW_CFG_KEY_CMDLINE_DATA, phys_ptr(paddr), CMDLINE_GUESS);
	if (!text[CMDLINE_GUESS - 1])
		return paddr;
	size = fw_cfg_read_u32(cfg, FW_CFG_KEY_CMDLINE_SIZE);
	paddr = memmap_alloc(map, size, 1, MEMORY_LOADED, ZONE_NEAR, "the command line");
	fw_cfg_read(cfg, FW_CFG_KEY_CMDLINE_DATA, phys_ptr(paddr), size);
	return paddr;
}

uint64_t load_place_initrd(struct memmap *map, uint32_t size, uint64_t max)
{
	uint64_t ram_end = memmap_low_ram_end(map);
	uint64_t paddr;

	if (!size)
		return 0;
	paddr = memmap_find(map, size, PAGE_SIZE, LEGACY_HOLE_END, max);
	if (!paddr && max < ram_end)
		panic("boot: the initrd of %u MiB does not fit below %u MiB, where this kernel takes an "
		      "initrd; give it a smaller one",
		      load_mib(size), (uint32_t)(max >> 20));
	if (!paddr)
		panic("boot: the initrd of %u MiB does not fit into one piece of free RAM, the guest "
		      "has %u MiB below 4 GiB and needs %u; %sgive it a smaller initrd",
		      load_mib(size), load_mib(ram_end), load_mib_for(ram_end + size),
		      load_more_memory(map, ram_end + size));
	memmap_reserve(map, paddr, paddr + size, MEMORY_LOADED, "the initrd");
	return paddr;
}

uint64_t load_initrd(const struct fw_cfg *cfg, struct memmap *map, uint32_t size, uint64_t max)
{
	uint64_t paddr = load_place_initrd(map, size, max);

	if (size)
		fw_cfg_read_at(cfg, FW_CFG_KEY_INITRD_DATA, 0, paddr, size);
	return paddr;
}
