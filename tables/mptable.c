/*
 * mptable.c - see mptable.h.
 *
 * Every interrupt that could exist is listed, whether or not a device uses it: all pins of all
 * slots of the root bus, routed as the chipset does it.  Entries are in ascending order of type.
 */
#include "mptable.h"

#include "acpi_find.h"
#include "checksum.h"
#include "console.h"
#include "layout.h"
#include "phys.h"
#include "spec/lapic.h"
#include "spec/mp.h"
#include "string.h"

#define IOAPIC_VERSION 0x11
#define LAPIC_VERSION  0x14
#define ISA_IRQS       16
#define TIMER_PIN      2 /* where IRQ 0 arrives, if the machine overrides it */

/* Where the next entry goes, and the ids that interrupts refer to. */
struct writer {
	struct mp_table_header *header;
	uint8_t *next;
	uint8_t isa_bus;
	uint8_t ioapic_id;
};

static void *add(struct writer *writer, const void *entry, uint32_t size)
{
	memcpy(writer->next, entry, size);
	writer->next += size;
	writer->header->entry_count++;
	return writer->next - size;
}

/*
 * Adds the processors of the MADT, or, where there is none, those that arrived.  Processors whose
 * APIC id has more than eight bits are left out.  Returns the highest APIC id in the table.
 */
static uint32_t add_processors(struct writer *writer, const struct cpu *cpu,
			       const struct smp_block *block, uint32_t count,
			       const struct acpi_header *madt)
{
	uint32_t next = madt ? ACPI_MADT_ENTRIES : 0;
	uint32_t highest = 0, listed = 0, apic_id;

	for (uint32_t i = 0; i < count; i++) {
		struct mp_processor processor = {
			.type = MP_ENTRY_PROCESSOR,
			.apic_version = LAPIC_VERSION,
			.flags = MP_PROCESSOR_ENABLED | (i ? 0 : MP_PROCESSOR_BSP),
			.signature = cpu->leaf1_eax,
			.features = cpu->leaf1_edx,
		};

		if (!(madt ? acpi_next_processor(madt, &next, &apic_id) :
			     smp_next_processor(block, cpu, &next, &apic_id)))
			break;
		if (apic_id > LAPIC_MAX_XAPIC_ID)
			continue;
		processor.apic_id = (uint8_t)apic_id;
		add(writer, &processor, sizeof(processor));
		listed++;
		if (apic_id > highest)
			highest = apic_id;
	}
	if (block->turns && !madt)
		console_log(
			"mptable: listed %u of %u processors, the others have APIC ids above %u; use a "
			"machine with ACPI",
			listed, listed + block->turns, LAPIC_MAX_XAPIC_ID);
	return highest;
}

static void add_interrupt(struct writer *writer, uint16_t flags, uint8_t bus, uint8_t irq,
			  uint8_t pin)
{
	struct mp_interrupt interrupt = {
		.type = MP_ENTRY_INTERRUPT,
		.kind = MP_INTERRUPT_INT,
		.flags = flags,
		.source_bus = bus,
		.source_irq = irq,
		.dest_id = writer->ioapic_id,
		.dest_pin = pin,
	};

	add(writer, &interrupt, sizeof(interrupt));
}

static void add_interrupts(struct writer *writer, const struct chipset *chipset, bool irq0_override)
{
	bool pci = chipset->irq_wiring != IRQ_WIRING_NONE;

	for (uint32_t slot = 0; pci && slot < PCI_SLOTS; slot++)
		for (uint32_t pin = 0; pin < 4; pin++)
			add_interrupt(writer, MP_FLAGS_LEVEL_HIGH, 0, (uint8_t)(slot << 2 | pin),
				      chipset_irq(chipset, slot, pin));
	for (uint32_t irq = 0; irq < ISA_IRQS; irq++) {
		uint8_t pin = irq == 0 && irq0_override ? TIMER_PIN : (uint8_t)irq;

		if ((irq == TIMER_PIN && irq0_override) || (pci && chipset_pirq_mask() >> irq & 1))
			continue;
		add_interrupt(writer, MP_FLAGS_CONFORM, writer->isa_bus, (uint8_t)irq, pin);
	}
}

