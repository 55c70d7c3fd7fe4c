/*
 * uki_load.c - see uki_load.h.
 */
#include "uki_load.h"

#include <stdnoreturn.h>

#include "align.h"
#include "bzimage.h"
#include "console.h"
#include "phys.h"
#include "spec/pe.h"
#include "spec/smbios.h"
#include "string.h"

#define EXTRA_PREFIX "io.systemd.stub.kernel-cmdline-extra="
/*
 * How much of the kernel is read for its header: more than the real-mode part of any Linux, so that
 * the rest of the kernel follows, and no exit is needed to skip to it.
 */
#define KERNEL_BEGIN 0x8000

#define SBAT_READ      256 /* the first two lines, with room to spare */
#define SBAT_NAME      32
#define PROFILE_DIGITS 16 /* more than a number of 32 bits has, with "@" and a space */

/*
 * Reads a part of the file.  Cost: 2 VM exits; 4 across QEMU's cut, 1 at the beginning of a piece.
 */
static void read_file(const struct uki_file *file, const struct fw_cfg *cfg, uint32_t offset,
		      uint64_t paddr, uint32_t size)
{
	if (offset < file->setup_size) {
		uint32_t first = file->setup_size - offset;

		if (first > size)
			first = size;
		fw_cfg_read_at(cfg, FW_CFG_KEY_SETUP_DATA, offset, paddr, first);
		offset += first;
		paddr += first;
		size -= first;
	}
	if (size)
		fw_cfg_read_at(cfg, FW_CFG_KEY_KERNEL_DATA, offset - file->setup_size, paddr, size);
}

/* Refuses a file that has no kernel: an add-on to a UKI, or any other program for UEFI. */
static noreturn void report_no_kernel(const struct uki_file *file, const struct fw_cfg *cfg)
{
	const struct uki_part *sbat = &file->uki.parts[UKI_SBAT];
	uint32_t size = sbat->size < SBAT_READ ? sbat->size : SBAT_READ;
	char name[SBAT_NAME] = "";
	char text[SBAT_READ] = "";
	bool is_addon = false;

	if (size) {
		read_file(file, cfg, sbat->offset, phys_addr(text), size);
		uki_sbat_component(name, sizeof(name), text, size);
	}
	for (uint32_t i = 0; i < UKI_USED; i++)
		is_addon |= file->uki.parts[i].size != 0;
	if (is_addon)
		panic("boot: the file given with -kernel is an add-on to a UKI (%s): it has no kernel, "
		      "no .linux section; give the UKI, and the add-on's command line with -append",
		      name[0] ? name : "no .sbat section");
	panic("boot: the file given with -kernel is the EFI application \"%s\", not a UKI: it has "
	      "no .linux section; give a Linux kernel or a UKI, or boot this with UEFI firmware",
	      name[0] ? name : "without a name");
}

static noreturn void report(const struct uki_file *file, const struct fw_cfg *cfg, enum error error,
			    uint32_t file_size)
{
	const struct uki *uki = &file->uki;
	const struct uki_part *culprit = &uki->parts[uki->culprit];

	switch (error) {
	case ERR_NO_KERNEL:
		report_no_kernel(file, cfg);
	case ERR_TRUNCATED:
		panic("boot: the PE file given with -kernel has %u bytes, its headers end at 0x%llx; it "
		      "was cut or damaged, copy or build it again",
		      file_size, (unsigned long long)uki->head_size);
	case ERR_MACHINE:
		panic("boot: the file given with -kernel is an EFI program for %s (machine 0x%04x); a "
		      "kernel or UKI for x86-64 is needed",
		      uki_machine_name(uki->machine), uki->machine);
	case ERR_VERSION:
		panic("boot: the PE file given with -kernel has an optional header 0x%x; a UKI for x86-64 "
		      "has 0x20b (PE32+), build it again",
		      uki->optional);
	case ERR_NOT_FOUND:
		panic("boot: the UKI given with -kernel has %u profiles, counted from 0, not number %u; "
		      "change " UKI_PROFILE_FILE " or the \"@\" in -append",
		      uki->profile_count, file->profile);
	case ERR_RANGE:
		panic("boot: the UKI given with -kernel has %u bytes, its section %s of %u ends at "
		      "0x%llx; it was cut or damaged, copy or build it again",
		      file_size, uki_section_name(uki->culprit), culprit->size,
		      (unsigned long long)culprit->offset + culprit->size);
	case ERR_OVERLAP:
		panic("boot: the UKI given with -kernel has its section %s of %u bytes at 0x%x, where the "
		      "headers or another section are; build it again",
		      uki_section_name(uki->culprit), culprit->size, culprit->offset);
	default: /* ERR_ZBOOT, ERR_NOT_PE */
		panic("boot: the file given with -kernel %s; a Linux bzImage, a UKI, an ELF kernel with a "
		      "PVH note, or a Multiboot kernel is needed",
		      error_text(error));
	}
}

