/*
 * test_smm.c - smm.c: where SMBASEs go, what is written to the chipset, who gets an SMI, what a
 * wake believes.
 */
#include "unit.h"

#include "console.h"
#include "smm.h"
#include "spec/acpi.h"

#define Q35_TOP 0x20000000u

extern const char smi_jump[];

static const struct chipset pc = {
	.smm = SMM_PIIX4,
	.pm_function = PCI_BDF(0, 1, 3),
};
static const struct chipset q35 = {
	.smm = SMM_ICH9,
	.isa_bridge = PCI_BDF(0, 31, 0),
};
static const struct chipset microvm = { .smm = SMM_NONE };

static struct memmap map;
static struct smp_block block;
static uint32_t smi_en;
static uint32_t given[300], given_count; /* SMBASEs, in the order of the SMIs */
static uint32_t turns[300];              /* whose it was, of the large APIC ids */

static struct machine machine = { .cpu = { .leaf1_ebx = 3u << 24,
					   .leaf1_edx = CPUID_1_EDX_APIC | CPUID_1_EDX_TSC } };

static void make_map(uint64_t end)
{
	map = (struct memmap){ 0 };
	memmap_reserve(&map, 0, 0xa0000, MEMORY_RAM, "RAM");
	memmap_reserve(&map, MIB, end, MEMORY_RAM, "RAM");
}

/* smm_reserve() on a machine with this chipset and the processor that it has. */
static void reserve(struct smm_plan *plan, const struct chipset *chipset)
{
	machine.chipset = chipset;
	smm_reserve(plan, &machine, &map);
}

/* Marks entry and state of all SMBASEs of an area as used, each of them once. */
static uint32_t use(uint8_t *used, struct smm_area area)
{
	static const uint32_t parts[] = { SMBASE_ENTRY, SMBASE_STATE };

	for (uint32_t n = 0; n < area.count; n++)
		for (uint32_t part = 0; part < 2; part++) {
			uint32_t paddr = area.first + n * SMBASE_SPACING + parts[part];

			assert_int_equal(used[paddr / SMBASE_STATE_SIZE], 0);
			used[paddr / SMBASE_STATE_SIZE] = 1;
			assert_true((paddr >= SMRAM_BASE && paddr < SMRAM_END) ||
				    memmap_is(&map, paddr, paddr + SMBASE_STATE_SIZE, MEMORY_KEPT));
		}
	return area.count;
}

/* No two processors share a byte of entry or state, and all is kept from the operating system. */
static void test_nothing_overlaps(void **state)
{
	static const uint32_t counts[] = { 1, 2, 97, 98, 255, 993, 994, 4096 };

	(void)state;
	for (uint32_t i = 0; i < COUNT(counts); i++)
		for (uint32_t variant = 0; variant < 3; variant++) {
			static uint8_t used[2048 * MIB / SMBASE_STATE_SIZE];
			struct smm_plan plan;
			uint32_t places;

			fake_reset();
			make_map(2048 * MIB);
			memset(used, 0, sizeof(used));
			reserve(&plan, variant ? &q35 : &pc);
			smm_place(&plan, &map, counts[i], variant == 2);
			places = use(used, plan.areas[0]) + use(used, plan.areas[1]);
			/* QEMU gives a pc 255 at most. */
			assert_true(places >= (variant || counts[i] < 255 ? counts[i] : 255));
			assert_int_equal(memmap_low_ram_end(&map), 2048 * MIB);
			/* The default SMBASE is one of them where it is in SMRAM. */
			assert_int_equal(used[0x38000 / SMBASE_STATE_SIZE], variant == 2);
		}
}

