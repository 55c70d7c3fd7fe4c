/*
 * kernel.c - the image itself, and for Linux its setup header and the memory it may overwrite.
 *
 * Like the decompressor, a bzImage here runs at its preferred address, or above it where it was
 * loaded, and owns init_size bytes from there.  It fills them with garbage before anything that was
 * handed over is looked at.
 */
#include "guest.h"

/* Linux Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header" */
/* clang-format off */
#define HDR_BASE                0x1f1
#define HDR_JUMP                0x200
#define HDR_VERSION             0x206
#define HDR_TYPE_OF_LOADER      0x210
#define HDR_LOADFLAGS           0x211
  #define LOADED_HIGH             1
#define HDR_CODE32_START        0x214
#define HDR_RAMDISK_SIZE        0x21c
#define HDR_HEAP_END_PTR        0x224
#define HDR_CMD_LINE_PTR        0x228
#define HDR_KERNEL_ALIGNMENT    0x230
#define HDR_RELOCATABLE         0x234
#define HDR_SUBARCH          0x23c
#define HDR_SUBARCH_DATA     0x240
#define HDR_SETUP_DATA          0x250
#define HDR_PREF_ADDRESS        0x258
#define HDR_INIT_SIZE           0x260

#define LOAD_ADDRESS            0x100000u       /* of a bzImage that says nothing else */
/* clang-format on */

/* Fields of boot_params outside the header that a loader fills. */
static const struct {
	uint16_t base, end;
} loader_fields[] = {
	{ 0x070, 0x078 }, /* acpi_rsdp_addr */
	{ 0x0c0, 0x0cc }, /* ext_ramdisk_image, ext_ramdisk_size, ext_cmd_line_ptr */
	{ 0x1e4, 0x1e9 }, /* scratch: our stack at the entry; e820_entries */
	{ 0x2d0, 0xcd0 }, /* e820_table */
};

/* Fields of the header that a loader changes. */
static const struct {
	uint16_t base, end;
} changed_fields[] = {
	{ HDR_TYPE_OF_LOADER, HDR_LOADFLAGS + 1 },  { HDR_CODE32_START, HDR_RAMDISK_SIZE + 4 },
	{ HDR_HEAP_END_PTR, HDR_CMD_LINE_PTR + 4 }, { HDR_SUBARCH, HDR_SUBARCH_DATA + 8 },
	{ HDR_SETUP_DATA, HDR_SETUP_DATA + 8 },
};

static uint32_t header_end;

/* The setup header as QEMU holds it, zero where this version of the protocol has no field. */
static const uint8_t *read_setup(void)
{
	static uint8_t setup[4 * KIB];

	if (!header_end) {
		fw_cfg_select(FW_CFG_SETUP_DATA);
		fw_cfg_read(setup, sizeof(setup));
		header_end = HDR_JUMP + 2u + setup[HDR_JUMP + 1];
		memset(setup + header_end, 0, sizeof(setup) - header_end);
	}
	return setup;
}

uint64_t kernel_runtime_base(void)
{
	const uint8_t *setup = read_setup();
	uint64_t base = paddr_of(image_start);
	uint64_t preferred = get64(setup + HDR_PREF_ADDRESS);
	uint32_t alignment = get32(setup + HDR_KERNEL_ALIGNMENT);

	if (!get32(setup + HDR_INIT_SIZE)) /* protocol < 2.10 does not tell */
		return base;
	if (!setup[HDR_RELOCATABLE])
		return preferred;
	base = (base + alignment - 1) & ~(uint64_t)(alignment - 1);
	return base < preferred ? preferred : base;
}

uint64_t kernel_runtime_end(void)
{
	return kernel_runtime_base() + get32(read_setup() + HDR_INIT_SIZE);
}

static void check_header(void)
{
	const uint8_t *bp = handoff.boot_params, *setup = read_setup();
	uint32_t address = paddr_of(image_start);
	uint32_t alignment = get32(setup + HDR_KERNEL_ALIGNMENT);
	uint32_t i, f, differing = 0, first = 0;

	for (i = 0; i < 4 * KIB; i++) {
		bool ours = false;

		for (f = 0; f < sizeof(loader_fields) / sizeof(loader_fields[0]); f++)
			ours |= i >= loader_fields[f].base && i < loader_fields[f].end;
		for (f = 0; f < sizeof(changed_fields) / sizeof(changed_fields[0]); f++)
			ours |= i >= changed_fields[f].base && i < changed_fields[f].end;
		if (ours || bp[i] == (i >= HDR_BASE && i < header_end ? setup[i] : 0))
			continue;
		if (!differing++)
			first = i;
	}
	check_equal("boot_params.subarch", 0, get32(bp + HDR_SUBARCH));
	check(!differing, "boot_params", "the kernel's header, zero elsewhere",
	      "%u bytes differ, first at %x", differing, first);
	check(bp[HDR_TYPE_OF_LOADER], "boot_params.type_of_loader", "non-zero", "%x",
	      (uint32_t)bp[HDR_TYPE_OF_LOADER]);
	check_equal("boot_params.loaded_high", LOADED_HIGH, bp[HDR_LOADFLAGS] & LOADED_HIGH);
	check_equal("boot_params.code32_start", address, get32(bp + HDR_CODE32_START));
	check(address == LOAD_ADDRESS || (setup[HDR_RELOCATABLE] && address % alignment == 0),
	      "kernel.address", setup[HDR_RELOCATABLE] ? "0x100000 or aligned" : "0x100000", "%x",
	      address);
}

/* The same garbage that a decompressor leaves, in all of init_size but this image. */
static void overwrite(uint64_t base, uint64_t end)
{
	uint64_t from = paddr_of(image_start), to = paddr_of(image_end);

	if (to <= base || from >= end) {
		memset(at((uint32_t)base), 0xcc, (uint32_t)(end - base));
		return;
	}
	if (base < from)
		memset(at((uint32_t)base), 0xcc, (uint32_t)(from - base));
	if (to < end)
		memset(at((uint32_t)to), 0xcc, (uint32_t)(end - to));
}

void check_kernel(void)
{
	uint64_t base, end;

	occupies(KERNEL, "kernel", paddr_of(image_start),
		 paddr_of(image_end) - paddr_of(image_start));
	if (!handoff.boot_params)
		return;
	check_header();
	base = kernel_runtime_base();
	end = kernel_runtime_end();
	occupies(KERNEL, "init_size", base, end - base);
	if (base < end && map_type(base, end - base) == MAP_RAM)
		overwrite(base, end);
}
