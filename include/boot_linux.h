/*
 * boot_linux.h - Linux bzImages, alone or in a Unified Kernel Image: a part of boot.h.
 */
#ifndef BOOT_LINUX_H
#define BOOT_LINUX_H

#include <stdbool.h>
#include <stdnoreturn.h>

#include "boot.h"

/*
 * boot_probe() for a file that QEMU has not put into RAM; false when QEMU gives no file. Cost: 2 VM
 * exits, 1 more with an initrd; see uki_load.h for a UKI.
 */
bool boot_linux_probe(struct boot_image *image, const struct machine *machine, struct memmap *map);

/* boot() for such a kernel. */
noreturn void boot_linux(struct boot_image *image, const struct machine *machine,
			 struct memmap *map, const struct boot_facts *facts);

#endif
