/*
 * test_mptable.c - tables/mptable.c: the MP tables as a kernel reads them.
 */
#include "unit.h"

#include "acpi.h"
#include "acpi_find.h"
#include "chipset.h"
#include "layout.h"
#include "mptable.h"
#include "spec/mp.h"

#define RAM_END (16 * MIB)

static struct memmap map;
static struct machine guest = {
	.cpu = { .leaf1_eax = 0x663, .leaf1_edx = CPUID_1_EDX_APIC | CPUID_1_EDX_MSR },
};

/* What a walk over the table found. */
static struct {
	uint32_t processors, bsps, buses, ioapics, interrupts, local;
	uint8_t apic_ids[256];
	char bus_names[2][7];
	uint8_t ioapic_id;
	uint8_t pin_of_isa[16]; /* 0xff: none */
	uint8_t pin_of_pci[128];
	uint16_t pci_flags;
} seen;

static uint8_t sum(const void *bytes, uint32_t size)
{
	const uint8_t *b = bytes;
	uint8_t total = 0;

	while (size--)
		total = (uint8_t)(total + *b++);
	return total;
}

static void note_interrupt(const struct mp_interrupt *entry)
{
	bool pci = memcmp(seen.bus_names[entry->source_bus], "PCI", 3) == 0;

	assert_int_equal(entry->kind, 0);
	assert_int_equal(entry->dest_id, seen.ioapic_id);
	assert_true(entry->dest_pin < 24);
	if (pci) {
		assert_int_equal(seen.pin_of_pci[entry->source_irq], 0xff);
		seen.pin_of_pci[entry->source_irq] = entry->dest_pin;
		seen.pci_flags = entry->flags;
	} else {
		assert_int_equal(entry->flags, 0);
		seen.pin_of_isa[entry->source_irq] = entry->dest_pin;
	}
	seen.interrupts++;
}

static void walk(void)
{
	const struct mp_floating_pointer *pointer = phys_ptr(MP_POINTER);
	const struct mp_table_header *header;
	const uint8_t *at;
	uint32_t type = 0;

	memset(&seen, 0, sizeof(seen));
	memset(seen.pin_of_isa, 0xff, sizeof(seen.pin_of_isa));
	memset(seen.pin_of_pci, 0xff, sizeof(seen.pin_of_pci));
	assert_memory_equal(pointer->signature, "_MP_", 4);
	assert_int_equal(sum(pointer, 16), 0);
	assert_int_equal(pointer->length, 1);
	header = phys_ptr(pointer->table_address);
	assert_memory_equal(header->signature, "PCMP", 4);
	assert_int_equal(sum(header, header->length), 0);
	assert_int_equal(header->lapic_address, 0xfee00000);
	at = (const uint8_t *)(header + 1);
	for (uint32_t i = 0; i < header->entry_count; i++) {
		assert_true(at[0] >= type);
		type = at[0];
		switch (type) {
		case MP_ENTRY_PROCESSOR:
			seen.apic_ids[seen.processors++] = at[1];
			seen.bsps += (at[3] & MP_PROCESSOR_BSP) != 0;
			assert_true(at[3] & MP_PROCESSOR_ENABLED);
			assert_int_equal(((const struct mp_processor *)at)->signature, 0x663);
			at += sizeof(struct mp_processor);
			break;
		case MP_ENTRY_BUS:
			assert_int_equal(at[1], seen.buses);
			memcpy(seen.bus_names[seen.buses++], at + 2, 6);
			at += sizeof(struct mp_bus);
			break;
		case MP_ENTRY_IOAPIC:
			seen.ioapic_id = at[1];
			seen.ioapics++;
			at += sizeof(struct mp_ioapic);
			break;
		case MP_ENTRY_INTERRUPT:
			note_interrupt((const void *)at);
			at += sizeof(struct mp_interrupt);
			break;
		case MP_ENTRY_LOCAL_INTERRUPT:
			seen.local++;
			at += sizeof(struct mp_interrupt);
			break;
		default:
			fail_msg("entry %u has type %u", i, type);
		}
	}
	assert_int_equal(at - (const uint8_t *)header, header->length);
	assert_true(pointer->table_address >= FIRMWARE_POOL_BASE);
	assert_true(unit_is_kept(&map, pointer->table_address,
				 pointer->table_address + header->length));
	assert_int_equal(seen.bsps, 1);
	assert_int_equal(seen.local, 2);
}

static const struct chipset *machine(bool pci)
{
	if (pci)
		fake_pci_add(NULL, 0, 0, 0x8086, 0x1237);
	unit_machine(&guest.cfg, &map, RAM_END);
	return guest.chipset = chipset_probe(&guest.cfg);
}

