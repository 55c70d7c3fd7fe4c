/*
 * test_bzimage.c - boot/bzimage.c: what the setup header says, and where the kernel goes.
 */
#include "unit.h"

#include "bzimage.h"

static uint8_t file[BZIMAGE_HEADER_READ];
static struct bzimage image;
static struct memmap map;

static struct linux_setup_header *header(void)
{
	return (void *)(file + LINUX_HEADER_OFFSET);
}

/* The header of Debian's Linux 6.1 for amd64, with what QEMU 7.2 fills in. */
static void linux_6_1(void)
{
	memset(file, 0xcc, sizeof(file));
	*header() = (struct linux_setup_header){
		.setup_sects = 39,
		.boot_flag = 0xaa55,
		.jump_opcode = 0xeb,
		.jump_length = 0x6a,
		.header = 0x53726448,
		.version = 0x020f,
		.kernel_version = 0x39c0,
		.type_of_loader = 0xb0,
		.loadflags = 0x81,
		.code32_start = 0x100000,
		.ramdisk_image = 0x7bd4000,
		.ramdisk_size = 0x40c000,
		.heap_end_ptr = 0xfe00,
		.cmd_line_ptr = 0x20000,
		.initrd_addr_max = 0x7fffffff,
		.kernel_alignment = 0x200000,
		.relocatable_kernel = 1,
		.min_alignment = 21,
		.xloadflags = 0x7f,
		.cmdline_size = 2047,
		.payload_offset = 0x2f0,
		.payload_length = 0x7a0000,
		.pref_address = 0x1000000,
		.init_size = 0x3200000,
	};
}

static enum error parse(void)
{
	return bzimage_parse(&image, file, sizeof(file));
}

/* ---- Parsing ---- */

static void test_linux_6_1(void **state)
{
	(void)state;
	linux_6_1();
	assert_int_equal(parse(), OK);
	assert_int_equal(image.header_size, 0x202 + 0x6a - 0x1f1);
	assert_int_equal(image.version, 0x020f);
	assert_true(image.relocatable && image.entry64 && image.initrd_above_4g);
	assert_int_equal(image.alignment, 0x200000);
	assert_int_equal(image.pref_address, 0x1000000);
	assert_int_equal(image.init_size, 0x3200000);
	assert_int_equal(image.initrd_max, 0x80000000u);
	assert_int_equal(image.cmdline_max, 2047);
	assert_true(image.has_initrd);
	assert_int_equal(image.min_size, 0x2f0 + 0x7a0000);
	assert_int_equal(image.setup_data, 0);
}

