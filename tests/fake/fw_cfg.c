/*
 * fw_cfg.c - QEMU's fw_cfg device.  QEMU hw/nvram/fw_cfg.c and docs/specs/fw_cfg.rst.
 */
#include "fake.h"

#include <stdlib.h>
#include <string.h>

#include "spec/fw_cfg.h"

#define FIRST_FILE 0x20

static uint32_t get_be32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

static void put_be32(uint8_t *bytes, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

void fake_fw_cfg_reset(void)
{
	for (uint32_t i = 0; i < fake.fw_cfg.item_count; i++)
		free(fake.fw_cfg.items[i].bytes);
}

struct fake_item *fake_fw_cfg_get(uint16_t selector)
{
	for (uint32_t i = 0; i < fake.fw_cfg.item_count; i++)
		if (fake.fw_cfg.items[i].selector == selector)
			return &fake.fw_cfg.items[i];
	return NULL;
}

struct fake_item *fake_fw_cfg_find(const char *name)
{
	for (uint32_t i = 0; i < fake.fw_cfg.item_count; i++)
		if (fake.fw_cfg.items[i].name && !strcmp(fake.fw_cfg.items[i].name, name))
			return &fake.fw_cfg.items[i];
	return NULL;
}

struct fake_item *fake_fw_cfg_item(uint16_t selector, const void *bytes, uint32_t size)
{
	struct fake_item *item = fake_fw_cfg_get(selector);

	if (!item) {
		if (fake.fw_cfg.item_count == FAKE_MAX_ITEMS)
			fake_fail("fake: more than %u fw_cfg items", FAKE_MAX_ITEMS);
		item = &fake.fw_cfg.items[fake.fw_cfg.item_count++];
	}
	free(item->bytes);
	*item = (struct fake_item){ .selector = selector, .size = size };
	item->bytes = calloc(1, size ? size : 1);
	if (bytes)
		memcpy(item->bytes, bytes, size);
	return item;
}

struct fake_item *fake_fw_cfg_u16(uint16_t selector, uint16_t value)
{
	return fake_fw_cfg_item(selector, &value, sizeof(value));
}

struct fake_item *fake_fw_cfg_u32(uint16_t selector, uint32_t value)
{
	return fake_fw_cfg_item(selector, &value, sizeof(value));
}

struct fake_item *fake_fw_cfg_file(const char *name, const void *bytes, uint32_t size)
{
	struct fake_item *item;

	item = fake_fw_cfg_item((uint16_t)(FIRST_FILE + fake.fw_cfg.file_count++), bytes, size);
	item->name = name;
	return item;
}

/* The directory, made anew each time it is selected. */
static void make_directory(void)
{
	uint32_t size = 4 + 64 * (uint32_t)fake.fw_cfg.file_count;
	struct fake_item *directory = fake_fw_cfg_item(FW_CFG_KEY_DIRECTORY, NULL, size);
	uint8_t *entry = directory->bytes + 4;

	put_be32(directory->bytes,
		 fake.fw_cfg.claimed_files ? fake.fw_cfg.claimed_files : fake.fw_cfg.file_count);
	for (uint32_t i = 0; i < fake.fw_cfg.item_count; i++) {
		const struct fake_item *item = &fake.fw_cfg.items[i];

		if (!item->name)
			continue;
		put_be32(entry, item->size);
		entry[4] = (uint8_t)(item->selector >> 8);
		entry[5] = (uint8_t)item->selector;
		memcpy(entry + 8, item->name, strnlen(item->name, FW_CFG_NAME_SIZE));
		entry += 64;
	}
}

static void select_item(uint16_t selector)
{
	struct fake_item *item;

	if (selector == FW_CFG_KEY_DIRECTORY) {
		item = fake_fw_cfg_get(selector);
		uint32_t reads = item ? item->reads : 0;

		make_directory();
		fake_fw_cfg_get(selector)->reads = reads;
	}
	if (selector == FW_CFG_KEY_SIGNATURE && !fake_fw_cfg_get(selector))
		fake_fw_cfg_item(selector, "QEMU", 4);
	fake.fw_cfg.selected = selector;
	fake.fw_cfg.position = 0;
	fake.fw_cfg.current = item = fake_fw_cfg_get(selector);
	if (item && item->on_select)
		item->on_select(item);
}

static uint8_t next_byte(void)
{
	const struct fake_item *item = fake.fw_cfg.current;

	if (!item || fake.fw_cfg.position >= item->size)
		return 0;
	return item->bytes[fake.fw_cfg.position++];
}

static void read_item(uint64_t paddr, uint32_t length)
{
	struct fake_item *item = fake.fw_cfg.current;
	uint8_t *dest = fake_phys(paddr, length);

	if (!dest)
		fake_fail("fake: fw_cfg reads %u bytes of item 0x%x to 0x%llx, which is not RAM",
			  length, fake.fw_cfg.selected, (unsigned long long)paddr);
	if (item)
		item->reads++;
	memset(dest, 0, length);
	if (item && fake.fw_cfg.position < item->size) {
		uint32_t rest = item->size - fake.fw_cfg.position;

		if (length > rest)
			length = rest;
		memcpy(dest, item->bytes + fake.fw_cfg.position, length);
		fake.fw_cfg.position += length;
	}
}

/* True when it worked. */
static bool write_item(uint64_t paddr, uint32_t length)
{
	struct fake_item *item = fake.fw_cfg.current;
	const uint8_t *source = fake_phys(paddr, length);

	if (!item || !item->writable || fake.fw_cfg.position > item->size ||
	    length > item->size - fake.fw_cfg.position)
		return false;
	memcpy(item->bytes + fake.fw_cfg.position, source, length);
	fake.fw_cfg.position += length;
	item->writes++;
	return true;
}

static void run_dma(uint64_t paddr)
{
	uint8_t *dma = fake_phys(paddr, sizeof(struct fw_cfg_dma));
	uint32_t control, length;
	uint64_t address;
	bool done = true;

	if (!dma)
		fake_fail("fake: fw_cfg descriptor at 0x%llx, which is not RAM",
			  (unsigned long long)paddr);
	control = get_be32(dma);
	length = get_be32(dma + 4);
	address = (uint64_t)get_be32(dma + 8) << 32 | get_be32(dma + 12);
	if (control & FW_CFG_DMA_SELECT)
		select_item((uint16_t)(control >> 16));
	fake_note(FAKE_DMA, fake.fw_cfg.selected, length, control);
	if (fake.fw_cfg.transfers++ >= fake.fw_cfg.fail_after)
		done = false;
	else if (control & FW_CFG_DMA_READ)
		read_item(address, length);
	else if (control & FW_CFG_DMA_WRITE)
		done = write_item(address, length);
	else if (control & FW_CFG_DMA_SKIP)
		fake.fw_cfg.position += length;
	put_be32(dma, done ? 0 : FW_CFG_DMA_ERROR);
}

uint64_t fake_fw_cfg_io(uint32_t port, uint32_t size, bool write, uint64_t value)
{
	uint64_t ones = size == 4 ? 0xffffffffu : (1u << (8 * size)) - 1;

	if (!fake.fw_cfg.present)
		return ones;
	if (port == FW_CFG_PORT_SELECTOR && write && size == 2) {
		struct fake_item *item;

		select_item((uint16_t)value);
		item = fake_fw_cfg_get((uint16_t)value);
		if (item)
			item->reads++;
		fake.fw_cfg.transfers++;
		return 0;
	}
	if (port == FW_CFG_PORT_DATA && !write && size == 1)
		return next_byte();
	if (!fake.fw_cfg.dma)
		return ones;
	if (port == FW_CFG_PORT_DMA_HIGH && !write)
		return FW_CFG_SIGNATURE;
	if (port == FW_CFG_PORT_DMA_HIGH && size == 4)
		fake.fw_cfg.dma_high = __builtin_bswap32((uint32_t)value);
	else if (port == FW_CFG_PORT_DMA_LOW && write && size == 4) {
		run_dma((uint64_t)fake.fw_cfg.dma_high << 32 | __builtin_bswap32((uint32_t)value));
		fake.fw_cfg.dma_high = 0;
	} else
		fake_fail("fake: fw_cfg has no %s of %u bytes at port 0x%x",
			  write ? "write" : "read", size, port);
	return 0;
}
