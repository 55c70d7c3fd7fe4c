/*
 * cpu.c - every processor: memory types, feature control, SMM.
 *
 * The boot processor's are always looked at.  Words of the command line:
 *
 *   cpu.nmi            the others' too, without an INIT, which under TCG would clear what is to be
 *                      seen: an NMI takes them out of the firmware's HLT to cpu_ap.S
 *   cpu.init           the same by INIT and SIPI: under KVM nothing is lost by it
 *   cpu.storm          NMIs to all others, which must bear them and then answer to INIT and SIPI
 *   cpu.smm            the machine has SMM: SMIs must be served from SMRAM, by each processor asked
 *   cpu.feature=N      what IA32_FEATURE_CONTROL must be
 */
#include "guest.h"
#include "io.h"

/* clang-format off */
#define MAX_CPUS                288
#define MAX_MSRS                48

#define MTRR_CAP                0xfe
#define MTRR_DEF_TYPE           0x2ff
#define SMI_COUNT               0x34
#define FEATURE_CONTROL         0x3a
#define DEF_TYPE_ON             0xc06u          /* ranges and fixed ranges on, write-back */

#define ICR_LOW                 (LAPIC_BASE + 0x300)
#define ICR_HIGH                (LAPIC_BASE + 0x310)
  #define ICR_SMI                 0x4200u
  #define ICR_OTHERS              0xc4000u
  #define ICR_NMI                 0x400u
  #define ICR_INIT                0x500u
  #define ICR_STARTUP             0x600u

#define MAX_XAPIC_ID            254
#define APIC_BASE               0x1b
  #define X2APIC_ENABLE           (1u << 10)
#define X2APIC_ICR              0x830

#define FIRMWARE_DATA           0xea000u        /* where its APs' IDT is */
#define FIRMWARE_DATA_END       0xf0000u
#define FIRMWARE_CODE32         0x10
#define GATE32                  0x8e00
#define TRAMPOLINE              0x2000u

#define APM_CNT                 0xb2
#define SMBASE_DEFAULT          0x30000u        /* of a reset */
#define SMBASE_ENTRY            0x8000u
#define SMRAM_DEFAULT           0x30000u
#define ECAM                    0xb0000000u
#define SMRAM_DEFAULT_END       0x50000u
#define TRAPPED                 0x54524150u
#define PATIENCE                200000000u
#define SMI_PATIENCE            20000000u
#define STORM                   100
/* clang-format on */

extern char ap_nmi[], ap_real[], ap_real_end[], ap_real_gdtr[];
void ap_main(uint32_t index);
void ap_woken(uint32_t index);

uint32_t ap_next; /* cpu_ap.S takes a number from it */
static struct {
	uint32_t apic_id;
	uint32_t different; /* MSRs that are not the boot processor's */
	uint32_t first_msr;
	uint64_t first_value;
	volatile uint32_t smis; /* that led back here */
} others[MAX_CPUS];
static volatile uint32_t others_done;
static struct {
	uint32_t msr;
	uint64_t value;
} msrs[MAX_MSRS];
static uint32_t msr_count;
static volatile uint32_t trapped;

static uint64_t rdmsr(uint32_t msr)
{
	uint64_t value;

	__asm__ volatile("rdmsr" : "=A"(value) : "c"(msr));
	return value;
}

static void wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" : : "A"(value), "c"(msr));
}

static void mmio_write32(uint32_t paddr, uint32_t value)
{
	*(volatile uint32_t *)(uintptr_t)paddr = value;
}

static void remember(uint32_t msr)
{
	msrs[msr_count].msr = msr;
	msrs[msr_count++].value = rdmsr(msr);
}

static uint32_t apic_id(void)
{
	struct cpuid topology = cpuid(0x0b);

	if (cpuid(0).eax >= 0x0b && topology.ebx)
		return topology.edx;
	return mmio_read32(LAPIC_BASE + LAPIC_ID) >> 24;
}

