/*
 * test_acpi.c - tables/acpi.c: QEMU's recorded tables, found again as an operating system does.
 */
#include "unit.h"

#include "acpi.h"
#include "checksum.h"
#include "layout.h"
#include "spec/acpi.h"

#define RAM_END (16 * MIB)
#define SCRIPT  "etc/table-loader"

static struct fw_cfg cfg;
static struct memmap map;
static struct acpi_writes writes;

static void machine(const char *record)
{
	unit_machine(&cfg, &map, RAM_END);
	if (record)
		unit_load(record);
	fw_cfg_init(&cfg);
	fake_forget();
}

static uint32_t install(void)
{
	return acpi_install(&cfg, &map, &writes);
}

static const struct acpi_header *table_at(uint64_t paddr)
{
	const struct acpi_header *table = phys_ptr((uint32_t)paddr);

	assert_true(paddr < RAM_END);
	assert_true(unit_is_kept(&map, paddr, paddr + table->length));
	assert_int_equal(checksum_sum(table, table->length), 0);
	return table;
}

static uint32_t get32(const void *table, uint32_t offset)
{
	uint32_t value;

	memcpy(&value, (const uint8_t *)table + offset, sizeof(value));
	return value;
}

/* Follows all pointers; how many tables there are. */
static uint32_t check_tables(uint32_t rsdp_paddr, bool has_facs)
{
	const struct acpi_rsdp *rsdp = phys_ptr(rsdp_paddr);
	const struct acpi_header *root;
	bool wide = rsdp->revision >= 2;
	uint32_t count = 0;
	bool fadt = false;

	assert_in_range(rsdp_paddr, FIRMWARE_POOL_BASE, FIRMWARE_POOL_END - 1);
	assert_int_equal(rsdp_paddr % 16, 0);
	assert_memory_equal(rsdp->signature, "RSD PTR ", 8);
	assert_int_equal(checksum_sum(rsdp, 20), 0);
	if (wide)
		assert_int_equal(checksum_sum(rsdp, 36), 0);
	root = table_at(wide ? rsdp->xsdt_address : rsdp->rsdt_address);
	for (uint32_t at = sizeof(*root); at < root->length; at += wide ? 8 : 4, count++) {
		const struct acpi_header *table = table_at(get32(root, at));

		if (memcmp(table->signature, "FACP", 4) != 0)
			continue;
		fadt = true;
		if (get32(table, 40))
			assert_memory_equal(table_at(get32(table, 40))->signature, "DSDT", 4);
		assert_int_equal(get32(table, 36) != 0, has_facs);
		if (has_facs) {
			assert_memory_equal(phys_ptr(get32(table, 36)), "FACS", 4);
			assert_int_equal(get32(table, 36) % 64, 0);
			assert_true(unit_is_kept(&map, get32(table, 36), get32(table, 36) + 64));
		}
	}
	assert_true(fadt);
	return count;
}

static uint64_t total_ram(void)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < map.count; i++)
		if (map.ranges[i].type == MEMORY_RAM)
			bytes += map.ranges[i].end - map.ranges[i].base;
	return bytes;
}

static void test_recorded(void **state)
{
	(void)state;
	for (uint32_t r = 0; unit_records[r]; r++) {
		bool microvm = strstr(unit_records[r], "microvm") != NULL;
		struct fake_item *log;
		uint64_t ram;
		uint32_t rsdp;

		fake_reset();
		machine(unit_records[r]);
		log = fake_fw_cfg_find("etc/tpm/log");
		ram = total_ram();
		rsdp = install();
		assert_in_range(check_tables(rsdp, !microvm), 2, 20);
		assert_true(total_ram() <= ram);
		assert_string_equal(fake.console, "");
		/* The padding of 128 KiB is not fetched: kernels would have to keep it. */
		if (!microvm && !strstr(unit_records[r], "255") && !strstr(unit_records[r], "288"))
			assert_true(ram - total_ram() <= 0x5000 + (log ? log->size : 0));
	}
}

