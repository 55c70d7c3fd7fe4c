/*
 * machine.h - main.c on the modelled machine, to be included once: add_machine() makes a machine,
 * run_firmware() boots it, check_boot() says what must be true of every boot that reaches a kernel.
 *
 * QEMU's part is recorded (tests/data); the machine around it is made here.  No processor but the
 * boot processor is modelled, and SMM only as far as an SMI is answered.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include "unit.h"

#include "checksum.h"
#include "layout.h"
#include "smp_block.h"
#include "spec/acpi.h"
#include "spec/linux.h"
#include "spec/multiboot.h"
#include "spec/pci.h"
#include "spec/pvh.h"

/* tables/piix_dsdt.S: nothing but a head, as one object, so that the end is the end of it. */
__asm__(".section .rodata\n"
	".globl piix_dsdt, piix_dsdt_end\n"
	"piix_dsdt: .ascii \"DSDT\"\n"
	".long 36\n"
	".skip 28\n"
	"piix_dsdt_end: .previous\n");

/* Included, so that its anchor can be given the place it has in the image. */
#include "../../tables/smbios.c"

/* The firmware's main() is run by this test's. */
#define main firmware_main
#include "../../main.c"
#undef main

#define RAM_END      (4 * MIB)
#define KERNEL_SIZE  0x8000
#define INITRD_SIZE  0x5678
#define ELF_BASE     0x200000
#define CMDLINE      "console=ttyS0 root=/dev/vda"
#define MICROVM_ECAM 0xe0000000u
#define TPM_BASE     0xfed40000u
#define SMI_PORT     0xb2
#define MAX_RANGES   300
#define PAGE_MASK    0xfffull

enum kernel { BZIMAGE, PVH, MULTIBOOT, KERNELS };

static uint8_t kernel_bytes[KERNEL_SIZE];

/* What the kernel is told of memory, in one form for all protocols. */
static struct {
	uint32_t count;
	struct e820_entry ranges[MAX_RANGES];
} told;

/* ---- The machine ---- */

static void serve_smi(uint32_t port, uint32_t size, uint64_t value)
{
	(void)port;
	(void)size;
	(void)value;
	smp_block.relocated++;
}

static void add_cpu(void)
{
	static const uint32_t mtrrs[] = { 0x250, 0x258, 0x259, 0x268, 0x269, 0x26a,
					  0x26b, 0x26c, 0x26d, 0x26e, 0x26f, 0x2ff };

	fake_cpuid_set(0, 0, (struct cpuid){ .eax = 0xd });
	fake_cpuid_set(1, 0, (struct cpuid){ .eax = 0x60fb1, .edx = 0x1783fbff });
	fake_cpuid_set(0x80000000, 0, (struct cpuid){ .eax = 0x80000008 });
	fake_cpuid_set(0x80000001, 0, (struct cpuid){ .edx = CPUID_81_EDX_LM });
	fake_cpuid_set(0x80000008, 0, (struct cpuid){ .eax = 40 });
	fake_msr_set(0xfe, 0x508);
	fake_msr_set(0x3a, 0);
	fake_msr_set(0x1b, 0xfee00900);
	for (uint32_t i = 0; i < COUNT(mtrrs); i++)
		fake_msr_set(mtrrs[i], 0);
	for (uint32_t i = 0; i < 16; i++)
		fake_msr_set(0x200 + i, 0);
}

static void add_virtio(struct fake_pci *bridge, uint32_t slot)
{
	struct fake_pci *pci = fake_pci_add(bridge, slot, 0, 0x1af4, 0x1044);

	fake_pci_bar(pci, 1, 0x1000, 0);
	fake_pci_bar(pci, 4, 0x4000, 0xc);
	fake_pci_set(pci, PCI_INTERRUPT_PIN, 1, 1);
}

/* microvm's ECAM, with the host bridge alone. */
static uint64_t read_ecam(uint32_t address, uint32_t size)
{
	return address == MICROVM_ECAM && size == 4 ? 0x00081b36 : UINT64_MAX;
}

