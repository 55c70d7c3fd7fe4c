/*
 * pe_file.h - PE files for tests, laid out as systemd-ukify does.
 */
#ifndef PE_FILE_H
#define PE_FILE_H

#include "spec/pe.h"
#include "unit.h"

#define PE_OFFSET     0x80
#define OPTIONAL_SIZE 0xf0
#define TABLE_OFFSET  (PE_OFFSET + sizeof(struct pe_file_header) + OPTIONAL_SIZE)

static inline struct pe_file_header *pe_header(uint8_t *file)
{
	return (void *)(file + PE_OFFSET);
}

static inline struct pe_section *pe_section(uint8_t *file, uint32_t n)
{
	return (void *)(file + TABLE_OFFSET + n * sizeof(struct pe_section));
}

/* Headers for x86-64, without sections. */
static inline void pe_begin(uint8_t *file)
{
	struct pe_dos_header dos = { .magic = PE_DOS_MAGIC, .pe_offset = PE_OFFSET };
	uint16_t optional = PE_OPTIONAL_PE32_PLUS;

	memcpy(file, &dos, sizeof(dos));
	*pe_header(file) = (struct pe_file_header){
		.signature = PE_SIGNATURE,
		.machine = PE_MACHINE_AMD64,
		.optional_size = OPTIONAL_SIZE,
	};
	memcpy(file + PE_OFFSET + sizeof(struct pe_file_header), &optional, sizeof(optional));
}

/* One section more, of size bytes in memory and as many as alignment demands in the file. */
static inline struct pe_section *pe_add(uint8_t *file, const char *name, uint32_t offset,
					uint32_t size)
{
	struct pe_section *added = pe_section(file, pe_header(file)->section_count++);

	memcpy(added->name, name, strnlen(name, sizeof(added->name)));
	added->virtual_size = size;
	added->raw_size = (size + 0x1ff) & ~0x1ffu;
	added->raw_offset = offset;
	return added;
}

#endif
