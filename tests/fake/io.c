/*
 * io.c - ports and MMIO: who answers where, and the small devices.
 */
#include "fake.h"

#include <string.h>

#define CMOS_INDEX_PORT 0x70
#define CMOS_DATA_PORT  0x71
#define COM1_DATA_PORT  0x3f8
#define COM1_LSR_PORT   0x3fd
#define DEBUGCON_PORT   0x402
#define PVPANIC_PORT    0x505
#define DEBUG_EXIT_PORT 0xf4
#define LAPIC_FIRST     0xfee00000u
#define LAPIC_LAST      0xfee00fffu

void fake_add_device(const struct fake_device *device)
{
	if (fake.device_count == FAKE_MAX_DEVICES)
		fake_fail("fake: more than %u devices", FAKE_MAX_DEVICES);
	fake.devices[fake.device_count++] = *device;
}

static const struct fake_device *find_device(uint32_t address, bool mmio)
{
	for (uint32_t i = fake.device_count; i--;)
		if (fake.devices[i].mmio == mmio && address >= fake.devices[i].first &&
		    address <= fake.devices[i].last)
			return &fake.devices[i];
	return NULL;
}

static uint64_t all_ones(uint32_t size)
{
	return size == 8 ? UINT64_MAX : (1ull << (8 * size)) - 1;
}

static void append(char *text, uint8_t byte)
{
	size_t length = strlen(text);

	if (length + 1 < FAKE_TEXT_SIZE)
		text[length] = (char)byte;
}

static uint64_t small_device(uint32_t port, uint32_t size, bool write, uint64_t value)
{
	uint8_t byte = (uint8_t)value;

	switch (port) {
	case CMOS_INDEX_PORT:
		if (write)
			fake.cmos_index = byte & 0x7f;
		break;
	case CMOS_DATA_PORT:
		if (write)
			fake.cmos[fake.cmos_index] = byte;
		return fake.cmos[fake.cmos_index];
	case COM1_DATA_PORT:
		if (write && fake.has_com1)
			append(fake.com1, byte);
		break;
	case COM1_LSR_PORT:
		if (fake.has_com1)
			return 0x60;
		break;
	case DEBUGCON_PORT:
		if (write && fake.has_debugcon)
			append(fake.debugcon, byte);
		if (fake.has_debugcon)
			return 0xe9;
		break;
	case PVPANIC_PORT:
		if (write && fake.pvpanic)
			fake.pvpanic_events |= byte;
		if (fake.pvpanic)
			return fake.pvpanic;
		break;
	case DEBUG_EXIT_PORT:
		if (write && fake.has_debug_exit)
			fake.debug_exit_code = byte;
		if (fake.has_debug_exit)
			return 0;
		break;
	}
	return all_ones(size);
}

uint64_t fake_io(uint32_t port, uint32_t size, bool write, uint64_t value)
{
	const struct fake_device *device = find_device(port, false);

	if (device) {
		if (!write)
			return device->read ? device->read(port, size) : all_ones(size);
		if (device->write)
			device->write(port, size, value);
		return 0;
	}
	if (port >= 0x510 && port < 0x51c)
		return fake_fw_cfg_io(port, size, write, value);
	if (port >= 0xcf8 && port < 0xd00)
		return fake_pci_io(port, size, write, value);
	return small_device(port, size, write, value);
}

static uint64_t read_port(uint16_t port, uint32_t size)
{
	uint64_t value = fake_io(port, size, false, 0);

	fake_note(FAKE_PORT_READ, port, size, value);
	return value;
}

static void write_port(uint16_t port, uint32_t size, uint64_t value)
{
	fake_note(FAKE_PORT_WRITE, port, size, value);
	fake_io(port, size, true, value);
}

uint8_t inb(uint16_t port)
{
	return (uint8_t)read_port(port, 1);
}
uint32_t inl(uint16_t port)
{
	return (uint32_t)read_port(port, 4);
}
void outb(uint16_t port, uint8_t value)
{
	write_port(port, 1, value);
}
void outw(uint16_t port, uint16_t value)
{
	write_port(port, 2, value);
}
void outl(uint16_t port, uint32_t value)
{
	write_port(port, 4, value);
}

/* One access for the whole string: that is how KVM reports it, up to a page. */
void insb(uint16_t port, void *dest, uint32_t count)
{
	uint8_t *bytes = dest;

	fake_note(FAKE_PORT_READ, port, 1, count);
	while (count--)
		*bytes++ = (uint8_t)fake_io(port, 1, false, 0);
}

static uint64_t access_mmio(uint32_t paddr, uint32_t size, bool write, uint64_t value)
{
	const struct fake_device *device = find_device(paddr, true);

	if (paddr & (size - 1))
		fake_fail("fake: MMIO of %u bytes at 0x%x is not aligned", size, paddr);
	if (device) {
		if (!write)
			return device->read ? device->read(paddr, size) : all_ones(size);
		if (device->write)
			device->write(paddr, size, value);
		return 0;
	}
	if (fake_pci_mmio(paddr, size, write, &value))
		return value;
	if (paddr >= LAPIC_FIRST && paddr <= LAPIC_LAST) {
		if (size != 4 || (paddr & 0xf))
			fake_fail("fake: a local APIC register is 4 bytes every 16, not %u at 0x%x",
				  size, paddr);
		if (write)
			fake.lapic[(paddr - LAPIC_FIRST) / 4] = (uint32_t)value;
		return fake.lapic[(paddr - LAPIC_FIRST) / 4];
	}
	fake_fail("fake: no device at 0x%x (MMIO, %u bytes)", paddr, size);
}

static uint64_t read_mmio(uint32_t paddr, uint32_t size)
{
	uint64_t value = access_mmio(paddr, size, false, 0);

	fake_note(FAKE_MMIO_READ, paddr, size, value);
	return value;
}

static void write_mmio(uint32_t paddr, uint32_t size, uint64_t value)
{
	fake_note(FAKE_MMIO_WRITE, paddr, size, value);
	access_mmio(paddr, size, true, value);
}

uint8_t mmio_read8(uint32_t paddr)
{
	return (uint8_t)read_mmio(paddr, 1);
}
uint32_t mmio_read32(uint32_t paddr)
{
	return (uint32_t)read_mmio(paddr, 4);
}
uint64_t mmio_read64(uint32_t paddr)
{
	return read_mmio(paddr, 8);
}
void mmio_write8(uint32_t paddr, uint8_t value)
{
	write_mmio(paddr, 1, value);
}
void mmio_write16(uint32_t paddr, uint16_t value)
{
	write_mmio(paddr, 2, value);
}
void mmio_write32(uint32_t paddr, uint32_t value)
{
	write_mmio(paddr, 4, value);
}
void mmio_write64(uint32_t paddr, uint64_t value)
{
	write_mmio(paddr, 8, value);
}
void mmx_done(void)
{
}
