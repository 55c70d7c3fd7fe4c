/*
 * boot.c - see boot.h.
 *
 * All that a kernel is handed lies in the firmware's pool, or in RAM that nothing else uses before
 * the kernel reads the memory map.
 */
#include "boot.h"

#include <stdbool.h>

#include "console.h"
#include "handoff.h"
#include "layout.h"
#include "marker.h"
#include "multiboot.h"
#include "paging.h"
#include "phys.h"
#include "pvh.h"
#include "refuse.h"
#include "string.h"

#define CMDLINE_GUESS  0x1000 /* read at once; longer ones cost two more exits */
#define MAX_SETUP_DATA 16     /* nodes of a setup_data chain */
#define NEW_RANGES     4      /* an allocation adds at most two ranges to the map */

/* QEMU's Multiboot information: where it is, and how it is told from a PVH kernel's initrd. */
#define MULTIBOOT_INFO_SIZE sizeof(struct multiboot_info)

/* Cleared as a whole by one over-long fw_cfg read, then filled in. */
struct boot_area {
	struct linux_boot_params params;
	uint64_t pml4[PAGE_TABLE_ENTRIES];
	uint64_t pdpt[PAGE_TABLE_ENTRIES];
	uint64_t directories[];
};
_Static_assert(sizeof(struct boot_area) == 3 * PAGE_SIZE, "three pages, no padding");

/*
 * Claims what QEMU loaded, or we shall load, at fixed addresses.  An image may span the hole below
 * 1 MiB (small segments low, the rest high); it cannot have anything in the hole.
 */
static void claim_fixed(struct memmap *map, uint32_t base, uint32_t size, const char *what)
{
	uint64_t end = (uint64_t)base + size;
	uint64_t low_end = end < LOW_RAM_END ? end : LOW_RAM_END;
	uint64_t high_base = base > LEGACY_HOLE_END ? base : LEGACY_HOLE_END;

	if ((base < LOW_RAM_END && !memmap_is(map, base, low_end, MEMORY_RAM)) ||
	    (base >= LOW_RAM_END && base < LEGACY_HOLE_END) ||
	    (high_base < end && !memmap_is(map, high_base, end, MEMORY_RAM)))
		panic("boot: %s of %u bytes at 0x%x does not fit into RAM, which ends at 0x%x; give the "
		      "guest more memory (-m)",
		      what, size, base, memmap_low_ram_end(map));
	memmap_reserve(map, base, base < LOW_RAM_END ? low_end : 0, MEMORY_LOADED, what);
	memmap_reserve(map, high_base, end, MEMORY_LOADED, what);
}

static void probe_elf(struct boot_image *image, const struct fw_cfg *cfg, struct memmap *map)
{
	image->kernel_paddr = fw_cfg_read_u32(cfg, FW_CFG_KEY_KERNEL_ADDR);
	image->kernel_size = fw_cfg_read_u32(cfg, FW_CFG_KEY_KERNEL_SIZE);
	image->initrd_size = fw_cfg_read_u32(cfg, FW_CFG_KEY_INITRD_SIZE);
	/* QEMU gives the head of a PVH kernel's file, and none of a Multiboot kernel's. */
	if (image->initrd_size == MULTIBOOT_INFO_SIZE &&
	    !fw_cfg_read_u32(cfg, FW_CFG_KEY_SETUP_SIZE))
		image->protocol = BOOT_MULTIBOOT;
	else
		image->protocol = BOOT_PVH;
	claim_fixed(map, image->kernel_paddr, image->kernel_size, "the ELF kernel");
}

static bool has_gib_pages(const struct cpu *cpu)
{
	return cpu->leaf81_edx & CPUID_81_EDX_PDPE1GB;
}

/* Whether a file without a Linux header is a UKI; its kernel's header is in image->header then. */
static bool is_uki(struct boot_image *image, const struct fw_cfg *cfg, const struct memmap *map)
{
	uint32_t magic;

	memcpy(&magic, image->header + LINUX_HEADER_MAGIC_OFFSET, sizeof(magic));
	if (image->protocol == BOOT_UKI || magic == LINUX_HEADER_MAGIC ||
	    !uki_probe(&image->uki, cfg, map, image->header, sizeof(image->header)))
		return false;
	image->protocol = BOOT_UKI;
	return true;
}

