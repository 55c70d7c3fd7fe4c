/*
 * e820.c - the memory map: its form, and against etc/e820, where QEMU says what is RAM.
 *
 * The map may leave out of QEMU's RAM only the legacy hole; everything else must be accounted for.
 * What the firmware keeps for itself shows as "lost" and has a budget.
 */
#include "guest.h"
#include "io.h"

#define HOLE_BASE    0xa0000u
#define HOLE_END     0x100000u
#define FLASH_BASE   0xfffc0000u
#define LOST_BUDGET  (2 * MIB) /* the hole, the EBDA, tables for 255 processors */
#define TSEG_MAX     (16 * MIB)
#define PAGE_SIZE    0x1000
#define Q35_PCIEXBAR 0x60

struct qemu_entry {
	uint64_t base, size;
	uint32_t type;
} __attribute__((packed));

static struct qemu_entry qemu_map[64];
static uint32_t qemu_count;

/* How many bytes of [base, end) the entries of one type cover; of any type for MAP_NONE. */
static uint64_t covered(uint64_t base, uint64_t end, uint32_t type)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < handoff.map_count; i++) {
		const struct map_entry *e = &handoff.map[i];
		uint64_t from = e->base > base ? e->base : base;
		uint64_t to = e->end < end ? e->end : end;

		if ((type == MAP_NONE || e->type == type) && from < to)
			sum += to - from;
	}
	return sum;
}

bool map_overlaps(uint64_t base, uint64_t size, uint32_t type)
{
	return covered(base, base + size, type) != 0;
}

uint32_t map_type(uint64_t base, uint64_t size)
{
	for (uint32_t i = 0; i < handoff.map_count; i++)
		if (handoff.map[i].base <= base && base + size <= handoff.map[i].end)
			return handoff.map[i].type;
	return MAP_NONE;
}

static void check_form(void)
{
	uint32_t bad = 0;
	uint64_t end = 0;

	for (uint32_t i = 0; i < handoff.map_count; i++) {
		const struct map_entry *e = &handoff.map[i];

		print("MAP %llx %llx %u\n", e->base, e->end, e->type);
		if (e->base < end || e->base >= e->end || e->type < MAP_RAM || e->type > 7)
			bad++;
		end = e->end;
	}
	check(handoff.map_count && !bad, "map.form", "sorted, disjoint, never empty, known types",
	      "%u entries, %u bad", handoff.map_count, bad);
	check_equal("map.hole.ram", 0, covered(HOLE_BASE, HOLE_END, MAP_RAM));
	check_equal("map.flash.reserved", GIB4 - FLASH_BASE,
		    covered(FLASH_BASE, GIB4, MAP_RESERVED));
}

static bool read_qemu_map(void)
{
	uint16_t selector;
	uint32_t size;

	if (!check(fw_cfg_find("etc/e820", &selector, &size) && size <= sizeof(qemu_map),
		   "map.etc/e820", "a file of moderate size", "present"))
		return false;
	fw_cfg_select(selector);
	fw_cfg_read(qemu_map, size);
	qemu_count = size / sizeof(qemu_map[0]);
	return true;
}

static bool is_qemus_border(uint64_t border)
{
	for (uint32_t i = 0; i < qemu_count; i++)
		if (qemu_map[i].base == border || qemu_map[i].base + qemu_map[i].size == border)
			return true;
	return false;
}

/* Kernels that round each range outwards to pages must not find two types in one page. */
static void check_borders(void)
{
	uint32_t bad = 0;

	for (uint32_t i = 0; i < handoff.map_count; i++) {
		const struct map_entry *e = &handoff.map[i];

		bad += e->base % PAGE_SIZE && !is_qemus_border(e->base);
		bad += e->end % PAGE_SIZE && !is_qemus_border(e->end);
	}
	check_equal("map.pages", 0, bad);
}

