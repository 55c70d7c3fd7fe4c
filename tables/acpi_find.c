/*
 * acpi_find.c - see acpi_find.h.
 *
 * Lengths are believed as far as a table may be long: one that is larger is as good as absent.
 */
#include "acpi_find.h"

#include "phys.h"
#include "string.h"

#define MAX_LENGTH 0x100000u

const struct acpi_header *acpi_find_table(uint32_t rsdp_paddr, const char *signature)
{
	const struct acpi_rsdp *rsdp = phys_ptr(rsdp_paddr);
	bool wide = rsdp->revision >= 2 && rsdp->xsdt_address;
	uint32_t step = wide ? sizeof(uint64_t) : sizeof(uint32_t);
	const struct acpi_header *root =
		phys_ptr(wide ? (uint32_t)rsdp->xsdt_address : rsdp->rsdt_address);

	if (phys_addr(root) == 0 || root->length > MAX_LENGTH)
		return NULL;
	for (uint32_t offset = sizeof(*root); offset + step <= root->length; offset += step) {
		const struct acpi_header *table;
		uint32_t paddr;

		memcpy(&paddr, (const uint8_t *)root + offset, sizeof(paddr));
		table = phys_ptr(paddr);
		if (acpi_is(table->signature, signature))
			return table->length <= MAX_LENGTH ? table : NULL;
	}
	return NULL;
}

static bool enabled(const struct acpi_madt_entry *entry)
{
	if (entry->type == ACPI_MADT_LAPIC && entry->length >= sizeof(entry->lapic) + 2)
		return entry->lapic.flags & ACPI_MADT_ENABLED;
	if (entry->type == ACPI_MADT_X2APIC && entry->length >= sizeof(entry->x2apic) + 2)
		return entry->x2apic.flags & ACPI_MADT_ENABLED;
	return false;
}

uint32_t acpi_find_processors(uint32_t rsdp_paddr)
{
	const struct acpi_header *madt = acpi_find_table(rsdp_paddr, "APIC");
	uint32_t offset = ACPI_MADT_ENTRIES;
	uint32_t count = 0;

	while (madt && offset + 2 <= madt->length) {
		const struct acpi_madt_entry *entry =
			(const void *)((const uint8_t *)madt + offset);

		if (entry->length < 2 || entry->length > madt->length - offset)
			break;
		count += enabled(entry);
		offset += entry->length;
	}
	return count;
}
