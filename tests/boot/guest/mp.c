/*
 * mp.c - Intel MultiProcessor Specification 1.4, there with and without a MADT, and the BIOS
 * data area, which says where to look for it.
 */
#include "guest.h"
#include "io.h"

#define BDA_EBDA_SEGMENT    0x40e
#define BDA_BASE_MEMORY_KIB 0x413
#define BASE_MEMORY_END     0xa0000u

#define MPF_TABLE    4
#define MPF_LENGTH   8 /* in paragraphs */
#define MPF_REVISION 9

#define MPC_LENGTH  4
#define MPC_COUNT   34
#define MPC_LAPIC   36
#define MPC_ENTRIES 44

enum { MP_PROCESSOR, MP_BUS, MP_IOAPIC, MP_INTSRC, MP_LINT, MP_TYPES };
#define CPU_ENABLED 1
#define CPU_BSP     2
#define INT_EXTINT  3

#define IOAPIC_BASE    0xfec00000u
#define IOAPIC_INDEX   0x00
#define IOAPIC_DATA    0x10
#define IOAPIC_VERSION 1

struct mp_state {
	uint32_t counts[MP_TYPES];
	uint32_t enabled, bsps, bsp_id, repeated_ids, bad_references, extint;
	bool isa, ioapic_ok;
	uint8_t bus_ids[256 / 8], ioapic_ids[256 / 8];
};

static uint8_t cpu_ids[256 / 8];

static bool bit(const uint8_t *set, uint8_t n)
{
	return set[n / 8] >> n % 8 & 1;
}

bool mp_names(uint32_t apic_id)
{
	return apic_id < 256 && bit(cpu_ids, (uint8_t)apic_id);
}

static void set_bit(uint8_t *set, uint8_t n)
{
	set[n / 8] = (uint8_t)(set[n / 8] | 1 << n % 8);
}

static uint32_t scan_range(uint32_t base, uint32_t size)
{
	for (uint32_t paddr = base; paddr < base + size; paddr += 16)
		if (starts_with(at(paddr), "_MP_") && !sum8(at(paddr), 16))
			return paddr;
	return 0;
}

/* Where Linux looks, in its order: arch/x86/kernel/mpparse.c, default_find_smp_config() */
static uint32_t scan(void)
{
	uint32_t ebda = (uint32_t)get16(at(BDA_EBDA_SEGMENT)) << 4;
	uint32_t found = scan_range(0, 0x400);

	if (!found)
		found = scan_range(BASE_MEMORY_END - KIB, KIB);
	if (!found)
		found = scan_range(0xf0000, 0x10000);
	if (!found && ebda)
		found = scan_range(ebda, KIB);
	return found;
}

static void check_bda(void)
{
	uint32_t ebda = (uint32_t)get16(at(BDA_EBDA_SEGMENT)) << 4;
	uint32_t end = (uint32_t)get16(at(BDA_BASE_MEMORY_KIB)) * KIB;

	check(!ebda || (ebda >= 0x80000 && ebda < BASE_MEMORY_END &&
			!map_overlaps(ebda, BASE_MEMORY_END - ebda, MAP_RAM)),
	      "bda.ebda", "0 or a reserved end of base memory", "%x", ebda);
	check(!end || (end >= 0x80000 && end <= BASE_MEMORY_END && (!ebda || end <= ebda)),
	      "bda.base-memory", "0 or up to the EBDA", "%x", end);
}

static void read_entry(struct mp_state *s, const uint8_t *e)
{
	switch (e[0]) {
	case MP_PROCESSOR:
		s->repeated_ids += bit(cpu_ids, e[1]);
		set_bit(cpu_ids, e[1]);
		s->enabled += e[3] & CPU_ENABLED;
		if (e[3] & CPU_BSP) {
			s->bsps++;
			s->bsp_id = e[1];
		}
		break;
	case MP_BUS:
		s->repeated_ids += bit(s->bus_ids, e[1]);
		set_bit(s->bus_ids, e[1]);
		s->isa |= starts_with((const char *)e + 2, "ISA   ");
		break;
	case MP_IOAPIC:
		set_bit(s->ioapic_ids, e[1]);
		s->ioapic_ok |= (e[3] & 1) && get32(e + 4) == IOAPIC_BASE;
		break;
	case MP_INTSRC:
		s->bad_references += !bit(s->bus_ids, e[4]) || !bit(s->ioapic_ids, e[6]);
		break;
	case MP_LINT:
		s->extint += e[1] == INT_EXTINT && e[7] == 0;
		break;
	}
}

