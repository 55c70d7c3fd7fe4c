/*
 * test_mptable.c - tables/mptable.c: the MP tables as a kernel reads them.
 */
#include "unit.h"

#include "acpi.h"
#include "acpi_find.h"
#include "chipset.h"
#include "layout.h"
#include "mptable.h"
#include "smp_block.h"
#include "spec/lapic.h"
#include "spec/mp.h"

#define RAM_END (16 * MIB)

static struct memmap map;
static struct machine guest = {
	.cpu = { .leaf1_eax = 0x663, .leaf1_edx = CPUID_1_EDX_APIC | CPUID_1_EDX_MSR },
};

/* Of the machine's other processors. */
static struct smp_block block;

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
			assert_int_equal(at[3] >> 1 & 1, seen.processors == 1);
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

/* The processors by their APIC ids, as start.S notes them; the first is the one that boots. */
static void arrive(const uint32_t *ids, uint32_t count)
{
	memset(&block, 0, sizeof(block));
	guest.cpu.leaf1_ebx = ids[0] << 24 | 0x123456;
	for (uint32_t i = 1; i < count; i++) {
		if (ids[i] < SMP_NAMED_IDS)
			block.present[ids[i] / 32] |= 1u << ids[i] % 32;
		block.turns += ids[i] > LAPIC_MAX_XAPIC_ID;
		block.arrived++;
	}
}

static void arrive_all(uint32_t count)
{
	static uint32_t ids[0x10000];

	for (uint32_t i = 0; i < count; i++)
		ids[i] = i;
	arrive(ids, count);
}

static void install(const struct chipset *chipset, uint32_t cpu_count)
{
	uint32_t end = map.pool_end;
	const struct mp_floating_pointer *pointer = phys_ptr(MP_POINTER);
	const struct mp_table_header *header;

	fake_forget();
	guest.chipset = chipset;
	mptable_install(&guest, &block, &map, cpu_count, 0);
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
	assert_int_equal(fake_exits(), 1);
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
	static const uint8_t none[sizeof(struct mp_floating_pointer)];
	struct machine no_apic;

	(void)state;
	machine(true);
	no_apic = guest;
	no_apic.cpu.leaf1_edx = 0;
	/* What the boot before a reset has left there goes. */
	memset(phys_ptr(MP_POINTER - 1), 0x5f, sizeof(none) + 2);
	fake_forget();
	mptable_install(&no_apic, &block, &map, 1, 0);
	assert_int_equal(fake_exits(), 0);
	assert_memory_equal(phys_ptr(MP_POINTER), none, sizeof(none));
	assert_int_equal(*(uint8_t *)phys_ptr(MP_POINTER - 1), 0x5f);
	assert_int_equal(*(uint8_t *)phys_ptr(MP_POINTER + sizeof(none)), 0x5f);
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
		mptable_install(&guest, &block, &map, count, rsdp);
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
	memcpy(phys_ptr(MP_POINTER), "_MP_", 4);
	memmap_set(&map, 0, RAM_END, MEMORY_RESERVED);
	map.pool_end = FIRMWARE_POOL_BASE + 0x800;
	mptable_install(&guest, &block, &map, 1, 0);
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
		char words[80];

		fake_reset();
		chipset = machine(true);
		arrive_all(cases[i].count);
		install(chipset, cases[i].count);
		assert_int_equal(seen.processors, cases[i].listed);
		assert_int_equal(seen.ioapic_id, cases[i].ioapic_id);
		for (uint32_t j = 0; j < cases[i].listed; j++)
			assert_int_equal(seen.apic_ids[j], j);
		snprintf(words, sizeof(words), "mptable: listed 255 of %u processors, ",
			 cases[i].count);
		if (cases[i].count > 255)
			assert_says(fake.console, words);
		else
			assert_string_equal(fake.console, "");
	}
}

/* The ids are those of the processors that are there, with whatever holes; the first boots. */
static void test_ids(void **state)
{
	static const struct {
		const char *name;
		uint32_t ids[8], count;     /* of those that are there */
		uint32_t cpu_count, listed; /* as QEMU says, and as the table has */
		uint8_t ioapic_id;
	} cases[] = {
		{ "three cores in a place for four", { 0, 1, 2, 4, 5, 6 }, 6, 6, 6, 7 },
		{ "a socket far away", { 0, 3 }, 2, 2, 2, 4 },
		{ "another one boots", { 5, 0, 3, 254 }, 4, 4, 4, 0 },
		{ "one has not come", { 0, 1, 3 }, 3, 4, 3, 4 },
		{ "one has come too many", { 0, 1, 2, 3 }, 4, 3, 3, 3 },
		{ "one that has the id of the first", { 7, 7, 8 }, 3, 3, 2, 9 },
		{ "the largest", { 0, 253, 254, 255, 4095 }, 5, 5, 3, 0 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		const char *name = cases[i].name;
		const struct chipset *chipset;

		fake_reset();
		chipset = machine(true);
		arrive(cases[i].ids, cases[i].count);
		install(chipset, cases[i].cpu_count);
		assert_case_equal(name, seen.processors, cases[i].listed);
		for (uint32_t n = 0; n < seen.processors; n++)
			assert_case_equal(
				name, seen.apic_ids[n],
				cases[i].ids[n + (n && cases[i].ids[1] == cases[i].ids[0])]);
		assert_case_equal(name, seen.ioapic_id, cases[i].ioapic_id);
		if (block.turns)
			assert_says(fake.console, "mptable: listed 3 of 5 processors, ");
		else
			assert_string_equal(fake.console, "");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_pc),          UNIT_TEST(test_without_override_or_pci),
		UNIT_TEST(test_isapc),       UNIT_TEST(test_when_there_is_none),
		UNIT_TEST(test_beside_acpi), UNIT_TEST(test_many_processors),
		UNIT_TEST(test_ids),
	};

	return cmocka_run_group_tests_name("mptable", tests, NULL, NULL);
}
