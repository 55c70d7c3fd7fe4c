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
#include "phys.h"
#include "string.h"

/* clang-format off */
#define LAPIC_SVR               0xf0
  #define LAPIC_SVR_ENABLE        (1u << 8)
  #define LAPIC_SPURIOUS_VECTOR   0xff
#define LAPIC_ICR_LOW           0x300   /* the write sends */
  #define LAPIC_ICR_SMI           (2u << 8)
  #define LAPIC_ICR_INIT          (5u << 8)
  #define LAPIC_ICR_STARTUP       (6u << 8)     /* vector: page number of the entry */
  #define LAPIC_ICR_ASSERT        (1u << 14)
  #define LAPIC_ICR_ALL_BUT_SELF  (3u << 18)
#define LAPIC_ICR_HIGH          0x310   /* APIC id in bits 31:24 */
#define LAPIC_LVT_LINT0         0x350
  #define LAPIC_LVT_EXTINT        (7u << 8)
  #define LAPIC_LVT_MASKED        (1u << 16)

#define PIC1_DATA_PORT          0x21    /* interrupt mask, before and after initialisation */
#define PIC2_DATA_PORT          0xa1

/* About a second: of a TSC at 3 GHz; of PAUSEs, which leave the guest, where there is none. */
#define PATIENCE_TSC            3000000000ull
#define PATIENCE_PAUSES         (1u << 23)
/* clang-format on */

#define MAX_NAMED 8 /* processors that a message names */

struct smp_block smp_block __attribute__((section(".noinit")));

static void send(uint32_t command)
{
	mmio_write32(LAPIC_BASE + LAPIC_ICR_LOW,
		     LAPIC_ICR_ALL_BUT_SELF | LAPIC_ICR_ASSERT | command);
}

void smp_add_feature_control(struct smp_block *block, const struct cpu *cpu,
			     const struct fw_cfg *cfg)
{
	struct fw_cfg_item item;
	uint32_t value[2];

	if (!fw_cfg_find(cfg, "etc/msr_feature_control", &item) ||
	    !(cpu->leaf1_edx & CPUID_1_EDX_MSR))
		return;
	fw_cfg_read(cfg, item.selector, value, sizeof(value));
	if (!(rdmsr(IA32_FEATURE_CONTROL) & FEATURE_CONTROL_LOCKED))
		msr_list_add(&block->msrs, IA32_FEATURE_CONTROL, value[0], value[1]);
}

void smp_start(struct smp_block *block, const struct cpu *cpu)
{
	block->arrived = 0;
	block->last = SMP_NOBODY;
	block->turn = 0; /* nobody's yet */
	block->places = SMP_NO_PLACES;
	block->relocated = 0;
	memset(block->present, 0, sizeof(block->present));
	if (block->msrs.count)
		mtrr_program(&block->msrs);
	if (!(cpu->leaf1_edx & CPUID_1_EDX_APIC))
		return;
	mmio_write32(LAPIC_BASE + LAPIC_SVR, LAPIC_SVR_ENABLE | LAPIC_SPURIOUS_VECTOR);
	/* QEMU needs neither the delays between them nor the second SIPI of the MP Specification. */
	send(LAPIC_ICR_INIT);
	send(LAPIC_ICR_STARTUP | AP_ENTRY >> 12);
}

uint32_t smp_count(const struct cpu *cpu, const struct fw_cfg *cfg, uint32_t rsdp_paddr)
{
	uint32_t count = 0;

	if (rsdp_paddr)
		count = acpi_find_processors(rsdp_paddr);
	if (!count && (cpu->leaf1_edx & CPUID_1_EDX_APIC))
		count = fw_cfg_read_u16(cfg, FW_CFG_KEY_CPU_COUNT);
	return count ? count : 1;
}

/* True when the counter, which others increment, reaches the number; false when it stands still. */
static bool wait_for(const uint32_t *counter, uint32_t number, const struct cpu *cpu)
{
	const volatile uint32_t *count = counter;
	bool has_tsc = cpu->leaf1_edx & CPUID_1_EDX_TSC;
	uint32_t seen = *count;
	uint64_t start = has_tsc && seen < number ? rdtsc() : 0;

	for (uint32_t i = 0; *count < number; i++) {
		if (*count != seen) {
			seen = *count;
			start = has_tsc ? rdtsc() : 0;
			i = 0;
		} else if (has_tsc ? rdtsc() - start >= PATIENCE_TSC : i >= PATIENCE_PAUSES) {
			return false;
		}
		cpu_pause();
	}
	return true;
}

