/*
 * test_fw_cfg.c - fw_cfg.c: both ways to transfer, the directory and its cache, what goes wrong.
 */
#include "unit.h"

#include "fw_cfg.h"

static struct fw_cfg cfg;

static void init(bool dma)
{
	fake_ram_add(0, MIB);
	fake.fw_cfg.dma = dma;
	fw_cfg_init(&cfg);
	fake_forget();
}

static void test_init_by_dma_costs_one_exit(void **state)
{
	(void)state;
	fake_fw_cfg_file("etc/e820", "abc", 3);
	fw_cfg_init(&cfg);
	assert_true(cfg.dma);
	assert_int_equal(be32_get(cfg.directory.count), 1);
	assert_int_equal(fake_exits(), 1);
}

static void test_init_by_ports(void **state)
{
	(void)state;
	fake_fw_cfg_file("etc/e820", "abc", 3);
	fake.fw_cfg.dma = false;
	fw_cfg_init(&cfg);
	assert_false(cfg.dma);
	assert_int_equal(be32_get(cfg.directory.count), 1);
	assert_int_equal(fake.count[FAKE_DMA], 0);
}

/* A transfer that the device begins to leave undone after the directory came. */
static void test_dma_that_ends(void **state)
{
	uint8_t byte;

	(void)state;
	init(true);
	fake.fw_cfg.dma = false;
	assert_panics(
		"fw_cfg: a transfer of 1 bytes with control 0x15000a was not carried out; this "
		"QEMU and this image do not fit together",
		fw_cfg_read(&cfg, 0x15, &byte, 1));
}

static void test_init_without_device(void **state)
{
	(void)state;
	fake.fw_cfg.present = false;
	assert_panics("fw_cfg: no device at port 0x510; this image boots QEMU guests only",
		      fw_cfg_init(&cfg));
}

static void test_read_either_way(void **state)
{
	(void)state;
	for (int dma = 0; dma < 2; dma++) {
		uint8_t bytes[8];

		fake_reset();
		fake_fw_cfg_item(0x15, "hello", 5);
		init(dma);
		memset(bytes, 0xee, sizeof(bytes));
		fw_cfg_read(&cfg, 0x15, bytes, 7);
		/* Zeros after the end, nothing after what was asked for. */
		assert_memory_equal(bytes, "hello\0\0\xee", 8);
		assert_int_equal(fake.count[FAKE_DMA], dma);
		assert_int_equal(fake_exits(), dma ? 1 : 2);
	}
}

static void test_read_sizes(void **state)
{
	static const uint32_t sizes[] = { 0, 1, 2, 3, 4, 5, 4095, 4096, 4097, 65535, 131072 };

	(void)state;
	for (uint32_t i = 0; i < COUNT(sizes); i++) {
		for (int dma = 0; dma < 2; dma++) {
			uint8_t *wanted = malloc(sizes[i] + 1);
			uint8_t *got;

			fake_reset();
			for (uint32_t j = 0; j < sizes[i]; j++)
				wanted[j] = (uint8_t)(j * 7 + 1);
			fake_fw_cfg_item(0x18, wanted, sizes[i]);
			init(dma);
			got = unit_copy("", 0);
			free(got);
			got = malloc(sizes[i] ? sizes[i] : 1);
			fw_cfg_read(&cfg, 0x18, got, sizes[i]);
			assert_memory_equal(got, wanted, sizes[i]);
			free(got);
			free(wanted);
		}
	}
}

static void test_read_more_goes_on(void **state)
{
	(void)state;
	for (int dma = 0; dma < 2; dma++) {
		char text[10] = "";

		fake_reset();
		fake_fw_cfg_item(0x15, "0123456789", 10);
		init(dma);
		fw_cfg_read(&cfg, 0x15, text, 4);
		fw_cfg_read_more(&cfg, text + 4, 6);
		assert_memory_equal(text, "0123456789", 10);
	}
}

static void test_scalars(void **state)
{
	(void)state;
	fake_fw_cfg_u16(FW_CFG_KEY_CPU_COUNT, 0x1234);
	fake_fw_cfg_u32(FW_CFG_KEY_KERNEL_SIZE, 0x89abcdef);
	init(true);
	assert_int_equal(fw_cfg_read_u32(&cfg, FW_CFG_KEY_CPU_COUNT), 0x1234);
	assert_true(fw_cfg_read_u32(&cfg, FW_CFG_KEY_KERNEL_SIZE) == 0x89abcdef);
	assert_int_equal(fw_cfg_read_u32(&cfg, FW_CFG_KEY_KERNEL_ENTRY), 0);
	assert_int_equal(fake_exits(), 3);
}

