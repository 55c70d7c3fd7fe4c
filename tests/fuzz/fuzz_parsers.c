/*
 * fuzz_parsers.c - the small parsers of foreign bytes.  The first byte chooses one, the rest is its
 * input: a device tree; ACPI tables; e820; a chain of setup_data behind a kernel; the directory of
 * fw_cfg; a map for Multiboot; the head of a file that is to be refused; the configuration space,
 * capability lists and all, of bridges one behind the other.
 */
#include <stdlib.h>
#include <string.h>

#include "acpi_find.h"
#include "bzimage.h"
#include "fake.h"
#include "fdt.h"
#include "fw_cfg.h"
#include "memmap.h"
#include "multiboot.h"
#include "pci_plan.h"
#include "pci_walk.h"
#include "refuse.h"
#include "spec/fw_cfg.h"
#include "spec/pci.h"

#define RAM_END 0x100000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void parse_fdt(const uint8_t *bytes, uint32_t size)
{
	static const char *const nodes[] = { "pcie", "chosen", "memory", "" };
	uint32_t count = 0;

	fdt_is_whole(bytes, size);
	for (uint32_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		const be32 *cells = fdt_find_property(bytes, size, nodes[i], "reg", &count);

		for (uint32_t n = 0; cells && n < count; n++)
			require((const uint8_t *)(cells + n + 1) <= bytes + size);
		if (cells && count)
			be32_get(cells[count - 1]);
	}
}

/* MADT entries: whatever the lengths, nothing behind the table is read, and it ends. */
static void parse_acpi(const uint8_t *bytes, uint32_t size)
{
	struct acpi_header *madt;
	uint32_t offset = ACPI_MADT_ENTRIES, id, count = 0;

	if (size < sizeof(*madt))
		return;
	madt = malloc(size);
	memcpy(madt, bytes, size);
	madt->length = size;
	while (acpi_next_entry(madt, &offset))
		require(offset <= size && count++ < size);
	offset = ACPI_MADT_ENTRIES;
	while (acpi_next_processor(madt, &offset, &id))
		require(offset <= size);
	free(madt);
}

static void check_map(const struct memmap *map)
{
	for (uint32_t i = 0; i < map->count; i++) {
		require(map->ranges[i].base < map->ranges[i].end);
		require(!i || map->ranges[i - 1].end <= map->ranges[i].base);
	}
}

static void parse_e820(const uint8_t *bytes, uint32_t size)
{
	static const struct memory_range fixed[] = { MEMMAP_LEGACY_RANGES, MEMMAP_FLASH_RANGE };
	static struct fw_cfg cfg;
	static struct memmap map;
	static struct e820_entry told[300];
	uint32_t count;

	fake_reset();
	fake_ram_add(0, RAM_END);
	fake_fw_cfg_file("etc/e820", bytes, size);
	fw_cfg_init(&cfg);
	if (fake_run(memmap_init(&map, &cfg, fixed, 4)) == FAKE_PANIC)
		return;
	check_map(&map);
	memmap_try_alloc(&map, 0x5000, 0x1000, MEMORY_KEPT, ZONE_LOW);
	check_map(&map);
	count = memmap_build_e820(&map, told, sizeof(told[0]), 300);
	require(count <= 300);
	for (uint32_t i = 1; i < count; i++)
		require(told[i - 1].base + told[i - 1].size <= told[i].base);
}

static void parse_setup_data(const uint8_t *bytes, uint32_t size)
{
	uint64_t address;
	uint32_t setup_size, offset;

	if (size < 12)
		return;
	memcpy(&address, bytes, 8);
	memcpy(&setup_size, bytes + 8, 4);
	if (bzimage_find_setup_data(bytes + 12, size - 12, address, setup_size, setup_size & 1,
				    &offset) == OK)
		require(offset < size - 12);
	if (size > LINUX_HEADER_OFFSET)
		bzimage_setup_size(bytes);
}

