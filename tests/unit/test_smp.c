/*
 * test_smp.c - smp.c: the state of the interrupt controllers that a kernel is handed.
 */
#include "unit.h"

#include "layout.h"
#include "phys.h"
#include "smp.h"
#include "spec/acpi.h"
#include "spec/msr.h"

#define SVR   (0xf0 / 4)
#define LINT0 (0x350 / 4)

static const struct chipset with_pics = { .name = "test" };
static const struct chipset reduced = { .name = "test", .reduced_acpi = true };
static const struct cpu with_apic = { .leaf1_edx = CPUID_1_EDX_APIC };
static const struct cpu without_apic = { .leaf1_edx = ~CPUID_1_EDX_APIC };

static struct machine machine;

static void wire(const struct cpu *cpu, const struct chipset *chipset, uint32_t rsdp_paddr)
{
	machine.cpu = *cpu;
	machine.chipset = chipset;
	smp_virtual_wire(&machine, rsdp_paddr);
}

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
		wire(&with_apic, cases[i].chipset, cases[i].rsdp_paddr);
		assert_case_equal(name, fake.lapic[SVR], 0x1ff);
		assert_case_equal(name, fake.lapic[LINT0], cases[i].lint0);
		/* An NMI waits until the kernel has vectors. */
		assert_case_equal(name, fake_count(FAKE_MMIO_WRITE, LAPIC_BASE + 0x360), 0);
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
	wire(&with_apic, &with_pics, 0);
	assert_int_equal(fake_find(FAKE_PORT_WRITE, 0x21, 0)->value, 0xff);
	assert_int_equal(fake_find(FAKE_PORT_WRITE, 0xa1, 0)->value, 0xff);
	assert_int_equal(fake_exits(), 4);
}

static void test_without_apic(void **state)
{
	(void)state;
	wire(&without_apic, &with_pics, 0);
	assert_int_equal(fake.count[FAKE_MMIO_WRITE] + fake.count[FAKE_MMIO_READ], 0);
	assert_int_equal(fake.count[FAKE_PORT_WRITE], 2);
}

/* ---- Starting the others ---- */

static const struct cpu full = { .leaf1_edx = CPUID_1_EDX_APIC | CPUID_1_EDX_MSR |
					      CPUID_1_EDX_TSC };
static struct smp_block block;
static struct msr_list msrs;

static void test_start(void **state)
{
	(void)state;
	msrs.count = 0;
	msr_list_add(&msrs, 0x2ff, 0xc06, 0);
	fake_msr_set(0x2ff, 0);
	smp_start(&block, &msrs, &full);
	assert_int_equal(block.msrs_paddr, phys_addr(&msrs));
	assert_int_equal(fake_msr_get(0x2ff), 0xc06);
	/* INIT, then the start-up at 0xea000, to all but this one. */
	assert_int_equal(fake_find(FAKE_MMIO_WRITE, LAPIC_BASE + 0x300, 0)->value, 0xc4500);
	assert_int_equal(fake_find(FAKE_MMIO_WRITE, LAPIC_BASE + 0x300, 1)->value, 0xc4600 | 0xea);
	assert_int_equal(fake.lapic[SVR], 0x1ff);
}

/* Without an APIC nobody can be woken; without MSRs there may be SMM. */
static void test_start_without(void **state)
{
	(void)state;
	msrs.count = 0;
	smp_start(&block, &msrs, &full);
	assert_int_equal(fake.count[FAKE_WRMSR], 0);
	assert_int_equal(fake_count(FAKE_MMIO_WRITE, LAPIC_BASE + 0x300), 2);
	fake_forget();
	fake_msr_set(0x2ff, 0);
	msr_list_add(&msrs, 0x2ff, 0xc06, 0);
	smp_start(&block, &msrs, &without_apic);
	assert_int_equal(fake.count[FAKE_MMIO_WRITE], 0);
	assert_int_equal(fake_msr_get(0x2ff), 0xc06);
}