/* A transfer for the script, one for each file, one for each address told. */
static void test_exit_budget(void **state)
{
	static const struct {
		const char *record;
		uint32_t exits;
	} cases[] = { { "pc", 1 + 2 + 1 }, { "q35", 1 + 3 + 1 }, { "microvm", 1 + 2 } };

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		uint32_t transfers;

		fake_reset();
		machine(cases[i].record);
		install();
		transfers = fake_exits();
		if (transfers > cases[i].exits)
			fail_msg("%s: %u exits, not %u", cases[i].record, transfers,
				 cases[i].exits);
	}
}

static void test_vmgenid(void **state)
{
	struct fake_item *addr;
	uint64_t told = 0;

	(void)state;
	machine("q35");
	install();
	addr = fake_fw_cfg_find("etc/vmgenid_addr");
	memcpy(&told, addr->bytes, sizeof(told));
	assert_int_equal(addr->writes, 1);
	/* The GUID is 40 bytes into its page, which stays QEMU's. */
	assert_true(told % 0x1000 == 40);
	assert_true(unit_is_kept(&map, told - 40, told - 40 + 0x1000));
	assert_memory_equal(phys_ptr((uint32_t)told), "\x78\x56\x34\x12", 4);

	/* After a sleep QEMU has forgotten it. */
	memset((void *)addr->bytes, 0, sizeof(told));
	acpi_replay(&cfg, &writes);
	assert_int_equal(addr->writes, 2);
	assert_memory_equal(addr->bytes, &told, sizeof(told));
}

/* A guest that sleeps is moved to a QEMU with more files, or with others. */
static void test_wakes_elsewhere(void **state)
{
	uint64_t told = 0, none = 0;
	struct fake_item *addr;

	(void)state;
	machine("q35");
	install();
	addr = fake_fw_cfg_find("etc/vmgenid_addr");
	memcpy(&told, addr->bytes, sizeof(told));
	fake_reset();
	fake_fw_cfg_file("etc/boot/kernel", "MZ", 2);
	fake_fw_cfg_file("etc/vmgenid_addr", &none, sizeof(none))->writable = true;
	fw_cfg_init(&cfg);
	acpi_replay(&cfg, &writes);
	addr = fake_fw_cfg_find("etc/vmgenid_addr");
	assert_memory_equal(addr->bytes, &told, sizeof(told));
	assert_string_equal(fake.console, "");
	fake_reset();
	fake_fw_cfg_file("etc/boot/kernel", "MZ", 2);
	fw_cfg_init(&cfg);
	acpi_replay(&cfg, &writes);
	assert_says(fake.console, "acpi: \"etc/vmgenid_addr\" is not among QEMU's files");
}

static void test_none(void **state)
{
	(void)state;
	machine(NULL);
	assert_int_equal(install(), 0);
	assert_int_equal(fake_exits(), 0);
	fake_fw_cfg_file(SCRIPT, NULL, 0);
	fw_cfg_init(&cfg);
	fake_forget();
	assert_int_equal(install(), 0);
	assert_int_equal(fake_exits(), 0);
}

/* The first command of that kind for a file. */
static struct loader_command *command_for(const char *file, uint32_t kind)
{
	struct loader_command *script = (void *)fake_fw_cfg_find(SCRIPT)->bytes;

	while (script->command != kind || strcmp(script->allocate.file, file) != 0)
		script++;
	return script;
}

/* Each address that QEMU wants is told, now and after a sleep, though one before it cannot be. */
static void test_addresses_told(void **state)
{
	static const char *const files[] = { "etc/vmgenid_addr", "etc/more_addr" };
	struct loader_command *first, *end;

	(void)state;
	machine("q35");
	fake_fw_cfg_file("etc/more_addr", "\0\0\0\0\0\0\0", 8)->writable = true;
	fw_cfg_init(&cfg);
	first = command_for("etc/vmgenid_addr", LOADER_WRITE_POINTER);
	for (end = first; end->command; end++)
		;
	for (uint32_t i = 0; i < COUNT(files); i++) {
		end[i] = *first;
		strcpy(end[i].write_pointer.dest_file, files[i]);
	}
	strcpy(first->write_pointer.dest_file, "etc/none");
	install();
	assert_int_equal(writes.count, COUNT(files));
	assert_says(fake.console, "acpi: \"etc/none\" is not among QEMU's files");
	acpi_replay(&cfg, &writes);
	for (uint32_t i = 0; i < COUNT(files); i++) {
		const struct fake_item *item = fake_fw_cfg_find(files[i]);

		assert_int_equal(item->writes, 2);
		assert_int_equal(get32(item->bytes, 0) % 0x1000, 40);
	}
}

