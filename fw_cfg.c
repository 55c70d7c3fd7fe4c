/*
 * fw_cfg.c - see fw_cfg.h.
 *
 * QEMU completes a transfer before the OUT that starts it returns, and clears its address latch
 * afterwards, so one 32-bit OUT is the whole protocol for a descriptor below 4 GiB
 * (hw/nvram/fw_cfg.c, fw_cfg_dma_transfer()).
 */
#include "fw_cfg.h"

#include <stdnoreturn.h>

#include "console.h"
#include "io.h"
#include "phys.h"
#include "string.h"

static noreturn void report_failure(const struct fw_cfg_dma *dma, uint32_t control)
{
	uint64_t paddr = (uint64_t)be32_get(dma->address_high) << 32 | be32_get(dma->address_low);

	panic("fw_cfg: transfer of %u bytes at 0x%llx with control 0x%x failed with status 0x%x; this "
	      "QEMU and this image do not fit together",
	      be32_get(dma->length), (unsigned long long)paddr, control, be32_get(dma->control));
}

/*
 * Returns false when the device has no DMA, which leaves the control word as it is.  A transfer
 * that fails is a panic.  Cost: 1 VM exit.
 */
static bool try_transfer(uint32_t control, uint64_t paddr, uint32_t size)
{
	struct fw_cfg_dma dma = {
		.control = be32_make(control),
		.length = be32_make(size),
		.address_high = be32_make((uint32_t)(paddr >> 32)),
		.address_low = be32_make((uint32_t)paddr),
	};
	uint32_t status;

	outl(FW_CFG_PORT_DMA_LOW, be32_make(phys_addr(&dma)).raw);
	status = *(volatile uint32_t *)&dma.control.raw;
	if (!status)
		return true;
	if (status != be32_make(control).raw)
		report_failure(&dma, control);
	return false;
}

/* A transfer after the directory, which came by DMA: it is a panic if nothing happens. */
static void transfer(uint32_t control, uint64_t paddr, uint32_t size)
{
	if (!try_transfer(control, paddr, size))
		panic("fw_cfg: a transfer of %u bytes with control 0x%x was not carried out; this QEMU "
		      "and this image do not fit together",
		      size, control);
}

/*
 * Selects an item and skips what is before offset.  Returns the control bits that the next transfer
 * needs to go on there.  Cost: 1 VM exit, none for offset 0.
 */
static uint32_t seek(uint16_t selector, uint32_t offset)
{
	uint32_t select = (uint32_t)selector << 16 | FW_CFG_DMA_SELECT;

	if (!offset)
		return select;
	transfer(select | FW_CFG_DMA_SKIP, 0, offset);
	return 0;
}

void fw_cfg_read_at(const struct fw_cfg *cfg, uint16_t selector, uint32_t offset,
		    uint64_t dest_paddr, uint32_t size)
{
	void *dest;

	if (cfg->dma) {
		transfer(seek(selector, offset) | FW_CFG_DMA_READ, dest_paddr, size);
		return;
	}
	if (dest_paddr >> 32)
		panic("fw_cfg: cannot read item 0x%x to 0x%llx without DMA; start QEMU with a machine "
		      "type from 2.5 on, and without fw_cfg.dma_enabled=off",
		      selector, (unsigned long long)dest_paddr);
	dest = phys_ptr((uint32_t)dest_paddr);
	outw(FW_CFG_PORT_SELECTOR, selector);
	/* What is skipped is read to the same place, piece by piece, and overwritten then. */
	for (uint32_t skipped; offset; offset -= skipped) {
		skipped = offset < size ? offset : size;
		insb(FW_CFG_PORT_DATA, dest, skipped);
	}
	insb(FW_CFG_PORT_DATA, dest, size);
}

void fw_cfg_read(const struct fw_cfg *cfg, uint16_t selector, void *dest, uint32_t size)
{
	fw_cfg_read_at(cfg, selector, 0, phys_addr(dest), size);
}

void fw_cfg_read_more(const struct fw_cfg *cfg, void *dest, uint32_t size)
{
	if (cfg->dma)
		transfer(FW_CFG_DMA_READ, phys_addr(dest), size);
	else
		insb(FW_CFG_PORT_DATA, dest, size);
}

uint32_t fw_cfg_read_u32(const struct fw_cfg *cfg, uint16_t selector)
{
	uint32_t value;

	fw_cfg_read(cfg, selector, &value, sizeof(value));
	return value;
}

void fw_cfg_write(const struct fw_cfg *cfg, uint16_t selector, uint32_t offset, const void *bytes,
		  uint32_t size)
{
	if (!cfg->dma)
		panic("fw_cfg: cannot write item 0x%x without DMA; start QEMU with a machine "
		      "type from 2.5 on, and without fw_cfg.dma_enabled=off",
		      selector);
	transfer(seek(selector, offset) | FW_CFG_DMA_WRITE, phys_addr(bytes), size);
}