/* There is no way back but a reset; the registers in memory are gone. */
static void switch_to_x2apic(void)
{
	wrmsr(APIC_BASE, rdmsr(APIC_BASE) | X2APIC_ENABLE);
}

static void wake_by_init(void);
static bool plugged;

void ap_main(uint32_t index)
{
	if (plugged)
		outb(APM_CNT, 0x55);
	else if (index < MAX_CPUS) {
		others[index].apic_id = apic_id();
		for (uint32_t i = 0; i < msr_count; i++) {
			uint64_t value = rdmsr(msrs[i].msr);

			if (value == msrs[i].value)
				continue;
			if (!others[index].different++) {
				others[index].first_msr = msrs[i].msr;
				others[index].first_value = value;
			}
		}
		/* Else nobody can send it an SMI. */
		if (others[index].apic_id > MAX_XAPIC_ID)
			switch_to_x2apic();
	}
	__atomic_fetch_add(&others_done, 1, __ATOMIC_SEQ_CST);
}

/* An SMI ends a HLT, and its handler leads back to here or nowhere. */
void ap_woken(uint32_t index)
{
	if (index < MAX_CPUS)
		others[index].smis++;
}

bool cpu_start_plugged(void)
{
	uint32_t before = others_done;

	plugged = true;
	wake_by_init();
	for (uint32_t i = 0; i < PATIENCE && others_done == before; i++)
		__asm__ volatile("pause");
	return others_done != before;
}

static uint64_t msr_of(uint32_t msr)
{
	for (uint32_t i = 0; i < msr_count; i++)
		if (msrs[i].msr == msr)
			return msrs[i].value;
	return ~0ull;
}

/* True when paddr is uncacheable by a variable range. */
static bool uncached(uint64_t paddr, uint32_t ranges)
{
	for (uint32_t i = 0; i < ranges; i++) {
		uint64_t mask = msr_of(0x201 + 2 * i) & ~0xfffull;

		if ((msr_of(0x201 + 2 * i) & 0x800) &&
		    (paddr & mask) == (msr_of(0x200 + 2 * i) & mask))
			return true;
	}
	return false;
}

static uint32_t physical_bits(void)
{
	if (cpuid(0x80000000).eax >= 0x80000008)
		return cpuid(0x80000008).eax & 0xff;
	return cpuid(1).edx & (1 << 6) ? 36 : 32;
}

static void check_mtrrs(void)
{
	uint32_t ranges = rdmsr(MTRR_CAP) & 0xff;
	uint32_t ram = 0, hole = 0, aliases = 0;
	uint64_t ram_end = 0;

	remember(MTRR_DEF_TYPE);
	for (uint32_t i = 0; i < 2 * ranges && i < 20; i++)
		remember(0x200 + i);
	remember(0x250);
	remember(0x258);
	remember(0x259);
	for (uint32_t i = 0; i < 8; i++)
		remember(0x268 + i);
	check_equal("mtrr.def_type", DEF_TYPE_ON, msr_of(MTRR_DEF_TYPE));
	check_equal("mtrr.00000", 0x0606060606060606, msr_of(0x250));
	check_equal("mtrr.80000", 0x0606060606060606, msr_of(0x258));
	check_equal("mtrr.a0000", 0, msr_of(0x259));
	for (uint32_t i = 0; i < 8; i++) /* of 32 KiB: option ROMs, the firmware's RAM, the ROM */
		check_equal("mtrr.c0000-fffff",
			    i == 4 || i == 5 ? 0x0606060606060606 : 0x0505050505050505,
			    msr_of(0x268 + i));

	for (uint32_t i = 0; i < handoff.map_count; i++) {
		const struct map_entry *entry = &handoff.map[i];

		if (entry->type != MAP_RAM)
			continue;
		if (entry->end <= GIB4 && entry->end > ram_end)
			ram_end = entry->end;
		/* Above 4 GiB in larger steps: there may be a TiB of it. */
		for (uint64_t p = entry->base; p < entry->end; p += p < GIB4 ? 64 * KIB : GIB4 / 4)
			ram += uncached(p, ranges);
		ram += uncached(entry->end - 1, ranges);
	}
	check_equal("mtrr.ram-uncached", 0, ram);
	/*
	 * Eight ranges cover any hole that starts at a multiple of 4 MiB in the last GiB, not of
	 * less.
	 */
	ram_end = (ram_end + 4 * MIB - 1) & ~(uint64_t)(4 * MIB - 1);
	for (uint64_t p = ram_end > 0xc0000000 ? ram_end : 0xc0000000; p < GIB4; p += 64 * KIB)
		hole += !uncached(p, ranges);
	check_equal("mtrr.hole-cached", 0, hole);
	check(!uncached(GIB4, ranges), "mtrr.above-4g", "write-back", "%x", uncached(GIB4, ranges));
	/* A mask that lacks an address bit covers what is at that distance, too. */
	for (uint32_t bit = 32; bit < physical_bits(); bit++)
		aliases += uncached(1ull << bit | 0xffff0000, ranges);
	check_equal("mtrr.aliases", 0, aliases);
}

