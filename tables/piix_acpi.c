/*
 * piix_acpi.c - see piix_acpi.h.
 *
 * All tables but the RSDP and the FACS lie one after the other in one block of memory, each written
 * once, front to back.  The DSDT is piix.dsl, compiled by iasl.
 */
#include "piix_acpi.h"

#include "acpi_find.h"
#include "checksum.h"
#include "console.h"
#include "layout.h"
#include "phys.h"
#include "spec/acpi.h"
#include "spec/cmos.h"
#include "spec/lapic.h"
#include "spec/mp.h"
#include "string.h"

/* QEMU hw/acpi/piix4.c: the PM function, and what its FADT would name. */
#define PIIX4_PM_ID        0x71138086u /* device and vendor */
#define PIIX4_ACPI_ENABLE  0xf1        /* for port 0xb2 */
#define PIIX4_ACPI_DISABLE 0xf0
#define PIIX4_GPE0         0xafe0

#define IOAPIC_ID 0
#define TIMER_GSI 2

/* What piix.dsl has for the PCI window above RAM. */
#define WINDOW_BASE 0x80000000u
#define WINDOW_SIZE 0x7ec00000u
#define WINDOW_END  (WINDOW_BASE + WINDOW_SIZE)

/* The window above 4 GiB, as its descriptor has it; ACPI 6.5, "QWord Address Space Descriptor". */
struct high_window {
	uint64_t min, max, translation, length;
} __attribute__((packed));
_Static_assert(sizeof(struct high_window) == 32, "ACPI 6.4.3.5.1");

static const struct high_window dsdt_high = { 0x0011223300000000, 0x0011223344556676, 0,
					      0x44556677 };

extern const uint8_t piix_dsdt[], piix_dsdt_end[];

/* The RSDT lists the FADT, the MADT and, if there is one, the HPET. */
#define MAX_LISTED 3

/* Copies size bytes to *next, which it moves on. */
static void *add(uint8_t **next, const void *bytes, uint32_t size)
{
	void *place = *next;

	memcpy(place, bytes, size);
	*next += size;
	return place;
}

/* Completes the checksum and returns the table's address. */
static uint32_t finish(struct acpi_header *header)
{
	header->checksum -= checksum_sum(header, header->length);
	return phys_addr(header);
}

/* Replaces some bytes of the DSDT, where they occur first, by as many others. */
static void patch(uint8_t *dsdt, uint32_t size, const void *old, const void *new, uint32_t count)
{
	for (uint32_t i = 0; i + count <= size; i++)
		if (memcmp(dsdt + i, old, count) == 0) {
			memcpy(dsdt + i, new, count);
			return;
		}
}

static void patch_u32(uint8_t *dsdt, uint32_t size, uint32_t old, uint32_t new)
{
	patch(dsdt, size, &old, &new, sizeof(old));
}

static uint32_t dsdt_size(void)
{
	return phys_addr(piix_dsdt_end) - phys_addr(piix_dsdt);
}

static uint32_t add_dsdt(uint8_t **next, const struct pci_layout *layout)
{
	uint32_t size = dsdt_size();
	struct acpi_header *dsdt = add(next, piix_dsdt, size);
	struct high_window high = { 0 };

	patch_u32((uint8_t *)dsdt, size, WINDOW_BASE, layout->mmio_base);
	patch_u32((uint8_t *)dsdt, size, WINDOW_SIZE, WINDOW_END - layout->mmio_base);
	if (layout->high.end)
		high = (struct high_window){ layout->high.base, layout->high.end - 1, 0,
					     layout->high.end - layout->high.base };
	patch((uint8_t *)dsdt, size, &dsdt_high, &high, sizeof(high));
	return finish(dsdt);
}

