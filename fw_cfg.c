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

struct directory_head {
	be32 count;
	struct fw_cfg_file files[FW_CFG_CACHED_FILES];
};
_Static_assert(sizeof(struct directory_head) == 4 + 64 * FW_CFG_CACHED_FILES, "no padding");

static noreturn __attribute__((noinline)) void report_failure(const struct fw_cfg_dma *dma,
							      uint32_t control)
{
	uint64_t paddr = (uint64_t)be32_get(dma->address_high) << 32 | be32_get(dma->address_low);

	panic("fw_cfg: transfer of %u bytes at 0x%llx with control 0x%x failed with status 0x%x; this "
	      "QEMU and this image do not fit together",
	      be32_get(dma->length), (unsigned long long)paddr, control, be32_get(dma->control));
}

/*
 * False when the device has no DMA, which leaves the control word as it is.  A transfer that fails
 * is a panic.  Cost: 1 VM exit.
 */
static inline __attribute__((always_inline)) bool try_transfer(uint32_t control, uint64_t paddr,
							       uint32_t size)
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

/* Once the directory came by DMA, every other transfer must. */
static inline __attribute__((always_inline)) void transfer(uint32_t control, uint64_t paddr,
							   uint32_t size)
{
	if (!try_transfer(control, paddr, size))
		panic("fw_cfg: a transfer of %u bytes with control 0x%x was not carried out; this QEMU "
		      "and this image do not fit together",
		      size, control);
}

static void read_ports(void *dest, uint32_t size)
{
	insb(FW_CFG_PORT_DATA, dest, size);
}

void fw_cfg_read_paddr(const struct fw_cfg *cfg, uint16_t selector, uint64_t dest_paddr,
		       uint32_t size)
{
	if (cfg->dma) {
		transfer((uint32_t)selector << 16 | FW_CFG_DMA_SELECT | FW_CFG_DMA_READ, dest_paddr,
			 size);
		return;
	}
	if (dest_paddr >> 32)
		panic("fw_cfg: cannot read item 0x%x to 0x%llx without DMA; start QEMU with a machine "
		      "type from 2.5 on, and without fw_cfg.dma_enabled=off",
		      selector, (unsigned long long)dest_paddr);
	outw(FW_CFG_PORT_SELECTOR, selector);
	read_ports(phys_ptr((uint32_t)dest_paddr), size);
}

void fw_cfg_read(const struct fw_cfg *cfg, uint16_t selector, void *dest, uint32_t size)
{
	/* Without the upper half of an address: most reads come here. */
	if (cfg->dma)
		transfer((uint32_t)selector << 16 | FW_CFG_DMA_SELECT | FW_CFG_DMA_READ,
			 phys_addr(dest), size);
	else
		fw_cfg_read_paddr(cfg, selector, phys_addr(dest), size);
}

void fw_cfg_read_at(const struct fw_cfg *cfg, uint16_t selector, uint32_t offset,
		    uint64_t dest_paddr, uint32_t size)
{
	uint32_t length;

	if (cfg->dma && offset) {
		transfer((uint32_t)selector << 16 | FW_CFG_DMA_SELECT | FW_CFG_DMA_SKIP, 0, offset);
		transfer(FW_CFG_DMA_READ, dest_paddr, size);
		return;
	}
	/* By ports, what is skipped goes where what is wanted will be, piece by piece. */
	length = offset && offset < size ? offset : size;
	fw_cfg_read_paddr(cfg, selector, dest_paddr, length);
	if (cfg->dma)
		return;
	while (offset) {
		offset -= length;
		length = offset && offset < size ? offset : size;
		read_ports(phys_ptr((uint32_t)dest_paddr), length);
	}
}

void fw_cfg_read_more(const struct fw_cfg *cfg, void *dest, uint32_t size)
{
	if (cfg->dma)
		transfer(FW_CFG_DMA_READ, phys_addr(dest), size);
	else
		read_ports(dest, size);
}

uint16_t fw_cfg_read_u16(const struct fw_cfg *cfg, uint16_t selector)
{
	uint16_t value;

	fw_cfg_read(cfg, selector, &value, sizeof(value));
	return value;
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
	uint32_t select = (uint32_t)selector << 16 | FW_CFG_DMA_SELECT;

	if (!cfg->dma)
		panic("fw_cfg: cannot write item 0x%x without DMA; start QEMU with a machine "
		      "type from 2.5 on, and without fw_cfg.dma_enabled=off",
		      selector);
	if (offset) {
		transfer(select | FW_CFG_DMA_SKIP, 0, offset);
		select = 0;
	}
	transfer(select | FW_CFG_DMA_WRITE, phys_addr(bytes), size);
}

static void check_terminator(const struct fw_cfg_file *file, uint32_t number)
{
	if (file->name[FW_CFG_NAME_SIZE - 1])
		panic("fw_cfg: file %u of the directory, at 0x%x, has a name without a terminator; this "
		      "QEMU and this image do not fit together",
		      number, (uint32_t)(sizeof(be32) + number * sizeof(*file)));
}

/* What users hand to their guests; "opt/" is theirs by QEMU's docs/specs/fw_cfg.rst. */
static bool is_other_peoples(const struct fw_cfg_file *file)
{
	return memcmp(file->name, "opt/", 4) == 0 && memcmp(file->name, "opt/org.qboot/", 14) != 0;
}

