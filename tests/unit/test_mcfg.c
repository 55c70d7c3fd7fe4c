/*
 * test_mcfg.c - tables/mcfg.c: the one byte that changes, and when none does.
 */
#include "unit.h"

#include "acpi.h"
#include "acpi_find.h"
#include "checksum.h"
#include "mcfg.h"

#define OPTION "opt/org.qboot/pci-mcfg"

static struct fw_cfg cfg;
static struct memmap map;
static struct acpi_writes writes;

static void test_limit(void **state)
{
	static const struct {
		const char *name, *record, *option;
		uint32_t last_bus;
		uint8_t end_bus;
		const char *message;
	} cases[] = {
		{ "one bus", "q35", NULL, 0, 0, "" },
		{ "ports and room", "q35", NULL, 12, 12, "" },
		{ "the last but one", "q35", NULL, 254, 254, "" },
		{ "all", "q35", NULL, 255, 255, "" },
		{ "QEMU's", "q35", "qemu", 0, 255, "" },
		{ "not understood", "q35", "qemux", 7, 7, "pci-mcfg is \"qemux\", which is not" },
		{ "too long", "q35", "qemu qemu qemu qemu qemu", 7, 7, "which is not understood" },
		{ "empty", "q35", "", 7, 7, "pci-mcfg is \"\", which is not understood" },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		struct acpi_mcfg before, *mcfg;
		uint32_t rsdp;

		fake_reset();
		unit_machine(&cfg, &map, 16 * MIB);
		unit_load(cases[i].record);
		if (cases[i].option)
			fake_fw_cfg_file(OPTION, cases[i].option,
					 (uint32_t)strlen(cases[i].option));
		fw_cfg_init(&cfg);
		rsdp = acpi_install(&cfg, &map, &writes);
		mcfg = (void *)acpi_find_table(rsdp, "MCFG");
		assert_non_null(mcfg);
		before = *mcfg;
		assert_case_equal(cases[i].name, before.end_bus, 255);
		fake_forget();
		mcfg_limit_buses(&cfg, rsdp, cases[i].last_bus);
		assert_case_equal(cases[i].name, fake_exits(), cases[i].option != NULL);
		assert_case_equal(cases[i].name, mcfg->end_bus, cases[i].end_bus);
		assert_int_equal(checksum_sum(mcfg, sizeof(*mcfg)), 0);
		assert_says(fake.console, cases[i].message);
		if (!cases[i].message[0])
			assert_string_equal(fake.console, "");
		/* The byte and the checksum are all. */
		mcfg->end_bus = before.end_bus;
		mcfg->header.checksum = before.header.checksum;
		assert_memory_equal(mcfg, &before, sizeof(before));
	}
}

/* Tables without an MCFG, none at all, and an MCFG that is not QEMU's. */
static void test_others(void **state)
{
	struct acpi_mcfg *mcfg;
	uint32_t rsdp;

	(void)state;
	mcfg_limit_buses(&cfg, 0, 0);
	unit_machine(&cfg, &map, 16 * MIB);
	unit_load("pc");
	fw_cfg_init(&cfg);
	mcfg_limit_buses(&cfg, acpi_install(&cfg, &map, &writes), 0);

	fake_reset();
	unit_machine(&cfg, &map, 16 * MIB);
	unit_load("q35");
	fw_cfg_init(&cfg);
	rsdp = acpi_install(&cfg, &map, &writes);
	mcfg = (void *)acpi_find_table(rsdp, "MCFG");
	mcfg->start_bus = 1;
	mcfg_limit_buses(&cfg, rsdp, 0);
	assert_int_equal(mcfg->end_bus, 255);
	mcfg->start_bus = 0;
	mcfg->header.length = sizeof(*mcfg) + 16;
	mcfg_limit_buses(&cfg, rsdp, 0);
	assert_int_equal(mcfg->end_bus, 255);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_limit),
		UNIT_TEST(test_others),
	};

	return cmocka_run_group_tests_name("mcfg", tests, NULL, NULL);
}
