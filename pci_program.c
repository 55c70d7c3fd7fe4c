/*
 * pci_program.c - see pci_program.h.
 *
 * A write to a bridge's windows or command register makes QEMU rebuild its memory topology,
 * whatever is written (hw/pci/pci_bridge.c, pci_bridge_write_config()): no register is written
 * that has its value already.  Decoding is off until a function's last write.
 */
#include "pci_program.h"

#include <stddef.h>

/* The bits of a function's command register: what it shall decode. */
static uint16_t build_command(const struct pci_resource *bars, uint32_t count)
{
	uint32_t command = bars[0].flags & PCI_BAR_VGA ? PCI_COMMAND_IO : 0;
	uint32_t closed = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct pci_resource *bar = &bars[i];
		uint32_t bit = bar->flags & PCI_BAR_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;

		/* Above 4 GiB on bus 0 QEMU's tables have a window only around what decodes. */
		if ((bar->flags & PCI_BAR_DECODE) || (!bar->bus && bar->base >> 32))
			command |= bit;
		if (bar->flags & PCI_BAR_DROPPED)
			closed |= bit;
	}
	return (uint16_t)(command & ~closed);
}

/* Writes the registers in touched, a bit for each number; two in one access where possible. */
static void write_bars(const struct pci_access *access, uint32_t bdf, const uint32_t *values,
		       uint32_t touched)
{
	for (uint32_t i = 0; i < PCI_BARS; i++) {
		if (access->wide && i % 2 == 0 && (touched >> i & 3)) {
			pci_write64(access, bdf, PCI_BAR(i),
				    (uint64_t)values[i + 1] << 32 | values[i]);
			i++;
		} else if (!access->wide && (touched >> i & 1)) {
			pci_write32(access, bdf, PCI_BAR(i), values[i]);
		}
	}
}

/* Lets a function decode, if it is to; shown: NULL when for good. */
static void write_command(const struct pci_access *access, uint32_t bdf, uint16_t command,
			  struct pci_shown *shown)
{
	if (!command)
		return;
	pci_write16(access, bdf, PCI_COMMAND, command);
	if (shown && shown->count < PCI_MAX_SHOWN)
		shown->bdfs[shown->count++] = (uint16_t)bdf;
}

/* Writes the BARs of one function, and its command register when it is to decode. */
static void program_function(const struct pci_access *access, const struct pci_resource *bars,
			     uint32_t count, struct pci_shown *shown)
{
	uint32_t bdf = bars[0].bdf;
	uint16_t command = build_command(bars, count);
	uint32_t values[PCI_BARS] = { 0 };
	uint32_t touched = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct pci_resource *bar = &bars[i];
		uint32_t number = (bar->offset - PCI_BAR(0)) / 4;

		if (bar->flags & PCI_BAR_ROM) {
			pci_write32(access, bdf, PCI_ROM, (uint32_t)bar->base);
			continue;
		}
		values[number] = (uint32_t)bar->base;
		touched |= 1u << number;
		/* Without wide accesses an upper half that was not sized still is 0. */
		if ((bar->flags & PCI_BAR_64) && (access->wide || (bar->base | bar->size) >> 32)) {
			values[number + 1] = (uint32_t)(bar->base >> 32);
			touched |= 2u << number;
		}
	}
	write_bars(access, bdf, values, touched);
	write_command(access, bdf, command, bars[0].flags & PCI_BAR_LASTING ? NULL : shown);
}

/* The BARs of a function follow each other in the plan. */
static void program_functions(const struct pci_plan *plan, const struct pci_access *access,
			      struct pci_shown *shown)
{
	const struct pci_resource *bars = plan->bars;
	uint32_t count;

	for (uint32_t i = 0; i < plan->bar_count; i += count) {
		for (count = 1; i + count < plan->bar_count; count++)
			if (bars[i + count].bdf != bars[i].bdf)
				break;
		program_function(access, &bars[i], count, shown);
	}
}

/* Base and limit of a window as its registers have them, the limit in the upper half. */
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

/* Writes the windows whose registers do not have the planned value already. */
static void program_windows(const struct pci_access *access, const struct pci_bus *bus, bool has_io)
{
	const struct pci_resource *prefetch = &bus->windows[PCI_WINDOW_PREFETCH].self;
	uint64_t prefetch_limit = prefetch->base + prefetch->size - 1;
	uint32_t io = build_io_window(&bus->windows[PCI_WINDOW_IO].self);
	uint64_t is = pci_read64(access, bus->bridge, PCI_MEMORY_BASE) & 0xfff0fff0fff0fff0ull;
	uint64_t shall = (uint64_t)build_memory_window(prefetch) << 32 |
			 build_memory_window(&bus->windows[PCI_WINDOW_MEMORY].self);

	/* Where the machine has I/O and the bus has none, QEMU made the window read-only. */
	if (!(has_io && bus->no_io) &&
	    (pci_read32(access, bus->bridge, PCI_IO_BASE) & 0xf0f0) != io)
		pci_write16(access, bus->bridge, PCI_IO_BASE, (uint16_t)io);
	if ((uint32_t)is != (uint32_t)shall && is >> 32 != shall >> 32)
		pci_write64(access, bus->bridge, PCI_MEMORY_BASE, shall);
	else if ((uint32_t)is != (uint32_t)shall)
		pci_write32(access, bus->bridge, PCI_MEMORY_BASE, (uint32_t)shall);
	else if (is >> 32 != shall >> 32)
		pci_write32(access, bus->bridge, PCI_PREFETCH_BASE, (uint32_t)(shall >> 32));
	if (prefetch->base >> 32)
		pci_write64(access, bus->bridge, PCI_PREFETCH_UPPER,
			    prefetch_limit >> 32 << 32 | prefetch->base >> 32);
}

/* What a bridge decodes.  listed: QEMU's tables have those devices on its bus that decode. */
static uint16_t build_bridge_command(const struct pci_bus *bus, bool decode, bool listed)
{
	const struct pci_window *windows = bus->windows;
	bool has_memory = windows[PCI_WINDOW_MEMORY].self.size ||
			  windows[PCI_WINDOW_PREFETCH].self.size;
	uint32_t command = 0;

	if (bus->vga || (decode && windows[PCI_WINDOW_IO].self.size))
		command |= PCI_COMMAND_IO;
	/* Above 4 GiB on bus 0 QEMU's tables have a window only around what decodes. */
	if (bus->vga || bus->lasting ||
	    (!bus->parent && windows[PCI_WINDOW_PREFETCH].self.base >> 32) ||
	    ((decode || listed) && has_memory))
		command |= PCI_COMMAND_MEMORY;
	return (uint16_t)command;
}

void pci_program(const struct pci_plan *plan, const struct pci_access *access, bool decode,
		 struct pci_shown *shown)
{
	bool has_io = plan->spaces[PCI_SPACE_IO].count;

	shown->count = 0;
	program_functions(plan, access, shown);
	for (uint32_t i = 1; i < plan->bus_count; i++) {
		const struct pci_bus *bus = &plan->buses[i];
		bool on_extra_root = bus->parent &&
				     plan->buses[bus->parent].bridge == PCI_NO_BRIDGE;

		if (bus->bridge == PCI_NO_BRIDGE)
			continue;
		program_windows(access, bus, has_io);
		if (bus->vga)
			pci_write16(access, bus->bridge, PCI_BRIDGE_CONTROL,
				    PCI_BRIDGE_CONTROL_VGA);
		write_command(access, bus->bridge, build_bridge_command(bus, decode, on_extra_root),
			      bus->lasting ? NULL : shown);
	}
	if (decode)
		shown->count = 0; /* they decode for good */
}
