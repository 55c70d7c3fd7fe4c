/*
 * boot.c - see boot.h.
 *
 * All that a kernel is handed lies in the firmware's pool, or in RAM that nothing else uses before
 * the kernel reads the memory map.
 */
#include "boot.h"

#include "boot_elf.h"
#include "boot_linux.h"
#include "string.h"

void boot_probe(struct boot_image *image, const struct machine *machine, struct memmap *map)
{
	memset(image, 0, sizeof(*image));
	image->entry = fw_cfg_read_u32(&machine->cfg, FW_CFG_KEY_KERNEL_ENTRY);
	/* An ELF kernel may begin at address 0, as memtest86+ 5 does. */
	if (image->entry || !boot_linux_probe(image, machine, map))
		boot_elf_probe(image, machine, map);
}

noreturn void boot(struct boot_image *image, const struct machine *machine, struct memmap *map,
		   const struct boot_facts *facts)
{
	image->handover.rsdp_paddr = facts->rsdp_paddr;
	if (image->elf_in_ram)
		boot_elf(image, machine, map, facts);
	boot_linux(image, machine, map, facts);
}