static void test_read_above_4_gib(void **state)
{
	uint8_t *high = fake_ram_add(4 * GIB, 0x1000);

	(void)state;
	fake_fw_cfg_item(FW_CFG_KEY_INITRD_DATA, "initrd", 6);
	init(true);
	fw_cfg_read_at(&cfg, FW_CFG_KEY_INITRD_DATA, 0, 4 * GIB + 0x10, 6);
	assert_memory_equal(high + 0x10, "initrd", 6);

	cfg.dma = false;
	assert_panics("fw_cfg: cannot read item 0x12 to 0x100000010 without DMA",
		      fw_cfg_read_at(&cfg, FW_CFG_KEY_INITRD_DATA, 0, 4 * GIB + 0x10, 6));
}

/* From an offset on, by DMA in two transfers, by ports in pieces of what there is room for. */
static void test_read_at(void **state)
{
	static const struct {
		uint32_t offset, size, transfers;
	} cases[] = {
		{ 0, 5, 1 },  { 1, 5, 2 },  { 5, 5, 2 },  { 12, 5, 2 },
		{ 12, 1, 2 }, { 19, 5, 2 }, { 30, 5, 2 },
	};
	uint8_t bytes[20], wanted[40] = { 0 };

	(void)state;
	for (uint8_t i = 0; i < sizeof(bytes); i++)
		wanted[i] = bytes[i] = i + 1;
	for (uint32_t i = 0; i < 2 * COUNT(cases); i++) {
		uint32_t offset = cases[i / 2].offset, size = cases[i / 2].size;
		uint8_t *ram;

		fake_reset();
		fake.fw_cfg.dma = i % 2;
		ram = fake_ram_add(0x1000, 0x1000);
		fw_cfg_init(&cfg);
		fake_fw_cfg_item(FW_CFG_KEY_KERNEL_DATA, bytes, sizeof(bytes));
		fake_forget();
		fw_cfg_read_at(&cfg, FW_CFG_KEY_KERNEL_DATA, offset, 0x1010, size);
		assert_memory_equal(ram + 0x10, wanted + offset, size);
		assert_int_equal(ram[0x0f], 0xa5);
		assert_int_equal(ram[0x10 + size], 0xa5);
		if (fake.fw_cfg.dma)
			assert_int_equal(fake_exits(), cases[i / 2].transfers);
	}
	/* To above 4 GiB. */
	fake_reset();
	fake_ram_add(4 * GIB, 0x1000);
	fw_cfg_init(&cfg);
	fake_fw_cfg_item(FW_CFG_KEY_KERNEL_DATA, bytes, sizeof(bytes));
	fw_cfg_read_at(&cfg, FW_CFG_KEY_KERNEL_DATA, 3, 4 * GIB + 7, 5);
	assert_memory_equal(fake_phys(4 * GIB + 7, 5), bytes + 3, 5);
}

static void test_failed_transfer(void **state)
{
	uint8_t bytes[4];

	(void)state;
	init(true);
	fake.fw_cfg.fail_after = fake.fw_cfg.transfers;
	assert_panics("fw_cfg: transfer of 4 bytes at 0x", fw_cfg_read(&cfg, 0x15, bytes, 4));
	assert_says(fake.panic, "with control 0x15000a failed with status 0x1");

	fake.fw_cfg.fail_after = 0;
	assert_panics("with control 0x19000a failed", fw_cfg_init(&cfg));
}

static void test_write(void **state)
{
	struct fake_item *file = fake_fw_cfg_file("etc/vmgenid_addr", NULL, 8);
	struct fw_cfg_item item;

	(void)state;
	file->writable = true;
	init(true);
	assert_true(fw_cfg_find(&cfg, "etc/vmgenid_addr", &item));
	fw_cfg_write(&cfg, item.selector, 0, "\1\2\3\4", 4);
	assert_int_equal(fake_exits(), 1);
	fake_forget();
	fw_cfg_write(&cfg, item.selector, 4, "\5\6\7\10", 4);
	assert_int_equal(fake_exits(), 2);
	assert_memory_equal(fake_fw_cfg_find("etc/vmgenid_addr")->bytes, "\1\2\3\4\5\6\7\10", 8);
	assert_panics("failed with status 0x1",
		      fw_cfg_write(&cfg, item.selector, 6, "\1\2\3\4", 4));
	fake_fw_cfg_find("etc/vmgenid_addr")->writable = false;
	assert_panics("failed with status 0x1",
		      fw_cfg_write(&cfg, item.selector, 0, "\1\2\3\4", 4));
	cfg.dma = false;
	assert_panics("fw_cfg: cannot write item 0x20 without DMA",
		      fw_cfg_write(&cfg, item.selector, 0, "\1\2\3\4", 4));
}