/* No protocol took the file that begins with image->header. */
static noreturn void refuse(const struct boot_image *image, enum error error)
{
	bool uki = image->protocol == BOOT_UKI;
	const char *what = uki ? "kernel in the UKI" : "file";
	const char *phrase = error == ERR_MAGIC && !uki ? refuse_phrase(image->header) : NULL;
	uint32_t found;

	if (phrase)
		panic("boot: the %s given with -kernel %s", what, phrase);
	memcpy(&found, image->header + LINUX_HEADER_MAGIC_OFFSET, sizeof(found));
	if (error == ERR_MAGIC)
		panic("boot: the %s given with -kernel is no kernel known here (0x%08x at offset "
		      "0x202); a Linux bzImage, a UKI, an ELF kernel with a PVH note, or a "
		      "Multiboot kernel is needed",
		      what, found);
	panic("boot: the %s given with -kernel %s; a Linux bzImage, a UKI, an ELF kernel with a "
	      "PVH note, or a Multiboot kernel is needed",
	      what, error_text(error));
}

static void probe_bzimage(struct boot_image *image, const struct fw_cfg *cfg, const struct cpu *cpu,
			  struct memmap *map)
{
	const uint32_t *no_file = (const void *)image->header;
	uint32_t area_size = sizeof(*image->area);
	uint64_t base, size;
	enum error error;

	image->protocol = BOOT_LINUX;
	fw_cfg_read(cfg, FW_CFG_KEY_SETUP_DATA, image->header, sizeof(image->header));
	do
		error = bzimage_parse(&image->bzimage, image->header, sizeof(image->header));
	while (error == ERR_MAGIC && is_uki(image, cfg, map));
	if (error != OK && !no_file[0] && !fw_cfg_read_u32(cfg, FW_CFG_KEY_SETUP_SIZE))
		panic("boot: no kernel; this firmware boots no disks, start QEMU with -kernel FILE");
	if (error != OK)
		refuse(image, error);

	if (image->bzimage.entry64 && (cpu->leaf81_edx & CPUID_81_EDX_LM))
		image->mapped_end = memmap_low_ram_end(map);
	area_size += paging_directories(image->mapped_end, has_gib_pages(cpu)) * PAGE_SIZE;
	image->area = phys_ptr(
		memmap_alloc(map, area_size, PAGE_SIZE, MEMORY_LOADED, ZONE_LOW, "boot_params"));
	if (image->protocol == BOOT_UKI) {
		memset(image->area, 0, area_size);
		image->kernel_size = uki_kernel_size(&image->uki, image->header);
		image->initrd_size = uki_initrd_size(&image->uki);
	} else {
		/* The number, and zeros for all the rest. */
		fw_cfg_read(cfg, FW_CFG_KEY_KERNEL_SIZE, image->area, area_size);
		memcpy(&image->kernel_size, image->area, sizeof(image->kernel_size));
		memset(image->area, 0, sizeof(image->kernel_size));
		image->initrd_size = image->bzimage.initrd_size;
	}
	error = bzimage_plan(&image->bzimage, image->kernel_size, map, &image->kernel_paddr);
	if (error != OK) {
		bzimage_needs(&image->bzimage, image->kernel_size, &base, &size);
		panic("boot: the kernel needs 0x%llx bytes from 0x%llx on, RAM ends at 0x%x; give the "
		      "guest more memory (-m)",
		      (unsigned long long)size, (unsigned long long)base, memmap_low_ram_end(map));
	}
	image->entry = image->kernel_paddr;
}

void boot_probe(struct boot_image *image, const struct fw_cfg *cfg, const struct cpu *cpu,
		struct memmap *map)
{
	image->mapped_end = 0;
	image->entry = fw_cfg_read_u32(cfg, FW_CFG_KEY_KERNEL_ENTRY);
	if (image->entry)
		probe_elf(image, cfg, map);
	else
		probe_bzimage(image, cfg, cpu, map);
}

