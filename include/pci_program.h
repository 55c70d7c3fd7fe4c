/*
 * pci_program.h - carrying out a finished plan: BARs, bridge windows, decoding.
 */
#ifndef PCI_PROGRAM_H
#define PCI_PROGRAM_H

#include <stdbool.h>

#include "pci_config.h"
#include "pci_plan.h"

#define PCI_MAX_SHOWN 64

/* The functions that decode until QEMU has built its tables.  More than these go on decoding. */
struct pci_shown {
	uint32_t count;
	uint16_t bdfs[PCI_MAX_SHOWN];
};

/*
 * Writes what pci_plan() decided.  decode: every function decodes, and every bridge what is in its
 * windows.  Else those functions alone decode that QEMU's tables describe by what they decode
 * (docs/pci.md), and they are listed in *shown, but for those that decode for good.  The BARs are
 * as pci_bar_probe() left them, the windows of the bridges as a reset did.  Cost of a bridge: 2 VM
 * exits through wide ECAM, and for each window that opens or closes one exit and a rebuild of
 * QEMU's memory topology.
 */
void pci_program(const struct pci_plan *plan, const struct pci_access *access, bool decode,
		 struct pci_shown *shown);

#endif
