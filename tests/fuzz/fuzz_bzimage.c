/*
 * fuzz_bzimage.c - boot/bzimage.c on any setup header, memory map and kernel.
 *
 * The input is a kernel size (4 bytes), ranges of RAM (a count, then 32-bit base and end each), and
 * the file; what is behind the header is the kernel in which setup_data is sought.
 */
#include <stdlib.h>
#include <string.h>

#include "bzimage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static uint32_t take32(const uint8_t **data, size_t *size)
{
	uint32_t value = 0;

	if (*size < sizeof(value))
		return 0;
	memcpy(&value, *data, sizeof(value));
	*data += sizeof(value);
	*size -= sizeof(value);
	return value;
}

static uint64_t total(const struct memmap *map)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < map->count; i++) {
		require(map->ranges[i].base < map->ranges[i].end);
		require(!i || map->ranges[i - 1].end <= map->ranges[i].base);
		bytes += map->ranges[i].end - map->ranges[i].base;
	}
	return bytes;
}

static void check_plan(const struct bzimage *image, uint32_t kernel_size, struct memmap *map)
{
	uint64_t ram = total(map);
	uint32_t load;

	if (bzimage_plan(image, kernel_size, map, &load) != OK)
		return;
	require(total(map) == ram);
	require(memmap_is(map, load, load + (uint64_t)kernel_size, MEMORY_LOADED));
	require(load >= LINUX_LOAD_HIGH_ADDR);
	if (image->relocatable)
		require(!(load & (image->alignment - 1)) && load >= image->pref_address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct linux_boot_params params;
	static struct memmap map;
	struct load_handover handover = { .kernel_paddr = 0x100000, .initrd_size = 1 };
	uint32_t kernel_size = take32(&data, &size);
	uint32_t ranges = take32(&data, &size) & 7;
	struct bzimage image;
	uint32_t offset;
	uint8_t *file;

	map.count = 0;
	for (uint32_t i = 0; i < ranges; i++) {
		uint32_t base = take32(&data, &size);

		memmap_set(&map, base, take32(&data, &size), MEMORY_RAM);
	}
	if (size > 0x4000)
		return 0;
	file = malloc(size ? size : 1);
	memcpy(file, data, size);
	if (bzimage_parse(&image, file, (uint32_t)size) == OK) {
		check_plan(&image, kernel_size, &map);
		memset(&params, 0, sizeof(params));
		bzimage_build(&params, &image, file, &handover);
		require(!params.e820_entries);
		if (bzimage_find_setup_data(file, (uint32_t)size, image.setup_data, 0x200, true,
					    &offset) == OK)
			require(offset <= size - sizeof(struct linux_setup_data));
	}
	free(file);
	return 0;
}
