/*
 * test_smbios.c - tables/smbios.c: found from an anchor as an operating system does it, walked by a
 * second walker that knows only the specification.
 *
 * smbios.c is included, so that its anchor can be given the place it has in the image.
 */
#include "unit.h"

#include "../../tables/smbios.c"

#define RAM_END      (4 * MIB)
#define ANCHOR_PADDR (ROM_BASE + ROM_SIZE - 0x30)
#define TABLES       "etc/smbios/smbios-tables"

static struct machine guest;
static struct memmap map;
static struct smbios_table placed;

/* A PC; rom says whether the ROM is to be seen at 0xf0000, or RAM with what was there. */
static void machine(bool rom)
{
	uint8_t *image;

	fake_pci_add(NULL, 0, 0, 0x8086, 0x1237);
	unit_machine(&guest.cfg, &map, RAM_END);
	guest.chipset = chipset_probe(&guest.cfg);
	image = fake_ram_add(ROM_BASE, ROM_SIZE);
	memcpy(image + ANCHOR_PADDR - ROM_BASE, &anchor, sizeof(anchor));
	fake_phys_pin(&anchor, sizeof(anchor), ANCHOR_PADDR);
	if (rom)
		memcpy(phys_ptr(ROM_ALIAS_BASE), image, ROM_SIZE);
}

static void install(void)
{
	fw_cfg_init(&guest.cfg);
	fake_forget();
	placed = smbios_install(&guest, &map);
}

/* DSP0134 5.2.2: 16-byte boundaries of the F segment. */
static const struct smbios30_entry_point *find_anchor(void)
{
	for (uint32_t paddr = ROM_ALIAS_BASE; paddr < ROM_ALIAS_END; paddr += 16) {
		const struct smbios30_entry_point *entry = phys_ptr(paddr);
		uint8_t sum = 0;

		if (memcmp(entry->anchor, "_SM3_", 5) != 0)
			continue;
		for (uint32_t i = 0; i < entry->length; i++)
			sum = (uint8_t)(sum + ((const uint8_t *)entry)[i]);
		assert_int_equal(sum, 0);
		assert_int_equal(entry->length, 0x18);
		assert_int_equal(entry->major_version, 3);
		return entry;
	}
	return NULL;
}

/* Calls back nothing: notes each structure's type and where it is. */
static uint32_t count, types[512], offsets[512];

static void walk(const uint8_t *table, uint32_t size)
{
	uint32_t at = 0;

	for (count = 0; count < COUNT(types); count++) {
		assert_true(at + 6 <= size);
		types[count] = table[at];
		offsets[count] = at;
		assert_true(table[at + 1] >= 4);
		at += table[at + 1];
		for (; table[at] || table[at + 1]; at++)
			assert_true(at + 2 < size);
		at += 2;
		assert_true(at <= size);
		if (types[count] == 127) {
			count++;
			return;
		}
	}
	fail_msg("no end of table");
}

static const uint8_t *walk_from_anchor(void)
{
	const struct smbios30_entry_point *entry = find_anchor();

	assert_non_null(entry);
	assert_true(entry->table_address + entry->table_max_size <= RAM_END);
	if (entry->table_address == SMBIOS_BASE)
		assert_true(entry->table_address + entry->table_max_size <= SMBIOS_END);
	else
		assert_true(unit_is_kept(&map, entry->table_address,
					 entry->table_address + entry->table_max_size));
	walk(phys_ptr((uint32_t)entry->table_address), entry->table_max_size);
	return phys_ptr((uint32_t)entry->table_address);
}

static void test_anchor(void **state)
{
	uint8_t sum = 0;

	(void)state;
	for (uint32_t i = 0; i < sizeof(anchor); i++)
		sum = (uint8_t)(sum + ((const uint8_t *)&anchor)[i]);
	assert_int_equal(sum, 0);
}

