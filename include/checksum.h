/*
 * checksum.h - the byte checksum of ACPI, SMBIOS and MP tables.
 */
#ifndef CHECKSUM_H
#define CHECKSUM_H

#include <stdint.h>

/* The sum of size bytes, modulo 256.  Any alignment. */
uint8_t checksum_sum(const void *bytes, uint32_t size);

/*
 * The same in an eighth of the instructions.  Only where MMX arithmetic is known to be executed
 * (cpu_runs_mmx()); the x87 unit is in order afterwards.
 */
uint8_t checksum_sum_mmx(const void *bytes, uint32_t size);

#endif
