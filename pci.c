/*
 * pci.c - see pci.h.
 *
 * A function is found by its vendor and device id; functions 1 to 7 are asked for only where
 * function 0 says that there may be some, and below a PCI Express port only slot 0 is.
 */
#include "pci.h"

#include "console.h"

/* Where in the tree a bus hangs, for interrupt routing. */
struct parent {
	uint32_t root_slot;     /* slot on bus 0 of the outermost bridge */
	uint32_t swizzle;       /* sum of the slots of all bridges below it */
	bool root;              /* the bus is bus 0 itself */
};

struct walk {
	const struct chipset *chipset;
	const struct pci_access *access;
	uint32_t last_bus;      /* the highest bus number given out */
};

uint8_t pci_plan_irq(const struct chipset *chipset, uint32_t root_slot, uint32_t pin)
{
	uint32_t link = pin;

	if (chipset->irq_wiring == IRQ_WIRING_PIIX)
		link += root_slot - 1;
	else if (root_slot <= 24)
		link += root_slot;
	return chipset_pirq_irqs[link & 3];
}

static void route_interrupt(const struct walk *walk, uint32_t bdf, struct parent parent)
{
	uint32_t interrupt = pci_read32(walk->access, bdf, PCI_INTERRUPT_LINE);
	uint32_t pin = interrupt >> 8 & 0xff;
	uint32_t slot = PCI_SLOT(bdf);
	uint8_t line;

	if (!pin || pin > 4)
		return;
	if (bdf == walk->chipset->pm_function)
		line = ACPI_SCI_IRQ;
	else if (parent.root)
		line = pci_plan_irq(walk->chipset, slot, pin - 1);
	else
		line = pci_plan_irq(walk->chipset, parent.root_slot,
				    pin - 1 + slot + parent.swizzle);
	pci_write8(walk->access, bdf, PCI_INTERRUPT_LINE, line);
}

/* True when the function is a PCI Express port, which has a point-to-point link below it. */
static bool is_express_port(const struct pci_access *access, uint32_t bdf)
{
	uint32_t offset = pci_read32(access, bdf, PCI_CAP_POINTER) & 0xfc;

	/* A list that loops or leads nowhere ends after as many entries as fit. */
	for (uint32_t i = 0; offset >= 0x40 && i < (256 - 0x40) / 4; i++) {
		uint32_t head = pci_read32(access, bdf, offset);

		if ((head & 0xff) == PCI_CAP_ID_EXPRESS) {
			uint32_t type = head >> 20 & 0xf;

			return type == PCI_EXPRESS_ROOT_PORT || type == PCI_EXPRESS_DOWNSTREAM;
		}
		offset = head >> 8 & 0xfc;
	}
	return false;
}

static void walk_bus(struct walk *walk, uint32_t bus, uint32_t slots, struct parent parent);

static void walk_bridge(struct walk *walk, uint32_t bdf, struct parent parent)
{
	uint32_t slot = PCI_SLOT(bdf);
	uint32_t secondary = walk->last_bus + 1;
	struct parent below = {
		.root_slot = parent.root ? slot : parent.root_slot,
		.swizzle = parent.root ? 0 : parent.swizzle + slot,
	};

	if (secondary >= PCI_BUSES) {
		log("pci: bridge %02x:%02x.%u gets no bus number, all 256 are taken; what is behind it "
		    "cannot be used", PCI_BUS(bdf), slot, PCI_FUNCTION(bdf));
		return;
	}
	walk->last_bus = secondary;
	pci_write32(walk->access, bdf, PCI_PRIMARY_BUS,
		    PCI_BUS(bdf) | secondary << 8 | (PCI_BUSES - 1) << 16);
	walk_bus(walk, secondary, is_express_port(walk->access, bdf) ? 1 : PCI_SLOTS, below);
	pci_write32(walk->access, bdf, PCI_PRIMARY_BUS,
		    PCI_BUS(bdf) | secondary << 8 | walk->last_bus << 16);
}

static void walk_bus(struct walk *walk, uint32_t bus, uint32_t slots, struct parent parent)
{
	for (uint32_t slot = 0; slot < slots; slot++) {
		uint32_t functions = 1;

		for (uint32_t function = 0; function < functions; function++) {
			uint32_t bdf = PCI_BDF(bus, slot, function);
			uint32_t id = pci_read32(walk->access, bdf, PCI_VENDOR_ID);
			uint32_t header;

			if ((id & 0xffff) == 0xffff || !id)
				continue;
			header = pci_read32(walk->access, bdf, PCI_CACHE_LINE_SIZE) >> 16 & 0xff;
			if (!function && (header & PCI_HEADER_MULTIFUNCTION))
				functions = PCI_FUNCTIONS;
			route_interrupt(walk, bdf, parent);
			if ((header & PCI_HEADER_TYPE_MASK) == PCI_HEADER_TYPE_BRIDGE)
				walk_bridge(walk, bdf, parent);
		}
	}
}

void pci_init(const struct chipset *chipset, const struct pci_access *access)
{
	struct walk walk = { .chipset = chipset, .access = access };

	if (chipset->irq_wiring == IRQ_WIRING_NONE)
		return;
	walk_bus(&walk, 0, PCI_SLOTS, (struct parent){ .root = true });
}
