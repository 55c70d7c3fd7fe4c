/*
 * test_pci.c - pci.c: bus numbers, interrupt lines and addresses on modelled trees of functions.
 *
 * pci_init() walks, plans and programs; what is asserted is what the functions hold afterwards.
 * The planner alone is test_pci_plan.c's.
 */
#include "unit.h"

#include "layout.h"
#include "mtrr.h"
#include "pci.h"

#define RAM_END (64 * MIB)

static const struct cpu narrow = { .leaf81_edx = CPUID_81_EDX_LM, .phys_bits = 40 };
static const struct cpu wide = { .leaf1_edx = CPUID_1_EDX_MMX,
				 .leaf81_edx = CPUID_81_EDX_LM,
				 .phys_bits = 40 };

static struct machine machine;
static struct memmap map;
static struct pci_layout layout;
static uint64_t more_ram; /* where RAM ends that nothing is allocated from, or 0 */
static bool decode;       /* what pci_init() is told */
static const struct chipset *chipset;

/* The three ways to reach configuration space. */
enum way { PORTS, ECAM, ECAM_WIDE, WAYS };

static void add_machine(enum way way)
{
	if (way == PORTS) {
		fake_pci_add(NULL, 0, 0, 0x8086, 0x1237);
		fake_pci_set(fake_pci_add(NULL, 1, 0, 0x8086, 0x7000), PCI_HEADER_TYPE, 1,
			     PCI_HEADER_MULTIFUNCTION);
		fake_pci_set(fake_pci_add(NULL, 1, 3, 0x8086, 0x7113), PCI_INTERRUPT_PIN, 1, 1);
	} else {
		fake_pci_add(NULL, 0, 0, 0x8086, 0x29c0);
		fake_pci_add(NULL, 31, 0, 0x8086, 0x2918);
		fake.pci.has_ecam = true;
	}
}

/* pci_init() after all that comes before it. */
static void run(enum way way)
{
	fake_ram_add(0, RAM_END);
	machine.cpu = way == ECAM_WIDE ? wide : narrow;
	fw_cfg_init(&machine.cfg);
	machine.chipset = chipset = chipset_probe(&machine.cfg);
	map.count = 0;
	memmap_set(&map, LEGACY_HOLE_END, RAM_END, MEMORY_RAM);
	memmap_set(&map, RAM_END, more_ram, MEMORY_LOADED);
	for (uint32_t i = 3; i < chipset->range_count; i++)
		memmap_set(&map, chipset->ranges[i].base, chipset->ranges[i].end, MEMORY_RESERVED);
	chipset_init(&machine);
	fake_forget();
	layout = pci_init(&machine, &map, decode);
}

static struct fake_pci *add_with_pin(struct fake_pci *bridge, uint32_t slot, uint32_t function,
				     uint32_t pin)
{
	struct fake_pci *pci = fake_pci_add(bridge, slot, function, 0x1af4, 0x1041);

	fake_pci_set(pci, PCI_INTERRUPT_PIN, 1, pin);
	return pci;
}

static uint32_t get(const struct fake_pci *pci, uint32_t offset, uint32_t size)
{
	return (uint32_t)fake_pci_get(pci, offset, size);
}

static uint32_t line(const struct fake_pci *pci)
{
	return get(pci, PCI_INTERRUPT_LINE, 1);
}

static uint32_t buses(const struct fake_pci *bridge)
{
	return get(bridge, PCI_PRIMARY_BUS, 4) & 0xffffff;
}

/* ---- Interrupts ---- */

static void test_lines_on_the_root_bus(void **state)
{
	(void)state;
	for (enum way way = 0; way < WAYS; way++) {
		struct fake_pci *functions[4], *none, *bad;

		fake_reset();
		add_machine(way);
		for (uint32_t pin = 1; pin <= 4; pin++)
			functions[pin - 1] = add_with_pin(NULL, 4 + pin, 0, pin);
		none = add_with_pin(NULL, 10, 0, 0);
		bad = add_with_pin(NULL, 11, 0, 5);
		run(way);
		for (uint32_t pin = 1; pin <= 4; pin++)
			assert_int_equal(line(functions[pin - 1]),
					 chipset_irq(chipset, 4 + pin, pin - 1));
		assert_int_equal(line(none), 0);
		assert_int_equal(line(bad), 0);
		if (way == PORTS)
			assert_int_equal(line(fake_pci_at(PCI_BDF(0, 1, 3))), ACPI_SCI_IRQ);
	}
}

/* ---- Finding functions ---- */

static void test_without_pci_nothing_is_asked(void **state)
{
	(void)state;
	run(PORTS);
	assert_string_equal(chipset->name, "isapc");
	assert_int_equal(fake_exits(), 0);
	assert_int_equal(layout.last_bus, 0);
}

/* How often it was asked whether there is a function. */
static uint32_t asked(uint32_t bdf)
{
	return fake_count(FAKE_PCI_READ, bdf << 12 | PCI_CACHE_LINE_SIZE);
}

static void test_functions(void **state)
{
	struct fake_pci *multi[3], *hidden;

	(void)state;
	add_machine(ECAM);
	multi[0] = add_with_pin(NULL, 3, 0, 1);
	fake_pci_set(multi[0], PCI_HEADER_TYPE, 1, PCI_HEADER_MULTIFUNCTION);
	multi[1] = add_with_pin(NULL, 3, 2, 2);
	multi[2] = add_with_pin(NULL, 3, 7, 3);
	/*
	 * Function 0 does not say that there are others: a device that decodes only function 0's.
	 */
	add_with_pin(NULL, 4, 0, 1);
	hidden = add_with_pin(NULL, 4, 1, 1);
	run(ECAM);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(line(multi[i]), chipset_irq(chipset, 3, i));
	assert_int_equal(line(hidden), 0);
	assert_int_equal(asked(PCI_BDF(0, 4, 1)), 0);
	assert_int_equal(asked(PCI_BDF(0, 9, 0)), 1);
	assert_int_equal(asked(PCI_BDF(0, 3, 6)), 1);
}

/*
 * bus 0 --3.0-- bus 1 --2.0-- bus 2 --1.0 (device)
 *       \               \-5.0 (device)
 *        4.0-- bus 3 --0.0 (device)
 */
static void test_tree(void **state)
{
	(void)state;
	for (enum way way = 0; way < WAYS; way++) {
		struct fake_pci *outer, *inner, *second, *deep, *middle, *other;

		fake_reset();
		add_machine(way);
		outer = fake_pci_add_bridge(NULL, 3, 0, 0x1b36, 1);
		inner = fake_pci_add_bridge(outer, 2, 0, 0x1b36, 1);
		deep = add_with_pin(inner, 1, 0, 2);
		middle = add_with_pin(outer, 5, 0, 1);
		second = fake_pci_add_bridge(NULL, 4, 0, 0x1b36, 1);
		other = add_with_pin(second, 0, 0, 4);
		run(way);
		assert_int_equal(buses(outer), 0x020100);
		assert_int_equal(buses(inner), 0x020201);
		assert_int_equal(buses(second), 0x030300);
		assert_int_equal(layout.last_bus, 3);
		assert_ptr_equal(fake_pci_at(PCI_BDF(2, 1, 0)), deep);
		assert_ptr_equal(fake_pci_at(PCI_BDF(3, 0, 0)), other);
		/* Each bridge adds its slot on the way up (PCI-to-PCI Bridge 1.2, table 9-1). */
		assert_int_equal(line(middle), chipset_irq(chipset, 3, (0 + 5) & 3));
		assert_int_equal(line(deep), chipset_irq(chipset, 3, (1 + 1 + 2) & 3));
		assert_int_equal(line(other), chipset_irq(chipset, 4, 3));
	}
}