static void pause(uint32_t times)
{
	while (times--)
		__asm__ volatile("pause");
}

/*
 * NMIs to parked processors, with the vectors that the firmware gave them: a processor without any
 * would reset the machine.  They must still answer afterwards.
 */
static void storm(void)
{
	for (uint32_t i = 0; i < STORM; i++) {
		mmio_write32(ICR_LOW, ICR_OTHERS | ICR_NMI);
		pause(1000);
	}
	print("OK cpu.storm: %u NMIs\n", STORM);
}

/* The one gate of the firmware's that is in RAM leads where NMIs lead. */
static uint32_t find_nmi_gate(void)
{
	for (uint32_t p = FIRMWARE_DATA; p < FIRMWARE_DATA_END; p += 8)
		if (*(volatile uint32_t *)at(p) >> 16 == FIRMWARE_CODE32 &&
		    *(volatile uint32_t *)at(p + 4) == (0xffff0000 | GATE32))
			return p;
	return 0;
}

static void wake_by_nmi(void)
{
	uint32_t handler = paddr_of(ap_nmi);
	uint32_t gate = find_nmi_gate();

	if (!check(gate, "cpu.nmi-gate", "a gate for NMIs", "%x", gate))
		return;
	*(volatile uint32_t *)at(gate) = FIRMWARE_CODE32 << 16 | (handler & 0xffff);
	*(volatile uint32_t *)at(gate + 4) = (handler & 0xffff0000) | GATE32;
	mmio_write32(ICR_LOW, ICR_OTHERS | ICR_NMI);
}

static void wake_by_init(void)
{
	memcpy(at(TRAMPOLINE), ap_real, (size_t)(ap_real_end - ap_real));
	mmio_write32(ICR_LOW, ICR_OTHERS | ICR_INIT);
	mmio_write32(ICR_LOW, ICR_OTHERS | ICR_STARTUP | TRAMPOLINE >> 12);
}

static void check_others(uint32_t count)
{
	uint32_t different = 0, unnamed = 0;

	if (word("cpu.storm"))
		storm();
	if (word("cpu.init") || word("cpu.storm"))
		wake_by_init();
	else
		wake_by_nmi();
	for (uint32_t i = 0; i < PATIENCE && others_done < count; i++)
		__asm__ volatile("pause");
	check_equal("cpu.others", count, others_done);
	if (word("cpu.storm")) /* the INIT may have cleared MTRRs */
		return;
	for (uint32_t i = 0; i < others_done && i < MAX_CPUS; i++) {
		if (others[i].apic_id <= MAX_XAPIC_ID)
			unnamed += !mp_names(others[i].apic_id);
		if (!others[i].different)
			continue;
		different++;
		check(false, "cpu.msrs", "the boot processor's",
		      "APIC id %u: %u others, MSR %x is %llx", others[i].apic_id,
		      others[i].different, others[i].first_msr, others[i].first_value);
	}
	check_equal("cpu.different", 0, different);
	check_equal("cpu.not-in-mp-table", 0, unnamed);
}

