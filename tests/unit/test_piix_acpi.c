/*
 * test_piix_acpi.c - tables/piix_acpi.c: our own tables, as an operating system reads them.
 */
#include "unit.h"

#include "acpi_find.h"
#include "checksum.h"
#include "layout.h"
#include "phys.h"
#include "piix_acpi.h"

#define RAM_END   (16 * MIB)
#define MMIO_BASE 0xc0000000u

/*
 * A DSDT with the values that are replaced, at odd places and up to its end; no other table needs
 * what is in it.  One object, so that its end is the end of it.
 */
__asm__(".section .rodata\n"
	".globl piix_dsdt, piix_dsdt_end\n"
	"piix_dsdt: .ascii \"DSDT\"\n"
	".long 90\n"
	".skip 28\n"
	".byte 1, 0x80\n"
	".long 0x80000000, 0x7ec00000\n"
	".byte 2\n"
	".long 0x80000000\n"
	".skip 7\n"
	".quad 0x0011223300000000, 0x0011223344556676, 0, 0x44556677\n"
	"piix_dsdt_end: .previous\n");

extern const uint8_t piix_dsdt[], piix_dsdt_end[];

static struct memmap map;
static struct machine machine;
static struct smp_block block;
static struct pci_layout layout;
static uint32_t room; /* what was taken of the pool */

static void add_hpet(uint8_t count)
{
	static struct fw_cfg_hpet hpet;

	hpet = (struct fw_cfg_hpet){
		.count = count,
		.block_id = 0x8086a201,
		.address = 0xfed00000,
		.min_tick = 100,
		.protection = 1,
	};
	fake_fw_cfg_item(FW_CFG_KEY_HPET, &hpet, sizeof(hpet));
}

/* A pc with these processors, of which the first boots; the address of the RSDP. */
static uint32_t install_ids(const uint32_t *ids, uint32_t cpu_count)
{
	static const struct chipset pc = { .irq_wiring = IRQ_WIRING_PIIX,
					   .pm_function = PCI_BDF(0, 1, 3) };
	uint32_t rsdp, end;

	layout.mmio_base = MMIO_BASE;
	machine.chipset = &pc;
	machine.cpu.leaf1_ebx = ids[0] << 24 | 0x123456;
	memset(&block, 0, sizeof(block));
	for (uint32_t i = 1; i < cpu_count; i++)
		block.present[ids[i] / 32] |= 1u << ids[i] % 32;
	unit_machine(&machine.cfg, &map, RAM_END);
	end = map.pool_end;
	fake_forget();
	rsdp = piix_acpi_install(&machine, &block, &map, &layout, cpu_count);
	room = end - map.pool_end;
	return rsdp;
}

/* Their ids go from 0 on. */
static uint32_t install(uint32_t cpu_count)
{
	uint32_t ids[255];

	for (uint32_t i = 0; i < cpu_count; i++)
		ids[i] = i;
	return install_ids(ids, cpu_count);
}

static void add_pm(uint16_t device)
{
	fake_pci_add(NULL, 1, 3, 0x8086, device);
}

/* A table that sums to 0, in memory that is kept. */
static const void *find(uint32_t rsdp, const char *signature)
{
	const struct acpi_header *table = acpi_find_table(rsdp, signature);

	if (!table)
		return NULL;
	assert_int_equal(checksum_sum(table, table->length), 0);
	assert_true(unit_is_kept(&map, phys_addr(table), phys_addr(table) + table->length));
	return table;
}

static void test_without(void **state)
{
	static const struct chipset other = { .irq_wiring = IRQ_WIRING_ICH9,
					      .pm_function = PCI_BDF(0, 1, 3) };

	(void)state;
	/* No PM function, as with acpi=off; another device there; another chipset. */
	assert_int_equal(install(1), 0);
	assert_int_equal(fake_exits(), 2);
	fake_reset();
	add_pm(0x7110);
	assert_int_equal(install(1), 0);
	fake_reset();
	add_pm(0x7113);
	unit_machine(&machine.cfg, &map, RAM_END);
	machine.chipset = &other;
	fake_forget();
	assert_int_equal(piix_acpi_install(&machine, &block, &map, &layout, 1), 0);
	assert_int_equal(fake_exits(), 0);
}

