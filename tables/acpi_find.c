/*
 * acpi_find.c - see acpi_find.h.
 */
#include "acpi_find.h"

#include "phys.h"
#include "string.h"

struct acpi_header acpi_make_header(const char *signature, uint32_t length)
{
	struct acpi_header header = {
		.length = length,
		.revision = 1,
		.oem_id = { 'Q', 'B', 'O', 'O', 'T', ' ' },
		.oem_table_id = { 'Q', 'B', 'O', 'O', 'T', 'P', 'C', ' ' },
		.oem_revision = 1,
		.creator_id = 0x544f4251, /* "QBOT" */
		.creator_revision = 1,
	};

	memcpy(header.signature, signature, sizeof(header.signature));
	return header;
}

bool acpi_is(const struct acpi_header *table, const char *signature)
{
	return memcmp(table->signature, signature, sizeof(table->signature)) == 0;
}

const struct acpi_header *acpi_find_table(uint32_t rsdp_paddr, const char *signature)
{
	const struct acpi_rsdp *rsdp;
	const struct acpi_header *root;
	uint32_t root_paddr, step;
	bool wide;

	if (!rsdp_paddr)
		return NULL;
	rsdp = phys_ptr(rsdp_paddr);
	wide = rsdp->revision >= 2 && rsdp->xsdt_address;
	root_paddr = wide ? (uint32_t)rsdp->xsdt_address : rsdp->rsdt_address;
	step = wide ? sizeof(uint64_t) : sizeof(uint32_t);
	if (!root_paddr)
		return NULL;
	root = phys_ptr(root_paddr);
	for (uint32_t offset = sizeof(*root); offset + step <= root->length; offset += step) {
		const struct acpi_header *table;
		uint32_t paddr;

		memcpy(&paddr, (const uint8_t *)root + offset, sizeof(paddr));
		table = phys_ptr(paddr);
		if (acpi_is(table, signature))
			return table;
	}
	return NULL;
}

/* True when the entry enables a processor. */
static bool parse_processor(const struct acpi_madt_entry *entry, uint32_t *apic_id)
{
	if (entry->type == ACPI_MADT_LAPIC && entry->length >= sizeof(entry->lapic) + 2) {
		*apic_id = entry->lapic.apic_id;
		return entry->lapic.flags & ACPI_MADT_ENABLED;
	}
	if (entry->type == ACPI_MADT_X2APIC && entry->length >= sizeof(entry->x2apic) + 2) {
		*apic_id = entry->x2apic.apic_id;
		return entry->x2apic.flags & ACPI_MADT_ENABLED;
	}
	return false;
}

const struct acpi_madt_entry *acpi_next_entry(const struct acpi_header *madt, uint32_t *offset)
{
	const struct acpi_madt_entry *entry = (const void *)((const uint8_t *)madt + *offset);

	if (*offset + 2 > madt->length || entry->length < 2 ||
	    entry->length > madt->length - *offset)
		return NULL;
	*offset += entry->length;
	return entry;
}

bool acpi_next_processor(const struct acpi_header *madt, uint32_t *offset, uint32_t *apic_id)
{
	const struct acpi_madt_entry *entry;

	while ((entry = acpi_next_entry(madt, offset)))
		if (parse_processor(entry, apic_id))
			return true;
	return false;
}

uint32_t acpi_find_processors(uint32_t rsdp_paddr)
{
	const struct acpi_header *madt = acpi_find_table(rsdp_paddr, "APIC");
	uint32_t offset = ACPI_MADT_ENTRIES;
	uint32_t count = 0, apic_id;

	while (madt && acpi_next_processor(madt, &offset, &apic_id))
		count++;
	return count;
}