static uint16_t inw(uint16_t port)
{
	uint16_t value;

	__asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

/* In place of the handler that a reset would leave: notes that it ran. */
void smm_set_trap(uint32_t smbase)
{
	uint8_t *code = at(smbase + SMBASE_ENTRY);
	uint32_t where = paddr_of((const void *)&trapped), what = TRAPPED;
	static const uint8_t store[] = { 0x67, 0x66, 0xc7, 0x05 }, rsm[] = { 0x0f, 0xaa };

	memcpy(code, store, 4);
	memcpy(code + 4, &where, 4);
	memcpy(code + 8, &what, 4);
	memcpy(code + 12, rsm, 2);
}

uint32_t smm_trapped(void)
{
	return trapped;
}

static void send_smi(uint32_t id)
{
	if (rdmsr(APIC_BASE) & X2APIC_ENABLE) {
		wrmsr(X2APIC_ICR, (uint64_t)id << 32 | ICR_SMI);
	} else {
		mmio_write32(ICR_HIGH, id << 24);
		mmio_write32(ICR_LOW, ICR_SMI);
	}
}

/* The processor goes on where it was: its handler is one. */
static bool check_served(uint32_t index)
{
	uint32_t before = others[index].smis;

	send_smi(others[index].apic_id);
	for (uint32_t i = 0; i < SMI_PATIENCE && others[index].smis == before; i++)
		__asm__ volatile("pause");
	return check(others[index].smis != before, "smm.served", "an SMI", "APIC id %u without",
		     others[index].apic_id);
}

/* The boot processor's count of SMIs tells it: this code does not notice one. */
static bool check_self_served(void)
{
	uint64_t before = rdmsr(SMI_COUNT);

	send_smi(apic_id());
	for (uint32_t i = 0; i < SMI_PATIENCE && rdmsr(SMI_COUNT) == before; i++)
		__asm__ volatile("pause");
	return check(rdmsr(SMI_COUNT) != before, "smm.boot-processor", "an SMI", "%llx",
		     rdmsr(SMI_COUNT));
}

/* Nothing of [base, end) can be read or written outside SMM, and the map calls it reserved. */
static void check_range_closed(const char *name, uint32_t base, uint32_t end)
{
	uint32_t bad = 0;

	check_equal("smm.reserved", MAP_RESERVED, map_type(base, end - base));
	for (uint32_t p = base; p < end; p += 256) {
		*(volatile uint32_t *)at(p) = 0;
		bad += *(volatile uint32_t *)at(p) != 0xffffffff;
	}
	check_equal(name, 0, bad);
}

void smm_check_closed(void)
{
	uint32_t smram = pci_read32(0, 0x9c);
	uint32_t sizes[] = { 1 * MIB, 2 * MIB, 8 * MIB, 0 };
	uint32_t size = smram >> 16 & 1 ? sizes[smram >> 17 & 3] : 0;
	bool at_default = (smram & 0xff) == 2;
	uint32_t end = 0;

	/* Locked; the A segment is SMRAM where TSEG is or nothing else. */
	check_equal("smm.locked", size || !at_default ? 0x1a : 0x12, smram >> 8 & 0xff);
	pci_write8(0, 0x9c, 0);
	pci_write8(0, 0x9d, 0x42);
	pci_write8(0, 0x9e, 0x39 ^ (size ? 1 : 0));
	check_equal("smm.lock-holds", smram, pci_read32(0, 0x9c));
	if (at_default)
		check_range_closed("smm.default-visible", SMRAM_DEFAULT, SMRAM_DEFAULT_END);
	if (!size)
		return;
	for (uint32_t i = 0; i < handoff.map_count; i++) /* tables may lie just below it */
		if (handoff.map[i].end <= ECAM && handoff.map[i].type == MAP_RESERVED &&
		    handoff.map[i].base >= MIB && handoff.map[i].end - handoff.map[i].base >= size)
			end = (uint32_t)handoff.map[i].end;
	if (check(end, "smm.tseg-reserved", "an entry with room for it", "%x", end))
		check_range_closed("smm.tseg-visible", end - size, end);
}

static void check_q35(void)
{
	smm_check_closed();
	check_equal("smm.smi_en", 0x21, inl(0x630) & 0x21);
}

static void check_pc(void)
{
	check_equal("smm.closed", 0x0a, pci_read8(0, 0x72) & 0x4f); /* QEMU has no lock there */
	check_equal("smm.apmc_en", 2, pci_read8(0xb, 0x5b) & 2);
}

static bool has_display(void)
{
	for (uint32_t bdf = 0; bdf < 0x100; bdf += 8)
		if (pci_read32(bdf, 0x08) >> 24 == 3)
			return true;
	return false;
}

/* With a display, what is written to its window must not arrive in SMRAM; without, QEMU lets it. */
static void fill_a_segment(void)
{
	for (uint32_t p = 0xa0000; p < 0xc0000; p += 4)
		*(volatile uint32_t *)at(p) = 0xf4f4f4f4;
}

static void check_smm(uint32_t count)
{
	bool q35 = pci_machine() == Q35;
	uint16_t pm1_cnt = (uint16_t)((pci_read32(q35 ? 0xf8 : 0xb, 0x40) & 0xff80) + 4);
	uint32_t unserved = 0;

	if (q35)
		check_q35();
	else
		check_pc();
	if (has_display())
		fill_a_segment();
	smm_set_trap(SMBASE_DEFAULT);
	outb(APM_CNT, 0x55); /* means nothing, raises an SMI on this processor */
	outb(APM_CNT, q35 ? 0x02 : 0xf1);
	check_equal("smm.acpi-enable", 1, inw(pm1_cnt) & 1);
	if (cpuid(1).edx & CPUID_APIC) {
		check_self_served();
		/*
		 * An x2APIC reaches those in xAPIC mode too, but not under every QEMU: in two
		 * turns.
		 */
		for (uint32_t i = 0; i < count && i < others_done; i++)
			if (others[i].apic_id <= MAX_XAPIC_ID)
				unserved += !check_served(i);
		for (uint32_t i = 0; i < count && i < others_done; i++) {
			if (others[i].apic_id <= MAX_XAPIC_ID)
				continue;
			if (!(rdmsr(APIC_BASE) & X2APIC_ENABLE))
				switch_to_x2apic();
			unserved += !check_served(i);
		}
		check_equal("smm.unserved", 0, unserved);
	}
	check_equal("smm.trapped", 0, trapped);
}

void check_cpu(void)
{
	struct cpuid leaf = cpuid(1);
	uint32_t count = fw_cfg_u16(FW_CFG_NB_CPUS);
	uint64_t feature;

	count = count ? count - 1 : 0;
	if ((leaf.edx & (1 << 5)) && (leaf.edx & (1 << 12)))
		check_mtrrs();
	if (word_value("cpu.feature", &feature)) {
		remember(FEATURE_CONTROL);
		check_equal("cpu.feature_control", feature, msr_of(FEATURE_CONTROL));
	}
	if ((leaf.edx & CPUID_APIC) && (word("cpu.nmi") || word("cpu.init") || word("cpu.storm")))
		check_others(count);
	if (word("cpu.smm"))
		check_smm(count);
}

void cpu_check_woken(bool msrs_too)
{
	uint32_t count = fw_cfg_u16(FW_CFG_NB_CPUS);

	ap_next = others_done = msr_count = 0;
	memset(others, 0, sizeof(others));
	if (msrs_too) {
		check_cpu();
		return;
	}
	if (cpuid(1).edx & CPUID_APIC)
		check_others(count ? count - 1 : 0);
	check_smm(count ? count - 1 : 0);
}
