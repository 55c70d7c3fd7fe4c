/*
 * test_pci.c - pci.c: bus numbers and interrupt lines on invented trees.
 */
#include "unit.h"

#include "pci.h"

#define ECAM            0xb0000000u

static const struct chipset piix = {
	.name = "pc", .irq_wiring = IRQ_WIRING_PIIX, .pm_function = PCI_BDF(0, 1, 3) };
static const struct chipset ich9 = {
	.name = "q35", .irq_wiring = IRQ_WIRING_ICH9, .pm_function = PCI_BDF(0, 31, 0) };
static const struct chipset no_pci = { .name = "isapc" };
static const struct pci_access ports;
static const struct pci_access ecam = { .ecam_base = ECAM };

static struct fake_pci *add_host(const struct pci_access *access)
{
	struct fake_pci *host = fake_pci_add(NULL, 0, 0, 0x8086, 0x29c0);

	if (access->ecam_base) {
		fake.pci.has_ecam = true;
		fake_pci_set(host, 0x60, 4, ECAM | 1);
	}
	return host;
}

static struct fake_pci *add_with_pin(struct fake_pci *bridge, uint32_t slot, uint32_t function,
				     uint32_t pin)
{
	struct fake_pci *pci = fake_pci_add(bridge, slot, function, 0x1af4, 0x1041);

	fake_pci_set(pci, PCI_INTERRUPT_PIN, 1, pin);
	return pci;
}

static uint32_t line(const struct fake_pci *pci)
{
	return (uint32_t)fake_pci_get(pci, PCI_INTERRUPT_LINE, 1);
}

static uint32_t buses(const struct fake_pci *bridge)
{
	return (uint32_t)fake_pci_get(bridge, PCI_PRIMARY_BUS, 4) & 0xffffff;
}

/* ---- Wiring ---- */

/* QEMU hw/i386/pc_piix.c, pci_slot_get_pirq(), and hw/isa/lpc_ich9.c, ich9_route_intx. */
static void test_plan_irq(void **state)
{
	static const uint8_t irqs[] = { 10, 10, 11, 11 };

	(void)state;
	for (uint32_t slot = 0; slot < 32; slot++) {
		for (uint32_t pin = 0; pin < 4; pin++) {
			uint32_t link = (pin + slot + 3) & 3;   /* slot - 1, never negative */

			assert_int_equal(pci_plan_irq(&piix, slot, pin), irqs[link]);
			link = slot <= 24 ? (slot + pin) & 3 : pin;
			assert_int_equal(pci_plan_irq(&ich9, slot, pin), irqs[link]);
			/* A swizzled pin counts modulo four. */
			assert_int_equal(pci_plan_irq(&ich9, slot, pin + 4 * 31),
					 pci_plan_irq(&ich9, slot, pin));
		}
	}
}

/* ---- Walking ---- */

static void test_without_pci_nothing_is_asked(void **state)
{
	(void)state;
	pci_init(&no_pci, &ports);
	assert_int_equal(fake_exits(), 0);
}

static void test_lines_on_the_root_bus(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		const struct pci_access *access = i ? &ecam : &ports;
		const struct chipset *chipset = i ? &ich9 : &piix;
		struct fake_pci *functions[4], *none, *bad, *pm;

		fake_reset();
		add_host(access);
		for (uint32_t pin = 1; pin <= 4; pin++)
			functions[pin - 1] = add_with_pin(NULL, 4 + pin, 0, pin);
		none = add_with_pin(NULL, 10, 0, 0);
		bad = add_with_pin(NULL, 11, 0, 5);
		pm = add_with_pin(NULL, PCI_SLOT(chipset->pm_function), 0, 1);
		pm->function = PCI_FUNCTION(chipset->pm_function);
		if (pm->function)
			fake_pci_set(fake_pci_add(NULL, 1, 0, 0x8086, 0x7000), PCI_HEADER_TYPE, 1,
				     0x80);
		pci_init(chipset, access);
		for (uint32_t pin = 1; pin <= 4; pin++)
			assert_int_equal(line(functions[pin - 1]),
					 pci_plan_irq(chipset, 4 + pin, pin - 1));
		assert_int_equal(line(none), 0);
		assert_int_equal(line(bad), 0);
		assert_int_equal(line(pm), ACPI_SCI_IRQ);
	}
}

