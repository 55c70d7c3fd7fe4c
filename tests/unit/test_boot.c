/*
 * test_boot.c - boot/boot.c: from QEMU's items to the registers and memory a kernel starts with.
 */
#include "unit.h"

#include "boot.h"
#include "layout.h"
#include "spec/multiboot.h"
#include "spec/pvh.h"

#define RAM_END (32 * MIB)

static struct machine guest;
static struct memmap map;
static struct boot_image image;
static const struct boot_facts facts = { .rsdp_paddr = 0xe0010 };
static const struct cpu cpu32 = { .phys_bits = 32 };
static const struct cpu cpu64 = { .leaf81_edx = CPUID_81_EDX_LM, .phys_bits = 40 };
static const struct cpu cpu64_1g = { .leaf81_edx = CPUID_81_EDX_LM | CPUID_81_EDX_PDPE1GB,
				     .phys_bits = 40 };

static uint8_t header[0x400];
static uint8_t kernel[0x8000];

static struct linux_setup_header *setup(void)
{
	return (void *)(header + LINUX_HEADER_OFFSET);
}

static void give_bzimage(uint32_t initrd_size)
{
	memset(header, 0, sizeof(header));
	header[0] = 'M';
	*setup() = unit_setup_header;
	setup()->syssize = sizeof(kernel) / 16;
	setup()->ramdisk_size = initrd_size;
	for (uint32_t i = 0; i < sizeof(kernel); i++)
		kernel[i] = (uint8_t)(i * 13);
	fake_fw_cfg_item(FW_CFG_KEY_KERNEL_DATA, kernel, sizeof(kernel));
	fake_fw_cfg_u32(FW_CFG_KEY_KERNEL_SIZE, sizeof(kernel));
	fake_fw_cfg_item(FW_CFG_KEY_SETUP_DATA, header, sizeof(header));
	fake_fw_cfg_u32(FW_CFG_KEY_SETUP_SIZE, sizeof(header));
	fake_fw_cfg_item(FW_CFG_KEY_CMDLINE_DATA, "console=ttyS0", 14);
	fake_fw_cfg_u32(FW_CFG_KEY_CMDLINE_SIZE, 14);
	fake_fw_cfg_item(FW_CFG_KEY_INITRD_DATA, initrd_size <= sizeof(kernel) ? kernel : NULL,
			 initrd_size);
	fake_fw_cfg_u32(FW_CFG_KEY_INITRD_SIZE, initrd_size);
}

static void give_elf(uint32_t paddr, uint32_t size)
{
	fake_fw_cfg_u32(FW_CFG_KEY_KERNEL_ENTRY, paddr + 0x20);
	fake_fw_cfg_u32(FW_CFG_KEY_KERNEL_ADDR, paddr);
	fake_fw_cfg_u32(FW_CFG_KEY_KERNEL_SIZE, size);
	fake_fw_cfg_item(FW_CFG_KEY_KERNEL_DATA, kernel, sizeof(kernel));
	fake_fw_cfg_u32(FW_CFG_KEY_SETUP_SIZE, 0x1000);
	fake_fw_cfg_item(FW_CFG_KEY_CMDLINE_DATA, "quiet", 6);
	fake_fw_cfg_u32(FW_CFG_KEY_CMDLINE_SIZE, 6);
}

static void machine(void)
{
	unit_machine(&guest.cfg, &map, RAM_END);
	fake_forget();
}

/* From boot_probe() to the kernel. */
static void run(const struct cpu *cpu)
{
	memset(&image, 0xa5, sizeof(image)); /* nothing of it is clear */
	guest.cpu = *cpu;
	boot_probe(&image, &guest, &map);
	boot(&image, &guest, &map, &facts);
}

/* ---- Linux ---- */

static const struct linux_boot_params *params(void)
{
	return phys_ptr(fake.handoff.esi);
}

static void check_e820(const struct e820_entry *entries, uint32_t count)
{
	uint64_t ram = 0;

	assert_true(count > 0);
	for (uint32_t i = 0; i < count; i++) {
		assert_true(entries[i].size);
		if (i)
			assert_true(entries[i - 1].base + entries[i - 1].size <= entries[i].base);
		if (entries[i].type == MEMORY_RAM)
			ram += entries[i].size;
	}
	assert_true(ram <= RAM_END - 0x60000);
}

