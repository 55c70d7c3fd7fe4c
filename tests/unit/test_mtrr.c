/*
 * test_mtrr.c - mtrr.c: the list of register values, read as a processor reads the registers.
 */
#include "unit.h"

#include "mtrr.h"

#define CAP_FIXED       (1u << 8)

static struct msr_list list;
static uint64_t bases[MTRR_MAX_RANGES], masks[MTRR_MAX_RANGES];

static uint64_t value_of(uint32_t msr)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < list.count; i++)
		if (list.values[i].msr == msr)
			value = (uint64_t)list.values[i].high << 32 | list.values[i].low;
	return value;
}

/* SDM Vol. 3A, "MTRR Precedences".  Overlapping ranges of ours all have one type. */
static uint32_t type_at(uint64_t address)
{
	if (address < MIB && (value_of(IA32_MTRR_DEF_TYPE) & MTRR_DEF_TYPE_FIXED)) {
		if (address < 0x80000)
			return value_of(0x250) >> (address / 0x10000 * 8) & 0xff;
		if (address < 0xc0000)
			return value_of(0x258 + (uint32_t)(address - 0x80000) / 0x20000) >>
				((address - 0x80000) % 0x20000 / 0x4000 * 8) & 0xff;
		return value_of(0x268 + (uint32_t)(address - 0xc0000) / 0x8000) >>
			((address - 0xc0000) % 0x8000 / 0x1000 * 8) & 0xff;
	}
	for (uint32_t i = 0; i < MTRR_MAX_RANGES; i++) {
		if ((masks[i] & MTRR_PHYSMASK_VALID) &&
		    !((address ^ bases[i]) & masks[i] & ~0xfffull))
			return bases[i] & 0xff;
	}
	return MTRR_WB;
}

static void plan(uint32_t capability, uint32_t phys_bits, uint32_t ram_end, uint32_t hole_base)
{
	mtrr_plan(&list, capability, phys_bits, ram_end, hole_base);
	assert_int_equal(value_of(IA32_MTRR_DEF_TYPE) & ~(uint64_t)MTRR_DEF_TYPE_FIXED,
			 MTRR_DEF_TYPE_ENABLE | MTRR_WB);
	for (uint32_t i = 0; i < MTRR_MAX_RANGES; i++) {
		bases[i] = value_of(IA32_MTRR_PHYSBASE0 + 2 * i);
		masks[i] = value_of(IA32_MTRR_PHYSMASK0 + 2 * i);
	}
}

static uint32_t ranges(void)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < list.count; i++)
		count += list.values[i].msr > 0x200 && list.values[i].msr < 0x220 &&
			(list.values[i].msr & 1);
	return count;
}

/* What is true of every plan; the place where uncacheable memory begins. */
static uint64_t check(uint32_t capability, uint32_t phys_bits, uint32_t ram_end, uint32_t hole_base)
{
	uint64_t start = 4 * GIB;

	plan(capability, phys_bits, ram_end, hole_base);
	assert_true(list.count <= MSR_LIST_MAX);
	assert_int_equal(list.values[0].msr, IA32_MTRR_DEF_TYPE);
	assert_int_equal(list.values[0].low, 0);
	assert_int_equal(list.values[list.count - 1].msr, IA32_MTRR_DEF_TYPE);
	assert_true(ranges() <= (capability & 0xff));
	for (uint32_t i = 0; i < list.count; i++) {
		uint32_t msr = list.values[i].msr;
		uint64_t value = (uint64_t)list.values[i].high << 32 | list.values[i].low;

		/* Reserved bits fault. */
		if (msr >= 0x200 && msr < 0x220)
			assert_true(!(value >> phys_bits) && !(value & (msr & 1 ? 0x7ff : 0xf00)));
		if (!(capability & CAP_FIXED))
			assert_true(msr < 0x250 || msr > 0x26f);
	}
	while (start > MIB && type_at(start - 0x1000) == MTRR_UC && type_at(start - MIB) == MTRR_UC)
		start -= MIB;
	assert_true(start >= ram_end);
	assert_int_equal(type_at(ram_end - 0x1000), MTRR_WB);
	assert_int_equal(type_at(start - 0x1000), MTRR_WB);
	assert_int_equal(type_at(2 * MIB), MTRR_WB);
	assert_int_equal(type_at(4 * GIB), MTRR_WB);
	if (phys_bits > 33)
		assert_int_equal(type_at((1ull << phys_bits) - 0x1000), MTRR_WB);
	return start;
}

