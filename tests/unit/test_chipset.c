/*
 * test_chipset.c - chipset.c: which machine it is, and what is written to it, in which order.
 */
#include "unit.h"

#include "chipset.h"

#define ECAM 0xb0000000u

static struct machine machine;
static const struct cpu with_mmx = { .leaf1_edx = CPUID_1_EDX_MMX };
static const struct cpu without_mmx = { .leaf1_edx = 0 };

static uint32_t config(uint32_t bdf, uint32_t offset)
{
	return bdf << 12 | offset;
}

static const struct chipset *probe(void)
{
	fake_ram_add(0, MIB);
	fw_cfg_init(&machine.cfg);
	fake_forget();
	return machine.chipset = chipset_probe(&machine.cfg);
}

static void init(const struct cpu *cpu)
{
	machine.cpu = *cpu;
	chipset_init(&machine);
}

static void add_pc(void)
{
	fake_pci_add(NULL, 0, 0, 0x8086, 0x1237);
	fake_pci_add(NULL, 1, 0, 0x8086, 0x7000);
	fake_pci_add(NULL, 1, 1, 0x8086, 0x7010);
	fake_pci_add(NULL, 1, 3, 0x8086, 0x7113);
}

static void add_q35(void)
{
	fake_pci_add(NULL, 0, 0, 0x8086, 0x29c0);
	fake_pci_add(NULL, 31, 0, 0x8086, 0x2918);
	fake.pci.has_ecam = true;
}

