/*
 * fpdt.h - ACPI's boot performance record: how long the firmware took.
 *
 * Only with the fw_cfg file opt/org.qboot/fpdt (-fw_cfg name=opt/org.qboot/fpdt,string=1), since
 * the rate of the TSC may have to be measured, for a millisecond.
 *
 * ACPI 6.5, 5.2.24 "Firmware Performance Data Table (FPDT)".
 */
#ifndef FPDT_H
#define FPDT_H

#include <stdint.h>

#include "chipset.h"
#include "memmap.h"
#include "spec/acpi.h"

struct fpdt {
	struct acpi_fbpt *record; /* NULL: not wanted, or not possible */
	uint32_t ns_per_tick;     /* times 2^22 */
};

/*
 * Adds the tables to those at rsdp_paddr, and notes when the firmware started.  Where there is no
 * ACPI, no TSC, or no way to find its rate, there is a message and no record.  Cost: none, unless
 * wanted.
 */
struct fpdt fpdt_install(const struct machine *machine, struct memmap *map, uint32_t rsdp_paddr);

/* Note that the kernel is about to be loaded, and to be started. */
void fpdt_mark_load(const struct fpdt *fpdt);
void fpdt_mark_start(const struct fpdt *fpdt);

#endif
