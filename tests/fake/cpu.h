/*
 * cpu.h - the hardware border of include/cpu.h, over the modelled processor of fake.h.
 *
 * Constants and structures are the real header's.  Its functions get another name, under which
 * nobody calls them: a new one there wants a line in each of the three groups here.
 */
#ifndef FAKE_CPU_H
#define FAKE_CPU_H

#define cpuid(...)              hardware_cpuid(__VA_ARGS__)
#define rdmsr(...)              hardware_rdmsr(__VA_ARGS__)
#define wrmsr(...)              hardware_wrmsr(__VA_ARGS__)
#define rdtsc(...)              hardware_rdtsc(__VA_ARGS__)
#define cpu_disable_caches(...) hardware_disable_caches(__VA_ARGS__)
#define cpu_enable_caches(...)  hardware_enable_caches(__VA_ARGS__)
#define cpu_pause(...)          hardware_cpu_pause(__VA_ARGS__)
#define cpu_reset(...)          hardware_cpu_reset(__VA_ARGS__)
#define cpu_stop(...)           hardware_cpu_stop(__VA_ARGS__)

#include "../../include/cpu.h"

#undef cpuid
#undef rdmsr
#undef wrmsr
#undef rdtsc
#undef cpu_disable_caches
#undef cpu_enable_caches
#undef cpu_pause
#undef cpu_reset
#undef cpu_stop

struct cpuid cpuid(uint32_t leaf, uint32_t subleaf);
uint64_t rdmsr(uint32_t msr);
void wrmsr(uint32_t msr, uint64_t value);
uint64_t rdtsc(void);
void cpu_disable_caches(void);
void cpu_enable_caches(void);
void cpu_pause(void);
_Noreturn void cpu_reset(void);
_Noreturn void cpu_stop(void);

#endif
