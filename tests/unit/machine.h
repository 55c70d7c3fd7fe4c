/*
 * machine.h - main.c on the modelled machine, to be included once: add_machine() makes a machine,
 * run_firmware() boots it, check_boot() says what must be true of every boot that reaches a kernel.
 *
 * QEMU's part is recorded (tests/data); the machine around it is made here: its chipset, its other
 * processors (processors.h), and what SMM alone sees (smram.h).
 *
 * The boot processor has no NMI here, for start.S returns from it before any C runs.  It has no SMI
 * before the firmware raises one: a reset leaves SMI_EN and APMC with every source off, and on a
 * real machine, too, what lies at the entry then is nobody's code.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include "unit.h"

#include "checksum.h"
#include "layout.h"
#include "smp_block.h"
#include "spec/acpi.h"
#include "spec/linux.h"
#include "processors.h"
#include "smram.h"
#include "spec/mp.h"
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

#define RAM_END         (4 * MIB)
#define KERNEL_SIZE     0x8000
#define INITRD_SIZE     0x5678
#define ELF_BASE        0x200000
#define CMDLINE         "console=ttyS0 root=/dev/vda"
#define ANCHOR_FROM_END 0x30
#define MICROVM_ECAM    0xe0000000u
#define TPM_BASE        0xfed40000u
#define SMI_EN_PORT     0x630
#define MAX_RANGES      300
#define PAGE_MASK       0xfffull

enum kernel { BZIMAGE, PVH, MULTIBOOT, KERNELS };

static uint8_t kernel_bytes[KERNEL_SIZE];

static const char *cmdline = CMDLINE;
static bool is_started;                /* main() has run before, in this RAM */
static uint32_t machine_ram = RAM_END; /* of the next add_machine() */
static uint32_t elf_base = ELF_BASE;   /* of it, too */

/* ---- The machine ---- */

static uint64_t read_smi_en(uint32_t port, uint32_t size)
{
	(void)port;
	(void)size;
	return smi_on_write ? 0x21 : 0;
}

static void write_smi_en(uint32_t port, uint32_t size, uint64_t value)
{
	(void)port;
	(void)size;
	smi_on_write = (value & 0x21) == 0x21;
}

