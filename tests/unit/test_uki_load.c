/*
 * test_uki_load.c - boot/uki_load.c and the way through boot/boot.c: a Unified Kernel Image as QEMU
 * gives it, cut in two, up to the kernel in it.
 */
#include "pe_file.h"

#include "boot.h"
#include "layout.h"

#define RAM_END   (48 * MIB)
#define FILE_SIZE 0x12000

#define KERNEL 0x4000 /* of .linux in the file */
#define SETUP  0x400
#define INITRD 0xe000
#define UCODE  0xf000
#define DTB    0x10000
#define TEXT   0x11000 /* .cmdline */

static struct memmap map;
static struct boot_image image;
static struct boot_facts facts = { .rsdp_paddr = 0xe0010 };
static struct machine machine = { .cpu = { .leaf81_edx = CPUID_81_EDX_LM, .phys_bits = 40 } };
static uint8_t file[FILE_SIZE];
static const char *append;

static struct linux_setup_header *setup(void)
{
	return (void *)(file + KERNEL + LINUX_HEADER_OFFSET);
}

static struct pe_section *add(const char *name, uint32_t offset, uint32_t size)
{
	return pe_add(file, name, offset, size);
}

static void add_text(const char *text)
{
	memcpy(file + TEXT, text, strlen(text));
	add(".cmdline", TEXT, (uint32_t)strlen(text));
}

/* A file with a kernel of KERNEL_SIZE bytes beside its real-mode part; other sections follow. */
#define KERNEL_SIZE 0x8123

static void begin(void)
{
	memset(&image, 0, sizeof(image));
	append = "";
	for (uint32_t i = 0; i < sizeof(file); i++)
		file[i] = (uint8_t)(i * 13 + (i >> 8));
	memset(file, 0, 0x1000);
	pe_begin(file);
	memset(file + KERNEL, 0, SETUP);
	*setup() = unit_setup_header;
	setup()->ramdisk_size = 0x1234; /* no loader has been here: to be ignored */
	setup()->setup_data = 0x5678;
	add(".text", 0x1000, 0x200);
	add(".linux", KERNEL, SETUP + KERNEL_SIZE);
}

/* QEMU's part: the file in two pieces, and -append. */
static void give(void)
{
	uint32_t cut = ((file[0x1f1] ? file[0x1f1] : 4) + 1u) * 512;

	unit_machine(&machine.cfg, &map, RAM_END);
	fake_fw_cfg_item(FW_CFG_KEY_SETUP_DATA, file, cut);
	fake_fw_cfg_u32(FW_CFG_KEY_SETUP_SIZE, cut);
	fake_fw_cfg_item(FW_CFG_KEY_KERNEL_DATA, file + cut, FILE_SIZE - cut);
	fake_fw_cfg_u32(FW_CFG_KEY_KERNEL_SIZE, FILE_SIZE - cut);
	fake_fw_cfg_item(FW_CFG_KEY_CMDLINE_DATA, append, (uint32_t)strlen(append) + 1);
	fake_fw_cfg_u32(FW_CFG_KEY_CMDLINE_SIZE, (uint32_t)strlen(append) + 1);
}

static void run(void)
{
	fw_cfg_init(&machine.cfg);
	fake_forget();
	boot_probe(&image, &machine, &map);
	boot(&image, &machine, &map, &facts);
}

#define assert_boots() assert_int_equal(fake_run(run()), FAKE_HANDOFF)

static const struct linux_boot_params *params(void)
{
	return phys_ptr(fake.handoff.esi);
}

static const char *cmdline(void)
{
	return phys_ptr(params()->header.cmd_line_ptr);
}

static const uint8_t *initrd(void)
{
	return phys_ptr(params()->header.ramdisk_image);
}

static void assert_kernel(void)
{
	assert_true(fake.handoff.long_mode);
	assert_int_equal(fake.handoff.entry, 0x1000200);
	assert_memory_equal(phys_ptr(0x1000000), file + KERNEL + SETUP, KERNEL_SIZE);
	assert_string_equal(fake.console, "");
}

/* The kernel alone: nothing of its own header that a loader writes is believed. */
static void test_kernel_alone(void **state)
{
	(void)state;
	begin();
	give();
	assert_boots();
	assert_kernel();
	assert_string_equal(cmdline(), "");
	assert_int_equal(params()->header.ramdisk_size, 0);
	assert_int_equal(params()->header.setup_data, 0);
	assert_int_equal(params()->header.type_of_loader, 0xb0);
	/* entry, head, file size, the kernel's beginning 2, the rest of it, -append. */
	assert_int_equal(fake_exits(), 7);
}

