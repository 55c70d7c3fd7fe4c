/*
 * test_smp.c - smp.c: the state of the interrupt controllers that a kernel is handed.
 */
#include "unit.h"

#include "layout.h"
#include "smp.h"

#define SVR     (0xf0 / 4)
#define LINT0   (0x350 / 4)
#define LINT1   (0x360 / 4)

static const struct chipset with_pics = { .name = "test" };
static const struct chipset reduced = { .name = "test", .reduced_acpi = true };
static const struct cpu with_apic = { .leaf1_edx = CPUID_1_EDX_APIC };
static const struct cpu without_apic = { .leaf1_edx = ~CPUID_1_EDX_APIC };

static void test_virtual_wire(void **state)
{
	static const struct {
		const char *name;
		const struct chipset *chipset;
		uint32_t rsdp_paddr;
		uint32_t lint0;
		bool pics;
	} cases[] = {
		{ "8259s, no ACPI", &with_pics, 0, 0x700, true },
		{ "8259s and ACPI", &with_pics, 0xe0000, 0x700, true },
		{ "reduced machine, no ACPI", &reduced, 0, 0x700, true },
		{ "reduced machine with ACPI", &reduced, 0xe0000, 0x10000, false },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		const char *name = cases[i].name;

		fake_reset();
		smp_virtual_wire(&with_apic, cases[i].chipset, cases[i].rsdp_paddr);
		assert_case_equal(name, fake.lapic[SVR], 0x1ff);
		assert_case_equal(name, fake.lapic[LINT0], cases[i].lint0);
		assert_case_equal(name, fake.lapic[LINT1], 0x400);
		assert_case_equal(name, fake_count(FAKE_PORT_WRITE, 0x21), cases[i].pics);
		assert_case_equal(name, fake_count(FAKE_PORT_WRITE, 0xa1), cases[i].pics);
		/* Enabled first: a disabled APIC keeps its vectors masked. */
		assert_case(name, fake_find(FAKE_MMIO_WRITE, LAPIC_BASE + 0xf0, 0) <
			    fake_find(FAKE_MMIO_WRITE, LAPIC_BASE + 0x350, 0));
	}
}

static void test_masks_the_8259s(void **state)
{
	(void)state;
	smp_virtual_wire(&with_apic, &with_pics, 0);
	assert_int_equal(fake_find(FAKE_PORT_WRITE, 0x21, 0)->value, 0xff);
	assert_int_equal(fake_find(FAKE_PORT_WRITE, 0xa1, 0)->value, 0xff);
	assert_int_equal(fake_exits(), 5);
}

static void test_without_apic(void **state)
{
	(void)state;
	smp_virtual_wire(&without_apic, &with_pics, 0);
	assert_int_equal(fake.count[FAKE_MMIO_WRITE] + fake.count[FAKE_MMIO_READ], 0);
	assert_int_equal(fake.count[FAKE_PORT_WRITE], 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_virtual_wire),
		UNIT_TEST(test_masks_the_8259s),
		UNIT_TEST(test_without_apic),
	};

	return cmocka_run_group_tests_name("smp", tests, NULL, NULL);
}
