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
#include "io.h"
#include "layout.h"
#include "phys.h"
#include "string.h"

#define FILE_NAME    "opt/org.qboot/fpdt"
#define SCALE_SHIFT  22
#define ATTEMPTS     3
#define KHZ_TO_SCALE (1000000ull << SCALE_SHIFT) /* divided by kHz */

/* CPUID leaves with the TSC's rate.  SDM Vol. 2A, and VMware's "CPUID bits" as KVM has them. */
#define CPUID_TSC               0x15       /* EBX / EAX times ECX Hz */
#define CPUID_HYPERVISOR_TIMING 0x40000010 /* EAX: kHz */

#define PM_TIMER_MS       3580
#define PM_TIMER_MAX      2000000 /* half a second: the host had other work */
#define PM_TIMER_PATIENCE 1000000 /* reads; without a timer none ever differs */

/* All ones when that has more than 32 bits. */
static uint32_t quotient(uint64_t dividend, uint32_t divisor)
{
	divide(&dividend, divisor);
	return dividend >> 32 ? UINT32_MAX : (uint32_t)dividend;
}

/* Cost: one VM exit a read, for a millisecond. */
static uint32_t measure_khz(void)
{
	uint32_t start = inl(PM_TIMER_PORT);
	uint64_t tsc_start = rdtsc();
	uint64_t tsc = 0;
	uint32_t ticks = 0;

	/* Both clocks are read each time, so that no code runs between the two for the first time:
	 * QEMU translates it then, which takes 1 % of the millisecond. */
	for (uint32_t i = 0; ticks < PM_TIMER_MS && i < PM_TIMER_PATIENCE; i++) {
		ticks = (inl(PM_TIMER_PORT) - start) & PM_TIMER_MASK;
		tsc = rdtsc() - tsc_start;
	}
	if (ticks < PM_TIMER_MS || ticks > PM_TIMER_MAX || tsc >> 32)
		return 0;
	return quotient((uint64_t)(uint32_t)tsc * PM_TIMER_HZ, ticks * 1000);
}

static uint32_t tsc_khz(const struct chipset *chipset, const struct cpu *cpu)
{
	struct cpuid leaf;

	if (cpuid(0, 0).eax >= CPUID_TSC) {
		leaf = cpuid(CPUID_TSC, 0);
		if (leaf.eax && leaf.ebx && leaf.ecx && leaf.eax >> 21 == 0)
			return quotient((uint64_t)leaf.ecx * leaf.ebx, leaf.eax * 1000);
	}
	if ((cpu->leaf1_ecx & CPUID_1_ECX_HYPERVISOR) &&
	    cpuid(CPUID_HYPERVISOR, 0).eax >= CPUID_HYPERVISOR_TIMING) {
		leaf = cpuid(CPUID_HYPERVISOR_TIMING, 0);
		if (leaf.eax)
			return leaf.eax;
	}
	for (uint32_t i = 0; chipset->pm_function && i < ATTEMPTS; i++) {
		uint32_t khz = measure_khz();

		if (khz)
			return khz;
	}
	return 0;
}

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

void fpdt_install(struct fpdt *fpdt, const struct fw_cfg *cfg, struct memmap *map,
		  const struct chipset *chipset, const struct cpu *cpu, uint32_t rsdp_paddr)
{
	struct fw_cfg_item item;
	struct acpi_fbpt *fbpt;
	struct acpi_fpdt *table;
	uint32_t khz;

	fpdt->record = NULL;
	if (!fw_cfg_find(cfg, FILE_NAME, &item))
		return;
	khz = rsdp_paddr && cpu->start_tsc ? tsc_khz(chipset, cpu) : 0;
	if (!khz) {
		console_log("fpdt: no ACPI, no TSC or no way to find its rate; " FILE_NAME
			    " is ignored");
		return;
	}
	fpdt->ns_per_tick = quotient(KHZ_TO_SCALE, khz);

	fbpt = phys_ptr(memmap_alloc(map, sizeof(*fbpt), 8, MEMORY_KEPT, ZONE_LOW, "the FBPT"));
	*fbpt = (struct acpi_fbpt){
		.signature = { 'F', 'B', 'P', 'T' },
		.size = sizeof(*fbpt),
		.type = 2,
		.length = sizeof(*fbpt) - offsetof(struct acpi_fbpt, type),
		.revision = 2,
		.reset_end = nanoseconds(fpdt, cpu->start_tsc),
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
	fpdt->record = fbpt;
}

void fpdt_mark_load(const struct fpdt *fpdt)
{
	if (fpdt->record)
		fpdt->record->load_image_start = nanoseconds(fpdt, rdtsc());
}

/* There are no boot services to leave; the kernel runs from here on. */
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