static void test_functions(void **state)
{
	struct fake_pci *multi[3], *hidden;

	(void)state;
	add_host(&ecam);
	multi[0] = add_with_pin(NULL, 3, 0, 1);
	fake_pci_set(multi[0], PCI_HEADER_TYPE, 1, PCI_HEADER_MULTIFUNCTION);
	multi[1] = add_with_pin(NULL, 3, 2, 2);
	multi[2] = add_with_pin(NULL, 3, 7, 3);
	/* Function 0 does not say that there are others: a device that decodes only function 0's. */
	add_with_pin(NULL, 4, 0, 1);
	hidden = add_with_pin(NULL, 4, 1, 1);
	pci_init(&ich9, &ecam);
	assert_int_equal(line(multi[0]), pci_plan_irq(&ich9, 3, 0));
	assert_int_equal(line(multi[1]), pci_plan_irq(&ich9, 3, 1));
	assert_int_equal(line(multi[2]), pci_plan_irq(&ich9, 3, 2));
	assert_int_equal(line(hidden), 0);
	/* 31 other slots' function 0 once each, seven more of slot 3. */
	assert_int_equal(fake_count(FAKE_PCI_READ, PCI_BDF(0, 4, 1) << 12), 0);
	assert_int_equal(fake_count(FAKE_PCI_READ, PCI_BDF(0, 9, 0) << 12), 1);
	assert_int_equal(fake_count(FAKE_PCI_READ, PCI_BDF(0, 3, 6) << 12), 1);
}

/*
 * bus 0 --3.0-- bus 1 --2.0-- bus 2 --1.0 (device)
 *       \               \-5.0 (device)
 *        4.0-- bus 3 --0.0 (device)
 */
static void test_tree(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		const struct pci_access *access = i ? &ecam : &ports;
		struct fake_pci *outer, *inner, *second, *deep, *middle, *other;

		fake_reset();
		add_host(access);
		outer = fake_pci_add_bridge(NULL, 3, 0, 0x1b36, 1);
		inner = fake_pci_add_bridge(outer, 2, 0, 0x1b36, 1);
		deep = add_with_pin(inner, 1, 0, 2);
		middle = add_with_pin(outer, 5, 0, 1);
		second = fake_pci_add_bridge(NULL, 4, 0, 0x1b36, 1);
		other = add_with_pin(second, 0, 0, 4);
		pci_init(&ich9, access);
		assert_int_equal(buses(outer), 0x020100);
		assert_int_equal(buses(inner), 0x020201);
		assert_int_equal(buses(second), 0x030300);
		assert_ptr_equal(fake_pci_at(PCI_BDF(2, 1, 0)), deep);
		assert_ptr_equal(fake_pci_at(PCI_BDF(3, 0, 0)), other);
		/* Each bridge adds its slot on the way up (PCI-to-PCI Bridge 1.2, table 9-1). */
		assert_int_equal(line(middle), pci_plan_irq(&ich9, 3, (0 + 5) & 3));
		assert_int_equal(line(deep), pci_plan_irq(&ich9, 3, (1 + 1 + 2) & 3));
		assert_int_equal(line(other), pci_plan_irq(&ich9, 4, 3));
	}
}

