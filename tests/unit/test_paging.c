/*
 * test_paging.c - boot/paging.c: a walk as the processor does it ends where it began.
 */
#include "unit.h"

#include "paging.h"

#define PRESENT_WRITABLE  3u
#define LARGE             0x80u
#define RESERVED_2M       0x1fe000ull /* of a 2 MiB leaf, but for PAT, bit 12 */
#define RESERVED_1G       0x3fffe000ull
#define TABLES_PADDR      0x10000u
#define PDPT_PADDR        (TABLES_PADDR + PAGE_SIZE)
#define DIRECTORIES_PADDR (TABLES_PADDR + 2 * PAGE_SIZE)

static uint64_t tables[7 * 512];
static const uint64_t *const pml4 = tables;
static const uint64_t *const pdpt = tables + 512;
static const uint64_t *const directories = tables + 2 * 512;

static void build(uint32_t end, bool gib_pages)
{
	uint32_t used = paging_size(end, gib_pages) / sizeof(tables[0]);

	assert_in_range(used, 0, COUNT(tables) - 1);
	memset(tables, 0, sizeof(tables));
	for (uint32_t i = used; i < COUNT(tables); i++)
		tables[i] = 0xa5a5a5a5a5a5a5a5ull;
	paging_build(tables, TABLES_PADDR, end, gib_pages);
	for (uint32_t i = used; i < COUNT(tables); i++)
		assert_true(tables[i] == 0xa5a5a5a5a5a5a5a5ull);
}

/* SDM Vol. 3A, "4-Level Paging": the physical address, or all ones for a fault. */
static uint64_t walk(uint64_t linear)
{
	uint64_t entry = pml4[linear >> 39 & 0x1ff];

	if ((entry & PRESENT_WRITABLE) != PRESENT_WRITABLE)
		return UINT64_MAX;
	assert_int_equal(entry & ~0xfffull, PDPT_PADDR);
	assert_int_equal(entry & LARGE, 0);
	entry = pdpt[linear >> 30 & 0x1ff];
	if ((entry & PRESENT_WRITABLE) != PRESENT_WRITABLE)
		return UINT64_MAX;
	if (entry & LARGE) {
		assert_int_equal(entry & RESERVED_1G, 0);
		return (entry & ~0x3fffffffull) | (linear & 0x3fffffff);
	}
	entry &= ~0xfffull;
	assert_in_range(entry, DIRECTORIES_PADDR, DIRECTORIES_PADDR + 4 * PAGE_SIZE);
	entry = directories[(entry - DIRECTORIES_PADDR) / 8 + (linear >> 21 & 0x1ff)];
	if ((entry & PRESENT_WRITABLE) != PRESENT_WRITABLE)
		return UINT64_MAX;
	assert_int_equal(entry & LARGE, LARGE);
	assert_int_equal(entry & RESERVED_2M, 0);
	return (entry & ~0x1fffffull) | (linear & 0x1fffff);
}

static void test_maps_itself(void **state)
{
	static const struct {
		uint64_t end, mapped_2m, mapped_1g;
	} cases[] = {
		{ 1, 2 * MIB, GIB },
		{ 16 * MIB, 16 * MIB, GIB },
		{ 16 * MIB + 1, 18 * MIB, GIB },
		{ 512 * MIB, 512 * MIB, GIB },
		{ GIB - 1, GIB, GIB },
		{ GIB, GIB, GIB },
		{ GIB + MIB, GIB + 2 * MIB, 2 * GIB },
		{ 3 * GIB, 3 * GIB, 3 * GIB },
		{ 4 * GIB - 4096, 4 * GIB, 4 * GIB },
	};

	(void)state;
	for (uint32_t gib_pages = 0; gib_pages < 2; gib_pages++) {
		for (uint32_t i = 0; i < COUNT(cases); i++) {
			uint64_t mapped = gib_pages ? cases[i].mapped_1g : cases[i].mapped_2m;

			build((uint32_t)cases[i].end, gib_pages);
			for (uint64_t linear = 0; linear < mapped; linear += 2 * MIB) {
				assert_true(walk(linear) == linear);
				assert_true(walk(linear + 0x1fffff) == linear + 0x1fffff);
			}
			assert_true(walk(mapped) == UINT64_MAX);
			assert_true(walk(512 * GIB) == UINT64_MAX);
		}
	}
}

static void test_nothing(void **state)
{
	(void)state;
	assert_int_equal(paging_size(0, false), 0);
	assert_int_equal(paging_size(0, true), 0);
	build(0, false);
	assert_true(tables[0] == 0xa5a5a5a5a5a5a5a5ull);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_maps_itself),
		UNIT_TEST(test_nothing),
	};

	return cmocka_run_group_tests_name("paging", tests, NULL, NULL);
}