/* At most two exits more for each section than a bzImage with an initrd has (test_boot.c: 6). */
static void test_exits(void **state)
{
	(void)state;
	begin();
	add_text("quiet");
	add(".initrd", INITRD, 0x200);
	give();
	assert_boots();
	assert_kernel();
	assert_int_equal(fake_exits(), 6 + 2 * 3 - 1);
	fake_reset();
	add(".ucode", UCODE, 0x200);
	add(".dtb", DTB, 0x200);
	give();
	assert_boots();
	assert_int_equal(fake_exits(), 6 + 2 * 5 - 1);
}

static void test_initrds(void **state)
{
	static const struct {
		const char *name;
		uint32_t ucode, initrd;
	} cases[] = {
		{ "initrd", 0, 0x765 },
		{ "microcode", 0x800, 0 },
		{ "microcode to fill up", 0x7fd, 0 },
		{ "both", 0x800, 0x765 },
		{ "both, 1 to fill up", 0x7ff, 0x765 },
		{ "both, 3 to fill up", 0x7fd, 1 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		uint32_t room = (cases[i].ucode + 3) & ~3u;

		fake_reset();
		begin();
		add(".initrd", INITRD, cases[i].initrd);
		add(".ucode", UCODE, cases[i].ucode);
		give();
		assert_boots();
		assert_kernel();
		assert_case_equal(cases[i].name, params()->header.ramdisk_size,
				  room + cases[i].initrd);
		assert_memory_equal(initrd(), file + UCODE, cases[i].ucode);
		for (uint32_t j = cases[i].ucode; j < room; j++)
			assert_case_equal(cases[i].name, initrd()[j], 0);
		assert_memory_equal(initrd() + room, file + INITRD, cases[i].initrd);
		assert_true(memmap_is(&map, params()->header.ramdisk_image,
				      params()->header.ramdisk_image + room + cases[i].initrd,
				      MEMORY_LOADED));
	}
}

/* Above 4 GiB where the kernel takes it there, microcode, zeros and all. */
static void test_initrd_above_4_gib(void **state)
{
	uint8_t *high;

	(void)state;
	begin();
	setup()->xloadflags = 3;
	add(".initrd", INITRD, 0x765);
	add(".ucode", UCODE, 0x7fe);
	give();
	high = fake_ram_add(4 * GIB, 0x10000);
	memmap_set(&map, 4 * GIB, 4 * GIB + 0x10000, MEMORY_RAM);
	assert_boots();
	assert_int_equal(params()->ext_ramdisk_image, 1);
	assert_int_equal(params()->header.ramdisk_image, 0xf000);
	assert_memory_equal(high + 0xf000, file + UCODE, 0x7fe);
	assert_memory_equal(high + 0xf7fe, "\0\0", 2);
	assert_memory_equal(high + 0xf800, file + INITRD, 0x765);
}

static void test_device_tree(void **state)
{
	const struct linux_setup_data *node;

	(void)state;
	begin();
	add(".dtb", DTB, 0x345);
	give();
	assert_boots();
	node = phys_ptr((uint32_t)params()->header.setup_data);
	assert_int_equal(node->next, 0);
	assert_int_equal(node->type, LINUX_SETUP_DTB);
	assert_int_equal(node->size, 0x345);
	assert_memory_equal(node + 1, file + DTB, 0x345);
}

/* An SMBIOS table: type 1, the OEM strings, the end. */
static void give_oem_strings(const char *strings, uint32_t size)
{
	uint8_t *table = phys_ptr(SMBIOS_BASE);

	memcpy(table, "\x01\x04\x00\x01x\0\0\x0b\x05\x00\x0e\x02", 12);
	memcpy(table + 12, strings, size);
	memcpy(table + 12 + size, "\0\x7f\x04\xff\xfe\0", 7);
	facts.smbios = (struct smbios_table){ SMBIOS_BASE, 12 + size + 7 };
}

#define EXTRA "io.systemd.stub.kernel-cmdline-extra="

static void test_command_lines(void **state)
{
	static const struct {
		const char *own, *append, *extra, *wanted;
	} cases[] = {
		{ "root=/dev/vda1 ro\n", "", "", "root=/dev/vda1 ro" },
		{ "root=/dev/vda1 ro\n", "quiet", "", "root=/dev/vda1 ro quiet" },
		{ "own", " append ", "extra", "own append extra" },
		{ "", "append", "", "append" },
		{ "", "", "extra", "extra" },
		{ "own", "", "extra", "own extra" },
		{ " \n", "  ", " ", "" },
		{ "own", "@0 append", "", "own append" },
		{ "own", "@0", "", "own" },
		{ "own", "@zero", "", "own @zero" },
		{ "a\nb", "c", "d\te", "a b c d e" },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		char strings[100];
		int size;

		fake_reset();
		begin();
		add_text(cases[i].own);
		append = cases[i].append;
		give();
		size = snprintf(strings, sizeof(strings), "other=1%c" EXTRA "%s", 0,
				cases[i].extra);
		give_oem_strings(strings, (uint32_t)size + 1);
		assert_boots();
		assert_kernel();
		assert_case(cases[i].wanted, !strcmp(cmdline(), cases[i].wanted));
	}
	/* Other OEM strings, and other structures alone. */
	fake_reset();
	begin();
	add_text("own");
	give();
	give_oem_strings("io.systemd.credential:x=y", 26);
	assert_boots();
	assert_string_equal(cmdline(), "own");
	fake_reset();
	begin();
	give();
	give_oem_strings("x", 2);
	facts.smbios.size = 7;
	assert_boots();
	assert_string_equal(cmdline(), "");
}

/* Longer than what the kernel takes: said, and handed over whole. */
static void test_long_command_line(void **state)
{
	static char text[0x1000];
	static char long_append[6000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	memset(long_append, 'b', sizeof(long_append) - 1);
	begin();
	memcpy(file + TEXT, text, 0xfff);
	add(".cmdline", TEXT, 0xfff);
	append = long_append;
	give();
	assert_boots();
	assert_int_equal(strlen(cmdline()), 0xfff + 1 + 5999);
	assert_says(fake.console,
		    "boot: the kernel cuts the command line of 10095 characters to 2047");
}

static void give_profile(const char *number)
{
	fake_fw_cfg_file(UKI_PROFILE_FILE, number, (uint32_t)strlen(number));
}

static void test_profiles(void **state)
{
	static const struct {
		const char *option, *append, *wanted; /* command line, or the end of a panic */
		bool boots;
	} cases[] = {
		{ NULL, "", "shared", true },
		{ NULL, "@0", "shared", true },
		{ NULL, "@1 x", "one x", true },
		{ NULL, "@2 x", "shared x", true },
		{ "1", "x", "one x", true },
		{ "1\n", "@1 x", "one x", true },
		{ "2", "", "shared", true },
		{ NULL, "@3",
		  "boot: the UKI given with -kernel has 3 profiles, counted from 0, not number 3; "
		  "change opt/org.qboot/uki-profile or the \"@\" in -append",
		  false },
		{ "3", "", "has 3 profiles, counted from 0, not number 3; ", false },
		{ "1", "@2",
		  "boot: -append asks for profile 2 of the UKI given with -kernel, which has 3; 1 was "
		  "chosen",
		  false },
		{ "one", "",
		  "boot: opt/org.qboot/uki-profile is \"one\"; the number of a profile is needed, "
		  "0 for the first",
		  false },
		{ "1x", "", "opt/org.qboot/uki-profile is \"1x\"", false },
		{ "", "", "opt/org.qboot/uki-profile is \"\"", false },
		{ "99999999999999999", "", "is \"999999999999999\"", false },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		fake_reset();
		begin();
		add_text("shared");
		add(".profile", 0x1000, 1);
		add(".profile", 0x1010, 1);
		memcpy(file + TEXT + 0x80, "one", 3);
		add(".cmdline", TEXT + 0x80, 3);
		add(".profile", 0x1020, 1);
		append = cases[i].append;
		give();
		if (cases[i].option)
			give_profile(cases[i].option);
		if (!cases[i].boots) {
			assert_panics(cases[i].wanted, run());
			continue;
		}
		assert_boots();
		assert_case(cases[i].wanted, !strcmp(cmdline(), cases[i].wanted));
	}
	/* A choice where there is none. */
	fake_reset();
	begin();
	append = "@1";
	give();
	assert_panics(
		"boot: -append asks for profile 1 of the UKI given with -kernel, which has 0; 0 was "
		"chosen",
		run());
	fake_reset();
	begin();
	give();
	give_profile("1");
	assert_panics(
		"boot: the UKI given with -kernel has 0 profiles, counted from 0, not number 1",
		run());
	fake_reset();
	begin();
	give();
	give_profile("0");
	assert_boots();
}

/* Wherever QEMU cuts the file: before, in and behind every section, and in the section table. */
static void test_cuts(void **state)
{
	(void)state;
	for (uint32_t sectors = 0; sectors < 0x90; sectors++) {
		fake_reset();
		begin();
		add_text("own");
		add(".initrd", INITRD, 0x765);
		/* Where the byte is in the table is of no importance: the number of sections is. */
		pe_header(file)->optional_size = 0x400;
		memmove(file + TABLE_OFFSET + 0x310, file + TABLE_OFFSET, 0x200);
		file[0x1f1] = (uint8_t)sectors;
		give();
		assert_boots();
		assert_kernel();
		assert_string_equal(cmdline(), "own");
		assert_memory_equal(initrd(), file + INITRD, 0x765);
	}
}

/* Kernels that end within what is read first, and real-mode parts that reach beyond it. */
static void test_kernel_sizes(void **state)
{
	static const struct {
		uint32_t sectors, kernel_size, exits;
	} cases[] = {
		{ 2, 0x201, 6 },     { 2, 0x7bff, 6 },    { 2, 0x7c00, 6 },    { 2, 0x7c01, 7 },
		{ 0x3f, 0x1000, 7 }, { 0x40, 0x1000, 8 }, { 0x41, 0x1000, 8 }, { 0x45, 0x1000, 8 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		uint32_t setup_size = cases[i].sectors * 512;

		fake_reset();
		begin();
		setup()->setup_sects = (uint8_t)(cases[i].sectors - 1);
		pe_header(file)->section_count--;
		add(".linux", KERNEL, setup_size + cases[i].kernel_size);
		give();
		assert_boots();
		assert_memory_equal(phys_ptr(0x1000000), file + KERNEL + setup_size,
				    cases[i].kernel_size);
		assert_int_equal(fake_exits(), cases[i].exits);
	}
}

/* Headers that are longer than what is read at first, in one step and in two. */
static void test_long_headers(void **state)
{
	(void)state;
	begin();
	for (uint32_t i = 0; i < 60; i++)
		add(".dtbauto", 0x1000, 1);
	add_text("own");
	give();
	assert_boots();
	assert_kernel();
	assert_string_equal(cmdline(), "own");
	assert_int_equal(fake_exits(), 7 + 2 + 1 + 1); /* two pieces of the headers */

	fake_reset();
	begin();
	memmove(file + 0x2000, file + PE_OFFSET, 0x400);
	memset(file + PE_OFFSET, 0, 0x400);
	((struct pe_dos_header *)file)->pe_offset = 0x2000;
	give();
	assert_boots();
	assert_kernel();
}

static void test_without_dma(void **state)
{
	(void)state;
	begin();
	add_text("own");
	add(".initrd", INITRD, 0x765);
	add(".ucode", UCODE, 0x7fe);
	append = "append";
	give();
	fake.fw_cfg.dma = false;
	assert_boots();
	assert_kernel();
	assert_string_equal(cmdline(), "own append");
	assert_memory_equal(initrd(), file + UCODE, 0x7fe);
	assert_memory_equal(initrd() + 0x800, file + INITRD, 0x765);
}

static void patch(uint32_t offset, uint32_t bytes, uint32_t value)
{
	memcpy(file + offset, &value, bytes);
}

/* What it is, and what to do, in one line. */
static void test_refusals(void **state)
{
#define NAME(n) (TABLE_OFFSET + (n)*40)
	static const struct {
		uint32_t offset, bytes, value;
		const char *words;
	} cases[] = {
		{ 4, 4, 0x676d697a,
		  "boot: the file given with -kernel is a compressed EFI kernel (zboot); a Linux "
		  "bzImage, a UKI, an ELF kernel with a PVH note, or a Multiboot kernel is needed" },
		{ 0x3c, 4, 0x44,
		  "boot: the file given with -kernel begins as a DOS program and has no PE header; a" },
		{ 0x3c, 4, FILE_SIZE,
		  "boot: the PE file given with -kernel has 73728 bytes, its headers end at 0x1201a; "
		  "it was cut or damaged, copy or build it again" },
		{ PE_OFFSET + 4, 2, 0xaa64,
		  "boot: the file given with -kernel is an EFI program for AArch64 (machine 0xaa64); a "
		  "kernel or UKI for x86-64 is needed" },
		{ PE_OFFSET + 4, 2, 0x14c, "is an EFI program for 32-bit x86 (machine 0x014c); " },
		{ PE_OFFSET + 24, 2, 0x10b,
		  "boot: the PE file given with -kernel has an optional header 0x10b; a UKI for x86-64 "
		  "has 0x20b (PE32+), build it again" },
		{ NAME(1), 1, 'L',
		  "boot: the file given with -kernel is the EFI application \"without a name\", "
		  "not a UKI: it has no .linux section; give a Linux kernel or a UKI, or boot this with UEFI "
		  "firmware" },
		{ NAME(1) + 20, 4, 0x11000,
		  "boot: the UKI given with -kernel has 73728 bytes, its section .linux of 34083 ends at "
		  "0x19523; it was cut or damaged, copy or build it again" },
		{ NAME(1) + 20, 4, 0x100,
		  "boot: the UKI given with -kernel has its section .linux of 34083 bytes at 0x100, "
		  "where the headers or another section are; build it again" },
		{ NAME(1) + 8, 4, SETUP,
		  "boot: the UKI given with -kernel has a kernel of 1024 bytes, 1024 of them for real "
		  "mode: it was cut; build it again" },
		{ KERNEL + 0x202, 4, 0,
		  "boot: the kernel in the UKI given with -kernel is no kernel known here (0x00000000 "
		  "at offset 0x202)" },
		{ KERNEL + 0x206, 2, 0x201,
		  "boot: the kernel in the UKI given with -kernel has a version" },
		{ KERNEL + 0x260, 4, 0x8000000,
		  "boot: the kernel needs 128 MiB of memory from 16 MiB on, the guest has 48 MiB" },
		{ 0, 1, 'Z', "boot: the file given with -kernel is " },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		fake_reset();
		begin();
		patch(cases[i].offset, cases[i].bytes, cases[i].value);
		give();
		assert_panics(cases[i].words, run());
	}
}

static void test_other_programs(void **state)
{
	static const struct {
		const char *sbat, *cmdline, *words;
	} cases[] = {
		{ "sbat,1,x\nshim,4,UEFI shim,shim,1,url\n", NULL,
		  "boot: the file given with -kernel is the EFI application \"shim\", not a UKI: "
		  "it has no .linux section" },
		{ "sbat,1,x\ngrub,5,FSF,grub,2.12,url\n", NULL, "the EFI application \"grub\"" },
		{ "sbat,1,x\nsystemd-boot,1,", NULL, "the EFI application \"systemd-boot\"" },
		{ "sbat,1,x\nsystemd-addon,1,", "quiet",
		  "boot: the file given with -kernel is an add-on to a UKI (systemd-addon): it has no "
		  "kernel, no .linux section; give the UKI, and the add-on's command line with -append" },
		{ NULL, "quiet", "is an add-on to a UKI (no .sbat section)" },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		const char *sbat = cases[i].sbat;

		fake_reset();
		begin();
		pe_header(file)->section_count = 1;
		memset(file + NAME(1), 0, 40);
		if (sbat) {
			/* Over the place where the file is cut. */
			memcpy(file + 0x9f8, sbat, strlen(sbat));
			add(".sbat", 0x9f8, (uint32_t)strlen(sbat));
		}
		if (cases[i].cmdline)
			add_text(cases[i].cmdline);
		give();
		assert_panics(cases[i].words, run());
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_kernel_alone),
		UNIT_TEST(test_exits),
		UNIT_TEST(test_initrds),
		UNIT_TEST(test_initrd_above_4_gib),
		UNIT_TEST(test_device_tree),
		UNIT_TEST(test_command_lines),
		UNIT_TEST(test_long_command_line),
		UNIT_TEST(test_profiles),
		UNIT_TEST(test_cuts),
		UNIT_TEST(test_kernel_sizes),
		UNIT_TEST(test_long_headers),
		UNIT_TEST(test_without_dma),
		UNIT_TEST(test_refusals),
		UNIT_TEST(test_other_programs),
	};

	return cmocka_run_group_tests_name("uki_load", tests, NULL, NULL);
}
