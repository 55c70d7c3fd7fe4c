/*
 * test_smm.c - smm.c: where every processor's SMBASE goes, and what is written to close SMRAM.
 */
#include "unit.h"

#include "layout.h"
#include "smm.h"

#define RAM_END         (64 * MIB)

static struct fw_cfg cfg;
static struct memmap map;
static struct pci_access access;
static struct smm_plan plan;
static struct smm_saved saved;
static struct smp_block block;
static const struct chipset *chipset;
static const struct cpu cpu;

static void machine(enum smm_kind kind)
{
	fake_pci_add(NULL, 0, 0, 0x8086, kind == SMM_ICH9 ? 0x29c0 : 0x1237);
	if (kind == SMM_ICH9) {
		fake_pci_add(NULL, 31, 0, 0x8086, 0x2918);
		fake.pci.has_ecam = true;
	} else {
		fake_pci_add(NULL, 1, 0, 0x8086, 0x7000);
		fake_pci_add(NULL, 1, 3, 0x8086, 0x7113);
	}
	unit_machine(&cfg, &map, RAM_END);
	chipset = chipset_probe(&cfg);
	chipset_init(chipset, &cpu, &map, &access);
	fake_forget();
}

/* The SMBASEs in the order in which they are given out (smi.S). */
static uint32_t smbase(uint32_t n)
{
	uint32_t base = plan.first;

	for (uint32_t i = 0; i < n; i++) {
		base += SMBASE_SPACING;
		if (base == plan.end)
			base = plan.more;
	}
	return base;
}

static bool inside_smram(uint64_t base, uint64_t end)
{
	if (plan.tseg_mib) {
		uint64_t tseg = plan.first + SMBASE_ENTRY;

		return base >= tseg && end <= tseg + plan.tseg_mib * MIB;
	}
	return (base >= SMRAM_BASE && end <= SMRAM_END) ||
		memmap_is(&map, base, end, MEMORY_RESERVED);
}

/* Everything a processor in SMM uses is closed memory, and its own. */
static void test_plan(void **state)
{
	static const enum smm_kind kinds[] = { SMM_PIIX4, SMM_ICH9 };
	static const uint32_t counts[] = { 1, 2, 3, 16, 60, 61, 62, 63, 64, 65, 128, 255, 256, 288, 1024,
					   4096 };

	(void)state;
	for (uint32_t k = 0; k < COUNT(kinds); k++) {
		for (uint32_t i = 0; i < COUNT(counts); i++) {
			uint32_t count = counts[i];

			fake_reset();
			machine(kinds[k]);
			smm_plan(&plan, kinds[k], &map, count);
			assert_int_equal(plan.cpu_count, count);
			assert_false(plan.save);
			for (uint32_t n = 0; n < count; n++) {
				uint64_t base = smbase(n);

				/* An entry takes half the spacing, the other's state the other half. */
				assert_true(inside_smram(base + SMBASE_ENTRY,
							 base + SMBASE_ENTRY + 0x200));
				assert_true(inside_smram(base + SMBASE_STATE,
							 base + SMBASE_STATE + SMBASE_STATE_SIZE));
				assert_int_equal(base % SMBASE_SPACING, 0);
				for (uint32_t m = n > 100 ? n - 100 : 0; m < n; m++)
					assert_true(smbase(m) != base);
				if (n > 300)
					n += 97;
			}
			assert_int_equal(plan.slots_paddr != 0, count > 1);
			if (count > 1)
				assert_true(memmap_is(&map, plan.slots_paddr, plan.slots_paddr +
						      (count - 1) * SMP_SLOT_SIZE, MEMORY_RESERVED));
		}
	}
}

/* TSEG is the chipset's view of the top of RAM: it must be exactly there, and reserved. */
static void test_tseg(void **state)
{
	(void)state;
	machine(SMM_ICH9);
	smm_plan(&plan, SMM_ICH9, &map, 4);
	assert_int_equal(plan.tseg_mib, 1);
	assert_int_equal(plan.first + SMBASE_ENTRY, RAM_END - MIB);
	assert_true(memmap_is(&map, RAM_END - MIB, RAM_END, MEMORY_RESERVED));

	/* Not where something else has the top of RAM, nor where RAM is scarce. */
	fake_reset();
	machine(SMM_ICH9);
	memmap_set(&map, RAM_END - 0x1000, RAM_END, MEMORY_ACPI);
	memmap_set(&map, 8 * MIB, RAM_END - 0x1000, MEMORY_LOADED);
	smm_plan(&plan, SMM_ICH9, &map, 4);
	assert_int_equal(plan.tseg_mib, 0);
}

/* An SMI of ours overwrites what is at 0x38000: when a kernel is there it is saved. */
static void test_save(void **state)
{
	(void)state;
	machine(SMM_PIIX4);
	memmap_set(&map, 0x3f000, 0x40000, MEMORY_LOADED);
	smm_plan(&plan, SMM_PIIX4, &map, 1);
	assert_true(plan.save);
}

