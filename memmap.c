/*
 * memmap.c - see memmap.h.
 *
 * Invariant: ranges[] is sorted by base, no two overlap, none is empty.  Neighbours of one type may
 * stay apart; they are merged when the operating system is told.
 */
#include "memmap.h"

#include <stdnoreturn.h>

#include "align.h"
#include "console.h"
#include "io.h"
#include "spec/cmos.h"
#include "string.h"

/* The pool keeps this much back for ZONE_FSEG when something else asks. */
#define POOL_FSEG_SHARE 0x400

/* Conventional memory is used from here on: an address of 0 would mean "no place". */
#define SCRATCH_BASE 0x1000

#define E820_CHUNK 32 /* entries of etc/e820 read at a time */

enum error memmap_set(struct memmap *map, uint64_t base, uint64_t end, uint32_t type)
{
	struct memory_range *const stop = map->ranges + map->count;
	struct memory_range *first, *last = stop;
	struct memory_range tail;
	bool head_stays, tail_stays;
	int delta;

	if (base >= end)
		return OK;
	while (last > map->ranges && last[-1].base >= end)
		last--;
	for (first = last; first > map->ranges && first[-1].end > base; first--)
		;

	/* The ranges of [first, last) overlap [base, end); what they have outside of it stays. */
	head_stays = first < last && first->base < base;
	tail_stays = first < last && last[-1].end > end;
	if (tail_stays)
		tail = last[-1];
	delta = head_stays + (type != MEMORY_NONE) + tail_stays - (int)(last - first);
	if (map->count + (uint32_t)delta > MEMMAP_MAX_ENTRIES)
		return ERR_TOO_MANY;
	map->count += (uint32_t)delta;
	memmove(last + delta, last, (uint32_t)((const char *)stop - (const char *)last));

	if (head_stays)
		first++->end = base;
	if (type != MEMORY_NONE)
		*first++ = (struct memory_range){ base, end, type };
	if (tail_stays)
		*first = (struct memory_range){ end, tail.end, tail.type };
	return OK;
}

bool memmap_is(const struct memmap *map, uint64_t base, uint64_t end, uint32_t type)
{
	const struct memory_range *stop = map->ranges + map->count;

	for (const struct memory_range *range = map->ranges; range != stop && base < end; range++) {
		if (range->end <= base)
			continue;
		if (range->base > base || range->type != type)
			return false;
		base = range->end;
	}
	return base >= end;
}

uint64_t memmap_find(const struct memmap *map, uint64_t size, uint64_t align, uint64_t min,
		     uint64_t max)
{
	for (uint32_t i = map->count; i--;) {
		const struct memory_range *range = &map->ranges[i];
		uint64_t base = range->base > min ? range->base : min;
		uint64_t end = range->end < max ? range->end : max;
		uint64_t place;

		if (range->type != MEMORY_RAM || end <= base || end - base < size)
			continue;
		place = (end - size) & ~(align - 1);
		if (place >= base && place)
			return place;
	}
	return 0;
}

/* Takes from the pool's end downwards.  The map stays as it is: all of the pool is reserved. */
static uint32_t pool_alloc(struct memmap *map, uint32_t size, uint32_t align, uint32_t min)
{
	uint32_t place;

	if (map->pool_end < min || size > map->pool_end - min)
		return 0;
	place = (map->pool_end - size) & ~(align - 1);
	if (place < min)
		return 0;
	map->pool_end = place;
	return place;
}

/*
 * Finds whole pages: from the top of RAM below 4 GiB downwards, or below 640 KiB when there is no
 * room above 1 MiB; near: the other way round.  size and align are multiples of a page.
 */
static uint32_t find_pages(const struct memmap *map, uint64_t size, uint32_t align, bool near)
{
	uint64_t place = 0;

	if (!near)
		place = memmap_find(map, size, align, LEGACY_HOLE_END, FOUR_GIB);
	if (!place)
		place = memmap_find(map, size, align, SCRATCH_BASE, LOW_RAM_END);
	if (!place && near)
		place = memmap_find(map, size, align, LEGACY_HOLE_END, FOUR_GIB);
	return (uint32_t)place;
}

