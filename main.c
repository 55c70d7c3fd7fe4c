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
#include "fpdt.h"
#include "layout.h"
#include "log_option.h"
#include "marker.h"
#include "mcfg.h"
#include "memmap.h"
#include "mptable.h"
#include "pci.h"
#include "piix_acpi.h"
#include "resume.h"
#include "smbios.h"
#include "smm.h"
#include "smp.h"
#include "tpm.h"

noreturn void main(void);

static struct machine machine;
static struct memmap map;
static struct boot_image image;
static struct smm_plan smm;
static struct msr_list msrs;
static struct acpi_writes writes;

/* The record of the last boot.  It survives a reset: start.S clears .bss, but not this section. */
static struct resume resume __attribute__((section(".noinit")));

/* Wakes from S3: does again what the reset undid and the operating system does not do itself. */
static noreturn void wake(void)
{
	uint32_t cpu_count = smp_count(&machine, 0);

	chipset_init(&machine);
	smp_probe_msrs(&msrs, &machine, &map, resume.hole_base);
	smp_start(&smp_block, &msrs, &machine.cpu);
	tpm_start(&machine.cfg, TPM_STARTUP_STATE);
	acpi_replay(&machine.cfg, &resume.writes);
	smm_reserve(&smm, &machine, &map);
	smp_wait(&smp_block, &machine.cpu, cpu_count, 0);
	/* The boot kept memory for its own processors, not for those plugged in since. */
	if (cpu_count > resume.cpu_count)
		cpu_count = resume.cpu_count;
	smm_init(&smm, &smp_block, &map, cpu_count, 0);
	smp_virtual_wire(&machine, 0);
	resume_jump(&resume, memmap_low_ram_end(&map));
}

noreturn void main(void)
{
	/* What machine is this, what memory does it have, and what shall it boot? */
	cpu_probe(&machine.cpu);
	fw_cfg_init(&machine.cfg);
	log_option_init(&machine.cfg, &machine.cpu);
	bool markers = marker_init(&machine.cfg);
	machine.chipset = chipset_probe(&machine.cfg);
	bool woken = resume_probe(&resume, &machine);
	memmap_init(&map, &machine.cfg, machine.chipset->ranges, machine.chipset->range_count);
	if (woken)
		wake();
	console_step("chipset: the machine is a %s", machine.chipset->name);
	console_step("memmap: RAM below 4 GiB ends at 0x%x", memmap_low_ram_end(&map));
	boot_probe(&image, &machine, &map);
	console_step("boot: the kernel has been found");

	/*
	 * The platform.  Memory for SMM is first, for its places are fixed.  The other processors
	 * are started as soon as their MSRs are known, and waited for when their number is.
	 */
	chipset_init(&machine);
	log_option_time(&machine.cpu, machine.chipset->pm_function);
	smm_reserve(&smm, &machine, &map);
	struct pci_layout layout = pci_init(&machine, &map, image.wants_decoding);
	console_step("pci: devices have addresses from 0x%llx on, buses up to %u",
		     (unsigned long long)layout.mmio_base, (unsigned int)layout.last_bus);
	smp_probe_msrs(&msrs, &machine, &map, layout.mmio_base);
	smp_start(&smp_block, &msrs, &machine.cpu);
	tpm_start(&machine.cfg, TPM_STARTUP_CLEAR);

	/* The tables come after PCI: QEMU builds the ACPI files when the first of them is selected,
	 * from the registers that it sees then (hw/i386/acpi-build.c, acpi_build_update()). */
	uint32_t rsdp_paddr = acpi_install(&machine.cfg, &map, &writes);
	pci_tables_built(&layout, &machine.pci);
	mcfg_limit_buses(&machine.cfg, rsdp_paddr, layout.last_bus);
	uint32_t cpu_count = smp_count(&machine, rsdp_paddr);
	console_step("acpi: the RSDP is at 0x%x, processors: %u", rsdp_paddr, cpu_count);
	smp_wait(&smp_block, &machine.cpu, cpu_count, rsdp_paddr);
	smm_init(&smm, &smp_block, &map, cpu_count, rsdp_paddr);
	if (!rsdp_paddr)
		rsdp_paddr = piix_acpi_install(&machine, &smp_block, &map, &layout, cpu_count);
	struct fpdt fpdt = fpdt_install(&machine, &map, rsdp_paddr);
	struct smbios_table smbios = smbios_install(&machine, &map);
	mptable_install(&machine, &smp_block, &map, cpu_count, rsdp_paddr);
	bios_install(&map);
	smp_virtual_wire(&machine, rsdp_paddr);
	enum resume_system system = image.elf_in_ram ? RESUME_RELOADED :
				    smm.can_wake     ? RESUME_WHOLE :
						       RESUME_UNDER_SMRAM;
	resume_arm(&resume, system, &writes, layout.mmio_base, cpu_count, rsdp_paddr);
	console_step("smp: the other processors are ready, and all tables");

	const struct boot_facts facts = { rsdp_paddr, smbios, fpdt, markers };
	fpdt_mark_load(&fpdt);
	marker_write(markers, MARKER_DO_BOOT);
	boot(&image, &machine, &map, &facts);
}
