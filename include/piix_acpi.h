/*
 * piix_acpi.h - ACPI tables of our own, for i440FX machines to which QEMU gives none.
 *
 * These are pc-i440fx-1.4 to 1.6, of a time when the firmware brought the tables: power management,
 * an APIC for each processor, PCI and its interrupts, a way to power off.
 */
#ifndef PIIX_ACPI_H
#define PIIX_ACPI_H

#include <stdint.h>

#include "chipset.h"
#include "memmap.h"
#include "pci.h"
#include "smp_block.h"

/*
 * Builds and places the tables on a machine that has the PM function, and returns the address of
 * their RSDP; 0 on any other machine.  It is called where QEMU has no tables.  The PCI windows are
 * those of the layout, the one above 4 GiB only if something is there.  The processors are those
 * that have arrived, at most cpu_count, so it is called after smp_wait().  Cost: 2 VM exits on a
 * machine without ACPI; 4 more to build.
 */
uint32_t piix_acpi_install(const struct machine *machine, const struct smp_block *block,
			   struct memmap *map, const struct pci_layout *layout, uint32_t cpu_count);

#endif
