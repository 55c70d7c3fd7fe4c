/*
 * test_main.c - main.c and everything under it: whole boots on the modelled machine, from main() to
 * the kernel, and what must be true of every one of them.
 */
#include "machine.h"

#include "acpi_find.h"
#include "table_loader.h"

static bool is_any(const char *record, const char *what)
{
	return strstr(record, what) != NULL;
}

/* All recordings: those with tables, then the machine that has none; NULL at the end. */
static const char *record_at(uint32_t r)
{
	static uint32_t last;

	while (unit_records[last])
		last++;
	return r == last ? "isapc" : r < last ? unit_records[r] : NULL;
}

/* TSEG, which many processors need, takes more memory. */
static void add(const char *record, enum kernel kernel)
{
	machine_ram = is_any(record, "288") ? 24 * MIB : RAM_END;
	add_machine(record, kernel);
}

/* SMM on or off, whatever it was when the tables were recorded. */
static void set_smm(bool on)
{
	find_fadt()->smi_cmd = on ? APM_CNT_PORT : 0;
}

static void must_boot(const char *name, enum kernel kernel)
{
	if (fake_run(run_firmware()) != FAKE_HANDOFF)
		fail_msg("%s: no hand-over: %s", name, fake.panic);
	check_boot(name, kernel);
}

/* Every recorded machine with each kernel, q35 with and without SMRAM at the default SMBASE. */
static void test_every_machine(void **state)
{
	uint32_t boots = 0;

	(void)state;
	for (uint32_t r = 0; record_at(r); r++) {
		for (uint32_t n = 0; n < 2 * KERNELS; n++) {
			enum kernel kernel = (enum kernel)(n / 2);
			char name[64];

			has_f_smbase = n % 2;
			if (has_f_smbase && !is_any(record_at(r), "q35"))
				continue;
			snprintf(name, sizeof(name), "%s, kernel %d, F_SMBASE %d", record_at(r),
				 (int)kernel, has_f_smbase);
			add(record_at(r), kernel);
			must_boot(name, kernel);
			check_untouched(name);
			boots++;
		}
	}
	assert_in_range(boots, 100, 200);
}

/* RAM, and with it all that a kernel is handed, does not depend on what RAM had before. */
static void test_ram_is_not_believed(void **state)
{
	static uint8_t first[24 * MIB];

	(void)state;
	for (uint32_t r = 0; record_at(r); r++) {
		for (enum kernel kernel = 0; kernel < KERNELS; kernel++) {
			struct fake_handoff handoff;
			const uint8_t *second;

			fake_fill = 0xa5;
			add(record_at(r), kernel);
			must_boot(record_at(r), kernel);
			handoff = fake.handoff;
			smram_reset();
			memcpy(first, fake_phys(0, machine_ram), machine_ram);
			fake_fill = 0x5a;
			add(record_at(r), kernel);
			must_boot(record_at(r), kernel);
			fake_fill = 0xa5;
			smram_reset();
			second = fake_phys(0, machine_ram);
			assert_memory_equal(&handoff, &fake.handoff, sizeof(handoff));
			for (uint32_t i = 0; i < machine_ram; i++)
				if (first[i] != second[i] &&
				    (first[i] != 0xa5 || second[i] != 0x5a))
					fail_msg("%s, kernel %d: 0x%x depends on what was there",
						 record_at(r), (int)kernel, i);
		}
	}
}

