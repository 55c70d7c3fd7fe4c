/*
 * pci.c - see pci.h.
 *
 * A function is found by its vendor and device id; functions 1 to 7 are asked for only where
 * function 0 says that there may be some, and below a PCI Express port only slot 0 is.  Everything
 * is sized, then planned, then programmed; decoding is off until a function's last write.
 *
 * Each access leaves the guest, and a write to a bridge's windows or command register makes QEMU
 * rebuild its memory topology, whatever is written (hw/pci/pci_bridge.c,
 * pci_bridge_write_config()): no register is written that has its value already.
 */
#include "pci.h"

#include "console.h"
#include "layout.h"
#include "pci_plan.h"
#include "phys.h"

#define FOUR_GIB 0x100000000ull
#define GIB      0x40000000ull

/* Devices below 4 GiB start here when RAM permits: the MTRRs that leave them uncached stay few. */
#define PREFERRED_MMIO_BASE 0xc0000000
#define FALLBACK_MMIO_BASE  0x80000000

/* From a multiple of this on, 8 MTRRs reach up to 4 GiB: one for each bit of the distance. */
#define MMIO_GRAIN           0x1000000u
#define PREFERRED_MMIO_GRAIN 0x400000u /* above PREFERRED_MMIO_BASE */

/* How opt/org.qboot/pci-decode starts. */
#define DECODE_ON  ('o' | 'n' << 8)
#define DECODE_OFF ('o' | 'f' << 8)

/* Room for hot-plug, where a bridge does not say how much it wants. */
#define ROOM_IO     0x1000
#define ROOM_MEMORY 0x200000

/* One bus while it is walked; the index is that of struct pci_plan. */
struct branch {
	uint16_t next;          /* slot and function to look at */
	uint16_t end;           /* one past the last of them */
	uint8_t root_slot;      /* slot on the root bus of the outermost bridge */
	uint8_t swizzle;        /* sum of the slots of all bridges below it */
	uint8_t reserved_buses; /* for hot-plug, after the last one found */
	bool root;
	bool port;         /* below a PCI Express port */
	bool occupied;     /* something is on it */
	bool hinted;       /* the bridge says what it wants */
	bool numbers_open; /* its bridge forwards all higher bus numbers */
	bool no_io;        /* its bridge, or one above, has no I/O window */
};

struct walk {
	const struct chipset *chipset;
	const struct pci_access *access;
	struct pci_plan *plan;
	uint32_t last_bus;  /* the highest bus number given out */
	uint32_t bus_limit; /* the highest that may be */
	bool decode;        /* switch everything on */
	bool vga;           /* the first VGA device was seen */
	struct branch branches[PCI_MAX_BUSES];
};

struct tables {
	struct pci_plan plan;
	struct walk walk;
};

uint8_t pci_plan_irq(const struct chipset *chipset, uint32_t root_slot, uint32_t pin)
{
	uint32_t link = pin;

	if (chipset->irq_wiring == IRQ_WIRING_PIIX)
		link += root_slot - 1;
	else if (root_slot <= 24)
		link += root_slot;
	return chipset_pirq_irqs[link & 3];
}

/*
 * The size of a BAR from what it and the next one read after ones were written; 0 when it makes no
 * sense: a 64-bit BAR in the last register has no ones in an upper half.  *flags is what struct
 * pci_resource wants.
 */
static uint64_t parse_bar(uint32_t low, uint32_t high, uint32_t *flags)
{
	uint64_t mask = low & PCI_BAR_MASK_MEMORY;
	uint64_t size;

	if (low & PCI_BAR_TYPE_IO) {
		*flags = PCI_BAR_IO;
		mask = low & PCI_BAR_RESERVED_IO ? 0 : low & PCI_BAR_MASK_IO;
		high = 0;
	} else {
		*flags = low & PCI_BAR_TYPE_PREFETCH ? PCI_BAR_PREFETCH : 0;
		if ((low & PCI_BAR_TYPE_MEMORY) == PCI_BAR_TYPE_RESERVED)
			return 0;
		if ((low & PCI_BAR_TYPE_MEMORY) == PCI_BAR_TYPE_64) {
			*flags |= PCI_BAR_64;
			mask |= (uint64_t)high << 32;
		}
	}
	/* Ones down to a bit, which is the size. */
	size = mask & -mask;
	mask += size;
	if (*flags & PCI_BAR_IO)
		mask &= 0xffff;
	else if (!(*flags & PCI_BAR_64))
		mask &= 0xffffffff;
	return mask ? 0 : size;
}