static void test_refusals(void **state)
{
	struct loader_command *script;
	struct fake_item *item;

	(void)state;
	machine("q35");
	script = (void *)fake_fw_cfg_find(SCRIPT)->bytes;
	script[0].allocate.zone = 9;
	assert_panics("acpi: command 0 of etc/table-loader, for \"etc/acpi/rsdp\" at 0x0, names an "
		      "unknown allocation zone; this QEMU's tables cannot be used, start it with "
		      "acpi=off",
		      install());

	/* The address of vmgenid, told to a file that is too small for it. */
	fake_reset();
	machine("q35");
	item = fake_fw_cfg_find("etc/vmgenid_addr");
	item->size = 7;
	fw_cfg_init(&cfg);
	assert_panics("for \"etc/vmgenid_addr\" at 0x0, has an offset or length outside its file",
		      install());

	fake_reset();
	machine("q35");
	fake_fw_cfg_find(SCRIPT)->size = 1000;
	fw_cfg_init(&cfg);
	assert_panics(
		"acpi: command 7 of etc/table-loader, for \"\" at 0x0, ends before a structure in "
		"it does",
		install());

	fake_reset();
	machine("q35");
	memmap_set(&map, 0, RAM_END, MEMORY_RESERVED);
	map.pool_end = FIRMWARE_POOL_BASE + 0x2000;
	assert_panics("memory: no room for ", install());

	/* A file of 4 GiB, with each alignment that it may ask for. */
	for (uint32_t align = 1; align; align <<= 1) {
		fake_reset();
		machine("q35");
		fake_fw_cfg_find("etc/vmgenid_guid")->size = UINT32_MAX;
		command_for("etc/vmgenid_guid", LOADER_ALLOCATE)->allocate.align = align;
		fw_cfg_init(&cfg);
		assert_panics("memory: no room for etc/vmgenid_guid of 4294967295 bytes",
			      install());
	}
	/* The same for tables, of which a checksum covers nearly all. */
	fake_reset();
	machine("q35");
	fake_fw_cfg_find("etc/acpi/tables")->size = UINT32_MAX;
	command_for("etc/acpi/tables", LOADER_ADD_CHECKSUM)->checksum.length = UINT32_MAX - 0x10000;
	fw_cfg_init(&cfg);
	assert_panics("memory: no room for etc/acpi/tables of 42949", install());
	/* Tables that are shorter than the script believes. */
	fake_reset();
	machine("q35");
	fake_fw_cfg_find("etc/acpi/tables")->size = 0x100;
	fw_cfg_init(&cfg);
	assert_panics("for \"etc/acpi/tables\" at 0x", install());
	assert_says(fake.panic, "has an offset or length outside its file");
}

static void test_missing_files(void **state)
{
	struct fake_item *item;

	(void)state;
	machine("q35");
	fake_fw_cfg_find("etc/vmgenid_addr")->name = "etc/something_else";
	fw_cfg_init(&cfg);
	assert_int_not_equal(install(), 0);
	assert_says(fake.console, "acpi: \"etc/vmgenid_addr\" is not among QEMU's files");

	fake_reset();
	machine("q35");
	fake_fw_cfg_find("etc/acpi/rsdp")->name = "etc/something_else";
	fw_cfg_init(&cfg);
	assert_int_equal(install(), 0);
	assert_says(fake.console, "acpi: \"etc/acpi/rsdp\" is not among QEMU's files");

	fake_reset();
	machine("pc");
	item = fake_fw_cfg_find(SCRIPT);
	((struct loader_command *)item->bytes)[item->size / 128 - 1].command = 77;
	assert_int_not_equal(install(), 0);
	assert_says(fake.console, "acpi: skipped 1 unknown commands of etc/table-loader");
}