/* Parses the file, of which the first size bytes are at head, with more of it if that is needed. */
static enum error parse(struct uki_file *file, const struct fw_cfg *cfg, const struct memmap *map,
			const void *head, uint32_t size, uint32_t file_size)
{
	for (;;) {
		enum error error = uki_parse(&file->uki, head, size, file_size, file->profile);
		uint32_t paddr;

		if (error != ERR_TRUNCATED || file->uki.head_size > file_size)
			return error;
		size = (uint32_t)file->uki.head_size;
		paddr = memmap_scratch(map, size, 16, "the headers of the UKI");
		head = phys_ptr(paddr);
		read_file(file, cfg, 0, paddr, size);
	}
}

/* Which profile is wanted: by the user's file, else by -append, if there is a choice. */
static uint32_t wanted_profile(const struct fw_cfg *cfg, uint32_t profile_count)
{
	char text[PROFILE_DIGITS] = "";
	const char *end = text;
	uint32_t profile, skip;

	if (fw_cfg_read_text(cfg, UKI_PROFILE_FILE, text, sizeof(text))) {
		profile = uki_parse_number(&end, sizeof(text) - 1);
		if (profile == UKI_NO_PROFILE || *end)
			panic("boot: " UKI_PROFILE_FILE
			      " is \"%s\"; the number of a profile is needed, "
			      "0 for the first",
			      text);
		return profile;
	}
	if (!profile_count)
		return 0;
	fw_cfg_read(cfg, FW_CFG_KEY_CMDLINE_DATA, text, sizeof(text) - 1);
	profile = uki_cmdline_profile(text, sizeof(text) - 1, &skip);
	return profile == UKI_NO_PROFILE ? 0 : profile;
}

bool uki_probe(struct uki_file *file, const struct fw_cfg *cfg, const struct memmap *map,
	       void *head, uint32_t size)
{
	uint32_t head_size, file_size;
	enum error error;

	file->profile = 0;
	file->setup_size = bzimage_setup_size(head);
	head_size = size < file->setup_size ? size : file->setup_size;
	if (uki_parse(&file->uki, head, head_size, head_size, 0) == ERR_MAGIC)
		return false;
	file_size = file->setup_size + fw_cfg_read_u32(cfg, FW_CFG_KEY_KERNEL_SIZE);
	error = parse(file, cfg, map, head, head_size, file_size);
	file->profile = wanted_profile(cfg, file->uki.profile_count);
	if (file->profile)
		error = parse(file, cfg, map, head, head_size, file_size);
	if (error != OK)
		report(file, cfg, error, file_size);
	file->begin_paddr = memmap_scratch(map, KERNEL_BEGIN, 16, "the beginning of the kernel");
	read_file(file, cfg, file->uki.parts[UKI_LINUX].offset, file->begin_paddr, KERNEL_BEGIN);
	memcpy(head, phys_ptr(file->begin_paddr), size);
	return true;
}

uint32_t uki_kernel_size(const struct uki_file *file, const void *header)
{
	uint32_t setup_size = bzimage_setup_size(header);
	uint32_t size = file->uki.parts[UKI_LINUX].size;

	if (size <= setup_size)
		panic("boot: the UKI given with -kernel has a kernel of %u bytes, %u of them for real "
		      "mode: it was cut; build it again",
		      size, setup_size);
	return size - setup_size;
}

void uki_load_kernel(const struct uki_file *file, const struct fw_cfg *cfg, const void *header,
		     uint32_t paddr)
{
	uint32_t begin = file->uki.parts[UKI_LINUX].offset;
	uint32_t setup_size = bzimage_setup_size(header);
	uint32_t size = uki_kernel_size(file, header);
	uint32_t have = setup_size < KERNEL_BEGIN ? KERNEL_BEGIN - setup_size : 0;

	if (have > size)
		have = size;
	memmove(phys_ptr(paddr), phys_ptr(file->begin_paddr + setup_size), have);
	if (have == size)
		return;
	/* If that read went past setup_size, it ended in KERNEL_DATA, where this one begins. */
	if (have && begin + KERNEL_BEGIN > file->setup_size)
		fw_cfg_read_more(cfg, phys_ptr(paddr + have), size - have);
	else
		read_file(file, cfg, begin + setup_size + have, paddr + have, size - have);
}