static void test_linux(void **state)
{
	static const struct {
		const char *name;
		const struct cpu *cpu;
		bool long_mode;
		uint32_t exits;
	} cases[] = {
		{ "32-bit processor", &cpu32, false, 7 },
		{ "64 bits, 2 MiB pages", &cpu64, true, 7 },
		{ "64 bits, 1 GiB pages", &cpu64_1g, true, 7 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		const char *name = cases[i].name;
		uint64_t initrd;

		fake_reset();
		machine();
		give_bzimage(0x2345);
		setup()->xloadflags = cases[i].long_mode;
		fake_fw_cfg_item(FW_CFG_KEY_SETUP_DATA, header, sizeof(header));
		assert_case_equal(name, fake_run(run(cases[i].cpu)), FAKE_HANDOFF);
		assert_case_equal(name, fake_exits(), cases[i].exits);
		assert_case_equal(name, fake.handoff.long_mode, cases[i].long_mode);
		assert_case_equal(name, fake.handoff.entry,
				  0x1000000 + (cases[i].long_mode ? 0x200 : 0));
		assert_memory_equal(phys_ptr(0x1000000), kernel, sizeof(kernel));
		assert_string_equal(phys_ptr(params()->header.cmd_line_ptr), "console=ttyS0");
		initrd = params()->header.ramdisk_image;
		assert_case_equal(name, params()->header.ramdisk_size, 0x2345);
		assert_memory_equal(phys_ptr((uint32_t)initrd), kernel, 0x2345);
		assert_case_equal(name, params()->acpi_rsdp_addr, 0xe0010);
		check_e820(params()->e820_table, params()->e820_entries);
		assert_string_equal(fake.console, "");
		if (!cases[i].long_mode)
			continue;
		/* CR3: the first entry maps the kernel and the stack to themselves. */
		assert_case(name, fake.handoff.cr3 && fake.handoff.cr3 % 0x1000 == 0);
		assert_case_equal(name, ((const uint64_t *)phys_ptr(fake.handoff.cr3))[0] & 3, 3);
	}
}

/* Old kernels read ACPI tables before they have page tables of their own. */
static void test_page_tables_reach_the_acpi_tables(void **state)
{
	const uint64_t *pml4, *pdpt;

	(void)state;
	machine();
	memmap_set(&map, GIB - MIB, GIB + MIB, MEMORY_KEPT);
	give_bzimage(0);
	assert_int_equal(fake_run(run(&cpu64)), FAKE_HANDOFF);
	pml4 = phys_ptr(fake.handoff.cr3);
	pdpt = phys_ptr((uint32_t)pml4[0] & ~0xfffu);
	assert_int_equal(pdpt[0] & 1, 1);
	assert_int_equal(pdpt[1] & 1, 1);
	assert_int_equal(pdpt[2] & 1, 0);
}

/* The command line at every length around the one guessed; the terminator is always there. */
static void test_command_lines(void **state)
{
	static const uint32_t lengths[] = { 0, 1, 2047, 2048, 4094, 4095, 4096, 4097, 20000 };

	(void)state;
	for (uint32_t i = 0; i < COUNT(lengths); i++) {
		char *text = calloc(1, lengths[i] + 1);

		memset(text, 'a', lengths[i]);
		fake_reset();
		machine();
		give_bzimage(0);
		fake_fw_cfg_item(FW_CFG_KEY_CMDLINE_DATA, text, lengths[i] + 1);
		fake_fw_cfg_u32(FW_CFG_KEY_CMDLINE_SIZE, lengths[i] + 1);
		assert_int_equal(fake_run(run(&cpu64)), FAKE_HANDOFF);
		assert_string_equal(phys_ptr(params()->header.cmd_line_ptr), text);
		if (lengths[i] > 2047)
			assert_says(fake.console, "boot: the kernel cuts the command line of ");
		else
			assert_string_equal(fake.console, "");
		assert_int_equal(params()->header.ramdisk_size, 0);
		free(text);
	}
}

/* More ranges than boot_params holds: the rest goes into a setup_data node. */
static void test_map_longer_than_boot_params(void **state)
{
	static const uint32_t counts[] = { 60, 122, 123, 124, 125, 126, 130, 180 };

	(void)state;
	for (uint32_t i = 0; i < COUNT(counts); i++) {
		static struct e820_entry wanted[MEMMAP_MAX_ENTRIES];
		const struct linux_setup_data *node;
		uint32_t count, more;

		fake_reset();
		machine();
		for (uint32_t j = 0; j < counts[i]; j++)
			memmap_set(&map, (4 + 2 * j) * GIB, (5 + 2 * j) * GIB, MEMORY_RAM);
		give_bzimage(0x2000);
		assert_int_equal(fake_run(run(&cpu64)), FAKE_HANDOFF);
		count = memmap_build_e820(&map, wanted, sizeof(wanted[0]), COUNT(wanted));
		more = count > 128 ? count - 128 : 0;
		assert_int_equal(params()->e820_entries, count - more);
		assert_memory_equal(params()->e820_table, wanted, (count - more) * 20);
		if (!more) {
			assert_int_equal(params()->header.setup_data, 0);
			continue;
		}
		node = phys_ptr((uint32_t)params()->header.setup_data);
		assert_int_equal(node->next, 0);
		assert_int_equal(node->type, LINUX_SETUP_E820_EXT);
		assert_int_equal(node->size, more * 20);
		assert_memory_equal(node + 1, wanted + 128, more * 20);
	}
}

/* QEMU appends nodes to the kernel and says where, as if it were loaded at 1 MiB. */
static void test_setup_data(void **state)
{
	struct linux_setup_data node = { 0x100000 + 0x6000, LINUX_SETUP_RNG_SEED, 32 };
	const struct linux_setup_data *first, *second;

	(void)state;
	machine();
	give_bzimage(0);
	memcpy(kernel + 0x7fd0, &node, sizeof(node));
	node = (struct linux_setup_data){ 0, LINUX_SETUP_DTB, 0x100 };
	memcpy(kernel + 0x6000, &node, sizeof(node));
	fake_fw_cfg_item(FW_CFG_KEY_KERNEL_DATA, kernel, sizeof(kernel));
	setup()->setup_data = 0x107fd0;
	fake_fw_cfg_item(FW_CFG_KEY_SETUP_DATA, header, sizeof(header));
	assert_int_equal(fake_run(run(&cpu64)), FAKE_HANDOFF);
	first = phys_ptr((uint32_t)params()->header.setup_data);
	second = phys_ptr((uint32_t)first->next);
	assert_int_equal(first->type, LINUX_SETUP_RNG_SEED);
	assert_memory_equal(first + 1, kernel + 0x7fe0, 32);
	assert_int_equal(second->type, LINUX_SETUP_DTB);
	assert_int_equal(second->next, 0);
	assert_memory_equal(second + 1, kernel + 0x6010, 0x100);

	/* A chain that loops. */
	fake_reset();
	machine();
	give_bzimage(0);
	node = (struct linux_setup_data){ 0x107fe0, LINUX_SETUP_DTB, 16 };
	memcpy(kernel + 0x7fe0, &node, sizeof(node));
	fake_fw_cfg_item(FW_CFG_KEY_KERNEL_DATA, kernel, sizeof(kernel));
	setup()->setup_data = 0x107fe0;
	fake_fw_cfg_item(FW_CFG_KEY_SETUP_DATA, header, sizeof(header));
	assert_panics(
		"boot: setup_data node 16 at 0x107fe0 has a linked list that loops or leaves its "
		"file; start QEMU without -dtb, or with another kernel file",
		run(&cpu64));
}

static void test_initrd_places(void **state)
{
	(void)state;
	/* Below what the kernel says, though there is room above. */
	machine();
	give_bzimage(0x2000);
	setup()->initrd_addr_max = 0x17fffff;
	fake_fw_cfg_item(FW_CFG_KEY_SETUP_DATA, header, sizeof(header));
	assert_int_equal(fake_run(run(&cpu64)), FAKE_HANDOFF);
	assert_int_equal(params()->header.ramdisk_image, 0x17fe000);

	/* Above 4 GiB when the kernel takes it there. */
	fake_reset();
	machine();
	fake_ram_add(4 * GIB, 0x10000);
	memmap_set(&map, 4 * GIB, 4 * GIB + 0x10000, MEMORY_RAM);
	give_bzimage(0x2000);
	setup()->xloadflags = 3;
	fake_fw_cfg_item(FW_CFG_KEY_SETUP_DATA, header, sizeof(header));
	assert_int_equal(fake_run(run(&cpu64)), FAKE_HANDOFF);
	assert_int_equal(params()->ext_ramdisk_image, 1);
	assert_int_equal(params()->header.ramdisk_image, 0xe000);

	/* But not without DMA, which alone gets there. */
	fake_reset();
	machine();
	guest.cfg.dma = false;
	memmap_set(&map, 4 * GIB, 4 * GIB + 0x10000, MEMORY_RAM);
	give_bzimage(0x2000);
	setup()->xloadflags = 3;
	fake_fw_cfg_item(FW_CFG_KEY_SETUP_DATA, header, sizeof(header));
	assert_int_equal(fake_run(run(&cpu64)), FAKE_HANDOFF);
	assert_int_equal(params()->ext_ramdisk_image, 0);
	assert_int_equal(params()->header.ramdisk_image, RAM_END - 0x2000);

	/* Nor when it is entered in 32-bit mode. */
	fake_reset();
	machine();
	memmap_set(&map, 4 * GIB, 4 * GIB + 0x10000, MEMORY_RAM);
	give_bzimage(0x2000);
	setup()->xloadflags = 2;
	fake_fw_cfg_item(FW_CFG_KEY_SETUP_DATA, header, sizeof(header));
	assert_int_equal(fake_run(run(&cpu32)), FAKE_HANDOFF);
	assert_int_equal(params()->ext_ramdisk_image, 0);

	fake_reset();
	machine();
	give_bzimage(0x1c00000);
	assert_panics(
		"boot: the initrd of 28 MiB does not fit into one piece of free RAM, the guest has "
		"32 MiB below 4 GiB and needs 68; give it more memory (-m), or give it a smaller "
		"initrd",
		run(&cpu64));

	/* More memory would not help. */
	fake_reset();
	machine();
	give_bzimage(0x1c00000);
	setup()->initrd_addr_max = 0x17fffff;
	fake_fw_cfg_item(FW_CFG_KEY_SETUP_DATA, header, sizeof(header));
	assert_panics(
		"boot: the initrd of 28 MiB does not fit below 24 MiB, where this kernel takes an "
		"initrd; give it a smaller one",
		run(&cpu64));
}

/* What the file has in fields that QEMU fills in only for some of its options. */
static void test_fields_of_the_file(void **state)
{
	static const uint64_t saved[] = { 0x12345, 0x107fe0, 0x100000 + sizeof(kernel),
					  0x100000 + sizeof(kernel) + 0x3ff,
					  0x100000 + sizeof(kernel) + 0x400 };
	struct linux_setup_data node;
	static const uint32_t junk[] = { 1, 0x3000000, 0x7fffffff, UINT32_MAX };

	(void)state;
	for (uint32_t i = 0; i < COUNT(junk); i++) {
		fake_reset();
		machine();
		give_bzimage(0);
		setup()->ramdisk_size = junk[i];
		setup()->ramdisk_image = junk[i];
		setup()->ext_loader_ver = 7;
		setup()->ext_loader_type = 8;
		setup()->hardware_subarch = 3;
		setup()->hardware_subarch_data = 9;
		fake_fw_cfg_item(FW_CFG_KEY_SETUP_DATA, header, sizeof(header));
		assert_int_equal(fake_run(run(&cpu64)), FAKE_HANDOFF);
		assert_int_equal(params()->header.ramdisk_image, 0);
		assert_int_equal(params()->header.ramdisk_size, 0);
		assert_int_equal(params()->header.ext_loader_ver, 0);
		assert_int_equal(params()->header.ext_loader_type, 0);
		assert_int_equal(params()->header.hardware_subarch, 0);
		assert_int_equal(params()->header.hardware_subarch_data, 0);
		assert_string_equal(fake.console, "");
	}

	/* A file that was saved with its setup_data has what QEMU gave it in another boot. */
	for (uint32_t i = 0; i < COUNT(saved); i++) {
		fake_reset();
		machine();
		give_bzimage(0);
		setup()->setup_data = saved[i];
		fake_fw_cfg_item(FW_CFG_KEY_SETUP_DATA, header, sizeof(header));
		assert_int_equal(fake_run(run(&cpu64)), FAKE_HANDOFF);
		assert_int_equal(params()->header.setup_data, 0);
		assert_says(fake.console, "boot: setup_data in the kernel file's header is 0x");
	}
	/* A later node that is nowhere. */
	fake_reset();
	machine();
	give_bzimage(0);
	node = (struct linux_setup_data){ 0x1083ff, LINUX_SETUP_DTB, 16 };
	memcpy(kernel + 0x7fe0, &node, sizeof(node));
	fake_fw_cfg_item(FW_CFG_KEY_KERNEL_DATA, kernel, sizeof(kernel));
	setup()->setup_data = 0x107fe0;
	fake_fw_cfg_item(FW_CFG_KEY_SETUP_DATA, header, sizeof(header));
	assert_panics("boot: setup_data node 1 at 0x1083ff has a linked list that loops or leaves "
		      "its file; start QEMU without -dtb, or with another kernel file",
		      run(&cpu64));
}

/* A kernel that has lost its end is not entered. */
static void test_cut_short(void **state)
{
	static const struct {
		const char *name;
		uint32_t syssize, payload_offset, payload_length;
		bool whole;
	} cases[] = {
		{ "whole", 0x800, 0, 0, true },
		{ "last unit not filled", 0x800 + 0, 0x1000, 0x7000, true },
		{ "syssize", 0x802, 0, 0, false },
		{ "payload", 0x800, 0x1000, 0x7001, false },
		{ "payload past 4 GiB", 0x800, UINT32_MAX, UINT32_MAX, false },
		{ "largest syssize", UINT32_MAX, 0, 0, false },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		fake_reset();
		machine();
		give_bzimage(0);
		setup()->syssize = cases[i].syssize;
		setup()->payload_offset = cases[i].payload_offset;
		setup()->payload_length = cases[i].payload_length;
		fake_fw_cfg_item(FW_CFG_KEY_SETUP_DATA, header, sizeof(header));
		if (cases[i].whole)
			assert_case_equal(cases[i].name, fake_run(run(&cpu64)), FAKE_HANDOFF);
		else
			assert_panics("boot: the kernel has been cut short: 32768 bytes follow its "
				      "real-mode part, and its header tells of ",
				      run(&cpu64));
	}
}

static void test_no_long_mode(void **state)
{
	static const uint8_t elf64[20] = { 0x7f, 'E', 'L', 'F', 2, [18] = 62 };
	static const uint8_t elf32[20] = { 0x7f, 'E', 'L', 'F', 1, [18] = 3 };

	(void)state;
	machine();
	give_bzimage(0);
	assert_panics(
		"boot: the kernel is for 64-bit processors and this one has no long mode; give "
		"QEMU another -cpu, or start qemu-system-x86_64",
		run(&cpu32));

	fake_reset();
	machine();
	give_elf(0x200000, 0x1000);
	fake_fw_cfg_item(FW_CFG_KEY_SETUP_DATA, elf64, sizeof(elf64));
	assert_panics("boot: the ELF kernel is for 64-bit processors and this one has no long mode",
		      run(&cpu32));
	assert_int_equal(fake_run(run(&cpu64)), FAKE_HANDOFF);

	fake_reset();
	machine();
	give_elf(0x200000, 0x1000);
	fake_fw_cfg_item(FW_CFG_KEY_SETUP_DATA, elf32, sizeof(elf32));
	assert_int_equal(fake_run(run(&cpu32)), FAKE_HANDOFF);
}

static void test_nothing_to_boot(void **state)
{
	(void)state;
	machine();
	assert_panics("boot: no kernel; this firmware boots no disks, start QEMU with -kernel FILE",
		      run(&cpu64));

	/* An entry alone is none: nothing would be there. */
	fake_reset();
	machine();
	give_elf(0xdfdfdfdf, 0);
	assert_panics("boot: no kernel; this firmware boots no disks, start QEMU with -kernel FILE",
		      run(&cpu64));

	fake_reset();
	machine();
	give_bzimage(0);
	header[0x202] = 'h';
	fake_fw_cfg_item(FW_CFG_KEY_SETUP_DATA, header, sizeof(header));
	assert_panics("boot: the file given with -kernel is a disk image or a boot sector; this "
		      "firmware boots no disks, give it the kernel that is on it",
		      run(&cpu64));

	fake_reset();
	machine();
	give_bzimage(0);
	header[0x202] = 'h';
	header[0x1fe] = 0;
	fake_fw_cfg_item(FW_CFG_KEY_SETUP_DATA, header, sizeof(header));
	assert_panics("boot: the file given with -kernel is no kernel known here (0x53726468 at "
		      "offset 0x202)",
		      run(&cpu64));

	/* A bzImage begins with "MZ", too; a damaged one is no other EFI application for that. */
	fake_reset();
	machine();
	give_bzimage(0);
	memcpy(header, "MZ", 2);
	setup()->boot_flag = 0xaa56;
	fake_fw_cfg_item(FW_CFG_KEY_SETUP_DATA, header, sizeof(header));
	assert_panics("boot: the file given with -kernel is no kernel known here (0x53726448 at "
		      "offset 0x202)",
		      run(&cpu64));

	fake_reset();
	machine();
	give_bzimage(0);
	setup()->init_size = 0x8000000;
	fake_fw_cfg_item(FW_CFG_KEY_SETUP_DATA, header, sizeof(header));
	assert_panics(
		"boot: the kernel needs 128 MiB of memory from 16 MiB on, the guest has 32 MiB "
		"below 4 GiB and needs 152; give it more memory (-m), or take a smaller kernel",
		run(&cpu64));
}

/* ---- ELF: PVH and Multiboot ---- */

static void test_pvh(void **state)
{
	const struct pvh_start_info *info;
	const struct pvh_module *module;
	const struct pvh_memmap_entry *entries;

	(void)state;
	machine();
	give_elf(0x200000, 0x10000);
	fake_fw_cfg_item(FW_CFG_KEY_INITRD_DATA, kernel, 0x58);
	fake_fw_cfg_u32(FW_CFG_KEY_INITRD_SIZE, 0x58); /* as long as Multiboot's information */
	assert_int_equal(fake_run(run(&cpu64)), FAKE_HANDOFF);
	assert_false(fake.handoff.long_mode);
	assert_int_equal(fake.handoff.entry, 0x200020);
	info = phys_ptr(fake.handoff.ebx);
	assert_int_equal(info->magic, PVH_MAGIC);
	assert_string_equal(phys_ptr((uint32_t)info->cmdline_paddr), "quiet");
	assert_int_equal(info->rsdp_paddr, 0xe0010);
	assert_int_equal(info->module_count, 1);
	module = phys_ptr((uint32_t)info->modules_paddr);
	assert_int_equal(module->size, 0x58);
	assert_memory_equal(phys_ptr((uint32_t)module->paddr), kernel, 0x58);
	entries = phys_ptr((uint32_t)info->memmap_paddr);
	assert_in_range(info->memmap_entries, 3, 20);
	for (uint32_t i = 1; i < info->memmap_entries; i++)
		assert_true(entries[i - 1].base + entries[i - 1].size <= entries[i].base);
	/* The kernel was loaded by QEMU and is not touched, nor anything put upon it. */
	assert_true(image.elf_in_ram && !image.wants_decoding);
	assert_true(memmap_is(&map, 0x200000, 0x210000, MEMORY_LOADED));
	assert_int_equal(*(uint8_t *)phys_ptr(0x200000), 0xa5);
}

static void test_multiboot(void **state)
{
	struct multiboot_info given = { .flags = 0x20c, .cmdline = 0x123000 };
	const struct multiboot_info *info;

	(void)state;
	machine();
	give_elf(0x200000, sizeof(kernel));
	fake_fw_cfg_u32(FW_CFG_KEY_SETUP_SIZE, 0);
	fake_fw_cfg_u32(FW_CFG_KEY_CMDLINE_SIZE, 0);
	fake_fw_cfg_u32(FW_CFG_KEY_INITRD_ADDR, 0x201000); /* inside the kernel */
	fake_fw_cfg_item(FW_CFG_KEY_INITRD_DATA, &given, sizeof(given));
	fake_fw_cfg_u32(FW_CFG_KEY_INITRD_SIZE, sizeof(given));
	assert_int_equal(fake_run(run(&cpu64)), FAKE_HANDOFF);
	assert_int_equal(fake.handoff.entry, 0x200020);
	assert_int_equal(fake.handoff.eax, MULTIBOOT_MAGIC);
	assert_true(memmap_is(&map, fake.handoff.ebx, fake.handoff.ebx + sizeof(*info),
			      MEMORY_RESERVED));
	info = phys_ptr(fake.handoff.ebx);
	assert_true(image.elf_in_ram && image.wants_decoding);
	assert_int_equal(info->flags, 0x20c | 1 | 1 << 6);
	assert_int_equal(info->cmdline, 0x123000);
	assert_int_equal(info->mem_upper, (RAM_END - MIB) / 1024);
	assert_int_equal(info->mmap_length % 24, 0);
	assert_memory_equal(phys_ptr(0x200000), kernel, sizeof(kernel));
}

/* The pool is full: what a kernel reads first is below 1 MiB all the same. */
static void test_full_pool(void **state)
{
	static const struct multiboot_info given = { .flags = 0x20c };
	static char text[5000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	for (uint32_t i = 0; i < 4; i++) {
		bool elf = i >= 2, multiboot = i == 3;
		uint32_t size = i == 1 ? sizeof(text) : 6;
		uint32_t cmdline;

		fake_reset();
		machine();
		map.pool_end = FIRMWARE_POOL_BASE;
		if (elf)
			give_elf(0x200000, 0x1000);
		else
			give_bzimage(0);
		fake_fw_cfg_item(FW_CFG_KEY_CMDLINE_DATA, text + sizeof(text) - size, size);
		fake_fw_cfg_u32(FW_CFG_KEY_CMDLINE_SIZE, size);
		if (multiboot) {
			fake_fw_cfg_u32(FW_CFG_KEY_SETUP_SIZE, 0);
			fake_fw_cfg_item(FW_CFG_KEY_INITRD_DATA, &given, sizeof(given));
			fake_fw_cfg_u32(FW_CFG_KEY_INITRD_SIZE, sizeof(given));
		}
		assert_int_equal(fake_run(run(&cpu64)), FAKE_HANDOFF);
		if (elf)
			assert_in_range(fake.handoff.ebx, 0x1000, LOW_RAM_END - 1);
		if (multiboot) {
			const struct multiboot_info *info = phys_ptr(fake.handoff.ebx);

			assert_in_range(info->mmap_addr, 0x1000, LOW_RAM_END - 1);
			continue;
		}
		cmdline =
			elf ? (uint32_t)((const struct pvh_start_info *)phys_ptr(fake.handoff.ebx))
					->cmdline_paddr :
			      params()->header.cmd_line_ptr;
		assert_in_range(cmdline, 0x1000, LOW_RAM_END - size);
		assert_int_equal(strlen(phys_ptr(cmdline)), size - 1);
		assert_true(memmap_is(&map, cmdline, cmdline + size, MEMORY_LOADED));
	}
}

static void give_multiboot(const uint8_t *file, uint32_t size, const struct multiboot_info *info)
{
	give_elf(0x9000, size);
	fake_fw_cfg_item(FW_CFG_KEY_KERNEL_DATA, file, size);
	fake_fw_cfg_u32(FW_CFG_KEY_SETUP_SIZE, 0);
	fake_fw_cfg_item(FW_CFG_KEY_INITRD_DATA, info, sizeof(*info));
	fake_fw_cfg_u32(FW_CFG_KEY_INITRD_SIZE, sizeof(*info));
}

/* GRUB for coreboot has a segment below the hole and one above; QEMU gives what is between, too. */
static void test_multiboot_spans_the_hole(void **state)
{
	static uint8_t file[0x180000];
	struct multiboot_info given = { .flags = 0x20c, .mods_addr = LEGACY_HOLE_END };

	(void)state;
	machine();
	for (uint32_t i = 0; i < sizeof(file); i++)
		file[i] = (uint8_t)(i * 13 + (i >> 8));
	give_multiboot(file, sizeof(file), &given);
	memset(phys_ptr(LOW_RAM_END), 0x5a, FIRMWARE_POOL_BASE - LOW_RAM_END);
	memset(phys_ptr(FIRMWARE_DATA_BASE), 0x5a, LEGACY_HOLE_END - FIRMWARE_DATA_BASE);
	assert_int_equal(fake_run(run(&cpu64)), FAKE_HANDOFF);
	assert_int_equal(fake.handoff.entry, 0x9020);
	assert_memory_equal(phys_ptr(0x9000), file, LOW_RAM_END - 0x9000);
	assert_memory_equal(phys_ptr(LEGACY_HOLE_END), file + LEGACY_HOLE_END - 0x9000,
			    sizeof(file) - (LEGACY_HOLE_END - 0x9000));
	for (uint32_t paddr = LOW_RAM_END; paddr < FIRMWARE_POOL_BASE; paddr++)
		assert_int_equal(*(uint8_t *)phys_ptr(paddr), 0x5a);
	for (uint32_t paddr = FIRMWARE_DATA_BASE; paddr < LEGACY_HOLE_END; paddr++)
		assert_int_equal(*(uint8_t *)phys_ptr(paddr), 0x5a);

	/* A small kernel whose modules follow it across the hole. */
	given.mods_addr = 0x12000;
	fake_reset();
	machine();
	give_multiboot(file, sizeof(file), &given);
	assert_panics(
		"boot: the command line and modules of the Multiboot kernel lie from 0x12000 "
		"to 0x189000; from 0x9f000 to 0x100000 a PC has no RAM for it, link the kernel "
		"to other addresses",
		run(&cpu64));
}

/* memtest86+ 5: QEMU gives no file, and an entry that is no different from none. */
static void test_multiboot_at_0(void **state)
{
	struct multiboot_info given = { .flags = 0x20c };

	(void)state;
	machine();
	give_elf(0, sizeof(kernel));
	fake_fw_cfg_u32(FW_CFG_KEY_KERNEL_ENTRY, 0);
	fake_fw_cfg_u32(FW_CFG_KEY_SETUP_SIZE, 0);
	fake_fw_cfg_item(FW_CFG_KEY_INITRD_DATA, &given, sizeof(given));
	fake_fw_cfg_u32(FW_CFG_KEY_INITRD_SIZE, sizeof(given));
	assert_int_equal(fake_run(run(&cpu64)), FAKE_HANDOFF);
	assert_int_equal(fake.handoff.entry, 0);
	assert_int_equal(fake.handoff.eax, MULTIBOOT_MAGIC);
	assert_memory_equal(phys_ptr(0), kernel, sizeof(kernel));
}

/* Below 4 GiB there is no more to be had than the machine has room for. */
static void test_more_memory(void **state)
{
	static const struct {
		uint32_t ecam; /* 0: none */
		bool high;     /* RAM above 4 GiB */
		uint32_t end;
		bool helps;
	} cases[] = {
		{ 0, false, 0xdf700000, true },           { 0, false, 0xdf800000, false },
		{ 0, true, RAM_END + 1, false },          { 0xb0000000, false, 0xaf700000, true },
		{ 0xb0000000, false, 0xaf800000, false }, { 0xb0000000, true, RAM_END + 1, false },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		fake_reset();
		machine();
		if (cases[i].ecam)
			memmap_set(&map, cases[i].ecam, cases[i].ecam + 0x10000000ull,
				   MEMORY_RESERVED);
		if (cases[i].high)
			memmap_set(&map, FOUR_GIB, FOUR_GIB + GIB, MEMORY_RAM);
		assert_string_equal(load_more_memory(&map, cases[i].end),
				    cases[i].helps ? "give it more memory (-m), or " : "");
	}

	/* The hole below 1 MiB is no limit to a guest that has no more. */
	fake_reset();
	unit_machine(&guest.cfg, &map, MIB);
	assert_string_equal(load_more_memory(&map, 2 * MIB), "give it more memory (-m), or ");
}

static void test_elf_places(void **state)
{
	static const struct {
		const char *name;
		uint32_t paddr, size;
		const char *refusal; /* NULL: it fits */
	} cases[] = {
		{ "1 MiB", 0x100000, 0x1000, NULL },
		{ "to the end", 0x100000, RAM_END - 0x100000, "boot: the initrd of " },
		{ "past the end", RAM_END - 0x1000, 0x1001,
		  "boot: the ELF kernel lies from 0x1fff000 to 0x2000001, the guest has 32 MiB below "
		  "4 GiB and needs 41; give it more memory (-m), or link the kernel to lower addresses" },
		{ "outside", 0x80000000, 0x1000,
		  "and needs 2057; give it more memory (-m), or link" },
		{ "where no PC has RAM", 0xe0000000, 0x1000, "and needs 3593; link the kernel to" },
		{ "ends at the I/O APIC", 0xfeb00000, 0x100000,
		  "the guest has 32 MiB below 4 GiB" },
		{ "across 4 GiB", 0xfffff000, 0x2000,
		  "boot: the ELF kernel lies from 0xfffff000 to 0x100001000; from 0xfec00000 to "
		  "0x100000000 a PC has no RAM for it, link the kernel to other addresses" },
		{ "low memory", 0x10000, 0x1000, NULL },
		{ "up to the EBDA", 0x10000, LOW_RAM_END - 0x10000, NULL },
		{ "spans the hole", 0x10000, 0x200000, NULL },
		{ "in the hole", 0xa0000, 0x1000,
		  "boot: the ELF kernel lies from 0xa0000 to 0xa1000; from " },
		{ "ends in the hole", 0x90000, 0x70000,
		  "boot: the ELF kernel lies from 0x90000 to " },
		{ "past the EBDA", 0x90000, LOW_RAM_END - 0x90000 + 1,
		  "to 0x9f001; from 0x9f000 to " },
		{ "in our own memory", 0xea000, 0x1000,
		  "boot: the ELF kernel lies from 0xea000 to 0xeb000; from 0x9f000 to 0x100000 a PC "
		  "has no RAM for it, link the kernel to other addresses" },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		enum fake_end end;

		fake_reset();
		machine();
		give_elf(cases[i].paddr, cases[i].size);
		fake_fw_cfg_item(FW_CFG_KEY_INITRD_DATA, kernel, 0x1000);
		fake_fw_cfg_u32(FW_CFG_KEY_INITRD_SIZE, 0x1000);
		end = fake_run(run(&cpu64));
		assert_case_equal(cases[i].name, end, cases[i].refusal ? FAKE_PANIC : FAKE_HANDOFF);
		if (cases[i].refusal)
			assert_says(fake.panic, cases[i].refusal);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_linux),
		UNIT_TEST(test_page_tables_reach_the_acpi_tables),
		UNIT_TEST(test_command_lines),
		UNIT_TEST(test_map_longer_than_boot_params),
		UNIT_TEST(test_setup_data),
		UNIT_TEST(test_initrd_places),
		UNIT_TEST(test_nothing_to_boot),
		UNIT_TEST(test_pvh),
		UNIT_TEST(test_full_pool),
		UNIT_TEST(test_fields_of_the_file),
		UNIT_TEST(test_cut_short),
		UNIT_TEST(test_no_long_mode),
		UNIT_TEST(test_multiboot),
		UNIT_TEST(test_multiboot_at_0),
		UNIT_TEST(test_multiboot_spans_the_hole),
		UNIT_TEST(test_more_memory),
		UNIT_TEST(test_elf_places),
	};

	return cmocka_run_group_tests_name("boot", tests, NULL, NULL);
}