static void add_pci(const char *record)
{
	static const struct fake_device ecam = { MICROVM_ECAM, MICROVM_ECAM + 0xfffffff, true,
						 read_ecam, NULL };
	static const struct fake_device apm = { SMI_PORT, SMI_PORT, false, NULL, serve_smi };
	struct fake_pci *port, *isa;

	if (strncmp(record, "pc", 2) == 0) {
		fake_pci_add(NULL, 0, 0, 0x8086, 0x1237);
		isa = fake_pci_add(NULL, 1, 0, 0x8086, 0x7000);
		fake_pci_set(isa, PCI_HEADER_TYPE, 1, PCI_HEADER_MULTIFUNCTION);
		fake_pci_add(NULL, 1, 1, 0x8086, 0x7010);
		fake_pci_add(NULL, 1, 3, 0x8086, 0x7113);
		add_virtio(NULL, 3);
	} else if (strncmp(record, "q35", 3) == 0) {
		fake_pci_add(NULL, 0, 0, 0x8086, 0x29c0);
		isa = fake_pci_add(NULL, 31, 0, 0x8086, 0x2918);
		fake_pci_set(isa, PCI_HEADER_TYPE, 1, PCI_HEADER_MULTIFUNCTION);
		fake_pci_add(NULL, 31, 3, 0x8086, 0x2930);
		fake.pci.has_ecam = true;
		add_virtio(NULL, 3);
		port = fake_pci_add_bridge(NULL, 4, 0, 0x1b36, 0x000c);
		fake_pci_express(port, PCI_EXPRESS_ROOT_PORT);
		add_virtio(port, 0);
	} else {
		fake_add_device(&ecam);
		return;
	}
	fake_pci_set(isa, 0x60, 4, 0x80808080); /* PIRQ routing as after a reset */
	fake_add_device(&apm);
}

static void add_bzimage(void)
{
	static uint8_t header[0x400];
	struct linux_setup_header *setup = (void *)(header + LINUX_HEADER_OFFSET);

	memset(header, 0, sizeof(header));
	*setup = unit_setup_header;
	setup->syssize = KERNEL_SIZE / 16;
	setup->ramdisk_size = INITRD_SIZE;
	setup->pref_address = 0x200000; /* there is little RAM */
	setup->init_size = 0x100000;
	fake_fw_cfg_item(FW_CFG_KEY_SETUP_DATA, header, sizeof(header));
	fake_fw_cfg_u32(FW_CFG_KEY_SETUP_SIZE, sizeof(header));
	fake_fw_cfg_u32(FW_CFG_KEY_INITRD_SIZE, INITRD_SIZE);
	fake_fw_cfg_item(FW_CFG_KEY_INITRD_DATA, kernel_bytes, INITRD_SIZE);
	fake_fw_cfg_item(FW_CFG_KEY_KERNEL_DATA, kernel_bytes, KERNEL_SIZE);
}

static void add_elf(enum kernel kernel)
{
	struct multiboot_info info = { .flags = 4 };

	fake_fw_cfg_u32(FW_CFG_KEY_KERNEL_ADDR, ELF_BASE);
	fake_fw_cfg_u32(FW_CFG_KEY_KERNEL_ENTRY, ELF_BASE + 0x10);
	fake_fw_cfg_item(FW_CFG_KEY_KERNEL_DATA, kernel_bytes, KERNEL_SIZE);
	memcpy(fake_phys(ELF_BASE, KERNEL_SIZE), kernel_bytes, KERNEL_SIZE);
	if (kernel == PVH) {
		fake_fw_cfg_u32(FW_CFG_KEY_SETUP_SIZE, 0x2000);
		fake_fw_cfg_u32(FW_CFG_KEY_INITRD_SIZE, INITRD_SIZE);
		fake_fw_cfg_item(FW_CFG_KEY_INITRD_DATA, kernel_bytes, INITRD_SIZE);
		return;
	}
	fake_fw_cfg_u32(FW_CFG_KEY_INITRD_ADDR, 0x9500);
	fake_fw_cfg_u32(FW_CFG_KEY_INITRD_SIZE, sizeof(info));
	fake_fw_cfg_item(FW_CFG_KEY_INITRD_DATA, &info, sizeof(info));
}