static void check_against_qemu(void)
{
	uint64_t qemu_ram = 0, ram = 0, usable = 0, inside = 0, gap = 0, expected;
	uint64_t lost_max = LOST_BUDGET + (pci_machine() == Q35 ? TSEG_MAX : 0);

	for (uint32_t i = 0; i < qemu_count; i++) {
		uint64_t base = qemu_map[i].base, size = qemu_map[i].size, end = base + size;

		if (qemu_map[i].type != MAP_RAM) {
			check(covered(base, end, MAP_RESERVED) == size, "map.qemu-reserved",
			      "reserved", "%llx-%llx: %llx bytes reserved, %llx RAM", base, end,
			      covered(base, end, MAP_RESERVED), covered(base, end, MAP_RAM));
			continue;
		}
		qemu_ram += size;
		ram += covered(base, end, MAP_RAM);
		inside += covered(base, end, MAP_RAM) + covered(base, end, MAP_ACPI) +
			  covered(base, end, MAP_NVS);
		gap += size - covered(base, end, MAP_NONE);
		if (base < HOLE_END) /* the hole need not be listed */
			gap -= HOLE_END - HOLE_BASE - covered(HOLE_BASE, HOLE_END, MAP_NONE);
		if (base >= GIB4)
			check_equal("map.high-ram", size, covered(base, end, MAP_RAM));
	}
	usable = covered(0, ~0ull, MAP_RAM) + covered(0, ~0ull, MAP_ACPI) +
		 covered(0, ~0ull, MAP_NVS);
	check_equal("map.not-ram", 0, usable - inside);
	check_equal("map.gaps", 0, gap);
	check(qemu_ram - ram <= lost_max, "map.lost", "little", "%llx of %llx bytes",
	      qemu_ram - ram, qemu_ram);
	if (word_value("expect.ram", &expected))
		check_equal("map.ram-size", expected, qemu_ram);
}

#define PROBES_PER_RANGE 16
#define PROBES_MAX       512

static uint32_t probe_value(uint64_t paddr)
{
	return 0x5aa5c33c ^ (uint32_t)paddr ^ (uint32_t)(paddr >> 32);
}

static volatile uint32_t *probe_place(uint64_t paddr)
{
	uint32_t size = sizeof(uint32_t);

	return reach(paddr, &size);
}

/* Every range is written in several places before any is read back, so aliases show too. */
static void probe_ram(void)
{
	static uint64_t paddrs[PROBES_MAX];
	static uint32_t saved[PROBES_MAX];
	uint32_t count = 0, bad = 0;

	for (uint32_t i = 0; i < handoff.map_count; i++) {
		const struct map_entry *e = &handoff.map[i];
		uint64_t step = (e->end - e->base) / PROBES_PER_RANGE & ~3ull;

		if (e->type != MAP_RAM || count > PROBES_MAX - PROBES_PER_RANGE)
			continue;
		for (uint32_t n = 0; n < PROBES_PER_RANGE; n++) {
			uint64_t paddr = (e->base & ~3ull) + n * step;

			if (n == PROBES_PER_RANGE - 1)
				paddr = (e->end & ~3ull) - 4;
			if ((paddr < paddr_of(image_start) || paddr >= paddr_of(image_end)) &&
			    probe_place(paddr))
				paddrs[count++] = paddr;
		}
	}
	for (uint32_t i = 0; i < count; i++) {
		saved[i] = *probe_place(paddrs[i]);
		*probe_place(paddrs[i]) = probe_value(paddrs[i]);
	}
	for (uint32_t i = 0; i < count; i++)
		if (*probe_place(paddrs[i]) != probe_value(paddrs[i]))
			bad++;
	for (uint32_t i = count; i > 0; i--)
		*probe_place(paddrs[i - 1]) = saved[i - 1];
	check(count && !bad, "map.ram-probes", "all good", "%u places, %u bad", count, bad);
}

static void check_ecam(void)
{
	static const uint32_t sizes[] = { 256 * MIB, 128 * MIB, 64 * MIB, 0 };
	uint32_t pciexbar, base, size;

	if (pci_machine() != Q35)
		return;
	pciexbar = pci_read32(0, Q35_PCIEXBAR);
	if (!(pciexbar & 1))
		return;
	size = sizes[pciexbar >> 1 & 3];
	base = pciexbar & 0xfc000000;
	check(covered(base, (uint64_t)base + size, MAP_RESERVED) == size, "map.ecam", "reserved",
	      "%x, size %x", base, size);
}

void check_map(void)
{
	bool known = read_qemu_map();

	check_form();
	check_borders();
	if (known)
		check_against_qemu();
	probe_ram();
	check_ecam();
}
