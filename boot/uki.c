/*
 * uki.c - see uki.h.
 */
#include "uki.h"

#include "spec/pe.h"
#include "spec/smbios.h"
#include "string.h"

static const char *const names[UKI_SECTIONS] = {
	[UKI_LINUX] = ".linux",     [UKI_INITRD] = ".initrd", [UKI_UCODE] = ".ucode",
	[UKI_CMDLINE] = ".cmdline", [UKI_DTB] = ".dtb",       [UKI_SBAT] = ".sbat",
};

const char *uki_section_name(enum uki_section section)
{
	return names[section];
}

/* "PE Format", Machine Types. */
static const struct {
	uint16_t machine;
	const char *name;
} machines[] = {
	{ 0x014c, "32-bit x86" }, { PE_MACHINE_AMD64, "x86-64" }, { 0x01c0, "32-bit ARM" },
	{ 0x01c2, "32-bit ARM" }, { 0xaa64, "AArch64" },          { 0x5064, "RISC-V" },
	{ 0x6264, "LoongArch" },  { 0x0ebc, "EFI byte code" },
};

const char *uki_machine_name(uint16_t machine)
{
	for (uint32_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (machines[i].machine == machine)
			return machines[i].name;
	return "an unknown processor";
}

/* Whether the first end bytes are there; uki->head_size then says how many are wanted. */
static bool have(struct uki *uki, uint64_t end, uint32_t size)
{
	uki->head_size = end;
	return end <= size;
}

/* Finds the section table and how many entries it has. */
static enum error find_table(struct uki *uki, const uint8_t *bytes, uint32_t size,
			     const struct pe_section **table, uint32_t *count)
{
	const struct pe_dos_header *dos = (const void *)bytes;
	const struct pe_file_header *file;
	uint32_t zboot;
	uint64_t end;

	if (size < sizeof(dos->magic) || dos->magic != PE_DOS_MAGIC)
		return ERR_MAGIC;
	if (!have(uki, sizeof(*dos), size))
		return ERR_TRUNCATED;
	memcpy(&zboot, bytes + PE_ZBOOT_OFFSET, sizeof(zboot));
	if (zboot == PE_ZBOOT_MAGIC)
		return ERR_ZBOOT;
	if (dos->pe_offset < sizeof(*dos))
		return ERR_NOT_PE;
	end = (uint64_t)dos->pe_offset + sizeof(*file);
	if (!have(uki, end + sizeof(uki->optional), size))
		return ERR_TRUNCATED;
	file = (const void *)(bytes + dos->pe_offset);
	if (file->signature != PE_SIGNATURE)
		return ERR_NOT_PE;
	uki->machine = file->machine;
	if (file->machine != PE_MACHINE_AMD64)
		return ERR_MACHINE;
	if (file->optional_size >= sizeof(uki->optional))
		memcpy(&uki->optional, bytes + end, sizeof(uki->optional));
	if (uki->optional != PE_OPTIONAL_PE32_PLUS)
		return ERR_VERSION;
	end += file->optional_size;
	*count = file->section_count;
	if (!have(uki, end + (uint64_t)*count * sizeof(**table), size))
		return ERR_TRUNCATED;
	*table = (const void *)(bytes + end);
	return OK;
}

static bool is_named(const struct pe_section *section, const char *name)
{
	size_t length = strlen(name);

	return memcmp(section->name, name, length) == 0 &&
	       (length == PE_NAME_SIZE || !section->name[length]);
}

/* Notes the first section of each name up to the next profile; returns how many it went through. */
static uint32_t locate(struct uki *uki, const struct pe_section *table, uint32_t count)
{
	bool seen[UKI_SECTIONS] = { false };
	uint32_t i;

	for (i = 0; i < count && !is_named(&table[i], ".profile"); i++) {
		const struct pe_section *section = &table[i];
		uint32_t size = section->virtual_size < section->raw_size ? section->virtual_size :
									    section->raw_size;

		for (uint32_t name = 0; name < UKI_SECTIONS; name++) {
			if (seen[name] || !is_named(section, names[name]))
				continue;
			seen[name] = true;
			uki->parts[name] = (struct uki_part){ section->raw_offset, size };
		}
	}
	return i;
}

static uint64_t end_of(const struct uki_part *part)
{
	return (uint64_t)part->offset + part->size;
}

static bool overlap(const struct uki_part *left, const struct uki_part *right)
{
	return left->size && right->size && left->offset < end_of(right) &&
	       right->offset < end_of(left);
}

/* The sections that a boot uses lie within the file, and apart. */
static enum error check(struct uki *uki, uint32_t file_size)
{
	for (uint32_t i = 0; i < UKI_USED; i++) {
		const struct uki_part *part = &uki->parts[i];

		uki->culprit = (uint8_t)i;
		if (end_of(part) > file_size && part->size)
			return ERR_RANGE;
		if (part->offset < uki->head_size && part->size)
			return ERR_OVERLAP;
		for (uint32_t before = 0; before < i; before++)
			if (overlap(&uki->parts[before], part))
				return ERR_OVERLAP;
	}
	uki->culprit = 0;
	return OK;
}

enum error uki_parse(struct uki *uki, const void *bytes, uint32_t size, uint32_t file_size,
		     uint32_t profile)
{
	const struct pe_section *table;
	uint32_t count, at;
	enum error error;

	*uki = (struct uki){ 0 };
	error = find_table(uki, bytes, size < file_size ? size : file_size, &table, &count);
	if (error != OK)
		return error;
	/* First what all profiles share, then each; the wanted one replaces what is shared. */
	for (at = locate(uki, table, count); at < count; uki->profile_count++) {
		struct uki ignored;
		bool wanted = uki->profile_count == profile;

		at += 1 + locate(wanted ? uki : &ignored, table + at + 1, count - at - 1);
	}
	if (profile && profile >= uki->profile_count)
		return ERR_NOT_FOUND;
	if (!uki->parts[UKI_LINUX].size) {
		if (end_of(&uki->parts[UKI_SBAT]) > file_size)
			uki->parts[UKI_SBAT].size = 0;
		return ERR_NO_KERNEL;
	}
	return check(uki, file_size);
}

void uki_sbat_component(char *name, uint32_t name_size, const char *sbat, uint32_t size)
{
	uint32_t at = 0, length = 0;

	while (at < size && sbat[at] != '\n')
		at++;
	for (at++; at < size && sbat[at] > ' ' && sbat[at] < 0x7f && sbat[at] != ','; at++)
		if (length < name_size - 1)
			name[length++] = sbat[at];
	name[length] = '\0';
}

uint32_t uki_parse_number(const char **text, uint32_t size)
{
	const char *start = *text;
	uint64_t value = 0;

	for (; size && **text >= '0' && **text <= '9'; size--) {
		value = value * 10 + (uint32_t)(*(*text)++ - '0');
		if (value >= UKI_NO_PROFILE)
			return UKI_NO_PROFILE;
	}
	return *text == start ? UKI_NO_PROFILE : (uint32_t)value;
}

uint32_t uki_cmdline_profile(const char *cmdline, uint32_t size, uint32_t *skip)
{
	const char *text = cmdline + 1;
	uint32_t profile, length;

	*skip = 0;
	if (!size || cmdline[0] != '@')
		return UKI_NO_PROFILE;
	profile = uki_parse_number(&text, size - 1);
	length = (uint32_t)(text - cmdline);
	if (profile == UKI_NO_PROFILE || (length < size && *text && *text != ' '))
		return UKI_NO_PROFILE;
	*skip = length + (length < size && *text == ' ');
	return profile;
}

uint32_t uki_trim(char *text, uint32_t size)
{
	uint32_t start = 0, end = 0;

	size = (uint32_t)strnlen(text, size);
	for (uint32_t i = 0; i < size; i++) {
		if ((uint8_t)text[i] < ' ')
			text[i] = ' ';
		if (text[i] != ' ')
			end = i + 1;
		else if (!end)
			start = i + 1;
	}
	if (!end)
		return 0;
	memmove(text, text + start, end - start);
	return end - start;
}

const char *uki_oem_string(const void *structure, uint32_t size, const char *prefix)
{
	const struct smbios_header *header = structure;
	const char *text = structure;
	uint32_t length = (uint32_t)strlen(prefix);
	uint32_t at;

	if (size < sizeof(*header))
		return NULL;
	/* Strings follow the formatted part, each with its terminator; an empty one ends them. */
	for (at = header->length; at < size && text[at];) {
		uint32_t string = (uint32_t)strnlen(text + at, size - at);

		if (string == size - at)
			return NULL;
		if (string >= length && memcmp(text + at, prefix, length) == 0)
			return text + at + length;
		at += string + 1;
	}
	return NULL;
}