/* Caches a file of a directory that is larger than the cache.  False at the directory's end. */
static bool cache(struct fw_cfg *cfg, uint32_t *cached, const struct fw_cfg_file *file,
		  uint32_t number)
{
	if (!file->name[0])
		return false; /* it claims too many */
	check_terminator(file, number);
	if (is_other_peoples(file))
		return true;
	if (*cached == FW_CFG_CACHED_FILES) {
		cfg->overfull = true;
		return true;
	}
	cfg->files[*cached] = *file;
	cfg->files[(*cached)++].reserved = (uint16_t)number;
	return true;
}

/* Makes room among the files that have been read, and goes on; how many are cached then. */
static uint32_t read_rest(struct fw_cfg *cfg)
{
	struct fw_cfg_file chunk[FW_CFG_CHUNK_FILES];
	uint32_t cached = 0;

	for (uint32_t i = 0; i < FW_CFG_CACHED_FILES; i++)
		if (!cache(cfg, &cached, &cfg->files[i], i))
			return cached;
	for (uint32_t i = FW_CFG_CACHED_FILES; i < cfg->file_count; i++) {
		uint32_t at = i % FW_CFG_CHUNK_FILES;

		if (!at)
			fw_cfg_read_more(cfg, chunk, sizeof(chunk));
		if (!cache(cfg, &cached, &chunk[at], i))
			break;
	}
	return cached;
}
_Static_assert(FW_CFG_CACHED_FILES % FW_CFG_CHUNK_FILES == 0,
	       "the first chunk begins after the cache");

static struct directory_head *head_of(struct fw_cfg *cfg)
{
	_Static_assert(sizeof(struct directory_head) ==
			       sizeof(struct fw_cfg) - offsetof(struct fw_cfg, file_count),
		       "the directory is read in place");
	return (void *)&cfg->file_count;
}

/* What the directory says, when its beginning has been read into the cache. */
static void index_files(struct fw_cfg *cfg)
{
	uint32_t cached;

	cfg->file_count = be32_get(head_of(cfg)->count);
	cfg->overfull = false;
	cached = cfg->file_count <= FW_CFG_CACHED_FILES ? cfg->file_count : read_rest(cfg);

	for (uint32_t i = 0; i < cached; i++)
		check_terminator(&cfg->files[i], i);
	cfg->cached = cached;
}

void fw_cfg_reread(struct fw_cfg *cfg)
{
	fw_cfg_read(cfg, FW_CFG_KEY_DIRECTORY, head_of(cfg), sizeof(struct directory_head));
	index_files(cfg);
}

void fw_cfg_init(struct fw_cfg *cfg)
{
	/* A directory that came by DMA is a sign of the device as good as its signature. */
	cfg->dma = try_transfer((uint32_t)FW_CFG_KEY_DIRECTORY << 16 | FW_CFG_DMA_SELECT |
					FW_CFG_DMA_READ,
				phys_addr(head_of(cfg)), sizeof(struct directory_head));
	if (cfg->dma) {
		index_files(cfg);
		return;
	}
	if (fw_cfg_read_u32(cfg, FW_CFG_KEY_SIGNATURE) != FW_CFG_SIGNATURE)
		panic("fw_cfg: no device at port 0x510; this image boots QEMU guests only");
	fw_cfg_reread(cfg);
}

static bool matches(const struct fw_cfg_file *file, const char *name, size_t name_size)
{
	return name_size <= FW_CFG_NAME_SIZE && memcmp(file->name, name, name_size) == 0;
}

static bool describe(const struct fw_cfg_file *file, struct fw_cfg_item *item)
{
	item->selector = be16_get(file->selector);
	item->size = be32_get(file->size);
	return true;
}

static bool find_beyond_cache(const struct fw_cfg *cfg, const char *name, size_t name_size,
			      struct fw_cfg_item *item)
{
	struct fw_cfg_file file;
	uint32_t ignored;

	fw_cfg_read(cfg, FW_CFG_KEY_DIRECTORY, &ignored, sizeof(ignored));
	for (uint32_t i = 0; i < cfg->file_count; i++) {
		fw_cfg_read_more(cfg, &file, sizeof(file));
		if (!file.name[0])
			return false;
		if (matches(&file, name, name_size))
			return describe(&file, item);
	}
	return false;
}

/* The place of a cached file in the directory. */
static uint32_t number_of(const struct fw_cfg *cfg, uint32_t i)
{
	return cfg->file_count > FW_CFG_CACHED_FILES ? cfg->files[i].reserved : i;
}

static noreturn void report_duplicate(const struct fw_cfg *cfg, uint32_t first, uint32_t second)
{
	uint32_t number = number_of(cfg, second);

	panic("fw_cfg: \"%s\" is in the directory twice, as file %u and, at 0x%x, file %u; this QEMU and "
	      "this image do not fit together",
	      cfg->files[first].name, number_of(cfg, first),
	      (uint32_t)(sizeof(be32) + number * sizeof(cfg->files[0])), number);
}

/* The first cached file of that name from number first on; cfg->cached when there is none. */
static uint32_t find_cached(const struct fw_cfg *cfg, const char *name, size_t name_size,
			    uint32_t first)
{
	while (first < cfg->cached && !matches(&cfg->files[first], name, name_size))
		first++;
	return first;
}

bool fw_cfg_find(const struct fw_cfg *cfg, const char *name, struct fw_cfg_item *item)
{
	size_t name_size = strlen(name) + 1;
	uint32_t found = find_cached(cfg, name, name_size, 0);
	uint32_t second;

	if (found == cfg->cached)
		return cfg->overfull && find_beyond_cache(cfg, name, name_size, item);
	second = find_cached(cfg, name, name_size, found + 1);
	if (second < cfg->cached)
		report_duplicate(cfg, found, second);
	return describe(&cfg->files[found], item);
}
