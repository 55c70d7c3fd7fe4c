/*
 * bzimage.c - see bzimage.h.
 */
#include "bzimage.h"

#include "align.h"
#include "string.h"

#define DEFAULT_INITRD_MAX  0x38000000u /* before 2.03 */
#define DEFAULT_CMDLINE_MAX 255u        /* before 2.06 */

static const struct linux_setup_header *header_of(const void *file)
{
	return (const void *)((const uint8_t *)file + LINUX_HEADER_OFFSET);
}

uint32_t bzimage_setup_size(const void *file)
{
	uint32_t sectors = header_of(file)->setup_sects;

	return ((sectors ? sectors : 4) + 1) * LINUX_SETUP_SECTOR;
}

/*
 * Whether the file is a loader whose 32-bit entry cannot be used.  syslinux's memdisk has its name
 * where a kernel has its version; GRUB's lnxboot.img has neither a version nor a size.
 */
static bool is_loader(const void *file, uint32_t size)
{
	static const char name[] = "MEMDISK ";
	const struct linux_setup_header *header = header_of(file);
	uint32_t offset = LINUX_VERSION_BASE + header->kernel_version;

	if (header->version < 0x0204 && !header->kernel_version && !(uint16_t)header->syssize)
		return true;
	return offset <= size - (sizeof(name) - 1) &&
	       memcmp((const uint8_t *)file + offset, name, sizeof(name) - 1) == 0;
}

/*
 * How much of a protected-mode kernel there must be: all its 16-byte units but for the end of the
 * last one, which old tools do not write, and the compressed kernel in it; and the entry, if the
 * header tells of none of them.
 */
static uint64_t min_size(const struct linux_setup_header *header, bool entry64)
{
	uint32_t entry = entry64 ? LINUX_ENTRY64_OFFSET : 0;
	uint64_t units = header->version >= 0x0204 ? header->syssize : (uint16_t)header->syssize;
	uint64_t size = units ? units * LINUX_SYSSIZE_UNIT - (LINUX_SYSSIZE_UNIT - 1) : 0;
	uint64_t payload_end = 0;

	if (header->version >= 0x0208)
		payload_end = (uint64_t)header->payload_offset + header->payload_length;
	if (size < payload_end)
		size = payload_end;
	return size > entry ? size : entry + 1;
}

enum error bzimage_parse(struct bzimage *image, const void *file, uint32_t size)
{
	const struct linux_setup_header *header = header_of(file);
	uint32_t end;

	if (size < BZIMAGE_HEADER_READ)
		return ERR_TRUNCATED;
	if (header->header != LINUX_HEADER_MAGIC || header->boot_flag != LINUX_BOOT_FLAG)
		return ERR_MAGIC;
	if (header->version < 0x0202)
		return ERR_VERSION;
	/* Some loaders look like kernels: iPXE has no 32-bit entry, others call the BIOS there. */
	if (!(header->loadflags & LINUX_LOADFLAG_HIGH) || !header->code32_start)
		return ERR_16BIT_ONLY;
	if (is_loader(file, size))
		return ERR_NEEDS_BIOS;

	end = 0x202 + header->jump_length;
	*image = (struct bzimage){
		.header_size = (end < LINUX_HEADER_MAX_END ? end : LINUX_HEADER_MAX_END) -
			       LINUX_HEADER_OFFSET,
		.version = header->version,
		.alignment = 1,
		.pref_address = LINUX_LOAD_HIGH_ADDR,
		.initrd_max = DEFAULT_INITRD_MAX,
		.cmdline_max = DEFAULT_CMDLINE_MAX,
		.has_initrd = header->ramdisk_size,
	};
	if (header->version >= 0x0203)
		image->initrd_max = (uint64_t)header->initrd_addr_max + 1;
	if (header->version >= 0x0205) {
		image->relocatable = header->relocatable_kernel;
		image->alignment = header->kernel_alignment ? header->kernel_alignment : 1;
		if (image->alignment & (image->alignment - 1))
			return ERR_ALIGNMENT;
	}
	if (header->version >= 0x0206)
		image->cmdline_max = header->cmdline_size;
	if (header->version >= 0x0209)
		image->setup_data = header->setup_data;
	if (header->version >= 0x020a) {
		image->pref_address = header->pref_address;
		image->init_size = header->init_size;
	}
	if (header->version >= 0x020c) {
		image->entry64 = header->xloadflags & LINUX_XLF_KERNEL_64;
		image->initrd_above_4g = header->xloadflags & LINUX_XLF_ABOVE_4G;
	}
	image->min_size = min_size(header, image->entry64);
	return OK;
}

uint64_t bzimage_run_size(const struct bzimage *image, uint32_t kernel_size)
{
	return image->init_size > kernel_size ? image->init_size : kernel_size;
}

static bool claim(struct memmap *map, uint64_t base, uint64_t end)
{
	return memmap_is(map, base, end, MEMORY_RAM) && end <= FOUR_GIB &&
	       memmap_set(map, base, end, MEMORY_LOADED) == OK;
}

