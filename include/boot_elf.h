/*
 * boot_elf.h - ELF kernels, by PVH and by Multiboot 1: a part of boot.h.
 *
 * QEMU puts their segments into RAM at each reset.
 */
#ifndef BOOT_ELF_H
#define BOOT_ELF_H

#include <stdnoreturn.h>

#include "boot.h"

/*
 * boot_probe() for a file of which QEMU knows an entry point, image->entry; a panic without one.
 * Cost: 3 VM exits; 1 more for Multiboot, or on a processor without long mode.
 */
void boot_elf_probe(struct boot_image *image, const struct machine *machine, struct memmap *map);

/* boot() for such a kernel. */
noreturn void boot_elf(struct boot_image *image, const struct machine *machine, struct memmap *map,
		       const struct boot_facts *facts);

#endif
