/*
 * pci_walk.c - see pci_walk.h.
 *
 * A function is there if its header type is not all ones.  Functions 1 to 7 are asked for only
 * where function 0 says that there may be some, and below a PCI Express port only slot 0 is.  There
 * is no recursion: 256 bridges may be in a row.
 */
#include "pci_walk.h"

#include <stddef.h>

#include "console.h"
#include "pci_bar.h"

/* Room for hot-plug, where a bridge does not say how much it wants. */
#define ROOM_IO     0x1000
#define ROOM_MEMORY 0x200000

#define ERST_REGISTERS 16 /* bytes: QEMU docs/specs/acpi_erst.rst */

/* What identifies a function that was found. */
struct function {
	uint32_t bdf;
	uint32_t header;     /* header type without PCI_HEADER_MULTIFUNCTION */
	bool of_the_chipset; /* chipset_init() programs it */
};

/* ---- Finding functions ---- */

/* Reads what a function is; false when there is none.  Cost: 1 VM exit, 2 by ports. */
static bool read_function(const struct pci_walk *walk, struct pci_branch *branch,
			  struct function *function)
{
	const struct chipset *chipset = walk->chipset;
	uint32_t bdf = function->bdf;
	uint32_t dword = pci_read32(walk->access, bdf, PCI_CACHE_LINE_SIZE);
	uint32_t header = dword >> 16 & 0xff;

	if (dword == PCI_NO_DEVICE)
		return false;
	function->of_the_chipset = bdf == chipset->isa_bridge || bdf == chipset->pm_function;
	function->header = header & PCI_HEADER_TYPE_MASK;
	if (function->of_the_chipset)
		branch->multifunction = true;
	else if (!PCI_FUNCTION(bdf))
		branch->multifunction = header & PCI_HEADER_MULTIFUNCTION;
	return true;
}

/* Moves on to the next function on a bus that answers; false when there is none. */
static bool find_function(const struct pci_walk *walk, struct pci_branch *branch, uint32_t bus,
			  struct function *function)
{
	while (branch->next < branch->end) {
		function->bdf = (bus << 8) + branch->next++;
		if (!PCI_FUNCTION(function->bdf))
			branch->multifunction = false;
		else if (!branch->multifunction)
			continue;
		if (read_function(walk, branch, function))
			return true;
	}
	return false;
}

/* ---- Bridges ---- */

/* Reads a field of the reserve capability, of one or two dwords; false when it asks for nothing. */
static bool read_reserve(const struct pci_access *access, uint32_t bdf, uint32_t offset,
			 uint32_t dwords, uint64_t *room)
{
	uint64_t value = pci_read32(access, bdf, offset);
	uint64_t none = 0xffffffff;

	if (dwords == 2) {
		value |= (uint64_t)pci_read32(access, bdf, offset + 4) << 32;
		none = ~0ull;
	}
	if (value == none)
		return false;
	*room = value;
	return true;
}

static void read_reserves(const struct pci_access *access, struct pci_bus *bus,
			  struct pci_branch *branch, uint32_t offset)
{
	uint32_t bdf = bus->bridge;
	uint64_t buses, low = 0, high = 0;
	bool any_io, any_low, any_high, any;

	if (read_reserve(access, bdf, offset + RESERVE_CAP_BUSES, 1, &buses))
		branch->reserved_buses = (uint8_t)(buses < PCI_BUSES ? buses : PCI_BUSES - 1);
	any_io = read_reserve(access, bdf, offset + RESERVE_CAP_IO, 2,
			      &bus->windows[PCI_WINDOW_IO].room);
	/* QEMU makes the window of a bridge without I/O read-only (hw/pci/pci_bridge.c). */
	bus->no_io |= any_io && !bus->windows[PCI_WINDOW_IO].room;
	any = read_reserve(access, bdf, offset + RESERVE_CAP_MEMORY, 1,
			   &bus->windows[PCI_WINDOW_MEMORY].room);
	any_low = read_reserve(access, bdf, offset + RESERVE_CAP_PREFETCH32, 1, &low);
	any_high = read_reserve(access, bdf, offset + RESERVE_CAP_PREFETCH64, 2, &high);
	branch->hinted = any_io || any || any_low || any_high;
	/* QEMU makes no bridge with both, which would be a contradiction. */
	if (any_low == any_high)
		return;
	bus->windows[PCI_WINDOW_PREFETCH].room = any_low ? low : high;
	bus->want_high = any_high && high >= PCI_LARGE_SIZE;
}

