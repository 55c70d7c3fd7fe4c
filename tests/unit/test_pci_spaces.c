/*
 * test_pci_spaces.c - which addresses are free, for a map and limits given here.
 */
#include "unit.h"

#include "pci_spaces.h"

#define GIB 0x40000000ull

static struct pci_plan plan;
static struct memmap map;

struct expected {
	uint32_t count;
	struct pci_range ranges[3];
};

static void check(const char *name, const struct pci_ranges *found, const struct expected *expected)
{
	assert_case_equal(name, found->count, expected->count);
	for (uint32_t i = 0; i < expected->count; i++) {
		assert_case_equal(name, found->ranges[i].base, expected->ranges[i].base);
		assert_case_equal(name, found->ranges[i].end, expected->ranges[i].end);
	}
}

static void add_ram(uint64_t below_4_gib, uint64_t above)
{
	map.count = 0;
	memmap_set(&map, MIB, below_4_gib, MEMORY_RAM);
	memmap_set(&map, 4 * GIB, 4 * GIB + above, MEMORY_RAM);
}

static void test_below_4_gib(void **state)
{
	static const struct {
		const char *name;
		uint64_t ram_end, low_base, reserved_base, reserved_end;
		struct expected expected;
	} cases[] = {
		{ "little RAM",
		  64 * MIB,
		  0,
		  0,
		  0,
		  { 3, { { 3 * GIB, 0xfec00000 }, { 2 * GIB, 3 * GIB }, { 64 * MIB, 2 * GIB } } } },
		{ "ECAM",
		  64 * MIB,
		  0,
		  0xb0000000,
		  3 * GIB,
		  { 3,
		    { { 3 * GIB, 0xfec00000 }, { 2 * GIB, 0xb0000000 }, { 64 * MIB, 2 * GIB } } } },
		{ "rounded up to 16 MiB",
		  2 * GIB + 4096,
		  0,
		  0,
		  0,
		  { 2, { { 3 * GIB, 0xfec00000 }, { 0x81000000, 3 * GIB } } } },
		{ "rounded up to 4 MiB above 3 GiB",
		  3 * GIB + 4096,
		  0,
		  0,
		  0,
		  { 1, { { 0xc0400000, 0xfec00000 } } } },
		{ "the machine's own base",
		  64 * MIB,
		  3 * GIB,
		  0xe0000000,
		  0xfec00000,
		  { 1, { { 3 * GIB, 0xe0000000 } } } },
		{ "no gap", 0xfec00000, 0, 0, 0, { 0 } },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		struct pci_limits limits = { .low_base = cases[i].low_base, .low_end = 0xfec00000 };

		add_ram(cases[i].ram_end, 0);
		memmap_set(&map, cases[i].reserved_base, cases[i].reserved_end, MEMORY_RESERVED);
		plan.spaces[PCI_SPACE_LOW].count = 7;
		pci_spaces_find(&plan, &limits, &map);
		check(cases[i].name, &plan.spaces[PCI_SPACE_LOW], &cases[i].expected);
	}
}

static void test_above_4_gib(void **state)
{
	static const struct {
		const char *name;
		uint64_t ram, high_base;
		uint32_t phys_bits;
		bool top_quarter;
		struct expected expected;
	} cases[] = {
		{ "no RAM there", 0, 0, 40, false, { 1, { { 4 * GIB, 1ull << 40 } } } },
		{ "rounded up to a GiB", 4096, 0, 40, false, { 1, { { 5 * GIB, 1ull << 40 } } } },
		{ "memory to come", GIB, 64 * GIB, 40, false, { 1, { { 64 * GIB, 1ull << 40 } } } },
		{ "no 64-bit mode", 0, 64 * GIB, 0, false, { 0 } },
		{ "the last quarter", GIB, 0, 40, true, { 1, { { 3ull << 38, 1ull << 40 } } } },
		{ "as much RAM as addresses", 60 * GIB, 0, 36, false, { 0 } },
		{ "RAM up to the end of 64 bits", ~0ull - 4 * GIB, 0, 36, false, { 0 } },
		{ "memory to come up to there", GIB, ~0ull, 40, false, { 0 } },
		{ "memory to come, and a quarter", GIB, ~0ull, 40, true, { 0 } },
		{ "memory to come in all addresses", GIB, 1ull << 40, 40, false, { 0 } },
		{ "but for a byte", GIB, (1ull << 40) - 1, 40, false, { 0 } },
	};
	static const struct expected around_a_hole = {
		2, { { 4 * GIB, 0xfd00000000 }, { 1ull << 40, 1ull << 41 } }
	};
	struct pci_limits hole = { .phys_bits = 41 };

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		struct pci_limits limits = { .high_base = cases[i].high_base,
					     .phys_bits = cases[i].phys_bits,
					     .top_quarter = cases[i].top_quarter };

		add_ram(64 * MIB, cases[i].ram);
		plan.spaces[PCI_SPACE_HIGH].count = 7;
		pci_spaces_find(&plan, &limits, &map);
		check(cases[i].name, &plan.spaces[PCI_SPACE_HIGH], &cases[i].expected);
	}
	/* AMD's HyperTransport hole, which is reserved and is no RAM to stay above. */
	add_ram(64 * MIB, 0);
	memmap_set(&map, 0xfd00000000, 1ull << 40, MEMORY_RESERVED);
	pci_spaces_find(&plan, &hole, &map);
	check("a hole", &plan.spaces[PCI_SPACE_HIGH], &around_a_hole);
}

static void test_lowest(void **state)
{
	struct pci_resource item = { .base = 0x90000000 };

	(void)state;
	pci_plan_clear(&plan);
	assert_int_equal(pci_spaces_lowest(&plan, 0xfec00000), 0xfec00000);
	pci_ranges_add(&plan.spaces[PCI_SPACE_LOW], 0xc0000000, 0xfec00000);
	plan.roots[PCI_SPACE_LOW].first = NULL;
	assert_int_equal(pci_spaces_lowest(&plan, 0xfec00000), 0xc0000000);
	assert_int_equal(pci_spaces_lowest(&plan, 0xb0000000), 0xb0000000);
	plan.roots[PCI_SPACE_LOW].first = &item;
	assert_int_equal(pci_spaces_lowest(&plan, 0xb0000000), 0x90000000);
}

static void test_high(void **state)
{
	struct pci_resource last = { .base = 8 * GIB, .size = 2 * MIB };
	struct pci_resource first = { .base = 5 * GIB, .size = 16, .next = &last };
	struct pci_resource item = { .base = 6 * GIB, .size = 2 * GIB, .next = &first };
	struct pci_range high;

	(void)state;
	pci_plan_clear(&plan);
	pci_ranges_add(&plan.spaces[PCI_SPACE_HIGH], 5 * GIB, 64 * GIB);
	/* The list is made only if there is something in it, or was. */
	plan.high = false;
	plan.roots[PCI_SPACE_HIGH].first = (void *)1;
	high = pci_spaces_high(&plan);
	assert_true(!high.base && !high.end);
	plan.high = true;
	plan.roots[PCI_SPACE_HIGH].first = NULL;
	high = pci_spaces_high(&plan);
	assert_true(!high.base && !high.end);
	plan.roots[PCI_SPACE_HIGH].first = &item;
	high = pci_spaces_high(&plan);
	assert_true(high.base == 5 * GIB && high.end == 8 * GIB + 2 * MIB);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_below_4_gib),
		UNIT_TEST(test_above_4_gib),
		UNIT_TEST(test_lowest),
		UNIT_TEST(test_high),
	};

	return cmocka_run_group_tests_name("pci_spaces", tests, NULL, NULL);
}
