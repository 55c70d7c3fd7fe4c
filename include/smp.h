/*
 * smp.h - the processors.
 */
#ifndef SMP_H
#define SMP_H

#include "cpu.h"

/*
 * Puts the boot processor's local APIC into virtual wire mode: the 8259s reach it through LINT0,
 * NMI through LINT1.  Kernels that use the 8259s rely on it; with QEMU's own APIC model LINT0 is
 * masked after reset.  A processor without an APIC is left alone.
 * MP Specification 1.4, 3.6.2.2 "Virtual Wire Mode"; SDM Vol. 3A, "Local Vector Table".
 */
void smp_init(const struct cpu *cpu);

#endif
