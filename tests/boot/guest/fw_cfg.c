/* fw_cfg.c - QEMU docs/specs/fw_cfg.rst, by DMA where offered. */
#include "guest.h"
#include "io.h"

/* clang-format off */
#define PORT_SELECTOR           0x510
#define PORT_DATA               0x511
#define PORT_DMA_LOW            0x518

#define FW_CFG_ID               0x01
  #define ID_DMA                  2
#define FW_CFG_FILE_DIR         0x19

#define DMA_READ                2
/* clang-format on */

static bool have_dma;
static uint8_t chunk[64 * KIB];

void fw_cfg_init(void)
{
	uint32_t id;

	fw_cfg_select(FW_CFG_ID);
	fw_cfg_read(&id, sizeof(id));
	have_dma = id & ID_DMA;
}

void fw_cfg_select(uint16_t selector)
{
	outw(PORT_SELECTOR, selector);
}

void fw_cfg_read(void *buffer, uint32_t size)
{
	struct {
		uint32_t control, length, address_high, address_low;
	} dma = {
		.control = __builtin_bswap32(DMA_READ),
		.length = __builtin_bswap32(size),
		.address_low = __builtin_bswap32(paddr_of(buffer)),
	};

	if (have_dma)
		outl(PORT_DMA_LOW, __builtin_bswap32(paddr_of(&dma)));
	else
		insb(PORT_DATA, buffer, size);
}

uint32_t fw_cfg_u16(uint16_t selector)
{
	uint16_t value;

	fw_cfg_select(selector);
	fw_cfg_read(&value, sizeof(value));
	return value;
}

uint32_t fw_cfg_u32(uint16_t selector)
{
	uint32_t value;

	fw_cfg_select(selector);
	fw_cfg_read(&value, sizeof(value));
	return value;
}

bool fw_cfg_find(const char *name, uint16_t *selector, uint32_t *size)
{
	struct {
		uint32_t size;
		uint16_t selector, reserved;
		char name[56];
	} file;
	uint32_t count;

	fw_cfg_select(FW_CFG_FILE_DIR);
	fw_cfg_read(&count, sizeof(count));
	for (count = __builtin_bswap32(count); count; count--) {
		fw_cfg_read(&file, sizeof(file));
		if (memcmp(file.name, name, strlen(name) + 1))
			continue;
		*selector = __builtin_bswap16(file.selector);
		*size = __builtin_bswap32(file.size);
		return true;
	}
	return false;
}

uint32_t fw_cfg_compare(uint16_t selector, uint32_t offset, uint64_t paddr, uint32_t size)
{
	uint32_t done = 0, now;

	fw_cfg_select(selector);
	for (; offset; offset -= now) {
		now = offset < sizeof(chunk) ? offset : sizeof(chunk);
		fw_cfg_read(chunk, now);
	}
	for (; done < size; done += now) {
		const uint8_t *p;

		now = size - done < sizeof(chunk) ? size - done : sizeof(chunk);
		p = reach(paddr + done, &now);
		if (!p)
			return done;
		fw_cfg_read(chunk, now);
		for (uint32_t i = 0; i < now; i++) {
			while (now - i >= 4 && get32(chunk + i) == get32(p + i))
				i += 4;
			if (i < now && chunk[i] != p[i])
				return done + i;
		}
	}
	return size;
}
