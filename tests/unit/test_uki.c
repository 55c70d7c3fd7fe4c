/*
 * test_uki.c - boot/uki.c: what is in a Unified Kernel Image, and what is wrong with one.
 */
#include "pe_file.h"
#include "uki.h"

#define FILE_SIZE 0x3200

static uint8_t file[FILE_SIZE];
static struct uki uki;

static void begin(void)
{
	memset(file, 0, sizeof(file));
	pe_begin(file);
}

static struct pe_section *add(const char *name, uint32_t offset, uint32_t size)
{
	return pe_add(file, name, offset, size);
}

/* As systemd-ukify makes them: the stub's sections, then what it puts in. */
static void whole(void)
{
	begin();
	add(".text", 0x600, 0x123);
	add(".reloc", 0x800, 0xc);
	add(".sbat", 0xa00, 0x111);
	add(".osrel", 0xc00, 0x20);
	add(".cmdline", 0xe00, 0x1f);
	add(".dtb", 0x1000, 0x40);
	add(".ucode", 0x1200, 0x81);
	add(".initrd", 0x1400, 0x405);
	add(".linux", 0x1a00, 0x1234);
}

static enum error parse(uint32_t profile)
{
	uint8_t *copy = unit_copy(file, sizeof(file));
	enum error error = uki_parse(&uki, copy, sizeof(file), sizeof(file), profile);

	free(copy);
	return error;
}

#define assert_part(name, part, offset_, size_) \
	do { \
		assert_case_equal(name, uki.parts[part].offset, offset_); \
		assert_case_equal(name, uki.parts[part].size, size_); \
	} while (0)

static void test_whole(void **state)
{
	(void)state;
	whole();
	assert_int_equal(parse(0), OK);
	assert_part("whole", UKI_LINUX, 0x1a00, 0x1234);
	assert_part("whole", UKI_INITRD, 0x1400, 0x405);
	assert_part("whole", UKI_UCODE, 0x1200, 0x81);
	assert_part("whole", UKI_CMDLINE, 0xe00, 0x1f);
	assert_part("whole", UKI_DTB, 0x1000, 0x40);
	assert_part("whole", UKI_SBAT, 0xa00, 0x111);
	assert_int_equal(uki.profile_count, 0);
	assert_int_equal(uki.head_size, TABLE_OFFSET + 9 * 40);

	begin();
	add(".linux", 0x1000, 0x200);
	assert_int_equal(parse(0), OK);
	assert_part("the kernel alone", UKI_LINUX, 0x1000, 0x200);
	for (uint32_t i = UKI_LINUX + 1; i < UKI_SECTIONS; i++)
		assert_part("the kernel alone", i, 0, 0);
}

