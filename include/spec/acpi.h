/*
 * acpi.h - ACPI table layouts and QEMU's table-loader commands.
 * ACPI 6.5, 5.2 "ACPI System Description Tables"; QEMU hw/acpi/bios-linker-loader.c.
 */
#ifndef SPEC_ACPI_H
#define SPEC_ACPI_H

#include <stddef.h>
#include <stdint.h>

#include "spec/fw_cfg.h"

struct acpi_rsdp {
	char signature[8];              /* "RSD PTR " */
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;               /* 0: the first 20 bytes alone; 2: all */
	uint32_t rsdt_address;
	uint32_t length;
	uint64_t xsdt_address;
	uint8_t extended_checksum;
	uint8_t reserved[3];
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_rsdp) == 36, "ACPI 5.2.5.3");
_Static_assert(offsetof(struct acpi_rsdp, xsdt_address) == 24, "ACPI 5.2.5.3");

/* etc/table-loader is an array of these; everything little-endian. */
enum {
	LOADER_PADDING          = 0,
	LOADER_ALLOCATE         = 1,
	LOADER_ADD_POINTER      = 2,
	LOADER_ADD_CHECKSUM     = 3,
	LOADER_WRITE_POINTER    = 4,
};

enum {
	LOADER_ZONE_HIGH        = 1,    /* anywhere below 4 GiB */
	LOADER_ZONE_FSEG        = 2,    /* where kernels scan for the RSDP */
};

struct loader_command {
	uint32_t command;
	union {
		struct {
			char file[FW_CFG_NAME_SIZE];
			uint32_t align;
			uint8_t zone;
		} __attribute__((packed)) allocate;
		struct {
			char dest_file[FW_CFG_NAME_SIZE];
			char src_file[FW_CFG_NAME_SIZE];
			uint32_t offset;
			uint8_t size;
		} __attribute__((packed)) pointer;
		struct {
			char file[FW_CFG_NAME_SIZE];
			uint32_t offset;
			uint32_t start;
			uint32_t length;
			uint8_t index;          /* not QEMU's: which file, table_loader.c */
		} __attribute__((packed)) checksum;
		struct {
			char dest_file[FW_CFG_NAME_SIZE];
			char src_file[FW_CFG_NAME_SIZE];
			uint32_t dest_offset;
			uint32_t src_offset;
			uint8_t size;
		} __attribute__((packed)) write_pointer;
		uint8_t padding[124];
	};
} __attribute__((packed));
_Static_assert(sizeof(struct loader_command) == 128, "bios-linker-loader.c, BiosLinkerLoaderEntry");

#endif