/* The anchor says 3.0: each type 4 has the fields of that, with what the narrow ones hold. */
static void check_processors(const uint8_t *table)
{
	uint32_t processors = 0;

	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *type4 = table + offsets[i];

		if (types[i] != 4)
			continue;
		processors++;
		assert_int_equal(type4[1], 0x30);
		for (uint32_t n = 0; n < 3; n++) {
			int wide = type4[0x2a + 2 * n] | type4[0x2b + 2 * n] << 8;

			assert_int_equal(wide < 0xff ? wide : 0xff, type4[0x23 + n]);
		}
		assert_memory_equal(type4 + 0x30, "CPU ", 4);
	}
	assert_true(processors > 0);
}

static void test_recorded(void **state)
{
	(void)state;
	for (uint32_t r = 0; unit_records[r]; r++) {
		bool own, given;
		const uint8_t *table;

		if (strstr(unit_records[r], "microvm"))
			continue;
		fake_reset();
		machine(true);
		unit_load(unit_records[r]);
		install();
		table = walk_from_anchor();
		assert_true(count > 5);
		assert_int_equal(types[0], 0);
		for (uint32_t i = 1; i < count; i++)
			assert_int_not_equal(types[i], 0);
		check_processors(table);
		own = strstr((const char *)table + offsets[0] + table[offsets[0] + 1], "qboot");
		given = strstr(unit_records[r], "smbios0");
		assert_int_equal(own, !given);
		assert_int_equal(fake_exits(), 1);
	}
}

static void test_none(void **state)
{
	(void)state;
	machine(true);
	install();
	assert_int_equal(fake_exits(), 1);
	assert_string_equal(fake.console, "");
	assert_null(find_anchor());
	/* Where the anchor stays, being in ROM, what it names is whole. */
	walk(phys_ptr(SMBIOS_BASE), SMBIOS_END - SMBIOS_BASE);
}

/* A field as machine types before 2.1 have it; returns the item's size with it. */
static uint32_t add_entry(uint8_t *item, uint32_t size, uint8_t offset, const char *value)
{
	uint32_t length = (uint32_t)strlen(value) + 1;

	size = size ? size : 2;
	item[0]++;
	memcpy(item + size, (uint8_t[]){ (uint8_t)(6 + length), 0, 0, 1, offset, 0 }, 6);
	memcpy(item + size + 6, value, length);
	return size + 6 + length;
}

/* What older machine types have is said to be left out, if an option asked for it. */
static void test_old_form(void **state)
{
	static const struct {
		const char *name;
		bool has_defaults;
		const char *product, *serial;
		bool is_said;
	} cases[] = {
		{ "pc-i440fx-1.4", false, NULL, NULL, false },
		{ "pc-i440fx-1.4, a serial number", false, NULL, "x", true },
		{ "pc-i440fx-2.0", true, "Standard PC (i440FX + PIIX, 1996)", NULL, false },
		{ "pc-i440fx-2.0, a serial number", true, "Standard PC (i440FX + PIIX, 1996)", "x",
		  true },
		{ "pc-i440fx-2.0, another product", true, "standard PC (i440FX + PIIX, 1996)", NULL,
		  true },
	};
	static const struct chipset none = { .no_smbios = true };

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases) * 2; i++) {
		const char *name = cases[i / 2].name;
		uint8_t item[200] = { 0 };
		uint32_t size = 0;

		fake_reset();
		machine(true);
		if (cases[i / 2].has_defaults) {
			size = add_entry(item, size, 4, "QEMU");
			size = add_entry(item, size, 5, cases[i / 2].product);
			size = add_entry(item, size, 6, "pc-i440fx-2.0");
		}
		if (cases[i / 2].serial)
			size = add_entry(item, size, 7, cases[i / 2].serial);
		fake_fw_cfg_item(FW_CFG_KEY_SMBIOS_ENTRIES, item, size ? size : 2);
		if (i % 2) /* microvm is not even asked */
			guest.chipset = &none;
		install();
		assert_case_equal(name, fake_exits(), 1 - i % 2);
		assert_null(find_anchor());
		if (cases[i / 2].is_said && i % 2 == 0)
			assert_says(fake.console, "smbios: -smbios and -uuid have no effect");
		else
			assert_string_equal(fake.console, "");
	}
	/* With structures in the form of today nobody asks for the other. */
	fake_reset();
	machine(true);
	unit_load("pc");
	fake_fw_cfg_item(FW_CFG_KEY_SMBIOS_ENTRIES, "\1", 2);
	install();
	assert_string_equal(fake.console, "");
}

