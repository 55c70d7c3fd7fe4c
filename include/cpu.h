/*
 * cpu.h - hardware border: CPUID, MSRs, halting.
 *
 * CPUID leaves the guest on every hypervisor, so struct cpu is filled once and passed around.
 */
#ifndef CPU_H
#define CPU_H

#include <stdbool.h>
#include <stdint.h>

/* SDM Vol. 2A, "CPUID": leaf 1 EDX, and leaf 8000_0001h EDX. */
#define CPUID_1_EDX_PSE         (1u << 3)
#define CPUID_1_EDX_TSC         (1u << 4)
#define CPUID_1_EDX_TSC         (1u << 4)
#define CPUID_1_EDX_MSR         (1u << 5)
#define CPUID_1_EDX_PAE         (1u << 6)
#define CPUID_1_EDX_APIC        (1u << 9)
#define CPUID_1_EDX_MTRR        (1u << 12)
#define CPUID_1_EDX_PAT         (1u << 16)
#define CPUID_1_EDX_MMX         (1u << 23)
#define CPUID_1_ECX_X2APIC      (1u << 21)
#define CPUID_1_ECX_HYPERVISOR  (1u << 31)
#define CPUID_81_EDX_PDPE1GB    (1u << 26)
#define CPUID_81_EDX_LM         (1u << 29)

/* What the boot processor can do.  A processor without CPUID has all zeros here. */
struct cpu {
	uint32_t leaf1_eax;             /* signature: family, model, stepping */
	uint32_t leaf1_ebx;             /* initial APIC id in bits 31:24, logical count in 23:16 */
	uint32_t leaf1_ecx;
	uint32_t leaf1_edx;
	uint32_t leaf81_edx;            /* leaf 8000_0001h */
	uint32_t phys_bits;             /* physical address width: 32 to 52 */
	uint64_t start_tsc;             /* when cpu_probe() ran; 0 without a TSC */
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

/* True when EFLAGS.ID can be toggled: the processor has the CPUID instruction. */
static inline bool cpu_has_cpuid(void)
{
	uint32_t before, after;

	__asm__ volatile("pushfl\n\t"
			 "popl %0\n\t"
			 "movl %0, %1\n\t"
			 "xorl $0x200000, %1\n\t"
			 "pushl %1\n\t"
			 "popfl\n\t"
			 "pushfl\n\t"
			 "popl %1\n\t"
			 "pushl %0\n\t"
			 "popfl"
			 : "=&r"(before), "=&r"(after));
	return (before ^ after) & 0x200000;
}

/* Only where struct cpu has CPUID_1_EDX_TSC. */
static inline uint64_t rdtsc(void)
{
	uint64_t value;

	__asm__ volatile("rdtsc" : "=A"(value));
	return value;
}

/* Cost: at most 4 CPUID exits. */
static inline struct cpu cpu_probe(void)
{
	struct cpu cpu = { .phys_bits = 32 };
	struct cpuid leaf;
	uint32_t max_extended;

	if (!cpu_has_cpuid())
		return cpu;
	leaf = cpuid(1, 0);
	cpu.leaf1_eax = leaf.eax;
	cpu.leaf1_ebx = leaf.ebx;
	cpu.leaf1_ecx = leaf.ecx;
	cpu.leaf1_edx = leaf.edx;
	if (cpu.leaf1_edx & CPUID_1_EDX_TSC)
		cpu.start_tsc = rdtsc();
	if (cpu.leaf1_edx & CPUID_1_EDX_PAE)
		cpu.phys_bits = 36;
	/* A processor without extended leaves answers with something else than 8000_xxxxh. */
	max_extended = cpuid(0x80000000, 0).eax;
	if (max_extended >= 0x80000001 && max_extended < 0x80010000)
		cpu.leaf81_edx = cpuid(0x80000001, 0).edx;
	if (max_extended >= 0x80000008 && max_extended < 0x80010000)
		cpu.phys_bits = cpuid(0x80000008, 0).eax & 0xff;
	return cpu;
}

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

/*
 * The sum of size bytes, at least 8, modulo 256: up to eight bytes an instruction.  Only on a
 * processor with MMX (struct cpu); call mmx_done() before anything uses the x87 unit.
 */
static inline uint8_t cpu_sum_bytes_mmx(const void *bytes, uint32_t size)
{
	uint32_t past_rest = 64 - 8 * (size & 7);       /* bits of the last eight bytes before the rest */
	uint32_t blocks = size >> 7;
	uint32_t words = size >> 3 & 15;
	uint32_t sum;

	__asm__ volatile("movq -8(%0,%5), %%mm0\n\t"
			 "movd %4, %%mm1\n\t"
			 "psrlq %%mm1, %%mm0\n\t"
			 "testl %1, %1\n\t"
			 "jz 2f\n"
			 "1:\tpaddb (%0), %%mm0\n\t"
			 "paddb 8(%0), %%mm0\n\t"
			 "paddb 16(%0), %%mm0\n\t"
			 "paddb 24(%0), %%mm0\n\t"
			 "paddb 32(%0), %%mm0\n\t"
			 "paddb 40(%0), %%mm0\n\t"
			 "paddb 48(%0), %%mm0\n\t"
			 "paddb 56(%0), %%mm0\n\t"
			 "paddb 64(%0), %%mm0\n\t"
			 "paddb 72(%0), %%mm0\n\t"
			 "paddb 80(%0), %%mm0\n\t"
			 "paddb 88(%0), %%mm0\n\t"
			 "paddb 96(%0), %%mm0\n\t"
			 "paddb 104(%0), %%mm0\n\t"
			 "paddb 112(%0), %%mm0\n\t"
			 "paddb 120(%0), %%mm0\n\t"
			 "addl $128, %0\n\t"
			 "decl %1\n\t"
			 "jnz 1b\n"
			 "2:\ttestl %2, %2\n\t"
			 "jz 4f\n"
			 "3:\tpaddb -8(%0,%2,8), %%mm0\n\t"
			 "decl %2\n\t"
			 "jnz 3b\n"
			 "4:\tmovq %%mm0, %%mm1\n\t"
			 "psrlq $32, %%mm1\n\t"
			 "paddb %%mm1, %%mm0\n\t"
			 "movd %%mm0, %3"
			 : "+r"(bytes), "+r"(blocks), "+r"(words), "=&r"(sum)
			 : "r"(past_rest), "r"(size) : "memory");
	/* In two lanes, which keep their carries to themselves. */
	sum = (sum & 0x00ff00ff) + (sum >> 8 & 0x00ff00ff);
	return (uint8_t)(sum + (sum >> 16));
}

/* Caches off and empty, and on again: SDM Vol. 3A, "Preventing Caching". */
static inline void cpu_disable_caches(void)
{
	uint32_t cr0;

	__asm__ volatile("movl %%cr0, %0\n\t"
			 "orl $0x40000000, %0\n\t"
			 "movl %0, %%cr0\n\t"
			 "wbinvd"
			 : "=r"(cr0) : : "memory");
}

static inline void cpu_enable_caches(void)
{
	uint32_t cr0;

	__asm__ volatile("wbinvd\n\t"
			 "movl %%cr0, %0\n\t"
			 "andl $~0x60000000, %0\n\t"
			 "movl %0, %%cr0"
			 : "=r"(cr0) : : "memory");
}

static inline void cpu_pause(void)
{
	__asm__ volatile("pause" : : : "memory");
}

/* Stops this processor for good, interrupts off. */
static inline _Noreturn void cpu_stop(void)
{
	for (;;)
		__asm__ volatile("cli\n\thlt");
}

#endif
