/*
 * pci.c - PCI functions behind ports 0xcf8/0xcfc and ECAM.
 *
 * Configuration cycles are routed by the bus numbers that bridges hold at that moment, as in
 * hardware: a bridge that was numbered wrongly loses what is behind it.
 */
#include "fake.h"

#include <stdlib.h>
#include <string.h>

#include "spec/pci.h"

#define PCIEXBAR  0x60
#define ECAM_SIZE 0x10000000u

void fake_pci_reset(void)
{
	for (uint32_t i = 0; i < fake.pci.function_count; i++)
		free(fake.pci.functions[i]);
}

void fake_pci_set(struct fake_pci *pci, uint32_t offset, uint32_t size, uint64_t value)
{
	memcpy(pci->config + offset, &value, size);
}

uint64_t fake_pci_get(const struct fake_pci *pci, uint32_t offset, uint32_t size)
{
	uint64_t value = 0;

	memcpy(&value, pci->config + offset, size);
	return value;
}

static void make_writable(struct fake_pci *pci, uint32_t offset, uint32_t size, uint64_t mask)
{
	memcpy(pci->writable + offset, &mask, size);
}

struct fake_pci *fake_pci_add(struct fake_pci *bridge, uint32_t slot, uint32_t function,
			      uint16_t vendor, uint16_t device)
{
	struct fake_pci *pci = calloc(1, sizeof(*pci));

	if (fake.pci.function_count == FAKE_MAX_FUNCTIONS)
		fake_fail("fake: more than %u PCI functions", FAKE_MAX_FUNCTIONS);
	fake.pci.functions[fake.pci.function_count++] = pci;
	pci->parent = bridge;
	pci->slot = slot;
	pci->function = function;
	fake_pci_set(pci, PCI_VENDOR_ID, 2, vendor);
	fake_pci_set(pci, PCI_DEVICE_ID, 2, device);
	make_writable(pci, PCI_COMMAND, 2, 0x0547);
	make_writable(pci, PCI_CACHE_LINE_SIZE, 1, 0xff);
	make_writable(pci, PCI_INTERRUPT_LINE, 1, 0xff);
	/* What a test does not model of the device's own registers is plain storage. */
	memset(pci->writable + 0x40, 0xff, sizeof(pci->writable) - 0x40);
	return pci;
}

struct fake_pci *fake_pci_add_bridge(struct fake_pci *bridge, uint32_t slot, uint32_t function,
				     uint16_t vendor, uint16_t device)
{
	struct fake_pci *pci = fake_pci_add(bridge, slot, function, vendor, device);

	fake_pci_set(pci, PCI_CLASS_REVISION, 4, PCI_CLASS_BRIDGE_PCI << 16);
	fake_pci_set(pci, PCI_HEADER_TYPE, 1, PCI_HEADER_TYPE_BRIDGE);
	/* Windows closed, as QEMU has them: I/O of 16 bits, prefetchable memory of 64. */
	fake_pci_set(pci, 0x1c, 2, 0x00f0);
	fake_pci_set(pci, 0x20, 4, 0x0000fff0);
	fake_pci_set(pci, 0x24, 4, 0x0001fff1);
	make_writable(pci, PCI_PRIMARY_BUS, 4, 0xffffffff);
	make_writable(pci, 0x1c, 2, 0xf0f0);
	make_writable(pci, 0x20, 4, 0xfff0fff0);
	make_writable(pci, 0x24, 4, 0xfff0fff0);
	make_writable(pci, 0x28, 8, UINT64_MAX);
	make_writable(pci, 0x30, 4, 0xffffffff);
	make_writable(pci, 0x3e, 2, 0xffff);
	return pci;
}

void fake_pci_bar(struct fake_pci *pci, uint32_t n, uint64_t size, uint32_t kind)
{
	uint64_t mask = ~(size - 1);

	fake_pci_set(pci, PCI_BAR(n), 4, kind);
	make_writable(pci, PCI_BAR(n), 4, mask & (kind & 1 ? ~3u : ~15u));
	if ((kind & 7) == 4)
		make_writable(pci, PCI_BAR(n + 1), 4, mask >> 32);
}

void fake_pci_capability(struct fake_pci *pci, uint32_t offset, uint8_t id, const void *body,
			 uint32_t size)
{
	pci->config[offset] = id;
	pci->config[offset + 1] = pci->config[PCI_CAP_POINTER];
	if (size > 2)
		memcpy(pci->config + offset + 2, body, size - 2);
	pci->config[PCI_CAP_POINTER] = (uint8_t)offset;
	pci->config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	memset(pci->writable + offset, 0, 2);
}

