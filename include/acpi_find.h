/*
 * acpi_find.h - look up in the ACPI tables what the firmware itself wants to know.  Pure, but for
 * the physical addresses.  The tables are our own, or QEMU's, and then acpi_install() has checked
 * that each lies inside the file it came from.
 */
#ifndef ACPI_FIND_H
#define ACPI_FIND_H

#include <stdbool.h>
#include <stdint.h>

#include "spec/acpi.h"

/* The first table with the signature that the RSDT or XSDT lists; NULL when there is none. */
const struct acpi_header *acpi_find_table(uint32_t rsdp_paddr, const char *signature);

/* How many processors the MADT enables; 0 when there is no MADT. */
uint32_t acpi_find_processors(uint32_t rsdp_paddr);

/* The APIC id of the n-th of them, from 0; false when there are not so many. */
bool acpi_find_processor(uint32_t rsdp_paddr, uint32_t n, uint32_t *apic_id);

#endif