/* Reads the command line, terminated, wherever there is room. */
static uint32_t load_cmdline(const struct fw_cfg *cfg, struct memmap *map)
{
	uint32_t paddr =
		memmap_alloc(map, CMDLINE_GUESS, 1, MEMORY_LOADED, ZONE_LOW, "the command line");
	const char *text = phys_ptr(paddr);
	uint32_t size;

	fw_cfg_read(cfg, FW_CFG_KEY_CMDLINE_DATA, phys_ptr(paddr), CMDLINE_GUESS);
	if (!text[CMDLINE_GUESS - 1])
		return paddr;
	size = fw_cfg_read_u32(cfg, FW_CFG_KEY_CMDLINE_SIZE);
	paddr = memmap_alloc(map, size, 1, MEMORY_LOADED, ZONE_LOW, "the command line");
	fw_cfg_read(cfg, FW_CFG_KEY_CMDLINE_DATA, phys_ptr(paddr), size);
	return paddr;
}

/* The highest free place below max, claimed; 0 when there is no initrd. */
static uint64_t place_initrd(struct memmap *map, uint32_t size, uint64_t max)
{
	uint64_t paddr;

	if (!size)
		return 0;
	paddr = memmap_find(map, size, PAGE_SIZE, LEGACY_HOLE_END, max);
	if (!paddr)
		panic("boot: the initrd of %u bytes does not fit into one piece of free RAM; RAM below "
		      "4 GiB ends at 0x%x, the kernel takes an initrd below 0x%llx; give the guest "
		      "more memory (-m)",
		      size, memmap_low_ram_end(map), (unsigned long long)max);
	memmap_reserve(map, paddr, paddr + size, MEMORY_LOADED, "the initrd");
	return paddr;
}

static uint64_t load_initrd(const struct fw_cfg *cfg, struct memmap *map, uint32_t size,
			    uint64_t max)
{
	uint64_t paddr = place_initrd(map, size, max);

	if (size)
		fw_cfg_read_paddr(cfg, FW_CFG_KEY_INITRD_DATA, paddr, size);
	return paddr;
}

/* Below what address a bzImage takes its initrd. */
static uint64_t initrd_max(const struct boot_image *image, const struct fw_cfg *cfg)
{
	uint64_t max = image->bzimage.initrd_max;

	/* Only DMA gets above 4 GiB, and only a kernel in 64-bit mode sees what is there. */
	if (max > FOUR_GIB || image->bzimage.initrd_above_4g)
		return image->mapped_end && image->bzimage.initrd_above_4g && cfg->dma ?
			       UINT64_MAX :
			       FOUR_GIB;
	return max;
}

/*
 * Moves QEMU's setup_data nodes out of the kernel as loaded, which the kernel overwrites when it
 * unpacks itself, and links them anew.  Returns the first one's address.
 */
static uint32_t load_setup_data(const struct boot_image *image, struct memmap *map)
{
	const uint8_t *kernel = phys_ptr(image->kernel_paddr);
	uint32_t setup_size = bzimage_setup_size(image->header);
	uint64_t next = image->bzimage.setup_data;
	struct linux_setup_data *last = NULL;
	uint32_t first = 0;

	for (uint32_t i = 0; next; i++) {
		struct linux_setup_data *node;
		uint32_t offset, size, paddr;
		enum error error = i < MAX_SETUP_DATA ?
					   bzimage_find_setup_data(kernel, image->kernel_size, next,
								   setup_size, &offset) :
					   ERR_CHAIN;

		if (error != OK)
			panic("boot: setup_data node %u at 0x%llx %s; start QEMU without -dtb", i,
			      (unsigned long long)next, error_text(error));
		node = (void *)(kernel + offset);
		size = sizeof(*node) + node->size;
		paddr = memmap_alloc(map, size, sizeof(uint64_t), MEMORY_LOADED, ZONE_LOW,
				     "setup_data");
		next = node->next;
		memcpy(phys_ptr(paddr), node, size);
		if (last)
			last->next = paddr;
		else
			first = paddr;
		last = phys_ptr(paddr);
		last->next = 0;
	}
	return first;
}