/*
 * A relocatable kernel runs where it is loaded, rounded up to its alignment, but never below its
 * preferred address; loading it there already saves it a move.
 */
static enum error plan_relocatable(const struct bzimage *image, uint64_t size, struct memmap *map,
				   uint32_t *load_paddr)
{
	uint64_t align = image->alignment;
	uint64_t preferred = align_up(image->pref_address, align);

	if (image->pref_address > FOUR_GIB)
		return ERR_NO_MEMORY;
	if (preferred < LINUX_LOAD_HIGH_ADDR)
		preferred = align_up(LINUX_LOAD_HIGH_ADDR, align);
	for (uint32_t i = 0; i < map->count; i++) {
		const struct memory_range *range = &map->ranges[i];
		uint64_t base = range->base > preferred ? align_up(range->base, align) : preferred;

		if (range->type == MEMORY_RAM && base < range->end && range->end - base >= size &&
		    claim(map, base, base + size)) {
			*load_paddr = (uint32_t)base;
			return OK;
		}
	}
	return ERR_NO_MEMORY;
}

/* Loads at 1 MiB; the kernel runs at its preferred address.  The two places may overlap. */
static enum error plan_fixed(const struct bzimage *image, uint32_t kernel_size, struct memmap *map,
			     uint32_t *load_paddr)
{
	uint64_t load_end = (uint64_t)LINUX_LOAD_HIGH_ADDR + kernel_size;
	uint64_t run_end = image->pref_address + image->init_size;

	if (run_end < image->pref_address || run_end > FOUR_GIB ||
	    !memmap_is(map, LINUX_LOAD_HIGH_ADDR, load_end, MEMORY_RAM) ||
	    !memmap_is(map, image->pref_address, run_end, MEMORY_RAM) ||
	    map->count > MEMMAP_MAX_ENTRIES - 4) /* so that both claims succeed, or none is made */
		return ERR_NO_MEMORY;
	if (memmap_set(map, LINUX_LOAD_HIGH_ADDR, load_end, MEMORY_LOADED) != OK ||
	    memmap_set(map, image->pref_address, run_end, MEMORY_LOADED) != OK)
		return ERR_NO_MEMORY;
	*load_paddr = LINUX_LOAD_HIGH_ADDR;
	return OK;
}

enum error bzimage_plan(const struct bzimage *image, uint32_t kernel_size, struct memmap *map,
			uint32_t *load_paddr)
{
	if (image->relocatable)
		return plan_relocatable(image, bzimage_run_size(image, kernel_size), map,
					load_paddr);
	return plan_fixed(image, kernel_size, map, load_paddr);
}

void bzimage_build(struct linux_boot_params *params, const struct bzimage *image, const void *file,
		   const struct load_handover *handover)
{
	struct linux_setup_header *header = &params->header;

	memcpy(header, header_of(file), image->header_size);
	header->type_of_loader = LINUX_LOADER_QEMU;
	header->code32_start = handover->kernel_paddr;
	header->cmd_line_ptr = handover->cmdline_paddr;
	header->ramdisk_image = (uint32_t)handover->initrd_paddr;
	header->ramdisk_size = handover->initrd_size;
	header->ext_loader_ver = 0;
	header->ext_loader_type = 0;
	if (image->version >= 0x0209)
		header->setup_data = handover->setup_data_paddr;
	if (image->version >= 0x0207) {
		header->hardware_subarch = LINUX_SUBARCH_PC;
		header->hardware_subarch_data = 0;
	}
	params->ext_ramdisk_image = (uint32_t)(handover->initrd_paddr >> 32);
	params->acpi_rsdp_addr = handover->rsdp_paddr;
}

/* The chain begins with the node that QEMU appended last, which ends where the file does. */
static bool is_node(const uint8_t *kernel, uint32_t kernel_size, uint64_t offset, bool is_first)
{
	struct linux_setup_data node;
	uint64_t most;

	if (offset > kernel_size || kernel_size - offset < sizeof(node))
		return false;
	memcpy(&node, kernel + offset, sizeof(node));
	most = kernel_size - offset - sizeof(node);
	return (node.type == LINUX_SETUP_DTB || node.type == LINUX_SETUP_RNG_SEED) &&
	       (is_first ? node.size == most : node.size <= most);
}

enum error bzimage_find_setup_data(const uint8_t *kernel, uint32_t kernel_size, uint64_t address,
				   uint32_t setup_size, bool is_first, uint32_t *offset)
{
	uint64_t candidate = address - LINUX_LOAD_HIGH_ADDR;

	for (uint32_t i = 0; i < 2; i++) {
		if (is_node(kernel, kernel_size, candidate, is_first)) {
			*offset = (uint32_t)candidate;
			return OK;
		}
		candidate -= setup_size;
	}
	return ERR_NOT_FOUND;
}