static void smi(void)
{
	block.entered = 1;
}

static void test_program(void **state)
{
	static const enum smm_kind kinds[] = { SMM_PIIX4, SMM_ICH9 };

	(void)state;
	for (uint32_t k = 0; k < COUNT(kinds); k++) {
		const uint8_t *entry;

		fake_reset();
		memset(&block, 0, sizeof(block));
		machine(kinds[k]);
		fake.on_pause = smi;
		fake_fw_cfg_u16(FW_CFG_KEY_CPU_COUNT, 3);
		smm_plan(&plan, kinds[k], &map, 3);
		fake_forget();
		smm_program(&plan, &saved, &block, chipset, &access);
		if (kinds[k] == SMM_PIIX4) {
			/* C_BASE_SEG, G_SMRAME, D_LCK. */
			assert_int_equal(fake_pci_get(fake_pci_at(0), 0x72, 1), 0x1a);
			assert_int_equal(fake_pci_get(fake_pci_at(PCI_BDF(0, 1, 3)), 0x5b, 1), 2);
			assert_true(fake_exits() <= 5);
		} else {
			assert_int_equal(fake_pci_get(fake_pci_at(0), 0x9d, 1), 0x1a);
			assert_int_equal(fake_pci_get(fake_pci_at(0), 0x9e, 1) & 7, 1);
			assert_int_equal(fake_find(FAKE_PORT_WRITE, PM_BASE + 0x30, 0)->value, 0x21);
			/* The switch is locked after the SMI is enabled. */
			assert_true(fake_find(FAKE_PCI_WRITE, PCI_BDF(0, 31, 0) << 12 | 0xa0, 0) >
				    fake_find(FAKE_PORT_WRITE, PM_BASE + 0x30, 0));
			assert_true(fake_exits() <= 4);
		}
		assert_int_equal(fake_count(FAKE_PORT_WRITE, 0xb2), 1);
		assert_string_equal(fake.console, "");
		assert_int_equal(block.smbase, plan.first);
		assert_int_equal(block.slots_end_paddr - block.slots_paddr, 2 * SMP_SLOT_SIZE);
		assert_int_equal(((uint8_t *)phys_ptr(block.slots_paddr))[0], SMP_SLOT_TURN);
		assert_int_not_equal(block.resume, 0);
		entry = phys_ptr(SMBASE_DEFAULT + SMBASE_ENTRY);
		assert_int_equal(entry[0], 0xea);
		assert_int_equal(entry[3] | entry[4] << 8, AP_ENTRY >> 4);
	}
}

static void test_no_smi(void **state)
{
	(void)state;
	machine(SMM_PIIX4);
	memset(&block, 0, sizeof(block));
	smm_plan(&plan, SMM_PIIX4, &map, 2);
	smm_program(&plan, &saved, &block, chipset, &access);
	assert_says(fake.console, "smm: no SMI after a write to port 0xb2");
	assert_int_equal(block.slots_paddr, 0);
}

static void test_finish_puts_back(void **state)
{
	uint8_t before[0x10000];

	(void)state;
	machine(SMM_PIIX4);
	memset(&block, 0, sizeof(block));
	fake.on_pause = smi;
	memcpy(before, phys_ptr(SMBASE_DEFAULT + SMBASE_ENTRY), 0x8000);
	memmap_set(&map, SMBASE_DEFAULT, SMBASE_DEFAULT + 0x10000, MEMORY_LOADED);
	smm_plan(&plan, SMM_PIIX4, &map, 1);
	smm_program(&plan, &saved, &block, chipset, &access);
	memset(phys_ptr(SMBASE_DEFAULT + SMBASE_STATE), 0x77, SMBASE_STATE_SIZE);
	smm_finish(&plan, &saved);
	assert_memory_equal(before, phys_ptr(SMBASE_DEFAULT + SMBASE_ENTRY), 0x8000);
}

/* With SMM off QEMU has the switch on; with it off from the start nothing is written. */
static void test_init_when_off(void **state)
{
	(void)state;
	machine(SMM_PIIX4);
	fake_pci_set(fake_pci_at(PCI_BDF(0, 1, 3)), 0x5b, 1, 2);
	smm_init(&plan, &saved, &block, chipset, &access, &cfg, &map);
	assert_int_equal(plan.cpu_count, 0);
	assert_int_equal(fake.count[FAKE_PCI_WRITE], 0);
	assert_int_equal(fake_exits(), 2);
	smm_finish(&plan, &saved);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_plan),
		UNIT_TEST(test_tseg),
		UNIT_TEST(test_save),
		UNIT_TEST(test_program),
		UNIT_TEST(test_no_smi),
		UNIT_TEST(test_finish_puts_back),
		UNIT_TEST(test_init_when_off),
	};

	return cmocka_run_group_tests_name("smm", tests, NULL, NULL);
}
