/*
 * test_paging.c - boot/paging.c: a walk as the processor does it ends where it began.
 */
#include "unit.h"

#include "paging.h"

#define PRESENT_WRITABLE        3u
#define LARGE                   0x80u
#define RESERVED_2M             0x1fe000ull     /* of a 2 MiB leaf, but for PAT, bit 12 */
#define RESERVED_1G             0x3fffe000ull
#define PDPT_PADDR              0x1000u
#define DIRECTORIES_PADDR       0x10000u

static uint64_t pml4[512], pdpt[512], directories[4 * 512];

static void build(uint32_t gib_count, bool gib_pages, bool dirty)
{
	memset(pml4, 0, sizeof(pml4));
	memset(pdpt, 0, sizeof(pdpt));
	memset(directories, dirty ? 0xa5 : 0, sizeof(directories));
	paging_build(pml4, pdpt, PDPT_PADDR, gib_pages ? NULL : directories, DIRECTORIES_PADDR,
		     gib_count, gib_pages);
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
	assert_in_range(entry, DIRECTORIES_PADDR, DIRECTORIES_PADDR + 3 * PAGE_SIZE);
	entry = directories[(entry - DIRECTORIES_PADDR) / 8 + (linear >> 21 & 0x1ff)];
	if ((entry & PRESENT_WRITABLE) != PRESENT_WRITABLE)
		return UINT64_MAX;
	assert_int_equal(entry & LARGE, LARGE);
	assert_int_equal(entry & RESERVED_2M, 0);
	return (entry & ~0x1fffffull) | (linear & 0x1fffff);
}

static void test_maps_itself(void **state)
{
	(void)state;
	for (uint32_t gib_pages = 0; gib_pages < 2; gib_pages++) {
		for (uint32_t count = 1; count <= 4; count++) {
			build(count, gib_pages, true);
			for (uint64_t linear = 0; linear < count * GIB; linear += 2 * MIB) {
				assert_true(walk(linear) == linear);
				assert_true(walk(linear + 0x1fffff) == linear + 0x1fffff);
			}
			assert_true(walk(count * GIB) == UINT64_MAX);
			assert_true(walk(512 * GIB) == UINT64_MAX);
		}
	}
}

static void test_leaves_other_directories_alone(void **state)
{
	(void)state;
	build(2, false, true);
	for (uint32_t i = 2 * 512; i < 4 * 512; i++)
		assert_true(directories[i] == 0xa5a5a5a5a5a5a5a5ull);
}

static void test_nothing(void **state)
{
	(void)state;
	build(0, false, false);
	assert_true(walk(0) == UINT64_MAX);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_maps_itself),
		UNIT_TEST(test_leaves_other_directories_alone),
		UNIT_TEST(test_nothing),
	};

	return cmocka_run_group_tests_name("paging", tests, NULL, NULL);
}