static void begin_relocation(struct smp_block *block)
{
	if (block->last > MAX_XAPIC_ID) {
		block->turn = block->last;
		return;
	}
	mmio_write32(LAPIC_BASE + LAPIC_ICR_HIGH, block->last << 24);
	mmio_write32(LAPIC_BASE + LAPIC_ICR_LOW, LAPIC_ICR_ASSERT | LAPIC_ICR_SMI);
}

void smp_relocate(struct smp_block *block)
{
	if (block->places != SMP_NO_PLACES &&
	    __atomic_fetch_add(&block->arrived, 1, __ATOMIC_SEQ_CST) == block->places)
		begin_relocation(block);
}

/* The one missing will not begin any more, nor is there a place for it. */
static void relocate_without(struct smp_block *block, uint32_t present)
{
	block->places = present;
	if (present)
		begin_relocation(block);
}

/* Appends to the text of that length in *text, which has the size of a message. */
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

/* Names those that the MADT has and that did not arrive: all but the boot processor can be. */
static void report_missing(const struct smp_block *block, uint32_t boot_apic_id, uint32_t present,
			   uint32_t cpu_count, uint32_t rsdp_paddr)
{
	char names[CONSOLE_LINE_SIZE];
	uint32_t missing = 0, apic_id;
	size_t length = append(names, 0, "");

	for (uint32_t n = 0; rsdp_paddr && acpi_find_processor(rsdp_paddr, n, &apic_id); n++)
		if (apic_id != boot_apic_id && !has_arrived(block, apic_id) &&
		    missing++ < MAX_NAMED)
			length = append(names, length, "%s%u",
					missing == 1 ? ", not APIC id " : ", ", apic_id);
	if (missing > MAX_NAMED)
		append(names, length, " and %u more", missing - MAX_NAMED);
	log("smp: %u of %u processors answered%s; the others lack MTRRs and feature control",
	    present, cpu_count, names);
}

static void wait_for_others(struct smp_block *block, const struct cpu *cpu, uint32_t cpu_count,
			    uint32_t rsdp_paddr)
{
	bool has_places = block->places != SMP_NO_PLACES;

	if (!wait_for(&block->arrived, cpu_count - 1 + has_places, cpu)) {
		uint32_t present = block->arrived - has_places;

		report_missing(block, cpu->leaf1_ebx >> 24, present + 1, cpu_count, rsdp_paddr);
		if (has_places)
			relocate_without(block, present);
	}
	if (has_places && !wait_for(&block->relocated, block->places, cpu))
		log("smp: %u of %u processors were in SMM; the others have the SMBASE of a reset",
		    block->relocated + 1, block->places + 1);
}

void smp_finish(struct smp_block *block, const struct cpu *cpu, uint32_t cpu_count,
		uint32_t rsdp_paddr)
{
	if (cpu_count > 1 && (cpu->leaf1_edx & CPUID_1_EDX_APIC))
		wait_for_others(block, cpu, cpu_count, rsdp_paddr);
	block->turn = SMP_NOBODY;
}

void smp_virtual_wire(const struct cpu *cpu, const struct chipset *chipset, uint32_t rsdp_paddr)
{
	bool pic = !(chipset->reduced_acpi && rsdp_paddr);

	if (pic) {
		outb(PIC1_DATA_PORT, 0xff);
		outb(PIC2_DATA_PORT, 0xff);
	}
	if (!(cpu->leaf1_edx & CPUID_1_EDX_APIC))
		return;
	/* Enabled first: a disabled APIC keeps its local vectors masked. */
	mmio_write32(LAPIC_BASE + LAPIC_SVR, LAPIC_SVR_ENABLE | LAPIC_SPURIOUS_VECTOR);
	mmio_write32(LAPIC_BASE + LAPIC_LVT_LINT0, pic ? LAPIC_LVT_EXTINT : LAPIC_LVT_MASKED);
}