static void install(const struct chipset *chipset, uint32_t cpu_count)
{
	uint32_t end = map.pool_end;
	const struct mp_floating_pointer *pointer = phys_ptr(MP_POINTER);
	const struct mp_table_header *header;

	fake_forget();
	guest.chipset = chipset;
	mptable_install(&guest, &map, cpu_count, 0);
	walk();
	/* It keeps to what it has taken, however much there is in it. */
	header = phys_ptr(pointer->table_address);
	if (pointer->table_address == map.pool_end)
		assert_true(map.pool_end + header->length <= end);
	assert_int_equal(seen.ioapics, chipset->no_ioapic ? 0 : 1);
}

static void test_pc(void **state)
{
	const struct chipset *chipset;

	(void)state;
	chipset = machine(true);
	fake_fw_cfg_u32(FW_CFG_KEY_IRQ0_OVERRIDE, 1);
	install(chipset, 1);
	assert_int_equal(seen.processors, 1);
	assert_int_equal(seen.buses, 2);
	assert_string_equal(seen.bus_names[0], "PCI   ");
	assert_string_equal(seen.bus_names[1], "ISA   ");
	assert_int_equal(seen.ioapic_id, 1);
	/* The timer is on pin 2; interrupts 2 (cascade), 10 and 11 (PCI's) are none of ISA's. */
	for (uint32_t irq = 0; irq < 16; irq++)
		assert_int_equal(seen.pin_of_isa[irq], irq == 0                           ? 2 :
						       irq == 2 || irq == 10 || irq == 11 ? 0xff :
											    irq);
	assert_int_equal(seen.pci_flags, MP_FLAGS_LEVEL_HIGH);
	for (uint32_t slot = 0; slot < 32; slot++)
		for (uint32_t pin = 0; pin < 4; pin++)
			assert_int_equal(seen.pin_of_pci[slot << 2 | pin],
					 ((slot + 3 + pin) & 3) < 2 ? 10 : 11);
	/* CPUID does not count towards the budget of userspace exits. */
	assert_int_equal(fake_exits() - fake.count[FAKE_CPUID], 1);
}

static void test_without_override_or_pci(void **state)
{
	static const struct chipset microvm = { .name = "microvm" };

	(void)state;
	machine(false);
	install(&microvm, 1);
	assert_int_equal(seen.buses, 1);
	assert_string_equal(seen.bus_names[0], "ISA   ");
	assert_int_equal(seen.interrupts, 16);
	for (uint32_t irq = 0; irq < 16; irq++)
		assert_int_equal(seen.pin_of_isa[irq], irq);
}

/* An I/O APIC that is not there must not be told, nor interrupts that it would have. */
static void test_isapc(void **state)
{
	const struct chipset *chipset;

	(void)state;
	chipset = machine(false);
	assert_string_equal(chipset->name, "isapc");
	install(chipset, 1);
	assert_int_equal(seen.ioapics, 0);
	assert_int_equal(seen.interrupts, 0);
	assert_int_equal(seen.buses, 1);
	assert_int_equal(seen.processors, 1);
}

static void test_when_there_is_none(void **state)
{
	struct machine no_apic;

	(void)state;
	machine(true);
	no_apic = guest;
	no_apic.cpu.leaf1_edx = 0;
	fake_forget();
	mptable_install(&no_apic, &map, 1, 0);
	assert_int_equal(fake_exits(), 0);
	assert_memory_not_equal(phys_ptr(MP_POINTER), "_MP_", 4);
}

/* Beside ACPI's tables: what the MADT says, for no exit, and nothing where nothing fits. */
static void test_beside_acpi(void **state)
{
	static const struct {
		const char *record;
		uint32_t count, listed;
	} cases[] = { { "pc", 1, 1 },         { "pc-vmgenid", 4, 4 },  { "q35-devices", 2, 2 },
		      { "pc-255", 255, 255 }, { "q35-288", 288, 255 }, { "q35-numa", 8, 8 } };
	static struct acpi_writes writes;

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		uint32_t rsdp, count;

		fake_reset();
		machine(true);
		unit_load(cases[i].record);
		fw_cfg_init(&guest.cfg);
		rsdp = acpi_install(&guest.cfg, &map, &writes);
		count = acpi_find_processors(rsdp);
		if (strcmp(cases[i].record, "q35-numa") != 0)
			assert_case_equal(cases[i].record, count, cases[i].count);
		fake_forget();
		mptable_install(&guest, &map, count, rsdp);
		assert_case_equal(cases[i].record, fake_exits(), 0);
		walk();
		assert_case_equal(cases[i].record, seen.processors, count < 255 ? count : 255);
		assert_int_equal(seen.pin_of_isa[0], 2);
		assert_string_equal(fake.console, "");
	}
	/* Without room there is none, and no trace of one. */
	fake_reset();
	machine(true);
	unit_load("pc");
	fw_cfg_init(&guest.cfg);
	memset(phys_ptr(MP_POINTER), 0, 16);
	memmap_set(&map, 0, RAM_END, MEMORY_RESERVED);
	map.pool_end = FIRMWARE_POOL_BASE + 0x800;
	mptable_install(&guest, &map, 1, 0);
	assert_says(fake.console, "mptable: no room for ");
	assert_memory_not_equal(phys_ptr(MP_POINTER), "_MP_", 4);
}