/* A vendor id of all ones is nobody's answer, one of 0 nobody's name. */
static bool is_present(uint32_t id)
{
	return (uint16_t)(id + 1) > 1;
}

static uint32_t size_register(const struct pci_access *access, uint32_t bdf, uint32_t offset)
{
	pci_write32(access, bdf, offset, 0xffffffff);
	return pci_read32_again(access, bdf, offset);
}

/* Reads registers first to end of BARs with all ones written.  Decoding is off. */
static __attribute__((flatten)) void size_bars(const struct pci_access *access, uint32_t bdf,
					       uint32_t first, uint32_t end, uint32_t *values)
{
	for (uint32_t i = first; i < end; i++) {
		if (access->wide) {
			uint64_t both;

			pci_write64(access, bdf, PCI_BAR(i), ~0ull);
			both = pci_read64(access, bdf, PCI_BAR(i));
			values[i++] = (uint32_t)both;
			values[i] = (uint32_t)(both >> 32);
			continue;
		}
		values[i] = size_register(access, bdf, PCI_BAR(i));
		if ((values[i] & PCI_BAR_TYPE_IO) ||
		    (values[i] & PCI_BAR_TYPE_MEMORY) != PCI_BAR_TYPE_64 || i + 1 == end)
			continue;
		/* The upper half is not touched when the size is in the lower one. */
		i++;
		values[i] = values[i - 1] & PCI_BAR_MASK_MEMORY ?
				    0xffffffff :
				    size_register(access, bdf, PCI_BAR(i));
	}
}

static void add_bar(struct walk *walk, uint32_t bus, uint32_t bdf, uint32_t offset, uint32_t flags,
		    uint64_t size)
{
	if ((flags & PCI_BAR_IO) && walk->branches[bus].no_io)
		flags |= PCI_BAR_DROPPED;
	if (size && pci_plan_add_bar(walk->plan, bus, bdf, offset, flags, size))
		return;
	if (size)
		log("pci: %02x:%02x.%u register 0x%x of 0x%llx bytes gets no address, there are more "
		    "than %u",
		    PCI_BUS(bdf), PCI_SLOT(bdf), PCI_FUNCTION(bdf), offset,
		    (unsigned long long)size, PCI_MAX_BARS);
	else
		log("pci: %02x:%02x.%u register 0x%x gets no address, what it reads gives no size",
		    PCI_BUS(bdf), PCI_SLOT(bdf), PCI_FUNCTION(bdf), offset);
	pci_write32(walk->access, bdf, offset, 0);
	if (flags & PCI_BAR_64)
		pci_write32(walk->access, bdf, offset + 4, 0);
}

static void probe_bars(struct walk *walk, uint32_t bus, uint32_t bdf, uint32_t first, uint32_t end,
		       uint32_t decode)
{
	uint32_t values[PCI_BARS + 1] = { 0 };

	size_bars(walk->access, bdf, first, end, values);
	for (uint32_t i = first; i < end; i++) {
		uint32_t flags;
		uint64_t size;

		if (!values[i])
			continue;
		size = parse_bar(values[i], values[i + 1], &flags);
		add_bar(walk, bus, bdf, PCI_BAR(i), flags | decode, size);
		if (flags & PCI_BAR_64)
			i++;
	}
}

static void probe_rom(struct walk *walk, uint32_t bus, uint32_t bdf)
{
	uint32_t mask;

	pci_write32(walk->access, bdf, PCI_ROM, PCI_ROM_MASK);
	mask = pci_read32_again(walk->access, bdf, PCI_ROM) & PCI_ROM_MASK;
	if (mask)
		add_bar(walk, bus, bdf, PCI_ROM, PCI_BAR_ROM,
			mask + (mask & -mask) ? 0 : mask & -mask);
}