static void check_terminator(const struct fw_cfg_file *file, uint32_t number)
{
	if (file->name[FW_CFG_NAME_SIZE - 1])
		panic("fw_cfg: file %u of the directory, at 0x%x, has a name without a terminator; this "
		      "QEMU and this image do not fit together",
		      number, (uint32_t)(sizeof(be32) + number * sizeof(*file)));
}

/* How many files of the directory are in the cache. */
static uint32_t cached_count(const struct fw_cfg *cfg)
{
	uint32_t count = be32_get(cfg->directory.count);

	return count < FW_CFG_CACHED_FILES ? count : FW_CFG_CACHED_FILES;
}

static void check_cache(const struct fw_cfg *cfg)
{
	for (uint32_t i = 0; i < cached_count(cfg); i++)
		check_terminator(&cfg->directory.files[i], i);
}

void fw_cfg_reread(struct fw_cfg *cfg)
{
	fw_cfg_read(cfg, FW_CFG_KEY_DIRECTORY, &cfg->directory, sizeof(cfg->directory));
	check_cache(cfg);
}

void fw_cfg_init(struct fw_cfg *cfg)
{
	/* If the directory comes by DMA there is a fw_cfg device; no signature need be read. */
	cfg->dma = try_transfer((uint32_t)FW_CFG_KEY_DIRECTORY << 16 | FW_CFG_DMA_SELECT |
					FW_CFG_DMA_READ,
				phys_addr(&cfg->directory), sizeof(cfg->directory));
	if (!cfg->dma && fw_cfg_read_u32(cfg, FW_CFG_KEY_SIGNATURE) != FW_CFG_SIGNATURE)
		panic("fw_cfg: no device at port 0x510; this image boots QEMU guests only");
	if (cfg->dma)
		check_cache(cfg);
	else
		fw_cfg_reread(cfg);
}

static bool find_cached(const struct fw_cfg *cfg, const char *name, struct fw_cfg_file *found)
{
	uint32_t first = FW_CFG_CACHED_FILES;

	for (uint32_t i = 0; i < cached_count(cfg); i++) {
		if (strcmp(cfg->directory.files[i].name, name) != 0)
			continue;
		if (first < i)
			panic("fw_cfg: \"%s\" is in the directory twice, as file %u and, at 0x%x, "
			      "file %u; this QEMU and this image do not fit together",
			      name, first, (uint32_t)(sizeof(be32) + i * sizeof(*found)), i);
		first = i;
		*found = cfg->directory.files[i];
	}
	return first < FW_CFG_CACHED_FILES;
}

/* Looks behind the cache, up to an empty name: QEMU's directory has no files from there on. */
static bool find_beyond_cache(const struct fw_cfg *cfg, const char *name, struct fw_cfg_file *found)
{
	struct fw_cfg_file chunk[FW_CFG_CHUNK_FILES];

	for (uint32_t i = FW_CFG_CACHED_FILES; i < be32_get(cfg->directory.count); i++) {
		if (i == FW_CFG_CACHED_FILES)
			fw_cfg_read_at(cfg, FW_CFG_KEY_DIRECTORY, sizeof(cfg->directory),
				       phys_addr(chunk), sizeof(chunk));
		else if (i % FW_CFG_CHUNK_FILES == 0)
			fw_cfg_read_more(cfg, chunk, sizeof(chunk));
		*found = chunk[i % FW_CFG_CHUNK_FILES];
		check_terminator(found, i);
		if (!found->name[0])
			return false;
		if (strcmp(found->name, name) == 0)
			return true;
	}
	return false;
}

bool fw_cfg_find(const struct fw_cfg *cfg, const char *name, struct fw_cfg_item *item)
{
	struct fw_cfg_file file;

	if (!find_cached(cfg, name, &file) && !find_beyond_cache(cfg, name, &file))
		return false;
	item->selector = be16_get(file.selector);
	item->size = be32_get(file.size);
	return true;
}

bool fw_cfg_read_file(const struct fw_cfg *cfg, const char *name, void *dest, uint32_t size)
{
	struct fw_cfg_item item;

	if (!fw_cfg_find(cfg, name, &item))
		return false;
	fw_cfg_read(cfg, item.selector, dest, size);
	return true;
}

bool fw_cfg_read_text(const struct fw_cfg *cfg, const char *name, char *text, uint32_t size)
{
	if (!fw_cfg_read_file(cfg, name, text, size - 1))
		return false;
	text[size - 1] = 0;
	while ((unsigned char)*text >= ' ')
		text++;
	*text = 0;
	return true;
}
