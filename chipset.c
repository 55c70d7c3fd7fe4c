/*
 * chipset.c - see chipset.h.
 *
 * Registers are written once, with the value they keep, in the fewest writes that QEMU turns into
 * the fewest memory-topology rebuilds; what already has the right value after a reset is not
 * touched (QEMU hw/isa/piix3.c, hw/acpi/piix4.c, hw/isa/lpc_ich9.c, hw/pci-host/q35.c).
 */
#include "chipset.h"

#include "console.h"
#include "fdt.h"
#include "layout.h"

/* Host bridge of Q35 (Intel 3 Series MCH). */
/* clang-format off */
#define MCH_PCIEXBAR            0x60            /* u64; the upper half is 0 after reset */
  #define MCH_PCIEXBAR_ENABLE     (1u << 0)
#define MCH_PAM0                0x90            /* u8 */

/* Host bridge of i440FX. */
#define I440FX_PAM0             0x59            /* u8 */

#define PAM0_F_SEGMENT_RAM      0x30            /* reads and writes; the lower nibble is reserved */
#define PAM_E_SEGMENT           5               /* from PAM0 on: two u8 for 0xe0000-0xeffff */
  #define PAM_ALL_RAM             0x33

/* ISA bridges: PIIX3 and ICH9 LPC. */
#define ISA_PIRQA_D             0x60            /* u8 each; bit 7 set: not routed, as after reset */
  #define ISA_PIRQ_RESET          0x80808080u
#define LPC_PMBASE              0x40            /* u32 */
  #define LPC_PMBASE_IO           (1u << 0)     /* reads as 1 */
#define LPC_ACPI_CNTL           0x44            /* u8 */
  #define LPC_ACPI_EN             (1u << 7)     /* SCI on IRQ 9: bits 2:0 are 0 */
#define LPC_PIRQE_H             0x68            /* u8 each */
#define LPC_RCBA                0xf0            /* u32; chipset registers: watchdog, routing */
  #define LPC_RCBA_ENABLE         (1u << 0)
#define LPC_RCBA_BASE           0xfed1c000
#define LPC_RCBA_SIZE           0x4000

/* ICH9 SMBus function. */
#define SMBUS_HOSTC             0x40            /* u8 */
  #define SMBUS_HST_EN            (1u << 0)

/* PIIX4 power management function. */
#define PIIX4_PMBASE            0x40            /* u32 */
#define PIIX4_PMREGMISC         0x80            /* u8 */
  #define PIIX4_PMIOSE            (1u << 0)

#define PIIX3_IDE_TIMING        0x40            /* u16 primary, u16 secondary */
  #define PIIX3_IDE_DECODE        (1u << 15)

/* Edge/level control of the 8259s: one bit for each interrupt, set for level, as PCI needs it. */
#define ELCR_PORT               0x4d0
/* clang-format on */

const uint8_t chipset_pirq_irqs[4] = { 10, 10, 11, 11 };

#define PC_ECAM_BASE      0xb0000000
#define MICROVM_ECAM_BASE 0xe0000000
#define ECAM_SIZE         0x10000000

#define RANGES(array) .ranges = array, .range_count = sizeof(array) / sizeof(array[0])

static const struct memory_range plain_ranges[] = { MEMMAP_LEGACY_RANGES, MEMMAP_FLASH_RANGE };
static const struct memory_range q35_ranges[] = {
	MEMMAP_LEGACY_RANGES,
	{ PC_ECAM_BASE, PC_ECAM_BASE + ECAM_SIZE, MEMORY_RESERVED },
	{ LPC_RCBA_BASE, LPC_RCBA_BASE + LPC_RCBA_SIZE, MEMORY_RESERVED },
	MEMMAP_FLASH_RANGE
};
static const struct memory_range microvm_pcie_ranges[] = {
	MEMMAP_LEGACY_RANGES,
	{ MICROVM_ECAM_BASE, 0ull + MICROVM_ECAM_BASE + ECAM_SIZE, MEMORY_RESERVED },
	MEMMAP_FLASH_RANGE
};

