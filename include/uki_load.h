/*
 * uki_load.h - reads the sections of a Unified Kernel Image from fw_cfg, each to its place.
 *
 * QEMU takes the file for a kernel from before the boot protocol and cuts it in two: the first
 * setup_size bytes are FW_CFG_KEY_SETUP_DATA, the rest is FW_CFG_KEY_KERNEL_DATA
 * (hw/i386/x86-common.c, x86_load_linux()).  Every section is read straight to where it is needed.
 *
 * A PE file that is no UKI, or no UKI that can be booted, is a panic that says what it is and what
 * to do.
 */
#ifndef UKI_LOAD_H
#define UKI_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "fw_cfg.h"
#include "memmap.h"
#include "smbios.h"
#include "uki.h"

#define UKI_PROFILE_FILE "opt/org.qboot/uki-profile" /* a decimal number; without it 0 */

struct uki_file {
	uint32_t setup_size;
	uint32_t profile;     /* which one was chosen */
	uint32_t begin_paddr; /* the kernel's first bytes, in scratch memory */
	struct uki uki;
};

/*
 * Looks at a file that is no Linux kernel, of which the first size bytes are at head.  False when
 * it is no PE file.  When it is a UKI the first size bytes of the kernel in it are put at head.
 * Cost: 3 VM exits, 1 or 2 more for a section table that head does not hold, 1 more when it has
 * profiles.
 */
bool uki_probe(struct uki_file *file, const struct fw_cfg *cfg, const struct memmap *map,
	       void *head, uint32_t size);

/*
 * How long the kernel is without its real-mode part, by its header; a panic when there is nothing.
 */
uint32_t uki_kernel_size(const struct uki_file *file, const void *header);

/*
 * Reads that much of the kernel to paddr.  Nothing may have been allocated or read from fw_cfg
 * since uki_probe().  Cost: 1 VM exit; 2 when the real-mode part is longer than 32 KiB.
 */
void uki_load_kernel(const struct uki_file *file, const struct fw_cfg *cfg, const void *header,
		     uint32_t paddr);

/* The size of the microcode and the initrd, joined; 0 when there is neither. */
uint32_t uki_initrd_size(const struct uki_file *file);

/*
 * Reads both to paddr: the microcode first, where Linux looks for it, zeros up to a multiple of 4
 * bytes, then the initrd.  Cost: 2 VM exits each, 1 for the zeros.
 */
void uki_load_initrd(const struct uki_file *file, const struct fw_cfg *cfg, uint64_t paddr);

/*
 * Reads the device tree into a setup_data node and returns its address; 0 when there is none.
 * Cost: 2 VM exits, if there is one.
 */
uint32_t uki_load_dtb(const struct uki_file *file, const struct fw_cfg *cfg, struct memmap *map);

/*
 * Makes the command line, terminated, and returns its address: the UKI's, then append, then what
 * SMBIOS has as "io.systemd.stub.kernel-cmdline-extra=".  An "@" and a number at the beginning of
 * append that is not the chosen profile's is a panic.  Cost: 2 VM exits, none without .cmdline.
 */
uint32_t uki_load_cmdline(const struct uki_file *file, const struct fw_cfg *cfg, struct memmap *map,
			  const char *append, const struct smbios_table *smbios);

#endif
