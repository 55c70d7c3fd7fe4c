/* irq.c - what a system that reads no ACPI tables needs of the interrupt controllers. */
#include "guest.h"
#include "io.h"

/* clang-format off */
#define LEVEL_CAPABLE           0xdef8u         /* 3-7, 9-12, 14, 15 */
#define SCI_IRQ                 9

#define LVT_MASKED              (1u << 16)
#define LVT_DELIVERY            0x700u
  #define LVT_EXTINT              0x700u
/* clang-format on */

static void check_pirqs(void)
{
	uint32_t elcr = inb(PORT_ELCR) | (uint32_t)inb(PORT_ELCR + 1) << 8;
	uint32_t count = pci_machine() == PC ? 4 : 8;
	uint32_t routed = 0;

	for (uint32_t pirq = 0; pirq < count; pirq++) {
		uint8_t route = pci_pirq_route(pirq);

		check(route < 16 && (LEVEL_CAPABLE >> route & 1), "irq.pirq", "a level-capable IRQ",
		      "PIRQ%c routed to %x", (int)('A' + pirq), (uint32_t)route);
		routed |= 1u << (route & 15);
	}
	check_equal("irq.elcr", routed, elcr & ~(1u << SCI_IRQ));
}

void check_irq(void)
{
	if (pci_machine() != NO_PCI)
		check_pirqs();
	if (!acpi_expected() && (cpuid(1).edx & CPUID_APIC))
		check_equal("irq.lint0", LVT_EXTINT,
			    mmio_read32(LAPIC_BASE + LAPIC_LINT0) & (LVT_MASKED | LVT_DELIVERY));
}
