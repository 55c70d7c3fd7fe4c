/*
 * test_cpu.c - cpu.c: what is believed of CPUID, and which leaves are asked for.
 */
#include "unit.h"

#include "cpu.h"

#define EDX_ALL (CPUID_1_EDX_TSC | CPUID_1_EDX_MSR | CPUID_1_EDX_PAE | CPUID_1_EDX_APIC)

static void probe(struct cpu *cpu, uint32_t basic, uint32_t extended)
{
	fake_reset();
	fake_cpuid_set(0, 0, (struct cpuid){ .eax = basic, .ebx = 0x756e6547 });
	fake_cpuid_set(1, 0, (struct cpuid){ 0x663, 0x02000800, 1u << 31, EDX_ALL });
	fake_cpuid_set(0x80000000, 0, (struct cpuid){ .eax = extended });
	fake_cpuid_set(0x80000001, 0, (struct cpuid){ .edx = CPUID_81_EDX_LM });
	fake_cpuid_set(0x80000008, 0, (struct cpuid){ .eax = 0x3028 });
	memset(cpu, 0x55, sizeof(*cpu));
	cpu_probe(cpu);
}

/*
 * A leaf that the processor does not have is not asked for: it answers with another one's values.
 */
static void test_highest_leaves(void **state)
{
	static const struct {
		const char *name;
		uint32_t basic, extended;
		bool leaf1, leaf81;
		uint32_t phys_bits;
	} cases[] = {
		{ "all", 0xd, 0x80000008, true, true, 40 },
		{ "leaf 1 is the last", 1, 0x8000001e, true, true, 40 },
		{ "no leaf 1", 0, 0x80000008, false, true, 40 },
		{ "no address widths", 0xd, 0x80000007, true, true, 36 },
		{ "8000_0001h is the last", 0xd, 0x80000001, true, true, 36 },
		{ "no extended features", 0xd, 0x80000000, true, false, 36 },
		{ "no extended leaves", 0xd, 0, true, false, 36 },
		{ "the highest basic leaf's answer", 2, 0x2c307d, true, false, 36 },
		{ "one that looks large", 2, 0xffffffff, true, false, 36 },
		{ "another hypervisor range", 2, 0x80010000, true, false, 36 },
		{ "nothing at all", 0, 0, false, false, 32 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		const char *name = cases[i].name;
		struct cpu cpu;

		probe(&cpu, cases[i].basic, cases[i].extended);
		assert_case_equal(name, cpu.leaf1_edx, cases[i].leaf1 ? EDX_ALL : 0);
		assert_case_equal(name, cpu.leaf1_eax, cases[i].leaf1 ? 0x663 : 0);
		assert_case_equal(name, cpu.leaf1_ebx, cases[i].leaf1 ? 0x02000800 : 0);
		assert_case_equal(name, cpu.leaf1_ecx, cases[i].leaf1 ? 1u << 31 : 0);
		assert_case_equal(name, cpu.leaf81_edx, cases[i].leaf81 ? CPUID_81_EDX_LM : 0);
		assert_case_equal(name, cpu.phys_bits, cases[i].phys_bits);
		assert_case_equal(name, fake_count(FAKE_CPUID, 1), cases[i].leaf1);
		assert_case_equal(name, fake_count(FAKE_CPUID, 0x80000001), cases[i].leaf81);
		assert_case_equal(name, fake_count(FAKE_CPUID, 0x80000008),
				  cases[i].extended == 0x80000008 ||
					  cases[i].extended == 0x8000001e);
		assert_case_equal(name, cpu.start_tsc != 0, cases[i].leaf1);
		assert_case(name, fake.count[FAKE_CPUID] <= 5);
	}
}

static uint32_t counter;

static void count_up(void)
{
	counter++;
}

/* A counter that is there, one that comes, one that stands still. */
static void test_wait(void **state)
{
	static const struct cpu with_tsc = { .leaf1_edx = CPUID_1_EDX_TSC };
	static const struct cpu without = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		const struct cpu *cpu = i ? &with_tsc : &without;

		fake_reset();
		counter = 3;
		assert_true(cpu_wait(cpu, &counter, 2));
		assert_true(cpu_wait(cpu, &counter, 3));
		assert_int_equal(fake.pauses, 0);
		assert_false(cpu_wait(cpu, &counter, 4));
		fake.on_pause = count_up;
		assert_true(cpu_wait(cpu, &counter, 10));
		assert_int_equal(counter, 10);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_highest_leaves),
		UNIT_TEST(test_wait),
	};

	return cmocka_run_group_tests_name("cpu", tests, NULL, NULL);
}
