/*
 * boot_elf.c - see boot_elf.h.
 */
#include "boot_elf.h"

#include "console.h"
#include "handoff.h"
#include "layout.h"
#include "load.h"
#include "marker.h"
#include "multiboot.h"
#include "phys.h"
#include "pvh.h"
#include "spec/elf.h"

static noreturn void refuse_place(const char *who, uint32_t base, uint64_t end, uint32_t hole,
				  uint64_t hole_end)
{
	panic("boot: the %s from 0x%x to 0x%llx; from 0x%x to 0x%llx a PC has no RAM for it, link the "
	      "kernel to other addresses",
	      who, base, (unsigned long long)end, hole, (unsigned long long)hole_end);
}

/*
 * Claims the memory that the kernel occupies.  A kernel may span the hole below 1 MiB, with small
 * segments below it and the rest above; it can neither begin nor end in it.
 */
static void claim(struct memmap *map, const struct boot_image *image)
{
	/* QEMU appends what it passes to a Multiboot kernel. */
	const char *who = image->protocol == BOOT_MULTIBOOT ?
				  "Multiboot kernel, with its modules, lies" :
				  "ELF kernel lies";
	uint32_t base = image->handover.kernel_paddr;
	uint32_t size = image->kernel_size;
	uint64_t end = (uint64_t)base + size;
	uint64_t low_end = end < LOW_RAM_END ? end : LOW_RAM_END;
	uint64_t high_base = base > LEGACY_HOLE_END ? base : LEGACY_HOLE_END;

	if (base < LEGACY_HOLE_END && end > LOW_RAM_END &&
	    (base >= LOW_RAM_END || end <= LEGACY_HOLE_END))
		refuse_place(who, base, end, LOW_RAM_END, LEGACY_HOLE_END);
	if (end > IOAPIC_BASE)
		refuse_place(who, base, end, IOAPIC_BASE, FOUR_GIB);
	if ((base < LOW_RAM_END && !memmap_is(map, base, low_end, MEMORY_RAM)) ||
	    (high_base < end && !memmap_is(map, high_base, end, MEMORY_RAM)))
		panic("boot: the %s from 0x%x to 0x%llx, the guest has %u MiB below 4 GiB and needs %u; "
		      "%slink the kernel to lower addresses",
		      who, base, (unsigned long long)end, load_mib(memmap_low_ram_end(map)),
		      load_mib_for(end), load_more_memory(map, end));
	memmap_reserve(map, base, base < LOW_RAM_END ? low_end : 0, MEMORY_LOADED, "the kernel");
	memmap_reserve(map, high_base, end, MEMORY_LOADED, "the kernel");
}

/*
 * Refuses a 64-bit kernel, which would stop without a word.  QEMU gives the head of the file, which
 * 7.2 may have overwritten (it kept no copy); then the kernel is started all the same.
 */
static void refuse_without_long_mode(const struct fw_cfg *cfg)
{
	struct elf_header elf;

	fw_cfg_read(cfg, FW_CFG_KEY_SETUP_DATA, &elf, sizeof(elf));
	if (elf.magic == ELF_MAGIC && elf.class == ELF_CLASS_64 &&
	    elf.machine == ELF_MACHINE_X86_64)
		panic("boot: the ELF kernel is for 64-bit processors and this one has no long mode; "
		      "give QEMU another -cpu, or start qemu-system-x86_64");
}

void boot_elf_probe(struct boot_image *image, const struct machine *machine, struct memmap *map)
{
	const struct fw_cfg *cfg = &machine->cfg;

	image->handover.kernel_paddr = fw_cfg_read_u32(cfg, FW_CFG_KEY_KERNEL_ADDR);
	image->kernel_size = fw_cfg_read_u32(cfg, FW_CFG_KEY_KERNEL_SIZE);
	if (!image->kernel_size)
		panic("boot: no kernel; this firmware boots no disks, start QEMU with -kernel FILE");
	image->handover.initrd_size = fw_cfg_read_u32(cfg, FW_CFG_KEY_INITRD_SIZE);
	image->elf_in_ram = true;
	/* QEMU passes Multiboot's information as an initrd.  A PVH kernel's initrd may be as long,
	 * but of such a kernel QEMU gives the head of the file, too. */
	if (image->handover.initrd_size == sizeof(struct multiboot_info) &&
	    !fw_cfg_read_u32(cfg, FW_CFG_KEY_SETUP_SIZE)) {
		image->protocol = BOOT_MULTIBOOT;
		/* Never Linux and often a unikernel, which expects devices to decode. */
		image->wants_decoding = true;
	} else {
		image->protocol = BOOT_PVH;
		if (!(machine->cpu.leaf81_edx & CPUID_81_EDX_LM))
			refuse_without_long_mode(cfg);
	}
	claim(map, image);
}