static void test_roots(void **state)
{
	(void)state;
	for (uint32_t count = 0; count < 3; count++) {
		static const uint8_t hpets[] = { 0, 0xff, 1 };
		const struct acpi_header *rsdt;
		const struct acpi_rsdp *rsdp;
		uint32_t paddr;

		fake_reset();
		add_pm(0x7113);
		add_hpet(hpets[count]);
		paddr = install(1);
		assert_int_equal(fake_exits(), 6);
		assert_in_range(paddr, FIRMWARE_POOL_BASE, FIRMWARE_POOL_END - 1);
		assert_int_equal(paddr % 16, 0);
		rsdp = phys_ptr(paddr);
		assert_memory_equal(rsdp->signature, "RSD PTR ", 8);
		assert_int_equal(rsdp->revision, 0);
		assert_int_equal(checksum_sum(rsdp, 20), 0);
		rsdt = phys_ptr(rsdp->rsdt_address);
		assert_memory_equal(rsdt->signature, "RSDT", 4);
		assert_int_equal(checksum_sum(rsdt, rsdt->length), 0);
		assert_int_equal(rsdt->length, sizeof(*rsdt) + (hpets[count] == 1 ? 12 : 8));
		assert_non_null(find(paddr, "FACP"));
		assert_non_null(find(paddr, "APIC"));
		assert_int_equal(find(paddr, "HPET") != NULL, hpets[count] == 1);
	}
}

static void test_fadt(void **state)
{
	const struct acpi_fadt *fadt;
	const struct acpi_facs *facs;

	(void)state;
	add_pm(0x7113);
	fadt = find(install(1), "FACP");
	assert_int_equal(fadt->header.length, sizeof(*fadt));
	assert_int_equal(fadt->sci_int, 9);
	assert_int_equal(fadt->smi_cmd, 0xb2);
	assert_int_equal(fadt->acpi_enable, 0xf1);
	assert_int_equal(fadt->acpi_disable, 0xf0);
	assert_int_equal(fadt->pm1a_evt_blk, 0x600);
	assert_int_equal(fadt->pm1a_cnt_blk, 0x604);
	assert_int_equal(fadt->pm_tmr_blk, 0x608);
	assert_int_equal(fadt->gpe0_blk, 0xafe0);
	/* WBINVD, C1, no sleep button, RTC wakes from S4; no C2, no C3. */
	assert_int_equal(fadt->flags, 0xa5);
	assert_true(fadt->p_lvl2_lat > 100 && fadt->p_lvl3_lat > 1000);

	facs = phys_ptr(fadt->firmware_ctrl);
	assert_memory_equal(facs->signature, "FACS", 4);
	assert_int_equal(facs->length, 64);
	assert_int_equal(fadt->firmware_ctrl % 64, 0);
}

/* The PCI windows, each value once; nothing else of the DSDT. */
static void test_windows(void **state)
{
	static const struct {
		struct pci_range given;
		uint64_t told[4]; /* minimum, maximum, translation, length */
	} cases[] = {
		{ { 0, 0 }, { 0 } },
		{ { 0x140000000, 0x140000010 }, { 0x140000000, 0x14000000f, 0, 0x10 } },
		{ { 0x200000000, 0x400200000 }, { 0x200000000, 0x4001fffff, 0, 0x200200000 } },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		const uint8_t *dsdt;
		uint32_t value;

		fake_reset();
		add_pm(0x7113);
		layout.high = cases[i].given;
		dsdt = phys_ptr(((const struct acpi_fadt *)find(install(1), "FACP"))->dsdt);
		assert_int_equal(checksum_sum(dsdt, 90), 0);
		assert_int_equal(dsdt[37], 0x80);
		memcpy(&value, dsdt + 38, 4);
		assert_int_equal(value, MMIO_BASE);
		memcpy(&value, dsdt + 42, 4);
		assert_int_equal(value, 0xfec00000 - MMIO_BASE);
		memcpy(&value, dsdt + 47, 4);
		assert_int_equal(value, 0x80000000);
		assert_memory_equal(dsdt + 51, piix_dsdt + 51, 7);
		assert_memory_equal(dsdt + 58, cases[i].told, sizeof(cases[i].told));
	}
}

