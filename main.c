/*
 * main.c - the whole boot, one line per step.
 *
 * start.S enters here once, on the boot processor: 32-bit protected mode, flat segments, paging and
 * interrupts off, caches on, executing in the ROM; .data copied and .bss zero in low RAM that the
 * memory map reports as reserved; STACK_SIZE bytes of stack.  No return.
 *
 * A step takes what it needs as arguments and hands back what later steps need, so the order of the
 * lines is the order of the data.  A comment stands only where arguments cannot show the order.
 */
#include <stdbool.h>
#include <stdnoreturn.h>

#include "acpi.h"
#include "bios.h"
#include "boot.h"
#include "chipset.h"
#include "console.h"
#include "cpu.h"
#include "fpdt.h"
#include "fw_cfg.h"
#include "layout.h"
#include "log_option.h"
#include "marker.h"
#include "mcfg.h"
#include "memmap.h"
#include "mptable.h"
#include "mtrr.h"
#include "pci.h"
#include "piix_acpi.h"
#include "resume.h"
#include "smbios.h"
#include "smm.h"
#include "smp.h"
#include "tpm.h"

noreturn void main(void);

static struct fw_cfg cfg NOINIT;
static struct memmap map NOINIT;
static struct boot_image image NOINIT;
static struct boot_facts facts NOINIT;
static struct pci_decode decode NOINIT;
static struct smm_plan smm NOINIT;
static struct resume resume NOINIT; /* kept from one boot to the next reset */

/* Out of S3: what a reset took away and the operating system does not restore itself. */
static noreturn void wake(const struct chipset *chipset, const struct cpu *cpu)
{
	struct pci_access pci;
	uint32_t cpu_count = smp_count(cpu, &cfg, 0);

	chipset_init(chipset, cpu, &pci);
	smp_start(&smp_block, &resume.msrs, cpu);
	tpm_start(&cfg, TPM_STARTUP_STATE);
	acpi_replay(&cfg, &resume.writes);
	smm_reserve(&smm, chipset, cpu, &map);
	smp_wait(&smp_block, cpu, cpu_count, 0);
	/* Memory was kept for as many as the boot had, not for those plugged in since. */
	if (cpu_count > resume.cpu_count)
		cpu_count = resume.cpu_count;
	smm_init(&smm, &smp_block, &pci, &map, cpu_count, 0);
	resume_jump(&resume, memmap_low_ram_end(&map));
}

noreturn void main(void)
{
	struct cpu cpu;
	struct pci_access pci;

	/* What machine is this, what memory does it have, and what shall it boot? */
	cpu_probe(&cpu);
	fw_cfg_init(&cfg);
	log_option_init(&cfg, &cpu);
	facts.markers = marker_init(&cfg);
	const struct chipset *chipset = chipset_probe(&cfg);
	bool woken = resume_probe(&resume, chipset, &cpu);
	memmap_init(&map, &cfg, chipset->ranges, chipset->range_count);
	if (woken)
		wake(chipset, &cpu);
	console_step("chipset: the machine is a %s", chipset->name);
	console_step("memmap: RAM below 4 GiB ends at 0x%x", memmap_low_ram_end(&map));
	boot_probe(&image, &cfg, &cpu, &map);
	console_step("boot: the kernel has been found");

	/*
	 * Platform.  Memory for SMM first: its places are fixed.  The other processors are started
	 * as soon as it is known what they shall do, and waited for when their number is known.
	 */
	chipset_init(chipset, &cpu, &pci);
	log_option_time(&cpu, chipset->pm_function);
	smm_reserve(&smm, chipset, &cpu, &map);
	decode.all = image.wants_decoding;
	struct pci_layout layout = pci_init(chipset, &cpu, &cfg, &map, &pci, &decode);
	console_step("pci: devices have addresses from 0x%llx on, buses up to %u",
		     (unsigned long long)layout.mmio_base, (unsigned int)layout.last_bus);
	mtrr_init(&resume.msrs, &cpu, &map, layout.mmio_base);
	smp_plan_feature_control(&resume.msrs, &cpu, &cfg);
	smp_start(&smp_block, &resume.msrs, &cpu);
	tpm_start(&cfg, TPM_STARTUP_CLEAR);

	/* Tables.  After PCI: QEMU builds the ACPI files when the first is selected, from the
	 * registers it sees then (hw/i386/acpi-build.c, acpi_build_update()). */
	uint32_t rsdp_paddr = acpi_install(&cfg, &map, &resume.writes);
	pci_tables_built(&decode, &pci);
	mcfg_limit_buses(&cfg, rsdp_paddr, layout.last_bus);
	uint32_t cpu_count = smp_count(&cpu, &cfg, rsdp_paddr);
	console_step("acpi: the RSDP is at 0x%x, processors: %u", rsdp_paddr, cpu_count);
	smp_wait(&smp_block, &cpu, cpu_count, rsdp_paddr);
	smm_init(&smm, &smp_block, &pci, &map, cpu_count, rsdp_paddr);
	if (!rsdp_paddr)
		rsdp_paddr =
			piix_acpi_install(&cfg, &map, chipset, &pci, layout.mmio_base, cpu_count);
	fpdt_install(&facts.fpdt, &cfg, &map, chipset, &cpu, rsdp_paddr);
	smbios_install(&facts.smbios, &cfg, &map, chipset, &pci);
	mptable_install(&cfg, &map, chipset, &cpu, cpu_count, rsdp_paddr);
	bios_install(&map);
	smp_virtual_wire(&cpu, chipset, rsdp_paddr);
	resume_arm(&resume, chipset, smm.can_wake && !image.elf_in_ram, cpu_count, rsdp_paddr);
	console_step("smp: the other processors are ready, and all tables");
	facts.rsdp_paddr = rsdp_paddr;
	fpdt_mark_load(&facts.fpdt);
	marker_write(facts.markers, MARKER_DO_BOOT);
	boot(&image, &cfg, &cpu, &map, &facts);
}
