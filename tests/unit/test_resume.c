/*
 * test_resume.c - resume.c: when a wake is one, what it costs to know, and where it leads.
 */
#include "unit.h"

#include "layout.h"
#include "resume.h"
#include "spec/acpi.h"
#include "spec/msr.h"

#define FADT_PADDR 0xe1000u
#define FACS_PADDR 0xe2000u
#define RSDP_PADDR 0xe0000u
#define RAM_END    0x8000000u
#define HOLE_BASE  0xc0000000u

static const struct chipset pc = {
	.irq_wiring = IRQ_WIRING_PIIX,
	.isa_bridge = PCI_BDF(0, 1, 0),
};
static const struct chipset microvm = { .irq_wiring = IRQ_WIRING_NONE };
static const struct machine old_pc = { .chipset = &pc };
static struct acpi_writes writes;
static struct resume resume;
static struct fake_pci *isa;

static void arm(enum resume_system system)
{
	struct acpi_rsdp *rsdp;
	struct acpi_header *rsdt;
	struct acpi_fadt *fadt;
	uint32_t fadt_paddr = FADT_PADDR;

	fake_ram_add(0xe0000, 0x10000);
	memset(fake_phys(0xe0000, 0x10000), 0, 0x10000);
	rsdp = fake_phys(RSDP_PADDR, sizeof(*rsdp));
	rsdp->rsdt_address = RSDP_PADDR + 0x40;
	rsdt = fake_phys(RSDP_PADDR + 0x40, sizeof(*rsdt));
	rsdt->length = sizeof(*rsdt) + 4;
	memcpy(rsdt + 1, &fadt_paddr, 4);
	fadt = fake_phys(FADT_PADDR, sizeof(*fadt));
	memcpy(fadt->header.signature, "FACP", 4);
	fadt->header.length = sizeof(*fadt);
	fadt->firmware_ctrl = FACS_PADDR;
	isa = fake_pci_add(NULL, 1, 0, 0x8086, 0x7000);
	fake_pci_set(isa, 0x60, 4, 0x80808080);
	memset(&resume, 0, sizeof(resume));
	resume_arm(&resume, system, &writes, HOLE_BASE, 1, RSDP_PADDR);
	fake_forget();
}

static void test_no_record_costs_nothing(void **state)
{
	uint32_t sum = 0;

	(void)state;
	memset(&resume, 0, sizeof(resume));
	assert_false(resume_probe(&resume, &old_pc));
	memset(&resume, 0xa5, sizeof(resume));
	assert_false(resume_probe(&resume, &old_pc));
	arm(RESUME_WHOLE);
	/* A plain sum, as tests/boot/guest/attack.c mends it. */
	for (const uint32_t *word = &resume.facs_paddr; word < (uint32_t *)(&resume + 1); word++)
		sum += *word;
	assert_int_equal(resume.checksum, sum);
	resume.facs_paddr ^= 1;
	assert_false(resume_probe(&resume, &old_pc));
	assert_int_equal(fake_exits(), 0);
}

static void test_wake(void **state)
{
	struct acpi_facs *facs;

	(void)state;
	arm(RESUME_WHOLE);
	/* As often as it sleeps; but a wake that stops halfway is none the next time. */
	for (uint32_t i = 0; i < 3; i++) {
		fake_forget();
		fake.cmos[0x0f] = 0xfe;
		assert_true(resume_probe(&resume, &old_pc));
		assert_int_equal(fake.cmos[0x0f], 0);
		assert_int_equal(fake_exits(), 4);
		facs = fake_phys(FACS_PADDR, sizeof(*facs));
		facs->firmware_waking_vector = 0x9c000;
		if (i < 2)
			assert_int_equal(fake_run(resume_jump(&resume, RAM_END)), FAKE_HANDOFF);
	}
	assert_false(resume_probe(&resume, &old_pc));
}