/* The ROM at the top of the address space, and its alias below 1 MiB. */
static void add_rom(void)
{
	uint8_t *rom = fake_ram_add(ROM_BASE, ROM_SIZE);

	memcpy(rom + ROM_SIZE - 0x30, &anchor, sizeof(anchor));
	fake_phys_pin(&anchor, sizeof(anchor), ROM_BASE + ROM_SIZE - 0x30);
	memcpy(fake_phys(ROM_ALIAS_BASE, ROM_SIZE), rom, ROM_SIZE);
}

/* A device tree with a PCIe host bridge, or with nothing that the firmware looks for. */
static void add_device_tree(bool pcie)
{
	/* / { pcie@ { reg = <0 0xe0000000 0 0x10000000>; }; };  or "chip@" for "pcie@" */
	/* clang-format off */
	uint32_t cells[26] = {
		0xd00dfeed, 104, 40, 100, 0, 17, 16, 0, 4, 60,
		1, 0, 1, 0x70636965, 0x40000000, 3, 16, 0, 0, MICROVM_ECAM, 0, 0x10000000, 2, 2, 9,
	};
	/* clang-format on */

	if (!pcie)
		cells[13] = 0x63686970;
	for (uint32_t i = 0; i < COUNT(cells); i++)
		cells[i] = __builtin_bswap32(cells[i]);
	memcpy(&cells[25], "reg", 4);
	fake_fw_cfg_file("etc/fdt", cells, sizeof(cells));
}

/* A TPM (CRB) that grants, takes and answers everything at once. */
static uint64_t read_tpm(uint32_t address, uint32_t size)
{
	(void)size;
	switch (address - TPM_BASE) {
	case 0x0c: /* LOC_STS: granted */
	case 0x30: /* INTERFACE_ID: CRB */
		return 1;
	}
	return 0;
}

/* The recorded machine with one processor, whatever the recording had. */
static void add_machine(const char *record, enum kernel kernel)
{
	static const struct fake_device tpm = { TPM_BASE, TPM_BASE + 0xfff, true, read_tpm, NULL };
	struct e820_entry ram = { 0, RAM_END, MEMORY_RAM };

	fake_reset();
	for (uint32_t i = 0; i < KERNEL_SIZE; i++)
		kernel_bytes[i] = (uint8_t)(i * 13 + (i >> 8));
	fake_ram_add(0, RAM_END);
	fake_fw_cfg_file("etc/e820", &ram, sizeof(ram));
	unit_load(record);
	if (strstr(record, "microvm"))
		add_device_tree(strstr(record, "pcie"));
	add_rom();
	add_cpu();
	add_pci(record);
	if (strstr(record, "tpm"))
		fake_add_device(&tpm);
	fake_fw_cfg_u32(FW_CFG_KEY_KERNEL_SIZE, KERNEL_SIZE);
	fake_fw_cfg_item(FW_CFG_KEY_CMDLINE_DATA, CMDLINE, sizeof(CMDLINE));
	fake_fw_cfg_u32(FW_CFG_KEY_CMDLINE_SIZE, sizeof(CMDLINE));
	if (kernel == BZIMAGE)
		add_bzimage();
	else
		add_elf(kernel);
}

/* ---- What must be true of every boot ---- */

static void tell(uint64_t base, uint64_t size, uint32_t type)
{
	assert_true(told.count < MAX_RANGES);
	told.ranges[told.count++] = (struct e820_entry){ base, size, type };
}