static const struct chipset chipsets[] = {
	{
		.name = "pc",
		.host_bridge = 0x12378086,
		RANGES(plain_ranges),
		.mmio_end = IOAPIC_BASE,
		/* Without 0x5658 (vmport), 0xae00-0xafff (hot-plug, GPE), 0xb100-0xb13f (SMBus). */
		.ports = { { 0xc000, 0xffff }, { 0x6000, 0x9fff }, { 0x1000, 0x4fff } },
		.irq_wiring = IRQ_WIRING_PIIX,
		.isa_bridge = PCI_BDF(0, 1, 0),
		.pm_function = PCI_BDF(0, 1, 3),
		.ide_function = PCI_BDF(0, 1, 1),
		.pam = I440FX_PAM0,
		.smm = SMM_PIIX4,
	},
	{
		.name = "q35",
		.host_bridge = 0x29c08086,
		.ecam_base = PC_ECAM_BASE,
		RANGES(q35_ranges),
		.mmio_end = IOAPIC_BASE,
		.ports = { { 0x6000, 0xffff }, { 0x1000, 0x4fff } }, /* without 0x5658 (vmport) */
		.irq_wiring = IRQ_WIRING_ICH9,
		.isa_bridge = PCI_BDF(0, 31, 0),
		.pm_function = PCI_BDF(0, 31, 0),
		.smbus_function = PCI_BDF(0, 31, 3),
		.smm = SMM_ICH9,
		.pam = MCH_PAM0,
	},
};

static const struct chipset microvm = {
	.name = "microvm",
	RANGES(plain_ranges),
	.no_smbios = true,
	.reduced_acpi = true,
};
/* microvm,pcie=on (QEMU include/hw/i386/microvm.h, hw/i386/microvm.c): no I/O ports. */
static const struct chipset microvm_pcie = {
	.name = "microvm",
	.ecam_base = MICROVM_ECAM_BASE,
	RANGES(microvm_pcie_ranges),
	.mmio_base = 0xc0000000,
	.mmio_end = 0xe0000000,
	.mmio64_top_quarter = true,
	.no_smbios = true,
	.reduced_acpi = true,
};

#define FDT_CELLS 0x600 /* as much as is read; 24 virtio devices take 5 KiB */

static const struct chipset isapc = {
	.name = "isapc",
	RANGES(plain_ranges),
	.no_ioapic = true,
};

/* Asks the device tree for a PCIe host bridge.  No memory is known yet: its place is in .bss. */
static const struct chipset *probe_microvm(const struct fw_cfg *cfg, uint16_t fdt_selector)
{
	static be32 tree[FDT_CELLS];
	const be32 *reg;
	uint32_t count;

	fw_cfg_read(cfg, fdt_selector, tree, sizeof(tree));
	if (!fdt_is_whole(tree, sizeof(tree))) {
		console_log(
			"chipset: the device tree of this microvm is malformed, or longer than %u bytes; "
			"PCIe devices, if it has any, are left to the kernel",
			(uint32_t)sizeof(tree));
		return &microvm;
	}
	reg = fdt_find_property(tree, sizeof(tree), "pcie", "reg", &count);
	if (!reg)
		return &microvm;
	if (count == 4 && !be32_get(reg[0]) && be32_get(reg[1]) == microvm_pcie.ecam_base &&
	    !be32_get(reg[2]) && be32_get(reg[3]) == ECAM_SIZE)
		return &microvm_pcie;
	console_log(
		"chipset: the PCIe host bridge is not where it is expected, at 0x%x; its devices are left "
		"to the kernel",
		microvm_pcie.ecam_base);
	return &microvm;
}

static uint32_t read_host_bridge(void)
{
	const struct pci_access ports = { 0 };

	return pci_read32(&ports, PCI_BDF(0, 0, 0), PCI_VENDOR_ID);
}

/* The machine with that host bridge; NULL for another one. */
static const struct chipset *find_row(uint32_t host_bridge)
{
	for (uint32_t i = 0; i < sizeof(chipsets) / sizeof(chipsets[0]); i++)
		if (chipsets[i].host_bridge == host_bridge)
			return &chipsets[i];
	return NULL;
}

const struct chipset *chipset_probe(const struct fw_cfg *cfg)
{
	struct fw_cfg_item item;
	const struct chipset *chipset;
	uint32_t host_bridge;

	/* Only microvm describes itself by a device tree (QEMU hw/i386/microvm-dt.c). */
	if (fw_cfg_find(cfg, "etc/fdt", &item))
		return probe_microvm(cfg, item.selector);
	host_bridge = read_host_bridge();
	chipset = find_row(host_bridge);
	if (chipset)
		return chipset;
	if (host_bridge != PCI_NO_DEVICE)
		panic("chipset: unknown host bridge %04x:%04x at 00:00.0; use -M pc, q35, microvm or "
		      "isapc",
		      host_bridge & 0xffff, host_bridge >> 16);
	return &isapc;
}

