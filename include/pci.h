/*
 * pci.h - PCI: find the functions, number the buses, give addresses, route the interrupts.
 *
 * Every BAR has an address when the kernel starts, and every bridge windows for what is behind it
 * (docs/pci.md says which, and what is left for hot-plug).  Decoding is off, as after reset, and
 * drivers switch it on; it is on when the kernel is one that expects so.  The fw_cfg file
 * opt/org.qboot/pci-decode, "on" or "off", has the last word.
 */
#ifndef PCI_H
#define PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "chipset.h"
#include "memmap.h"
#include "pci_program.h"

/* What the addresses given out mean for others. */
struct pci_layout {
	uint32_t mmio_base;    /* from here to 4 GiB there is no RAM, but devices and ECAM */
	struct pci_range high; /* above 4 GiB: all that has been given out; its end is 0: nothing */
	uint32_t last_bus; /* the highest number of a bus, or reserved for hot-plug; 0: no PCI */
	struct pci_shown shown; /* what pci_tables_built() switches off */
};

/*
 * Walks all buses and programs what pci_plan() decides.  chipset_init() has run, and no ACPI file
 * was selected: QEMU builds its tables from what is programmed here.  decode: every function shall
 * decode, unless the user says otherwise.  A device for which there is no place is named on the
 * debug console, and the guest boots without it.
 * On a machine without PCI nothing is done, and there are no devices below 4 GiB but the chipset's.
 */
struct pci_layout pci_init(const struct machine *machine, const struct memmap *map, bool decode);

/*
 * Ends decoding that was for QEMU's tables alone, which are built by now: they describe addresses
 * above 4 GiB on bus 0, and extra root buses, by what decodes there.  Linux would switch it off and
 * on around each register that it sizes.  Cost for each function, often none at all: a VM exit (2
 * by ports) and a rebuild of QEMU's memory topology.
 */
void pci_tables_built(const struct pci_layout *layout, const struct pci_access *access);

#endif