/* Below a PCI Express port there is one slot; asking for 31 more would cost an exit each. */
static void test_express_port_has_one_slot(void **state)
{
	static const struct { const char *name; uint32_t type; bool one; } cases[] = {
		{ "root port", 4, true },
		{ "downstream port", 6, true },
		{ "upstream port", 5, false },
		{ "to conventional PCI", 7, false },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		struct fake_pci *port, *device;

		fake_reset();
		add_host(&ecam);
		port = fake_pci_add_bridge(NULL, 3, 0, 0x1b36, 0xc);
		fake_pci_express(port, cases[i].type);
		fake_pci_capability(port, 0x48, 5, NULL, 2);
		device = add_with_pin(port, 0, 0, 1);
		pci_init(&ich9, &ecam);
		assert_case_equal(cases[i].name, line(device), pci_plan_irq(&ich9, 3, 0));
		assert_case_equal(cases[i].name,
				  fake_count(FAKE_PCI_READ, PCI_BDF(1, 1, 0) << 12), !cases[i].one);
	}
}

/* A capability list that loops, or leads below its area, ends the search. */
static void test_bad_capability_lists(void **state)
{
	static const struct { const char *name; uint8_t first, id, next; } cases[] = {
		{ "none", 0, 0, 0 },
		{ "into the header", 0x04, 0, 0 },
		{ "to itself", 0x40, 5, 0x40 },
		{ "back and forth", 0x40, 5, 0x44 },
		{ "odd", 0x43, 5, 0x43 },
		{ "last entry", 0xfc, 5, 0xfc },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		struct fake_pci *bridge;

		fake_reset();
		add_host(&ecam);
		bridge = fake_pci_add_bridge(NULL, 3, 0, 0x1b36, 1);
		fake_pci_set(bridge, PCI_CAP_POINTER, 1, cases[i].first);
		for (uint32_t offset = 0x40; offset < 0x100; offset += 4)
			fake_pci_set(bridge, offset, 2, cases[i].id | cases[i].next << 8);
		pci_init(&ich9, &ecam);
		assert_case_equal(cases[i].name, buses(bridge), 0x010100);
		assert_case(cases[i].name, fake_exits() < 200);
	}
}

/* Bus numbers run out: a message, and the walk goes on. */
static void test_more_bridges_than_buses(void **state)
{
	struct fake_pci *bridges[9][32];
	uint32_t numbered = 0;

	(void)state;
	add_host(&ecam);
	for (uint32_t i = 0; i < 9; i++) {
		bridges[i][0] = fake_pci_add_bridge(NULL, 1 + i, 0, 0x1b36, 1);
		for (uint32_t j = 1; j < 32; j++)
			bridges[i][j] = fake_pci_add_bridge(bridges[i][0], j, 0, 0x1b36, 1);
	}
	pci_init(&ich9, &ecam);
	for (uint32_t i = 0; i < 9; i++)
		for (uint32_t j = 0; j < 32; j++)
			numbered += buses(bridges[i][j]) != 0;
	assert_int_equal(numbered, 255);
	assert_int_equal(buses(bridges[7][0]) >> 16, 255);
	assert_says(fake.console, "gets no bus number, all 256 are taken");
}

/* An empty slot costs one read; the budget of a plain Q35 is exact. */
static void test_exit_budget(void **state)
{
	(void)state;
	add_host(&ecam);
	fake_pci_add(NULL, 31, 0, 0x8086, 0x2918);
	fake_forget();
	pci_init(&ich9, &ecam);
	/* 32 slots, and of two functions the header type and the pin. */
	assert_int_equal(fake_exits(), 32 + 2 * 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_plan_irq),
		UNIT_TEST(test_without_pci_nothing_is_asked),
		UNIT_TEST(test_lines_on_the_root_bus),
		UNIT_TEST(test_functions),
		UNIT_TEST(test_tree),
		UNIT_TEST(test_express_port_has_one_slot),
		UNIT_TEST(test_bad_capability_lists),
		UNIT_TEST(test_more_bridges_than_buses),
		UNIT_TEST(test_exit_budget),
	};

	return cmocka_run_group_tests_name("pci", tests, NULL, NULL);
}
