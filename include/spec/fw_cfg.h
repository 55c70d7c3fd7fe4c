/*
 * fw_cfg.h - QEMU's fw_cfg device: ports, selectors, wire formats.
 * QEMU docs/specs/fw_cfg.rst and include/standard-headers/linux/qemu_fw_cfg.h.
 */
#ifndef SPEC_FW_CFG_H
#define SPEC_FW_CFG_H

#include <stddef.h>
#include <stdint.h>

#include "endian.h"

#define FW_CFG_PORT_SELECTOR 0x510 /* u16, write */
#define FW_CFG_PORT_DATA     0x511 /* u8, read */
#define FW_CFG_PORT_DMA_HIGH 0x514 /* be32, reads "QEMU" where DMA is on */
#define FW_CFG_PORT_DMA_LOW  0x518 /* be32; the write starts the transfer */

#define FW_CFG_SIGNATURE 0x554d4551u /* "QEMU", little-endian */

#define FW_CFG_DMA_ERROR  (1u << 0)
#define FW_CFG_DMA_READ   (1u << 1)
#define FW_CFG_DMA_SKIP   (1u << 2)
#define FW_CFG_DMA_SELECT (1u << 3) /* selector in bits 31:16 */
#define FW_CFG_DMA_WRITE  (1u << 4)

struct fw_cfg_dma {
	be32 control;
	be32 length;
	be32 address_high;
	be32 address_low;
};
_Static_assert(sizeof(struct fw_cfg_dma) == 16, "fw_cfg.rst, DMA Interface");

/* Selectors.  Values are little-endian. */
enum {
	FW_CFG_KEY_SIGNATURE = 0x00,
	FW_CFG_KEY_CPU_COUNT = 0x05,     /* u16, CPUs present */
	FW_CFG_KEY_KERNEL_ADDR = 0x07,   /* u32 */
	FW_CFG_KEY_KERNEL_SIZE = 0x08,   /* u32 */
	FW_CFG_KEY_INITRD_ADDR = 0x0a,   /* u32 */
	FW_CFG_KEY_INITRD_SIZE = 0x0b,   /* u32 */
	FW_CFG_KEY_NUMA = 0x0d,          /* u64, nodes; more follows */
	FW_CFG_KEY_APIC_ID_LIMIT = 0x0f, /* u16, QEMU: MAX_CPUS */
	FW_CFG_KEY_KERNEL_ENTRY = 0x10,  /* u32 */
	FW_CFG_KEY_KERNEL_DATA = 0x11,
	FW_CFG_KEY_INITRD_DATA = 0x12,
	FW_CFG_KEY_CMDLINE_SIZE = 0x14, /* u32, with the terminator */
	FW_CFG_KEY_CMDLINE_DATA = 0x15,
	FW_CFG_KEY_SETUP_SIZE = 0x17, /* u32 */
	FW_CFG_KEY_SETUP_DATA = 0x18,
	FW_CFG_KEY_DIRECTORY = 0x19,
	FW_CFG_KEY_ACPI_TABLES = 0x8000,    /* u16, how many; they follow */
	FW_CFG_KEY_SMBIOS_ENTRIES = 0x8001, /* u16, how many; they follow */
	FW_CFG_KEY_IRQ0_OVERRIDE = 0x8002,  /* u32 */
	FW_CFG_KEY_HPET = 0x8004,           /* struct fw_cfg_hpet */
};

/* QEMU include/hw/timer/hpet.h: the first of up to eight. */
struct fw_cfg_hpet {
	uint8_t count; /* 0xff: none */
	uint32_t block_id;
	uint64_t address;
	uint16_t min_tick;
	uint8_t protection;
} __attribute__((packed));
_Static_assert(sizeof(struct fw_cfg_hpet) == 16, "hpet.h, struct hpet_fw_config");

#define FW_CFG_NAME_SIZE 56 /* with the terminator */

struct fw_cfg_file {
	be32 size;
	be16 selector;
	uint16_t reserved;
	char name[FW_CFG_NAME_SIZE];
};
_Static_assert(sizeof(struct fw_cfg_file) == 64, "fw_cfg.rst, File Directory");
_Static_assert(offsetof(struct fw_cfg_file, name) == 8, "fw_cfg.rst, File Directory");

#endif
