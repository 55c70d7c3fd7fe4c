/*
 * linux.h - the Linux/x86 boot protocol.
 * Linux Documentation/arch/x86/boot.rst and zero-page.rst.
 */
#ifndef SPEC_LINUX_H
#define SPEC_LINUX_H

#include <stddef.h>
#include <stdint.h>

#include "e820.h"

#define LINUX_HEADER_OFFSET  0x1f1 /* of setup_header, in the file and in boot_params */
#define LINUX_HEADER_MAX_END 0x290 /* where boot_params has something else */
#define LINUX_SETUP_SECTOR   512
#define LINUX_SYSSIZE_UNIT   16
#define LINUX_VERSION_BASE   0x200 /* in the file: what kernel_version is an offset from */
#define LINUX_E820_MAX       128   /* entries in boot_params; more go into setup_data */

struct linux_setup_header {
	uint8_t setup_sects;
	uint16_t root_flags;
	uint32_t syssize;
	uint16_t ram_size;
	uint16_t vid_mode;
	uint16_t root_dev;
	uint16_t boot_flag;
	uint8_t jump_opcode; /* 0x200: jmp rel8 over the rest of the header */
	uint8_t jump_length; /* 0x201: the header ends at 0x202 plus this */
	uint32_t header;     /* 0x202: "HdrS" */
	uint16_t version;
	uint32_t realmode_swtch;
	uint16_t start_sys_seg;
	uint16_t kernel_version;
	uint8_t type_of_loader; /* 0x210 */
	uint8_t loadflags;
	uint16_t setup_move_size;
	uint32_t code32_start;
	uint32_t ramdisk_image;
	uint32_t ramdisk_size;
	uint32_t bootsect_kludge;
	uint16_t heap_end_ptr;
	uint8_t ext_loader_ver;
	uint8_t ext_loader_type;
	uint32_t cmd_line_ptr;      /* 0x228 */
	uint32_t initrd_addr_max;   /* 2.03 */
	uint32_t kernel_alignment;  /* 2.05 */
	uint8_t relocatable_kernel; /* 2.05 */
	uint8_t min_alignment;      /* 2.10 */
	uint16_t xloadflags;        /* 2.12 */
	uint32_t cmdline_size;      /* 2.06 */
	uint32_t hardware_subarch;
	uint64_t hardware_subarch_data;
	uint32_t payload_offset;
	uint32_t payload_length;
	uint64_t setup_data;   /* 0x250, 2.09 */
	uint64_t pref_address; /* 2.10 */
	uint32_t init_size;    /* 2.10 */
	uint32_t handover_offset;
	uint32_t kernel_info_offset;
} __attribute__((packed));
_Static_assert(sizeof(struct linux_setup_header) == 0x26c - LINUX_HEADER_OFFSET, "boot.rst");
_Static_assert(offsetof(struct linux_setup_header, cmd_line_ptr) == 0x228 - 0x1f1, "boot.rst");
_Static_assert(offsetof(struct linux_setup_header, setup_data) == 0x250 - 0x1f1, "boot.rst");

#define LINUX_BOOT_FLAG           0xaa55
#define LINUX_HEADER_MAGIC        0x53726448u /* "HdrS" */
#define LINUX_HEADER_MAGIC_OFFSET 0x202
#define LINUX_LOADFLAG_HIGH       (1u << 0)
#define LINUX_XLF_KERNEL_64       (1u << 0)
#define LINUX_XLF_ABOVE_4G        (1u << 1)
#define LINUX_LOADER_QEMU         0xb0
#define LINUX_SUBARCH_PC          0
#define LINUX_LOAD_HIGH_ADDR      0x100000u
#define LINUX_ENTRY64_OFFSET      0x200

struct linux_boot_params {
	uint8_t screen_info[0x40];
	uint8_t apm_bios_info[0x14];
	uint8_t pad1[4];
	uint64_t tboot_addr;
	uint8_t ist_info[0x10];
	uint64_t acpi_rsdp_addr; /* 0x070 */
	uint8_t pad2[0xc0 - 0x78];
	uint32_t ext_ramdisk_image; /* 0x0c0: upper halves */
	uint32_t ext_ramdisk_size;
	uint32_t ext_cmd_line_ptr;
	uint8_t pad3[0x1e8 - 0xcc];
	uint8_t e820_entries; /* 0x1e8 */
	uint8_t pad4[LINUX_HEADER_OFFSET - 0x1e9];
	struct linux_setup_header header;
	uint8_t pad5[0x2d0 - 0x26c];
	struct e820_entry e820_table[LINUX_E820_MAX];
	uint8_t pad6[0x1000 - 0xcd0];
} __attribute__((packed));
_Static_assert(sizeof(struct linux_boot_params) == 0x1000, "zero-page.rst");
_Static_assert(offsetof(struct linux_boot_params, acpi_rsdp_addr) == 0x070, "zero-page.rst");
_Static_assert(offsetof(struct linux_boot_params, ext_ramdisk_image) == 0x0c0, "zero-page.rst");
_Static_assert(offsetof(struct linux_boot_params, e820_entries) == 0x1e8, "zero-page.rst");
_Static_assert(offsetof(struct linux_boot_params, header) == 0x1f1, "zero-page.rst");
_Static_assert(offsetof(struct linux_boot_params, e820_table) == 0x2d0, "zero-page.rst");

/* A node of the setup_data chain; size bytes of data follow. */
struct linux_setup_data {
	uint64_t next;
	uint32_t type;
	uint32_t size;
} __attribute__((packed));
_Static_assert(sizeof(struct linux_setup_data) == 16, "boot.rst, setup_data");
#define LINUX_SETUP_E820_EXT 1
#define LINUX_SETUP_DTB      2
#define LINUX_SETUP_RNG_SEED 9

#endif
