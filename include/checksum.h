/*
 * checksum.h - the byte checksum of ACPI, SMBIOS and MP tables.
 */
#ifndef CHECKSUM_H
#define CHECKSUM_H

#include <stdint.h>

/* The sum of size bytes, modulo 256.  Any alignment. */
uint8_t checksum_sum(const void *bytes, uint32_t size);

#endif