static void test_find(void **state)
{
	struct fw_cfg_item item = { 0, 0 };
	static const char longest[] =
		"1234567890123456789012345678901234567890123456789012345"; /* 55 and a zero */

	(void)state;
	_Static_assert(sizeof(longest) == FW_CFG_NAME_SIZE, "the longest name");
	fake_fw_cfg_file("etc/abc", "1", 1);
	fake_fw_cfg_file("etc/abcd", "22", 2);
	fake_fw_cfg_file(longest, "333", 3);
	fake_fw_cfg_file("xyz/abcd", "4444", 4);
	init(true);
	assert_true(fw_cfg_find(&cfg, "etc/abcd", &item));
	assert_int_equal(item.size, 2);
	assert_true(fw_cfg_find(&cfg, longest, &item));
	assert_int_equal(item.size, 3);
	assert_false(fw_cfg_find(&cfg, "etc/abcde", &item));
	assert_false(fw_cfg_find(&cfg, "etc/\0\0\0", &item));
	assert_false(fw_cfg_find(&cfg, "\0\0\0\0\0\0\0", &item));
	assert_int_equal(fake_exits(), 0);
}

static void test_read_file(void **state)
{
	char bytes[4] = "####";

	(void)state;
	fake_fw_cfg_file("etc/two", "22", 2);
	init(true);
	assert_false(fw_cfg_read_file(&cfg, "etc/one", bytes, sizeof(bytes)));
	assert_memory_equal(bytes, "####", 4);
	assert_int_equal(fake_exits(), 0);
	assert_true(fw_cfg_read_file(&cfg, "etc/two", bytes, 3));
	assert_memory_equal(bytes, "22\0#", 4);
	assert_int_equal(fake_exits(), 1);
}

static void add_files(uint32_t count)
{
	static char names[600][24];

	for (uint32_t i = 0; i < count; i++) {
		snprintf(names[i], sizeof(names[i]), "etc/file%u", i);
		fake_fw_cfg_file(names[i], NULL, i);
	}
}

/*
 * Names of every length, which differ in one character from one another: each is found, no other.
 */
static void test_names_of_every_length(void **state)
{
	(void)state;
	for (uint32_t length = 1; length < FW_CFG_NAME_SIZE; length++) {
		for (uint32_t at = 0; at < length; at++) {
			char name[FW_CFG_NAME_SIZE] = { 0 }, other[FW_CFG_NAME_SIZE] = { 0 };
			struct fw_cfg_item item;

			fake_reset();
			memset(name, 'n', length);
			memcpy(other, name, sizeof(name));
			other[at] = 'm';
			fake_fw_cfg_file(name, "abc", 3);
			init(true);
			assert_true(fw_cfg_find(&cfg, name, &item));
			assert_int_equal(item.size, 3);
			assert_false(fw_cfg_find(&cfg, other, &item));
			assert_false(fw_cfg_find(&cfg, other, &item));
		}
	}
}

/*
 * Nobody can ask for a name of 56 bytes without a terminator: the directory is not what it seems.
 * A file that is not cached is looked at when it is passed.
 */
static void test_unterminated_name(void **state)
{
	static const uint32_t numbers[] = { 0, 1, 7, 31, 32, 40, 47 };

	(void)state;
	for (uint32_t i = 0; i < COUNT(numbers); i++) {
		char name[FW_CFG_NAME_SIZE + 1], wanted[100];
		struct fw_cfg_item item;

		fake_reset();
		fake_ram_add(0, MIB);
		memset(name, 'x', sizeof(name) - 1);
		name[sizeof(name) - 1] = '\0';
		add_files(numbers[i]);
		fake_fw_cfg_file(name, "1", 1);
		snprintf(wanted, sizeof(wanted),
			 "fw_cfg: file %u of the directory, at 0x%x, has a name "
			 "without a terminator",
			 numbers[i], 4 + 64 * numbers[i]);
		if (numbers[i] >= FW_CFG_CACHED_FILES) {
			fw_cfg_init(&cfg);
			assert_panics(wanted, fw_cfg_find(&cfg, "etc/none", &item));
			continue;
		}
		assert_panics(wanted, fw_cfg_init(&cfg));
	}
}

/* Of two files with one name, none is better than the other. */
static void test_duplicate_name(void **state)
{
	struct fw_cfg_item item;

	(void)state;
	fake_fw_cfg_file("etc/abc", "1", 1);
	fake_fw_cfg_file("etc/abcd", "22", 2);
	fake_fw_cfg_file("xyz/abcd", "333", 3);
	fake_fw_cfg_file("etc/abcd", "4444", 4);
	init(true);
	assert_true(fw_cfg_find(&cfg, "etc/abc\0", &item));
	assert_true(fw_cfg_find(&cfg, "xyz/abcd", &item));
	assert_panics(
		"fw_cfg: \"etc/abcd\" is in the directory twice, as file 1 and, at 0xc4, file 3",
		fw_cfg_find(&cfg, "etc/abcd", &item));
}