void fake_pci_express(struct fake_pci *pci, uint32_t port_type)
{
	uint16_t capabilities = (uint16_t)(2 | port_type << 4);

	fake_pci_capability(pci, 0x80, PCI_CAP_ID_EXPRESS, &capabilities, 4);
}

/*
 * The bridge whose secondary bus this is, as seen from the bridges on the way; true for a root.
 * A cycle that loops is given up after as many bridges as there are bus numbers.
 */
static bool find_bus(uint32_t bus, const struct fake_pci *from, const struct fake_pci **bridge,
		     uint32_t depth)
{
	for (uint32_t i = 0; i < fake.pci.function_count; i++) {
		const struct fake_pci *pci = fake.pci.functions[i];
		uint8_t secondary = pci->config[PCI_PRIMARY_BUS + 1];
		uint8_t subordinate = pci->config[PCI_PRIMARY_BUS + 2];

		if (pci->parent != from ||
		    (pci->config[PCI_HEADER_TYPE] & PCI_HEADER_TYPE_MASK) != PCI_HEADER_TYPE_BRIDGE)
			continue;
		/* Type 1 cycles go through only where the range has the bus. */
		if (!secondary || bus < secondary || bus > subordinate)
			continue;
		*bridge = pci->loops ? from : pci;
		if (bus == secondary)
			return true;
		return depth < 256 && find_bus(bus, *bridge, bridge, depth + 1);
	}
	return false;
}

struct fake_pci *fake_pci_at(uint32_t bdf)
{
	const struct fake_pci *bridge = NULL;
	uint32_t bus = PCI_BUS(bdf);
	bool root = bus == 0;

	for (uint32_t i = 0; i < fake.pci.function_count; i++)
		if (!fake.pci.functions[i]->parent && fake.pci.functions[i]->root_bus == bus)
			root = true;
	if (!root && !find_bus(bus, NULL, &bridge, 0))
		return NULL;
	for (uint32_t i = 0; i < fake.pci.function_count; i++) {
		struct fake_pci *pci = fake.pci.functions[i];

		if (pci->parent == bridge && (bridge || pci->root_bus == bus) &&
		    pci->slot == PCI_SLOT(bdf) && pci->function == PCI_FUNCTION(bdf))
			return pci;
	}
	return NULL;
}

static uint64_t access_config(uint32_t bdf, uint32_t offset, uint32_t size, bool write,
			      uint64_t value)
{
	struct fake_pci *pci = fake_pci_at(bdf);
	uint32_t address = bdf << 12 | offset;

	if (!write) {
		value = pci       ? fake_pci_get(pci, offset, size) :
			size == 8 ? UINT64_MAX :
				    (1ull << (8 * size)) - 1;
		fake_note(FAKE_PCI_READ, address, size, value);
		return value;
	}
	fake_note(FAKE_PCI_WRITE, address, size, value);
	if (!pci)
		return 0;
	for (uint32_t i = 0; i < size; i++) {
		uint8_t mask = pci->writable[offset + i];
		uint8_t byte = (uint8_t)(value >> (8 * i));

		pci->config[offset + i] = (pci->config[offset + i] & ~mask) | (byte & mask);
	}
	if (pci->on_write)
		pci->on_write(pci, offset, size, value);
	return 0;
}

uint64_t fake_pci_io(uint32_t port, uint32_t size, bool write, uint64_t value)
{
	uint32_t address = fake.pci.address;

	if (port < PCI_PORT_DATA) {
		if (port != PCI_PORT_ADDRESS || size != 4)
			return UINT32_MAX;
		if (write)
			fake.pci.address = (uint32_t)value;
		return fake.pci.address;
	}
	/* Without any function there is no host bridge behind the ports either. */
	if (!(address & PCI_ADDRESS_ENABLE) || !fake.pci.function_count)
		return UINT32_MAX;
	return access_config(address >> 8 & 0xffff, (address & 0xfc) + (port & 3), size, write,
			     value);
}

bool fake_pci_mmio(uint32_t paddr, uint32_t size, bool write, uint64_t *value)
{
	const struct fake_pci *host = fake_pci_at(PCI_BDF(0, 0, 0));
	uint32_t base;

	base = fake.pci.ecam_base;
	if (fake.pci.has_ecam && host && (host->config[PCIEXBAR] & 1))
		base = (uint32_t)fake_pci_get(host, PCIEXBAR, 4) & ~(ECAM_SIZE - 1);
	if (!base || paddr < base || paddr - base >= ECAM_SIZE)
		return false;
	*value = access_config((paddr - base) >> 12, paddr & 0xfff, size, write, *value);
	return true;
}