/* How many bytes the microcode has when its last word is filled up. */
static uint64_t ucode_room(const struct uki_file *file)
{
	return align_up(file->uki.parts[UKI_UCODE].size, 4);
}

uint32_t uki_initrd_size(const struct uki_file *file)
{
	return (uint32_t)(ucode_room(file) + file->uki.parts[UKI_INITRD].size);
}

void uki_load_initrd(const struct uki_file *file, const struct fw_cfg *cfg, uint64_t paddr)
{
	const struct uki_part *ucode = &file->uki.parts[UKI_UCODE];
	const struct uki_part *initrd = &file->uki.parts[UKI_INITRD];
	uint32_t zeros = (uint32_t)ucode_room(file) - ucode->size;

	if (ucode->size)
		read_file(file, cfg, ucode->offset, paddr, ucode->size);
	/* The zeros are an empty item's: there is no -initrd.  DMA alone gets above 4 GiB. */
	if (zeros)
		fw_cfg_read_at(cfg, FW_CFG_KEY_INITRD_DATA, 0, paddr + ucode->size, zeros);
	if (initrd->size)
		read_file(file, cfg, initrd->offset, paddr + ucode_room(file), initrd->size);
}

uint32_t uki_load_dtb(const struct uki_file *file, const struct fw_cfg *cfg, struct memmap *map)
{
	const struct uki_part *dtb = &file->uki.parts[UKI_DTB];
	struct linux_setup_data *node;
	uint32_t paddr;

	if (!dtb->size)
		return 0;
	paddr = memmap_alloc(map, sizeof(*node) + dtb->size, sizeof(uint64_t), MEMORY_LOADED,
			     ZONE_LOW, "the device tree");
	node = phys_ptr(paddr);
	*node = (struct linux_setup_data){ .type = LINUX_SETUP_DTB, .size = dtb->size };
	read_file(file, cfg, dtb->offset, paddr + sizeof(*node), dtb->size);
	return paddr;
}

/* The part of the command line that systemd-vmspawn and others pass beside -append. */
static const char *extra_cmdline(const struct smbios_table *smbios)
{
	const char *found = NULL;
	const char *table;
	uint32_t offset;
	bool has_strings;

	if (!smbios->size)
		return "";
	table = phys_ptr(smbios->paddr);
	offset = smbios_find(table, smbios->size, SMBIOS_TYPE_OEM_STRINGS, &has_strings);
	if (has_strings)
		found = uki_oem_string(table + offset, smbios->size - offset, EXTRA_PREFIX);
	return found ? found : "";
}

/*
 * Appends the text to a command line of length characters, after a space; returns its new length.
 */
static uint32_t join(char *cmdline, uint32_t length, const char *text)
{
	uint32_t size = (uint32_t)strlen(text);
	uint32_t start = length ? length + 1 : 0;

	memcpy(cmdline + start, text, size + 1);
	size = uki_trim(cmdline + start, size);
	if (!size)
		return length;
	if (start)
		cmdline[length] = ' ';
	return start + size;
}

uint32_t uki_load_cmdline(const struct uki_file *file, const struct fw_cfg *cfg, struct memmap *map,
			  const char *append, const struct smbios_table *smbios)
{
	const struct uki_part *own = &file->uki.parts[UKI_CMDLINE];
	const char *extra = extra_cmdline(smbios);
	uint32_t append_size = (uint32_t)strlen(append);
	uint32_t length = 0, skip, profile, paddr, max;
	char *cmdline;

	profile = uki_cmdline_profile(append, append_size, &skip);
	if (profile != UKI_NO_PROFILE && profile != file->profile)
		panic("boot: -append asks for profile %u of the UKI given with -kernel, which has %u; %u "
		      "was chosen",
		      profile, file->uki.profile_count, file->profile);
	max = own->size + append_size + (uint32_t)strlen(extra) + sizeof("  ");
	paddr = memmap_alloc(map, max, 1, MEMORY_LOADED, ZONE_NEAR, "the command line");
	cmdline = phys_ptr(paddr);
	if (own->size) {
		read_file(file, cfg, own->offset, paddr, own->size);
		length = uki_trim(cmdline, own->size);
	}
	length = join(cmdline, length, append + skip);
	length = join(cmdline, length, extra);
	cmdline[length] = '\0';
	return paddr;
}