/* Memory types and feature control, each where the processor has it. */
static void test_probe_msrs(void **state)
{
	static const uint64_t value = 0x100005;
	static const struct {
		const char *name;
		uint32_t edx;
		bool wanted, locked, mtrrs, feature;
	} cases[] = {
		{ "all", CPUID_1_EDX_MSR | CPUID_1_EDX_MTRR, true, false, true, true },
		/* A second write of a locked register would fault. */
		{ "locked", CPUID_1_EDX_MSR | CPUID_1_EDX_MTRR, true, true, true, false },
		{ "QEMU wants nothing", CPUID_1_EDX_MSR | CPUID_1_EDX_MTRR, false, false, true,
		  false },
		{ "no MTRRs", CPUID_1_EDX_MSR, true, false, false, true },
		{ "no MSRs, none is asked", CPUID_1_EDX_MTRR, true, false, false, false },
	};
	static const struct memmap map = { .count = 1, .ranges = { { 0, 512 * MIB, MEMORY_RAM } } };

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		const char *name = cases[i].name;
		uint64_t feature = 0, base = 0, mask = 0;

		fake_reset();
		if (cases[i].wanted)
			fake_fw_cfg_file("etc/msr_feature_control", &value, sizeof(value));
		if (cases[i].edx & CPUID_1_EDX_MSR) {
			fake_msr_set(0x3a, cases[i].locked);
			fake_msr_set(IA32_MTRRCAP, 0x508);
		}
		machine.cpu = (struct cpu){ .leaf1_edx = cases[i].edx, .phys_bits = 40 };
		fw_cfg_init(&machine.cfg);
		fake_forget();
		msrs.count = 7; /* of another boot */
		smp_probe_msrs(&msrs, &machine, &map, 0xb0000000);
		assert_case_equal(name, fake_exits(),
				  cases[i].wanted && cases[i].edx & CPUID_1_EDX_MSR);
		for (uint32_t n = 0; n < msrs.count; n++) {
			uint64_t is = (uint64_t)msrs.values[n].high << 32 | msrs.values[n].low;

			if (msrs.values[n].msr == 0x3a)
				feature = is;
			if (msrs.values[n].msr == IA32_MTRR_PHYSBASE0)
				base = is;
			if (msrs.values[n].msr == IA32_MTRR_PHYSMASK0)
				mask = is;
		}
		assert_case_equal(name, feature, cases[i].feature ? value : 0);
		assert_case_equal(name, base, cases[i].mtrrs ? 0x80000000 : 0);
		assert_case_equal(name, mask, cases[i].mtrrs ? 0xff80000800 : 0);
		assert_case_equal(name, msrs.count == 0, !cases[i].mtrrs && !cases[i].feature);
	}
}

static void one_more_arrives(void)
{
	block.arrived++;
}

static void test_wait(void **state)
{
	(void)state;
	block = (struct smp_block){ 0 };
	fake.on_pause = one_more_arrives;
	smp_wait(&block, &full, 288, 0);
	assert_int_equal(block.arrived, 287);
	assert_string_equal(fake.console, "");
	assert_int_equal(fake.count[FAKE_MMIO_WRITE], 0);

	fake_reset();
	block = (struct smp_block){ 0 };
	smp_wait(&block, &full, 1, 0);
	smp_wait(&block, &without_apic, 4, 0);
	assert_int_equal(fake.pauses, 0);

	/* A processor that does not answer costs a message, not the boot. */
	fake_reset();
	block.arrived = 3;
	smp_wait(&block, &full, 5, 0);
	assert_says(fake.console, "smp: 4 of 5 processors answered");
}

/* Tables with a MADT that enables so many APIC ids. */
static uint32_t make_madt(uint32_t first_id, uint32_t cpus)
{
	struct acpi_rsdp *rsdp;
	struct acpi_header *rsdt, *madt;
	uint32_t *tables;

	fake_ram_add(0xe0000, 0x10000);
	rsdp = fake_phys(0xe0000, sizeof(*rsdp));
	*rsdp = (struct acpi_rsdp){ .rsdt_address = 0xe1000 };
	rsdt = fake_phys(0xe1000, sizeof(*rsdt) + sizeof(*tables));
	*rsdt = (struct acpi_header){ .length = sizeof(*rsdt) + sizeof(*tables) };
	tables = (uint32_t *)(rsdt + 1);
	*tables = 0xe2000;
	madt = fake_phys(0xe2000, ACPI_MADT_ENTRIES);
	*madt = (struct acpi_header){ .signature = "APIC",
				      .length = ACPI_MADT_ENTRIES + cpus * 16 };
	for (uint32_t i = 0; i < cpus; i++) {
		struct acpi_madt_entry *entry = fake_phys(0xe2000 + ACPI_MADT_ENTRIES + i * 16, 16);

		*entry = (struct acpi_madt_entry){ .type = ACPI_MADT_X2APIC, .length = 16 };
		entry->x2apic.apic_id = first_id + i;
		entry->x2apic.flags = ACPI_MADT_ENABLED;
	}
	return 0xe0000;
}