/* What a bridge's capabilities say about the bus below it. */
static void read_capabilities(const struct pci_access *access, struct pci_bus *bus,
			      struct pci_branch *branch)
{
	uint32_t bdf = bus->bridge;
	uint32_t offset = pci_read32(access, bdf, PCI_CAP_POINTER) & 0xfc;
	uint32_t reserve = 0;
	uint32_t type = 0;

	/* A list that loops or leads nowhere ends after as many entries as fit. */
	for (uint32_t i = 0; offset >= 0x40 && i < (256 - 0x40) / 4; i++) {
		uint32_t head = pci_read32(access, bdf, offset);

		if ((head & 0xff) == PCI_CAP_ID_EXPRESS)
			type = head >> 20 & 0xf;
		if ((head & 0xff) == PCI_CAP_ID_VENDOR && (head >> 16 & 0xff) >= RESERVE_CAP_SIZE &&
		    head >> 24 == RESERVE_CAP_TYPE && offset <= 256 - RESERVE_CAP_SIZE)
			reserve = offset;
		offset = head >> 8 & 0xfc;
	}
	branch->port = type == PCI_EXPRESS_ROOT_PORT || type == PCI_EXPRESS_DOWNSTREAM;
	bus->one_slot = branch->port;
	/* A conventional bus has slots; between the ports of a switch nothing is plugged. */
	if (!branch->port && type != PCI_EXPRESS_UPSTREAM) {
		bus->windows[PCI_WINDOW_IO].room = ROOM_IO;
		bus->windows[PCI_WINDOW_MEMORY].room = ROOM_MEMORY;
		bus->windows[PCI_WINDOW_PREFETCH].room = ROOM_MEMORY;
	}
	/* Other vendors' capabilities may look the same. */
	if (reserve && (pci_read32(access, bdf, PCI_VENDOR_ID) & 0xffff) == PCI_VENDOR_REDHAT)
		read_reserves(access, bus, branch, reserve);
	if (bus->no_io)
		bus->windows[PCI_WINDOW_IO].room = 0;
}

/* Primary, secondary and subordinate number of the bridge above a bus. */
static void write_numbers(const struct pci_walk *walk, const struct pci_bus *bus, uint32_t last)
{
	pci_write32(walk->access, bus->bridge, PCI_PRIMARY_BUS,
		    PCI_BUS((uint32_t)bus->bridge) | (uint32_t)bus->number << 8 | last << 16);
}

/* Lets the bridges above a bus forward the numbers of buses that are not known yet. */
static void open_numbers(struct pci_walk *walk, uint32_t index)
{
	while (!walk->branches[index].root && !walk->branches[index].numbers_open) {
		walk->branches[index].numbers_open = true;
		write_numbers(walk, &walk->plan->buses[index], PCI_BUSES - 1);
		index = walk->plan->buses[index].parent;
	}
}

/*
 * Numbers the bus below a bridge.  Returns its index, or that of the bus above when it gets no
 * number.
 */
static uint32_t enter_bridge(struct pci_walk *walk, uint32_t parent, const struct function *bridge)
{
	const struct pci_branch *above = &walk->branches[parent];
	uint32_t index = walk->plan->bus_count;
	uint32_t slot = PCI_SLOT(bridge->bdf);
	struct pci_bus *bus = NULL;
	struct pci_branch *branch;

	if (walk->last_bus < walk->bus_limit)
		bus = pci_plan_add_bus(walk->plan, parent, bridge->bdf);
	else if (walk->reserved)
		walk->starved = true;
	if (!bus && walk->starved)
		return parent;
	if (!bus) {
		console_log(
			"pci: bridge %02x:%02x.%u gets no bus number, all up to %u are taken; what is "
			"behind it cannot be used",
			PCI_PARTS(bridge->bdf), walk->bus_limit);
		return parent;
	}
	bus->number = (uint8_t)++walk->last_bus;
	bus->no_io = walk->plan->buses[parent].no_io;
	branch = &walk->branches[index];
	*branch = (struct pci_branch){
		.root_slot = above->root ? (uint8_t)slot : above->root_slot,
		.swizzle = above->root ? 0 : (uint8_t)(above->swizzle + slot),
	};
	read_capabilities(walk->access, bus, branch);
	branch->end = branch->port ? PCI_FUNCTIONS : PCI_SLOTS * PCI_FUNCTIONS;
	open_numbers(walk, parent);
	write_numbers(walk, bus, bus->number);
	return index;
}