static void test_find_beyond_cache(void **state)
{
	static const uint32_t counts[] = { 0, 1, 31, 32, 33, 64, 500 };

	(void)state;
	for (uint32_t i = 0; i < COUNT(counts); i++) {
		for (int dma = 0; dma < 2; dma++) {
			struct fw_cfg_item item;
			char name[24];

			fake_reset();
			add_files(counts[i]);
			init(dma);
			for (uint32_t j = 0; j < counts[i]; j += j < 70 ? 1 : 43) {
				snprintf(name, sizeof(name), "etc/file%u", j);
				assert_true(fw_cfg_find(&cfg, name, &item));
				assert_int_equal(item.size, j);
				assert_int_equal(item.selector, 0x20 + j);
			}
			if (counts[i] <= FW_CFG_CACHED_FILES)
				assert_int_equal(fake_exits(), 0);
			assert_false(fw_cfg_find(&cfg, "etc/file", &item));
			assert_false(fw_cfg_find(&cfg, "etc/file999", &item));
		}
	}
}

/*
 * Hundreds of files for the guest hide none of ours.  Looking beyond the first costs two transfers
 * for the next eight, and one for each eight more.
 */
static void test_files_of_others(void **state)
{
	static const uint32_t counts[] = { 29, 30, 31, 37, 38, 45, 46, 47, 300 };

	(void)state;
	for (uint32_t i = 0; i < COUNT(counts); i++) {
		uint32_t others = counts[i], files = others + 3;
		uint32_t chunks = files <= FW_CFG_CACHED_FILES ?
					  0 :
					  (files - 1) / FW_CFG_CHUNK_FILES -
						  FW_CFG_CACHED_FILES / FW_CFG_CHUNK_FILES + 1;
		struct fw_cfg_item item;
		char name[64];

		fake_reset();
		fake_fw_cfg_file("etc/e820", "1", 1);
		for (uint32_t j = 0; j < others; j++) {
			snprintf(name, sizeof(name), "opt/org.test/file%u", j);
			fake_fw_cfg_file(name, "22", 2);
		}
		fake_fw_cfg_file("opt/org.qboot/x", "333", 3);
		fake_fw_cfg_file("vgaroms/x", "4444", 4);
		fake_ram_add(0, MIB);
		fw_cfg_init(&cfg);
		assert_int_equal(fake_exits(), 1);
		fake_forget();
		assert_true(fw_cfg_find(&cfg, "etc/e820", &item) && item.size == 1);
		assert_int_equal(fake_exits(), 0);
		assert_true(fw_cfg_find(&cfg, "opt/org.qboot/x", &item) && item.size == 3);
		assert_true(fw_cfg_find(&cfg, "vgaroms/x", &item) && item.size == 4);
		fake_forget();
		assert_false(fw_cfg_find(&cfg, "opt/org.qboot/y", &item));
		assert_int_equal(fake_exits(), chunks ? chunks + 1 : 0);
	}
}

/* A directory that claims more files than it has ends where its entries do. */
static void test_find_in_lying_directory(void **state)
{
	struct fw_cfg_item item;

	(void)state;
	add_files(40);
	fake.fw_cfg.claimed_files = UINT32_MAX;
	init(true);
	assert_true(fw_cfg_find(&cfg, "etc/file39", &item));
	assert_false(fw_cfg_find(&cfg, "etc/file40", &item));
	assert_true(fake_exits() < 100);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_init_by_dma_costs_one_exit),
		UNIT_TEST(test_init_by_ports),
		UNIT_TEST(test_dma_that_ends),
		UNIT_TEST(test_init_without_device),
		UNIT_TEST(test_read_either_way),
		UNIT_TEST(test_read_sizes),
		UNIT_TEST(test_read_more_goes_on),
		UNIT_TEST(test_scalars),
		UNIT_TEST(test_read_above_4_gib),
		UNIT_TEST(test_read_at),
		UNIT_TEST(test_failed_transfer),
		UNIT_TEST(test_write),
		UNIT_TEST(test_find),
		UNIT_TEST(test_read_file),
		UNIT_TEST(test_names_of_every_length),
		UNIT_TEST(test_unterminated_name),
		UNIT_TEST(test_duplicate_name),
		UNIT_TEST(test_find_beyond_cache),
		UNIT_TEST(test_files_of_others),
		UNIT_TEST(test_find_in_lying_directory),
	};

	return cmocka_run_group_tests_name("fw_cfg", tests, NULL, NULL);
}
