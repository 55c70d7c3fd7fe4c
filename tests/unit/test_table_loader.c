/*
 * test_table_loader.c - tables/table_loader.c: every refusal with its reason, and QEMU's own
 * scripts whole, cut anywhere, and with any bit flipped.
 */
#include "unit.h"

#include "checksum.h"
#include "table_loader.h"

#define MAX_COMMANDS 64

static struct loader loader;
static struct loader_command script[MAX_COMMANDS];
static uint32_t commands;

/* ---- Writing scripts ---- */

static struct loader_command *add(uint32_t kind)
{
	struct loader_command *command = &script[commands++];

	memset(command, 0, sizeof(*command));
	command->command = kind;
	return command;
}

static void name(char *field, const char *text)
{
	for (uint32_t i = 0; i < FW_CFG_NAME_SIZE && text[i]; i++)
		field[i] = text[i];
}

static void allocate(const char *file, uint32_t align, uint8_t zone)
{
	struct loader_command *command = add(LOADER_ALLOCATE);

	name(command->allocate.file, file);
	command->allocate.align = align;
	command->allocate.zone = zone;
}

static void pointer(const char *dest, const char *src, uint32_t offset, uint8_t size)
{
	struct loader_command *command = add(LOADER_ADD_POINTER);

	name(command->pointer.dest_file, dest);
	name(command->pointer.src_file, src);
	command->pointer.offset = offset;
	command->pointer.size = size;
}

static void checksum(const char *file, uint32_t offset, uint32_t start, uint32_t length)
{
	struct loader_command *command = add(LOADER_ADD_CHECKSUM);

	name(command->checksum.file, file);
	command->checksum.offset = offset;
	command->checksum.start = start;
	command->checksum.length = length;
}

static void write_pointer(const char *dest, const char *src, uint32_t dest_offset,
			  uint32_t src_offset, uint8_t size)
{
	struct loader_command *command = add(LOADER_WRITE_POINTER);

	name(command->write_pointer.dest_file, dest);
	name(command->write_pointer.src_file, src);
	command->write_pointer.dest_offset = dest_offset;
	command->write_pointer.src_offset = src_offset;
	command->write_pointer.size = size;
}

static enum error parse(void)
{
	return table_loader_parse(&loader, script, commands * sizeof(script[0]));
}

static void give(const char *file, uint8_t *bytes, uint32_t size, uint32_t paddr)
{
	struct loader_file *found = table_loader_find(&loader, file);

	assert_non_null(found);
	found->bytes = bytes;
	found->size = size;
	found->paddr = paddr;
}

/* ---- Parsing ---- */

static const char unterminated[] = "12345678901234567890123456789012345678901234567890123456";
_Static_assert(sizeof(unterminated) == FW_CFG_NAME_SIZE + 1, "no room for the terminator");

static void give_a(void)
{
	allocate("a", 1, 1);
}