static void route_interrupt(const struct walk *walk, uint32_t bdf, const struct branch *branch)
{
	uint32_t interrupt = pci_read32(walk->access, bdf, PCI_INTERRUPT_LINE);
	uint32_t pin = interrupt >> 8 & 0xff;
	uint32_t slot = PCI_SLOT(bdf);

	if (!pin || pin > 4 || walk->chipset->irq_wiring == IRQ_WIRING_NONE)
		return;
	if (branch->root)
		interrupt = pci_plan_irq(walk->chipset, slot, pin - 1);
	else
		interrupt = pci_plan_irq(walk->chipset, branch->root_slot,
					 pin - 1 + slot + branch->swizzle);
	pci_write8_again(walk->access, bdf, PCI_INTERRUPT_LINE, (uint8_t)interrupt);
}

/* A field of the reserve capability as room: true when it says something. */
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

static void read_reserves(struct walk *walk, struct pci_bus *bus, struct branch *branch,
			  uint32_t bdf, uint32_t offset)
{
	const struct pci_access *access = walk->access;
	uint64_t buses, low = 0, high = 0;
	bool any_io, any_low, any_high, any;

	if (read_reserve(access, bdf, offset + RESERVE_CAP_BUSES, 1, &buses))
		branch->reserved_buses = (uint8_t)(buses < PCI_BUSES ? buses : PCI_BUSES - 1);
	any_io = read_reserve(access, bdf, offset + RESERVE_CAP_IO, 2,
			      &bus->windows[PCI_WINDOW_IO].room);
	/* QEMU makes the I/O window read-only then (hw/pci/pci_bridge.c). */
	branch->no_io |= any_io && !bus->windows[PCI_WINDOW_IO].room;
	any = read_reserve(access, bdf, offset + RESERVE_CAP_MEMORY, 1,
			   &bus->windows[PCI_WINDOW_MEMORY].room);
	any_low = read_reserve(access, bdf, offset + RESERVE_CAP_PREFETCH32, 1, &low);
	any_high = read_reserve(access, bdf, offset + RESERVE_CAP_PREFETCH64, 2, &high);
	branch->hinted = any_io || any || any_low || any_high;
	if (any_low == any_high) /* both is a contradiction */
		return;
	bus->windows[PCI_WINDOW_PREFETCH].room = any_low ? low : high;
	bus->want_high = any_high && high >= PCI_LARGE_SIZE;
}

