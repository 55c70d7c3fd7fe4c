/*
 * reboot.c - the same machine once more, with every byte of memory that an operating system may
 * use full of garbage.  A CMOS byte counts the boots: all RAM may be used by the next one.
 */
#include "guest.h"
#include "io.h"

/* clang-format off */
#define CMOS_BOOTS              0x7e            /* unused by QEMU, kept by a reset */
#define PORT_KEYBOARD           0x64
  #define KEYBOARD_RESET          0xfe
#define PORT_92                 0x92
  #define PORT_92_RESET           0x01
#define GED_RESET               0xfea00202u     /* microvm's FADT names them */
#define GED_RESET_VALUE         0x42
#define PAM_PC                  0x59
#define PAM_Q35                 0x90
/* clang-format on */

static uint8_t cmos_read(uint8_t index)
{
	outb(PORT_CMOS, index);
	return inb(PORT_CMOS + 1);
}

static void cmos_write(uint8_t index, uint8_t value)
{
	outb(PORT_CMOS, index);
	outb(PORT_CMOS + 1, value);
}

uint32_t boot_number(void)
{
	uint8_t done = cmos_read(CMOS_BOOTS);

	return done == 0xff ? 1 : done + 1u; /* 0xff: no such device */
}

void mark_boot(uint32_t boot)
{
	cmos_write(CMOS_BOOTS, (uint8_t)boot);
}

static void fill(uint64_t base, uint64_t end)
{
	for (uint32_t paddr = ((uint32_t)base + 3) & ~3u; paddr + 4ull <= end; paddr += 4) {
		char *p = at(paddr);

		if (p < image_start || p >= image_end)
			*(volatile uint32_t *)(void *)p = 0xa5a5a5a5 ^ paddr;
	}
}

static void open_pam(void)
{
	uint32_t offset = pci_machine() == PC ? PAM_PC : PAM_Q35;

	for (uint32_t i = 0; i < 7; i++)
		pci_write8(0, offset + i, i ? 0x33 : 0x30);
}

/* Whatever lies at 0xe0000-0xeffff now stays there; C0000 to DFFFF and the ROM's place do not. */
static void close_pam(void)
{
	uint32_t offset = pci_machine() == PC ? PAM_PC : PAM_Q35;

	pci_write8(0, offset + 5, 0x11);
	pci_write8(0, offset + 6, 0x11);
}

enum way { PORT_CF9, TRIPLE_FAULT, KEYBOARD, FAST, ACPI, INIT, HOST };

/* To be asked before memory, and with it the command line, is full of garbage. */
static enum way way_asked(void)
{
	static const struct {
		const char *word;
		enum way way;
	} ways[] = { { "reboot.triple", TRIPLE_FAULT }, { "reboot.keyboard", KEYBOARD },
		     { "reboot.fast", FAST },           { "reboot.acpi", ACPI },
		     { "reboot.init", INIT },           { "reboot.host", HOST } };

	for (uint32_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (word(ways[i].word))
			return ways[i].way;
	return pci_machine() == NO_PCI ? TRIPLE_FAULT : PORT_CF9;
}

static _Noreturn void reset(enum way way)
{
	static const struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) no_idt;

	switch (way) {
	case PORT_CF9:
		outb(PORT_RESET, 0x02);
		outb(PORT_RESET, 0x06);
		break;
	case TRIPLE_FAULT:
		__asm__ volatile("lidt %0; ud2" : : "m"(no_idt));
		break;
	case KEYBOARD:
		outb(PORT_KEYBOARD, KEYBOARD_RESET);
		break;
	case FAST:
		outb(PORT_92, PORT_92_RESET);
		break;
	case ACPI:
		*(volatile uint8_t *)at(GED_RESET) = GED_RESET_VALUE;
		break;
	case INIT:
		*(volatile uint32_t *)(LAPIC_BASE + 0x310) = mmio_read32(LAPIC_BASE + LAPIC_ID);
		*(volatile uint32_t *)(LAPIC_BASE + 0x300) = 0x4500;
		break;
	case HOST:
		print("WAIT for a reset\n");
		break;
	}
	for (;;) /* TCG's HLT does not end by an INIT */
		__asm__ volatile("pause");
}

void reboot_if_asked(void)
{
	enum way way = way_asked();
	uint32_t boot = boot_number();
	bool pam = word("reboot.pam") && pci_machine() != NO_PCI;
	bool read_only = word("reboot.readonly") && pci_machine() != NO_PCI;
	uint64_t resets = 0;

	if (!word_value("reboot", &resets) || boot > resets || !all_passed())
		return;
	mark_boot(boot);
	if (pam)
		open_pam();
	for (uint32_t i = 0; i < handoff.map_count; i++)
		if ((handoff.map[i].type == MAP_RAM || handoff.map[i].type == MAP_ACPI) &&
		    handoff.map[i].end <= GIB4)
			fill(handoff.map[i].base, handoff.map[i].end);
	if (way != INIT) /* the firmware's memory, by which it tells an INIT from a reset */
		fill(0xe0000, pam ? 0x100000 : 0xf0000);
	if (pam)
		fill(0xc0000, 0xe0000);
	if (read_only)
		close_pam();
	reset(way);
}