/* size bytes of structures of type 11 with one string, and the end. */
static uint8_t *make_table(uint32_t size)
{
	uint8_t *table = calloc(1, size);
	uint32_t at = 0;

	while (size - at - 6 >= 8) {
		uint32_t string = size - at - 6 - 8;

		if (string > 1000)
			string = 1000;
		if (size - at - 6 - 8 - string < 8)
			string = size - at - 6 - 8;
		table[at] = 11;
		table[at + 1] = 5;
		table[at + 4] = string ? 1 : 0;
		memset(table + at + 5, 'x', string + 1);
		at += 8 + string;
	}
	table[at] = 127;
	table[at + 1] = 4;
	return table;
}

static void test_sizes(void **state)
{
	static const uint32_t sizes[] = { 6,      14,     100,    0x1f00, 0x1fb0,  0x1fc0,
					  0x1fd0, 0x2000, 0x2001, 0x8000, 0x10000, 0x40000 };

	(void)state;
	for (uint32_t i = 0; i < COUNT(sizes); i++) {
		uint8_t *table = make_table(sizes[i]);
		const uint8_t *placed;

		fake_reset();
		machine(true);
		fake_fw_cfg_file(TABLES, table, sizes[i]);
		install();
		placed = walk_from_anchor();
		assert_int_equal(types[0], 0);
		assert_memory_equal(placed + offsets[1], table, sizes[i]);
		/* RAM in the ROM's place, for an anchor that leads elsewhere alone. */
		assert_int_equal(fake_count(FAKE_PCI_WRITE, 0x59),
				 phys_addr(placed) != SMBIOS_BASE);
		/* Nothing is written in front of its own place. */
		for (uint32_t at = SMBIOS_BASE - 0x400;
		     at < SMBIOS_BASE && phys_addr(placed) == SMBIOS_BASE; at++)
			assert_int_equal(*(uint8_t *)phys_ptr(at), 0xa5);
		free(table);
	}
}

/* After a reset with RAM where the ROM was, the anchor of an earlier boot is replaced. */
static void test_ram_in_the_roms_place(void **state)
{
	uint8_t *table = make_table(100);

	(void)state;
	machine(false);
	fake_fw_cfg_file(TABLES, table, 100);
	install();
	walk_from_anchor();
	free(table);
}

static void test_truncated(void **state)
{
	uint32_t size, refused = 0;
	uint8_t *table;

	(void)state;
	machine(true);
	unit_load("pc");
	size = fake_fw_cfg_find(TABLES)->size;
	table = unit_copy(fake_fw_cfg_find(TABLES)->bytes, size);
	for (uint32_t cut = 1; cut < size; cut++) {
		fake_reset();
		machine(true);
		fake_fw_cfg_file(TABLES, table, cut);
		if (fake_run(install()) == FAKE_PANIC) {
			assert_says(fake.panic, "smbios: etc/smbios/smbios-tables of ");
			refused++;
			continue;
		}
		walk_from_anchor();
	}
	assert_int_equal(refused, size - 1);
	free(table);
}

