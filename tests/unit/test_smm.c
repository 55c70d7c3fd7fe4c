/*
 * test_smm.c - smm.c: where SMBASEs go, what is written to the chipset, what is put back.
 */
#include "unit.h"

#include "console.h"
#include "smm.h"
#include "spec/acpi.h"

#define Q35_TOP 0x20000000u

static const struct chipset pc = {
	.smm = SMM_PIIX4,
	.pm_function = PCI_BDF(0, 1, 3),
	.acpi_enable = 0xf1,
	.acpi_disable = 0xf0,
};
static const struct chipset q35 = {
	.smm = SMM_ICH9,
	.isa_bridge = PCI_BDF(0, 31, 0),
	.acpi_enable = 2,
	.acpi_disable = 3,
};
static const struct chipset microvm = { .smm = SMM_NONE };
static const struct pci_access ports;

static struct memmap map;
static struct smp_block block;
static uint32_t smi_en;

static void make_map(uint64_t end)
{
	map = (struct memmap){ 0 };
	memmap_reserve(&map, 0, 0xa0000, MEMORY_RAM, "RAM");
	memmap_reserve(&map, MIB, end, MEMORY_RAM, "RAM");
}

/* SMBASE of the n-th processor, as smi.S counts. */
static uint32_t smbase(const struct smm_plan *plan, uint32_t n)
{
	uint32_t base = plan->first;

	while (n--) {
		base += SMBASE_SPACING;
		if (base == plan->end)
			base = plan->more;
	}
	return base;
}

/* No two processors share a byte of entry or state. */
static void test_nothing_overlaps(void **state)
{
	static const uint32_t counts[] = { 1, 2, 97, 98, 255, 992, 993, 4096 };

	(void)state;
	for (uint32_t i = 0; i < COUNT(counts); i++)
		for (enum smm_kind kind = SMM_PIIX4; kind <= SMM_ICH9; kind++) {
			static uint8_t used[512 * MIB / SMBASE_STATE_SIZE];
			struct smm_plan plan;

			fake_reset();
			make_map(Q35_TOP);
			memset(used, 0, sizeof(used));
			smm_reserve(&plan, kind, &map);
			smm_plan(&plan, &map, counts[i]);
			for (uint32_t n = 0; n < counts[i]; n++) {
				uint32_t parts[] = { SMBASE_ENTRY, SMBASE_STATE };

				for (uint32_t part = 0; part < 2; part++) {
					uint32_t paddr = smbase(&plan, n) + parts[part];

					assert_int_equal(used[paddr / SMBASE_STATE_SIZE], 0);
					used[paddr / SMBASE_STATE_SIZE] = 1;
					assert_true((paddr >= SMRAM_BASE && paddr < SMRAM_END) ||
						    memmap_is(&map, paddr,
							      paddr + SMBASE_STATE_SIZE,
							      MEMORY_KEPT));
				}
			}
			assert_int_equal(memmap_low_ram_end(&map), Q35_TOP);
		}
}