static void test_many_processors(void **state)
{
	static const struct {
		uint32_t count, listed;
		uint8_t ioapic_id;
	} cases[] = { { 2, 2, 2 },     { 15, 15, 15 },  { 16, 16, 0 },    { 255, 255, 0 },
		      { 256, 255, 0 }, { 288, 255, 0 }, { 65535, 255, 0 } };

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		const struct chipset *chipset;

		fake_reset();
		chipset = machine(true);
		install(chipset, cases[i].count);
		assert_int_equal(seen.processors, cases[i].listed);
		assert_int_equal(seen.ioapic_id, cases[i].ioapic_id);
		for (uint32_t j = 0; j < cases[i].listed; j++)
			assert_int_equal(seen.apic_ids[j], j);
		if (cases[i].count > 255)
			assert_says(fake.console, "mptable: listed 255 of ");
		else
			assert_string_equal(fake.console, "");
	}
}

/* Three cores of two threads: QEMU leaves holes for the fourth core (x86-iommu, topology.h). */
static void test_topology(void **state)
{
	static const uint8_t ids[] = { 0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13 };
	const struct chipset *chipset;

	(void)state;
	chipset = machine(true);
	fake_cpuid_set(0, 0, (struct cpuid){ .eax = 0xb });
	/* The upper halves are reserved. */
	fake_cpuid_set(0xb, 0, (struct cpuid){ .eax = 1, .ebx = 0x10002 });
	fake_cpuid_set(0xb, 1, (struct cpuid){ .eax = 3, .ebx = 0x10006 });
	install(chipset, COUNT(ids));
	assert_memory_equal(seen.apic_ids, ids, sizeof(ids));
}

/* A leaf 0Bh that makes no sense is as good as none. */
static void test_odd_topology(void **state)
{
	static const struct {
		const char *name;
		uint32_t core, package;
	} cases[] = {
		{ "no leaf", 0, 0 },
		{ "no package", 2, 0 },
		{ "package smaller than core", 4, 2 },
		{ "reserved bits alone", 0x10000, 0x10000 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		const struct chipset *chipset;

		fake_reset();
		chipset = machine(true);
		fake_cpuid_set(0, 0, (struct cpuid){ .eax = 0xb });
		fake_cpuid_set(0xb, 0, (struct cpuid){ .eax = 1, .ebx = cases[i].core });
		fake_cpuid_set(0xb, 1, (struct cpuid){ .eax = 3, .ebx = cases[i].package });
		install(chipset, 4);
		for (uint32_t j = 0; j < 4; j++)
			assert_case_equal(cases[i].name, seen.apic_ids[j], j);
	}
}

static void test_apic_id(void **state)
{
	static const struct mp_topology flat = { 1, 1, 0, 0 };
	static const struct mp_topology eight = { 2, 8, 1, 3 };
	static const struct mp_topology odd = { 1, 3, 0, 2 };

	(void)state;
	for (uint32_t i = 0; i < 300; i++) {
		assert_int_equal(mptable_apic_id(&flat, i), i);
		assert_int_equal(mptable_apic_id(&eight, i), i);
		assert_int_equal(mptable_apic_id(&odd, i), i / 3 * 4 + i % 3);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_pc),          UNIT_TEST(test_without_override_or_pci),
		UNIT_TEST(test_isapc),       UNIT_TEST(test_when_there_is_none),
		UNIT_TEST(test_beside_acpi), UNIT_TEST(test_many_processors),
		UNIT_TEST(test_topology),    UNIT_TEST(test_odd_topology),
		UNIT_TEST(test_apic_id),
	};

	return cmocka_run_group_tests_name("mptable", tests, NULL, NULL);
}
