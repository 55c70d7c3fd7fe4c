/*
 * smp.c - see smp.h.
 */
#include "smp.h"

#include "io.h"
#include "layout.h"

#define LAPIC_SVR               0xf0
  #define LAPIC_SVR_ENABLE        (1u << 8)
  #define LAPIC_SPURIOUS_VECTOR   0xff
#define LAPIC_LVT_LINT0         0x350
#define LAPIC_LVT_LINT1         0x360
  #define LAPIC_LVT_NMI           (4u << 8)
  #define LAPIC_LVT_EXTINT        (7u << 8)
  #define LAPIC_LVT_MASKED        (1u << 16)

#define PIC1_DATA_PORT          0x21    /* interrupt mask, before and after initialisation */
#define PIC2_DATA_PORT          0xa1

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
	mmio_write32(LAPIC_BASE + LAPIC_LVT_LINT1, LAPIC_LVT_NMI);
}