/* Whatever access the machine is reset at, the next boot believes nothing of what it finds. */
static void test_reset_at_every_access(void **state)
{
	static const char *const records[] = { "q35", "q35-devices", "pc", "microvm", "isapc" };

	(void)state;
	for (uint32_t r = 0; r < COUNT(records); r++) {
		uint32_t accesses = UINT32_MAX, n;

		for (n = 1; n <= accesses; n++) {
			has_f_smbase = n & 1;
			add(records[r], (enum kernel)(n % KERNELS));
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

/*
 * An INIT of the boot processor keeps RAM, chipset and, under KVM, MTRRs.  The boot that follows
 * ends at a kernel, or resets the machine, whose next boot does.  An INIT of a kernel that runs is
 * always a reset where anything tells: only microvm and isapc without KVM have nothing that does.
 */
static void init_at(const char *record, enum kernel kernel, uint32_t n, bool kvm, bool running)
{
	enum fake_end end;
	bool tells = kvm || fake.pci.function_count;

	if (!kvm)
		fake_msr_set(IA32_MTRR_DEF_TYPE, 0);
	fake.caches_off = false;
	fake.reset_after = 0;
	fake.console[0] = '\0';
	if (kernel != BZIMAGE)
		memcpy(fake_phys(elf_base, KERNEL_SIZE), kernel_bytes, KERNEL_SIZE);
	end = (enum fake_end)fake_run(run_firmware());
	if (running && tells && end != FAKE_RESET)
		fail_msg("%s, an INIT of a running kernel is no reset: %d", record, (int)end);
	if (end == FAKE_HANDOFF)
		return;
	if (end != FAKE_RESET)
		fail_msg("%s, INIT at access %u: end %d, %s", record, n, (int)end, fake.panic);
	reset_machine(record, kernel);
	must_boot(record, kernel);
}

static void test_init_at_every_access(void **state)
{
	static const char *const records[] = { "q35", "q35-devices", "pc", "microvm", "isapc" };

	(void)state;
	for (uint32_t r = 0; r < COUNT(records) * 2; r++) {
		uint32_t accesses = UINT32_MAX, n;

		for (n = 1; n <= accesses; n++) {
			enum kernel kernel = (enum kernel)(n % KERNELS);

			has_f_smbase = n & 1;
			add(records[r / 2], kernel);
			fake.reset_after = n;
			if (fake_run(run_firmware()) == FAKE_HANDOFF)
				accesses = n; /* and this one is an INIT of a running kernel */
			init_at(records[r / 2], kernel, n, r % 2, accesses == n);
		}
		assert_in_range(n, 12, 500);
	}
}

/* A transfer of fw_cfg that fails, whichever it is, is a panic that says so. */
static void test_every_transfer_fails(void **state)
{
	uint32_t transfers;

	(void)state;
	add("q35", BZIMAGE);
	assert_int_equal(fake_run(run_firmware()), FAKE_HANDOFF);
	transfers = fake.fw_cfg.transfers;
	assert_in_range(transfers, 8, 40);
	for (uint32_t n = 0; n < transfers; n++) {
		add("q35", BZIMAGE);
		fake.fw_cfg.fail_after = n;
		if (fake_run(run_firmware()) != FAKE_PANIC)
			fail_msg("transfer %u of %u failed, and nothing was said", n, transfers);
		assert_says(fake.panic, "fw_cfg: ");
	}
}

/* ---- Sizes that change ---- */

/* A number that is a MiB more each time but the first that it is read. */
static void grow_number(struct fake_item *item)
{
	uint32_t number;

	memcpy(&number, item->bytes, sizeof(number));
	if (item->reads)
		number += MIB;
	memcpy(item->bytes, &number, sizeof(number));
}

/* Whatever size grows between two reads, nothing is written where nothing was kept. */
static void test_sizes_change(void **state)
{
	static const uint16_t sizes[] = { FW_CFG_KEY_KERNEL_SIZE, FW_CFG_KEY_INITRD_SIZE,
					  FW_CFG_KEY_CMDLINE_SIZE, FW_CFG_KEY_SETUP_SIZE };
	static char long_cmdline[6000];

	(void)state;
	memset(long_cmdline, 'x', sizeof(long_cmdline) - 1);
	for (enum kernel kernel = 0; kernel < MULTIBOOT; kernel++) {
		cmdline = long_cmdline;
		add("q35", kernel);
		for (uint32_t i = 0; i < COUNT(sizes); i++)
			if (fake_fw_cfg_get(sizes[i]))
				fake_fw_cfg_get(sizes[i])->on_select = grow_number;
		assert_int_equal(fake_run(run_firmware()), FAKE_HANDOFF);
		fake.console[0] = '\0'; /* Linux cuts such a line, and is said to */
		check_boot("sizes that grow", kernel);
		check_untouched("sizes that grow");
		cmdline = CMDLINE;
	}
}

static uint32_t whole_script;

static void grow_script(struct fake_item *script)
{
	script->size = whole_script;
}

/* QEMU builds its files anew when the first is selected, and the directory is older than they. */
static void test_script_grows(void **state)
{
	static const char *const records[] = { "pc", "q35", "q35-288", "microvm" };

	(void)state;
	for (uint32_t r = 0; r < COUNT(records); r++) {
		for (uint32_t commands = 1; commands < 4; commands++) {
			struct fake_item *script;

			add(records[r], BZIMAGE);
			script = fake_fw_cfg_find("etc/table-loader");
			whole_script = script->size;
			for (uint32_t i = 0; i < commands; i++) {
				uint32_t padding;

				do { /* what is left out is no padding */
					script->size -= sizeof(struct loader_command);
					memcpy(&padding, script->bytes + script->size, 4);
				} while (!padding);
			}
			script->on_select = grow_script;
			must_boot(records[r], BZIMAGE);
			check_untouched(records[r]);
		}
	}
}

/* ---- What only some machines have ---- */

static uint32_t rsdp_told(void)
{
	const struct linux_boot_params *params = phys_ptr(fake.handoff.esi);

	return (uint32_t)params->acpi_rsdp_addr;
}

/* As QEMU is with acpi=off, but for the PM function, or of a time when it had no tables. */
static void remove_acpi(void)
{
	static const char *const files[] = { "etc/acpi/rsdp", "etc/acpi/tables", "etc/table-loader",
					     "etc/vmgenid_addr" };

	for (uint32_t i = 0; i < COUNT(files); i++)
		if (fake_fw_cfg_find(files[i]))
			fake_fw_cfg_find(files[i])->name = "none";
}

/* A pc of a time when QEMU had no tables: they are the firmware's own. */
static void test_own_acpi(void **state)
{
	static const struct fw_cfg_hpet hpet = { .count = 1, .address = 0xfed00000 };

	(void)state;
	for (uint32_t has_hpet = 0; has_hpet < 2; has_hpet++) {
		add("pc", BZIMAGE);
		remove_acpi();
		if (has_hpet)
			fake_fw_cfg_item(FW_CFG_KEY_HPET, &hpet, sizeof(hpet));
		fake_fw_cfg_u32(FW_CFG_KEY_IRQ0_OVERRIDE, has_hpet);
		fake_fw_cfg_u16(FW_CFG_KEY_CPU_COUNT, 2);
		add_processor(1);
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

		add(records[i / 4], BZIMAGE);
		fake_fw_cfg_file("opt/org.qboot/fpdt", "1", 1);
		set_clock(i % 4);
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

#define WAKING_VECTOR 0x9a000

/* What the operating system has in RAM that is its own; check: it must be there, else it is put. */
static void use_ram(const char *name, bool check)
{
	for (uint32_t i = 0; i < told.count; i++) {
		const struct e820_entry *range = &told.ranges[i];
		uint8_t *bytes = fake_phys(range->base, range->size);

		for (uint32_t n = 0; range->type == MEMORY_RAM && n < range->size; n++) {
			uint8_t wanted = (uint8_t)(n * 7 + (n >> 8));

			if (!check)
				bytes[n] = wanted;
			else if (bytes[n] != wanted)
				fail_msg("%s: the wake has changed 0x%x", name,
					 (uint32_t)range->base + n);
		}
	}
}

static void fall_asleep(void)
{
	const struct acpi_fadt *fadt = (const void *)acpi_find_table(rsdp_told(), "FACP");
	struct acpi_facs *facs = phys_ptr(fadt->firmware_ctrl);

	facs->firmware_waking_vector = WAKING_VECTOR;
	use_ram("", false);
}

/*
 * To sleep and back: the vector that the operating system left, MTRRs as they were, SMM set up
 * again, the 8259s where they were for the boot, and nothing changed that is the operating
 * system's.
 */
static void test_wake(void **state)
{
	static const char *const records[] = { "pc",          "q35",      "q35-tpm",
					       "q35-devices", "q35-numa", "pc-vmgenid" };

	(void)state;
	for (uint32_t i = 0; i < COUNT(records) * 2; i++) {
		const char *record = records[i / 2];
		uint32_t rsdp;

		has_f_smbase = i % 2;
		add(record, BZIMAGE);
		must_boot(record, BZIMAGE);
		rsdp = rsdp_told();
		fall_asleep();
		reset_machine(record, BZIMAGE);
		fake.cmos[0x0f] = 0xfe;
		if (fake_run(run_firmware()) != FAKE_HANDOFF)
			fail_msg("%s does not wake: %s", record, fake.panic);
		assert_true(fake.handoff.real_mode);
		assert_int_equal(fake.handoff.entry, WAKING_VECTOR);
		assert_int_equal(fake.cmos[0x0f], 0);
		assert_case_equal(record, fake.lapic[LAPIC_LVT_LINT0 / 4], LAPIC_LVT_EXTINT);
		assert_case_equal(record, fake_count(FAKE_PORT_WRITE, 0x21), 1);
		assert_case_equal(record, fake_count(FAKE_PORT_WRITE, 0xa1), 1);
		check_platform(record, rsdp);
		use_ram(record, true);
	}
}

/* RAM may forget: a record with any bit changed is none, and the machine boots. */
static void test_damaged_record(void **state)
{
	struct resume whole;

	(void)state;
	add("q35-devices", BZIMAGE);
	must_boot("q35-devices", BZIMAGE);
	fall_asleep();
	whole = resume;
	for (uint32_t i = 0; i < sizeof(resume) / 4; i++) {
		reset_machine("q35-devices", BZIMAGE);
		fake.cmos[0x0f] = 0xfe;
		resume = whole;
		((uint32_t *)&resume)[i] ^= 1u << i % 32;
		if (fake_run(run_firmware()) != FAKE_HANDOFF || fake.handoff.real_mode)
			fail_msg("with word %u changed: %s", i, fake.panic);
		check_boot("a damaged record", BZIMAGE);
	}
	/* The mark is still in CMOS at the next reset, and nobody sleeps. */
	reset_machine("q35-devices", BZIMAGE);
	fake.cmos[0x0f] = 0xfe;
	assert_int_equal(fake_run(run_firmware()), FAKE_RESET);
	assert_int_equal(fake.cmos[0x0f], 0);
	reset_machine("q35-devices", BZIMAGE);
	must_boot("after an old mark", BZIMAGE);
}

/* A kernel may forge the record: no processor writes an MSR that the kernel chooses. */
static void test_forged_record(void **state)
{
	struct resume whole;
	uint32_t *words = (uint32_t *)&resume;

	(void)state;
	add("q35-devices", BZIMAGE);
	must_boot("q35-devices", BZIMAGE);
	fall_asleep();
	whole = resume;
	for (uint32_t i = offsetof(struct resume, facs_paddr) / 4; i < sizeof(resume) / 4; i++) {
		reset_machine("q35-devices", BZIMAGE);
		fake.cmos[0x0f] = 0xfe;
		resume = whole;
		resume.checksum += IA32_APIC_BASE - words[i];
		words[i] = IA32_APIC_BASE;
		fake_run(run_firmware());
		assert_int_equal(fake_count(FAKE_WRMSR, IA32_APIC_BASE), 0);
		assert_int_equal(written_msr(&processors[1].msrs, IA32_APIC_BASE), 0);
		fake.console[0] = '\0';
	}
}

/* A processor that was plugged in since the boot has no place in SMRAM, and the wake goes on. */
static void test_wake_with_more_processors(void **state)
{
	(void)state;
	add("q35-devices", BZIMAGE);
	must_boot("q35-devices", BZIMAGE);
	fall_asleep();
	reset_machine("q35-devices", BZIMAGE);
	fake_fw_cfg_u16(FW_CFG_KEY_CPU_COUNT, 3);
	add_processor(2);
	fake.cmos[0x0f] = 0xfe;
	assert_int_equal(fake_run(run_firmware()), FAKE_HANDOFF);
	assert_int_equal(fake.handoff.entry, WAKING_VECTOR);
	use_ram("with more processors", true);
	for (uint32_t i = 1; i < processor_count; i++)
		assert_int_equal(written_msr(&processors[i].msrs, IA32_MTRR_DEF_TYPE), 0xc06);
}

/* An expansion ROM gets an address, too; it is not switched on.  A CardBus bridge gets none. */
static void test_rom_and_cardbus(void **state)
{
	struct fake_pci *pci;
	uint64_t rom;

	(void)state;
	add("q35", BZIMAGE);
	pci = fake_pci_add(fake_pci_at(PCI_BDF(0, 4, 0)), 0, 1, 0x1234, 0x5678);
	memcpy(pci->writable + PCI_ROM, (uint8_t[]){ 1, 0, 0xff, 0xff }, 4);
	pci = fake_pci_add(NULL, 6, 0, 0x1234, 0x5679);
	memcpy(pci->writable + PCI_ROM, (uint8_t[]){ 1, 0, 0xff, 0xff }, 4);
	fake_pci_set(fake_pci_add(NULL, 7, 0, 0x1234, 0x567a), PCI_HEADER_TYPE, 1, 2);
	must_boot("ROM", BZIMAGE);
	rom = fake_pci_get(pci, PCI_ROM, 4);
	assert_true(rom && rom % 0x10000 == 0);
	assert_false(is_told(rom, 1, MEMORY_RAM, MEMORY_RAM));
}

/* As many addresses to tell as there is room for are told; one more is a panic that says so. */
static void boot_with_pointers(uint32_t more)
{
	static uint8_t script[0x4000];
	const struct loader_command *command;
	struct fake_item *item;
	uint32_t size;

	add("q35", BZIMAGE);
	item = fake_fw_cfg_find("etc/table-loader");
	command = (const void *)item->bytes;
	while (command->command != LOADER_WRITE_POINTER)
		command++;
	size = item->size;
	assert_in_range(size, sizeof(*command),
			sizeof(script) - LOADER_MAX_WRITES * sizeof(*command));
	memcpy(script, item->bytes, size);
	for (uint32_t i = 0; i < more; i++, size += sizeof(*command))
		memcpy(script + size, command, sizeof(*command));
	item->name = "none";
	fake_fw_cfg_file("etc/table-loader", script, size);
}

static void test_many_pointers(void **state)
{
	(void)state;
	boot_with_pointers(LOADER_MAX_WRITES - 1);
	must_boot("as many pointers as fit", BZIMAGE);
	assert_int_equal(fake_fw_cfg_find("etc/vmgenid_addr")->writes, LOADER_MAX_WRITES);
	boot_with_pointers(LOADER_MAX_WRITES);
	assert_panics("has more entries than there is room for", run_firmware());
}

/* Tables that fill the firmware's pool: Linux still finds hvm_start_info where it can read it. */
static void test_full_pool(void **state)
{
	static const uint8_t head[] = { 200, 4, 0x34, 0x12 }, last[] = { 0, 0, 127, 4, 1, 0, 0, 0 };
	static uint8_t table[40 * KIB];
	struct e820_entry ranges[61] = { { 0, RAM_END, MEMORY_RAM } };

	(void)state;
	for (uint32_t i = 1; i < COUNT(ranges); i++)
		ranges[i] = (struct e820_entry){ 4 * GIB + i * 2 * MIB, MIB, MEMORY_RESERVED };
	memcpy(table, head, sizeof(head));
	memset(table + sizeof(head), 'x', sizeof(table) - sizeof(head));
	for (uint32_t size = KIB; size <= sizeof(table); size += 0x180) {
		memcpy(table + size - sizeof(last), last, sizeof(last));
		add("q35", PVH);
		/* With a map so long there may be no room for it either. */
		fake_fw_cfg_find("etc/e820")->name = "none";
		fake_fw_cfg_file("etc/e820", ranges, sizeof(ranges));
		fake_fw_cfg_find("etc/smbios/smbios-tables")->name = "none";
		fake_fw_cfg_file("etc/smbios/smbios-tables", table, size);
		must_boot("a full pool", PVH);
		memset(table + size - sizeof(last), 'x', sizeof(last));
	}
}

/* A kernel may lie where the first SMIs lead and save their state: it is whole all the same. */
static void test_kernel_under_first_smis(void **state)
{
	static const char *const records[] = { "q35", "q35-numa", "pc", "pc-vmgenid" };

	(void)state;
	has_f_smbase = false;
	for (uint32_t r = 0; r < COUNT(records); r++) {
		elf_base = SMBASE_DEFAULT + SMBASE_ENTRY;
		add(records[r], PVH);
		must_boot(records[r], PVH);
		elf_base = ELF_BASE;
	}
}

/* ---- Processors ---- */

/* The next machine's APIC ids, by their order, instead of 0, 1, 2 ... */
static void set_ids(const uint32_t *ids, uint32_t count)
{
	assert_int_equal(processor_count, count);
	for (uint32_t i = 0; i < count; i++)
		processors[i].apic_id = ids[i];
	fake_fw_cfg_u16(FW_CFG_KEY_APIC_ID_LIMIT, (uint16_t)(ids[count - 1] + 1));
}

static void expect_smis(const char *name, uint32_t each)
{
	for (uint32_t i = 0; i < processor_count; i++)
		assert_case_equal(name, processors[i].smis, each);
}

/* Late is in time; never is said, by the number of the one that is missing. */
static void test_late_processors(void **state)
{
	(void)state;
	for (uint32_t pace = 1; pace < 80; pace += 3) {
		add("q35-devices", PVH);
		processors[1].pace = pace;
		must_boot("late", PVH);
		expect_smis("late", 1);
		add("q35-numa", BZIMAGE);
		for (uint32_t i = 1; i < processor_count; i++)
			processors[i].pace = 1 + pace * i % 80;
		must_boot("each at a pace of its own", BZIMAGE);
		expect_smis("each at a pace of its own", 1);
	}
	add("q35-devices", PVH);
	processors[1].pace = NEVER;
	if (fake_run(run_firmware()) != FAKE_HANDOFF)
		fail_msg("without the other processor: %s", fake.panic);
	assert_says(fake.console, "smp: 1 of 2 processors answered, not APIC id 1");
	fake.console[0] = '\0';
}

/* Of eight, one that never comes costs a message; the others have what they must have. */
static void test_missing_processor(void **state)
{
	(void)state;
	for (uint32_t missing = 1; missing < 8; missing++) {
		char words[80];

		add("q35-numa", BZIMAGE);
		processors[missing].pace = NEVER;
		assert_int_equal(fake_run(run_firmware()), FAKE_HANDOFF);
		snprintf(words, sizeof(words), "smp: 7 of 8 processors answered, not APIC id %u;",
			 missing);
		assert_says(fake.console, words);
		fake.console[0] = '\0';
		check_boot("one never comes", BZIMAGE);
	}
}

/* Who reports twice is one processor all the same: one SMBASE, one SMI. */
static void test_reports_twice(void **state)
{
	(void)state;
	for (uint32_t i = 1; i < 8; i++) {
		add("q35-numa", PVH);
		processors[i].reports = 2;
		processors[i].pace = i % 2 ? 1 : 5;
		must_boot("reports twice", PVH);
		expect_smis("reports twice", 1);
	}
}

/* Ids are names, not numbers from 0 on: as with three cores in a package of four. */
static void test_ids_with_holes(void **state)
{
	static const uint32_t holes[] = { 0, 1, 2, 4, 5, 6, 8, 254 };
	static const char *const records[] = { "q35-numa", "q35-numa-qemu10" };

	(void)state;
	for (uint32_t r = 0; r < COUNT(records); r++) {
		uint8_t *tables;
		uint32_t size, found = 0;

		has_f_smbase = r;
		add(records[r], BZIMAGE);
		set_ids(holes, COUNT(holes));
		/* The MADT says so, too, and the DSDT: type 0, length 8, number, id, enabled. */
		tables = fake_fw_cfg_find("etc/acpi/tables")->bytes;
		size = fake_fw_cfg_find("etc/acpi/tables")->size;
		for (uint32_t i = 0; i + 8 <= size; i++) {
			uint8_t n = tables[i + 2];
			uint8_t entry[8] = { 0, 8, n, n, 1 };

			if (n >= COUNT(holes) || memcmp(tables + i, entry, sizeof(entry)) != 0)
				continue;
			tables[i + 3] = (uint8_t)holes[n];
			found++;
			i += 7;
		}
		assert_int_equal(found, 2 * COUNT(holes));
		must_boot(records[r], BZIMAGE);
		expect_smis(records[r], 1);
	}
}

static void add_without_acpi(const char *record, const uint32_t *ids, uint32_t count)
{
	add(record, BZIMAGE);
	remove_acpi();
	add_processors(count);
	set_ids(ids, count);
	fake_cpuid_set(1, 0,
		       (struct cpuid){ .eax = 0x60fb1, .ebx = ids[0] << 24, .edx = 0x1783fbff });
	fake_fw_cfg_u16(FW_CFG_KEY_CPU_COUNT, (uint16_t)count);
}

/*
 * Where QEMU has no MADT, the tables have the ids of the processors that are there: QEMU leaves
 * holes for sockets, dies and cores that are no power of two, and for those not plugged in.
 */
static void test_ids_without_acpi(void **state)
{
	static const char *const records[] = { "pc", "q35", "microvm" };
	static const uint32_t ids[][6] = { { 0, 1, 2, 4, 5, 6 },
					   { 0, 3, 9, 17, 253, 254 },
					   { 4, 0, 1, 2, 5, 6 } };

	(void)state;
	for (uint32_t r = 0; r < COUNT(records) * COUNT(ids); r++) {
		const char *record = records[r / COUNT(ids)];
		const uint32_t *have = ids[r % COUNT(ids)];
		uint32_t offset = ACPI_MADT_ENTRIES, apic_id;
		const struct acpi_header *madt;

		add_without_acpi(record, have, 6);
		must_boot(record, BZIMAGE);
		madt = acpi_find_table(rsdp_told(), "APIC");
		assert_case_equal(record, madt != NULL, r < COUNT(ids));
		for (uint32_t i = 0; madt && i < 6; i++) {
			assert_true(acpi_next_processor(madt, &offset, &apic_id));
			assert_case_equal(record, apic_id, have[i]);
		}
		/* One that does not come is in no table. */
		add_without_acpi(record, have, 6);
		processors[3].pace = NEVER;
		assert_int_equal(fake_run(run_firmware()), FAKE_HANDOFF);
		assert_says(fake.console, "smp: 5 of 6 processors answered;");
		fake.console[0] = '\0';
		check_boot(record, BZIMAGE);
	}
}

/* Ids above 254 are in x2APIC mode, the others not, and each has had its turn. */
static void test_large_ids(void **state)
{
	static const char *const records[] = { "q35-288", "q35-288-qemu10" };

	(void)state;
	for (uint32_t r = 0; r < COUNT(records) * 2; r++) {
		has_f_smbase = r & 1;
		add(records[r / 2], PVH);
		set_smm(true);
		assert_int_equal(processor_count, 288);
		for (uint32_t i = 1; i < processor_count; i++)
			processors[i].pace = 1 + i % 7;
		must_boot(records[r / 2], PVH);
		for (uint32_t i = 0; i < processor_count; i++)
			assert_int_equal(processors[i].x2apic,
					 processors[i].apic_id > LAPIC_MAX_XAPIC_ID);
		expect_smis(records[r / 2], 1);
	}
}

/*
 * The first of those above 254 comes too late: an SMI to APIC id 0 would reach it, too, or to 1.
 * Nobody is sent one, and the boot processor raises its own.
 */
static void test_large_id_late(void **state)
{
	static const char *const records[] = { "q35-288", "q35-288-qemu10" };

	(void)state;
	for (uint32_t r = 0; r < COUNT(records) * 4; r++) {
		uint32_t missing = 256 + r / 4;

		has_f_smbase = r & 1;
		add(records[r / 4], PVH);
		set_smm(true);
		if (r & 2) /* the limit of ids is not told */
			fake_fw_cfg_u16(FW_CFG_KEY_APIC_ID_LIMIT, 0);
		processors[missing].pace = NEVER;
		assert_int_equal(fake_run(run_firmware()), FAKE_HANDOFF);
		assert_says(fake.console, "smp: 287 of 288 processors answered, not APIC id 25");
		assert_says(fake.console,
			    "smm: one that did not answer may get the SMIs of others");
		fake.console[0] = '\0';
		assert_int_equal(processors[0].smis, 1);
		for (uint32_t i = 1; i < processor_count; i++)
			assert_int_equal(processors[i].smis, 0);
	}
}

/* On a pc they keep the SMBASE of a reset: nobody there can raise an SMI that is theirs. */
static void test_large_id_on_pc(void **state)
{
	(void)state;
	add("pc-255", PVH);
	set_smm(true);
	processors[253].apic_id = 255;
	processors[254].apic_id = 300;
	assert_int_equal(fake_run(run_firmware()), FAKE_HANDOFF);
	for (uint32_t i = 0; i < processor_count; i++)
		assert_int_equal(processors[i].smis, i < 253);
	for (uint32_t i = 253; i < processor_count; i++)
		assert_int_equal(processors[i].state, HALTED);
	assert_string_equal(fake.console, "");
}

/*
 * Where CPUID has no leaf 0Bh those above 254 have the APIC ids of others, the boot processor's,
 * too; one that has an id of its own all the same gets its SMI.
 */
static void test_large_id_unknown(void **state)
{
	static const uint32_t shared[] = { 256, 257, 260 };

	(void)state;
	for (uint32_t r = 0; r < 2 * COUNT(shared); r++) {
		bool alone = r >= COUNT(shared);

		has_f_smbase = r & 1;
		add("q35-numa", PVH);
		fake_fw_cfg_u16(FW_CFG_KEY_APIC_ID_LIMIT, 300);
		processors[7].apic_id = alone ? 256 + 8 + r : shared[r];
		for (uint32_t i = 1; i < processor_count; i++)
			processors[i].has_byte = true;
		assert_int_equal(fake_run(run_firmware()), FAKE_HANDOFF);
		assert_int_equal(processors[0].smis, 1);
		for (uint32_t i = 1; i < processor_count; i++)
			assert_int_equal(processors[i].smis, alone);
		assert_int_equal(fake.console[0] == '\0', alone);
		if (!alone)
			assert_says(fake.console,
				    "smm: one without CPUID leaf 0xb may get the SMIs of others");
		fake.console[0] = '\0';
	}
}

/* With smm=off nobody is sent an SMI, and no memory is kept for SMM. */
static void test_without_smm(void **state)
{
	static const char *const records[] = { "q35-numa", "pc-vmgenid" };

	(void)state;
	for (uint32_t r = 0; r < COUNT(records); r++) {
		add(records[r], PVH);
		set_smm(false);
		must_boot(records[r], PVH);
		expect_smis(records[r], 0);
		assert_true(is_told(SMRAM_DEFAULT_BASE, 0x20000, MEMORY_RAM, MEMORY_RAM));
	}
}

/* What QEMU wants in a VMX guest's feature control is in all of them. */
static void test_feature_control(void **state)
{
	static const uint64_t value = 5;

	(void)state;
	add("q35-numa", BZIMAGE);
	fake_fw_cfg_file("etc/msr_feature_control", &value, sizeof(value));
	must_boot("feature control", BZIMAGE);
	assert_int_equal(fake_msr_get(IA32_FEATURE_CONTROL), value);
}

/* An SMI of the boot processor at each access, once SMM is set up: it returns, and nothing else. */
static uint32_t smi_at;

static void raise_smi(void)
{
	processors_go_on();
	if (smi_at && !--smi_at)
		take_smi(&processors[0]);
}

static void test_smi_after_setup(void **state)
{
	static const char *const records[] = { "q35", "pc" };

	(void)state;
	for (uint32_t r = 0; r < COUNT(records); r++) {
		uint32_t accesses, first, n;

		has_f_smbase = true;
		add(records[r], BZIMAGE);
		must_boot(records[r], BZIMAGE);
		accesses = fake.log_count;
		for (first = accesses;
		     first && !(fake.log[first - 1].kind == FAKE_MMIO_WRITE &&
				fake.log[first - 1].address == LAPIC_BASE + LAPIC_ICR_LOW);)
			first--;
		assert_in_range(first, 1, accesses - 1);
		/* The first with the relocated handler is the access after the one that sent it. */
		for (n = first + 1; n <= accesses; n++) {
			add(records[r], BZIMAGE);
			fake.on_access = raise_smi;
			smi_at = n;
			must_boot(records[r], BZIMAGE);
			assert_int_equal(processors[0].smis, 2);
		}
	}
}

/*
 * An NMI of the other processors at each access.  start.S leads it to where they wait for an INIT:
 * who has not arrived by then never does, and who waits for its turn misses it.
 */
static uint32_t nmi_at, nmi_lost;

static void raise_nmi(void)
{
	processors_go_on();
	if (!nmi_at || --nmi_at)
		return;
	for (uint32_t i = 1; i < processor_count; i++) {
		struct processor *processor = &processors[i];

		nmi_lost += processor->state == STARTS || processor->state == WAITS_FOR_TURN;
		if (processor->state == STARTS)
			processor->pace = NEVER;
		if (processor->state == WAITS_FOR_TURN)
			processor->state = HALTED;
	}
}

/* What an NMI has cost is said, and the boot goes on; whoever was halted already lost nothing. */
static void nmi_at_every(const char *record, uint32_t step, uint32_t pace)
{
	uint32_t said = 0, n = 1;

	do {
		add(record, BZIMAGE);
		set_smm(true);
		for (uint32_t i = 1; i < processor_count; i++)
			processors[i].pace = 1 + pace * i % 7;
		fake.on_access = raise_nmi;
		nmi_at = n;
		nmi_lost = 0;
		if (fake_run(run_firmware()) != FAKE_HANDOFF)
			fail_msg("%s, NMI at access %u: %s", record, n, fake.panic);
		assert_int_equal(fake.console[0] != 0, nmi_lost != 0);
		said += nmi_lost != 0;
		if (!nmi_lost)
			check_boot(record, BZIMAGE);
		n += step;
	} while (!nmi_at);
	assert_in_range(said, 1, n / step - 1);
}

static void test_nmi_at_every_access(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		has_f_smbase = i;
		nmi_at_every("q35-numa", 1, 3);
		nmi_at_every("q35-288", 5, 1);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_every_machine),
		UNIT_TEST(test_ram_is_not_believed),
		UNIT_TEST(test_reset_at_every_access),
		UNIT_TEST(test_init_at_every_access),
		UNIT_TEST(test_every_transfer_fails),
		UNIT_TEST(test_sizes_change),
		UNIT_TEST(test_script_grows),
		UNIT_TEST(test_own_acpi),
		UNIT_TEST(test_fpdt),
		UNIT_TEST(test_wake),
		UNIT_TEST(test_damaged_record),
		UNIT_TEST(test_wake_with_more_processors),
		UNIT_TEST(test_forged_record),
		UNIT_TEST(test_rom_and_cardbus),
		UNIT_TEST(test_many_pointers),
		UNIT_TEST(test_full_pool),
		UNIT_TEST(test_kernel_under_first_smis),
		UNIT_TEST(test_late_processors),
		UNIT_TEST(test_missing_processor),
		UNIT_TEST(test_reports_twice),
		UNIT_TEST(test_ids_with_holes),
		UNIT_TEST(test_ids_without_acpi),
		UNIT_TEST(test_large_ids),
		UNIT_TEST(test_large_id_late),
		UNIT_TEST(test_large_id_on_pc),
		UNIT_TEST(test_large_id_unknown),
		UNIT_TEST(test_without_smm),
		UNIT_TEST(test_feature_control),
		UNIT_TEST(test_smi_after_setup),
		UNIT_TEST(test_nmi_at_every_access),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
