/*
 * boot.h - choose the boot protocol, load the kernel through fw_cfg, leave.
 *
 * Every kernel that cannot be booted is a panic that says which file it is and what to do.
 */
#ifndef BOOT_H
#define BOOT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>

#include "bzimage.h"
#include "chipset.h"
#include "fpdt.h"
#include "load.h"
#include "memmap.h"
#include "smbios.h"
#include "uki_load.h"

enum boot_protocol {
	BOOT_LINUX,     /* bzImage: QEMU gives it in pieces, we load it */
	BOOT_UKI,       /* the same in a PE file, of which QEMU knows nothing */
	BOOT_PVH,       /* ELF with a PVH note: QEMU put its segments into RAM at reset */
	BOOT_MULTIBOOT, /* QEMU gives the image and the information structure */
};

/*
 * How many bytes of the file are read at once: a bzImage's header and the version in it, and the
 * section table of most UKIs.
 */
#define BOOT_HEAD_READ 0x800

/* What QEMU was told to boot. */
struct boot_image {
	enum boot_protocol protocol;
	bool wants_decoding;  /* the kernel may expect devices that are switched on (pci.h) */
	bool elf_in_ram;      /* QEMU puts the kernel into RAM at each reset */
	uint32_t entry;       /* physical address, of an ELF kernel */
	uint32_t kernel_size; /* bytes; of a bzImage without its real-mode part */
	struct load_handover handover; /* boot_probe() sets kernel_paddr and initrd_size */

	/* For BOOT_LINUX and BOOT_UKI alone. */
	struct uki_file uki; /* for BOOT_UKI alone */
	struct bzimage bzimage;
	uint32_t mapped_end;    /* end of RAM below 4 GiB, for a start in long mode; else 0 */
	struct boot_area *area; /* boot_params and page tables, cleared */
	uint8_t header[BOOT_HEAD_READ];
};

/* What other steps have found out that boot() needs. */
struct boot_facts {
	uint32_t rsdp_paddr; /* 0: no ACPI */
	struct smbios_table smbios;
	struct fpdt fpdt;
	bool markers; /* wanted */
};

/*
 * Finds out what there is to boot, and claims in the map all memory the kernel occupies or uses
 * before it reads the map, so that no table is placed there.  Cost: 3 VM exits for a bzImage, 4
 * or 5 for an ELF kernel; see boot_linux.h and boot_elf.h.
 */
void boot_probe(struct boot_image *image, const struct machine *machine, struct memmap *map);

/*
 * Loads what is still to be loaded and jumps to the kernel.  Nothing else may be allocated
 * afterwards. Cost: 2 VM exits for a bzImage, 1 for an ELF kernel, 1 more with an initrd; each
 * section of a UKI costs 2, but for its kernel, which boot_probe() has loaded.
 */
noreturn void boot(struct boot_image *image, const struct machine *machine, struct memmap *map,
		   const struct boot_facts *facts);

#endif
