/* smp.h - the processors: all get the same MSRs, and all but the boot processor halt again. */
#ifndef SMP_H
#define SMP_H

#include <stdbool.h>
#include <stdint.h>

#include "chipset.h"
#include "memmap.h"
#include "smp_block.h"

/*
 * Finds the MSRs of every processor: memory types (mtrr.h), with MMIO from hole_base to 4 GiB, and
 * what QEMU wants in IA32_FEATURE_CONTROL.  A processor gets no MSR that it does not have.
 * Cost: 1 VM exit where QEMU wants anything in IA32_FEATURE_CONTROL.
 */
void smp_probe_msrs(struct msr_list *msrs, const struct machine *machine, const struct memmap *map,
		    uint32_t hole_base);

/*
 * Programs this processor's MSRs and starts all others on the same.  They work by themselves while
 * the boot goes on, note in the block that they have arrived, and halt in the ROM, interrupts off,
 * until the operating system sends its INIT, whatever NMIs come before that.  Those with an APIC id
 * above 254 are in x2APIC mode then, the others not; without CPUID leaf 0Bh none knows such an id.
 *
 * The broadcast reaches every processor there is, whatever its APIC id; without an APIC nothing is
 * sent.  The block is zero at first; until smp_wait() neither it nor the MSRs may change.  Cost: no
 * VM exit to userspace.
 */
void smp_start(struct smp_block *block, const struct msr_list *msrs, const struct cpu *cpu);

/*
 * How many processors there are: those that the MADT enables, or what fw_cfg says on a machine
 * without ACPI (1 VM exit).
 */
uint32_t smp_count(const struct machine *machine, uint32_t rsdp_paddr);

/*
 * Waits until all of cpu_count processors but this one have arrived.  The wait ends when none comes
 * for about a second: processors that do not answer cost a message, not the boot.  The message
 * names them by the MADT (rsdp_paddr), if there is one; the block notes that some are missing.
 */
void smp_wait(struct smp_block *block, const struct cpu *cpu, uint32_t cpu_count,
	      uint32_t rsdp_paddr);

/*
 * Masks the 8259s and puts the boot processor's local APIC into virtual wire mode, where the 8259s
 * reach it through LINT0.  Kernels that use the 8259s rely on it, and in a wake, too: one that has
 * no driver for the APIC restores nothing there.  With QEMU's own APIC model LINT0 is masked after
 * reset.
 *
 * LINT1 stays masked, as after reset: the host may send an NMI at any time, and a kernel without
 * vectors yet would not survive one (Linux while it unpacks itself).  Linux unmasks LINT1 when it
 * programs its local APIC; a kernel that never does that gets no NMI.
 *
 * On a machine with hardware-reduced ACPI (rsdp_paddr is not 0) LINT0 is masked instead: the
 * operating system has been told that there are no 8259s and will not initialise them, so the timer
 * would arrive as vector 0.
 *
 * MP Specification 1.4, 3.6.2.2 "Virtual Wire Mode"; SDM Vol. 3A, "Local Vector Table"; ACPI 6.5,
 * 5.2.12, PCAT_COMPAT.
 */
void smp_virtual_wire(const struct machine *machine, uint32_t rsdp_paddr);

#endif
