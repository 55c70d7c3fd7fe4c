/*
 * pci.h - PCI: find the functions, number the buses, route the interrupts.
 */
#ifndef PCI_H
#define PCI_H

#include <stdint.h>

#include "chipset.h"
#include "pci_config.h"

/*
 * Walks bus 0 and everything below it: gives each bridge its bus numbers and each function with an
 * interrupt pin its interrupt line.  chipset_init() has run.  Decoding stays off, as after reset.
 * On a machine without PCI it does nothing.
 */
void pci_init(const struct chipset *chipset, const struct pci_access *access);

/*
 * The ISA interrupt that a function's pin (0 = INTA#) reaches through a slot of the root bus; the
 * caller has added the slots of the buses below it.  Pure.
 * PCI-to-PCI Bridge 1.2, "Interrupt Routing"; QEMU hw/i386/pc_piix.c and hw/isa/lpc_ich9.c.
 */
uint8_t pci_plan_irq(const struct chipset *chipset, uint32_t root_slot, uint32_t pin);

#endif
