/*
 * pci_bar.h - base address registers: how large, and of which kind.
 *
 * PCI Local Bus 3.0, 6.2.5.1 "Address Maps": after ones were written a register reads as the mask
 * of its size, with its type in the lowest bits.
 */
#ifndef PCI_BAR_H
#define PCI_BAR_H

#include <stdint.h>

#include "pci_config.h"
#include "pci_plan.h"

/* Registers of one function. */
struct pci_bar_set {
	uint32_t bdf;
	uint32_t bus;   /* index in the plan of the bus that the function is on */
	uint32_t first; /* number of the first register; even */
	uint32_t end;   /* one past the number of the last; even */
	uint32_t flags; /* PCI_BAR_DECODE and PCI_BAR_VGA, for all of them */
};

/*
 * Sizes the registers and adds them to the plan.  Decoding must be off; all of them lose their
 * value. One that reads as no size, or that the plan has no room for, is set to 0 and named on
 * the debug console. Cost: 2 VM exits for two registers through wide ECAM, 2 each through ECAM, 3
 * each through ports.
 */
void pci_bar_probe(struct pci_plan *plan, const struct pci_access *access,
		   const struct pci_bar_set *set);

/* The same for the expansion ROM of a function that is no bridge.  Cost: 2 VM exits, 3 by ports. */
void pci_bar_probe_rom(struct pci_plan *plan, const struct pci_access *access, uint32_t bus,
		       uint32_t bdf);

#endif
