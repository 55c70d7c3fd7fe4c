/*
 * memmap.h - physical memory: what the machine has, what is taken, what the kernel is told.
 *
 * The map is sorted and disjoint at all times, and memory it does not mention does not exist or is
 * not memory.  An allocation is a part of RAM carved out and given another type, so no table can be
 * missing from what the operating system is told.  There is no free().
 *
 * Every border that the operating system sees is on a page, unless QEMU put it elsewhere: kernels
 * that map each range in whole pages would map a page twice.
 *
 * QEMU docs/specs/fw_cfg.rst for etc/e820; ACPI 6.5, 15 "System Address Map Interfaces".
 */
#ifndef MEMMAP_H
#define MEMMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "fw_cfg.h"
#include "layout.h"
#include "spec/e820.h"

#define MEMMAP_MAX_ENTRIES 256

/*
 * What a range is.  RAM and RESERVED have E820's values.  All tables are reserved, as SeaBIOS has
 * them, so that small tables need no pages of their own: ACPI also knows types for tables that may
 * be overwritten once they are read (3) and for memory that a sleeping system saves (4).
 */
enum memory_type {
	MEMORY_NONE = 0, /* not in the map */
	MEMORY_RAM = 1,
	MEMORY_RESERVED = 2,

	/*
	 * RAM that the firmware has taken.  The operating system is told the type without this bit,
	 * which no type of QEMU's has: E820_SOFT_RESERVED has all the others.
	 */
	MEMORY_OURS = 0x10000000,
	MEMORY_LOADED = MEMORY_OURS | MEMORY_RAM, /* the kernel, its initrd, what it is handed */
	MEMORY_KEPT = MEMORY_OURS |
		      MEMORY_RESERVED, /* tables, and memory of System Management Mode */
};

struct memory_range {
	uint64_t base;
	uint64_t end;  /* exclusive */
	uint32_t type; /* enum memory_type, or a type of QEMU's that we pass on */
};

struct memmap {
	uint32_t count;
	uint32_t pool_end; /* what is left of the pool: [FIRMWARE_POOL_BASE, pool_end) */
	struct memory_range ranges[MEMMAP_MAX_ENTRIES];
};

/* What every PC has: all below 1 MiB but the VGA window and option ROMs, and the flash range. */
/* clang-format off */
#define MEMMAP_LEGACY_RANGES \
	{ 0, LOW_RAM_END, MEMORY_RAM }, \
	{ LOW_RAM_END, EBDA_END, MEMORY_RESERVED }, \
	{ FIRMWARE_BASE, LEGACY_HOLE_END, MEMORY_RESERVED }
#define MEMMAP_FLASH_RANGE { FLASH_BASE, FOUR_GIB, MEMORY_RESERVED }
/* clang-format on */

/*
 * Makes the map of the machine's fixed ranges, MEMMAP_LEGACY_RANGES first, then others in ascending
 * order, MEMMAP_FLASH_RANGE last; and of etc/e820, or of CMOS where QEMU gives none.  Less than
 * 1 MiB of RAM, an entry that ends past 2^64, and more than MEMMAP_MAX_ENTRIES ranges are panics.
 * Cost: 1 VM exit; 2 for each 32 entries where there are more than 32; by CMOS 10 or 14.
 */
void memmap_init(struct memmap *map, const struct fw_cfg *cfg, const struct memory_range *fixed,
		 uint32_t fixed_count);

/*
 * Gives [base, end) the type, whatever was there.  Pure; ERR_TOO_MANY leaves the map as it was.
 * An empty range changes nothing.
 */
enum error memmap_set(struct memmap *map, uint64_t base, uint64_t end, uint32_t type);

/* Does the same, or panics with what the memory is for (who). */
void memmap_reserve(struct memmap *map, uint64_t base, uint64_t end, uint32_t type,
		    const char *who);

/* True when all of [base, end) has the type. */
bool memmap_is(const struct memmap *map, uint64_t base, uint64_t end, uint32_t type);

/*
 * The highest aligned range of size bytes in RAM within [min, max), which the caller then claims
 * with memmap_set(); 0 when there is none.  Pure.  align is a power of two; size is not 0.
 */
uint64_t memmap_find(const struct memmap *map, uint64_t size, uint64_t align, uint64_t min,
		     uint64_t max);

/* Where an allocation may lie, in the order in which the places are tried. */
enum memory_zone {
	ZONE_FSEG, /* the pool at 0xe0000 alone: found by kernels that scan for it */
	ZONE_LOW,  /* the pool, RAM below 4 GiB from the top, RAM below 640 KiB */
	ZONE_NEAR, /* the pool, RAM below 640 KiB, RAM below 4 GiB from the top: what a kernel may
		    * read with its first page tables, which often end at 1 GiB */
};

/*
 * Takes size bytes, aligned to a power of two: from the pool, which stays reserved whatever the
 * type is, or whole pages of RAM, which get the type MEMORY_LOADED or MEMORY_KEPT.  Returns 0 when
 * there is no such place.  The content is whatever was there before.  Pure.
 */
uint32_t memmap_try_alloc(struct memmap *map, uint32_t size, uint32_t align, uint32_t type,
			  enum memory_zone zone);

/* Does the same, or panics with what there is no room for (who). */
uint32_t memmap_alloc(struct memmap *map, uint32_t size, uint32_t align, uint32_t type,
		      enum memory_zone zone, const char *who);

/*
 * Finds a place of size bytes, aligned to a power of two up to 4 KiB, for what ends before the next
 * allocation: it is not taken.  It is conventional memory, else RAM below 4 GiB from the top; where
 * there is neither, a panic says who wanted it.  Pure but for that.
 */
uint32_t memmap_scratch(const struct memmap *map, uint32_t size, uint32_t align, const char *who);

/* One past the last byte of RAM below 4 GiB, whatever it is used for: tables count. */
uint32_t memmap_low_ram_end(const struct memmap *map);

/*
 * What the operating system is told: internal types translated, neighbours of one type merged.
 * Pure.  Writes at most max entries, one every stride bytes (what lies between stays), and returns
 * how many there are, which may be more.
 */
uint32_t memmap_build_e820(const struct memmap *map, void *entries, uint32_t stride, uint32_t max);

#endif
