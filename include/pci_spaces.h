/*
 * pci_spaces.h - which addresses of a machine are free for its devices.
 */
#ifndef PCI_SPACES_H
#define PCI_SPACES_H

#include <stdbool.h>
#include <stdint.h>

#include "memmap.h"
#include "pci_plan.h"

/* Where a machine lets devices be, apart from what its memory map has. */
struct pci_limits {
	uint64_t low_base; /* below 4 GiB: [low_base, low_end) */
	uint64_t low_end;
	uint64_t high_base; /* above 4 GiB: from here at least */
	uint32_t phys_bits; /* width of a physical address; 0: nothing goes above 4 GiB */
	bool top_quarter;   /* above 4 GiB: only the last quarter of what phys_bits address */
};

/*
 * Sets the two memory spaces of the plan to what is within the limits and not in the map.
 * Below 4 GiB they are in order of preference: from 0xc0000000 on, then from 0x80000000, then the
 * rest; they begin on an address from which eight MTRRs reach up to 4 GiB.  Pure.
 */
void pci_spaces_find(struct pci_plan *plan, const struct pci_limits *limits,
		     const struct memmap *map);

/* The lowest address below 4 GiB that is a device's or free for one, at most highest.  Pure. */
uint32_t pci_spaces_lowest(const struct pci_plan *plan, uint32_t highest);

/* From the first to the last address above 4 GiB that is a device's; 0 and 0 if none is.  Pure. */
struct pci_range pci_spaces_high(const struct pci_plan *plan);

#endif
