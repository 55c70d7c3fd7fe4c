/*
 * uki.h - Unified Kernel Images: find the kernel and what belongs to it in a PE file.  Pure.
 *
 * A UKI is an EFI application whose sections hold a bzImage, an initrd, a command line and more.
 * It is read by the section table alone; nothing of the application in it runs.  No field of the
 * file is believed.
 *
 * UAPI.5 "Unified Kernel Image"; systemd-stub(7), which is what runs under UEFI.  As there: of
 * several sections with one name the first counts; a section has the smaller of its two sizes;
 * what belongs to a profile stands after its .profile section and takes the place of what stands
 * before the first.
 */
#ifndef UKI_H
#define UKI_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

enum uki_section {
	UKI_LINUX,
	UKI_INITRD,
	UKI_UCODE,
	UKI_CMDLINE,
	UKI_DTB,
	UKI_USED, /* how many a boot uses */
	UKI_SBAT = UKI_USED,
	UKI_SECTIONS
};

/* A section's bytes in the file; 0 bytes when there is no such section. */
struct uki_part {
	uint32_t offset;
	uint32_t size;
};

struct uki {
	struct uki_part parts[UKI_SECTIONS];
	uint64_t head_size;     /* headers and section table, from the file's beginning */
	uint32_t profile_count; /* .profile sections */
	uint16_t machine;       /* PE_MACHINE_... */
	uint16_t optional;      /* the optional header's magic number */
	uint8_t culprit;        /* enum uki_section: which one an error is about */
};

#define UKI_NO_PROFILE UINT32_MAX

/*
 * Finds the sections of the profile, 0 for the default one, in a PE file of file_size bytes of
 * which the first size are at bytes.
 *
 *   ERR_MAGIC        it does not begin with "MZ": no PE file
 *   ERR_TRUNCATED    more of it is wanted, uki->head_size bytes; more than it has when it was cut
 *   ERR_ZBOOT, ERR_NOT_PE, ERR_MACHINE, ERR_VERSION (of the optional header)
 *   ERR_NOT_FOUND    it has no such profile: there are uki->profile_count
 *   ERR_NO_KERNEL    it has no .linux section, or an empty one.  UKI_SBAT tells what it is, if
 *                    it lies within the file
 *   ERR_RANGE        the section uki->culprit reaches beyond the file's end
 *   ERR_OVERLAP      the section uki->culprit overlaps the headers, or one before it in the enum
 *
 * Every field of uki that was found by then is set, also with an error; all others are 0.
 */
enum error uki_parse(struct uki *uki, const void *bytes, uint32_t size, uint32_t file_size,
		     uint32_t profile);

/* The name of a section: ".linux" and so on. */
const char *uki_section_name(enum uki_section section);

/* What a PE_MACHINE_... is called. */
const char *uki_machine_name(uint16_t machine);

/*
 * Finds out for whom a .sbat section says that it is: the component in its second line, as in
 * "shim,4,UEFI shim,...".  Writes it with a terminator, cut to name_size bytes; empty when there is
 * none. shim's SBAT.md, "SBAT section format".
 */
void uki_sbat_component(char *name, uint32_t name_size, const char *sbat, uint32_t size);

/*
 * Reads a decimal number of 32 bits that begins at *text, of at most size bytes, and moves *text
 * behind it.  UKI_NO_PROFILE when there is none or it is too large.
 */
uint32_t uki_parse_number(const char **text, uint32_t size);

/*
 * The profile that a command line of size bytes asks for, "@1 quiet" as systemd-stub has it, or
 * UKI_NO_PROFILE; *skip is what is to be left out of the command line, with one space.
 */
uint32_t uki_cmdline_profile(const char *cmdline, uint32_t size, uint32_t *skip);

/*
 * Does what systemd-stub does to each command line: it ends at a NUL, control characters become
 * spaces, and spaces around it are left out.  In place; returns its length.  No terminator is
 * written.
 */
uint32_t uki_trim(char *text, uint32_t size);

/*
 * The value of the SMBIOS string PREFIX... in an OEM strings structure (type 11) of at most size
 * bytes. NULL when it has none; a string that does not end within size bytes is none.
 */
const char *uki_oem_string(const void *structure, uint32_t size, const char *prefix);

#endif