/* What a bridge's capabilities say about the bus below it. */
static void read_capabilities(struct walk *walk, struct pci_bus *bus, struct branch *branch,
			      uint32_t bdf, bool redhat)
{
	uint32_t offset = pci_read32(walk->access, bdf, PCI_CAP_POINTER) & 0xfc;
	uint32_t reserve = 0;
	uint32_t type = 0;

	/* A list that loops or leads nowhere ends after as many entries as fit. */
	for (uint32_t i = 0; offset >= 0x40 && i < (256 - 0x40) / 4; i++) {
		uint32_t head = pci_read32(walk->access, bdf, offset);

		if ((head & 0xff) == PCI_CAP_ID_EXPRESS)
			type = head >> 20 & 0xf;
		if (redhat && (head & 0xff) == PCI_CAP_ID_VENDOR &&
		    (head >> 16 & 0xff) >= RESERVE_CAP_SIZE && head >> 24 == RESERVE_CAP_TYPE &&
		    offset <= 256 - RESERVE_CAP_SIZE)
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
	if (reserve)
		read_reserves(walk, bus, branch, bdf, reserve);
}

/* Lets the bridges above a bus forward the numbers of buses that are not known yet. */
static void open_numbers(struct walk *walk, uint32_t index)
{
	for (; !walk->branches[index].root && !walk->branches[index].numbers_open;
	     index = walk->plan->buses[index].parent) {
		const struct pci_bus *bus = &walk->plan->buses[index];

		walk->branches[index].numbers_open = true;
		pci_write32(walk->access, bus->bridge, PCI_PRIMARY_BUS,
			    PCI_BUS(bus->bridge) | (uint32_t)bus->number << 8 |
				    (PCI_BUSES - 1) << 16);
	}
}

/* Numbers the bus below a bridge.  Its index, or that of the bus above when it cannot be used. */
static uint32_t enter_bridge(struct walk *walk, uint32_t parent, uint32_t bdf, bool redhat)
{
	const struct branch *above = &walk->branches[parent];
	uint32_t index = walk->plan->bus_count;
	uint32_t slot = PCI_SLOT(bdf);
	struct pci_bus *bus = NULL;
	struct branch *branch;

	if (walk->last_bus < walk->bus_limit)
		bus = pci_plan_add_bus(walk->plan, parent, bdf);
	if (!bus) {
		log("pci: bridge %02x:%02x.%u gets no bus number, all up to %u are taken; what is "
		    "behind it cannot be used",
		    PCI_BUS(bdf), slot, PCI_FUNCTION(bdf), walk->bus_limit);
		return parent;
	}
	bus->number = (uint8_t)++walk->last_bus;
	branch = &walk->branches[index];
	*branch = (struct branch){
		.root_slot = above->root ? (uint8_t)slot : above->root_slot,
		.swizzle = above->root ? 0 : (uint8_t)(above->swizzle + slot),
		.no_io = above->no_io,
	};
	read_capabilities(walk, bus, branch, bdf, redhat);
	branch->end = branch->port ? PCI_FUNCTIONS : PCI_SLOTS * PCI_FUNCTIONS;
	open_numbers(walk, parent);
	pci_write32(walk->access, bdf, PCI_PRIMARY_BUS,
		    PCI_BUS(bdf) | (uint32_t)bus->number << 8 | (uint32_t)bus->number << 16);
	return index;
}

/* All behind a bridge is known: its last bus number, and its room for hot-plug. */
static void leave_bus(struct walk *walk, uint32_t index)
{
	struct pci_bus *bus = &walk->plan->buses[index];
	struct branch *branch = &walk->branches[index];
	struct pci_window *windows = bus->windows;

	walk->last_bus += branch->reserved_buses;
	if (walk->last_bus > walk->bus_limit)
		walk->last_bus = walk->bus_limit;
	if (branch->numbers_open || branch->reserved_buses)
		pci_write32(walk->access, bus->bridge, PCI_PRIMARY_BUS,
			    PCI_BUS(bus->bridge) | (uint32_t)bus->number << 8 |
				    walk->last_bus << 16);
	/* The kernel opens an empty port on bus 0 itself; elsewhere it has no room for that. */
	if (!branch->port || (!branch->occupied && !branch->hinted && !bus->parent))
		return;
	if (!windows[PCI_WINDOW_MEMORY].room)
		windows[PCI_WINDOW_MEMORY].room = ROOM_MEMORY;
	if (!windows[PCI_WINDOW_PREFETCH].room)
		windows[PCI_WINDOW_PREFETCH].room = ROOM_MEMORY;
}

/* The first VGA device answers at its fixed addresses: marks the bridges above it. */
static uint32_t choose_vga(struct walk *walk, uint32_t bus)
{
	if (walk->vga)
		return 0;
	walk->vga = true;
	for (; bus; bus = walk->plan->buses[bus].parent)
		walk->plan->buses[bus].vga = true;
	return PCI_BAR_DECODE | PCI_BAR_VGA;
}

/*
 * Moves on to the next function of a bus that answers; false when there is none.  Most slots are empty:
 * everything in the loops is inlined.
 */
static __attribute__((flatten, noinline)) bool find_function(const struct walk *walk,
							     struct branch *branch, uint32_t bus,
							     uint32_t *bdf, uint32_t *id)
{
	const struct pci_access access = *walk->access;
	uint32_t next = (bus << 8) + branch->next;
	uint32_t end = (bus << 8) + branch->end;
	uint32_t found = PCI_NO_DEVICE;
	uint32_t step = 1;

	for (; PCI_FUNCTION(next); next++) {
		found = pci_read32(&access, next, PCI_VENDOR_ID);
		if (is_present(found))
			goto out;
	}
	step = PCI_FUNCTIONS;
	for (; next < end; next += PCI_FUNCTIONS) {
		found = pci_read32(&access, next, PCI_VENDOR_ID);
		if (is_present(found))
			break;
	}
out:
	*bdf = next;
	*id = found;
	branch->next = (uint16_t)(next + step - (bus << 8));
	return is_present(found);
}

/* Sizes and routes what was found on a bus; the index of the bus to go on with. */
static uint32_t probe_function(struct walk *walk, uint32_t index, uint32_t bdf, uint32_t id)
{
	const struct chipset *chipset = walk->chipset;
	const struct pci_access *access = walk->access;
	struct branch *branch = &walk->branches[index];
	uint32_t next = PCI_SLOT(bdf) * PCI_FUNCTIONS + PCI_FUNCTION(bdf) + 1;
	uint32_t decode = walk->decode ? PCI_BAR_DECODE : 0;
	uint32_t class, header, first_bar;
	uint64_t both;

	branch->occupied = true;
	/* What the chipset consists of is programmed by chipset_init(). */
	if (bdf == chipset->isa_bridge) {
		branch->next = (uint16_t)next;
		return index;
	}
	if (bdf == chipset->pm_function) {
		pci_write8(access, bdf, PCI_INTERRUPT_LINE, ACPI_SCI_IRQ);
		return index;
	}

	both = pci_read64(access, bdf, PCI_CLASS_REVISION);
	class = (uint32_t)both >> 8;
	header = (uint32_t)(both >> 48) & 0xff;
	if (header & PCI_HEADER_MULTIFUNCTION)
		branch->next = (uint16_t)next;
	route_interrupt(walk, bdf, branch);

	switch (header & PCI_HEADER_TYPE_MASK) {
	case PCI_HEADER_TYPE_BRIDGE:
		probe_bars(walk, index, bdf, 0, PCI_BRIDGE_BARS, 0);
		return enter_bridge(walk, index, bdf, (id & 0xffff) == PCI_VENDOR_REDHAT);
	case 0:
		break;
	default:
		return index;
	}
	if (class >> 8 == PCI_CLASS_VGA)
		decode |= choose_vga(walk, index);
	if (index && branch->root)
		decode = PCI_BAR_DECODE;
	/* IDE in compatibility mode has its first four BARs at fixed ports. */
	first_bar = class >> 8 == PCI_CLASS_IDE && !(class & PCI_CLASS_IDE_NATIVE) ? 4 : 0;
	probe_bars(walk, index, bdf, first_bar, PCI_BARS, decode);
	if (index || PCI_SLOT(bdf) != PCI_SLOT((uint32_t)chipset->isa_bridge))
		probe_rom(walk, index, bdf);
	return index;
}

/* Walks a root bus and everything below it, without recursion: 256 bridges may be in a row. */
static void walk_root(struct walk *walk, uint32_t root)
{
	uint32_t index = root;

	walk->branches[root] = (struct branch){
		/* 00:00.0, the host bridge, is known already. */
		.next = root ? 0 : PCI_FUNCTIONS,
		.end = PCI_SLOTS * PCI_FUNCTIONS,
		.root = true,
		.no_io = !walk->plan->spaces[PCI_SPACE_IO].count,
	};
	walk->last_bus = walk->plan->buses[root].number;
	for (;;) {
		uint32_t bdf = 0, id = 0;

		if (find_function(walk, &walk->branches[index], walk->plan->buses[index].number,
				  &bdf, &id)) {
			index = probe_function(walk, index, bdf, id);
		} else if (index != root) {
			leave_bus(walk, index);
			index = walk->plan->buses[index].parent;
		} else {
			return;
		}
	}
}

/* True when something is on a bus to which no bridge leads. */
static bool probe_root(const struct pci_access *access, uint32_t number)
{
	for (uint32_t slot = 0; slot < PCI_SLOTS; slot++)
		if (is_present(pci_read32(access, PCI_BDF(number, slot, 0), PCI_VENDOR_ID)))
			return true;
	return false;
}

/*
 * Walks bus 0 and the extra roots, of which only the count is known.  They are looked for before
 * any bridge has bus numbers: who answers then is a root.  Those of one end where the next starts.
 */
static void walk_roots(struct walk *walk, uint32_t extra)
{
	struct pci_bus *root = &walk->plan->buses[0];

	while (root) {
		uint32_t next = root->number + 1u;

		while (extra && next < PCI_BUSES && !probe_root(walk->access, next))
			next++;
		walk->bus_limit = extra ? next - 1 : PCI_BUSES - 1;
		walk_root(walk, (uint32_t)(root - walk->plan->buses));
		if (!extra-- || next == PCI_BUSES)
			return;
		root = pci_plan_add_bus(walk->plan, 0, PCI_NO_BRIDGE);
		if (root)
			root->number = (uint8_t)next;
	}
}

/* Writes the BARs of one function, and its command register when it is to decode. */
static void program_function(const struct walk *walk, const struct pci_resource *bars,
			     uint32_t count)
{
	const struct pci_access *access = walk->access;
	uint32_t bdf = bars[0].bdf;
	uint32_t values[PCI_BARS] = { 0 };
	uint32_t touched = 0;
	uint32_t command = bars[0].flags & PCI_BAR_VGA ? PCI_COMMAND_IO : 0;
	uint32_t closed = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct pci_resource *bar = &bars[i];
		uint32_t bit = bar->flags & PCI_BAR_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
		uint32_t number = (bar->offset - PCI_BAR(0)) / 4;

		/* Above 4 GiB on bus 0 QEMU's tables have a window only around what decodes. */
		if ((bar->flags & PCI_BAR_DECODE) || (!bar->bus && bar->base >> 32))
			command |= bit;
		if (bar->flags & PCI_BAR_DROPPED)
			closed |= bit;
		if (bar->flags & PCI_BAR_ROM) {
			pci_write32(access, bdf, PCI_ROM, (uint32_t)bar->base);
			continue;
		}
		values[number] = (uint32_t)bar->base;
		touched |= 1u << number;
		if ((bar->flags & PCI_BAR_64) && (access->wide || (bar->base | bar->size) >> 32)) {
			values[number + 1] = (uint32_t)(bar->base >> 32);
			touched |= 2u << number;
		}
	}
	for (uint32_t i = 0; i < PCI_BARS; i += 2) {
		if (access->wide && (touched >> i & 3))
			pci_write64(access, bdf, PCI_BAR(i),
				    (uint64_t)values[i + 1] << 32 | values[i]);
		if (!access->wide && (touched >> i & 1))
			pci_write32(access, bdf, PCI_BAR(i), values[i]);
		if (!access->wide && (touched >> i & 2))
			pci_write32(access, bdf, PCI_BAR(i + 1), values[i + 1]);
	}
	command &= ~closed;
	if (command)
		pci_write16(access, bdf, PCI_COMMAND, (uint16_t)command);
}