static uint32_t add_fadt(uint8_t **next, uint32_t facs, uint32_t dsdt)
{
	const struct acpi_fadt fadt = {
		.header = acpi_make_header("FACP", sizeof(fadt)),
		.firmware_ctrl = facs,
		.dsdt = dsdt,
		.model = 1,
		.sci_int = ACPI_SCI_IRQ,
		.smi_cmd = APM_CNT_PORT,
		.acpi_enable = PIIX4_ACPI_ENABLE,
		.acpi_disable = PIIX4_ACPI_DISABLE,
		.pm1a_evt_blk = PM_BASE,
		.pm1_evt_len = 4,
		.pm1a_cnt_blk = PM1_CNT_PORT,
		.pm1_cnt_len = 2,
		.pm_tmr_blk = PM_TIMER_PORT,
		.pm_tmr_len = 4,
		.gpe0_blk = PIIX4_GPE0,
		.gpe0_blk_len = 4,
		.p_lvl2_lat = 0xfff,
		.p_lvl3_lat = 0xfff,
		.century = CMOS_CENTURY,
		.flags = ACPI_FADT_WBINVD | ACPI_FADT_PROC_C1 | ACPI_FADT_SLP_BUTTON |
			 ACPI_FADT_RTC_S4,
	};

	return finish(add(next, &fadt, sizeof(fadt)));
}

static void add_override(uint8_t **next, uint8_t irq, uint32_t gsi, uint16_t flags)
{
	struct acpi_madt_override override = {
		.type = ACPI_MADT_OVERRIDE,
		.length = sizeof(override),
		.irq = irq,
		.gsi = gsi,
		.flags = flags,
	};

	add(next, &override, sizeof(override));
}

/* The MADT numbers processors as it lists them; the DSDT names none. */
static void add_processors(uint8_t **next, const struct cpu *cpu, const struct smp_block *block,
			   uint32_t count)
{
	uint32_t next_processor = 0, apic_id;

	for (uint32_t i = 0; i < count; i++) {
		struct acpi_madt_entry entry;

		if (!smp_next_processor(block, cpu, &next_processor, &apic_id))
			break;
		if (apic_id <= LAPIC_MAX_XAPIC_ID)
			entry = (struct acpi_madt_entry){
				.type = ACPI_MADT_LAPIC,
				.length = 2 + sizeof(entry.lapic),
				.lapic = { (uint8_t)i, (uint8_t)apic_id, ACPI_MADT_ENABLED },
			};
		else
			entry = (struct acpi_madt_entry){
				.type = ACPI_MADT_X2APIC,
				.length = 2 + sizeof(entry.x2apic),
				.x2apic = { .apic_id = apic_id,
					    .flags = ACPI_MADT_ENABLED,
					    .processor = i },
			};
		add(next, &entry, entry.length);
	}
}

static uint32_t add_madt(uint8_t **next, const struct cpu *cpu, const struct smp_block *block,
			 uint32_t cpu_count, bool irq0_override)
{
	struct acpi_madt head = {
		.header = acpi_make_header("APIC", 0),
		.lapic_address = LAPIC_BASE,
		.flags = 1,
	};
	struct acpi_madt_ioapic ioapic = {
		.type = ACPI_MADT_IOAPIC,
		.length = sizeof(ioapic),
		.id = IOAPIC_ID,
		.address = IOAPIC_BASE,
	};
	struct acpi_madt_nmi nmi = {
		.type = ACPI_MADT_NMI,
		.length = sizeof(nmi),
		.processor = 0xff,
		.lint = 1,
	};
	struct acpi_madt *madt = add(next, &head, sizeof(head));

	add_processors(next, cpu, block, cpu_count);
	add(next, &ioapic, sizeof(ioapic));
	if (irq0_override)
		add_override(next, 0, TIMER_GSI, MP_FLAGS_CONFORM);
	add_override(next, ACPI_SCI_IRQ, ACPI_SCI_IRQ, MP_FLAGS_LEVEL_HIGH);
	for (uint8_t irq = 0; irq < 16; irq++)
		if (chipset_pirq_mask() >> irq & 1)
			add_override(next, irq, irq, MP_FLAGS_LEVEL_HIGH);
	add(next, &nmi, sizeof(nmi));
	madt->header.length = (uint32_t)(*next - (uint8_t *)madt);
	return finish(&madt->header);
}

static uint32_t add_hpet(uint8_t **next, const struct fw_cfg_hpet *hpet)
{
	struct acpi_hpet table = {
		.header = acpi_make_header("HPET", sizeof(table)),
		.block_id = hpet->block_id,
		.address = hpet->address,
		.min_tick = hpet->min_tick,
		.protection = hpet->protection,
	};

	if (!hpet->count || hpet->count == 0xff)
		return 0;
	return finish(add(next, &table, sizeof(table)));
}

