/*
 * test_memmap.c - memmap.c: what it reads from QEMU, and what stays true whatever is done to it.
 */
#include "unit.h"

#include "layout.h"
#include "memmap.h"

static struct memmap map;
static struct fw_cfg cfg;

/* ---- Properties ---- */

static void check_invariant(void)
{
	for (uint32_t i = 0; i < map.count; i++) {
		assert_true(map.ranges[i].base < map.ranges[i].end);
		assert_true(map.ranges[i].type != MEMORY_NONE);
		if (i)
			assert_true(map.ranges[i - 1].end <= map.ranges[i].base);
	}
	assert_true(map.count <= MEMMAP_MAX_ENTRIES);
}

static uint64_t total(uint32_t type)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < map.count; i++)
		if (map.ranges[i].type == type)
			bytes += map.ranges[i].end - map.ranges[i].base;
	return bytes;
}

static uint32_t type_at(uint64_t address)
{
	for (uint32_t i = 0; i < map.count; i++)
		if (address >= map.ranges[i].base && address < map.ranges[i].end)
			return map.ranges[i].type;
	return MEMORY_NONE;
}

/* The operating system is told whole pages. */
static void check_borders(void)
{
	static struct e820_entry entries[MEMMAP_MAX_ENTRIES];
	uint32_t count = memmap_build_e820(&map, entries, sizeof(entries[0]), COUNT(entries));

	assert_true(count);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal((entries[i].base | entries[i].size) & 0xfff, 0);
}

/* ---- memmap_set(), memmap_is() ---- */

#define CELLS  64
#define CELL   0x1000ull
#define ORIGIN (4 * GIB - CELLS / 2 * CELL) /* the cells straddle 4 GiB */

/* Against an array with a type a cell, from which the right answer can be read. */
static void test_set_against_cells(void **state)
{
	static const uint32_t types[] = { MEMORY_NONE, MEMORY_RAM, MEMORY_RESERVED, MEMORY_KEPT,
					  MEMORY_LOADED };
	uint32_t seed = 5;

	(void)state;
	for (uint32_t round = 0; round < 100; round++) {
		uint32_t cells[CELLS] = { 0 };

		map.count = 0;
		for (uint32_t step = 0; step < 60; step++) {
			uint32_t first = unit_random(&seed) % CELLS;
			uint32_t last = first + unit_random(&seed) % (CELLS - first + 1);
			uint32_t type = types[unit_random(&seed) % COUNT(types)];
			uint32_t probe = unit_random(&seed) % CELLS;
			bool same = true;

			assert_int_equal(memmap_set(&map, ORIGIN + first * CELL,
						    ORIGIN + last * CELL, type),
					 OK);
			for (uint32_t i = first; i < last; i++)
				cells[i] = type;
			check_invariant();
			for (uint32_t i = 0; i < CELLS; i++) {
				assert_int_equal(type_at(ORIGIN + i * CELL), cells[i]);
				assert_int_equal(type_at(ORIGIN + i * CELL + CELL - 1), cells[i]);
			}
			for (uint32_t i = probe; i < CELLS && i < probe + 5; i++) {
				same &= cells[i] == cells[probe];
				assert_int_equal(memmap_is(&map, ORIGIN + probe * CELL,
							   ORIGIN + (i + 1) * CELL, cells[probe]),
						 same && cells[probe]);
			}
		}
	}
}

