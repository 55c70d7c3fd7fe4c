/*
 * boot_linux.c - see boot_linux.h.
 */
#include "boot_linux.h"

#include "console.h"
#include "handoff.h"
#include "layout.h"
#include "load.h"
#include "marker.h"
#include "paging.h"
#include "phys.h"
#include "refuse.h"
#include "string.h"

#define MAX_SETUP_DATA 16 /* nodes of a setup_data chain */

/* Cleared as a whole, then filled in. */
struct boot_area {
	struct linux_boot_params params;
	uint64_t page_tables[]; /* none for a start in 32-bit mode */
};
_Static_assert(sizeof(struct boot_area) == PAGE_SIZE, "page tables begin on a page");

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

/* Refuses the file that begins with image->header: no protocol takes it. */
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

/* Clears the memory for boot_params and page tables, which is claimed. */
static struct boot_area *make_area(struct memmap *map, uint32_t mapped_end, const struct cpu *cpu)
{
	uint32_t size = sizeof(struct boot_area) +
			paging_size(mapped_end, cpu->leaf81_edx & CPUID_81_EDX_PDPE1GB);
	uint32_t paddr = memmap_alloc(map, size, PAGE_SIZE, MEMORY_LOADED, ZONE_LOW, "boot_params");

	return memset(phys_ptr(paddr), 0, size);
}

/* Finds out the kernel's and the initrd's size.  The initrd's in the file means nothing. */
static void read_sizes(struct boot_image *image, const struct fw_cfg *cfg)
{
	if (image->protocol == BOOT_UKI) {
		image->kernel_size = uki_kernel_size(&image->uki, image->header);
		image->handover.initrd_size = uki_initrd_size(&image->uki);
	} else {
		image->kernel_size = fw_cfg_read_u32(cfg, FW_CFG_KEY_KERNEL_SIZE);
		if (image->bzimage.has_initrd)
			image->handover.initrd_size = fw_cfg_read_u32(cfg, FW_CFG_KEY_INITRD_SIZE);
	}
	if (image->kernel_size < image->bzimage.min_size)
		panic("boot: the kernel has been cut short: %u bytes follow its real-mode part, and its "
		      "header tells of %llu or more; copy the file anew",
		      image->kernel_size, (unsigned long long)image->bzimage.min_size);
}

bool boot_linux_probe(struct boot_image *image, const struct machine *machine, struct memmap *map)
{
	const struct fw_cfg *cfg = &machine->cfg;
	const uint32_t *no_file = (const void *)image->header;
	uint64_t base, size;
	enum error error;

	image->protocol = BOOT_LINUX;
	fw_cfg_read(cfg, FW_CFG_KEY_SETUP_DATA, image->header, sizeof(image->header));
	do
		error = bzimage_parse(&image->bzimage, image->header, sizeof(image->header));
	while (error == ERR_MAGIC && is_uki(image, cfg, map));
	if (error != OK && !no_file[0] && !fw_cfg_read_u32(cfg, FW_CFG_KEY_SETUP_SIZE))
		return false;
	if (error != OK)
		refuse(image, error);

	read_sizes(image, cfg);
	if (image->bzimage.entry64) {
		if (!(machine->cpu.leaf81_edx & CPUID_81_EDX_LM))
			panic("boot: the kernel is for 64-bit processors and this one has no long mode; give "
			      "QEMU another -cpu, or start qemu-system-x86_64");
		image->mapped_end = memmap_low_ram_end(map);
	}
	error = bzimage_plan(&image->bzimage, image->kernel_size, map,
			     &image->handover.kernel_paddr);
	if (error != OK) {
		base = image->bzimage.pref_address;
		size = bzimage_run_size(&image->bzimage, image->kernel_size);
		panic("boot: the kernel needs %u MiB of memory from %u MiB on, the guest has %u MiB "
		      "below 4 GiB and needs %u; %stake a smaller kernel",
		      load_mib(size), (uint32_t)(base >> 20), load_mib(memmap_low_ram_end(map)),
		      load_mib_for(base + size), load_more_memory(map, base + size));
	}
	if (image->protocol == BOOT_UKI)
		uki_load_kernel(&image->uki, cfg, image->header, image->handover.kernel_paddr);
	image->area = make_area(map, image->mapped_end, &machine->cpu);
	return true;
}

/* The address below which a kernel takes its initrd. */
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
 * unpacks itself, and links them anew.  Returns the first one's address.  Without -dtb QEMU leaves
 * alone what the file has in the header, which means nothing.
 */
