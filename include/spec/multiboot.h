/*
 * multiboot.h - what the firmware fills in of a Multiboot information structure that QEMU prepared.
 * Multiboot Specification 0.6.96, 3.3 "Boot information format"; QEMU hw/i386/multiboot.c.
 */
#ifndef SPEC_MULTIBOOT_H
#define SPEC_MULTIBOOT_H

#include <stddef.h>
#include <stdint.h>

#define MULTIBOOT_MAGIC 0x2badb002u /* EAX at entry */

struct multiboot_info {
	uint32_t flags;
	uint32_t mem_lower; /* KiB from 0, at most 640 */
	uint32_t mem_upper; /* KiB from 1 MiB, up to the first hole */
	uint32_t boot_device;
	uint32_t cmdline;
	uint32_t mods_count;
	uint32_t mods_addr;
	uint32_t syms[4];
	uint32_t mmap_length;
	uint32_t mmap_addr;
	uint32_t rest[9];
};
_Static_assert(offsetof(struct multiboot_info, mmap_addr) == 48, "Multiboot 3.3");
_Static_assert(sizeof(struct multiboot_info) == 0x58, "what QEMU prepares");

#define MULTIBOOT_FLAG_MEMORY (1u << 0)
#define MULTIBOOT_FLAG_MMAP   (1u << 6)

struct multiboot_mmap_entry {
	uint32_t size; /* of what follows: 20 */
	uint64_t base;
	uint64_t length;
	uint32_t type;
} __attribute__((packed));
_Static_assert(sizeof(struct multiboot_mmap_entry) == 24, "Multiboot 3.3");

#endif
