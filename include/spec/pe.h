/*
 * pe.h - Portable Executable files: what EFI applications are.
 * Microsoft "PE Format"; the DOS header in front is the one of MS-DOS executables.
 */
#ifndef SPEC_PE_H
#define SPEC_PE_H

#include <stddef.h>
#include <stdint.h>

/* "MS-DOS Stub". */
struct pe_dos_header {
	uint16_t magic;
	uint8_t unused[0x3a];
	uint32_t pe_offset; /* of struct pe_file_header in the file */
} __attribute__((packed));
_Static_assert(sizeof(struct pe_dos_header) == 0x40, "PE Format, MS-DOS Stub");
_Static_assert(offsetof(struct pe_dos_header, pe_offset) == 0x3c, "PE Format, Signature");

#define PE_DOS_MAGIC    0x5a4d     /* "MZ" */
#define PE_ZBOOT_OFFSET 4          /* Linux drivers/firmware/efi/libstub/zboot-header.S */
#define PE_ZBOOT_MAGIC  0x676d697a /* "zimg" */

/* "Signature", then "COFF File Header". */
struct pe_file_header {
	uint32_t signature;
	uint16_t machine;
	uint16_t section_count;
	uint32_t timestamp;
	uint32_t symbols_offset;
	uint32_t symbol_count;
	uint16_t optional_size; /* of the optional header, which follows; then the section table */
	uint16_t characteristics;
} __attribute__((packed));
_Static_assert(sizeof(struct pe_file_header) == 24, "PE Format, COFF File Header");

#define PE_SIGNATURE 0x00004550 /* "PE\0\0" */

#define PE_MACHINE_AMD64 0x8664

#define PE_OPTIONAL_PE32_PLUS 0x020b /* the optional header's first field */

#define PE_NAME_SIZE 8

/* "Section Table (Section Headers)". */
struct pe_section {
	char name[PE_NAME_SIZE]; /* no terminator when it has eight characters */
	uint32_t virtual_size;   /* in memory; what the file lacks of it is zeros */
	uint32_t virtual_address;
	uint32_t raw_size; /* in the file, rounded up */
	uint32_t raw_offset;
	uint32_t relocations_offset;
	uint32_t line_numbers_offset;
	uint16_t relocation_count;
	uint16_t line_number_count;
	uint32_t characteristics;
} __attribute__((packed));
_Static_assert(sizeof(struct pe_section) == 40, "PE Format, Section Table");
_Static_assert(offsetof(struct pe_section, raw_offset) == 20, "PE Format, Section Table");

#endif
