/*
 * fpdt.c - see fpdt.h.
 *
 * The root table is copied to a place where there is room for one entry more; the old one stays,
 * and nothing points to it.
 */
#include "fpdt.h"

#include "acpi_find.h"
#include "checksum.h"
#include "console.h"
#include "divide.h"
#include "phys.h"
#include "string.h"
#include "tsc.h"

#define FILE_NAME    "opt/org.qboot/fpdt"
#define SCALE_SHIFT  22
#define KHZ_TO_SCALE (1000000ull << SCALE_SHIFT) /* divided by kHz */

static uint64_t nanoseconds(const struct fpdt *fpdt, uint64_t tsc)
{
	uint64_t low = (uint64_t)(uint32_t)tsc * fpdt->ns_per_tick;
	uint64_t high = (tsc >> 32) * fpdt->ns_per_tick;

	return (high << (32 - SCALE_SHIFT)) + (low >> SCALE_SHIFT);
}

/* A copy of an RSDT or XSDT with one entry of entry_size bytes more. */
static uint32_t extend_root(struct memmap *map, uint32_t root_paddr, uint32_t entry_size,
			    uint64_t entry)
{
	const struct acpi_header *old = phys_ptr(root_paddr);
	uint32_t length = old->length;
	struct acpi_header *root = phys_ptr(
		memmap_alloc(map, length + entry_size, 8, MEMORY_KEPT, ZONE_LOW, "the RSDT"));

	memcpy(root, old, length);
	memcpy((uint8_t *)root + length, &entry, entry_size);
	root->length = length + entry_size;
	root->checksum -= checksum_sum(root, root->length);
	return phys_addr(root);
}

static void list(struct memmap *map, struct acpi_rsdp *rsdp, uint32_t table)
{
	bool wide = rsdp->revision >= 2;

	if (rsdp->rsdt_address)
		rsdp->rsdt_address = extend_root(map, rsdp->rsdt_address, sizeof(uint32_t), table);
	if (wide && rsdp->xsdt_address)
		rsdp->xsdt_address =
			extend_root(map, (uint32_t)rsdp->xsdt_address, sizeof(uint64_t), table);
	rsdp->checksum -= checksum_sum(rsdp, offsetof(struct acpi_rsdp, length));
	if (wide)
		rsdp->extended_checksum -= checksum_sum(rsdp, sizeof(*rsdp));
}

struct fpdt fpdt_install(const struct machine *machine, struct memmap *map, uint32_t rsdp_paddr)
{
	const struct cpu *cpu = &machine->cpu;
	struct fpdt fpdt = { .record = NULL };
	struct fw_cfg_item item;
	struct acpi_fbpt *fbpt;
	struct acpi_fpdt *table;
	uint32_t khz;

	if (!fw_cfg_find(&machine->cfg, FILE_NAME, &item))
		return fpdt;
	khz = rsdp_paddr && cpu->start_tsc ? tsc_khz(cpu, machine->chipset->pm_function) : 0;
	if (!khz) {
		console_log("fpdt: no ACPI, no TSC or no way to find its rate; " FILE_NAME
			    " is ignored");
		return fpdt;
	}
	fpdt.ns_per_tick = divide_clamped(KHZ_TO_SCALE, khz);

	fbpt = phys_ptr(memmap_alloc(map, sizeof(*fbpt), 8, MEMORY_KEPT, ZONE_LOW, "the FBPT"));
	*fbpt = (struct acpi_fbpt){
		.signature = { 'F', 'B', 'P', 'T' },
		.size = sizeof(*fbpt),
		.type = 2,
		.length = sizeof(*fbpt) - offsetof(struct acpi_fbpt, type),
		.revision = 2,
		.reset_end = nanoseconds(&fpdt, cpu->start_tsc),
	};
	table = phys_ptr(memmap_alloc(map, sizeof(*table), 8, MEMORY_KEPT, ZONE_LOW, "the FPDT"));
	*table = (struct acpi_fpdt){
		.header = acpi_make_header("FPDT", sizeof(*table)),
		.length = sizeof(*table) - offsetof(struct acpi_fpdt, type),
		.revision = 1,
		.fbpt = phys_addr(fbpt),
	};
	table->header.checksum = -checksum_sum(table, sizeof(*table));
	list(map, phys_ptr(rsdp_paddr), phys_addr(table));
	fpdt.record = fbpt;
	return fpdt;
}

void fpdt_mark_load(const struct fpdt *fpdt)
{
	if (fpdt->record)
		fpdt->record->load_image_start = nanoseconds(fpdt, rdtsc());
}

/* The three times are one, as there are no boot services to leave: the kernel runs from here on. */
void fpdt_mark_start(const struct fpdt *fpdt)
{
	uint64_t now;

	if (!fpdt->record)
		return;
	now = nanoseconds(fpdt, rdtsc());
	fpdt->record->start_image_start = now;
	fpdt->record->exit_boot_services_entry = now;
	fpdt->record->exit_boot_services_exit = now;
}
