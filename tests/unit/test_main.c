/*
 * test_main.c - main.c and everything under it: whole boots on the modelled machine, from main() to
 * the kernel, and what must be true of every one of them.
 */
#include "machine.h"

#include "acpi_find.h"

static bool has_one_cpu(const char *record)
{
	return !strstr(record, "255") && !strstr(record, "288");
}

static void test_every_machine(void **state)
{
	(void)state;
	for (uint32_t r = 0; unit_records[r]; r++) {
		if (!has_one_cpu(unit_records[r]))
			continue;
		for (enum kernel kernel = 0; kernel < KERNELS; kernel++) {
			char name[64];

			snprintf(name, sizeof(name), "%s, kernel %d", unit_records[r], (int)kernel);
			add_machine(unit_records[r], kernel);
			fake.on_pause = others_arrive;
			if (fake_run(run_firmware()) != FAKE_HANDOFF)
				fail_msg("%s: no hand-over: %s", name, fake.panic);
			check_boot(name, kernel);
		}
	}
}

/* Whatever access the machine is reset at, the next boot believes nothing of what it finds. */
static void test_reset_at_every_access(void **state)
{
	static const char *const records[] = { "q35", "pc", "microvm" };

	(void)state;
	for (uint32_t r = 0; r < COUNT(records); r++) {
		uint32_t accesses = UINT32_MAX, n;

		for (n = 1; n <= accesses; n++) {
			add_machine(records[r], (enum kernel)(n % KERNELS));
			fake.on_pause = others_arrive;
			fake.reset_after = n;
			if (fake_run(run_firmware()) == FAKE_HANDOFF)
				accesses = n; /* it is over before this access */
			reset_machine(records[r], (enum kernel)(n % KERNELS));
			if (fake_run(run_firmware()) != FAKE_HANDOFF)
				fail_msg("%s, reset at access %u: %s", records[r], n, fake.panic);
			check_boot(records[r], (enum kernel)(n % KERNELS));
		}
		assert_in_range(n, 12, 500);
	}
}

/* A transfer of fw_cfg that fails, whichever it is, is a panic that says so. */
static void test_every_transfer_fails(void **state)
{
	uint32_t transfers;

	(void)state;
	add_machine("q35", BZIMAGE);
	fake.on_pause = others_arrive;
	assert_int_equal(fake_run(run_firmware()), FAKE_HANDOFF);
	transfers = fake.fw_cfg.transfers;
	assert_in_range(transfers, 8, 40);
	for (uint32_t n = 0; n < transfers; n++) {
		add_machine("q35", BZIMAGE);
		fake.on_pause = others_arrive;
		fake.fw_cfg.fail_after = n;
		if (fake_run(run_firmware()) != FAKE_PANIC)
			fail_msg("transfer %u of %u failed, and nothing was said", n, transfers);
		assert_says(fake.panic, "fw_cfg: ");
	}
}

/* ---- What only some machines have ---- */

static void must_boot(const char *name, enum kernel kernel)
{
	if (fake_run(run_firmware()) != FAKE_HANDOFF)
		fail_msg("%s: no hand-over: %s", name, fake.panic);
	check_boot(name, kernel);
}

static uint32_t rsdp_told(void)
{
	const struct linux_boot_params *params = phys_ptr(fake.handoff.esi);

	return (uint32_t)params->acpi_rsdp_addr;
}

/* A pc of a time when QEMU had no tables: they are the firmware's own. */
static void test_own_acpi(void **state)
{
	static const struct fw_cfg_hpet hpet = { .count = 1, .address = 0xfed00000 };
	static const char *const files[] = { "etc/acpi/rsdp", "etc/acpi/tables",
					     "etc/table-loader" };

	(void)state;
	for (uint32_t has_hpet = 0; has_hpet < 2; has_hpet++) {
		add_machine("pc", BZIMAGE);
		for (uint32_t i = 0; i < COUNT(files); i++)
			fake_fw_cfg_find(files[i])->name = "none";
		if (has_hpet)
			fake_fw_cfg_item(FW_CFG_KEY_HPET, &hpet, sizeof(hpet));
		fake_fw_cfg_u16(FW_CFG_KEY_CPU_COUNT, 2);
		fake.on_pause = others_arrive;
		must_boot("own ACPI", BZIMAGE);
		assert_non_null(acpi_find_table(rsdp_told(), "FACP"));
		assert_int_equal(acpi_find_processors(rsdp_told()), 2);
		assert_int_equal(acpi_find_table(rsdp_told(), "HPET") != NULL, has_hpet);
	}
}

static uint64_t read_pm_timer(uint32_t port, uint32_t size)
{
	static uint32_t now;

	(void)port;
	(void)size;
	return (now += 1000) & 0xffffff;
}

