/*
 * acpi.h - put QEMU's ACPI tables where the operating system finds them.
 */
#ifndef ACPI_H
#define ACPI_H

#include <stdbool.h>
#include <stdint.h>

#include "fw_cfg.h"
#include "memmap.h"
#include "table_loader.h"

/*
 * What QEMU was told by WRITE_POINTER, and forgets at each reset.  The files are noted by name: a
 * guest that sleeps may wake in another QEMU, where they have other selectors.
 */
struct acpi_writes {
	uint32_t count;
	struct {
		char file[FW_CFG_NAME_SIZE];
		uint32_t offset;
		uint32_t size;
		uint64_t value;
	} writes[LOADER_MAX_WRITES];
};

/*
 * Fetches the tables, places them in memory that the map then calls reserved, and runs
 * etc/table-loader over them.  Returns the RSDP's physical address, 0 on a machine without ACPI.  A
 * script that is malformed is a panic, and so are an RSDP without a table and a table that is not
 * inside one file: what acpi_find.h follows has been checked.
 *
 * PCI and chipset must be final: QEMU builds its tables from them when the first of these files is
 * selected (hw/i386/acpi-build.c, acpi_build_update()).
 * Cost: 1 VM exit a file, one more for each pointer that QEMU wants to be told; where a file has
 * grown since the directory was read, 1 for the directory, and 1 for the script if that has.
 */
uint32_t acpi_install(struct fw_cfg *cfg, struct memmap *map, struct acpi_writes *writes);

/*
 * Tells QEMU its pointers again, without selecting a table; each name has a terminator.  A file
 * that there is no more is said.  Cost: 1 VM exit each.
 */
void acpi_replay(const struct fw_cfg *cfg, const struct acpi_writes *writes);

#endif