static void test_fixed_ranges(void **state)
{
	static const struct { uint32_t base, end, type; } cases[] = {
		{ 0, 0xa0000, MTRR_WB }, { 0xa0000, 0xc0000, MTRR_UC }, { 0xc0000, 0xe0000, MTRR_WP },
		{ 0xe0000, 0xf0000, MTRR_WB }, { 0xf0000, 0x100000, MTRR_WP } };

	(void)state;
	check(CAP_FIXED | 8, 40, 0x8000000, 0xc0000000);
	for (uint32_t i = 0; i < COUNT(cases); i++)
		for (uint32_t at = cases[i].base; at < cases[i].end; at += 0x1000)
			assert_int_equal(type_at(at), cases[i].type);
	check(8, 40, 0x8000000, 0xc0000000);
	assert_false(value_of(IA32_MTRR_DEF_TYPE) & MTRR_DEF_TYPE_FIXED);
}

static void test_machines(void **state)
{
	static const struct {
		const char *name;
		uint32_t ram_end, hole_base;
		uint64_t start;         /* at the latest */
		uint32_t ranges;
	} cases[] = {
		{ "128 MiB", 0x8000000, 0xc0000000, 0xc0000000, 1 },
		{ "3 GiB pc", 0xc0000000, 0xc0000000, 0xc0000000, 1 },
		{ "2 GiB q35", 0x80000000, 0xb0000000, 0x80000000, 1 },
		{ "3.5 GiB", 0xe0000000, 0xe0000000, 0xe0000000, 1 },
		{ "2.75 GiB q35", 0xb0000000, 0xb0000000, 0xb0000000, 2 },
		{ "hole in RAM", 0xe0000000, 0xc0000000, 0xe0000000, 1 },
		{ "highest", 0xfec00000, 0xfec00000, 0xfec00000, 3 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		uint64_t start = check(CAP_FIXED | 8, 40, cases[i].ram_end, cases[i].hole_base);

		assert_case(cases[i].name, start <= cases[i].start);
		assert_case(cases[i].name, ranges() <= cases[i].ranges);
	}
}

/* Any memory size, any capability: RAM stays cached; with ranges enough all MMIO is uncached. */
static void test_properties(void **state)
{
	uint32_t seed = 17;

	(void)state;
	for (uint32_t round = 0; round < 1000; round++) {
		uint32_t ram_end = (uint32_t)(MIB * (2 + unit_random(&seed) % 4074));
		uint32_t hole_base = 0x80000000 + (unit_random(&seed) % 0x7ec) * 0x100000;
		uint32_t count = unit_random(&seed) % 12;
		uint32_t latest = hole_base > ram_end ? hole_base : ram_end;
		uint32_t phys_bits = 32 + unit_random(&seed) % 21;
		uint64_t start;

		start = check(count | (unit_random(&seed) % 2 ? CAP_FIXED : 0), phys_bits, ram_end,
			      hole_base);
		/* So many bits are set in the size at most: 12 between 1 MiB and 4 GiB. */
		if (ranges() < count && ranges() < MTRR_MAX_RANGES)
			assert_true(start <= latest);
	}
}

static void test_program(void **state)
{
	(void)state;
	mtrr_plan(&list, CAP_FIXED | 8, 40, 0x8000000, 0xc0000000);
	for (uint32_t i = 0; i < list.count; i++)
		fake_msr_set(list.values[i].msr, 0x606);
	mtrr_program(&list);
	for (uint32_t i = 0; i < list.count; i++)
		assert_true(fake_msr_get(list.values[i].msr) == value_of(list.values[i].msr));
	assert_int_equal(fake.cache_flushes, 1);
	for (uint32_t i = 0; i < fake.log_count; i++)
		if (fake.log[i].kind == FAKE_WRMSR)
			assert_int_equal(fake.log[i].size, 0);          /* caches off */
	assert_false(fake.caches_off);
}

static void test_init(void **state)
{
	static const struct { uint32_t edx; bool planned; } cases[] = {
		{ CPUID_1_EDX_MSR | CPUID_1_EDX_MTRR, true }, { CPUID_1_EDX_MSR, false },
		{ CPUID_1_EDX_MTRR, false }, { 0, false } };
	static struct memmap map;
	struct fw_cfg cfg;

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		struct cpu cpu = { .leaf1_edx = cases[i].edx, .phys_bits = 40 };

		fake_reset();
		unit_machine(&cfg, &map, 16 * MIB);
		if (cases[i].planned)
			fake_msr_set(IA32_MTRRCAP, CAP_FIXED | 8);
		fake_forget();
		mtrr_init(&list, &cpu, &map, 0);
		assert_int_equal(list.count != 0, cases[i].planned);
		assert_int_equal(fake_exits(), 0);
		if (list.count)
			assert_int_equal(value_of(IA32_MTRR_PHYSBASE0), 0x80000000);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_fixed_ranges),
		UNIT_TEST(test_machines),
		UNIT_TEST(test_properties),
		UNIT_TEST(test_program),
		UNIT_TEST(test_init),
	};

	return cmocka_run_group_tests_name("mtrr", tests, NULL, NULL);
}
