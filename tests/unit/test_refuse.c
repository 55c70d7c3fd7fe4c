/*
 * test_refuse.c - boot/refuse.c: what is no kernel is called by its name, and the rest is not.
 */
#include "unit.h"

#include "refuse.h"

static uint8_t head[REFUSE_HEAD_SIZE];

static void put(uint32_t offset, const void *bytes, uint32_t size)
{
	memset(head, 0x90, sizeof(head));
	memcpy(head + offset, bytes, size);
}

static const struct {
	const char *name;
	uint32_t offset;
	const char *bytes;
	uint32_t size;
	const char *words; /* NULL: not recognized */
} cases[] = {
	{ "gzip", 0, "\x1f\x8b\x08", 3, "gunzip" },
	{ "xz", 0,
	  "\xfd"
	  "7zXZ\0",
	  6, "unxz" },
	{ "xz without its zero", 0,
	  "\xfd"
	  "7zXZz",
	  6, NULL },
	{ "zstd", 0, "\x28\xb5\x2f\xfd", 4, "unzstd" },
	{ "bzip2", 0, "BZh9", 4, "bunzip2" },
	{ "lz4", 0, "\x04\x22\x4d\x18", 4, "unlz4" },
	{ "lz4 as Linux uses it", 0, "\x02\x21\x4c\x18", 4, "unlz4" },
	{ "cpio", 0, "070701", 6, "-initrd" },
	{ "qcow2", 0, "QFI\xfb", 4, "boots no disks" },
	{ "arm64", 0x38, "ARM\x64", 4, "qemu-system-aarch64" },
	{ "arm64 with an EFI stub", 0x38, "ARM\x64", 4, "64-bit ARM" },
	{ "riscv", 0x38, "RSC\x05", 4, "RISC-V" },
	{ "ELF", 0,
	  "\x7f"
	  "ELF\2\1\1",
	  7, "3.1" },
	{ "GPT", 0x200, "EFI PART", 8, "GPT" },
	{ "boot sector", 0x1fe, "\x55\xaa", 2, "boot sector" },
	{ "boot sector cut", 0x1ff, "\x55\xaa", 2, NULL },
	{ "nothing known", 0, "\x90", 1, NULL },
};

static void test_signatures(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *phrase;

		put(cases[i].offset, cases[i].bytes, cases[i].size);
		phrase = refuse_phrase(head);
		if (!cases[i].words ? phrase != NULL : !phrase || !strstr(phrase, cases[i].words))
			fail_msg("%s: %s", cases[i].name, phrase ? phrase : "not recognized");
	}
}

static void test_text(void **state)
{
	(void)state;
	memset(head, 0x90, sizeof(head));
	memset(head, 'a', 64);
	assert_non_null(strstr(refuse_phrase(head), "text"));
	memcpy(head, "#!/bin/sh\r\n\t~", 13);
	head[20] = ' ';
	assert_non_null(strstr(refuse_phrase(head), "text"));
	head[63] = 0x7f;
	assert_null(refuse_phrase(head));
	head[63] = 0;
	assert_null(refuse_phrase(head));
}

static void test_edges(void **state)
{
	(void)state;
	memset(head, 0, sizeof(head));
	assert_null(refuse_phrase(head));
	memset(head, 0xff, sizeof(head));
	assert_null(refuse_phrase(head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
