/*
 * acpi_find.h - look up in the ACPI tables what the firmware itself wants to know.  Pure, but for
 * the physical addresses: the tables are QEMU's, in place and linked (acpi_install()).
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

#endif