/* Each file: its size (2), its selector (1), and its name, up to a zero. */
static void parse_directory(const uint8_t *bytes, uint32_t size)
{
	static const char *const names[] = { "etc/e820", "etc/acpi/rsdp", "etc/table-loader",
					     "bios-geometry", "opt/org.qboot/log" };
	static char copies[600][FW_CFG_NAME_SIZE];
	static struct fw_cfg cfg;
	struct fw_cfg_item item;
	uint32_t at = 4, count = 0;

	if (size < 4)
		return;
	fake_reset();
	fake_ram_add(0, RAM_END);
	memcpy(&fake.fw_cfg.claimed_files, bytes, 4);
	while (at + 3 < size && count < 500) {
		uint32_t length = (uint32_t)strnlen((const char *)bytes + at + 3, size - at - 3);

		memset(copies[count], 0, FW_CFG_NAME_SIZE);
		memcpy(copies[count], bytes + at + 3,
		       length < FW_CFG_NAME_SIZE ? length : FW_CFG_NAME_SIZE);
		fake_fw_cfg_file(copies[count], NULL, bytes[at] | (uint32_t)bytes[at + 1] << 8);
		count++;
		at += 4 + length;
	}
	if (fake_run(fw_cfg_init(&cfg)) == FAKE_PANIC)
		return;
	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		fake_run(fw_cfg_find(&cfg, names[i], &item));
}

static void parse_others(const uint8_t *bytes, uint32_t size)
{
	static struct multiboot_mmap_entry map[8];
	struct multiboot_info info;
	uint8_t head[REFUSE_HEAD_SIZE] = { 0 };

	if (size < sizeof(info) + 2)
		return;
	memcpy(&info, bytes + 2, sizeof(info));
	memcpy(map, bytes, size < sizeof(map) ? size : sizeof(map));
	multiboot_build(&info, map, 0x1000, bytes[0] % 9);
	memcpy(head, bytes, size < sizeof(head) ? size : sizeof(head));
	refuse_phrase(head);
}

/* 256 bytes for each bridge, the last may have fewer; the walk ends, and so does the planning. */
static void parse_capabilities(const uint8_t *bytes, uint32_t size)
{
	static const struct chipset chipset = { .name = "q35", .irq_wiring = IRQ_WIRING_ICH9 };
	static const struct pci_access ports;
	static struct pci_plan plan;
	static struct pci_walk walk;
	struct fake_pci *bridge = NULL;

	fake_reset();
	fake_pci_add(NULL, 0, 0, 0x8086, 0x29c0);
	for (uint32_t at = 0; at < size && at < 4 * 256; at += 256) {
		bridge = fake_pci_add_bridge(bridge, 1, 0, 0x1b36, 0x000c);
		memcpy(bridge->config + 4, bytes + at, size - at < 252 ? size - at : 252);
		bridge->config[PCI_HEADER_TYPE] &= PCI_HEADER_MULTIFUNCTION;
		bridge->config[PCI_HEADER_TYPE] |= PCI_HEADER_TYPE_BRIDGE;
	}
	pci_plan_clear(&plan);
	pci_ranges_add(&plan.spaces[PCI_SPACE_IO], 0x6000, 0x10000);
	pci_ranges_add(&plan.spaces[PCI_SPACE_LOW], 0xc0000000, 0xfec00000);
	pci_ranges_add(&plan.spaces[PCI_SPACE_HIGH], 0x100000000, 0x8000000000);
	walk = (struct pci_walk){ .chipset = &chipset, .access = &ports, .plan = &plan };
	if (fake_run(pci_walk(&walk, 0)) == FAKE_PANIC)
		return;
	require(walk.last_bus < PCI_MAX_BUSES && plan.bus_count <= walk.last_bus + 1);
	pci_plan(&plan);
	for (uint32_t i = 1; i < plan.bus_count; i++) {
		const struct pci_resource *window = &plan.buses[i].windows[PCI_WINDOW_MEMORY].self;

		require(!window->size ||
			(window->base >= 0xc0000000 && window->base + window->size <= 0xfec00000));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parsers[])(const uint8_t *, uint32_t) = {
		parse_fdt,       parse_acpi,   parse_e820,         parse_setup_data,
		parse_directory, parse_others, parse_capabilities,
	};
	uint8_t *copy;

	if (size < 2 || size > 0x4000)
		return 0;
	copy = malloc(size - 1);
	memcpy(copy, data + 1, size - 1);
	parsers[data[0] % (sizeof(parsers) / sizeof(parsers[0]))](copy, (uint32_t)size - 1);
	free(copy);
	return 0;
}