static void program_bars(const struct walk *walk)
{
	const struct pci_resource *bars = walk->plan->bars;
	uint32_t count;

	for (uint32_t i = 0; i < walk->plan->bar_count; i += count) {
		for (count = 1; i + count < walk->plan->bar_count; count++)
			if (bars[i + count].bdf != bars[i].bdf)
				break;
		program_function(walk, &bars[i], count);
	}
}

/* Base and limit of a window as one register has them. */
static uint32_t build_io_window(const struct pci_resource *window)
{
	uint32_t base = (uint32_t)window->base;
	uint32_t limit = base + (uint32_t)window->size - 1;

	return window->size ? (base >> 8 & 0xf0) | (limit & 0xf000) : 0xf0;
}

static uint32_t build_memory_window(const struct pci_resource *window)
{
	uint32_t base = (uint32_t)window->base;
	uint32_t limit = base + (uint32_t)window->size - 1;

	return window->size ? (base >> 16 & 0xfff0) | (limit & 0xfff00000) : 0xfff0;
}

static void program_bridge(const struct walk *walk, const struct pci_bus *bus, bool fixed_io)
{
	const struct pci_access *access = walk->access;
	const struct pci_resource *io = &bus->windows[PCI_WINDOW_IO].self;
	const struct pci_resource *memory = &bus->windows[PCI_WINDOW_MEMORY].self;
	const struct pci_resource *prefetch = &bus->windows[PCI_WINDOW_PREFETCH].self;
	uint64_t prefetch_limit = prefetch->size ? prefetch->base + prefetch->size - 1 : 0;
	uint64_t is = pci_read64(access, bus->bridge, PCI_MEMORY_BASE) & 0xfff0fff0fff0fff0ull;
	uint64_t shall = (uint64_t)build_memory_window(prefetch) << 32 |
			 build_memory_window(memory);
	uint32_t command = 0;

	if (!fixed_io &&
	    (pci_read32(access, bus->bridge, PCI_IO_BASE) & 0xf0f0) != build_io_window(io))
		pci_write16(access, bus->bridge, PCI_IO_BASE, (uint16_t)build_io_window(io));
	if ((uint32_t)is != (uint32_t)shall && is >> 32 != shall >> 32)
		pci_write64(access, bus->bridge, PCI_MEMORY_BASE, shall);
	else if ((uint32_t)is != (uint32_t)shall)
		pci_write32(access, bus->bridge, PCI_MEMORY_BASE, (uint32_t)shall);
	else if (is >> 32 != shall >> 32)
		pci_write32(access, bus->bridge, PCI_PREFETCH_BASE, (uint32_t)(shall >> 32));
	if (prefetch->base >> 32)
		pci_write64(access, bus->bridge, PCI_PREFETCH_UPPER,
			    prefetch_limit >> 32 << 32 | prefetch->base >> 32);
	if (bus->vga)
		pci_write16(access, bus->bridge, PCI_BRIDGE_CONTROL, PCI_BRIDGE_CONTROL_VGA);
	if (bus->vga || io->size)
		command |= PCI_COMMAND_IO;
	if (bus->vga || memory->size || prefetch->size)
		command |= PCI_COMMAND_MEMORY;
	if (command)
		pci_write16(access, bus->bridge, PCI_COMMAND, (uint16_t)command);
}

