/*
 * mptable.h - the MP tables, for machines without ACPI, and for operating systems that know no ACPI
 * or are told acpi=off.  MP Specification 1.4, 4 "MP Configuration Table".
 */
#ifndef MPTABLE_H
#define MPTABLE_H

#include "chipset.h"
#include "memmap.h"

/* How APIC ids are made of a processor's number: the shifts of CPUID leaf 0Bh. */
struct mp_topology {
	uint32_t threads_per_core;
	uint32_t threads_per_package;
	uint32_t core_shift;    /* bits of the thread number */
	uint32_t package_shift; /* bits of the thread and core numbers */
};

/* Reads CPUID leaf 0Bh (SDM Vol. 2A); without it every processor is a package. */
struct mp_topology mptable_read_topology(void);

/* The APIC id of a processor, counted from 0 as QEMU counts.  Pure. */
uint32_t mptable_apic_id(const struct mp_topology *topology, uint32_t number);

/*
 * Builds the tables on a machine with an APIC, where there is room: the floating pointer in the
 * EBDA, where kernels look for it, the configuration table in reserved memory.  Beside ACPI
 * (rsdp_paddr is not 0) the processors are those of the MADT.  Those that an 8-bit APIC id cannot
 * name are left out, with a message unless ACPI names them. Cost: 1 VM exit, none with ACPI.
 */
void mptable_install(const struct machine *machine, struct memmap *map, uint32_t cpu_count,
		     uint32_t rsdp_paddr);

#endif
