/*
 * bars.c - every BAR that is implemented has an address, aligned to its size.
 *
 * microvm,pcie=on is asked through its ECAM: it has neither ports 0xcf8 and 0xcfc nor any I/O for
 * BARs.  Only what answers is looked at: bus numbers are pci.c's topic.
 */
#include "guest.h"
#include "io.h"

/* clang-format off */
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

/* QEMU include/hw/i386/microvm.h, hw/pci-host/gpex.c */
#define MICROVM_ECAM            0xe0000000
#define ID_GPEX                 0x00081b36

#define IOAPIC_BASE             0xfec00000      /* from here to 4 GiB is the chipset's */
/* clang-format on */

static uint32_t ecam; /* 0: by ports */

static volatile uint32_t *ecam_register(uint32_t bdf, uint32_t offset)
{
	return at(ecam + (bdf << 12) + offset);
}

static uint32_t read_config(uint32_t bdf, uint32_t offset)
{
	return ecam ? *ecam_register(bdf, offset) : pci_read32(bdf, offset);
}

static void write_config(uint32_t bdf, uint32_t offset, uint32_t value)
{
	if (ecam) {
		*ecam_register(bdf, offset) = value;
		return;
	}
	outl(CONFIG_ADDRESS, pci_address(bdf, offset));
	outl(CONFIG_DATA, value);
}

/* What can be changed in a register that has a value. */
static uint32_t mask_of(uint32_t bdf, uint32_t offset, uint32_t value)
{
	uint32_t mask;

	write_config(bdf, offset, 0xffffffff);
	mask = read_config(bdf, offset);
	write_config(bdf, offset, value);
	return mask;
}

static void check_function(uint32_t bdf, uint32_t bars)
{
	uint32_t command = read_config(bdf, PCI_COMMAND) & 0xffff;

	write_config(bdf, PCI_COMMAND, 0);
	for (uint32_t i = 0; i < bars; i++) {
		uint32_t number = i, offset = PCI_BAR + 4 * i;
		uint64_t base = read_config(bdf, offset);
		uint64_t mask = mask_of(bdf, offset, (uint32_t)base);
		bool io = mask & BAR_IO;
		bool ones = base == mask; /* what a search for the size left */

		if (!mask)
			continue;
		if (io) {
			mask |= 0xffff0000; /* the upper half need not be there */
		} else if ((mask & 6) == BAR_64) {
			uint64_t high = read_config(bdf, offset + 4);

			mask |= (uint64_t)mask_of(bdf, offset + 4, (uint32_t)high) << 32;
			base |= high << 32;
			ones = base == mask;
			i++;
		}
		if (!io && base >= IOAPIC_BASE && base < GIB4)
			ones = true;
		if (io && ecam)
			continue;
		mask &= ~(io ? 3ull : 15ull);
		base &= ~(io ? 3ull : 15ull);
		check(base && !ones, "pci.bar", "an address", "%x:%x.%u BAR %u at %llx", bdf >> 8,
		      bdf >> 3 & 31, bdf & 7, number, base);
		check(!(base & ~mask), "pci.bar-aligned", "aligned to its size",
		      "%x:%x.%u BAR %u at %llx, mask %llx", bdf >> 8, bdf >> 3 & 31, bdf & 7,
		      number, base, mask);
	}
	write_config(bdf, PCI_COMMAND, command);
}

void check_bars(void)
{
	if (pci_machine() == NO_PCI) {
		if (mmio_read32(MICROVM_ECAM) != ID_GPEX)
			return;
		ecam = MICROVM_ECAM;
	}
	for (uint32_t bdf = 0; bdf < 0x10000; bdf++) {
		uint32_t header;

		if (read_config(bdf, PCI_VENDOR_ID) == 0xffffffff) {
			if (!(bdf & 7))
				bdf |= 7;
			continue;
		}
		header = read_config(bdf, PCI_HEADER_TYPE);
		if (HEADER_TYPE(header) <= 1)
			check_function(bdf, HEADER_TYPE(header) ? BRIDGE_BARS : BARS);
		if (!(bdf & 7) && !(header & HEADER_MULTIFUNCTION))
			bdf |= 7;
	}
}
