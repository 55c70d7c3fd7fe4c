/*
 * smbios.h - put QEMU's SMBIOS structures where an anchor says they are.
 *
 * Kernels scan 0xf0000-0xfffff for an anchor, and with no PAM register written that is the ROM, so
 * the anchor is part of the image: it names SMBIOS_BASE and the room there, both fixed.  What is
 * there always ends with an end-of-table structure, also when QEMU has none for us.  Structures
 * that are too large for this go elsewhere, and a copy of the ROM with another anchor into RAM at
 * 0xf0000.
 *
 * The anchor is that of version 3.0, which has a limit for the structures' size instead of their
 * size and count, and so can be constant.  QEMU's structures are of version 3.0 or 2.8, as its own
 * anchor says (smbios-entry-point-type=64 or 32; hw/smbios/smbios.c): of what it makes, type 4
 * alone is longer in 3.0.  Another anchor for 2.8 would have to be written into RAM in the ROM's
 * place, which costs a memory-topology rebuild and four memory slots, so type 4 gets 3.0's fields
 * instead.
 */
#ifndef SMBIOS_H
#define SMBIOS_H

#include <stdbool.h>
#include <stdint.h>

#include "chipset.h"
#include "memmap.h"

/* Where the structures are, up to the end-of-table structure. */
struct smbios_table {
	uint32_t paddr;
	uint32_t size; /* bytes */
};

/*
 * Places the structures, ours for type 0 first when QEMU has none, and says where they are.  A
 * table that ends within a structure is a panic.  What QEMU has in the form of machine types before
 * pc-i440fx-2.1 is not placed; a message says so.  Cost: 1 VM exit, none on a machine without
 * SMBIOS; for large structures 2 or 3, and 2 memory-topology rebuilds.
 */
struct smbios_table smbios_install(const struct machine *machine, struct memmap *map);

/*
 * Finds a structure by type among the size bytes at table.  Pure.  Returns its offset, or the
 * offset after the last whole structure before the end-of-table structure (or the end) when there
 * is none of that type; *found tells which.
 */
uint32_t smbios_find(const void *table, uint32_t size, uint8_t type, bool *found);

/*
 * Copies the whole structures among the size bytes at given, up to the end-of-table structure, and
 * gives each type 4 of SMBIOS 2.6 to 2.8 the fields that 3.0 has more: 16-bit counts of cores and
 * threads.  Pure.  table may overlap given, which must then begin at least SMBIOS_COPY_GROWTH(size)
 * bytes later.  Returns how many bytes there are at table.
 */
uint32_t smbios_copy(void *table, const void *given, uint32_t size);

/* The most bytes that smbios_copy() adds: six to a structure of at least 44. */
#define SMBIOS_COPY_GROWTH(size) ((size) / 44 * 6)

#endif
