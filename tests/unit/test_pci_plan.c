/*
 * test_pci_plan.c - where BARs and bridge windows go: a few named machines, then properties of
 * TOPOLOGIES invented ones.
 *
 * A topology is made from its number alone; a failure names it, and PCI_PLAN_SEED=number runs that
 * one.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pci_plan.h"

#define TOPOLOGIES 110000 /* over 100,000 of them have BARs and are like no other */
#define MIB        0x100000ull
#define GIB        0x40000000ull
#define FOUR_GIB   0x100000000ull

#define EXPECT(condition) \
	do { \
		if (!(condition)) \
			fail_msg("topology %llu: %s", (unsigned long long)topology, #condition); \
	} while (0)

static struct pci_plan plan, other;
static uint64_t topology;

/* What the generator knows and the planner need not. */
static uint16_t io_reserved[2]; /* [0], [1]: a hole in the ports */
static uint64_t ram_end, high_base;

static uint64_t state;

static uint32_t any(uint32_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((state >> 33) % below);
}

static bool one_in(uint32_t count)
{
	return any(count) == 0;
}

static void make_spaces(struct pci_plan *p)
{
	static const uint64_t low_ends[] = { 0xb0000000, 0xc0000000, 0xe0000000, 0x20000000 };
	uint32_t hole = 0x2000 + 0x100 * any(0x80);

	pci_plan_clear(p);
	io_reserved[0] = (uint16_t)hole;
	io_reserved[1] = (uint16_t)(hole + 0x40 * any(64));
	pci_ranges_add(&p->spaces[PCI_SPACE_IO], 0x1000, io_reserved[0]);
	if (!one_in(8))
		pci_ranges_add(&p->spaces[PCI_SPACE_IO], io_reserved[1], 0x10000);
	ram_end = low_ends[any(4)];
	pci_ranges_add(&p->spaces[PCI_SPACE_LOW], ram_end > 0xc0000000 ? ram_end : 0xc0000000,
		       0xfec00000);
	if (ram_end < 0xc0000000 && !one_in(4))
		pci_ranges_add(&p->spaces[PCI_SPACE_LOW], ram_end, 0xc0000000);
	high_base = FOUR_GIB + any(64) * GIB;
	if (!one_in(8))
		pci_ranges_add(&p->spaces[PCI_SPACE_HIGH], high_base,
			       one_in(4) ? high_base + any(16) * GIB : 1ull << 39);
	if (one_in(3))
		pci_ranges_add(&p->spaces[PCI_SPACE_HIGH], 1ull << 40,
			       1ull << (one_in(2) ? 41 : 46));
}

static void make_bars(struct pci_plan *p, uint32_t bus, uint32_t bdf, uint32_t largest)
{
	for (uint32_t i = 0; i < 6; i++) {
		uint32_t offset = 0x10 + 4 * i;

		switch (any(8)) {
		case 0:
			pci_plan_add_bar(p, bus, bdf, offset, PCI_BAR_IO, 1ull << (2 + any(7)));
			break;
		case 1:
		case 2:
			pci_plan_add_bar(p, bus, bdf, offset, one_in(3) ? PCI_BAR_PREFETCH : 0,
					 1ull << (4 + any(largest < 28 ? largest : 28)));
			break;
		case 3:
		case 4:
			if (i == 5)
				break;
			pci_plan_add_bar(p, bus, bdf, offset,
					 PCI_BAR_64 | (one_in(4) ? 0 : PCI_BAR_PREFETCH),
					 1ull << (4 + any(largest)));
			i++;
			break;
		}
	}
	if (one_in(5))
		pci_plan_add_bar(p, bus, bdf, 0x30, PCI_BAR_ROM, 1ull << (11 + any(8)));
}

static void make_bridge(struct pci_plan *p, uint32_t parent, uint32_t bdf)
{
	struct pci_bus *bus = pci_plan_add_bus(p, parent, bdf);

	if (!bus)
		return;
	bus->number = (uint8_t)(bus - p->buses);
	bus->one_slot = one_in(2);
	if (one_in(2))
		bus->windows[PCI_WINDOW_IO].room = 0x1000 << any(3);
	if (one_in(2))
		bus->windows[PCI_WINDOW_MEMORY].room = MIB << any(one_in(20) ? 12 : 3);
	if (one_in(2)) {
		bus->windows[PCI_WINDOW_PREFETCH].room = 0x1000ull << any(one_in(10) ? 26 : 10);
		bus->want_high = one_in(2);
	}
	if (one_in(50))
		bus->windows[any(3)].room = ~0ull - any(100);
}

/* Bus after bus, as the walk finds them: each gets devices, and bridges to later ones. */
static void make(struct pci_plan *p)
{
	uint32_t crowd = one_in(20) ? 30 : 1 + any(6);
	uint32_t buses = one_in(400) ? 300 : one_in(10) ? 1 + any(40) : 1 + any(6);
	uint32_t largest = one_in(3) ? 35 : 10 + any(12); /* BARs of up to 256 GiB */
	bool deep = one_in(4);

	make_spaces(p);
	for (uint32_t i = 1; i < buses && i < PCI_MAX_BUSES; i++) {
		uint32_t parent = deep ? i - 1 : any(i);

		if (one_in(20))
			pci_plan_add_bus(p, 0, PCI_NO_BRIDGE);
		else
			make_bridge(p, parent, parent << 8 | (i / 7 % 32) << 3 | (1 + i % 7));
	}
	for (uint32_t bus = 0; bus < p->bus_count; bus++)
		for (uint32_t i = any(crowd + 1); i; i--)
			make_bars(p, bus, bus << 8 | i << 3, largest);
}

static bool is_inside(const struct pci_resource *inner, const struct pci_resource *outer)
{
	return inner->base >= outer->base && inner->base - outer->base <= outer->size &&
	       outer->size - (inner->base - outer->base) >= inner->size;
}

static bool is_in_range(const struct pci_resource *item, const struct pci_ranges *ranges)
{
	for (uint32_t i = 0; i < ranges->count; i++)
		if (item->base >= ranges->ranges[i].base && item->base < ranges->ranges[i].end &&
		    ranges->ranges[i].end - item->base >= item->size)
			return true;
	return false;
}

/* An address on a bus, for finding overlaps. */
struct piece {
	uint32_t bus;
	bool io;
	const struct pci_resource *item;
};

static int compare(const void *a, const void *b)
{
	const struct piece *l = a, *r = b;

	if (l->bus != r->bus)
		return l->bus < r->bus ? -1 : 1;
	if (l->io != r->io)
		return l->io ? -1 : 1;
	return l->item->base < r->item->base ? -1 : l->item->base > r->item->base;
}

static void check_bar(const struct pci_resource *bar)
{
	const struct pci_bus *bus = &plan.buses[bar->bus];
	bool io = bar->flags & PCI_BAR_IO;

	if (bar->flags & PCI_BAR_DROPPED) {
		EXPECT(bar->base == 0);
		return;
	}
	EXPECT(bar->base != 0);
	EXPECT((bar->base & (bar->size - 1)) == 0);
	EXPECT((bar->flags & PCI_BAR_64) || bar->base + bar->size < FOUR_GIB);
	if (io)
		EXPECT(bar->base + bar->size <= io_reserved[0] ||
		       (bar->base >= io_reserved[1] && bar->base + bar->size <= 0x10000));
	else
		EXPECT((bar->base >= ram_end && bar->base + bar->size <= 0xfec00000) ||
		       bar->base >= high_base);
	if (!bar->bus) {
		EXPECT(is_in_range(bar, &plan.spaces[io                   ? PCI_SPACE_IO :
						     bar->base < FOUR_GIB ? PCI_SPACE_LOW :
									    PCI_SPACE_HIGH]));
		return;
	}
	if (io)
		EXPECT(is_inside(bar, &bus->windows[PCI_WINDOW_IO].self));
	else if (is_inside(bar, &bus->windows[PCI_WINDOW_PREFETCH].self))
		EXPECT(bar->flags & PCI_BAR_PREFETCH);
	else
		EXPECT(is_inside(bar, &bus->windows[PCI_WINDOW_MEMORY].self));
}

static void check_window(const struct pci_bus *bus, uint32_t kind)
{
	const struct pci_window *window = &bus->windows[kind];
	const struct pci_resource *self = &window->self;
	uint64_t granule = kind == PCI_WINDOW_IO ? 0x1000 : MIB;
	uint64_t room = bus->no_room & 1u << kind || window->room >> 53 ? 0 : window->room;
	uint64_t used = 0;

	if (!self->size) {
		EXPECT(!window->first);
		EXPECT(room == 0);
		return;
	}
	EXPECT(self->base != 0);
	EXPECT((self->base & (granule - 1)) == 0);
	EXPECT((self->size & (granule - 1)) == 0);
	EXPECT(kind == PCI_WINDOW_PREFETCH || self->base + self->size < FOUR_GIB);
	EXPECT(self->base >= FOUR_GIB || self->base + self->size < FOUR_GIB);
	if (!bus->parent)
		EXPECT(is_in_range(self, &plan.spaces[kind == PCI_WINDOW_IO ? PCI_SPACE_IO :
						      self->base < FOUR_GIB ? PCI_SPACE_LOW :
									      PCI_SPACE_HIGH]));
	else
		EXPECT(is_inside(self, &plan.buses[bus->parent].windows[kind].self));
	/* No larger than needed: no gap that alignment does not make, and room once. */
	for (const struct pci_resource *item = window->first; item; item = item->next) {
		uint64_t offset = item->base - self->base;

		EXPECT(offset >= used);
		EXPECT(offset - used < item->align);
		used = offset + item->size;
	}
	EXPECT(room <= self->size);
	if (bus->one_slot)
		EXPECT(self->size < (used > room ? used : room) + granule);
	else
		EXPECT(self->size < used + room + granule);
}

static void check_overlaps(void)
{
	static struct piece pieces[PCI_MAX_BARS + PCI_MAX_BUSES * PCI_WINDOWS];
	uint32_t count = 0;

	for (uint32_t i = 0; i < plan.bar_count; i++)
		if (!(plan.bars[i].flags & PCI_BAR_DROPPED))
			pieces[count++] = (struct piece){ plan.bars[i].bus,
							  plan.bars[i].flags & PCI_BAR_IO,
							  &plan.bars[i] };
	for (uint32_t i = 1; i < plan.bus_count; i++)
		for (uint32_t kind = 0; kind < PCI_WINDOWS; kind++)
			if (plan.buses[i].windows[kind].self.size)
				pieces[count++] =
					(struct piece){ plan.buses[i].parent, kind == PCI_WINDOW_IO,
							&plan.buses[i].windows[kind].self };
	qsort(pieces, count, sizeof(pieces[0]), compare);
	for (uint32_t i = 1; i < count; i++)
		if (pieces[i].bus == pieces[i - 1].bus && pieces[i].io == pieces[i - 1].io)
			EXPECT(pieces[i].item->base - pieces[i - 1].item->base >=
			       pieces[i - 1].item->size);
}

/* A BAR is given up only when things are large. */
static void check_drops(void)
{
	uint64_t sums[2] = { 0, 0 };
	uint64_t low = plan.spaces[PCI_SPACE_LOW].ranges[0].end -
		       plan.spaces[PCI_SPACE_LOW].ranges[0].base;
	uint32_t windows = plan.bus_count - 1;

	for (uint32_t i = 0; i < plan.bar_count; i++)
		sums[!(plan.bars[i].flags & PCI_BAR_IO)] += plan.bars[i].size;
	for (uint32_t i = 0; i < plan.bar_count; i++) {
		const struct pci_resource *bar = &plan.bars[i];

		if (!(bar->flags & PCI_BAR_DROPPED))
			continue;
		if (bar->flags & PCI_BAR_IO)
			EXPECT(sums[0] + windows * 0x1000 > 0x1000);
		else
			EXPECT(4 * sums[1] + windows * 4 * MIB > low);
	}
}

/* The same BARs in another order, in other[], get the same addresses. */
static void check_order(void)
{
	for (uint32_t i = other.bar_count; i > 1; i--) {
		uint32_t j = any(i);
		struct pci_resource bar = other.bars[j];

		other.bars[j] = other.bars[i - 1];
		other.bars[i - 1] = bar;
	}
	pci_plan(&other);
	for (uint32_t i = 0; i < plan.bar_count; i++)
		EXPECT(other.order[i]->base == plan.order[i]->base &&
		       other.order[i]->bdf == plan.order[i]->bdf &&
		       other.order[i]->offset == plan.order[i]->offset);
	for (uint32_t i = 1; i < plan.bus_count; i++)
		for (uint32_t kind = 0; kind < PCI_WINDOWS; kind++)
			EXPECT(other.buses[i].windows[kind].self.base ==
			       plan.buses[i].windows[kind].self.base);
}

static void check(uint64_t number)
{
	topology = number;
	state = number * 2862933555777941757ull + 3037000493ull;
	make(&plan);
	memcpy(&other, &plan, sizeof(plan));
	pci_plan(&plan);
	for (uint32_t i = 0; i < plan.bar_count; i++)
		check_bar(&plan.bars[i]);
	for (uint32_t i = 1; i < plan.bus_count; i++)
		for (uint32_t kind = 0; kind < PCI_WINDOWS; kind++)
			check_window(&plan.buses[i], kind);
	check_overlaps();
	check_drops();
	if (number % 8 == 0)
		check_order();
}

static void test_properties(void **unused)
{
	const char *seed = getenv("PCI_PLAN_SEED");
	uint32_t dropped = 0, high = 0, nested = 0, no_room = 0;

	(void)unused;
	if (seed) {
		check(strtoull(seed, NULL, 0));
		return;
	}
	for (uint64_t i = 0; i < TOPOLOGIES; i++) {
		check(i);
		for (uint32_t j = 0; j < plan.bar_count; j++) {
			dropped += !!(plan.bars[j].flags & PCI_BAR_DROPPED);
			high += plan.bars[j].base >= FOUR_GIB;
			nested += plan.buses[plan.bars[j].bus].parent != 0;
		}
		for (uint32_t j = 0; j < plan.bus_count; j++)
			no_room += !!plan.buses[j].no_room;
	}
	/* The generator reaches what is to be tested. */
	assert_true(dropped > 1000 && high > 1000 && nested > 1000 && no_room > 1000);
}

/* pc with 512 MiB. */
static void start_pc(void)
{
	pci_plan_clear(&plan);
	pci_ranges_add(&plan.spaces[PCI_SPACE_IO], 0xc000, 0x10000);
	pci_ranges_add(&plan.spaces[PCI_SPACE_IO], 0x6000, 0xa000);
	pci_ranges_add(&plan.spaces[PCI_SPACE_IO], 0x1000, 0x5000);
	pci_ranges_add(&plan.spaces[PCI_SPACE_LOW], 0xc0000000, 0xfec00000);
	pci_ranges_add(&plan.spaces[PCI_SPACE_LOW], 0x80000000, 0xc0000000);
	pci_ranges_add(&plan.spaces[PCI_SPACE_HIGH], FOUR_GIB, 1ull << 40);
}

static void test_small_64bit_stays_low(void **unused)
{
	(void)unused;
	start_pc();
	pci_plan_add_bar(&plan, 0, 0x10, 0x10, PCI_BAR_IO, 0x20);
	pci_plan_add_bar(&plan, 0, 0x10, 0x14, 0, 0x1000);
	pci_plan_add_bar(&plan, 0, 0x10, 0x20, PCI_BAR_64 | PCI_BAR_PREFETCH, 0x4000);
	pci_plan(&plan);
	assert_int_equal(plan.bars[0].base, 0xc000);
	assert_int_equal(plan.bars[1].base, 0xc0004000);
	assert_int_equal(plan.bars[2].base, 0xc0000000);
}

/* However large their windows are, extra roots are above all of bus 0. */
static void test_extra_roots_come_last(void **unused)
{
	const struct pci_resource *window;

	(void)unused;
	start_pc();
	pci_plan_add_bus(&plan, 0, PCI_NO_BRIDGE);
	pci_plan_add_bus(&plan, 0, 0x20);
	pci_plan_add_bar(&plan, 1, 0x4000, 0x10, 0, 4 * MIB);
	pci_plan_add_bar(&plan, 2, 0x100, 0x10, 0, 0x1000);
	pci_plan_add_bar(&plan, 0, 0x10, 0x10, 0, 0x2000);
	pci_plan(&plan);
	window = &plan.buses[1].windows[PCI_WINDOW_MEMORY].self;
	assert_int_equal(plan.bars[1].base, 0xc0000000);
	assert_int_equal(plan.bars[2].base, 0xc0100000);
	assert_int_equal(window->base, 0xc0400000);
	assert_int_equal(plan.bars[0].base, 0xc0400000);
}

static void test_16g_on_pc(void **unused)
{
	(void)unused;
	start_pc();
	pci_plan_add_bar(&plan, 0, 0x10, 0x18, PCI_BAR_64 | PCI_BAR_PREFETCH, 16 * GIB);
	pci_plan(&plan);
	assert_true(plan.bars[0].base == 16 * GIB);
}

static void test_32g_behind_a_port(void **unused)
{
	struct pci_bus *port;

	(void)unused;
	start_pc();
	port = pci_plan_add_bus(&plan, 0, 0x20);
	port->one_slot = true;
	port->windows[PCI_WINDOW_MEMORY].room = 2 * MIB;
	port->windows[PCI_WINDOW_PREFETCH].room = 2 * MIB;
	pci_plan_add_bar(&plan, 1, 0x100, 0x18, PCI_BAR_64 | PCI_BAR_PREFETCH, 32 * GIB);
	pci_plan_add_bar(&plan, 1, 0x100, 0x10, 0, 0x1000);
	pci_plan(&plan);
	assert_true(plan.bars[0].base == 32 * GIB);
	assert_true(port->windows[PCI_WINDOW_PREFETCH].self.size == 32 * GIB);
	assert_int_equal(port->windows[PCI_WINDOW_MEMORY].self.size, 2 * MIB);
}

/* With 36 bits a BAR of 32 GiB ends where addresses do: the rest goes below it. */
static void test_skipped_is_not_lost(void **unused)
{
	struct pci_bus *port;

	(void)unused;
	start_pc();
	plan.spaces[PCI_SPACE_HIGH].ranges[0] = (struct pci_range){ 6 * GIB, 64 * GIB };
	pci_plan_add_bus(&plan, 0, 0x10);
	port = pci_plan_add_bus(&plan, 0, 0x18);
	port->want_high = true;
	port->windows[PCI_WINDOW_PREFETCH].room = 256 * MIB;
	pci_plan_add_bar(&plan, 1, 0x100, 0x18, PCI_BAR_64 | PCI_BAR_PREFETCH, 32 * GIB);
	pci_plan_add_bar(&plan, 2, 0x200, 0x20, PCI_BAR_64 | PCI_BAR_PREFETCH, 0x4000);
	pci_plan(&plan);
	assert_int_equal(plan.bars[0].base, 32 * GIB);
	assert_int_equal(plan.bars[1].base, 6 * GIB);
	assert_false(pci_plan_is_refused(port, PCI_WINDOW_PREFETCH));
}

static void test_without_high_large_is_dropped(void **unused)
{
	(void)unused;
	start_pc();
	plan.spaces[PCI_SPACE_HIGH].count = 0;
	pci_plan_add_bar(&plan, 0, 0x10, 0x18, PCI_BAR_64 | PCI_BAR_PREFETCH, 16 * GIB);
	pci_plan_add_bar(&plan, 0, 0x10, 0x10, PCI_BAR_64 | PCI_BAR_PREFETCH, GIB / 2);
	pci_plan(&plan);
	assert_int_equal(plan.bars[0].flags & PCI_BAR_DROPPED, PCI_BAR_DROPPED);
	assert_int_equal(plan.bars[1].base, 0xc0000000);
}

/* Sixteen ports that want I/O do not fit: those with a device on them come first. */
static void test_io_for_devices_first(void **unused)
{
	uint32_t granted = 0;

	(void)unused;
	start_pc();
	for (uint32_t i = 1; i <= 16; i++) {
		struct pci_bus *port = pci_plan_add_bus(&plan, 0, i << 3);

		port->one_slot = true;
		port->windows[PCI_WINDOW_IO].room = 0x1000;
		port->windows[PCI_WINDOW_MEMORY].room = 2 * MIB;
		if (i > 12)
			pci_plan_add_bar(&plan, i, i << 8, 0x10, PCI_BAR_IO, 0x20);
	}
	pci_plan_add_bar(&plan, 0, 0x08, 0x20, PCI_BAR_IO, 0x10);
	pci_plan(&plan);
	for (uint32_t i = 0; i < plan.bar_count; i++)
		assert_int_equal(plan.bars[i].flags & PCI_BAR_DROPPED, 0);
	for (uint32_t i = 1; i <= 16; i++) {
		assert_int_equal(plan.buses[i].windows[PCI_WINDOW_MEMORY].self.size, 2 * MIB);
		granted += plan.buses[i].windows[PCI_WINDOW_IO].self.size != 0;
	}
	assert_int_equal(granted, 11);
}

/* Two devices that want more than there is: the first stays whole. */
static void test_largest_goes_first(void **unused)
{
	(void)unused;
	start_pc();
	for (uint32_t i = 1; i <= 6; i++)
		pci_plan_add_bar(&plan, 0, i << 3, 0x10, 0, GIB / 2);
	pci_plan_add_bar(&plan, 0, 0x80, 0x10, 0, 0x1000);
	pci_plan(&plan);
	assert_int_equal(plan.bars[0].base, 0xc0000000);
	assert_int_equal(plan.bars[1].base, 0x80000000);
	assert_int_equal(plan.bars[2].base, 0xa0000000);
	for (uint32_t i = 3; i < 6; i++)
		assert_int_equal(plan.bars[i].flags & PCI_BAR_DROPPED, PCI_BAR_DROPPED);
	assert_int_equal(plan.bars[6].base, 0xe0000000);
}

/* What does not fit below 4 GiB and can be above is, before anything is given up. */
static void test_full_hole_moves_up(void **unused)
{
	uint32_t high = 0;

	(void)unused;
	start_pc();
	for (uint32_t i = 1; i <= 20; i++)
		pci_plan_add_bar(&plan, 0, i << 3, 0x10, PCI_BAR_64, 128 * MIB);
	pci_plan_add_bar(&plan, 0, 0xf8, 0x10, 0, 0x1000);
	pci_plan(&plan);
	for (uint32_t i = 0; i < plan.bar_count; i++) {
		assert_int_equal(plan.bars[i].flags & PCI_BAR_DROPPED, 0);
		high += plan.bars[i].base >= FOUR_GIB;
	}
	assert_int_equal(high, 20);
	assert_int_equal(plan.bars[20].base, 0xc0000000);
}

/* With 33 bits a BAR of 4 GiB is all that there is above: the next ones go below. */
static void test_full_above_goes_below(void **unused)
{
	(void)unused;
	start_pc();
	plan.spaces[PCI_SPACE_HIGH].ranges[0].end = 2 * FOUR_GIB;
	pci_plan_add_bus(&plan, 0, 0x20);
	pci_plan_add_bar(&plan, 0, 0x10, 0x18, PCI_BAR_64 | PCI_BAR_PREFETCH, FOUR_GIB);
	pci_plan_add_bar(&plan, 0, 0x18, 0x18, PCI_BAR_64 | PCI_BAR_PREFETCH, GIB / 2);
	pci_plan_add_bar(&plan, 1, 0x100, 0x18, PCI_BAR_64 | PCI_BAR_PREFETCH, GIB / 4);
	pci_plan_add_bar(&plan, 0, 0x10, 0x10, 0, 0x1000);
	pci_plan(&plan);
	assert_true(plan.bars[0].base == FOUR_GIB);
	assert_int_equal(plan.bars[1].base, 0xc0000000);
	assert_int_equal(plan.bars[2].base, 0xe0000000);
	assert_int_equal(plan.buses[1].windows[PCI_WINDOW_MEMORY].self.base, 0xe0000000);
	assert_int_equal(plan.bars[3].base, 0xf0000000);
	for (uint32_t i = 0; i < plan.bar_count; i++)
		assert_int_equal(plan.bars[i].flags & PCI_BAR_DROPPED, 0);
}

/*
 * A microvm with 40 bits, whose space above is full with two BARs, and room for hot-plug that sends
 * everything there.  The small ones go below, the large ones that cannot are not in their way.
 */
static void test_small_ones_stay(void **unused)
{
	const struct pci_resource *window;

	(void)unused;
	start_pc();
	plan.spaces[PCI_SPACE_LOW].count = 0;
	pci_ranges_add(&plan.spaces[PCI_SPACE_LOW], 0xc0000000, 0xe0000000);
	plan.spaces[PCI_SPACE_HIGH].ranges[0].base = 768 * GIB;
	pci_plan_add_bus(&plan, 0, 0x08)->windows[PCI_WINDOW_MEMORY].room = GIB;
	for (uint32_t i = 0; i < 3; i++)
		pci_plan_add_bar(&plan, 0, 0x10, 0x10 + 8 * i, PCI_BAR_64, 128 * GIB);
	pci_plan_add_bar(&plan, 0, 0x18, 0x10, PCI_BAR_64, GIB / 2);
	for (uint32_t i = 0; i < 20; i++)
		pci_plan_add_bar(&plan, i % 2, 0x20 + i, 0x20, PCI_BAR_64 | PCI_BAR_PREFETCH,
				 0x4000);
	pci_plan(&plan);
	window = &plan.buses[1].windows[PCI_WINDOW_MEMORY].self;
	assert_true(plan.bars[0].base == 768 * GIB && plan.bars[1].base == 896 * GIB);
	for (uint32_t i = 2; i < 4; i++)
		assert_int_equal(plan.bars[i].flags & PCI_BAR_DROPPED, PCI_BAR_DROPPED);
	assert_int_equal(window->base, 0xc0000000);
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(plan.bars[4 + i].base,
				 (i % 2 ? window->base : window->base + MIB) + i / 2 * 0x4000);
}

/* Sizes whose sum is 0 in 64 bits: a window of nothing else is not taken for an empty one. */
static void test_absurd_sizes(void **unused)
{
	(void)unused;
	for (uint32_t alone = 0; alone < 2; alone++) {
		start_pc();
		pci_plan_add_bus(&plan, 0, 0x20);
		for (uint32_t i = 1; i <= 4; i++)
			pci_plan_add_bar(&plan, 1, 0x100 | i << 3, 0x10,
					 PCI_BAR_64 | PCI_BAR_PREFETCH, 1ull << 62);
		if (!alone)
			pci_plan_add_bar(&plan, 1, 0x180, 0x10, PCI_BAR_64 | PCI_BAR_PREFETCH, MIB);
		pci_plan(&plan);
		for (uint32_t i = 0; i < 4; i++) {
			assert_int_equal(plan.bars[i].flags & PCI_BAR_DROPPED, PCI_BAR_DROPPED);
			assert_true(plan.bars[i].base == 0);
		}
		if (alone)
			continue;
		assert_true(plan.bars[4].base >= FOUR_GIB);
		assert_true(plan.buses[1].windows[PCI_WINDOW_PREFETCH].self.size == MIB);
	}
}

static void test_table_bounds(void **unused)
{
	(void)unused;
	start_pc();
	for (uint32_t i = 1; i < PCI_MAX_BUSES; i++)
		assert_non_null(pci_plan_add_bus(&plan, i - 1, (i - 1) << 8));
	assert_null(pci_plan_add_bus(&plan, 0, 0));
	for (uint32_t i = 0; i < PCI_MAX_BARS; i++)
		assert_true(pci_plan_add_bar(&plan, i % PCI_MAX_BUSES, i << 3 & 0xffff, 0x10, 0,
					     0x1000));
	assert_false(pci_plan_add_bar(&plan, 0, 0, 0x10, 0, 0x1000));
	pci_plan(&plan);
	for (uint32_t i = 0; i < plan.bar_count; i++)
		assert_int_equal(plan.bars[i].flags & PCI_BAR_DROPPED, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_64bit_stays_low),
		cmocka_unit_test(test_extra_roots_come_last),
		cmocka_unit_test(test_16g_on_pc),
		cmocka_unit_test(test_32g_behind_a_port),
		cmocka_unit_test(test_skipped_is_not_lost),
		cmocka_unit_test(test_without_high_large_is_dropped),
		cmocka_unit_test(test_io_for_devices_first),
		cmocka_unit_test(test_largest_goes_first),
		cmocka_unit_test(test_full_hole_moves_up),
		cmocka_unit_test(test_full_above_goes_below),
		cmocka_unit_test(test_small_ones_stay),
		cmocka_unit_test(test_absurd_sizes),
		cmocka_unit_test(test_table_bounds),
		cmocka_unit_test(test_properties),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