/* Whoever forges a record sums it up: counts and sizes are bounded nevertheless. */
static void test_forged(void **state)
{
	static const struct {
		const char *name;
		uint32_t cpus, writes;
		uint32_t odd, size; /* a write, and its size; all others have 8 bytes */
		bool wakes;
	} cases[] = {
		{ "the most", 0xffffffff, LOADER_MAX_WRITES, 0, 8, true },
		{ "no processor", 0, 0, 0, 8, false },
		{ "too many writes", 1, LOADER_MAX_WRITES + 1, 0, 8, false },
		{ "no end of writes", 1, 0xffffffff, 0, 8, false },
		{ "a write too large", 1, 1, 0, 9, false },
		{ "the last too large", 1, LOADER_MAX_WRITES, LOADER_MAX_WRITES - 1, 9, false },
		{ "one that is none", 1, 1, 1, 9, true },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		fake_reset();
		arm(RESUME_WHOLE);
		writes.count = cases[i].writes;
		for (uint32_t n = 0; n < LOADER_MAX_WRITES; n++)
			writes.writes[n].size = n == cases[i].odd ? cases[i].size : 8;
		resume_arm(&resume, RESUME_WHOLE, &writes, HOLE_BASE, cases[i].cpus, RSDP_PADDR);
		fake.cmos[0x0f] = 0xfe;
		assert_case_equal(cases[i].name, resume_probe(&resume, &old_pc), cases[i].wakes);
	}
	/* And names: the second of two has no terminator. */
	for (uint32_t i = 0; i < 2; i++) {
		fake_reset();
		arm(RESUME_WHOLE);
		writes.count = 1 + i;
		writes.writes[0].size = writes.writes[1].size = 8;
		memset(writes.writes[1].file, 'a', FW_CFG_NAME_SIZE);
		resume_arm(&resume, RESUME_WHOLE, &writes, HOLE_BASE, 1, RSDP_PADDR);
		fake.cmos[0x0f] = 0xfe;
		assert_int_equal(resume_probe(&resume, &old_pc), !i);
	}
	fake_reset();
	memset(&writes, 0, sizeof(writes));
	arm(RESUME_WHOLE);
	resume.facs_paddr = RAM_END - 63;
	assert_panics("the FACS is at", resume_jump(&resume, RAM_END));
	resume.facs_paddr = 0xfffffff0;
	assert_panics("the FACS is at", resume_jump(&resume, RAM_END));

	/* The last place for one. */
	fake_ram_add(RAM_END - 0x1000, 0x1000);
	resume.facs_paddr = RAM_END - 64;
	memset(fake_phys(RAM_END - 64, 64), 0, 64);
	((struct acpi_facs *)fake_phys(RAM_END - 64, 64))->firmware_waking_vector = 0x9c000;
	assert_int_equal(fake_run(resume_jump(&resume, RAM_END)), FAKE_HANDOFF);
}

static void test_another_boot(void **state)
{
	(void)state;
	arm(RESUME_WHOLE);
	assert_false(resume_probe(&resume, &old_pc));
	/* Void from now on. */
	fake.cmos[0x0f] = 0xfe;
	assert_false(resume_probe(&resume, &old_pc));
	assert_int_equal(fake.cmos[0x0f], 0xfe);
}

/* QEMU or SMRAM would overwrite it; a forged value is no reason to go on. */
static void test_cannot_wake(void **state)
{
	static const struct {
		enum resume_system system;
		const char *said;
	} cases[] = {
		{ RESUME_RELOADED, "use a bzImage or a UKI" },
		{ RESUME_UNDER_SMRAM, "the kernel lies where a wake sets SMRAM up" },
		{ (enum resume_system)99, "booting anew" },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		fake_reset();
		arm(cases[i].system);
		fake.cmos[0x0f] = 0xfe;
		assert_false(resume_probe(&resume, &old_pc));
		assert_int_equal(fake.cmos[0x0f], 0);
		assert_says(fake.console, cases[i].said);
	}
}