static void test_damaged(void **state)
{
	uint8_t *table;
	uint32_t size;

	(void)state;
	machine(true);
	unit_load("q35-devices");
	size = fake_fw_cfg_find(TABLES)->size;
	table = unit_copy(fake_fw_cfg_find(TABLES)->bytes, size);
	fake_reset();
	machine(true);
	fake_fw_cfg_file(TABLES, table, size);
	for (uint32_t bit = 0; bit < 8 * size; bit++) {
		uint8_t *bytes = fake_fw_cfg_find(TABLES)->bytes;

		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		memmap_init(&map, &guest.cfg, unit_ranges, UNIT_RANGES);
		fake_run(install());
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	free(table);
}

static void test_find(void **state)
{
	static const struct {
		const char *name, *table;
		uint32_t size;
		uint8_t type;
		uint32_t offset;
		bool found;
	} cases[] = {
		{ "nothing", "", 0, 1, 0, false },
		{ "a header alone", "\1\4\0\0", 4, 1, 0, false },
		{ "one zero", "\1\4\0\0\0", 5, 1, 0, false },
		{ "smallest", "\1\4\0\0\0\0", 6, 1, 0, true },
		{ "other type", "\1\4\0\0\0\0", 6, 2, 6, false },
		{ "length 3", "\1\3\0\0\0\0", 6, 1, 0, false },
		{ "length 0", "\1\0\0\0\0\0", 6, 1, 0, false },
		{ "length past the end", "\1\xff\0\0\0\0", 6, 1, 0, false },
		{ "strings", "\1\4\0\0ab\0c\0\0\2\4\0\0\0\0", 16, 2, 10, true },
		{ "unterminated strings", "\1\4\0\0abc\0", 8, 1, 0, false },
		{ "second, cut", "\1\4\0\0\0\0\2\4\0\0\0", 11, 2, 6, false },
		{ "after the end", "\x7f\4\0\0\0\0\2\4\0\0\0\0", 12, 2, 0, false },
		{ "the end itself", "\1\4\0\0\0\0\x7f\4\0\0\0\0", 12, 127, 6, true },
		{ "zeros in the formatted part", "\1\7\0\0\0\0\0\0\0", 9, 1, 0, true },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		uint8_t *table = unit_copy(cases[i].table, cases[i].size);
		bool found = !cases[i].found;

		assert_case_equal(cases[i].name,
				  smbios_find(table, cases[i].size, cases[i].type, &found),
				  cases[i].offset);
		assert_case_equal(cases[i].name, found, cases[i].found);
		free(table);
	}
}

/* A table of processors alone grows as much as one can, and no byte is lost by overlapping. */
static void test_copy(void **state)
{
	static const uint32_t counts[] = { 0, 1, 2, 7, 100 };

	(void)state;
	for (uint32_t i = 0; i < COUNT(counts); i++) {
		uint32_t size = counts[i] * 44 + 6, room = size + SMBIOS_COPY_GROWTH(size);
		uint8_t *table = calloc(1, room);
		uint8_t *given = table + room - size;

		for (uint32_t n = 0; n < counts[i]; n++) {
			given[44 * n] = 4;
			given[44 * n + 1] = 0x2a;
			given[44 * n + 2] = (uint8_t)n;
			memset(given + 44 * n + 0x23, (int)n + 1, 3);
		}
		given[size - 6] = 127;
		given[size - 5] = 4;
		assert_int_equal(smbios_copy(table, given, size), size + 6 * counts[i]);
		walk(table, size + 6 * counts[i]);
		assert_int_equal(count, counts[i] + 1);
		for (uint32_t n = 0; n < counts[i]; n++) {
			assert_int_equal(table[50 * n + 2], (uint8_t)n);
			assert_int_equal(table[50 * n + 0x2e], (uint8_t)(n + 1));
			assert_int_equal(table[50 * n + 0x2f], 0);
		}
		free(table);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_anchor),    UNIT_TEST(test_recorded),
		UNIT_TEST(test_none),      UNIT_TEST(test_old_form),
		UNIT_TEST(test_sizes),     UNIT_TEST(test_ram_in_the_roms_place),
		UNIT_TEST(test_truncated), UNIT_TEST(test_damaged),
		UNIT_TEST(test_find),      UNIT_TEST(test_copy),
	};

	return cmocka_run_group_tests_name("smbios", tests, NULL, NULL);
}
