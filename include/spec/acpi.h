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
	char signature[8]; /* "RSD PTR " */
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision; /* 0: the first 20 bytes alone; 2: all */
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
	uint32_t length; /* of the table, this header included */
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
#define ACPI_MADT_ENTRIES  44
#define ACPI_MADT_LAPIC    0
#define ACPI_MADT_IOAPIC   1
#define ACPI_MADT_OVERRIDE 2
#define ACPI_MADT_NMI      4
#define ACPI_MADT_X2APIC   9
#define ACPI_MADT_ENABLED  (1u << 0)

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
	char signature[4]; /* "FACS" */
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

/* Version 1, as far as ACPI 1.0 goes. */
struct acpi_fadt {
	struct acpi_header header; /* "FACP" */
	uint32_t firmware_ctrl;    /* the FACS */
	uint32_t dsdt;
	uint8_t model; /* 1: several processors */
	uint8_t preferred_pm_profile;
	uint16_t sci_int;
	uint32_t smi_cmd;
	uint8_t acpi_enable;
	uint8_t acpi_disable;
	uint8_t s4bios_req;
	uint8_t pstate_cnt;
	uint32_t pm1a_evt_blk;
	uint32_t pm1b_evt_blk;
	uint32_t pm1a_cnt_blk;
	uint32_t pm1b_cnt_blk;
	uint32_t pm2_cnt_blk;
	uint32_t pm_tmr_blk;
	uint32_t gpe0_blk;
	uint32_t gpe1_blk;
	uint8_t pm1_evt_len;
	uint8_t pm1_cnt_len;
	uint8_t pm2_cnt_len;
	uint8_t pm_tmr_len;
	uint8_t gpe0_blk_len;
	uint8_t gpe1_blk_len;
	uint8_t gpe1_base;
	uint8_t cst_cnt;
	uint16_t p_lvl2_lat; /* above 100: no such state */
	uint16_t p_lvl3_lat; /* above 1000 */
	uint16_t flush_size;
	uint16_t flush_stride;
	uint8_t duty_offset;
	uint8_t duty_width;
	uint8_t day_alarm;
	uint8_t month_alarm;
	uint8_t century; /* index in CMOS */
	uint16_t iapc_boot_arch;
	uint8_t reserved;
	uint32_t flags;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_fadt) == 116, "ACPI 1.0b, 5.2.5");
_Static_assert(offsetof(struct acpi_fadt, p_lvl2_lat) == 96, "ACPI 1.0b, 5.2.5");

#define ACPI_FADT_WBINVD     (1u << 0)
#define ACPI_FADT_PROC_C1    (1u << 2)
#define ACPI_FADT_SLP_BUTTON (1u << 5) /* there is no such fixed button */
#define ACPI_FADT_RTC_S4     (1u << 7)

struct acpi_madt {
	struct acpi_header header; /* "APIC" */
	uint32_t lapic_address;
	uint32_t flags; /* 1: there are 8259s too */
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_madt) == ACPI_MADT_ENTRIES, "ACPI 5.2.12");

struct acpi_madt_ioapic {
	uint8_t type, length;
	uint8_t id, reserved;
	uint32_t address;
	uint32_t gsi_base;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_madt_ioapic) == 12, "ACPI 5.2.12.3");

struct acpi_madt_override {
	uint8_t type, length;
	uint8_t bus, irq;
	uint32_t gsi;
	uint16_t flags;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_madt_override) == 10, "ACPI 5.2.12.5");

struct acpi_madt_nmi {
	uint8_t type, length;
	uint8_t processor; /* 0xff: all */
	uint16_t flags;
	uint8_t lint;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_madt_nmi) == 6, "ACPI 5.2.12.7");

struct acpi_hpet {
	struct acpi_header header; /* "HPET" */
	uint32_t block_id;
	uint8_t address_space, bit_width, bit_offset, access_size;
	uint64_t address;
	uint8_t number;
	uint16_t min_tick;
	uint8_t protection;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_hpet) == 56, "IA-PC HPET 1.0a, 3.2.4");

/* "MCFG" with one allocation: a segment group's configuration space. */
struct acpi_mcfg {
	struct acpi_header header;
	uint8_t reserved[8];
	uint64_t base; /* where bus 0 of the segment group is */
	uint16_t segment;
	uint8_t start_bus;
	uint8_t end_bus; /* inclusive */
	uint8_t more[4];
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_mcfg) == 60, "PCI Firmware 3.3, 4.1.2");
_Static_assert(offsetof(struct acpi_mcfg, end_bus) == 55, "PCI Firmware 3.3, 4.1.2");

/* "FPDT" with one record, which points to the FBPT with one record. */
struct acpi_fpdt {
	struct acpi_header header;
	uint16_t type; /* 0: basic boot performance pointer */
	uint8_t length;
	uint8_t revision;
	uint32_t reserved;
	uint64_t fbpt;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_fpdt) == 52, "ACPI 5.2.24.5");

/* Times are nanoseconds since the processor's reset. */
struct acpi_fbpt {
	char signature[4]; /* "FBPT" */
	uint32_t size;
	uint16_t type; /* 2: basic boot performance data */
	uint8_t length;
	uint8_t revision;
	uint32_t reserved;
	uint64_t reset_end;
	uint64_t load_image_start;
	uint64_t start_image_start;
	uint64_t exit_boot_services_entry;
	uint64_t exit_boot_services_exit;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_fbpt) == 56, "ACPI 5.2.24.7");

/* etc/table-loader is an array of these; everything little-endian. */
enum {
	LOADER_PADDING = 0,
	LOADER_ALLOCATE = 1,
	LOADER_ADD_POINTER = 2,
	LOADER_ADD_CHECKSUM = 3,
	LOADER_WRITE_POINTER = 4,
};

enum {
	LOADER_ZONE_HIGH = 1, /* anywhere below 4 GiB */
	LOADER_ZONE_FSEG = 2, /* where kernels scan for the RSDP */
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