uint32_t memmap_try_alloc(struct memmap *map, uint32_t size, uint32_t align, uint32_t type,
			  enum memory_zone zone)
{
	uint32_t pool_min = FIRMWARE_POOL_BASE + (zone == ZONE_FSEG ? 0 : POOL_FSEG_SHARE);
	uint64_t pages_size = align_up(size, PAGE_SIZE);
	uint32_t place = pool_alloc(map, size, align, pool_min);

	if (place || zone == ZONE_FSEG)
		return place;
	place = find_pages(map, pages_size, align > PAGE_SIZE ? align : PAGE_SIZE,
			   zone == ZONE_NEAR);
	if (!place || memmap_set(map, place, place + pages_size, type) != OK)
		return 0;
	return place;
}

static noreturn void no_room(uint32_t size, uint32_t align, const char *who)
{
	panic("memory: no room for %s of %u bytes, alignment %u, below 4 GiB; give the guest more "
	      "memory (-m)",
	      who, size, align);
}

uint32_t memmap_alloc(struct memmap *map, uint32_t size, uint32_t align, uint32_t type,
		      enum memory_zone zone, const char *who)
{
	uint32_t place = memmap_try_alloc(map, size, align, type, zone);

	if (!place)
		no_room(size, align, who);
	return place;
}

uint32_t memmap_scratch(const struct memmap *map, uint32_t size, uint32_t align, const char *who)
{
	const struct memory_range *lowest = &map->ranges[0];
	uint32_t place;

	/* Conventional memory, unless a kernel has been loaded there. */
	if (map->count && lowest->type == MEMORY_RAM && !lowest->base && align <= SCRATCH_BASE &&
	    lowest->end >= (uint64_t)SCRATCH_BASE + size)
		return SCRATCH_BASE;
	place = find_pages(map, size, align, false);
	if (!place)
		no_room(size, align, who);
	return place;
}

static bool is_ram(uint32_t type)
{
	return type == MEMORY_RAM || type & MEMORY_OURS;
}

uint32_t memmap_low_ram_end(const struct memmap *map)
{
	for (const struct memory_range *range = map->ranges + map->count; range-- != map->ranges;) {
		if (is_ram(range->type) && range->base < FOUR_GIB)
			return (uint32_t)(range->end < FOUR_GIB ? range->end :
								  FOUR_GIB - PAGE_SIZE);
	}
	return 0;
}

uint32_t memmap_build_e820(const struct memmap *map, void *entries, uint32_t stride, uint32_t max)
{
	const struct memory_range *end = map->ranges + map->count;
	struct e820_entry *entry = NULL;
	uint8_t *next = entries;
	uint32_t count = 0;

	for (const struct memory_range *range = map->ranges; range != end; range++) {
		bool merges = count && !((range->type ^ range[-1].type) & ~(uint32_t)MEMORY_OURS) &&
			      range->base == range[-1].end;

		count += !merges;
		if (count > max)
			continue;
		if (merges) {
			entry->size += range->end - range->base;
			continue;
		}
		entry = (struct e820_entry *)next;
		*entry = (struct e820_entry){ range->base, range->end - range->base,
					      range->type & ~(uint32_t)MEMORY_OURS };
		next += stride;
	}
	return count;
}

void memmap_reserve(struct memmap *map, uint64_t base, uint64_t end, uint32_t type, const char *who)
{
	enum error error = memmap_set(map, base, end, type);

	if (error != OK)
		panic("memory: cannot note %s at 0x%llx-0x%llx: the memory map %s (%u); give the guest "
		      "memory in fewer pieces",
		      who, (unsigned long long)base, (unsigned long long)end, error_text(error),
		      MEMMAP_MAX_ENTRIES);
}

static noreturn void too_little(uint32_t size)
{
	panic("memory: 0x%x bytes below 4 GiB, 1 MiB needed; give the guest more memory (-m)",
	      size);
}

/* RAM from 1 MiB on ends below the flash range, whatever QEMU says. */
static uint64_t below_flash(uint64_t end)
{
	return end < FLASH_BASE ? end : FLASH_BASE;
}