static void test_tseg(void **state)
{
	static const struct {
		const char *name;
		uint64_t end;
		uint32_t cpus;
		uint32_t mib;
	} cases[] = {
		{ "one processor", Q35_TOP, 1, 1 },
		{ "as many as fit", Q35_TOP, 992, 1 },
		{ "too many for so little RAM", Q35_TOP, 993, 1 },
		{ "much RAM", 1024 * MIB, 1, 1 },
		{ "much RAM, as many as fit", 1024 * MIB, 992, 1 },
		{ "one more", 1024 * MIB, 993, 2 },
		{ "QEMU 10's most", 2048ull * MIB, 4096, 8 },
		{ "switched off", Q35_TOP, 0, 0 },
		{ "much RAM, switched off", 1024 * MIB, 0, 0 },
		{ "just enough RAM", 17 * MIB, 1, 1 },
		{ "too little RAM", 17 * MIB - 4096, 1, 0 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		struct smm_plan plan;

		make_map(cases[i].end);
		smm_reserve(&plan, SMM_ICH9, &map);
		/* What comes between finds its place below. */
		assert_case(cases[i].name, memmap_find(&map, 4096, 4096, MIB, 1ull << 32) <=
						   cases[i].end - cases[i].mib * MIB - 4096);
		smm_plan(&plan, &map, cases[i].cpus);
		assert_case_equal(cases[i].name, plan.tseg_mib, cases[i].mib);
		/* Not a byte more is kept than that. */
		assert_case(cases[i].name, memmap_is(&map, cases[i].end - cases[i].mib * MIB,
						     cases[i].end, MEMORY_KEPT));
		assert_case(cases[i].name,
			    cases[i].cpus > 992 ||
				    memmap_is(&map, MIB, cases[i].end - cases[i].mib * MIB,
					      MEMORY_RAM));
	}
}

static void test_tseg_not_under_a_kernel(void **state)
{
	struct smm_plan plan;

	(void)state;
	make_map(Q35_TOP);
	memmap_reserve(&map, Q35_TOP - 4096, Q35_TOP, MEMORY_LOADED, "a kernel");
	smm_reserve(&plan, SMM_ICH9, &map);
	smm_plan(&plan, &map, 1);
	assert_int_equal(plan.tseg_mib, 0);
	assert_int_equal(plan.first, 0x98000);

	/* Just below the last MiB it leaves room for what few processors need. */
	make_map(1024 * MIB);
	memmap_reserve(&map, 1022 * MIB, 1023 * MIB, MEMORY_LOADED, "a kernel");
	smm_reserve(&plan, SMM_ICH9, &map);
	smm_plan(&plan, &map, 1);
	assert_int_equal(plan.tseg_mib, 1);
}

/* What a processor does at port 0xb2. */
static void serve(uint32_t port, uint32_t size, uint64_t value)
{
	(void)port;
	(void)size;
	assert_int_equal(value, 0);
	assert_int_equal(*(uint8_t *)fake_phys(0x38000, 1), 0xea);
	memset(fake_phys(0x3fe00, 0x200), 0x77, 0x200);
	block.entered++;
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

static struct fake_pci *function(uint32_t slot, uint32_t number, uint16_t device)
{
	struct fake_pci *pci = fake_pci_add(NULL, slot, number, 0x8086, device);

	memset(pci->writable + 0x40, 0xff, sizeof(pci->writable) - 0x40);
	return pci;
}

static void init(const struct chipset *chipset, uint32_t cpus, uint64_t used_from,
		 struct smm_plan *plan, struct smm_saved *saved)
{
	static const struct fake_device apm = { 0xb2, 0xb2, false, ignore_read, serve };
	static const struct fake_device pm = { 0x630, 0x633, false, read_smi_en, write_smi_en };

	fake_ram_add(0, MIB);
	fake_add_device(&apm);
	fake_add_device(&pm);
	make_map(Q35_TOP);
	if (used_from)
		memmap_reserve(&map, used_from, 0x50000, MEMORY_LOADED, "a kernel");
	fake_forget();
	block.places = SMP_NO_PLACES;
	smm_reserve(plan, chipset->smm, &map);
	smm_init(plan, saved, &block, chipset, &ports, &map, cpus, 0);
}

static void test_q35_registers_and_cost(void **state)
{
	struct fake_pci *mch = function(0, 0, 0x29c0), *lpc = function(31, 0, 0x2918);
	struct smm_plan plan;
	struct smm_saved saved;

	(void)state;
	smi_en = 0;
	init(&q35, 1, 0, &plan, &saved);
	assert_int_equal(fake_pci_get(mch, 0x9c, 4), 0x00391a00);
	assert_int_equal(fake_pci_get(lpc, 0xa0, 1), 0x10);
	assert_int_equal(smi_en, 0x21);
	assert_int_equal(plan.tseg_mib, 1);
	assert_int_equal(block.places, SMP_NO_PLACES);
	assert_true(fake_exits() <= 8); /* five through ECAM */
	assert_string_equal(fake.console, "");
}

static void test_pc_registers_and_cost(void **state)
{
	struct fake_pci *pmc = function(0, 0, 0x1237), *pm = function(1, 3, 0x7113);
	struct smm_plan plan;
	struct smm_saved saved;

	(void)state;
	init(&pc, 1, 0, &plan, &saved);
	assert_int_equal(fake_pci_get(pmc, 0x72, 1), 0x1a);
	assert_int_equal(fake_pci_get(pm, 0x5b, 1), 0x02);
	assert_true(fake_exits() <= 8);
}

static void test_off(void **state)
{
	struct fake_pci *pmc = function(0, 0, 0x1237), *pm = function(1, 3, 0x7113);
	struct smm_plan plan;
	struct smm_saved saved;

	(void)state;
	fake_pci_set(pm, 0x5b, 1, 2);
	init(&pc, 2, 0, &plan, &saved);
	assert_int_equal(plan.cpu_count, 0);
	assert_int_equal(block.places, SMP_NO_PLACES);
	assert_int_equal(fake_pci_get(pmc, 0x72, 1), 0);
	assert_int_equal(fake_exits(), 2);
	fake_forget();
	smi_en = 0x20;
	smm_init(&plan, &saved, &block, &q35, &ports, &map, 2, 0);
	assert_int_equal(fake_exits(), 1);
	fake_forget();
	smm_init(&plan, &saved, &block, &microvm, &ports, &map, 2, 0);
	assert_int_equal(fake_exits(), 0);
	/* With acpi=off there is no such function. */
	fake_reset();
	init(&pc, 1, 0, &plan, &saved);
	assert_int_equal(plan.cpu_count, 0);
}

/* QEMU's own tables tell for nothing. */
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
		struct smm_saved saved;
		struct acpi_rsdp *rsdp;
		struct acpi_header *rsdt;
		struct acpi_fadt *fadt;

		fake_reset();
		function(0, 0, 0x1237);
		/* As if on; not asked. */
		fake_pci_set(function(1, 3, 0x7113), 0x5b, 1, 0);
		smi_en = 0;
		init(&microvm, 1, 0, &plan, &saved);
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
		smm_reserve(&plan, cases[i].chipset->smm, &map);
		smm_init(&plan, &saved, &block, cases[i].chipset, &ports, &map, 3, 0xe0000);
		assert_int_equal(plan.cpu_count, cases[i].on ? 3 : 0);
		if (!cases[i].on)
			assert_int_equal(fake_exits(), 0);
	}
}

static void test_puts_back_what_a_kernel_has_there(void **state)
{
	struct smm_plan plan;
	struct smm_saved saved;

	(void)state;
	function(0, 0, 0x29c0);
	function(31, 0, 0x2918);
	smi_en = 0;
	init(&q35, 3, 0x30000, &plan, &saved);
	assert_int_equal(*(uint8_t *)fake_phys(0x3fe00, 1), 0x77);
	assert_int_equal(block.places, 2);
	smm_finish(&plan, &saved);
	for (uint32_t i = 0x30000; i < 0x50000; i++)
		assert_int_equal(*(uint8_t *)fake_phys(i, 1), 0xa5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_nothing_overlaps),
		UNIT_TEST(test_tseg),
		UNIT_TEST(test_tseg_not_under_a_kernel),
		UNIT_TEST(test_q35_registers_and_cost),
		UNIT_TEST(test_pc_registers_and_cost),
		UNIT_TEST(test_off),
		UNIT_TEST(test_on_or_off_by_the_fadt),
		UNIT_TEST(test_puts_back_what_a_kernel_has_there),
	};

	return cmocka_run_group_tests_name("smm", tests, NULL, NULL);
}
