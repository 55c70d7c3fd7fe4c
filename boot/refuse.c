/*
 * refuse.c - see refuse.h.
 */
#include "refuse.h"

#include <stdbool.h>
#include <stddef.h>

#include "string.h"

#define TEXT_SIZE    64 /* so many printable characters are a text */
#define UNPACK       "; this firmware starts kernels as they are, unpack it first: "
#define NO_DISKS     "; this firmware boots no disks, give it the kernel that is on it"
#define OTHER_SYSTEM "; give it to "

/* In this order, since any file may end like a boot sector.  A PE file's "MZ" is none of these. */
static const struct {
	uint16_t offset;
	uint8_t size;
	char bytes[8];
	const char *phrase;
} signatures[] = {
	{ 0, 2, "\x1f\x8b", "is compressed by gzip" UNPACK "gunzip" },
	{ 0, 6, "\3757zXZ", "is compressed by xz" UNPACK "unxz" },
	{ 0, 4, "\x28\xb5\x2f\xfd", "is compressed by zstd" UNPACK "unzstd" },
	{ 0, 3, "BZh", "is compressed by bzip2" UNPACK "bunzip2" },
	{ 0, 4, "\x04\x22\x4d\x18", "is compressed by lz4" UNPACK "unlz4" },
	{ 0, 4, "\x02\x21\x4c\x18", "is compressed by lz4" UNPACK "unlz4" },
	{ 0, 5, "07070", "is a cpio archive; if it is an initrd, give it with -initrd" },
	{ 0, 4, "QFI\xfb", "is a disk image (qcow2)" NO_DISKS },
	{ 0x38, 4, "ARM\x64", "is a Linux for 64-bit ARM" OTHER_SYSTEM "qemu-system-aarch64" },
	{ 0x38, 4, "RSC\x05", "is a Linux for RISC-V" OTHER_SYSTEM "qemu-system-riscv64" },
	{ 0, 4, "\177ELF",
	  "is an ELF file, which machine types up to 3.1 do not start; "
	  "use a newer one, or a bzImage" },
	{ 0x200, 8, "EFI PART", "is a disk image (GPT)" NO_DISKS },
	{ 0x1fe, 2, "\x55\xaa", "is a disk image or a boot sector" NO_DISKS },
};

static bool is_text(const uint8_t *head)
{
	for (uint32_t i = 0; i < TEXT_SIZE; i++)
		if ((head[i] < ' ' || head[i] > '~') && (head[i] < '\t' || head[i] > '\r'))
			return false;
	return true;
}

const char *refuse_phrase(const uint8_t *head)
{
	for (uint32_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++)
		if (memcmp(head + signatures[i].offset, signatures[i].bytes, signatures[i].size) ==
		    0)
			return signatures[i].phrase;
	if (is_text(head))
		return "is a text; a kernel is often called vmlinuz or vmlinux";
	return NULL;
}
