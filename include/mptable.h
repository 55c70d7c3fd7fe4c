/*
 * mptable.h - the MP tables, for machines without ACPI, and for operating systems that know no ACPI
 * or are told acpi=off.  MP Specification 1.4, 4 "MP Configuration Table".
 */
#ifndef MPTABLE_H
#define MPTABLE_H

#include "chipset.h"
#include "memmap.h"
#include "smp_block.h"

/*
 * Builds the tables on a machine with an APIC, where there is room: the floating pointer in the
 * EBDA, where kernels look for it, the configuration table in reserved memory.  Elsewhere none is
 * left there of an earlier boot.
 *
 * Beside ACPI (rsdp_paddr is not 0) the processors are those of the MADT, else those that have
 * arrived, of which there are at most cpu_count: how QEMU makes APIC ids is not for the firmware to
 * know.  Those that an 8-bit APIC id cannot name are left out, with a message unless ACPI names
 * them.  It is called after smp_wait().  Cost: 1 VM exit, none with ACPI.
 */
void mptable_install(const struct machine *machine, const struct smp_block *block,
		     struct memmap *map, uint32_t cpu_count, uint32_t rsdp_paddr);

#endif
