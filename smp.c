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

void smp_init(const struct cpu *cpu)
{
	if (!(cpu->leaf1_edx & CPUID_1_EDX_APIC))
		return;
	/* Enabled first: a disabled APIC keeps its local vectors masked. */
	mmio_write32(LAPIC_BASE + LAPIC_SVR, LAPIC_SVR_ENABLE | LAPIC_SPURIOUS_VECTOR);
	mmio_write32(LAPIC_BASE + LAPIC_LVT_LINT0, LAPIC_LVT_EXTINT);
	mmio_write32(LAPIC_BASE + LAPIC_LVT_LINT1, LAPIC_LVT_NMI);
}
