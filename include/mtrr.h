/*
 * mtrr.h - memory types: what every processor's MSRs shall hold.
 * SDM Vol. 3A, "Memory Type Range Registers (MTRRs)".
 */
#ifndef MTRR_H
#define MTRR_H

#include <stdint.h>

#include "msr_list.h"
#include "spec/msr.h"

#define MTRR_MAX_RANGES 8 /* variable ranges used, however many there are */

/*
 * Plans memory types: write-back by default; the VGA window uncacheable, option ROMs and the ROM
 * write-protected; and uncacheable from a place in [ram_end, hole_base] up to 4 GiB, chosen so that
 * it takes the fewest variable ranges, and among those covers most.  ram_end is where RAM below
 * 4 GiB ends, hole_base where MMIO may begin; a hole that begins in RAM begins at ram_end.
 *
 * capability is IA32_MTRRCAP.  When its ranges do not suffice, what is left out is the part next to
 * RAM.  Nothing above 4 GiB is made uncacheable: drivers map what they use there.  Begins the list;
 * pure but for msr_list_add().
 */
void mtrr_plan(struct msr_list *list, uint32_t capability, uint32_t phys_bits, uint32_t ram_end,
	       uint32_t hole_base);

#endif