/* isapc has none, whatever the processor. */
static bool has_ioapic(void)
{
	volatile uint32_t *index = at(IOAPIC_BASE + IOAPIC_INDEX);

	*index = IOAPIC_VERSION;
	return (mmio_read32(IOAPIC_BASE + IOAPIC_DATA) >> 16 & 0xff) == 23;
}

static void check_table(const uint8_t *table)
{
	static struct mp_state s;
	uint32_t length = get16(table + MPC_LENGTH), count = 0, offset = MPC_ENTRIES, cpus;

	while (offset < length && table[offset] < MP_TYPES) {
		read_entry(&s, table + offset);
		s.counts[table[offset]]++;
		count++;
		offset += table[offset] == MP_PROCESSOR ? 20 : 8;
	}
	check_equal("mp.length", offset, length);
	check_equal("mp.count", count, get16(table + MPC_COUNT));
	check_equal("mp.lapic", LAPIC_BASE, get32(table + MPC_LAPIC));
	/* APIC ids have eight bits here, and 255 means all of them. */
	cpus = acpi_cpus(255);
	if (!cpus)
		cpus = fw_cfg_u16(FW_CFG_NB_CPUS);
	check_equal("mp.cpus", cpus < 255 ? cpus : 255, s.enabled);
	check(s.bsps == 1 && s.bsp_id == mmio_read32(LAPIC_BASE + LAPIC_ID) >> 24, "mp.bsp",
	      "one, the processor that reads this", "%u, id %x", s.bsps, s.bsp_id);
	check_equal("mp.repeated-ids", 0, s.repeated_ids);
	check(s.counts[MP_IOAPIC] == has_ioapic() && s.ioapic_ok == has_ioapic(), "mp.ioapic",
	      "one enabled at 0xfec00000 if it is there", "%u entries", s.counts[MP_IOAPIC]);
	check(s.isa, "mp.isa", "a bus", "%u buses", s.counts[MP_BUS]);
	check(!s.counts[MP_INTSRC] == !has_ioapic() && !s.bad_references, "mp.interrupts",
	      "known buses and I/O APICs", "%u entries, %u bad", s.counts[MP_INTSRC],
	      s.bad_references);
	check_equal("mp.extint", 1, s.extint);
}

void check_mp(void)
{
	/* A processor whose highest leaf is 0 tells of no APIC. */
	bool expected = cpuid(0).eax >= 1 && cpuid(1).edx & CPUID_APIC;
	uint32_t paddr = scan();
	const uint8_t *mpf = at(paddr), *table;

	check_bda();
	if (!paddr) {
		check(!expected, "mp.pointer", "one", "none");
		return;
	}
	table = at(get32(mpf + MPF_TABLE));
	check(mpf[MPF_LENGTH] == 1 && (mpf[MPF_REVISION] == 1 || mpf[MPF_REVISION] == 4),
	      "mp.pointer", "16 bytes, revision 1 or 4", "%x, table at %x", paddr,
	      get32(mpf + MPF_TABLE));
	occupies(TABLE, "_MP_", paddr, 16);
	if (!check(get32(mpf + MPF_TABLE) && starts_with((const char *)table, "PCMP") &&
			   !sum8(table, get16(table + MPC_LENGTH)),
		   "mp.table", "PCMP and a sum of 0", "%x bytes",
		   (uint32_t)get16(table + MPC_LENGTH)))
		return;
	occupies(TABLE, "MP table", get32(mpf + MPF_TABLE), get16(table + MPC_LENGTH));
	check_table(table);
}