/* A pointer that leads past what checksums cover: the whole file is fetched. */
static void test_padding_that_is_used(void **state)
{
	struct loader_command *script;
	struct fake_item *item;
	uint32_t i, rsdp;

	(void)state;
	machine("pc");
	item = fake_fw_cfg_find(SCRIPT);
	script = (void *)item->bytes;
	for (i = 0; script[i].command; i++)
		;
	script[i].command = LOADER_ADD_POINTER;
	memcpy(script[i].pointer.dest_file, "etc/acpi/tables", 16);
	memcpy(script[i].pointer.src_file, "etc/acpi/tables", 16);
	script[i].pointer.offset = fake_fw_cfg_find("etc/acpi/tables")->size - 4;
	script[i].pointer.size = 4;
	rsdp = install();
	assert_in_range(check_tables(rsdp, true), 2, 20);
}

/* QEMU builds its files when the first is selected: the sizes that they have then. */
static struct {
	uint32_t count;
	struct fake_item *items[4];
	uint32_t sizes[4];
} grown;

static void grow(struct fake_item *script)
{
	(void)script;
	for (uint32_t i = 0; i < grown.count; i++)
		grown.items[i]->size = grown.sizes[i];
}

/* Until the script is selected the file has so many bytes only. */
static void shrink(const char *file, uint32_t size)
{
	struct fake_item *item = fake_fw_cfg_find(file);

	grown.items[grown.count] = item;
	grown.sizes[grown.count++] = item->size;
	item->size = size;
	fake_fw_cfg_find(SCRIPT)->on_select = grow;
}

static uint32_t used_commands(void)
{
	const struct fake_item *item = fake_fw_cfg_find(SCRIPT);
	const struct loader_command *script = (void *)item->bytes;
	uint32_t used = item->size / sizeof(*script);

	while (!script[used - 1].command)
		used--;
	return used;
}

