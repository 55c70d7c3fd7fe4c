/*
 * bars.c - every BAR that is implemented has an address, aligned to its size.
 *
 * Only what answers on the buses that bridges lead to is looked at: bus numbers are pci.c's topic.
 */
#include "guest.h"
#include "io.h"

#define PCI_VENDOR_ID           0x00
#define PCI_COMMAND             0x04
#define PCI_HEADER_TYPE         0x0c            /* the dword that has it, in bits 23:16 */
  #define HEADER_MULTIFUNCTION    (0x80u << 16)
  #define HEADER_TYPE(dword)      ((dword) >> 16 & 0x7f)
#define PCI_BAR                 0x10
  #define BAR_IO                  1u
  #define BAR_64                  4u
#define BARS                    6
#define BRIDGE_BARS             2

#define CONFIG_ADDRESS          0xcf8
#define CONFIG_DATA             0xcfc

static void write_config(uint32_t bdf, uint32_t offset, uint32_t value)
{
	outl(CONFIG_ADDRESS, 0x80000000 | bdf << 8 | offset);
	outl(CONFIG_DATA, value);
}

static uint32_t size_of(uint32_t bdf, uint32_t offset, uint32_t value)
{
	uint32_t mask;

	write_config(bdf, offset, 0xffffffff);
	mask = pci_read32(bdf, offset);
	write_config(bdf, offset, value);
	return mask;
}

static void check_function(uint32_t bdf, uint32_t bars)
{
	uint32_t command = pci_read32(bdf, PCI_COMMAND) & 0xffff;

	write_config(bdf, PCI_COMMAND, 0);
	for (uint32_t i = 0; i < bars; i++) {
		uint32_t offset = PCI_BAR + 4 * i;
		uint32_t low = pci_read32(bdf, offset);
		uint32_t mask = size_of(bdf, offset, low);
		uint32_t flags = mask & BAR_IO ? 3 : 15;
		uint32_t high = 0;

		if (!mask)
			continue;
		if (!(mask & BAR_IO) && (mask & 6) == BAR_64)
			high = pci_read32(bdf, offset + 4);
		check((low & ~flags) | high, "pci.bar", "not 0", "%x:%x.%u BAR %u at %x",
		      bdf >> 8, bdf >> 3 & 31, bdf & 7, i, low);
		check(!(low & ~flags & ~(mask | (mask & BAR_IO ? 0xffff0000 : 0))), "pci.bar-aligned",
		      "aligned to its size", "%x:%x.%u BAR %u at %x, mask %x", bdf >> 8, bdf >> 3 & 31,
		      bdf & 7, i, low, mask);
		if (!(mask & BAR_IO) && (mask & 6) == BAR_64)
			i++;
	}
	write_config(bdf, PCI_COMMAND, command);
}

void check_bars(void)
{
	if (pci_machine() == NO_PCI)
		return;
	for (uint32_t bdf = 0; bdf < 0x10000; bdf++) {
		uint32_t header;

		if (pci_read32(bdf, PCI_VENDOR_ID) == 0xffffffff) {
			if (!(bdf & 7))
				bdf |= 7;
			continue;
		}
		header = pci_read32(bdf, PCI_HEADER_TYPE);
		if (HEADER_TYPE(header) <= 1)
			check_function(bdf, HEADER_TYPE(header) ? BRIDGE_BARS : BARS);
		if (!(bdf & 7) && !(header & HEADER_MULTIFUNCTION))
			bdf |= 7;
	}
}