/* Below a PCI Express port there is one slot; asking for 31 more would cost an exit each. */
static void test_express_port_has_one_slot(void **state)
{
	static const struct {
		const char *name;
		uint32_t type;
		bool one;
	} cases[] = {
		{ "root port", 4, true },
		{ "downstream port", 6, true },
		{ "upstream port", 5, false },
		{ "to conventional PCI", 7, false },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		struct fake_pci *port, *device;

		fake_reset();
		add_machine(ECAM);
		port = fake_pci_add_bridge(NULL, 3, 0, 0x1b36, 0xc);
		fake_pci_express(port, cases[i].type);
		fake_pci_capability(port, 0x48, 5, NULL, 2);
		device = add_with_pin(port, 0, 0, 1);
		run(ECAM);
		assert_case_equal(cases[i].name, line(device), chipset_irq(chipset, 3, 0));
		assert_case_equal(cases[i].name, asked(PCI_BDF(1, 1, 0)), !cases[i].one);
	}
}

/* A capability list that loops, or leads below its area, ends the search. */
static void test_bad_capability_lists(void **state)
{
	static const struct {
		const char *name;
		uint8_t first, id, next;
	} cases[] = {
		{ "none", 0, 0, 0 },
		{ "into the header", 0x04, 0, 0 },
		{ "to itself", 0x40, 5, 0x40 },
		{ "back and forth", 0x40, 5, 0x44 },
		{ "odd", 0x43, 5, 0x43 },
		{ "last entry", 0xfc, 5, 0xfc },
		{ "vendor's, at the end", 0xfc, 9, 0xfc },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		struct fake_pci *bridge;

		fake_reset();
		add_machine(ECAM);
		bridge = fake_pci_add_bridge(NULL, 3, 0, 0x1b36, 1);
		fake_pci_set(bridge, PCI_CAP_POINTER, 1, cases[i].first);
		for (uint32_t offset = 0x40; offset < 0x100; offset += 4)
			fake_pci_set(bridge, offset, 4,
				     cases[i].id | cases[i].next << 8 | 0x012c0000);
		run(ECAM);
		assert_case_equal(cases[i].name, buses(bridge), 0x010100);
		assert_case(cases[i].name, fake_exits() < 250);
	}
}

/* Bus numbers run out: a message, and the walk goes on. */
static void test_more_bridges_than_buses(void **state)
{
	struct fake_pci *bridges[9][32];
	uint32_t numbered = 0;

	(void)state;
	add_machine(ECAM);
	for (uint32_t i = 0; i < 9; i++) {
		bridges[i][0] = fake_pci_add_bridge(NULL, 1 + i, 0, 0x1b36, 1);
		for (uint32_t j = 1; j < 32; j++)
			bridges[i][j] = fake_pci_add_bridge(bridges[i][0], j, 0, 0x1b36, 1);
	}
	run(ECAM);
	for (uint32_t i = 0; i < 9; i++)
		for (uint32_t j = 0; j < 32; j++)
			numbered += buses(bridges[i][j]) != 0;
	assert_int_equal(numbered, 255);
	assert_int_equal(layout.last_bus, 255);
	assert_int_equal(buses(bridges[7][0]) >> 16, 255);
	assert_says(fake.console, "gets no bus number, all up to 255 are taken");
}

/* A root with something in its first slot is found by a read or two a bus, any other by 32. */
static void test_looking_for_roots(void **state)
{
	static const uint64_t count = 1;

	(void)state;
	for (uint32_t slot = 0; slot < 2; slot++) {
		struct fake_pci *device;

		fake_reset();
		add_machine(ECAM_WIDE);
		fake_fw_cfg_file("etc/extra-pci-roots", &count, sizeof(count));
		device = add_with_pin(NULL, slot, 0, 1);
		device->root_bus = 64;
		run(ECAM_WIDE);
		assert_int_equal(layout.last_bus, 64);
		assert_int_equal(line(device), chipset_irq(chipset, slot, 0));
		if (slot)
			assert_true(fake_exits() > 31 * 63);
		else
			assert_true(fake_exits() < 2 * 64 + 31 + 7 + 32 + 16);
	}
}

/*
 * The numbers below bus 0 end where an extra root is; what is on that decodes, until QEMU has its
 * tables.
 */
