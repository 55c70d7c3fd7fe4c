/* pci.c - bus numbers and interrupt lines of everything below bus 0 and the extra roots. */
#include "guest.h"
#include "io.h"

/* clang-format off */
#define PCI_VENDOR_ID           0x00
#define PCI_HEADER_TYPE         0x0e
  #define HEADER_MULTIFUNCTION    0x80
  #define HEADER_BRIDGE           1
#define PCI_PRIMARY_BUS         0x18
#define PCI_SECONDARY_BUS       0x19
#define PCI_SUBORDINATE_BUS     0x1a
#define PCI_INTERRUPT_LINE      0x3c
#define PCI_INTERRUPT_PIN       0x3d

#define ID_I440FX               0x12378086
#define ID_Q35                  0x29c08086
#define ID_PIIX4_PM             0x71138086
#define SCI_IRQ                 9

#define PC_ISA_BRIDGE           (1u << 3)
#define Q35_ISA_BRIDGE          (31u << 3)
#define PIRQA_ROUTE             0x60
#define PIRQE_ROUTE             0x68            /* q35 only */

#define DEPTH_MAX               16
/* clang-format on */

static uint32_t path[DEPTH_MAX]; /* slots from the root down to the function visited */
static uint32_t last_bus;
static bool extra_root;

enum machine pci_machine(void)
{
	switch (pci_read32(0, PCI_VENDOR_ID)) {
	case ID_I440FX:
		return PC;
	case ID_Q35:
		return Q35;
	default:
		return NO_PCI;
	}
}

uint32_t pci_pirq(uint32_t slot, uint32_t pin)
{
	if (pci_machine() == PC)
		return (slot + pin - 2) & 3;
	if (slot < 25)
		return 4 + ((slot + pin - 1) & 3);
	return slot == 30 ? 4 + pin - 1 : pin - 1;
}

uint8_t pci_pirq_route(uint32_t pirq)
{
	if (pci_machine() == PC)
		return pci_read8(PC_ISA_BRIDGE, PIRQA_ROUTE + pirq);
	return pci_read8(Q35_ISA_BRIDGE, pirq < 4 ? PIRQA_ROUTE + pirq : PIRQE_ROUTE + pirq - 4);
}

static void check_interrupt(uint32_t bdf, uint32_t depth)
{
	uint32_t pin = pci_read8(bdf, PCI_INTERRUPT_PIN);
	uint32_t line = pci_read8(bdf, PCI_INTERRUPT_LINE);
	uint32_t expected;

	if (!pin)
		return;
	for (uint32_t i = depth; i > 0; i--)
		pin = ((pin - 1 + path[i]) & 3) + 1;
	expected = pci_pirq_route(pci_pirq(path[0], pin));
	if (pci_read32(bdf, PCI_VENDOR_ID) == ID_PIIX4_PM)
		expected = SCI_IRQ;
	check(line == expected, "pci.interrupt-line", "what PIRQ routing gives",
	      "%x:%x.%u line %u, PIRQ%c routes to %u", bdf >> 8, bdf >> 3 & 31, bdf & 7, line,
	      (int)('A' + pci_pirq(path[0], pin)), expected);
}

static void check_bus(uint32_t bus, uint32_t depth, uint32_t subordinate_max);

static void check_bridge(uint32_t bdf, uint32_t depth, uint32_t subordinate_max)
{
	uint32_t primary = pci_read8(bdf, PCI_PRIMARY_BUS);
	uint32_t secondary = pci_read8(bdf, PCI_SECONDARY_BUS);
	uint32_t subordinate = pci_read8(bdf, PCI_SUBORDINATE_BUS);

	if (!check(primary == bdf >> 8 && secondary > last_bus && secondary <= subordinate &&
			   subordinate <= subordinate_max,
		   "pci.bridge", "bus numbers that nest and are new",
		   "%x:%x.%u primary %x, secondary %x, subordinate %x", bdf >> 8, bdf >> 3 & 31,
		   bdf & 7, primary, secondary, subordinate))
		return;
	last_bus = secondary;
	check_bus(secondary, depth + 1, subordinate);
	last_bus = subordinate;
}

static void check_bus(uint32_t bus, uint32_t depth, uint32_t subordinate_max)
{
	if (depth == DEPTH_MAX)
		return;
	for (uint32_t slot = 0; slot < 32; slot++) {
		uint32_t functions = 8;

		for (uint32_t f = 0; f < functions; f++) {
			uint32_t bdf = bus << 8 | slot << 3 | f;
			uint8_t header;

			if (pci_read32(bdf, PCI_VENDOR_ID) == 0xffffffff) {
				if (f == 0)
					break;
				continue;
			}
			header = pci_read8(bdf, PCI_HEADER_TYPE);
			if (f == 0 && !(header & HEADER_MULTIFUNCTION))
				functions = 1;
			/* The root of a pxb is wired like low slots of bus 0. */
			path[depth] = extra_root && depth == 0 ? slot & 3 : slot;
			check_interrupt(bdf, depth);
			if ((header & 0x7f) == HEADER_BRIDGE)
				check_bridge(bdf, depth, subordinate_max);
		}
	}
}

static bool inhabited(uint32_t bus)
{
	for (uint32_t slot = 0; slot < 32; slot++)
		if (pci_read32(bus << 8 | slot << 3, PCI_VENDOR_ID) != 0xffffffff)
			return true;
	return false;
}

/* QEMU tells their number, not where they are. */
static void check_extra_roots(void)
{
	uint64_t expected;
	uint32_t size, found = 0;
	uint16_t selector;

	if (!fw_cfg_find("etc/extra-pci-roots", &selector, &size))
		return;
	fw_cfg_select(selector);
	fw_cfg_read(&expected, sizeof(expected));
	extra_root = true;
	for (uint32_t bus = last_bus + 1; bus < 256; bus = last_bus + 1) {
		last_bus = bus;
		if (!inhabited(bus))
			continue;
		found++;
		check_bus(bus, 0, 255);
	}
	check_equal("pci.extra-roots", expected, found);
}

void check_pci(void)
{
	if (pci_machine() == NO_PCI)
		return;
	check_bus(0, 0, 255);
	check_extra_roots();
}
