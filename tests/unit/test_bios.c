/*
 * test_bios.c - boot/bios.c: the first page of RAM.
 */
#include "unit.h"

#include "bios.h"
#include "layout.h"

#define RAM_END (32 * MIB)

static struct fw_cfg cfg;
static struct memmap map;

static void test_first_page(void **state)
{
	const uint8_t *ram;
	const uint32_t *vectors;

	(void)state;
	unit_machine(&cfg, &map, RAM_END);
	fake_forget();
	bios_install(&map);
	assert_int_equal(fake_exits(), 0);
	ram = fake.ram[0].bytes;
	vectors = (const void *)ram;
	for (uint32_t i = 0; i < 256; i++)
		assert_int_equal(vectors[i], bios_call_vector);
	/* The BIOS data area says where the EBDA is, and the EBDA its size. */
	assert_int_equal(ram[0x40e] | ram[0x40f] << 8, 0x9fc0);
	assert_int_equal(ram[0x413] | ram[0x414] << 8, 639);
	assert_int_equal(ram[0x9fc00], 1);
	/* Nothing else. */
	assert_int_equal(ram[0x400], 0xa5);
	assert_int_equal(ram[0x40d], 0xa5);
	assert_int_equal(ram[0x410], 0xa5);
	assert_int_equal(ram[0x415], 0xa5);
}

/* A kernel that begins anywhere in the first page keeps it. */
static void test_kernels_page(void **state)
{
	static const uint32_t bases[] = { 0, 0x3fc, 0x400, 0xfff };

	(void)state;
	for (uint32_t i = 0; i < COUNT(bases); i++) {
		fake_reset();
		unit_machine(&cfg, &map, RAM_END);
		memmap_set(&map, bases[i], 0x10000, MEMORY_LOADED);
		bios_install(&map);
		for (uint32_t j = 0; j < 0x1000; j++)
			assert_int_equal(fake.ram[0].bytes[j], 0xa5);
	}
	/* One that begins behind it does not. */
	fake_reset();
	unit_machine(&cfg, &map, RAM_END);
	memmap_set(&map, 0x1000, 0x10000, MEMORY_LOADED);
	bios_install(&map);
	assert_int_equal(fake.ram[0].bytes[0x413], 639 & 0xff);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_first_page),
		UNIT_TEST(test_kernels_page),
	};

	return cmocka_run_group_tests_name("bios", tests, NULL, NULL);
}
