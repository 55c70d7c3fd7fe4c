/*
 * test_fpdt.c - tables/fpdt.c: the boot performance record, and how it joins QEMU's tables.
 */
#include "unit.h"

#include "acpi.h"
#include "acpi_find.h"
#include "checksum.h"
#include "fpdt.h"

#define RAM_END           (16 * MIB)
#define HYPERVISOR_TIMING 0x40000010
#define START             0x123456789abull

static struct memmap map;
static struct fpdt fpdt;
static const struct chipset chipset = { .name = "test" };
static struct machine machine = {
	.chipset = &chipset,
	.cpu = { .leaf1_ecx = CPUID_1_ECX_HYPERVISOR, .start_tsc = START },
};

/* QEMU's tables, and the record; the RSDP's address. */
static uint32_t install(const char *record, bool wanted, uint32_t khz)
{
	struct acpi_writes writes;
	uint32_t rsdp_paddr;

	fake_reset();
	unit_machine(&machine.cfg, &map, RAM_END);
	unit_load(record);
	if (wanted)
		fake_fw_cfg_file("opt/org.qboot/fpdt", "1", 1);
	fw_cfg_init(&machine.cfg);
	rsdp_paddr = acpi_install(&machine.cfg, &map, &writes);
	fake_cpuid_set(CPUID_HYPERVISOR, 0, (struct cpuid){ .eax = HYPERVISOR_TIMING });
	fake_cpuid_set(HYPERVISOR_TIMING, 0, (struct cpuid){ .eax = khz });
	fake_forget();
	fpdt = fpdt_install(&machine, &map, rsdp_paddr);
	return rsdp_paddr;
}

/* All tables of an RSDT or XSDT are there, the FPDT last, and it sums to 0. */
static void check_root(const struct acpi_header *root, const struct acpi_header *old, uint32_t step)
{
	uint32_t added = 0;

	assert_int_equal(root->length, old->length + step);
	assert_int_equal(checksum_sum(root, root->length), 0);
	assert_memory_equal(root + 1, old + 1, old->length - sizeof(*old));
	memcpy(&added, (const uint8_t *)root + old->length, sizeof(added));
	assert_true(acpi_is(phys_ptr(added), "FPDT"));
	assert_true(unit_is_kept(&map, phys_addr(root), phys_addr(root) + root->length));
}

static void test_joins_the_tables(void **state)
{
	static const char *const records[] = { "q35", "microvm" };

	(void)state;
	for (uint32_t i = 0; i < COUNT(records); i++) {
		uint32_t paddr = install(records[i], false, 1000000);
		struct acpi_rsdp before = *(struct acpi_rsdp *)phys_ptr(paddr);
		const struct acpi_fpdt *table;
		struct acpi_header *rsdt = NULL, *xsdt = NULL;
		struct acpi_rsdp *rsdp;

		if (before.rsdt_address)
			rsdt = (void *)unit_copy(phys_ptr(before.rsdt_address), 200);
		if (before.revision >= 2)
			xsdt = (void *)unit_copy(phys_ptr((uint32_t)before.xsdt_address), 200);
		paddr = install(records[i], true, 1000000);
		rsdp = phys_ptr(paddr);
		assert_int_equal(checksum_sum(rsdp, 20), 0);
		if (rsdt)
			check_root(phys_ptr(rsdp->rsdt_address), rsdt, 4);
		if (xsdt) {
			check_root(phys_ptr((uint32_t)rsdp->xsdt_address), xsdt, 8);
			assert_int_equal(checksum_sum(rsdp, sizeof(*rsdp)), 0);
		}
		assert_true(rsdt || xsdt);
		assert_non_null(acpi_find_table(paddr, "FACP"));
		table = (const void *)acpi_find_table(paddr, "FPDT");
		assert_int_equal(table->header.length, sizeof(*table));
		assert_int_equal(checksum_sum(table, sizeof(*table)), 0);
		assert_int_equal(table->type, 0);
		assert_int_equal(table->length, 16);
		assert_ptr_equal(phys_ptr((uint32_t)table->fbpt), fpdt.record);
		assert_true(unit_is_kept(&map, table->fbpt, table->fbpt + sizeof(*fpdt.record)));
		assert_memory_equal(fpdt.record->signature, "FBPT", 4);
		assert_int_equal(fpdt.record->size, sizeof(*fpdt.record));
		assert_int_equal(fpdt.record->type, 2);
		assert_int_equal(fpdt.record->length, 48);
		free(rsdt);
		free(xsdt);
	}
}

/* Nanoseconds of TSC ticks at 1 GHz, 500 MHz and 2 GHz. */
static void test_times(void **state)
{
	static const struct {
		uint32_t khz, multiply, divide;
	} cases[] = { { 1000000, 1, 1 }, { 500000, 2, 1 }, { 2000000, 1, 2 } };

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		uint64_t tick = 1u << 20; /* what the modelled TSC goes on by */
		uint64_t multiply = cases[i].multiply, divide = cases[i].divide, now;

		install("q35", true, cases[i].khz);
		assert_true(fpdt.record->reset_end == START * multiply / divide);
		assert_true(!fpdt.record->load_image_start && !fpdt.record->start_image_start);
		now = fake.tsc + tick;
		fpdt_mark_load(&fpdt);
		assert_true(fpdt.record->load_image_start == now * multiply / divide);
		fpdt_mark_start(&fpdt);
		now = (now + tick) * multiply / divide;
		assert_true(fpdt.record->start_image_start == now);
		assert_true(fpdt.record->exit_boot_services_entry == now);
		assert_true(fpdt.record->exit_boot_services_exit == now);
	}
}

static void test_without(void **state)
{
	(void)state;
	assert_null(acpi_find_table(install("q35", false, 1000000), "FPDT"));
	assert_int_equal(fake_exits(), 0);
	assert_null(fpdt.record);
	fpdt_mark_load(&fpdt);
	fpdt_mark_start(&fpdt);

	assert_null(acpi_find_table(install("q35", true, 0), "FPDT"));
	assert_null(fpdt.record);
	assert_says(fake.console, "fpdt: no ACPI, no TSC or no way to find its rate");

	install("q35", false, 1000000);
	fake_fw_cfg_file("opt/org.qboot/fpdt", "1", 1);
	fw_cfg_init(&machine.cfg);
	assert_null(fpdt_install(&machine, &map, 0).record);
	machine.cpu.start_tsc = 0;
	assert_null(fpdt_install(&machine, &map, 0xe0000).record);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_joins_the_tables),
		UNIT_TEST(test_times),
		UNIT_TEST(test_without),
	};

	return cmocka_run_group_tests_name("fpdt", tests, NULL, NULL);
}