/* True when [base, base + size) lies in ranges of one of two types. */
static bool is_told(uint64_t base, uint64_t size, uint32_t type, uint32_t other)
{
	uint64_t at = base;

	for (uint32_t i = 0; i < told.count && at < base + size; i++) {
		const struct e820_entry *range = &told.ranges[i];

		if (at >= range->base && at < range->base + range->size &&
		    (range->type == type || range->type == other))
			at = range->base + range->size;
	}
	return at >= base + size;
}

/* Sorted, disjoint, whole pages; the firmware's own memory is no RAM. */
static void check_map(const char *name)
{
	assert_case(name, told.count >= 4);
	for (uint32_t i = 0; i < told.count; i++) {
		const struct e820_entry *range = &told.ranges[i];

		assert_case(name, range->size);
		if (i)
			assert_case(name, range[-1].base + range[-1].size <= range->base);
		assert_case_equal(name, range->base & PAGE_MASK, 0);
		assert_case_equal(name, range->size & PAGE_MASK, 0);
		if (range->type == MEMORY_RAM)
			assert_case(name, range->base >= RAM_END || range->base < EBDA_BASE ||
						  range->base >= LEGACY_HOLE_END);
	}
}

static void check_acpi(const char *name, uint32_t rsdp_paddr)
{
	const struct acpi_rsdp *rsdp = phys_ptr(rsdp_paddr);
	const struct acpi_header *root;
	bool wide = rsdp->revision >= 2;
	uint64_t root_paddr = wide ? rsdp->xsdt_address : rsdp->rsdt_address;

	assert_case_equal(name, checksum_sum(rsdp, offsetof(struct acpi_rsdp, length)), 0);
	root = phys_ptr((uint32_t)root_paddr);
	assert_case(name, is_told(root_paddr, root->length, MEMORY_RESERVED, MEMORY_RESERVED));
	assert_case_equal(name, checksum_sum(root, root->length), 0);
	for (uint32_t at = sizeof(*root); at < root->length; at += wide ? 8 : 4) {
		const struct acpi_header *table;
		uint64_t paddr = 0;

		memcpy(&paddr, (const uint8_t *)root + at, wide ? 8 : 4);
		assert_case(name, paddr < RAM_END);
		table = phys_ptr((uint32_t)paddr);
		assert_case(name, is_told(paddr, table->length, MEMORY_RESERVED, MEMORY_RESERVED));
		assert_case_equal(name, checksum_sum(table, table->length), 0);
	}
}

/* Memory that must survive until the kernel has copied it, with the bytes as given. */
static void check_bytes(const char *name, uint64_t paddr, const void *bytes, uint32_t size)
{
	assert_case(name, is_told(paddr, size, MEMORY_RAM, MEMORY_RESERVED));
	assert_case(name, memcmp(phys_ptr((uint32_t)paddr), bytes, size) == 0);
}

static uint32_t check_linux(const char *name)
{
	const struct linux_boot_params *params = phys_ptr(fake.handoff.esi);

	assert_case(name, fake.handoff.long_mode);
	for (uint32_t i = 0; i < params->e820_entries; i++)
		tell(params->e820_table[i].base, params->e820_table[i].size,
		     params->e820_table[i].type);
	check_bytes(name, fake.handoff.entry - 0x200, kernel_bytes, KERNEL_SIZE);
	check_bytes(name, params->header.ramdisk_image, kernel_bytes, INITRD_SIZE);
	assert_case_equal(name, params->header.ramdisk_size, INITRD_SIZE);
	check_bytes(name, params->header.cmd_line_ptr, CMDLINE, sizeof(CMDLINE));
	return (uint32_t)params->acpi_rsdp_addr;
}