static void test_init_becomes_a_reset(void **state)
{
	static const struct machine machine = {
		.cpu = { .leaf1_edx = CPUID_1_EDX_MSR | CPUID_1_EDX_MTRR },
		.chipset = &microvm,
	};

	(void)state;
	arm(RESUME_WHOLE);
	fake_pci_set(isa, 0x60, 4, 0x0b0b0a0a);
	assert_int_equal(fake_run(resume_probe(&resume, &old_pc)), FAKE_RESET);
	assert_int_equal(resume.magic, 0);

	/* There is no FACS on a microvm. */
	fake_reset();
	resume_arm(&resume, RESUME_WHOLE, &writes, HOLE_BASE, 1, 0);
	fake_msr_set(IA32_MTRR_DEF_TYPE, 0xc06);
	assert_int_equal(fake_run(resume_probe(&resume, &machine)), FAKE_RESET);
	fake_reset();
	resume_arm(&resume, RESUME_WHOLE, &writes, HOLE_BASE, 1, 0);
	fake_msr_set(IA32_MTRR_DEF_TYPE, 0);
	assert_false(resume_probe(&resume, &machine));
	assert_int_equal(fake_exits(), 0);
}

static void test_vectors(void **state)
{
	static const struct {
		const char *name;
		uint32_t vector;
		uint64_t x_vector;
		uint8_t version;
		uint32_t length;
		bool real_mode;
		uint32_t entry;
	} cases[] = {
		{ "real mode", 0x9c000, 0, 0, 64, true, 0x9c000 },
		{ "QEMU's version 0 has no second", 0x9c001, 0x200000, 0, 64, true, 0x9c001 },
		{ "protected mode", 0x9c000, 0x200000, 1, 64, false, 0x200000 },
		{ "protected mode alone", 0, 0x200000, 2, 64, false, 0x200000 },
		{ "too short for it", 0x9c000, 0x200000, 1, 32, true, 0x9c000 },
		{ "just long enough", 0x9c000, 0x200000, 1, 33, false, 0x200000 },
		{ "the last real mode has", 0xfffff, 0, 0, 64, true, 0xfffff },
		{ "above 4 GiB", 0x9c000, 0x100000000, 1, 64, true, 0x9c000 },
	};
	struct acpi_facs *facs;

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		fake_reset();
		arm(RESUME_WHOLE);
		facs = fake_phys(FACS_PADDR, sizeof(*facs));
		facs->length = cases[i].length;
		facs->version = cases[i].version;
		facs->firmware_waking_vector = cases[i].vector;
		facs->x_firmware_waking_vector = cases[i].x_vector;
		assert_case_equal(cases[i].name, fake_run(resume_jump(&resume, RAM_END)),
				  FAKE_HANDOFF);
		assert_case_equal(cases[i].name, fake.handoff.real_mode, cases[i].real_mode);
		assert_case_equal(cases[i].name, fake.handoff.entry, cases[i].entry);
	}
	fake_reset();
	arm(RESUME_WHOLE);
	fake.cmos[0x0f] = 0xfe;
	assert_true(resume_probe(&resume, &old_pc));
	assert_int_equal(fake_run(resume_jump(&resume, RAM_END)), FAKE_RESET);
	assert_says(fake.console, "has no waking vector");
	assert_false(resume_probe(&resume, &old_pc));
	facs = fake_phys(FACS_PADDR, sizeof(*facs));
	facs->firmware_waking_vector = 0x100000;
	assert_panics("the waking vector", resume_jump(&resume, RAM_END));
	facs->firmware_waking_vector = 0;
	facs->x_firmware_waking_vector = 0x100000000;
	assert_panics("the waking vector", resume_jump(&resume, RAM_END));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_no_record_costs_nothing),
		UNIT_TEST(test_wake),
		UNIT_TEST(test_forged),
		UNIT_TEST(test_another_boot),
		UNIT_TEST(test_cannot_wake),
		UNIT_TEST(test_init_becomes_a_reset),
		UNIT_TEST(test_vectors),
	};

	return cmocka_run_group_tests_name("resume", tests, NULL, NULL);
}
