/*
 * cpu.c - the modelled processor.
 */
#include "fake.h"

#include "bios.h"
#include "handoff.h"

/* boot/bios_call.S */
const uint32_t bios_call_vector = 0xf000e123;

void fake_cpuid_set(uint32_t leaf, uint32_t subleaf, struct cpuid regs)
{
	uint32_t i;

	for (i = 0; i < fake.cpuid_count; i++)
		if (fake.cpuid[i].leaf == leaf && fake.cpuid[i].subleaf == subleaf)
			break;
	if (i == FAKE_MAX_CPUID)
		fake_fail("fake: more than %u CPUID leaves", FAKE_MAX_CPUID);
	if (i == fake.cpuid_count)
		fake.cpuid_count++;
	fake.cpuid[i].leaf = leaf;
	fake.cpuid[i].subleaf = subleaf;
	fake.cpuid[i].regs = regs;
}

struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
	fake_note(FAKE_CPUID, leaf, 4, subleaf);
	for (uint32_t i = 0; i < fake.cpuid_count; i++)
		if (fake.cpuid[i].leaf == leaf && fake.cpuid[i].subleaf == subleaf)
			return fake.cpuid[i].regs;
	return (struct cpuid){ 0, 0, 0, 0 };
}

static uint64_t *find_msr(uint32_t index)
{
	for (uint32_t i = 0; i < fake.msr_count; i++)
		if (fake.msrs[i].index == index)
			return &fake.msrs[i].value;
	return NULL;
}

void fake_msr_set(uint32_t index, uint64_t value)
{
	if (!find_msr(index)) {
		if (fake.msr_count == FAKE_MAX_MSRS)
			fake_fail("fake: more than %u MSRs", FAKE_MAX_MSRS);
		fake.msrs[fake.msr_count++].index = index;
	}
	*find_msr(index) = value;
}

uint64_t fake_msr_get(uint32_t index)
{
	if (!find_msr(index))
		fake_fail("fake: MSR 0x%x does not exist, a real processor would fault", index);
	return *find_msr(index);
}

uint64_t rdmsr(uint32_t msr)
{
	fake_note(FAKE_RDMSR, msr, 8, fake_msr_get(msr));
	return fake_msr_get(msr);
}

void wrmsr(uint32_t msr, uint64_t value)
{
	fake_note(FAKE_WRMSR, msr, fake.caches_off ? 0 : 8, value);
	fake_msr_get(msr);
	fake_msr_set(msr, value);
}

uint64_t rdtsc(void)
{
	return fake.tsc += 1u << 20;
}

void cpu_disable_caches(void)
{
	if (fake.caches_off)
		fake_fail("fake: the caches are off already");
	fake.caches_off = true;
}

void cpu_enable_caches(void)
{
	if (!fake.caches_off)
		fake_fail("fake: the caches are on already");
	fake.caches_off = false;
	fake.cache_flushes++;
}

void cpu_pause(void)
{
	if (++fake.pauses > 100000000)
		fake_fail("fake: the firmware waits for ever");
	if (fake.on_pause)
		fake.on_pause();
}

void cpu_reset(void)
{
	fake_leave(FAKE_RESET);
}

void cpu_stop(void)
{
	fake_leave(FAKE_STOPPED);
}

/* smi.S: of the second only the address counts here. */
const char smi_jump[] = { 0x66, (char)0xea, 0, 1, 0, 0, 0, (char)0xea }, smi_relocated[16];

void handoff32(uint32_t entry, uint32_t eax, uint32_t ebx, uint32_t esi)
{
	fake.handoff = (struct fake_handoff){ .entry = entry, .eax = eax, .ebx = ebx, .esi = esi };
	fake_leave(FAKE_HANDOFF);
}

void handoff16(uint32_t paddr)
{
	fake.handoff = (struct fake_handoff){ .real_mode = true, .entry = paddr };
	fake_leave(FAKE_HANDOFF);
}

void handoff64(uint32_t entry, uint32_t rsi, uint32_t pml4_paddr)
{
	fake.handoff = (struct fake_handoff){
		.long_mode = true, .entry = entry, .esi = rsi, .cr3 = pml4_paddr
	};
	fake_leave(FAKE_HANDOFF);
}
