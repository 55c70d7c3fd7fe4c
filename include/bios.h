/*
 * bios.h - the little that kernels find of a BIOS: the data area, and an answer to every call.
 *
 * There are no BIOS services.  A kernel that calls one in real mode (Xen, old loaders) must be told
 * so, or it would run through whatever the interrupt table leads to.
 */
#ifndef BIOS_H
#define BIOS_H

#include <stdint.h>

#include "memmap.h"

/*
 * Writes the EBDA's size into its first byte.  Fills the first page of RAM, unless a kernel has
 * been loaded there: the BIOS data area names the EBDA and the size of conventional memory, and
 * each of the 256 interrupt vectors of real mode leads to bios_call.S.  Cost: no VM exit.
 *
 * IBM PC/AT Technical Reference, "BIOS Data Area"; MP Specification 1.4, 4 "MP Configuration
 * Table".
 */
void bios_install(const struct memmap *map);

/*
 * bios_call.S, as an entry of the interrupt table: its offset, and its segment in the upper half.
 */
extern const uint32_t bios_call_vector;

#endif