static void wants_allocate(void)
{
	allocate("a", 16, 1);
}
static void wants_align_0(void)
{
	allocate("a", 0, 1);
}
static void wants_align_max(void)
{
	allocate("a", 0x80000000, 2);
}
static void wants_align_3(void)
{
	allocate("a", 3, 1);
}
static void wants_align_all(void)
{
	allocate("a", 0xffffffff, 1);
}
static void wants_zone_0(void)
{
	allocate("a", 16, 0);
}
static void wants_zone_3(void)
{
	allocate("a", 16, 3);
}
static void wants_zone_255(void)
{
	allocate("a", 16, 255);
}
static void wants_twice(void)
{
	allocate("a", 16, 1);
	allocate("a", 16, 1);
}
static void wants_no_name(void)
{
	allocate("", 16, 1);
}
static void wants_long_name(void)
{
	allocate(unterminated, 16, 1);
}
static void wants_pointer_names(void)
{
	give_a();
	pointer(unterminated, "a", 0, 4);
}
static void wants_pointer_src(void)
{
	give_a();
	pointer("a", unterminated, 0, 4);
}
static void wants_pointer_0(void)
{
	give_a();
	pointer("a", "a", 0, 0);
}
static void wants_pointer_3(void)
{
	give_a();
	pointer("a", "a", 0, 3);
}
static void wants_pointer_16(void)
{
	give_a();
	pointer("a", "a", 0, 16);
}
static void wants_pointer_255(void)
{
	give_a();
	pointer("a", "a", 0, 255);
}
static void wants_pointer_last(void)
{
	give_a();
	pointer("a", "a", 0xfffffffb, 4);
}
static void wants_pointer_wrap(void)
{
	give_a();
	pointer("a", "a", 0xfffffffc, 4);
}
static void wants_pointer_max(void)
{
	give_a();
	pointer("a", "a", 0xffffffff, 1);
}
static void wants_checksum_name(void)
{
	give_a();
	checksum(unterminated, 0, 0, 1);
}
static void wants_checksum_last(void)
{
	give_a();
	checksum("a", 0, 0xffff0000, 0xffff);
}
static void wants_checksum_wrap(void)
{
	give_a();
	checksum("a", 0, 0xffff0000, 0x10000);
}
static void wants_checksum_offset(void)
{
	give_a();
	checksum("a", 0xffffffff, 0, 1);
}
static void wants_write_dest(void)
{
	give_a();
	write_pointer(unterminated, "a", 0, 0, 8);
}
static void wants_write_src(void)
{
	give_a();
	write_pointer("a", unterminated, 0, 0, 8);
}
static void wants_write_5(void)
{
	give_a();
	write_pointer("a", "a", 0, 0, 5);
}
static void wants_write_wrap(void)
{
	give_a();
	write_pointer("a", "a", 0xfffffff8, 0, 8);
}
static void wants_write_last(void)
{
	give_a();
	write_pointer("a", "a", 0, 15, 4);
}
static void wants_write_past(void)
{
	give_a();
	write_pointer("a", "a", 0, 16, 4);
}
static void wants_write_far(void)
{
	give_a();
	write_pointer("a", "a", 0, 0xffffffff, 4);
}
static void wants_write_2(void)
{
	give_a();
	write_pointer("a", "a", 6, 0, 2);
}
static void wants_unallocated(void)
{
	give_a();
	checksum("b", 0, 0, 1);
}
static void wants_unknown(void)
{
	add(5);
	add(0x80000001);
	add(0);
	add(0xffffffff);
	add(0);
}

static void wants_16_files(void)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h",
					     "i", "j", "k", "l", "m", "n", "o", "p" };

	for (uint32_t i = 0; i < COUNT(names); i++)
		allocate(names[i], 1, 1);
}

static void wants_17_files(void)
{
	wants_16_files();
	allocate("one too many", 1, 1);
}

/* Parses and runs; files are 16 bytes at 0xfffffff0. */
static enum error parse_and_run(void)
{
	static uint8_t bytes[LOADER_MAX_FILES][16];
	enum error error = parse();

	memset(bytes, 0, sizeof(bytes));
	for (uint32_t i = 0; error == OK && i < loader.file_count; i++) {
		loader.files[i].bytes = bytes[i];
		loader.files[i].size = sizeof(bytes[i]);
		loader.files[i].paddr = 0xfffffff0;
	}
	return error == OK ? table_loader_run(&loader) : error;
}

