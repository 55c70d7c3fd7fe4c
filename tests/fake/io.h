/*
 * io.h - the hardware border of include/io.h, over the modelled machine of fake.h.
 */
#ifndef IO_H
#define IO_H

#include <stdint.h>

uint8_t inb(uint16_t port);
uint32_t inl(uint16_t port);
void outb(uint16_t port, uint8_t value);
void outw(uint16_t port, uint16_t value);
void outl(uint16_t port, uint32_t value);
void insb(uint16_t port, void *dest, uint32_t count);

uint8_t mmio_read8(uint32_t paddr);
uint32_t mmio_read32(uint32_t paddr);
uint64_t mmio_read64(uint32_t paddr);
void mmio_write8(uint32_t paddr, uint8_t value);
void mmio_write16(uint32_t paddr, uint16_t value);
void mmio_write32(uint32_t paddr, uint32_t value);
void mmio_write64(uint32_t paddr, uint64_t value);
void mmx_done(void);

#endif
