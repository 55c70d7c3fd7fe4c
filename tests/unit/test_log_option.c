/*
 * test_log_option.c - log_option.c: what each value does, and what a wrong one says.
 */
#include "unit.h"

#include "console.h"
#include "log_option.h"

static void test_values(void **state)
{
	static const struct {
		const char *value;
		uint32_t size;
		int level;
		bool serial;
		const char *said;
	} cases[] = {
		{ "off", 3, CONSOLE_OFF, false, NULL },
		{ "off", 4, CONSOLE_OFF, false, NULL }, /* from a file, with its end */
		{ "errors", 6, CONSOLE_ERRORS, false, NULL },
		{ "steps", 5, CONSOLE_STEPS, false, NULL },
		{ "steps,serial", 12, CONSOLE_STEPS, true, NULL },
		{ "step", 4, -1, false, "opt/org.qboot/log is \"step\"; off, errors, steps or" },
		{ "steps,", 6, -1, false, "is \"steps,\"" },
		{ "OFF", 3, -1, false, "is \"OFF\"" },
		{ "", 0, -1, false, "is \"\"" },
		{ "0123456789abcdef0123456789abcdef0123456789", 42, -1, false,
		  "is \"0123456789abcdef0123456789abcde\";" },
	};
	const struct cpu cpu = { 0 };
	struct fw_cfg cfg;

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		fake_reset();
		fake.console_level = -1;
		fake_ram_add(0, MIB);
		fake_fw_cfg_file("opt/org.qboot/log", cases[i].value, cases[i].size);
		fw_cfg_init(&cfg);
		log_option_init(&cfg, &cpu);
		assert_case_equal(cases[i].value, fake.console_level, cases[i].level);
		assert_case_equal(cases[i].value, fake.console_serial, cases[i].serial);
		if (cases[i].said)
			assert_says(fake.console, cases[i].said);
		else
			assert_case(cases[i].value, !fake.console[0]);
	}
}

/* What CPUID tells of the rate is asked for with the option, the PM timer only later. */
static void test_rate_by_cpuid(void **state)
{
	const struct cpu cpu = { 0 };
	struct fw_cfg cfg;

	(void)state;
	for (uint32_t khz = 0; khz <= 1200000; khz += 1200000) {
		fake_reset();
		fake_ram_add(0, MIB);
		fake_cpuid_set(0, 0, (struct cpuid){ .eax = khz ? 0x15 : 0 });
		fake_cpuid_set(0x15, 0, (struct cpuid){ .eax = 2, .ebx = 100, .ecx = 24000000 });
		fake_fw_cfg_file("opt/org.qboot/log", "steps", 5);
		fw_cfg_init(&cfg);
		log_option_init(&cfg, &cpu);
		assert_int_equal(fake.console_tsc_khz, khz);
		assert_int_equal(fake.count[FAKE_PORT_READ], 0);
	}
}

/* The rate is asked for once, and only where it is of use. */
static void test_time(void **state)
{
	const struct cpu cpu = { 0 };

	(void)state;
	fake_cpuid_set(0, 0, (struct cpuid){ .eax = 0x15 });
	fake_cpuid_set(0x15, 0, (struct cpuid){ .eax = 2, .ebx = 100, .ecx = 24000000 });
	fake.console_level = CONSOLE_ERRORS;
	log_option_time(&cpu, true);
	assert_int_equal(fake.console_tsc_khz, 0);
	fake.console_level = CONSOLE_STEPS;
	log_option_time(&cpu, true);
	assert_int_equal(fake.console_tsc_khz, 1200000);
}

static void test_absent(void **state)
{
	const struct cpu cpu = { 0 };
	struct fw_cfg cfg;

	(void)state;
	fake_ram_add(0, MIB);
	fw_cfg_init(&cfg);
	fake_forget();
	log_option_init(&cfg, &cpu);
	assert_int_equal(fake_exits(), 0);
	assert_int_equal(fake.console[0], 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_values),
		UNIT_TEST(test_absent),
		UNIT_TEST(test_rate_by_cpuid),
		UNIT_TEST(test_time),
	};

	return cmocka_run_group_tests_name("log_option", tests, NULL, NULL);
}