/* Every way in which the directory may be older than the files; each costs what it must. */
static void test_files_that_grow(void **state)
{
	static const struct {
		const char *name;
		const char *record;
		uint32_t commands_missing; /* of the script */
		uint32_t tables;           /* bytes that etc/acpi/tables has before */
		uint32_t exits;            /* beyond those for files that do not grow */
	} cases[] = {
		{ "script, the link to the RSDP", "q35-nvdimm", 2, 0, 2 },
		{ "script, all but one", "q35-nvdimm", UINT32_MAX, 0, 2 },
		{ "tables", "q35-nvdimm", 0, 0x1000, 1 },
		{ "tables, to the last byte", "q35-nvdimm", 0, 1, 1 },
		{ "script and tables", "q35-numa", 2, 0x1000, 2 },
		{ "script of microvm", "microvm-pcie", 1, 0, 2 },
		{ "nothing", "q35-nvdimm", 0, 0, 0 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		bool microvm = strstr(cases[i].record, "microvm") != NULL;
		uint32_t count, exits;

		fake_reset();
		machine(cases[i].record);
		count = check_tables(install(), !microvm);
		exits = fake_exits();

		fake_reset();
		grown.count = 0;
		machine(cases[i].record);
		if (cases[i].commands_missing == UINT32_MAX)
			shrink(SCRIPT, 128);
		else if (cases[i].commands_missing)
			shrink(SCRIPT, 128 * (used_commands() - cases[i].commands_missing));
		if (cases[i].tables)
			shrink("etc/acpi/tables", cases[i].tables);
		fw_cfg_init(&cfg);
		fake_forget();
		assert_case_equal(cases[i].name, check_tables(install(), !microvm), count);
		assert_case_equal(cases[i].name, fake_exits(), exits + cases[i].exits);
		assert_string_equal(fake.console, "");
	}
}

/* A file that no checksum tells the size of, and to whose new part a pointer leads. */
static void test_pointer_into_growth(void **state)
{
	struct loader_command *command;
	struct fake_item *item;

	(void)state;
	machine("q35");
	grown.count = 0;
	item = fake_fw_cfg_find("etc/vmgenid_guid");
	command = command_for("etc/vmgenid_addr", LOADER_WRITE_POINTER);
	command->write_pointer.src_offset = item->size - 1;
	shrink("etc/vmgenid_guid", item->size / 2);
	fw_cfg_init(&cfg);
	check_tables(install(), true);
}

/* An RSDP without a table would be the end of ACPI, without a word. */
static void test_unlinked_rsdp(void **state)
{
	struct loader_command *script;

	(void)state;
	machine("q35");
	script = (void *)fake_fw_cfg_find(SCRIPT)->bytes;
	while (script->command != LOADER_ADD_POINTER ||
	       strcmp(script->pointer.dest_file, "etc/acpi/rsdp") != 0)
		script++;
	script->command = 77;
	assert_panics("acpi: no command of etc/table-loader links \"etc/acpi/rsdp\" to a table",
		      install());
}

/* Where a table with that signature is in a file of tables; FACS's own is the first. */
static uint8_t *table_in_file(const char *signature)
{
	struct fake_item *item = fake_fw_cfg_find("etc/acpi/tables");

	for (uint32_t at = 0; at + 36 <= item->size; at += get32(item->bytes + at, 4))
		if (memcmp(item->bytes + at, signature, 4) == 0)
			return item->bytes + at;
	fail_msg("no %s", signature);
	return NULL;
}

/* Each length and address that leads out of its file is refused, by name. */
static void test_tables_outside_their_file(void **state)
{
	static const struct {
		const char *name, *signature;
		uint32_t offset, value;
	} cases[] = {
		{ "RSDT, all ones", "RSDT", 4, UINT32_MAX },
		{ "RSDT, 4 KiB too long", "RSDT", 4, 0x2000 },
		{ "RSDT, shorter than a header", "RSDT", 4, 35 },
		{ "RSDT, none", "RSDT", 4, 0 },
		{ "MADT, all ones", "APIC", 4, UINT32_MAX },
		{ "MADT, a megabyte", "APIC", 4, 0x100000 },
		{ "FADT, too short for its fields", "FACP", 4, 115 },
		{ "FACS, all ones", "FACS", 4, UINT32_MAX },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		uint8_t *table;

		fake_reset();
		machine("q35");
		table = table_in_file(cases[i].signature);
		memcpy(table + cases[i].offset, &cases[i].value, sizeof(uint32_t));
		if (fake_run(install()) != FAKE_PANIC)
			fail_msg("case \"%s\": no panic", cases[i].name);
		assert_says(fake.panic, "does not lie in one of QEMU's files, or is shorter than");
	}
	/* The last table of all. */
	fake_reset();
	machine("q35");
	memset(fake_fw_cfg_find("etc/acpi/tables")->bytes +
		       get32(table_in_file("RSDT"), get32(table_in_file("RSDT"), 4) - 4) + 4,
	       0xff, 4);
	assert_panics("acpi: the table at 0x", install());
	/* An entry of the RSDT that no command patches: an address without RAM. */
	fake_reset();
	machine("q35");
	memcpy(table_in_file("RSDT") + 4, &(uint32_t){ get32(table_in_file("RSDT"), 4) + 4 }, 4);
	assert_panics("acpi: the table at 0x", install());
}

/* A table may end with its file, and not a byte later. */
static void test_tables_up_to_the_end(void **state)
{
	(void)state;
	for (uint32_t over = 0; over < 2; over++) {
		uint8_t *madt, *rsdt;
		uint32_t rest;

		/* What is in use of the file ends with the RSDT. */
		fake_reset();
		machine("q35");
		madt = table_in_file("APIC");
		rsdt = table_in_file("RSDT");
		rest = (uint32_t)(rsdt - madt) + get32(rsdt, 4) + over;
		memcpy(madt + 4, &rest, sizeof(rest));
		assert_int_equal(fake_run(install()), over ? FAKE_PANIC : FAKE_RETURNED);
	}
	for (uint32_t size = 35; size < 37; size++) {
		struct fake_item *item;
		uint32_t offset;

		/* The last table of the whole file, padding included: a header, and less. */
		fake_reset();
		machine("q35");
		item = fake_fw_cfg_find("etc/acpi/tables");
		offset = item->size - size;
		memcpy(table_in_file("RSDT") + 40, &offset, sizeof(offset));
		memcpy(item->bytes + offset + 4, &size, sizeof(size));
		assert_int_equal(fake_run(install()), size < 36 ? FAKE_PANIC : FAKE_RETURNED);
	}
}

/* Whatever is in the script, it ends in a message or in a map without new RAM. */
static void test_damaged_scripts(void **state)
{
	static const char *const records[] = { "q35", "microvm" };

	(void)state;
	for (uint32_t r = 0; r < COUNT(records); r++) {
		uint32_t refused = 0, bits;
		uint64_t ram;
		uint8_t *script;

		fake_reset();
		machine(records[r]);
		script = fake_fw_cfg_find(SCRIPT)->bytes;
		bits = 8 * fake_fw_cfg_find(SCRIPT)->size;
		memmap_init(&map, &cfg, unit_ranges, UNIT_RANGES);
		ram = total_ram();
		for (uint32_t bit = 0; bit < bits; bit += 5) {
			enum fake_end end;

			script[bit / 8] ^= (uint8_t)(1u << bit % 8);
			memmap_init(&map, &cfg, unit_ranges, UNIT_RANGES);
			end = fake_run(install());
			script[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_true(end == FAKE_RETURNED || end == FAKE_PANIC);
			assert_true(total_ram() <= ram);
			refused += end == FAKE_PANIC;
			fake.console[0] = '\0';
			fake_forget();
		}
		assert_true(refused > 100);
	}
}

/* Runs the tables of a record as they have been changed; a message or a map without new RAM. */
static enum fake_end run_damaged(uint64_t ram)
{
	enum fake_end end;

	memmap_init(&map, &cfg, unit_ranges, UNIT_RANGES);
	end = fake_run(install());
	assert_true(end == FAKE_RETURNED || end == FAKE_PANIC);
	assert_true(total_ram() <= ram);
	fake.console[0] = '\0';
	fake_forget();
	return end;
}

/* The files that the script names, cut anywhere and with any bit flipped. */
static void test_damaged_files(void **state)
{
	static const char *const records[] = { "q35-nvdimm", "microvm-pcie-qemu10" };
	static const char *const files[] = { "etc/acpi/tables", "etc/acpi/rsdp" };

	(void)state;
	for (uint32_t r = 0; r < COUNT(records); r++) {
		for (uint32_t f = 0; f < COUNT(files); f++) {
			uint32_t refused = 0, used;
			struct fake_item *item;
			uint64_t ram;

			fake_reset();
			machine(records[r]);
			memmap_init(&map, &cfg, unit_ranges, UNIT_RANGES);
			ram = total_ram();
			item = fake_fw_cfg_find(files[f]);
			for (used = item->size - 8; !item->bytes[used - 1]; used--)
				;
			used += 8;
			for (uint32_t bit = 0; bit < 8 * used; bit++) {
				item->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
				if (run_damaged(ram) == FAKE_PANIC)
					refused++;
				item->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			}
			/* Above 128 KiB a pointer leads outside, at least. */
			assert_true(refused >= 15);
			for (uint32_t size = used - 8; --size;) {
				item->size = size;
				fw_cfg_init(&cfg);
				if (run_damaged(ram) != FAKE_PANIC)
					fail_msg("%s: %s of %u bytes", records[r], files[f], size);
			}
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_recorded),
		UNIT_TEST(test_exit_budget),
		UNIT_TEST(test_vmgenid),
		UNIT_TEST(test_wakes_elsewhere),
		UNIT_TEST(test_none),
		UNIT_TEST(test_addresses_told),
		UNIT_TEST(test_refusals),
		UNIT_TEST(test_missing_files),
		UNIT_TEST(test_padding_that_is_used),
		UNIT_TEST(test_files_that_grow),
		UNIT_TEST(test_pointer_into_growth),
		UNIT_TEST(test_unlinked_rsdp),
		UNIT_TEST(test_tables_outside_their_file),
		UNIT_TEST(test_tables_up_to_the_end),
		UNIT_TEST(test_damaged_scripts),
		UNIT_TEST(test_damaged_files),
	};

	return cmocka_run_group_tests_name("acpi", tests, NULL, NULL);
}