static uint32_t add_rsdt(uint8_t **next, const uint32_t *listed, uint32_t count)
{
	uint32_t size = count * sizeof(*listed);
	struct acpi_header header = acpi_make_header("RSDT", sizeof(header) + size);
	struct acpi_header *rsdt = add(next, &header, sizeof(header));

	add(next, listed, size);
	return finish(rsdt);
}

/* An upper bound for all that lies in the block. */
static uint32_t block_size(uint32_t cpu_count)
{
	return dsdt_size() + sizeof(struct acpi_fadt) + sizeof(struct acpi_madt) +
	       cpu_count * sizeof(struct acpi_madt_entry) + sizeof(struct acpi_madt_ioapic) +
	       4 * sizeof(struct acpi_madt_override) + sizeof(struct acpi_madt_nmi) +
	       sizeof(struct acpi_hpet) + sizeof(struct acpi_header) +
	       MAX_LISTED * sizeof(uint32_t);
}

/* What QEMU would put into tables of its own. */
static void report_left_out(const struct fw_cfg *cfg)
{
	uint32_t tables = fw_cfg_read_u32(cfg, FW_CFG_KEY_ACPI_TABLES) & 0xffff;
	uint32_t nodes = fw_cfg_read_u32(cfg, FW_CFG_KEY_NUMA);

	if (tables)
		console_log(
			"piix_acpi: -acpitable has no effect on this machine type, tables left out: %u; use "
			"pc-i440fx-1.7 or later",
			tables);
	if (nodes)
		console_log(
			"piix_acpi: -numa has no effect on this machine type, nodes left out: %u; use "
			"pc-i440fx-1.7 or later",
			nodes);
}

uint32_t piix_acpi_install(const struct machine *machine, const struct smp_block *block,
			   struct memmap *map, const struct pci_layout *layout, uint32_t cpu_count)
{
	const struct fw_cfg *cfg = &machine->cfg;
	uint32_t listed[MAX_LISTED];
	struct acpi_facs *facs;
	struct acpi_rsdp *rsdp;
	struct fw_cfg_hpet hpet;
	uint32_t size;
	uint8_t *next;

	if (machine->chipset->irq_wiring != IRQ_WIRING_PIIX ||
	    pci_read32(&machine->pci, machine->chipset->pm_function, PCI_VENDOR_ID) != PIIX4_PM_ID)
		return 0;
	report_left_out(cfg);
	fw_cfg_read(cfg, FW_CFG_KEY_HPET, &hpet, sizeof(hpet));
	size = block_size(cpu_count);

	rsdp = phys_ptr(memmap_alloc(map, sizeof(*rsdp), 16, MEMORY_KEPT, ZONE_FSEG, "the RSDP"));
	next = phys_ptr(memmap_alloc(map, size, 16, MEMORY_KEPT, ZONE_LOW, "ACPI tables"));
	facs = phys_ptr(memmap_alloc(map, sizeof(*facs), 64, MEMORY_KEPT, ZONE_LOW, "the FACS"));
	*facs = (struct acpi_facs){ .signature = { 'F', 'A', 'C', 'S' }, .length = sizeof(*facs) };

	listed[0] = add_fadt(&next, phys_addr(facs), add_dsdt(&next, layout));
	listed[1] = add_madt(&next, &machine->cpu, block, cpu_count,
			     fw_cfg_read_u32(cfg, FW_CFG_KEY_IRQ0_OVERRIDE) & 1);
	listed[2] = add_hpet(&next, &hpet);
	*rsdp = (struct acpi_rsdp){
		.signature = { 'R', 'S', 'D', ' ', 'P', 'T', 'R', ' ' },
		.oem_id = { 'Q', 'B', 'O', 'O', 'T', ' ' },
		.rsdt_address = add_rsdt(&next, listed, listed[2] ? 3 : 2),
	};
	rsdp->checksum = -checksum_sum(rsdp, offsetof(struct acpi_rsdp, length));
	return phys_addr(rsdp);
}
