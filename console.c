/*
 * console.c - see console.h.
 *
 * Ports are probed at the first message, never on a boot that goes well.
 */
#include "console.h"

#include <stdarg.h>
#include <stdbool.h>

#include "cpu.h"
#include "divide.h"
#include "format.h"
#include "io.h"
#include "layout.h"
#include "pci_config.h"
#include "spec/debugcon.h"
#include "string.h"

/* clang-format off */
#define COM1_PORT               0x3f8   /* 16550 */
#define COM1_LSR                (COM1_PORT + 5)
  #define LSR_ABSENT              0xff

#define PVPANIC_PORT            0x505   /* QEMU docs/specs/pvpanic.rst */
  #define PVPANIC_PANICKED        (1u << 0)

#define PVPANIC_PCI_ID          0x00111b36u     /* device and vendor */
#define PVPANIC_PCI_PADDR       0xfebff000u     /* no machine has RAM there */
/* clang-format on */

/*
 * QEMU hw/misc/debugexit.c: the port reads as 0, and a write of n ends QEMU with status 2n + 1.
 * Test kernels use it too, most often with 0 and 1 or 0x10 and 0x11, from which ours must differ.
 */
static const uint16_t debug_exit_ports[] = { 0xf4, 0x501 };
#define DEBUG_EXIT_FAILURE 0x2a

static void put_line(uint16_t port, const char *line)
{
	for (; *line; line++)
		outb(port, (uint8_t)*line);
	outb(port, '\r');
	outb(port, '\n');
}

static struct {
	enum console_level level;
	bool serial, has_tsc;
	uint32_t tsc_mhz;  /* 0: not known */
	uint64_t last_tsc; /* at the last step */
} settings = { .level = CONSOLE_ERRORS };

void console_set(enum console_level level, bool serial, bool has_tsc)
{
	settings.level = level;
	settings.serial = serial;
	settings.has_tsc = has_tsc;
	settings.last_tsc = has_tsc ? rdtsc() : 0;
}

bool console_wants_rate(void)
{
	return settings.level == CONSOLE_STEPS && settings.has_tsc && !settings.tsc_mhz;
}

void console_set_rate(uint32_t tsc_khz)
{
	settings.tsc_mhz = tsc_khz / 1000;
}

static void put_formatted(bool serial, const char *message, va_list args)
{
	static const char prefix[] = "qboot: ";
	char line[CONSOLE_LINE_SIZE];

	memcpy(line, prefix, sizeof(prefix));
	format(line + sizeof(prefix) - 1, sizeof(line) - sizeof(prefix) + 1, message, args);
	if (inb(DEBUGCON_PORT) == DEBUGCON_READBACK)
		put_line(DEBUGCON_PORT, line);
	if (serial && inb(COM1_LSR) != LSR_ABSENT)
		put_line(COM1_PORT, line);
}

void console_log(const char *message, ...)
{
	va_list args;

	if (settings.level == CONSOLE_OFF)
		return;
	va_start(args, message);
	put_formatted(false, message, args);
	va_end(args);
}

static void put_timed(const char *message, ...)
{
	va_list args;

	va_start(args, message);
	put_formatted(settings.serial, message, args);
	va_end(args);
}

void console_step(const char *message, ...)
{
	char text[CONSOLE_LINE_SIZE / 2];
	uint64_t now = settings.has_tsc ? rdtsc() : 0;
	uint64_t time;
	va_list args;

	if (settings.level != CONSOLE_STEPS)
		return;
	va_start(args, message);
	format(text, sizeof(text), message, args);
	va_end(args);
	time = now - settings.last_tsc;
	if (settings.tsc_mhz)
		divide(&time, settings.tsc_mhz);
	put_timed("%s (%llu %s)", text, (unsigned long long)time,
		  settings.tsc_mhz ? "us" : "ticks");
	/* The time that this message takes does not count for the next step. */
	settings.last_tsc = settings.has_tsc ? rdtsc() : 0;
}

/*
 * Tells a pvpanic-pci on bus 0 of the panic.  It may have no address yet, and most kernels find it
 * without decoding, so both are set here.
 */
static void tell_pvpanic_pci(void)
{
	static const struct pci_access ports = { 0 };

	if (pci_read32(&ports, PCI_BDF(0, 0, 0), PCI_VENDOR_ID) == PCI_NO_DEVICE)
		return;
	for (uint32_t bdf = 1; bdf < PCI_SLOTS * PCI_FUNCTIONS; bdf++) {
		if (pci_read32(&ports, bdf, PCI_VENDOR_ID) != PVPANIC_PCI_ID)
			continue;
		pci_write32(&ports, bdf, PCI_BAR(0), PVPANIC_PCI_PADDR);
		pci_write16(&ports, bdf, PCI_COMMAND, PCI_COMMAND_MEMORY);
		mmio_write8(PVPANIC_PCI_PADDR, PVPANIC_PANICKED);
	}
}

noreturn void panic(const char *message, ...)
{
	uint8_t events;
	va_list args;

	va_start(args, message);
	put_formatted(true, message, args);
	va_end(args);

	/* isa-debug-exit comes first: QEMU may end with status 0 as soon as a pvpanic is told. */
	for (unsigned int i = 0; i < sizeof(debug_exit_ports) / sizeof(debug_exit_ports[0]); i++) {
		if (inb(debug_exit_ports[i]) == 0) {
			outb(debug_exit_ports[i], DEBUG_EXIT_FAILURE);
			cpu_stop(); /* QEMU 10 does not end at once */
		}
	}
	events = inb(PVPANIC_PORT); /* the events it knows, more in newer devices */
	if ((events & PVPANIC_PANICKED) && events != 0xff)
		outb(PVPANIC_PORT, PVPANIC_PANICKED);
	tell_pvpanic_pci();
	cpu_stop();
}

noreturn void console_no_ram(void)
{
	panic("memory: the RAM ends below 0x%x, 1 MiB needed; give the guest more memory (-m)",
	      STACK_TOP);
}

/* Whether code at this address is the firmware's: in the ROM, or copied from it into low RAM. */
static bool is_ours(uint32_t eip)
{
	return eip >= ROM_BASE || (eip >= FIRMWARE_DATA_BASE && eip < FIRMWARE_DATA_END);
}

noreturn void console_exception(uint32_t vector, uint32_t error_code, uint32_t eip)
{
	if (!is_ours(eip))
		panic("boot: exception %u (error code 0x%x) in the kernel at 0x%08x, before it had "
		      "handlers of its own; check that it is meant for this machine and -cpu",
		      vector, error_code, eip);
	panic("exception %u (error code 0x%x) in the firmware at 0x%08x; please report this with "
	      "the QEMU command line",
	      vector, error_code, eip);
}