static void test_set_edges(void **state)
{
	static const struct {
		const char *name;
		uint64_t base, end;
		uint32_t count; /* ranges afterwards, beginning with RAM [0x1000, 0x3000) */
		uint64_t ram;
	} cases[] = {
		{ "empty range", 0x2000, 0x2000, 1, 0x2000 },
		{ "backwards", 0x3000, 0x1000, 1, 0x2000 },
		{ "touches below", 0, 0x1000, 2, 0x2000 },
		{ "touches above", 0x3000, 0x4000, 2, 0x2000 },
		{ "exactly", 0x1000, 0x3000, 1, 0 },
		{ "middle", 0x1800, 0x2000, 3, 0x1800 },
		{ "one byte at the start", 0x1000, 0x1001, 2, 0x1fff },
		{ "one byte at the end", 0x2fff, 0x3000, 2, 0x1fff },
		{ "covers all", 0, UINT64_MAX, 1, 0 },
		{ "to the last byte", 0x2000, UINT64_MAX, 2, 0x1000 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		map.count = 0;
		memmap_set(&map, 0x1000, 0x3000, MEMORY_RAM);
		assert_case_equal(cases[i].name,
				  memmap_set(&map, cases[i].base, cases[i].end, MEMORY_RESERVED),
				  OK);
		check_invariant();
		assert_case_equal(cases[i].name, map.count, cases[i].count);
		assert_case_equal(cases[i].name, total(MEMORY_RAM), cases[i].ram);
	}
}

static void fill_map(uint32_t count)
{
	map.count = 0;
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(
			memmap_set(&map, i * 0x2000ull, i * 0x2000ull + 0x1000, MEMORY_RAM), OK);
}

static void test_full_map_stays_as_it_was(void **state)
{
	static struct memmap before;

	(void)state;
	fill_map(MEMMAP_MAX_ENTRIES);
	before = map;
	assert_int_equal(memmap_set(&map, 0x1000000, 0x1001000, MEMORY_RAM), ERR_TOO_MANY);
	assert_int_equal(memmap_set(&map, 0x400, 0x800, MEMORY_RESERVED), ERR_TOO_MANY);
	assert_int_equal(memmap_set(&map, 0x800, 0x1000, MEMORY_RESERVED), ERR_TOO_MANY);
	assert_memory_equal(&before, &map, sizeof(map));
	/* What needs no entry more still works. */
	assert_int_equal(memmap_set(&map, 0, 0x1000, MEMORY_RESERVED), OK);
	assert_int_equal(memmap_set(&map, 0, 0x2800, MEMORY_RESERVED), OK);
	assert_int_equal(memmap_set(&map, 0, 0x2800, MEMORY_NONE), OK);
	check_invariant();
	assert_panics("memory: cannot note a thing at 0x400000-0x401000: the memory map has more "
		      "entries than there is room for (256)",
		      fill_map(256);
		      memmap_reserve(&map, 0x400000, 0x401000, MEMORY_RAM, "a thing"));
}

/* ---- Finding and allocating ---- */

static void test_find(void **state)
{
	static const struct {
		const char *name;
		uint64_t size, align, min, max, wanted;
	} cases[] = {
		/* RAM [1 MiB, 16 MiB) and [4 GiB - 64 KiB, 4 GiB + 64 KiB) */
		{ "highest", 0x1000, 0x1000, 0, UINT64_MAX, 4 * GIB + 0xf000 },
		{ "across 4 GiB", 0x20000, 1, 0, UINT64_MAX, 4 * GIB - 0x10000 },
		{ "below 4 GiB", 0x1000, 0x1000, 0, 4 * GIB, 4 * GIB - 0x1000 },
		{ "not across max", 0x10001, 1, 0, 4 * GIB, 16 * MIB - 0x10001 },
		{ "max inside a range", 0x1000, 0x1000, 0, 2 * MIB, 2 * MIB - 0x1000 },
		{ "max not aligned", 0x1000, 0x1000, 0, 2 * MIB - 1, 2 * MIB - 0x2000 },
		{ "alignment", 1, 8 * MIB, 0, 16 * MIB, 8 * MIB },
		{ "alignment leaves no place", 1, 16 * MIB, 0, 16 * MIB, 0 },
		{ "exactly all", 15 * MIB, 1, 0, 16 * MIB, 1 * MIB },
		{ "one byte too many", 15 * MIB + 1, 1, 0, 16 * MIB, 0 },
		{ "min", 0x1000, 1, 16 * MIB - 0x1000, 16 * MIB, 16 * MIB - 0x1000 },
		{ "min too high", 0x1000, 1, 16 * MIB - 0xfff, 16 * MIB, 0 },
		{ "min above max", 0x1000, 1, 8 * MIB, 4 * MIB, 0 },
		{ "empty window", 1, 1, 2 * MIB, 2 * MIB, 0 },
		{ "one byte window", 1, 1, 2 * MIB, 2 * MIB + 1, 2 * MIB },
		{ "more than there is", UINT64_MAX, 1, 0, UINT64_MAX, 0 },
		{ "largest alignment", 1, 1ull << 63, 0, UINT64_MAX, 0 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		map.count = 0;
		memmap_set(&map, 1 * MIB, 16 * MIB, MEMORY_RAM);
		memmap_set(&map, 16 * MIB, 17 * MIB, MEMORY_RESERVED);
		memmap_set(&map, 4 * GIB - 0x10000, 4 * GIB + 0x10000, MEMORY_RAM);
		assert_case_equal(cases[i].name,
				  memmap_find(&map, cases[i].size, cases[i].align, cases[i].min,
					      cases[i].max),
				  cases[i].wanted);
	}
}

/* What is left of the pool. */
static uint64_t pool_left(void)
{
	return map.pool_end - FIRMWARE_POOL_BASE;
}

static void machine_of(uint64_t low_end)
{
	map.count = 0;
	memmap_set(&map, 0, low_end, MEMORY_RAM);
	memmap_set(&map, LOW_RAM_END, LEGACY_HOLE_END, MEMORY_RESERVED);
	memmap_set(&map, EBDA_END, FIRMWARE_BASE, MEMORY_NONE);
	map.pool_end = FIRMWARE_POOL_END;
	memmap_set(&map, 4 * GIB, 5 * GIB, MEMORY_RAM);
}

/* Random allocations until nothing fits: each is aligned, inside what was free, and taken once. */
static void test_random_allocations(void **state)
{
	static const uint32_t types[] = { MEMORY_KEPT, MEMORY_LOADED };
	uint32_t seed = 11;

	(void)state;
	for (uint32_t round = 0; round < 60; round++) {
		uint64_t start_ram;

		machine_of((2 + round) * MIB);
		start_ram = total(MEMORY_RAM);
		for (uint32_t step = 0; step < 150; step++) {
			static struct memmap before;
			uint32_t size = 1 + (unit_random(&seed) >> (unit_random(&seed) % 20 + 11));
			uint32_t align = 1u << unit_random(&seed) % 23;
			uint32_t type = types[unit_random(&seed) % COUNT(types)];
			static const enum memory_zone zones[] = { ZONE_LOW, ZONE_LOW, ZONE_NEAR,
								  ZONE_FSEG };
			enum memory_zone zone = zones[unit_random(&seed) % COUNT(zones)];
			uint64_t ram_before = total(MEMORY_RAM), pages;
			uint32_t place;
			bool pool;

			before = map;
			place = memmap_try_alloc(&map, size, align, type, zone);
			check_invariant();
			if (!place) {
				assert_memory_equal(&before, &map, sizeof(map));
				continue;
			}
			assert_int_equal(place & (align - 1), 0);
			assert_true((uint64_t)place + size <= 4 * GIB);
			pool = place >= FIRMWARE_POOL_BASE && place < FIRMWARE_POOL_END;
			if (pool) {
				assert_true(place + (uint64_t)size <= before.pool_end);
				assert_int_equal(map.pool_end, place);
				/* The rest is for ZONE_FSEG. */
				assert_true(zone == ZONE_FSEG ||
					    place >= FIRMWARE_POOL_BASE + 0x400);
				assert_true(total(MEMORY_RAM) == ram_before);
				type = MEMORY_RESERVED;
			} else {
				pages = (size + 0xfffull) & ~0xfffull;
				assert_int_equal(place & 0xfff, 0);
				assert_true(memmap_is(&before, place, place + pages, MEMORY_RAM));
				assert_true(memmap_is(&map, place, place + pages, type));
				assert_true(total(MEMORY_RAM) == ram_before - pages);
			}
			assert_true(memmap_is(&map, place, place + (uint64_t)size, type));
			if (zone == ZONE_FSEG)
				assert_true(pool);
		}
		assert_true(total(MEMORY_RAM) <= start_ram);
		check_borders();
	}
}

static void test_alloc_order(void **state)
{
	uint32_t place;

	(void)state;
	machine_of(2 * MIB);
	/* The pool first, then RAM from the top below 4 GiB, then RAM below 640 KiB. */
	assert_in_range(memmap_try_alloc(&map, 0x1000, 0x1000, MEMORY_KEPT, ZONE_LOW),
			FIRMWARE_POOL_BASE, FIRMWARE_POOL_END - 0x1000);
	assert_int_equal(memmap_try_alloc(&map, 0x10000, 0x1000, MEMORY_KEPT, ZONE_LOW),
			 2 * MIB - 0x10000);
	assert_int_equal(memmap_try_alloc(&map, 0xf0000, 0x1000, MEMORY_KEPT, ZONE_LOW), 1 * MIB);
	place = memmap_try_alloc(&map, 0x10000, 0x1000, MEMORY_KEPT, ZONE_LOW);
	assert_true(place && place + 0x10000 <= LOW_RAM_END);
	/* Never page 0, nor above 4 GiB. */
	place = memmap_try_alloc(&map, place - 0x1000, 1, MEMORY_KEPT, ZONE_LOW);
	assert_int_equal(place, 0x1000);
	assert_true(memmap_is(&map, 0, 0x1000, MEMORY_RAM));
	assert_int_equal(memmap_try_alloc(&map, 0x10000, 1, MEMORY_KEPT, ZONE_LOW), 0);
	/* The pool, but for its share for the RSDP, then RAM below 640 KiB, then from the top. */
	machine_of(2 * MIB);
	assert_int_equal(memmap_try_alloc(&map, 0x7c00, 1, MEMORY_LOADED, ZONE_NEAR),
			 FIRMWARE_POOL_BASE + 0x400);
	assert_int_equal(memmap_try_alloc(&map, 0x101, 1, MEMORY_LOADED, ZONE_NEAR),
			 LOW_RAM_END - 0x1000);
	assert_int_equal(memmap_try_alloc(&map, 0xa0000, 1, MEMORY_LOADED, ZONE_NEAR),
			 2 * MIB - 0xa0000);
	assert_int_equal(memmap_try_alloc(&map, 0x10000000, 1, MEMORY_LOADED, ZONE_NEAR), 0);
}

/* However much else asks for, the F segment zone has room for an RSDP. */
static void test_pool_keeps_a_share_for_the_rsdp(void **state)
{
	(void)state;
	machine_of(2 * MIB);
	for (uint32_t i = 0; i < 200; i++)
		memmap_try_alloc(&map, 0x100, 1, MEMORY_RESERVED, ZONE_LOW);
	assert_int_equal(pool_left(), 0x400);
	assert_in_range(memmap_try_alloc(&map, 36, 16, MEMORY_RESERVED, ZONE_FSEG),
			FIRMWARE_POOL_BASE, FIRMWARE_POOL_BASE + 0x400);
	assert_int_equal(memmap_try_alloc(&map, 0x400, 16, MEMORY_RESERVED, ZONE_FSEG), 0);
}

static void test_alloc_panics(void **state)
{
	(void)state;
	machine_of(2 * MIB);
	assert_panics(
		"memory: no room for a thing of 268435456 bytes, alignment 4096, below 4 GiB; "
		"give the guest more memory (-m)",
		memmap_alloc(&map, 0x10000000, 0x1000, MEMORY_KEPT, ZONE_LOW, "a thing"));
	assert_panics("no room for a thing of 4294967295 bytes",
		      memmap_alloc(&map, UINT32_MAX, 1, MEMORY_KEPT, ZONE_LOW, "a thing"));
	/* In a full map nothing can be carved out of the middle. */
	fill_map(MEMMAP_MAX_ENTRIES);
	memmap_set(&map, 0, 2 * MIB, MEMORY_NONE);
	memmap_set(&map, 1 * MIB, 2 * MIB, MEMORY_RAM);
	for (uint32_t i = map.count; i < MEMMAP_MAX_ENTRIES; i++)
		memmap_set(&map, GIB + i * 0x2000, GIB + i * 0x2000 + 1, MEMORY_RESERVED);
	assert_int_equal(map.count, MEMMAP_MAX_ENTRIES);
	map.pool_end = 0;
	assert_panics("no room for a thing of 16 bytes",
		      memmap_alloc(&map, 16, 16, MEMORY_KEPT, ZONE_LOW, "a thing"));
}

static void test_low_ram_end(void **state)
{
	(void)state;
	map.count = 0;
	assert_int_equal(memmap_low_ram_end(&map), 0);
	memmap_set(&map, 4 * GIB, 8 * GIB, MEMORY_RAM);
	assert_int_equal(memmap_low_ram_end(&map), 0);
	memmap_set(&map, 0, 3 * GIB, MEMORY_RAM);
	assert_true(memmap_low_ram_end(&map) == 3 * GIB);
	memmap_set(&map, 2 * GIB, 3 * GIB, MEMORY_LOADED);
	assert_true(memmap_low_ram_end(&map) == 3 * GIB);
	memmap_set(&map, 3 * GIB, 4 * GIB, MEMORY_RESERVED);
	assert_true(memmap_low_ram_end(&map) == 3 * GIB);
	/* What was taken from the top is RAM still; tables may even begin a GiB. */
	memmap_set(&map, 3 * GIB - MIB, 3 * GIB, MEMORY_KEPT);
	assert_true(memmap_low_ram_end(&map) == 3 * GIB);
	memmap_set(&map, 2 * GIB, 3 * GIB, MEMORY_KEPT);
	assert_true(memmap_low_ram_end(&map) == 3 * GIB);
	memmap_set(&map, 0, 4 * GIB, MEMORY_RAM);
	assert_true(memmap_low_ram_end(&map) == 4 * GIB - 0x1000 || memmap_low_ram_end(&map) == 0);
}

/* ---- What the operating system is told ---- */

static void test_e820(void **state)
{
	static const struct e820_entry wanted[] = {
		{ 0x1000, 0x4000, MEMORY_RAM },
		{ 0x5000, 0x2000, MEMORY_RESERVED },
		{ 0x8000, 0x1000, MEMORY_RESERVED },
		{ 0x9000, 0x1000, 3 },
		{ 0xa000, 0x1000, 4 },
		{ 0xb000, 0x1000, 0x80 },
		{ 4 * GIB, 1ull << 40, MEMORY_RAM },
	};

	(void)state;
	map.count = 0;
	memmap_set(&map, 0x1000, 0x3000, MEMORY_RAM);
	memmap_set(&map, 0x3000, 0x4000, MEMORY_LOADED);
	memmap_set(&map, 0x4000, 0x5000, MEMORY_RAM);
	memmap_set(&map, 0x5000, 0x6000, MEMORY_RESERVED);
	memmap_set(&map, 0x6000, 0x7000, MEMORY_KEPT);
	memmap_set(&map, 0x8000, 0x9000, MEMORY_RESERVED); /* not a neighbour */
	memmap_set(&map, 0x9000, 0xa000, 3);
	memmap_set(&map, 0xa000, 0xb000, 4);
	memmap_set(&map, 0xb000, 0xc000, 0x80); /* these three are QEMU's, passed on */
	memmap_set(&map, 4 * GIB, 4 * GIB + (1ull << 40), MEMORY_RAM);

	assert_int_equal(memmap_build_e820(&map, NULL, 20, 0), COUNT(wanted));
	for (uint32_t max = 0; max <= COUNT(wanted) + 1; max++) {
		struct e820_entry *entries = malloc(max * sizeof(*entries) + 1);
		uint32_t written = max < COUNT(wanted) ? max : COUNT(wanted);

		((uint8_t *)entries)[max * sizeof(*entries)] = 0x5a;
		assert_int_equal(memmap_build_e820(&map, entries, sizeof(*entries), max),
				 COUNT(wanted));
		assert_memory_equal(entries, wanted, written * sizeof(*entries));
		assert_int_equal(((uint8_t *)entries)[max * sizeof(*entries)], 0x5a);
		free(entries);
	}
	/* Between entries nothing is written. */
	for (uint32_t stride = 20; stride <= 32; stride += 4) {
		uint8_t *entries = malloc(COUNT(wanted) * stride);

		memset(entries, 0x5a, COUNT(wanted) * stride);
		assert_int_equal(memmap_build_e820(&map, entries, stride, COUNT(wanted)),
				 COUNT(wanted));
		for (uint32_t i = 0; i < COUNT(wanted); i++) {
			assert_memory_equal(entries + i * stride, &wanted[i], sizeof(wanted[i]));
			for (uint32_t j = sizeof(wanted[i]); j < stride; j++)
				assert_int_equal(entries[i * stride + j], 0x5a);
		}
		free(entries);
	}
	map.count = 0;
	assert_int_equal(memmap_build_e820(&map, NULL, 20, 0), 0);
}

/* ---- Reading it from QEMU ---- */

static void init(const struct e820_entry *entries, uint32_t count)
{
	fake_ram_add(0, MIB);
	fake_fw_cfg_file("etc/e820", entries, count * sizeof(*entries));
	fw_cfg_init(&cfg);
	fake_forget();
	memmap_init(&map, &cfg, unit_ranges, UNIT_RANGES);
	check_invariant();
}

static void check_low_memory(void)
{
	assert_true(memmap_is(&map, 0, LOW_RAM_END, MEMORY_RAM));
	assert_true(memmap_is(&map, LOW_RAM_END, EBDA_END, MEMORY_RESERVED));
	assert_int_equal(type_at(EBDA_END), MEMORY_NONE);
	assert_int_equal(type_at(FIRMWARE_BASE - 1), MEMORY_NONE);
	assert_true(memmap_is(&map, FIRMWARE_BASE, LEGACY_HOLE_END, MEMORY_RESERVED));
	assert_int_equal(map.pool_end, FIRMWARE_POOL_END);
	assert_true(memmap_is(&map, FLASH_BASE, 4 * GIB, MEMORY_RESERVED));
	check_borders();
}

static void test_init_pc(void **state)
{
	static const struct e820_entry entries[] = {
		{ 0, 3 * GIB, MEMORY_RAM },
		{ 0xfeffc000, 0x4000, MEMORY_RESERVED },
		{ 4 * GIB, 5 * GIB, MEMORY_RAM },
	};

	(void)state;
	init(entries, COUNT(entries));
	check_low_memory();
	assert_true(memmap_is(&map, LEGACY_HOLE_END, 3 * GIB, MEMORY_RAM));
	assert_true(memmap_is(&map, 0xfeffc000, 0xff000000, MEMORY_RESERVED));
	assert_true(memmap_is(&map, 4 * GIB, 9 * GIB, MEMORY_RAM));
	assert_int_equal(fake_exits(), 1);
}

/* Reservations count where they overlap RAM, whichever comes first. */
static void test_init_reservations_win(void **state)
{
	static const struct e820_entry entries[] = {
		{ 0x200000, 0x1000, MEMORY_RESERVED },
		{ 0, 16 * MIB, MEMORY_RAM },
		{ 0x300000, 0x1000, MEMORY_RESERVED },
	};

	(void)state;
	init(entries, COUNT(entries));
	assert_int_equal(type_at(0x200000), MEMORY_RESERVED);
	assert_int_equal(type_at(0x201000), MEMORY_RAM);
	assert_int_equal(type_at(0x300000), MEMORY_RESERVED);
}

/* A type that only we give is none that QEMU may; all others are passed on. */
static void test_init_foreign_types(void **state)
{
	static const uint32_t foreign[] = { 3, 4, 5, 7, 0x80, E820_SOFT_RESERVED };
	struct e820_entry entries[2 + COUNT(foreign)] = {
		{ 0, 16 * MIB, MEMORY_RAM },
		{ 0x200000, 0x1000, MEMORY_LOADED },
	};
	struct e820_entry told[32];
	uint32_t count, found = 0;

	(void)state;
	for (uint32_t i = 0; i < COUNT(foreign); i++)
		entries[2 + i] = (struct e820_entry){ 4 * GIB + i * MIB, MIB, foreign[i] };
	init(entries, COUNT(entries));
	assert_int_equal(type_at(0x200000), MEMORY_RESERVED);
	count = memmap_build_e820(&map, told, sizeof(told[0]), COUNT(told));
	for (uint32_t i = 0; i < count; i++)
		if (told[i].base >= 4 * GIB)
			assert_memory_equal(&told[i], &entries[2 + found++], sizeof(told[i]));
	assert_int_equal(found, COUNT(foreign));
	assert_int_equal(memmap_low_ram_end(&map), 16 * MIB);
}

/* Scratch is conventional memory, or RAM wherever there is some, and is not taken. */
static void test_scratch(void **state)
{
	static const struct e820_entry entries[] = { { 0, 16 * MIB, MEMORY_RAM } };
	uint32_t count;

	(void)state;
	init(entries, COUNT(entries));
	count = map.count;
	assert_int_equal(memmap_scratch(&map, 0x10000, 8, "tables"), 0x1000);
	assert_int_equal(memmap_scratch(&map, LOW_RAM_END - 0x1000, 8, "tables"), 0x1000);
	assert_int_equal(memmap_scratch(&map, LOW_RAM_END, 8, "tables"), 16 * MIB - LOW_RAM_END);
	assert_int_equal(memmap_scratch(&map, 0x10000, 0x10000, "tables"), 16 * MIB - 0x10000);
	assert_int_equal(map.count, count);
	/* A kernel lies low. */
	memmap_set(&map, 0x8000, 0x9000, MEMORY_LOADED);
	assert_int_equal(memmap_scratch(&map, 0x7000, 8, "tables"), 0x1000);
	assert_int_equal(memmap_scratch(&map, 0x7001, 8, "tables"), 16 * MIB - 0x7008);
	memmap_set(&map, 0, 0x1000, MEMORY_LOADED);
	assert_int_equal(memmap_scratch(&map, 0x1000, 8, "tables"), 16 * MIB - 0x1000);
	/* All above 1 MiB is taken: what is left of conventional memory. */
	memmap_set(&map, LEGACY_HOLE_END, 16 * MIB, MEMORY_LOADED);
	assert_int_equal(memmap_scratch(&map, 0x10000, 8, "tables"), LOW_RAM_END - 0x10000);
	assert_panics("memory: no room for tables of 1048576 bytes, alignment 8, below 4 GiB",
		      memmap_scratch(&map, MIB, 8, "tables"));
}

/* Tables of any length are read whole; one chunk is read once. */
static void test_init_long_tables(void **state)
{
	static const struct {
		uint32_t count, transfers;
	} cases[] = { { 1, 1 }, { 31, 1 }, { 32, 1 }, { 33, 4 }, { 64, 4 }, { 65, 6 }, { 120, 8 } };

	(void)state;
	for (uint32_t dma = 0; dma < 2; dma++) {
		for (uint32_t i = 0; i < COUNT(cases); i++) {
			struct e820_entry entries[120];

			fake_reset();
			fake.fw_cfg.dma = dma;
			for (uint32_t j = 0; j < cases[i].count; j++)
				entries[j] =
					(struct e820_entry){ (j + 1) * 16 * MIB, MIB,
							     j & 1 ? MEMORY_RAM : MEMORY_RESERVED };
			entries[0] = (struct e820_entry){ 0, 16 * MIB, MEMORY_RAM };
			init(entries, cases[i].count);
			if (dma)
				assert_int_equal(fake.count[FAKE_DMA], cases[i].transfers);
			for (uint32_t j = 1; j < cases[i].count; j++)
				assert_int_equal(type_at((j + 1) * 16 * MIB + MIB - 1),
						 j & 1 ? MEMORY_RAM : MEMORY_RESERVED);
		}
	}
}

static void test_init_refuses(void **state)
{
	static const struct {
		const char *words;
		struct e820_entry entry;
	} cases[] = {
		{ "memory: etc/e820 has an entry of 0xffffffffffffffff bytes at 0x2, past 2^64",
		  { 2, UINT64_MAX, MEMORY_RAM } },
		{ "memory: 0x80000 bytes below 4 GiB, 1 MiB needed; give the guest more memory (-m)",
		  { 0, 0x80000, MEMORY_RAM } },
		{ "memory: 0x0 bytes below 4 GiB, 1 MiB needed", { 4 * GIB, GIB, MEMORY_RAM } },
		{ "memory: 0x0 bytes below 4 GiB, 1 MiB needed", { 0, 0, MEMORY_RAM } },
	};
	struct e820_entry many[300];

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		fake_reset();
		assert_panics(cases[i].words, init(&cases[i].entry, 1));
	}
	for (uint32_t i = 0; i < COUNT(many); i++)
		many[i] = (struct e820_entry){ i * 16 * MIB, MIB, MEMORY_RAM };
	fake_reset();
	assert_panics(
		"memory: cannot note an entry of etc/e820 at 0xfd000000-0xfd100000: the memory "
		"map has more entries",
		init(many, COUNT(many)));
}

/* A file whose size is no multiple of an entry's ends with the last whole one. */
static void test_init_truncated(void **state)
{
	static const struct e820_entry entries[] = { { 0, 16 * MIB, MEMORY_RAM },
						     { 16 * MIB, 16 * MIB, MEMORY_RAM } };

	(void)state;
	for (uint32_t size = 0; size <= sizeof(entries); size++) {
		fake_reset();
		fake_ram_add(0, MIB);
		fake_fw_cfg_file("etc/e820", entries, size);
		fw_cfg_init(&cfg);
		if (size < sizeof(entries[0])) {
			assert_panics("1 MiB needed",
				      memmap_init(&map, &cfg, unit_ranges, UNIT_RANGES));
			continue;
		}
		memmap_init(&map, &cfg, unit_ranges, UNIT_RANGES);
		assert_int_equal(memmap_low_ram_end(&map),
				 size < sizeof(entries) ? 16 * MIB : 32 * MIB);
	}
}

static void set_cmos(uint32_t extended_kib, uint32_t above_16m, uint32_t above_4g)
{
	fake.cmos[0x30] = (uint8_t)extended_kib;
	fake.cmos[0x31] = (uint8_t)(extended_kib >> 8);
	fake.cmos[0x34] = (uint8_t)above_16m;
	fake.cmos[0x35] = (uint8_t)(above_16m >> 8);
	fake.cmos[0x5b] = (uint8_t)above_4g;
	fake.cmos[0x5c] = (uint8_t)(above_4g >> 8);
	fake.cmos[0x5d] = (uint8_t)(above_4g >> 16);
}

static void test_init_from_cmos(void **state)
{
	static const struct {
		const char *name;
		uint32_t extended_kib, above_16m, above_4g;
		uint64_t low_end, high_end;
	} cases[] = {
		{ "8 MiB", 7 * 1024, 0, 0, 8 * MIB, 4 * GIB },
		{ "16 MiB", 15 * 1024, 0, 0, 16 * MIB, 4 * GIB },
		{ "128 MiB", 65535, 112 * 16, 0, 128 * MIB, 4 * GIB },
		{ "3.5 GiB", 65535, 0xdf00, 0, 0xe0000000, 4 * GIB },
		{ "most", 65535, 0xffff - 0x100, 0xffffff, 0xffff0000, 4 * GIB + 0xffffff0000 },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(cases); i++) {
		fake_reset();
		fake_ram_add(0, MIB);
		set_cmos(cases[i].extended_kib, cases[i].above_16m, cases[i].above_4g);
		fw_cfg_init(&cfg);
		memmap_init(&map, &cfg, unit_ranges, UNIT_RANGES);
		check_invariant();
		check_low_memory();
		assert_case_equal(cases[i].name, type_at(cases[i].low_end),
				  cases[i].low_end < FLASH_BASE ? MEMORY_NONE : MEMORY_RESERVED);
		assert_case(cases[i].name,
			    cases[i].low_end > FLASH_BASE ||
				    memmap_is(&map, LEGACY_HOLE_END, cases[i].low_end, MEMORY_RAM));
		assert_case(cases[i].name, memmap_is(&map, 4 * GIB, cases[i].high_end, MEMORY_RAM));
		assert_case_equal(cases[i].name, type_at(cases[i].high_end), MEMORY_NONE);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		UNIT_TEST(test_set_against_cells),
		UNIT_TEST(test_set_edges),
		UNIT_TEST(test_full_map_stays_as_it_was),
		UNIT_TEST(test_find),
		UNIT_TEST(test_random_allocations),
		UNIT_TEST(test_alloc_order),
		UNIT_TEST(test_pool_keeps_a_share_for_the_rsdp),
		UNIT_TEST(test_alloc_panics),
		UNIT_TEST(test_low_ram_end),
		UNIT_TEST(test_e820),
		UNIT_TEST(test_init_pc),
		UNIT_TEST(test_init_reservations_win),
		UNIT_TEST(test_init_foreign_types),
		UNIT_TEST(test_scratch),
		UNIT_TEST(test_init_long_tables),
		UNIT_TEST(test_init_refuses),
		UNIT_TEST(test_init_truncated),
		UNIT_TEST(test_init_from_cmos),
	};

	return cmocka_run_group_tests_name("memmap", tests, NULL, NULL);
}