static void test_madt(void **state)
{
	static const uint32_t counts[] = { 1, 2, 255 };

	(void)state;
	for (uint32_t i = 0; i < COUNT(counts) * 2; i++) {
		uint32_t count = counts[i / 2], offset = ACPI_MADT_ENTRIES, overrides = 0;
		uint32_t processors = 0, ioapics = 0, nmis = 0, levels = 0;
		const struct acpi_madt_entry *entry;
		const struct acpi_header *madt;
		bool timer = false;

		fake_reset();
		add_pm(0x7113);
		fake_fw_cfg_u32(FW_CFG_KEY_IRQ0_OVERRIDE, i % 2);
		madt = find(install(count), "APIC");
		assert_int_equal(((const struct acpi_madt *)madt)->lapic_address, LAPIC_BASE);
		assert_int_equal(((const struct acpi_madt *)madt)->flags, 1);
		while ((entry = acpi_next_entry(madt, &offset)))
			switch (entry->type) {
			case ACPI_MADT_LAPIC:
				assert_int_equal(entry->lapic.processor, processors);
				assert_int_equal(entry->lapic.apic_id, processors++);
				assert_int_equal(entry->lapic.flags, 1);
				break;
			case ACPI_MADT_IOAPIC: {
				const struct acpi_madt_ioapic *ioapic = (const void *)entry;

				assert_int_equal(ioapic->address, IOAPIC_BASE);
				assert_int_equal(ioapic->gsi_base, 0);
				ioapics++;
				break;
			}
			case ACPI_MADT_OVERRIDE: {
				const struct acpi_madt_override *override = (const void *)entry;

				overrides++;
				if (!override->irq) {
					timer = true;
					assert_int_equal(override->gsi, 2);
					assert_int_equal(override->flags, 0);
					break;
				}
				assert_int_equal(override->gsi, override->irq);
				assert_int_equal(override->flags, 0xd);
				levels |= 1u << override->irq;
				break;
			}
			case ACPI_MADT_NMI: {
				const struct acpi_madt_nmi *nmi = (const void *)entry;

				assert_int_equal(nmi->processor, 0xff);
				assert_int_equal(nmi->lint, 1);
				nmis++;
				break;
			}
			default:
				fail_msg("entry of type %u", entry->type);
			}
		/* Nothing is cut off, and the SCI and PIRQA to D are level-triggered. */
		assert_int_equal(offset, madt->length);
		assert_int_equal(processors, count);
		assert_int_equal(ioapics, 1);
		assert_int_equal(nmis, 1);
		assert_int_equal(levels, 1u << 9 | 1u << 10 | 1u << 11);
		assert_int_equal(timer, i % 2);
		assert_int_equal(overrides, 3 + i % 2);
	}
}