/* The memory map goes into boot_params; what it has no room for into a setup_data node. */
static void hand_over_map(struct linux_boot_params *params, struct memmap *map)
{
	struct e820_entry *entries = params->e820_table;
	uint32_t count = memmap_build_e820(map, entries, sizeof(*entries), LINUX_E820_MAX);
	struct linux_setup_data *node;
	uint32_t max = count + NEW_RANGES;
	uint32_t paddr;

	if (count <= LINUX_E820_MAX) {
		params->e820_entries = (uint8_t)count;
		return;
	}
	paddr = memmap_alloc(map, sizeof(*node) + max * sizeof(*entries), sizeof(uint64_t),
			     MEMORY_LOADED, ZONE_LOW, "the memory map");
	node = phys_ptr(paddr);
	entries = (void *)(node + 1);
	count = memmap_build_e820(map, entries, sizeof(*entries), max);
	memcpy(params->e820_table, entries, sizeof(params->e820_table));
	params->e820_entries = LINUX_E820_MAX;
	memmove(entries, entries + LINUX_E820_MAX, (count - LINUX_E820_MAX) * sizeof(*entries));
	*node = (struct linux_setup_data){ .next = params->header.setup_data,
					   .type = LINUX_SETUP_E820_EXT,
					   .size = (count - LINUX_E820_MAX) * sizeof(*entries) };
	params->header.setup_data = paddr;
}

/* All that belongs to the kernel is in memory: tells it where, and leaves. */
static noreturn void enter_linux(const struct boot_image *image, const struct cpu *cpu,
				 struct memmap *map, const struct bzimage_handover *handover)
{
	struct boot_area *area = image->area;
	bool long_mode = image->mapped_end;
	const char *cmdline = phys_ptr(handover->cmdline_paddr);

	if (strlen(cmdline) > image->bzimage.cmdline_max)
		log("boot: the kernel cuts the command line of %u characters to %u; shorten -append",
		    (unsigned int)strlen(cmdline), image->bzimage.cmdline_max);
	paging_build(area->pml4, area->pdpt, phys_addr(area->pdpt), area->directories,
		     phys_addr(area->directories), image->mapped_end, has_gib_pages(cpu));
	if (image->bzimage.entry64 && !long_mode)
		log("boot: the kernel is for 64-bit processors, this one has no long mode; if nothing "
		    "follows, change -cpu or start qemu-system-x86_64");

	bzimage_build(&area->params, &image->bzimage, image->header, handover);
	hand_over_map(&area->params, map);
	fpdt_mark_start(&image->fpdt);
	marker_write(image->markers, MARKER_LINUX);
	if (long_mode)
		handoff64(image->entry + LINUX_ENTRY64_OFFSET, phys_addr(&area->params),
			  phys_addr(area->pml4));
	handoff32(image->entry, 0, 0, phys_addr(&area->params));
}

static noreturn void boot_bzimage(const struct boot_image *image, const struct fw_cfg *cfg,
				  const struct cpu *cpu, struct memmap *map, uint32_t rsdp_paddr)
{
	struct bzimage_handover handover = {
		.load_paddr = image->kernel_paddr,
		.initrd_size = image->initrd_size,
		.rsdp_paddr = rsdp_paddr,
	};

	fw_cfg_read(cfg, FW_CFG_KEY_KERNEL_DATA, phys_ptr(image->kernel_paddr), image->kernel_size);
	handover.setup_data_paddr = load_setup_data(image, map);
	handover.cmdline_paddr = load_cmdline(cfg, map);
	handover.initrd_paddr = load_initrd(cfg, map, image->initrd_size, initrd_max(image, cfg));
	enter_linux(image, cpu, map, &handover);
}

