/*
 * elf.h - what the firmware looks at in an ELF header.
 * System V ABI, "ELF Header".
 */
#ifndef SPEC_ELF_H
#define SPEC_ELF_H

#include <stddef.h>
#include <stdint.h>

#define ELF_MAGIC          0x464c457fu /* "\177ELF" */
#define ELF_CLASS_64       2
#define ELF_MACHINE_X86_64 62

struct elf_header {
	uint32_t magic;
	uint8_t class;
	uint8_t rest[11];
	uint16_t type;
	uint16_t machine;
};
_Static_assert(sizeof(struct elf_header) == 20, "ELF header, up to e_machine");
_Static_assert(offsetof(struct elf_header, machine) == 18, "ELF header, e_machine");

#endif