/* The ids are those of the processors that are there, the first of them the one that boots. */
static void test_ids(void **state)
{
	static const struct {
		const char *name;
		uint32_t ids[6], count;
	} cases[] = {
		{ "three cores in a place for four", { 0, 1, 2, 4, 5, 6 }, 6 },
		{ "another one boots", { 9, 0, 254 }, 3 },
		{ "more than eight bits", { 0, 254, 255, 256, 4095 }, 5 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		uint32_t offset = ACPI_MADT_ENTRIES, n = 0;
		const struct acpi_madt_entry *entry;
		const struct acpi_header *madt;

		fake_reset();
		add_pm(0x7113);
		madt = find(install_ids(cases[i].ids, cases[i].count), "APIC");
		while ((entry = acpi_next_entry(madt, &offset))) {
			bool large = entry->type == ACPI_MADT_X2APIC;

			if (entry->type != ACPI_MADT_LAPIC && !large)
				continue;
			assert_case_equal(cases[i].name, large, cases[i].ids[n] > 254);
			assert_case_equal(cases[i].name, entry->length, large ? 16 : 8);
			assert_case_equal(cases[i].name,
					  large ? entry->x2apic.apic_id : entry->lapic.apic_id,
					  cases[i].ids[n]);
			assert_case_equal(cases[i].name,
					  large ? entry->x2apic.flags : entry->lapic.flags, 1);
			assert_case_equal(cases[i].name,
					  large ? entry->x2apic.processor : entry->lapic.processor,
					  n);
			n++;
		}
		assert_int_equal(offset, madt->length);
		assert_case_equal(cases[i].name, n, cases[i].count);
	}
}

/* Who has not come is in no table, and who came too many has no room there. */
static void test_counts(void **state)
{
	static const uint32_t ids[] = { 0, 1, 2, 3 };

	(void)state;
	for (uint32_t told = 1; told < 8; told++) {
		static const struct chipset pc = { .irq_wiring = IRQ_WIRING_PIIX,
						   .pm_function = PCI_BDF(0, 1, 3) };
		uint32_t rsdp;

		fake_reset();
		add_pm(0x7113);
		install_ids(ids, COUNT(ids));
		machine.chipset = &pc;
		rsdp = piix_acpi_install(&machine, &block, &map, &layout, told);
		assert_int_equal(acpi_find_processors(rsdp), told < 4 ? told : 4);
	}
}

/* What these tables do not have and an option asked for is said. */
static void test_left_out(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < 4; i++) {
		uint16_t tables = i & 1, nodes = i & 2;
		const uint64_t numa[] = { nodes, 0, 0x10000000, 0x10000000 };

		fake_reset();
		add_pm(0x7113);
		/* A table follows the count. */
		fake_fw_cfg_item(FW_CFG_KEY_ACPI_TABLES, (uint16_t[]){ tables, 36, 0x4554 }, 6);
		fake_fw_cfg_item(FW_CFG_KEY_NUMA, numa, sizeof(numa));
		assert_non_null(find(install(1), "APIC"));
		if (tables)
			assert_says(fake.console, "machine type, tables left out: 1; use ");
		if (nodes)
			assert_says(fake.console, "machine type, nodes left out: 2; use ");
		if (!i)
			assert_string_equal(fake.console, "");
		assert_int_equal(strstr(fake.console, "-acpitable") != NULL, tables != 0);
		assert_int_equal(strstr(fake.console, "-numa") != NULL, nodes != 0);
	}
}

static void test_hpet(void **state)
{
	const struct acpi_hpet *hpet;

	(void)state;
	add_pm(0x7113);
	add_hpet(1);
	hpet = find(install(1), "HPET");
	assert_int_equal(hpet->block_id, 0x8086a201);
	assert_int_equal(hpet->address, 0xfed00000);
	assert_int_equal(hpet->min_tick, 100);
	assert_int_equal(hpet->protection, 1);
}

/* The tables stay in the room that was taken for them, however many processors there are. */
static void test_room(void **state)
{
	uint32_t ids[255];

	(void)state;
	/* The ids are those that take most. */
	for (uint32_t i = 0; i < COUNT(ids); i++)
		ids[i] = i ? 1000 + i : 0;
	for (uint32_t count = 1; count <= 255; count += 127) {
		const struct acpi_header *rsdt;
		const struct acpi_rsdp *rsdp;
		uint32_t taken;

		fake_reset();
		add_pm(0x7113);
		add_hpet(1);
		fake_fw_cfg_u32(FW_CFG_KEY_IRQ0_OVERRIDE, 1);
		rsdp = phys_ptr(install_ids(ids, count));
		rsdt = phys_ptr(rsdp->rsdt_address);
		/* From the DSDT, which is first, to the RSDT, which is last. */
		taken = phys_addr(rsdt) + rsdt->length -
			((const struct acpi_fadt *)find(phys_addr(rsdp), "FACP"))->dsdt;
		assert_true(taken + sizeof(*rsdp) + sizeof(struct acpi_facs) <= room);
		assert_true(room < taken + 256);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_without), UNIT_TEST(test_roots),    UNIT_TEST(test_fadt),
		UNIT_TEST(test_windows), UNIT_TEST(test_madt),     UNIT_TEST(test_ids),
		UNIT_TEST(test_counts),  UNIT_TEST(test_left_out), UNIT_TEST(test_hpet),
		UNIT_TEST(test_room),
	};

	return cmocka_run_group_tests_name("piix_acpi", tests, NULL, NULL);
}
