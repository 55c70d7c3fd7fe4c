/*
 * test_mtrr.c - mtrr.c: the plan for many memory sizes, what it must never cover, and how a
 * processor is programmed.
 */
#include "unit.h"

#include "mtrr.h"

#define CAPABILITY 0x508u /* QEMU: eight ranges, fixed ranges */

/* The value a list leaves in an MSR; ~0 when it is not in there. */
static uint64_t last(const struct msr_list *list, uint32_t msr)
{
	uint64_t value = ~0ull;

	for (uint32_t i = 0; i < list->count; i++)
		if (list->values[i].msr == msr)
			value = (uint64_t)list->values[i].high << 32 | list->values[i].low;
	return value;
}

static uint32_t range_count(const struct msr_list *list)
{
	uint32_t count = 0;

	while (last(list, IA32_MTRR_PHYSBASE0 + 2 * count) != ~0ull)
		count++;
	return count;
}

static bool uncached(const struct msr_list *list, uint64_t paddr)
{
	for (uint32_t i = 0; i < range_count(list); i++) {
		uint64_t base = last(list, IA32_MTRR_PHYSBASE0 + 2 * i);
		uint64_t mask = last(list, IA32_MTRR_PHYSMASK0 + 2 * i);

		if ((mask & MTRR_PHYSMASK_VALID) &&
		    (paddr & mask & ~0xfffull) == (base & mask & ~0xfffull))
			return true;
	}
	return false;
}

static void test_places(void **state)
{
	static const struct {
		const char *name;
		uint32_t ram_end, hole_base;
		uint32_t ranges;
		uint64_t start;
	} cases[] = {
		{ "512 MiB", 0x20000000, 0xfec00000, 1, 0x80000000 },
		{ "1 MiB", 0x00100000, 0x80000000, 1, 0x80000000 },
		{ "q35, ECAM", 0x20000000, 0xb0000000, 1, 0x80000000 },
		{ "2 GiB", 0x80000000, 0xb0000000, 1, 0x80000000 },
		{ "q35, 2500 MiB", 0x9c400000, 0xb0000000, 2, 0xa0000000 },
		{ "q35, 2815 MiB", 0xaff00000, 0xb0000000, 2, 0xb0000000 },
		{ "pc, 3 GiB", 0xc0000000, 0xc0000000, 1, 0xc0000000 },
		{ "pc, 3328 MiB", 0xd0000000, 0xd0000000, 2, 0xd0000000 },
		{ "pc, 3.5 GiB", 0xe0000000, 0xe0000000, 1, 0xe0000000 },
		{ "hole said to begin in RAM", 0xe0000000, 0xb0000000, 1, 0xe0000000 },
		{ "odd end", 0xf9c3d000, 0xf9c3d000, 8, 0xf9c3d000 },
		{ "odder end: the top of it", 0xf9c35000, 0xf9c35000, 8, 0xf9c36000 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		struct msr_list list;

		mtrr_plan(&list, CAPABILITY, 40, cases[i].ram_end, cases[i].hole_base);
		assert_case_equal(cases[i].name, range_count(&list), cases[i].ranges);
		assert_case(cases[i].name, uncached(&list, cases[i].start));
		assert_case(cases[i].name, !uncached(&list, cases[i].start - 1));
		assert_case(cases[i].name, uncached(&list, 4 * GIB - 1));
		assert_case(cases[i].name, !uncached(&list, 4 * GIB));
	}
}

/* Never over RAM, all of the hole as long as there are ranges, each range aligned to its size. */
static void test_any_size(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t ram_end = (unit_random(&seed) % 0xfec00 + 0x100) << 12;
		uint32_t hole_base = (unit_random(&seed) % 0xfec00 + 0x100) << 12;
		uint32_t max = unit_random(&seed) % 11;
		uint32_t phys_bits = 32 + unit_random(&seed) % 21;
		struct msr_list list;
		uint32_t ranges;

		mtrr_plan(&list, 0x500 | max, phys_bits, ram_end, hole_base);
		ranges = range_count(&list);
		assert_true(list.count <= MSR_LIST_MAX);
		assert_true(ranges <= max && ranges <= MTRR_MAX_RANGES);
		assert_false(uncached(&list, ram_end - 1));
		assert_false(uncached(&list, unit_random(&seed) % ram_end));
		if (ranges < max && ranges < MTRR_MAX_RANGES) {
			uint32_t hole = hole_base > ram_end ? hole_base : ram_end;

			assert_true(uncached(&list, hole));
			assert_true(uncached(&list, hole + unit_random(&seed) % (0 - hole)));
		}
		for (uint32_t j = 0; j < ranges; j++) {
			uint64_t base = last(&list, IA32_MTRR_PHYSBASE0 + 2 * j);
			uint64_t mask = last(&list, IA32_MTRR_PHYSMASK0 + 2 * j) & ~0xfffull;

			assert_int_equal(base & ~mask & ~0xfffull, 0);
			assert_int_equal(mask >> phys_bits, 0);
			assert_int_equal((mask | 0xfff) +
						 (~mask & ((1ull << phys_bits) - 1) & ~0xfffull),
					 (1ull << phys_bits) - 1);
		}
	}
}

static void test_fixed_ranges(void **state)
{
	struct msr_list list;

	(void)state;
	mtrr_plan(&list, CAPABILITY, 40, 0x20000000, 0xfec00000);
	assert_int_equal(last(&list, IA32_MTRR_DEF_TYPE), 0xc06);
	assert_int_equal(last(&list, IA32_MTRR_FIX64K_00000), 0x0606060606060606);
	assert_int_equal(last(&list, IA32_MTRR_FIX16K_A0000), 0);
	assert_int_equal(last(&list, 0x26b), 0x0505050505050505); /* D8000 */
	assert_int_equal(last(&list, 0x26c), 0x0606060606060606); /* E0000 */
	assert_int_equal(last(&list, 0x26d), 0x0606060606060606);
	assert_int_equal(last(&list, 0x26e), 0x0505050505050505); /* F0000 */
	/* Off first, on last: SDM Vol. 3A, "MTRR Considerations in MP Systems". */
	assert_int_equal(list.values[0].msr, IA32_MTRR_DEF_TYPE);
	assert_int_equal(list.values[0].low, 0);
	assert_int_equal(list.values[list.count - 1].msr, IA32_MTRR_DEF_TYPE);

	mtrr_plan(&list, 8, 40, 0x20000000, 0xfec00000);
	assert_int_equal(last(&list, IA32_MTRR_DEF_TYPE), 0x806);
	assert_int_equal(last(&list, IA32_MTRR_FIX64K_00000), ~0ull);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_places),
		UNIT_TEST(test_any_size),
		UNIT_TEST(test_fixed_ranges),
	};

	return cmocka_run_group_tests_name("mtrr", tests, NULL, NULL);
}