static void report_dropped(const struct pci_plan *plan)
{
	for (uint32_t i = 0; i < plan->bar_count; i++) {
		const struct pci_resource *bar = &plan->bars[i];

		/* Without any I/O ports it is the machine that has none, and drivers know. */
		if (!(bar->flags & PCI_BAR_DROPPED) ||
		    ((bar->flags & PCI_BAR_IO) && !plan->spaces[PCI_SPACE_IO].count))
			continue;
		log("pci: %02x:%02x.%u register 0x%x gets no address, there is no place for 0x%llx "
		    "bytes of %s",
		    PCI_BUS((uint32_t)bar->bdf), PCI_SLOT((uint32_t)bar->bdf),
		    PCI_FUNCTION((uint32_t)bar->bdf), bar->offset, (unsigned long long)bar->size,
		    bar->flags & PCI_BAR_IO ? "I/O ports" :
		    bar->flags & PCI_BAR_64 ? "memory" :
					      "memory below 4 GiB");
	}
}

static uint64_t max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t read_u64(const struct fw_cfg *cfg, const char *name)
{
	struct fw_cfg_item item;
	uint64_t value = 0;

	if (fw_cfg_find(cfg, name, &item))
		fw_cfg_read(cfg, item.selector, &value, sizeof(value));
	return value;
}

