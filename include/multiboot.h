/*
 * multiboot.h - Multiboot 1, as QEMU prepares it: complete the information structure.  Pure.
 */
#ifndef MULTIBOOT_H
#define MULTIBOOT_H

#include <stdint.h>

#include "memmap.h"
#include "spec/multiboot.h"

/*
 * Fills the memory fields of info and the sizes of the map's entries: count at mmap_paddr, which is
 * seen at mmap, and in which memmap_build_e820() has written the rest.  What QEMU filled in stays
 * as it is.
 */
void multiboot_build(struct multiboot_info *info, struct multiboot_mmap_entry *mmap,
		     uint32_t mmap_paddr, uint32_t count);

#endif