/* How the rate of the TSC can be known. */
static void set_clock(uint32_t way)
{
	static const struct fake_device timer = { PM_TIMER_PORT, PM_TIMER_PORT, false,
						  read_pm_timer, NULL };

	switch (way) {
	case 0: /* nobody says it, and the timer does not run */
		break;
	case 1:
		fake_cpuid_set(0, 0, (struct cpuid){ .eax = 0x15 });
		fake_cpuid_set(0x15, 0, (struct cpuid){ .eax = 2, .ebx = 200, .ecx = 24000000 });
		break;
	case 2:
		fake_cpuid_set(
			1, 0, (struct cpuid){ .eax = 0x60fb1, .ecx = 1u << 31, .edx = 0x1783fbff });
		fake_cpuid_set(0x40000000, 0, (struct cpuid){ .eax = 0x40000010 });
		fake_cpuid_set(0x40000010, 0, (struct cpuid){ .eax = 2000000 });
		break;
	case 3:
		fake_add_device(&timer);
		break;
	}
}

/* The boot record, listed in the RSDT or XSDT, with times that go on. */
static void test_fpdt(void **state)
{
	static const char *const records[] = { "pc", "q35", "q35-qemu10" };

	(void)state;
	for (uint32_t i = 0; i < COUNT(records) * 4; i++) {
		const struct acpi_fpdt *table;
		const struct acpi_fbpt *record;

		add_machine(records[i / 4], BZIMAGE);
		fake_fw_cfg_file("opt/org.qboot/fpdt", "1", 1);
		set_clock(i % 4);
		fake.on_pause = others_arrive;
		if (i % 4 == 0) {
			assert_int_equal(fake_run(run_firmware()), FAKE_HANDOFF);
			assert_says(fake.console, "fpdt: ");
			continue;
		}
		must_boot(records[i / 4], BZIMAGE);
		table = (const void *)acpi_find_table(rsdp_told(), "FPDT");
		assert_non_null(table);
		record = phys_ptr((uint32_t)table->fbpt);
		assert_memory_equal(record->signature, "FBPT", 4);
		assert_true(record->reset_end && record->load_image_start > record->reset_end);
		assert_true(record->start_image_start > record->load_image_start);
	}
}

/* To sleep and back: the vector that the operating system left, MTRRs as they were. */
static void test_wake(void **state)
{
	static const char *const records[] = { "pc", "q35", "q35-tpm", "q35-devices" };

	(void)state;
	for (uint32_t i = 0; i < COUNT(records); i++) {
		const struct acpi_fadt *fadt;
		struct acpi_facs *facs;

		add_machine(records[i], BZIMAGE);
		fake.on_pause = others_arrive;
		must_boot(records[i], BZIMAGE);
		fadt = (const void *)acpi_find_table(rsdp_told(), "FACP");
		facs = phys_ptr(fadt->firmware_ctrl);
		facs->firmware_waking_vector = 0x9a000;
		reset_machine(records[i], BZIMAGE);
		fake.cmos[0x0f] = 0xfe;
		if (fake_run(run_firmware()) != FAKE_HANDOFF)
			fail_msg("%s does not wake: %s", records[i], fake.panic);
		assert_true(fake.handoff.real_mode);
		assert_int_equal(fake.handoff.entry, 0x9a000);
		assert_int_equal(fake_msr_get(0x2ff), 0xc06);
		assert_int_equal(fake.cmos[0x0f], 0);
		assert_string_equal(fake.console, "");
	}
}

/* Tables that fill the firmware's pool: Linux still finds hvm_start_info where it can read it. */
static void test_full_pool(void **state)
{
	static const uint8_t head[] = { 200, 4, 0x34, 0x12 }, last[] = { 0, 0, 127, 4, 1, 0, 0, 0 };
	static uint8_t table[8 * KIB];

	(void)state;
	memcpy(table, head, sizeof(head));
	memset(table + sizeof(head), 'x', sizeof(table) - sizeof(head));
	for (uint32_t size = KIB; size <= sizeof(table); size += 0x80) {
		memcpy(table + size - sizeof(last), last, sizeof(last));
		add_machine("q35", PVH);
		fake_fw_cfg_find("etc/smbios/smbios-tables")->name = "none";
		fake_fw_cfg_file("etc/smbios/smbios-tables", table, size);
		fake.on_pause = others_arrive;
		must_boot("a full pool", PVH);
		memset(table + size - sizeof(last), 'x', sizeof(last));
	}
}

/* ---- Processors ---- */

static uint32_t pauses_left;

static void one_comes_late(void)
{
	if (pauses_left)
		pauses_left--;
	else
		others_arrive();
}

/* Late is in time, never is said, by the number of the one that is missing. */
static void test_processors(void **state)
{
	(void)state;
	for (uint32_t late = 0; late < 300; late += 37) {
		add_machine("q35-devices", PVH);
		pauses_left = late;
		fake.on_pause = one_comes_late;
		must_boot("late", PVH);
	}
	add_machine("q35-devices", PVH);
	if (fake_run(run_firmware()) != FAKE_HANDOFF)
		fail_msg("without the other processor: %s", fake.panic);
	assert_says(fake.console, "smp: 1 of 2 processors answered, not APIC id 1");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_every_machine),
		UNIT_TEST(test_reset_at_every_access),
		UNIT_TEST(test_every_transfer_fails),
		UNIT_TEST(test_own_acpi),
		UNIT_TEST(test_fpdt),
		UNIT_TEST(test_wake),
		UNIT_TEST(test_full_pool),
		UNIT_TEST(test_processors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
