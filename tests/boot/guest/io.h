/* io.h - ports, PCI configuration space, CPUID and MSRs. */
#ifndef IO_H
#define IO_H

#include <stdbool.h>
#include <stdint.h>

/* clang-format off */
#define PORT_CMOS               0x70
#define PORT_ELCR               0x4d0
#define PORT_RESET              0xcf9
#define PORT_DEBUG_EXIT         0xf4

#define LAPIC_BASE              0xfee00000
  #define LAPIC_ID                0x20
  #define LAPIC_LINT0             0x350
/* clang-format on */

static inline void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void outw(uint16_t port, uint16_t value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void outl(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline uint32_t inl(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline void insb(uint16_t port, void *to, uint32_t count)
{
	__asm__ volatile("rep insb" : "+D"(to), "+c"(count) : "d"(port) : "memory");
}

static inline uint32_t mmio_read32(uint32_t paddr)
{
	return *(volatile uint32_t *)(uintptr_t)paddr;
}

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

/* Zeros on a processor without CPUID. */
static inline struct cpuid cpuid(uint32_t leaf)
{
	struct cpuid c = { 0, 0, 0, 0 };
	uint32_t toggled;

	__asm__ volatile("pushfl; pushfl; xorl $0x200000, (%%esp); popfl\n"
			 "pushfl; popl %0; xorl (%%esp), %0; popfl"
			 : "=r"(toggled)
			 :
			 : "cc", "memory");
	if (toggled & 0x200000)
		__asm__ volatile("cpuid"
				 : "=a"(c.eax), "=b"(c.ebx), "=c"(c.ecx), "=d"(c.edx)
				 : "a"(leaf), "c"(0));
	return c;
}

/* Leaf 1, EDX */
#define CPUID_PAE   (1u << 6)
#define CPUID_APIC  (1u << 9)
#define CPUID_PSE36 (1u << 17)

static inline uint32_t pci_address(uint32_t bdf, uint32_t offset)
{
	return 0x80000000u | bdf << 8 | (offset & 0xfc);
}

static inline uint32_t pci_read32(uint32_t bdf, uint32_t offset)
{
	outl(0xcf8, pci_address(bdf, offset));
	return inl(0xcfc);
}

static inline uint8_t pci_read8(uint32_t bdf, uint32_t offset)
{
	outl(0xcf8, pci_address(bdf, offset));
	return inb((uint16_t)(0xcfc + (offset & 3)));
}

static inline void pci_write8(uint32_t bdf, uint32_t offset, uint8_t value)
{
	outl(0xcf8, pci_address(bdf, offset));
	outb((uint16_t)(0xcfc + (offset & 3)), value);
}

#endif