static uint32_t check_pvh(const char *name)
{
	const struct pvh_start_info *info = phys_ptr(fake.handoff.ebx);
	const struct pvh_memmap_entry *map_entry = phys_ptr((uint32_t)info->memmap_paddr);
	const struct pvh_module *module = phys_ptr((uint32_t)info->modules_paddr);

	for (uint32_t i = 0; i < info->memmap_entries; i++)
		tell(map_entry[i].base, map_entry[i].size, map_entry[i].type);
	/* All that Linux's first page tables have, whatever its width. */
	assert_case(name, fake.handoff.ebx < LEGACY_HOLE_END);
	assert_case_equal(name, info->module_count, 1);
	check_bytes(name, ELF_BASE, kernel_bytes, KERNEL_SIZE);
	check_bytes(name, module->paddr, kernel_bytes, INITRD_SIZE);
	check_bytes(name, info->cmdline_paddr, CMDLINE, sizeof(CMDLINE));
	return (uint32_t)info->rsdp_paddr;
}

static uint32_t check_multiboot(const char *name)
{
	const struct multiboot_info *info = phys_ptr(fake.handoff.ebx);

	assert_case_equal(name, fake.handoff.eax, MULTIBOOT_MAGIC);
	for (uint32_t at = 0; at < info->mmap_length;) {
		const struct multiboot_mmap_entry *entry = phys_ptr(info->mmap_addr + at);

		tell(entry->base, entry->length, entry->type);
		at += entry->size + sizeof(entry->size);
	}
	check_bytes(name, ELF_BASE, kernel_bytes, KERNEL_SIZE);
	return 0;
}

/* Every BAR of a device that decodes or could: an address aligned to its size, none twice. */
static void check_bars(const char *name)
{
	uint64_t seen[64];
	uint32_t count = 0;

	for (uint32_t i = 0; i < fake.pci.function_count; i++) {
		const struct fake_pci *pci = fake.pci.functions[i];
		uint64_t bar = fake_pci_get(pci, PCI_BAR(4), 8);

		if (fake_pci_get(pci, PCI_VENDOR_ID, 2) != 0x1af4)
			continue;
		bar &= ~15ull;
		assert_case(name, bar && bar % 0x4000 == 0);
		for (uint32_t n = 0; n < count; n++)
			assert_case(name, bar + 0x4000 <= seen[n] || bar >= seen[n] + 0x4000);
		assert_case(name, !is_told(bar, 1, MEMORY_RAM, MEMORY_RAM));
		seen[count++] = bar;
	}
}

static void check_boot(const char *name, enum kernel kernel)
{
	static uint32_t (*const check[])(const char *) = { check_linux, check_pvh,
							   check_multiboot };
	uint32_t rsdp;

	memset(&told, 0, sizeof(told));
	rsdp = check[kernel](name);
	check_map(name);
	if (kernel != MULTIBOOT)
		check_acpi(name, rsdp);
	check_bars(name);
	assert_case_equal(name, fake_msr_get(0x2ff), 0xc06);
	assert_case_equal(name, fake.caches_off, 0);
	assert_string_equal(fake.console, "");
}

/* ---- The boots ---- */

static void run_firmware(void)
{
	memset(&smp_block, 0xa5, sizeof(smp_block));
	memset(&machine, 0xa5, sizeof(machine));
	memset(&map, 0xa5, sizeof(map));
	memset(&image, 0xa5, sizeof(image));
	firmware_main();
}

/* The others arrive when the boot processor waits. */
static void others_arrive(void)
{
	smp_block.arrived++;
	smp_block.relocated++;
}

/* The machine again as after a reset: registers as they come, RAM as it was left. */
static void reset_machine(const char *record, enum kernel kernel)
{
	static uint8_t ram[RAM_END];

	memcpy(ram, fake_phys(0, RAM_END), RAM_END);
	add_machine(record, kernel);
	memcpy(fake_phys(0, RAM_END), ram, RAM_END);
	/* QEMU puts an ELF kernel back at each reset, and the ROM is no RAM. */
	memcpy(fake_phys(ROM_ALIAS_BASE, ROM_SIZE), fake_phys(ROM_BASE, ROM_SIZE), ROM_SIZE);
	if (kernel != BZIMAGE)
		memcpy(fake_phys(ELF_BASE, KERNEL_SIZE), kernel_bytes, KERNEL_SIZE);
	fake.on_pause = others_arrive;
}

#endif
