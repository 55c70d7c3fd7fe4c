/*
 * smp.h - the processors.
 */
#ifndef SMP_H
#define SMP_H

#include <stdint.h>

#include "chipset.h"
#include "cpu.h"

/*
 * Masks the 8259s and puts the boot processor's local APIC into virtual wire mode: the 8259s reach
 * it through LINT0, NMI through LINT1.  Kernels that use the 8259s rely on it; with QEMU's own APIC
 * model LINT0 is masked after reset.
 *
 * On a machine with hardware-reduced ACPI (rsdp_paddr is not 0) LINT0 is masked instead: the
 * operating system has been told that there are no 8259s and will not initialise them, so the timer
 * would arrive as vector 0.
 *
 * MP Specification 1.4, 3.6.2.2 "Virtual Wire Mode"; SDM Vol. 3A, "Local Vector Table"; ACPI 6.5,
 * 5.2.12, PCAT_COMPAT.
 */
void smp_virtual_wire(const struct cpu *cpu, const struct chipset *chipset, uint32_t rsdp_paddr);

#endif