static uint32_t load_setup_data(const struct boot_image *image, struct memmap *map)
{
	const uint8_t *kernel = phys_ptr(image->handover.kernel_paddr);
	uint32_t setup_size = bzimage_setup_size(image->header);
	uint64_t next = image->bzimage.setup_data;
	struct linux_setup_data *last = NULL;
	uint32_t first = 0;

	for (uint32_t i = 0; next; i++) {
		struct linux_setup_data *node;
		uint32_t offset, size, paddr;
		enum error error = bzimage_find_setup_data(kernel, image->kernel_size, next,
							   setup_size, !i, &offset);

		if (!i && error != OK) {
			console_log(
				"boot: setup_data in the kernel file's header is 0x%llx, where QEMU has "
				"put nothing; it is ignored",
				(unsigned long long)next);
			return 0;
		}
		if (error != OK || i == MAX_SETUP_DATA)
			panic("boot: setup_data node %u at 0x%llx %s; start QEMU without -dtb, or with "
			      "another kernel file",
			      i, (unsigned long long)next, error_text(ERR_CHAIN));
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
	uint32_t paddr;

	if (count <= LINUX_E820_MAX) {
		params->e820_entries = (uint8_t)count;
		return;
	}
	paddr = memmap_alloc(map, sizeof(*node) + MEMMAP_MAX_ENTRIES * sizeof(*entries),
			     sizeof(uint64_t), MEMORY_LOADED, ZONE_LOW, "the memory map");
	node = phys_ptr(paddr);
	entries = (void *)(node + 1);
	count = memmap_build_e820(map, entries, sizeof(*entries), MEMMAP_MAX_ENTRIES);
	memcpy(params->e820_table, entries, sizeof(params->e820_table));
	params->e820_entries = LINUX_E820_MAX;
	memmove(entries, entries + LINUX_E820_MAX, (count - LINUX_E820_MAX) * sizeof(*entries));
	*node = (struct linux_setup_data){ .next = params->header.setup_data,
					   .type = LINUX_SETUP_E820_EXT,
					   .size = (count - LINUX_E820_MAX) * sizeof(*entries) };
	params->header.setup_data = paddr;
}

/* Tells the kernel where all that belongs to it is in memory, and leaves. */
static noreturn void enter(const struct boot_image *image, const struct cpu *cpu,
			   struct memmap *map, const struct boot_facts *facts)
{
	struct boot_area *area = image->area;
	bool long_mode = image->mapped_end;
	const char *cmdline = phys_ptr(image->handover.cmdline_paddr);

	if (strlen(cmdline) > image->bzimage.cmdline_max)
		console_log(
			"boot: the kernel cuts the command line of %u characters to %u; shorten -append",
			(unsigned int)strlen(cmdline), image->bzimage.cmdline_max);
	paging_build(area->page_tables, phys_addr(area->page_tables), image->mapped_end,
		     cpu->leaf81_edx & CPUID_81_EDX_PDPE1GB);
	bzimage_build(&area->params, &image->bzimage, image->header, &image->handover);
	hand_over_map(&area->params, map);
	fpdt_mark_start(&facts->fpdt);
	marker_write(facts->markers, MARKER_LINUX);
	if (long_mode)
		handoff64(image->handover.kernel_paddr + LINUX_ENTRY64_OFFSET,
			  phys_addr(&area->params), phys_addr(area->page_tables));
	handoff32(image->handover.kernel_paddr, 0, 0, phys_addr(&area->params));
}

noreturn void boot_linux(struct boot_image *image, const struct machine *machine,
			 struct memmap *map, const struct boot_facts *facts)
{
	const struct fw_cfg *cfg = &machine->cfg;
	struct load_handover *handover = &image->handover;
	uint64_t max = initrd_max(image, cfg);

	handover->cmdline_paddr = load_cmdline(cfg, map);
	if (image->protocol == BOOT_UKI) {
		handover->setup_data_paddr = uki_load_dtb(&image->uki, cfg, map);
		handover->cmdline_paddr = uki_load_cmdline(
			&image->uki, cfg, map, phys_ptr(handover->cmdline_paddr), &facts->smbios);
		handover->initrd_paddr = load_place_initrd(map, handover->initrd_size, max);
		uki_load_initrd(&image->uki, cfg, handover->initrd_paddr);
	} else {
		fw_cfg_read(cfg, FW_CFG_KEY_KERNEL_DATA, phys_ptr(handover->kernel_paddr),
			    image->kernel_size);
		handover->setup_data_paddr = load_setup_data(image, map);
		handover->initrd_paddr = load_initrd(cfg, map, handover->initrd_size, max);
	}
	enter(image, &machine->cpu, map, facts);
}
