/*
 * pci_plan.c - see pci_plan.h.
 *
 * A bus has a greater index than the one that its bridge is on.  So one pass down the indices sizes
 * what is in a window before the window, and one pass up gives a window its base before its
 * contents. The base of a window has the greatest alignment of what is in it, so that offsets in it
 * can be decided before the base is.  No size or room that counts is above REACH: the sum of all of
 * them, and of what their alignment skips, stays below 2^64.
 */
#include "pci_plan.h"

#include <stddef.h>

#include "align.h"
#include "spec/pci.h"

#define IO_GRANULE     0x1000 /* of bridge windows: PCI-to-PCI Bridge 1.2, 3.2.5 */
#define MEMORY_GRANULE 0x100000

#define REACH (1ull << 52) /* no processor has more addresses */

#define BIT(kind) (1u << (kind))

void pci_plan_clear(struct pci_plan *plan)
{
	for (uint32_t space = 0; space < PCI_SPACES; space++)
		plan->spaces[space].count = 0;
	plan->bus_count = 0;
	plan->bar_count = 0;
	pci_plan_add_bus(plan, 0, PCI_NO_BRIDGE);
}

struct pci_bus *pci_plan_add_bus(struct pci_plan *plan, uint32_t parent, uint32_t bridge)
{
	static const uint8_t offsets[PCI_WINDOWS] = { PCI_IO_BASE, PCI_MEMORY_BASE,
						      PCI_PREFETCH_BASE };
	uint32_t index = plan->bus_count;
	struct pci_bus *bus = &plan->buses[index];

	if (index == PCI_MAX_BUSES)
		return NULL;
	plan->bus_count++;
	*bus = (struct pci_bus){
		.bridge = (uint16_t)bridge,
		.parent = (uint16_t)parent,
		.top = parent ? plan->buses[parent].top : (uint16_t)index,
	};
	for (uint32_t kind = 0; kind < PCI_WINDOWS; kind++)
		bus->windows[kind].self = (struct pci_resource){
			.bdf = (uint16_t)bridge,
			.offset = offsets[kind],
			.flags = PCI_BAR_WINDOW,
			.bus = (uint16_t)parent,
		};
	return bus;
}

bool pci_plan_add_bar(struct pci_plan *plan, uint32_t bus, uint32_t bdf, uint32_t offset,
		      uint32_t flags, uint64_t size)
{
	if (plan->bar_count == PCI_MAX_BARS)
		return false;
	if (size > REACH)
		flags |= PCI_BAR_DROPPED;
	plan->bars[plan->bar_count++] = (struct pci_resource){
		.size = size,
		.align = size,
		.bdf = (uint16_t)bdf,
		.offset = (uint8_t)offset,
		.flags = (uint16_t)flags,
		.bus = (uint16_t)bus,
	};
	return true;
}

void pci_ranges_add(struct pci_ranges *ranges, uint64_t base, uint64_t end)
{
	if (base < end && ranges->count < PCI_MAX_RANGES)
		ranges->ranges[ranges->count++] = (struct pci_range){ base, end };
}

/* The largest power of two that is not above value; 0 for 0. */
static uint64_t floor_power(uint64_t value)
{
	while (value & (value - 1))
		value &= value - 1;
	return value;
}

/* The order in which BARs and windows are placed.  No two of them compare equal. */
static bool is_before(const struct pci_resource *a, const struct pci_resource *b)
{
	if (a->align != b->align)
		return a->align > b->align;
	if (a->bdf != b->bdf)
		return a->bdf < b->bdf;
	return a->offset < b->offset;
}

static void insert(struct pci_window *window, struct pci_resource *item)
{
	struct pci_resource **link = &window->first;

	/* BARs come in order, so this is nearly always the end. */
	if (window->first && !is_before(item, window->last))
		link = &window->last->next;
	else
		while (*link && !is_before(item, *link))
			link = &(*link)->next;
	item->next = *link;
	*link = item;
	if (!item->next)
		window->last = item;
}

static void sort_bars(struct pci_plan *plan)
{
	struct pci_resource **order = plan->order;

	for (uint32_t i = 0; i < plan->bar_count; i++) {
		struct pci_resource *bar = &plan->bars[i];
		uint32_t at = i;

		for (; at && is_before(bar, order[at - 1]); at--)
			order[at] = order[at - 1];
		order[at] = bar;
	}
}

static enum pci_space window_space(const struct pci_plan *plan, const struct pci_bus *bus,
				   enum pci_window_kind kind)
{
	if (kind == PCI_WINDOW_IO)
		return PCI_SPACE_IO;
	return kind == PCI_WINDOW_PREFETCH && plan->buses[bus->top].high ? PCI_SPACE_HIGH :
									   PCI_SPACE_LOW;
}

static bool can_be_high(const struct pci_resource *bar)
{
	return (bar->flags & (PCI_BAR_64 | PCI_BAR_BELOW)) == PCI_BAR_64;
}

