/*
 * pci_spaces.c - see pci_spaces.h.
 */
#include "pci_spaces.h"

#include "align.h"
#include "layout.h"

#define GIB 0x40000000ull

/* Devices below 4 GiB start here when RAM permits: the MTRRs that leave them uncached stay few. */
#define PREFERRED_BASE 0xc0000000
#define FALLBACK_BASE  0x80000000

/* A multiple of this is no more than 8 MTRRs away from 4 GiB: one for each bit of the distance. */
#define GRAIN           0x1000000u
#define PREFERRED_GRAIN 0x400000u /* above PREFERRED_BASE */

static uint64_t max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* What the memory map leaves free within [base, end), ascending. */
static void find_gaps(struct pci_ranges *gaps, const struct memmap *map, uint64_t base,
		      uint64_t end)
{
	gaps->count = 0;
	for (uint32_t i = 0; i < map->count; i++) {
		const struct memory_range *range = &map->ranges[i];

		if (range->end <= base)
			continue;
		if (range->base >= end)
			break;
		pci_ranges_add(gaps, base, range->base);
		base = range->end;
	}
	pci_ranges_add(gaps, base, end);
}

/* Adds the parts of the gaps that are within [base, end) to the space below 4 GiB. */
static void add_low(struct pci_plan *plan, const struct pci_ranges *gaps, uint64_t base,
		    uint64_t end)
{
	for (uint32_t i = 0; i < gaps->count; i++) {
		uint64_t gap_end = gaps->ranges[i].end;

		pci_ranges_add(&plan->spaces[PCI_SPACE_LOW], max64(gaps->ranges[i].base, base),
			       gap_end < end ? gap_end : end);
	}
}

static void find_low(struct pci_plan *plan, const struct pci_limits *limits,
		     const struct memmap *map)
{
	uint64_t base = max64(memmap_low_ram_end(map), limits->low_base);
	struct pci_ranges gaps;

	base = align_up(base, base > PREFERRED_BASE ? PREFERRED_GRAIN : GRAIN);
	find_gaps(&gaps, map, base, limits->low_end);
	plan->spaces[PCI_SPACE_LOW].count = 0;
	add_low(plan, &gaps, PREFERRED_BASE, limits->low_end);
	add_low(plan, &gaps, FALLBACK_BASE, PREFERRED_BASE);
	add_low(plan, &gaps, 0, FALLBACK_BASE);
}

static void find_high(struct pci_plan *plan, const struct pci_limits *limits,
		      const struct memmap *map)
{
	uint64_t base = max64(FOUR_GIB, limits->high_base);
	uint64_t end = 1ull << limits->phys_bits;

	plan->spaces[PCI_SPACE_HIGH].count = 0;
	if (!limits->phys_bits)
		return;
	for (uint32_t i = 0; i < map->count; i++)
		if (map->ranges[i].type == MEMORY_RAM || map->ranges[i].type == MEMORY_LOADED)
			base = max64(base, map->ranges[i].end);
	/* A number near 2^64, which is whatever fw_cfg says, would be rounded up to 0. */
	if (base >= end)
		return;
	base = align_up(base, GIB);
	if (limits->top_quarter)
		base = max64(base, 3ull << (limits->phys_bits - 2));
	find_gaps(&plan->spaces[PCI_SPACE_HIGH], map, base, end);
}

void pci_spaces_find(struct pci_plan *plan, const struct pci_limits *limits,
		     const struct memmap *map)
{
	find_low(plan, limits, map);
	find_high(plan, limits, map);
}

uint32_t pci_spaces_lowest(const struct pci_plan *plan, uint32_t highest)
{
	const struct pci_ranges *low = &plan->spaces[PCI_SPACE_LOW];
	uint32_t lowest = highest;

	if (low->count && low->ranges[0].base < lowest)
		lowest = (uint32_t)low->ranges[0].base;
	for (const struct pci_resource *item = plan->roots[PCI_SPACE_LOW].first; item;
	     item = item->next)
		if (item->base < lowest)
			lowest = (uint32_t)item->base;
	return lowest;
}

struct pci_range pci_spaces_high(const struct pci_plan *plan)
{
	struct pci_range high = { UINT64_MAX, 0 };

	if (!plan->high)
		return (struct pci_range){ 0, 0 };
	for (const struct pci_resource *item = plan->roots[PCI_SPACE_HIGH].first; item;
	     item = item->next) {
		if (item->base < high.base)
			high.base = item->base;
		high.end = max64(high.end, item->base + item->size);
	}
	return high.end ? high : (struct pci_range){ 0, 0 };
}