/* The smaller of the two sizes; an empty section is none. */
static void test_sizes(void **state)
{
	static const struct {
		const char *name;
		uint32_t virtual_size, raw_size, wanted;
	} cases[] = {
		{ "the file has more, for alignment", 0x1ff, 0x200, 0x1ff },
		{ "equal", 0x200, 0x200, 0x200 },
		{ "memory has more: zeros", 0x400, 0x200, 0x200 },
		{ "memory has all that there is", 0xffffffff, 0x200, 0x200 },
		{ "the file says too much", 0x1, 0xffffffff, 0x1 },
		{ "none in memory", 0, 0x200, 0 },
		{ "none in the file", 0x200, 0, 0 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		struct pe_section *initrd;

		begin();
		add(".linux", 0x1000, 0x200);
		initrd = add(".initrd", 0x1400, 0);
		initrd->virtual_size = cases[i].virtual_size;
		initrd->raw_size = cases[i].raw_size;
		assert_case_equal(cases[i].name, parse(0), OK);
		assert_case_equal(cases[i].name, uki.parts[UKI_INITRD].size, cases[i].wanted);
	}
}

/* Names count to their eighth character or their terminator, and in lower case. */
static void test_names(void **state)
{
	static const struct {
		const char *name;
		enum uki_section section;
		bool found;
	} cases[] = {
		{ ".cmdline", UKI_CMDLINE, true }, { ".cmdlin", UKI_CMDLINE, false },
		{ "cmdline", UKI_CMDLINE, false }, { ".initrd", UKI_INITRD, true },
		{ ".initrds", UKI_INITRD, false }, { ".initrd1", UKI_INITRD, false },
		{ ".Initrd", UKI_INITRD, false },  { ".initr", UKI_INITRD, false },
		{ ".ucode", UKI_UCODE, true },     { ".ucodex", UKI_UCODE, false },
		{ ".dtb", UKI_DTB, true },         { ".dtbauto", UKI_DTB, false },
		{ ".sbat", UKI_SBAT, true },       { "/4", UKI_SBAT, false },
		{ "", UKI_SBAT, false },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		begin();
		add(".linux", 0x1000, 0x200);
		add(cases[i].name, 0x1400, 0x99);
		assert_case_equal(cases[i].name, parse(0), OK);
		assert_case_equal(cases[i].name, uki.parts[cases[i].section].size,
				  cases[i].found ? 0x99 : 0);
	}
}

/* Of several with one name the first counts, as in systemd-stub. */
static void test_duplicates(void **state)
{
	(void)state;
	whole();
	add(".linux", 0x600, 0x10);
	add(".initrd", 0x620, 0x10);
	add(".initrd", 0xffffff00, 0xffff);
	assert_int_equal(parse(0), OK);
	assert_part("first", UKI_LINUX, 0x1a00, 0x1234);
	assert_part("first", UKI_INITRD, 0x1400, 0x405);
	/* Also when the first is empty. */
	begin();
	add(".linux", 0x1000, 0x200);
	add(".cmdline", 0x600, 0);
	add(".cmdline", 0x800, 5);
	assert_int_equal(parse(0), OK);
	assert_int_equal(uki.parts[UKI_CMDLINE].size, 0);
}

static void three_profiles(void)
{
	begin();
	add(".cmdline", 0x800, 0x10);
	add(".initrd", 0xa00, 0x11);
	add(".linux", 0x1000, 0x200);
	add(".profile", 0x600, 0x20); /* 0 */
	add(".profile", 0x620, 0x20); /* 1: another command line, twice */
	add(".cmdline", 0x840, 0x22);
	add(".cmdline", 0x880, 0x23);
	add(".profile", 0x640, 0x20); /* 2: no initrd, another kernel, microcode */
	add(".initrd", 0, 0);
	add(".linux", 0x1400, 0x300);
	add(".ucode", 0x1800, 0x31);
}

static void test_profiles(void **state)
{
	static const struct {
		uint32_t profile;
		enum error wanted;
		struct uki_part kernel, initrd, ucode, cmdline;
	} cases[] = {
		{ 0, OK, { 0x1000, 0x200 }, { 0xa00, 0x11 }, { 0, 0 }, { 0x800, 0x10 } },
		{ 1, OK, { 0x1000, 0x200 }, { 0xa00, 0x11 }, { 0, 0 }, { 0x840, 0x22 } },
		{ 2, OK, { 0x1400, 0x300 }, { 0, 0 }, { 0x1800, 0x31 }, { 0x800, 0x10 } },
		{ 3, ERR_NOT_FOUND, { 0, 0 }, { 0, 0 }, { 0, 0 }, { 0, 0 } },
		{ UKI_NO_PROFILE, ERR_NOT_FOUND, { 0, 0 }, { 0, 0 }, { 0, 0 }, { 0, 0 } },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		char name[16];

		snprintf(name, sizeof(name), "%u", cases[i].profile);
		three_profiles();
		assert_case_equal(name, parse(cases[i].profile), cases[i].wanted);
		assert_case_equal(name, uki.profile_count, 3);
		if (cases[i].wanted != OK)
			continue;
		assert_part(name, UKI_LINUX, cases[i].kernel.offset, cases[i].kernel.size);
		assert_part(name, UKI_INITRD, cases[i].initrd.offset, cases[i].initrd.size);
		assert_part(name, UKI_UCODE, cases[i].ucode.offset, cases[i].ucode.size);
		assert_part(name, UKI_CMDLINE, cases[i].cmdline.offset, cases[i].cmdline.size);
	}
	/* Without profiles there is the default alone. */
	whole();
	assert_int_equal(parse(1), ERR_NOT_FOUND);
	assert_int_equal(uki.profile_count, 0);
	/* The kernel of one profile is not there in another. */
	begin();
	add(".profile", 0x600, 0x20);
	add(".profile", 0x620, 0x20);
	add(".linux", 0x1000, 0x200);
	assert_int_equal(parse(0), ERR_NO_KERNEL);
	assert_int_equal(parse(1), OK);
	/* A .profile section at the very end has nothing of its own. */
	whole();
	add(".profile", 0x600, 0x20);
	assert_int_equal(parse(0), OK);
	assert_int_equal(uki.profile_count, 1);
}

#define OPTIONAL  (PE_OFFSET + 24)
#define SECTION_N 40 /* bytes a section header */
/* Fields of section n of whole(). */
#define NAME(n)   (TABLE_OFFSET + (n)*SECTION_N)
#define VSIZE(n)  (NAME(n) + 8)
#define RSIZE(n)  (NAME(n) + 16)
#define OFFSET(n) (NAME(n) + 20)
enum { TEXT, RELOC, SBAT, OSREL, CMDLINE, DTB, UCODE, INITRD, LINUX };

/* One field of whole() is changed. */
static void test_malformed(void **state)
{
	static const struct {
		const char *name;
		uint32_t offset, bytes;
		uint32_t value;
		enum error wanted;
		uint32_t detail; /* what the message names: culprit, machine, magic or head_size */
	} cases[] = {
		{ "no MZ", 0, 2, 0x0000, ERR_MAGIC, 0 },
		{ "ZM", 0, 2, 0x4d5a, ERR_MAGIC, 0 },
		{ "M alone", 1, 1, 0, ERR_MAGIC, 0 },
		{ "zboot", 4, 4, 0x676d697a, ERR_ZBOOT, 0 },
		{ "PE header at 0", 0x3c, 4, 0, ERR_NOT_PE, 0 },
		{ "PE header in the DOS header", 0x3c, 4, 0x3f, ERR_NOT_PE, 0 },
		{ "PE header elsewhere", 0x3c, 4, 0x84, ERR_NOT_PE, 0 },
		{ "PE header among zeros", 0x3c, 4, 0x40, ERR_NOT_PE, 0 },
		{ "PE header cut by the end", 0x3c, 4, FILE_SIZE - 25, ERR_TRUNCATED,
		  FILE_SIZE + 1 },
		{ "PE header at the end", 0x3c, 4, FILE_SIZE, ERR_TRUNCATED, FILE_SIZE + 26 },
		{ "PE header at 2 GiB", 0x3c, 4, 0x80000000, ERR_TRUNCATED, 0x8000001a },
		{ "PE header up to 4 GiB", 0x3c, 4, 0xffffffe5, ERR_TRUNCATED, 0xffffffff },
		{ "PE\\0\\1", PE_OFFSET, 4, 0x01004550, ERR_NOT_PE, 0 },
		{ "NE", PE_OFFSET, 4, 0x0000454e, ERR_NOT_PE, 0 },
		{ "LE", PE_OFFSET, 4, 0x0000454c, ERR_NOT_PE, 0 },
		{ "no machine", PE_OFFSET + 4, 2, 0, ERR_MACHINE, 0 },
		{ "i386", PE_OFFSET + 4, 2, 0x014c, ERR_MACHINE, 0x14c },
		{ "ARM", PE_OFFSET + 4, 2, 0x01c0, ERR_MACHINE, 0x1c0 },
		{ "Thumb", PE_OFFSET + 4, 2, 0x01c2, ERR_MACHINE, 0x1c2 },
		{ "AArch64", PE_OFFSET + 4, 2, 0xaa64, ERR_MACHINE, 0xaa64 },
		{ "RISC-V", PE_OFFSET + 4, 2, 0x5064, ERR_MACHINE, 0x5064 },
		{ "LoongArch", PE_OFFSET + 4, 2, 0x6264, ERR_MACHINE, 0x6264 },
		{ "EFI byte code", PE_OFFSET + 4, 2, 0x0ebc, ERR_MACHINE, 0xebc },
		{ "no sections", PE_OFFSET + 6, 2, 0, ERR_NO_KERNEL, 0 },
		{ "the kernel is left out", PE_OFFSET + 6, 2, 8, ERR_NO_KERNEL, 0 },
		{ "most sections", PE_OFFSET + 6, 2, 0xffff, ERR_TRUNCATED,
		  TABLE_OFFSET + 0xffff * 40 },
		{ "table over a section", PE_OFFSET + 6, 2, 0xe0, ERR_OVERLAP, UKI_LINUX },
		{ "no optional header", PE_OFFSET + 20, 2, 0, ERR_VERSION, 0 },
		{ "optional header of 1", PE_OFFSET + 20, 2, 1, ERR_VERSION, 0 },
		{ "optional header of 2", PE_OFFSET + 20, 2, 2, ERR_NO_KERNEL, 0 },
		{ "short optional header", PE_OFFSET + 20, 2, OPTIONAL_SIZE - 1, ERR_NO_KERNEL, 0 },
		{ "long optional header", PE_OFFSET + 20, 2, 0xffff, ERR_TRUNCATED,
		  PE_OFFSET + 24 + 0xffff + 9 * 40 },
		{ "PE32", OPTIONAL, 2, 0x010b, ERR_VERSION, 0x10b },
		{ "ROM image", OPTIONAL, 2, 0x0107, ERR_VERSION, 0x107 },
		{ "no magic", OPTIONAL, 2, 0, ERR_VERSION, 0 },
		{ "kernel by another name", NAME(LINUX) + 1, 1, 'L', ERR_NO_KERNEL, 0 },
		{ "kernel with a longer name", NAME(LINUX) + 6, 1, 'x', ERR_NO_KERNEL, 0 },
		{ "kernel without bytes", RSIZE(LINUX), 4, 0, ERR_NO_KERNEL, 0 },
		{ "kernel without size", VSIZE(LINUX), 4, 0, ERR_NO_KERNEL, 0 },
		{ ".text by another name", NAME(TEXT), 4, 0x6e696c2e /* .lin */, OK, 0 },
		{ "kernel one too far", OFFSET(LINUX), 4, FILE_SIZE - 0x1233, ERR_RANGE,
		  UKI_LINUX },
		{ "kernel at the end", OFFSET(LINUX), 4, FILE_SIZE, ERR_RANGE, UKI_LINUX },
		{ "kernel far away", OFFSET(LINUX), 4, 0x7fffffff, ERR_RANGE, UKI_LINUX },
		{ "kernel wraps", OFFSET(LINUX), 4, 0xffffffff, ERR_RANGE, UKI_LINUX },
		{ "kernel wraps to 0", OFFSET(LINUX), 4, -0x1234u, ERR_RANGE, UKI_LINUX },
		{ "initrd far away", OFFSET(INITRD), 4, 0xfffff000, ERR_RANGE, UKI_INITRD },
		{ "microcode far away", OFFSET(UCODE), 4, FILE_SIZE, ERR_RANGE, UKI_UCODE },
		{ "command line far away", OFFSET(CMDLINE), 4, FILE_SIZE - 1, ERR_RANGE,
		  UKI_CMDLINE },
		{ "device tree far away", OFFSET(DTB), 4, 0x80001000, ERR_RANGE, UKI_DTB },
		{ "kernel in the headers", OFFSET(LINUX), 4, 0, ERR_OVERLAP, UKI_LINUX },
		{ "kernel in the table", OFFSET(LINUX), 4, TABLE_OFFSET + 359, ERR_OVERLAP,
		  UKI_LINUX },
		{ "initrd in the headers", OFFSET(INITRD), 4, 0x40, ERR_OVERLAP, UKI_INITRD },
		{ "initrd in the kernel", OFFSET(INITRD), 4, 0x1a00, ERR_OVERLAP, UKI_INITRD },
		{ "initrd into the kernel", OFFSET(INITRD), 4, 0x15fc, ERR_OVERLAP, UKI_INITRD },
		{ "initrd up to the kernel", OFFSET(INITRD), 4, 0x15fb, OK, 0 },
		{ "initrd after the kernel", OFFSET(INITRD), 4, 0x2c34, OK, 0 },
		{ "initrd on the kernel's end", OFFSET(INITRD), 4, 0x2c33, ERR_OVERLAP,
		  UKI_INITRD },
		{ "microcode in the initrd", OFFSET(UCODE), 4, 0x1500, ERR_OVERLAP, UKI_UCODE },
		{ "command line in the device tree", OFFSET(CMDLINE), 4, 0x1010, ERR_OVERLAP,
		  UKI_DTB },
		/* What a boot does not use may be anything. */
		{ ".text far away", OFFSET(TEXT), 4, 0xffffffff, OK, 0 },
		{ ".text in the kernel", OFFSET(TEXT), 4, 0x1a00, OK, 0 },
		{ ".sbat far away", OFFSET(SBAT), 4, 0xffffffff, OK, 0 },
		{ ".osrel in the headers", OFFSET(OSREL), 4, 0, OK, 0 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		const char *name = cases[i].name;

		whole();
		memcpy(file + cases[i].offset, &cases[i].value, cases[i].bytes);
		assert_case_equal(name, parse(0), cases[i].wanted);
		switch (cases[i].wanted) {
		case ERR_TRUNCATED:
			assert_case_equal(name, uki.head_size, cases[i].detail);
			break;
		case ERR_MACHINE:
			assert_case_equal(name, uki.machine, cases[i].detail);
			break;
		case ERR_VERSION:
			assert_case_equal(name, uki.optional, cases[i].detail);
			break;
		default:
			assert_case_equal(name, uki.culprit, cases[i].detail);
		}
	}
}

/* Each truncation is refused, and says how many bytes are needed to go on. */
static void test_truncations(void **state)
{
	static const uint32_t steps[] = { 0x40, PE_OFFSET + 26, TABLE_OFFSET + 9 * 40 };

	(void)state;
	whole();
	for (uint32_t size = 0; size < FILE_SIZE; size++) {
		uint8_t *copy = unit_copy(file, size);
		enum error error = uki_parse(&uki, copy, size, size, 0);

		if (size < 2)
			assert_int_equal(error, ERR_MAGIC);
		else if (size < steps[2]) {
			uint32_t step = size < steps[0] ? 0 : size < steps[1] ? 1 : 2;

			assert_int_equal(error, ERR_TRUNCATED);
			assert_int_equal(uki.head_size, steps[step]);
		} else if (size < 0x1a00 + 0x1234) {
			assert_int_equal(error, ERR_RANGE);
			assert_int_equal(uki.culprit, UKI_LINUX);
		} else
			assert_int_equal(error, OK);
		/* With the whole file behind it the head alone is enough. */
		error = uki_parse(&uki, copy, size, FILE_SIZE, 0);
		assert_int_equal(error, size < 2        ? ERR_MAGIC :
					size < steps[2] ? ERR_TRUNCATED :
							  OK);
		free(copy);
	}
}

/* As many sections as the field can say; the kernel is the last. */
static void test_most_sections(void **state)
{
	uint32_t head = TABLE_OFFSET + 0xffff * 40;
	uint8_t *large = calloc(1, head);
	struct pe_section *last = (void *)(large + head - 40);

	(void)state;
	begin();
	pe_header(file)->section_count = 0xffff;
	memcpy(large, file, TABLE_OFFSET);
	memcpy(last->name, ".linux", 6);
	last->virtual_size = last->raw_size = 0x1000;
	last->raw_offset = head;
	assert_int_equal(uki_parse(&uki, large, head, head + 0x1000, 0), OK);
	assert_int_equal(uki.parts[UKI_LINUX].offset, head);
	assert_int_equal(uki_parse(&uki, large, head - 1, head + 0x1000, 0), ERR_TRUNCATED);
	assert_int_equal(uki.head_size, head);
	/* Profiles, all but one. */
	for (uint32_t i = 0; i < 0xfffe; i++)
		memcpy(large + TABLE_OFFSET + i * 40, ".profile", 8);
	assert_int_equal(uki_parse(&uki, large, head, head + 0x1000, 0xfffd), OK);
	assert_int_equal(uki_parse(&uki, large, head, head + 0x1000, 0xfffe), ERR_NOT_FOUND);
	assert_int_equal(uki.profile_count, 0xfffe);
	free(large);
}

/* Without a kernel, what it is can be told by .sbat, where that is in the file. */
static void test_no_kernel(void **state)
{
	(void)state;
	begin();
	add(".sbat", 0x600, 0x80);
	add(".cmdline", 0x800, 0x10);
	assert_int_equal(parse(0), ERR_NO_KERNEL);
	assert_part("add-on", UKI_SBAT, 0x600, 0x80);
	assert_part("add-on", UKI_CMDLINE, 0x800, 0x10);
	pe_section(file, 0)->raw_offset = FILE_SIZE - 0x7f;
	assert_int_equal(parse(0), ERR_NO_KERNEL);
	assert_int_equal(uki.parts[UKI_SBAT].size, 0);
}

static void test_sbat(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{ "sbat,1,SBAT Version,sbat,1,url\nshim,4,UEFI shim,shim,1,url\n", "shim" },
		{ "sbat,1\ngrub,5,Free Software Foundation,grub,2.06,url\n", "grub" },
		{ "sbat,1\nsystemd-addon,1,", "systemd-addon" },
		{ "sbat,1\na-name-that-is-far-too-long,1", "a-name-that-is-" },
		{ "sbat,1\nlast", "last" },
		{ "sbat,1\n\nthird,1", "" },
		{ "sbat,1\n,1", "" },
		{ "sbat,1\nline\nbreak", "line" },
		{ "sbat,1\n\x1b[2Jx,1", "" },
		{ "sbat,1\nx\xff,1", "x" },
		{ "sbat,1\n", "" },
		{ "sbat,1", "" },
		{ "", "" },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		uint32_t size = (uint32_t)strlen(cases[i].text);
		char *copy = (char *)unit_copy(cases[i].text, size);
		char name[16];

		uki_sbat_component(name, sizeof(name), copy, size);
		assert_string_equal(name, cases[i].wanted);
		free(copy);
	}
}

static void test_cmdline_profile(void **state)
{
	static const struct {
		const char *text;
		uint32_t profile, skip;
	} cases[] = {
		{ "@0", 0, 2 },
		{ "@1 quiet", 1, 3 },
		{ "@1  quiet", 1, 3 },
		{ "@12", 12, 3 },
		{ "@4294967294 x", 4294967294u, 12 },
		{ "@4294967295 x", UKI_NO_PROFILE, 0 },
		{ "@99999999999999999999 x", UKI_NO_PROFILE, 0 },
		{ "@1x", UKI_NO_PROFILE, 0 },
		{ "@-1", UKI_NO_PROFILE, 0 },
		{ "@ 1", UKI_NO_PROFILE, 0 },
		{ "@", UKI_NO_PROFILE, 0 },
		{ " @1", UKI_NO_PROFILE, 0 },
		{ "1", UKI_NO_PROFILE, 0 },
		{ "", UKI_NO_PROFILE, 0 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		/* With and without the terminator among the bytes. */
		for (uint32_t more = 0; more < 2; more++) {
			uint32_t size = (uint32_t)strlen(cases[i].text) + more, skip;
			char *copy = (char *)unit_copy(cases[i].text, size);

			assert_case_equal(cases[i].text, uki_cmdline_profile(copy, size, &skip),
					  cases[i].profile);
			assert_case_equal(cases[i].text, skip, cases[i].skip);
			free(copy);
		}
	}
}

static void test_trim(void **state)
{
	static const struct {
		const char *text;
		uint32_t size;
		const char *wanted;
	} cases[] = {
		{ "root=/dev/vda1", 14, "root=/dev/vda1" },
		{ "a b\n", 4, "a b" },
		{ "  a  b \t\r\n", 10, "a  b" },
		{ "a\nb", 3, "a b" },
		{ "a\x01\x1f\x7f", 4, "a  \x7f" },
		{ "a\0b", 3, "a" },
		{ "\0b", 2, "" },
		{ " \n ", 3, "" },
		{ "caf\xc3\xa9 \n", 7, "caf\xc3\xa9" },
		{ "", 0, "" },
		{ "abc", 2, "ab" },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		char *copy = (char *)unit_copy(cases[i].text, cases[i].size);
		uint32_t length = uki_trim(copy, cases[i].size);

		assert_case_equal(cases[i].text, length, strlen(cases[i].wanted));
		assert_memory_equal(copy, cases[i].wanted, length);
		free(copy);
	}
}

static void test_oem_string(void **state)
{
#define HEAD "\x0b\x05\x00\x0e\x03"
	static const struct {
		const char *name, *bytes;
		uint32_t size;
		const char *wanted;
	} cases[] = {
		{ "first", HEAD "p=one\0q=two\0", 18, "one" },
		{ "later", HEAD "x\0yy\0p=three\0", 19, "three" },
		{ "first of two", HEAD "p=1\0p=2\0", 14, "1" },
		{ "empty value", HEAD "p=\0", 9, "" },
		{ "shorter than the prefix", HEAD "p\0", 8, NULL },
		{ "none", HEAD "\0", 7, NULL },
		{ "beyond the end of strings", HEAD "x\0\0p=1\0", 12, NULL },
		{ "not terminated", HEAD "p=1", 8, NULL },
		{ "longer than the structure", "\x0b\xff\x00\x0e\x03p=1\0", 10, NULL },
		{ "cut in the header", HEAD, 3, NULL },
		{ "nothing", HEAD, 0, NULL },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		uint8_t *copy = unit_copy(cases[i].bytes, cases[i].size);
		const char *found = uki_oem_string(copy, cases[i].size, "p=");

		assert_case(cases[i].name, !found == !cases[i].wanted);
		if (found)
			assert_string_equal(found, cases[i].wanted);
		free(copy);
	}
}

static void test_phrases(void **state)
{
	static const struct {
		uint16_t machine;
		const char *wanted;
	} cases[] = {
		{ 0x014c, "32-bit x86" },      { 0x8664, "x86-64" },
		{ 0x01c0, "32-bit ARM" },      { 0x01c2, "32-bit ARM" },
		{ 0xaa64, "AArch64" },         { 0x5064, "RISC-V" },
		{ 0x6264, "LoongArch" },       { 0x0ebc, "EFI byte code" },
		{ 0, "an unknown processor" },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(uki_machine_name(cases[i].machine), cases[i].wanted);
	assert_string_equal(uki_section_name(UKI_CMDLINE), ".cmdline");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_whole),           UNIT_TEST(test_sizes),
		UNIT_TEST(test_names),           UNIT_TEST(test_duplicates),
		UNIT_TEST(test_profiles),        UNIT_TEST(test_malformed),
		UNIT_TEST(test_truncations),     UNIT_TEST(test_most_sections),
		UNIT_TEST(test_no_kernel),       UNIT_TEST(test_sbat),
		UNIT_TEST(test_cmdline_profile), UNIT_TEST(test_trim),
		UNIT_TEST(test_oem_string),      UNIT_TEST(test_phrases),
	};

	return cmocka_run_group_tests_name("uki", tests, NULL, NULL);
}