/* The window that a BAR is placed in, and the space of that window. */
static struct pci_window *find_window(struct pci_plan *plan, const struct pci_resource *bar,
				      enum pci_space *space)
{
	struct pci_bus *bus = &plan->buses[bar->bus];
	enum pci_window_kind kind = PCI_WINDOW_MEMORY;

	if (!bar->bus) {
		if (bar->flags & PCI_BAR_IO)
			*space = PCI_SPACE_IO;
		else if (can_be_high(bar) && plan->spaces[PCI_SPACE_HIGH].count &&
			 (plan->crowded || bar->size >= PCI_LARGE_SIZE))
			*space = PCI_SPACE_HIGH;
		else
			*space = PCI_SPACE_LOW;
		return &plan->roots[*space];
	}
	if (bar->flags & PCI_BAR_IO)
		kind = PCI_WINDOW_IO;
	else if ((bar->flags & PCI_BAR_PREFETCH) &&
		 (plan->buses[bus->top].high ? can_be_high(bar) :
					       bus->windows[PCI_WINDOW_PREFETCH].room != 0))
		kind = PCI_WINDOW_PREFETCH;
	*space = window_space(plan, bus, kind);
	return &bus->windows[kind];
}

/*
 * Decides below which bridges of bus 0 the prefetchable windows are above 4 GiB, and whether
 * there is anything above 4 GiB at all.
 */
static void choose_high(struct pci_plan *plan)
{
	plan->high = false;
	if (!plan->spaces[PCI_SPACE_HIGH].count)
		return;
	for (uint32_t i = 1; i < plan->bus_count; i++) {
		const struct pci_bus *bus = &plan->buses[i];

		if (bus->want_high || (plan->crowded && bus->windows[PCI_WINDOW_PREFETCH].room))
			plan->buses[bus->top].high = plan->high = true;
	}
	for (uint32_t i = 0; i < plan->bar_count; i++) {
		const struct pci_resource *bar = &plan->bars[i];

		if (!(bar->flags & PCI_BAR_64) || (!plan->crowded && bar->size < PCI_LARGE_SIZE))
			continue;
		if (!bar->bus)
			plan->high = true;
		else if (bar->flags & PCI_BAR_PREFETCH)
			plan->buses[plan->buses[bar->bus].top].high = plan->high = true;
	}
}

bool pci_plan_is_refused(const struct pci_bus *bus, enum pci_window_kind kind)
{
	uint64_t room = bus->windows[kind].room;

	return room && ((bus->no_room & BIT(kind)) || room > REACH);
}

/* Lays out what is in a window from offset 0 and gives the window its size. */
static void size_window(struct pci_bus *bus, enum pci_window_kind kind)
{
	struct pci_window *window = &bus->windows[kind];
	uint64_t granule = kind == PCI_WINDOW_IO ? IO_GRANULE : MEMORY_GRANULE;
	uint64_t room = pci_plan_is_refused(bus, kind) ? 0 : window->room;
	uint64_t align = window->first ? window->first->align : 0;
	uint64_t used = 0;

	for (struct pci_resource *item = window->first; item; item = item->next) {
		item->base = align_up(used, item->align);
		used = item->base + item->size;
	}
	if (bus->one_slot && room <= used)
		room = 0;
	/* A BAR as large as the room must fit into it, and is aligned to its size. */
	if (floor_power(room) > align)
		align = floor_power(room);
	window->self.align = align > granule ? align : granule;
	window->self.size = align_up(bus->one_slot && room ? room : used + room, granule);
}

/*
 * Places item in one of the first count ranges.  What its alignment skips becomes the last range,
 * if there may be one more: smaller items go there when there is no place elsewhere.
 */
static bool place(struct pci_resource *item, struct pci_ranges *free, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct pci_range *range = &free->ranges[i];
		uint64_t start = range->base;
		uint64_t base = align_up(start, item->align);

		if (base >= range->end || range->end - base < item->size)
			continue;
		item->base = base;
		range->base = base + item->size;
		pci_ranges_add(free, start, base);
		return true;
	}
	return false;
}

/*
 * Places what is on bus 0, or what is on the extra roots, in what is free.  Returns NULL, or the
 * first BAR or window that has no place.
 */
static struct pci_resource *place_root(struct pci_plan *plan, enum pci_space space,
				       struct pci_ranges *free, bool extra)
{
	for (struct pci_resource *item = plan->roots[space].first; item; item = item->next) {
		if ((item->bdf == PCI_NO_BRIDGE) != extra)
			continue;
		/* What is skipped may be below something on bus 0. */
		if (!place(item, free, extra ? plan->spaces[space].count : free->count))
			return item;
	}
	return NULL;
}

/* Places all BARs and windows of a space.  Returns NULL, or one that has no place on bus 0. */
static struct pci_resource *fit(struct pci_plan *plan, enum pci_space space)
{
	struct pci_ranges free = plan->spaces[space];
	struct pci_resource *failed;