static void test_probe(void **state)
{
	static const struct {
		const char *name;
		uint16_t vendor, device; /* of the host bridge; 0: no PCI */
		bool fdt;
		uint32_t exits;
	} cases[] = {
		{ "pc", 0x8086, 0x1237, false, 2 },
		{ "q35", 0x8086, 0x29c0, false, 2 },
		{ "isapc", 0, 0, false, 2 },
		{ "microvm", 0, 0, true, 1 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		const struct chipset *chipset;

		fake_reset();
		if (cases[i].vendor)
			fake_pci_add(NULL, 0, 0, cases[i].vendor, cases[i].device);
		if (cases[i].fdt)
			fake_fw_cfg_file("etc/fdt", "fdt", 3);
		chipset = probe();
		assert_string_equal(chipset->name, cases[i].name);
		assert_case_equal(cases[i].name, fake_exits(), cases[i].exits);
	}
}

/* 0xe0000-0xeffff is made RAM again, and nothing else is touched. */
static void test_open_e_segment(void **state)
{
	static const struct {
		uint16_t device;
		uint32_t registers, first, second; /* two dwords from there on, afterwards */
	} cases[] = {
		{ 0x1237, 0x58, 0x11111111, 0x33331111 },
		{ 0x29c0, 0x90, 0x11111111, 0x11333311 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		struct fake_pci *bridge;

		fake_reset();
		bridge = fake_pci_add(NULL, 0, 0, 0x8086, cases[i].device);
		memset(bridge->config + cases[i].registers, 0x11, 8);
		chipset_open_e_segment();
		assert_int_equal(fake_pci_get(bridge, cases[i].registers, 4), cases[i].first);
		assert_int_equal(fake_pci_get(bridge, cases[i].registers + 4, 4), cases[i].second);
	}
	/* Without such registers one read is all. */
	fake_reset();
	chipset_open_e_segment();
	assert_int_equal(fake_exits(), 2);
}

/*
 * A tree with one node, of 8 to 11 characters, whose reg tells a base and a size of 64 bits each.
 */
static void add_device_tree(const char *node, uint64_t base, uint64_t size)
{
	uint32_t cells[] = { 0xd00dfeed,
			     0,
			     40,
			     40 + 17 * 4,
			     0,
			     17,
			     16,
			     0,
			     4,
			     17 * 4,
			     1,
			     0,
			     1,
			     0,
			     0,
			     0,
			     3,
			     16,
			     0,
			     base >> 32,
			     (uint32_t)base,
			     size >> 32,
			     (uint32_t)size,
			     2,
			     2,
			     9,
			     0,
			     0 };

	for (uint32_t i = 0; i < COUNT(cells); i++)
		cells[i] = __builtin_bswap32(cells[i]);
	memcpy(&cells[13], node, strlen(node));
	memcpy(&cells[27], "reg", 4);
	fake_fw_cfg_file("etc/fdt", cells, sizeof(cells));
}

/* Whether a microvm has PCIe is what its device tree says, whatever its ACPI tables are. */
static void test_probe_microvm(void **state)
{
	static const struct {
		const char *node;
		uint64_t base, size;
		uint32_t acpi_size;
		bool pcie;
		const char *says;
	} cases[] = {
		{ "pcie@e00000", 0xe0000000, 0x10000000, 0, true, "" },
		{ "pcie@e00000", 0xe0000000, 0x10000000, 0x7ff, true, "" },
		{ "pcie@e00000", 0xe0000000, 0x10000000, 0x2000, true, "" },
		{ "ioapic@fec0", 0xe0000000, 0x10000000, 0x2000, false, "" },
		{ "pcie@e00000", 0xb0000000, 0x10000000, 0x2000, false,
		  "is not where it is expected, at 0xe" },
		{ "pcie@e00000", 0xe0000000, 0x20000000, 0x2000, false,
		  "is not where it is expected, at 0xe" },
		{ "pcie@e00000", 0x1e0000000, 0x10000000, 0, false,
		  "is not where it is expected, at 0xe" },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		const struct chipset *chipset;

		fake_reset();
		add_device_tree(cases[i].node, cases[i].base, cases[i].size);
		if (cases[i].acpi_size)
			fake_fw_cfg_file("etc/acpi/tables", NULL, cases[i].acpi_size);
		chipset = probe();
		assert_string_equal(chipset->name, "microvm");
		assert_int_equal(chipset->ecam_base, cases[i].pcie ? 0xe0000000 : 0);
		assert_int_equal(fake_exits(), 1);
		if (*cases[i].says)
			assert_says(fake.console, cases[i].says);
		else
			assert_string_equal(fake.console, "");
	}
	fake_reset();
	fake_fw_cfg_file("etc/fdt", "fdt", 3);
	assert_int_equal(probe()->ecam_base, 0);
	assert_says(fake.console,
		    "the device tree of this microvm is malformed, or longer than 6144");
}

static void test_probe_unknown(void **state)
{
	(void)state;
	fake_pci_add(NULL, 0, 0, 0x1b36, 0x0008);
	assert_panics(
		"chipset: unknown host bridge 1b36:0008 at 00:00.0; use -M pc, q35, microvm or "
		"isapc",
		probe());
}

static void test_init_pc(void **state)
{
	(void)state;
	add_pc();
	probe();
	fake_forget();
	init(&with_mmx);
	assert_int_equal(machine.pci.ecam_base, 0);
	assert_false(machine.pci.wide);
	/* PIRQ routing: interrupts 10, 10, 11, 11, and these level-triggered. */
	assert_int_equal(fake_pci_get(fake_pci_at(PCI_BDF(0, 1, 0)), 0x60, 4), 0x0b0b0a0a);
	assert_int_equal(fake_find(FAKE_PORT_WRITE, 0x4d1, 0)->value, 0x0c);
	assert_int_equal(fake_pci_get(fake_pci_at(PCI_BDF(0, 1, 1)), 0x40, 4), 0x80008000);
	/* The PM base before it is enabled. */
	assert_int_equal(fake_pci_get(fake_pci_at(PCI_BDF(0, 1, 3)), 0x40, 4), 0x601);
	assert_int_equal(fake_pci_get(fake_pci_at(PCI_BDF(0, 1, 3)), 0x80, 1), 1);
	assert_true(fake_find(FAKE_PCI_WRITE, config(PCI_BDF(0, 1, 3), 0x40), 0) <
		    fake_find(FAKE_PCI_WRITE, config(PCI_BDF(0, 1, 3), 0x80), 0));
	assert_int_equal(fake_pci_get(fake_pci_at(PCI_BDF(0, 1, 3)), PCI_INTERRUPT_LINE, 1), 9);
	assert_int_equal(fake_exits(), 11);
}

static void test_init_q35(void **state)
{
	(void)state;
	for (uint32_t mmx = 0; mmx < 2; mmx++) {
		struct fake_pci *lpc;

		fake_reset();
		add_q35();
		probe();
		fake_forget();
		init(mmx ? &with_mmx : &without_mmx);
		lpc = fake_pci_at(PCI_BDF(0, 31, 0));
		assert_int_equal(machine.pci.ecam_base, ECAM);
		assert_int_equal(machine.pci.wide, mmx);
		assert_int_equal(fake_pci_get(fake_pci_at(0), 0x60, 4), ECAM | 1);
		assert_int_equal(fake_pci_get(lpc, 0x60, 4), 0x0b0b0a0a);
		assert_int_equal(fake_pci_get(lpc, 0x68, 4), 0x0b0b0a0a);
		assert_int_equal(fake_pci_get(lpc, 0x40, 4), 0x601);
		assert_int_equal(fake_pci_get(lpc, 0x44, 4), 0x80);
		assert_int_equal(fake_find(FAKE_PORT_WRITE, 0x4d1, 0)->value, 0x0c);
		/* One store for PM base and enable, where the processor can. */
		assert_int_equal(
			fake_find(FAKE_PCI_WRITE, config(PCI_BDF(0, 31, 0), 0x40), 0)->size,
			mmx ? 8 : 4);
		assert_int_equal(fake_exits(), mmx ? 8 : 9);
	}
}

/* Where there is no PCI nothing is written, not even the interrupt controller. */
static void test_init_without_pci(void **state)
{
	(void)state;
	for (uint32_t fdt = 0; fdt < 2; fdt++) {
		fake_reset();
		if (fdt)
			fake_fw_cfg_file("etc/fdt", "fdt", 3);
		probe();
		fake_forget();
		init(&with_mmx);
		assert_int_equal(fake_exits(), 0);
		assert_int_equal(machine.pci.ecam_base, 0);
	}
}

/* QEMU hw/i386/pc_piix.c, pci_slot_get_pirq(), and hw/isa/lpc_ich9.c, ich9_lpc_map_irq(). */
static void test_irq(void **state)
{
	static const struct chipset piix = { .irq_wiring = IRQ_WIRING_PIIX };
	static const struct chipset ich9 = { .irq_wiring = IRQ_WIRING_ICH9 };
	static const uint8_t irqs[] = { 10, 10, 11, 11 };

	(void)state;
	for (uint32_t slot = 0; slot < 32; slot++) {
		for (uint32_t pin = 0; pin < 4; pin++) {
			uint32_t link = (pin + slot + 3) & 3; /* slot - 1, never negative */

			assert_int_equal(chipset_irq(&piix, slot, pin), irqs[link]);
			link = slot <= 24 ? (slot + pin) & 3 : pin;
			assert_int_equal(chipset_irq(&ich9, slot, pin), irqs[link]);
			/* A swizzled pin counts modulo four. */
			assert_int_equal(chipset_irq(&ich9, slot, pin + 4 * 31),
					 chipset_irq(&ich9, slot, pin));
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_probe),
		UNIT_TEST(test_open_e_segment),
		UNIT_TEST(test_probe_microvm),
		UNIT_TEST(test_probe_unknown),
		UNIT_TEST(test_init_pc),
		UNIT_TEST(test_init_q35),
		UNIT_TEST(test_init_without_pci),
		UNIT_TEST(test_irq),
	};

	return cmocka_run_group_tests_name("chipset", tests, NULL, NULL);
}
