/*
 * pci_bar.c - see pci_bar.h.
 *
 * A register is written and read once, unless its size is below 16 bytes.  Through wide ECAM two
 * registers are one access; through the ports a register that was written is read without
 * selecting it again.
 */
#include "pci_bar.h"

#include "console.h"

/* A BAR, from one register, or from two when it has 64 bits. */
struct bar {
	uint32_t flags; /* of struct pci_resource */
	uint64_t size;  /* 0: what was read is no mask of a size */
};

static bool is_64bit(uint32_t low)
{
	return !(low & PCI_BAR_TYPE_IO) && (low & PCI_BAR_TYPE_MEMORY) == PCI_BAR_TYPE_64;
}

/*
 * Makes a BAR of what its register (low) and the next one (high) read after ones were written to
 * them. high counts only if it is the upper half.
 */
static struct bar parse_bar(uint32_t low, uint32_t high)
{
	struct bar bar = { 0 };
	uint64_t width = 0xffffffff;
	uint64_t mask = low & PCI_BAR_MASK_MEMORY;

	if (low & PCI_BAR_TYPE_IO) {
		bar.flags = PCI_BAR_IO;
		width = 0xffff;
		mask = low & PCI_BAR_RESERVED_IO ? 0 : low & PCI_BAR_MASK_IO;
	} else {
		bar.flags = low & PCI_BAR_TYPE_PREFETCH ? PCI_BAR_PREFETCH : 0;
		if ((low & PCI_BAR_TYPE_MEMORY) == PCI_BAR_TYPE_RESERVED)
			return bar;
		if (is_64bit(low)) {
			bar.flags |= PCI_BAR_64;
			width = ~0ull;
			mask |= (uint64_t)high << 32;
		}
	}
	/* The mask is all ones from the top down to the bit that is the size. */
	bar.size = mask & -mask;
	if ((mask + bar.size) & width)
		bar.size = 0;
	return bar;
}

/* Reads a register with all ones written to it. */
static uint32_t size_register(const struct pci_access *access, uint32_t bdf, uint32_t offset)
{
	pci_write32(access, bdf, offset, 0xffffffff);
	return pci_read32_again(access, bdf, offset);
}

/* True when the size may be below 16 bytes: bits of the type may be bits of the address. */
static bool may_be_tiny(uint32_t value)
{
	if (value & PCI_BAR_TYPE_IO)
		return value & PCI_BAR_RESERVED_IO;
	return (value | PCI_BAR_TYPE_MEMORY) == (uint32_t)~PCI_BAR_TYPE_IO;
}

/*
 * Asks such a register again with zeros written: the bits that stay set are its type.  Returns what
 * it would have read if it had 16 bytes (ports: 4), or the reserved type if it still makes no
 * sense. QEMU lets zeros clear the prefetchable bit of a BAR that small, which then counts as not
 * prefetchable.  Cost: 2 VM exits, 3 by ports.
 */
static uint32_t read_tiny(const struct pci_access *access, uint32_t bdf, uint32_t offset, bool io)
{
	uint32_t mask = io ? PCI_BAR_MASK_IO : PCI_BAR_MASK_MEMORY;
	uint32_t type;

	pci_write32(access, bdf, offset, 0);
	type = pci_read32_again(access, bdf, offset);
	if ((type & PCI_BAR_TYPE_IO) != io || (type & mask))
		return PCI_BAR_TYPE_RESERVED;
	return mask | type;
}

/* Sizes two registers with one write and one read; number is even. */
static void size_pair(const struct pci_access *access, uint32_t bdf, uint32_t number,
		      uint32_t *values)
{
	uint64_t both;

	pci_write64(access, bdf, PCI_BAR(number), ~0ull);
	both = pci_read64(access, bdf, PCI_BAR(number));
	values[number] = (uint32_t)both;
	values[number + 1] = (uint32_t)(both >> 32);
}

/*
 * Reads the registers of a set with all ones written to them.  A register is asked again, by
 * read_tiny(), only if its type cannot be told from what it reads.  Without wide accesses the upper
 * half of a 64-bit BAR is left alone when the lower half has the size, and counts as all ones.
 */
static void size_registers(const struct pci_access *access, const struct pci_bar_set *set,
			   uint32_t *values)
{
	bool wide = access->wide;

	for (uint32_t i = set->first; wide && i < set->end; i += 2)
		size_pair(access, set->bdf, i, values);
	for (uint32_t i = set->first; i < set->end; i++) {
		if (!wide)
			values[i] = size_register(access, set->bdf, PCI_BAR(i));
		if (may_be_tiny(values[i]))
			values[i] = read_tiny(access, set->bdf, PCI_BAR(i),
					      values[i] & PCI_BAR_TYPE_IO);
		if (!is_64bit(values[i]) || i + 1 == set->end)
			continue;
		i++;
		if (!wide && (values[i - 1] & PCI_BAR_MASK_MEMORY))
			values[i] = 0xffffffff;
		else if (!wide)
			values[i] = size_register(access, set->bdf, PCI_BAR(i));
	}
}

/* Adds a BAR to the plan, or says why it gets no address. */
static void add_bar(struct pci_plan *plan, const struct pci_access *access,
		    const struct pci_bar_set *set, uint32_t offset, struct bar bar)
{
	uint32_t bdf = set->bdf;

	bar.flags |= set->flags;
	if ((bar.flags & PCI_BAR_IO) && plan->buses[set->bus].no_io)
		bar.flags |= PCI_BAR_DROPPED;
	if (bar.size && pci_plan_add_bar(plan, set->bus, bdf, offset, bar.flags, bar.size))
		return;
	if (bar.size)
		console_log(
			"pci: %02x:%02x.%u register 0x%x of 0x%llx bytes gets no address, there are more "
			"than %u",
			PCI_PARTS(bdf), offset, (unsigned long long)bar.size, PCI_MAX_BARS);
	else
		console_log(
			"pci: %02x:%02x.%u register 0x%x gets no address, what it reads gives no size",
			PCI_PARTS(bdf), offset);
	pci_write32(access, bdf, offset, 0);
	if (bar.flags & PCI_BAR_64)
		pci_write32(access, bdf, offset + 4, 0);
}

void pci_bar_probe(struct pci_plan *plan, const struct pci_access *access,
		   const struct pci_bar_set *set)
{
	/* One more than registers: a 64-bit BAR in the last one has no ones in its upper half. */
	uint32_t values[PCI_BARS + 1] = { 0 };

	size_registers(access, set, values);
	for (uint32_t i = set->first; i < set->end; i++) {
		if (!values[i])
			continue;
		add_bar(plan, access, set, PCI_BAR(i), parse_bar(values[i], values[i + 1]));
		if (is_64bit(values[i]))
			i++;
	}
}

void pci_bar_probe_rom(struct pci_plan *plan, const struct pci_access *access, uint32_t bus,
		       uint32_t bdf)
{
	const struct pci_bar_set rom = { .bdf = bdf, .bus = bus };
	struct bar bar = { .flags = PCI_BAR_ROM };
	uint32_t mask;

	pci_write32(access, bdf, PCI_ROM, PCI_ROM_MASK);
	mask = pci_read32_again(access, bdf, PCI_ROM) & PCI_ROM_MASK;
	if (!mask)
		return;
	if (!(mask + (mask & -mask)))
		bar.size = mask & -mask;
	add_bar(plan, access, &rom, PCI_ROM, bar);
}
