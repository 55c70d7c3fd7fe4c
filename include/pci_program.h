/*
 * pci_program.h - carrying out a finished plan: BARs, bridge windows, decoding.
 */
#ifndef PCI_PROGRAM_H
#define PCI_PROGRAM_H

#include <stdbool.h>

#include "pci_config.h"
#include "pci_plan.h"

/*
 * Writes what pci_plan() decided.  decode: the bridges forward all that is in their windows; else
 * only what does not work without (docs/pci.md).  The BARs are as pci_bar_probe() left them, the
 * windows of the bridges as a reset did. Cost of a bridge: 2 VM exits through wide ECAM, and for
 * each window that opens or closes one exit and a rebuild of QEMU's memory topology.
 */
void pci_program(const struct pci_plan *plan, const struct pci_access *access, bool decode);

#endif