/* Leaves a bridge when all behind it is known: its last bus number, and its room for hot-plug. */
static void leave_bridge(struct pci_walk *walk, uint32_t index)
{
	struct pci_bus *bus = &walk->plan->buses[index];
	struct pci_branch *branch = &walk->branches[index];
	uint32_t left = walk->no_reserve ? 0 : walk->bus_limit - walk->last_bus;

	branch->granted_buses = branch->reserved_buses < left ? branch->reserved_buses :
								(uint8_t)left;
	walk->last_bus += branch->granted_buses;
	walk->reserved |= branch->granted_buses;
	if (branch->numbers_open || branch->granted_buses)
		write_numbers(walk, bus, walk->last_bus);
	/* Linux opens an empty port on bus 0 itself; elsewhere it would find no room for that. */
	if (!branch->port || (!branch->occupied && !branch->hinted && !bus->parent))
		return;
	if (!bus->windows[PCI_WINDOW_MEMORY].room)
		bus->windows[PCI_WINDOW_MEMORY].room = ROOM_MEMORY;
	if (bus->parent && !bus->windows[PCI_WINDOW_PREFETCH].room)
		bus->windows[PCI_WINDOW_PREFETCH].room = ROOM_MEMORY;
}

/* ---- Functions ---- */

/* The bridges between a function and its root add their slots to its pin. */
static void route_interrupt(const struct pci_walk *walk, uint32_t bdf,
			    const struct pci_branch *branch)
{
	uint32_t pin = pci_read32(walk->access, bdf, PCI_INTERRUPT_LINE) >> 8 & 0xff;
	uint32_t slot = PCI_SLOT(bdf);
	uint8_t irq;

	if (!pin || pin > 4 || walk->chipset->irq_wiring == IRQ_WIRING_NONE)
		return;
	if (branch->root)
		irq = chipset_irq(walk->chipset, slot, pin - 1);
	else
		irq = chipset_irq(walk->chipset, branch->root_slot,
				  pin - 1 + slot + branch->swizzle);
	pci_write8_again(walk->access, bdf, PCI_INTERRUPT_LINE, irq);
}

/* The first VGA device decodes VGA's fixed addresses, which the bridges above it forward. */
static uint32_t choose_vga(struct pci_walk *walk, uint32_t index, uint32_t bdf)
{
	if (walk->vga || pci_read32(walk->access, bdf, PCI_CLASS_REVISION) >> 16 != PCI_CLASS_VGA)
		return 0;
	walk->vga = true;
	for (; index; index = walk->plan->buses[index].parent)
		walk->plan->buses[index].vga = true;
	return PCI_BAR_DECODE | PCI_BAR_VGA;
}

/*
 * QEMU's ERST table has the addresses of one device, which must decode them then (hw/acpi/erst.c,
 * build_erst()), and Linux uses them without asking PCI (drivers/acpi/apei/erst.c): it decodes for
 * good, and the bridges above it do.  Cost: nothing, but for what has two BARs as that device.
 */
static void choose_erst(struct pci_walk *walk, uint32_t index, struct pci_resource *bars,
			uint32_t count)
{
	if (count != 2 || bars[0].size != ERST_REGISTERS ||
	    pci_read32(walk->access, bars[0].bdf, PCI_VENDOR_ID) != PCI_ID_ERST)
		return;
	for (uint32_t i = 0; i < count; i++)
		bars[i].flags |= PCI_BAR_DECODE | PCI_BAR_LASTING;
	for (; index; index = walk->plan->buses[index].parent)
		walk->plan->buses[index].lasting = true;
}

/* Sizes the BARs and the ROM of a function that is no bridge. */
static void probe_device(struct pci_walk *walk, uint32_t index, const struct function *function)
{
	struct pci_bar_set bars = { .bdf = function->bdf, .bus = index, .end = PCI_BARS };
	uint32_t known = walk->plan->bar_count;

	if (function->bdf == walk->chipset->ide_function)
		bars.first = 4; /* in compatibility mode the others are at fixed ports */
	/* QEMU's tables describe an extra root by what decodes on it (hw/i386/acpi-build.c). */
	if (walk->decode || (index && walk->branches[index].root))
		bars.flags = PCI_BAR_DECODE;
	if (walk->decode)
		bars.flags |= choose_vga(walk, index, function->bdf);
	pci_bar_probe(walk->plan, walk->access, &bars);
	choose_erst(walk, index, &walk->plan->bars[known], walk->plan->bar_count - known);
	/* The functions that share a slot with the ISA bridge have no ROM. */
	if (index || PCI_SLOT(function->bdf) != PCI_SLOT((uint32_t)walk->chipset->isa_bridge))
		pci_bar_probe_rom(walk->plan, walk->access, index, function->bdf);
}

