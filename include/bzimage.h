/*
 * bzimage.h - Linux bzImages: read the setup header, choose addresses, fill boot_params.  Pure.
 * Linux Documentation/arch/x86/boot.rst.
 */
#ifndef BZIMAGE_H
#define BZIMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "load.h"
#include "memmap.h"
#include "spec/linux.h"

/* As much of the file as holds every header there can be. */
#define BZIMAGE_HEADER_READ (0x202 + 0xff)

/* What the setup header says; fields that its version does not have hold their default. */
struct bzimage {
	uint32_t header_size; /* bytes of setup_header the file has */
	uint16_t version;
	bool relocatable;
	bool entry64;
	bool initrd_above_4g;
	uint32_t alignment;
	uint64_t pref_address;
	uint32_t init_size;   /* 0: not stated */
	uint64_t initrd_max;  /* highest address of an initrd, exclusive */
	uint32_t cmdline_max; /* characters, without the terminator */
	uint64_t setup_data;  /* as QEMU set it, for a kernel loaded at its own address */
	bool has_initrd;      /* QEMU may have set this; or the file happens to have it */
	uint64_t min_size;    /* bytes after the real-mode part that the file must have */
};

/*
 * Reads the header out of the first size bytes of the file.  ERR_TRUNCATED: they are fewer than
 * BZIMAGE_HEADER_READ; ERR_MAGIC: not a Linux kernel; ERR_16BIT_ONLY: a kernel or loader with a
 * real-mode entry alone; ERR_NEEDS_BIOS: memdisk or GRUB; ERR_VERSION: older than 2.02;
 * ERR_ALIGNMENT: kernel_alignment is no power of two.
 */
enum error bzimage_parse(struct bzimage *image, const void *file, uint32_t size);

/* How long the real-mode part is, by the first LINUX_HEADER_OFFSET + 1 bytes, as QEMU reckons. */
uint32_t bzimage_setup_size(const void *file);

/*
 * Chooses where kernel_size bytes of protected-mode kernel are loaded, and claims in the map all
 * that the kernel uses before it reads the map.  ERR_NO_MEMORY when there is no room; the map is
 * then unchanged.
 */
enum error bzimage_plan(const struct bzimage *image, uint32_t kernel_size, struct memmap *map,
			uint32_t *load_paddr);

/* How many bytes the kernel needs, from its pref_address on if it may choose. */
uint64_t bzimage_run_size(const struct bzimage *image, uint32_t kernel_size);

/*
 * Fills boot_params, which the caller has cleared, from the file's header and the handover.
 * The memory map is filled in by the caller.
 */
void bzimage_build(struct linux_boot_params *params, const struct bzimage *image, const void *file,
		   const struct load_handover *handover);

/*
 * Finds a node of the setup_data chain inside the kernel as loaded; is_first: the one that the
 * header names.  QEMU appends nodes to the kernel and gives addresses as if it were loaded at
 * 1 MiB; QEMU 8 to 10 give addresses that are too high by setup_size (the -dtb case).  *offset is
 * the node's, in the kernel.  ERR_NOT_FOUND when there is none of QEMU's at either place.
 */
enum error bzimage_find_setup_data(const uint8_t *kernel, uint32_t kernel_size, uint64_t address,
				   uint32_t setup_size, bool is_first, uint32_t *offset);

#endif