/* What the MADT enables and what has not arrived is told, but for the boot processor. */
static void test_names_who_is_missing(void **state)
{
	static const struct cpu second_boots = { .leaf1_ebx = 1u << 24,
						 .leaf1_edx = CPUID_1_EDX_APIC | CPUID_1_EDX_TSC };
	static const struct {
		const char *name;
		uint32_t cpus, last_present; /* of APIC ids from 1 on */
		const char *said;
	} cases[] = {
		{ "one", 255, 253, "254 of 255 processors answered, not APIC id 254; the" },
		{ "a few", 255, 251, "not APIC id 252, 253, 254; the others lack MTRRs" },
		{ "eight", 288, 279, "not APIC id 280, 281, 282, 283, 284, 285, 286, 287; the" },
		{ "many", 288, 0, "1, 2, 3, 4, 5, 6, 7, 8 and 279 more; the others" },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		uint32_t rsdp;

		fake_reset();
		rsdp = make_madt(0, cases[i].cpus);
		block = (struct smp_block){ .arrived = cases[i].last_present };
		for (uint32_t id = 1; id <= cases[i].last_present; id++)
			block.present[id / 32] |= 1u << id % 32;
		smp_wait(&block, &full, cases[i].cpus, rsdp);
		assert_says(fake.console, cases[i].said);
	}

	/* The boot processor is there, whatever its id; from 4096 on nobody is told apart. */
	fake_reset();
	block = (struct smp_block){ 0 };
	smp_wait(&block, &second_boots, 3, make_madt(0, 3));
	assert_says(fake.console, "1 of 3 processors answered, not APIC id 0, 2; the");
	fake_reset();
	smp_wait(&block, &second_boots, 3, make_madt(SMP_NAMED_IDS - 1, 2));
	assert_says(fake.console, "1 of 3 processors answered, not APIC id 4095; the");
}

/* However many are missing, it costs a second; also without a TSC. */
static void test_waits_a_second(void **state)
{
	static const struct cpu no_tsc = { .leaf1_edx = CPUID_1_EDX_APIC };

	(void)state;
	block = (struct smp_block){ 0 };
	smp_wait(&block, &full, 200, 0);
	assert_in_range(fake.tsc, 2000000000, 4000000000);
	block = (struct smp_block){ 0 };
	fake.pauses = 0;
	smp_wait(&block, &no_tsc, 200, 0);
	assert_in_range(fake.pauses, 1u << 22, 1u << 24);
}

static void one_more_arrives_late(void)
{
	fake.tsc += 1ull << 30;
	block.arrived += fake.pauses % 2;
}

/* Many on a busy host take longer than one may. */
static void test_wait_is_patient(void **state)
{
	(void)state;
	block = (struct smp_block){ 0 };
	fake.on_pause = one_more_arrives_late;
	smp_wait(&block, &full, 100, 0);
	assert_int_equal(block.arrived, 99);
	assert_string_equal(fake.console, "");
}

static void test_count(void **state)
{
	static const struct {
		uint16_t told;
		const struct cpu *cpu;
		uint32_t wanted;
	} cases[] = {
		{ 0, &full, 1 }, { 1, &full, 1 }, { 288, &full, 288 }, { 288, &without_apic, 1 }
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		fake_reset();
		fake_fw_cfg_u16(FW_CFG_KEY_CPU_COUNT, cases[i].told);
		fw_cfg_init(&machine.cfg);
		machine.cpu = *cases[i].cpu;
		assert_int_equal(smp_count(&machine, 0), cases[i].wanted);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_start),           UNIT_TEST(test_start_without),
		UNIT_TEST(test_probe_msrs),      UNIT_TEST(test_wait),
		UNIT_TEST(test_wait_is_patient), UNIT_TEST(test_names_who_is_missing),
		UNIT_TEST(test_waits_a_second),  UNIT_TEST(test_count),
		UNIT_TEST(test_virtual_wire),    UNIT_TEST(test_masks_the_8259s),
		UNIT_TEST(test_without_apic),
	};

	return cmocka_run_group_tests_name("smp", tests, NULL, NULL);
}