/* Sizes and routes what was found on a bus.  Returns the index of the bus to go on with. */
static uint32_t probe_function(struct pci_walk *walk, uint32_t index,
			       const struct function *function)
{
	const struct pci_bar_set bridge = {
		.bdf = function->bdf,
		.bus = index,
		.end = PCI_BRIDGE_BARS,
	};

	walk->branches[index].occupied = true;
	if (function->of_the_chipset)
		return index;
	route_interrupt(walk, function->bdf, &walk->branches[index]);
	switch (function->header) {
	case PCI_HEADER_TYPE_DEVICE:
		probe_device(walk, index, function);
		return index;
	case PCI_HEADER_TYPE_BRIDGE:
		pci_bar_probe(walk->plan, walk->access, &bridge);
		return enter_bridge(walk, index, function);
	default:
		return index;
	}
}

/* ---- Roots ---- */

/* Walks a root bus and everything below it. */
static void walk_tree(struct pci_walk *walk, uint32_t root)
{
	struct pci_bus *buses = walk->plan->buses;
	uint32_t index = root;

	walk->branches[root] = (struct pci_branch){
		/* 00:00.0, the host bridge, is known already. */
		.next = root ? 0 : PCI_FUNCTIONS,
		.end = PCI_SLOTS * PCI_FUNCTIONS,
		.root = true,
	};
	buses[root].no_io = !walk->plan->spaces[PCI_SPACE_IO].count;
	walk->last_bus = buses[root].number;
	for (;;) {
		struct function function = { 0 };

		if (find_function(walk, &walk->branches[index], buses[index].number, &function)) {
			index = probe_function(walk, index, &function);
		} else if (index != root) {
			leave_bridge(walk, index);
			index = buses[index].parent;
		} else {
			return;
		}
	}
}

/*
 * The same, and once more without bus numbers for hot-plug if a bridge got none because of them: it
 * has no number then that could be in the way of another.
 */
static void walk_root(struct pci_walk *walk, uint32_t root)
{
	struct pci_plan *plan = walk->plan;
	uint32_t known_buses = plan->bus_count, known_bars = plan->bar_count;
	bool vga = walk->vga;

	walk->reserved = walk->starved = walk->no_reserve = false;
	walk_tree(walk, root);
	if (walk->starved) {
		while (plan->bus_count > known_buses)
			pci_write32(walk->access, plan->buses[--plan->bus_count].bridge,
				    PCI_PRIMARY_BUS, 0);
		plan->bar_count = known_bars;
		walk->vga = vga;
		walk->reserved = walk->starved = false;
		walk->no_reserve = true;
		walk_tree(walk, root);
	}
	for (uint32_t i = known_buses; i < plan->bus_count; i++) {
		const struct pci_branch *branch = &walk->branches[i];

		if (branch->granted_buses < branch->reserved_buses)
			console_log(
				"pci: bridge %02x:%02x.%u gets %u bus numbers for hot-plug of the %u it reserves, "
				"all up to %u are taken; reserve fewer",
				PCI_PARTS((uint32_t)plan->buses[i].bridge), branch->granted_buses,
				branch->reserved_buses, walk->bus_limit);
	}
}

/* True when something is in the first slots of a bus to which no bridge leads. */
static bool probe_root(const struct pci_access *access, uint32_t number, uint32_t slots)
{
	for (uint32_t slot = 0; slot < slots; slot++)
		if (pci_read32(access, PCI_BDF(number, slot, 0), PCI_CACHE_LINE_SIZE) !=
		    PCI_NO_DEVICE)
			return true;
	return false;
}

/* How many slots of a bus must be looked at to find all extra roots: mostly the first is enough. */
static uint32_t probe_slots(const struct pci_access *access, uint32_t extra_roots)
{
	for (uint32_t number = 1; extra_roots && number < PCI_BUSES; number++)
		extra_roots -= probe_root(access, number, 1);
	return extra_roots ? PCI_SLOTS : 1;
}

/*
 * QEMU tells only how many extra roots there are.  They are looked for before any bridge has bus
 * numbers, so that what answers is on a root.  The numbers of a root end where the next root is.
 */
void pci_walk(struct pci_walk *walk, uint32_t extra_roots)
{
	struct pci_bus *root = &walk->plan->buses[0];
	uint32_t slots = probe_slots(walk->access, extra_roots);

	walk->vga = false;
	while (root) {
		uint32_t next = root->number + 1u;

		while (extra_roots && next < PCI_BUSES && !probe_root(walk->access, next, slots))
			next++;
		walk->bus_limit = extra_roots ? next - 1 : PCI_BUSES - 1;
		walk_root(walk, (uint32_t)(root - walk->plan->buses));
		if (!extra_roots-- || next == PCI_BUSES)
			return;
		root = pci_plan_add_bus(walk->plan, 0, PCI_NO_BRIDGE);
		if (root)
			root->number = (uint8_t)next;
	}
}