/* What a version does not have keeps its default, whatever the bytes there are. */
static void test_versions(void **state)
{
	static const struct {
		uint16_t version;
		enum error wanted;
		bool initrd_max, alignment, cmdline, setup_data, pref, entry64;
	} cases[] = {
		{ 0x0000, ERR_VERSION, 0, 0, 0, 0, 0, 0 },
		{ 0x0201, ERR_VERSION, 0, 0, 0, 0, 0, 0 },
		{ 0x0202, OK, 0, 0, 0, 0, 0, 0 },
		{ 0x0203, OK, 1, 0, 0, 0, 0, 0 },
		{ 0x0204, OK, 1, 0, 0, 0, 0, 0 },
		{ 0x0205, OK, 1, 1, 0, 0, 0, 0 },
		{ 0x0206, OK, 1, 1, 1, 0, 0, 0 },
		{ 0x0208, OK, 1, 1, 1, 0, 0, 0 },
		{ 0x0209, OK, 1, 1, 1, 1, 0, 0 },
		{ 0x020a, OK, 1, 1, 1, 1, 1, 0 },
		{ 0x020b, OK, 1, 1, 1, 1, 1, 0 },
		{ 0x020c, OK, 1, 1, 1, 1, 1, 1 },
		{ 0xffff, OK, 1, 1, 1, 1, 1, 1 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		char name[16];

		snprintf(name, sizeof(name), "%x", cases[i].version);
		linux_6_1();
		header()->version = cases[i].version;
		header()->setup_data = 0x123456789;
		assert_case_equal(name, parse(), cases[i].wanted);
		if (cases[i].wanted != OK)
			continue;
		assert_case_equal(name, image.initrd_max,
				  cases[i].initrd_max ? 0x80000000u : 0x38000000);
		assert_case_equal(name, image.alignment, cases[i].alignment ? 0x200000 : 1);
		assert_case_equal(name, image.relocatable, cases[i].alignment);
		assert_case_equal(name, image.cmdline_max, cases[i].cmdline ? 2047 : 255);
		assert_case_equal(name, image.setup_data, cases[i].setup_data ? 0x123456789 : 0);
		assert_case_equal(name, image.pref_address, cases[i].pref ? 0x1000000 : 0x100000);
		assert_case_equal(name, image.init_size, cases[i].pref ? 0x3200000 : 0);
		assert_case_equal(name, image.entry64, cases[i].entry64);
		assert_case_equal(name, image.initrd_above_4g, cases[i].entry64);
	}
}

static void test_refusals(void **state)
{
	static const struct {
		const char *name;
		uint32_t offset;
		uint8_t byte;
		enum error wanted;
	} cases[] = {
		{ "no HdrS", 0x202, 'h', ERR_MAGIC },
		{ "no 55 AA", 0x1fe, 0x54, ERR_MAGIC },
		{ "a loader for low memory", 0x211, 0x80, ERR_16BIT_ONLY },
		{ "alignment 3 * 2^20", 0x232, 0x30, ERR_ALIGNMENT },
		{ "alignment with a low bit", 0x230, 0x01, ERR_ALIGNMENT },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		linux_6_1();
		file[cases[i].offset] = cases[i].byte;
		assert_case_equal(cases[i].name, parse(), cases[i].wanted);
	}
	/* iPXE has no 32-bit entry. */
	linux_6_1();
	header()->code32_start = 0;
	assert_int_equal(parse(), ERR_16BIT_ONLY);
	/* memdisk has a name where kernels have their version. */
	linux_6_1();
	header()->kernel_version = 0x20;
	memcpy(file + 0x220, "MEMDISK 6.04", 12);
	assert_int_equal(parse(), ERR_NEEDS_BIOS);
	memcpy(file + 0x220, "MEMDISC 6.04", 12);
	header()->version = 0x020f;
	assert_int_not_equal(parse(), ERR_NEEDS_BIOS);
	/* GRUB's lnxboot.img has neither version nor size; a kernel may lack one of them. */
	for (uint32_t lacks = 0; lacks < 4; lacks++) {
		linux_6_1();
		header()->version = 0x0203;
		header()->kernel_version = lacks & 1 ? 0 : 0x20;
		header()->syssize = lacks & 2 ? 0x10000 : 0x12345; /* 16 bits of it count there */
		assert_int_equal(parse(), lacks == 3 ? ERR_NEEDS_BIOS : OK);
	}
	for (uint32_t offset = 0; offset < 0x10000; offset++) {
		linux_6_1();
		header()->kernel_version = (uint16_t)offset;
		assert_int_equal(parse(), OK);
	}
	/* No alignment stated is none needed. */
	linux_6_1();
	header()->kernel_alignment = 0;
	assert_int_equal(parse(), OK);
	assert_int_equal(image.alignment, 1);
}

static void test_truncated(void **state)
{
	(void)state;
	linux_6_1();
	for (uint32_t size = 0; size < sizeof(file); size++) {
		uint8_t *cut = unit_copy(file, size);

		assert_int_equal(bzimage_parse(&image, cut, size), ERR_TRUNCATED);
		free(cut);
	}
}

/* However long the header says it is, it ends where boot_params has something else. */
static void test_header_length(void **state)
{
	(void)state;
	for (uint32_t length = 0; length < 256; length++) {
		linux_6_1();
		header()->jump_length = (uint8_t)length;
		assert_int_equal(parse(), OK);
		assert_int_equal(image.header_size,
				 (0x202 + length < 0x290 ? 0x202 + length : 0x290) - 0x1f1);
	}
}

/* No bit makes it read outside, or plan outside RAM. */
static void test_bit_flips(void **state)
{
	(void)state;
	for (uint32_t bit = 8 * 0x1f1; bit < 8 * 0x290; bit++) {
		uint32_t load, ram = 0;

		linux_6_1();
		file[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (parse() != OK)
			continue;
		map.count = 0;
		memmap_set(&map, 0x100000, 0x8000000, MEMORY_RAM);
		if (bzimage_plan(&image, 0x7b0000, &map, &load) != OK)
			continue;
		assert_in_range(load, 0x100000, 0x8000000 - 0x7b0000);
		for (uint32_t i = 0; i < map.count; i++)
			ram += (uint32_t)(map.ranges[i].end - map.ranges[i].base);
		assert_int_equal(ram, 0x7f00000);
	}
}

/* ---- Planning ---- */

struct plan_case {
	const char *name;
	bool relocatable;
	uint32_t alignment;
	uint64_t pref, init_size;
	uint32_t kernel_size;
	uint64_t ram[2][2];
	enum error wanted;
	uint32_t load;
	uint64_t claimed_end; /* of what runs at load or pref */
};

static void check_plan(const struct plan_case *c)
{
	static struct memmap before;
	uint32_t load = 0xdead;
	uint64_t base = c->relocatable ? c->load : c->pref;

	image = (struct bzimage){ .relocatable = c->relocatable,
				  .alignment = c->alignment,
				  .pref_address = c->pref,
				  .init_size = (uint32_t)c->init_size };
	memset(&map, 0, sizeof(map));
	for (uint32_t i = 0; i < 2; i++)
		memmap_set(&map, c->ram[i][0], c->ram[i][1], MEMORY_RAM);
	before = map;
	assert_case_equal(c->name, bzimage_plan(&image, c->kernel_size, &map, &load), c->wanted);
	if (c->wanted != OK) {
		assert_memory_equal(&before, &map, sizeof(map));
		return;
	}
	assert_case_equal(c->name, load, c->load);
	assert_case(c->name, memmap_is(&map, load, load + (uint64_t)c->kernel_size, MEMORY_LOADED));
	assert_case(c->name, memmap_is(&map, base, c->claimed_end, MEMORY_LOADED));
	assert_case(c->name, !memmap_is(&map, base, c->claimed_end + 1, MEMORY_LOADED));
}

static void test_plan_relocatable(void **state)
{
	static const struct plan_case cases[] = {
		{ "at its preferred address",
		  true,
		  0x200000,
		  0x1000000,
		  0x3200000,
		  0x7b0000,
		  { { 0x100000, 0x8000000 } },
		  OK,
		  0x1000000,
		  0x4200000 },
		{ "just fits",
		  true,
		  0x200000,
		  0x1000000,
		  0x3200000,
		  0x7b0000,
		  { { 0x100000, 0x4200000 } },
		  OK,
		  0x1000000,
		  0x4200000 },
		{ "a byte short",
		  true,
		  0x200000,
		  0x1000000,
		  0x3200000,
		  0x7b0000,
		  { { 0x100000, 0x41fffff } },
		  ERR_NO_MEMORY,
		  0,
		  0 },
		{ "more to load than to run",
		  true,
		  0x200000,
		  0x1000000,
		  0x1000,
		  0x7b0000,
		  { { 0x100000, 0x8000000 } },
		  OK,
		  0x1000000,
		  0x17b0000 },
		{ "no init_size",
		  true,
		  0x200000,
		  0x1000000,
		  0,
		  0x7b0000,
		  { { 0x100000, 0x8000000 } },
		  OK,
		  0x1000000,
		  0x17b0000 },
		{ "preferred address not aligned",
		  true,
		  0x400000,
		  0x1200000,
		  0x100000,
		  0x1000,
		  { { 0x100000, 0x8000000 } },
		  OK,
		  0x1400000,
		  0x1500000 },
		{ "preferred address too low",
		  true,
		  0x1000,
		  0x1000,
		  0x100000,
		  0x1000,
		  { { 0x100000, 0x8000000 } },
		  OK,
		  0x100000,
		  0x200000 },
		{ "second range",
		  true,
		  0x200000,
		  0x1000000,
		  0x3200000,
		  0x7b0000,
		  { { 0x100000, 0x2000000 }, { 0x2100000, 0x8000000 } },
		  OK,
		  0x2200000,
		  0x5400000 },
		{ "not above 4 GiB",
		  true,
		  0x200000,
		  0x1000000,
		  0x3200000,
		  0x7b0000,
		  { { 0x100000, 0x2000000 }, { 0x100000000, 0x200000000 } },
		  ERR_NO_MEMORY,
		  0,
		  0 },
		{ "preferred above 4 GiB",
		  true,
		  0x200000,
		  0x100000000,
		  0x3200000,
		  0x7b0000,
		  { { 0x100000, 0x200000000 } },
		  ERR_NO_MEMORY,
		  0,
		  0 },
		{ "preferred at the end of 64 bits",
		  true,
		  0x200000,
		  UINT64_MAX,
		  0x3200000,
		  0x7b0000,
		  { { 0x100000, 0x200000000 } },
		  ERR_NO_MEMORY,
		  0,
		  0 },
		{ "across 4 GiB",
		  true,
		  0x1000,
		  0xfff00000,
		  0x200000,
		  0x1000,
		  { { 0x100000, 0x200000000 } },
		  ERR_NO_MEMORY,
		  0,
		  0 },
		{ "up to 4 GiB",
		  true,
		  0x1000,
		  0xfff00000,
		  0x100000,
		  0x1000,
		  { { 0x100000, 0x100000000 } },
		  OK,
		  0xfff00000,
		  0x100000000 },
		{ "largest kernel",
		  true,
		  1,
		  0x100000,
		  0,
		  0xffffffff,
		  { { 0x100000, 0x100000000 } },
		  ERR_NO_MEMORY,
		  0,
		  0 },
		{ "alignment 2 GiB",
		  true,
		  0x80000000,
		  0x1000000,
		  0x100000,
		  0x1000,
		  { { 0x100000, 0xc0000000 } },
		  OK,
		  0x80000000,
		  0x80100000 },
		{ "no RAM",
		  true,
		  0x200000,
		  0x1000000,
		  0x3200000,
		  0x7b0000,
		  { { 0, 0 } },
		  ERR_NO_MEMORY,
		  0,
		  0 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++)
		check_plan(&cases[i]);
}

static void test_plan_fixed(void **state)
{
	static const struct plan_case cases[] = {
		{ "loaded low, run high",
		  false,
		  1,
		  0x1000000,
		  0x1000000,
		  0x800000,
		  { { 0x100000, 0x8000000 } },
		  OK,
		  0x100000,
		  0x2000000 },
		{ "overlapping",
		  false,
		  1,
		  0x400000,
		  0x1000000,
		  0x800000,
		  { { 0x100000, 0x8000000 } },
		  OK,
		  0x100000,
		  0x1400000 },
		{ "no room to load",
		  false,
		  1,
		  0x400000,
		  0x1000000,
		  0x800000,
		  { { 0x100000, 0x8fffff }, { 0x900000, 0x8000000 } },
		  ERR_NO_MEMORY,
		  0,
		  0 },
		{ "no room to run",
		  false,
		  1,
		  0x1000000,
		  0x1000000,
		  0x800000,
		  { { 0x100000, 0x1ffffff } },
		  ERR_NO_MEMORY,
		  0,
		  0 },
		{ "runs past 4 GiB",
		  false,
		  1,
		  0xff000000,
		  0x1000001,
		  0x1000,
		  { { 0x100000, 0x200000000 } },
		  ERR_NO_MEMORY,
		  0,
		  0 },
		{ "runs at the end of 64 bits",
		  false,
		  1,
		  UINT64_MAX - 0xfff,
		  0x2000,
		  0x1000,
		  { { 0x100000, 0x200000000 } },
		  ERR_NO_MEMORY,
		  0,
		  0 },
		{ "largest kernel",
		  false,
		  1,
		  0x1000000,
		  0x1000,
		  0xffffffff,
		  { { 0x100000, 0x100000000 } },
		  ERR_NO_MEMORY,
		  0,
		  0 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++)
		check_plan(&cases[i]);
}

/* Two claims, of which the map may have room for one: then neither is made. */
static void test_plan_in_a_full_map(void **state)
{
	static struct memmap before;

	(void)state;
	image = (struct bzimage){ .alignment = 1,
				  .pref_address = 0x1000000,
				  .init_size = 0x100000 };
	for (uint32_t room = 0; room <= 4; room++) {
		uint32_t load = 0;
		enum error error;

		map.count = 0;
		memmap_set(&map, 0, 0x8000000, MEMORY_RAM);
		for (uint64_t i = 1; map.count < MEMMAP_MAX_ENTRIES - room; i++)
			memmap_set(&map, i << 32, (i << 32) + 1, MEMORY_RESERVED);
		before = map;
		error = bzimage_plan(&image, 0x1000, &map, &load);
		assert_int_equal(error, room < 4 ? ERR_NO_MEMORY : OK);
		if (error != OK)
			assert_memory_equal(&before, &map, sizeof(map));
	}
}

static void test_run_size(void **state)
{
	(void)state;
	linux_6_1();
	parse();
	assert_int_equal(bzimage_run_size(&image, 0x7b0000), 0x3200000);
	assert_int_equal(bzimage_run_size(&image, 0x10000000), 0x10000000);
}

/* ---- boot_params ---- */

/* How much of the kernel there must be. */
static void test_min_size(void **state)
{
	static const struct {
		uint16_t version;
		uint32_t syssize, payload_offset, payload_length;
		uint64_t wanted;
	} cases[] = {
		{ 0x020f, 0, 0, 0, 0x201 }, /* the 64-bit entry */
		{ 0x020f, 0x20, 0, 0, 0x201 },
		{ 0x020f, 0x21, 0, 0, 0x201 },
		{ 0x020f, 0x22, 0, 0, 0x211 },
		{ 0x0204, 0, 0, 0, 1 },
		{ 0x0204, 1, 0, 0, 1 },
		{ 0x020f, 0x1000, 0, 0, 0xfff1 },
		{ 0x020f, UINT32_MAX, 0, 0, 0xfffffffe1 },
		{ 0x020f, 0x1000, 0x8000, 0x8000, 0x10000 },
		{ 0x020f, 0, UINT32_MAX, UINT32_MAX, 0x1fffffffe },
		{ 0x0208, 1, 0x8000, 0x8000, 0x10000 },
		{ 0x0207, 1, 0x8000, 0x8000, 1 }, /* no payload fields yet */
		{ 0x0204, 0x10001, 0, 0, 0x100001 },
		{ 0x0203, 0x10001, 0, 0, 1 }, /* 16 bits */
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		linux_6_1();
		header()->version = cases[i].version;
		header()->syssize = cases[i].syssize;
		header()->payload_offset = cases[i].payload_offset;
		header()->payload_length = cases[i].payload_length;
		assert_int_equal(parse(), OK);
		assert_true(image.min_size == cases[i].wanted);
	}
}

static void test_build(void **state)
{
	static struct linux_boot_params params;
	const struct load_handover handover = { .kernel_paddr = 0x1000000,
						.cmdline_paddr = 0xe1000,
						.initrd_paddr = 0x123456000,
						.initrd_size = 0x40c000,
						.setup_data_paddr = 0xe2000,
						.rsdp_paddr = 0xe0010 };

	(void)state;
	linux_6_1();
	parse();
	memset(&params, 0, sizeof(params));
	bzimage_build(&params, &image, file, &handover);
	assert_int_equal(params.header.type_of_loader, 0xb0);
	assert_int_equal(params.header.code32_start, 0x1000000);
	assert_int_equal(params.header.cmd_line_ptr, 0xe1000);
	assert_int_equal(params.header.ramdisk_image, 0x23456000);
	assert_int_equal(params.ext_ramdisk_image, 1);
	assert_int_equal(params.header.ramdisk_size, 0x40c000);
	assert_int_equal(params.header.setup_data, 0xe2000);
	assert_int_equal(params.acpi_rsdp_addr, 0xe0010);
	assert_int_equal(params.header.pref_address, 0x1000000);
	/* Nothing before the header, nor after the length it states. */
	for (uint32_t i = 0x1e9; i < 0x1f1; i++)
		assert_int_equal(((uint8_t *)&params)[i], 0);
	for (uint32_t i = 0x26c; i < 0x290; i++)
		assert_int_equal(((uint8_t *)&params)[i], 0);

	/* A header from before setup_data: the field is someone else's. */
	linux_6_1();
	header()->version = 0x0208;
	header()->jump_length = 0x4e - 2;
	parse();
	memset(&params, 0, sizeof(params));
	bzimage_build(&params, &image, file, &handover);
	assert_int_equal(params.header.setup_data, 0);
}

/* ---- setup_data ---- */

static void put_node(uint8_t *kernel, uint32_t offset, uint64_t next, uint32_t type, uint32_t size)
{
	struct linux_setup_data node = { next, type, size };

	memcpy(kernel + offset, &node, sizeof(node));
}

static void test_find_setup_data(void **state)
{
	static const struct {
		const char *name;
		uint32_t at, type, size; /* the node in a kernel of 0x1000 bytes */
		uint64_t address;
		bool is_first;
		enum error wanted;
	} cases[] = {
		{ "where QEMU says", 0x800, LINUX_SETUP_DTB, 0x100, 0x100800, false, OK },
		{ "too high by setup_size", 0x800, LINUX_SETUP_DTB, 0x100, 0x100c00, false, OK },
		{ "seed", 0x800, LINUX_SETUP_RNG_SEED, 32, 0x100800, false, OK },
		{ "at the start", 0, LINUX_SETUP_DTB, 0, 0x100000, false, OK },
		{ "to the end", 0xf00, LINUX_SETUP_DTB, 0xf0, 0x100f00, false, OK },
		{ "first", 0xf00, LINUX_SETUP_DTB, 0xf0, 0x100f00, true, OK },
		{ "first, too high", 0xc00, LINUX_SETUP_DTB, 0x3f0, 0x101000, true, OK },
		{ "first, seed", 0xfd0, LINUX_SETUP_RNG_SEED, 32, 0x100fd0, true, OK },
		{ "first, not to the end", 0xf00, LINUX_SETUP_DTB, 0xef, 0x100f00, true,
		  ERR_NOT_FOUND },
		{ "first, past the end", 0xf00, LINUX_SETUP_DTB, 0xf1, 0x100f00, true,
		  ERR_NOT_FOUND },
		{ "first, unknown type", 0xf00, 7, 0xf0, 0x100f00, true, ERR_NOT_FOUND },
		{ "past the end", 0xf00, LINUX_SETUP_DTB, 0xf1, 0x100f00, false, ERR_NOT_FOUND },
		{ "far past the end", 0xf00, LINUX_SETUP_DTB, 0xffffffff, 0x100f00, false,
		  ERR_NOT_FOUND },
		{ "node cut", 0x800, LINUX_SETUP_DTB, 0, 0x100ff1, false, ERR_NOT_FOUND },
		{ "outside", 0x800, LINUX_SETUP_DTB, 0, 0x101000, false, ERR_NOT_FOUND },
		{ "behind QEMU's", 0x800, LINUX_SETUP_DTB, 0, 0x101400, false, ERR_NOT_FOUND },
		{ "below 1 MiB", 0x800, LINUX_SETUP_DTB, 0, 0xfffff, false, ERR_NOT_FOUND },
		{ "address 0", 0x800, LINUX_SETUP_DTB, 0, 0, false, ERR_NOT_FOUND },
		{ "above 4 GiB", 0x800, LINUX_SETUP_DTB, 0, 0x100100800, false, ERR_NOT_FOUND },
		{ "end of 64 bits", 0x800, LINUX_SETUP_DTB, 0, UINT64_MAX, false, ERR_NOT_FOUND },
		{ "unknown type", 0x800, 7, 0, 0x100800, false, ERR_NOT_FOUND },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		uint8_t *kernel = malloc(0x1000);
		uint32_t offset = 0xdead;

		memset(kernel, 0x77, 0x1000);
		put_node(kernel, cases[i].at, 0, cases[i].type, cases[i].size);
		assert_case_equal(cases[i].name,
				  bzimage_find_setup_data(kernel, 0x1000, cases[i].address, 0x400,
							  cases[i].is_first, &offset),
				  cases[i].wanted);
		if (cases[i].wanted == OK)
			assert_case_equal(cases[i].name, offset, cases[i].at);
		free(kernel);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_linux_6_1),          UNIT_TEST(test_versions),
		UNIT_TEST(test_refusals),           UNIT_TEST(test_truncated),
		UNIT_TEST(test_header_length),      UNIT_TEST(test_bit_flips),
		UNIT_TEST(test_plan_relocatable),   UNIT_TEST(test_plan_fixed),
		UNIT_TEST(test_plan_in_a_full_map), UNIT_TEST(test_run_size),
		UNIT_TEST(test_min_size),           UNIT_TEST(test_build),
		UNIT_TEST(test_find_setup_data),
	};

	return cmocka_run_group_tests_name("bzimage", tests, NULL, NULL);
}