/* What the memory map leaves free within [base, end), ascending. */
static void find_gaps(struct pci_ranges *gaps, const struct memmap *map, uint64_t base,
		      uint64_t end)
{
	const struct memory_range *stop = map->ranges + map->count;
	const struct memory_range *range = stop;

	gaps->count = 0;
	while (range > map->ranges && range[-1].end > base)
		range--;
	for (; range < stop && range->base < end; range++) {
		pci_ranges_add(gaps, base, range->base);
		base = range->end;
	}
	pci_ranges_add(gaps, base, end);
}

/* Adds the parts of the gaps, all below 4 GiB, that are within [base, end). */
static void add_low(struct pci_plan *plan, const struct pci_ranges *gaps, uint32_t base,
		    uint32_t end)
{
	for (uint32_t i = 0; i < gaps->count; i++) {
		uint32_t gap_base = (uint32_t)gaps->ranges[i].base;
		uint32_t gap_end = (uint32_t)gaps->ranges[i].end;

		if (gap_base < end && gap_end > base)
			pci_ranges_add(&plan->spaces[PCI_SPACE_LOW],
				       gap_base > base ? gap_base : base,
				       gap_end < end ? gap_end : end);
	}
}

/* The addresses that are free on this machine. */
static void find_spaces(struct pci_plan *plan, const struct chipset *chipset, const struct cpu *cpu,
			const struct fw_cfg *cfg, const struct memmap *map)
{
	uint64_t ram_end = memmap_low_ram_end(map);
	uint64_t low = max64(ram_end, chipset->mmio_base);
	uint64_t grain = low > PREFERRED_MMIO_BASE ? PREFERRED_MMIO_GRAIN : MMIO_GRAIN;
	uint64_t high = FOUR_GIB;
	struct pci_ranges gaps;

	low = (low + grain - 1) & ~(grain - 1);
	for (uint32_t i = 0; i < CHIPSET_PORT_RANGES && chipset->ports[i].last; i++)
		pci_ranges_add(&plan->spaces[PCI_SPACE_IO], chipset->ports[i].base,
			       chipset->ports[i].last + 1u);

	find_gaps(&gaps, map, low, chipset->mmio_end);
	add_low(plan, &gaps, PREFERRED_MMIO_BASE, chipset->mmio_end);
	add_low(plan, &gaps, FALLBACK_MMIO_BASE, PREFERRED_MMIO_BASE);
	add_low(plan, &gaps, 0, FALLBACK_MMIO_BASE);

	/* A processor that cannot reach it from 64-bit mode may have a kernel that cannot at all. */
	if (!(cpu->leaf81_edx & CPUID_81_EDX_LM))
		return;
	for (uint32_t i = map->count; i-- && map->ranges[i].end > FOUR_GIB;)
		if (map->ranges[i].type == MEMORY_RAM || map->ranges[i].type == MEMORY_LOADED)
			high = max64(high, map->ranges[i].end);
	high = max64(high, read_u64(cfg, "etc/reserved-memory-end"));
	high = (high + GIB - 1) & ~(GIB - 1);
	if (chipset->mmio64_top_quarter)
		high = max64(high, 3ull << (cpu->phys_bits - 2));
	find_gaps(&plan->spaces[PCI_SPACE_HIGH], map, high, 1ull << cpu->phys_bits);
}

