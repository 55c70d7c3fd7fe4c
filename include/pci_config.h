/*
 * pci_config.h - PCI configuration cycles, over the hardware border.
 *
 * Through ECAM an access is one VM exit, and one of eight bytes where the processor has MMX;
 * through ports 0xcf8/0xcfc it is two.  Offsets are naturally aligned and below 256.
 */
#ifndef PCI_CONFIG_H
#define PCI_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "io.h"
#include "spec/pci.h"

struct pci_access {
	uint32_t ecam_base; /* 0: through the ports */
	bool wide;          /* eight bytes at a time, ECAM and MMX */
};

static inline uint32_t pci_ecam_address(const struct pci_access *access, uint32_t bdf,
					uint32_t offset)
{
	return access->ecam_base + (bdf << 12) + offset;
}

/* Selects a dword and returns the port where the byte at offset is found.  Cost: 1 VM exit. */
static inline uint16_t pci_port_select(uint32_t bdf, uint32_t offset)
{
	outl(PCI_PORT_ADDRESS, PCI_ADDRESS_ENABLE | bdf << 8 | (offset & 0xfc));
	return (uint16_t)(PCI_PORT_DATA + (offset & 3));
}

static inline uint32_t pci_read32(const struct pci_access *access, uint32_t bdf, uint32_t offset)
{
	if (access->ecam_base)
		return mmio_read32(pci_ecam_address(access, bdf, offset));
	return inl(pci_port_select(bdf, offset));
}

static inline void pci_write32(const struct pci_access *access, uint32_t bdf, uint32_t offset,
			       uint32_t value)
{
	if (access->ecam_base)
		mmio_write32(pci_ecam_address(access, bdf, offset), value);
	else
		outl(pci_port_select(bdf, offset), value);
}

static inline void pci_write16(const struct pci_access *access, uint32_t bdf, uint32_t offset,
			       uint16_t value)
{
	if (access->ecam_base)
		mmio_write16(pci_ecam_address(access, bdf, offset), value);
	else
		outw(pci_port_select(bdf, offset), value);
}

static inline void pci_write8(const struct pci_access *access, uint32_t bdf, uint32_t offset,
			      uint8_t value)
{
	if (access->ecam_base)
		mmio_write8(pci_ecam_address(access, bdf, offset), value);
	else
		outb(pci_port_select(bdf, offset), value);
}

/* Reads the dword that was accessed last; through the ports it is not selected again. */
static inline uint32_t pci_read32_again(const struct pci_access *access, uint32_t bdf,
					uint32_t offset)
{
	if (access->ecam_base)
		return mmio_read32(pci_ecam_address(access, bdf, offset));
	return inl(PCI_PORT_DATA);
}

static inline void pci_write8_again(const struct pci_access *access, uint32_t bdf, uint32_t offset,
				    uint8_t value)
{
	if (access->ecam_base)
		mmio_write8(pci_ecam_address(access, bdf, offset), value);
	else
		outb((uint16_t)(PCI_PORT_DATA + (offset & 3)), value);
}

/* Reads the dword at offset, first, and the one after it.  offset is a multiple of eight. */
static inline uint64_t pci_read64(const struct pci_access *access, uint32_t bdf, uint32_t offset)
{
	uint32_t low;

	if (access->wide)
		return mmio_read64(pci_ecam_address(access, bdf, offset));
	low = pci_read32(access, bdf, offset);
	return (uint64_t)pci_read32(access, bdf, offset + 4) << 32 | low;
}

static inline void pci_write64(const struct pci_access *access, uint32_t bdf, uint32_t offset,
			       uint64_t value)
{
	if (access->wide) {
		mmio_write64(pci_ecam_address(access, bdf, offset), value);
		return;
	}
	pci_write32(access, bdf, offset, (uint32_t)value);
	pci_write32(access, bdf, offset + 4, (uint32_t)(value >> 32));
}

#endif
