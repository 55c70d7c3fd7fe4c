/*
 * fw_cfg.h - QEMU's fw_cfg device: items by selector, files by name.
 *
 * One DMA transfer, and so one VM exit, for each read, whatever its length; byte-wise port reads
 * where the machine has no DMA.  A read past the end of an item gives zeros (QEMU
 * hw/nvram/fw_cfg.c), which callers use: an item of unknown size is read in one over-long transfer,
 * and what follows a short item in memory is cleared by the same exit.
 *
 * Every failure is a panic: a machine whose fw_cfg does not work cannot be booted.
 */
#ifndef FW_CFG_H
#define FW_CFG_H

#include <stdbool.h>
#include <stdint.h>

#include "spec/fw_cfg.h"
#include "string.h"

#define FW_CFG_CACHED_FILES 32 /* QEMU's default number of file slots */
#define FW_CFG_CHUNK_FILES  8  /* of a larger directory, so many are read at a time */

struct fw_cfg {
	bool dma;
	struct {
		be32 count; /* of all files; the first of them are here */
		struct fw_cfg_file files[FW_CFG_CACHED_FILES];
	} directory; /* as the device gives it */
};
_Static_assert(sizeof(((struct fw_cfg *)0)->directory) ==
		       sizeof(be32) + FW_CFG_CACHED_FILES * sizeof(struct fw_cfg_file),
	       "fw_cfg.rst, File Directory");
_Static_assert(FW_CFG_CACHED_FILES % FW_CFG_CHUNK_FILES == 0, "a chunk begins after the cache");

/* A file found in the directory. */
struct fw_cfg_item {
	uint16_t selector;
	uint32_t size; /* bytes */
};

/*
 * Reads the directory, by DMA if the device carries that out, else by ports; a name in it that has
 * no terminator is a panic.  Cost: 1 VM exit by DMA.
 */
void fw_cfg_init(struct fw_cfg *cfg);

/*
 * Reads the directory again.  QEMU builds its ACPI files anew when the first of them is selected,
 * and they may have other sizes then (hw/i386/acpi-build.c, acpi_build_update()).
 * Cost: 1 VM exit by DMA.
 */
void fw_cfg_reread(struct fw_cfg *cfg);

/*
 * Reads the first size bytes of the item into dest, zeros after the item's end.
 * Cost: 1 VM exit by DMA.
 */
void fw_cfg_read(const struct fw_cfg *cfg, uint16_t selector, void *dest, uint32_t size);

/*
 * As fw_cfg_read(), from an offset in the item on, and to a physical address that may lie above
 * 4 GiB (by DMA only).  size is not 0.  Cost: 2 VM exits by DMA, 1 for offset 0.  Without DMA all
 * before the offset is read, too, and thrown away.
 */
void fw_cfg_read_at(const struct fw_cfg *cfg, uint16_t selector, uint32_t offset,
		    uint64_t dest_paddr, uint32_t size);

/* Goes on with the item that was read last, where that read ended.  Cost: 1 VM exit by DMA. */
void fw_cfg_read_more(const struct fw_cfg *cfg, void *dest, uint32_t size);

/* A little-endian number of at most 32 bits; 0 where there is no item.  Cost: 1 VM exit by DMA. */
uint32_t fw_cfg_read_u32(const struct fw_cfg *cfg, uint16_t selector);

/*
 * Finds a file by its name.  False when there is none; two with that name among the cached files
 * are a panic.  Costs nothing in a directory of up to FW_CFG_CACHED_FILES files; in a larger one,
 * unless the file is among the first, 2 VM exits and 1 for each FW_CFG_CHUNK_FILES files.
 */
bool fw_cfg_find(const struct fw_cfg *cfg, const char *name, struct fw_cfg_item *item);

/*
 * Reads the first size bytes of a file into dest, zeros after its end.  False when there is no such
 * file; dest is then as it was.  Cost: 1 VM exit by DMA, none without the file; see fw_cfg_find().
 */
bool fw_cfg_read_file(const struct fw_cfg *cfg, const char *name, void *dest, uint32_t size);

/*
 * Does the same with an option: its first line, terminated, in a text of size bytes.  What an
 * editor or a shell puts at the end of a file is no part of it.
 */
bool fw_cfg_read_text(const struct fw_cfg *cfg, const char *name, char *text, uint32_t size);

/*
 * Writes size bytes at an offset of a file that QEMU made writable (by DMA only).
 * Cost: 1 VM exit, 2 when the offset is not 0.
 */
void fw_cfg_write(const struct fw_cfg *cfg, uint16_t selector, uint32_t offset, const void *bytes,
		  uint32_t size);

#endif
