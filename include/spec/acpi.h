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

struct acpi_header {
	char signature[4];
	uint32_t length;                /* of the table, this header included */
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	uint32_t creator_id;
	uint32_t creator_revision;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_header) == 36, "ACPI 5.2.6");

/* What follows ACPI_MADT_ENTRIES bytes of a MADT. */
#define ACPI_MADT_ENTRIES       44
#define ACPI_MADT_LAPIC         0
#define ACPI_MADT_X2APIC        9
#define ACPI_MADT_ENABLED       (1u << 0)

struct acpi_madt_entry {
	uint8_t type;
	uint8_t length;
	union {
		struct {
			uint8_t processor;
			uint8_t apic_id;
			uint32_t flags;
		} __attribute__((packed)) lapic;
		struct {
			uint16_t reserved;
			uint32_t apic_id;
			uint32_t flags;
			uint32_t processor;
		} __attribute__((packed)) x2apic;
	};
} __attribute__((packed));
_Static_assert(offsetof(struct acpi_madt_entry, lapic.flags) == 4, "ACPI 5.2.12.2");
_Static_assert(offsetof(struct acpi_madt_entry, x2apic.flags) == 8, "ACPI 5.2.12.12");

struct acpi_facs {
	char signature[4];              /* "FACS" */
	uint32_t length;
	uint32_t hardware_signature;
	uint32_t firmware_waking_vector;
	uint32_t global_lock;
	uint32_t flags;
	uint64_t x_firmware_waking_vector;
	uint8_t version;
	uint8_t reserved[31];
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_facs) == 64, "ACPI 5.2.10");
_Static_assert(offsetof(struct acpi_facs, x_firmware_waking_vector) == 24, "ACPI 5.2.10");

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