static void test_q35_places(void **state)
{
	static const struct {
		const char *name;
		uint64_t end;
		uint32_t cpus;
		bool at_default;
		uint32_t mib;
		uint32_t first; /* SMBASE */
	} cases[] = {
		{ "one processor", Q35_TOP, 1, true, 0, 0x28000 },
		{ "as many as fit", Q35_TOP, 97, true, 0, 0x28000 },
		{ "one more", Q35_TOP, 98, true, 1, 0x28000 },
		{ "much RAM", 1024 * MIB, 1, true, 0, 0x28000 },
		{ "TSEG is full", 1024 * MIB, 97 + 993, true, 1, 0x28000 },
		{ "and one more", 1024 * MIB, 97 + 994, true, 8, 0x28000 },
		{ "little RAM", 16 * MIB, 1, true, 0, 0x28000 },
		{ "old type, one processor", Q35_TOP, 1, false, 1, Q35_TOP - MIB - 0x8000 },
		{ "old type, as many as fit", Q35_TOP, 993, false, 1, Q35_TOP - MIB - 0x8000 },
		{ "old type, too many for so little RAM", Q35_TOP, 994, false, 1,
		  Q35_TOP - MIB - 0x8000 },
		{ "old type, much RAM", 1024 * MIB, 1, false, 1, 1023 * MIB - 0x8000 },
		{ "old type, one more", 1024 * MIB, 994, false, 8, 1016 * MIB - 0x8000 },
		{ "QEMU 10's most", 2048ull * MIB, 4096, false, 8, 2040 * MIB - 0x8000 },
		{ "old type, just enough RAM", 17 * MIB, 1, false, 1, 16 * MIB - 0x8000 },
		{ "old type, too little RAM", 17 * MIB - 4096, 1, false, 0, 0x98000 },
		{ "switched off", Q35_TOP, 0, false, 0, 0 },
		{ "much RAM, switched off", 1024 * MIB, 0, false, 0, 0 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		const char *name = cases[i].name;
		struct smm_plan plan;

		make_map(cases[i].end);
		reserve(&plan, &q35);
		/* What comes between finds its place elsewhere. */
		assert_case(name, memmap_is(&map, 0x30000, 0x50000, MEMORY_KEPT));
		assert_case(name, memmap_find(&map, 4096, 4096, MIB, 1ull << 32) <=
					  cases[i].end - cases[i].mib * MIB - 4096);
		smm_place(&plan, &map, cases[i].cpus, cases[i].at_default);
		assert_case_equal(name, plan.tseg_mib, cases[i].mib);
		assert_case_equal(name, plan.areas[!plan.areas[0].count].first, cases[i].first);
		assert_case(name, plan.can_wake);
		/* Not a byte more is kept than is needed. */
		assert_case(name, memmap_is(&map, 0x30000, 0x50000,
					    cases[i].at_default ? MEMORY_KEPT : MEMORY_RAM));
		assert_case(name, memmap_is(&map, cases[i].end - cases[i].mib * MIB, cases[i].end,
					    MEMORY_KEPT));
		assert_case(name,
			    memmap_is(&map, MIB, cases[i].end - cases[i].mib * MIB, MEMORY_RAM));
	}
}

static void test_not_under_a_kernel(void **state)
{
	struct smm_plan plan;

	(void)state;
	make_map(Q35_TOP);
	memmap_reserve(&map, 0x4f000, 0x51000, MEMORY_LOADED, "a kernel");
	memmap_reserve(&map, Q35_TOP - 4096, Q35_TOP, MEMORY_LOADED, "and more of it");
	reserve(&plan, &q35);
	assert_false(plan.default_kept);
	smm_place(&plan, &map, 1, false);
	assert_int_equal(plan.tseg_mib, 0);
	assert_int_equal(plan.areas[0].first, 0x98000);
	assert_false(plan.can_wake);
	assert_true(memmap_is(&map, 0x4f000, 0x51000, MEMORY_LOADED));

	/* Just below the last MiB it leaves room for what few processors need. */
	make_map(1024 * MIB);
	memmap_reserve(&map, 1022 * MIB, 1023 * MIB, MEMORY_LOADED, "a kernel");
	reserve(&plan, &q35);
	smm_place(&plan, &map, 1, false);
	assert_int_equal(plan.tseg_mib, 1);

	/* A guest of 1 MiB needs what it has. */
	make_map(2 * MIB - 4096);
	reserve(&plan, &q35);
	assert_false(plan.default_kept);
	make_map(2 * MIB);
	reserve(&plan, &q35);
	assert_true(plan.default_kept);
}

/* What a kernel has, a wake would take: then there is none.  With SMM off nothing is taken. */
static void test_can_wake(void **state)
{
	static const struct {
		const char *name;
		const struct chipset *chipset;
		uint32_t base, end, cpus; /* of the kernel, as far as it matters */
		bool can_wake;
	} cases[] = {
		{ "q35, at 1 MiB", &q35, MIB, 16 * MIB, 1, true },
		{ "q35, up to the default SMBASE", &q35, 0x10000, 0x30000, 1, true },
		{ "q35, into it", &q35, 0x10000, 0x30001, 1, false },
		{ "q35, from its end", &q35, 0x50000, 0x90000, 1, true },
		{ "q35, over its end", &q35, 0x4ffff, 0x90000, 1, false },
		{ "q35, up to TSEG", &q35, MIB, Q35_TOP - MIB, 98, true },
		{ "q35, into TSEG", &q35, MIB, Q35_TOP - MIB + 1, 98, false },
		{ "q35, SMM off", &q35, 0x10000, 0x50000, 0, true },
		{ "pc, few processors", &pc, 0x10000, 0x90000, 97, true },
		{ "pc, many processors", &pc, 0x10000, 0x90000, 98, false },
		{ "pc, many processors, at 1 MiB", &pc, MIB, Q35_TOP, 255, true },
		{ "microvm", &microvm, 0x10000, 0x90000, 0, true },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		const char *name = cases[i].name;
		struct smm_plan plan;

		make_map(Q35_TOP);
		memmap_reserve(&map, cases[i].base, cases[i].end, MEMORY_LOADED, "a kernel");
		reserve(&plan, cases[i].chipset);
		smm_place(&plan, &map, cases[i].cpus, false);
		assert_case_equal(name, plan.can_wake, cases[i].can_wake);
		assert_case(name, memmap_is(&map, cases[i].base, cases[i].end, MEMORY_LOADED));
	}
}

/* A wake has the places of the boot, whatever else lay in RAM then. */
static void test_planned_anew(void **state)
{
	static const uint32_t counts[] = { 1, 97, 98, 255, 1090, 1091 };

	(void)state;
	for (uint32_t i = 0; i < COUNT(counts); i++)
		for (uint32_t variant = 0; variant < 3; variant++) {
			const struct chipset *chipset = variant ? &q35 : &pc;
			struct smm_plan boot, wake;

			make_map(2048 * MIB);
			memmap_reserve(&map, MIB, 64 * MIB, MEMORY_LOADED, "a kernel");
			reserve(&boot, chipset);
			memmap_alloc(&map, 100000, 64, MEMORY_KEPT, ZONE_LOW, "tables");
			smm_place(&boot, &map, counts[i], variant == 2);
			make_map(2048 * MIB);
			reserve(&wake, chipset);
			smm_place(&wake, &map, counts[i], variant == 2);
			assert_true(boot.can_wake);
			assert_memory_equal(&boot, &wake, sizeof(boot));
		}
}

static uint64_t ignore_read(uint32_t port, uint32_t size)
{
	(void)port;
	(void)size;
	return 0;
}

static uint64_t read_smi_en(uint32_t port, uint32_t size)
{
	(void)port;
	(void)size;
	return smi_en;
}

static void write_smi_en(uint32_t port, uint32_t size, uint64_t value)
{
	(void)port;
	(void)size;
	smi_en = (uint32_t)value;
}

/* smi.S: each SMI that was sent is served while the boot processor waits for it. */
static void serve(void)
{
	assert_memory_equal(fake_phys(0x38000, 8), smi_jump, 8);
	memset(fake_phys(0x3fe00, 0x200), 0x77, 0x200);
	turns[given_count] = block.turn;
	given[given_count++] = block.smbase;
	block.relocated++;
}

static void serve_port(uint32_t port, uint32_t size, uint64_t value)
{
	(void)port;
	(void)size;
	assert_int_equal(value, 0);
	serve();
}

static struct fake_pci *function(uint32_t slot, uint32_t number, uint16_t device)
{
	struct fake_pci *pci = fake_pci_add(NULL, slot, number, 0x8086, device);

	memset(pci->writable + 0x40, 0xff, sizeof(pci->writable) - 0x40);
	return pci;
}

/* QEMU hw/pci-host/q35.c, mch_update_smbase_smram(). */
static void write_mch(struct fake_pci *mch, uint32_t offset, uint32_t size, uint64_t value)
{
	(void)size;
	if (offset == 0x9c && (value & 0xff) == 0xff)
		fake_pci_set(mch, 0x9c, 1, 1);
}

static struct fake_pci *make_q35(bool has_default_smram)
{
	struct fake_pci *mch = function(0, 0, 0x29c0);

	function(31, 0, 0x2918);
	if (has_default_smram)
		mch->on_write = write_mch;
	smi_en = 0;
	return mch;
}

static void init(struct smm_plan *plan, const struct chipset *chipset, uint32_t cpus)
{
	static const struct fake_device apm = { 0xb2, 0xb2, false, ignore_read, serve_port };
	static const struct fake_device pm = { 0x630, 0x633, false, read_smi_en, write_smi_en };

	fake_ram_add(0, MIB);
	fake_add_device(&apm);
	fake_add_device(&pm);
	fake.on_pause = serve;
	make_map(Q35_TOP);
	fake_forget();
	given_count = 0;
	block = (struct smp_block){ .arrived = cpus - 1 };
	for (uint32_t id = 0, n = 1; n < cpus; id++) /* the boot processor's is 3 */
		if (id != 3) {
			block.present[id / 32] |= 1u << id % 32;
			n++;
		}
	reserve(plan, chipset);
	smm_init(plan, &block, &map, cpus, 0);
}

/* Sets SMM of a q35 up once more, with RAM up to end, as after another reset. */
static void set_up_again(struct smm_plan *plan, uint32_t end, uint32_t cpu_count)
{
	given_count = 0;
	smi_en = 0;
	make_map(end);
	reserve(plan, &q35);
	smm_init(plan, &block, &map, cpu_count, 0);
}

static void test_q35_registers_and_cost(void **state)
{
	struct fake_pci *mch = make_q35(true);
	struct smm_plan plan;

	(void)state;
	init(&plan, &q35, 1);
	/* SMRAM at the default SMBASE, nothing in the A segment, no TSEG, locked. */
	assert_int_equal(fake_pci_get(mch, 0x9c, 4), 0x00381202);
	assert_int_equal(smi_en, 0x21);
	/* To itself, where the handler takes the place of the jump. */
	assert_int_equal(given_count, 1);
	assert_int_equal(given[0], 0x30000);
	assert_int_equal(fake_find(FAKE_MMIO_WRITE, LAPIC_BASE + 0x310, 0)->value, 3u << 24);
	assert_int_equal(fake_find(FAKE_MMIO_WRITE, LAPIC_BASE + 0x300, 0)->value, 0x4200);
	assert_int_equal(block.resume, 0);
	assert_int_equal(block.turn, SMP_NO_TURN);
	/* Three of the host bridge; the one of SMI_EN is counted in the boot tests. */
	assert_int_equal(fake.count[FAKE_PCI_READ] + fake.count[FAKE_PCI_WRITE], 3);
	assert_string_equal(fake.console, "");
}

static void test_old_q35_registers(void **state)
{
	struct fake_pci *mch = make_q35(false);
	struct smm_plan plan;

	(void)state;
	init(&plan, &q35, 2);
	assert_int_equal(fake_pci_get(mch, 0x9c, 4), 0x00391a00);
	assert_int_equal(given_count, 2);
	assert_int_equal(given[0], Q35_TOP - MIB - 0x8000 + 0x400);
	assert_int_equal(given[1], Q35_TOP - MIB - 0x8000);
	/* The default SMBASE's memory is the kernel's. */
	for (uint32_t i = 0x30000; i < 0x50000; i++)
		assert_int_equal(*(uint8_t *)fake_phys(i, 1), 0xa5);

	/* TSEG of 8 MiB, for more than a thousand. */
	fake_forget();
	make_map(1024 * MIB);
	fake_pci_set(mch, 0x9c, 4, 0);
	smi_en = 0;
	reserve(&plan, &q35);
	smm_init(&plan, &block, &map, 1000, 0);
	assert_int_equal(fake_pci_get(mch, 0x9c, 4), 0x003d1a00);
}

/* A chipset that is locked was not reset. */
static void write_locked(struct fake_pci *mch, uint32_t offset, uint32_t size, uint64_t value)
{
	(void)size;
	(void)value;
	if (offset == 0x9c)
		fake_pci_set(mch, 0x9c, 1, 2);
}

static void test_locked_already(void **state)
{
	struct fake_pci *mch = make_q35(false);
	struct smm_plan plan;

	(void)state;
	mch->on_write = write_locked;
	assert_int_equal(fake_run(init(&plan, &q35, 1)), FAKE_RESET);
}

static void test_pc_registers_and_cost(void **state)
{
	struct fake_pci *pmc = function(0, 0, 0x1237), *pm = function(1, 3, 0x7113);
	struct smm_plan plan;

	(void)state;
	init(&plan, &pc, 1);
	assert_int_equal(fake_pci_get(pmc, 0x72, 1), 0x1a);
	assert_int_equal(fake_pci_get(pm, 0x5b, 1), 0x02);
	assert_int_equal(given[0], 0x98000);
	assert_int_equal(fake.count[FAKE_PCI_READ] + fake.count[FAKE_PCI_WRITE], 3);
	for (uint32_t i = 0x30000; i < 0x50000; i++)
		assert_int_equal(*(uint8_t *)fake_phys(i, 1), 0xa5);
}

/* Every processor gets a place of its own, the boot processor last; also those with large ids. */
static void test_relocation(void **state)
{
	static const uint32_t counts[] = { 1, 2, 33, 97, 98, 254 };

	(void)state;
	for (uint32_t i = 0; i < COUNT(counts); i++)
		for (uint32_t variant = 0; variant < 3; variant++) {
			struct smm_plan plan;

			fake_reset();
			if (variant)
				make_q35(variant == 2);
			else
				function(0, 0, 0x1237), function(1, 3, 0x7113);
			init(&plan, variant ? &q35 : &pc, counts[i]);
			assert_int_equal(given_count, counts[i]);
			for (uint32_t n = 0; n < given_count; n++)
				for (uint32_t other = 0; other < n; other++)
					assert_int_not_equal(given[n], given[other]);
			assert_int_equal(given[given_count - 1] == 0x30000, variant == 2);
			assert_string_equal(fake.console, "");
			/* To the others in the order of their ids, then to the boot processor. */
			assert_int_equal(fake_count(FAKE_MMIO_WRITE, LAPIC_BASE + 0x300),
					 counts[i]);
			for (uint32_t n = 0; n < counts[i]; n++)
				assert_int_equal(
					fake_find(FAKE_MMIO_WRITE, LAPIC_BASE + 0x310, n)->value,
					(n == counts[i] - 1 ? 3 : n + (n >= 3)) << 24);
		}
}

static void test_large_apic_ids(void **state)
{
	struct smm_plan plan;

	(void)state;
	make_q35(true);
	init(&plan, &q35, 1);
	fake_forget();
	block = (struct smp_block){ .turns = 3, .arrived = 3 };
	fake_pci_set(fake_pci_at(0), 0x9c, 4, 0);
	set_up_again(&plan, Q35_TOP, 4);
	assert_int_equal(given_count, 4);
	assert_int_equal(given[2], 0x28800);
	assert_int_equal(given[3], 0x30000);
	for (uint32_t n = 0; n < 3; n++)
		assert_int_equal(turns[n], n + 1);
	/* One SMI was sent, to the boot processor. */
	assert_int_equal(fake_count(FAKE_MMIO_WRITE, LAPIC_BASE + 0x300), 1);
}

static void serve_but_for_the_second(void)
{
	if (given_count != 1 || !block.resume)
		serve();
}

/* One that takes no SMI costs a second and a message: nobody else may save its state there now. */
static void test_no_answer(void **state)
{
	struct smm_plan plan;

	(void)state;
	make_q35(true);
	init(&plan, &q35, 1);
	fake_forget();
	fake.on_pause = serve_but_for_the_second;
	block = (struct smp_block){ .arrived = 3, .present = { 7 } };
	set_up_again(&plan, Q35_TOP, 4);
	assert_says(fake.console, "smm: a processor took no SMI");
	assert_int_equal(given_count, 2);
	assert_int_equal(given[1], 0x30000);

	fake.on_pause = NULL;
	block = (struct smp_block){ 0 };
	set_up_again(&plan, Q35_TOP, 1);
	assert_says(fake.console, "smm: no SMI on the boot processor");
}

/* Those that nothing is left for keep the SMBASE of a reset, without a word: it is in SMRAM. */
static void test_without_a_place(void **state)
{
	struct smm_plan plan;

	(void)state;
	make_q35(true);
	init(&plan, &q35, 1);
	fake_forget();
	block = (struct smp_block){ .arrived = 98, .present = { ~8u, ~0u, ~0u, 15 } };
	set_up_again(&plan, 16 * MIB, 99);
	assert_int_equal(given_count, 97);
	assert_int_equal(given[95], 0x28000 + 96 * 0x400);
	assert_int_equal(given[96], 0x30000);
	assert_string_equal(fake.console, "");
}

static void test_without_apic(void **state)
{
	uint32_t edx = machine.cpu.leaf1_edx;
	struct smm_plan plan;

	(void)state;
	make_q35(true);
	init(&plan, &q35, 1);
	fake_forget();
	machine.cpu.leaf1_edx = 0;
	set_up_again(&plan, Q35_TOP, 1);
	machine.cpu.leaf1_edx = edx;
	assert_int_equal(given_count, 1);
	assert_int_equal(fake_count(FAKE_PORT_WRITE, 0xb2), 1);
	assert_int_equal(fake.count[FAKE_MMIO_WRITE], 0);
}

static void test_off(void **state)
{
	struct fake_pci *pmc = function(0, 0, 0x1237), *pm = function(1, 3, 0x7113);
	struct smm_plan plan;

	(void)state;
	fake_pci_set(pm, 0x5b, 1, 2);
	init(&plan, &pc, 2);
	assert_int_equal(given_count, 0);
	assert_int_equal(block.turn, SMP_NO_TURN);
	assert_int_equal(fake_pci_get(pmc, 0x72, 1), 0);
	assert_int_equal(fake_exits(), 2);
	fake_forget();
	smi_en = 0x20;
	reserve(&plan, &q35);
	smm_init(&plan, &block, &map, 2, 0);
	assert_int_equal(fake_exits(), 1);
	assert_true(memmap_is(&map, 0x30000, 0x50000, MEMORY_RAM));
	fake_forget();
	reserve(&plan, &microvm);
	smm_init(&plan, &block, &map, 2, 0);
	assert_int_equal(fake_exits(), 0);
	/* With acpi=off there is no such function. */
	fake_reset();
	init(&plan, &pc, 1);
	assert_int_equal(given_count, 0);
}

/* QEMU's own tables tell it without an exit. */
static void test_on_or_off_by_the_fadt(void **state)
{
	static const struct {
		const struct chipset *chipset;
		uint32_t smi_cmd;
		bool on;
	} cases[] = {
		{ &pc, 0, false },    { &pc, 0xb2, true },       { &q35, 0, false },
		{ &q35, 0xb2, true }, { &microvm, 0xb2, false },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		struct smm_plan plan;
		struct acpi_rsdp *rsdp;
		struct acpi_header *rsdt;
		struct acpi_fadt *fadt;

		fake_reset();
		function(0, 0, 0x1237);
		/* As if on; not asked. */
		fake_pci_set(function(1, 3, 0x7113), 0x5b, 1, 0);
		smi_en = 0;
		init(&plan, &microvm, 1);
		rsdp = fake_phys(0xe0000, sizeof(*rsdp));
		rsdt = fake_phys(0xe1000, sizeof(*rsdt) + sizeof(uint32_t));
		fadt = fake_phys(0xe2000, sizeof(*fadt));
		*rsdp = (struct acpi_rsdp){ .rsdt_address = 0xe1000 };
		rsdt->length = sizeof(*rsdt) + sizeof(uint32_t);
		*(uint32_t *)(rsdt + 1) = 0xe2000;
		*fadt = (struct acpi_fadt){ .header = { .signature = "FACP",
							.length = sizeof(*fadt) },
					    .smi_cmd = cases[i].smi_cmd };
		fake_forget();
		reserve(&plan, cases[i].chipset);
		smm_init(&plan, &block, &map, 1, 0xe0000);
		assert_int_equal(given_count, cases[i].on);
		if (!cases[i].on)
			assert_int_equal(fake_exits(), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_nothing_overlaps),
		UNIT_TEST(test_q35_places),
		UNIT_TEST(test_not_under_a_kernel),
		UNIT_TEST(test_can_wake),
		UNIT_TEST(test_planned_anew),
		UNIT_TEST(test_q35_registers_and_cost),
		UNIT_TEST(test_old_q35_registers),
		UNIT_TEST(test_locked_already),
		UNIT_TEST(test_pc_registers_and_cost),
		UNIT_TEST(test_relocation),
		UNIT_TEST(test_large_apic_ids),
		UNIT_TEST(test_no_answer),
		UNIT_TEST(test_without_a_place),
		UNIT_TEST(test_without_apic),
		UNIT_TEST(test_off),
		UNIT_TEST(test_on_or_off_by_the_fadt),
	};

	return cmocka_run_group_tests_name("smm", tests, NULL, NULL);
}
