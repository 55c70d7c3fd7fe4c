/*
 * cpu.h - hardware border: CPUID, MSRs, halting.
 *
 * CPUID leaves the guest on every hypervisor, so struct cpu is filled once and passed around.
 */
#ifndef CPU_H
#define CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "spec/msr.h"

/* SDM Vol. 2A, "CPUID": leaf 1 EDX, and leaf 8000_0001h EDX. */
/* clang-format off */
#define CPUID_1_EDX_TSC         (1u << 4)
#define CPUID_1_EDX_MSR         (1u << 5)
#define CPUID_1_EDX_PAE         (1u << 6)
#define CPUID_1_EDX_APIC        (1u << 9)
#define CPUID_1_EDX_MTRR        (1u << 12)
#define CPUID_1_EDX_MMX         (1u << 23)
#define CPUID_1_ECX_HYPERVISOR  (1u << 31)
#define CPUID_81_EDX_PDPE1GB    (1u << 26)
#define CPUID_81_EDX_LM         (1u << 29)

#define CPUID_HYPERVISOR        0x40000000u     /* EAX: the highest leaf that the hypervisor has */
/* clang-format on */

/* What the boot processor can do.  All processors of QEMU have CPUID, the 486 too. */
struct cpu {
	uint32_t leaf1_eax; /* signature: family, model, stepping */
	uint32_t leaf1_ebx; /* initial APIC id in bits 31:24, logical count in 23:16 */
	uint32_t leaf1_ecx;
	uint32_t leaf1_edx;
	uint32_t leaf81_edx; /* leaf 8000_0001h */
	uint32_t phys_bits;  /* physical address width: 32 to 52 */
	uint64_t start_tsc;  /* when cpu_probe() ran; 0 without a TSC */
};

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid regs;

	__asm__ volatile("cpuid"
			 : "=a"(regs.eax), "=b"(regs.ebx), "=c"(regs.ecx), "=d"(regs.edx)
			 : "a"(leaf), "c"(subleaf));
	return regs;
}

/* Only where struct cpu has CPUID_1_EDX_TSC. */
static inline uint64_t rdtsc(void)
{
	uint64_t value;

	__asm__ volatile("rdtsc" : "=A"(value));
	return value;
}

/*
 * Fills *cpu in for the processor that it runs on: the boot processor.  No leaf is asked for but
 * those that the processor says it has.  Cost: at most 5 CPUID exits, which KVM serves itself.
 */
void cpu_probe(struct cpu *cpu);

/*
 * True when other processors have brought the counter to the number; false when it stands still for
 * about a second.
 */
bool cpu_wait(const struct cpu *cpu, const uint32_t *counter, uint32_t number);

/* Only where struct cpu has CPUID_1_EDX_MSR; an MSR that does not exist faults. */
static inline uint64_t rdmsr(uint32_t msr)
{
	uint64_t value;

	__asm__ volatile("rdmsr" : "=A"(value) : "c"(msr));
	return value;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "A"(value) : "memory");
}

/* Caches off and empty, and on again: SDM Vol. 3A, "Preventing Caching". */
static inline void cpu_disable_caches(void)
{
	unsigned long cr0;

	__asm__ volatile("mov %%cr0, %0\n\t"
			 "or %1, %0\n\t"
			 "mov %0, %%cr0\n\t"
			 "wbinvd"
			 : "=&r"(cr0)
			 : "i"(CR0_CD)
			 : "memory");
}

static inline void cpu_enable_caches(void)
{
	unsigned long cr0;

	__asm__ volatile("wbinvd\n\t"
			 "mov %%cr0, %0\n\t"
			 "and %1, %0\n\t"
			 "mov %0, %%cr0"
			 : "=&r"(cr0)
			 : "i"(~(CR0_CD | CR0_NW))
			 : "memory");
}

static inline void cpu_pause(void)
{
	__asm__ volatile("pause" : : : "memory");
}

/* Resets the machine: a triple fault, which every machine of QEMU's takes for that. */
static inline _Noreturn void cpu_reset(void)
{
	static const struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) no_vectors;

	__asm__ volatile("lidt %0\n\t"
			 "int3"
			 :
			 : "m"(no_vectors));
	__builtin_unreachable();
}

/* Stops this processor for good, interrupts off. */
static inline _Noreturn void cpu_stop(void)
{
	for (;;)
		__asm__ volatile("cli\n\thlt");
}

#endif
