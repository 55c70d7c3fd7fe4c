/*
 * chipset.h - which machine this is, as data, and its fixed registers.
 *
 * Machines differ by a row of struct chipset.  No other module asks for a machine by name.
 */
#ifndef CHIPSET_H
#define CHIPSET_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu.h"
#include "fw_cfg.h"
#include "layout.h"
#include "memmap.h"
#include "pci_config.h"

/* The interrupt of ACPI events; hard-wired in PIIX4, the value after reset in ICH9. */
#define ACPI_SCI_IRQ 9

/* How INTA#..INTD# of a slot on the root bus reach an interrupt. */
enum irq_wiring {
	IRQ_WIRING_NONE,
	IRQ_WIRING_PIIX, /* link (slot - 1 + pin) & 3 */
	IRQ_WIRING_ICH9, /* slots 0-24 link (slot + pin) & 3, slots 25-31 link pin */
};

/* I/O ports that devices may have: clear of all that QEMU's machines put at fixed ports. */
struct chipset_ports {
	uint16_t base;
	uint16_t last; /* inclusive; 0: no range */
};

#define CHIPSET_PORT_RANGES 3

/* Whose registers control SMRAM and the SMI of port 0xb2. */
enum smm_kind {
	SMM_NONE,
	SMM_PIIX4, /* i440FX and PIIX4: A segment, which QEMU cannot lock */
	SMM_ICH9,  /* Q35 and ICH9: TSEG too, and locks */
};

struct chipset {
	const char *name;
	uint32_t host_bridge;              /* device id << 16 | vendor id of 00:00.0; 0: no PCI */
	uint32_t ecam_base;                /* where PCIEXBAR is put; 0: no ECAM */
	const struct memory_range *ranges; /* for memmap_init(): ECAM and the like */
	uint32_t range_count;
	uint32_t mmio_base;                              /* first address for BARs below 4 GiB */
	uint32_t mmio_end;                               /* one past the last; 0: no PCI */
	struct chipset_ports ports[CHIPSET_PORT_RANGES]; /* the first is used first */
	enum irq_wiring irq_wiring;
	bool no_ioapic;          /* interrupts by the 8259s alone */
	uint8_t isa_bridge;      /* bdf of the function with PIRQ routing */
	uint8_t pm_function;     /* bdf of the function with the PM base register */
	uint8_t smbus_function;  /* bdf of the SMBus function with a BAR; 0: none */
	uint8_t ide_function;    /* bdf of the IDE controller in compatibility mode; 0: none */
	uint8_t pam;             /* register of 00:00.0: PAM of 0xf0000 */
	bool mmio64_top_quarter; /* addresses above 4 GiB: the last quarter of what the CPU has */
	bool no_smbios;          /* QEMU describes the machine in no form of SMBIOS */
	bool reduced_acpi;       /* with ACPI, the tables say that there are no 8259s */
	enum smm_kind smm;       /* whether or not SMM is on */
};

/*
 * What the firmware runs on.  main() fills it in, part by part in this order, and no later step
 * changes it; acpi_install() alone reads the directory in cfg again where QEMU's files have grown.
 */
struct machine {
	struct cpu cpu;
	struct fw_cfg cfg;
	const struct chipset *chipset;
	struct pci_access pci; /* by chipset_init() */
};

/* ISA interrupts that PIRQA-D (and PIRQE-H) are routed to, as SeaBIOS and QEMU's tables have it. */
extern const uint8_t chipset_pirq_irqs[4];

/* The same as a set: bit n stands for ISA interrupt n. */
uint32_t chipset_pirq_mask(void);

/*
 * Finds the machine's row.  Cost: 2 VM exits; 1 on microvm, which describes itself by a device tree
 * in fw_cfg.  A host bridge that no row names is a panic.
 */
const struct chipset *chipset_probe(const struct fw_cfg *cfg);

/* True when the chipset is as a reset leaves it, or cannot tell.  Cost: 2 VM exits. */
bool chipset_is_reset(const struct chipset *chipset);

/*
 * Programs what the operating system and QEMU's table builder rely on: ECAM, PIRQ routing, ELCR, PM
 * base.  Sets machine->pci, by which all later configuration cycles go.
 * Must run before the first ACPI file is selected (QEMU hw/i386/acpi-build.c,
 * acpi_build_update()), and before pci_init().
 */
void chipset_init(struct machine *machine);

/*
 * The ISA interrupt that a function's pin (0 = INTA#) reaches through a slot of the root bus; the
 * caller has added the slots of the buses below it to the pin.  The machine has irq_wiring.  Pure.
 * PCI-to-PCI Bridge 1.2, "Interrupt Routing"; QEMU hw/i386/pc_piix.c and hw/isa/lpc_ich9.c.
 */
uint8_t chipset_irq(const struct chipset *chipset, uint32_t root_slot, uint32_t pin);

/*
 * Puts RAM at 0xe0000-0xeffff, where the firmware's own data lie, if an operating system has left
 * it read-only: a reset does not change that.  start.S calls it, with neither .data nor .bss.
 * Cost: 2 VM exits, 4 more and rebuilds where there are such registers.
 */
void chipset_open_e_segment(void);

/*
 * Puts RAM, with what it holds, in the place of the ROM at 0xf0000-0xfffff; a machine without such
 * a register has RAM there already.  Cost: 1 or 2 VM exits and a memory-topology rebuild.
 */
void chipset_open_f_segment(const struct machine *machine);

#endif
