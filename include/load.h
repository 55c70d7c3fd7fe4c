/*
 * load.h - what kernels of every protocol are given: a command line, an initrd and their places.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdint.h>

#include "fw_cfg.h"
#include "memmap.h"

/* Where all is that a kernel is told of. */
struct load_handover {
	uint32_t kernel_paddr;
	uint32_t cmdline_paddr;
	uint64_t initrd_paddr;
	uint32_t initrd_size;      /* bytes; 0: no initrd */
	uint32_t rsdp_paddr;       /* 0: no ACPI */
	uint64_t setup_data_paddr; /* Linux alone; 0: no setup_data */
};

/* Megabytes for people who read messages, and for -m; the last one may be a part. */
static inline uint32_t load_mib(uint64_t bytes)
{
	return (uint32_t)((bytes + 0xfffff) >> 20);
}

/* How much memory a guest needs whose RAM must reach to end: TSEG and tables need some more. */
static inline uint32_t load_mib_for(uint64_t end)
{
	return load_mib(end) + 8;
}

/*
 * The beginning of a remedy where RAM must reach to end: more memory, or nothing where that would
 * not help, for what a machine has no room for below 4 GiB lies above.  The caller adds another.
 */
const char *load_more_memory(const struct memmap *map, uint64_t end);

/*
 * Reads QEMU's command line, terminated, below 1 MiB if there is room, and returns its address:
 * 64-bit Linux before 3.9 and FreeBSD read it with page tables that end at 1 GiB.
 * Cost: 1 VM exit; 3 when it has 4096 characters or more.
 */
uint32_t load_cmdline(const struct fw_cfg *cfg, struct memmap *map);

/*
 * Claims the highest free place below max for an initrd of size bytes and returns its address, or 0
 * for size 0.  A panic when there is no such place.
 */
uint64_t load_place_initrd(struct memmap *map, uint32_t size, uint64_t max);

/* Does the same and reads QEMU's initrd to that place.  Cost: 1 VM exit, none for size 0. */
uint64_t load_initrd(const struct fw_cfg *cfg, struct memmap *map, uint32_t size, uint64_t max);

#endif
