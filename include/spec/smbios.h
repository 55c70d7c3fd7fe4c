/*
 * smbios.h - SMBIOS entry points and the structures we build.  DMTF DSP0134 3.7.
 */
#ifndef SPEC_SMBIOS_H
#define SPEC_SMBIOS_H

#include <stddef.h>
#include <stdint.h>

/* 5.2.2 "SMBIOS 3.0 (64-bit) Entry Point". */
struct smbios30_entry_point {
	char anchor[5]; /* "_SM3_" */
	uint8_t checksum;
	uint8_t length;
	uint8_t major_version;
	uint8_t minor_version;
	uint8_t docrev;
	uint8_t revision; /* of the entry point: 1 */
	uint8_t reserved;
	uint32_t table_max_size;
	uint64_t table_address;
} __attribute__((packed));
_Static_assert(sizeof(struct smbios30_entry_point) == 0x18, "DSP0134 5.2.2");

/* 6.1.2 "Structure header format". */
struct smbios_header {
	uint8_t type;
	uint8_t length; /* of the formatted part; strings follow, then two zeros */
	uint16_t handle;
} __attribute__((packed));

#define SMBIOS_TYPE_BIOS        0
#define SMBIOS_TYPE_PROCESSOR   4
#define SMBIOS_TYPE_OEM_STRINGS 11
#define SMBIOS_TYPE_END         127

/* 7.1 "BIOS Information (Type 0)", version 2.4 and later. */
struct smbios_type0 {
	struct smbios_header header;
	uint8_t vendor_string;
	uint8_t version_string;
	uint16_t start_segment;
	uint8_t release_date_string;
	uint8_t rom_size; /* 64 KiB units, less one */
	uint64_t characteristics;
	uint8_t characteristics_extension[2];
	uint8_t major_release;
	uint8_t minor_release;
	uint8_t ec_major_release; /* 0xff: no embedded controller */
	uint8_t ec_minor_release;
} __attribute__((packed));
_Static_assert(sizeof(struct smbios_type0) == 0x18, "DSP0134 7.1");

#define SMBIOS_BIOS_CHARACTERISTICS_UNSUPPORTED (1u << 3)
#define SMBIOS_BIOS_EXTENSION2_VIRTUAL_MACHINE  (1u << 4)

/* 7.5 "Processor Information (Type 4)", version 3.0; the last three fields are new in it. */
struct smbios_type4 {
	struct smbios_header header;
	uint8_t unused[0x1f];
	uint8_t core_count; /* 0xff: 255 or more */
	uint8_t core_enabled;
	uint8_t thread_count;
	uint8_t more[4];
	uint16_t core_count2;
	uint16_t core_enabled2;
	uint16_t thread_count2;
} __attribute__((packed));
_Static_assert(offsetof(struct smbios_type4, core_count) == 0x23, "DSP0134 7.5");
_Static_assert(offsetof(struct smbios_type4, core_count2) == 0x2a, "DSP0134 7.5");
_Static_assert(sizeof(struct smbios_type4) == 0x30, "DSP0134 7.5");
#define SMBIOS_TYPE4_SIZE_2_6 0x2a /* from version 2.6 to 2.8 */

#endif
