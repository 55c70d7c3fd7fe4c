/*
 * acpi.h - put QEMU's ACPI tables where the operating system finds them.
 */
#ifndef ACPI_H
#define ACPI_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu.h"
#include "fw_cfg.h"
#include "memmap.h"

/*
 * Fetches the tables, places them in memory that the map then calls ACPI data (or NVS, for what
 * QEMU goes on using), and runs etc/table-loader over them.  Returns the RSDP's physical address,
 * 0 on a machine without ACPI.  A script that is malformed is a panic.
 *
 * PCI and chipset must be final: QEMU builds its tables from them when the first of these files is
 * selected (hw/i386/acpi-build.c, acpi_build_update()).
 * Cost: 1 VM exit a file, one more for each pointer that QEMU wants to be told.
 */
uint32_t acpi_install(const struct fw_cfg *cfg, struct memmap *map, const struct cpu *cpu);

#endif