static void test_extra_root(void **state)
{
	static const uint64_t count = 1;

	(void)state;
	for (enum way way = 0; way < WAYS; way++) {
		struct fake_pci *bridges[5], *device, *port, *behind;
		uint32_t numbered = 0;

		fake_reset();
		add_machine(way);
		fake_fw_cfg_file("etc/extra-pci-roots", &count, sizeof(count));
		for (uint32_t i = 0; i < COUNT(bridges); i++)
			bridges[i] = fake_pci_add_bridge(NULL, 3 + i, 0, 0x1b36, 1);
		device = add_with_pin(NULL, 2, 0, 1);
		device->root_bus = 4;
		fake_pci_bar(device, 0, 0x1000, 0);
		port = fake_pci_add_bridge(NULL, 3, 0, 0x1b36, 1);
		port->root_bus = 4;
		behind = add_with_pin(port, 1, 0, 1);
		fake_pci_bar(behind, 0, 0x1000, 0);
		run(way);
		for (uint32_t i = 0; i < COUNT(bridges); i++)
			numbered += buses(bridges[i]) != 0;
		assert_int_equal(numbered, 3);
		assert_says(fake.console, "gets no bus number, all up to 3 are taken");
		assert_int_equal(buses(port), 0x050504);
		assert_int_equal(get(port, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY,
				 PCI_COMMAND_MEMORY);
		assert_int_equal(get(device, PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
		assert_int_equal(get(behind, PCI_COMMAND, 2), 0);
		pci_tables_built(&layout, &machine.pci);
		assert_int_equal(get(port, PCI_COMMAND, 2), 0);
		assert_int_equal(get(device, PCI_COMMAND, 2), 0);
		assert_int_equal(layout.last_bus, 5);
		assert_true(get(behind, PCI_BAR(0), 4));
		assert_int_equal(line(device), chipset_irq(chipset, 2, 0));
	}
}

/* As deep as it can be: 255 bridges in a row, and one more that is out of numbers. */
static void test_deepest_tree(void **state)
{
	struct fake_pci *bridges[256];

	(void)state;
	add_machine(ECAM);
	for (uint32_t i = 0; i < 256; i++)
		bridges[i] =
			fake_pci_add_bridge(i ? bridges[i - 1] : NULL, i ? 0 : 2, 0, 0x1b36, 1);
	run(ECAM);
	assert_int_equal(buses(bridges[0]), 0xff0100);
	assert_int_equal(buses(bridges[254]), 0xfffffe);
	assert_int_equal(buses(bridges[255]), 0);
}

/* A bridge that leads back to the bus it is on: each number given out shows the same functions. */
static void test_bridge_loop(void **state)
{
	(void)state;
	for (enum way way = 0; way < WAYS; way++) {
		struct fake_pci *outer, *after;

		fake_reset();
		add_machine(way);
		outer = fake_pci_add_bridge(NULL, 3, 0, 0x1b36, 1);
		fake_pci_add_bridge(outer, 2, 0, 0x1b36, 1)->loops = true;
		fake_pci_bar(add_with_pin(outer, 5, 0, 1), 0, 0x1000, 0);
		after = add_with_pin(NULL, 4, 0, 1);
		fake_pci_bar(after, 0, 0x1000, 0);
		run(way);
		assert_says(fake.console, "gets no bus number, all up to 255 are taken");
		assert_true(get(after, PCI_BAR(0), 4));
		assert_int_equal(line(after), chipset_irq(chipset, 4, 0));
		assert_int_equal(buses(outer), 0xff0100);
	}
}

/* ---- Addresses ---- */

struct place {
	const struct fake_pci *pci;
	uint32_t offset;
	bool io, prefetch, high;
	uint64_t base, size;
};

/* The BARs of a function as its hardware decodes them. */
static uint32_t read_places(const struct fake_pci *pci, struct place *places)
{
	bool bridge = get(pci, PCI_HEADER_TYPE, 1) & 1;
	uint32_t count = 0;

	for (uint32_t i = 0; i < (bridge ? 2 : 6); i++) {
		struct place *place = &places[count];
		uint64_t mask = 0;

		memcpy(&mask, pci->writable + PCI_BAR(i), 4);
		if (!mask && !get(pci, PCI_BAR(i), 4))
			continue;
		*place = (struct place){ .pci = pci, .offset = PCI_BAR(i) };
		place->io = get(pci, PCI_BAR(i), 4) & 1;
		place->prefetch = !place->io && get(pci, PCI_BAR(i), 4) & 8;
		place->base = get(pci, PCI_BAR(i), 4) & (place->io ? ~3u : ~15u);
		if (!place->io && get(pci, PCI_BAR(i), 4) & 4) {
			memcpy(&mask, pci->writable + PCI_BAR(i), 8);
			place->base |= (uint64_t)get(pci, PCI_BAR(i) + 4, 4) << 32;
			i++;
		} else {
			mask |= ~0ull << 32;
		}
		place->size = mask & -mask;
		count++;
	}
	return count;
}

static bool inside(const struct place *place, uint64_t base, uint64_t limit)
{
	return base <= limit && place->base >= base && place->base + place->size - 1 <= limit;
}

/* Whether a bridge has a window that forwards all of it downstream, once the bridge decodes. */
static bool forwards(const struct fake_pci *bridge, const struct place *place)
{
	uint64_t base, limit;

	if (place->io) {
		base = (get(bridge, 0x1c, 1) & 0xf0) << 8;
		limit = (get(bridge, 0x1d, 1) & 0xf0) << 8 | 0xfff;
		return inside(place, base, limit);
	}
	base = (get(bridge, 0x20, 2) & 0xfff0) << 16;
	limit = (get(bridge, 0x22, 2) & 0xfff0) << 16 | 0xfffff;
	if (inside(place, base, limit))
		return true;
	base = (uint64_t)get(bridge, 0x28, 4) << 32 | (get(bridge, 0x24, 2) & 0xfff0) << 16;
	limit = (uint64_t)get(bridge, 0x2c, 4) << 32 | (get(bridge, 0x26, 2) & 0xfff0) << 16 |
		0xfffff;
	return place->prefetch && inside(place, base, limit);
}

/* Whether a bridge takes any byte of it away from its neighbours. */
static bool claims(const struct fake_pci *bridge, const struct place *place)
{
	struct place byte = *place;

	for (uint64_t at = 0; at<place->size; at += place->size> 0x1000 ? 0x1000 : 1) {
		byte.base = place->base + at;
		byte.size = 1;
		byte.prefetch = true;
		if (forwards(bridge, &byte))
			return true;
	}
	return false;
}

static bool is_below(const struct fake_pci *pci, const struct fake_pci *bridge)
{
	for (; pci; pci = pci->parent)
		if (pci->parent == bridge)
			return true;
	return false;
}

static bool overlap(const struct place *a, const struct place *b)
{
	return a->io == b->io && a->base < b->base + b->size && b->base < a->base + a->size;
}

/* True of any machine on which everything got an address. */
static void check_addresses(void)
{
	static struct place places[FAKE_MAX_FUNCTIONS * 6];
	uint32_t count = 0;

	for (uint32_t i = 0; i < fake.pci.function_count; i++)
		count += read_places(fake.pci.functions[i], places + count);
	for (uint32_t i = 0; i < count; i++) {
		const struct place *place = &places[i];

		assert_true(place->base);
		assert_int_equal(place->base & (place->size - 1), 0);
		for (uint32_t j = 0; j < i; j++)
			assert_false(overlap(place, &places[j]));
		for (const struct fake_pci *up = place->pci->parent; up; up = up->parent)
			assert_true(forwards(up, place));
		for (uint32_t j = 0; j < fake.pci.function_count; j++) {
			const struct fake_pci *bridge = fake.pci.functions[j];

			if ((get(bridge, PCI_HEADER_TYPE, 1) & 1) && !is_below(place->pci, bridge))
				assert_false(claims(bridge, place));
		}
		if (place->io) {
			assert_in_range(place->base, 0x1000, 0x10000 - place->size);
			continue;
		}
		/* Not in RAM, ECAM or what the chipset and the processors have. */
		assert_true(place->base >= RAM_END);
		assert_true(place->base >= layout.mmio_base);
		if (place->base < 4 * GIB)
			assert_true(place->base + place->size <= IOAPIC_BASE);
		else
			assert_true(place->base >= layout.high.base &&
				    place->base + place->size <= layout.high.end);
		if (machine.pci.ecam_base)
			assert_true(place->base >= machine.pci.ecam_base + 0x10000000ull ||
				    place->base + place->size <= machine.pci.ecam_base);
		assert_true(place->base + place->size <= 1ull << 40);
	}
}

static void test_addresses_on_random_trees(void **state)
{
	static const uint32_t kinds[] = { 0, 1, 4, 8, 12 };
	uint32_t seed = 23;

	(void)state;
	for (uint32_t round = 0; round < 90; round++) {
		enum way way = round % WAYS;
		struct fake_pci *bridges[8] = { NULL };
		uint32_t bridge_count = 1, slot = 2;

		fake_reset();
		add_machine(way);
		for (uint32_t i = 0; i < 14; i++, slot++) {
			struct fake_pci *above = bridges[unit_random(&seed) % bridge_count];
			struct fake_pci *pci;
			bool bridge = bridge_count < COUNT(bridges) && unit_random(&seed) % 3 == 0;

			pci = bridge ? fake_pci_add_bridge(above, slot, 0, 0x1b36, 1) :
				       add_with_pin(above, slot, 0, 1);
			if (bridge)
				bridges[bridge_count++] = pci;
			for (uint32_t n = 0; n < (bridge ? 2 : 6); n++) {
				uint32_t kind = kinds[unit_random(&seed) % COUNT(kinds)];
				uint32_t bits = unit_random(&seed) % 16;

				if (unit_random(&seed) % 2 || (kind & 4 && n & 1))
					continue;
				fake_pci_bar(pci, n,
					     kind == 1 ? 1u << (2 + bits % 6) : 1u << (4 + bits),
					     kind);
				n += (kind & 4) != 0;
			}
		}
		run(way);
		/* Every BAR has a place, though many bridges may leave too little for hot-plug. */
		assert_null(strstr(fake.console, "gets no address"));
		assert_null(strstr(fake.console, "bus number"));
		check_addresses();
	}
}

/* Wherever RAM ends, eight ranges, all that QEMU's processors have, leave every BAR uncached. */
static void test_mtrrs_reach_the_lowest_bar(void **state)
{
	static const uint64_t ends[] = { 0xbfffe000, 0xc0000000, 0xc0001000, 0xc0100000,
					 0xcff5d000, 0xdff00000, 0xdffff000 };

	(void)state;
	for (uint32_t i = 0; i < COUNT(ends); i++) {
		struct msr_list list;
		uint32_t lowest = UINT32_MAX;
		struct fake_pci *device;

		fake_reset();
		add_machine(PORTS);
		device = add_with_pin(NULL, 3, 0, 1);
		fake_pci_bar(device, 0, 0x1000, 0);
		more_ram = ends[i];
		run(PORTS);
		more_ram = 0;
		assert_true(memmap_low_ram_end(&map) == ends[i]);
		mtrr_plan(&list, 8, 40, (uint32_t)ends[i], layout.mmio_base);
		for (uint32_t j = 0; j < list.count; j++)
			if (list.values[j].msr < IA32_MTRR_FIX64K_00000 &&
			    list.values[j].msr % 2 == 0 && list.values[j].low < lowest)
				lowest = list.values[j].low;
		assert_in_range(lowest, ends[i], get(device, PCI_BAR(0), 4));
	}
}

/* Windows that reset left open, at 0, take nothing away when there is nothing behind the bridge. */
static void test_unused_windows_are_closed(void **state)
{
	(void)state;
	for (enum way way = 0; way < WAYS; way++) {
		struct fake_pci *port;

		fake_reset();
		add_machine(way);
		port = fake_pci_add_bridge(NULL, 3, 0, 0x1b36, 0xc);
		fake_pci_express(port, PCI_EXPRESS_ROOT_PORT);
		run(way);
		assert_true((get(port, 0x1c, 1) & 0xf0) > (get(port, 0x1d, 1) & 0xf0));
		assert_true((get(port, 0x20, 2) & 0xfff0) > (get(port, 0x22, 2) & 0xfff0));
		assert_true((get(port, 0x24, 2) & 0xfff0) > (get(port, 0x26, 2) & 0xfff0));
		assert_int_equal(get(port, PCI_COMMAND, 2), 0);
	}
}

/* QEMU's capability gives room to an empty port; I/O of 0 bytes makes that window read-only. */
static void test_reserve_capability(void **state)
{
	/* From the third byte: length, type; bus numbers, I/O, memory, prefetchable 32 and 64. */
	static const uint32_t reserves[] = { 3, 0, 0, 0x400000, 0xffffffff, 0x20000000, 0 };

	(void)state;
	for (enum way way = 0; way < WAYS; way++) {
		struct fake_pci *port, *behind;
		uint8_t body[0x20] = { 0x20, 1 };

		fake_reset();
		add_machine(way);
		port = fake_pci_add_bridge(NULL, 3, 0, 0x1b36, 0xc);
		fake_pci_express(port, PCI_EXPRESS_ROOT_PORT);
		memcpy(body + 2, reserves, sizeof(reserves));
		fake_pci_capability(port, 0x40, PCI_CAP_ID_VENDOR, body, 0x20);
		memset(port->writable + 0x1c, 0, 2);
		behind = add_with_pin(port, 0, 0, 1);
		fake_pci_bar(behind, 0, 0x20, 1);
		run(way);
		assert_int_equal(buses(port), 0x040100);
		assert_int_equal(layout.last_bus, 4);
		assert_int_equal((get(port, 0x22, 2) & 0xfff0) - (get(port, 0x20, 2) & 0xfff0),
				 0x30);
		assert_int_equal(get(port, 0x28, 4), get(port, 0x2c, 4));
		assert_true(get(port, 0x28, 4));
		assert_int_equal((get(port, 0x26, 2) & 0xfff0) - (get(port, 0x24, 2) & 0xfff0),
				 0x1ff0);
		assert_int_equal(fake_count(FAKE_PCI_WRITE, PCI_BDF(0, 3, 0) << 12 | 0x1c), 0);
		assert_int_equal(get(behind, PCI_BAR(0), 4), 1);
	}
}

/* Where no I/O is to be, on purpose, none is given to bridges further down, and nothing is said. */
static void test_ports_without_io(void **state)
{
	static const uint32_t reserves[] = { 0xffffffff, 0,          0,         0xffffffff,
					     0xffffffff, 0xffffffff, 0xffffffff };
	uint8_t body[0x20] = { 0x20, 1 };

	(void)state;
	memcpy(body + 2, reserves, sizeof(reserves));
	for (enum way way = 0; way < WAYS; way++) {
		struct fake_pci *device;

		fake_reset();
		add_machine(way);
		for (uint32_t i = 0; i < 16; i++) {
			struct fake_pci *port = fake_pci_add_bridge(NULL, 3 + i, 0, 0x1b36, 0xc);
			struct fake_pci *bridge = fake_pci_add_bridge(port, 0, 0, 0x1b36, 0xe);

			fake_pci_express(port, PCI_EXPRESS_ROOT_PORT);
			fake_pci_capability(port, 0x40, PCI_CAP_ID_VENDOR, body, 0x20);
			device = add_with_pin(bridge, 1, 0, 1);
			fake_pci_bar(device, 0, 0x20, 1);
			fake_pci_bar(device, 1, 0x1000, 0);
		}
		run(way);
		assert_string_equal(fake.console, "");
		assert_int_equal(get(device, PCI_BAR(0), 4), 1);
		assert_true(get(device, PCI_BAR(1), 4));
	}
}

/* An empty port of bus 0 that wants prefetchable room is to have a device: that has memory, too. */
static void test_empty_port_with_a_hint(void **state)
{
	static const uint32_t reserves[] = { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff,
					     0x400000,   0xffffffff, 0xffffffff };

	(void)state;
	for (uint32_t hinted = 0; hinted < 2; hinted++) {
		struct fake_pci *port;
		uint8_t body[0x20] = { 0x20, 1 };

		fake_reset();
		add_machine(ECAM);
		port = fake_pci_add_bridge(NULL, 3, 0, 0x1b36, 0xc);
		fake_pci_express(port, PCI_EXPRESS_ROOT_PORT);
		memcpy(body + 2, reserves, sizeof(reserves));
		if (hinted)
			fake_pci_capability(port, 0x40, PCI_CAP_ID_VENDOR, body, 0x20);
		run(ECAM);
		assert_int_equal((get(port, 0x22, 2) & 0xfff0) - (get(port, 0x20, 2) & 0xfff0),
				 hinted ? 0x10 : -0xfff0u);
		assert_int_equal((get(port, 0x26, 2) & 0xfff0) - (get(port, 0x24, 2) & 0xfff0),
				 hinted ? 0x30 : -0xfff0u);
	}
}

/* A bridge that wants more buses for hot-plug than there are numbers gets those that are left. */
static void test_reserved_buses_end(void **state)
{
	static const uint32_t reserves[] = { 200,        0xffffffff, 0xffffffff, 0xffffffff,
					     0xffffffff, 0xffffffff, 0xffffffff };
	struct fake_pci *bridges[2];
	uint8_t body[0x20] = { 0x20, 1 };

	(void)state;
	memcpy(body + 2, reserves, sizeof(reserves));
	add_machine(ECAM);
	for (uint32_t i = 0; i < COUNT(bridges); i++) {
		bridges[i] = fake_pci_add_bridge(NULL, 3 + i, 0, 0x1b36, 0xc);
		fake_pci_express(bridges[i], PCI_EXPRESS_ROOT_PORT);
		fake_pci_capability(bridges[i], 0x40, PCI_CAP_ID_VENDOR, body, 0x20);
	}
	run(ECAM);
	assert_int_equal(buses(bridges[0]), 0xc90100);
	assert_int_equal(buses(bridges[1]), 0xffca00);
	assert_int_equal(layout.last_bus, 255);
	assert_string_equal(fake.console,
			    "pci: bridge 00:04.0 gets 53 bus numbers for hot-plug of the 200 it "
			    "reserves, all up to 255 are taken; reserve fewer\n");
}

/* None are for hot-plug where a bridge would get none then; two levels are numbered anew. */
static void test_reserved_buses_are_given_up(void **state)
{
	static const uint32_t reserves[] = { 200,        0xffffffff, 0xffffffff, 0xffffffff,
					     0xffffffff, 0xffffffff, 0xffffffff };
	struct fake_pci *bridges[3], *inner[3], *device;
	uint8_t body[0x20] = { 0x20, 1 };

	(void)state;
	memcpy(body + 2, reserves, sizeof(reserves));
	for (enum way way = 0; way < WAYS; way++) {
		fake_reset();
		add_machine(way);
		for (uint32_t i = 0; i < COUNT(bridges); i++) {
			bridges[i] = fake_pci_add_bridge(NULL, 3 + i, 0, 0x1b36, 0xc);
			fake_pci_express(bridges[i], PCI_EXPRESS_ROOT_PORT);
			if (i < 2)
				fake_pci_capability(bridges[i], 0x40, PCI_CAP_ID_VENDOR, body,
						    0x20);
			inner[i] = fake_pci_add_bridge(bridges[i], 0, 0, 0x1b36, 1);
			device = add_with_pin(inner[i], 1, 0, 1);
			fake_pci_bar(device, 0, 0x1000, 0);
		}
		run(way);
		check_addresses();
		for (uint32_t i = 0; i < COUNT(bridges); i++) {
			uint32_t number = 1 + 2 * i;

			assert_int_equal(buses(bridges[i]), (number + 1) << 16 | number << 8);
			assert_int_equal(buses(inner[i]),
					 (number + 1) << 16 | (number + 1) << 8 | number);
		}
		assert_int_equal(layout.last_bus, 6);
		assert_string_equal(fake.console,
				    "pci: bridge 00:03.0 gets 0 bus numbers for hot-plug of the "
				    "200 it reserves, all up to 255 are taken; reserve fewer\n"
				    "pci: bridge 00:04.0 gets 0 bus numbers for hot-plug of the "
				    "200 it reserves, all up to 255 are taken; reserve fewer\n");
	}
}

/* The fields of the reserve capability; all ones: nothing is asked for. */
struct reserve {
	uint32_t buses;
	uint64_t io;
	uint32_t memory, prefetch32;
	uint64_t prefetch64;
} __attribute__((packed));

/* Room that does not fit is named, bridge by bridge; what fits is not. */
static void test_refused_room(void **state)
{
	static const struct {
		const char *name;
		uint32_t ports;
		struct reserve reserve;
		uint32_t refused;
		const char *words;
	} cases[] = {
		{ "8 of 256 GiB at 40 bits",
		  8,
		  { -1, -1, -1, -1, 1ull << 38 },
		  5,
		  "0x4000000000 bytes of prefetchable memory; reserve less" },
		{ "3 of 1 GiB", 3, { -1, -1, 1 << 30, -1, -1 }, 2, "0x40000000 bytes of memory;" },
		{ "12 of 8 KiB of I/O", 12, { -1, 0x2000, -1, -1, -1 }, 6, "0x2000 bytes of I/O;" },
		{ "more than there are addresses",
		  1,
		  { -1, -1, -1, -1, 1ull << 60 },
		  1,
		  "0x1000000000000000 bytes of prefetchable memory" },
		{ "what fits", 4, { -1, 0x1000, 1 << 20, -1, 1 << 20 }, 0, "" },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		uint8_t body[0x20] = { 0x20, 1 };
		uint32_t lines = 0;

		fake_reset();
		add_machine(ECAM);
		memcpy(body + 2, &cases[i].reserve, sizeof(cases[i].reserve));
		for (uint32_t j = 0; j < cases[i].ports; j++) {
			struct fake_pci *port = fake_pci_add_bridge(NULL, 3 + j, 0, 0x1b36, 0xc);

			fake_pci_express(port, PCI_EXPRESS_ROOT_PORT);
			fake_pci_capability(port, 0x40, PCI_CAP_ID_VENDOR, body, 0x20);
		}
		run(ECAM);
		for (const char *line = fake.console; (line = strstr(line, "no room for hot-plug"));
		     line++)
			lines++;
		assert_case_equal(cases[i].name, lines, cases[i].refused);
		assert_says(fake.console, cases[i].words);
	}
}

static void test_decoding_stays_off(void **state)
{
	(void)state;
	for (uint32_t on = 0; on < 2; on++) {
		struct fake_pci *device, *bridge, *behind;

		fake_reset();
		if (on)
			fake_fw_cfg_file("opt/org.qboot/pci-decode", "on", 2);
		add_machine(ECAM);
		device = add_with_pin(NULL, 3, 0, 1);
		fake_pci_bar(device, 0, 0x1000, 0);
		bridge = fake_pci_add_bridge(NULL, 4, 0, 0x1b36, 1);
		behind = add_with_pin(bridge, 1, 0, 1);
		fake_pci_bar(behind, 1, 0x20, 1);
		run(ECAM);
		check_addresses();
		assert_int_equal(get(device, PCI_COMMAND, 2), on ? PCI_COMMAND_MEMORY : 0);
		assert_int_equal(get(behind, PCI_COMMAND, 2), on ? PCI_COMMAND_IO : 0);
		assert_int_equal(get(bridge, PCI_COMMAND, 2), on ? 3 : 0);
		pci_tables_built(&layout, &machine.pci);
		assert_int_equal(get(bridge, PCI_COMMAND, 2), on ? 3 : 0);
	}
}

/*
 * What a bridge decodes without being told: windows above 4 GiB, on bus 0, until QEMU has its
 * tables.  VGA's addresses are as others.
 */
static void test_bridges_that_decode(void **state)
{
	static const struct {
		const char *name;
		uint32_t class;
		uint64_t size;
		uint32_t kind;
		uint32_t outer, inner; /* command registers of the two bridges above the device */
	} cases[] = {
		{ "a device", 0x020000, 0x1000, 0, 0, 0 },
		{ "prefetchable, small", 0x020000, 0x100000, 12, 0, 0 },
		{ "not prefetchable, large", 0x020000, 0x10000000, 4, 0, 0 },
		{ "above 4 GiB", 0x020000, 0x10000000, 12, PCI_COMMAND_MEMORY, 0 },
		{ "VGA", 0x030000, 0x1000, 0, 0, 0 },
	};

	(void)state;
	for (enum way way = 0; way < WAYS; way++)
		for (uint32_t i = 0; i < COUNT(cases); i++) {
			struct fake_pci *outer, *inner, *device;

			fake_reset();
			add_machine(way);
			outer = fake_pci_add_bridge(NULL, 3, 0, 0x1b36, 1);
			inner = fake_pci_add_bridge(outer, 2, 0, 0x1b36, 1);
			device = add_with_pin(inner, 1, 0, 1);
			fake_pci_set(device, PCI_CLASS_REVISION, 4, cases[i].class << 8);
			fake_pci_bar(device, 0, cases[i].size, cases[i].kind);
			run(way);
			check_addresses();
			assert_case_equal(cases[i].name, get(outer, PCI_COMMAND, 2),
					  cases[i].outer);
			assert_case_equal(cases[i].name, get(inner, PCI_COMMAND, 2),
					  cases[i].inner);
			pci_tables_built(&layout, &machine.pci);
			assert_case_equal(cases[i].name, get(outer, PCI_COMMAND, 2), 0);
		}
}

/* QEMU's ERST table, and Linux after it, need the one device decoding, behind whatever it is. */
static void test_erst_decodes_for_good(void **state)
{
	static const struct {
		const char *name;
		uint16_t device;
		uint32_t size; /* of the first of two BARs */
		uint32_t command;
	} cases[] = {
		{ "acpi-erst", 0x12, 16, PCI_COMMAND_MEMORY },
		{ "another with such registers", 0x13, 16, 0 },
		{ "another with larger registers", 0x12, 32, 0 },
	};

	(void)state;
	for (enum way way = 0; way < WAYS; way++)
		for (uint32_t i = 0; i < COUNT(cases); i++) {
			struct fake_pci *outer, *inner, *device, *beside;

			fake_reset();
			add_machine(way);
			outer = fake_pci_add_bridge(NULL, 3, 0, 0x1b36, 1);
			inner = fake_pci_add_bridge(outer, 2, 0, 0x1b36, 1);
			device = fake_pci_add(inner, 1, 0, 0x1b36, cases[i].device);
			fake_pci_bar(device, 0, cases[i].size, 0);
			fake_pci_bar(device, 1, 0x10000, 8);
			beside = add_with_pin(inner, 2, 0, 1);
			fake_pci_bar(beside, 0, 0x1000, 0);
			run(way);
			check_addresses();
			for (uint32_t built = 0; built < 2; built++) {
				assert_case_equal(cases[i].name, get(device, PCI_COMMAND, 2),
						  cases[i].command);
				assert_case_equal(cases[i].name, get(inner, PCI_COMMAND, 2),
						  cases[i].command);
				assert_case_equal(cases[i].name, get(outer, PCI_COMMAND, 2),
						  cases[i].command);
				assert_int_equal(get(beside, PCI_COMMAND, 2), 0);
				pci_tables_built(&layout, &machine.pci);
			}
		}
}

/* Where everything decodes, the first VGA device has its fixed addresses, through all bridges. */
static void test_vga_that_decodes(void **state)
{
	(void)state;
	for (enum way way = 0; way < WAYS; way++) {
		struct fake_pci *outer, *inner, *first, *second;
		uint32_t both = PCI_COMMAND_IO | PCI_COMMAND_MEMORY;

		fake_reset();
		add_machine(way);
		outer = fake_pci_add_bridge(NULL, 3, 0, 0x1b36, 1);
		inner = fake_pci_add_bridge(outer, 2, 0, 0x1b36, 1);
		first = add_with_pin(inner, 1, 0, 1);
		second = add_with_pin(NULL, 4, 0, 1);
		fake_pci_set(first, PCI_CLASS_REVISION, 4, 0x03000000);
		fake_pci_set(second, PCI_CLASS_REVISION, 4, 0x03000000);
		fake_pci_bar(first, 0, 0x1000, 0);
		fake_pci_bar(second, 0, 0x1000, 0);
		decode = true;
		run(way);
		decode = false;
		assert_int_equal(get(outer, PCI_COMMAND, 2), both);
		assert_int_equal(get(inner, PCI_COMMAND, 2), both);
		assert_int_equal(get(outer, PCI_BRIDGE_CONTROL, 2), PCI_BRIDGE_CONTROL_VGA);
		assert_int_equal(get(inner, PCI_BRIDGE_CONTROL, 2), PCI_BRIDGE_CONTROL_VGA);
		assert_int_equal(get(first, PCI_COMMAND, 2), both);
		assert_int_equal(get(second, PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
	}
}

/* A window that opens is a rebuild: what is behind a port lies in one, unless it asks for two. */
static void test_one_window_a_port(void **state)
{
	(void)state;
	for (enum way way = 0; way < WAYS; way++) {
		struct fake_pci *port, *device;

		fake_reset();
		add_machine(way);
		port = fake_pci_add_bridge(NULL, 3, 0, 0x1b36, 0xc);
		fake_pci_express(port, PCI_EXPRESS_ROOT_PORT);
		device = add_with_pin(port, 0, 0, 1);
		fake_pci_bar(device, 1, 0x1000, 0);
		fake_pci_bar(device, 4, 0x4000, 12);
		run(way);
		check_addresses();
		assert_int_equal((get(port, 0x22, 2) & 0xfff0) - (get(port, 0x20, 2) & 0xfff0),
				 0x10);
		assert_true((get(port, 0x24, 2) & 0xfff0) > (get(port, 0x26, 2) & 0xfff0));
	}
}

/* The option is a word; what is no such word is named, and the kernel's kind decides. */
static void test_decode_option(void **state)
{
	static const struct {
		const char *word; /* NULL: no option */
		bool on, off;     /* what it decides */
	} cases[] = {
		{ NULL, false, false },      { "on", true, false },
		{ "off", false, true },      { "yes", false, false },
		{ "On", false, false },      { "on\n", true, false },
		{ "offside", false, false }, { "o", false, false },
		{ "", false, false },        { "a word of more than 15 characters", false, false },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++)
		for (uint32_t unless = 0; unless < 2; unless++) {
			bool known = cases[i].on || cases[i].off;
			const char *word = cases[i].word;
			struct fake_pci *device;
			char says[80];

			fake_reset();
			if (word)
				fake_fw_cfg_file("opt/org.qboot/pci-decode", word, strlen(word));
			add_machine(ECAM);
			device = add_with_pin(NULL, 3, 0, 1);
			fake_pci_bar(device, 0, 0x1000, 0);
			decode = unless;
			run(ECAM);
			decode = false;
			assert_int_equal(get(device, PCI_COMMAND, 2),
					 (known ? cases[i].on : unless) ? PCI_COMMAND_MEMORY : 0);
			if (!word || known) {
				assert_string_equal(fake.console, "");
				continue;
			}
			snprintf(says, sizeof(says), "pci-decode says \"%.15s\"; it can say", word);
			assert_says(fake.console, says);
		}
}

/* ---- Bad devices ---- */

static bool says_no_size(uint32_t slot, uint32_t number)
{
	char words[80];

	snprintf(words, sizeof(words),
		 "00:%02x.0 register 0x%x gets no address, what it reads gives", slot,
		 PCI_BAR(number));
	return strstr(fake.console, words);
}

/* What a register reads when ones were written is no size: the device is named, the others work. */
static void test_bars_that_make_no_sense(void **state)
{
	static const struct {
		const char *name;
		uint32_t fixed, writable;
	} cases[] = {
		{ "all ones, whatever is written", 0xffffffff, 0 },
		{ "a hole in the mask", 0, 0xff0ff000 },
		{ "memory of a reserved type", 6, 0xfffff000 },
		{ "I/O with the reserved bit", 3, 0xfffffff0 },
		{ "I/O with a hole", 1, 0x0000f0f0 },
		{ "64 bits, flags alone", 4, 0 },
		{ "one byte, of memory or of ports", 0, 0xffffffff },
		{ "ones, but for two bits of the type", 0xfffffff8, 0 },
	};

	(void)state;
	for (enum way way = 0; way < WAYS; way++)
		for (uint32_t i = 0; i < COUNT(cases); i++) {
			struct fake_pci *bad, *good;

			fake_reset();
			add_machine(way);
			bad = add_with_pin(NULL, 5, 0, 1);
			fake_pci_bar(bad, 0, 0x1000, 0);
			fake_pci_set(bad, PCI_BAR(2), 4, cases[i].fixed);
			memcpy(bad->writable + PCI_BAR(2), &cases[i].writable, 4);
			fake_pci_bar(bad, 4, 0x100, 1);
			good = add_with_pin(NULL, 6, 0, 1);
			fake_pci_bar(good, 0, 0x2000, 0);
			run(way);
			assert_case(cases[i].name, says_no_size(5, 2));
			assert_case_equal(cases[i].name, get(bad, PCI_BAR(2), 4), cases[i].fixed);
			assert_case(cases[i].name, get(bad, PCI_BAR(0), 4));
			assert_case(cases[i].name, get(bad, PCI_BAR(4), 4) & ~3u);
			assert_case(cases[i].name, get(good, PCI_BAR(0), 4));
			assert_case_equal(cases[i].name, get(bad, PCI_COMMAND, 2), 0);
		}
}

/* The last register has no neighbour that could be its upper half. */
static void test_64_bits_in_the_last_register(void **state)
{
	(void)state;
	for (enum way way = 0; way < WAYS; way++) {
		struct fake_pci *bad;

		fake_reset();
		add_machine(way);
		bad = add_with_pin(NULL, 5, 0, 1);
		fake_pci_set(bad, PCI_BAR(5), 4, 4);
		fake_pci_set(bad, PCI_BAR(5) + 4, 4, 0x12345678);
		memset(bad->writable + PCI_BAR(5) + 1, 0xff, 3);
		run(way);
		assert_true(says_no_size(5, 5));
		assert_int_equal(get(bad, PCI_BAR(5), 4), 4);
		assert_int_equal(get(bad, PCI_BAR(5) + 4, 4), 0x12345678);
	}
}

/*
 * A BAR of less than 16 bytes reads ones in the bits of its type.  It gets 16 bytes (I/O: 4) and
 * addresses of its kind, and the register after it is not taken for its upper half.
 */
static void test_tiny_bars(void **state)
{
	static const struct {
		const char *name;
		uint32_t size, kind, left; /* left: of the kind when zeros were written */
	} cases[] = {
		{ "memory of 2, as pvpanic-pci", 2, 0, 0 },
		{ "memory of 4", 4, 0, 0 },
		{ "memory of 8", 8, 0, 0 },
		{ "memory of 16", 16, 0, 0 },
		{ "prefetchable memory of 2", 2, 8, 0 },
		{ "prefetchable memory of 8", 8, 8, 0 },
		{ "prefetchable memory of 16", 16, 8, 8 },
		{ "64 bits of 16", 16, 4, 4 },
		{ "64 bits of 16, prefetchable", 16, 12, 12 },
		{ "ports: 2", 2, 1, 1 },
		{ "ports: 4", 4, 1, 1 },
	};

	(void)state;
	for (enum way way = 0; way < WAYS; way++)
		for (uint32_t i = 0; i < COUNT(cases) * 2; i++) {
			uint32_t number =
				i % 2; /* a 64-bit BAR may begin in an odd register, too */
			uint32_t size = cases[i / 2].size, kind = cases[i / 2].kind;
			uint32_t next = number + (kind & 4 ? 2 : 1);
			uint32_t mask = ~(size - 1) & ~(kind & 1);
			uint32_t bar, floor = kind & 1 ? 4 : 16;
			const char *name = cases[i / 2].name;
			struct fake_pci *tiny;

			fake_reset();
			add_machine(way);
			tiny = add_with_pin(NULL, 5, 0, 1);
			fake_pci_bar(tiny, number, 16, kind);
			memcpy(tiny->writable + PCI_BAR(number), &mask, 4);
			fake_pci_bar(tiny, next, 0x1000, 0);
			run(way);
			assert_string_equal(fake.console, "");
			bar = get(tiny, PCI_BAR(number), 4);
			assert_case_equal(name, bar & (floor - 1), cases[i / 2].left);
			assert_case(name, kind & 1 ? bar >= 0x1000 && bar < 0x10000 :
						     bar >= 0xc0001000 && bar < 0xd0000000);
			assert_case_equal(name, get(tiny, PCI_BAR(next), 4), 0xc0000000);
			if (kind & 4)
				assert_case_equal(name, get(tiny, PCI_BAR(number + 1), 4), 0);
		}
}

/* Doubles its size with each write to it. */
static void grow(struct fake_pci *pci, uint32_t offset, uint32_t size, uint64_t value)
{
	uint32_t mask;

	(void)value;
	if (offset > PCI_BAR(0) || offset + size <= PCI_BAR(0))
		return;
	memcpy(&mask, pci->writable + PCI_BAR(0), 4);
	mask <<= 1;
	memcpy(pci->writable + PCI_BAR(0), &mask, 4);
	fake_pci_set(pci, PCI_BAR(0), 4, get(pci, PCI_BAR(0), 4) & mask);
}

/* A device that changes its mind is asked once; its neighbours do not suffer. */
static void test_bar_that_changes_its_size(void **state)
{
	(void)state;
	for (enum way way = 0; way < WAYS; way++) {
		struct fake_pci *bad, *good[2];

		fake_reset();
		add_machine(way);
		good[0] = add_with_pin(NULL, 4, 0, 1);
		bad = add_with_pin(NULL, 5, 0, 1);
		good[1] = add_with_pin(NULL, 6, 0, 1);
		fake_pci_bar(bad, 0, 0x1000, 0);
		bad->on_write = grow;
		for (uint32_t i = 0; i < 2; i++)
			fake_pci_bar(good[i], 0, 0x1000, 0);
		run(way);
		assert_int_equal(get(good[0], PCI_BAR(0), 4), 0xc0002000);
		assert_int_equal(get(good[1], PCI_BAR(0), 4), 0xc0003000);
		assert_true(fake_exits() < 250);
	}
}

/* More BARs than the tables hold: those beyond are named and left without, the walk goes on. */
static void test_more_bars_than_the_table_holds(void **state)
{
	struct fake_pci *functions[25][8];
	uint32_t placed = 0, open = 0;

	(void)state;
	fake_fw_cfg_file("opt/org.qboot/pci-decode", "on", 2);
	add_machine(ECAM);
	for (uint32_t slot = 0; slot < COUNT(functions); slot++)
		for (uint32_t f = 0; f < 8; f++) {
			struct fake_pci *pci = add_with_pin(NULL, slot + 2, f, 1);

			functions[slot][f] = pci;
			fake_pci_set(pci, PCI_HEADER_TYPE, 1, PCI_HEADER_MULTIFUNCTION);
			for (uint32_t n = 0; n < 6; n++)
				fake_pci_bar(pci, n, 0x1000, 0);
		}
	run(ECAM);
	for (uint32_t slot = 0; slot < COUNT(functions); slot++)
		for (uint32_t f = 0; f < 8; f++) {
			for (uint32_t n = 0; n < 6; n++)
				placed += get(functions[slot][f], PCI_BAR(n), 4) != 0;
			open += get(functions[slot][f], PCI_COMMAND, 2) == PCI_COMMAND_MEMORY;
		}
	assert_int_equal(placed, 1024);
	assert_int_equal(open, (1024 + 5) / 6);
	assert_int_equal(line(functions[24][7]), chipset_irq(chipset, 26, 0));
	assert_says(fake.console,
		    "17.2 register 0x20 of 0x1000 bytes gets no address, there are more");
}

/* What has no place is named with what it wanted, and that kind of address stays closed. */
static void test_what_does_not_fit_is_closed(void **state)
{
	(void)state;
	for (enum way way = 0; way < WAYS; way++) {
		struct fake_pci *large, *behind, *bridge, *small, *ports;

		fake_reset();
		fake_fw_cfg_file("opt/org.qboot/pci-decode", "on", 2);
		add_machine(way);
		large = add_with_pin(NULL, 3, 0, 1);
		fake_pci_bar(large, 0, 0x1000, 0);
		fake_pci_bar(large, 1, 0x40, 1);
		fake_pci_bar(large, 2, 1ull << 40, 12);
		bridge = fake_pci_add_bridge(NULL, 4, 0, 0x1b36, 1);
		behind = add_with_pin(bridge, 1, 0, 1);
		fake_pci_bar(behind, 0, 0x80000000, 0);
		small = add_with_pin(bridge, 2, 0, 1);
		fake_pci_bar(small, 0, 0x1000, 0);
		ports = add_with_pin(NULL, 5, 0, 1);
		for (uint32_t i = 0; i < 2; i++)
			fake_pci_bar(ports, i, 0x8000, 1);
		run(way);
		assert_says(fake.console,
			    "pci: 00:05.0 register 0x14 gets no address, there is no place "
			    "for 0x8000 bytes of I/O ports\n");
		assert_int_equal(get(ports, PCI_COMMAND, 2), 0);
		assert_says(fake.console,
			    "pci: 00:03.0 register 0x18 gets no address, there is no place "
			    "for 0x10000000000 bytes of memory\n");
		assert_says(fake.console,
			    "pci: 01:01.0 register 0x10 gets no address, there is no place "
			    "for 0x80000000 bytes of memory below 4 GiB\n");
		assert_int_equal(fake_pci_get(large, PCI_BAR(2), 8), 12);
		assert_int_equal(get(large, PCI_COMMAND, 2), PCI_COMMAND_IO);
		assert_int_equal(get(behind, PCI_BAR(0), 4), 0);
		assert_int_equal(get(behind, PCI_COMMAND, 2), 0);
		assert_true(get(small, PCI_BAR(0), 4));
		assert_int_equal(get(small, PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
	}
}

/* ---- Costs ---- */

/* An empty slot costs one read; the budget of a plain machine is exact. */
static void test_exit_budget(void **state)
{
	struct fake_pci *device;

	(void)state;
	add_machine(ECAM_WIDE);
	run(ECAM_WIDE);
	/* Function 0 of all slots but the host bridge's, and the LPC bridge's seven others. */
	assert_int_equal(fake_exits(), 31 + 7);

	fake_reset();
	add_machine(ECAM_WIDE);
	device = add_with_pin(NULL, 3, 0, 1);
	fake_pci_bar(device, 1, 0x1000, 0);
	fake_pci_bar(device, 4, 0x4000, 12);
	run(ECAM_WIDE);
	check_addresses();
	/* Pin, line; sizing by three pairs; the ROM; two pairs of BARs. */
	assert_int_equal(fake_exits(), 31 + 7 + 2 + 6 + 2 + 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_lines_on_the_root_bus),
		UNIT_TEST(test_without_pci_nothing_is_asked),
		UNIT_TEST(test_functions),
		UNIT_TEST(test_tree),
		UNIT_TEST(test_express_port_has_one_slot),
		UNIT_TEST(test_bad_capability_lists),
		UNIT_TEST(test_more_bridges_than_buses),
		UNIT_TEST(test_looking_for_roots),
		UNIT_TEST(test_extra_root),
		UNIT_TEST(test_deepest_tree),
		UNIT_TEST(test_bridge_loop),
		UNIT_TEST(test_addresses_on_random_trees),
		UNIT_TEST(test_mtrrs_reach_the_lowest_bar),
		UNIT_TEST(test_unused_windows_are_closed),
		UNIT_TEST(test_reserve_capability),
		UNIT_TEST(test_ports_without_io),
		UNIT_TEST(test_empty_port_with_a_hint),
		UNIT_TEST(test_reserved_buses_end),
		UNIT_TEST(test_reserved_buses_are_given_up),
		UNIT_TEST(test_refused_room),
		UNIT_TEST(test_decoding_stays_off),
		UNIT_TEST(test_bridges_that_decode),
		UNIT_TEST(test_erst_decodes_for_good),
		UNIT_TEST(test_vga_that_decodes),
		UNIT_TEST(test_one_window_a_port),
		UNIT_TEST(test_decode_option),
		UNIT_TEST(test_bars_that_make_no_sense),
		UNIT_TEST(test_64_bits_in_the_last_register),
		UNIT_TEST(test_tiny_bars),
		UNIT_TEST(test_bar_that_changes_its_size),
		UNIT_TEST(test_more_bars_than_the_table_holds),
		UNIT_TEST(test_what_does_not_fit_is_closed),
		UNIT_TEST(test_exit_budget),
	};

	return cmocka_run_group_tests_name("pci", tests, NULL, NULL);
}