static void enter_entry(struct memmap *map, const struct e820_entry *entry)
{
	uint64_t end = entry->base + entry->size;
	uint64_t base = entry->base;

	if (end < base)
		panic("memory: etc/e820 has an entry of 0x%llx bytes at 0x%llx, past 2^64; this QEMU "
		      "and this image do not fit together",
		      (unsigned long long)entry->size, (unsigned long long)entry->base);
	/* QEMU's entry that begins at 0 includes what is no RAM on a PC below 1 MiB. */
	if (entry->type == MEMORY_RAM && base < LEGACY_HOLE_END) {
		if (end < LEGACY_HOLE_END)
			too_little((uint32_t)end);
		map->pool_end = FIRMWARE_POOL_END;
		base = LEGACY_HOLE_END;
		end = below_flash(end);
	}
	memmap_reserve(map, base, end, entry->type & MEMORY_OURS ? MEMORY_RESERVED : entry->type,
		       "an entry of etc/e820");
}

/* Enters those of the entries that are RAM, or all others if ram is false. */
static void enter_entries(struct memmap *map, const struct e820_entry *entries, uint32_t count,
			  bool ram)
{
	for (uint32_t i = 0; i < count; i++)
		if ((entries[i].type == MEMORY_RAM) == ram)
			enter_entry(map, &entries[i]);
}

/*
 * Where entries of QEMU overlap the memory is not RAM, so what is not RAM is entered in a second
 * pass, over the rest.  A table of one chunk need not be read again for that.
 */
static void enter_e820(struct memmap *map, const struct fw_cfg *cfg, struct fw_cfg_item item)
{
	struct e820_entry chunk[E820_CHUNK];
	uint32_t total = item.size / sizeof(chunk[0]);

	for (uint32_t pass = 0; pass < 2; pass++) {
		for (uint32_t done = 0; done < total; done += E820_CHUNK) {
			uint32_t count = total - done < E820_CHUNK ? total - done : E820_CHUNK;
			uint32_t size = count * sizeof(chunk[0]);

			if (done)
				fw_cfg_read_more(cfg, chunk, size);
			else if (pass == 0 || total > E820_CHUNK)
				fw_cfg_read(cfg, item.selector, chunk, size);
			enter_entries(map, chunk, count, pass == 0);
		}
	}
}

static uint32_t read_cmos(uint8_t index, uint32_t bytes)
{
	uint32_t value = 0;

	for (uint32_t i = 0; i < bytes; i++) {
		outb(CMOS_INDEX_PORT, (uint8_t)(index + i));
		value |= (uint32_t)inb(CMOS_DATA_PORT) << (8 * i);
	}
	return value;
}

static void enter_cmos(struct memmap *map)
{
	uint64_t above_16m = (uint64_t)read_cmos(CMOS_ABOVE_16M, 2) << 16;
	uint64_t above_4g = (uint64_t)read_cmos(CMOS_ABOVE_4G, 3) << 16;
	uint64_t low_end =
		above_16m ? 0x1000000 + above_16m :
			    LEGACY_HOLE_END + ((uint64_t)read_cmos(CMOS_EXTENDED_KIB, 2) << 10);

	map->pool_end = FIRMWARE_POOL_END;
	memmap_reserve(map, LEGACY_HOLE_END, below_flash(low_end), MEMORY_RAM, "RAM");
	memmap_reserve(map, FOUR_GIB, FOUR_GIB + above_4g, MEMORY_RAM, "RAM");
}

void memmap_init(struct memmap *map, const struct fw_cfg *cfg, const struct memory_range *fixed,
		 uint32_t fixed_count)
{
	struct fw_cfg_item item;

	memcpy(map->ranges, fixed, fixed_count * sizeof(*fixed));
	map->count = fixed_count;
	map->pool_end = 0;
	if (fw_cfg_find(cfg, "etc/e820", &item))
		enter_e820(map, cfg, item);
	else
		enter_cmos(map);
	if (!map->pool_end)
		too_little(0);
}
