/*
 * smp.c - see smp.h.
 */
#include "smp.h"

#include <stdarg.h>

#include "acpi_find.h"
#include "console.h"
#include "format.h"
#include "io.h"
#include "layout.h"
#include "mtrr.h"
#include "phys.h"
#include "spec/lapic.h"
#include "spec/msr.h"

#define PIC1_DATA_PORT 0x21 /* interrupt mask, before and after initialisation */
#define PIC2_DATA_PORT 0xa1

#define MAX_NAMED 8 /* processors that a message names */

struct smp_block smp_block;

static void send(uint32_t command)
{
	mmio_write32(LAPIC_BASE + LAPIC_ICR_LOW,
		     LAPIC_ICR_ALL_BUT_SELF | LAPIC_ICR_ASSERT | command);
}

void smp_probe_msrs(struct msr_list *msrs, const struct machine *machine, const struct memmap *map,
		    uint32_t hole_base)
{
	const struct cpu *cpu = &machine->cpu;
	uint32_t value[2];

	msrs->count = 0;
	if (!(cpu->leaf1_edx & CPUID_1_EDX_MSR))
		return;
	if (cpu->leaf1_edx & CPUID_1_EDX_MTRR)
		mtrr_plan(msrs, (uint32_t)rdmsr(IA32_MTRRCAP), cpu->phys_bits,
			  memmap_low_ram_end(map), hole_base);
	if (fw_cfg_read_file(&machine->cfg, "etc/msr_feature_control", value, sizeof(value)) &&
	    !(rdmsr(IA32_FEATURE_CONTROL) & FEATURE_CONTROL_LOCKED))
		msr_list_add(msrs, IA32_FEATURE_CONTROL, value[0], value[1]);
}

void smp_start(struct smp_block *block, const struct msr_list *msrs, const struct cpu *cpu)
{
	block->msrs_paddr = phys_addr(msrs);
	msr_list_program(msrs);
	if (!(cpu->leaf1_edx & CPUID_1_EDX_APIC))
		return;
	mmio_write32(LAPIC_BASE + LAPIC_SVR, LAPIC_SVR_ENABLE | LAPIC_SPURIOUS_VECTOR);
	/* QEMU needs neither the MP Specification's delays between them nor its second SIPI. */
	send(LAPIC_ICR_INIT);
	send(LAPIC_ICR_STARTUP | AP_ENTRY >> 12);
}

uint32_t smp_count(const struct machine *machine, uint32_t rsdp_paddr)
{
	uint32_t count = acpi_find_processors(rsdp_paddr);

	if (!count && (machine->cpu.leaf1_edx & CPUID_1_EDX_APIC))
		count = fw_cfg_read_u32(&machine->cfg, FW_CFG_KEY_CPU_COUNT);
	return count ? count : 1;
}

/* Appends to a text of that length, in CONSOLE_LINE_SIZE bytes; returns the new length. */
static size_t append(char *text, size_t length, const char *message, ...)
{
	va_list args;

	va_start(args, message);
	length += format(text + length, CONSOLE_LINE_SIZE - length, message, args);
	va_end(args);
	return length;
}

static bool has_arrived(const struct smp_block *block, uint32_t apic_id)
{
	return apic_id >= SMP_NAMED_IDS || block->present[apic_id / 32] >> apic_id % 32 & 1;
}

/* Names the processors of the MADT that did not arrive.  The boot processor is no such one. */
static void report_missing(const struct smp_block *block, uint32_t boot_apic_id, uint32_t present,
			   uint32_t cpu_count, uint32_t rsdp_paddr)
{
	char names[CONSOLE_LINE_SIZE];
	const struct acpi_header *madt = acpi_find_table(rsdp_paddr, "APIC");
	uint32_t offset = ACPI_MADT_ENTRIES;
	uint32_t missing = 0, apic_id;
	size_t length = append(names, 0, "");

	while (madt && acpi_next_processor(madt, &offset, &apic_id))
		if (apic_id != boot_apic_id && !has_arrived(block, apic_id) &&
		    missing++ < MAX_NAMED)
			length = append(names, length, "%s%u",
					missing == 1 ? ", not APIC id " : ", ", apic_id);
	if (missing > MAX_NAMED)
		append(names, length, " and %u more", missing - MAX_NAMED);
	console_log(
		"smp: %u of %u processors answered%s; the others lack MTRRs and feature control",
		present, cpu_count, names);
}

void smp_wait(struct smp_block *block, const struct cpu *cpu, uint32_t cpu_count,
	      uint32_t rsdp_paddr)
{
	block->missing = cpu_count > 1 && (cpu->leaf1_edx & CPUID_1_EDX_APIC) &&
			 !cpu_wait(cpu, &block->arrived, cpu_count - 1);
	if (block->missing)
		report_missing(block, cpu->leaf1_ebx >> 24, block->arrived + 1, cpu_count,
			       rsdp_paddr);
}

void smp_virtual_wire(const struct machine *machine, uint32_t rsdp_paddr)
{
	bool pic = !(machine->chipset->reduced_acpi && rsdp_paddr);

	if (pic) {
		outb(PIC1_DATA_PORT, 0xff);
		outb(PIC2_DATA_PORT, 0xff);
	}
	if (!(machine->cpu.leaf1_edx & CPUID_1_EDX_APIC))
		return;
	/* Enabled first: a disabled APIC keeps its local vectors masked. */
	mmio_write32(LAPIC_BASE + LAPIC_SVR, LAPIC_SVR_ENABLE | LAPIC_SPURIOUS_VECTOR);
	mmio_write32(LAPIC_BASE + LAPIC_LVT_LINT0, pic ? LAPIC_LVT_EXTINT : LAPIC_LVT_MASKED);
}
