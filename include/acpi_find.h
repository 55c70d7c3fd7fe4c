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

/* Makes the header of a table of our own; the caller sums up the table. */
struct acpi_header acpi_make_header(const char *signature, uint32_t length);

/* True when the table's header has that signature, of 4 characters. */
bool acpi_is(const struct acpi_header *table, const char *signature);

/*
 * The first table with the signature that the RSDT or XSDT lists; NULL when there is none, or no
 * RSDP (rsdp_paddr is 0).
 */
const struct acpi_header *acpi_find_table(uint32_t rsdp_paddr, const char *signature);

/*
 * Both go on from *offset, which is ACPI_MADT_ENTRIES at first: to the next entry of a MADT, and to
 * the next one that enables a processor, for its APIC id.  NULL and false at the end, or at a
 * malformed entry.
 */
const struct acpi_madt_entry *acpi_next_entry(const struct acpi_header *madt, uint32_t *offset);
bool acpi_next_processor(const struct acpi_header *madt, uint32_t *offset, uint32_t *apic_id);

/* How many processors the MADT enables; 0 where there is none, as without ACPI. */
uint32_t acpi_find_processors(uint32_t rsdp_paddr);

#endif
