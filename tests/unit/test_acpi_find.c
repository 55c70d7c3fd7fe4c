/*
 * test_acpi_find.c - tables/acpi_find.c: counting processors in recorded and damaged tables.
 */
#include "unit.h"

#include "acpi.h"
#include "acpi_find.h"

#define RAM_END (16 * MIB)

static struct fw_cfg cfg;
static struct memmap map;
static struct acpi_writes writes;

static uint32_t install(const char *record)
{
	unit_machine(&cfg, &map, RAM_END);
	unit_load(record);
	fw_cfg_init(&cfg);
	return acpi_install(&cfg, &map, &writes);
}

static void test_recorded(void **state)
{
	static const struct {
		const char *record;
		uint32_t processors;
	} cases[] = {
		{ "pc", 1 },        { "pc-vmgenid", 4 },  { "pc-255", 255 }, { "q35", 1 },
		{ "q35-288", 288 }, { "q35-devices", 2 }, { "microvm", 1 },  { "microvm-288", 288 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		uint32_t rsdp;

		fake_reset();
		rsdp = install(cases[i].record);
		assert_case_equal(cases[i].record, acpi_find_processors(rsdp), cases[i].processors);
		assert_non_null(acpi_find_table(rsdp, "FACP"));
		assert_null(acpi_find_table(rsdp, "ABCD"));
	}
}

/* Every length of the MADT's header and of its entries ends the count, not the firmware. */
static void test_damaged_madt(void **state)
{
	struct acpi_header *madt;
	uint8_t *entries;
	uint32_t rsdp, whole;

	(void)state;
	rsdp = install("q35-devices");
	madt = (void *)acpi_find_table(rsdp, "APIC");
	whole = madt->length;
	for (uint32_t length = 0; length <= whole; length++) {
		madt->length = length;
		assert_true(acpi_find_processors(rsdp) <= 2);
	}
	assert_int_equal(acpi_find_processors(rsdp), 2);
	entries = (uint8_t *)madt + ACPI_MADT_ENTRIES;
	for (uint32_t length = 0; length < 256; length++) {
		entries[1] = (uint8_t)length;
		assert_true(acpi_find_processors(rsdp) <= 2);
	}
	entries[1] = 0;
	assert_int_equal(acpi_find_processors(rsdp), 0);
}

/* A processor that is not enabled does not count: it may be plugged in later. */
static void test_disabled(void **state)
{
	uint8_t *entries;
	uint32_t rsdp;

	(void)state;
	rsdp = install("pc-vmgenid");
	entries = (uint8_t *)acpi_find_table(rsdp, "APIC") + ACPI_MADT_ENTRIES;
	assert_int_equal(entries[0], ACPI_MADT_LAPIC);
	entries[4] = 0;
	assert_int_equal(acpi_find_processors(rsdp), 3);
}

static void test_apic_ids(void **state)
{
	uint32_t offset = ACPI_MADT_ENTRIES, apic_id = 99;
	const struct acpi_header *madt;

	(void)state;
	madt = acpi_find_table(install("pc-vmgenid"), "APIC");
	((uint8_t *)madt)[ACPI_MADT_ENTRIES + 4] = 0; /* the first is not enabled */
	for (uint32_t n = 0; n < 3; n++) {
		assert_true(acpi_next_processor(madt, &offset, &apic_id));
		assert_int_equal(apic_id, n + 1);
	}
	assert_false(acpi_next_processor(madt, &offset, &apic_id));
	fake_reset();
	madt = acpi_find_table(install("q35-288"), "APIC");
	offset = ACPI_MADT_ENTRIES;
	while (acpi_next_processor(madt, &offset, &apic_id))
		;
	assert_int_equal(apic_id, 287);
}

/* What an entry may be, and that one which leaves the table ends it. */
static void test_entries(void **state)
{
	static const uint8_t entries[] = {
		99, 2,                                                  /* a head alone */
		0,  8,  7, 5,    1,    0, 0, 0,                         /* APIC id 5, enabled */
		9,  16, 0, 0,    0x2c, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, /* 300, enabled */
		9,  16, 0, 0,    0x2d, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 301, not enabled */
		0,  8,  7, 6,    0,    0, 0, 0,                         /* 6, not enabled */
		0,  8,  7, 0xfe, 1,    0, 0, 0,                         /* 254, the last */
	};
	static const uint32_t wanted[] = { 5, 300, 254 };
	uint32_t whole = ACPI_MADT_ENTRIES + sizeof(entries);

	(void)state;
	for (uint32_t cut = 0; cut <= 8; cut++) {
		uint32_t size = whole - cut, offset = ACPI_MADT_ENTRIES, apic_id;
		uint8_t *bytes = malloc(size);
		struct acpi_header *madt = (void *)bytes;

		memset(bytes, 0, ACPI_MADT_ENTRIES);
		memcpy(bytes + ACPI_MADT_ENTRIES, entries, sizeof(entries) - cut);
		madt->length = size;
		for (uint32_t i = 0; i < COUNT(wanted) - (cut != 0); i++) {
			assert_true(acpi_next_processor(madt, &offset, &apic_id));
			assert_int_equal(apic_id, wanted[i]);
		}
		assert_false(acpi_next_processor(madt, &offset, &apic_id));
		free(bytes);
	}
}

static void test_short_root(void **state)
{
	struct acpi_rsdp *rsdp;
	struct acpi_header *root;
	uint32_t paddr;

	(void)state;
	paddr = install("pc");
	rsdp = phys_ptr(paddr);
	root = phys_ptr(rsdp->rsdt_address);
	for (uint32_t length = 0; length < 40; length++) {
		root->length = length;
		assert_null(acpi_find_table(paddr, "APIC"));
	}
	rsdp->rsdt_address = 0;
	assert_null(acpi_find_table(paddr, "APIC"));
	assert_null(acpi_find_table(0, "APIC"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_recorded), UNIT_TEST(test_damaged_madt), UNIT_TEST(test_disabled),
		UNIT_TEST(test_apic_ids), UNIT_TEST(test_entries),      UNIT_TEST(test_short_root),
	};

	return cmocka_run_group_tests_name("acpi_find", tests, NULL, NULL);
}