	plan->roots[space].first = NULL;
	for (uint32_t i = 1; i < plan->bus_count; i++)
		for (uint32_t kind = 0; kind < PCI_WINDOWS; kind++)
			if (window_space(plan, &plan->buses[i], kind) == space)
				plan->buses[i].windows[kind].first = NULL;
	for (uint32_t i = 0; i < plan->bar_count; i++) {
		struct pci_resource *bar = plan->order[i];
		enum pci_space its_space;
		struct pci_window *window = find_window(plan, bar, &its_space);

		if (its_space == space && !(bar->flags & PCI_BAR_DROPPED))
			insert(window, bar);
	}
	for (uint32_t i = plan->bus_count; i > 1; i--) {
		struct pci_bus *bus = &plan->buses[i - 1];

		for (uint32_t kind = 0; kind < PCI_WINDOWS; kind++) {
			struct pci_window *window = &bus->windows[kind];

			if (window_space(plan, bus, kind) != space)
				continue;
			size_window(bus, kind);
			window->self.base = 0;
			if (window->self.size)
				insert(bus->parent ? &plan->buses[bus->parent].windows[kind] :
						     &plan->roots[space],
				       &window->self);
		}
	}
	/* The extra roots last: with CXL, QEMU's _CRS of bus 0 ends where the last of these ends
	 * (hw/i386/acpi-build.c, build_dsdt(): CXL's windows get among those below 4 GiB). */
	failed = place_root(plan, space, &free, false);
	if (!failed)
		failed = place_root(plan, space, &free, true);
	if (failed)
		return failed;
	for (uint32_t i = 1; i < plan->bus_count; i++)
		for (uint32_t kind = 0; kind < PCI_WINDOWS; kind++) {
			struct pci_window *window = &plan->buses[i].windows[kind];

			if (window_space(plan, &plan->buses[i], kind) != space)
				continue;
			for (struct pci_resource *item = window->first; item; item = item->next)
				item->base += window->self.base;
		}
	return NULL;
}

/*
 * Gives up item, which has no place; of a window, the BAR in it with the greatest alignment.  What
 * has none above 4 GiB is tried below.  There the largest of those goes first, whatever item is, so
 * that they are in nobody's way.
 */
static void give_up(struct pci_plan *plan, enum pci_space space, struct pci_resource *item)
{
	while (item->flags & PCI_BAR_WINDOW)
		item = ((struct pci_window *)item)->first;
	for (uint32_t i = 0; space == PCI_SPACE_LOW && i < plan->bar_count; i++)
		if ((plan->order[i]->flags & (PCI_BAR_BELOW | PCI_BAR_DROPPED)) == PCI_BAR_BELOW) {
			item = plan->order[i];
			break;
		}
	item->flags |= space == PCI_SPACE_HIGH ? PCI_BAR_BELOW : PCI_BAR_DROPPED;
	item->base = 0;
}

/* Grants room where it fits: to the windows with contents (occupied), or to those without. */
static void grant_room(struct pci_plan *plan, enum pci_space space, bool occupied)
{
	for (uint32_t i = 1; i < plan->bus_count; i++)
		for (uint32_t kind = 0; kind < PCI_WINDOWS; kind++) {
			struct pci_bus *bus = &plan->buses[i];
			const struct pci_window *window = &bus->windows[kind];

			if (window_space(plan, bus, kind) != space || !window->room ||
			    !!window->first != occupied || !(bus->no_room & BIT(kind)))
				continue;
			bus->no_room &= (uint8_t)~BIT(kind);
			if (fit(plan, space))
				bus->no_room |= BIT(kind);
		}
}

/*
 * Places all of a space, if need be without room for hot-plug and without some BARs.  Returns
 * whether any was given up.
 */
static bool settle(struct pci_plan *plan, enum pci_space space)
{
	struct pci_resource *failed;
	bool lost = false;

	if (!fit(plan, space))
		return false;
	for (uint32_t i = 1; i < plan->bus_count; i++)
		for (uint32_t kind = 0; kind < PCI_WINDOWS; kind++)
			if (window_space(plan, &plan->buses[i], kind) == space)
				plan->buses[i].no_room |= BIT(kind);
	while ((failed = fit(plan, space))) {
		give_up(plan, space, failed);
		lost = true;
	}
	grant_room(plan, space, true);
	grant_room(plan, space, false);
	fit(plan, space);
	return lost;
}

void pci_plan(struct pci_plan *plan)
{
	plan->crowded = false;
	sort_bars(plan);
	choose_high(plan);
	settle(plan, PCI_SPACE_IO);
	if (fit(plan, PCI_SPACE_LOW)) {
		plan->crowded = true;
		choose_high(plan);
		settle(plan, PCI_SPACE_LOW);
	}
	if (plan->high && settle(plan, PCI_SPACE_HIGH))
		settle(plan, PCI_SPACE_LOW);
}