static noreturn void boot_uki(const struct boot_image *image, const struct fw_cfg *cfg,
			      const struct cpu *cpu, struct memmap *map, uint32_t rsdp_paddr)
{
	struct bzimage_handover handover = {
		.load_paddr = image->kernel_paddr,
		.initrd_size = image->initrd_size,
		.rsdp_paddr = rsdp_paddr,
	};
	const char *append = phys_ptr(load_cmdline(cfg, map));

	uki_load_kernel(&image->uki, cfg, image->header, image->kernel_paddr);
	handover.setup_data_paddr = uki_load_dtb(&image->uki, cfg, map);
	handover.cmdline_paddr = uki_load_cmdline(&image->uki, cfg, map, append, &image->smbios);
	handover.initrd_paddr = place_initrd(map, image->initrd_size, initrd_max(image, cfg));
	uki_load_initrd(&image->uki, cfg, handover.initrd_paddr);
	enter_linux(image, cpu, map, &handover);
}

static noreturn void boot_pvh(const struct boot_image *image, const struct fw_cfg *cfg,
			      struct memmap *map, uint32_t rsdp_paddr)
{
	struct pvh_handover handover = {
		.initrd_size = image->initrd_size,
		.rsdp_paddr = rsdp_paddr,
	};
	struct pvh_block *block;
	uint32_t count;

	handover.cmdline_paddr = load_cmdline(cfg, map);
	handover.initrd_paddr = (uint32_t)load_initrd(cfg, map, image->initrd_size, FOUR_GIB);
	count = map->count + NEW_RANGES;
	handover.block_paddr = memmap_alloc(map, pvh_block_size(count), sizeof(uint64_t),
					    MEMORY_LOADED, ZONE_LOW, "hvm_start_info");
	block = phys_ptr(handover.block_paddr);
	count = memmap_build_e820(map, block->memmap, sizeof(block->memmap[0]), count);
	pvh_build(block, &handover, count);
	fpdt_mark_start(&image->fpdt);
	marker_write(image->markers, MARKER_PVH);
	handoff32(image->entry, 0, handover.block_paddr, 0);
}

static noreturn void boot_multiboot(const struct boot_image *image, const struct fw_cfg *cfg,
				    struct memmap *map)
{
	struct multiboot_mmap_entry *mmap;
	struct multiboot_info *info;
	uint32_t info_paddr, mmap_paddr;
	uint32_t count;

	fw_cfg_read(cfg, FW_CFG_KEY_KERNEL_DATA, phys_ptr(image->kernel_paddr), image->kernel_size);
	/* Not where QEMU would have it, at 0x9500: a kernel may be there, and nothing points to it. */
	info_paddr = memmap_alloc(map, sizeof(*info), sizeof(uint32_t), MEMORY_LOADED, ZONE_LOW,
				  "the Multiboot information");
	info = phys_ptr(info_paddr);
	fw_cfg_read(cfg, FW_CFG_KEY_INITRD_DATA, info, sizeof(*info));
	count = map->count + NEW_RANGES;
	mmap_paddr = memmap_alloc(map, count * sizeof(*mmap), sizeof(uint32_t), MEMORY_LOADED,
				  ZONE_LOW, "the memory map");
	mmap = phys_ptr(mmap_paddr);
	count = memmap_build_e820(map, &mmap->base, sizeof(*mmap), count);
	multiboot_build(info, mmap, mmap_paddr, count);
	fpdt_mark_start(&image->fpdt);
	marker_write(image->markers, MARKER_MULTIBOOT);
	handoff32(image->entry, MULTIBOOT_MAGIC, info_paddr, 0);
}

noreturn void boot(const struct boot_image *image, const struct fw_cfg *cfg, const struct cpu *cpu,
		   struct memmap *map, uint32_t rsdp_paddr)
{
	switch (image->protocol) {
	case BOOT_PVH:
		boot_pvh(image, cfg, map, rsdp_paddr);
	case BOOT_MULTIBOOT:
		boot_multiboot(image, cfg, map);
	case BOOT_UKI:
		boot_uki(image, cfg, cpu, map, rsdp_paddr);
	case BOOT_LINUX:
	default:
		boot_bzimage(image, cfg, cpu, map, rsdp_paddr);
	}
}
