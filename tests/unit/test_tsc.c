/*
 * test_tsc.c - tsc.c: the rate of the TSC by CPUID, else by the ACPI PM timer.
 */
#include "unit.h"

#include "layout.h"
#include "tsc.h"

#define HYPERVISOR_TIMING 0x40000010

static const struct cpu guest = { .leaf1_ecx = CPUID_1_ECX_HYPERVISOR };

static void test_by_cpuid(void **state)
{
	static const struct {
		const char *name;
		struct cpuid tsc;
		uint32_t khz;
	} cases[] = {
		{ "3 GHz", { 2, 250, 24000000, 0 }, 3000000 },
		{ "a large ratio", { 2097151, 0xffffffff, 0xffffffff, 0 }, UINT32_MAX },
		{ "no numerator", { 2, 0, 24000000, 0 }, 0 },
		{ "no denominator", { 0, 250, 24000000, 0 }, 0 },
		{ "no crystal", { 2, 250, 0, 0 }, 0 },
		{ "a denominator that is too large", { 2097152, 250, 24000000, 0 }, 0 },
	};
	static const struct cpu plain = { 0 };

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		fake_reset();
		fake_cpuid_set(0, 0, (struct cpuid){ .eax = 0x15 });
		fake_cpuid_set(0x15, 0, cases[i].tsc);
		assert_case_equal(cases[i].name, tsc_khz(&plain, false), cases[i].khz);
	}
	/* A processor whose highest leaf is lower answers with that one's content. */
	fake_reset();
	fake_cpuid_set(0, 0, (struct cpuid){ .eax = 0x14 });
	fake_cpuid_set(0x15, 0, cases[0].tsc);
	assert_int_equal(tsc_khz(&plain, false), 0);
}

static void test_by_hypervisor(void **state)
{
	static const struct cpu plain = { 0 };

	(void)state;
	fake_cpuid_set(CPUID_HYPERVISOR, 0, (struct cpuid){ .eax = HYPERVISOR_TIMING });
	fake_cpuid_set(HYPERVISOR_TIMING, 0, (struct cpuid){ .eax = 2500000 });
	assert_int_equal(tsc_khz(&guest, false), 2500000);
	assert_int_equal(tsc_khz(&plain, false), 0);
	fake_cpuid_set(CPUID_HYPERVISOR, 0, (struct cpuid){ .eax = HYPERVISOR_TIMING - 1 });
	assert_int_equal(tsc_khz(&guest, false), 0);
}

static struct {
	uint32_t value, step, jump; /* the first step is by as much more */
} timer;

static uint64_t timer_read(uint32_t address, uint32_t size)
{
	uint32_t value = timer.value;

	(void)address;
	(void)size;
	timer.value = (timer.value + timer.step + timer.jump) & PM_TIMER_MASK;
	timer.jump = 0;
	return value;
}

static const struct fake_device device = { PM_TIMER_PORT, PM_TIMER_PORT + 3, false, timer_read,
					   NULL };

static void test_measured(void **state)
{
	static const struct {
		const char *name;
		uint32_t start, step, jump, reads;
	} cases[] = {
		{ "steps of a tenth", 0, 358, 0, 11 },
		{ "just a millisecond", 0, 3580, 0, 2 },
		{ "it wraps", PM_TIMER_MASK - 100, 358, 0, 11 },
		{ "the host had other work at first", 0, 358, 2000000, 13 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		/* Between its reads the modelled TSC goes on by 2^20. */
		uint64_t steps = (3580 + cases[i].step - 1) / cases[i].step;
		uint64_t khz = (steps << 20) * PM_TIMER_HZ / (steps * cases[i].step * 1000);

		fake_reset();
		fake_add_device(&device);
		timer.value = cases[i].start;
		timer.step = cases[i].step;
		timer.jump = cases[i].jump;
		assert_case_equal(cases[i].name, tsc_khz(&guest, true), khz);
		assert_case_equal(cases[i].name, fake.count[FAKE_PORT_READ], cases[i].reads);
		assert_case_equal(cases[i].name, tsc_khz(&guest, false), 0);
	}
}

/* With acpi=off a pc has no PM timer, and each read that finds that out is an exit. */
static void test_no_timer(void **state)
{
	(void)state;
	assert_int_equal(tsc_khz(&guest, true), 0);
	assert_in_range(fake.count[FAKE_PORT_READ], 1, 3);
}

/* The wait for one that stands still has an end. */
static void test_stopped_timer(void **state)
{
	(void)state;
	fake_add_device(&device);
	timer.value = 5;
	timer.step = timer.jump = 0;
	assert_int_equal(tsc_khz(&guest, true), 0);
	assert_in_range(fake.count[FAKE_PORT_READ], 3 * 3580, 3 * 1000001);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_by_cpuid), UNIT_TEST(test_by_hypervisor), UNIT_TEST(test_measured),
		UNIT_TEST(test_no_timer), UNIT_TEST(test_stopped_timer),
	};

	return cmocka_run_group_tests_name("tsc", tests, NULL, NULL);
}