static noreturn void boot_pvh(struct boot_image *image, const struct fw_cfg *cfg,
			      struct memmap *map, const struct boot_facts *facts)
{
	struct load_handover *handover = &image->handover;
	struct pvh_block *block;
	uint32_t block_paddr, count;

	handover->cmdline_paddr = load_cmdline(cfg, map);
	handover->initrd_paddr = load_initrd(cfg, map, handover->initrd_size, FOUR_GIB);
	/* Linux reads the memory map and the module in it with its first page tables, which end at
	 * 1 GiB (64 bits) or behind the kernel (arch/x86/platform/pvh/head.S). */
	block_paddr = memmap_alloc(map, sizeof(*block), sizeof(uint64_t), MEMORY_LOADED, ZONE_NEAR,
				   "hvm_start_info");
	block = phys_ptr(block_paddr);
	count = memmap_build_e820(map, block->memmap, sizeof(block->memmap[0]), MEMMAP_MAX_ENTRIES);
	pvh_build(block, block_paddr, handover, count);
	fpdt_mark_start(&facts->fpdt);
	marker_write(facts->markers, MARKER_PVH);
	handoff32(image->entry, 0, block_paddr, 0);
}

/*
 * QEMU gives all from the first segment to the last module as one piece.  What lies in the hole
 * between low and high memory is skipped, as it would overwrite this firmware: nothing, or what
 * check_hole() refuses.  claim() has checked that such a piece ends above the hole.
 */
static void load_multiboot(const struct boot_image *image, const struct fw_cfg *cfg)
{
	uint32_t base = image->handover.kernel_paddr;
	uint32_t size = image->kernel_size;
	uint32_t skipped = LEGACY_HOLE_END - base;

	if (base >= LEGACY_HOLE_END || size <= LOW_RAM_END - base) {
		fw_cfg_read(cfg, FW_CFG_KEY_KERNEL_DATA, phys_ptr(base), size);
		return;
	}
	fw_cfg_read(cfg, FW_CFG_KEY_KERNEL_DATA, phys_ptr(base), LOW_RAM_END - base);
	fw_cfg_read_at(cfg, FW_CFG_KEY_KERNEL_DATA, skipped, LEGACY_HOLE_END, size - skipped);
}

/*
 * Refuses a piece across the hole that has anything of QEMU's in it: from the list of modules on,
 * all up to the end is command lines and modules (QEMU hw/i386/multiboot.c, load_multiboot()).
 */
static void check_hole(const struct boot_image *image, const struct multiboot_info *info)
{
	uint32_t base = image->handover.kernel_paddr;
	uint64_t end = (uint64_t)base + image->kernel_size;

	if (base < LEGACY_HOLE_END && end > LEGACY_HOLE_END && info->mods_addr < LEGACY_HOLE_END)
		refuse_place("command line and modules of the Multiboot kernel lie",
			     info->mods_addr, end, LOW_RAM_END, LEGACY_HOLE_END);
}

static noreturn void boot_multiboot(const struct boot_image *image, const struct fw_cfg *cfg,
				    struct memmap *map, const struct boot_facts *facts)
{
	struct multiboot_mmap_entry *mmap;
	struct multiboot_info *info;
	uint32_t info_paddr, mmap_paddr;
	uint32_t count;

	load_multiboot(image, cfg);
	/* Not at 0x9500, where QEMU would have it and nothing looks: a kernel may be there. */
	info_paddr = memmap_alloc(map, sizeof(*info), sizeof(uint32_t), MEMORY_LOADED, ZONE_NEAR,
				  "the Multiboot information");
	info = phys_ptr(info_paddr);
	fw_cfg_read(cfg, FW_CFG_KEY_INITRD_DATA, info, sizeof(*info));
	check_hole(image, info);
	mmap_paddr = memmap_alloc(map, MEMMAP_MAX_ENTRIES * sizeof(*mmap), sizeof(uint32_t),
				  MEMORY_LOADED, ZONE_NEAR, "the memory map");
	mmap = phys_ptr(mmap_paddr);
	count = memmap_build_e820(map, &mmap->base, sizeof(*mmap), MEMMAP_MAX_ENTRIES);
	multiboot_build(info, mmap, mmap_paddr, count);
	fpdt_mark_start(&facts->fpdt);
	marker_write(facts->markers, MARKER_MULTIBOOT);
	handoff32(image->entry, MULTIBOOT_MAGIC, info_paddr, 0);
}

noreturn void boot_elf(struct boot_image *image, const struct machine *machine, struct memmap *map,
		       const struct boot_facts *facts)
{
	if (image->protocol == BOOT_PVH)
		boot_pvh(image, &machine->cfg, map, facts);
	boot_multiboot(image, &machine->cfg, map, facts);
}