bool chipset_is_reset(const struct chipset *chipset)
{
	const struct pci_access ports = { 0 };

	return chipset->irq_wiring == IRQ_WIRING_NONE ||
	       pci_read32(&ports, chipset->isa_bridge, ISA_PIRQA_D) == ISA_PIRQ_RESET;
}

uint8_t chipset_irq(const struct chipset *chipset, uint32_t root_slot, uint32_t pin)
{
	uint32_t link = pin;

	if (chipset->irq_wiring == IRQ_WIRING_PIIX)
		link += root_slot - 1;
	else if (root_slot <= 24)
		link += root_slot;
	return chipset_pirq_irqs[link & 3];
}

static uint32_t pirq_routing(void)
{
	return (uint32_t)chipset_pirq_irqs[0] | (uint32_t)chipset_pirq_irqs[1] << 8 |
	       (uint32_t)chipset_pirq_irqs[2] << 16 | (uint32_t)chipset_pirq_irqs[3] << 24;
}

uint32_t chipset_pirq_mask(void)
{
	uint32_t mask = 0;

	for (uint32_t i = 0; i < sizeof(chipset_pirq_irqs); i++)
		mask |= 1u << chipset_pirq_irqs[i];
	return mask;
}

static void program_piix(const struct chipset *chipset, const struct pci_access *access)
{
	pci_write32(access, chipset->isa_bridge, ISA_PIRQA_D, pirq_routing());
	pci_write32(access, chipset->ide_function, PIIX3_IDE_TIMING,
		    PIIX3_IDE_DECODE << 16 | PIIX3_IDE_DECODE);
	/* The base before the enable bit, for one rebuild.  With acpi=off nothing answers. */
	pci_write32(access, chipset->pm_function, PIIX4_PMBASE, PM_BASE | LPC_PMBASE_IO);
	pci_write8(access, chipset->pm_function, PIIX4_PMREGMISC, PIIX4_PMIOSE);
	pci_write8(access, chipset->pm_function, PCI_INTERRUPT_LINE, ACPI_SCI_IRQ);
}

static void program_ich9(const struct chipset *chipset, const struct pci_access *access)
{
	pci_write32(access, chipset->isa_bridge, ISA_PIRQA_D, pirq_routing());
	pci_write32(access, chipset->isa_bridge, LPC_PIRQE_H, pirq_routing());
	/* One store sets PMBASE and ACPI_CNTL; QEMU takes the low dword first: one rebuild. */
	pci_write64(access, chipset->isa_bridge, LPC_PMBASE,
		    (uint64_t)LPC_ACPI_EN << 8 * (LPC_ACPI_CNTL - LPC_PMBASE) | PM_BASE |
			    LPC_PMBASE_IO);
	pci_write32(access, chipset->isa_bridge, LPC_RCBA, LPC_RCBA_BASE | LPC_RCBA_ENABLE);
	pci_write8(access, chipset->smbus_function, SMBUS_HOSTC, SMBUS_HST_EN);
}

void chipset_init(struct machine *machine)
{
	const struct chipset *chipset = machine->chipset;
	struct pci_access *access = &machine->pci;

	*access = (struct pci_access){ 0 };
	if (chipset->ecam_base) {
		if (chipset->host_bridge) /* microvm's ECAM is fixed */
			pci_write32(access, PCI_BDF(0, 0, 0), MCH_PCIEXBAR,
				    chipset->ecam_base | MCH_PCIEXBAR_ENABLE);
		access->ecam_base = chipset->ecam_base;
		access->wide = machine->cpu.leaf1_edx & CPUID_1_EDX_MMX;
	}
	switch (chipset->irq_wiring) {
	case IRQ_WIRING_NONE:
		return;
	case IRQ_WIRING_PIIX:
		program_piix(chipset, access);
		break;
	case IRQ_WIRING_ICH9:
		program_ich9(chipset, access);
		break;
	}
	/* One byte at a time: KVM's interrupt controller ignores wider accesses. */
	outb(ELCR_PORT + 1, (uint8_t)(chipset_pirq_mask() >> 8));
}

void chipset_open_e_segment(void)
{
	const struct chipset *chipset = find_row(read_host_bridge());
	const struct pci_access ports = { 0 };

	for (uint32_t i = PAM_E_SEGMENT; chipset && i < PAM_E_SEGMENT + 2; i++)
		pci_write8(&ports, PCI_BDF(0, 0, 0), chipset->pam + i, PAM_ALL_RAM);
}

void chipset_open_f_segment(const struct machine *machine)
{
	if (machine->chipset->pam)
		pci_write8(&machine->pci, PCI_BDF(0, 0, 0), machine->chipset->pam,
			   PAM0_F_SEGMENT_RAM);
}
