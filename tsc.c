/*
 * tsc.c - see tsc.h.
 */
#include "tsc.h"

#include "divide.h"
#include "io.h"
#include "layout.h"

/* CPUID leaves with the TSC's rate.  SDM Vol. 2A, and VMware's "CPUID bits" as KVM has them. */
#define CPUID_TSC               0x15       /* EBX / EAX times ECX Hz */
#define CPUID_HYPERVISOR_TIMING 0x40000010 /* EAX: kHz */

#define PM_TIMER_MS       3580
#define PM_TIMER_MAX      2000000 /* half a second: more, and the host had other work */
#define PM_TIMER_PATIENCE 1000000 /* reads; of a timer that stands still all are the same */
#define ATTEMPTS          3

/* Cost: one VM exit a read, for a millisecond. */
static uint32_t measure_khz(void)
{
	uint32_t start = inl(PM_TIMER_PORT);
	uint64_t tsc_start = rdtsc();
	uint64_t tsc = 0;
	uint32_t ticks = 0;

	if (start > PM_TIMER_MASK)
		return 0; /* there is no timer: a pc with acpi=off */
	/* Both clocks are read each time, so that no code runs between the two for the first time:
	 * QEMU translates it then, which takes 1 % of the millisecond. */
	for (uint32_t i = 0; ticks < PM_TIMER_MS && i < PM_TIMER_PATIENCE; i++) {
		ticks = (inl(PM_TIMER_PORT) - start) & PM_TIMER_MASK;
		tsc = rdtsc() - tsc_start;
	}
	if (ticks < PM_TIMER_MS || ticks > PM_TIMER_MAX || tsc >> 32)
		return 0;
	return divide_clamped((uint64_t)(uint32_t)tsc * PM_TIMER_HZ, ticks * 1000);
}

uint32_t tsc_khz(const struct cpu *cpu, bool has_pm_timer)
{
	struct cpuid leaf;

	if (cpuid(0, 0).eax >= CPUID_TSC) {
		leaf = cpuid(CPUID_TSC, 0);
		if (leaf.eax && leaf.ebx && leaf.ecx && leaf.eax >> 21 == 0)
			return divide_clamped((uint64_t)leaf.ecx * leaf.ebx, leaf.eax * 1000);
	}
	if ((cpu->leaf1_ecx & CPUID_1_ECX_HYPERVISOR) &&
	    cpuid(CPUID_HYPERVISOR, 0).eax >= CPUID_HYPERVISOR_TIMING) {
		leaf = cpuid(CPUID_HYPERVISOR_TIMING, 0);
		if (leaf.eax)
			return leaf.eax;
	}
	for (uint32_t i = 0; has_pm_timer && i < ATTEMPTS; i++) {
		uint32_t khz = measure_khz();

		if (khz)
			return khz;
	}
	return 0;
}
