/*
 * smp_block.h - what the boot processor and the others share; start.S walks it by these offsets.
 */
#ifndef SMP_BLOCK_H
#define SMP_BLOCK_H

#define SMP_BLOCK_ARRIVED       0
#define SMP_BLOCK_MSR_COUNT     4
#define SMP_BLOCK_MSRS          8

#define MSR_VALUE_MSR           0
#define MSR_VALUE_LOW           4
#define MSR_VALUE_HIGH          8
#define MSR_VALUE_SIZE          12

#ifndef __ASSEMBLY__

#include <stddef.h>
#include <stdint.h>

#include "mtrr.h"

struct smp_block {
	uint32_t arrived;               /* processors beside the boot processor that have these: */
	struct msr_list msrs;
};
_Static_assert(offsetof(struct smp_block, arrived) == SMP_BLOCK_ARRIVED, "start.S");
_Static_assert(offsetof(struct smp_block, msrs.count) == SMP_BLOCK_MSR_COUNT, "start.S");
_Static_assert(offsetof(struct smp_block, msrs.values) == SMP_BLOCK_MSRS, "start.S");
_Static_assert(offsetof(struct msr_value, msr) == MSR_VALUE_MSR, "start.S");
_Static_assert(offsetof(struct msr_value, low) == MSR_VALUE_LOW, "start.S");
_Static_assert(offsetof(struct msr_value, high) == MSR_VALUE_HIGH, "start.S");
_Static_assert(sizeof(struct msr_value) == MSR_VALUE_SIZE, "start.S");

/* The one there is: a SIPI passes no argument. */
extern struct smp_block smp_block;

#endif
#endif
