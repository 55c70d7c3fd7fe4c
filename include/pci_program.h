/*
 * pci_program.h - carrying out a finished plan: BARs, bridge windows, decoding.
 */
#ifndef PCI_PROGRAM_H
#define PCI_PROGRAM_H

#include <stdbool.h>

#include "pci_config.h"
#include "pci_plan.h"

#define PCI_MAX_SHOWN 64

/* What decodes. */
struct pci_decode {
	bool all; /* every function, and every bridge what is in its windows; the caller's to set */
	/* Else: the functions that decode until QEMU has built its tables; more go on decoding.
	 * The caller empties the list. */
	uint32_t shown_count;
	uint16_t shown[PCI_MAX_SHOWN];
};

/*
 * Writes what pci_plan() decided; decode->all as above, else those functions alone decode that
 * QEMU's tables describe by what they decode (docs/pci.md).  The BARs are as pci_bar_probe() left
 * them, the windows of the bridges as a reset did.  Cost of a bridge: 2 VM exits through wide ECAM,
 * and for each window that opens or closes one exit and a rebuild of QEMU's memory topology.
 */
void pci_program(const struct pci_plan *plan, const struct pci_access *access,
		 struct pci_decode *decode);

#endif