static void write_piix4_pm(struct fake_pci *pm, uint32_t offset, uint32_t size, uint64_t value)
{
	(void)offset;
	(void)size;
	(void)value;
	smi_on_write = pm->config[0x5b] & 2;
	smi_is_boots = true;
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

/* The MSI-X BAR, and the capabilities in QEMU's order. */
static struct fake_pci *add_root_port(uint32_t slot)
{
	static const uint16_t none = 0, express = 2 | PCI_EXPRESS_ROOT_PORT << 4 | 0x100;
	struct fake_pci *port = fake_pci_add_bridge(NULL, slot, 0, 0x1b36, 0x000c);

	fake_pci_bar(port, 0, 0x1000, 0);
	fake_pci_set(port, PCI_INTERRUPT_PIN, 1, 1);
	fake_pci_capability(port, 0x40, 0x0d, &none, 4); /* subsystem ids */
	fake_pci_capability(port, 0x48, 0x11, &none, 4); /* MSI-X */
	fake_pci_capability(port, 0x54, PCI_CAP_ID_EXPRESS, &express, 4);
	return port;
}

/* The functions of ICH9 beside the LPC bridge: AHCI and SMBus. */
static struct fake_pci *add_ich9(uint32_t function, uint16_t device, uint32_t ports)
{
	struct fake_pci *pci = fake_pci_add(NULL, 31, function, 0x8086, device);

	fake_pci_set(pci, PCI_HEADER_TYPE, 1, PCI_HEADER_MULTIFUNCTION);
	fake_pci_set(pci, PCI_INTERRUPT_PIN, 1, 1);
	fake_pci_bar(pci, 4, ports, 1);
	return pci;
}

static void add_pci(const char *record)
{
	static const struct fake_device apm = { APM_CNT_PORT, APM_CNT_PORT, false, NULL,
						write_apm };
	static const struct fake_device smi_en = { SMI_EN_PORT, SMI_EN_PORT, false, read_smi_en,
						   write_smi_en };
	struct fake_pci *isa, *pm;

	if (strncmp(record, "isapc", 5) == 0)
		return;
	if (strncmp(record, "pc", 2) == 0) {
		add_i440fx_registers(fake_pci_add(NULL, 0, 0, 0x8086, 0x1237));
		isa = fake_pci_add(NULL, 1, 0, 0x8086, 0x7000);
		fake_pci_set(isa, PCI_HEADER_TYPE, 1, PCI_HEADER_MULTIFUNCTION);
		fake_pci_bar(fake_pci_add(NULL, 1, 1, 0x8086, 0x7010), 4, 16, 1);
		pm = fake_pci_add(NULL, 1, 3, 0x8086, 0x7113);
		pm->on_write = write_piix4_pm;
		add_virtio(NULL, 3);
	} else if (strncmp(record, "q35", 3) == 0) {
		add_mch_registers(fake_pci_add(NULL, 0, 0, 0x8086, 0x29c0));
		fake_add_device(&smi_en);
		isa = fake_pci_add(NULL, 31, 0, 0x8086, 0x2918);
		fake_pci_set(isa, PCI_HEADER_TYPE, 1, PCI_HEADER_MULTIFUNCTION);
		fake_pci_bar(add_ich9(2, 0x2922, 32), 5, 0x1000, 0);
		add_ich9(3, 0x2930, 64);
		fake.pci.has_ecam = true;
		add_virtio(NULL, 3);
		for (uint32_t slot = 4; slot < 6; slot++)
			add_virtio(add_root_port(slot), 0);
	} else {
		if (strstr(record, "pcie")) {
			fake_pci_add(NULL, 0, 0, 0x1b36, 0x0008);
			fake.pci.ecam_base = MICROVM_ECAM;
			add_virtio(NULL, 3);
		}
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

	fake_fw_cfg_u32(FW_CFG_KEY_KERNEL_ADDR, elf_base);
	fake_fw_cfg_u32(FW_CFG_KEY_KERNEL_ENTRY, elf_base + 0x10);
	fake_fw_cfg_item(FW_CFG_KEY_KERNEL_DATA, kernel_bytes, KERNEL_SIZE);
	memcpy(fake_phys(elf_base, KERNEL_SIZE), kernel_bytes, KERNEL_SIZE);
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

	memcpy(rom + ROM_SIZE - ANCHOR_FROM_END, &anchor, sizeof(anchor));
	fake_phys_pin(&anchor, sizeof(anchor), ROM_BASE + ROM_SIZE - ANCHOR_FROM_END);
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

/* QEMU's FADT, in the file that the firmware will read; NULL where there is none. */
static struct acpi_fadt *find_fadt(void)
{
	struct fake_item *tables = fake_fw_cfg_find("etc/acpi/tables");

	for (uint32_t i = 0; tables && i + sizeof(struct acpi_fadt) <= tables->size; i++)
		if (!memcmp(tables->bytes + i, "FACP", 4))
			return (void *)(tables->bytes + i);
	return NULL;
}

/* The recorded machine, whose processors are all in time. */
static void add_machine(const char *record, enum kernel kernel)
{
	static const struct fake_device tpm = { TPM_BASE, TPM_BASE + 0xfff, true, read_tpm, NULL };
	struct e820_entry ram = { 0, machine_ram, MEMORY_RAM };
	uint16_t cpu_count;

	smram_reset();
	smi_on_write = smi_is_boots = is_started = false;
	fake_reset();
	for (uint32_t i = 0; i < KERNEL_SIZE; i++)
		kernel_bytes[i] = (uint8_t)(i * 13 + (i >> 8));
	fake_ram_add(0, machine_ram);
	fake_fw_cfg_file("etc/e820", &ram, sizeof(ram));
	unit_load(record);
	memcpy(&cpu_count, fake_fw_cfg_get(FW_CFG_KEY_CPU_COUNT)->bytes, sizeof(cpu_count));
	add_processors(cpu_count);
	fake_fw_cfg_u16(FW_CFG_KEY_APIC_ID_LIMIT, cpu_count);
	if (strstr(record, "microvm"))
		add_device_tree(strstr(record, "pcie"));
	add_rom();
	add_cpu();
	add_pci(record);
	if (strstr(record, "tpm"))
		fake_add_device(&tpm);
	fake_fw_cfg_u32(FW_CFG_KEY_KERNEL_SIZE, KERNEL_SIZE);
	fake_fw_cfg_item(FW_CFG_KEY_CMDLINE_DATA, cmdline, (uint32_t)strlen(cmdline) + 1);
	fake_fw_cfg_u32(FW_CFG_KEY_CMDLINE_SIZE, (uint32_t)strlen(cmdline) + 1);
	if (kernel == BZIMAGE)
		add_bzimage();
	else
		add_elf(kernel);
}

#include "invariants.h"

/* ---- The boots ---- */

/* As start.S begins: .bss is cleared; what .noinit has is the first time whatever RAM has. */
static void run_firmware(void)
{
	memset(&smp_block, 0, sizeof(smp_block));
	memset(&machine, 0, sizeof(machine));
	memset(&map, 0, sizeof(map));
	memset(&image, 0, sizeof(image));
	memset(&smm, 0, sizeof(smm));
	memset(&msrs, 0, sizeof(msrs));
	memset(&writes, 0, sizeof(writes));
	if (!is_started)
		memset(&resume, fake_fill, sizeof(resume));
	is_started = true;
	firmware_main();
}

/* The machine again as after a reset: registers as they come, RAM as it was left. */
static void __attribute__((unused)) reset_machine(const char *record, enum kernel kernel)
{
	static uint8_t *ram; /* kept: fresh pages cost more than a whole boot does */
	static uint32_t size;

	if (size != machine_ram) {
		free(ram);
		ram = malloc(machine_ram);
		size = machine_ram;
	}
	smram_reset();
	memcpy(ram, fake_phys(0, machine_ram), machine_ram);
	add_machine(record, kernel);
	is_started = true;
	memcpy(fake_phys(0, machine_ram), ram, machine_ram);
	/* QEMU puts an ELF kernel back at each reset, and the ROM is no RAM. */
	memcpy(fake_phys(ROM_ALIAS_BASE, ROM_SIZE), fake_phys(ROM_BASE, ROM_SIZE), ROM_SIZE);
	if (kernel != BZIMAGE)
		memcpy(fake_phys(elf_base, KERNEL_SIZE), kernel_bytes, KERNEL_SIZE);
}

#endif
