/*
 * cpu.c - see cpu.h.
 */
#include "cpu.h"

#define CPUID_EXTENDED 0x80000000u

/* About a second: in ticks of a TSC at 3 GHz, or without one in PAUSEs, which leave the guest. */
#define PATIENCE_TSC    3000000000ull
#define PATIENCE_PAUSES (1u << 23)

/* The highest extended leaf; 0 for a processor without any, which answers with other numbers. */
static uint32_t max_extended_leaf(void)
{
	uint32_t max = cpuid(CPUID_EXTENDED, 0).eax;

	return max - CPUID_EXTENDED < 0x10000 ? max : 0;
}

void cpu_probe(struct cpu *cpu)
{
	uint32_t max_extended;

	*cpu = (struct cpu){ .phys_bits = 32 };
	/* A processor answers with its highest leaf when it is asked for one above that. */
	if (cpuid(0, 0).eax >= 1) {
		struct cpuid leaf = cpuid(1, 0);

		cpu->leaf1_eax = leaf.eax;
		cpu->leaf1_ebx = leaf.ebx;
		cpu->leaf1_ecx = leaf.ecx;
		cpu->leaf1_edx = leaf.edx;
	}
	if (cpu->leaf1_edx & CPUID_1_EDX_TSC)
		cpu->start_tsc = rdtsc();
	if (cpu->leaf1_edx & CPUID_1_EDX_PAE)
		cpu->phys_bits = 36;
	max_extended = max_extended_leaf();
	if (max_extended >= CPUID_EXTENDED + 1)
		cpu->leaf81_edx = cpuid(CPUID_EXTENDED + 1, 0).edx;
	if (max_extended >= CPUID_EXTENDED + 8)
		cpu->phys_bits = cpuid(CPUID_EXTENDED + 8, 0).eax & 0xff;
}

bool cpu_wait(const struct cpu *cpu, const uint32_t *counter, uint32_t number)
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
