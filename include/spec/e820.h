/*
 * e820.h - one range of the memory map, as QEMU gives it and as kernels take it.
 * ACPI 6.5, 15 "System Address Map Interfaces"; QEMU hw/i386/e820_memory_layout.h.
 */
#ifndef SPEC_E820_H
#define SPEC_E820_H

#include <stdint.h>

struct e820_entry {
	uint64_t base;
	uint64_t size;
	uint32_t type; /* enum memory_type has those that the firmware knows */
} __attribute__((packed));
_Static_assert(sizeof(struct e820_entry) == 20, "Linux boot protocol, e820_table");

#define E820_SOFT_RESERVED 0xefffffffu /* specific-purpose memory: QEMU's sp-mem, Linux's hmem */

#endif