static void add_local_interrupts(struct writer *writer)
{
	struct mp_interrupt interrupt = {
		.type = MP_ENTRY_LOCAL_INTERRUPT,
		.kind = MP_INTERRUPT_EXTINT,
		.source_bus = writer->isa_bus,
	};

	add(writer, &interrupt, sizeof(interrupt));
	interrupt.kind = MP_INTERRUPT_NMI;
	interrupt.dest_id = 0xff;
	interrupt.dest_pin = 1;
	add(writer, &interrupt, sizeof(interrupt));
}

static void build(struct mp_table_header *header, const struct machine *machine,
		  const struct smp_block *block, uint32_t cpu_count, const struct acpi_header *madt,
		  bool irq0_override)
{
	const struct chipset *chipset = machine->chipset;
	struct writer writer = { .header = header, .next = (uint8_t *)(header + 1) };
	struct mp_bus bus = { .type = MP_ENTRY_BUS, .name = "PCI   " };
	struct mp_ioapic ioapic = {
		.type = MP_ENTRY_IOAPIC,
		.version = IOAPIC_VERSION,
		.flags = MP_IOAPIC_ENABLED,
		.address = IOAPIC_BASE,
	};
	uint32_t highest;

	*header = (struct mp_table_header){
		.signature = "PCMP",
		.spec_revision = 4,
		.oem_id = "QEMU    ",
		.product_id = "qboot       ",
		.lapic_address = LAPIC_BASE,
	};
	highest = add_processors(&writer, &machine->cpu, block, cpu_count, madt);
	if (chipset->irq_wiring != IRQ_WIRING_NONE) {
		add(&writer, &bus, sizeof(bus));
		writer.isa_bus = bus.id = 1;
	}
	memcpy(bus.name, "ISA   ", sizeof(bus.name));
	add(&writer, &bus, sizeof(bus));
	/* Linux stops if an I/O APIC is listed and QEMU has none. */
	if (!chipset->no_ioapic) {
		/* It gets an id of its own, if four bits have one left; the operating system
		 * resolves a clash. */
		writer.ioapic_id = ioapic.id = (uint8_t)(highest < 15 ? highest + 1 : 0);
		add(&writer, &ioapic, sizeof(ioapic));
		add_interrupts(&writer, chipset, irq0_override);
	}
	add_local_interrupts(&writer);

	header->length = (uint16_t)(writer.next - (uint8_t *)header);
	header->checksum = -checksum_sum(header, header->length);
}

/* Whether interrupt 0, the timer's, arrives at another pin of the I/O APIC. */
static bool has_irq0_override(const struct acpi_header *madt)
{
	const struct acpi_madt_override *override;
	uint32_t offset = ACPI_MADT_ENTRIES;

	while ((override = (const void *)acpi_next_entry(madt, &offset)))
		if (override->type == ACPI_MADT_OVERRIDE && override->length >= sizeof(*override) &&
		    !override->irq)
			return override->gsi == TIMER_PIN;
	return false;
}

void mptable_install(const struct machine *machine, const struct smp_block *block,
		     struct memmap *map, uint32_t cpu_count, uint32_t rsdp_paddr)
{
	const struct acpi_header *madt = acpi_find_table(rsdp_paddr, "APIC");
	struct mp_floating_pointer *pointer = phys_ptr(MP_POINTER);
	uint32_t size;
	uint32_t table;

	/* RAM outlives a reset. */
	*pointer = (struct mp_floating_pointer){ .table_address = 0 };
	if (!(machine->cpu.leaf1_edx & CPUID_1_EDX_APIC))
		return;
	size = sizeof(struct mp_table_header) + cpu_count * sizeof(struct mp_processor) +
	       2 * sizeof(struct mp_bus) + sizeof(struct mp_ioapic) +
	       (PCI_SLOTS * 4 + ISA_IRQS + 2) * sizeof(struct mp_interrupt);
	table = memmap_try_alloc(map, size, 16, MEMORY_KEPT, ZONE_LOW);
	if (!table) {
		console_log(
			"mptable: no room for %u bytes; a system that uses no ACPI finds one processor, give "
			"the guest more memory (-m)",
			size);
		return;
	}
	build(phys_ptr(table), machine, block, cpu_count, madt,
	      rsdp_paddr ? madt && has_irq0_override(madt) :
			   fw_cfg_read_u32(&machine->cfg, FW_CFG_KEY_IRQ0_OVERRIDE) & 1);

	*pointer = (struct mp_floating_pointer){
		.signature = "_MP_",
		.table_address = table,
		.length = 1,
		.spec_revision = 4,
	};
	pointer->checksum = -checksum_sum(pointer, sizeof(*pointer));
}
