/*
 * test_multiboot.c - boot/multiboot.c: the memory fields, and that QEMU's others stay.
 */
#include "unit.h"

#include "multiboot.h"

#define QEMU_FLAGS 0x20e /* boot device, command line, modules, boot loader name */

static const struct e820_entry map[] = {
	{ 0, 0x9fc00, MEMORY_RAM },
	{ 0x9fc00, 0x400, MEMORY_RESERVED },
	{ 0xe0000, 0x20000, MEMORY_RESERVED },
	{ 0x100000, 0x7ee0000, MEMORY_RAM },
	{ 0x7fe0000, 0x20000, MEMORY_RESERVED },
	{ 0x100000000, 0x8000000000, MEMORY_RAM },
};

static struct multiboot_info info;
static struct multiboot_mmap_entry entries[COUNT(map) + 1];

static void build(const struct e820_entry *e820, uint32_t count)
{
	memset(&info, 0x11, sizeof(info));
	info.flags = QEMU_FLAGS;
	memset(entries, 0xa5, sizeof(entries));
	for (uint32_t i = 0; i < count; i++)
		memcpy(&entries[i].base, &e820[i], sizeof(e820[i]));
	multiboot_build(&info, entries, 0xe3000, count);
}

static void test_memory_fields(void **state)
{
	(void)state;
	build(map, COUNT(map));
	assert_int_equal(info.flags, QEMU_FLAGS | 1 | 1 << 6);
	assert_int_equal(info.mem_lower, 639);
	assert_int_equal(info.mem_upper, 0x7ee0000 >> 10);
	assert_int_equal(info.mmap_addr, 0xe3000);
	assert_int_equal(info.mmap_length, 24 * COUNT(map));
	assert_int_equal(info.cmdline, 0x11111111);
	assert_int_equal(info.mods_addr, 0x11111111);
	assert_int_equal(info.rest[8], 0x11111111);
}

static void test_map(void **state)
{
	(void)state;
	build(map, COUNT(map));
	for (uint32_t i = 0; i < COUNT(map); i++) {
		assert_int_equal(entries[i].size, 20);
		assert_true(entries[i].base == map[i].base);
		assert_true(entries[i].length == map[i].size);
		assert_int_equal(entries[i].type, map[i].type);
	}
	assert_true(entries[COUNT(map)].size == 0xa5a5a5a5);
}

/* Where 1 MiB does not start with RAM, QEMU's value stays: nothing is invented. */
static void test_edges(void **state)
{
	static const struct e820_entry reserved[] = { { 0x100000, 0x1000, MEMORY_RESERVED } };
	static const struct e820_entry most[] = { { 0x100000, 0xfff00000, MEMORY_RAM } };

	(void)state;
	build(map, 0);
	assert_int_equal(info.mmap_length, 0);
	build(reserved, 1);
	assert_int_equal(info.mem_upper, 0x11111111);
	build(most, 1);
	assert_int_equal(info.mem_upper, 0x3ffc00);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_memory_fields),
		UNIT_TEST(test_map),
		UNIT_TEST(test_edges),
	};

	return cmocka_run_group_tests_name("multiboot", tests, NULL, NULL);
}
