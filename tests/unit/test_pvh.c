/*
 * test_pvh.c - boot/pvh.c: the start info and what it points to.
 */
#include "unit.h"

#include "pvh.h"

static const struct e820_entry map[] = {
	{ 0, 0x9fc00, MEMORY_RAM },
	{ 0xe0000, 0x20000, MEMORY_RESERVED },
	{ 0x100000, 0x7f00000, MEMORY_RAM },
	{ 0x100000000, 0x8000000000, MEMORY_RAM },
};

static struct pvh_block *build(const struct load_handover *handover, uint32_t count)
{
	struct pvh_block *block = malloc(sizeof(*block));

	memset(block, 0xa5, sizeof(*block));
	for (uint32_t i = 0; i < count; i++)
		memcpy(&block->memmap[i], &map[i], sizeof(map[i]));
	pvh_build(block, 0xe1000, handover, count);
	return block;
}

static void test_with_initrd(void **state)
{
	struct pvh_block *block = build(&(struct load_handover){ .cmdline_paddr = 0xe2000,
								 .initrd_paddr = 0xfffff000,
								 .initrd_size = 0x800,
								 .rsdp_paddr = 0xe0000 },
					COUNT(map));

	(void)state;
	assert_int_equal(block->info.magic, 0x336ec578);
	assert_int_equal(block->info.version, 1);
	assert_int_equal(block->info.flags, 0);
	assert_int_equal(block->info.module_count, 1);
	assert_int_equal(block->info.modules_paddr, 0xe1000 + 56);
	assert_int_equal(block->info.cmdline_paddr, 0xe2000);
	assert_int_equal(block->info.rsdp_paddr, 0xe0000);
	assert_int_equal(block->info.memmap_paddr, 0xe1000 + 56 + 32);
	assert_int_equal(block->info.memmap_entries, COUNT(map));
	assert_int_equal(block->info.reserved, 0);
	assert_true(block->module.paddr == 0xfffff000);
	assert_int_equal(block->module.size, 0x800);
	assert_int_equal(block->module.cmdline_paddr, 0);
	assert_int_equal(block->module.reserved, 0);
	free(block);
}

static void test_without_initrd(void **state)
{
	struct pvh_block *block = build(&(struct load_handover){ 0 }, 0);

	(void)state;
	assert_int_equal(block->info.module_count, 0);
	assert_int_equal(block->info.modules_paddr, 0);
	assert_int_equal(block->info.rsdp_paddr, 0);
	assert_int_equal(block->info.memmap_entries, 0);
	free(block);
}

static void test_map(void **state)
{
	(void)state;
	for (uint32_t count = 0; count <= COUNT(map); count++) {
		struct pvh_block *block = build(&(struct load_handover){ 0 }, count);

		for (uint32_t i = 0; i < count; i++) {
			assert_true(block->memmap[i].base == map[i].base);
			assert_true(block->memmap[i].size == map[i].size);
			assert_int_equal(block->memmap[i].type, map[i].type);
			assert_int_equal(block->memmap[i].reserved, 0);
		}
		assert_int_equal(block->memmap[count].reserved, 0xa5a5a5a5);
		free(block);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_with_initrd),
		UNIT_TEST(test_without_initrd),
		UNIT_TEST(test_map),
	};

	return cmocka_run_group_tests_name("pvh", tests, NULL, NULL);
}
