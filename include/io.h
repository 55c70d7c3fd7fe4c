/*
 * io.h - hardware border: port I/O, MMIO and PCI configuration space.
 *
 * Every function here but mmx_done() leaves the guest for the hypervisor: one VM exit for each port
 * or MMIO access that a device model in userspace serves.  tests/fake has another io.h that counts
 * them.
 */
#ifndef IO_H
#define IO_H

#include <stdint.h>

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

/* Reads count bytes from one port into memory. */
static inline void insb(uint16_t port, void *dest, uint32_t count)
{
	__asm__ volatile("rep insb" : "+D"(dest), "+c"(count) : "d"(port) : "memory");
}

/* MMIO is a plain MOV between a register and memory: the form every hypervisor emulates. */
static inline uint8_t mmio_read8(uint32_t paddr)
{
	uint8_t value;

	__asm__ volatile("movb (%1), %0" : "=q"(value) : "r"(paddr) : "memory");
	return value;
}

static inline uint32_t mmio_read32(uint32_t paddr)
{
	uint32_t value;

	__asm__ volatile("movl (%1), %0" : "=r"(value) : "r"(paddr) : "memory");
	return value;
}

static inline void mmio_write8(uint32_t paddr, uint8_t value)
{
	__asm__ volatile("movb %1, (%0)" : : "r"(paddr), "q"(value) : "memory");
}

static inline void mmio_write16(uint32_t paddr, uint16_t value)
{
	__asm__ volatile("movw %1, (%0)" : : "r"(paddr), "r"(value) : "memory");
}

static inline void mmio_write32(uint32_t paddr, uint32_t value)
{
	__asm__ volatile("movl %1, (%0)" : : "r"(paddr), "r"(value) : "memory");
}

/*
 * Eight bytes in one access, through an MMX register.  Only on a processor with MMX (struct cpu);
 * call mmx_done() before anything uses the x87 unit.
 */
static inline uint64_t mmio_read64(uint32_t paddr)
{
	uint64_t value;

	__asm__ volatile("movq (%1), %%mm0\n\tmovq %%mm0, %0"
			 : "=m"(value)
			 : "r"(paddr)
			 : "memory");
	return value;
}

static inline void mmio_write64(uint32_t paddr, uint64_t value)
{
	__asm__ volatile("movq %1, %%mm0\n\tmovq %%mm0, (%0)"
			 :
			 : "r"(paddr), "m"(value)
			 : "memory");
}

static inline void mmx_done(void)
{
	/*
	 * FNINIT: KVM's instruction emulator, which some hosts run all of this with, has no EMMS.
	 */
	__asm__ volatile("fninit");
}

#endif