static void test_refusals(void **state)
{
	static const struct {
		const char *name;
		void (*write)(void);
		enum error wanted;
		uint32_t command;
		const char *file;
		uint32_t offset;
	} cases[] = {
		{ "one file", wants_allocate, OK, 0, NULL, 0 },
		{ "alignment 0 is 1", wants_align_0, OK, 0, NULL, 0 },
		{ "alignment 2 GiB", wants_align_max, OK, 0, NULL, 0 },
		{ "alignment 3", wants_align_3, ERR_ALIGNMENT, 0, "a", 0 },
		{ "alignment 2^32 - 1", wants_align_all, ERR_ALIGNMENT, 0, "a", 0 },
		{ "zone 0", wants_zone_0, ERR_ZONE, 0, "a", 0 },
		{ "zone 3", wants_zone_3, ERR_ZONE, 0, "a", 0 },
		{ "zone 255", wants_zone_255, ERR_ZONE, 0, "a", 0 },
		{ "twice", wants_twice, ERR_DUPLICATE, 1, "a", 0 },
		{ "empty name", wants_no_name, OK, 0, NULL, 0 },
		{ "unterminated name", wants_long_name, ERR_NAME, 0, "", 0 },
		{ "16 files", wants_16_files, OK, 0, NULL, 0 },
		{ "17 files", wants_17_files, ERR_TOO_MANY, 16, "one too many", 0 },
		{ "pointer in a nameless file", wants_pointer_names, ERR_NAME, 1, "", 0 },
		{ "pointer to a nameless file", wants_pointer_src, ERR_NAME, 1, "a", 0 },
		{ "pointer of 0 bytes", wants_pointer_0, ERR_SIZE, 1, "a", 0 },
		{ "pointer of 3 bytes", wants_pointer_3, ERR_SIZE, 1, "a", 0 },
		{ "pointer of 16 bytes", wants_pointer_16, ERR_SIZE, 1, "a", 0 },
		{ "pointer of 255 bytes", wants_pointer_255, ERR_SIZE, 1, "a", 0 },
		{ "pointer at the end of 4 GiB", wants_pointer_last, ERR_RANGE, 1, "a",
		  0xfffffffb },
		{ "pointer across 4 GiB", wants_pointer_wrap, ERR_RANGE, 1, "a", 0xfffffffc },
		{ "pointer at the last byte", wants_pointer_max, ERR_RANGE, 1, "a", 0xffffffff },
		{ "checksum of a nameless file", wants_checksum_name, ERR_NAME, 1, "", 0 },
		{ "checksum up to 4 GiB", wants_checksum_last, ERR_RANGE, 1, "a", 0 },
		{ "checksum across 4 GiB", wants_checksum_wrap, ERR_RANGE, 1, "a", 0 },
		{ "checksum at the last byte", wants_checksum_offset, ERR_RANGE, 1, "a",
		  0xffffffff },
		{ "checksum of what is not there", wants_unallocated, ERR_NOT_ALLOCATED, 1, "b",
		  0 },
		{ "write to a nameless file", wants_write_dest, ERR_NAME, 1, "", 0 },
		{ "write of a nameless file", wants_write_src, ERR_NAME, 1, "a", 0 },
		{ "write of 5 bytes", wants_write_5, ERR_SIZE, 1, "a", 0 },
		{ "write to the end of 4 GiB", wants_write_wrap, OK, 0, NULL, 0 },
		{ "write of the last byte", wants_write_last, OK, 0, NULL, 0 },
		{ "write of one past the end", wants_write_past, ERR_RANGE, 1, "a", 0 },
		{ "write of far past the end", wants_write_far, ERR_RANGE, 1, "a", 0 },
		{ "write that 2 bytes do not hold", wants_write_2, ERR_OVERFLOW, 1, "a", 6 },
		{ "unknown commands", wants_unknown, OK, 0, NULL, 0 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		commands = 0;
		cases[i].write();
		assert_case_equal(cases[i].name, parse_and_run(), cases[i].wanted);
		if (!cases[i].file)
			continue;
		assert_case_equal(cases[i].name, loader.failed_command, cases[i].command);
		assert_string_equal(loader.failed_file, cases[i].file);
		assert_case_equal(cases[i].name, loader.failed_offset, cases[i].offset);
	}
}

static void test_parse_results(void **state)
{
	struct loader_file *tables, *rsdp;

	(void)state;
	commands = 0;
	allocate("tables", 64, LOADER_ZONE_HIGH);
	allocate("rsdp", 0, LOADER_ZONE_FSEG);
	checksum("tables", 9, 0x10, 0x20);
	add(LOADER_PADDING);
	pointer("tables", "tables", 0x30, 4);
	pointer("rsdp", "tables", 16, 4);
	assert_int_equal(parse(), OK);
	tables = table_loader_find(&loader, "tables");
	rsdp = table_loader_find(&loader, "rsdp");
	assert_int_equal(loader.file_count, 2);
	assert_int_equal(tables->align, 64);
	assert_int_equal(tables->zone, ZONE_LOW);
	assert_int_equal(tables->covered, 0x30);
	assert_true(tables->checksummed);
	assert_int_equal(rsdp->align, 1);
	assert_int_equal(rsdp->zone, ZONE_FSEG);
	assert_int_equal(rsdp->covered, 0);
	assert_false(rsdp->checksummed);
	assert_null(table_loader_find(&loader, "table"));
	assert_null(table_loader_find(&loader, "tables "));
	/* The byte that a checksum goes to counts too, wherever it is. */
	checksum("tables", 0x99, 0, 1);
	assert_int_equal(parse(), OK);
	assert_int_equal(table_loader_find(&loader, "tables")->covered, 0x9a);
}

/* A script is whole commands. */
static void test_parse_truncated(void **state)
{
	(void)state;
	commands = 0;
	allocate("a", 1, 1);
	allocate("b", 1, 1);
	checksum("a", 0, 0, 10);
	for (uint32_t size = 0; size <= 3 * sizeof(script[0]); size++) {
		void *cut = unit_copy(script, size);

		assert_int_equal(table_loader_parse(&loader, cut, size),
				 size % 128 ? ERR_TRUNCATED : OK);
		assert_int_equal(loader.command_count, size / 128);
		if (size % 128)
			assert_int_equal(loader.failed_command, size / 128);
		else
			assert_int_equal(loader.file_count, size < 128 ? 0 : size < 256 ? 1 : 2);
		free(cut);
	}
}

/* ---- Running ---- */

static enum error run(void)
{
	return table_loader_run(&loader);
}

static void test_run_pointers(void **state)
{
	static const struct {
		const char *name;
		uint32_t offset;
		uint8_t size;
		uint64_t before;
		uint32_t paddr; /* of the file of 0x100 bytes that is pointed to */
		enum error wanted;
		uint64_t after;
	} cases[] = {
		{ "4 bytes", 0, 4, 0x10, 0x7fe0000, OK, 0x7fe0010 },
		{ "8 bytes", 8, 8, 0xff, 0xfffff000, OK, 0xfffff0ff },
		{ "2 bytes", 0, 2, 0x10, 0xe000, OK, 0xe010 },
		{ "1 byte", 15, 1, 0x10, 0x80, OK, 0x90 },
		{ "at the end", 12, 4, 0, 0x1000, OK, 0x1000 },
		{ "one byte past the end", 13, 4, 0, 0x1000, ERR_RANGE, 0 },
		{ "far past the end", 0xfffffff0, 4, 0, 0x1000, ERR_RANGE, 0 },
		{ "to the last byte", 0, 4, 0xff, 0x1000, OK, 0x10ff },
		{ "past what it points to", 0, 4, 0x100, 0x1000, ERR_RANGE, 0x100 },
		{ "far past what it points to", 0, 8, UINT64_MAX, 0x1000, ERR_RANGE, UINT64_MAX },
		{ "1 byte overflows", 0, 1, 1, 0xff, ERR_OVERFLOW, 1 },
		{ "1 byte holds it", 0, 1, 0, 0xff, OK, 0xff },
		{ "2 bytes overflow", 0, 2, 0x10, 0xfff0, ERR_OVERFLOW, 0x10 },
		{ "2 bytes hold it", 0, 2, 0x0f, 0xfff0, OK, 0xffff },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		uint8_t *dest = calloc(1, 16), *src = calloc(1, 0x100);
		uint32_t offset = cases[i].offset < 16 ? cases[i].offset : 0;
		uint32_t size = cases[i].size <= 16 - offset ? cases[i].size : 0;
		uint64_t after = 0;

		commands = 0;
		allocate("dest", 1, 1);
		allocate("src", 1, 1);
		pointer("dest", "src", cases[i].offset, cases[i].size);
		assert_int_equal(parse(), OK);
		memcpy(dest + offset, &cases[i].before, size);
		give("dest", dest, 16, 0x5000);
		give("src", src, 0x100, cases[i].paddr);
		assert_case_equal(cases[i].name, run(), cases[i].wanted);
		memcpy(&after, dest + offset, size);
		assert_case_equal(cases[i].name, after, size ? cases[i].after : 0);
		if (cases[i].wanted != OK) {
			assert_case_equal(cases[i].name, loader.failed_command, 2);
			assert_string_equal(loader.failed_file, "dest");
		}
		free(dest);
		free(src);
	}
}

static void test_run_checksums(void **state)
{
	static const struct {
		const char *name;
		uint32_t offset, start, length;
		enum error wanted;
	} cases[] = {
		{ "all of it", 9, 0, 64, OK },
		{ "a part", 9, 8, 16, OK },
		{ "one byte", 9, 9, 1, OK },
		{ "nothing", 9, 0, 0, OK },
		{ "nothing, at the end", 9, 64, 0, OK },
		{ "nothing, past the end", 9, 65, 0, ERR_RANGE },
		{ "one byte too many", 9, 0, 65, ERR_RANGE },
		{ "from the last byte", 63, 63, 1, OK },
		{ "from past the last byte", 63, 64, 1, ERR_RANGE },
		{ "sum outside", 64, 0, 64, ERR_RANGE },
		{ "sum far outside", 0xfffffffe, 0, 64, ERR_RANGE },
		{ "length wraps", 9, 1, 0xfffffffe, ERR_RANGE },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		uint8_t *bytes = malloc(64);

		for (uint32_t j = 0; j < 64; j++)
			bytes[j] = (uint8_t)(j * 3 + 1);
		commands = 0;
		allocate("a", 1, 1);
		checksum("a", cases[i].offset, cases[i].start, cases[i].length);
		assert_int_equal(parse(), OK);
		give("a", bytes, 64, 0x5000);
		assert_case_equal(cases[i].name, run(), cases[i].wanted);
		if (cases[i].wanted == OK && cases[i].length && cases[i].offset >= cases[i].start &&
		    cases[i].offset < cases[i].start + cases[i].length)
			assert_case_equal(cases[i].name,
					  checksum_sum(bytes + cases[i].start, cases[i].length), 0);
		free(bytes);
	}
}

static void test_run_misses_files(void **state)
{
	uint8_t bytes[16] = { 0 };

	(void)state;
	commands = 0;
	allocate("a", 1, 1);
	pointer("a", "b", 0, 4);
	assert_int_equal(parse(), OK);
	give("a", bytes, sizeof(bytes), 0x5000);
	assert_int_equal(run(), ERR_NOT_ALLOCATED);
	assert_int_equal(loader.failed_command, 1);

	commands = 1;
	pointer("b", "a", 0, 4);
	assert_int_equal(parse(), OK);
	assert_int_equal(run(), ERR_NOT_ALLOCATED);
	assert_string_equal(loader.failed_file, "b");

	/* Allocated, but QEMU has no such file: nothing is touched. */
	commands = 1;
	allocate("b", 1, 1);
	pointer("a", "b", 0, 4);
	pointer("b", "a", 0, 4);
	checksum("b", 0, 0, 100);
	assert_int_equal(parse(), OK);
	give("a", bytes, sizeof(bytes), 0x5000);
	assert_int_equal(run(), OK);
	assert_int_equal(checksum_sum(bytes, sizeof(bytes)), 0);
}

static void test_run_counts_unknown_commands(void **state)
{

	(void)state;
	commands = 0;
	wants_unknown();
	assert_int_equal(parse(), OK);
	assert_int_equal(run(), OK);
	assert_int_equal(loader.unknown_count, 3); /* 0 is padding */
	commands = 0;
	assert_int_equal(parse(), OK);
	assert_int_equal(run(), OK);
	assert_int_equal(loader.unknown_count, 0);
}

static void test_writes(void **state)
{
	const struct loader_write *writes = loader.writes;
	uint8_t bytes[64];

	(void)state;
	commands = 0;
	allocate("a", 1, 1);
	allocate("absent", 1, 1);
	write_pointer("addr", "a", 0, 0, 8);
	write_pointer("addr", "absent", 0, 0, 8);
	pointer("a", "a", 0, 4);
	write_pointer("other", "a", 4, 0x28, 4);
	assert_int_equal(parse(), OK);
	give("a", bytes, sizeof(bytes), 0xfffff000);
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(run(), OK);
	assert_int_equal(loader.write_count, 2);
	assert_string_equal(writes[0].file, "addr");
	assert_int_equal(writes[0].command, 2);
	assert_int_equal(writes[0].offset, 0);
	assert_int_equal(writes[0].size, 8);
	assert_true(writes[0].value == 0xfffff000);
	assert_string_equal(writes[1].file, "other");
	assert_int_equal(writes[1].command, 5);
	assert_int_equal(writes[1].offset, 4);
	assert_int_equal(writes[1].size, 4);
	assert_true(writes[1].value == 0xfffff028);

	/* As many as there is room for, also if it is run twice. */
	for (uint32_t i = 2; i < LOADER_MAX_WRITES; i++)
		write_pointer("more", "a", i, 0, 8);
	assert_int_equal(parse(), OK);
	give("a", bytes, sizeof(bytes), 0xfffff000);
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(run(), OK);
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(run(), OK);
	assert_int_equal(loader.write_count, LOADER_MAX_WRITES);
	write_pointer("more", "a", 8, 0, 8);
	assert_int_equal(parse(), OK);
	give("a", bytes, sizeof(bytes), 0xfffff000);
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(run(), ERR_TOO_MANY);
}

/* ---- QEMU's scripts ---- */

/*
 * Copies of the files a parsed script allocates, whole or as far as the script reaches.  Memory of
 * the right size is kept from one run to the next: there are half a million.
 */
static struct {
	uint8_t *bytes;
	uint32_t size;
} kept[LOADER_MAX_FILES];

static void give_recorded(bool whole)
{
	uint32_t paddr = 0x7e00000;

	for (uint32_t i = 0; i < loader.file_count; i++) {
		struct loader_file *file = &loader.files[i];
		struct fake_item *item = fake_fw_cfg_find(file->name);

		file->bytes = NULL;
		if (!item)
			continue;
		file->size = whole || item->size < file->covered ? item->size : file->covered;
		if (!kept[i].bytes || kept[i].size != file->size) {
			free(kept[i].bytes);
			kept[i].bytes = unit_copy(item->bytes, file->size);
			kept[i].size = file->size;
		}
		memcpy(kept[i].bytes, item->bytes, file->size);
		file->bytes = kept[i].bytes;
		file->paddr = paddr;
		paddr += (file->size + 0xfff) & ~0xfffu;
	}
}

static uint32_t get32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

static const uint8_t *at(uint32_t paddr, uint32_t size)
{
	for (uint32_t i = 0; i < loader.file_count; i++) {
		struct loader_file *file = &loader.files[i];

		if (file->bytes && paddr >= file->paddr && paddr - file->paddr <= file->size &&
		    size <= file->size - (paddr - file->paddr))
			return file->bytes + (paddr - file->paddr);
	}
	fail_msg("0x%x is in no file", paddr);
	return NULL;
}

static void check_table(uint32_t paddr)
{
	const uint8_t *table = at(paddr, 36);

	if (checksum_sum(at(paddr, get32(table + 4)), get32(table + 4)))
		fail_msg("%.4s: the sum is not 0", (const char *)table);
}

/* What an operating system does: from the RSDP to every table, and from the FADT to its. */
static void test_recorded_scripts(void **state)
{
	(void)state;
	for (uint32_t r = 0; unit_records[r]; r++) {
		struct loader_file *rsdp;
		const uint8_t *root;
		struct fake_item *item;
		uint32_t tables = 0, step = 4, xsdt;

		fake_reset();
		unit_load(unit_records[r]);
		item = fake_fw_cfg_find("etc/table-loader");
		assert_int_equal(table_loader_parse(&loader, item->bytes, item->size), OK);
		give_recorded(true);
		assert_int_equal(run(), OK);
		assert_int_equal(loader.unknown_count, 0);

		rsdp = table_loader_find(&loader, "etc/acpi/rsdp");
		assert_int_equal(rsdp->zone, ZONE_FSEG);
		assert_memory_equal(rsdp->bytes, "RSD PTR ", 8);
		assert_int_equal(checksum_sum(rsdp->bytes, 20), 0);
		xsdt = get32(rsdp->bytes + 16);
		if (rsdp->bytes[15] >= 2) {
			assert_int_equal(checksum_sum(rsdp->bytes, 36), 0);
			xsdt = get32(rsdp->bytes + 24);
			step = 8;
		}
		check_table(xsdt);
		root = at(xsdt, 36);
		for (uint32_t i = 36; i < get32(root + 4); i += step, tables++) {
			uint32_t paddr = get32(root + i);
			const uint8_t *table = at(paddr, 36);

			check_table(paddr);
			if (memcmp(table, "FACP", 4) == 0 && get32(table + 40))
				check_table(get32(table + 40)); /* DSDT */
		}
		assert_in_range(tables, 2, 20);
	}
}

/* Runs whatever parses.  Nothing to assert but that it ends, and what the sanitizers see. */
static enum error run_all(uint8_t *bytes, uint32_t size)
{
	enum error error = table_loader_parse(&loader, bytes, size);

	if (error != OK) {
		assert_non_null(loader.failed_file);
		assert_true(loader.failed_command <= loader.command_count);
		return error;
	}
	give_recorded(false);
	return run();
}

static void test_recorded_scripts_truncated(void **state)
{
	(void)state;
	for (uint32_t r = 0; unit_records[r]; r++) {
		struct fake_item *item;

		fake_reset();
		unit_load(unit_records[r]);
		item = fake_fw_cfg_find("etc/table-loader");
		for (uint32_t size = 0; size < item->size; size++) {
			uint8_t *cut = unit_copy(item->bytes, size);

			run_all(cut, size);
			free(cut);
		}
	}
}

static void test_recorded_scripts_with_a_bit_flipped(void **state)
{
	(void)state;
	for (uint32_t r = 0; unit_records[r]; r++) {
		uint32_t refused = 0, size;
		uint8_t *bytes;

		fake_reset();
		unit_load(unit_records[r]);
		size = fake_fw_cfg_find("etc/table-loader")->size;
		bytes = unit_copy(fake_fw_cfg_find("etc/table-loader")->bytes, size);
		for (uint32_t bit = 0; bit < 8 * size; bit++) {
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			refused += run_all(bytes, size) != OK;
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		assert_true(refused > 100);
		free(bytes);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_refusals),
		UNIT_TEST(test_parse_results),
		UNIT_TEST(test_parse_truncated),
		UNIT_TEST(test_run_pointers),
		UNIT_TEST(test_run_checksums),
		UNIT_TEST(test_run_misses_files),
		UNIT_TEST(test_run_counts_unknown_commands),
		UNIT_TEST(test_writes),
		UNIT_TEST(test_recorded_scripts),
		UNIT_TEST(test_recorded_scripts_truncated),
		UNIT_TEST(test_recorded_scripts_with_a_bit_flipped),
	};

	return cmocka_run_group_tests_name("table_loader", tests, NULL, NULL);
}