static void plan_layout(struct pci_layout *layout, const struct pci_plan *plan,
			const struct chipset *chipset)
{
	const struct pci_ranges *low = &plan->spaces[PCI_SPACE_LOW];

	if (low->count && low->ranges[0].base < layout->mmio_base)
		layout->mmio_base = (uint32_t)low->ranges[0].base;
	if (chipset->ecam_base && chipset->ecam_base < layout->mmio_base)
		layout->mmio_base = chipset->ecam_base;
	for (const struct pci_resource *item = plan->roots[PCI_SPACE_LOW].first; item;
	     item = item->next)
		if (item->base < layout->mmio_base)
			layout->mmio_base = (uint32_t)item->base;
}

void pci_init(struct pci_layout *layout, const struct chipset *chipset, const struct cpu *cpu,
	      const struct fw_cfg *cfg, struct memmap *map, const struct pci_access *access,
	      bool decode)
{
	uint32_t option;
	struct tables *tables;
	struct pci_plan *plan;
	struct walk *walk;

	*layout = (struct pci_layout){ .mmio_base = IOAPIC_BASE };
	if (!chipset->mmio_end)
		return;
	tables = phys_ptr(memmap_scratch(map, sizeof(*tables), sizeof(uint64_t), "the PCI tables"));
	plan = &tables->plan;
	walk = &tables->walk;
	pci_plan_clear(plan);
	find_spaces(plan, chipset, cpu, cfg, map);
	walk->chipset = chipset;
	walk->access = access;
	walk->plan = plan;
	walk->vga = false;
	option = read_u64(cfg, "opt/org.qboot/pci-decode") & 0xffff;
	walk->decode = option == DECODE_ON || (decode && option != DECODE_OFF);
	walk_roots(walk, (uint32_t)read_u64(cfg, "etc/extra-pci-roots"));

	pci_plan(plan);
	program_bars(walk);
	for (uint32_t i = 1; i < plan->bus_count; i++)
		if (plan->buses[i].bridge != PCI_NO_BRIDGE)
			program_bridge(walk, &plan->buses[i],
				       plan->spaces[PCI_SPACE_IO].count && walk->branches[i].no_io);
	report_dropped(plan);
	layout->last_bus = walk->last_bus; /* extra roots come in ascending order */
	plan_layout(layout, plan, chipset);
	if (access->wide)
		mmx_done();
}
